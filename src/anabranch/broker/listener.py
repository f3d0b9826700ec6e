"""The listening socket and everything that the connections share: limits, budgets, the clock of idleness."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from anabranch.broker.admission import Admission
from anabranch.broker.audit.events import Outcome, authentication
from anabranch.broker.config import Limits
from anabranch.broker.connection import Connection
from anabranch.broker.dispatch import Dispatcher
from anabranch.broker.door import Door
from anabranch.broker.inbox import LargeBudget
from anabranch.broker.request_times import RequestTimes
from anabranch.broker.security.authentication import Authentication
from anabranch.broker.security.authenticators import Authenticators
from anabranch.broker.security.principal import Session
from anabranch.broker.tls_connection import CIPHERTEXT_BYTES, Handshakes, TlsConnection
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.broker.server import Broker
    from anabranch.log.budget import ByteBudget
    from anabranch.log.log import Log

logger = logging.getLogger(__name__)

BACKLOG: Final = 128
UNSENT_SHARES: Final = 8  # one answer takes at most this part of what is left of the budget
FETCH_BYTES_LEAST: Final = 64 * 1024  # a consumer always gets on
TRIM_S: Final = 30.0  # a connection that is silent for so long gives its large ring back
SWEEP_S: Final = 1.0  # how often idle and stalled connections are looked for
STOP_POLL_S: Final = 0.01


def bind(host: str, port: int) -> socket.socket:
    """A bound TCP socket; ``port`` 0 takes any free one. Raises UserFault with a sentence."""
    where = f"{host}:{port}"
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise UserFault(f"cannot listen on {where}: {error.strerror}") from None
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
        # Before the log is opened, so that a second broker on this port fails early and says so.
        bound.listen(BACKLOG)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRINUSE:
            raise UserFault(
                f"{where} is in use by another process: stop it, or choose another port with "
                f"--listen {host}:PORT (0 takes any free one)"
            ) from None
        raise UserFault(f"cannot listen on {where}: {error.strerror}") from None
    except OverflowError:
        bound.close()
        raise UserFault(f"cannot listen on {where}: there is no such port") from None
    return bound


class Listener:
    """Accepts connections and holds what they share.

    Invariant: ``unsent_bytes`` is the sum of what connections keep of answers.
    """

    def __init__(self, broker: Broker, dispatcher: Dispatcher) -> None:
        self._broker = broker
        self.dispatcher = dispatcher
        self.connections: dict[Connection, None] = {}
        self.admission = Admission()
        self.unsent_bytes = 0
        self.authenticators: Authenticators | None = None  # where a door asks for SASL
        self.times = RequestTimes()
        self.reads: ByteBudget | None = None  # of answers from storage: waits for room in these
        self.budget = LargeBudget(lambda: self.limits.large_requests_bytes_max, self._soon)
        self.handshakes = Handshakes(lambda: self.limits.handshakes_max, self._soon)
        self.ciphertext = memoryview(bytearray(CIPHERTEXT_BYTES))  # for all TLS connections
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def limits(self) -> Limits:
        return self._broker.settings.limits

    @property
    def log(self) -> Log:
        return self._broker.log

    async def start(self, doors: Sequence[Door]) -> None:
        """Accept at ``doors``, which are bound."""
        self._loop = asyncio.get_running_loop()
        for door in doors:
            assert door.socket is not None
            self._servers.append(
                await self._loop.create_server(
                    partial(self._connect, door), sock=door.socket, backlog=BACKLOG
                )
            )
        self._sweep_later()

    def _soon(self, callback: Callable[[], None]) -> None:
        assert self._loop is not None
        self._loop.call_soon(callback)

    def _connect(self, door: Door) -> Connection:
        assert self._loop is not None
        kind = TlsConnection if door.encrypted else Connection
        return kind(self, self._loop, door)

    async def stop(self) -> None:
        """Accept no more, start no more requests, send what is owed, then close everything."""
        if not self._servers or self._loop is None:
            return
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self.connections):
            connection.stop()
        deadline = self._loop.time() + self.limits.stop_ms_max / 1000
        while self._loop.time() < deadline and any(one.busy for one in self.connections):  # noqa: ASYNC110
            await asyncio.sleep(STOP_POLL_S)
        for connection in list(self.connections):
            connection.close("the broker stops", level=logging.DEBUG)
        await asyncio.sleep(0)  # lets the transports tell their protocols
        self._servers.clear()

    def authentication(
        self, door: Door, session: Session, adopt: Callable[[Session], None]
    ) -> Authentication:
        """The way of a new client of a SASL listener."""
        assert self.authenticators is not None and self._loop is not None
        return Authentication(self.authenticators, door.mechanisms, session, self._loop.time, adopt)

    def authenticated(self, session: Session) -> None:
        """A client has shown a certificate."""
        self._broker.audit.record(authentication(session, Outcome.OK))

    def not_authenticated(self, session: Session, why: str) -> None:
        """A client's certificate was not accepted."""
        self._broker.audit.record(authentication(session, Outcome.FAILED, reason=why))

    # -- admission -------------------------------------------------------------------------------
    def admit(self, connection: Connection) -> str | None:
        """Count a new connection; a sentence if there is no place for it."""
        door, host = connection.door, connection.host
        refusal = self.admission.refusal(self.limits, door, host)
        quotas = self.dispatcher.quotas
        if refusal is None and quotas is not None:
            refusal = quotas.refuses_connection(host)
        if refusal is not None:
            self.admission.refused += 1
            return refusal
        self.connections[connection] = None
        self.admission.enter(door, host)
        return None

    def forget(self, connection: Connection) -> None:
        del self.connections[connection]
        self.admission.leave(connection.door, connection.host)

    def turn(self, connection: Connection) -> float:
        """In how many seconds a new connection may be read."""
        assert self._loop is not None
        return self.admission.wait_s(self.limits, connection.host, self._loop.time())

    # -- answers -----------------------------------------------------------------------------------
    def unsent_changed(self, by: int) -> None:
        """A connection keeps so many bytes more, or fewer, of its answers."""
        self.unsent_bytes += by
        if by < 0 and self.reads is not None:
            self.reads.changed()

    @property
    def short_of_memory(self) -> bool:
        """Whether clients have left more of their answers unread than there is room for."""
        return self.unsent_bytes > self.limits.unsent_total_bytes_max

    def fetch_bytes_max(self) -> int:
        """The most that one answer to a fetch may hold now.

        Consumers that do not read what they asked for make everybody's answers smaller, not later.
        """
        limits = self.limits
        share = (limits.unsent_total_bytes_max - self.unsent_bytes) // UNSENT_SHARES
        return min(limits.fetch_bytes_max, max(share, FETCH_BYTES_LEAST))

    # -- idleness ----------------------------------------------------------------------------------
    def _sweep_later(self) -> None:
        assert self._loop is not None
        self._sweeper = self._loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        assert self._loop is not None
        self.close_idle(self._loop.time())
        self._sweep_later()

    def close_idle(self, now_s: float) -> None:
        """Close what has been silent for too long, as of the loop's time ``now_s``."""
        self.admission.forget_rates(now_s)
        limits = self.limits
        idle_since = now_s - limits.idle_ms_max / 1000
        stalled_since = now_s - limits.stall_ms_max / 1000
        tight = self.short_of_memory or (self.reads is not None and self.reads.short)
        strange_since = now_s - limits.authentication_ms_max / 1000
        for connection in list(self.connections):
            if connection.begun_at < strange_since and not connection.proven:
                connection.close(
                    f"it has not proven who it is for {limits.authentication_ms_max} ms"
                )
            elif connection.inbox.receiving_large and connection.active_at < stalled_since:
                connection.close(f"a request stopped arriving for {limits.stall_ms_max} ms")
            elif connection.unsent_bytes and connection.active_at < stalled_since and tight:
                connection.close(
                    f"it left {connection.unsent_bytes} bytes of answers unread for "
                    f"{limits.stall_ms_max} ms while others wait for the room"
                )
            elif connection.active_at < idle_since and not connection.awaiting_answer:
                connection.close(f"idle for {limits.idle_ms_max} ms", level=logging.INFO)
            elif connection.active_at < now_s - TRIM_S:
                connection.inbox.trim()
