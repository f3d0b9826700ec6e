"""Below which offset a flush ends for certain, if it was committed at all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from math import inf

from anabranch.log.rebuild.filling import Flush, flush_of
from anabranch.log.rebuild.order import Sender, numbered
from anabranch.log.rebuild.wal_read import Fate, Read

NEXT_MAX = 8  # flushes behind one that are asked whether it was over: as many are in flight
NOTHING: tuple[Sequence[int], Sequence[int]] = ((), ())


def limits_of(streams: Sequence[Sequence[Read]]) -> dict[Flush, float]:
    """The offset below which each flush ends, if it was committed: where the next one of its broker that is
    told begins, or one with what a producer in it sent later; or where its broker had seen it over. No lower than
    where there is room."""
    limits: dict[Flush, float] = {}
    begin = _begins_of_runs(streams)
    later = _told_of_producers(streams)
    for stream in streams:
        told = inf
        for number in range(len(stream) - 1, -1, -1):
            read = stream[number]
            limit = told
            if read.part.fate is Fate.SETTLED:
                behind = (one.part for one in stream[number + 1 : number + 1 + NEXT_MAX])
                over = (p.seen.next_offset for p in behind if p.settled > read.part.sequence)
                limit = min(limit, min(over, default=inf))
            for sender, sequence in numbered(read):
                sequences, ends = later.get(sender, NOTHING)
                place = bisect_right(sequences, sequence)
                limit = min(limit, ends[place] if place < len(ends) else inf)
            limits[flush_of(read)] = begin(limit)
            if read.part.told is not None:
                told = read.part.told.base_offset
    return limits


def _begins_of_runs(streams: Sequence[Sequence[Read]]) -> Callable[[float], float]:
    """Of an offset: where flushes that are told to lie one behind the other up to it begin."""
    spans = sorted(r.part.told for r in chain(*streams) if r.part.told is not None)
    begins: list[int] = []
    for number, span in enumerate(spans):
        joined = number > 0 and spans[number - 1].end_offset == span.base_offset
        begins.append(begins[-1] if joined else span.base_offset)
    firsts = [span.base_offset for span in spans]

    def begin(offset: float) -> float:
        place = bisect_left(firsts, offset) - 1
        if place < 0 or spans[place].end_offset < offset:
            return offset
        return begins[place]

    return begin


def _told_of_producers(
    streams: Sequence[Sequence[Read]],
) -> dict[Sender, tuple[Sequence[int], Sequence[int]]]:
    """Sequences that lie where it is told, in their order, and the lowest offset at which a flush with any that
    is as high begins."""
    told: dict[Sender, list[tuple[int, int]]] = {}
    for read in chain(*streams):
        if read.part.told is not None:
            for sender, sequence in numbered(read):
                told.setdefault(sender, []).append((sequence, read.part.told.base_offset))
    found: dict[Sender, tuple[Sequence[int], Sequence[int]]] = {}
    for sender, pairs in told.items():
        pairs.sort()
        lowest = list(accumulate((at for _, at in reversed(pairs)), min))
        found[sender] = [sequence for sequence, _ in pairs], lowest[::-1]
    return found
