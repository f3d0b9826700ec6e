"""Collection: objects of the store that nothing names are deleted after their grace.

The row goes first, with its reason kept; then the bytes, under their key alone. A crash in between leaves
a deletion that is pending, and the next pass goes on with it (I3). Deletes are paced, each key is judged by
itself, and an object that is not there any more is as good as deleted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import Executor

from anabranch.errors import AnabranchError, StoreFault
from anabranch.log.recycling import WalRecycler
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Metastore, ObjectKind, ObjectRow
from anabranch.storage.segment import index_key
from anabranch.storage.store import Store

logger = logging.getLogger(__name__)

REFUSALS_MAX = 3  # in a row: the store is throttling or down, the rest waits for the next pass
REASON = "no extent names it, grace over"


class Collector:
    """Deletes and recycles, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        recycler: WalRecycler,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._store = store
        self._recycler = recycler
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self.deleted = 0
        self.refused = 0

    async def collect(self) -> None:
        """One bounded pass: finish what is pending, forget what is due, delete its bytes.

        Keys that are refused one by one wait for the next pass. While the store refuses one after the
        other, no further row is forgotten: what is pending stays bounded. Raises the last StoreFault.
        """
        now_ms = self._now_ms()
        candidates = await self._metastore.objects_without_extents(
            now_ms, now_ms - self._settings.wal_grace_ms, self._settings.collect_batch
        )
        try:
            await self._recycler.recycle()
        except AnabranchError as fault:
            logger.warning("recycling of WAL files: %s; it will be tried again", fault)
        refusal, refusing = await self._delete_pending()
        if not refusing:
            for row in candidates:
                young = now_ms - max(row.unreferenced_ms or 0, row.created_ms)
                if row.kind is not ObjectKind.WAL and young >= self._settings.object_grace_ms:
                    await self._forget(row, now_ms)
            refusal, _ = await self._delete_pending()
        if refusal is not None:
            raise refusal

    async def _forget(self, row: ObjectRow, now_ms: int) -> bool:
        return await self._metastore.forget_object(row.no, REASON, now_ms)

    async def _delete_pending(self) -> tuple[StoreFault | None, bool]:
        """The last refusal, and whether the store refuses one key after the other."""
        loop = asyncio.get_running_loop()
        gone: list[str] = []
        in_a_row = 0
        fault: StoreFault | None = None
        try:
            for key in await self._metastore.pending_deletions(self._settings.collect_batch):
                try:
                    for each in (index_key(key), key):
                        await loop.run_in_executor(self._threads, self._store.delete, each)
                except StoreFault as refused:
                    fault = refused
                    self.refused += 1
                    in_a_row += 1
                    if in_a_row >= REFUSALS_MAX:
                        break
                else:
                    in_a_row = 0
                    gone.append(key)
        finally:
            if gone:
                await self._metastore.confirm_deletions(gone)
                self.deleted += len(gone)
        return fault, in_a_row >= REFUSALS_MAX
