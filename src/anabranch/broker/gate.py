"""What every request passes where ACLs are enforced or an audit log is kept.

Without either there is no gate: the dispatcher calls handlers directly, and the plain path pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.audit.denials import Denials
from anabranch.broker.audit.events import AuditSink
from anabranch.broker.audit.reads import Reads
from anabranch.broker.authz.access import Access
from anabranch.broker.authz.ages import Ages
from anabranch.broker.authz.authorizer import UNLIMITED, Authorizer
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.broker.guards import GUARDS
from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import Metastore

if TYPE_CHECKING:
    from collections.abc import Callable

    from anabranch.broker.context import Context
    from anabranch.broker.dispatch import Api, Started
    from anabranch.metastore.api import Topic


# What changes something, and so is always audited.
CHANGES: Final = frozenset(
    (8, 19, 20, 21, 28, 30, 31, 33, 37, 38, 39, 40, 42, 44, 47, 49, 51, 57, 64, 91, 92)
)
NO_ROOM: Final = "the audit log cannot be written, and audit.on_full is refuse"


class Gate:
    """Puts each request before the guard of its API, which asks what the client may."""

    def __init__(
        self,
        authorizer: Authorizer | None,
        audit: AuditSink,
        monotonic_s: Callable[[], float],
        metastore: Metastore,
        settings: AuthorizationSettings,
        offsets_audited: str = "all",
    ) -> None:
        self.authorizer = authorizer  # None: everything is allowed, and audited
        self.audit = audit
        self.offsets_audited = offsets_audited  # as audit.offsets
        self.denials = Denials(audit, monotonic_s)
        self.reads = Reads(audit) if audit.active else None
        self.ages = Ages(metastore, settings.replay_age_ms, monotonic_s)

    def enter(self, context: Context, api: Api, request: Any) -> Started:
        """What the API's handler answers to what is allowed of the request, and refusals for the rest."""
        if self.audit.refuses and api.key in CHANGES:
            raise ClientFault(ErrorCode.KAFKA_STORAGE_ERROR, NO_ROOM)
        authorizer = self.authorizer
        rights = UNLIMITED if authorizer is None else authorizer.rights(context.session)
        access = context.access = Access(self, context, api.name, rights)
        return GUARDS[api.key](access, request, api.handle)

    def check_reads(self, topic: Topic) -> None:
        """Raises ClientFault(KAFKA_STORAGE_ERROR) if a read of it would have to be noted and cannot be."""
        if self.audit.refuses and self.reads is not None and self.reads.is_audited(topic):
            raise ClientFault(ErrorCode.KAFKA_STORAGE_ERROR, NO_ROOM)

    def close(self) -> None:
        """Tell the audit log what is still being read."""
        if self.reads is not None:
            self.reads.close()
