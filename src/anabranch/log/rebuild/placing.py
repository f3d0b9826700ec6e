"""Where recovered flushes go: exactly where they were, as far as the WAL tells.

A flush's frame tells which offsets the one before it got in the same partition, and how far its broker had
seen the partition go (``wal_format.Seen``). So most flushes of a stretch have a place that is told, and only the
last few of each broker, and what lies between, has to be inferred:

    told           the offsets are known
    between        what fits exactly between two that are told, in one way only, was there
    behind         in the order of its broker; of several brokers by timestamps and producers' numbers

A read is never put below what its broker had seen when it began: what is missing there is left out. Nor does it
go beyond what its broker had seen when it was over: what has no room was never committed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, islice, product
from math import inf
from typing import NamedTuple, Protocol

from anabranch.log.rebuild.order import Numbers
from anabranch.log.rebuild.wal_read import Fate, Read

FILLS_MAX = 1_000  # ways to fill one stretch that are tried: a few flushes of each broker
OTHERS_MAX = 8  # flushes of another broker that may belong to one stretch: as many are in flight


class Step(NamedTuple):
    """The next read to append. ``size``: how many offsets it takes, where that is told."""

    read: Read
    size: int | None
    sure: bool  # whether its offsets are those that it had


class Hole(NamedTuple):
    """Offsets up to ``end`` (exclusive) were given, and nothing has them."""

    end: int


class Log(Protocol):
    """A partition as it stands: whoever iterates appends each step before the next is asked for."""

    next_offset: int

    def count(self, reads: Iterable[Read]) -> int:
        """Offsets that these would take, one after the other."""
        ...

    def fits(self, read: Read) -> bool:
        """Whether the log would accept what a read holds."""
        ...

    def arranged(self, stream: Sequence[Read]) -> list[Read]:
        """One broker's reads, where one that was refused at first may come behind another."""
        ...


def placed(streams: Sequence[Sequence[Read]], log: Log) -> Iterator[Step | Hole]:
    """All reads that were committed, as far as that can be known."""
    waiting = [deque(stream) for stream in streams]
    told = sorted(
        (read.part.told, number, position)
        for number, stream in enumerate(streams)
        for position, read in enumerate(stream)
        if read.part.told is not None
    )
    for at, number, position in told:
        read, stream = streams[number][position], waiting[number]
        own = []
        while stream and stream[0] is not read:
            own.append(stream.popleft())
        assert stream, "what is told of one broker's flushes follows their order"
        stream.popleft()
        if log.next_offset < at.base_offset:
            others = [other for n, other in enumerate(waiting) if n != number]
            yield from _between(own, others, at.base_offset, log)
        elif own and log.next_offset > at.base_offset:
            yield from (Step(one, None, False) for one in own)
        if log.next_offset < at.base_offset:
            yield Hole(at.base_offset)
        sure = log.next_offset == at.base_offset
        yield Step(read, at.end_offset - at.base_offset if sure else None, sure)
    yield from _behind([log.arranged(stream) for stream in waiting if stream], log)


def _between(
    own: Sequence[Read], others: Sequence[deque[Read]], end: int, log: Log
) -> Iterator[Step | Hole]:
    """What lies in front of ``end``: of this broker, and perhaps of others before what is told of them."""
    gap = end - log.next_offset
    fits: list[tuple[int, list[Read], tuple[list[Read], ...]]] = []
    for omitted, mine, theirs in islice(_choices(own, others, end), FILLS_MAX):
        if fits and omitted > fits[0][0]:
            break
        chosen = _by_time([log.arranged(stream) for stream in (mine, *theirs) if stream])
        if log.count(chosen) == gap:
            fits.append((omitted, chosen, theirs))
    if fits:
        omitted, chosen, theirs = min(fits, key=lambda one: _newest(one[1]))
        sources = {read.part.start.broker_id for read in chosen}
        sure = len(fits) == 1 and len(sources) == 1 and not omitted
        yield from (Step(read, None, sure) for read in chosen)
        for stream, taken in zip(others, theirs, strict=True):
            for _ in taken:
                stream.popleft()
        return
    # Something is missing that was before: its objects went first.
    left = log.arranged([read for read in own if read.part.fate is Fate.SETTLED])
    missing = gap - log.count(left)
    if missing > 0:
        yield Hole(log.next_offset + missing)
    yield from (Step(read, None, False) for read in left)


def _choices(
    own: Sequence[Read], others: Sequence[deque[Read]], end: int
) -> Iterator[tuple[int, list[Read], tuple[list[Read], ...]]]:
    """What may be there: all that is over and did not fail, with or without what is not known; then without
    some that are over, and may have been refused. How many of those are omitted comes first."""
    unsure = [read for read in own if read.part.fate is not Fate.SETTLED]
    settled = [read for read in own if read.part.fate is Fate.SETTLED]
    heads = []
    for stream in others:
        head = [*islice(_within(stream, end), OTHERS_MAX)]
        heads.append([head[:count] for count in range(len(head) + 1)])
    for omitted in range(len(settled) + 1):
        for without in combinations(settled, omitted):
            for theirs in product(*heads):
                for kept in product((False, True), repeat=len(unsure)):
                    out = {id(read) for read in without}
                    out |= {id(read) for read, keep in zip(unsure, kept, strict=True) if not keep}
                    yield omitted, [read for read in own if id(read) not in out], theirs


def _within(stream: Iterable[Read], end: int) -> Iterator[Read]:
    """What may lie in front of ``end``."""
    for read in stream:
        if read.part.told is not None or read.part.seen.next_offset >= end:
            return
        yield read


def _newest(reads: Iterable[Read]) -> int:
    return max((read.headers[0].max_timestamp for read in reads), default=0)


def _by_time(streams: Sequence[Sequence[Read]]) -> list[Read]:
    waiting = [deque(stream) for stream in streams]
    ordered = []
    while waiting:
        first = min(waiting, key=lambda stream: stream[0].headers[0].max_timestamp)
        ordered.append(first.popleft())
        waiting = [stream for stream in waiting if stream]
    return ordered


def _behind(streams: Sequence[Sequence[Read]], log: Log) -> Iterator[Step | Hole]:
    """Behind all that is told: each broker's in its order, by timestamps and producers' numbers."""
    waiting = [deque(stream) for stream in streams]
    alone = len(waiting) == 1
    numbers = Numbers(read for stream in waiting for read in stream)
    limits = {id(read): limit for stream in streams for read, limit in _limited(stream)}
    doubt = False
    while waiting:
        waiting.sort(key=lambda s: (limits[id(s[0])], s[0].headers[0].max_timestamp))
        chosen = waiting[0]
        if not alone:
            chosen = next((one for one in waiting if _is_next(one[0], numbers, log)), chosen)
        read = chosen.popleft()
        numbers.take(read)
        if not chosen:
            waiting.remove(chosen)
        if alone and log.next_offset + log.count([read]) > limits[id(read)]:
            continue  # it was refused, or failed
        if read.part.seen.next_offset > log.next_offset:
            yield Hole(read.part.seen.next_offset)
        if read.part.seen.next_offset == log.next_offset:
            doubt = False  # its broker had seen all of it
        doubt = doubt or not read.part.whole
        unsure = read.part.fate is Fate.UNSURE
        yield Step(read, None, alone and not doubt and not unsure)
        doubt = doubt or read.part.fate is not Fate.SETTLED


def _limited(stream: Sequence[Read]) -> Iterator[tuple[Read, float]]:
    """With the offset below which it ends, if it was committed: where its broker had seen it over."""
    for number, read in enumerate(stream):
        later = (one.part for one in stream[number + 1 :][:OTHERS_MAX])
        over = (part.seen.next_offset for part in later if part.settled > read.part.sequence)
        sure = read.part.fate is Fate.SETTLED
        yield read, min(over, default=inf) if sure else inf


def _is_next(read: Read, numbers: Numbers, log: Log) -> bool:
    return (
        read.part.seen.next_offset <= log.next_offset and numbers.are_next(read) and log.fits(read)
    )
