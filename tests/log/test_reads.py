"""Fetch, long polls, cold reads, ListOffsets, rate limits."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.errors import ErrorCode
from anabranch.log.offsets import Sentinel
from anabranch.log.reads import FetchWant
from anabranch.log.topic_limits import TopicLimit
from anabranch.metastore.api import Topic
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.record import Record

from .conftest import Bench, decode


async def fill(bench: Bench, topic: Topic, count: int, size: int = 100) -> list[tuple[int, bytes]]:
    expected: list[tuple[int, bytes]] = []
    for number in range(count):
        values = [b"%d.%d" % (number, each) + bytes(size) for each in range(number % 3 + 1)]
        base = await bench.append(topic, 0, values)
        expected += [(base + each, value) for each, value in enumerate(values)]
        bench.clock.ms += 10
    return expected


@pytest.mark.parametrize("where", ["tail", "wal", "segment", "mixed"])
@pytest.mark.parametrize("max_bytes", [1, 700, 1 << 20])
def test_every_offset_is_readable_from_everywhere(run, where: str, max_bytes: int) -> None:
    """Pitfalls 7 and 8: whole batches, and at least one however small the limit."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        expected = await fill(bench, topic, 20)
        if where in ("segment", "mixed"):
            await bench.log.merger.merge_backlog(topic, 0)
        if where == "mixed":
            expected += [
                (offset + len(expected), value) for offset, value in await fill_more(bench, topic)
            ]
        if where in ("wal", "segment"):
            log = await bench.restart()
            topic = log.catalogue.topic("t") or topic
        for start in (0, 1, 7, len(expected) - 1):
            assert await bench.values(topic, 0, start, max_bytes=max_bytes) == expected[start:]

    async def fill_more(bench: Bench, topic: Topic) -> list[tuple[int, bytes]]:
        base = await bench.append(topic, 0, [b"x", b"y"])
        assert base > 0
        return [(0, b"x"), (1, b"y")]

    run(scenario)


def test_I10_tail_eviction_only_moves_reads_to_storage(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        expected = await fill(bench, topic, 40)
        assert bench.log.reader.cold_bytes == 0
        assert await bench.values(topic, 0, max_bytes=700) == expected
        assert bench.log.reader.cold_bytes > 0 and bench.log.reader.tail_bytes > 0

    run(scenario, tail_bytes_max=5000)


def test_long_poll_wakes_on_append_and_ends_at_its_time(run) -> None:
    """Pitfall 10: honour min_bytes and max_wait, wake on the commit, never forget to answer."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        want = [FetchWant(topic, 0, 0, 1 << 20)]
        (empty,) = await bench.log.fetch(want, max_wait_ms=20, min_bytes=1, max_bytes=1 << 20)
        assert (empty.error, empty.buffers) == (ErrorCode.NONE, [])
        poll = asyncio.create_task(
            bench.log.fetch(want, max_wait_ms=600_000, min_bytes=400, max_bytes=1 << 20)
        )
        await asyncio.sleep(0.05)
        assert not poll.done()
        await bench.append(topic, 0, [bytes(100)])
        await asyncio.sleep(0.05)
        assert not poll.done()
        await bench.append(topic, 0, [bytes(300)])
        (part,) = await asyncio.wait_for(poll, 60)
        assert [offset for offset, _ in decode(part.buffers)] == [0, 1]
        assert not bench.log.partition(topic, 0).waiters

    run(scenario)


def test_min_bytes_never_delays_a_catch_up_read(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"old"])
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        answer = log.fetch(
            [FetchWant(topic, 0, 0, 1 << 20)],
            max_wait_ms=600_000,
            min_bytes=1 << 20,
            max_bytes=1 << 20,
        )
        (part,) = await asyncio.wait_for(answer, 60)
        assert decode(part.buffers) == [(0, b"old")]

    run(scenario)


def test_one_bad_partition_never_fails_the_others(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 3, {})
        for partition in range(3):
            await bench.append(topic, partition, [b"v"])
            await bench.log.merger.merge_backlog(topic, partition)
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        (extent,) = await log.metastore.extents_from(topic.no, 1, 0, 10)
        bench.store.delete(extent.object_key)
        bench.store.delete(extent.object_key.replace(".log", ".index"))
        parts = await log.fetch(
            [
                FetchWant(topic, 0, 0, 1 << 20),
                FetchWant(topic, 1, 0, 1 << 20),
                FetchWant(topic, 2, 99, 1 << 20),
                FetchWant(topic, 2, 0, 1 << 20),
            ],
            max_wait_ms=0,
            min_bytes=1,
            max_bytes=1 << 20,
        )
        assert [part.error for part in parts] == [
            ErrorCode.NONE,
            ErrorCode.KAFKA_STORAGE_ERROR,
            ErrorCode.OFFSET_OUT_OF_RANGE,
            ErrorCode.NONE,
        ]
        assert parts[0].bytes and parts[3].bytes

    run(scenario)


def test_leader_epochs_are_compared(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"v"])
        bench.log.partition(topic, 0).leader_epoch = 2

        async def error(epoch: int) -> ErrorCode:
            want = FetchWant(topic, 0, 0, 100, leader_epoch=epoch)
            (part,) = await bench.log.fetch([want], max_wait_ms=0, min_bytes=1, max_bytes=100)
            return part.error

        assert await error(1) is ErrorCode.FENCED_LEADER_EPOCH
        assert await error(3) is ErrorCode.UNKNOWN_LEADER_EPOCH
        assert await error(2) is ErrorCode.NONE
        assert await error(-1) is ErrorCode.NONE

    run(scenario)


def test_rate_limited_topic_is_slowed_and_not_stopped(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"fetch.bytes.per.second": "100000"})
        for _ in range(8):
            await bench.append(topic, 0, [bytes(20_000)])
        served = []
        for offset in range(8):
            (part,) = await bench.log.fetch(
                [FetchWant(topic, 0, offset, 30_000)], max_wait_ms=0, min_bytes=1, max_bytes=30_000
            )
            served.append(part.bytes > 0)
        assert served[:3] == [True] * 3 and not all(served)
        offset = served.index(False)
        (part,) = await bench.log.fetch(
            [FetchWant(topic, 0, offset, 30_000)], max_wait_ms=10_000, min_bytes=1, max_bytes=30_000
        )
        assert part.bytes > 0

    run(scenario)


def test_record_rate_counts_records_and_a_paused_topic_gives_nothing(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"fetch.records.per.second": "400"})
        for _ in range(20):
            await bench.append(topic, 0, [b"v"] * 50)

        async def fetched(offset: int) -> int:
            want = FetchWant(topic, 0, offset, 1 << 20)
            (part,) = await bench.log.fetch([want], max_wait_ms=0, min_bytes=1, max_bytes=1 << 20)
            return sum(header.record_count for run in part.buffers for header in scan(run))

        offset = 0
        while found := await fetched(offset):
            offset += found
        assert 100 <= offset <= 250  # a quarter of a second's worth, and what was given whole

        topic = await bench.log.set_configs(topic, {"fetch.records.per.second": "0"})
        assert await fetched(offset) == 0
        topic = await bench.log.set_configs(topic, {})
        assert await fetched(offset) == 1000 - offset

    run(scenario)


def test_a_record_rate_counts_batches_that_lie_across_blocks(run) -> None:
    """An answer from the store is cut out of blocks, which end anywhere."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"fetch.records.per.second": "1000000"})
        for _ in range(30):
            await bench.append(topic, 0, [bytes(100_000)])
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.restart()
        served = await bench.values(topic, 0, 0, max_bytes=8 << 20)
        assert len(served) == 30

    run(scenario)


def test_a_topic_whose_rate_changes_often_gets_no_burst_each_time() -> None:
    limit = TopicLimit((1_000_000, -1), 0.0)
    taken = 0
    for step in range(1, 101):
        limit.change((1_000_000 + step % 2, -1), step / 100)
        allowed = limit.available(step / 100)
        assert allowed is not None
        if allowed > 0:
            limit.take(allowed, 0)
            taken += allowed
    assert taken <= 1_250_001 + 100
    limit.change((0, -1), 1.0)
    assert limit.available(2.0) == 0 and limit.wait_s(0) > 0


@pytest.mark.parametrize("where", ["tail", "wal", "segment"])
def test_list_offsets_sentinels_and_timestamps(run, where: str) -> None:
    """Pitfalls 14 and 23."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        start = bench.clock.ms
        for number in range(10):
            await bench.append(topic, 0, [b"a", b"b"], timestamp=start + 100 * number, step_ms=50)
        if where == "segment":
            await bench.log.merger.merge_backlog(topic, 0)
        if where != "tail":
            log = await bench.restart()
            topic = log.catalogue.topic("t") or topic

        async def at(timestamp: int) -> tuple[int, int]:
            found = await bench.log.list_offset(topic, 0, timestamp)
            return found.offset, found.timestamp

        assert await at(Sentinel.LATEST) == (20, -1)
        assert await at(Sentinel.EARLIEST) == (0, -1)
        assert await at(Sentinel.EARLIEST_LOCAL) == (0, -1)
        assert await at(Sentinel.MAX_TIMESTAMP) == (19, start + 950)
        assert await at(Sentinel.LATEST_TIERED) == (-1, -1)
        assert await at(0) == (0, start)
        assert await at(start + 50) == (1, start + 50)
        assert await at(start + 51) == (2, start + 100)
        assert await at(start + 951) == (-1, -1)
        await bench.log.delete_records(topic, 0, 13)
        assert await at(0) == (13, start + 650)
        assert await at(Sentinel.EARLIEST) == (13, -1)

    run(scenario)


def test_list_offsets_with_times_out_of_order(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for timestamp in (500, 100, 900, 300):
            await bench.append(topic, 0, [b"v"], timestamp=timestamp)
        for merged in (False, True):
            if merged:
                await bench.log.merger.merge_backlog(topic, 0)
            assert (await bench.log.list_offset(topic, 0, 501)).offset == 2
            assert (await bench.log.list_offset(topic, 0, 100)).offset == 0
            assert (await bench.log.list_offset(topic, 0, Sentinel.MAX_TIMESTAMP)).offset == 2

    run(scenario)


@pytest.mark.parametrize("where", ["tail", "wal", "segment"])
@given(
    batches=st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=5), min_size=1, max_size=6),
    data=st.data(),
)
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_max_timestamp_is_the_newest_of_what_is_left(
    run, tmp_path: Path, where: str, batches: list[list[int]], data: st.DataObject
) -> None:
    """KIP-734 against DeleteRecords: the log start may lie within a batch, and within an extent."""
    times = [time for batch in batches for time in batch]
    log_start = data.draw(st.integers(0, len(times)))

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        appends = []
        for batch in batches:
            records = [Record(n, 100 + time, b"k", b"v", ()) for n, time in enumerate(batch)]
            blob = memoryview(bytearray(build_batch(records)))
            appends.append(bench.log.append(topic, 0, blob))
        await asyncio.gather(*appends)  # one flush, so one extent
        await bench.append(topic, 0, [b"behind"], timestamp=104)
        if where == "segment":
            await bench.log.merger.merge_backlog(topic, 0)
        if where != "tail":
            log = await bench.restart()
            topic = log.catalogue.topic("t") or topic
        await bench.log.delete_records(topic, 0, log_start)
        left = [(100 + time, -n) for n, time in enumerate([*times, 4]) if n >= log_start]
        found = await bench.log.list_offset(topic, 0, Sentinel.MAX_TIMESTAMP)
        assert (found.timestamp, -found.offset) == max(left)

    run(scenario, path=Path(tempfile.mkdtemp(dir=tmp_path)))


def test_delete_records_moves_the_start_and_records_the_gap(run) -> None:
    """Pitfall 15, I2."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        expected = await fill(bench, topic, 10)
        assert await bench.log.delete_records(topic, 0, 7) == 7
        assert await bench.log.delete_records(topic, 0, 3) == 7
        assert await bench.values(topic, 0, 7) == expected[7:]
        (gap,) = await bench.log.metastore.gaps(topic.no)
        assert (gap.first_offset, gap.last_offset, gap.cause) == (0, 6, "delete-records")
        assert await bench.log.delete_records(topic, 0, -1) == len(expected)
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert (await log.list_offset(topic, 0, Sentinel.EARLIEST)).offset == len(expected)
        assert await bench.append(topic, 0, [b"next"]) == len(expected)

    run(scenario)
