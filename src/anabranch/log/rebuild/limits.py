"""Below which offset a flush ends for certain, if it was committed at all."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, chain
from math import inf

from anabranch.log.rebuild.filling import Flush, flush_of
from anabranch.log.rebuild.order import Sender, numbered
from anabranch.log.rebuild.wal_read import Fate, Read

NEXT_MAX = 8  # flushes behind one that are asked whether it was over: as many are in flight
NOTHING: tuple[Sequence[int], Sequence[int]] = ((), ())


def limits_of(streams: Sequence[Sequence[Read]]) -> dict[Flush, float]:
    """The offset below which each flush ends, if it was committed: where the next one of its broker that is
    told begins, or one with what a producer in it sent later; or where its broker had seen it over."""
    limits: dict[Flush, float] = {}
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
            limits[flush_of(read)] = limit
            if read.part.told is not None:
                told = read.part.told.base_offset
    return limits


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
