"""What was committed between two places that are told: what fits exactly, and contradicts nothing.

Of the broker whose flush lies behind the stretch all its earlier ones must be there, but for what failed or was
refused. Of other brokers the first ones that are not placed yet may be: nothing says how many, and the last ones
of a broker that died may have failed without a word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import combinations, islice, product
from typing import NamedTuple, Protocol

from anabranch.log.rebuild.order import Number, by_time, time_of
from anabranch.log.rebuild.wal_read import Fate, Read, Start

FILLS_MAX = 1_000  # ways to fill one stretch that are tried: a few flushes of each broker
NEAR_MAX = 64  # flushes of another broker that are looked at: of most nothing is left that is not elsewhere
REFUSED_AMONG_MAX = 64  # batches among which those are looked for that were refused
OTHERS_MAX = 8  # flushes of another broker that may belong to one stretch: as many are in flight

Flush = tuple[Start, int]


class Log(Protocol):
    """A partition as it stands: whoever iterates appends each step before the next is asked for."""

    next_offset: int
    holes: bool  # acknowledged batches may be missing: not all retries are known as such

    @property
    def writing(self) -> AbstractSet[int]:
        """Producers whose transactions have written and are open, as far as that is known."""
        ...

    def count(self, reads: Iterable[Read]) -> int:
        """Offsets that these would take, one after the other."""
        ...

    def fits(self, read: Read) -> bool:
        """Whether the log would accept what a read holds."""
        ...

    def reached(self, producer_id: int) -> Number | None:
        """What of a producer came last: nothing up to it is accepted any more. None if it is not known."""
        ...

    def choices(self, read: Read, size: int) -> Sequence[Read]:
        """The ways in which batches of a read take as many offsets, the likeliest first; never none."""
        ...

    def arranged(self, stream: Sequence[Read]) -> list[Read]:
        """One broker's reads, where one that was refused at first may come behind another."""
        ...


class Fill(NamedTuple):
    """One way. The smaller, the likelier."""

    refuses: bool  # whether it takes something for a retry that looks new
    missed: bool  # whether what is told of the flush behind it contradicts it
    omitted: int  # flushes that are over and did not fail, and are not in it
    newest_omitted_ms: int  # the older, the likelier it is a retry
    limit: float  # the highest offset below which one of them must end
    failed: int  # flushes of other brokers that it takes for failed, which nothing says
    newest_ms: int
    chosen: list[Read]

    @property
    def excuses(self) -> tuple[bool, bool, int]:
        """What speaks against it; fills that are equal in this may all be right."""
        return self.refuses, self.missed, self.omitted


def fills_of(
    own: Sequence[Read],
    others: Sequence[Iterable[Read]],
    behind: Read,
    limits: Mapping[Flush, float],
    log: Log,
) -> list[Fill]:
    """The ways to fill what lies in front of ``behind``, the likeliest first: with reads of its broker, and
    perhaps of others. ``limits``: offsets below which flushes end, if they were committed."""
    assert behind.part.told is not None
    end = behind.part.told.base_offset
    gap, both = end - log.next_offset, behind.part.told.end_offset - log.next_offset
    fills: list[Fill] = []

    def note(chosen: list[Read], refuses: bool, omitted: int, failed: int) -> None:
        if log.count(chosen) != gap:
            return
        missed = log.count([*chosen, behind]) != both
        out = {flush_of(read) for read in own} - {flush_of(read) for read in chosen}
        newest_out = max((time_of(r) for r in own if flush_of(r) in out), default=0)
        limit = max((limits[flush_of(read)] for read in chosen), default=0)
        newest = max(map(time_of, chosen), default=0)
        times = newest_out if omitted else 0, limit, failed, newest
        fills.append(Fill(refuses, missed, omitted, *times, chosen))

    for omitted, failed, streams in islice(_choices(own, others, end), FILLS_MAX):
        if any(fill.excuses < (False, False, omitted) for fill in fills):
            break
        chosen = [log.arranged(stream) for stream in streams if stream]
        note(by_time(chosen, log.reached, log.writing), False, omitted, failed)
    if not fills:
        # It has to fit there, so something in it was refused.
        mine = log.arranged([read for read in own if read.part.fate is Fate.SETTLED])
        note(_without(mine, log.count(mine) - gap), True, 0, 0)
    return sorted(fills, key=lambda fill: fill[:-1])


def _without(reads: Sequence[Read], spare: int) -> list[Read]:
    """Without batches of idempotent producers that take ``spare`` offsets, the oldest and fewest: where what
    was there before is not all known, what was refused as a retry looks new."""
    places = [
        (header.max_timestamp, number, place, header.last_offset_delta + 1)
        for number, read in enumerate(reads)
        for place, header in enumerate(read.headers)
        if header.producer_id >= 0 and not header.is_control
    ]
    if spare <= 0 or len(places) > REFUSED_AMONG_MAX:
        return list(reads)
    places.sort()
    for refused in range(1, len(places) + 1):
        for out in islice(combinations(places, refused), FILLS_MAX):
            if sum(offsets for _, _, _, offsets in out) == spare:
                there = {(number, place) for _, number, place, _ in out}
                return [
                    read._replace(
                        headers=[h for n, h in enumerate(read.headers) if (number, n) not in there]
                    )
                    for number, read in enumerate(reads)
                ]
    return list(reads)


def _choices(
    own: Sequence[Read], others: Sequence[Iterable[Read]], end: int
) -> Iterator[tuple[int, int, list[list[Read]]]]:
    """What may be there: all that is over and did not fail, with or without what is not known; then without
    some that are over, and may have been refused. How many of those are omitted comes first, then how many of
    other brokers would have failed."""
    unsure = [read for read in own if read.part.fate is not Fate.SETTLED]
    settled = [
        read for read in own if read.part.fate is Fate.SETTLED and not is_there_for_certain(read)
    ]
    heads = [[*_heads(_nearest(stream, end))] for stream in others]
    failed_max = sum(max(failed for failed, _ in head) for head in heads)
    for omitted, failed in product(range(len(settled) + 1), range(failed_max + 1)):
        for without in combinations(settled, omitted):
            for theirs in _with_failed(heads, failed):
                for kept in product((False, True), repeat=len(unsure)):
                    out = {id(read) for read in without}
                    out |= {id(read) for read, keep in zip(unsure, kept, strict=True) if not keep}
                    yield omitted, failed, [[one for one in own if id(one) not in out], *theirs]


def is_there_for_certain(read: Read) -> bool:
    """Whether it is over, did not fail, and holds what no broker refuses."""
    part = read.part
    plain = any(header.producer_id < 0 for header in read.headers)
    return plain and part.fate is Fate.SETTLED and not part.doubtful


_Head = tuple[
    int, list[Read]
]  # some of a stream's first; how many before the last one are left out


def _nearest(stream: Iterable[Read], end: int) -> list[Read]:
    near = (read for read in islice(within(stream, end), NEAR_MAX) if read.headers)
    return list(islice(near, OTHERS_MAX))


def _heads(stream: Sequence[Read]) -> Iterator[_Head]:
    """All up to some flush, with or without what is not known before it."""
    yield 0, []
    for end, last in enumerate(stream):
        unsure = [read for read in stream[:end] if read.part.fate is not Fate.SETTLED]
        for failed in range(len(unsure) + 1):
            for without in combinations(unsure, failed):
                out = {id(read) for read in without}
                yield failed, [*(read for read in stream[:end] if id(read) not in out), last]


def _with_failed(heads: Sequence[Sequence[_Head]], failed: int) -> Iterator[list[list[Read]]]:
    """One of each, with so many left out in all."""
    if not heads:
        if not failed:
            yield []
        return
    for count, reads in heads[0]:
        if count <= failed:
            yield from ([reads, *rest] for rest in _with_failed(heads[1:], failed - count))


def within(stream: Iterable[Read], end: float) -> Iterator[Read]:
    """What may lie in front of ``end``."""
    for read in stream:
        if read.part.told is not None or read.part.floor >= end:
            return
        yield read


def flush_of(read: Read) -> Flush:
    return read.part.start, read.part.sequence


__all__ = [
    "NEAR_MAX",
    "OTHERS_MAX",
    "Fill",
    "Flush",
    "Log",
    "fills_of",
    "flush_of",
    "is_there_for_certain",
    "within",
]
