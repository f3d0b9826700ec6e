"""Straight from the bucket: a topic as Arrow record batches, past any broker.

The reader asks the metastore which extents hold the wanted offsets, cuts them into splits, reads ranges
with a few threads and decodes whole blobs at a time. A split is a plain value that can be sent to another
process or machine, which needs the store and the WAL but no metastore and no broker.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode, UserFault
from anabranch.log.extents import ExtentReader
from anabranch.log.log import Log
from anabranch.log.offsets import UNKNOWN_OFFSET
from anabranch.log.opening import open_log
from anabranch.metastore.api import Extent, Topic
from anabranch.storage.store import NotFound, open_store
from anabranch.storage.wal_directory import WalDirectory

if TYPE_CHECKING:
    import pyarrow as pa

SPLIT_BYTES = (
    16 * 1024 * 1024
)  # one task: large enough to decode at full speed, small enough to share out
BATCH_BYTES = 8 * 1024 * 1024  # log bytes decoded into one record batch
THREADS = 4
SPLITS_AHEAD = 2  # per thread: bounds memory while the consumer is slow
EXTENTS_PER_QUERY = 1024
WAL_CACHE_BYTES = 0  # a split streams; nothing is read twice

Where: TypeAlias = Mapping[int, int] | datetime | int | None
"""Offsets by partition, an event time (aware datetime or ms since the epoch), or None for all."""


class Split(Struct, frozen=True):
    """Consecutive offsets ``start_offset .. end_offset - 1`` of one partition, and where they lie."""

    topic: str
    topic_id: bytes
    partition: int
    start_offset: int
    end_offset: int
    extents: tuple[Extent, ...]
    store_url: str
    wal_directory: str


def read(
    data: str | Path,
    topic: str,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
    threads: int = THREADS,
) -> Iterator[pa.RecordBatch]:
    """Read a topic from its data directory, beside a running broker or without one.

    Args:
        data: the cluster's data directory.
        topic: a topic's or branch's name.
        start: first offset per partition, or an event time from which on to read; default: the log start.
        end: first offset per partition that is *not* read, or an event time; default: the present end.
        partitions: which partitions; default: all.
        threads: parallel range reads and decodes.

    Yields:
        Record batches with topic, partition, offset, timestamp, key, value, headers. Within a partition in
        offset order; partitions one after the other.

    Raises:
        UserFault: no cluster or no such topic. Corrupt or StoreFault: bytes cannot be had as written.
    """

    def replan(split: Split) -> list[Split]:
        partition = split.partition
        return plan(
            data,
            topic,
            start={partition: split.start_offset},
            end={partition: split.end_offset},
            partitions=[partition],
        )

    splits = plan(data, topic, start=start, end=end, partitions=partitions)
    yield from read_splits(splits, threads=threads, replan=replan)


def plan(
    data: str | Path,
    topic: str,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
) -> list[Split]:
    """The splits that :func:`read` would read, for runners that share them out."""

    async def ask() -> list[Split]:
        log = await open_log(Path(data), broker_id=None)
        try:
            found = log.catalogue.topic(topic)
            if found is None:
                raise UserFault(f"there is no topic {topic} in {data}")
            return await plan_splits(log, found, start=start, end=end, partitions=partitions)
        finally:
            await log.close()

    return asyncio.run(ask())


async def plan_splits(
    log: Log,
    topic: Topic,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
) -> list[Split]:
    """Cut the wanted offsets into splits. Raises ClientFault(OFFSET_OUT_OF_RANGE)."""
    splits: list[Split] = []
    for partition in range(topic.partitions) if partitions is None else partitions:
        handle = log.partition(topic, partition)
        await log.catalogue.refresh(handle)
        first = await _resolve(log, topic, partition, start, handle.log_start)
        last = await _resolve(log, topic, partition, end, handle.next_offset)
        if not handle.log_start <= first <= handle.next_offset or last > handle.next_offset:
            raise ClientFault(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{topic.name}/{partition} holds offsets {handle.log_start} to {handle.next_offset - 1}, "
                f"not {first} to {last - 1}",
            )
        splits.extend(await _partition_splits(log, topic, partition, first, last))
    return splits


async def _resolve(log: Log, topic: Topic, partition: int, where: Where, default: int) -> int:
    if where is None:
        return default
    if isinstance(where, Mapping):
        return where.get(partition, default)
    if isinstance(where, datetime):
        where = int(where.timestamp() * 1000)
    found = await log.list_offset(topic, partition, where)
    return (
        log.partition(topic, partition).next_offset
        if found.offset == UNKNOWN_OFFSET
        else found.offset
    )


async def _partition_splits(
    log: Log, topic: Topic, partition: int, first: int, last: int
) -> list[Split]:
    splits: list[Split] = []
    held: list[Extent] = []
    offset = first

    def close(end: int) -> None:
        nonlocal offset
        splits.append(
            Split(
                topic.name,
                topic.id,
                partition,
                offset,
                end,
                tuple(held),
                log.store.url,
                str(log.wal_directory.path),
            )
        )
        held.clear()
        offset = end

    cursor = first
    while cursor < last:
        extents = await log.metastore.extents_from(topic.no, partition, cursor, EXTENTS_PER_QUERY)
        for extent in extents:
            if extent.base_offset >= last:
                break
            held.append(extent)
            cursor = extent.last_offset + 1
            if sum(each.length for each in held) >= SPLIT_BYTES:
                close(min(cursor, last))
        if not extents or extents[-1].base_offset >= last or len(extents) < EXTENTS_PER_QUERY:
            break
    if held:
        close(min(cursor, last))
    return splits


def read_split(split: Split, extents: ExtentReader | None = None) -> Iterator[pa.RecordBatch]:
    """Decode one split. Raises NotFound if its objects were merged away since: plan again."""
    from anabranch.records.arrow import decode_arrow

    reader = extents or _extent_reader(split)
    for blob in _blobs(split, reader):
        batch = decode_arrow(
            blob,
            topic=split.topic,
            partition=split.partition,
            from_offset=split.start_offset,
            to_offset=split.end_offset,
        )
        if batch.num_rows:
            yield batch


def read_splits(
    splits: Sequence[Split],
    *,
    threads: int = THREADS,
    replan: Callable[[Split], list[Split]] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Decode splits in parallel and yield their batches in the order of ``splits``.

    A split whose objects were merged away since it was planned is planned again by ``replan``.
    """
    if not splits:
        return
    reader = _extent_reader(splits[0])
    waiting = iter(splits)
    running: deque[tuple[Split, Future[list[pa.RecordBatch]]]] = deque()

    def whole(split: Split) -> list[pa.RecordBatch]:
        return list(read_split(split, reader))

    with ThreadPoolExecutor(threads, "read") as pool:

        def refill() -> None:
            while len(running) < threads * SPLITS_AHEAD:
                split = next(waiting, None)
                if split is None:
                    return
                running.append((split, pool.submit(whole, split)))

        try:
            refill()
            while running:
                split, future = running.popleft()
                try:
                    batches = future.result()
                except NotFound:
                    if replan is None:
                        raise
                    batches = [batch for fresh in replan(split) for batch in whole(fresh)]
                refill()
                yield from batches
        finally:
            for _, future in running:
                future.cancel()


def _blobs(split: Split, reader: ExtentReader) -> Iterator[memoryview]:
    """Runs of batches of about BATCH_BYTES: small extents are put together, large ones come in chunks."""
    held: list[memoryview] = []
    size = 0
    for extent in split.extents:
        start = 0
        if extent.kind == "segment" and split.start_offset > extent.base_offset:
            start = reader.offset_position(extent, split.start_offset)
        for run in reader.chunks(extent, start=start):
            held.append(run)
            size += len(run)
            if size >= BATCH_BYTES:
                yield _joined(held)
                held, size = [], 0
    if held:
        yield _joined(held)


def _joined(runs: Sequence[memoryview]) -> memoryview:
    return runs[0] if len(runs) == 1 else memoryview(b"".join(runs))


def _extent_reader(split: Split) -> ExtentReader:
    return ExtentReader(
        open_store(split.store_url), WalDirectory.open(Path(split.wal_directory)), WAL_CACHE_BYTES
    )


__all__ = ["NotFound", "Split", "plan", "plan_splits", "read", "read_split", "read_splits"]
