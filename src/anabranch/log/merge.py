"""Merging: from WAL extents to segments, and from small segments to large ones.

A pass rewrites a run of consecutive extents of one partition into one segment and swaps them by
compare-and-set, wholly or not at all. The object is named in the metastore before its bytes are
written, so a crash at any point leaves an object that collection knows of.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.log.config import effective
from anabranch.log.extents import ExtentReader
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Backlog,
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    Topic,
)
from anabranch.records.batch import scan
from anabranch.storage.segment import SegmentIndexBuilder, index_key, segment_key
from anabranch.storage.store import Store

logger = logging.getLogger(__name__)

EXTENTS_PER_PASS = 1024  # rows replaced by one transaction: commits behind it wait a few ms
SMALL_SEGMENTS_PER_PASS = 1024  # looked at to find a run; a partition has some dozen


class SegmentIdentity(NamedTuple):
    """What a segment's index says of where it belongs, so that the bucket describes itself (I9)."""

    cluster_id: bytes
    topic: Topic
    partition: int


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
    room = bytes_max
    for index in range(first, len(segments)):
        segment = segments[index]
        room -= segment.length
        if room < 0 or (
            index > first and segments[index - 1].last_offset + 1 != segment.base_offset
        ):
            return
        yield segment


class Merger:
    """Rewrites extents of one process's metastore and store."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        extents: ExtentReader,
        threads: Executor,
        settings: LogSettings,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._store = store
        self._extents = extents
        self._threads = threads
        self._settings = settings
        self._now_ms = now_ms
        self._unique = unique
        self.merged_bytes = 0

    async def merge_backlog(self, topic: Topic, partition: int, *, up_to: int | None = None) -> int:
        """Move the partition's WAL extents (those that start below ``up_to``) into segments.

        Returns the number of segments written. Raises Corrupt or StoreFault if bytes cannot be had.
        """
        written = 0
        while True:
            extents = await self._metastore.wal_extents(topic.no, partition, EXTENTS_PER_PASS)
            run = _wal_run(extents, self._policy(topic).segment_bytes, up_to)
            if not run or not await self.rewrite(topic, partition, run):
                return written
            written += 1

    async def consolidate(self, topic: Topic, partition: int) -> bool:
        """Merge one run of small neighbouring segments if there is one."""
        policy = self._policy(topic)
        segments = await self._metastore.small_segments(
            topic.no, partition, policy.segment_bytes // 2, SMALL_SEGMENTS_PER_PASS
        )
        run = consolidation(segments, policy)
        return bool(run) and await self.rewrite(topic, partition, run)

    def _policy(self, topic: Topic) -> LogSettings:
        """The settings with the topic's own bound on a segment, where that is the smaller one."""
        own = effective(topic.configs).segment_bytes
        return replace(self._settings, segment_bytes=min(own, self._settings.segment_bytes))

    async def rewrite(self, topic: Topic, partition: int, run: Sequence[Extent]) -> bool:
        """Write ``run`` as one segment and put it in its place; False if the run changed meanwhile."""
        key = segment_key(topic.name, topic.id, partition, run[0].base_offset, self._unique())
        now_ms = self._now_ms()
        object_no = await self._metastore.create_object(key, ObjectKind.SEGMENT, now_ms)
        identity = SegmentIdentity(self._metastore.cluster_id, topic, partition)
        length = await asyncio.get_running_loop().run_in_executor(
            self._threads, write_segment, self._store, self._extents, key, identity, run
        )
        new = NewExtent(
            base_offset=run[0].base_offset,
            last_offset=run[-1].last_offset,
            position=0,
            length=length,
            records=sum(extent.records for extent in run),
            max_timestamp=max(extent.max_timestamp for extent in run),
            appended_ms=run[0].appended_ms,
            leader_epoch=run[-1].leader_epoch,
        )
        names = [ExtentName(each.base_offset, each.object_no, each.position) for each in run]
        replaced = await self._metastore.replace_extents(
            topic.no, partition, names, object_no, length, [new], self._now_ms()
        )
        if replaced:
            self.merged_bytes += length
        else:
            logger.info("%s/%s changed while %s was written", topic.name, partition, key)
        return replaced


def _wal_run(extents: Sequence[Extent], bytes_max: int, up_to: int | None) -> list[Extent]:
    """The first run of consecutive WAL extents that fits one segment."""
    run: list[Extent] = []
    size = 0
    for extent in extents:
        if up_to is not None and extent.base_offset >= up_to:
            break
        if run and (
            size + extent.length > bytes_max or run[-1].last_offset + 1 != extent.base_offset
        ):
            break
        run.append(extent)
        size += extent.length
    return run


def write_segment(
    store: Store, extents: ExtentReader, key: str, identity: SegmentIdentity, run: Sequence[Extent]
) -> int:
    """Stream ``run`` into a segment object and write its index beside it; returns the segment's bytes.

    Every batch's CRC is checked on the way: a segment is written once and read for years.
    """
    builder = SegmentIndexBuilder(
        cluster_id=identity.cluster_id,
        topic_id=identity.topic.id,
        topic_name=identity.topic.name,
        partition=identity.partition,
        topic_config=dict(identity.topic.configs),
    )

    def batches() -> Iterator[memoryview]:
        for extent in run:
            times = extents.append_times(extent)
            for chunk in extents.chunks(extent, verify=True):
                for piece, appended_ms in by_append_time(chunk, times):
                    builder.add(piece, appended_at_ms=appended_ms)
                yield chunk

    length = store.put(key, batches())
    store.put(index_key(key), builder.finish().encode())
    return length


def append_time_at(times: Sequence[tuple[int, int]], offset: int) -> int:
    """When ``offset`` was appended, as :meth:`ExtentReader.append_times` knows it."""
    index = bisect_right(times, offset, key=lambda time: time[0]) - 1
    return times[max(0, index)][1]


def by_append_time(
    chunk: memoryview, times: Sequence[tuple[int, int]]
) -> Iterator[tuple[memoryview, int]]:
    """Cut a run of batches where a later append time begins, so that a rewrite forgets none."""
    start, at = 0, None
    for header in scan(chunk):
        here = append_time_at(times, header.base_offset)
        if at is not None and here != at:
            yield chunk[start : header.position], at
            start = header.position
        at = here
    if at is not None:
        yield chunk[start:], at
