"""Readers that no group shows, seen through their fetches; Kafka's way to reset offsets, explained afterwards."""

from __future__ import annotations

from pathlib import Path

from anabranch.errors import ErrorCode
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.recovery.history.difference import difference
from anabranch.recovery.history.explain import explain
from anabranch.recovery.history.readers import readers
from anabranch.wire.messages.m13_leave_group import LeaveGroupRequest, MemberIdentity
from tests.broker.conversation import Bench, batch, now_ms, run, talking
from tests.broker.test_api_groups import commit, commit_request, join, sync_request


async def _published(bench: Bench, within_ms: int = 60_000) -> list[tuple[object, ...]]:
    await bench.broker.reader_news.publish()
    found = await readers(bench.broker.log.metastore, now_ms=now_ms(), within_ms=within_ms)
    return [
        (one.client_id, one.principal, one.host, one.partition, one.offset, one.lag, one.is_unseen)
        for one in found
    ]


def test_a_reader_without_a_group_is_seen_by_its_fetches(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)
            assert await _published(bench) == []
            await bench.produce("t", batch(b"a", b"b", b"c"))
            await bench.fetch("t", 1)
            me = ("wire-test", "User:ANONYMOUS", "127.0.0.1")
            assert await _published(bench) == [(*me, 0, 1, 2, True)]
            # One that commits as a group is known by its group.
            await commit(bench, commit_request({("t", 0): 1}))
            found = await readers(
                bench.broker.log.metastore, now_ms=now_ms(), within_ms=60_000, topics=["t"]
            )
            assert [(one.commits_as, one.is_unseen) for one in found] == [(("g",), False)]
            # Also after somebody else had the last word about the group's offset.
            metastore = bench.broker.log.metastore
            (position,) = await metastore.positions_at("g", now_ms())
            row = Committed(position.topic_no, 0, 0, 0, "", now_ms())
            tool = Actor("User:root", "anabranch", "", "", "", -1, "reset")
            await metastore.commit_offsets("g", [row], OffsetAction.RESET, tool, now_ms())
            (one,) = await readers(metastore, now_ms=now_ms(), within_ms=60_000)
            assert (one.commits_as, one.is_unseen) == (("g",), False)
            # Refused partitions are not read; and nothing is said twice.
            answer = await bench.fetch("t", 0, partition=9)
            assert answer.error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            document = await bench.broker.log.metastore.documents("readers")
            await bench.broker.reader_news.publish()
            assert await bench.broker.log.metastore.documents("readers") == document
            assert await readers(bench.broker.log.metastore, now_ms=now_ms(), within_ms=-9) == []

    run(scenario)


def test_I8_a_reset_by_kafkas_own_protocol_is_explained_afterwards(tmp_path: Path) -> None:
    """What AlterConsumerGroupOffsets sends: an OffsetCommit without generation, to a group whose members left."""

    async def scenario() -> None:
        async with talking(tmp_path) as bench:
            await bench.create("t", 2)
            await bench.produce("t", batch(*[b"x"] * 20))
            joined = await join(bench, 9)
            await bench.call(sync_request(joined), 5)
            mine = {("t", 0): 12, ("t", 1): 0}
            await commit(bench, commit_request(mine, generation=1, member=joined.member_id))
            before = now_ms()
            leave = LeaveGroupRequest(
                group_id="g", members=[MemberIdentity(member_id=joined.member_id)]
            )
            await bench.call(leave, 5)
            await commit(bench, commit_request({("t", 0): 3}))
            metastore = bench.broker.log.metastore
            after = now_ms()
            found = await explain(metastore, "g", at_ms=after, now_ms=after)
            zero = found.partitions[0]
            assert zero.change is not None and zero.position == 3
            assert (zero.change.action, zero.change.old) == ("reset", 12)
            assert zero.change.who == "User:ANONYMOUS wire-test@127.0.0.1"
            assert zero.change.actor.api == "OffsetCommit"
            changed = await difference(metastore, "g", from_ms=before, to_ms=after)
            assert [(t.kind, t.change.action, t.partition) for t in changed.turns] == [
                ("rewind", "reset", 0)
            ]

    run(scenario)
