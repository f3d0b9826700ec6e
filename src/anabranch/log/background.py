"""Background work: merge, retain, compact, collect, expire. Bounded passes, one at a time.

What belongs to partitions is done by whoever holds the lease of their shard, the rest by one broker
(:mod:`anabranch.log.shards`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Executor

from anabranch.errors import AnabranchError, Outdated
from anabranch.log import holds, retention
from anabranch.log.catalogue import Catalogue
from anabranch.log.collection import Collector
from anabranch.log.compaction import Compactor
from anabranch.log.healing import Healer
from anabranch.log.holds import Floors, HoldState
from anabranch.log.merge import Merger, Target, due
from anabranch.log.partition import PartitionLog
from anabranch.log.recycling import WalRecycler
from anabranch.log.repack import Repacker
from anabranch.log.rewriting import EXTENTS_PER_PASS
from anabranch.log.settings import LogSettings
from anabranch.log.shards import Shards
from anabranch.metastore.api import (
    ALL_SHARDS,
    Backlog,
    Health,
    Metastore,
    ObjectCounts,
    OldestExtent,
    Topic,
)
from anabranch.storage.wal import Wal

logger = logging.getLogger(__name__)

BACKLOGS_PER_PASS = 8192  # ten thousand partitions are through within two passes
TARGETS_PER_PACK = 4096  # partitions whose extents are asked for together
EXTENTS_PER_GROUP = 32_768  # held in memory at a time, some 400 bytes each
CONSOLIDATED_PER_QUERY = 64  # partitions whose small extents are asked for together
REPACKS_PER_PASS = 8
RETENTION_PAGE = 512  # partitions looked at between two turns of the loop, some 5 ms
RETENTION_PAGES_PER_PARTITION = 64  # of extents, in one pass
EXPIRED_ROWS = 4096  # per transaction
EXPIRED_TRANSACTIONS_MAX = 64  # of each kind in a pass: a quarter of a million rows
NOT_COUNTED = Health(ObjectCounts(0, 0, 0, 0), 0, 0, 0, {}, 0, {})
SPARES_INTERVAL_S = 0.5  # a burst rolls a WAL file about every 0.2 s: two spares bridge the gap


class Background:
    """Runs the jobs on a timer; each can also be called by itself."""

    def __init__(
        self,
        metastore: Metastore,
        wal: Wal,
        catalogue: Catalogue,
        merger: Merger,
        repacker: Repacker,
        collector: Collector,
        recycler: WalRecycler,
        compactor: Compactor,
        healer: Healer,
        shards: Shards,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._wal = wal
        self._catalogue = catalogue
        self._merger = merger
        self._repacker = repacker
        self._collector = collector
        self._recycler = recycler
        self.compactor = compactor
        self.healer = healer
        self.shards = shards
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._tasks: list[asyncio.Task[None]] = []
        self._next_retention_ms = 0
        self.merge_lag_ms = 0  # age of the oldest event that is not in a segment or pack yet
        self.holds: Counter[HoldState] = Counter()  # how many are in which state, likewise
        self.health = NOT_COUNTED  # of everything, as this broker counted last

    def start(self) -> None:
        self._tasks = [
            asyncio.create_task(self._run(), name="background"),
            asyncio.create_task(self._keep_spares(), name="spare WAL files"),
            asyncio.create_task(self._keep_compacting(), name="compaction"),
        ]

    async def close(self) -> None:
        if not self._tasks:
            return
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._guard("release of the leases", self.shards.release)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._settings.background_interval_ms / 1000)
            await self._guard("background pass", self.run_once)

    async def _keep_spares(self) -> None:
        while True:
            await self._guard("preparing the WAL", self.prepare)
            await asyncio.sleep(SPARES_INTERVAL_S)

    async def _keep_compacting(self) -> None:
        """Beside the other jobs: a large partition may take minutes, and merging must not wait for it."""
        while True:
            await asyncio.sleep(self._settings.compaction_interval_ms / 1000)
            await self._guard("compaction", self.compact)

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
        """One bounded pass over everything that is due and ours to do."""
        await self._guard("recycling of WAL files", self._recycler.recycle)
        await self._guard("leases", self.shards.renew)
        now_ms = self._now_ms()
        if self.shards.held:
            await self._guard("merge", self.merge)
        seldom = now_ms >= self._next_retention_ms
        if seldom:
            self._next_retention_ms = now_ms + self._settings.retention_interval_ms
            await self._guard("retention", self.retain)
            await self._guard("counting", self.count)
        if self.shards.holds_global:
            if seldom:
                await self._guard("expiry", self.expire)
                await self._guard("repacking", self.repack)
                await self._guard("looking at damage", self.healer.run_once)
            await self._guard("collection", self.collect)
            await self._guard("recycling of unknown WAL objects", self._recycler.recycle_unknown)

    # -- merge -----------------------------------------------------------------------------------
    async def merge(self) -> None:
        """Merge what is due of the shards that are ours (of all of them if none is divided yet)."""
        backlogs = await self._metastore.backlogs(BACKLOGS_PER_PASS, self._shards())
        now_ms = self._now_ms()
        oldest = min((backlog.oldest_appended_ms for backlog in backlogs), default=now_ms)
        self.merge_lag_ms = max(0, now_ms - oldest)
        for group in _together(due(backlogs, self._settings, now_ms)):
            await self._guard(
                f"merge of {len(group)} partitions",
                lambda group=group: self._merge_group(group),  # type: ignore[misc]
            )

    async def _merge_group(self, group: Sequence[Backlog]) -> None:
        targets: list[Target] = []
        for backlog in group:
            topic = await self._topic_of(backlog)
            if topic is not None:
                targets.append(Target(topic, backlog.partition))
        await self._merger.merge_backlogs(targets)
        live = [
            (each.topic, each.partition)
            for each in targets
            if self._catalogue.find(each.topic.no, each.partition) is not None
        ]
        for start in range(0, len(live), CONSOLIDATED_PER_QUERY):
            some = live[start : start + CONSOLIDATED_PER_QUERY]
            while await self._merger.consolidate_many(some):
                pass

    async def _topic_of(self, backlog: Backlog) -> Topic | None:
        """Also one that was deleted, and may be brought back: its share of the WAL must not stay there."""
        log = self._catalogue.find(backlog.topic_no, backlog.partition)
        return await self._metastore.topic_by_no(backlog.topic_no) if log is None else log.topic

    def _shards(self) -> Sequence[int]:
        return self.shards.held or ALL_SHARDS

    async def compact(self) -> None:
        """Compact what is due of the shards that are ours."""
        if self.shards.held:
            await self.compactor.run_once(self.shards.held)

    async def repack(self) -> None:
        """Rewrite packs that are mostly dead, and many small ones as one."""
        for _ in range(REPACKS_PER_PASS):
            if not await self._repacker.run_once():
                break
        await holds.enforce_budgets(self._metastore, self._now_ms())

    async def count(self) -> None:
        """Every broker's metrics show the whole, whichever of them is asked."""
        self.health = await self._metastore.health()
        now_ms = self._now_ms()
        self.holds = Counter(one.state(now_ms) for one in await holds.load(self._metastore))

    # -- retention -------------------------------------------------------------------------------
    async def retain(self) -> None:
        """Advance the log starts that are due, page by page; only what has something to drop is read."""
        after = (-1, -1)
        floors = await holds.floors(self._metastore, self._now_ms())
        while page := await self._metastore.oldest_extents(after, RETENTION_PAGE, self._shards()):
            after = (page[-1].topic_no, page[-1].partition)
            for oldest in page:
                log = self._catalogue.find(oldest.topic_no, oldest.partition)
                if log is not None and self._expires(log, oldest):
                    await self._guard(
                        f"retention of {log.topic.name}/{log.partition}",
                        lambda log=log, oldest=oldest: self._retain_one(log, oldest, floors),  # type: ignore[misc]
                    )
            await asyncio.sleep(0)

    def _expires(self, log: PartitionLog, oldest: OldestExtent) -> bool:
        """Whether the partition's first extent may have to go: decided without reading any other."""
        config = self._catalogue.config(log.topic)
        return retention.may_expire(oldest.extent, config, self._now_ms()) or (
            retention.by_bytes([oldest.extent], config, oldest.bytes) is not None
        )

    async def _retain_one(self, log: PartitionLog, oldest: OldestExtent, floors: Floors) -> None:
        config = self._catalogue.config(log.topic)
        floor = floors.of(log.topic.id, log.partition)
        # A promotion puts another line here: what was read says nothing of it.
        epoch = oldest.epoch
        retained_bytes = oldest.bytes
        for _ in range(RETENTION_PAGES_PER_PARTITION):
            extents = await self._metastore.extents_from(
                log.topic.no, log.partition, log.log_start, retention.EXTENTS_PER_PASS
            )
            now_ms = self._now_ms()
            advance = max(
                (
                    each
                    for each in (
                        retention.by_time(extents, config, now_ms, oldest.appended_mark),
                        retention.by_bytes(extents, config, retained_bytes),
                    )
                    if each is not None and each.log_start > log.log_start
                ),
                default=None,
                key=lambda each: each.log_start,
            )
            if advance is not None and floor is not None:
                advance = advance._replace(log_start=min(advance.log_start, floor))
            if advance is None or advance.log_start <= log.log_start:
                return
            try:
                row = await self._metastore.advance_log_start(
                    log.topic.no,
                    log.partition,
                    advance.log_start,
                    advance.cause,
                    advance.detail,
                    now_ms,
                    epoch,
                    floors.guard,
                )
            except Outdated:  # something else is held now: the next pass looks
                return
            if row is None or row.leader_epoch != epoch:
                return
            log.apply_if_newer(row)
            dropped = [each for each in extents if each.last_offset < advance.log_start]
            retained_bytes -= sum(each.length for each in dropped)
            if len(dropped) < retention.EXTENTS_PER_PASS:
                return

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
        """See :meth:`Collector.collect`."""
        await self._collector.collect()


def _together(backlogs: Sequence[Backlog]) -> Iterator[list[Backlog]]:
    """Backlogs whose extents are read together: not too many partitions, not too many extents."""
    group: list[Backlog] = []
    extents = 0
    for backlog in backlogs:
        if backlog.extents > EXTENTS_PER_PASS:
            yield [backlog]
            continue
        full = len(group) >= TARGETS_PER_PACK or extents + backlog.extents > EXTENTS_PER_GROUP
        if group and full:
            yield group
            group, extents = [], 0
        group.append(backlog)
        extents += backlog.extents
    if group:
        yield group
