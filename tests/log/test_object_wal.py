"""A log whose write-ahead log is a bucket: flushes, merging, collection, and writers that stall."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.log.recycling import NEVER_COMMITTED, WalRecycler
from anabranch.metastore.api import ObjectKind
from anabranch.storage.memory import MemoryStore
from anabranch.storage.wal_object import ObjectWal
from tests.log.conftest import Bench

MINUTE_MS = 60_000


def keys(store: MemoryStore) -> list[str]:
    return [info.key for info in store.list("wal/") if "identity" not in info.key]


def rival(bench: Bench) -> WalRecycler:
    """Another broker's collection, on the same metastore and bucket."""
    assert bench.wal_store is not None
    wal = ObjectWal.open(
        bench.wal_store, cluster_id=bench.log.metastore.cluster_id, broker_id=2, broker_epoch=99
    )
    return WalRecycler(
        bench.log.metastore,
        wal,
        bench.log._threads.background,
        bench.settings,
        bench.clock,
        lambda key: wal.is_active(key),
    )


def test_flushes_are_objects_until_they_are_merged(run: Any) -> None:
    store = MemoryStore()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        for number in range(5):
            await bench.append(topic, number % 2, [b"v%d" % number])
        assert keys(store) == [f"wal/1/0000000001/{number:020}" for number in range(5)]
        before = [await bench.values(topic, partition) for partition in (0, 1)]
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert [await bench.values(topic, partition) for partition in (0, 1)] == before
        background = log.background
        assert background is not None
        bench.clock.ms += 2 * MINUTE_MS
        await background.merge()
        await background.collect()
        bench.clock.ms += 2 * MINUTE_MS
        await background.collect()
        assert keys(store) == []
        assert [await bench.values(topic, partition) for partition in (0, 1)] == before
        await bench.append(topic, 0, [b"next start"])
        assert keys(store) == [f"wal/1/0000000002/{0:020}"]

    run(scenario, wal_store=store)


def test_what_no_commit_named_goes_after_its_grace(run: Any) -> None:
    store = MemoryStore()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"v"])
        store.put("wal/7/0000000007/00000000000000000000", b"left by a crash")
        recycler = rival(bench)
        for minutes, there in ((0, True), (5, True), (4, True), (1, False)):
            bench.clock.ms += minutes * MINUTE_MS
            await recycler.recycle_unknown()
            assert (len(keys(store)) == 2) is there
        assert [value for _, value in await bench.values(topic, 0)] == [b"v"]
        (line, *_) = await bench.log.metastore.deletions(1)
        assert line[:2] == ("wal/7/0000000007/00000000000000000000", NEVER_COMMITTED)

    run(scenario, wal_store=store)


def test_i1_a_stalled_writer_acknowledges_nothing_of_a_collected_object(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It wrote its flush and stalled before the commit; meanwhile the object was collected. (What
    made other logs lose flushed writes: creating a key fences nobody once something deletes.)"""
    store = MemoryStore()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"before"])
        metastore = bench.log.metastore
        commit, stalled, go_on = metastore.commit_flush, asyncio.Event(), asyncio.Event()

        async def stall(*args: Any, **options: Any) -> Any:
            stalled.set()
            await go_on.wait()
            return await commit(*args, **options)

        with monkeypatch.context() as patch:
            patch.setattr(metastore, "commit_flush", stall)
            waiting = bench.log.append(topic, 0, bench.batch([b"in between"]))
            await stalled.wait()
            while len(keys(store)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            recycler = rival(bench)
            await recycler.recycle_unknown()
            bench.clock.ms += bench.settings.wal_orphan_grace_ms + MINUTE_MS
            await recycler.recycle_unknown()
            assert len(keys(store)) == 1
            go_on.set()
            with pytest.raises(ClientFault) as refused:
                await waiting
        assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        assert [value for _, value in await bench.values(topic, 0)] == [b"before"]
        await bench.append(topic, 0, [b"after"])
        assert [value for _, value in await bench.values(topic, 0)] == [b"before", b"after"]

    run(scenario, wal_store=store)


def test_i1_a_repeated_write_brings_a_collected_object_back_in_vain(run: Any) -> None:
    """The first attempt's answer was lost, the object collected, the second attempt created it anew."""

    class Slow(MemoryStore):
        lost = asyncio.Event()
        again = asyncio.Event()

    store = Slow()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"before"])
        loop = asyncio.get_running_loop()
        put = store.put

        def repeated(key: str, data: Any, **options: Any) -> int:
            put(key, data, **options)
            loop.call_soon_threadsafe(store.lost.set)
            asyncio.run_coroutine_threadsafe(store.again.wait(), loop).result(60)
            return put(key, data, **options)

        store.put = repeated  # type: ignore[method-assign]
        waiting = bench.log.append(topic, 0, bench.batch([b"in between"]))
        await store.lost.wait()
        store.put = put  # type: ignore[method-assign]
        recycler = rival(bench)
        await recycler.recycle_unknown()
        bench.clock.ms += bench.settings.wal_orphan_grace_ms + MINUTE_MS
        await recycler.recycle_unknown()
        assert len(keys(store)) == 1
        store.again.set()
        with pytest.raises(ClientFault) as refused:
            await waiting
        assert refused.value.code is ErrorCode.KAFKA_STORAGE_ERROR
        assert len(keys(store)) == 2  # it is back, and goes once more
        bench.clock.ms += MINUTE_MS
        await recycler.recycle_unknown()
        bench.clock.ms += bench.settings.wal_orphan_grace_ms + MINUTE_MS
        await recycler.recycle_unknown()
        assert len(keys(store)) == 1
        assert [value for _, value in await bench.values(topic, 0)] == [b"before"]

    run(scenario, wal_store=store)


def test_i3_a_commit_that_came_in_time_keeps_its_object(run: Any) -> None:
    """Between the look for unknown objects and the disowning of one, its commit came."""
    store = MemoryStore()

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        recycler = rival(bench)
        unknown = recycler._unknown

        async def look_then_commit() -> list[str]:
            found = await unknown()
            if "wal/1/0000000001/00000000000000000000" in keys(store):
                return [*found, "wal/1/0000000001/00000000000000000000"]
            return found

        recycler._unknown = look_then_commit  # type: ignore[method-assign]
        await bench.append(topic, 0, [b"v"])
        await recycler.recycle_unknown()
        bench.clock.ms += bench.settings.wal_orphan_grace_ms + MINUTE_MS
        await recycler.recycle_unknown()
        assert len(keys(store)) == 1
        assert [value for _, value in await bench.values(topic, 0)] == [b"v"]

    run(scenario, wal_store=store)


def test_a_deletion_that_failed_is_done_later(run: Any) -> None:
    class Moody(MemoryStore):
        refuses = True

        def delete(self, key: str) -> bool:
            if self.refuses:
                raise StoreFault("slow down")
            return super().delete(key)

    store = Moody()

    async def scenario(bench: Bench) -> None:
        store.put("wal/7/0000000007/00000000000000000000", b"left by a crash")
        recycler = rival(bench)
        await recycler.recycle_unknown()
        bench.clock.ms += bench.settings.wal_orphan_grace_ms + MINUTE_MS
        with pytest.raises(StoreFault):
            await recycler.recycle_unknown()
        store.refuses = False
        bench.clock.ms += MINUTE_MS
        await recycler.recycle_unknown()
        assert keys(store) == []

    run(scenario, wal_store=store)


def test_a_key_that_was_disowned_cannot_be_committed(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        metastore, key = bench.log.metastore, "wal/1/0000000001/00000000000000000009"
        number = await metastore.create_object(key, ObjectKind.WAL, 1)
        assert await metastore.forget_object(number, NEVER_COMMITTED, 2)
        with pytest.raises(StoreFault, match="collected") as refused:
            await metastore.commit_appends(key, [], 3)
        assert not refused.value.retryable

    run(scenario, wal_store=MemoryStore())
