"""Merging: from WAL extents to segments and packs, and from small runs to larger ones.

A pass takes a run of consecutive extents of each partition that is due. A run that is large enough becomes
a segment; the others share packs. A partition that grew leaves the packs by itself: its runs of small
shares are consolidated until they are worth a segment.
"""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import Corrupt, StoreFault
from anabranch.log.config import effective
from anabranch.log.damage import DamageReports
from anabranch.log.quarantine import Quarantine
from anabranch.log.rewriting import (
    EXTENTS_PER_PASS,
    Rewrite,
    Rewriter,
    SourceFault,
    Written,
    fits,
    grouped,
)
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Backlog,
    Extent,
    Metastore,
    ObjectKind,
    PlacedExtent,
    Topic,
)

logger = logging.getLogger(__name__)

SMALLEST_BYTES = 61  # a batch's header
SMALL_SEGMENTS_PER_PASS = 1024  # looked at to find a run; a partition has some dozen
AVOIDED_MAX = 10_000  # extents remembered as unreadable; past it the oldest is tried again
TRIED_MAX = 1024  # an extent that still reads back wrong after its quarantine is avoided instead
AVOIDED_MS = 10 * 60_000  # an extent that could not be read is tried again after this long


class Target(NamedTuple):
    """A partition whose WAL extents are to be merged, those that start below ``up_to`` if given."""

    topic: Topic
    partition: int
    up_to: int | None = None


def due(backlogs: Sequence[Backlog], settings: LogSettings, now_ms: int) -> list[Backlog]:
    """Which partitions should merge now: what is old enough, and the oldest while the WAL is too large.

    A full segment's worth alone is no reason: a burst is better absorbed first and merged after.
    """
    total = sum(backlog.bytes for backlog in backlogs)
    chosen: list[Backlog] = []
    for backlog in sorted(backlogs, key=lambda backlog: backlog.oldest_appended_ms):
        old = now_ms - backlog.oldest_appended_ms >= settings.merge_age_ms
        if old or total > settings.wal_bytes_max:
            chosen.append(backlog)
            total -= backlog.bytes
    return chosen


def consolidation(segments: Sequence[Extent], settings: LogSettings) -> list[Extent]:
    """A run of small neighbours worth merging into one, or nothing.

    Either ``fan_in`` or more of which none outweighs all the others, so that every byte comes to lie in a
    segment at least twice as large, the newest first because they are the smallest; or some that together
    are half a segment, which is not small any more, the oldest first so that none is left between two
    that are large. So each byte is rewritten a logarithmic number of times, and the count of segments stays
    logarithmic in what is retained, however unevenly it came.
    """
    fan_in, segment_bytes = settings.consolidate_fan_in, settings.segment_bytes
    for first in reversed(range(len(segments))):
        total = largest = 0
        for count, segment in enumerate(_neighbours(segments, first, segment_bytes), 1):
            total += segment.length
            largest = max(largest, segment.length)
            if count >= fan_in and 2 * largest <= total:
                return list(segments[first : first + count])
    for first in range(len(segments)):
        total = 0
        for count, segment in enumerate(_neighbours(segments, first, segment_bytes), 1):
            total += segment.length
            if count > 1 and 2 * total >= segment_bytes:
                return list(segments[first : first + count])
    return []


def _neighbours(segments: Sequence[Extent], first: int, bytes_max: int) -> Iterator[Extent]:
    """From ``first`` on, as long as they follow each other and fit one segment."""
    run: list[Extent] = []
    size = 0
    for segment in segments[first:]:
        if segment.length > bytes_max or not fits(run, segment, size, bytes_max):
            return
        run.append(segment)
        size += segment.length
        yield segment


def objects_max(retained_bytes: int, settings: LogSettings) -> int:
    """The most segments and shares of packs that a partition has once its merges are done: a few of each
    order of magnitude below half a segment, and twice what full ones would be (I10)."""
    tiers = 1
    while settings.consolidate_fan_in**tiers < settings.segment_bytes // SMALLEST_BYTES:
        tiers += 1
    full = 4 * retained_bytes // settings.segment_bytes
    return (settings.consolidate_fan_in - 1) * (tiers + 1) + full


class Merger:
    """Chooses runs and has them written anew, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        rewriter: Rewriter,
        quarantine: Quarantine,
        damage: DamageReports,
        settings: LogSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._rewriter = rewriter
        self._quarantine = quarantine
        self._damage = damage
        self._settings = settings
        self._now_ms = now_ms
        # Partitions that somebody rewrites as a whole: consolidating them meanwhile wastes the work of both.
        self.busy: set[tuple[int, int]] = set()
        self._tried: deque[tuple[int, int]] = deque(maxlen=TRIED_MAX)  # to put into quarantine
        self._avoided: OrderedDict[tuple[int, int], int] = OrderedDict()  # → when to try again

    @property
    def merged_bytes(self) -> int:
        return self._rewriter.written_bytes

    async def merge_backlog(self, topic: Topic, partition: int, *, up_to: int | None = None) -> int:
        """As :meth:`merge_backlogs` for one partition; returns how many runs were written."""
        return await self.merge_backlogs([Target(topic, partition, up_to)])

    async def merge_backlogs(self, targets: Sequence[Target]) -> int:
        """Move what these partitions have in the WAL into segments and packs; returns how many runs.

        What reads back corrupt is put into quarantine, what is missing is left where it is: either way
        the rest of the partition goes on. Raises StoreFault if the store or the WAL refuses.
        """
        written = 0
        waiting = list(targets)
        while waiting:
            rewrites = await self._next_runs(waiting)
            done = await self._write(rewrites)
            written += sum(each.replaced for each in done)
            lost = {each.rewrite.names for each in done if not each.replaced}  # to another process
            go_on = {(each.topic.no, each.partition) for each in rewrites if each.names not in lost}
            waiting = [each for each in waiting if (each.topic.no, each.partition) in go_on]
        return written

    async def _next_runs(self, targets: Sequence[Target]) -> list[Rewrite]:
        """The first run of each target. A partition with very many extents is read by itself."""
        extents: dict[tuple[int, int], list[Extent]] = {}
        if len(targets) == 1:
            (one,) = targets
            key = (one.topic.no, one.partition)
            extents[key] = await self._metastore.wal_extents(*key, EXTENTS_PER_PASS)
        else:
            found = await self._metastore.wal_extents_of(
                [(each.topic.no, each.partition) for each in targets]
            )
            extents = _by_partition(found)
        rewrites = []
        for each in targets:
            run = self._wal_run(each, extents.get((each.topic.no, each.partition), []))
            if run:
                rewrites.append(Rewrite(each.topic, each.partition, run, self._rewriter.copy))
        return rewrites

    def _wal_run(self, target: Target, extents: Sequence[Extent]) -> list[Extent]:
        """The first run of consecutive WAL extents that fits one segment."""
        bytes_max = self._policy(target.topic).segment_bytes
        run: list[Extent] = []
        size = 0
        for extent in extents:
            if target.up_to is not None and extent.base_offset >= target.up_to:
                break
            if self._is_avoided(extent):
                if run:
                    break
                continue
            if len(run) == EXTENTS_PER_PASS or not fits(run, extent, size, bytes_max):
                break
            run.append(extent)
            size += extent.length
        return run

    async def _write(self, rewrites: Sequence[Rewrite]) -> list[Written]:
        """Have them written. What cannot be read is dealt with, and what lies before it is written."""
        written: list[Written] = []
        for group in grouped(rewrites, self._settings):
            left = group
            while left:
                try:
                    written += await self._rewriter.write_object(left)
                    break
                except SourceFault as bad:
                    await self._deal_with(bad)
                    left = [each for each in left if each is not bad.rewrite]
                    at = bad.rewrite.run.index(bad.extent)
                    if at:
                        left.append(bad.rewrite._replace(run=bad.rewrite.run[:at]))
        return written

    async def _deal_with(self, bad: SourceFault) -> None:
        topic, partition, extent = bad.rewrite.topic, bad.rewrite.partition, bad.extent
        fault = bad.fault
        if isinstance(fault, StoreFault) and fault.retryable:
            raise fault
        name = (extent.object_no, extent.position)
        if isinstance(fault, Corrupt) and extent.kind is ObjectKind.WAL and name not in self._tried:
            self._tried.append(name)
            try:
                await self._quarantine.isolate(topic, partition, extent, fault)
                return
            except StoreFault as worse:
                if worse.retryable:
                    raise
                fault = worse
        logger.error(
            "%s/%s: offsets %s..%s cannot be merged, the rest goes on without them: %s",
            topic.name,
            partition,
            extent.base_offset,
            extent.last_offset,
            fault,
        )
        self._damage.met(topic.no, partition, extent, fault)
        self._avoid(extent)

    def _avoid(self, extent: Extent) -> None:
        self._avoided[extent.object_no, extent.position] = self._now_ms() + AVOIDED_MS
        while len(self._avoided) > AVOIDED_MAX:
            self._avoided.popitem(last=False)

    def _is_avoided(self, extent: Extent) -> bool:
        retry_at = self._avoided.get((extent.object_no, extent.position))
        return retry_at is not None and self._now_ms() < retry_at

    # -- consolidation -----------------------------------------------------------------------------
    async def consolidate(self, topic: Topic, partition: int) -> bool:
        """Merge one run of small neighbouring extents if there is one."""
        return await self.consolidate_many([(topic, partition)]) > 0

    async def consolidate_many(self, partitions: Sequence[tuple[Topic, int]]) -> int:
        """Merge one run of small neighbours in each of these partitions that has one; how many did."""
        policies = {
            (topic.no, partition): (topic, self._policy(topic))
            for topic, partition in partitions
            if (topic.no, partition) not in self.busy
        }
        found = await self._metastore.small_segments_of(
            [(*key, policy.segment_bytes // 2) for key, (_, policy) in policies.items()]
        )
        rewrites = []
        for (topic_no, partition), extents in _by_partition(found).items():
            topic, policy = policies[topic_no, partition]
            good = [extent for extent in extents if not self._is_avoided(extent)]
            run = consolidation(good, policy)
            if run:
                rewrites.append(Rewrite(topic, partition, run, self._rewriter.copy))
        return sum(each.replaced for each in await self._write(rewrites))

    def _policy(self, topic: Topic) -> LogSettings:
        """The settings with the topic's own bound on a segment, where that is the smaller one."""
        own = effective(topic.configs).segment_bytes
        return replace(self._settings, segment_bytes=min(own, self._settings.segment_bytes))


def _by_partition(placed: Sequence[PlacedExtent]) -> dict[tuple[int, int], list[Extent]]:
    return {
        key: [each.extent for each in group]
        for key, group in groupby(placed, key=lambda each: (each.topic_no, each.partition))
    }
