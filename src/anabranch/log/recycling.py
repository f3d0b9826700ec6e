"""Giving WAL objects back: those that nothing names any more, and those that no commit ever named.

The metastore is asked first and keeps the key in its deletion log; then the bytes go. From the first step
on a commit that names the object is refused, so a writer that stalled between its write and its commit,
or that brings the object back by repeating its write, acknowledges nothing of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor

from anabranch.errors import StoreFault
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Metastore, ObjectKind
from anabranch.storage.wal import Wal

MERGED = "no extent names it, grace over"
NEVER_COMMITTED = "no commit ever named it"
UNKNOWN_MAX = 10_000  # objects without a commit that are kept an eye on; more wait for these to go


class WalRecycler:
    """One process's share of it. Every pass is bounded, and can be repeated."""

    def __init__(
        self,
        metastore: Metastore,
        wal: Wal,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
        in_use: Callable[[str], bool],
    ) -> None:
        """``in_use``: whether this process may still commit something that names the object."""
        self._metastore = metastore
        self._wal = wal
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._in_use = in_use
        self._unknown_since: dict[str, int] = {}  # ms
        self._next_search_ms = 0

    async def recycle(self) -> None:
        """Give back what nothing names any more.

        Every broker does this, with the lease or without: nobody else knows which of its own objects
        it still uses. It looks at WAL objects alone, so that segments in their long grace never stand
        in front of them.
        """
        now_ms = self._now_ms()
        for row in await self._metastore.wal_objects():
            if row.unreferenced_ms is None or self._in_use(row.key):
                continue
            idle = now_ms - row.unreferenced_ms >= self._settings.wal_grace_ms
            if idle and await self._metastore.forget_object(row.no, MERGED, now_ms):
                await self._give_back(row.key)
        if self._wal.knows_writers:
            for key in await self._unknown():
                if await self._disown(key):
                    await self._give_back(key)

    async def recycle_unknown(self) -> None:
        """For a WAL that cannot tell whether another start's flush is still on its way to a commit.

        Left by crashes, by flushes of nothing but repetitions, by writes that were given up. What
        stays unknown for ``wal_orphan_grace_ms`` goes; one listing a ``wal_search_interval_ms``.
        """
        now_ms = self._now_ms()
        if self._wal.knows_writers or now_ms < self._next_search_ms:
            return
        self._next_search_ms = now_ms + self._settings.wal_search_interval_ms
        self._unknown_since = {
            key: self._unknown_since.get(key, now_ms)
            for key in (await self._unknown())[:UNKNOWN_MAX]
        }
        for key, since_ms in list(self._unknown_since.items()):
            if now_ms - since_ms < self._settings.wal_orphan_grace_ms:
                continue
            if await self._disown(key):
                await self._give_back(key)
            del self._unknown_since[key]

    async def _unknown(self) -> list[str]:
        """WAL objects that exist, are not in use here, and are not in the metastore, oldest first.

        First which objects are out of use, then which are known: where writers are known, an object
        that is out of use can gain no extent, so one that is unknown afterwards stays so.
        """
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._threads, self._wal.reader.objects)
        idle = [info.key for info in found if not self._in_use(info.key)]
        known = {row.key for row in await self._metastore.wal_objects()}
        return [key for key in idle if key not in known]

    async def _disown(self, key: str) -> bool:
        """See to it that no commit can name the object any more; False if one has by now."""
        now_ms = self._now_ms()
        try:
            number = await self._metastore.create_object(key, ObjectKind.WAL, now_ms)
        except StoreFault as fault:
            if fault.retryable:
                raise
            # Named by now, or disowned before and its bytes were left, or written once more.
            return all(row.key != key for row in await self._metastore.wal_objects())
        return await self._metastore.forget_object(number, NEVER_COMMITTED, now_ms)

    async def _give_back(self, key: str) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, self._wal.recycle, key)
