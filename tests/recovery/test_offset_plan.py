"""Changes of offsets as plans: nothing happens that was not asked for, seen, and approved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import UserFault
from anabranch.groups.readers import Reader, encode
from anabranch.metastore.api import (
    Actor,
    Committed,
    GroupRow,
    OffsetAction,
    Topic,
    Transactional,
)
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.history import offset_planning
from anabranch.recovery.history.offset_plan import Aim, Wish, decide, parse_csv
from anabranch.recovery.history.offset_planning import Want
from anabranch.recovery.model import canonical_json
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.runbook import runbook
from anabranch.recovery.promises import classes

from .scene import T0, Scene
from .test_duplicates import in_transactions

NOW = T0 + 1_000_000


async def _plan(stage: Scene, aim: Aim, *, group: str = "view", **more: Any) -> Any:
    log = stage.log

    async def offset_at(topic: Topic, partition: int, at_ms: int) -> tuple[int, int] | None:
        await log.refresh(topic, [partition])
        answer = await log.list_offset(topic, partition, at_ms)
        return None if answer.offset < 0 else (answer.offset, answer.timestamp)

    names = {
        name: more.pop(name) for name in ("reason", "ticket", "now_ms", "extents") if name in more
    }
    return await offset_planning.plan(
        stage.metastore,
        group,
        Want(aim=aim, **more),
        creator="ana",
        offset_at=offset_at,
        **{"now_ms": NOW, **names},
    )


async def _flights(stage: Scene) -> Topic:
    flights = await stage.topic("flights")
    await stage.commit("view", flights, {0: 60, 1: 80}, T0 + 100)
    return flights


async def _at(stage: Scene, flights: Topic, group: str = "view") -> list[int | None]:
    found = await stage.metastore.positions(group, [(flights.no, 0), (flights.no, 1)])
    return [found.get((flights.no, partition)) for partition in (0, 1)]


def test_a_plan_says_what_is_skipped_and_what_is_read_again(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)
        plan = await _plan(stage, Aim.DATETIME, at_ms=T0 + 70, reason="bad join", ticket="OPS-7")
        zero, one = plan.steps
        assert (zero.now, zero.target, zero.skipped.volume.records) == (60, 70, 10)
        assert (one.now, one.target, one.replayed.volume.records) == (80, 70, 10)
        assert (plan.skipped.records, plan.replayed.records) == (10, 10)
        assert zero.skipped.volume.bytes > 0 and zero.skipped.length_ms is not None
        assert zero.replayed.volume.records == one.skipped.volume.records == 0
        assert await _at(stage, flights) == [60, 80], "planning changes nothing"
        for aim, more, wanted in (
            (Aim.OFFSET, {"number": 5}, [5, 5]),
            (Aim.SHIFT, {"number": -10}, [50, 70]),
            (Aim.DURATION, {"at_ms": T0 + 3}, [3, 3]),
            (Aim.EARLIEST, {}, [0, 0]),
            (Aim.LATEST, {}, [100, 100]),
            (Aim.FILE, {"given": (("flights", 1, 7),)}, [7]),
            (Aim.OFFSET, {"number": 9, "topics": {"flights": [1]}}, [9]),
        ):
            found = await _plan(stage, aim, **more)
            assert [step.target for step in found.steps] == wanted, aim
        with pytest.raises(UserFault, match="stands there already"):
            await _plan(stage, Aim.SHIFT, number=0)
        with pytest.raises(UserFault, match="no committed offset to shift"):
            await _plan(stage, Aim.SHIFT, number=1, group="new", topics={"flights": []})
        with pytest.raises(UserFault, match="has committed nothing"):
            await _plan(stage, Aim.EARLIEST, group="new")
        with pytest.raises(UserFault, match="has no partition 2"):
            await _plan(stage, Aim.EARLIEST, topics={"flights": [2]})
        fresh = await _plan(stage, Aim.LATEST, group="new", topics={"flights": []})
        assert [(step.now, step.target) for step in fresh.steps] == [(None, 100), (None, 100)]

    play(story)


def test_a_plan_counts_records_and_not_offsets(play: Any) -> None:
    """I6: markers and aborted records are neither skipped nor read again."""

    async def story(stage: Scene) -> None:
        topic = await stage.log.create_topic("paid", 1, {"retention.ms": "-1"})
        await in_transactions(
            stage, topic, 40
        )  # offsets 3n, 3n + 1; every fourth transaction aborts
        await stage.commit("view", topic, {0: 30}, T0)

        def between(first: int, end: int) -> int:
            return sum(o % 3 != 2 and o // 3 % 4 != 0 for o in range(first, end))

        extents = stage.log.extents
        back = await _plan(stage, Aim.OFFSET, number=1, extents=extents)
        assert (back.replayed.records, back.replayed_at_most) == (between(1, 30), False)
        on = await _plan(stage, Aim.LATEST, extents=extents)
        assert (on.skipped.records, on.skipped_at_most) == (between(30, 60), False)
        assert b"at_most" not in canonical_json(on)
        by_offsets = await _plan(stage, Aim.LATEST)
        assert by_offsets.skipped.records == 30
        transactions = stage.log.transactions
        assert transactions is not None
        row = await transactions.init("other", 60_000)
        batch = build_batch(
            [Record(0, T0, b"k", b"v", ())],
            producer_id=row.producer_id,
            producer_epoch=row.epoch,
            base_sequence=0,
            transactional=True,
        )
        await stage.log.append(topic, 0, memoryview(bytearray(batch)), Transactional("other", True))
        open_ = await _plan(stage, Aim.LATEST, extents=extents)
        assert (open_.skipped.records, open_.skipped_at_most) == (between(30, 60) + 1, True)
        found, _ = await offset_planning.find(stage.metastore, open_.id)
        assert found.plan == open_, "the hash covers what was counted"

    play(story)


def test_nothing_is_clamped_and_nothing_jumps_to_the_end_without_being_told(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)
        # Kafka goes to the end without a word.
        with pytest.raises(UserFault, match=r"no record is of .* --allow-end would skip"):
            await _plan(stage, Aim.DATETIME, at_ms=T0 + 100)
        told = await _plan(stage, Aim.DATETIME, at_ms=T0 + 100, allow_end=True)
        assert [step.target for step in told.steps] == [100, 100]
        assert "to the log's end: no record is of" in told.steps[0].told
        with pytest.raises(
            UserFault, match=r"flights:0: 101 is not there.* --clamp would take 100"
        ):
            await _plan(stage, Aim.OFFSET, number=101)
        with pytest.raises(UserFault, match="flights:0: -10 is not there"):
            await _plan(stage, Aim.SHIFT, number=-70)
        clamped = await _plan(stage, Aim.SHIFT, number=-70, clamp=True)
        assert [step.target for step in clamped.steps] == [0, 10]
        assert clamped.steps[0].told.startswith("clamped to 0") and not clamped.steps[1].told
        # The log lost what came before: its first record is no answer to an older time.
        await stage.log.delete_records(flights, 0, 40)
        with pytest.raises(UserFault, match="flights:0: the log no longer reaches back to"):
            await _plan(stage, Aim.DATETIME, at_ms=T0 + 10)
        found = await _plan(stage, Aim.DATETIME, at_ms=T0 + 10, clamp=True)
        assert [step.target for step in found.steps] == [40, 10] and found.steps[0].told
        exact = await _plan(stage, Aim.DATETIME, at_ms=T0 + 40)
        assert not any(step.told for step in exact.steps)

    play(story)


@given(
    st.integers(0, 50),
    st.integers(0, 50),
    st.none() | st.integers(-10, 120),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)
def test_I8_a_decision_is_what_was_asked_or_told(
    start: int, length: int, offset: int | None, beyond: bool, clamp: bool, allow_end: bool
) -> None:
    end = start + length
    wish = Wish(
        topic="t", topic_id="i", partition=0, now=3, metadata="", log_start=start, log_end=end,
        leader_epoch=0, offset=offset, why="no", beyond=beyond,
    )  # fmt: skip
    try:
        (found,) = decide([wish], clamp=clamp, allow_end=allow_end)
    except UserFault:
        asked = not beyond and offset is not None and start <= offset <= end
        assert not asked
        assert not (clamp and offset is not None and not beyond) and not (allow_end and beyond)
        return
    assert start <= found.target <= end
    if found.target != offset or beyond:
        assert found.told and (beyond or clamp)
    else:
        assert not found.told


def test_I8_apply_is_one_transaction_and_can_be_undone_once(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)
        row = [Committed(flights.no, 0, 60, 3, "streams: 17", NOW)]
        await stage.metastore.commit_offsets("view", row, OffsetAction.COMMIT, Actor("u", "c", "h"), T0 + 200)  # fmt: skip
        plan = await _plan(stage, Aim.OFFSET, number=7, reason="bad join", ticket="OPS-7")
        done = await offset_planning.apply(stage.metastore, plan.id, who="ana", now_ms=NOW + 1)
        assert done.status == "applied" and await _at(stage, flights) == [7, 7]
        lines = await stage.metastore.offset_history("view", limit=2)
        assert {(one.partition, one.old, one.new, one.action) for one in lines} == {
            (0, 60, 7, OffsetAction.RESET),
            (1, 80, 7, OffsetAction.RESET),
        }
        assert lines[0].actor.reason == f"{plan.id} bad join [OPS-7]"
        assert (lines[0].actor.principal, lines[0].actor.api) == ("User:ana", "offsets apply")
        with pytest.raises(UserFault, match=r"was applied at .* already"):
            await offset_planning.apply(stage.metastore, plan.id, who="ana", now_ms=NOW + 2)
        back = await offset_planning.undo(stage.metastore, plan.id, who="bob", now_ms=NOW + 3)
        assert back.status == "undone" and await _at(stage, flights) == [60, 80]
        committed = await stage.metastore.committed("view")
        assert committed[0].metadata == "streams: 17", "what stood beside the offset comes back too"
        with pytest.raises(UserFault, match=r"was undone at .* already"):
            await offset_planning.undo(stage.metastore, plan.id, who="bob", now_ms=NOW + 4)
        with pytest.raises(UserFault, match="was applied at"):
            await offset_planning.apply(stage.metastore, plan.id, who="ana", now_ms=NOW + 5)

    play(story)


def test_I8_apply_is_fenced_by_positions_members_and_topics(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)

        async def refused(plan: Any, why: str) -> None:
            before = await stage.metastore.committed("view")
            with pytest.raises(UserFault, match=why):
                await offset_planning.apply(stage.metastore, plan.id, who="a", now_ms=NOW)
            assert await stage.metastore.committed("view") == before

        plan = await _plan(stage, Aim.OFFSET, number=7)
        await stage.commit("view", flights, {1: 81}, T0 + 300)
        await refused(plan, "nothing was changed: partition 1 of group view is at 81, not at 80")
        plan = await _plan(stage, Aim.OFFSET, number=7, now_ms=NOW + 1)
        with pytest.raises(UserFault, match="was not applied"):
            await offset_planning.undo(stage.metastore, plan.id, who="a", now_ms=NOW)
        await stage.log.delete_records(flights, 0, 8)
        await refused(plan, "7 is not in the log any more")
        plan = await _plan(stage, Aim.OFFSET, number=9)
        row = GroupRow("view", "consumer", "Stable", 4, b"s", T0 + 350, fence=9)
        await stage.metastore.save_group(row)
        await refused(plan, "is Stable: stop its consumers")
        with pytest.raises(UserFault, match="is Stable"):
            await _plan(stage, Aim.OFFSET, number=9)
        left = GroupRow("view", "consumer", "Empty", 5, b"s", T0 + 360, fence=10)
        await stage.metastore.save_group(left)
        await refused(plan, "had members since plan")
        plan = await _plan(stage, Aim.OFFSET, number=9, now_ms=NOW + 2)
        await stage.log.delete_topic(flights)
        await stage.topic("flights")
        await refused(plan, "deleted or recreated since")

    play(story)


def test_a_class_may_ask_for_somebody_else(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)
        times = dict.fromkeys(classes.OBJECTIVES, "1h")
        strict = classes.parse_class("ledger", {**times, "topics": ["fl*"], "approvals": 1}, "x")
        shown = await classes.preview(stage.metastore, [strict], now_ms=NOW, replace=False)
        early = await _plan(stage, Aim.OFFSET, number=1)
        await classes.apply(stage.metastore, shown, now_ms=NOW, who="ana", reason="")
        plan = await _plan(stage, Aim.OFFSET, number=7)
        assert (plan.approvals, plan.classes) == (1, ("ledger",))
        meta = stage.metastore

        async def apply(name: str) -> Any:
            return await offset_planning.apply(meta, name, who="ana", now_ms=NOW + 1)

        async def approve(name: str, who: str) -> Any:
            return await offset_planning.approve(meta, name, who=who, now_ms=NOW + 1, note="ok")

        for waiting in (plan, early):  # the class came after the plan, and counts
            with pytest.raises(
                UserFault, match="needs 1 approval and has 0: somebody other than ana"
            ):
                await apply(waiting.id)
        with pytest.raises(UserFault, match="somebody else has to approve"):
            await approve(plan.id, "ana")
        found = await approve(plan.id, "bob")
        assert found.status == "ready" and found.approvals[0].hash == plan.hash
        with pytest.raises(UserFault, match="has approved plan"):
            await approve(plan.id, "bob")
        await apply(plan.id)
        assert await _at(stage, flights) == [7, 7]
        with pytest.raises(UserFault, match="was applied already"):
            await approve(plan.id, "eve")

    play(story)


def test_an_edited_plan_is_refused(play: Any, tmp_path: Path) -> None:
    async def story(stage: Scene) -> None:
        await _flights(stage)
        plan = await _plan(stage, Aim.OFFSET, number=7)
        file = tmp_path / "plan.json"
        file.write_bytes(canonical_json(plan))
        record, _ = await offset_planning.find(stage.metastore, str(file))
        assert record.plan == plan
        content = json.loads(file.read_text())
        content["steps"][0]["target"] = 90
        file.write_text(json.dumps(content))
        with pytest.raises(UserFault, match="was changed after it was made"):
            await offset_planning.apply(stage.metastore, str(file), who="ana", now_ms=NOW)
        file.write_text("{}")
        with pytest.raises(UserFault, match="is not a plan of offsets"):
            await offset_planning.find(stage.metastore, str(file))
        with pytest.raises(UserFault, match="there is no plan of offsets"):
            await offset_planning.find(stage.metastore, "offsets-1")

    play(story)


def test_the_csv_that_kafkas_tool_writes() -> None:
    assert parse_csv("t,0,5\nt,1,6\n", "g") == [("t", 0, 5), ("t", 1, 6)]
    assert parse_csv('"g","t",0,5\nh,t,0,9\n\n', "g") == [("t", 0, 5)]
    for bad in ("t,0", "t,x,5", "topic,partition,offset", "t,0,-1", "a,b,c,d,e"):
        with pytest.raises(UserFault, match="line 1"):
            parse_csv(bad, "g")
    with pytest.raises(UserFault, match="no line for group"):
        parse_csv("h,t,0,9", "g")
    with pytest.raises(UserFault, match="t:0 is named twice"):
        parse_csv("t,0,5\nt,0,6", "g")


def test_readers_that_no_group_shows_are_named_as_not_moved(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _flights(stage)
        actor = Actor("User:x", "committing", "10.0.0.1", api="OffsetCommit")
        await stage.commit("view", flights, {1: 80}, T0 + 150, actor=actor)
        seen = [
            Reader("lonely", "User:x", "10.0.0.9", flights.no, 0, 17, NOW - 5),
            Reader("committing", "User:x", "10.0.0.1", flights.no, 1, 80, NOW - 5),
            Reader("long-gone", "User:x", "10.0.0.8", flights.no, 1, 3, NOW - 10**7),
        ]
        await stage.metastore.put_document("readers", "1", encode(seen), NOW)
        plan = await _plan(stage, Aim.OFFSET, number=7)
        assert plan.bystanders == ("lonely@10.0.0.9 reads flights:0 at 17",)
        recovery = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=NOW, creator="ana", from_start=True
        )
        assert recovery.bystanders == plan.bystanders
        assert "lonely@10.0.0.9" in runbook(recovery)

    play(story)
