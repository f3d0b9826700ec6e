"""How fast replay sessions may read: a bound that every new session keeps, and a session's own rate."""

from __future__ import annotations

from typing import Final

import msgspec

from anabranch.errors import Corrupt
from anabranch.metastore.api import Metastore

DOCUMENT_KIND: Final = "replay-quota"
DEFAULT_ID: Final = "default"

_decode = msgspec.json.Decoder(dict[str, int]).decode


async def load(metastore: Metastore) -> int | None:
    """Bytes per second that a session may read at most; None for no bound. Raises Corrupt."""
    document = await metastore.document(DOCUMENT_KIND, DEFAULT_ID)
    if document is None:
        return None
    try:
        return _decode(document.body)["read_byte_rate"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise Corrupt(f"the quota of replay sessions cannot be read: {error}") from None


async def save(metastore: Metastore, rate: int | None, now_ms: int) -> None:
    """Sessions that are prepared from now on keep it."""
    if rate is None:
        await metastore.delete_document(DOCUMENT_KIND, DEFAULT_ID)
        return
    assert rate > 0
    body = msgspec.json.encode({"read_byte_rate": rate})
    await metastore.put_document(DOCUMENT_KIND, DEFAULT_ID, body, now_ms)
