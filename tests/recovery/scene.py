"""A real log in a temporary directory, its commits made at instants that the test chooses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, OffsetAction, Topic
from anabranch.records.builder import build_batch
from anabranch.records.record import Record

T0 = 1_700_000_000_000
MEMBER = Actor("User:ANONYMOUS", "view-app", "/10.0.0.7", "view-app-1", "", 3, "OffsetCommit")
ADMIN = Actor("User:ana", "kafka-consumer-groups", "/10.0.0.9", api="AlterOffsets", reason="fix")


class Scene:
    """A cluster with topics, a group that commits, and shorthands for both."""

    def __init__(self, data: Path, log: Log) -> None:
        self.data = data
        self.log = log
        self.metastore = log.metastore

    async def topic(self, name: str, *, partitions: int = 2, records: int = 100) -> Topic:
        """A topic with ``records`` in each partition, in batches of ten."""
        topic = await self.log.create_topic(name, partitions, {"retention.ms": "-1"})
        for partition in range(partitions):
            await self.produce(topic, partition, records)
        return topic

    async def produce(self, topic: Topic, partition: int, records: int) -> None:
        state = await self.metastore.partition(topic.no, partition)
        assert state is not None
        first = state.next_offset
        for start in range(first, first + records, 10):
            count = min(10, first + records - start)
            batch = [
                Record(n, T0 + start + n, b"k", b"%d/%d" % (partition, start + n), ())
                for n in range(count)
            ]
            await self.log.append(topic, partition, memoryview(bytearray(build_batch(batch))))

    async def commit(
        self,
        group: str,
        topic: Topic,
        offsets: dict[int, int],
        at_ms: int,
        *,
        action: OffsetAction = OffsetAction.COMMIT,
        actor: Actor = MEMBER,
    ) -> None:
        rows = [Committed(topic.no, p, offset, 0, "", at_ms) for p, offset in offsets.items()]
        await self.metastore.commit_offsets(group, rows, action, actor, at_ms)


@asynccontextmanager
async def scene(data: Path, *, compacts: bool = False) -> AsyncIterator[Scene]:
    """``compacts``: there is a background that a test may ask to compact; it does nothing by itself."""
    log = await open_log(
        data,
        broker_id=1,
        host="127.0.0.1",
        port=9092,
        create=True,
        settings=LogSettings(
            background=compacts, background_interval_ms=10**9, wal_file_bytes=1 << 20
        ),
    )
    try:
        yield Scene(data, log)
    finally:
        await log.close()
