"""Which flushes of the WAL lie in adopted segments already.

A broker's flushes to a partition are committed in their order and merged in the order of their offsets. So
of each broker everything up to its last batch that a segment holds was merged, and only what is behind it
is new. A WAL batch is recognised by its CRC, size and
timestamp.

Segments are looked at from the last one back until every broker is found. Most need not be: no batch lies
in a segment, or in front of an entry of its index, whose timestamps are all smaller than the batch's own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.extents import ExtentReader
from anabranch.log.rebuild.adopt import Placed
from anabranch.log.rebuild.bucket import Share
from anabranch.log.rebuild.wal_read import Read
from anabranch.records.batch import BatchHeader, scan
from anabranch.storage.store import NotFound


def without_merged(
    reads: Sequence[Read],
    segments: Sequence[Placed],
    extents: ExtentReader,
    count: Callable[[int], None],
) -> tuple[list[Read], list[str]]:
    """What of ``reads`` is in none of the adopted ``segments`` (one partition's, in offset order).

    ``count`` is called with the bytes of each read. Also returns what could not be looked at, as sentences.
    """
    streams = by_broker(reads)
    places: dict[_Batch, dict[int, list[int]]] = {}  # by broker: where in its stream, from 1 on
    for broker, stream in streams.items():
        for number, read in enumerate(stream, 1):
            for header in read.headers:
                places.setdefault(_batch(header), {}).setdefault(broker, []).append(number)
    ends = dict.fromkeys(streams, 0)  # flushes from the start of each stream that are merged
    looking = set(streams)
    copies: Counter[_Batch] = Counter()
    wrong = []
    for share, _ in reversed(segments):
        if not looking:
            break
        oldest = min(batch.max_timestamp for batch in places if places[batch].keys() & looking)
        found: Counter[_Batch] = Counter()
        try:
            found.update(b for b in _batches(share, oldest, extents, count) if b in places)
        except (Corrupt, NotFound) as error:
            wrong.append(f"{share.key} cannot be looked at ({error})")
        copies += found
        for batch in found:
            for broker, numbers in places[batch].items():
                if broker not in looking:
                    continue
                # Of flushes that are equal to the last bit, as many are merged as there are copies.
                ends[broker] = max(ends[broker], numbers[min(copies[batch], len(numbers)) - 1])
        looking -= {
            broker
            for batch in found
            for broker, numbers in places[batch].items()
            if copies[batch] >= len(numbers)
        }
    left = [read for broker, stream in streams.items() for read in stream[ends[broker] :]]
    return left, wrong


class _Batch(NamedTuple):
    """What tells one batch from another."""

    crc: int
    size: int
    max_timestamp: int


def _batch(header: BatchHeader) -> _Batch:
    return _Batch(header.crc, header.size, header.max_timestamp)


def _batches(
    share: Share, oldest: int, extents: ExtentReader, count: Callable[[int], None]
) -> Iterable[_Batch]:
    """The share's batches, but none in front of which all timestamps are smaller than ``oldest``."""
    if share.max_timestamp < oldest:
        return
    extent = share.extent
    for run in extents.chunks(extent, start=extents.timestamp_position(extent, oldest)):
        count(len(run))
        yield from map(_batch, scan(run))


def by_broker(reads: Iterable[Read]) -> dict[int, list[Read]]:
    """Runs whose inner order is known: starts of one broker follow each other."""
    streams: dict[int, list[Read]] = {}
    for read in reads:
        streams.setdefault(read.part.start.broker_id, []).append(read)
    for stream in streams.values():
        stream.sort(key=lambda read: (read.part.start.epoch, read.part.sequence))
    return streams
