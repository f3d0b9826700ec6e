"""How many records lie between offsets, as values: what :mod:`.counting` found. Cheap to import."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple


class Count(NamedTuple):
    """``records``, or at most so many."""

    records: int
    exact: bool = True

    def __add__(self, other: Count) -> Count:  # type: ignore[override]  # these are not lists of things
        return Count(self.records + other.records, self.exact and other.exact)


class Tally(NamedTuple):
    """What was counted between neighbours of ``cuts``, which ascend; one fewer than these. A value: no I/O."""

    cuts: Sequence[int]
    pieces: Sequence[Count]

    def between(self, first: int, end: int) -> Count:
        """Records of ``[first, end)``. Of what lies outside of the cuts, or begins or ends between two of them, only
        the offsets are known: at most as many records."""
        if first >= end:
            return Count(0)
        low, high = bisect_left(self.cuts, first), bisect_right(self.cuts, end) - 1
        if low >= high:  # no whole piece
            return Count(end - first, exact=False)
        outside = self.cuts[low] - first + end - self.cuts[high]
        total = Count(outside, exact=outside == 0)
        for piece in self.pieces[low:high]:
            total += piece
        return total
