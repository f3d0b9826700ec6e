"""Short ways to say what the tests need: topics, flushes, merges."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore.api import (
    Actor,
    AppendCommit,
    Committed,
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    ProducerBatch,
    ProducerState,
    Topic,
)

MEMBER = Actor(
    "User:ana", "client-1", "/127.0.0.1", member_id="m-1", generation=3, api="OffsetCommit"
)
ADMIN = Actor("User:root", "admin", "/127.0.0.1", reason="reset by hand")


def topic_id(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def a_topic(
    meta: Metastore, name: str = "flights", partitions: int = 1, number: int = 1
) -> Topic:
    return await meta.create_topic(name, topic_id(number), partitions, {}, 1_000)


def new(
    base: int,
    last: int,
    *,
    position: int = 0,
    length: int = 100,
    timestamp: int = -1,
    appended: int = 0,
    epoch: int = 0,
) -> NewExtent:
    return NewExtent(base, last, position, length, last - base + 1, timestamp, appended, epoch)


def commit(
    topic: Topic, partition: int, *extents: NewExtent, producers: Sequence[ProducerState] = ()
) -> AppendCommit:
    return AppendCommit(
        topic.no,
        partition,
        extents[0].base_offset,
        extents[-1].last_offset + 1,
        extents,
        tuple(producers),
    )


async def append(
    meta: Metastore,
    topic: Topic,
    *extents: NewExtent,
    partition: int = 0,
    key: str = "wal/1",
    now_ms: int = 5_000,
) -> None:
    (outcome,) = await meta.commit_appends(key, [commit(topic, partition, *extents)], now_ms)
    assert outcome.committed


def producer(number: int, *bases: int, updated_ms: int = 0) -> ProducerState:
    """A producer whose batches have ten records each, at these base offsets."""
    batches = tuple(
        ProducerBatch(10 * i, 10 * i + 9, base, base + 9, 77) for i, base in enumerate(bases)
    )
    return ProducerState(number, 0, batches, updated_ms)


def names(extents: Sequence[Extent]) -> list[ExtentName]:
    return [ExtentName(e.base_offset, e.object_no, e.position) for e in extents]


async def merge(
    meta: Metastore,
    topic: Topic,
    extents: Sequence[Extent],
    *,
    key: str,
    partition: int = 0,
    now_ms: int = 6_000,
) -> bool:
    """Replace ``extents`` by one segment."""
    length = sum(extent.length for extent in extents)
    object_no = await meta.create_object(key, ObjectKind.SEGMENT, now_ms)
    merged = NewExtent(
        extents[0].base_offset,
        extents[-1].last_offset,
        0,
        length,
        sum(extent.records for extent in extents),
        max(extent.max_timestamp for extent in extents),
        extents[0].appended_ms,
        extents[-1].leader_epoch,
    )
    return await meta.replace_extents(
        topic.no, partition, names(extents), object_no, length, [merged], now_ms
    )


def spans(extents: Sequence[Extent]) -> list[tuple[int, int]]:
    return [(extent.base_offset, extent.last_offset) for extent in extents]


def at(topic: Topic, partition: int, offset: int, metadata: str = "") -> Committed:
    return Committed(topic.no, partition, offset, 0, metadata, 7_000)
