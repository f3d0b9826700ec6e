"""Who looks after which partitions: background work is divided into shards, each under a lease.

Every broker prefers the shards that membership gives it (``looks_after``) and takes their leases; a lease
is what makes sure that no two work on one shard for long. Losing one in the middle of a pass harms
nothing: every change is a compare-and-set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from anabranch.log.settings import LogSettings
from anabranch.metastore.api import SHARDS, Metastore, shard_of

GLOBAL = -1  # what is not divided: collection, repacking, expiry
SHARD_ID = b"background-shard"  # stands for a topic id where shards are divided like partitions
assert len(SHARD_ID) == 16


class Shards:
    """The leases of one process."""

    def __init__(
        self,
        metastore: Metastore,
        settings: LogSettings,
        now_ms: Callable[[], int],
        store_now_ms: Callable[[], Awaitable[int]],
        holder: str,
        looks_after: Callable[[bytes, int], bool],
    ) -> None:
        """``store_now_ms`` is the time by which leases end for everybody; ``now_ms`` only counts how long
        ours last."""
        self._metastore = metastore
        self._settings = settings
        self._now_ms = now_ms
        self._store_now_ms = store_now_ms
        self._holder = holder
        self._looks_after = looks_after
        self._until_ms: dict[int, int] = {}  # shard → when its lease ends

    @property
    def held(self) -> tuple[int, ...]:
        """The shards that are ours now, in ascending order."""
        now_ms = self._now_ms()
        return tuple(
            shard
            for shard, until in sorted(self._until_ms.items())
            if until > now_ms and shard != GLOBAL
        )

    @property
    def holds_global(self) -> bool:
        return self._until_ms.get(GLOBAL, 0) > self._now_ms()

    def mine(self, topic_no: int, partition: int) -> bool:
        """Whether this process is the one to look after the partition now."""
        return self._until_ms.get(shard_of(topic_no, partition), 0) > self._now_ms()

    async def renew(self) -> None:
        """Take and keep the leases of the shards that are preferably ours; give the others back.

        A lease is renewed when less than half of it is left, so that an idle broker writes little.
        """
        now_ms = self._now_ms()
        wanted = [s for s in (GLOBAL, *range(SHARDS)) if self._looks_after(SHARD_ID, s % SHARDS)]
        half = now_ms + self._settings.lease_ms // 2
        due = [shard for shard in wanted if self._until_ms.get(shard, 0) <= half]
        if due:
            store_now_ms = await self._store_now_ms()
            taken = await asyncio.gather(*[self._acquire(shard, store_now_ms) for shard in due])
        else:
            taken = []
        for shard, ok in zip(due, taken, strict=True):
            if ok:
                self._until_ms[shard] = now_ms + self._settings.lease_ms
            else:
                self._until_ms.pop(shard, None)
        for shard in [shard for shard in self._until_ms if shard not in wanted]:
            del self._until_ms[shard]
            await self._metastore.release_lease(lease_name(shard), self._holder)

    async def release(self) -> None:
        """Give all of them back, so that others need not wait until they end."""
        held = list(self._until_ms)
        self._until_ms.clear()
        for shard in held:
            await self._metastore.release_lease(lease_name(shard), self._holder)

    async def _acquire(self, shard: int, now_ms: int) -> bool:
        return await self._metastore.acquire_lease(
            lease_name(shard), self._holder, self._settings.lease_ms, now_ms
        )


def lease_name(shard: int) -> str:
    return "background" if shard == GLOBAL else f"background-{shard}"
