"""A named listener of a broker: its socket, and how whoever comes by it proves who it is."""

from __future__ import annotations

import socket

from anabranch.broker.config import BrokerSettings, ListenerSettings
from anabranch.broker.security.tls import TlsKeeper
from anabranch.metastore.api import Endpoint


class Door:
    """One listener. ``host`` and ``port`` are where it listens once it is bound.

    Invariant: ``connections`` is how many of the open ones came by it.
    """

    def __init__(self, settings: ListenerSettings, mechanisms: tuple[str, ...] = ()) -> None:
        self.settings = settings
        self.name = settings.known_as
        self.protocol = settings.protocol
        self.encrypted = settings.protocol.endswith("SSL")
        self.sasl = settings.protocol.startswith("SASL")
        self.mechanisms = (settings.mechanisms or mechanisms) if self.sasl else ()
        self.host = settings.host
        self.port = settings.port
        self.connections = 0
        self.tls: TlsKeeper | None = None  # once it is secured
        self.socket: socket.socket | None = None

    def bound(self, made: socket.socket) -> None:
        """It listens by this socket from now on."""
        self.socket = made
        self.port = made.getsockname()[1]

    @property
    def endpoint(self) -> Endpoint:
        """Where clients are told to connect."""
        told = self.settings
        return Endpoint(
            self.name,
            self.protocol,
            told.advertised_host or self.host,
            told.advertised_port or self.port,
        )

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.name} ({self.protocol}) at {host}:{self.port}"


PLAIN = Door(ListenerSettings())
"""Of a connection that came by no listener in particular: tests and simulation make such."""


def doors(settings: BrokerSettings) -> list[Door]:
    """One for each listener that is configured, none of them bound."""
    return [Door(one, settings.sasl.mechanisms) for one in settings.all_listeners]
