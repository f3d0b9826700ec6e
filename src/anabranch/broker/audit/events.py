"""What is audited, and to whom it is told."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from anabranch.broker.context import Context
    from anabranch.broker.security.principal import Session


class Kind(StrEnum):
    """What an event is about."""

    AUTHENTICATION = "authentication"  # succeeded or failed, also again on a live connection
    DENIED = "authorization"  # something was asked for that the principal may not do
    ADMIN = "admin"  # topics, configs, ACLs, quotas, users, groups, branches, points
    OFFSETS = "offsets"  # a committed offset, with its old and its new value
    READ = "read"  # a range of an audited topic
    LOG = "audit"  # the log about itself: begun, ended, lines dropped


class Outcome(StrEnum):
    """How it ended."""

    OK = "ok"
    DENIED = "denied"
    FAILED = "failed"


class AuditEvent(Struct, frozen=True, omit_defaults=True):
    """One thing that happened. ``details`` holds what JSON can: strings, numbers, lists, objects."""

    kind: Kind
    outcome: Outcome = Outcome.OK
    principal: str = ""
    host: str = ""
    client_id: str = ""
    listener: str = ""
    mechanism: str = ""
    api: str = ""  # of Kafka's protocol, or a command of ours, as in "anabranch acl add"
    operation: str = ""  # the right that was asked for, as in READ
    resource: str = ""  # as in TOPIC:payments
    reason: str = ""
    details: Mapping[str, Any] = {}


class AuditSink(Protocol):
    """Where events go. Never waits, never raises: what produces an event goes on at once."""

    @property
    def active(self) -> bool:
        """Whether anybody listens: whoever would have to work for an event may ask first."""

    @property
    def refuses(self) -> bool:
        """Whether what would be audited has to be refused now, because nothing more can be noted."""

    def record(self, event: AuditEvent) -> None:
        """Note that it happened, now."""


class _Nobody:
    active = False
    refuses = False

    def record(self, event: AuditEvent) -> None:
        pass


NOBODY: Final[AuditSink] = _Nobody()


def authentication(
    session: Session, outcome: Outcome, *, reason: str = "", client_id: str = ""
) -> AuditEvent:
    """A client proved who it is, or failed to; ``session`` as far as it is known."""
    return AuditEvent(
        Kind.AUTHENTICATION,
        outcome,
        str(session.principal),
        session.host,
        client_id,
        session.listener,
        session.mechanism or "",
        reason=reason,
    )


def of_request(
    context: Context,
    kind: Kind,
    api: str,
    *,
    outcome: Outcome = Outcome.OK,
    operation: str = "",
    resource: str = "",
    reason: str = "",
    details: Mapping[str, Any] = {},  # never changed
) -> AuditEvent:
    """What a request of ``context`` did or was refused."""
    session = context.session
    return AuditEvent(
        kind,
        outcome,
        str(session.principal),
        session.host,
        context.client_id,
        session.listener,
        session.mechanism or "",
        api,
        operation,
        resource,
        reason,
        details,
    )
