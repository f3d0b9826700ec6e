"""JSON documents by kind and id: recovery points and plans, configs, ACLs and quotas, audit heads."""

from __future__ import annotations

from typing import Protocol

from anabranch.metastore.values import Document
from anabranch.metastore.wal_floor import Alone


class DocumentVerbs(Protocol):
    """Verbs about documents. A change of one is told to other processes by its kind."""

    async def put_document(
        self, kind: str, document_id: str, body: bytes, now_ms: int, *, create: bool = False
    ) -> None:
        """Raises ClientFault(DUPLICATE_RESOURCE) if ``create`` and it exists."""

    async def replace_document(
        self,
        kind: str,
        document_id: str,
        body: bytes,
        now_ms: int,
        *,
        expected: bytes | None,
        alone: Alone | None = None,
    ) -> bool:
        """Put it if its body is ``expected`` (None: if there is none); whether that was so. ``alone``: the
        cluster's WAL moves with it, and only then (:class:`Alone`)."""

    async def document(self, kind: str, document_id: str) -> Document | None: ...

    async def documents(self, kind: str) -> list[Document]:
        """Oldest first."""

    async def documents_after(self, kind: str, after: str, limit: int) -> list[Document]:
        """Up to ``limit`` of a kind by id, from behind ``after`` on: for kinds of which there are many."""

    async def delete_document(self, kind: str, document_id: str) -> bool: ...
