"""Heads of audit chains in the metastore: how far each came, so that nobody can cut off its end.

A head is written about every second while there is something new, and when the broker stops. Lines behind
the last head that was written are not protected against being cut off; they are against everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from anabranch.errors import Corrupt
from anabranch.log.audit_trail import HEAD_KIND
from anabranch.metastore.api import Metastore

PAGE: Final = 500


class Head(Struct, frozen=True):
    """How far a chain came. ``first_seq``: lines before were removed by retention. ``where``: host and
    directory of its files; ``topic`` holds a copy."""

    chain: str
    broker_id: int
    begun_ms: int
    seq: int
    hash: str
    first_seq: int = 0
    closed: bool = False
    where: str = ""
    topic: str = ""


_decode = msgspec.json.Decoder(Head).decode


async def save(metastore: Metastore, head: Head, now_ms: int) -> None:
    await metastore.put_document(HEAD_KIND, head.chain, msgspec.json.encode(head), now_ms)


async def forget(metastore: Metastore, chain: str) -> None:
    """All of its lines were removed by retention."""
    await metastore.delete_document(HEAD_KIND, chain)


async def load_all(metastore: Metastore) -> Mapping[str, Head]:
    """By chain. Raises Corrupt."""
    heads: dict[str, Head] = {}
    after = ""
    while page := await metastore.documents_after(HEAD_KIND, after, PAGE):
        for document in page:
            try:
                heads[document.id] = _decode(document.body)
            except msgspec.MsgspecError as error:
                raise Corrupt(f"the head of audit chain {document.id}: {error}") from None
        after = page[-1].id
    return heads
