"""Merge, retention and collection on a running log: what readers see never changes but by the rules."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from typing import Any

import pytest

from anabranch.errors import StoreFault
from anabranch.log.background import RETENTION_PAGE
from anabranch.log.reads import FetchWant
from anabranch.log.shards import GLOBAL, lease_name
from anabranch.metastore.api import SHARDS, ObjectKind, Topic, shard_of
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


def test_only_the_holder_of_a_shards_lease_works_on_it(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        for partition in range(2):
            await bench.append(topic, partition, [b"v"])
        bench.clock.ms += 120_000
        background, metastore = bench.log.background, bench.log.metastore
        assert background is not None
        taken = lease_name(shard_of(topic.no, 0))
        assert await metastore.acquire_lease(taken, "other", 30_000, bench.clock())
        await background.run_once()
        assert not background.shards.mine(topic.no, 0) and background.shards.mine(topic.no, 1)
        assert (await kinds(bench, topic))[ObjectKind.WAL] == 1
        assert (await kinds(bench, topic, 1))[ObjectKind.WAL] == 0
        bench.clock.ms += 60_000
        await background.run_once()
        assert background.shards.mine(topic.no, 0)
        assert (await kinds(bench, topic))[ObjectKind.WAL] == 0

    run(scenario)


def test_a_broker_takes_only_the_shards_that_membership_gives_it(run) -> None:
    async def scenario(bench: Bench) -> None:
        background, metastore = bench.log.background, bench.log.metastore
        assert background is not None
        bench.log.looks_after = lambda shard_id, shard: shard % 2 == 0
        await background.shards.renew()
        assert background.shards.held == tuple(range(0, SHARDS, 2))
        assert not background.shards.holds_global  # it goes with the last shard
        # Another broker comes, and half of these become its own.
        bench.log.looks_after = lambda shard_id, shard: shard % 4 == 0
        await background.shards.renew()
        assert background.shards.held == tuple(range(0, SHARDS, 4))
        assert await metastore.acquire_lease(lease_name(2), "other", 30_000, bench.clock())
        assert not await metastore.acquire_lease(lease_name(4), "other", 30_000, bench.clock())
        await background.shards.release()
        assert await metastore.acquire_lease(lease_name(4), "other", 30_000, bench.clock())
        assert await metastore.acquire_lease(lease_name(GLOBAL), "other", 30_000, bench.clock())

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


def test_I10_retention_looks_at_many_partitions_in_pages_and_reads_only_what_may_go(
    run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        configs = {"retention.ms": "1000", "retention.bytes": "1000000"}
        topic = await bench.log.create_topic("t", 1000, configs)
        old = [bench.log.append(topic, number, bench.batch([b"v"])) for number in (3, 999)]
        await asyncio.gather(*old)
        bench.clock.ms += 2000
        young = [bench.log.append(topic, number, bench.batch([b"v"])) for number in range(998)]
        await asyncio.gather(*young)
        metastore, looks, pages = bench.log.metastore, Counter[str](), []
        extents_from, oldest_extents = metastore.extents_from, metastore.oldest_extents

        def read(*arguments: Any) -> Any:
            looks["read"] += 1
            return extents_from(*arguments)

        async def page(*arguments: Any) -> Any:
            found = await oldest_extents(*arguments)
            pages.append(len(found))
            return found

        monkeypatch.setattr(metastore, "extents_from", read)
        monkeypatch.setattr(metastore, "oldest_extents", page)
        assert bench.log.background is not None
        await bench.log.background.retain()
        assert looks["read"] == 2
        assert sum(pages) == 999 and max(pages) <= RETENTION_PAGE
        starts = [bench.log.partition(topic, number).log_start for number in range(1000)]
        assert [number for number, start in enumerate(starts) if start] == [3, 999]

    run(scenario)


def test_a_record_from_the_future_does_not_pin_its_partition(run) -> None:
    """It counts as young as its append at most, whatever its producer's clock said."""

    async def scenario(bench: Bench) -> None:
        configs = {"retention.ms": "60000", "message.timestamp.after.max.ms": str(2**62)}
        topic = await bench.log.create_topic("t", 1, configs)
        background = bench.log.background
        assert background is not None
        await bench.append(topic, 0, [b"old"])
        await bench.append(topic, 0, [b"dated"], timestamp=bench.clock() + 10**12)
        bench.clock.ms += 30_000
        await bench.append(topic, 0, [b"young"])
        bench.clock.ms += 29_000
        await background.retain()
        assert bench.log.partition(topic, 0).log_start == 0
        bench.clock.ms += 2_000
        await background.retain()
        assert bench.log.partition(topic, 0).log_start == 1, "judged by the append behind it"
        bench.clock.ms += 30_000
        await background.retain()
        assert bench.log.partition(topic, 0).log_start == 3
        # Alone, and merged: nothing behind it tells when it was appended but the partition itself.
        await bench.append(topic, 0, [b"dated"], timestamp=bench.clock() + 10**12)
        await bench.log.merger.merge_backlog(topic, 0)
        bench.clock.ms += 61_000
        await background.retain()
        assert bench.log.partition(topic, 0).log_start == 4

    run(scenario)


class Refusing:
    """A store whose deletes fail as told."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.refused: set[str] = set()
        self.asked: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def delete(self, key: str) -> bool:
        self.asked.append(key)
        if any(part in key for part in self.refused):
            raise StoreFault("injected: slow down")
        return self._store.delete(key)


async def garbage(bench: Bench, count: int, name: str = "t") -> list[str]:
    """Objects that nothing names and whose grace is over."""
    keys = []
    for number in range(count):
        topic = await bench.log.create_topic(f"{name}{number}", 1, {})
        await bench.append(topic, 0, [b"v"])
        await bench.log.merger.merge_backlog(topic, 0)
        (extent,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 1)
        keys.append(extent.object_key)
        await bench.log.delete_records(topic, 0, -1)
    background = bench.log.background
    assert background is not None
    bench.clock.ms += 60_000
    await bench.log.metastore.objects_without_extents(bench.clock(), bench.clock(), 1000)
    bench.clock.ms += 25 * 3_600_000
    return keys


def test_I3_a_crash_between_the_row_and_the_bytes_leaves_nothing_behind(run) -> None:
    async def scenario(bench: Bench) -> None:
        keys = await garbage(bench, 3)
        metastore = bench.log.metastore
        for row in await metastore.objects_without_extents(bench.clock(), bench.clock(), 100):
            if row.kind is not ObjectKind.WAL:
                assert await metastore.forget_object(row.no, "x", bench.clock())
        log = await bench.restart()  # nobody remembers but the metastore
        assert {info.key for info in bench.store.list("topics/")} >= set(keys)
        assert log.background is not None
        await log.background.collect()
        assert not list(bench.store.list("topics/"))
        assert await log.metastore.pending_deletions(10) == []

    run(scenario)


def test_deletes_go_on_around_keys_that_are_refused_and_stop_when_all_are(run) -> None:
    async def scenario(bench: Bench) -> None:
        keys = await garbage(bench, 6)
        metastore, background = bench.log.metastore, bench.log.background
        assert background is not None
        store = Refusing(bench.store)
        background._collector._store = store  # type: ignore[assignment]
        store.refused = {keys[1].removesuffix(".log")}
        bench.store.delete(keys[2])  # somebody was there before: as good as deleted
        with pytest.raises(StoreFault):
            await background.collect()
        assert await metastore.pending_deletions(10) == [keys[1]]
        assert {info.key for info in bench.store.list("topics/")} == {keys[1], index_key(keys[1])}
        more = await garbage(bench, 9, "more")
        with pytest.raises(StoreFault):
            await background.collect()
        assert await metastore.pending_deletions(10) == [keys[1]], "one key stops no other"
        assert not set(more) & {info.key for info in bench.store.list("topics/")}
        store.refused = {"topics/"}
        await garbage(bench, 9, "most")
        for _ in range(3):
            store.asked.clear()
            with pytest.raises(StoreFault):
                await background.collect()
            assert len(store.asked) <= 4
        waiting = len(await metastore.pending_deletions(100))
        assert waiting <= 10, "what is pending stays bounded while the store refuses"
        store.refused = set()
        await background.collect()
        assert not list(bench.store.list("topics/"))

    run(scenario)
