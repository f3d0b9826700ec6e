"""Brokers that left the others' sight and still serve: a rebuild must not take their flushes for dead ones.

A broker that stops in order is gone from the metastore at once, so that clients are sent elsewhere, and goes on
appending for who has not heard of it. Until its last flush is committed a document of kind ``leaving``
stands for it, named by the epoch of its WAL objects.
"""

from __future__ import annotations

from anabranch.metastore.api import Metastore

KIND = "leaving"
LEAVING_MS_MAX = 3_600_000  # nobody takes so long: what is older was left by a crash


async def begin(metastore: Metastore, wal_epoch: int, now_ms: int) -> None:
    """Before the broker's row goes. Raises StoreFault."""
    await metastore.put_document(KIND, str(wal_epoch), b"{}", now_ms)


async def end(metastore: Metastore, wal_epoch: int) -> None:
    """After the last flush. Raises StoreFault."""
    await metastore.delete_document(KIND, str(wal_epoch))


async def tidy(metastore: Metastore, now_ms: int) -> None:
    """Forget those that died while they were leaving. Raises StoreFault."""
    for one in await metastore.documents(KIND):
        if one.created_ms + LEAVING_MS_MAX < now_ms:
            await metastore.delete_document(KIND, one.id)
