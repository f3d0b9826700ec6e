"""How authorization is configured."""

from __future__ import annotations

from msgspec import Struct

from anabranch.broker.security.principal import Principal


class AuthorizationSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether ACLs are enforced, and for whom not. Without ``acls`` everything is allowed."""

    acls: bool = False  # Kafka's authorizer.class.name: its StandardAuthorizer, or none
    super_users: tuple[str, ...] = ()  # as User:admin; what they do is never refused
    allow_everyone_if_no_acl_found: bool = False  # of a resource on which nobody has an entry
    replay_age_ms: int | None = (
        None  # reading what was appended longer ago is REPLAY; None: it is not
    )

    def wrong(self) -> str | None:
        """A sentence if the settings make no sense. Raises UserFault for a super user that is none."""
        for user in self.super_users:
            Principal.parse(user)
        if self.replay_age_ms is not None and self.replay_age_ms < 1:
            return "authorization.replay_age_ms must be at least 1"
        return None
