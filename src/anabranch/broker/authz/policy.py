"""What brokers enforce, for commands that work beside them: `anabranch acl check`, and who may replay.

A broker that enforces ACLs leaves its settings in the metastore. Commands that replay ask for the right as
the operating system's user. That is a guard rail and a line in the audit log, not a wall: whoever can open
the metastore can change it by other means.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from anabranch.broker.audit import inbox
from anabranch.broker.audit.events import Kind, Outcome
from anabranch.broker.authz import store
from anabranch.broker.authz.acl import Operation, ResourceType
from anabranch.broker.authz.index import AclIndex
from anabranch.broker.authz.settings import AuthorizationSettings
from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore

DOCUMENT_KIND: Final = "authorization"
DOCUMENT_ID: Final = "settings"

_decode = msgspec.json.Decoder(AuthorizationSettings).decode


async def publish(metastore: Metastore, settings: AuthorizationSettings, now_ms: int) -> None:
    """Say what the brokers enforce; written only if it changed."""
    body = msgspec.json.encode(settings)
    known = await metastore.document(DOCUMENT_KIND, DOCUMENT_ID)
    if known is None and not settings.acls:
        return  # as nearly everywhere: nothing was ever enforced
    if known is None or known.body != body:
        await metastore.put_document(DOCUMENT_KIND, DOCUMENT_ID, body, now_ms)


async def enforced(metastore: Metastore) -> AuthorizationSettings | None:
    """What the broker that started last enforces; None: no broker ever did."""
    document = await metastore.document(DOCUMENT_KIND, DOCUMENT_ID)
    if document is None:
        return None
    try:
        settings = _decode(document.body)
    except msgspec.MsgspecError:
        raise UserFault("what brokers enforce was stored by a later release") from None
    return settings if settings.acls else None


async def load_index(metastore: Metastore) -> AclIndex:
    """Every entry. Raises Corrupt."""
    index = AclIndex()
    async for page in store.load(metastore):
        for acl in page:
            index.add(acl)
    return index


async def require_replay(
    metastore: Metastore,
    command: str,
    wanted: Sequence[tuple[ResourceType, str]],
    now_ms: int,
    *,
    principal: str | None = None,
    host: str = "localhost",
) -> None:
    """Raises UserFault unless the user of this process has REPLAY of all that is ``wanted``."""
    settings = await enforced(metastore)
    who = inbox.user() if principal is None else principal
    if settings is None or who in settings.super_users:
        return
    index = await load_index(metastore)
    for kind, name in wanted:
        decision = index.decide(
            who,
            host,
            Operation.REPLAY,
            kind,
            name,
            open_by_default=settings.allow_everyone_if_no_acl_found,
        )
        if not decision.allowed:
            what = kind.name.lower()
            reason = f"{who} has no right to replay {what} “{name}”"
            await inbox.tell(
                metastore,
                command,
                f"{kind.name}:{name}",
                now_ms,
                kind=Kind.DENIED,
                outcome=Outcome.DENIED,
                operation=Operation.REPLAY.name,
            )
            raise UserFault(
                f"{reason}: a super user gives it with `anabranch acl add --principal {who} "
                f"--operation replay --{what} {name}`"
            )
