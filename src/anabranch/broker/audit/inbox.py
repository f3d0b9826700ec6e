"""What commands did to the cluster, on its way to a broker's audit log.

A command works on the metastore itself, beside the brokers, and has no chain of its own: it leaves its event
as a document. One broker that keeps an audit log writes it down, and removes the document only then.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import msgspec

from anabranch import person
from anabranch.broker.audit.events import AuditEvent, Kind, Outcome
from anabranch.errors import AnabranchError
from anabranch.log.audit_trail import HEAD_KIND
from anabranch.metastore.api import Metastore

if TYPE_CHECKING:
    from anabranch.broker.audit.log import AuditLog

logger = logging.getLogger(__name__)

DOCUMENT_KIND: Final = "audit-event"
POLL_S: Final = 5.0
TAKEN_MAX: Final = 100  # at a time

_decode = msgspec.json.Decoder(AuditEvent).decode


def user() -> str:
    """Who runs this process, as a principal: the operating system's user."""
    return f"User:{person.name()}"


async def tell(
    metastore: Metastore,
    command: str,
    resource: str,
    now_ms: int,
    *,
    outcome: Outcome = Outcome.OK,
    kind: Kind = Kind.ADMIN,
    operation: str = "",
    reason: str = "",
    details: dict[str, Any] | None = None,
) -> None:
    """Leave an event of a command for whichever broker keeps an audit log, if ever one did."""
    if not await metastore.documents_after(HEAD_KIND, "", 1):
        return
    event = AuditEvent(
        kind,
        outcome,
        principal=user(),
        host=socket.gethostname(),
        api=command,
        operation=operation,
        resource=resource,
        reason=reason,
        details=details or {},
    )
    name = f"{now_ms:015d}-{secrets.token_hex(8)}"
    await metastore.put_document(DOCUMENT_KIND, name, msgspec.json.encode(event), now_ms)


class Inbox:
    """Takes such events, while ``is_mine`` says that this broker is the one to do so."""

    def __init__(self, metastore: Metastore, log: AuditLog, is_mine: Callable[[], bool]) -> None:
        self._metastore = metastore
        self._log = log
        self._is_mine = is_mine
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="audit inbox")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                if self._is_mine():
                    await self.take()
            except AnabranchError as fault:
                logger.warning("events of commands wait: %s", fault)
            except Exception:
                logger.exception("events of commands wait")
            await asyncio.sleep(POLL_S)

    async def take(self) -> int:
        """Write down what commands left; returns how much."""
        taken = 0
        while page := await self._metastore.documents_after(DOCUMENT_KIND, "", TAKEN_MAX):
            for document in page:
                try:
                    event = _decode(document.body)
                except msgspec.MsgspecError as error:
                    event = AuditEvent(
                        Kind.LOG, Outcome.FAILED, reason=f"an event cannot be read: {error}"
                    )
                details = {**event.details, "id": document.id, "at_ms": document.created_ms}
                self._log.record(msgspec.structs.replace(event, details=details))
            await self._log.flush()
            for document in page:
                await self._metastore.delete_document(DOCUMENT_KIND, document.id)
            taken += len(page)
        return taken
