"""I8: for every group and instant it can be said what was committed, when, by whom, from where, and
what it replaced."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec
import pytest

from anabranch.errors import UserFault
from anabranch.log.offsets import record_time
from anabranch.log.opening import wall_clock_ms
from anabranch.metastore.api import OffsetAction
from anabranch.recovery.history.explain import explain
from anabranch.recovery.model import (
    Position,
    RecoveryPoint,
    SinkClass,
    SinkState,
    topic_id_text,
)

from .scene import ADMIN, MEMBER, T0, Scene
from .test_duplicates import in_transactions

FINE = "no loss, no duplicates"


async def _history(stage: Scene) -> Any:
    flights = await stage.topic("flights")
    await stage.commit("view", flights, {0: 10, 1: 20}, T0 + 100)
    await stage.commit("view", flights, {0: 60}, T0 + 200)
    await stage.commit("view", flights, {0: 5}, T0 + 300, action=OffsetAction.RESET, actor=ADMIN)
    await stage.commit("view", flights, {0: 90, 1: 100}, T0 + 400)
    return flights


def test_I8_explain_says_who_what_when_and_what_it_replaced(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _history(stage)
        seen = {}
        for at in (100, 150, 250, 350, 450):
            found = await explain(stage.metastore, "view", at_ms=T0 + at, now_ms=T0 + 500)
            seen[at] = {
                p.partition: (p.position, p.change.action, p.change.old, p.change.at_ms - T0)
                for p in found.partitions
            }
        assert (
            seen[100] == seen[150] == {0: (10, "commit", None, 100), 1: (20, "commit", None, 100)}
        )
        assert seen[250][0] == (60, "commit", 10, 200)
        assert seen[350][0] == (5, "reset", 60, 300)
        assert seen[450] == {0: (90, "commit", 5, 400), 1: (100, "commit", 20, 400)}

        found = await explain(stage.metastore, "view", at_ms=T0 + 350, now_ms=T0 + 500)
        assert found.partitions[0].change.actor == ADMIN
        assert found.partitions[1].change.actor == MEMBER
        assert found.partitions[0].change.who == "User:ana kafka-consumer-groups@/10.0.0.9"

    play(story)


def test_I8_history_outlives_the_group_and_the_topic(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _history(stage)
        await stage.metastore.delete_group("view", ADMIN, T0 + 500)
        gone = await explain(stage.metastore, "view", at_ms=T0 + 600, now_ms=T0 + 700)
        assert [(p.position, p.change.action, p.change.old) for p in gone.partitions] == [
            (None, "delete", 90),
            (None, "delete", 100),
        ]
        assert str(gone.verdict) == "unknown"
        await stage.log.delete_topic(flights)
        before = await explain(stage.metastore, "view", at_ms=T0 + 450, now_ms=T0 + 700)
        assert [p.position for p in before.partitions] == [90, 100]
        assert {p.verdict.reason for p in before.partitions} == {"the topic is gone"}

    play(story)


def test_what_a_restart_at_the_instant_reads_and_repeats(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _history(stage)
        found = await explain(stage.metastore, "view", at_ms=T0 + 250, now_ms=T0 + 500)
        zero, one = found.partitions
        assert (zero.lag.records, zero.again) == (40, 30) and (one.lag.records, one.again) == (
            80,
            80,
        )
        assert 0 < zero.lag.bytes < one.lag.bytes
        assert str(zero.verdict) == "will duplicate 30"
        assert str(found.verdict) == "will duplicate 110"
        now = await explain(stage.metastore, "view", at_ms=T0 + 500, now_ms=T0 + 500)
        assert str(now.verdict) == FINE
        assert [p.lag.records for p in now.partitions] == [10, 0]
        assert now.partitions[1].lag_ms == 0

    play(story)


def test_the_sink_and_the_log_start_change_the_verdict(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _history(stage)
        topic_id = topic_id_text(flights.id)

        async def verdicts(zero: int, one: int, at: int = 250) -> list[str]:
            positions = (
                Position("flights", topic_id, 0, zero),
                Position("flights", topic_id, 1, one),
            )
            sink = SinkState("view.db", SinkClass.TRANSACTIONAL, "", positions)
            found = await explain(
                stage.metastore, "view", at_ms=T0 + at, now_ms=T0 + 500, sinks=[sink]
            )
            return [str(p.verdict) for p in found.partitions]

        assert await verdicts(60, 20) == [FINE, FINE]
        empty = SinkState("view.db", SinkClass.TRANSACTIONAL)
        blind = await explain(
            stage.metastore, "view", at_ms=T0 + 250, now_ms=T0 + 500, sinks=[empty]
        )
        assert {p.verdict.reason for p in blind.partitions} == {
            "the sink holds no offset of this partition"
        }
        assert await verdicts(95, 20) == [f"{FINE}, 35 suppressed", FINE]
        assert await verdicts(40, 20) == ["will lose 20", FINE]
        await stage.log.delete_records(flights, 0, 80)
        assert await verdicts(60, 20) == ["will lose 20", FINE]
        assert await verdicts(85, 20) == [f"{FINE}, 5 suppressed", FINE]

    play(story)


def test_an_instant_without_commits_says_when_history_begins(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await _history(stage)
        with pytest.raises(UserFault, match="its history begins at 2023-11-14"):
            await explain(stage.metastore, "view", at_ms=T0, now_ms=T0 + 500)
        with pytest.raises(UserFault, match="never committed"):
            await explain(stage.metastore, "nobody", at_ms=T0, now_ms=T0 + 500)

    play(story)


def _point(name: str, topic_id: str, *offsets: int) -> RecoveryPoint:
    return RecoveryPoint(
        id=f"p-{name}",
        name=name,
        processor="job",
        version="1",
        group=None,
        positions=tuple(
            Position("flights", topic_id, partition, offset)
            for partition, offset in enumerate(offsets)
        ),
        source="explicit",
        at_ms=T0,
        checkpoint=None,
        in_flight=False,
        sinks=(),
        creator="ana",
        created_ms=T0,
    )


def test_a_job_that_commits_nothing_is_as_safe_as_its_checkpoint(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        topic_id = topic_id_text(flights.id)
        points = [_point("good", topic_id, 60, 70), _point("old", topic_id, 10, 70)]

        async def look(*chosen: RecoveryPoint) -> Any:
            return await explain(
                stage.metastore, "job", at_ms=T0 + 5, now_ms=T0 + 9, points=chosen or points
            )

        found = await look()
        assert [str(p.verdict) for p in found.partitions] == [FINE, FINE]
        assert "no committed offset; the log holds all that follows" in found.verdict.reason
        assert {name: str(verdict) for name, verdict in found.points.items()} == {
            "good": FINE,
            "old": FINE,
        }
        await stage.log.delete_records(flights, 0, 40)
        found = await look()
        assert {name: str(verdict) for name, verdict in found.points.items()} == {
            "good": FINE,
            "old": "will lose 30",
        }
        assert str(found.partitions[0].verdict) == "will lose 30"
        gone = await look(_point("gone", "AAAAAAAAAAAAAAAAAAAAAA", 3))
        assert "recreated" in gone.points["gone"].reason

    play(story)


def test_several_sinks_and_points_are_held_against_each_other(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _history(stage)
        topic_id = topic_id_text(flights.id)
        view = SinkState(
            "view.db",
            SinkClass.TRANSACTIONAL,
            "",
            (Position("flights", topic_id, 0, 95), Position("flights", topic_id, 1, 100)),
        )
        mails = SinkState("mails", SinkClass.EXTERNAL)
        found = await explain(
            stage.metastore,
            "view",
            at_ms=T0 + 250,
            now_ms=T0 + 500,
            sinks=[view, mails],
            points=[_point("p", topic_id, 70, 120)],
        )
        zero, one = found.partitions
        assert [(c.of, c.by, c.offset, str(c.verdict)) for c in zero.checks] == [
            ("group", "sink view.db", 95, f"{FINE}, 35 suppressed"),
            ("group", "sink mails", None, "will duplicate 30"),
            ("point p", "log", 70, FINE),
            ("point p", "sink view.db", 95, f"{FINE}, 25 suppressed"),
            ("point p", "sink mails", None, "will duplicate 20"),
        ]
        assert str(zero.verdict) == "will duplicate 30"
        assert "10 records before it" in zero.checks[2].verdict.reason
        # Partition 1's point lies behind the log's end: the log is not the one that it was taken of.
        assert str(one.checks[2].verdict) == "unknown" == str(found.points["p"])

    play(story)


def test_lag_in_seconds_is_of_the_record_at_the_position(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await _history(stage)
        log = stage.log
        found = await explain(
            stage.metastore,
            "view",
            at_ms=T0 + 250,
            now_ms=wall_clock_ms() + 60_000,
            append_times=log.extents.append_times,
            record_time=lambda extent, offset: record_time(log.extents, extent, offset),
        )
        zero, one = found.partitions
        # The scene's records carry their offset as a timestamp; they were appended just now.
        assert (zero.event_ms, one.event_ms) == (T0 + 60, T0 + 20)
        assert zero.lag_ms is not None and 60_000 <= zero.lag_ms < 120_000
        assert zero.behind_ms is not None and zero.behind_ms < 30_000
        await stage.log.delete_records(flights, 0, 77)
        found = await explain(
            stage.metastore,
            "view",
            at_ms=T0 + 250,
            now_ms=T0 + 500,
            record_time=lambda extent, offset: record_time(log.extents, extent, offset),
        )
        assert found.partitions[0].event_ms == T0 + 77

    play(story)


def test_a_line_that_was_cut_below_the_position_is_told(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        await stage.commit("view", flights, {0: 90, 1: 30}, T0 + 100)  # under leader epoch 0
        with sqlite3.connect(stage.data / "metastore.db") as direct:  # a promotion parted at 40
            for partition in (0, 1):
                direct.execute(
                    "INSERT INTO leader_epoch VALUES (?, ?, 5, 40)", (flights.no, partition)
                )
            direct.execute("UPDATE partition SET leader_epoch = 5")
        point = _point("p", topic_id_text(flights.id), 60, 35)
        point = msgspec.structs.replace(
            point,
            positions=tuple(msgspec.structs.replace(p, leader_epoch=0) for p in point.positions),
        )
        found = await explain(
            stage.metastore, "view", at_ms=T0 + 200, now_ms=T0 + 300, points=[point]
        )
        zero, one = found.partitions
        assert (zero.position, zero.cut, zero.lag.records) == (90, 40, 60)
        assert str(zero.verdict) == "unknown" and "was cut at 40" in zero.verdict.reason
        assert (one.cut, str(one.verdict)) == (None, FINE)
        checks = {check.of: check for check in (*zero.checks, *one.checks)}
        assert (
            str(found.points["p"]) == "unknown"
            and "epoch 5 began at 40" in found.points["p"].reason
        )
        assert str(checks["point p"].verdict) == FINE  # partition 1's lies below the cut

    play(story)


def test_records_are_counted_and_not_offsets(play: Any) -> None:
    """I6: three offsets of a transaction are two records, or none; of what is gone only the offsets are known."""

    async def story(stage: Scene) -> None:
        topic = await stage.log.create_topic("paid", 1, {"retention.ms": "-1"})
        await in_transactions(
            stage, topic, 80
        )  # offsets 3n, 3n + 1; every fourth transaction aborts
        topic_id = topic_id_text(topic.id)
        await stage.commit("view", topic, {0: 30}, T0 + 100)
        await stage.commit("view", topic, {0: 60}, T0 + 200)

        async def look(at: int = 150, sink: int | None = None, **how: Any) -> Any:
            sinks = ()
            if sink is not None:
                reached = (Position("paid", topic_id, 0, sink),)
                sinks = (SinkState("view.db", SinkClass.TRANSACTIONAL, "", reached),)
            found = await explain(
                stage.metastore, "view", at_ms=T0 + at, now_ms=T0 + 500, sinks=sinks,
                points=[_point("p", topic_id, 45)], **{"extents": stage.log.extents, **how},
            )  # fmt: skip
            return found.partitions[0]

        def between(first: int, end: int) -> int:
            return sum(o % 3 != 2 and o // 3 % 4 != 0 for o in range(first, end))

        one = await look()
        assert (one.lag.records, one.lag_offsets, one.lag_at_most) == (between(30, 120), 90, False)
        assert (one.again, one.again_at_most) == (between(30, 60), False)
        assert str(one.verdict) == f"will duplicate {between(30, 60)}"
        assert f"{between(30, 45)} records before it" in one.checks[1].verdict.reason
        assert str((await look(sink=21)).verdict) == f"will lose {between(21, 30)}"
        # 59 is a marker; 60 to 62 are an aborted transaction and its marker.
        fine = await look(at=250, sink=59)
        assert str(fine.verdict) == FINE and "no record lies between" in fine.verdict.reason
        ahead = await look(at=250, sink=63)
        assert str(ahead.verdict) == FINE and ahead.verdict.records == 0
        await stage.log.delete_records(topic, 0, 45)
        gone = await look(sink=30)
        assert str(gone.verdict) == "will lose at most 15", "what is gone is known by its offsets"
        assert (gone.lag.records, gone.again) == (between(45, 120), between(45, 60))
        by_offsets = await look(sink=30, extents=None)
        assert str(by_offsets.verdict) == "will lose 15" and by_offsets.lag_offsets == 75

    play(story)


def test_what_was_not_counted_is_an_upper_bound(play: Any, monkeypatch: Any) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.log.create_topic("paid", 1, {"retention.ms": "-1"})
        await in_transactions(stage, topic, 8)
        await stage.commit("view", topic, {0: 3}, T0 + 100)
        monkeypatch.setattr("anabranch.recovery.observe.COUNTED_BYTES_MAX", 0)
        seen = {}
        for exact in (False, True):
            found = await explain(
                stage.metastore, "view", at_ms=T0 + 150, now_ms=T0 + 500,
                extents=stage.log.extents, exact=exact,
            )  # fmt: skip
            (one,) = found.partitions
            seen[exact] = one.lag.records, one.lag_at_most
        assert seen == {False: (9, True), True: (6, False)}

    play(story)
