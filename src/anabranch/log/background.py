"""Background work under a lease: merge, retain, collect, expire. Bounded passes, one at a time.

Losing the lease in the middle of a pass harms nothing: every change is a compare-and-set.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor

from anabranch.errors import AnabranchError
from anabranch.log import retention
from anabranch.log.catalogue import Catalogue
from anabranch.log.merge import Merger, due
from anabranch.log.partition import PartitionLog
from anabranch.log.recycling import WalRecycler
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Backlog, Metastore, ObjectKind, ObjectRow, Topic
from anabranch.storage.segment import index_key
from anabranch.storage.store import Store
from anabranch.storage.wal import Wal

logger = logging.getLogger(__name__)

BACKLOGS_PER_PASS = 1024
EXPIRED_ROWS = 4096  # per transaction
EXPIRED_TRANSACTIONS_MAX = 64  # of each kind in a pass: a quarter of a million rows
PARTITIONS_PER_TURN = 128  # looked at for retention, some 3 ms; then the loop serves others
LEASE = "background"
SPARES_INTERVAL_S = 0.5  # a burst rolls a WAL file about every 0.2 s: two spares bridge the gap


class Background:
    """Runs the jobs on a timer; each can also be called by itself."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        wal: Wal,
        catalogue: Catalogue,
        merger: Merger,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
        holder: str,
        wal_in_use: Callable[[str], bool],
    ) -> None:
        self._metastore = metastore
        self._store = store
        self._wal = wal
        self._catalogue = catalogue
        self._merger = merger
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._holder = holder
        self._recycler = WalRecycler(metastore, wal, threads, settings, now_ms, wal_in_use)
        self._tasks: list[asyncio.Task[None]] = []
        self._next_retention_ms = 0
        self._forgotten: str | None = None  # its row is gone, its bytes are still to be deleted
        self.merge_lag_ms = 0  # age of the oldest event that is not in a segment yet

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(), name="background"),
            asyncio.create_task(self._keep_spares(), name="spare WAL files"),
        ]

    async def close(self) -> None:
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._guard(
            "release of the lease", lambda: self._metastore.release_lease(LEASE, self._holder)
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.background_interval_ms / 1000)
            await self._guard("background pass", self.run_once)

    async def _keep_spares(self) -> None:
        while True:
            await self._guard("preparing the WAL", self.prepare)
            await asyncio.sleep(SPARES_INTERVAL_S)

    async def _guard(self, name: str, job: Callable[[], Awaitable[object]]) -> None:
        try:
            await job()
        except AnabranchError as fault:
            logger.warning("%s: %s; it will be tried again", name, fault)
        except Exception:
            logger.exception("%s broke; it will be tried again", name)

    async def prepare(self) -> None:
        """Have WAL files of written blocks ready: durable writes into them are several times faster."""
        loop = asyncio.get_running_loop()
        while await loop.run_in_executor(self._threads, self._wal.prepare_spare):
            pass

    async def run_once(self) -> None:
        """One bounded pass over everything that is due, if this process holds the lease."""
        await self._guard("recycling of WAL files", self._recycler.recycle)
        now_ms = self._now_ms()
        if not await self._metastore.acquire_lease(
            LEASE, self._holder, self._settings.lease_ms, now_ms
        ):
            return
        await self._guard("merge", self.merge)
        if now_ms >= self._next_retention_ms:
            self._next_retention_ms = now_ms + self._settings.retention_interval_ms
            await self._guard("retention", self.retain)
            await self._guard("expiry", self.expire)
        await self._guard("collection", self.collect)
        await self._guard("recycling of unknown WAL objects", self._recycler.recycle_unknown)

    # -- merge -----------------------------------------------------------------------------------
    async def merge(self) -> None:
        backlogs = await self._metastore.backlogs(BACKLOGS_PER_PASS)
        now_ms = self._now_ms()
        oldest = min((backlog.oldest_appended_ms for backlog in backlogs), default=now_ms)
        self.merge_lag_ms = max(0, now_ms - oldest)
        for backlog in due(backlogs, self._settings, now_ms):
            await self._guard(
                f"merge of topic {backlog.topic_no}/{backlog.partition}",
                lambda backlog=backlog: self._merge_one(backlog),  # type: ignore[misc]
            )

    async def _merge_one(self, backlog: Backlog) -> None:
        log = self._catalogue.find(backlog.topic_no, backlog.partition)
        if (
            log is None
        ):  # deleted, and perhaps brought back: its share of the WAL must not stay there
            topic = await self._metastore.topic_by_no(backlog.topic_no)
            if topic is not None:
                await self._merger.merge_backlog(topic, backlog.partition)
            return
        await self._merger.merge_backlog(log.topic, log.partition)
        while await self._merger.consolidate(log.topic, log.partition):
            pass

    # -- retention -------------------------------------------------------------------------------
    async def retain(self) -> None:
        for topic in self._catalogue.topics():
            await self._guard(
                f"retention of {topic.name}",
                lambda topic=topic: self._retain_topic(topic),  # type: ignore[misc]
            )

    async def _retain_topic(self, topic: Topic) -> None:
        config = self._catalogue.config(topic)
        if not config.deletes or (config.retention_ms < 0 and config.retention_bytes < 0):
            return
        retained: dict[int, int] = {}
        if config.retention_bytes >= 0:
            retained = await self._metastore.partition_bytes(topic.no)
        for partition in range(topic.partitions):
            if partition % PARTITIONS_PER_TURN == 0:
                await asyncio.sleep(0)
            await self._retain_one(
                self._catalogue.partition(topic, partition), retained.get(partition, 0)
            )

    async def _retain_one(self, log: PartitionLog, retained_bytes: int) -> None:
        config = self._catalogue.config(log.topic)
        oldest = await self._metastore.extents_from(
            log.topic.no, log.partition, log.log_start, retention.EXTENTS_PER_PASS
        )
        now_ms = self._now_ms()
        for advance in (
            retention.by_time(oldest, config, now_ms),
            retention.by_bytes(oldest, config, retained_bytes),
        ):
            if advance is None or advance.log_start <= log.log_start:
                continue
            row = await self._metastore.advance_log_start(
                log.topic.no,
                log.partition,
                advance.log_start,
                advance.cause,
                advance.detail,
                now_ms,
            )
            if row is not None:
                log.apply_if_newer(row)

    async def expire(self) -> None:
        """Forget what is out of date, in small transactions that appends go between."""
        now_ms = self._now_ms()
        producers_ms = now_ms - self._settings.producer_expiration_ms
        history_ms = now_ms - self._settings.offset_history_ms
        metastore = self._metastore
        passes: tuple[Callable[[], Awaitable[int]], ...] = (
            lambda: metastore.expire_producers(producers_ms, EXPIRED_ROWS),
            lambda: metastore.prune_offset_history(history_ms, EXPIRED_ROWS),
            lambda: metastore.purge_deleted(EXPIRED_ROWS, now_ms),
        )
        if not self._settings.journal:
            await metastore.journal_trim()
        for expire in passes:
            for _ in range(EXPIRED_TRANSACTIONS_MAX):
                if await expire() < EXPIRED_ROWS:
                    break

    # -- collection ------------------------------------------------------------------------------
    async def collect(self) -> None:
        """Delete objects that nothing names and whose grace is over; recycle WAL files likewise.

        The row goes first, with its reason kept; then the bytes. A crash between the two leaves bytes
        that no row names, never a row without bytes (I3). Where the store refuses, no further row goes.
        """
        now_ms = self._now_ms()
        candidates = await self._metastore.objects_without_extents(
            now_ms, now_ms - self._settings.wal_grace_ms, self._settings.collect_batch
        )
        await self._guard("recycling of WAL files", self._recycler.recycle)
        await self._delete_forgotten()
        for row in candidates:
            young = now_ms - max(row.unreferenced_ms or 0, row.created_ms)
            if row.kind is ObjectKind.WAL or young < self._settings.object_grace_ms:
                continue
            if await self._forget(row, now_ms):
                self._forgotten = row.key
                await self._delete_forgotten()

    async def _forget(self, row: ObjectRow, now_ms: int) -> bool:
        return await self._metastore.forget_object(row.no, "no extent names it, grace over", now_ms)

    async def _delete_forgotten(self) -> None:
        """The bytes of the object whose row went last."""
        if self._forgotten is None:
            return
        loop = asyncio.get_running_loop()
        for key in (index_key(self._forgotten), self._forgotten):
            await loop.run_in_executor(self._threads, self._store.delete, key)
        self._forgotten = None
