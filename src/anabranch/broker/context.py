"""What a handler knows besides the request: the broker, and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anabranch.metastore.api import Actor

if TYPE_CHECKING:
    from anabranch.broker.lanes import LaneSettings
    from anabranch.broker.routing import Routes
    from anabranch.broker.server import Broker
    from anabranch.groups.coordinator import Coordinator
    from anabranch.log.log import Log

ANONYMOUS = "User:ANONYMOUS"  # Kafka's principal where no authentication is asked for


class Context:
    """One request's surroundings."""

    __slots__ = ("broker", "client_id", "host", "version")

    def __init__(self, broker: Broker, version: int, client_id: str, host: str) -> None:
        self.broker = broker
        self.version = version
        self.client_id = client_id
        self.host = host  # the client's address, as Kafka shows it without the port

    @property
    def log(self) -> Log:
        return self.broker.log

    @property
    def groups(self) -> Coordinator:
        return self.broker.groups

    @property
    def routes(self) -> Routes:
        return self.broker.routes

    @property
    def lane(self) -> LaneSettings:
        return self.broker.settings.lane

    @property
    def principal(self) -> str:
        return ANONYMOUS

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
            principal=self.principal,
            client_id=self.client_id,
            host=self.host,
            member_id=member_id,
            instance_id=instance_id or "",
            generation=generation,
            api=api,
            reason=reason,
        )
