"""Writing runs of extents anew: into a segment of their own, or with others into a pack.

Merging, consolidation and compaction only differ in which runs they choose and in what they let through.
All of them write an object that nothing names yet (:mod:`anabranch.log.objects`) and then swap rows by
compare-and-set, wholly or not at all for each partition.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from anabranch.errors import AnabranchError, Corrupt, StoreFault
from anabranch.log.extents import ExtentReader
from anabranch.log.objects import AppendedBatches, ObjectWriter, Share
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Extent,
    ExtentName,
    Guard,
    Metastore,
    NewExtent,
    ObjectKind,
    Replacement,
    Topic,
)
from anabranch.records.batch import scan
from anabranch.storage.pack import pack_key
from anabranch.storage.segment import (
    NOT_KNOWN,
    AbortedTransaction,
    SegmentIndex,
    SegmentIndexBuilder,
    segment_key,
)

logger = logging.getLogger(__name__)

EXTENTS_PER_PASS = 1024  # rows replaced by one transaction: commits behind it wait a few ms
OFFSETS_SPAN_MAX = 2**31 - 1  # of a segment: Kafka's index and tools count offsets in 32 bits


class Source(Protocol):
    """What is written in place of a run. Called on a thread, perhaps more than once."""

    def __call__(self, run: Sequence[Extent]) -> AppendedBatches: ...


class Rewrite(NamedTuple):
    """A run of neighbouring extents of one partition that is to be written anew."""

    topic: Topic
    partition: int
    run: Sequence[Extent]
    source: Source
    compacted_at_ms: int = NOT_KNOWN

    @property
    def length(self) -> int:
        """Bytes that it has now; it never becomes longer by more than a few percent."""
        return sum(extent.length for extent in self.run)

    @property
    def names(self) -> tuple[ExtentName, ...]:
        return tuple(
            ExtentName(e.base_offset, e.object_no, e.position, e.last_offset) for e in self.run
        )


class Written(NamedTuple):
    """What became of a rewrite; ``content`` describes its bytes."""

    rewrite: Rewrite
    content: SegmentIndex
    position: int
    replaced: bool = False


class SourceFault(AnabranchError):
    """The bytes of one rewrite cannot be had; the others of the same object are not to blame."""

    def __init__(self, rewrite: Rewrite, extent: Extent, fault: Corrupt | StoreFault) -> None:
        super().__init__(str(fault))
        self.rewrite = rewrite
        self.extent = extent
        self.fault = fault


class Rewriter:
    """Writes objects for one process."""

    def __init__(
        self,
        metastore: Metastore,
        objects: ObjectWriter,
        extents: ExtentReader,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._objects = objects
        self._extents = extents
        self._now_ms = now_ms
        self._unique = unique
        self.written_bytes = 0
        self.objects = 0

    def copy(self, run: Sequence[Extent]) -> AppendedBatches:
        """The source that lets everything through, with every batch's CRC checked: an object is written
        once and read for years. Raises SourceFault without its rewrite."""
        windowed = self._extents.over(run)
        for extent in run:
            extents = windowed if extent.kind is ObjectKind.WAL else self._extents
            yield from checked_batches(extents, extent)

    async def write_object(
        self, group: Sequence[Rewrite], guard: Guard | None = None
    ) -> list[Written]:
        """Write a group of :func:`grouped` into one object and put it in place.

        Returns what was written, and whether it is in place now: not where the partition's extents
        changed meanwhile. Raises SourceFault for bytes that cannot be had (nothing has changed then),
        StoreFault (Outdated: see ``guard``).
        """
        kind = ObjectKind.SEGMENT if len(group) == 1 else ObjectKind.PACK
        if kind is ObjectKind.SEGMENT:
            (one,) = group
            base = one.run[0].base_offset
            key = segment_key(one.topic.name, one.topic.id, one.partition, base, self._unique())
        else:
            key = pack_key(self._unique())
        aborted = await self._aborted(group)
        found = await self._objects.write(
            key, kind, lambda: (self._share(each, aborted) for each in group)
        )
        written = [
            Written(rewrite, content.described, content.position)
            for rewrite, content in zip(group, found.contents, strict=True)
        ]
        done: list[Written] = []
        for chunk in _chunks(written):
            replacements = [
                Replacement(
                    each.rewrite.topic.no,
                    each.rewrite.partition,
                    each.rewrite.names,
                    (new_extent(each),),
                )
                for each in chunk
            ]
            replaced = await self._metastore.replace_many(
                found.no, found.length, replacements, self._now_ms(), guard
            )
            done += [each._replace(replaced=ok) for each, ok in zip(chunk, replaced, strict=True)]
        lost = [each for each in done if not each.replaced]
        if lost:
            logger.info(
                "%s of %s partitions changed while %s was written", len(lost), len(done), key
            )
        self.written_bytes += found.length
        self.objects += 1
        return done

    def _share(
        self, rewrite: Rewrite, aborted: Mapping[tuple[int, int], Sequence[AbortedTransaction]]
    ) -> Share:
        run = rewrite.run
        return Share(
            _sourced(rewrite),
            index_builder(self._metastore.cluster_id, rewrite),
            (run[0].base_offset, run[-1].last_offset),
            aborted.get((rewrite.topic.no, rewrite.partition), ()),
        )

    async def _aborted(
        self, group: Sequence[Rewrite]
    ) -> dict[tuple[int, int], list[AbortedTransaction]]:
        """The transactions that were aborted within each rewrite: all indexes of a partition together
        name all of them."""
        found: dict[tuple[int, int], list[AbortedTransaction]] = {}
        ranges = [
            (each.topic.no, each.partition, each.run[0].base_offset, each.run[-1].last_offset)
            for each in group
        ]
        for topic_no, partition, one in await self._metastore.aborted_within(ranges):
            found.setdefault((topic_no, partition), []).append(
                AbortedTransaction(one.producer_id, one.first_offset, one.last_offset)
            )
        return found


def _sourced(rewrite: Rewrite) -> AppendedBatches:
    try:
        yield from rewrite.source(rewrite.run)
    except ExtentFault as bad:
        raise SourceFault(rewrite, bad.extent, bad.fault) from bad


class ExtentFault(AnabranchError):
    """The bytes of an extent cannot be had."""

    def __init__(self, extent: Extent, fault: Corrupt | StoreFault) -> None:
        super().__init__(str(fault))
        self.extent = extent
        self.fault = fault


def checked_batches(extents: ExtentReader, extent: Extent) -> AppendedBatches:
    """An extent's batches with their append times, every CRC checked. Raises ExtentFault."""
    try:
        times = extents.append_times(extent)
        for chunk in extents.chunks(extent, verify=True):
            yield from by_append_time(chunk, times)
    except (Corrupt, StoreFault) as fault:
        raise ExtentFault(extent, fault) from fault


def new_extent(written: Written) -> NewExtent:
    """The row that stands for a run from now on: it covers the run's offsets, whatever is left of them."""
    run, index = written.rewrite.run, written.content
    return NewExtent(
        base_offset=run[0].base_offset,
        last_offset=run[-1].last_offset,
        position=written.position,
        length=index.byte_length,
        records=index.record_count,
        max_timestamp=index.max_timestamp,
        appended_ms=run[0].appended_ms,
        leader_epoch=run[-1].leader_epoch,
    )


def index_builder(cluster_id: bytes, rewrite: Rewrite) -> SegmentIndexBuilder:
    """What the index says of where the bytes belong, so that the bucket describes itself (I9)."""
    topic = rewrite.topic
    return SegmentIndexBuilder(
        cluster_id=cluster_id,
        topic_id=topic.id,
        topic_name=topic.name,
        partition=rewrite.partition,
        topic_config=dict(topic.configs),
        leader_epoch=rewrite.run[-1].leader_epoch,
        compacted_at_ms=rewrite.compacted_at_ms,
    )


def grouped(rewrites: Sequence[Rewrite], settings: LogSettings) -> list[list[Rewrite]]:
    """Which rewrites share an object: the small ones, in the order of their partitions, so that a
    partition's next shares come to lie together again."""
    alone = [[each] for each in rewrites if each.length >= settings.pack_share_bytes_max]
    small = [each for each in rewrites if each.length < settings.pack_share_bytes_max]
    small.sort(key=lambda each: (each.topic.no, each.partition))
    packs: list[list[Rewrite]] = []
    size = 0
    for each in small:
        full = size + each.length > settings.pack_bytes_max
        if not packs or full or len(packs[-1]) >= settings.pack_shares_max:
            packs.append([])
            size = 0
        packs[-1].append(each)
        size += each.length
    return alone + packs


def _chunks(written: Sequence[Written]) -> Iterator[list[Written]]:
    """As many swaps as one transaction takes."""
    chunk: list[Written] = []
    rows = 0
    for each in written:
        if chunk and rows + len(each.rewrite.run) > EXTENTS_PER_PASS:
            yield chunk
            chunk, rows = [], 0
        chunk.append(each)
        rows += len(each.rewrite.run)
    if chunk:
        yield chunk


def fits(run: Sequence[Extent], extent: Extent, size: int, bytes_max: int) -> bool:
    """Whether ``extent`` may follow ``run`` of ``size`` bytes in one object: its neighbour, not too many
    bytes, and no offset too far from the first for 32 bits."""
    return not run or (
        run[-1].last_offset + 1 == extent.base_offset
        and size + extent.length <= bytes_max
        and extent.last_offset - run[0].base_offset <= OFFSETS_SPAN_MAX
    )


def append_time_at(times: Sequence[tuple[int, int]], offset: int) -> int:
    """When ``offset`` was appended, as :meth:`ExtentReader.append_times` knows it."""
    index = bisect_right(times, offset, key=lambda time: time[0]) - 1
    return times[max(0, index)][1]


def by_append_time(chunk: memoryview, times: Sequence[tuple[int, int]]) -> AppendedBatches:
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
