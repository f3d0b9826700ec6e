"""Branches: I7 isolation, exact ends, zero copy; and the reader straight from the bucket."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.log.reader import plan_splits, read_splits
from anabranch.metastore.api import Topic

from .conftest import Bench


async def fill(bench: Bench, topic: Topic, sizes: list[int], partition: int = 0) -> None:
    number = 0
    for size in sizes:
        await bench.append(topic, partition, [b"%d" % (number + each) for each in range(size)])
        number += size
        bench.clock.ms += 1000


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_I7_a_branch_ends_exactly_where_asked(tmp_path_factory, data) -> None:
    sizes = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=8))
    merged = data.draw(st.integers(0, len(sizes)))
    end = data.draw(st.integers(0, sum(sizes)))

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await fill(bench, topic, sizes[:merged])
        await bench.log.merger.merge_backlog(topic, 0)
        base = sum(sizes[:merged])
        for size in sizes[merged:]:
            await bench.append(topic, 0, [b"%d" % (base + each) for each in range(size)])
            base += size
        original = await bench.values(topic, 0)
        branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: end}))
        assert await bench.values(branch, 0) == original[:end]
        assert bench.log.partition(branch, 0).next_offset == end
        assert await bench.append(branch, 0, [b"own"]) == end
        assert await bench.append(topic, 0, [b"live"]) == len(original)
        assert await bench.values(branch, 0) == [*original[:end], (end, b"own")]
        assert await bench.values(topic, 0) == [*original, (len(original), b"live")]
        assert await bench.log.metastore.check() == []

    path = tmp_path_factory.mktemp("branch")
    asyncio.run(_with_bench(path, scenario))


async def _with_bench(path, scenario) -> None:
    from anabranch.log.settings import LogSettings

    bench = Bench(path, LogSettings(background=False, wal_file_bytes=1 << 20))
    await bench.start()
    try:
        await scenario(bench)
    finally:
        await bench.log.close()


def test_a_branch_copies_rows_not_bytes(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(5):
            await bench.append(topic, 0, [bytes(50_000)] * 2)
        await bench.log.merger.merge_backlog(topic, 0)
        before = sum(info.size for info in bench.store.list(""))
        await bench.log.branch(topic, "whole", BranchPoint())
        assert sum(info.size for info in bench.store.list("")) == before
        await bench.log.branch(topic, "cut", BranchPoint(offsets={0: 3}))
        added = sum(info.size for info in bench.store.list("")) - before
        assert 0 < added < 60_000  # one batch trimmed to one record, and its index

    run(scenario)


def test_I3_deleting_the_source_keeps_the_branch_whole(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await fill(bench, topic, [3, 3, 3])
        expected = (await bench.values(topic, 0))[:5]
        branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: 5}))
        await bench.log.delete_topic(topic)
        background = bench.log.background
        assert background is not None
        for _ in range(3):
            bench.clock.ms += 48 * 3_600_000
            await background.expire()
            await background.collect()
        log = await bench.restart()
        branch = log.catalogue.topic("b") or branch
        assert await bench.values(branch, 0) == expected

    run(scenario)


@pytest.mark.parametrize("merged", [False, True])
def test_branch_at_append_time_and_event_time(run, merged: bool) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        start = bench.clock.ms
        for number in range(6):
            await bench.append(topic, number % 2, [b"a", b"b"], timestamp=10_000 + 100 * number)
            bench.clock.ms += 5000
        if merged:
            for partition in (0, 1):
                await bench.log.merger.merge_backlog(topic, partition)
        by_append = await bench.log.branch(topic, "a", BranchPoint(append_time_ms=start + 11_000))
        assert by_append.origin is not None and by_append.origin.ends == (4, 2)
        by_event = await bench.log.branch(topic, "e", BranchPoint(event_time_ms=10_201))
        assert by_event.origin is not None and by_event.origin.ends == (3, 2)

    run(scenario)


def test_I5_a_producer_begins_anew_in_a_branch(run) -> None:
    """A client numbers its batches per topic name: its first batch to the branch has the sequence of its
    first one to the source, and is no retry of it (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        sent = {"producer_id": 9, "producer_epoch": 0}
        await bench.append(topic, 0, [b"a"], base_sequence=0, **sent)
        branch = await bench.log.branch(topic, "b", BranchPoint())
        assert await bench.append(branch, 0, [b"b"], base_sequence=0, **sent) == 1
        assert await bench.append(branch, 0, [b"b"], base_sequence=0, **sent) == 1
        assert await bench.append(branch, 0, [b"c"], base_sequence=1, **sent) == 2
        assert await bench.append(topic, 0, [b"d"], base_sequence=1, **sent) == 1
        assert await bench.values(branch, 0) == [(0, b"a"), (1, b"b"), (2, b"c")]

    run(scenario)


@pytest.mark.parametrize("end", [-1, 4, 99])
def test_points_outside_the_log_are_refused(run, end: int) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await fill(bench, topic, [3])
        with pytest.raises(ClientFault) as refused:
            await bench.log.branch(topic, "b", BranchPoint(offsets={0: end}))
        assert refused.value.code is ErrorCode.OFFSET_OUT_OF_RANGE
        with pytest.raises(ClientFault) as exists:
            await bench.log.branch(topic, "t", BranchPoint())
        assert exists.value.code is ErrorCode.TOPIC_ALREADY_EXISTS

    run(scenario)


def test_branches_of_branches(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await fill(bench, topic, [4, 4])
        first = await bench.log.branch(topic, "one", BranchPoint(offsets={0: 6}))
        await bench.append(first, 0, [b"own"])
        second = await bench.log.branch(first, "two", BranchPoint(offsets={0: 5}))
        third = await bench.log.branch(first, "three", BranchPoint())
        original = await bench.values(topic, 0)
        assert await bench.values(second, 0) == original[:5]
        assert [value for _, value in await bench.values(third, 0)][-1] == b"own"

    run(scenario)


# -- straight from the bucket ------------------------------------------------------------------------


@pytest.mark.parametrize("merged", ["none", "half", "all"])
def test_bucket_reader_gives_what_a_consumer_gets(run, merged: str) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        for partition in (0, 1):
            await fill(bench, topic, [3, 1, 4], partition)
        if merged != "none":
            await bench.log.merger.merge_backlog(topic, 0)
        if merged == "all":
            await bench.log.merger.merge_backlog(topic, 1)
        await bench.append(topic, 0, [b"last"])
        expected = [
            (partition, offset, value)
            for partition in (0, 1)
            for offset, value in await bench.values(topic, partition)
        ]
        splits = await plan_splits(bench.log, topic)
        assert rows(read_splits(splits)) == expected
        some = await plan_splits(bench.log, topic, start={0: 2, 1: 7}, end={0: 5})
        assert rows(read_splits(some)) == [
            row
            for row in expected
            if (row[0] == 0 and 2 <= row[1] < 5) or (row[0] == 1 and row[1] == 7)
        ]
        with pytest.raises(ClientFault):
            await plan_splits(bench.log, topic, start={0: 99})

    run(scenario)


def rows(batches) -> list[tuple[int, int, bytes]]:
    found: list[tuple[int, int, bytes]] = []
    for batch in batches:
        columns = batch.to_pydict()
        found += list(zip(columns["partition"], columns["offset"], columns["value"], strict=True))
    return found
