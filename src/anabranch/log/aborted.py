"""Which batches belong to transactions that were aborted."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence

from anabranch.metastore.api import Aborted
from anabranch.records.header import BatchHeader


class AbortedRanges:
    """The aborted transactions of a partition, by producer."""

    def __init__(self, aborted: Sequence[Aborted] = ()) -> None:
        self._by_producer: dict[int, list[tuple[int, int]]] = {}
        for one in sorted(aborted, key=lambda each: each.first_offset):
            ranges = self._by_producer.setdefault(one.producer_id, [])
            ranges.append((one.first_offset, one.last_offset))

    def holds(self, header: BatchHeader) -> bool:
        """Whether the batch, data or marker, is part of an aborted transaction. (Those of one producer
        follow each other.)"""
        ranges = self._by_producer.get(header.producer_id)
        if ranges is None:
            return False
        place = bisect_right(ranges, header.base_offset, key=lambda one: one[0]) - 1
        return place >= 0 and header.base_offset <= ranges[place][1]


NOTHING_ABORTED = AbortedRanges()


def skipping(aborted: Sequence[Aborted]) -> Callable[[BatchHeader], bool] | None:
    """Whether a decoder is to leave a batch out; None where none is left out."""
    if not aborted:
        return None
    ranges = AbortedRanges(aborted)
    return lambda header: header.is_transactional and ranges.holds(header)
