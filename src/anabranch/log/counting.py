"""How many records lie between offsets, for a reader of committed transactions: not every offset is one.

Control records (a marker per transaction and partition) and the records of aborted transactions take offsets
and are never given to such a reader. What an index knows is taken from it; of the rest the headers of the batches are
read, up to a number of bytes. Past it, and where a transaction is still open, a count is *at most* so many.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from anabranch.errors import Corrupt, StoreFault
from anabranch.log.aborted import AbortedRanges
from anabranch.log.counts import Count, Tally
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Aborted, Extent, Metastore
from anabranch.records.batch import BatchHeader, scan
from anabranch.records.record import iter_records
from anabranch.storage.store import NotFound

BYTES_MAX: Final = 128 * 1024 * 1024  # of log, read by one counter: a second or two on one core
INDEXES_MAX: Final = 4096  # read by one counter: a terabyte of segments of 256 MiB
EXTENTS_PER_QUERY: Final = 1000  # one page of a range scan
ABORTED_MAX: Final = 100_000  # aborted transactions looked at in one partition
CHUNK_BYTES: Final = 1024 * 1024  # read at a time
STALE_READS_MAX: Final = (
    3  # an extent may be merged away between the query and the read, not for ever
)


class RecordCounter:
    """Counts in one cluster, within one allowance of bytes and indexes for all that it is asked."""

    def __init__(
        self,
        metastore: Metastore,
        extents: ExtentReader,
        *,
        bytes_max: int = BYTES_MAX,
        indexes_max: int = INDEXES_MAX,
    ) -> None:
        self._metastore = metastore
        self._extents = extents
        self._bytes_left = bytes_max
        self._indexes_left = indexes_max

    async def upto(
        self, topic_no: int, partition: int, start: int, offsets: Sequence[int]
    ) -> dict[int, Count]:
        """Records of ``[start, offset)`` for each of ``offsets``; of none below ``start``. Raises StoreFault, Corrupt
        of the metastore; what of the log cannot be read counts as records, at most."""
        counted = await self.tally(topic_no, partition, [start, *(o for o in offsets if o > start)])
        return {offset: counted.between(start, offset) for offset in offsets}

    async def tally(self, topic_no: int, partition: int, offsets: Iterable[int]) -> Tally:
        """Records between each two neighbours of ``offsets``, none of which should lie below the log start: what is gone
        counts as no record. Raises as :meth:`upto`."""
        cuts = sorted(set(offsets))
        if len(cuts) < 2:
            return Tally(cuts, ())
        row = await self._metastore.partition(topic_no, partition)
        unstable = -1 if row is None else row.unstable
        aborted = await self._metastore.aborted_transactions(
            topic_no, partition, cuts[0], cuts[-1], ABORTED_MAX
        )
        pieces = []
        for first, end in pairwise(cuts):
            for attempt in range(STALE_READS_MAX):
                try:
                    piece = await self._between(topic_no, partition, first, end, aborted)
                    break
                except NotFound:
                    if attempt == STALE_READS_MAX - 1:
                        piece = Count(end - first, exact=False)
            if 0 <= unstable < end:  # what is open may be committed, or aborted
                piece = Count(piece.records, exact=False)
            pieces.append(piece)
        return Tally(cuts, pieces)

    async def _between(
        self, topic_no: int, partition: int, first: int, end: int, aborted: Sequence[Aborted]
    ) -> Count:
        total = Count(0, exact=len(aborted) < ABORTED_MAX)
        while first < end:
            extents = await self._metastore.extents_from(
                topic_no, partition, first, EXTENTS_PER_QUERY
            )
            wanted = [one for one in extents if one.base_offset < end]
            total += await asyncio.to_thread(self._of_extents, wanted, first, end, aborted)
            if len(wanted) < EXTENTS_PER_QUERY:
                break
            first = wanted[-1].last_offset + 1
        return total

    def _of_extents(
        self, extents: Sequence[Extent], first: int, end: int, aborted: Sequence[Aborted]
    ) -> Count:
        ranges = _merged(aborted)
        judge = AbortedRanges(aborted)
        total = Count(0)
        for extent in extents:
            low, high = max(first, extent.base_offset), min(end, extent.last_offset + 1)
            for block in self._blocks(extent, low, high):
                if block.known is not None and not _overlap(ranges, block.first, block.end):
                    total += Count(block.known)
                elif block.bytes > self._bytes_left:
                    span = min(block.end, high) - max(block.first, low)
                    total += Count(min(span, extent.records), exact=False)
                else:
                    self._bytes_left -= block.bytes
                    total += self._scanned(extent, block, max(block.first, low), high, judge)
        return total

    def _blocks(self, extent: Extent, low: int, high: int) -> Iterator[_Block]:
        """The parts of the extent that hold ``[low, high)``; with their counts where these are known and all of the
        part is wanted."""
        described = None
        known_already = self._extents.knows_index(extent)
        if known_already or self._indexes_left > 0:
            self._indexes_left -= not known_already
            try:
                described = self._extents.indexed(extent)
            except NotFound:
                raise
            except StoreFault:
                described = None  # whoever reads the batches will meet it again
        if described is None:
            yield _Block(0, extent.base_offset, extent.last_offset + 1, extent.length, None)
            return
        index, start = described
        ends = [
            *((entry.offset, entry.position) for entry in index.entries[1:]),
            (index.covered[1] + 1, index.byte_length),
        ]
        counts: Sequence[int | None] = index.data_counts or [None] * len(ends)
        for entry, (end, end_at), known in zip(index.entries, ends, counts, strict=True):
            if end <= low or entry.offset >= high:
                continue
            whole = low <= entry.offset and end <= high
            position = max(0, start + entry.position - extent.position)
            size = end_at - entry.position
            yield _Block(position, entry.offset, end, size, known if whole else None)

    def _scanned(
        self, extent: Extent, block: _Block, low: int, high: int, aborted: AbortedRanges
    ) -> Count:
        end = min(block.end, high)
        records = 0
        try:
            for run in self._extents.chunks(
                extent, start=block.position, end_offset=end, chunk_bytes=CHUNK_BYTES
            ):
                for header in scan(run):
                    if header.base_offset >= end:
                        return Count(records)
                    if header.last_offset < low or header.is_control:
                        continue
                    if header.is_transactional and aborted.holds(header):
                        continue
                    records += _within(run, header, low, end)
        except NotFound:
            raise
        except (Corrupt, StoreFault):
            return Count(min(end - low, extent.records), exact=False)
        return Count(records)


class _Block(NamedTuple):
    """Whole batches of an extent: ``position`` bytes into it, of offsets from ``first`` to before ``end``."""

    position: int
    first: int
    end: int
    bytes: int
    known: int | None


def _within(run: memoryview, header: BatchHeader, low: int, end: int) -> int:
    """Records of a batch with offsets in ``[low, end)``."""
    if low <= header.base_offset and header.last_offset < end:
        return header.record_count
    if header.record_count == header.last_offset_delta + 1:
        return min(end, header.last_offset + 1) - max(low, header.base_offset)
    return sum(low <= record.offset < end for record in iter_records(run, header))


def _merged(aborted: Sequence[Aborted]) -> list[tuple[int, int]]:
    """The offsets that they span, as ranges apart from each other; inclusive. Those whose records compaction removed
    span nothing."""
    found: list[tuple[int, int]] = []
    for one in sorted(aborted, key=lambda each: each.first_offset):
        if one.cleaned:
            continue
        if found and one.first_offset <= found[-1][1] + 1:
            found[-1] = (found[-1][0], max(found[-1][1], one.last_offset))
        else:
            found.append((one.first_offset, one.last_offset))
    return found


def _overlap(ranges: Sequence[tuple[int, int]], first: int, end: int) -> bool:
    at = bisect_right(ranges, end - 1, key=lambda one: one[0]) - 1
    return at >= 0 and ranges[at][1] >= first
