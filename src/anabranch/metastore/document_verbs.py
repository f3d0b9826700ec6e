"""The verbs about documents, for every engine; and how any verb is carried out, which an engine says."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from typing import Concatenate, ParamSpec, TypeVar

from anabranch.metastore import documents
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Document
from anabranch.metastore.wal_floor import Alone

P = ParamSpec("P")
T = TypeVar("T")


class SqlDocumentVerbs(ABC):
    """See :class:`anabranch.metastore.contract.documents.DocumentVerbs`."""

    @abstractmethod
    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @abstractmethod
    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    @abstractmethod
    async def _read_aside(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    async def put_document(
        self, kind: str, document_id: str, body: bytes, now_ms: int, *, create: bool = False
    ) -> None:
        await self._write(documents.put_document, kind, document_id, body, now_ms, create=create)

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
        return await self._write(
            documents.replace_document, kind, document_id, body, now_ms, expected, alone
        )

    async def document(self, kind: str, document_id: str) -> Document | None:
        return await self._read(documents.document, kind, document_id)

    async def documents(self, kind: str) -> list[Document]:
        return await self._read(documents.documents, kind)

    async def documents_after(self, kind: str, after: str, limit: int) -> list[Document]:
        return await self._read_aside(documents.documents_after, kind, after, limit)

    async def delete_document(self, kind: str, document_id: str) -> bool:
        return await self._write(documents.delete_document, kind, document_id)
