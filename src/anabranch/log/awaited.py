"""Batches of idempotent producers that were not appended and are to come again before what was sent behind them.

Where a producer is known to a partition, its sequence says so by itself. One that is new there may begin with
any number: were its second batch taken, its first one would be refused from then on (KAFKA-14359), or come
behind it once the client has begun anew. Several batches are on their way at once, so this happens wherever
the first one is turned away: its flush failed, or the topic was not known to this broker yet.
"""

from __future__ import annotations

from collections.abc import Iterator

from anabranch.errors import Corrupt
from anabranch.records.header import BatchHeader, scan

AWAITED_MAX = 256  # producers per partition; the oldest is forgotten
PLACES_MAX = 1024  # partitions of topics that are not known; the oldest is forgotten

Place = tuple[str | bytes, int]
"""A topic's name or id, as the client said it, and a partition."""


class Awaited:
    """One partition's: producer id -> epoch and first sequence number."""

    __slots__ = ("_batches",)

    def __init__(self) -> None:
        self._batches: dict[int, tuple[int, int]] = {}

    def get(self, producer_id: int) -> tuple[int, int] | None:
        return self._batches.get(producer_id)

    def add(self, producer_id: int, epoch: int, sequence: int) -> None:
        """The batch is to come again."""
        before = self._batches.pop(producer_id, (-1, 0))
        if before[0] >= epoch:
            epoch, sequence = before if before[0] > epoch else min(before, (epoch, sequence))
        self._batches[producer_id] = (epoch, sequence)
        if len(self._batches) > AWAITED_MAX:
            del self._batches[next(iter(self._batches))]

    def came(self, producer_id: int) -> None:
        """Something of the producer was appended: from now on its sequence speaks for it."""
        self._batches.pop(producer_id, None)

    def take_over(self, others: Awaited) -> None:
        for producer_id, (epoch, sequence) in others._batches.items():
            self.add(producer_id, epoch, sequence)


class Strangers:
    """What was turned away because its topic is not known here. It may be in a moment."""

    def __init__(self) -> None:
        self._places: dict[Place, Awaited] = {}

    def refused(self, place: Place, headers: list[BatchHeader]) -> None:
        if not headers:
            return
        awaited = self._places.pop(place, None) or Awaited()
        for header in headers:
            awaited.add(header.producer_id, header.producer_epoch, header.base_sequence)
        self._places[place] = awaited
        if len(self._places) > PLACES_MAX:
            del self._places[next(iter(self._places))]

    def introduce(self, name: str, topic_id: bytes, partition: int, to: Awaited) -> None:
        """The topic is known now."""
        if not self._places:
            return
        for place in ((name, partition), (topic_id, partition)):
            found = self._places.pop(place, None)
            if found is not None:
                to.take_over(found)


def idempotent_headers(data: memoryview) -> Iterator[BatchHeader]:
    """Of bytes that nobody has judged: as far as they can be read."""
    try:
        for header in scan(data):
            if header.producer_id >= 0:
                yield header
    except Corrupt:
        return
