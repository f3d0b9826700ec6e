"""A promoted branch in its topic's place: appends, reads, caches, rebuilds (I1, I2, I4, I9)."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.log.reads import FetchWant
from anabranch.log.stamping import stamped
from anabranch.metastore.api import Actor, GapCause, LeaderEpoch, LineSwap, Topic
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.record import Record

from .conftest import Bench
from .test_races import after, mine, other_broker

ANA = Actor("User:ana", "anabranch", "", api="promote", reason="test")


async def swap(bench: Bench, topic: Topic, branch: Topic, displaced: str) -> Topic:
    branch = bench.log.catalogue.topic(branch.name) or branch
    assert branch.origin is not None
    _, aside = await bench.log.swap_lines(
        LineSwap(topic.no, branch.no, branch.origin.ends, displaced, "test"), ANA
    )
    return aside


async def fork(bench: Bench, *, merged: bool = False) -> tuple[Topic, Topic]:
    """``t``: a0 … a9 in batches of two; ``fix`` parts from it within a batch, at 5, and has b5 … b7."""
    topic = await bench.log.create_topic("t", 1, {})
    for i in range(0, 10, 2):
        await bench.append(topic, 0, [b"a%d" % i, b"a%d" % (i + 1)])
    branch = await bench.log.branch(topic, "fix", BranchPoint(offsets={0: 5}))
    for i in range(5, 8):
        await bench.append(branch, 0, [b"b%d" % i])
    if merged:
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.log.merger.merge_backlog(branch, 0)
    return topic, branch


def texts(found: list[tuple[int, bytes]]) -> list[str]:
    return [value.decode() for _, value in found]


OLD = [f"a{i}" for i in range(10)]
NEW = ["a0", "a1", "a2", "a3", "a4", "b5", "b6", "b7"]


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("restarted", [False, True])
def test_I2_a_promotion_and_its_undo(run: Any, merged: bool, restarted: bool) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench, merged=merged)
        aside = await swap(bench, topic, branch, "t.before")
        if restarted:
            await bench.restart()
        topic, aside = mine(bench.log, topic), mine(bench.log, aside)
        assert texts(await bench.values(topic, 0)) == NEW
        assert texts(await bench.values(aside, 0)) == OLD
        assert await bench.append(topic, 0, [b"b8"]) == 8
        assert texts(await bench.values(topic, 0)) == [*NEW, "b8"]
        assert bench.log.catalogue.topic("fix") is None
        again = await swap(bench, topic, aside, "fix")
        if restarted:
            await bench.restart()
        topic, again = mine(bench.log, topic), mine(bench.log, again)
        assert texts(await bench.values(topic, 0)) == OLD
        assert texts(await bench.values(again, 0)) == [*NEW, "b8"]
        assert await bench.append(topic, 0, [b"c"]) == 10
        assert await bench.log.metastore.check() == []

    run(scenario)


async def epochs_read(bench: Bench, topic: Topic, offset: int = 0) -> list[tuple[int, int]]:
    """(last offset, leader epoch) of each batch that a fetch from ``offset`` on is given."""
    found: list[tuple[int, int]] = []
    end = bench.log.partition(topic, 0).next_offset
    while offset < end:
        want = FetchWant(topic, 0, offset, 1 << 20)
        (part,) = await bench.log.fetch([want], max_wait_ms=0, min_bytes=1, max_bytes=1 << 20)
        assert part.error is ErrorCode.NONE and part.bytes
        for header in scan(memoryview(b"".join(part.buffers))):
            found.append((header.last_offset, header.partition_leader_epoch))
            offset = header.last_offset + 1
    return found


@pytest.mark.parametrize("merged", [False, True])
def test_what_lies_behind_the_point_is_read_under_the_new_epoch(run: Any, merged: bool) -> None:
    """Otherwise who comes back with the epoch of what it read last is told of a truncation, again and again."""

    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench, merged=merged)
        aside = await swap(bench, topic, branch, "t.before")
        assert await epochs_read(bench, topic) == [(1, 0), (3, 0), (4, 0), (5, 1), (6, 1), (7, 1)]
        await bench.append(topic, 0, [b"b8"])
        assert await epochs_read(bench, topic, 6) == [(6, 1), (7, 1), (8, 1)]
        for offset, epoch in await epochs_read(bench, topic):
            held, end = await bench.log.end_of_epoch(topic, 0, epoch)
            assert held == epoch and offset < end, "a reader of this line is told of a truncation"
        await swap(bench, topic, aside, "fix")
        # The batch that straddles the point counts as behind it.
        assert await epochs_read(bench, topic) == [(1, 0), (3, 0), (5, 2), (7, 2), (9, 2)]
        for epoch in (0, 1):
            assert await bench.log.end_of_epoch(topic, 0, epoch) == (0, 5)

    run(scenario)


def test_epochs_are_stamped_only_where_they_are_wrong() -> None:
    one = build_batch([Record(0, 0, b"k", b"v")], base_offset=3, offset_deltas=[0])
    two = build_batch([Record(0, 0, b"k", b"v")], base_offset=4, offset_deltas=[0], leader_epoch=7)
    views = [memoryview(one)[:20], memoryview(one)[20:], memoryview(two)]
    history = [LeaderEpoch(0, 0), LeaderEpoch(7, 4)]
    assert stamped(views, history) is views
    assert stamped(views, history[:1]) is views
    (changed,) = stamped(views, [LeaderEpoch(0, 0), LeaderEpoch(8, 3), LeaderEpoch(9, 4)])
    assert [(h.base_offset, h.partition_leader_epoch) for h in scan(changed)] == [(3, 8), (4, 9)]
    assert bytes(views[2]) == two, "what the cache holds is not changed"


def test_I1_an_append_under_way_lands_in_the_topic_and_nowhere_else(run: Any) -> None:
    """Its offset was given on the line before, whose end is that of the new one; or its commit is under way."""

    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        for i in (8, 9):
            await bench.append(branch, 0, [b"b%d" % i])  # both lines end at 10
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        await other.append(there, 0, [b"a10"])
        await bench.append(branch, 0, [b"b10"])
        other.deafen()
        await swap(bench, topic, branch, "t.before")
        assert await other.append(there, 0, [b"late"]) == 11
        assert texts(await bench.values(mine(bench.log, topic), 0))[5:] == [
            *(f"b{i}" for i in range(5, 11)),
            "late",
        ]
        assert texts(await other.values(there, 0))[5:] == [
            *(f"b{i}" for i in range(5, 11)),
            "late",
        ]
        await other.log.close()

    run(scenario)


def test_I4_another_brokers_tail_is_not_served_as_the_new_line(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        await other.append(there, 0, [b"a10"])
        assert texts(await other.values(there, 0)) == [*OLD, "a10"]
        waiting = asyncio.create_task(
            other.log.fetch(
                [FetchWant(there, 0, 11, 1 << 20, 0)], max_wait_ms=600_000, min_bytes=1, max_bytes=1
            )
        )
        await asyncio.sleep(0)
        await swap(bench, topic, branch, "t.before")
        (part,) = await asyncio.wait_for(waiting, 60)  # the notice wakes it
        assert part.error is ErrorCode.FENCED_LEADER_EPOCH
        assert texts(await other.values(there, 0)) == NEW
        assert other.log.partition(there, 0).leader_epoch == 1
        row = await other.log.metastore.partition(topic.no, 0)
        assert row is not None
        stale = row.__class__(
            topic.no, 0, 11, 0, 0
        )  # as a look from before the promotion would bring
        other.log.partition(there, 0).apply_if_newer(stale)
        assert other.log.partition(there, 0).next_offset == 8
        await other.log.close()

    run(scenario)


def test_I2_a_read_that_began_before_is_not_given_the_new_epoch(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        aside = await swap(bench, topic, branch, "t.before")
        topic = mine(bench.log, await bench.restart() and topic)  # nothing is in memory
        aside = mine(bench.log, aside)
        done = []

        async def meanwhile() -> None:
            if not done:
                done.append(await swap(bench, topic, aside, "fix"))

        after(bench.log, "extents_from", meanwhile)
        want = FetchWant(topic, 0, 6, 1 << 20)
        (part,) = await bench.log.fetch([want], max_wait_ms=0, min_bytes=1, max_bytes=1 << 20)
        assert done and part.error is ErrorCode.FENCED_LEADER_EPOCH and not part.bytes
        assert texts(await bench.values(topic, 0)) == OLD

    run(scenario)


def test_deleting_records_of_the_line_before_is_refused(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        other = other_broker(bench)
        there = mine(await other.start(), topic)
        other.deafen()
        await swap(bench, topic, branch, "t.before")
        with pytest.raises(ClientFault) as refused:
            await other.log.delete_records(there, 0, 9)
        assert refused.value.code is ErrorCode.NOT_LEADER_OR_FOLLOWER
        row = await bench.log.metastore.partition(topic.no, 0)
        assert row is not None and row.log_start == 0
        await other.log.close()

    run(scenario)


def test_I2_compaction_that_read_the_line_before_changes_nothing(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic(
            "t", 1, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}
        )
        for i in range(6):
            data = build_batch([Record(0, 0, b"k", b"a%d" % i)], base_offset=0, offset_deltas=[0])
            await bench.log.append(topic, 0, memoryview(bytearray(data)))
        await bench.log.merger.merge_backlog(topic, 0)
        branch = await bench.log.branch(topic, "fix", BranchPoint(offsets={0: 3}))
        assert bench.log.background is not None
        compactor = bench.log.background.compactor
        done = []

        async def meanwhile() -> None:
            if not done:
                done.append(await swap(bench, topic, branch, "t.before"))

        after(bench.log, "producer_states", meanwhile)
        assert not await compactor.compact(topic, 0)
        assert done
        assert texts(await bench.values(mine(bench.log, topic), 0)) == ["a0", "a1", "a2"]
        assert texts(await bench.values(mine(bench.log, done[0]), 0)) == [f"a{i}" for i in range(6)]
        assert await bench.log.metastore.compaction(topic.no, 0) is None
        assert await bench.log.metastore.check() == []

    run(scenario)


def test_retention_that_read_the_line_before_changes_nothing(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        await swap(bench, topic, branch, "t.before")
        row = await bench.log.metastore.advance_log_start(
            topic.no, 0, 7, GapCause.RETENTION_TIME, "", 1, 0
        )
        assert row is not None and row.log_start == 0

    run(scenario)
