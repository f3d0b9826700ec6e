"""What a handler knows besides the request: the broker, and who asks."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from anabranch.broker.security.principal import Principal, Session
from anabranch.metastore.api import Actor

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.lanes import LaneSettings
    from anabranch.broker.routing import Routes
    from anabranch.broker.security.authentication import Authentication
    from anabranch.broker.server import Broker
    from anabranch.groups.coordinator import Coordinator
    from anabranch.log.log import Log
    from anabranch.log.transactions import Transactions


class Context:
    """One request's surroundings. ``session`` is as of the request's start: what a later
    re-authentication changes is for later requests. ``access``: what the client may do; None where nothing
    is limited or audited."""

    __slots__ = ("access", "authentication", "broker", "client_id", "session", "version")

    def __init__(
        self,
        broker: Broker,
        version: int,
        client_id: str,
        session: Session,
        authentication: Authentication | None = None,
    ) -> None:
        self.authentication = authentication  # of the connection, where SASL is asked for
        self.broker = broker
        self.version = version
        self.client_id = client_id
        self.session = session
        self.access: Access | None = None

    @property
    def log(self) -> Log:
        return self.broker.log

    @property
    def transactions(self) -> Transactions:
        transactions = self.broker.log.transactions
        assert transactions is not None, "a broker appends"
        return transactions

    @property
    def groups(self) -> Coordinator:
        return self.broker.groups

    @property
    def routes(self) -> Routes:
        """Who leads what, at the addresses that clients of this listener are told."""
        return self.broker.routes.seen_by(self.session.listener)

    @property
    def lane(self) -> LaneSettings:
        return self.broker.settings.lane

    @property
    def principal(self) -> Principal:
        return self.session.principal

    @property
    def host(self) -> str:
        """The client's address, as Kafka shows it without the port."""
        return self.session.host

    def described_client(self, instance_id: bytes) -> dict[str, str]:
        """Who asks, as subscriptions to clients' metrics choose by (KIP-714)."""
        name, version = self.session.software
        return {
            "client_instance_id": base64.urlsafe_b64encode(instance_id).rstrip(b"=").decode(),
            "client_id": self.client_id,
            "client_software_name": name,
            "client_software_version": version,
            "client_source_address": self.host,
            "client_source_port": str(self.session.port),
        }

    def actor(
        self,
        api: str,
        *,
        member_id: str = "",
        instance_id: str | None = None,
        generation: int = -1,
        reason: str = "",
    ) -> Actor:
        """Who changes an offset by this request (I8)."""
        return Actor(
            principal=str(self.principal),
            client_id=self.client_id,
            host=self.host,
            member_id=member_id,
            instance_id=instance_id or "",
            generation=generation,
            api=api,
            reason=reason,
        )
