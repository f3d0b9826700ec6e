"""Merge, retention and collection on a running log: what readers see never changes but by the rules."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import pytest

from anabranch.log.background import PARTITIONS_PER_TURN
from anabranch.log.reads import FetchWant
from anabranch.metastore.api import ObjectKind, Topic
from anabranch.storage.segment import SegmentIndex, index_key

from .conftest import Bench


async def kinds(bench: Bench, topic: Topic, partition: int = 0) -> Counter[ObjectKind]:
    extents = await bench.log.metastore.extents_from(topic.no, partition, 0, 10_000)
    return Counter(extent.kind for extent in extents)


def test_merge_turns_wal_extents_into_one_described_segment(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"retention.ms": "123"})
        for number in range(30):
            await bench.append(topic, 0, [b"%d" % number, b"x"])
        before = await bench.values(topic, 0)
        assert (await kinds(bench, topic))[ObjectKind.WAL] == 30
        await bench.log.merger.merge_backlog(topic, 0)
        assert await kinds(bench, topic) == {ObjectKind.SEGMENT: 1}
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert await bench.values(topic, 0) == before
        (extent,) = await log.metastore.extents_from(topic.no, 0, 0, 10)
        assert extent.object_key.startswith("topics/t-")
        index = SegmentIndex.decode(bench.store.get(index_key(extent.object_key)))
        assert (index.topic_name, index.topic_id, index.partition) == ("t", topic.id, 0)
        assert (index.base_offset, index.last_offset, index.record_count) == (0, 59, 60)
        assert index.topic_config == {"retention.ms": "123"}
        assert index.cluster_id == log.metastore.cluster_id

    run(scenario)


def test_merge_respects_the_segment_size_and_small_ones_consolidate(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for round_number in range(64):
            await bench.append(topic, 0, [b"%d" % round_number])
            await bench.log.merger.merge_backlog(topic, 0)
            while await bench.log.merger.consolidate(topic, 0):
                pass
        assert (await kinds(bench, topic))[ObjectKind.SEGMENT] < 16
        assert [value for _, value in await bench.values(topic, 0)] == [
            b"%d" % n for n in range(64)
        ]
        for _ in range(6):
            await bench.append(topic, 0, [os.urandom(400_000)])
        written = await bench.log.merger.merge_backlog(topic, 0)
        assert written == 3  # two of 400 kB fit one segment of a megabyte

    run(scenario, segment_bytes=1 << 20)


def test_I3_a_reader_that_lags_behind_a_merge_still_gets_the_bytes(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for number in range(50):
            await bench.append(topic, 0, [b"%d" % number + bytes(2000)])
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        background = log.background
        assert background is not None

        async def churn() -> None:
            for _ in range(20):
                await background.merge()
                bench.clock.ms += 120_000
                await background.collect()
                await bench.append(topic, 0, [b"new"])

        async def read() -> list[bytes]:
            found: list[bytes] = []
            for offset in range(50):
                (part,) = await log.fetch(
                    [FetchWant(topic, 0, offset, 1)], max_wait_ms=0, min_bytes=1, max_bytes=1
                )
                assert part.error == 0 and part.bytes
                found.append(bytes(part.buffers[0]))
                await asyncio.sleep(0)
            return found

        _, first = await asyncio.gather(churn(), read())
        assert first == await read()

    run(scenario)


def test_I3_collection_waits_for_its_grace_and_logs_its_reason(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"v"])
        await bench.log.merger.merge_backlog(topic, 0)
        (extent,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 1)
        background = bench.log.background
        assert background is not None
        await bench.log.delete_topic(topic)
        for hours, exists in ((1, True), (23, True), (2, False)):
            bench.clock.ms += hours * 3_600_000
            await background.expire()
            await background.collect()
            await background.collect()
            assert any(info.key == extent.object_key for info in bench.store.list("")) is exists
        assert not list(bench.store.list(""))
        reasons = await bench.log.metastore.deletions(10)
        assert any(key == extent.object_key for key, _, _ in reasons)

    run(scenario)


def test_wal_files_are_recycled_once_merged_and_left_over_ones_too(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(12):
            await bench.append(topic, 0, [os.urandom(300_000)])
        before = await bench.values(topic, 0)
        assert len(bench.log.wal_reader.objects()) >= 4
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        await bench.append(topic, 0, [b"keeps a file in use"])
        background = log.background
        assert background is not None
        bench.clock.ms += 120_000
        await background.merge()
        await background.collect()
        bench.clock.ms += 120_000
        await background.collect()
        assert len(log.wal_reader.objects()) <= 1
        assert (await bench.values(topic, 0))[:-1] == before

    run(scenario)


def test_retention_by_time_and_size_records_gaps(run) -> None:
    async def scenario(bench: Bench) -> None:
        timed = await bench.log.create_topic("timed", 1, {"retention.ms": "60000"})
        sized = await bench.log.create_topic("sized", 1, {"retention.bytes": "5000"})
        for _ in range(10):
            await bench.append(timed, 0, [bytes(1000)])
            await bench.append(sized, 0, [bytes(1000)])
            bench.clock.ms += 10_000
        background = bench.log.background
        assert background is not None
        await background.retain()
        assert bench.log.partition(timed, 0).log_start == 4
        assert bench.log.partition(sized, 0).log_start in (4, 5)
        (gap,) = await bench.log.metastore.gaps(timed.no)
        assert (gap.first_offset, gap.last_offset, gap.cause) == (0, 3, "retention.ms")
        (gap,) = await bench.log.metastore.gaps(sized.no)
        assert gap.cause == "retention.bytes"
        (part,) = await bench.log.fetch(
            [FetchWant(timed, 0, 0, 100)], max_wait_ms=0, min_bytes=1, max_bytes=100
        )
        assert part.error.name == "OFFSET_OUT_OF_RANGE" and part.log_start == 4

    run(scenario)


def test_only_the_holder_of_the_lease_works(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"v"])
        bench.clock.ms += 120_000
        background = bench.log.background
        assert background is not None
        assert await bench.log.metastore.acquire_lease("background", "other", 30_000, bench.clock())
        await background.run_once()
        assert (await kinds(bench, topic))[ObjectKind.WAL] == 1
        bench.clock.ms += 60_000
        await background.run_once()
        assert (await kinds(bench, topic))[ObjectKind.WAL] == 0

    run(scenario)


def test_a_topic_may_want_smaller_segments(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"segment.bytes": str(1 << 20)})
        for _ in range(4):
            await bench.append(topic, 0, [os.urandom(600_000)])
        assert await bench.log.merger.merge_backlog(topic, 0) == 4
        while await bench.log.merger.consolidate(topic, 0):
            pass
        extents = await bench.log.metastore.extents_from(topic.no, 0, 0, 10)
        assert all(extent.length <= 1 << 20 for extent in extents)

    run(scenario)


def test_I10_retention_of_many_partitions_takes_turns_with_others(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        configs = {"retention.ms": "1000", "retention.bytes": "10"}
        topic = await bench.log.create_topic("t", 1000, configs)
        await bench.append(topic, 999, [b"v"])
        bench.clock.ms += 2000
        turn, looks = 0, Counter[int]()
        look = bench.log.metastore.extents_from

        def counted(*arguments: Any) -> Any:
            looks[turn] += 1
            return look(*arguments)

        async def turns() -> None:
            nonlocal turn
            while True:
                turn += 1
                await asyncio.sleep(0)

        monkeypatch.setattr(bench.log.metastore, "extents_from", counted)
        ticker = asyncio.create_task(turns())
        await bench.log.background.retain()
        ticker.cancel()
        assert looks.total() >= 1000 and max(looks.values()) <= PARTITIONS_PER_TURN
        assert bench.log.partition(topic, 999).log_start == 1

    run(scenario)
