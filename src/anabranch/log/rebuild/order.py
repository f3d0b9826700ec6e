"""What idempotent producers' numbers say of the order in which several brokers' flushes were committed.

Where nothing says who came first, timestamps decide, and each broker's own order is kept. But a producer that
went from broker to broker is followed by its sequence numbers, and never put before what it sent earlier,
whatever the timestamps say. What its partition has already, or is past, is waited for by nothing: it is a
retry that was refused.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from heapq import heapify, heappop, heappush

from anabranch.log.rebuild.wal_read import Read
from anabranch.records.batch import BatchHeader

Number = tuple[int, int]  # epoch, first sequence
Sender = tuple[int, int]  # producer id and epoch
Reached = Callable[[int], Number | None]  # of a producer id: the newest number that is there by now


class _Waiting:
    """A producer's numbers in one broker's stream, the lowest first."""

    def __init__(self) -> None:
        self.numbers: list[Number] = []  # heaps
        self.taken: list[Number] = []

    def lowest(self, reached: Number | None) -> Number | None:
        """Of what may still be appended; None if nothing may."""
        while self.numbers:
            number = self.numbers[0]
            while self.taken and self.taken[0] < number:
                heappop(self.taken)  # it was reached before it was taken
            if self.taken and self.taken[0] == number:
                heappop(self.taken)
            elif reached is None or number > reached:
                return number
            heappop(self.numbers)
        return None


class Numbers:
    """What each producer's batches that are still waiting are numbered, by broker."""

    def __init__(self, streams: Sequence[Iterable[Read]], reached: Reached) -> None:
        self._reached = reached
        self._waiting: dict[int, dict[int, _Waiting]] = {}  # by producer id, by stream
        for place, stream in enumerate(streams):
            for read in stream:
                for header in _numbered(read):
                    mine = self._waiting.setdefault(header.producer_id, {})
                    mine.setdefault(place, _Waiting()).numbers.append(_number(header))
        for each in self._waiting.values():
            for one in each.values():
                heapify(one.numbers)

    def are_next(self, read: Read, place: int) -> bool:
        """Whether no other broker has something waiting that a producer in it sent earlier. (What its
        own broker has was committed behind it, whatever its number.)"""
        first: dict[int, Number] = {}
        for header in _numbered(read):
            reached, number = self._reached(header.producer_id), _number(header)
            if reached is None or number > reached:
                first[header.producer_id] = min(number, first.get(header.producer_id, number))
        return all(
            lowest is None or lowest >= number
            for producer, number in first.items()
            for other, waiting in self._waiting[producer].items()
            if other != place
            for lowest in [waiting.lowest(self._reached(producer))]
        )

    def take(self, read: Read, place: int) -> None:
        for header in _numbered(read):
            heappush(self._waiting[header.producer_id][place].taken, _number(header))


def time_of(read: Read) -> int:
    """In ms. Of what holds nothing the order does not matter."""
    return read.headers[0].max_timestamp if read.headers else 0


def ends_nothing(read: Read, writing: AbstractSet[int]) -> bool:
    """Whether it holds the marker of a transaction that wrote nothing yet: markers are written where there is
    something to end. ``writing``: producers whose transactions have written and are open."""
    return any(header.is_control and header.producer_id not in writing for header in read.headers)


def note_transactions(headers: Iterable[BatchHeader], writing: set[int]) -> None:
    """Who is in a transaction that has written, once these are there."""
    for header in headers:
        if header.is_control:
            writing.discard(header.producer_id)
        elif header.is_transactional:
            writing.add(header.producer_id)


def by_time(
    streams: Sequence[Sequence[Read]], reached: Reached, writing: AbstractSet[int]
) -> list[Read]:
    """Each broker's in its order, but no producer's before what it sent earlier to another, and no marker before
    what it ends if that is there. ``writing``: see :func:`ends_nothing`."""
    numbers = Numbers(streams, reached)
    now = set(writing)
    waiting = {place: deque(stream) for place, stream in enumerate(streams) if stream}
    ordered = []
    while waiting:
        order = sorted(waiting, key=lambda place: time_of(waiting[place][0]))
        free = [place for place in order if numbers.are_next(waiting[place][0], place)]
        free = [place for place in free if not ends_nothing(waiting[place][0], now)] or free
        first = (free or order)[0]
        read = waiting[first].popleft()
        numbers.take(read, first)
        note_transactions(read.headers, now)
        ordered.append(read)
        if not waiting[first]:
            del waiting[first]
    return ordered


def numbered(read: Read) -> Iterator[tuple[Sender, int]]:
    """The sender and first sequence of each batch of an idempotent producer."""
    for header in _numbered(read):
        yield (header.producer_id, header.producer_epoch), header.base_sequence


def _numbered(read: Read) -> Iterator[BatchHeader]:
    return (h for h in read.headers if h.producer_id >= 0 and not h.is_control)


def _number(header: BatchHeader) -> Number:
    return header.producer_epoch, header.base_sequence


__all__ = [
    "Number",
    "Numbers",
    "Reached",
    "Sender",
    "by_time",
    "ends_nothing",
    "note_transactions",
    "numbered",
    "time_of",
]
