"""Replays run to their end, resume where they were, and hand over without a gap or a duplicate."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest

from anabranch.cli._options import parse_sink
from anabranch.errors import UserFault
from anabranch.metastore.api import OffsetAction
from anabranch.recovery.capture import points
from anabranch.recovery.checks.verify import Relation, compare
from anabranch.recovery.evidence import report
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.promotion import promote
from anabranch.recovery.replays import replay
from anabranch.recovery.replays.function import replay_function
from anabranch.recovery.replays.session import Progress, Session, Status
from anabranch.recovery.sinks import lines
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

from .command import TABLES
from .scene import T0, Scene

COMMAND = str(Path(__file__).parent / "command.py")


class Bench:
    """A live view that was good up to 40/50 (its sink 5 ahead of the group), then went wrong."""

    def __init__(self, stage: Scene, topic: Any, sink: Path, plan: Plan) -> None:
        self.stage, self.topic, self.sink, self.plan = stage, topic, sink, plan

    @classmethod
    async def make(cls, stage: Scene) -> Bench:
        topic = await stage.topic("flights")
        path = stage.data.parent / "view.db"
        identity = Source(
            topic_id_text(stage.metastore.cluster_id), topic_id_text(topic.id), "flights"
        )
        live = SqliteSink.open(path, TABLES, {"flights": identity})
        cls.work(live, 0, 0, 45)
        cls.work(live, 1, 0, 50)
        await stage.commit("view", topic, {0: 40, 1: 50}, T0 + 100)
        checkpoint = lines.take_checkpoint(path, path.with_name("checkpoint.db"))
        point = await points.capture(
            stage.metastore, token="aaaa", name="good", now_ms=T0 + 150, group="view",
            sinks=[parse_sink(f"sqlite:{path}")], checkpoint=checkpoint,
        )  # fmt: skip
        cls.work(live, 0, 45, 100)
        cls.work(live, 1, 50, 100)
        await stage.commit("view", topic, {0: 100, 1: 100}, T0 + 300)
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0 + 400, creator="ana", point=point,
            sinks=[parse_sink(f"sqlite:{path}")], rate=1 << 30,
        )  # fmt: skip
        return cls(stage, topic, path, plan)

    @staticmethod
    def work(
        sink: SqliteSink, partition: int, start: int, end: int, topic: str = "flights"
    ) -> None:
        with sink.transaction() as tx:
            for offset in range(start, end):
                if tx.fresh(topic, partition, offset):
                    tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, ?)", (partition, offset))

    async def prepare(self, *options: str, data: Path | None = None) -> Session:
        command = (sys.executable, COMMAND, str(data or self.stage.data), *options)
        return await replay.prepare(
            self.stage.log, self.plan, token="bbbb", now_ms=T0 + 500, command=command,
            bootstrap="127.0.0.1:9092", creator="ana", sink=self.sink,
        )  # fmt: skip

    def runner(self, session: Session, seen: list[Progress] | None = None) -> replay.Runner:
        import os

        return replay.Runner(
            self.stage.metastore, session, output=self.stage.data / "replay.log",
            environ=os.environ, on_progress=(seen if seen is not None else []).append,
        )  # fmt: skip

    def rows(self, table: str) -> list[tuple[int, int]]:
        with sqlite3.connect(self.sink) as connection:
            return connection.execute(f'SELECT * FROM "{table}" ORDER BY 1, 2').fetchall()


def test_prepare_touches_nothing_live_and_starts_exactly(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        before = (lines.offsets(bench.sink), await stage.metastore.committed("view"))
        session = await bench.prepare()
        assert (lines.offsets(bench.sink), await stage.metastore.committed("view")) == before
        branch = stage.log.catalogue.topic("flights.r-20231114-221320-bbbb")
        assert branch is not None and branch.origin is not None
        assert branch.configs["fetch.bytes.per.second"] == str(1 << 30)
        assert branch.configs["retention.ms"] == "-1"
        starts = await stage.metastore.committed(session.group)
        assert [(c.topic_no, c.partition, c.offset) for c in starts] == [
            (branch.no, 0, 40),
            (branch.no, 1, 50),
        ]
        (change, _) = await stage.metastore.offset_history(session.group)
        assert change.action is OffsetAction.RESET and session.plan in change.actor.reason
        staged = lines.offsets(bench.sink, session.id)
        assert [row.next_offset for row in staged] == [45, 50]
        assert len(bench.rows(f"seen@{session.id}")) == 95
        await replay.discard(stage.log, session, T0 + 600)
        assert await stage.metastore.group(session.group) is None
        assert stage.log.catalogue.topic("flights.r-20231114-221320-bbbb") is None

    play(story)


def test_forecast_equals_what_the_sink_measured_and_promotion_joins_exactly(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        (forecast,) = [f for f in bench.plan.forecasts if f.who == "sink"]
        assert (forecast.on_branch.duplicates, forecast.on_branch.suppressed) == (0, 5)
        await stage.produce(bench.topic, 0, 30)  # live traffic goes on
        await stage.commit("view", bench.topic, {0: 130}, T0 + 450)
        seen: list[Progress] = []
        session = await bench.runner(await bench.prepare(), seen).run()
        assert (session.status, session.error) == (Status.COMPLETED, "")
        assert seen[0].records_left == 110 and seen[-1].finished
        staged = lines.offsets(bench.sink, session.id)
        assert [(r.next_offset, r.applied, r.suppressed, r.skipped) for r in staged] == [
            (100, 55, 5, 0),
            (100, 50, 0, 0),
        ]
        assert bench.rows(f"seen@{session.id}") == [(p, o) for p in (0, 1) for o in range(100)]

        handover = await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 900)
        assert promote.moved(handover) == {
            (topic_id_text(bench.topic.id), 0): -30,
            (topic_id_text(bench.topic.id), 1): 0,
        }
        committed = {c.partition: c.offset for c in await stage.metastore.committed("view")}
        assert committed == {0: 100, 1: 100}
        (newest, *_) = await stage.metastore.offset_history("view", partition=0, limit=1)
        assert (newest.action, newest.old, newest.new) == (OffsetAction.PROMOTE, 130, 100)
        assert [r.next_offset for r in lines.offsets(bench.sink)] == [100, 100]

        with pytest.raises(UserFault, match="promoted already"):
            await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 950)
        undone = await promote.undo(stage.metastore, session, creator="ana", now_ms=T0 + 960)
        assert undone.undone_ms == T0 + 960
        committed = {c.partition: c.offset for c in await stage.metastore.committed("view")}
        assert committed == {0: 130, 1: 100}
        with pytest.raises(UserFault, match="no promotion"):
            await promote.undo(stage.metastore, session, creator="ana", now_ms=T0 + 970)
        again = await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 980)
        assert again.tables == ("seen",)

    play(story)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("exit", "status 0 before the end offsets: 60 records left"),
        ("error", "its last words: the enrichment table is missing"),
        ("kill", "ended with signal 9"),
    ],
)
def test_a_command_that_stops_early_fails_clearly_and_resumes_without_an_extra_effect(
    play: Any, how: str, sentence: str
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        failed = await bench.runner(await bench.prepare("--stop-after", "50", "--how", how)).run()
        assert failed.status is Status.FAILED and sentence in failed.error
        with pytest.raises(UserFault, match="not completed"):
            await promote.promote(stage.metastore, failed, creator="ana", now_ms=T0)
        found = await replay.find(stage.metastore, failed.id)
        assert found == failed

        from msgspec import structs

        resumed = structs.replace(found, command=found.command[:3])
        session = await bench.runner(resumed).run()
        assert session.status is Status.COMPLETED and len(session.runs) == 2
        assert bench.rows(f"seen@{session.id}") == [(p, o) for p in (0, 1) for o in range(100)]
        staged = lines.offsets(bench.sink, session.id)
        # The ten records whose commit was lost came again, and were turned away.
        assert sum(row.suppressed for row in staged) == 5 + 10
        assert sum(row.applied for row in staged) == 105
        with pytest.raises(UserFault, match="nothing to resume"):
            await bench.runner(session).run()

    play(story)


def test_a_dead_runner_is_resumed_and_a_living_one_is_not_doubled(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "50", "--how", "idle")
        runner = bench.runner(session)
        task = asyncio.ensure_future(runner.run())
        while not (runner.session.samples and runner.session.samples[-1].records_left <= 60):
            await asyncio.sleep(0.05)
            assert not task.done(), task.result()
        with pytest.raises(UserFault, match="running already"):
            await bench.runner(session).run()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        found = await replay.find(stage.metastore, session.id)
        assert found.status is Status.INTERRUPTED and "--resume" in found.error

        from msgspec import structs

        finished = await bench.runner(structs.replace(found, command=found.command[:3])).run()
        assert finished.status is Status.COMPLETED
        assert bench.rows(f"seen@{session.id}") == [(p, o) for p in (0, 1) for o in range(100)]

    play(story)


def test_cancel_stops_a_running_session(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "0", "--how", "idle")
        runner = bench.runner(session)
        task = asyncio.ensure_future(runner.run())
        while not runner.session.samples:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        await replay.request_cancel(stage.metastore, runner.session, T0)
        cancelled = await task
        assert cancelled.status is Status.CANCELLED
        with pytest.raises(UserFault, match="cancelled"):
            await bench.runner(cancelled).run()
        with pytest.raises(UserFault, match="cancelled already"):
            await replay.request_cancel(stage.metastore, cancelled, T0)
        idle = await replay.prepare(
            stage.log, bench.plan, token="cccc", now_ms=T0 + 500, command=("true",),
            bootstrap="", creator="ana",
        )  # fmt: skip
        await replay.request_cancel(stage.metastore, idle, T0 + 600)
        assert (await replay.find(stage.metastore, idle.id)).status is Status.CANCELLED

    play(story)


def test_offsets_without_effects_are_not_promoted(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.runner(await bench.prepare("--no-effects")).run()
        assert session.status is Status.COMPLETED
        with pytest.raises(UserFault, match="committed offsets without their effects"):
            await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 900)

    play(story)


def test_a_group_with_members_is_not_promoted_to(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.runner(await bench.prepare()).run()
        row = await stage.metastore.group("view")
        assert row is not None
        from msgspec import structs

        await stage.metastore.save_group(structs.replace(row, state="Stable"))
        with pytest.raises(UserFault, match="stop its consumers first"):
            await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 900)

    play(story)


def test_prepare_refuses_what_cannot_be_carried_out(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        await stage.log.delete_records(bench.topic, 0, 60)
        with pytest.raises(UserFault, match="log start has passed the planned restart 40"):
            await bench.prepare()
        assert [line.name for line in lines.lines(bench.sink)] == ["live"]
        assert [topic.name for topic in stage.log.catalogue.topics()] == ["flights"]
        (bench.sink.with_name("checkpoint.db")).write_bytes(b"changed")
        with pytest.raises(UserFault, match="SHA-256 differs"):
            await bench.prepare()
        await stage.log.delete_topic(bench.topic)
        await stage.topic("flights")
        (bench.sink.with_name("checkpoint.db")).unlink()
        with pytest.raises(UserFault, match="is gone"):
            await bench.prepare()

    play(story)


def test_report_judges_what_was_measured(play: Any, tmp_path: Path) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.runner(await bench.prepare()).run()
        staged = lines.offsets(bench.sink, session.id)
        rows = bench.rows(f"seen@{session.id}")
        truth = [(p, o) for p in (0, 1) for o in range(100)]
        same = compare(
            Relation("staging", ("partition", "at"), rows),
            Relation("truth", ("partition", "at"), truth),
            key=["partition", "at"],
        )
        handover = await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 900)

        def make(**changes: Any) -> report.Report:
            values: dict[str, Any] = {
                "scenario": "wrong <key>",
                "created_ms": T0 + 1000,
                "creator": "ana",
                "host": "here",
                "tool_version": "0",
                "plan": bench.plan,
                "point": None,
                "session": session,
                "handover": handover,
                "comparisons": [report.Comparison("truth", True, same)],
                "latencies": [
                    report.percentiles("before", [5.0] * 100),
                    report.percentiles("during", [9.0] * 100),
                ],
                "sink_counts": [
                    report.SinkCount(
                        "sqlite:view.db",
                        session.id,
                        sum(r.applied for r in staged),
                        sum(r.suppressed for r in staged),
                        sum(r.skipped for r in staged),
                    )
                ],
                "events": [report.Event("planned", T0)],
                "previous": None,
                **changes,
            }
            return report.assemble(**values)

        def live(before: float, during: float, count: int = 100) -> list[report.Latency]:
            return [
                report.percentiles("before", [before] * count),
                report.percentiles("during", [during] * count),
            ]

        for latencies, objective, passed, words in (
            (live(5, 49), 50, True, "kept to its objective"),
            (live(30, 51), 50, False, "live traffic paid for it"),
            (live(30, 51), 60, True, "kept to its objective"),
            (live(90, 91), 50, False, "missed its objective before the replay"),
            (live(90, 45), 50, True, "kept to its objective"),
            (live(5, 9, count=99), 50, False, "too few live samples"),
            ([], 50, True, "was not measured"),
        ):
            answer = make(latencies=latencies, live_p99_ms_max=objective).answers[3]
            assert answer.passed is passed and words in answer.sentence
        assert dict(make().answers[3].facts)["Live produce p99 during"] == "9.0 ms (100 samples)"

        good = make()
        assert good.passed and [answer.passed for answer in good.answers] == [True] * 4
        assert "0 duplicate effects, 5 repeats suppressed" in good.answers[2].sentence
        html, plain = await report.save(stage.metastore, good, tmp_path)
        page = html.read_text()
        assert "wrong &lt;key&gt;" in page and "$" not in page and "<script" not in page
        assert 'lang="en"' in page and "prefers-color-scheme: dark" in page
        assert good.hash in page and good.hash in plain.read_text()

        counted = make().sink_counts[0]
        from msgspec import structs

        failing = {
            0: make(plan=structs.replace(bench.plan, partitions=(
                structs.replace(bench.plan.partitions[0], lost=3),
            ))),
            1: make(sink_counts=[structs.replace(counted, skipped=1)]),
            2: make(sink_counts=[structs.replace(counted, applied=106)]),
            3: make(latencies=live(30.0, 51.0)),
        }  # fmt: skip
        for number, bad in failing.items():
            assert not bad.passed
            assert [answer.passed for answer in bad.answers].index(False) == number
        unverified = make(comparisons=[])
        assert not unverified.passed and all(answer.passed for answer in unverified.answers)

        second = make(previous=(good.id, good.hash), created_ms=T0 + 2000)
        assert report.broken_links([good, second]) == []
        assert report.broken_links([second]) == [f"{second.id} does not follow nothing"]
        forged = structs.replace(good, creator="somebody else")
        assert (
            report.broken_links([forged, second])[0] == f"{good.id} was changed after it was made"
        )

    play(story)


def test_percentiles_are_nearest_rank() -> None:
    latency = report.percentiles("x", [float(n) for n in range(1, 101)])
    assert (latency.p50_ms, latency.p99_ms, latency.max_ms, latency.samples) == (50, 99, 100, 100)
    assert report.percentiles("x", [7.0]).p99_ms == 7 and report.percentiles("x", []).samples == 0


def test_function_over_arrow_fails_resumes_and_keeps_its_rate(play: Any) -> None:
    made: list[Bench] = []

    async def story(stage: Scene) -> None:
        made.append(await Bench.make(stage))

    play(story)
    (bench,) = made
    data, seen, slept = bench.stage.data, [], []

    def collect(batch: Any) -> None:
        if batch["partition"][0].as_py() == 1 and not slept_enough:
            raise ValueError("enrichment failed")
        seen.extend(zip(batch["partition"].to_pylist(), batch["offset"].to_pylist(), strict=True))

    slept_enough = False
    with pytest.raises(ValueError, match="enrichment failed"):
        replay_function(data, bench.plan.id, collect, rate=100, sleep=slept.append)
    assert seen == [(0, offset) for offset in range(40, 100)]
    bytes_done = bench.plan.partitions[0].volume.bytes
    assert slept and sum(slept) == pytest.approx(bytes_done / 100, rel=0.2)

    async def newest() -> Session:
        from .scene import scene

        async with scene(data) as stage:
            return (await replay.stored(stage.metastore))[-1]

    failed = asyncio.run(newest())
    assert failed.status is Status.FAILED and failed.error == "ValueError: enrichment failed"
    slept_enough = True
    session = replay_function(data, None, collect, resume=failed.id, sleep=slept.append)
    assert session.status is Status.COMPLETED and session.samples[-1].records_left == 0
    assert seen == [(0, o) for o in range(40, 100)] + [(1, o) for o in range(50, 100)]
    with pytest.raises(UserFault, match="nothing to resume"):
        replay_function(data, None, collect, resume=failed.id)
    with pytest.raises(UserFault, match="name the plan"):
        replay_function(data, None, collect)


def test_a_promotion_that_dies_between_the_two_stores_loses_nothing_and_is_completed(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        await stage.produce(bench.topic, 0, 30)  # the live group and its view went on to 130
        identity = Source(bench.plan.cluster_id, topic_id_text(bench.topic.id), "flights")
        live = SqliteSink.open(bench.sink, TABLES, {"flights": identity})
        bench.work(live, 0, 100, 130)
        await stage.commit("view", bench.topic, {0: 130}, T0 + 450)
        session = await bench.runner(await bench.prepare()).run()

        stores: list[str] = []

        def reach(store: str) -> None:
            if stores:
                raise OSError("died")
            stores.append(store)

        swap, commit = lines.promote, promote._commit

        def dying_swap(*arguments: Any) -> Any:
            reach("tables")
            return swap(*arguments)

        async def dying_commit(*arguments: Any) -> None:
            reach("offsets")
            await commit(*arguments)

        with monkeypatch.context() as patch:
            patch.setattr(lines, "promote", dying_swap)
            patch.setattr(promote, "_commit", dying_commit)
            with pytest.raises(OSError, match="died"):
                await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 900)
        committed = {c.partition: c.offset for c in await stage.metastore.committed("view")}
        tables = {row.partition: row.next_offset for row in lines.offsets(bench.sink)}
        assert all(tables[p] >= offset for p, offset in committed.items()), "a gap in between"

        done = await promote.promote(stage.metastore, session, creator="ana", now_ms=T0 + 950)
        assert done.tables == ("seen",) and len(bench.rows("seen")) == 200
        assert [position.offset for position in done.before] == [130, 100]

    play(story)
