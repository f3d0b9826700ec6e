"""From every kind of incident to a restart; every cause of a gap as a range; the runbook that follows."""

from __future__ import annotations

import re
import shlex
import sqlite3
from pathlib import Path
from typing import Any

import click
import pytest

from anabranch.cli.main import cli
from anabranch.errors import UserFault
from anabranch.log.skipping import Operator
from anabranch.metastore.api import GapCause, LeaderEpoch, OffsetAction, Topic
from anabranch.recovery.capture import points
from anabranch.recovery.model import (
    MissingRange,
    PartitionView,
    Position,
    SinkClass,
    SinkState,
    topic_id_text,
)
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.incidents import BadVersion, Enrichment, Poisoned, Restored
from anabranch.recovery.plans.missing import truncated
from anabranch.recovery.plans.plan import Basis, IncidentKind, Plan, PoisonedRecord, Repeats
from anabranch.recovery.plans.runbook import runbook
from anabranch.recovery.promises import classes
from anabranch.recovery.times import time_text

from .scene import ADMIN, T0, Scene

NOW = T0 + 1000


async def _points(stage: Scene) -> Topic:
    """States of version 1 at 20/20 and 40/50, of version 2 at 60/60 and 80/80; the group is at the end."""
    flights = await stage.topic("flights")
    for n, (version, zero, one) in enumerate(
        (("1", 20, 20), ("1", 40, 50), ("2", 60, 60), ("2", 80, 80))
    ):
        await stage.commit("view", flights, {0: zero, 1: one}, T0 + 100 * (n + 1))
        await points.capture(
            stage.metastore,
            token=f"{n}",
            name=f"n{n}",
            now_ms=T0 + 100 * (n + 1) + 50,
            group="view",
            version=version,
            sinks=[_sink(flights, zero, one)],
        )
    await stage.commit("view", flights, {0: 100, 1: 100}, T0 + 600)
    return flights


def _sink(topic: Topic, zero: int, one: int) -> SinkState:
    topic_id = topic_id_text(topic.id)
    positions = (
        Position(topic.name, topic_id, 0, zero),
        Position(topic.name, topic_id, 1, one),
    )
    return SinkState("view.db", SinkClass.TRANSACTIONAL, "/tmp/view.db", positions)


async def _plan(stage: Scene, **more: Any) -> Plan:
    return await planning.plan_recovery(
        stage.metastore, **{"group": "view", "now_ms": NOW, "creator": "ana", **more}
    )


def _spans(plan: Plan) -> list[tuple[int, int]]:
    return [(part.restart, part.end) for part in plan.partitions]


def test_a_bad_version_goes_back_to_the_newest_point_before_its_first(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _points(stage)
        plan = await _plan(stage, damage=BadVersion("2"))
        assert (plan.incident.kind, plan.incident.version) == (IncidentKind.BAD_VERSION, "2")
        assert _spans(plan) == [(40, 100), (50, 100)] and plan.feasible
        assert "the newest before it is n1, of version 1" in plan.notes[0]
        assert plan.notes[1].endswith("n2, n3")
        with pytest.raises(UserFault, match=r"with version 3 \(there are: 1, 2\)"):
            await _plan(stage, damage=BadVersion("3"))
        with pytest.raises(UserFault, match="there is no state from before it"):
            await _plan(stage, damage=BadVersion("1"))

    play(story)


def test_a_poisoned_record_goes_back_to_a_state_from_before_it(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _points(stage)

        def poisoned(*records: tuple[int, int]) -> Poisoned:
            return Poisoned(tuple(PoisonedRecord("flights", *one) for one in records))

        plan = await _plan(stage, damage=poisoned((0, 63)))
        assert plan.incident.kind is IncidentKind.POISONED and _spans(plan) == [
            (60, 100),
            (60, 100),
        ]
        assert "flights:0@63 comes again in a replay" in plan.notes[0]
        plan = await _plan(stage, damage=poisoned((0, 63), (1, 55)))
        assert _spans(plan) == [(40, 100), (50, 100)]
        # Exactly at a point's position: the record is the next one, so the state has not seen it.
        assert _spans(await _plan(stage, damage=poisoned((0, 80)))) == [(80, 100), (80, 100)]
        # Before every point: what the history says, without state.
        with pytest.raises(UserFault, match="no recovery point and no commit"):
            await _plan(stage, damage=poisoned((0, 5)))
        with pytest.raises(UserFault, match="is not in the log, which ends at 100"):
            await _plan(stage, damage=poisoned((0, 100)))
        with pytest.raises(UserFault, match="no partition 7"):
            await _plan(stage, damage=poisoned((7, 1)))
        await stage.commit("other", flights, {0: 10}, T0 + 10)
        await stage.commit("other", flights, {0: 30}, T0 + 20)
        await stage.commit(
            "other", flights, {0: 15}, T0 + 30, action=OffsetAction.RESET, actor=ADMIN
        )
        await stage.commit("other", flights, {0: 90}, T0 + 40)
        plan = await _plan(stage, group="other", damage=poisoned((0, 25)), topics=["flights"])
        assert plan.incident.basis is Basis.HISTORY
        assert plan.incident.since_ms == T0 + 10, "before the first time that it was passed"

    play(story)


def test_a_corrupted_table_is_read_too_and_first(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _points(stage)
        await stage.log.create_topic("airports", 1, {"cleanup.policy": "compact"})
        plan = await _plan(stage, damage=Enrichment("airports", T0 + 300))
        assert plan.incident.enrichment == "airports" == plan.incident.topics[0]
        assert [(p.topic, p.restart) for p in plan.partitions] == [
            ("airports", 0), ("flights", 40), ("flights", 50),
        ]  # fmt: skip
        assert any("is compacted" in note for note in plan.notes)
        assert any("read from its first record" in note for note in plan.notes)
        with pytest.raises(UserFault, match="there is no topic"):
            await _plan(stage, damage=Enrichment("nope", T0))

    play(story)


def test_a_restored_store_goes_back_to_what_it_says_of_itself(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _points(stage)
        sink = _sink(flights, 30, 100)
        plan = await _plan(stage, damage=Restored(sink=sink), sinks=[sink])
        assert plan.incident.basis is Basis.SINK and _spans(plan) == [(30, 100), (100, 100)]
        assert "the restored sink" in plan.partitions[0].why
        told = {one.name: one.in_place for one in plan.forecasts}
        assert told["view.db"] == Repeats(0, 0, 0), "it forgot them: nothing is suppressed"
        page = runbook(plan)
        assert "flights,0,30" in page and "offsets plan view --from-file" in page
        with pytest.raises(UserFault, match="nowhere behind group"):
            await _plan(stage, damage=Restored(sink=_sink(flights, 100, 100)))
        with pytest.raises(UserFault, match="no sink tells"):
            await _plan(stage, damage=Restored())
        then = await _plan(stage, damage=Restored(at_ms=T0 + 210))
        assert _spans(then) == [(40, 100), (50, 100)] and then.incident.point is None

    play(story)


def test_a_window_ends_where_the_group_stood(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _points(stage)
        plan = await _plan(stage, since_ms=T0 + 260, until_ms=T0 + 410)
        assert _spans(plan) == [(40, 80), (50, 80)] and plan.volume.records == 70
        assert plan.incident.until_ms == T0 + 410 and "replay ends with" in plan.notes[-1]
        with pytest.raises(UserFault, match="ended before it began"):
            await _plan(stage, since_ms=T0 + 260, until_ms=T0 + 10)

    play(story)


def test_late_detection_says_so_and_shows_what_is_left(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _points(stage)
        times = {
            "detect": "1s",
            "diagnose": "1s",
            "fix": "1s",
            "replay": "1s",
            "topics": ["flights"],
        }
        shown = await classes.preview(
            stage.metastore, [classes.parse_class("view", times, "x")], now_ms=NOW, replace=False
        )
        await classes.apply(stage.metastore, shown, now_ms=NOW, who="ana", reason="")
        fine = await _plan(stage, since_ms=T0 + 260)
        assert fine.notes == () and fine.alternatives == ()
        late = await _plan(stage, since_ms=T0 + 260, now_ms=T0 + 3000)
        assert "class view counts on 1.0 s" in late.notes[0] and "leaves 1.3 s" in late.notes[0]
        await stage.log.delete_records(flights, 0, 70)
        lost = await _plan(stage, since_ms=T0 + 260, now_ms=T0 + 9000)
        assert not lost.feasible and lost.incident.kind is IncidentKind.LATE
        assert "is over" in lost.notes[0]
        assert [(one.name, one.lost) for one in lost.alternatives] == [
            ("n3", 0),
            ("n2", 10),
            ("n0", 50),
        ]
        page = runbook(lost)
        assert "NOT FEASIBLE" in page and "anabranch replay plan-" not in page
        assert f"--point {lost.alternatives[0].point}" in page

    play(story)


def test_I2_each_cause_is_a_range_of_the_plan(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _points(stage)
        meta = stage.metastore
        await meta.advance_log_start(flights.no, 0, 25, GapCause.RETENTION_TIME, "x", T0)
        await stage.log.delete_records(flights, 0, 45)
        with sqlite3.connect(stage.data / "metastore.db") as direct:
            direct.execute(
                "INSERT INTO aborted_transaction (topic_no, partition, last_offset, producer_id, "
                "first_offset, stable, marked) VALUES (?, 1, 59, 7, 52, 60, 1)",
                (flights.no,),
            )
            for first, last, cause in ((62, 63, "compaction"), (70, 79, "lost-object")):
                direct.execute(
                    "INSERT INTO gap VALUES (?, 1, ?, ?, ?, 'why', ?)",
                    (flights.no, first, last, cause, T0),
                )
        plan = await _plan(stage, damage=BadVersion("2"))
        found = [
            (part.partition, gap.first, gap.last, gap.cause)
            for part in plan.partitions
            for gap in part.missing
        ]
        assert found == [
            (0, 25, 44, "delete-records"),
            (1, 52, 59, "aborted-transaction"),
            (1, 62, 63, "compaction"),
            (1, 70, 79, "lost-object"),
        ]
        assert plan.partitions[0].lost == 5 and not plan.feasible
        earlier = await _plan(stage, point=await points.find(meta, "n0"))
        assert [gap.cause for gap in earlier.partitions[0].missing] == [
            "retention.ms", "delete-records",
        ]  # fmt: skip
        await stage.log.delete_topic(flights)
        await stage.topic("flights")
        again = await _plan(stage, point=await points.find(meta, "n1"))
        (one,) = again.partitions[0].missing
        assert (one.first, one.last, one.cause) == (0, 39, "recreated-topic")
        assert not again.feasible and any("recreated-topic" in text for text in again.problems)

    play(story)


def test_I2_who_removed_records_by_hand_is_named_and_when(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _points(stage)
        meta = stage.metastore
        point = await points.find(meta, "n1")
        await stage.log.delete_records(flights, 0, 45, "User:ana (kafka-delete-records, 10.0.0.9)")
        plan = await _plan(stage, point=point)
        (gone,) = plan.partitions[0].missing
        assert gone.detail == "deleted by User:ana (kafka-delete-records, 10.0.0.9)"
        page = runbook(plan)
        assert gone.detail.replace("_", "\\_") in page and time_text(gone.at_ms) in page
        # What was damaged and is given up says who did that, and why.
        (extent,) = await meta.extents_from(flights.no, 1, 50, 1)
        path = stage.data / "wal" / (extent.object_key.removeprefix("wal/") + ".wal")
        with path.open("r+b") as file:
            file.seek(extent.position + extent.length - 2)
            (byte,) = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte ^ 0x40]))
        span = extent.base_offset, extent.last_offset
        await stage.log.skip_damage(flights, 1, *span, Operator("ana", "host-1", "no copy is left"))
        given_up = (await _plan(stage, point=point)).partitions[1].missing[0]
        assert (given_up.first, given_up.last, given_up.cause) == (*span, "corrupt")
        assert given_up.detail.startswith("ana skipped it: no copy is left")
        await stage.log.delete_topic(flights)
        deleted = (await meta.deleted_topics())[0]
        await stage.topic("flights")
        asked: list[tuple[str, int | None]] = []

        async def who_deleted(topic: str, at_ms: int | None) -> str:
            asked.append((topic, at_ms))
            return "User:ben (admin, 10.0.0.7)"

        told = await _plan(stage, point=point, who_deleted=who_deleted)
        (gap,) = told.partitions[0].missing
        when = time_text(deleted.deleted_ms)
        assert gap.cause == "recreated-topic" and gap.at_ms == deleted.deleted_ms
        assert gap.detail.endswith(f", deleted at {when} by User:ben (admin, 10.0.0.7)")
        assert asked[0] == ("flights", deleted.deleted_ms)
        silent = await _plan(stage, point=point)
        assert silent.partitions[0].missing[0].detail.endswith(f", deleted at {when}")

    play(story)


def test_a_log_that_was_truncated_or_changed_below_a_position_is_told() -> None:
    view = PartitionView(
        topic="t", topic_id="i", topic_no=1, partition=0, log_start=0, log_end=100, leader_epoch=3,
        bytes=1, oldest_ms=None,
    )  # fmt: skip
    epochs = [LeaderEpoch(0, 0), LeaderEpoch(2, 40), LeaderEpoch(3, 60)]

    def at(offset: int, epoch: int) -> list[tuple[int, int, str]]:
        found: list[MissingRange] = truncated(Position("t", "i", 0, offset, epoch), view, epochs, 1)
        return [(one.first, one.last, one.cause) for one in found]

    assert at(120, -1) == [(100, 119, "truncation")]
    assert at(50, 1) == [(40, 49, "truncation")], "epoch 2 wrote other records from 40 on"
    assert at(40, 1) == at(50, 2) == at(50, -1) == at(100, 3) == []


def _command_lines(page: str) -> list[list[str]]:
    blocks = re.findall(r"```sh\n(.*?)```", page, re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        shlex.split(re.sub(r"\s#.*", "", line)) for line in lines if line.startswith("anabranch ")
    ]


def test_every_command_of_a_runbook_can_be_typed(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its words and options are parsed by the command line itself."""
    monkeypatch.chdir(tmp_path)
    Path("verified.json").write_text("{}")

    async def story(stage: Scene) -> None:
        flights = await _points(stage)
        sink = _sink(flights, 30, 90)
        poisoned = Poisoned((PoisonedRecord("flights", 0, 63),))
        cases: list[dict[str, Any]] = [
            {"damage": BadVersion("2"), "sinks": [sink]},
            {"damage": poisoned, "description": "a | bad <record>"},
            {"damage": Restored(sink=sink), "sinks": [sink]},
            {"damage": Restored(at_ms=T0 + 210)},
            {"since_ms": T0 + 260, "until_ms": T0 + 410},
            {"from_start": True},
        ]
        seen = set()
        for case in cases:
            plan = await _plan(stage, **case)
            page = runbook(plan)
            Path(f"{plan.id}.csv").touch()  # which a step before makes
            assert plan.hash in page and page == runbook(plan)
            lines = _command_lines(page)
            assert len(lines) >= 4
            for words in lines:
                command: click.Command = cli
                context = click.Context(cli, info_name="anabranch")
                rest = words[1:]
                while isinstance(command, click.Group):
                    name, command, rest = command.resolve_command(context, rest)
                    assert name is not None and command is not None
                    seen.add(name)
                command.make_context(words[1], rest, parent=context)
        assert {"replay", "promote", "hold", "offsets", "verify", "report", "explain"} <= seen
        poison = runbook(await _plan(stage, damage=poisoned, description="a | bad <record>"))
        assert "a \\| bad &lt;record>" in poison and "--skip flights:0@63 -- " in poison

    play(story)
