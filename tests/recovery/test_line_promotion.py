"""Promotion of a branch: preview, groups beyond, sinks, undo, what stands in the way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, GroupRow, OffsetAction, Topic
from anabranch.recovery.model import Position, SinkClass, SinkState, Volume, topic_id_text
from anabranch.recovery.promotion import line_promotion
from anabranch.recovery.promotion.line_promotion import OffsetRule, Rules
from tests.log.conftest import Bench

Run = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def go(scenario: Callable[[Bench], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            bench = Bench(
                tmp_path, LogSettings(background=False, wal_file_bytes=1 << 20, topic_grace_ms=0)
            )
            await bench.start()
            try:
                await scenario(bench)
                assert await bench.log.metastore.check() == []
            finally:
                await bench.log.close()

        asyncio.run(main())

    return go


ACTOR = Actor("User:ana", "c", "h", api="OffsetCommit")


async def fork(bench: Bench) -> tuple[Topic, Topic]:
    """``t``: ten records, 100 ms apart; ``fix`` parts at 5 and has b5 … b12, 50 ms apart."""
    topic = await bench.log.create_topic("t", 1, {})
    for i in range(10):
        await bench.append(topic, 0, [b"a%d" % i], timestamp=bench.clock.ms + 100 * i)
    branch = await bench.log.branch(topic, "fix", BranchPoint(offsets={0: 5}))
    for i in range(8):
        await bench.append(branch, 0, [b"b%d" % i], timestamp=bench.clock.ms + 500 + 50 * i)
    return topic, branch


async def commit(bench: Bench, group: str, topic: Topic, offset: int, epoch: int = 0) -> None:
    one = Committed(topic.no, 0, offset, epoch, "", bench.clock())
    await bench.log.metastore.commit_offsets(
        group, [one], OffsetAction.COMMIT, ACTOR, bench.clock()
    )


async def offset_of(bench: Bench, group: str) -> int:
    (one,) = await bench.log.metastore.committed(group)
    return one.offset


async def promoted(bench: Bench, topic: Topic, branch: Topic, **given: Any) -> Any:
    branch = bench.log.catalogue.topic(branch.name) or branch
    return await line_promotion.promote(
        bench.log, topic, branch, identity="lp-1", creator="ana", now_ms=bench.clock(), **given
    )


def test_a_preview_shows_both_lines_and_who_stands_beyond_and_changes_nothing(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        await commit(bench, "ahead", topic, 8)
        await commit(bench, "unaware", topic, 9, epoch=-1)
        await commit(bench, "behind", topic, 5)
        before = await bench.log.metastore.partitions(topic.no)
        seen = await line_promotion.preview(bench.log, topic, branch)
        (one,) = seen.forks
        assert (one.parts_at, one.topic_end, one.branch_end) == (5, 10, 13)
        assert line_promotion.totals(seen)["topic"].records == 5
        assert one.only_branch.records == 8 and one.only_branch != Volume(0, 0)
        assert [(each.group, each.offset, each.told) for each in seen.beyond] == [
            ("ahead", 8, True),
            ("unaware", 9, False),
        ]
        assert "say what becomes of them" in " ".join(seen.refusals)
        with pytest.raises(UserFault, match="ahead, unaware"):
            await promoted(bench, topic, branch)
        kept = await line_promotion.preview(bench.log, topic, branch, rules=Rules(OffsetRule.KEEP))
        assert "unaware" in " ".join(kept.warnings)
        assert len(kept.refusals) == 1 and "“unaware” committed without" in kept.refusals[0]
        rules = Rules(OffsetRule.KEEP, {"unaware": OffsetRule.REWIND})
        mixed = await line_promotion.preview(bench.log, topic, branch, rules=rules)
        assert not mixed.refusals and [each.target for each in mixed.beyond] == [None, 5]
        meant = Rules(OffsetRule.KEEP, {"unaware": OffsetRule.KEEP})
        assert not (await line_promotion.preview(bench.log, topic, branch, rules=meant)).refusals
        assert await bench.log.metastore.partitions(topic.no) == before

    run(scenario)


@pytest.mark.parametrize(
    ("rule", "expected"), [(OffsetRule.KEEP, 8), (OffsetRule.REWIND, 5), (OffsetRule.MAP, 9)]
)
def test_I8_groups_beyond_go_where_the_rule_says_and_undo_brings_the_line_back(
    run, rule: OffsetRule, expected: int
) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        await commit(bench, "g", topic, 8)  # it dealt with a7, of 700 ms: b4 is the first as young
        done = await promoted(bench, topic, branch, rules=Rules(rule))
        assert await offset_of(bench, "g") == expected
        line = (await bench.log.metastore.offset_history("g"))[0]
        if rule is not OffsetRule.KEEP:
            assert line.action is OffsetAction.PROMOTE
            assert line.actor.reason == "promotion of branch fix to t"
        assert [value for _, value in await bench.values(topic, 0)][4:7] == [b"a4", b"b0", b"b1"]
        (stored,) = await line_promotion.stored(bench.log)
        assert stored == done and stored.displaced == "t.before-lp-1"
        if rule is not OffsetRule.REWIND:
            with pytest.raises(UserFault, match="say what becomes"):
                await line_promotion.undo(bench.log, done, creator="ana", now_ms=bench.clock())
        undone = await line_promotion.undo(
            bench.log, done, creator="ana", now_ms=bench.clock(), rules=Rules(OffsetRule.REWIND)
        )
        assert undone.undone_ms == bench.clock()
        assert await offset_of(bench, "g") == 5
        assert [value for _, value in await bench.values(topic, 0)] == [
            b"a%d" % i for i in range(10)
        ]
        names = {each.name for each in await bench.log.metastore.topics()}
        assert names == {"t", "fix"}
        with pytest.raises(UserFault, match="undone already"):
            await line_promotion.undo(bench.log, undone, creator="ana", now_ms=bench.clock())
        with pytest.raises(UserFault, match="no promotion"):
            await line_promotion.find(bench.log, "t")
        assert await bench.log.metastore.check() == []

    run(scenario)


def test_a_group_with_consumers_is_not_moved_under_them_but_may_be_kept(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        await commit(bench, "g", topic, 8)
        row = GroupRow("g", "consumer", "Stable", 3, b"", bench.clock())
        await bench.log.metastore.save_group(row)
        with pytest.raises(UserFault, match="has consumers"):
            await promoted(bench, topic, branch, rules=Rules(OffsetRule.MAP))
        await promoted(bench, topic, branch, rules=Rules(OffsetRule.KEEP))
        assert await offset_of(bench, "g") == 8

    run(scenario)


def test_a_sink_that_would_suppress_the_new_line_stands_in_the_way(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)

        def sink(offset: int) -> SinkState:
            at = Position("t", topic_id_text(topic.id), 0, offset)
            return SinkState("sqlite:v.db", SinkClass.TRANSACTIONAL, "v.db", (at,))

        with pytest.raises(UserFault, match="take the new line's records for repeats"):
            await promoted(bench, topic, branch, sinks=[sink(6)])
        assert not (
            await line_promotion.preview(bench.log, topic, branch, sinks=[sink(5)])
        ).warnings
        await promoted(bench, topic, branch, sinks=[sink(5)])

    run(scenario)


def test_what_is_no_branch_of_the_topic_is_refused_in_a_sentence(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        other = await bench.log.create_topic("other", 1, {})
        for one, two, sentence in (
            (topic, other, "other is no branch"),
            (other, branch, "fix is a branch of t"),
        ):
            with pytest.raises(UserFault, match=sentence):
                await line_promotion.preview(bench.log, one, two)
        topic = await bench.log.create_partitions(topic, 2)
        with pytest.raises(UserFault, match="as many first"):
            await line_promotion.preview(bench.log, topic, branch)
        branch = await bench.log.create_partitions(branch, 2)
        await bench.append(branch, 1, [b"new"])
        await promoted(bench, topic, branch)
        topic = bench.log.catalogue.topic("t") or topic
        assert [value for _, value in await bench.values(topic, 1)] == [b"new"]

    run(scenario)


def test_the_line_put_aside_may_be_deleted_and_then_nothing_can_be_undone(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic, branch = await fork(bench)
        done = await promoted(bench, topic, branch)
        aside = bench.log.catalogue.topic("t.before-lp-1")
        assert aside is not None and aside.configs["retention.ms"] == "-1"
        await bench.log.delete_topic(aside)
        with pytest.raises(UserFault, match="nothing to bring back"):
            await line_promotion.undo(bench.log, done, creator="ana", now_ms=bench.clock())

    run(scenario)
