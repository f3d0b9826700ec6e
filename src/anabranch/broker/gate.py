"""What every request passes where ACLs are enforced or an audit log is kept.

Without either there is no gate: the dispatcher calls handlers directly, and the plain path pays nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anabranch.broker.audit.denials import Denials
from anabranch.broker.audit.events import AuditSink
from anabranch.broker.audit.reads import Reads
from anabranch.broker.authz.access import Access
from anabranch.broker.authz.ages import Ages
from anabranch.broker.authz.authorizer import UNLIMITED, Authorizer
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.broker.guards import GUARDS
from anabranch.metastore.api import Metastore

if TYPE_CHECKING:
    from collections.abc import Callable

    from anabranch.broker.context import Context
    from anabranch.broker.dispatch import Api, Started


class Gate:
    """Puts each request before the guard of its API, which asks what the client may."""

    def __init__(
        self,
        authorizer: Authorizer | None,
        audit: AuditSink,
        monotonic_s: Callable[[], float],
        metastore: Metastore,
        settings: AuthorizationSettings,
    ) -> None:
        self.authorizer = authorizer  # None: everything is allowed, and audited
        self.audit = audit
        self.denials = Denials(audit, monotonic_s)
        self.reads = Reads(audit) if audit.active else None
        self.ages = Ages(metastore, settings.replay_age_ms, monotonic_s)

    def enter(self, context: Context, api: Api, request: Any) -> Started:
        """What the API's handler answers to what is allowed of the request, and refusals for the rest."""
        authorizer = self.authorizer
        rights = UNLIMITED if authorizer is None else authorizer.rights(context.session)
        access = context.access = Access(self, context, api.name, rights)
        return GUARDS[api.key](access, request, api.handle)
