"""A replay into a staging line of every sink that has one; promoted with the group's offsets, and undone."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.capture import points
from anabranch.recovery.model import SinkClass, topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.promotion import promote
from anabranch.recovery.replays import replay
from anabranch.recovery.replays.session import Status
from anabranch.recovery.sinks.compare import compare
from anabranch.recovery.sinks.locations import opened_lines, read_sink
from anabranch.recovery.sinks.meter import Meter
from anabranch.recovery.sinks.source import Source
from tests.support.broker import BrokerThread

from .kinds import KINDS, Http, Kafka, apply, locate
from .scene import T0, Scene

ROOT = Path(__file__).resolve().parents[2]


# SQLite: test_replay.py; Delta: tests/faults, with the slow ones.
@pytest.mark.parametrize("name", ["parquet", "postgres"])
def test_staged_from_a_checkpoint_promoted_and_undone(play: Any, tmp_path: Path, name: str) -> None:
    kind = KINDS[name](locate(name, tmp_path))

    async def story(stage: Scene) -> None:
        meta = stage.metastore
        topic = await stage.topic("flights", partitions=2, records=20)
        source = Source(topic_id_text(meta.cluster_id), topic_id_text(topic.id), "flights")
        live = kind.open(sources={"flights": source})
        for partition in (0, 1):
            apply(kind, live, list(range(12)), partition)
        await stage.commit("view", topic, {0: 10, 1: 10}, T0)
        with opened_lines(kind.location) as sink:
            checkpoint = sink.take_checkpoint(tmp_path / "checkpoint")
        point = await points.capture(
            meta, token="aaaa", name="good", now_ms=T0 + 1, group="view",
            sinks=[read_sink(kind.location)], checkpoint=checkpoint,
        )  # fmt: skip
        for partition in (0, 1):
            apply(kind, live, list(range(12, 20)), partition)
        await stage.commit("view", topic, {0: 20, 1: 20}, T0 + 2)
        plan = await planning.plan_recovery(
            meta, group="view", now_ms=T0 + 3, creator="ana", point=point,
            sinks=[read_sink(kind.location)], rate=1 << 30,
        )  # fmt: skip
        assert plan.feasible, plan.problems
        session = await replay.prepare(
            stage.log, plan, token="bbbb", now_ms=T0 + 4,
            command=(sys.executable, "-m", "tests.recovery.replay_command", name, str(stage.data)),
            bootstrap="", creator="ana", sink=kind.location,
        )  # fmt: skip
        environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        runner = replay.Runner(meta, session, output=tmp_path / "log", environ=environ)
        done = await runner.run()
        assert done.status is Status.COMPLETED, (done.error, (tmp_path / "log").read_text())
        whole = [(p, offset) for p in (0, 1) for offset in range(20)]
        assert kind.effects(session.id) == whole
        (compared,) = [c for c in compare(plan, [session.id]) if c.line == session.id]
        # Read from 10 on; the checkpoint's sink was at 12 in each partition.
        assert compared.forecast.suppressed == 4 and compared.off == 0
        assert compared.measured is not None and compared.measured.duplicates == 0

        handover = await promote.promote(meta, done, creator="ana", now_ms=T0 + 5)
        assert handover.former_line == f"before-{session.id}"
        assert kind.effects() == whole
        with opened_lines(kind.location) as sink:
            assert [row.next_offset for row in sink.offsets()] == [20, 20]
        assert apply(kind, kind.open(sources={"flights": source}), [19, 20]) == 1
        undone = await promote.undo(meta, done, creator="ana", now_ms=T0 + 6)
        assert undone.undone_ms == T0 + 6 and kind.effects() == whole
        with opened_lines(kind.location) as sink:
            assert [row.applied for row in sink.offsets()] == [20, 20]

    play(story)


@pytest.mark.parametrize("name", [pytest.param("kafka", marks=pytest.mark.faults), "http"])
def test_a_line_that_takes_no_place_is_filled_all_the_same(
    play: Any, tmp_path: Path, name: str
) -> None:
    """Topics of its own; staged effects. Of neither a promotion makes more: the topics' says so before it changes
    anything, the effects' hands the group over."""

    async def story(stage: Scene, kind: Any) -> None:
        meta = stage.metastore
        topic = await stage.topic("flights", partitions=1, records=20)
        source = Source(topic_id_text(meta.cluster_id), topic_id_text(topic.id), "flights")
        live = kind.open(sources={"flights": source})
        apply(kind, live, list(range(12)))
        await stage.commit("view", topic, {0: 12}, T0)
        plan = await planning.plan_recovery(
            meta, group="view", now_ms=T0 + 3, creator="ana", from_start=True,
            sinks=[read_sink(kind.location)], rate=1 << 30,
        )  # fmt: skip
        session = await replay.prepare(
            stage.log, plan, token="bbbb", now_ms=T0 + 4,
            command=(sys.executable, "-m", "tests.recovery.replay_command", name, str(stage.data)),
            bootstrap="", creator="ana", sink=kind.location,
        )  # fmt: skip
        environ = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
        runner = replay.Runner(meta, session, output=tmp_path / "log", environ=environ)
        done = await runner.run()
        assert done.status is Status.COMPLETED, (done.error, (tmp_path / "log").read_text())
        first = 0 if name == "kafka" else 12  # what was had is not staged
        assert kind.effects(session.id) == [(0, offset) for offset in range(first, 20)]
        assert kind.effects() == [(0, offset) for offset in range(12)]

        async def committed() -> list[int]:
            return [one.offset for one in await meta.committed("view")]

        if name == "kafka":
            with pytest.raises(UserFault, match="point its consumers at those of line"):
                await promote.promote(meta, done, creator="ana", now_ms=T0 + 5)
            assert await committed() == [12]
            return
        handover = await promote.promote(meta, done, creator="ana", now_ms=T0 + 5)
        assert handover.former_line is None and await committed() == [20]
        with pytest.raises(UserFault, match="was promoted already"):
            await promote.promote(meta, done, creator="ana", now_ms=T0 + 5)
        await promote.undo(meta, done, creator="ana", now_ms=T0 + 6)
        assert await committed() == [12]

    if name == "http":
        play(lambda stage: story(stage, Http(f"http:{tmp_path}/effects.db")))
        return
    with BrokerThread(tmp_path / "elsewhere") as broker:
        play(lambda stage: story(stage, Kafka(f"kafka:{broker.address}/totals.positions")))


def test_what_cannot_be_staged_is_refused_before_anything_is_made(
    play: Any, tmp_path: Path
) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights", partitions=1)
        await stage.commit("view", topic, {0: 10}, T0)
        source = Source(
            topic_id_text(stage.metastore.cluster_id), topic_id_text(topic.id), "flights"
        )
        meter = Meter.open(
            f"{tmp_path}/l.db", "rows", SinkClass.APPEND, {"flights": source}, environ={}
        )
        with meter.batch() as batch:
            batch.offer("flights", 0, 0)
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0, creator="ana", from_start=True
        )
        with pytest.raises(UserFault, match="no lines to be filled beside the live one"):
            await replay.prepare(
                stage.log, plan, token="bbbb", now_ms=T0, command=("true",), bootstrap="",
                creator="ana", sink=f"meter:{tmp_path}/l.db#rows",
            )  # fmt: skip
        await asyncio.sleep(0)
        assert [t.name for t in await stage.metastore.topics()] == ["flights"]

    play(story)
