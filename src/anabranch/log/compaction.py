"""Compaction: of each key the newest record is kept, order and offsets stay.

A pass over a partition reads what is dirty into a bounded map of newest offsets, records how far offsets may
now be missing (I2), rewrites everything below from the log's start in runs, and only then says how far it
came. A crash or a lost race at any point leaves a log in which every record that is gone has a newer one
that is there; the next pass does the same work again. Where the keys do not fit the map, a pass ends where
it was full and the next one goes on.

Runs are put in place strictly in offset order: a delete marker gets its horizon only when nothing older is
left below it, so no older record ever comes back.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from typing import NamedTuple, ParamSpec, TypeVar

from anabranch.errors import AnabranchError, Corrupt, StoreFault
from anabranch.log import holds
from anabranch.log.aborted import AbortedRanges
from anabranch.log.catalogue import Catalogue
from anabranch.log.compaction_filter import (
    Built,
    CompactionFilter,
    build_map,
    cleanable_end,
)
from anabranch.log.config import LONG_MAX, TopicConfig
from anabranch.log.damage import DamageReports
from anabranch.log.extents import ExtentReader
from anabranch.log.merge import Merger
from anabranch.log.objects import AppendedBatches
from anabranch.log.partition import PartitionLog
from anabranch.log.rewriting import (
    ExtentFault,
    Rewrite,
    Rewriter,
    SourceFault,
    append_time_at,
    checked_batches,
    fits,
    grouped,
)
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    CompactionCandidate,
    Extent,
    Guard,
    Metastore,
    ObjectKind,
    Topic,
)
from anabranch.storage.segment import ENTRY_STEP_MS

logger = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

EXTENTS_PER_READ = 4096  # a page of a partition's extents
TOGETHER_BYTES_MAX = 32 * 1024 * 1024  # small partitions whose maps are held and written together
# Indexes know append times to the step, and each rewrite may forget as much again.
COARSENESS_MS = 4 * ENTRY_STEP_MS
AVOIDED_MS = 10 * 60_000  # an extent that could not be read is tried again after this long
AVOIDED_MAX = 10_000
ABORTED_MAX = 100_000  # aborted transactions that one pass knows of: some 20 MB


class Standing(NamedTuple):
    """How clean a partition is, as of the last look."""

    topic: str
    partition: int
    dirty_ratio: float
    dirty_bytes: int
    cleaned_end: int
    merged_end: int
    dirty_since_ms: int | None  # when the oldest of what is dirty was appended, about


class _Plan(NamedTuple):
    """One partition's pass, after the first reading."""

    log: PartitionLog
    extents: Sequence[Extent]
    runs: Sequence[Sequence[Extent]]
    built: Built
    filter: CompactionFilter
    clean_end: int  # how far the partition may be called clean once the runs are in place
    epoch: int  # the leader epoch of the line that was read

    @property
    def length(self) -> int:
        return sum(extent.length for run in self.runs for extent in run)


def dirty_ratio(candidate: CompactionCandidate) -> float:
    """The share of what is merged that no pass has seen, by the figures that the metastore keeps."""
    merged = candidate.bytes - candidate.wal_bytes
    if merged <= 0 or candidate.merged_end <= max(_cleaned_end(candidate), candidate.log_start):
        return 0.0
    clean = candidate.state.clean_bytes if candidate.state is not None else 0
    return max(0, merged - clean) / merged


def _cleaned_end(candidate: CompactionCandidate) -> int:
    return candidate.state.cleaned_end if candidate.state is not None else 0


def may_be_due(candidate: CompactionCandidate, config: TopicConfig, now_ms: int) -> bool:
    """Whether a pass may be worth its work, judged without looking at extents."""
    state = candidate.state
    if state is not None and state.horizon_ms is not None and state.horizon_ms < now_ms:
        return True
    ratio = dirty_ratio(candidate)
    return ratio > 0 and (
        ratio > config.min_cleanable_dirty_ratio or config.max_compaction_lag_ms < LONG_MAX
    )


def bytes_between(extents: Sequence[Extent], start: int, end: int) -> int:
    """About how many bytes offsets ``start .. end - 1`` take; an extent's are spread evenly over it."""
    total = 0
    for extent in extents:
        first, last = max(start, extent.base_offset), min(end - 1, extent.last_offset)
        if first <= last:
            span = extent.last_offset + 1 - extent.base_offset
            total += extent.length * (last + 1 - first) // span
    return total


class Compactor:
    """Compacts partitions, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        catalogue: Catalogue,
        extents: ExtentReader,
        rewriter: Rewriter,
        merger: Merger,
        damage: DamageReports,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._catalogue = catalogue
        self._extents = extents
        self._rewriter = rewriter
        self._merger = merger
        self._damage = damage
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._avoided: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._guard: Guard | None = None  # of what is held: such partitions are not compacted
        self._held: OrderedDict[tuple[int, int], int] = OrderedDict()  # partitions, until when
        self.standings: dict[tuple[int, int], Standing] = {}  # of the partitions looked at last
        self.passes = 0
        self.removed_bytes = 0

    @property
    def dirty_ratio_max(self) -> float:
        return max((each.dirty_ratio for each in self.standings.values()), default=0.0)

    @property
    def oldest_dirty_ms(self) -> int:
        """Age of the oldest of what is merged and no pass has seen; 0 if there is none."""
        since = [
            each.dirty_since_ms
            for each in list(self.standings.values())
            if each.dirty_since_ms is not None
        ]
        return max(0, self._now_ms() - min(since)) if since else 0

    async def run_once(self, shards: Sequence[int]) -> int:
        """Compact what is due of these shards, the dirtiest first; returns how many partitions.

        One partition's failure is logged and keeps no other from its turn. Raises StoreFault if the
        metastore cannot be asked.
        """
        topics = {
            topic.no: topic
            for topic in self._catalogue.topics()
            if self._catalogue.config(topic).compacted
        }
        candidates = await self._metastore.compaction_candidates(list(topics), shards)
        self._take_stock(topics, candidates)
        now_ms = self._now_ms()
        floors = await holds.floors(self._metastore, now_ms)
        self._guard = floors.guard
        due = [
            each
            for each in candidates
            if each.topic_no in topics
            and self._held.get((each.topic_no, each.partition), 0) <= now_ms
            and floors.of(topics[each.topic_no].id, each.partition) is None
            and may_be_due(each, self._catalogue.config(topics[each.topic_no]), now_ms)
        ]
        done = 0
        together: list[_Plan] = []
        for candidate in sorted(due, key=dirty_ratio, reverse=True):
            log = self._catalogue.find(candidate.topic_no, candidate.partition)
            if log is None:
                continue
            plan = await self._guarded(log, self._plan(log, candidate))
            if plan is None:
                continue
            together.append(plan)
            size = sum(each.length + each.built.newest.size_bytes for each in together)
            if size >= TOGETHER_BYTES_MAX:
                done += await self._finish_together(together)
                together = []
        return done + await self._finish_together(together)

    async def compact(self, topic: Topic, partition: int) -> bool:
        """One pass over one partition, due or not; whether there was anything to do."""
        log = self._catalogue.partition(topic, partition)
        self._guard = None  # held or not
        (candidate,) = [
            each
            for each in await self._metastore.compaction_candidates([topic.no])
            if each.partition == partition
        ]
        plan = await self._plan(log, candidate, forced=True)
        return plan is not None and await self._finish_together([plan]) == 1

    def _take_stock(
        self, topics: dict[int, Topic], candidates: Sequence[CompactionCandidate]
    ) -> None:
        self.standings = {}
        for each in candidates:
            clean = each.state.clean_bytes if each.state is not None else 0
            self.standings[each.topic_no, each.partition] = Standing(
                topics[each.topic_no].name,
                each.partition,
                dirty_ratio(each),
                max(0, each.bytes - each.wal_bytes - clean),
                _cleaned_end(each),
                each.merged_end,
                each.dirty_since_ms if dirty_ratio(each) > 0 else None,
            )

    async def _guarded(self, log: PartitionLog, job: Awaitable[_Plan | None]) -> _Plan | None:
        try:
            return await job
        except ExtentFault as bad:
            self._avoid(log, bad.extent, bad.fault)
        except AnabranchError as fault:
            logger.warning("compaction of %s/%s: %s", log.topic.name, log.partition, fault)
        return None

    # -- the first reading -------------------------------------------------------------------------
    async def _plan(
        self, log: PartitionLog, candidate: CompactionCandidate, *, forced: bool = False
    ) -> _Plan | None:
        """Decide whether the partition is due by what its extents say, and read what is dirty."""
        config = self._catalogue.config(log.topic)
        now_ms = self._now_ms()
        extents = await self._final_extents(log, candidate.log_start, candidate.merged_end)
        if not extents:
            return None
        start = max(_cleaned_end(candidate), candidate.log_start)
        young_from = None
        if config.min_compaction_lag_ms > 0:
            since_ms = now_ms - config.min_compaction_lag_ms - COARSENESS_MS
            young_from = await self._young_from(extents, since_ms)
        end = cleanable_end(log.last_stable_offset, candidate.merged_end, young_from)
        dirty = bytes_between(extents, start, end)
        clean = bytes_between(extents, candidate.log_start, start)
        due = end > start and dirty > config.min_cleanable_dirty_ratio * (dirty + clean)
        if end > start and not due and config.max_compaction_lag_ms < LONG_MAX:
            oldest_ms = await self._appended_at(extents, start)
            due = oldest_ms + config.max_compaction_lag_ms < now_ms
        state = candidate.state
        expired = state is not None and state.horizon_ms is not None and state.horizon_ms < now_ms
        if not due and not expired and not (forced and end > start):
            return None
        end = max(end, start)
        found = await self._metastore.aborted_transactions(
            log.topic.no, log.partition, candidate.log_start, end, ABORTED_MAX + 1
        )
        if len(found) > ABORTED_MAX:
            end = min(end, max(start, found[-1].first_offset))
        aborted = AbortedRanges([each for each in found if not each.cleaned])
        readable = [extent for extent in extents if self._is_readable(extent)]
        built = await self._in_thread(
            build_map,
            readable,
            self._read,
            start,
            end,
            self._settings.compaction_map_bytes,
            aborted,
        )
        below = [extent for extent in extents if extent.base_offset < built.end]
        left_out = [extent for extent in below if not self._is_readable(extent)]
        # What can be read again one day must find in the map what replaced it meanwhile: until then the
        # partition is no cleaner than it was. What is in quarantine never comes back.
        waits = any(extent.kind is not ObjectKind.QUARANTINE for extent in left_out)
        states = await self._metastore.producer_states(log.topic.no, log.partition)
        last_offsets = {
            each.producer_id: each.batches[-1].last_offset for each in states if each.batches
        }
        chosen = CompactionFilter(
            built,
            self._read,
            now_ms=now_ms,
            delete_retention_ms=config.delete_retention_ms,
            last_offsets=last_offsets,
            complete=not left_out,
            aborted=aborted,
        )
        segment_bytes = min(config.segment_bytes, self._settings.segment_bytes)
        runs = self._runs(below, segment_bytes)
        changed = await self._in_thread(_changed, runs, chosen, segment_bytes)
        clean_end = _cleaned_end(candidate) if waits else built.end
        return _Plan(log, extents, changed, built, chosen, clean_end, candidate.epoch)

    async def _final_extents(self, log: PartitionLog, offset: int, end: int) -> list[Extent]:
        """All extents from ``offset`` on that start below ``end`` and the first in the WAL, page by page."""
        found: list[Extent] = []
        while offset < end:
            page = await self._metastore.extents_from(
                log.topic.no, log.partition, offset, EXTENTS_PER_READ
            )
            for extent in page:
                if extent.kind is ObjectKind.WAL or extent.base_offset >= end:
                    return found
                found.append(extent)
            if len(page) < EXTENTS_PER_READ:
                break
            offset = page[-1].last_offset + 1
        return found

    async def _young_from(self, extents: Sequence[Extent], since_ms: int) -> int | None:
        """The first offset that is known to be appended at or after ``since_ms``; None if there is none.
        What lies before it may be younger by up to ``COARSENESS_MS``."""
        for place, extent in enumerate(extents):
            behind = extents[place + 1] if place + 1 < len(extents) else None
            if behind is not None and behind.appended_ms < since_ms:
                continue
            times = await self._in_thread(self._append_times, extent)
            for offset, at_ms in times:
                if at_ms >= since_ms:
                    return max(offset, extent.base_offset)
        return None

    async def _appended_at(self, extents: Sequence[Extent], offset: int) -> int:
        for extent in extents:
            if extent.last_offset >= offset:
                times = await self._in_thread(self._append_times, extent)
                return max(extent.appended_ms, append_time_at(times, offset))
        raise AssertionError("there is something dirty")

    def _append_times(self, extent: Extent) -> list[tuple[int, int]]:
        return self._extents.append_times(extent)

    def _read(self, extent: Extent) -> AppendedBatches:
        return checked_batches(self._extents, extent)

    def _runs(self, extents: Sequence[Extent], segment_bytes: int) -> list[list[Extent]]:
        """Neighbours that become one object each; what cannot be read is left out between them."""
        runs: list[list[Extent]] = []
        size = 0
        for extent in extents:
            if not self._is_readable(extent):
                runs.append([])
                continue
            if not runs or not fits(runs[-1], extent, size, segment_bytes):
                runs.append([])
            if not runs[-1]:
                size = 0
            runs[-1].append(extent)
            size += extent.length
        return [run for run in runs if run]

    # -- the second reading ------------------------------------------------------------------------
    async def _finish_together(self, plans: Sequence[_Plan]) -> int:
        """Write the runs of these plans: partitions of one small run share objects."""
        asked, plans = plans, []
        try:
            for plan in asked:
                key = (plan.log.topic.no, plan.log.partition)
                self._merger.busy.add(key)
                begun = await self._metastore.begin_compaction(
                    *key, plan.built.end, self._now_ms(), plan.epoch
                )
                if begun is not None:  # else it is gone, or a branch was promoted in its place
                    plans.append(plan)
            failed: set[int] = set()
            single = {id(plan): plan for plan in plans if len(plan.runs) == 1}
            rewrites = [self._rewrite(plan, plan.runs[0]) for plan in single.values()]
            of_rewrite = dict(zip(map(id, rewrites), single.values(), strict=True))
            for group in grouped(rewrites, self._settings):
                failed |= {id(of_rewrite[id(each)]) for each in await self._write(group)}
            for plan in plans:
                if len(plan.runs) > 1 and not await self._write_in_order(plan):
                    failed.add(id(plan))
            done = 0
            for plan in plans:
                if id(plan) not in failed and await self._conclude(plan):
                    done += 1
            return done
        finally:
            for plan in asked:
                self._merger.busy.discard((plan.log.topic.no, plan.log.partition))

    def _rewrite(self, plan: _Plan, run: Sequence[Extent]) -> Rewrite:
        return Rewrite(plan.log.topic, plan.log.partition, run, plan.filter, self._now_ms())

    async def _write_in_order(self, plan: _Plan) -> bool:
        for run in plan.runs:
            if await self._write([self._rewrite(plan, run)]):
                return False  # what lies above must not go before what lies below
        return True

    async def _write(self, group: Sequence[Rewrite]) -> list[Rewrite]:
        """Those of the group that could not be written or put in place."""
        left = list(group)
        failed: list[Rewrite] = []
        while left:
            try:
                written = await self._rewriter.write_object(left, self._guard)
            except SourceFault as bad:
                log = self._catalogue.find(bad.rewrite.topic.no, bad.rewrite.partition)
                if log is not None:
                    self._avoid(log, bad.extent, bad.fault)
                failed.append(bad.rewrite)
                left = [each for each in left if each is not bad.rewrite]
                continue
            except StoreFault as fault:
                logger.warning("compaction of %s partitions: %s", len(left), fault)
                return [*failed, *left]
            self.removed_bytes += sum(
                each.rewrite.length - each.content.byte_length for each in written if each.replaced
            )
            return failed + [each.rewrite for each in written if not each.replaced]
        return failed

    async def _conclude(self, plan: _Plan) -> bool:
        """Say how far the partition is clean now."""
        log = plan.log
        if plan.clean_end < plan.built.end:
            self._hold(log)
        state = await self._metastore.compaction(log.topic.no, log.partition)
        row = await self._metastore.partition(log.topic.no, log.partition)
        if state is None or row is None:
            return False
        end = max(plan.clean_end, state.cleaned_end)
        extents = await self._final_extents(log, row.log_start, end)
        concluded = await self._metastore.finish_compaction(
            log.topic.no,
            log.partition,
            end,
            bytes_between(extents, row.log_start, end),
            plan.filter.next_horizon_ms,
            self._now_ms(),
            plan.epoch,
        )
        self.passes += concluded
        return concluded

    # -- what cannot be read -------------------------------------------------------------------------
    def _avoid(self, log: PartitionLog, extent: Extent, fault: Corrupt | StoreFault) -> None:
        logger.error(
            "%s/%s: offsets %s..%s are left out of compaction: %s",
            log.topic.name,
            log.partition,
            extent.base_offset,
            extent.last_offset,
            fault,
        )
        if isinstance(fault, StoreFault) and fault.retryable:
            return
        self._damage.met(log.topic.no, log.partition, extent, fault)
        self._remember(self._avoided, (extent.object_no, extent.position))

    def _hold(self, log: PartitionLog) -> None:
        """The next pass reads the same again: not before what was left out is tried again."""
        self._remember(self._held, (log.topic.no, log.partition))

    def _remember(self, until: OrderedDict[tuple[int, int], int], key: tuple[int, int]) -> None:
        until[key] = self._now_ms() + AVOIDED_MS
        while len(until) > AVOIDED_MAX:
            until.popitem(last=False)

    def _is_readable(self, extent: Extent) -> bool:
        retry_at = self._avoided.get((extent.object_no, extent.position), 0)
        return extent.kind is not ObjectKind.QUARANTINE and retry_at <= self._now_ms()

    async def _in_thread(self, job: Callable[P, T], *arguments: P.args, **_: P.kwargs) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, job, *arguments)


def _changed(
    runs: Sequence[Sequence[Extent]], chosen: CompactionFilter, segment_bytes: int
) -> list[Sequence[Extent]]:
    """The runs without those that are one large extent in which nothing goes: reading it once more
    costs less than writing it once more."""
    return [
        run
        for run in runs
        if len(run) > 1 or 2 * run[0].length < segment_bytes or chosen.changes(run[0])
    ]
