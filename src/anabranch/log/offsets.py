"""ListOffsets: from a timestamp or a sentinel to an offset (KIP-79, KIP-405, KIP-734, KIP-1005).

What has to be looked for in storage is read as a cold fetch's bytes are: in its turn, within the budget of
what is read at a time and the rates, on the same threads, and with every CRC-32C checked on the way.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, Protocol, TypeVar

from anabranch.log.extents import ExtentReader
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import Extent, Metastore
from anabranch.records.batch import BatchHeader, scan
from anabranch.records.record import find_timestamp, iter_records
from anabranch.storage.store import NotFound

STALE_READS_MAX = 3  # an extent may be merged away between the query and the read, not for ever
LOOK_BYTES = 256 * 1024  # read at a time: an index leads to within some ten kilobytes of a batch
UNKNOWN_OFFSET = -1
NO_TIMESTAMP = -1


T = TypeVar("T")


class Sentinel(IntEnum):
    """Negative timestamps with a meaning of their own in ListOffsets."""

    LATEST = -1
    EARLIEST = -2
    MAX_TIMESTAMP = -3
    EARLIEST_LOCAL = -4
    LATEST_TIERED = -5
    EARLIEST_PENDING_UPLOAD = -6


class OffsetAnswer(NamedTuple):
    """``timestamp`` and ``leader_epoch`` are -1 where they do not apply."""

    offset: int
    timestamp: int = NO_TIMESTAMP
    leader_epoch: int = -1


class Aside(Protocol):
    """Runs a job that looks into an extent where cold reads run, when there is room; it is told how many
    bytes it may read at a time, at most ``count``."""

    async def __call__(self, extent: Extent, count: int, job: Callable[[int], T], /) -> T: ...


class OffsetFinder:
    """Looks up offsets of one process's partitions."""

    def __init__(self, metastore: Metastore, extents: ExtentReader, aside: Aside) -> None:
        self._metastore = metastore
        self._extents = extents
        self._aside = aside

    async def find(
        self, log: PartitionLog, timestamp: int, *, committed: bool = False
    ) -> OffsetAnswer:
        """The offset for a sentinel, or the first offset whose timestamp is at least ``timestamp``.

        UNKNOWN_OFFSET if there is none. ``committed``: what lies behind the last stable offset is not there
        (Kafka's read_committed); aborted records are. Nothing here is tiered in Kafka's sense: all of the log is
        "local", so the tiered sentinels answer unknown, as Kafka does without remote storage.
        """
        for attempt in range(STALE_READS_MAX):
            try:
                return await self._find(log, timestamp, committed)
            except NotFound:
                if attempt == STALE_READS_MAX - 1:
                    raise
        raise AssertionError("unreachable")

    async def _find(self, log: PartitionLog, timestamp: int, committed: bool) -> OffsetAnswer:
        epoch = log.leader_epoch
        end = log.last_stable_offset if committed else log.next_offset
        match timestamp:
            case Sentinel.LATEST:
                return OffsetAnswer(end, leader_epoch=epoch)
            case Sentinel.EARLIEST | Sentinel.EARLIEST_LOCAL:
                return OffsetAnswer(log.log_start, leader_epoch=epoch)
            case Sentinel.MAX_TIMESTAMP:
                return await self._newest(log)
        if timestamp < 0:
            return OffsetAnswer(UNKNOWN_OFFSET)
        found = await self._at_or_after(log, timestamp)
        return found if found.offset < end else OffsetAnswer(UNKNOWN_OFFSET)

    async def _at_or_after(self, log: PartitionLog, timestamp: int) -> OffsetAnswer:
        from_offset = log.log_start
        while True:
            extent = await self._metastore.extent_by_timestamp(
                log.topic.no, log.partition, timestamp, from_offset
            )
            if extent is None:
                return OffsetAnswer(UNKNOWN_OFFSET)
            found = await self._in_thread(extent, timestamp, from_offset)
            if found is not None:
                return found
            # The extent's newest record lies below the log start; look behind it.
            from_offset = extent.last_offset + 1

    async def _newest(self, log: PartitionLog) -> OffsetAnswer:
        extent = await self._metastore.extent_of_max_timestamp(log.topic.no, log.partition, 0)
        if extent is None:
            return OffsetAnswer(UNKNOWN_OFFSET)
        log_start = log.log_start
        found = await self._in_thread(extent, extent.max_timestamp, log_start)
        if found is not None:
            return found
        # The extent's newest record lies below the log start, within the extent. What remains of it
        # competes with the extents behind it.
        remains = await self._aside(
            extent,
            LOOK_BYTES,
            lambda room: newest_from(self._extents, extent, log_start, room),
        )
        behind = await self._metastore.extent_of_max_timestamp(
            log.topic.no, log.partition, extent.last_offset + 1
        )
        if behind is not None and (remains is None or remains.timestamp < behind.max_timestamp):
            found = await self._in_thread(behind, behind.max_timestamp, log_start)
        return found or remains or OffsetAnswer(UNKNOWN_OFFSET)

    async def _in_thread(
        self, extent: Extent, timestamp: int, from_offset: int
    ) -> OffsetAnswer | None:
        return await self._aside(
            extent,
            LOOK_BYTES,
            lambda room: first_at_or_after(self._extents, extent, timestamp, from_offset, room),
        )


def first_at_or_after(
    extents: ExtentReader, extent: Extent, timestamp: int, from_offset: int, chunk_bytes: int
) -> OffsetAnswer | None:
    """The first record of ``extent`` at or above ``from_offset`` with a timestamp >= ``timestamp``."""
    start = extents.timestamp_position(extent, timestamp)
    for run in extents.chunks(extent, start=start, verify=True, chunk_bytes=chunk_bytes):
        for header in scan(run):
            if header.max_timestamp < timestamp or header.last_offset < from_offset:
                continue
            hit = find_timestamp(run, header, timestamp, from_offset=from_offset)
            if hit is not None:
                return OffsetAnswer(hit[0], hit[1], extent.leader_epoch)
    return None


def newest_from(
    extents: ExtentReader, extent: Extent, from_offset: int, chunk_bytes: int
) -> OffsetAnswer | None:
    """The first record with the largest timestamp among those of ``extent`` from ``from_offset`` on.

    Headers say where it is; records are decoded of two batches only, the one that ``from_offset``
    divides and the newest of the others.
    """
    best = OffsetAnswer(UNKNOWN_OFFSET)
    newest: tuple[memoryview, BatchHeader] | None = None
    start = extents.offset_position(extent, from_offset)
    for run in extents.chunks(extent, start=start, verify=True, chunk_bytes=chunk_bytes):
        for header in scan(run):
            if header.last_offset < from_offset:
                continue
            if header.base_offset >= from_offset:
                if newest is None or header.max_timestamp > newest[1].max_timestamp:
                    newest = run, header
                continue
            for record in iter_records(run, header):
                if record.offset >= from_offset and (
                    best.offset == UNKNOWN_OFFSET or record.timestamp > best.timestamp
                ):
                    best = OffsetAnswer(record.offset, record.timestamp, extent.leader_epoch)
    if newest is not None:
        run, header = newest
        if best.offset == UNKNOWN_OFFSET or header.max_timestamp > best.timestamp:
            hit = find_timestamp(run, header, header.max_timestamp)
            if hit is not None:
                return OffsetAnswer(hit[0], hit[1], extent.leader_epoch)
    return best if best.offset != UNKNOWN_OFFSET else None


def record_time(
    extents: ExtentReader, extent: Extent, offset: int, chunk_bytes: int = LOOK_BYTES
) -> int | None:
    """The timestamp of the first record of ``extent`` at or above ``offset``; None if there is none.

    Raises StoreFault, Corrupt.
    """
    start = extents.offset_position(extent, offset)
    for run in extents.chunks(extent, start=start, end_offset=offset + 1, chunk_bytes=chunk_bytes):
        for header in scan(run):
            if header.last_offset < offset or header.is_control:
                continue
            for record in iter_records(run, header):
                if record.offset >= offset:
                    return record.timestamp
    return None
