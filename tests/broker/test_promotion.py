"""A promotion as clients of two brokers see it: epochs, fencing, truncation, appends (KIP-101, KIP-320)."""

from __future__ import annotations

import asyncio
from pathlib import Path

from anabranch.errors import ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.metastore.api import Actor, Committed, LineSwap, OffsetAction
from anabranch.wire.messages import m09_offset_fetch as m09
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    OffsetForLeaderEpochRequest,
    OffsetForLeaderPartition,
    OffsetForLeaderTopic,
)
from tests.broker.conversation import Bench, batch, fetch_request, metadata
from tests.broker.test_many_brokers import brokers, eventually, known

ANA = Actor("User:ana", "anabranch", "", api="promote")


async def swap(bench: Bench, branch: str, displaced: str) -> None:
    catalogue = bench.broker.log.catalogue
    topic, line = catalogue.topic("t"), catalogue.topic(branch)
    assert topic is not None and line is not None and line.origin is not None
    await bench.broker.log.swap_lines(
        LineSwap(topic.no, line.no, line.origin.ends, displaced, "test"), ANA
    )


async def end_of_epoch(bench: Bench, current: int, epoch: int) -> tuple[int, int, int]:
    part = OffsetForLeaderPartition(partition=0, current_leader_epoch=current, leader_epoch=epoch)
    topic = OffsetForLeaderTopic(topic="t", partitions=[part])
    answer = await bench.call(OffsetForLeaderEpochRequest(topics=[topic]))
    found = answer.topics[0].partitions[0]
    return found.error_code, found.leader_epoch, found.end_offset


async def epoch_told(bench: Bench) -> int:
    (answer,) = (await bench.call(metadata("t"))).topics
    return int(answer.partitions[0].leader_epoch)


def test_I4_both_brokers_tell_clients_of_a_promotion_and_its_undo(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with brokers(tmp_path, 2) as (first, second):
            topic_id = await first.create("t")
            await known([first, second], "t")
            for i in range(10):
                await (first, second)[i % 2].produce("t", batch(b"a%d" % i))
            log = first.broker.log
            topic = log.catalogue.topic("t")
            assert topic is not None
            await log.branch(topic, "fix", BranchPoint(offsets={0: 6}))
            await first.produce("fix", batch(b"b6"))
            waiting = fetch_request(
                "t", 10, max_wait_ms=600_000, current_leader_epoch=0, topic_id=topic_id
            )
            ticket = second.client.send(waiting, 13)
            await asyncio.sleep(0.05)
            await swap(first, "fix", "t.before")
            woken = await asyncio.wait_for(second.client.receive(ticket), 60)
            assert woken.responses[0].topic_id == topic_id, "the topic keeps its id"
            fenced = woken.responses[0].partitions[0]
            assert fenced.error_code == ErrorCode.FENCED_LEADER_EPOCH
            for bench in (first, second):
                assert await epoch_told(bench) == 1
                assert await end_of_epoch(bench, 1, 0) == (0, 0, 6)
                assert (await end_of_epoch(bench, 0, 0))[0] == ErrorCode.FENCED_LEADER_EPOCH
                found = await bench.fetch("t", 6, current_leader_epoch=1)
                assert found.high_watermark == 7 and b"b6" in bytes(found.records)
                stale = await bench.fetch("t", 6, current_leader_epoch=0)
                assert stale.error_code == ErrorCode.FENCED_LEADER_EPOCH
                diverging = await bench.fetch("t", 7, current_leader_epoch=1, last_fetched_epoch=0)
                told = diverging.diverging_epoch
                assert (told.epoch, told.end_offset) == (0, 6)
            answer = await second.produce("t", batch(b"b7"))
            assert (answer.error_code, answer.base_offset) == (ErrorCode.NONE, 7)
            gone = await second.produce("fix", batch(b"lost"))
            assert gone.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            assert (await second.fetch("t.before", 6)).high_watermark == 10
            await swap(second, "t.before", "fix")
            await eventually(lambda: first.broker.log.catalogue.topic("fix") is not None)
            for bench in (first, second):
                assert await epoch_told(bench) == 2
                for epoch in (0, 1):
                    assert await end_of_epoch(bench, 2, epoch) == (0, 0, 6)
                found = await bench.fetch("t", 6, current_leader_epoch=2)
                assert found.high_watermark == 10 and b"a9" in bytes(found.records)

    asyncio.run(scenario())


async def fetched(bench: Bench, group: str) -> tuple[int, int]:
    """What a broker answers; nothing from who is not the group's coordinator."""
    topics = [m09.OffsetFetchRequestTopics(name="t", partition_indexes=[0])]
    asked = m09.OffsetFetchRequestGroup(group_id=group, topics=topics)
    answer = await bench.call(m09.OffsetFetchRequest(groups=[asked]), 9)
    if answer.groups[0].error_code:
        return -1, -1
    (one,) = answer.groups[0].topics[0].partitions
    return one.committed_offset, one.committed_leader_epoch


def test_I2_who_starts_from_an_offset_of_the_line_that_was_cut_is_sent_back_to_the_cut(
    tmp_path: Path,
) -> None:
    """librdkafka does not ask when it starts, and would begin in the middle of the other line."""

    async def scenario() -> None:
        async with brokers(tmp_path, 2) as (first, second):
            await first.create("t")
            await known([first, second], "t")
            for i in range(10):
                await first.produce("t", batch(b"a%d" % i))
            topic = first.broker.log.catalogue.topic("t")
            assert topic is not None
            await first.broker.log.branch(topic, "fix", BranchPoint(offsets={0: 6}))
            for i in range(6, 12):
                await first.produce("fix", batch(b"b%d" % i))
            commits = {"old": (9, 0), "unaware": (9, -1), "below": (6, 0)}
            for group, (offset, epoch) in commits.items():
                one = Committed(topic.no, 0, offset, epoch, "m", 1)
                await first.broker.log.metastore.commit_offsets(
                    group, [one], OffsetAction.COMMIT, ANA, 1
                )
            catalogue = first.broker.log.catalogue
            line = catalogue.topic("fix")
            assert line is not None
            kept = frozenset(commits)
            await first.broker.log.swap_lines(
                LineSwap(topic.no, line.no, (6,), "t.before", "test", kept), ANA
            )
            expected = {"old": (6, 0), "unaware": (9, -1), "below": (6, 0)}
            for group, where in expected.items():
                answers = [await fetched(bench, group) for bench in (first, second)]
                assert where in answers, (group, answers)  # the other is not its coordinator
            one = Committed(topic.no, 0, 9, 1, "m", 2)
            await first.broker.log.metastore.commit_offsets(
                "old", [one], OffsetAction.COMMIT, ANA, 2
            )
            assert (9, 1) in [await fetched(bench, "old") for bench in (first, second)]

    asyncio.run(scenario())
