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
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from math import inf
from typing import NamedTuple

from anabranch.log.rebuild.claims import offsets_of, without_copies
from anabranch.log.rebuild.filling import (
    NEAR_MAX,
    Flush,
    Log,
    fills_of,
    flush_of,
    is_there_for_certain,
    within,
)
from anabranch.log.rebuild.limits import limits_of
from anabranch.log.rebuild.order import Numbers, Sender, by_time, ends_nothing, numbered, time_of
from anabranch.log.rebuild.wal_read import Fate, Read

READS_MAX = 1_000  # of each broker, which may fill a hole: more would be told of


class Step(NamedTuple):
    """The next read to append. ``size``: how many offsets it takes, where that is told."""

    read: Read
    size: int | None
    sure: bool  # whether its offsets are those that it had


class Hole(NamedTuple):
    """Offsets up to ``end`` (exclusive) were given, and nothing has them."""

    end: int


def placed(streams: Sequence[Sequence[Read]], log: Log) -> Iterator[Step | Hole]:
    """All reads that were committed, as far as that can be known. Whoever iterates appends each step before the
    next is asked for."""
    streams = without_copies(streams)
    waiting = [deque(stream) for stream in streams]
    left: list[list[Read]] = [[] for _ in streams]  # what found no place where it should have been
    limits = limits_of(streams)
    doubt = False  # something was put where it need not have been
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
            for step in _between(own, others, read, limits, log):
                doubt = doubt or isinstance(step, Hole) or not step.sure
                yield step._replace(sure=not doubt) if isinstance(step, Step) else step
        elif log.next_offset > at.base_offset:
            yield from (Step(one, None, False) for one in own)
        else:
            left[number] += filter(is_there_for_certain, own)
        if log.next_offset < at.base_offset:
            yield Hole(at.base_offset)
        if log.next_offset == at.base_offset:
            size = at.end_offset - at.base_offset
            yield Step(_chosen(read, size, streams[number], position, log), size, True)
        else:
            yield Step(read, None, False)
    rest = [log.arranged([*first, *stream]) for first, stream in zip(left, waiting, strict=True)]
    yield from _behind([stream for stream in rest if stream], log)


def _chosen(read: Read, size: int, stream: Sequence[Read], place: int, log: Log) -> Read:
    """With the batches that were taken: of several choices, one that what is told of its broker's next flush
    agrees with."""
    assert read.part.told is not None
    choices = log.choices(read, size)
    if len(choices) > 1:
        later = stream[place + 1 : place + 1 + NEAR_MAX]
        number = next((n for n, one in enumerate(later) if one.part.told is not None), None)
        if number is not None and (told := later[number].part.told) is not None:
            own = [one for one in later[:number] if one.part.fate is Fate.SETTLED]
            room = told.end_offset - read.part.told.base_offset
            for choice in choices:
                if log.count([choice, *log.arranged(own), later[number]]) == room:
                    return choice
    return choices[0]


def _between(
    own: Sequence[Read],
    others: Sequence[deque[Read]],
    behind: Read,
    limits: Mapping[Flush, float],
    log: Log,
) -> Iterator[Step | Hole]:
    """What lies in front of ``behind``: of its broker, and perhaps of others before what is told of them."""
    fills = fills_of(own, others, behind, limits, log)
    if fills:
        best = fills[0]
        equal = [fill for fill in fills if fill.excuses == best.excuses]
        # What another broker had seen is where it may be at the earliest: something else may have been there.
        own_only = {read.part.start.broker_id for read in best.chosen} <= {
            behind.part.start.broker_id
        }
        sure = own_only and len(equal) == 1 and not any(best.excuses)
        yield from (Step(read, None, sure) for read in best.chosen)
        taken = {flush_of(read) for read in best.chosen}
        for stream in others:
            _take(stream, taken)
        return
    # Something is missing that was before: its objects went first.
    assert behind.part.told is not None
    end = behind.part.told.base_offset
    streams = [[read for read in own if read.part.fate is Fate.SETTLED]]
    for stream in others:
        near = list(islice(within(stream, end), NEAR_MAX))
        here = [read for read in near if limits[flush_of(read)] <= end]
        _take(stream, {flush_of(read) for read in here})
        streams.append(here)
    left = by_time([log.arranged(stream) for stream in streams if stream], log.reached, log.writing)
    missing = end - log.next_offset - log.count(left)
    if missing > 0:
        yield Hole(log.next_offset + missing)
    yield from (Step(read, None, False) for read in left)


def _take(stream: deque[Read], taken: AbstractSet[Flush]) -> None:
    """Remove these flushes, which are among the first. What is taken for failed in front of them stays: if it
    was acknowledged all the same, it is not lost."""
    near = list(islice(within(stream, inf), NEAR_MAX))
    for _ in near:
        stream.popleft()
    stream.extendleft(reversed([read for read in near if flush_of(read) not in taken]))


def _behind(streams: Sequence[Sequence[Read]], log: Log) -> Iterator[Step | Hole]:
    """Behind all that is told: each broker's in its order, by timestamps and producers' numbers."""
    waiting = {place: deque(stream) for place, stream in enumerate(streams)}
    alone = len(waiting) == 1
    numbers = Numbers(streams, log.reached)
    limits = limits_of(streams)
    copied = _copied(streams)
    doubt = False
    while waiting:
        place = next(iter(waiting)) if alone else _next(waiting, limits, numbers, log)
        read = waiting[place].popleft()
        numbers.take(read, place)
        if not waiting[place]:
            del waiting[place]
        if alone and log.next_offset + log.count([read]) > limits[flush_of(read)]:
            continue  # it was refused, or failed
        if read.part.floor > log.next_offset:
            yield Hole(read.part.floor)
        if read.part.floor == log.next_offset:
            doubt = False  # its broker had seen all of it
        doubt = doubt or not read.part.whole
        unsure = read.part.fate is Fate.UNSURE or flush_of(read) in copied
        unsure = unsure or (log.holes and any(True for _ in numbered(read)))  # it may be a retry
        yield Step(read, None, alone and not doubt and not unsure)
        doubt = doubt or read.part.fate is not Fate.SETTLED


def _next(
    waiting: Mapping[int, deque[Read]], limits: Mapping[Flush, float], numbers: Numbers, log: Log
) -> int:
    """Of which of several brokers the next read is. The first that will do of

    1. what follows: its broker had seen no more than there is, no other has what comes before it, and it is
       accepted;
    2. the same, but it is refused: as it was by its broker. Not where offsets are missing for certain: what
       it follows may be what is lost;
    3. what comes behind a hole, as short as can be; better what no other has something to put before.
    """
    heads = {place: stream[0] for place, stream in waiting.items()}

    def by_limit(place: int) -> tuple[float, int]:
        return limits[flush_of(heads[place])], time_of(heads[place])

    def end_of_hole(place: int) -> int:
        return max(log.next_offset, heads[place].part.floor)

    order = sorted(heads, key=by_limit)
    free = [place for place in order if numbers.are_next(heads[place], place)]
    near = [place for place in free if end_of_hole(place) == log.next_offset]
    accepted = [place for place in near if log.fits(heads[place])]
    if accepted:  # no marker before what it ends
        return min(accepted, key=lambda place: ends_nothing(heads[place], log.writing))
    if near and not _is_torn(waiting.values(), log):
        return near[0]
    far = [place for place in order if end_of_hole(place) > log.next_offset]
    return min([place for place in far if place in free] or far or order, key=end_of_hole)


def _is_torn(streams: Iterable[Iterable[Read]], log: Log) -> bool:
    """Whether offsets are missing however the reads are put: there are too few for what a broker saw."""
    streams = list(streams)
    end = max(next(iter(stream)).part.floor for stream in streams)
    room = end - log.next_offset
    return room > sum(
        offsets_of(read.headers)
        for stream in streams
        for read in within(islice(stream, READS_MAX), end)
    )


def _copied(streams: Sequence[Sequence[Read]]) -> frozenset[Flush]:
    """Flushes of whose outcome nothing tells, and of which something was sent again behind them."""
    copied: set[Flush] = set()
    for stream in streams:
        again: set[tuple[Sender, int]] = set()
        for read in reversed(stream):
            mine = set(numbered(read))
            if read.part.fate is Fate.OPEN and not again.isdisjoint(mine):
                copied.add(flush_of(read))
            again |= mine
    return frozenset(copied)
