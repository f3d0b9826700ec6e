"""What idempotent producers' numbers say of the order in which several brokers' flushes were committed.

Where nothing says who came first, timestamps decide, and each broker's own order is kept. But a producer that
went from broker to broker is followed by its sequence numbers, and never put before what it sent earlier,
whatever the timestamps say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import heappop, heappush

from anabranch.log.rebuild.wal_read import Read
from anabranch.records.batch import BatchHeader

_Number = tuple[int, int]  # epoch, first sequence


class Numbers:
    """What each producer's batches that are still waiting are numbered."""

    def __init__(self, reads: Iterable[Read]) -> None:
        self._waiting: dict[int, list[_Number]] = {}  # heaps
        self._taken: dict[int, list[_Number]] = {}
        for read in reads:
            for header in _idempotent(read):
                heappush(self._waiting.setdefault(header.producer_id, []), _number(header))

    def are_next(self, read: Read) -> bool:
        """Whether no producer in it has something waiting that it sent earlier."""
        first: dict[int, _Number] = {}
        for header in _idempotent(read):
            number = first.setdefault(header.producer_id, _number(header))
            first[header.producer_id] = min(number, _number(header))
        return all(self._waiting[producer][0] >= number for producer, number in first.items())

    def take(self, read: Read) -> None:
        for header in _idempotent(read):
            waiting = self._waiting[header.producer_id]
            taken = self._taken.setdefault(header.producer_id, [])
            heappush(taken, _number(header))
            while waiting and taken and waiting[0] == taken[0]:
                heappop(waiting)
                heappop(taken)


def _idempotent(read: Read) -> Iterator[BatchHeader]:
    return (header for header in read.headers if header.producer_id >= 0)


def _number(header: BatchHeader) -> _Number:
    return header.producer_epoch, header.base_sequence
