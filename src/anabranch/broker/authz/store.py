"""ACLs in the metastore: a document each, so that they are journaled, rebuilt and told of like any other.

Beside them stands one document that every change replaces: whoever polls reads only that.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Final

from anabranch.broker.authz.acl import DOCUMENT_KIND, Acl, decode
from anabranch.metastore.api import Metastore

VERSION_KIND: Final = "acl-version"
VERSION_ID: Final = "acls"
PAGE: Final = 1000  # entries read at a time, some milliseconds of work
WRITE_PAGE: Final = 500  # changes in flight at a time; they share transactions


async def load(metastore: Metastore) -> AsyncIterator[list[Acl]]:
    """All entries, by pages. Raises Corrupt for one that cannot be read: it may deny something."""
    after = ""
    while page := await metastore.documents_after(DOCUMENT_KIND, after, PAGE):
        yield [decode(document.body) for document in page]
        after = page[-1].id


async def create(metastore: Metastore, acls: Sequence[Acl], now_ms: int, version: str) -> None:
    """Store entries (validated), whether they are there or not; durable on return."""
    for start in range(0, len(acls), WRITE_PAGE):
        await asyncio.gather(
            *(
                metastore.put_document(DOCUMENT_KIND, acl.document_id, acl.encode(), now_ms)
                for acl in acls[start : start + WRITE_PAGE]
            )
        )
    await _changed(metastore, now_ms, version)


async def delete(metastore: Metastore, acls: Sequence[Acl], now_ms: int, version: str) -> None:
    """Remove entries, whether they are there or not."""
    for start in range(0, len(acls), WRITE_PAGE):
        await asyncio.gather(
            *(
                metastore.delete_document(DOCUMENT_KIND, acl.document_id)
                for acl in acls[start : start + WRITE_PAGE]
            )
        )
    await _changed(metastore, now_ms, version)


async def _changed(metastore: Metastore, now_ms: int, version: str) -> None:
    await metastore.put_document(VERSION_KIND, VERSION_ID, version.encode(), now_ms)


async def version(metastore: Metastore) -> bytes:
    """What is the same only while nothing changes."""
    document = await metastore.document(VERSION_KIND, VERSION_ID)
    return b"" if document is None else document.body
