"""I10: memory, rows and passes stay bounded whatever is appended; background work always gets its turn."""

from __future__ import annotations

import asyncio
import os
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import StoreFault
from anabranch.log.merge import consolidation
from anabranch.log.reads import FetchWant
from anabranch.log.settings import LogSettings
from anabranch.log.tail import Run, Tail, TailBudget
from anabranch.metastore.api import Extent, Handover, ObjectKind

from .conftest import Bench
from .test_races import mine

KIB = 1024
MIB = 1024 * KIB


def segments(sizes: list[int]) -> list[Extent]:
    return [
        Extent(n, n, n, f"{n}", ObjectKind.SEGMENT, 0, size, 1, 0, 0, 0)
        for n, size in enumerate(sizes)
    ]


def settle(sizes: list[int], policy: LogSettings) -> tuple[list[int], int]:
    """Consolidate until nothing is left to do; the sizes then, and the bytes written on the way."""
    written = 0
    while True:
        small = [each for each in segments(sizes) if each.length < policy.segment_bytes // 2]
        run = consolidation(small, policy)
        if not run:
            return sizes, written
        total = sum(each.length for each in run)
        assert len(run) > 1 and total <= policy.segment_bytes
        written += total
        first = run[0].object_no
        sizes = [*sizes[:first], total, *sizes[first + len(run) :]]


@pytest.mark.parametrize(
    "minute",
    [
        [20 * MIB],  # eight of a class are more than a segment holds
        [60 * KIB, 70 * KIB],  # neighbours on both sides of a class's bound
        [10 * MIB, *[KIB] * 7],  # bursts
        [63 * MIB, 62 * MIB],
        [1, 100, 10 * KIB, MIB],
        [40 * MIB],
    ],
)
def test_I10_segments_stay_few_whatever_the_rate(minute: list[int]) -> None:
    policy = LogSettings()
    sizes: list[int] = []
    appended = written = 0
    for n in range(1500):
        sizes.append(minute[n % len(minute)])
        appended += sizes[-1]
        sizes, more = settle(sizes, policy)
        written += more
    full = appended // (policy.segment_bytes // 2) + 1
    assert len(sizes) <= full + 60, "count of segments"
    assert written <= 12 * appended, "each byte is rewritten a logarithmic number of times"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 14).map(lambda power: 1 << power), min_size=1, max_size=300))
def test_I10_consolidation_ends_and_leaves_few(sizes: list[int]) -> None:
    policy = LogSettings(segment_bytes=1 << 14, consolidate_fan_in=4)
    left, _ = settle(sizes, policy)
    assert sum(left) == sum(sizes)
    small = [size for size in left if size < policy.segment_bytes // 2]
    runs = list(accumulate(small))
    assert not runs or len(small) <= 8 * (len(left) - len(small) + 1) * 14


def test_I10_wal_files_are_recycled_however_many_segments_wait_for_their_grace(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        background = bench.log.background
        assert background is not None
        for number in range(12):  # consolidation leaves unreferenced segments behind
            await bench.append(topic, 0, [b"%d" % number])
            await bench.log.merger.merge_backlog(topic, 0)
            while await bench.log.merger.consolidate(topic, 0):
                pass
        await background.collect()
        bench.clock.ms += 60_000
        for _ in range(12):
            await bench.append(topic, 0, [os.urandom(15_000)])
        await bench.log.merger.merge_backlog(topic, 0)
        for _ in range(3):
            bench.clock.ms += 60_000
            await background.collect()
        assert len(bench.log.wal_reader.objects()) <= 1

    run(scenario, collect_batch=2, wal_file_bytes=1 << 16, consolidate_fan_in=2)


def test_I10_a_store_that_refuses_deletions_does_not_fill_the_wal(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        gone = await bench.log.create_topic("gone", 1, {})
        await bench.append(gone, 0, [b"v"])
        await bench.log.merger.merge_backlog(gone, 0)
        await bench.log.delete_topic(gone)
        background = bench.log.background
        assert background is not None
        await background.expire()
        await background.collect()
        bench.clock.ms += 48 * 3_600_000

        def refuse(key: str) -> bool:
            raise StoreFault("access denied")

        bench.store.delete = refuse
        for _ in range(12):
            await bench.append(topic, 0, [os.urandom(15_000)])
        await bench.log.merger.merge_backlog(topic, 0)
        for _ in range(3):
            bench.clock.ms += 60_000
            await background.run_once()
        assert len(bench.log.wal_reader.objects()) <= 1

    run(scenario, wal_file_bytes=1 << 16)


def test_I10_a_merge_does_not_look_at_what_is_merged(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for number in range(20):
            await bench.append(topic, 0, [b"%d" % number])
            await bench.log.merger.merge_backlog(topic, 0)
        await bench.append(topic, 0, [b"new"])
        seen = 0
        for verb in ("extents_from", "wal_extents"):
            original = getattr(bench.log.metastore, verb)

            async def counted(*args: int, original=original) -> list[Extent]:
                nonlocal seen
                found: list[Extent] = await original(*args)
                seen += len(found)
                return found

            setattr(bench.log.metastore, verb, counted)
        assert await bench.log.merger.merge_backlog(topic, 0) == 1
        assert seen <= 2

    run(scenario)


def test_I10_idle_producers_leave_memory(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for pid in range(50):
            await bench.append(topic, 0, [b"v"], producer_id=pid, producer_epoch=0, base_sequence=0)
            bench.clock.ms += 1000
        bench.clock.ms += 15_000
        sent = {"producer_id": 10, "producer_epoch": 0}
        await bench.append(topic, 0, [b"v"], base_sequence=1, **sent)
        bench.clock.ms += 10_000
        await bench.append(topic, 0, [b"plain"])
        held = bench.log.partition(topic, 0).producers
        assert held is not None and set(held) == {10}
        bench.clock.ms += 100_000
        # Forgotten here as in the metastore: it may start anywhere, as after any expiry.
        assert await bench.append(topic, 0, [b"v"], base_sequence=7, **sent) == 52

    run(scenario, producer_expiration_ms=20_000)


def test_I10_the_tail_counts_the_frames_that_its_batches_pin() -> None:
    """A tiny batch in a large request keeps the whole request in memory."""
    budget = TailBudget(1000 * KIB)
    tails = [Tail() for _ in range(40)]
    frames = [bytearray(100 * KIB) for _ in tails]
    for tail, frame in zip(tails, frames, strict=True):
        for n in range(3):
            budget.admit(tail, Run(n, n, memoryview(frame)[n * 10 : n * 10 + 10]))
    held = [tail for tail in tails if tail.start_offset is not None]
    assert 8 <= len(held) <= 10
    assert budget.bytes_held <= budget.bytes_max


def test_I10_a_cleared_tail_gives_its_budget_back_in_time() -> None:
    budget = TailBudget(100 * KIB)
    tail = Tail()
    for n in range(1000):
        if n % 10 == 0:
            tail.clear()
        budget.admit(tail, Run(n, n, memoryview(bytearray(10 * KIB))))
        assert budget.bytes_held <= budget.bytes_max
    assert len(budget._order) <= 10


def test_I10_indexes_are_bounded_by_what_they_hold(run, monkeypatch) -> None:
    monkeypatch.setattr("anabranch.log.extents.INDEX_ENTRIES_MAX", 10)

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for number in range(20):
            for _ in range(4):
                await bench.append(topic, 0, [b"%d" % number])
                bench.clock.ms += 1000
            await bench.log.merger.merge_backlog(topic, 0)
        log = await bench.restart()
        assert len(await bench.values(mine(log, topic), 0)) == 80
        held = [index for index in log.extents._indexes.values() if index is not None]
        assert sum(len(index.entries) for index in held) <= 10

    run(scenario)


def test_I10_a_fetch_beside_a_throttled_topic_sleeps(run) -> None:
    """Tokens that do not suffice for a batch beside other data must not make the poll spin."""

    async def scenario(bench: Bench) -> None:
        slow = await bench.log.create_topic("slow", 1, {"fetch.bytes.per.second": "1000"})
        quick = await bench.log.create_topic("quick", 1, {})
        await bench.append(quick, 0, [bytes(100)])
        await bench.append(slow, 0, [bytes(100_000)])
        passes = 0
        once = bench.log.reader._fetch_once

        async def counted(*args: object) -> object:
            nonlocal passes
            passes += 1
            return await once(*args)

        bench.log.reader._fetch_once = counted
        await bench.log.fetch(
            [FetchWant(quick, 0, 0, 1 << 20), FetchWant(slow, 0, 0, 1 << 20)],
            max_wait_ms=200,
            min_bytes=50_000,
            max_bytes=1 << 20,
        )
        assert passes <= 3

    run(scenario)


def test_I10_buckets_of_deleted_branches_are_dropped(run) -> None:
    async def scenario(bench: Bench) -> None:
        for number in range(10):
            topic = await bench.log.create_topic(f"t{number}", 1, {"fetch.bytes.per.second": "9"})
            await bench.append(topic, 0, [b"v"])
            await bench.values(topic, 0)
            await bench.log.delete_topic(topic)
        assert len(bench.log.reader.topic_limits) <= 1

    run(scenario)


def test_one_topic_deleted_during_retention_does_not_end_the_pass(run) -> None:
    async def scenario(bench: Bench) -> None:
        topics = [
            await bench.log.create_topic(name, 2, {"retention.ms": "1000"}) for name in ("a", "b")
        ]
        for topic in topics:
            for partition in (0, 1):
                await bench.append(topic, partition, [b"v"])
        bench.clock.ms += 10_000
        advance = bench.log.metastore.advance_log_start

        async def deleting(*args: object) -> object:
            del bench.log.metastore.advance_log_start
            result = await advance(*args)
            await bench.log.delete_topic(topics[0])
            return result

        bench.log.metastore.advance_log_start = deleting
        background = bench.log.background
        assert background is not None
        await background.retain()
        await asyncio.sleep(0)
        assert [bench.log.partition(topics[1], p).log_start for p in (0, 1)] == [1, 1]

    run(scenario)


def test_I10_one_commit_has_a_bounded_number_of_partitions(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 10, {})
        commits: list[int] = []
        commit = bench.log.metastore.commit_flush

        async def counted(flush: Handover, now_ms: int) -> object:
            given = Handover()
            key, shares, _ = await flush.given()
            commits.append(len(shares))
            given.give(key, shares)
            return await commit(given, now_ms)

        bench.log.metastore.commit_flush = counted
        futures = [bench.log.append(topic, n % 10, bench.batch([b"%d" % n])) for n in range(30)]
        await asyncio.gather(*futures)
        assert sum(commits) >= 10 and max(commits) <= 4
        for partition in range(10):
            values = [value for _, value in await bench.values(topic, partition)]
            assert values == [b"%d" % n for n in range(partition, 30, 10)]

    run(scenario, flush_partitions_max=4)


def test_I10_expiry_keeps_up_with_whatever_came(run) -> None:
    """Short-lived producers leave a row per partition each; one small batch per pass would fall behind."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 4, {})
        for pid in range(100):
            await bench.append(
                topic, pid % 4, [b"v"], producer_id=pid, producer_epoch=0, base_sequence=0
            )
        bench.clock.ms += 25 * 3_600_000
        background = bench.log.background
        assert background is not None
        await background.expire()
        for partition in range(4):
            assert await bench.log.metastore.producer_states(topic.no, partition) == []

    run(scenario, collect_batch=3)


def test_I10_a_small_answer_does_not_pin_a_large_read(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        futures = [bench.log.append(topic, 0, bench.batch([bytes(1000)])) for _ in range(200)]
        await asyncio.gather(*futures)
        for merged in (False, True):
            if merged:
                await bench.log.merger.merge_backlog(topic, 0)
            log = await bench.restart()
            topic = mine(log, topic)
            (part,) = await log.fetch(
                [FetchWant(topic, 0, 7, 1)], max_wait_ms=0, min_bytes=1, max_bytes=1
            )
            assert len(part.buffers) == 1
            assert len(part.buffers[0].obj) <= 2 * part.bytes

    run(scenario)
