"""How many records lie between offsets, for a reader of committed transactions: not every offset is one.

Control records (a marker per transaction and partition) and the records of aborted transactions take offsets
and are never given to such a reader; compaction leaves holes. A partition that knew none of this is counted by its offsets
alone. Of others, what an index knows is taken from it; of the rest the headers of the batches are read, up to a number of
bytes. Past it, and where a transaction is still open, a count is *at most* so many.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from anabranch.errors import Corrupt, StoreFault
from anabranch.log.aborted import AbortedRanges
from anabranch.log.counts import Count, Tally
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Aborted, Extent, Metastore
from anabranch.records.batch import BatchHeader, scan
from anabranch.records.record import iter_records
from anabranch.storage.store import NotFound

EXTENTS_PER_QUERY: Final = 1000  # one page of a range scan; the first is smaller
EXTENTS_PER_FIRST_QUERY: Final = 16
CHUNK_BYTES: Final = 1024 * 1024  # read at a time
STALE_READS_MAX: Final = (
    3  # an extent may be merged away between the query and the read, not for ever
)


class Allowance(Struct):
    """What counting may still read; it goes down. ``aborted``: transactions looked at, each time."""

    bytes: int = 128 * 1024 * 1024  # of log: a second or two on one core
    indexes: int = 4096  # a terabyte of segments of 256 MiB
    extents: int = 1_000_000  # rows: some seconds
    aborted: int = 100_000

    def share(self, most: Allowance) -> Allowance:
        """What is left, and no more than ``most`` of anything."""
        return Allowance(
            min(self.bytes, most.bytes),
            min(self.indexes, most.indexes),
            min(self.extents, most.extents),
            min(self.aborted, most.aborted),
        )

    def spend(self, given: Allowance, left: Allowance) -> None:
        """Take off what was used of a share."""
        self.bytes -= given.bytes - left.bytes
        self.indexes -= given.indexes - left.indexes
        self.extents -= given.extents - left.extents


class RecordCounter:
    """Counts in one cluster, within one allowance for all that it is asked."""

    def __init__(
        self, metastore: Metastore, extents: ExtentReader, allowance: Allowance | None = None
    ) -> None:
        self._metastore = metastore
        self._extents = extents
        self._left = Allowance() if allowance is None else allowance

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
        meta = self._metastore
        row = await meta.partition(topic_no, partition)
        start = 0 if row is None else row.log_start
        count = _Counting(cuts, self._extents, self._left)
        if row is not None and await meta.is_plain(topic_no, partition):
            count.add_offsets(max(cuts[0], start), min(cuts[-1], row.next_offset))
            return count.tally()
        aborted: Sequence[Aborted] = ()
        if row is None or row.aborted_end > cuts[0]:
            aborted = await meta.aborted_transactions(
                topic_no, partition, cuts[0], cuts[-1], self._left.aborted
            )
        begun = await meta.stable_before(topic_no, partition, cuts[-1])
        count.know(aborted, transactions=begun is not None)
        if len(aborted) >= self._left.aborted:
            count.doubt(cuts[0])
        if row is not None and row.unstable >= 0:  # what is open may be committed, or aborted
            count.doubt(row.unstable)
        at, limit, stale = max(cuts[0], start), EXTENTS_PER_FIRST_QUERY, 0
        while at < cuts[-1]:
            limit = min(limit, self._left.extents)
            if not limit:
                count.add_offsets(at, cuts[-1], exact=False)
                break
            page = await meta.extents_from(topic_no, partition, at, limit)
            wanted = [extent for extent in page if extent.base_offset < cuts[-1]]
            self._left.extents -= len(wanted)
            done = await asyncio.to_thread(count.extents, wanted, at)
            if done is not None:
                stale = stale + 1 if done == at else 1
                at = done
                if stale == STALE_READS_MAX:
                    (lost,) = [one for one in wanted if one.base_offset <= at <= one.last_offset]
                    at, stale = count.give_up(lost, at), 0
                continue
            if len(wanted) < limit:
                break
            at = wanted[-1].last_offset + 1
            limit = min(EXTENTS_PER_QUERY, limit * 8)
        return count.tally()


class _Counting:
    """One partition's records, put where they belong between the cuts."""

    def __init__(self, cuts: Sequence[int], extents: ExtentReader, left: Allowance) -> None:
        self._cuts = cuts
        self._extents = extents
        self._left = left
        self._pieces = [Count(0)] * (len(cuts) - 1)
        self._ranges: list[tuple[int, int]] = []
        self._judge = AbortedRanges()
        self._transactions = False

    def know(self, aborted: Sequence[Aborted], *, transactions: bool) -> None:
        """What was aborted; whether any transaction began before the last cut."""
        self._ranges = _merged(aborted)
        self._judge = AbortedRanges(aborted)
        self._transactions = transactions

    def tally(self) -> Tally:
        return Tally(self._cuts, self._pieces)

    def doubt(self, offset: int) -> None:
        """From ``offset`` on counts are at most so many."""
        for place, end in enumerate(self._cuts[1:]):
            if offset < end:
                self._pieces[place] = Count(self._pieces[place].records, exact=False)

    def add_offsets(self, first: int, end: int, *, exact: bool = True) -> None:
        """Each of ``[first, end)`` counts as a record."""
        for place, low, high in self._parts(first, end):
            self._pieces[place] += Count(high - low, exact)

    def extents(self, extents: Sequence[Extent], at: int) -> int | None:
        """Count these from ``at`` on. Returns the first offset that was not counted because its extent is there no more;
        None: all were."""
        for extent in extents:
            low = max(at, extent.base_offset)
            try:
                found = self._of(extent, low, min(self._cuts[-1], extent.last_offset + 1))
            except NotFound:
                return low
            for place, count in found.items():
                self._pieces[place] += count
        return None

    def give_up(self, extent: Extent, at: int) -> int:
        """Of an extent that cannot be found, only the offsets are known. Returns the offset behind it."""
        end = min(self._cuts[-1], extent.last_offset + 1)
        for place, count in self._bound(extent, at, end).items():
            self._pieces[place] += count
        return end

    def _parts(self, first: int, end: int) -> Iterator[tuple[int, int, int]]:
        """``[first, end)`` as it lies between the cuts: place, first and end of each part."""
        place = bisect_right(self._cuts, first) - 1
        while first < end:
            high = min(end, self._cuts[place + 1])
            yield place, first, high
            first, place = high, place + 1

    def _bound(self, extent: Extent, first: int, end: int) -> dict[int, Count]:
        return {
            place: Count(min(high - low, extent.records), exact=False)
            for place, low, high in self._parts(first, end)
        }

    def _of(self, extent: Extent, low: int, high: int) -> dict[int, Count]:
        parts = list(self._parts(low, high))
        if not self._transactions and not _overlap(
            self._ranges, extent.base_offset, extent.last_offset + 1
        ):
            if extent.is_dense:
                return {place: Count(end - first) for place, first, end in parts}
            if len(parts) == 1 and low <= extent.base_offset and high > extent.last_offset:
                return {parts[0][0]: Count(extent.records)}
        found: dict[int, Count] = defaultdict(lambda: Count(0))
        for block in self._blocks(extent, low, high):
            first, end = max(block.first, low), min(block.end, high)
            inside = list(self._parts(first, end))
            whole = len(inside) == 1 and (first, end) == (block.first, block.end)
            if whole and block.known is not None and not _overlap(self._ranges, first, end):
                counted = {inside[0][0]: Count(block.known)}
            elif block.bytes > self._left.bytes:
                counted = self._bound(extent, first, end)
            else:
                self._left.bytes -= block.bytes
                counted = self._scanned(extent, block, first, end)
            for place, count in counted.items():
                found[place] += count
        return found

    def _blocks(self, extent: Extent, low: int, high: int) -> Iterator[_Block]:
        """The parts of the extent that hold ``[low, high)``, with their counts where these are known."""
        described = None
        known_already = self._extents.knows_index(extent)
        if known_already or self._left.indexes > 0:
            self._left.indexes -= not known_already
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
            position = max(0, start + entry.position - extent.position)
            yield _Block(position, entry.offset, end, end_at - entry.position, known)

    def _scanned(self, extent: Extent, block: _Block, low: int, end: int) -> dict[int, Count]:
        found: dict[int, int] = defaultdict(int)
        try:
            for run in self._extents.chunks(
                extent, start=block.position, end_offset=end, chunk_bytes=CHUNK_BYTES
            ):
                for header in scan(run):
                    if header.base_offset >= end:
                        return _counts(found)
                    if header.last_offset < low or header.is_control:
                        continue
                    if header.is_transactional and self._judge.holds(header):
                        continue
                    behind = min(end, header.last_offset + 1)
                    for place, first, high in self._parts(max(low, header.base_offset), behind):
                        found[place] += _within(run, header, first, high)
        except NotFound:
            raise
        except (Corrupt, StoreFault):
            return self._bound(extent, low, end)
        return _counts(found)


class _Block(NamedTuple):
    """Whole batches of an extent: ``position`` bytes into it, of offsets from ``first`` to before ``end``."""

    position: int
    first: int
    end: int
    bytes: int
    known: int | None


def _counts(found: dict[int, int]) -> dict[int, Count]:
    return {place: Count(records) for place, records in found.items()}


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
