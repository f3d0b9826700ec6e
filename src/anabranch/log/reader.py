"""Straight from the bucket: a topic as Arrow record batches, past any broker.

The reader asks the metastore which extents hold the wanted offsets, cuts them into splits, reads ranges
with a few threads and decodes whole blobs at a time. A split is a plain value that can be sent to another
process or machine, which needs the store and the WAL but no metastore and no broker.

Memory is bounded by the splits in flight (``threads`` times ``SPLITS_AHEAD``), each about ``READ_BYTES`` of
log bytes and what they hold decompressed.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from anabranch.errors import ClientFault, Corrupt, ErrorCode, UserFault
from anabranch.log.aborted import skipping
from anabranch.log.damaged_reads import DamagedRange, DamagedRead, OnDamage, around, handler
from anabranch.log.extents import ExtentReader
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.offsets import UNKNOWN_OFFSET
from anabranch.log.opening import open_log, real_waits
from anabranch.metastore.api import Aborted, Extent, ObjectKind, Topic
from anabranch.records.batch import parse_header
from anabranch.storage.layers import open_layered
from anabranch.storage.store import NotFound
from anabranch.storage.wal import open_wal_reader

if TYPE_CHECKING:
    import pyarrow as pa

SPLIT_BYTES = 16 * 1024 * 1024  # one task of a runner that shares splits out
# One task of a thread here. What lies decoded at a time is fresh memory, and first touching that is the
# dearest part of a first read.
READ_BYTES = 4 * 1024 * 1024
BATCH_BYTES = 4 * 1024 * 1024  # log bytes decoded into one record batch
RUN_BYTES_ALONE = 1024 * 1024  # from here on copying runs together costs more than it saves
THREADS = min(4, os.cpu_count() or 1)  # more than cores only take turns
SPLITS_AHEAD = 2  # per thread: bounds memory while the consumer is slow
SPLIT_EXTENTS_MAX = 1024  # a split is a value that is sent around; not thousands of tiny extents
EXTENTS_PER_QUERY = 1024
ABORTED_MAX = 1_000_000  # aborted transactions in one split
REPLANS_MAX = 3  # of one split: an extent may be merged away between plan and read, not for ever
OBJECT_WAL_CACHE_BYTES = 16 * 1024 * 1024  # one flush holds many partitions' shares

Where: TypeAlias = Mapping[int, int] | datetime | int | None
"""Offsets by partition, an event time (aware datetime or ms since the epoch), or None for all."""

T = TypeVar("T")


class Split(Struct, frozen=True):
    """Consecutive offsets ``start_offset .. end_offset - 1`` of one partition, and where they lie."""

    topic: str
    topic_id: bytes
    partition: int
    start_offset: int
    end_offset: int
    extents: tuple[Extent, ...]
    store_url: str
    wal_url: str
    aborted: tuple[Aborted, ...] = ()  # transactions whose records in it do not count


Isolation = Literal["committed", "uncommitted"]


def read(
    data: str | Path | Location,
    topic: str,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
    threads: int = THREADS,
    on_damage: OnDamage = "raise",
    isolation: Isolation = "committed",
) -> Iterator[pa.RecordBatch]:
    """Read a topic of a cluster, beside running brokers or without one.

    Args:
        data: the cluster's data directory, its metastore's URL, or a ``Location``.
        topic: a topic's or branch's name.
        start: first offset per partition, or an event time from which on to read; default: the log start.
        end: first offset per partition that is *not* read, or an event time; default: the present end.
        partitions: which partitions; default: all.
        threads: parallel range reads and decodes.
        on_damage: what to do about offsets that cannot be had or decoded (a lost object, wrong bytes,
            compressed garbage), once everything before them was given: ``"raise"`` a DamagedRead, which
            says which they are; ``"skip"`` them; or skip them after calling a function with each
            DamagedRange. No record beside them is ever left out.
        isolation: ``"committed"`` leaves out the records of aborted transactions, and what lies behind the
            first one that is still open; ``"uncommitted"`` reads everything.

    Yields:
        Record batches with topic, partition, offset, timestamp, key, value, headers. Within a partition in
        offset order; partitions one after the other.

    Raises:
        UserFault: no cluster, no such topic, or it was deleted meanwhile. ClientFault: no such partition,
        or offsets that the log does not hold. DamagedRead (a Corrupt): see ``on_damage``. StoreFault: the
        store cannot be asked now.
    """

    def replan(split: Split) -> list[Split]:
        partition = split.partition
        fresh = plan(
            data,
            topic,
            start={partition: split.start_offset},
            end={partition: split.end_offset},
            partitions=[partition],
            split_bytes=READ_BYTES,
            isolation=isolation,
        )
        if any(each.topic_id != split.topic_id for each in fresh):
            raise UserFault(f"topic {topic} was deleted and created anew while it was read")
        return fresh

    splits = plan(
        data,
        topic,
        start=start,
        end=end,
        partitions=partitions,
        split_bytes=READ_BYTES,
        isolation=isolation,
    )
    yield from read_splits(splits, threads=threads, replan=replan, on_damage=on_damage)


def plan(
    data: str | Path | Location,
    topic: str,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
    split_bytes: int | None = None,
    isolation: Isolation = "committed",
) -> list[Split]:
    """What :func:`read` would read, for runners that share it out: in splits of about ``split_bytes``
    (default: 16 MiB) of log bytes."""

    async def ask() -> list[Split]:
        log = await open_log(data, broker_id=None)
        try:
            found = log.catalogue.topic(topic)
            if found is None:
                raise UserFault(f"there is no topic {topic} in {data}")
            return await plan_splits(
                log,
                found,
                start=start,
                end=end,
                partitions=partitions,
                split_bytes=split_bytes,
                isolation=isolation,
            )
        finally:
            await log.close()

    return _run(ask())


async def plan_splits(
    log: Log,
    topic: Topic,
    *,
    start: Where = None,
    end: Where = None,
    partitions: Sequence[int] | None = None,
    split_bytes: int | None = None,
    isolation: Isolation = "committed",
) -> list[Split]:
    """Cut the wanted offsets into splits. Raises ClientFault(OFFSET_OUT_OF_RANGE)."""
    wanted = range(topic.partitions) if partitions is None else partitions
    split_bytes = SPLIT_BYTES if split_bytes is None else split_bytes
    for where in (start, end):
        for partition in where if isinstance(where, Mapping) else ():
            log.partition(topic, partition)
    splits: list[Split] = []
    for partition in wanted:
        handle = log.partition(topic, partition)
        await log.catalogue.refresh(handle)
        first = await _resolve(log, topic, partition, start, handle.log_start)
        stable = handle.last_stable_offset
        default = stable if isolation == "committed" else handle.next_offset
        last = await _resolve(log, topic, partition, end, default)
        if not handle.log_start <= first <= handle.next_offset or last > handle.next_offset:
            raise ClientFault(
                ErrorCode.OFFSET_OUT_OF_RANGE,
                f"{topic.name}/{partition} holds offsets {handle.log_start} to {handle.next_offset - 1}, "
                f"not {first} to {last - 1}",
            )
        if isolation == "committed":
            last = min(last, stable)
        found = await _partition_splits(log, topic, partition, first, last, split_bytes)
        if isolation == "committed" and first < handle.aborted_end:
            found = [await _with_aborted(log, topic, each) for each in found]
        splits.extend(found)
    return splits


async def _with_aborted(log: Log, topic: Topic, split: Split) -> Split:
    """The split with the aborted transactions that reach into it: no more than it has batches, but for
    those that were open when it began."""
    aborted = await log.metastore.aborted_transactions(
        topic.no, split.partition, split.start_offset, split.end_offset, ABORTED_MAX
    )
    if len(aborted) == ABORTED_MAX:
        raise ClientFault(
            ErrorCode.INVALID_REQUEST,
            f"{topic.name}/{split.partition} has {ABORTED_MAX} aborted transactions in offsets "
            f"{split.start_offset} to {split.end_offset - 1}: read smaller splits",
        )
    return replace(split, aborted=tuple(aborted))


async def _resolve(log: Log, topic: Topic, partition: int, where: Where, default: int) -> int:
    if where is None:
        return default
    if isinstance(where, Mapping):
        return where.get(partition, default)
    if isinstance(where, datetime):
        if where.tzinfo is None:
            raise UserFault(f"{where} has no time zone; write for example {where}+00:00")
        where = int(where.timestamp() * 1000)
    if where < 0:
        raise UserFault(f"{where} is no event time: milliseconds since 1970 are not negative")
    found = await log.list_offset(topic, partition, where)
    return (
        log.partition(topic, partition).next_offset
        if found.offset == UNKNOWN_OFFSET
        else found.offset
    )


async def _partition_splits(
    log: Log, topic: Topic, partition: int, first: int, last: int, split_bytes: int
) -> list[Split]:
    splits: list[Split] = []
    held: list[Extent] = []
    offset, size = first, 0

    def close(end: int) -> None:
        nonlocal offset, size
        splits.append(
            Split(
                topic.name,
                topic.id,
                partition,
                offset,
                end,
                tuple(held),
                log.store.url,
                log.wal_reader.url,
            )
        )
        held.clear()
        offset, size = end, 0

    cursor = first
    while cursor < last:
        extents = await log.metastore.extents_from(topic.no, partition, cursor, EXTENTS_PER_QUERY)
        for extent in extents:
            for end, length in _pieces(extent, split_bytes):
                if offset < last and end > offset:
                    if not held or held[-1] is not extent:
                        held.append(extent)
                    size += length
                    if size >= split_bytes or len(held) >= SPLIT_EXTENTS_MAX:
                        close(min(end, last))
            cursor = extent.last_offset + 1
            if cursor >= last:
                break
        if len(extents) < EXTENTS_PER_QUERY:
            break
    if held:
        close(min(cursor, last))
    return splits


def _pieces(extent: Extent, split_bytes: int) -> Iterator[tuple[int, int]]:
    """Where an extent may be divided: the offset behind each piece, and about how many bytes it has.

    A large segment is read from its index's entries; an extent in the WAL only as a whole.
    """
    count = 1
    if extent.kind is ObjectKind.SEGMENT:
        count = max(1, min(round(extent.length / split_bytes), extent.records))
    offsets = extent.last_offset + 1 - extent.base_offset
    for number in range(1, count + 1):
        yield extent.base_offset + offsets * number // count, extent.length // count


def read_split(
    split: Split, extents: ExtentReader | None = None, *, on_damage: OnDamage = "raise"
) -> Iterator[pa.RecordBatch]:
    """Decode one split. Raises NotFound if its objects were merged away since: plan again.

    ``on_damage`` as in :func:`read`.
    """
    meet = handler(on_damage)
    if extents is not None:
        yield from _undamaged(_items(split, extents), meet)
        return
    with opened_extents(split) as reader:
        yield from _undamaged(_items(split, reader), meet)


def _undamaged(
    items: Iterable[pa.RecordBatch | DamagedRange], meet: Callable[[DamagedRange], None]
) -> Iterator[pa.RecordBatch]:
    for item in items:
        if isinstance(item, DamagedRange):
            meet(item)
        else:
            yield item


def _items(split: Split, extents: ExtentReader) -> Iterator[pa.RecordBatch | DamagedRange]:
    """At full speed up to the first damage, then around it. Raises NotFound, StoreFault."""
    start = split.start_offset
    try:
        for batch in _decode(split, extents):
            yield batch
            start = batch.column("offset")[batch.num_rows - 1].as_py() + 1
    except Corrupt:
        yield from around(split, extents, start)


def _decode(split: Split, extents: ExtentReader) -> Iterator[pa.RecordBatch]:
    from anabranch.records.arrow import decode_arrow

    skip = skipping(split.aborted)
    for blob in _blobs(split, extents):
        batch = decode_arrow(
            blob,
            topic=split.topic,
            partition=split.partition,
            from_offset=split.start_offset,
            to_offset=split.end_offset,
            skip=skip,
        )
        if batch.num_rows:
            yield batch


def read_splits(
    splits: Sequence[Split],
    *,
    threads: int = THREADS,
    replan: Callable[[Split], list[Split]] | None = None,
    on_damage: OnDamage = "raise",
) -> Iterator[pa.RecordBatch]:
    """Decode splits in parallel and yield their batches in the order of ``splits``.

    A split whose objects were merged away since it was planned is planned again by ``replan``; what is
    not there then either is lost. ``on_damage`` as in :func:`read`. Raises NotFound without ``replan``.
    """
    meet = handler(on_damage)
    if threads < 1:
        raise UserFault(f"reading takes at least one thread, not {threads}")
    if not splits:
        return
    with opened_extents(splits[0]) as reader:
        yield from _undamaged(_read_splits(splits, reader, threads, replan), meet)


def _read_splits(
    splits: Sequence[Split],
    reader: ExtentReader,
    threads: int,
    replan: Callable[[Split], list[Split]] | None,
) -> Iterator[pa.RecordBatch | DamagedRange]:
    waiting = iter(splits)
    running: deque[tuple[Split, Future[list[pa.RecordBatch | DamagedRange]]]] = deque()

    def whole(split: Split) -> list[pa.RecordBatch | DamagedRange]:
        return list(_items(split, reader))

    def again(split: Split, attempts: int) -> list[pa.RecordBatch | DamagedRange]:
        try:
            return whole(split)
        except NotFound:
            if replan is None:
                raise
            if not attempts:
                return list(around(split, reader, split.start_offset))
            return [batch for fresh in replan(split) for batch in again(fresh, attempts - 1)]

    pool = ThreadPoolExecutor(threads, "read")

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
                batches = again(split, REPLANS_MAX)
            refill()
            yield from batches
    finally:
        for _, future in running:
            future.cancel()
        pool.shutdown()  # what runs ends with its split; nothing is left behind


def _blobs(split: Split, reader: ExtentReader) -> Iterator[memoryview]:
    """Runs of batches of about BATCH_BYTES: small extents are put together, large ones come in chunks."""
    held: list[memoryview] = []
    size = 0
    for extent in split.extents:
        start = 0
        if extent.kind.final and split.start_offset > extent.base_offset:
            start = reader.offset_position(extent, split.start_offset)
        for run in reader.chunks(extent, start=start, end_offset=split.end_offset):
            if parse_header(run).base_offset >= split.end_offset:
                break
            if len(run) >= RUN_BYTES_ALONE and not held:
                yield run
                continue
            held.append(run)
            size += len(run)
            if size >= BATCH_BYTES:
                yield _joined(held)
                held, size = [], 0
    if held:
        yield _joined(held)


def _joined(runs: Sequence[memoryview]) -> memoryview:
    return runs[0] if len(runs) == 1 else memoryview(b"".join(runs))


@contextmanager
def opened_extents(split: Split) -> Iterator[ExtentReader]:
    """Reads from the places that a split names (its URLs are all that is needed), for :func:`read_split`s
    of the same cluster."""
    with ExitStack() as stack:
        store = open_layered(split.store_url, waits=real_waits()).store
        stack.callback(store.close)
        wal = open_wal_reader(split.wal_url, waits=real_waits(), cache_bytes=OBJECT_WAL_CACHE_BYTES)
        stack.callback(wal.close)
        yield ExtentReader(store, wal)


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it to its end, also where a loop runs already: a notebook calls from within its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coroutine)
    with ThreadPoolExecutor(1, "read-plan") as pool:
        return pool.submit(asyncio.run, coroutine).result()


__all__ = [
    "DamagedRange",
    "DamagedRead",
    "NotFound",
    "Split",
    "opened_extents",
    "plan",
    "plan_splits",
    "read",
    "read_split",
    "read_splits",
]
