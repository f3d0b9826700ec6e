from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from anabranch.errors import UserFault
from anabranch.metastore.api import OffsetAction
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.model import (
    PartitionView,
    Position,
    SinkClass,
    SinkState,
    Volume,
    topic_id_text,
)
from anabranch.recovery.plans import pace, planning
from anabranch.recovery.plans.plan import (
    Basis,
    Measured,
    Plan,
    Repeats,
    choose_restart,
    plan_partition,
    reached,
    repeats,
)

from .scene import ADMIN, T0, Scene

VIEW = PartitionView(
    topic="t", topic_id="id", topic_no=1, partition=0, log_start=5, log_end=100, leader_epoch=0,
    bytes=1, oldest_ms=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "effects", "basis", "restart"),
    [
        (50, [], Basis.POINT, 50),
        (50, [("s", 50)], Basis.POINT, 50),
        (50, [("s", 70)], Basis.POINT, 50),
        (50, [("s", 40)], Basis.POINT, 40),
        (50, [("s", 70), ("u", 30)], Basis.HISTORY, 30),
        (None, [], Basis.POINT, 0),
        (50, [], Basis.LOG_START, 5),
    ],
)
def test_restart_is_the_lowest_of_all_positions(
    wanted: int | None, effects: list[tuple[str, int]], basis: Basis, restart: int
) -> None:
    assert choose_restart(VIEW, wanted, effects, basis)[0] == restart


def test_repeats_by_sink_class() -> None:
    assert repeats(30, SinkClass.TRANSACTIONAL) == Repeats(30, 0, 30)
    assert repeats(30, SinkClass.UPSERT) == Repeats(30, 0, 0)
    assert repeats(30, SinkClass.APPEND) == Repeats(30, 30, 0)
    assert repeats(50, SinkClass.EXTERNAL) == Repeats(50, 50, 0)
    part = plan_partition(VIEW, 50, "", Measured(50, Volume(50, 1), None), 100, ())
    assert [reached(part, effects) for effects in (80, 180, 40, None)] == [80, 100, 50, 50]


async def _incident(stage: Scene) -> tuple[Any, SinkState, points.RecoveryPoint]:
    """A view that is good up to 40/50, then goes on to the end; its sink was 5 ahead of the group."""
    flights = await stage.topic("flights")
    await stage.commit("view", flights, {0: 40, 1: 50}, T0 + 100)
    sink = _sink(flights, 45, 50)
    point = await points.capture(
        stage.metastore, token="aaaa", name="good", now_ms=T0 + 150, group="view", sinks=[sink]
    )
    await stage.commit("view", flights, {0: 100, 1: 100}, T0 + 300)
    await stage.commit("alerts", flights, {0: 90}, T0 + 300)
    return flights, sink, point


def _sink(topic: Any, zero: int, one: int) -> SinkState:
    topic_id = topic_id_text(topic.id)
    positions = (Position("flights", topic_id, 0, zero), Position("flights", topic_id, 1, one))
    return SinkState("view.db", SinkClass.TRANSACTIONAL, "view.db", positions)


def test_plan_from_a_point_answers_the_first_three_questions(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights, _, point = await _incident(stage)
        mails = SinkState("mails", SinkClass.EXTERNAL, "", _sink(flights, 100, 90).positions)
        plan = await planning.plan_recovery(
            stage.metastore,
            group="view",
            now_ms=T0 + 400,
            creator="ana",
            point=point,
            rate=1000,
            sinks=[_sink(flights, 100, 100), mails],
        )
        spans = [(p.restart, p.end, p.volume.records, p.lost) for p in plan.partitions]
        assert spans == [(40, 100, 60, 0), (50, 100, 50, 0)]
        assert "5 ahead" in plan.partitions[0].why
        assert plan.volume.records == 110 and plan.seconds == round(plan.volume.bytes / 1000, 1)
        assert plan.feasible and plan.problems == () and plan.rate_source == "given"
        told = {f.name: (f.on_branch, f.in_place) for f in plan.forecasts}
        nothing = Repeats(0, 0, 0)
        assert told == {
            "alerts": (nothing, nothing),
            "view": (nothing, Repeats(110, 110, 0)),
            "view.db": (Repeats(5, 0, 5), Repeats(110, 0, 110)),
            "mails": (Repeats(100, 100, 0), Repeats(100, 100, 0)),
        }
        assert await planning.find(stage.metastore, plan.id) == plan

    play(story)


def test_since_takes_the_newest_point_before_it_or_says_that_state_is_missing(play: Any) -> None:
    async def story(stage: Scene) -> None:
        _, _, point = await _incident(stage)
        common: dict[str, Any] = {"group": "view", "now_ms": T0 + 400, "creator": "ana"}
        found = await planning.plan_recovery(stage.metastore, since_ms=T0 + 200, **common)
        assert found.incident.point == point.id and found.incident.basis is Basis.POINT
        before = await planning.plan_recovery(stage.metastore, since_ms=T0 + 120, **common)
        assert before.incident.basis is Basis.HISTORY and before.incident.point is None
        assert [p.restart for p in before.partitions] == [40, 50]
        assert "no state is captured" in before.problems[0]
        whole = await planning.plan_recovery(stage.metastore, from_start=True, **common)
        assert [p.restart for p in whole.partitions] == [0, 0]
        with pytest.raises(UserFault, match="--from-start"):
            await planning.plan_recovery(stage.metastore, since_ms=T0, **common)
        with pytest.raises(UserFault, match="where the damage begins"):
            await planning.plan_recovery(stage.metastore, **common)

    play(story)


def test_a_sink_of_a_recreated_topic_or_another_cluster_is_not_trusted(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights, sink, _ = await _incident(stage)
        await stage.log.delete_topic(flights)
        again = await stage.topic("flights")
        await stage.commit("view", again, {0: 90, 1: 90}, T0 + 350)
        common: dict[str, Any] = {"group": "view", "now_ms": T0 + 400, "creator": "ana"}
        plan = await planning.plan_recovery(
            stage.metastore, from_start=True, sinks=[sink], **common
        )
        assert not plan.feasible and "it was recreated since" in plan.problems[0]
        other = msgspec.structs.replace(_sink(again, 9, 9), clusters=("elsewhere",))
        plan = await planning.plan_recovery(
            stage.metastore, from_start=True, sinks=[other], **common
        )
        assert not plan.feasible and "another cluster (elsewhere)" in plan.problems[0]
        plan = await planning.plan_recovery(
            stage.metastore, from_start=True, sinks=[_sink(again, 9, 9)], **common
        )
        assert plan.feasible and plan.problems == ()

    play(story)


def test_retention_that_took_what_is_needed_makes_the_plan_infeasible(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights, _, point = await _incident(stage)
        await stage.log.delete_records(flights, 0, 60)
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0 + 400, creator="ana", point=point
        )
        zero = plan.partitions[0]
        assert (zero.wanted, zero.restart, zero.lost) == (40, 60, 20)
        assert [gap.cause for gap in zero.missing] == ["delete-records"]
        assert not plan.feasible
        assert any("20 of the records needed are gone (delete-records)" in p for p in plan.problems)

    play(story)


def test_a_record_that_expires_before_the_replay_ends_is_a_problem(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights, _, point = await _incident(stage)
        await stage.log.set_configs(flights, {"retention.ms": "10000"})
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0 + 5000, creator="ana", point=point, rate=10
        )
        assert plan.partitions[0].runway_ms == 5000 + 49  # the extent's newest record
        assert len(plan.problems) == 2 and "raise retention.ms first" in plan.problems[0]

    play(story)


def test_a_plan_is_what_was_reviewed(play: Any, tmp_path: Path) -> None:
    async def story(stage: Scene) -> None:
        _, _, point = await _incident(stage)
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0 + 400, creator="ana", point=point
        )
        file = tmp_path / "plan.json"
        file.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=2))
        assert await planning.find(stage.metastore, str(file)) == plan
        file.write_text(file.read_text().replace('"restart": 40', '"restart": 41'))
        with pytest.raises(UserFault, match="was changed after it was made"):
            await planning.find(stage.metastore, str(file))
        file.write_text("{}")
        with pytest.raises(UserFault, match="is not a plan"):
            await planning.find(stage.metastore, str(file))
        other = msgspec.structs.replace(plan, cluster_id="other", id="", hash="")
        from anabranch.recovery.model import digest

        content = digest(other, without=("id", "hash"))
        other = msgspec.structs.replace(other, id="plan-x", hash=content)
        file.write_bytes(msgspec.json.encode(other))
        with pytest.raises(UserFault, match="another cluster"):
            await planning.find(stage.metastore, str(file))
        with pytest.raises(UserFault, match="neither a plan's id nor a file"):
            await planning.find(stage.metastore, "nothing")
        assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan

    play(story)


def test_pace_is_that_of_seconds_in_which_the_group_was_behind(play: Any) -> None:
    """Records that were committed as they came say nothing about how fast a replay can be."""

    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights", partitions=1, records=10)
        moment = await observe.moment_at(stage.metastore, topic.no, 0, 9)
        assert moment is not None
        start = moment.appended_ms // 1000 * 1000

        async def found() -> float | None:
            return await pace.catching_up(stage.metastore, "view", start + 1_000_000)

        assert await found() is None
        await stage.commit("view", topic, {0: 2}, start + 1_000)
        assert await found() is None  # the first commit: nobody knows how much was read for it
        await stage.commit("view", topic, {0: 9}, start + 5_000)
        assert await found() is None  # keeping pace
        await stage.commit(
            "view", topic, {0: 0}, start + 60_000, action=OffsetAction.RESET, actor=ADMIN
        )
        assert await found() is None  # a reset is nobody's pace
        for at_ms, offset in ((61_000, 1), (62_000, 2), (62_400, 5), (63_200, 10)):
            await stage.commit("view", topic, {0: offset}, start + at_ms)
        assert await found() == 4  # 1, 4 and 5 in a second: their upper quartile

    play(story)
