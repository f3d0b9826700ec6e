"""Branches: a copy of metadata. Objects are shared; what is written anew is at most one batch per partition.

A branch ends exactly where it was asked to: extents that lie wholly below the end are copied as rows, one
that straddles the end is named with a shorter length, and a batch that straddles it is rebuilt without
the records at and after the end. A transaction that is open at the end counts as aborted in the branch,
whatever became of it in the source. Before copying, the source's WAL backlog below the end is merged, so that
a branch never keeps WAL files from being recycled.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import NamedTuple

from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.extents import ExtentReader
from anabranch.log.merge import Merger, Target
from anabranch.log.objects import ObjectWriter, Share
from anabranch.log.offsets import UNKNOWN_OFFSET, OffsetFinder
from anabranch.log.partition import PartitionLog
from anabranch.log.rewriting import append_time_at
from anabranch.metastore.api import (
    BranchOrigin,
    Conflict,
    Extent,
    Metastore,
    NewExtent,
    ObjectKind,
    Topic,
)
from anabranch.records.batch import BatchHeader, parse_header, scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import iter_records
from anabranch.storage.segment import SegmentIndexBuilder, segment_key
from anabranch.storage.store import NotFound

EXTENTS_PER_READ = 1024  # a page of a partition's extents
ATTEMPTS_MAX = 5  # the source may merge or retain while a branch is being cut


class BranchPoint(Struct, frozen=True):
    """Where a branch ends. Exactly one field is set; none means the present end of every partition."""

    offsets: Mapping[int, int] | None = None  # partition → first offset that is not in the branch
    append_time_ms: int | None = None  # keeps what was appended before
    event_time_ms: int | None = (
        None  # keeps what lies before the first record of that time or later
    )
    label: str = ""  # how the person called it, e.g. "point p-20260101"

    def describe(self) -> str:
        if self.label:
            return self.label
        if self.offsets is not None:
            return "offsets"
        if self.append_time_ms is not None:
            return f"append-time {self.append_time_ms}"
        if self.event_time_ms is not None:
            return f"event-time {self.event_time_ms}"
        return "end"


class _Last(NamedTuple):
    """A batch written anew because the branch ends within it, or within a hole behind it."""

    batch: bytes
    first_offset: int  # covered by its extent; the batch itself may begin later
    appended_ms: int


class _Cut(NamedTuple):
    """How one partition's straddling extent is replaced."""

    whole: NewExtent | None  # the batches below the end, in the object that exists
    last: _Last | None


class Brancher:
    """Cuts branches in one process."""

    def __init__(
        self,
        metastore: Metastore,
        objects: ObjectWriter,
        extents: ExtentReader,
        finder: OffsetFinder,
        merger: Merger,
        threads: Executor,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
        new_topic_id: Callable[[], bytes],
    ) -> None:
        self._metastore = metastore
        self._objects = objects
        self._extents = extents
        self._finder = finder
        self._merger = merger
        self._threads = threads
        self._now_ms = now_ms
        self._unique = unique
        self._new_topic_id = new_topic_id

    async def branch(
        self, source: Topic, name: str, point: BranchPoint, logs: list[PartitionLog]
    ) -> Topic:
        """Create topic ``name`` as a branch of ``source`` that ends at ``point``.

        ``logs`` are the source's partitions in order. Raises ClientFault: TOPIC_ALREADY_EXISTS,
        OFFSET_OUT_OF_RANGE for a point outside what the source holds, UNKNOWN_TOPIC_OR_PARTITION.
        """
        ends = await self._resolve(source, point, logs)
        topic_id = self._new_topic_id()
        origin = BranchOrigin(source.id, source.name, ends, point.describe())
        for attempt in range(ATTEMPTS_MAX):
            try:
                return await self._branch_once(source, name, topic_id, origin)
            except (Conflict, NotFound):
                if attempt == ATTEMPTS_MAX - 1:
                    raise
        raise AssertionError("unreachable")

    async def _branch_once(
        self, source: Topic, name: str, topic_id: bytes, origin: BranchOrigin
    ) -> Topic:
        """Raises Conflict or NotFound if the source's extents changed meanwhile."""
        replacements = {}
        await self._merger.merge_backlogs(
            [Target(source, partition, end) for partition, end in enumerate(origin.ends)]
        )
        for partition, end in enumerate(origin.ends):
            cut = await self._cut(source, name, topic_id, partition, end)
            if cut:
                replacements[partition] = cut
        open_at = {
            partition: found
            for partition, end in enumerate(origin.ends)
            if (found := await self._open_at(source, partition, end))
        }
        return await self._metastore.create_branch(
            source.no, name, topic_id, origin, replacements, self._now_ms(), open_at
        )

    async def _open_at(self, source: Topic, partition: int, end: int) -> list[tuple[int, int]]:
        """The transactions that are open at the offset ``end``, by producer id and first offset, whatever
        became of them later."""
        start = await self._metastore.stable_before(source.no, partition, end)
        if start is None:
            return []
        cleaned = await self._metastore.compaction(source.no, partition)
        if cleaned is not None:  # all decided there, and some markers are gone
            start = max(start, cleaned.cleaned_end)
        found = OpenTransactions()
        while start < end:
            page = await self._metastore.extents_from(source.no, partition, start, EXTENTS_PER_READ)
            for extent in page:
                if extent.base_offset >= end:
                    break
                await asyncio.get_running_loop().run_in_executor(
                    self._threads, found.read, self._extents, extent, start, end
                )
            if len(page) < EXTENTS_PER_READ or page[-1].last_offset >= end:
                break
            start = page[-1].last_offset + 1
        return sorted(found.first_offsets.items())

    async def _resolve(
        self, source: Topic, point: BranchPoint, logs: list[PartitionLog]
    ) -> tuple[int, ...]:
        unknown = set(point.offsets or ()) - {log.partition for log in logs}
        if unknown:
            raise ClientFault(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                f"{source.name} has {len(logs)} partitions, but not {min(unknown)}",
            )
        ends: list[int] = []
        for log in logs:
            row = await self._metastore.partition(source.no, log.partition)
            if row is None:
                raise ClientFault(
                    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{source.name} was deleted meanwhile"
                )
            log.apply_if_newer(row)
            end = await self._end_of(log, point)
            if not log.log_start <= end <= log.next_offset:
                raise ClientFault(
                    ErrorCode.OFFSET_OUT_OF_RANGE,
                    f"{source.name}/{log.partition} holds offsets {log.log_start} to "
                    f"{log.next_offset - 1}; a branch cannot end at {end}",
                )
            ends.append(end)
        return tuple(ends)

    async def _end_of(self, log: PartitionLog, point: BranchPoint) -> int:
        if point.offsets is not None:
            return point.offsets.get(log.partition, log.next_offset)
        if point.append_time_ms is not None:
            return max(log.log_start, await self._end_by_append_time(log, point.append_time_ms))
        if point.event_time_ms is not None:
            found = await self._finder.find(log, point.event_time_ms)
            return log.next_offset if found.offset == UNKNOWN_OFFSET else found.offset
        return log.next_offset

    async def _end_by_append_time(self, log: PartitionLog, appended_ms: int) -> int:
        """The first offset appended at or after ``appended_ms``.

        An extent knows when its first batch was appended; of what merging joined, the index knows it
        about every second.
        """
        topic_no, partition = log.topic.no, log.partition
        after = await self._metastore.extent_by_append_time(topic_no, partition, appended_ms)
        end = log.next_offset if after is None else after.base_offset
        if end == 0:
            return end
        before = (await self._metastore.extents_from(topic_no, partition, end - 1, 1))[:1]
        if before and before[0].kind.final:
            times = await asyncio.get_running_loop().run_in_executor(
                self._threads, self._extents.append_times, before[0]
            )
            return next((offset for offset, at_ms in times if at_ms >= appended_ms), end)
        return end

    async def _cut(
        self, source: Topic, name: str, topic_id: bytes, partition: int, end: int
    ) -> list[tuple[int, NewExtent]]:
        """What stands for the extent of ``source`` that straddles ``end``, if one does."""
        extents = await self._metastore.extents_from(source.no, partition, end, 1)
        if not extents or not extents[0].base_offset < end <= extents[0].last_offset:
            return []
        extent = extents[0]
        cut = await asyncio.get_running_loop().run_in_executor(
            self._threads, cut_extent, self._extents, extent, end
        )
        replaced: list[tuple[int, NewExtent]] = []
        if cut.whole is not None:
            replaced.append((extent.object_no, cut.whole))
        if cut.last is not None:
            branch = Topic(0, topic_id, name, source.partitions, source.configs, self._now_ms())
            replaced.append(await self._write_last(branch, partition, cut.last, extent))
        return replaced

    async def _write_last(
        self, branch: Topic, partition: int, last: _Last, extent: Extent
    ) -> tuple[int, NewExtent]:
        header = parse_header(last.batch)
        key = segment_key(branch.name, branch.id, partition, header.base_offset, self._unique())
        builder = SegmentIndexBuilder(
            cluster_id=self._metastore.cluster_id,
            topic_id=branch.id,
            topic_name=branch.name,
            partition=partition,
            topic_config=dict(branch.configs),
            leader_epoch=extent.leader_epoch,
        )
        batches = iter([(memoryview(last.batch), last.appended_ms)])
        share = Share(batches, builder, (last.first_offset, header.last_offset))
        written = await self._objects.write(key, ObjectKind.SEGMENT, lambda: [share])
        return written.no, NewExtent(
            base_offset=last.first_offset,
            last_offset=header.last_offset,
            position=0,
            length=len(last.batch),
            records=header.record_count,
            max_timestamp=header.max_timestamp,
            appended_ms=last.appended_ms,
            leader_epoch=extent.leader_epoch,
        )


class OpenTransactions:
    """Which transactions batches begin and do not end, read in the order of their offsets."""

    def __init__(self) -> None:
        self.first_offsets: dict[int, int] = {}  # by producer id

    def read(self, extents: ExtentReader, extent: Extent, start: int, end: int) -> None:
        """Go over what the extent holds of ``start .. end - 1``. Raises Corrupt, StoreFault."""
        position = 0
        if extent.kind is not ObjectKind.WAL and start > extent.base_offset:
            position = extents.offset_position(extent, start)
        for run in extents.chunks(extent, start=position, end_offset=end):
            for header in scan(run):
                if header.base_offset >= end:
                    return
                if header.last_offset < start or not header.is_transactional:
                    continue
                if header.is_control:
                    self.first_offsets.pop(header.producer_id, None)
                else:
                    self.first_offsets.setdefault(header.producer_id, header.base_offset)


def cut_extent(extents: ExtentReader, extent: Extent, end: int) -> _Cut:
    """Find where ``end`` falls in ``extent``; reads from the nearest index entry before it.

    Compaction leaves holes. Where the branch would end in one, an empty batch closes it: a consumer that
    found nothing up to the end would wait there for ever.
    """
    start = 0 if extent.kind is ObjectKind.WAL else extents.offset_position(extent, end - 1)
    kept = start
    reached = extent.base_offset  # what the kept batches cover
    records = 0
    max_timestamp = extents.max_timestamp_before(extent, start)
    straddling: tuple[memoryview, BatchHeader] | None = None
    for run in extents.chunks(extent, start=start):
        header = None
        for header in scan(run):
            if header.last_offset >= end:
                break
            kept += header.size
            records += header.record_count
            reached = header.last_offset + 1
            max_timestamp = max(max_timestamp, header.max_timestamp)
        if header is not None and header.last_offset >= end:
            if header.base_offset < end:
                straddling = run, header
            break
    if straddling is not None and kept:
        reached = straddling[1].base_offset
    whole = None
    if kept:
        whole = NewExtent(
            base_offset=extent.base_offset,
            last_offset=reached - 1,
            position=extent.position,
            length=kept,
            records=_records(extent, reached) if start else records,
            max_timestamp=max_timestamp,
            appended_ms=extent.appended_ms,
            leader_epoch=extent.leader_epoch,
        )
    if reached == end:
        return _Cut(whole, None)
    if straddling is None:
        batch = build_batch([], base_offset=end - 1, offset_deltas=[], last_offset_delta=0)
        return _Cut(whole, _Last(batch, reached, extent.appended_ms))
    run, header = straddling
    appended_ms = append_time_at(extents.append_times(extent), header.base_offset)
    return _Cut(
        whole, _Last(trim_batch(run, header, end), reached, max(extent.appended_ms, appended_ms))
    )


def _records(extent: Extent, reached: int) -> int:
    """Of the part of ``extent`` below ``reached``, in whole batches, most of which were not read. As many as there
    are offsets would say that none is missing, so there are fewer if some are missing anywhere."""
    offsets = reached - extent.base_offset
    return offsets if extent.is_dense else max(1, min(extent.records, offsets - 1))


def trim_batch(run: memoryview, header: BatchHeader, end: int) -> bytes:
    """The batch without its records at and after ``end``, otherwise as it was."""
    kept = [record for record in iter_records(run, header) if record.offset < end]
    return build_batch(
        kept,
        base_offset=header.base_offset,
        codec=header.codec if kept else Codec.NONE,
        producer_id=header.producer_id,
        producer_epoch=header.producer_epoch,
        base_sequence=header.base_sequence,
        leader_epoch=header.partition_leader_epoch,
        append_time_ms=header.max_timestamp if header.log_append_time else None,
        transactional=header.is_transactional,
        offset_deltas=[record.offset - header.base_offset for record in kept],
        last_offset_delta=end - 1 - header.base_offset,
    )
