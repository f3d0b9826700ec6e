"""What a compaction pass lets through: of each key the newest record, and what may not be judged.

Two readings of the log. The first fills the offset map from what is dirty, up to ``end``; the second goes
over everything below ``end`` and drops each record that has a newer one in the map. Delete markers are kept
until their horizon: the pass that first sees one gives it the horizon, a later pass that finds it over drops
it. By then the key's older records are gone, because runs are written in the order of their offsets.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum
from typing import NamedTuple

from anabranch.log.aborted import NOTHING_ABORTED, AbortedRanges
from anabranch.log.objects import AppendedBatches
from anabranch.log.offset_map import OffsetMap
from anabranch.metastore.api import Extent
from anabranch.records.batch import BatchHeader, scan
from anabranch.records.record import payload
from anabranch.records.thinning import NONE_KEPT, Judged, horizon_of, judge, thinned

Read = Callable[[Extent], AppendedBatches]


class Fate(Enum):
    """What compaction does with a batch because of the transaction that it belongs to."""

    JUDGE = "judge its records by their keys"
    DROP = "its transaction was aborted"
    MARKER = "it ends a transaction, and goes when its horizon is over"


def transaction_fate(header: BatchHeader, aborted: AbortedRanges) -> Fate:
    """The one place that knows of transactions.

    Nothing at or above the last stable offset is ever looked at (:func:`cleanable_end`), so the outcome
    of every transaction met here is known: what was not aborted was committed. Readers need an abort
    marker as long as the index of aborted transactions names its transaction, which is until a pass has
    dropped all of its records; nobody needs a commit marker to read. Both stay for the delete retention,
    for readers that are on their way.
    """
    if header.is_control:
        return Fate.MARKER
    if header.is_transactional and aborted.holds(header):
        return Fate.DROP
    return Fate.JUDGE


def cleanable_end(last_stable_offset: int, merged_end: int, young_from: int | None) -> int:
    """Up to where a pass may look: what is decided, lies in the store for good, and is old enough
    (``young_from``: the first offset younger than ``min.compaction.lag.ms``)."""
    end = min(last_stable_offset, merged_end)
    return end if young_from is None else min(end, young_from)


class Built(NamedTuple):
    """What the first reading found; ``end`` is where the map was full, or where it was to stop."""

    newest: OffsetMap
    end: int


def build_map(
    extents: Sequence[Extent],
    read: Read,
    start: int,
    end: int,
    bytes_max: int,
    aborted: AbortedRanges = NOTHING_ABORTED,
) -> Built:
    """Fill a map from the records in ``start .. end - 1``. Ends between batches.

    Raises what ``read`` raises, Corrupt.
    """
    newest = OffsetMap(bytes_max)
    first = True
    for extent in extents:
        if extent.last_offset < start:
            continue
        if extent.base_offset >= end:
            break
        for data, _ in read(extent):
            for header in scan(data):
                fate = transaction_fate(header, aborted)
                if header.last_offset < start or fate is not Fate.JUDGE:
                    continue
                if header.base_offset >= end:
                    return Built(newest, end)
                if not newest.put(payload(data, header), header, start, beyond=first):
                    # What it has of this batch does no harm: those records stay.
                    return Built(newest, header.base_offset)
                first = False
    return Built(newest, end)


class CompactionFilter:
    """The second reading, for one pass over one partition."""

    def __init__(
        self,
        built: Built,
        read: Read,
        *,
        now_ms: int,
        delete_retention_ms: int,
        last_offsets: Mapping[int, int],
        complete: bool,
        aborted: AbortedRanges = NOTHING_ABORTED,
    ) -> None:
        """``last_offsets``: of each idempotent producer, where its newest batch ends. ``complete``: no
        part of the log is left out; only then can a delete marker go without an older record coming back.
        ``aborted``: the transactions whose records go.
        """
        self._aborted = aborted
        self._newest = built.newest
        self._end = built.end
        self._read = read
        self._now_ms = now_ms
        self._horizon_ms = now_ms + delete_retention_ms
        self._last_offsets = last_offsets
        self._complete = complete
        self.next_horizon_ms: int | None = None  # when the first marker that is left may go

    def __call__(self, run: Sequence[Extent]) -> AppendedBatches:
        """The source of a rewrite. Its last batch is always kept, empty if need be: a reader must be
        able to step over what is gone, up to the end of the run."""
        dropped: tuple[BatchHeader, int] | None = None
        for extent in run:
            for data, appended_ms in self._read(extent):
                for piece, header in self._pieces(data):
                    if piece is None:
                        dropped = header, appended_ms
                    else:
                        dropped = None
                        yield piece, appended_ms
        if dropped is not None:
            header, appended_ms = dropped
            yield memoryview(thinned(header, memoryview(b""), NONE_KEPT)), appended_ms

    def changes(self, extent: Extent) -> bool:
        """Whether the extent would come out as another one; reads up to the first difference."""
        for data, _ in self._read(extent):
            for header in scan(data):
                closes = header.record_count == 0 and header.last_offset == extent.last_offset
                if not closes and self._judge(data, header) is not data:
                    return True
        return False

    def _pieces(self, data: memoryview) -> Iterator[tuple[memoryview | None, BatchHeader]]:
        """Runs of batches that stay as they are, batches written anew, None for each that goes."""
        start = end = 0
        header = None
        for header in scan(data):
            judged = self._judge(data, header)
            if judged is data:
                end = header.end
                continue
            if end > start:
                yield data[start:end], header
            start = end = header.end
            yield judged, header
        if end > start and header is not None:
            yield data[start:end], header

    def _judge(self, data: memoryview, header: BatchHeader) -> memoryview | None:
        """``data`` itself for a batch that stays as it is, its new bytes, or None."""
        if header.base_offset >= self._end:
            return data
        fate = transaction_fate(header, self._aborted)
        if fate is Fate.MARKER:
            return self._judge_end(data, header)
        if fate is Fate.DROP:
            if not header.record_count:
                return data
            if not self._is_last_of_producer(header):
                return None
            return memoryview(thinned(header, memoryview(b""), NONE_KEPT))
        horizon = horizon_of(header)
        body = payload(data, header)
        judged = judge(
            self._newest.table,
            body,
            header,
            end=self._end,
            drop_markers=self._complete and horizon is not None and horizon < self._now_ms,
        )
        if not judged.kept and not self._is_last_of_producer(header):
            return None
        fresh = (
            self._horizon_ms
            if judged.markers and horizon is None and self._may_expire(header)
            else None
        )
        until = fresh if horizon is None else horizon
        if judged.markers and until is not None:
            self._await(until)
        if judged.kept == header.record_count and fresh is None:
            return data
        return memoryview(thinned(header, body, judged, horizon_ms=fresh))

    def _judge_end(self, data: memoryview, header: BatchHeader) -> memoryview | None:
        """As :meth:`_judge`, of what ends a transaction."""
        horizon = horizon_of(header)
        if horizon is None:
            if not self._may_expire(header):
                return data
            self._await(self._horizon_ms)
            body = payload(data, header)
            whole = Judged(
                kept=header.record_count,
                markers=header.record_count,
                latest=header.max_timestamp - header.base_timestamp,
                runs=array("q", (0, len(body))),
                found=1,
            )
            return memoryview(thinned(header, body, whole, horizon_ms=self._horizon_ms))
        if self._complete and horizon < self._now_ms and not self._aborted.holds(header):
            return None
        self._await(horizon)
        return data

    def _await(self, horizon_ms: int) -> None:
        before = self.next_horizon_ms
        self.next_horizon_ms = horizon_ms if before is None else min(before, horizon_ms)

    def _may_expire(self, header: BatchHeader) -> bool:
        """Whether the older records of all markers in the batch are gone after this pass."""
        return self._complete and header.last_offset < self._end

    def _is_last_of_producer(self, header: BatchHeader) -> bool:
        """KIP-98: whoever rebuilds producer state from the log must find where each producer ended."""
        return (
            header.producer_id >= 0
            and self._last_offsets.get(header.producer_id) == header.last_offset
        )
