"""Replays are slowed, paused and survive what dies beside them."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import pytest
from msgspec import structs

from anabranch.errors import StoreFault, UserFault
from anabranch.log.topic_limits import BYTES, RECORDS
from anabranch.metastore.api import Endpoint, Topic
from anabranch.recovery.replays import places, processes, replay, runner, sessions, signals
from anabranch.recovery.replays.guards import Guards
from anabranch.recovery.replays.replay_metrics import ReplayCollector
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.replays.steering import BranchRates, Governor

from .scene import T0, Scene
from .test_replay import Bench


async def branch_of(stage: Scene, session: Session) -> Topic:
    (name,) = [branch.branch for branch in session.branches]
    return next(topic for topic in await stage.metastore.topics() if topic.name == name)


async def until(true: Any) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def told(stage: Scene, session: Session, configs: dict[str, str]) -> None:
    """Until the brokers were told these."""
    async with asyncio.timeout(60):
        while not configs.items() <= (await branch_of(stage, session)).configs.items():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def test_a_paused_replay_is_given_nothing_and_goes_on_where_it_was(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "50", "--how", "idle")
        with pytest.raises(UserFault, match="nobody runs replay"):
            await sessions.request_pause(stage.metastore, session, T0)
        run = bench.runner(session)
        task = asyncio.ensure_future(run.run())
        await until(lambda: run.session.samples)
        pid = run.session.runs[-1].process.pid  # type: ignore[union-attr]
        await sessions.request_pause(stage.metastore, run.session, T0)
        await until(lambda: run.session.status is Status.PAUSED)
        await until(lambda: run.current is not None and run.current.paused)
        await told(stage, session, {BYTES: "0"})
        stored = await replay.find(stage.metastore, session.id)
        assert stored.status is Status.PAUSED and stored.decisions[-1].target == 0
        assert run.session.runs[-1].process.pid == pid  # type: ignore[union-attr]
        assert await sessions.has_runner(stage.metastore, session)
        await sessions.request_unpause(stage.metastore, session)
        await told(stage, session, {BYTES: str(1 << 30)})
        await sessions.request_cancel(stage.metastore, run.session, T0)
        assert (await task).status is Status.CANCELLED

    play(story)


def test_pressure_slows_the_branch_and_calm_brings_it_back(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "STEP_MS", 50)
    monkeypatch.setattr(runner, "POLL_S", 0.02)
    pressure = 3.0

    async def story(stage: Scene) -> None:
        nonlocal pressure
        bench = await Bench.make(stage)
        command = (sys.executable, "-c", "import time; time.sleep(600)")
        session = await replay.prepare(
            stage.log, bench.plan, token="bbbb", now_ms=T0, command=command, bootstrap="",
            creator="ana", rate=1 << 20, record_rate=1000, floor=1 << 18,
            guards=Guards(enabled=True, late_ratio=None), niceness=3,
        )  # fmt: skip
        run = replay.Runner(
            stage.metastore, session, output=stage.data / "replay.log", environ=os.environ,
            probes=[signals.SinkCallback(lambda: pressure)], store=stage.log.store,
        )  # fmt: skip
        task = asyncio.ensure_future(run.run())
        await until(lambda: run.session.allowed == 1 << 18)
        await until(lambda: run.session.saturation)
        await told(stage, session, {BYTES: str(1 << 18), RECORDS: "250"})
        pid = run.session.runs[-1].process.pid  # type: ignore[union-attr]
        mine = os.getpriority(os.PRIO_PROCESS, 0)
        assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, mine + 3)
        first = run.session.decisions[0]
        assert (first.source, first.cause) == (1 << 19, "sink pressure 3 of 1")
        last = run.session.saturation[-1]
        assert last.sink == 3.0 and last.broker is None and last.store is not None
        pressure = 0.2
        await until(lambda: run.session.allowed == 1 << 20)
        assert run.session.decisions[-1].cause == "the live side is calm"
        figures = {
            sample.name: sample.value
            for family in ReplayCollector(lambda: (run.session, run.current)).collect()
            for sample in family.samples
        }
        assert figures["anabranch_replay_allowed_bytes_per_second"] == 1 << 20
        assert figures["anabranch_replay_records_left"] == 110
        await sessions.request_cancel(stage.metastore, run.session, T0)
        cancelled = await task
        assert cancelled.decisions == (await replay.find(stage.metastore, session.id)).decisions

    play(story)


def test_a_command_that_dies_on_its_way_is_started_again(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RESTART_PAUSE_S", 0.01)

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        # Each run does 30 records more, loses the commit of the last ten, and is killed.
        session = await bench.prepare("--stop-after", "30", "--how", "kill")
        done = await bench.runner(structs.replace(session, restarts=9)).run()
        assert done.status is Status.COMPLETED
        assert [run.exit_status for run in done.runs[:-1]] == [-9] * (len(done.runs) - 1)
        assert len(done.runs) >= 3
        assert bench.rows(f"seen@{session.id}") == [(p, o) for p in (0, 1) for o in range(100)]

    play(story)


def test_a_command_that_fails_without_getting_on_is_not_started_for_ever(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RESTART_PAUSE_S", 0.01)

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        failing = await bench.prepare("--stop-after", "0", "--how", "error")
        failed = await bench.runner(structs.replace(failing, restarts=9)).run()
        assert failed.status is Status.FAILED and len(failed.runs) == 1
        killed = await bench.runner(
            structs.replace(failed, restarts=2, command=(*failed.command[:-1], "kill"))
        ).run()
        assert killed.status is Status.FAILED and len(killed.runs) == 1 + 3

    play(story)


def test_a_resume_stops_the_command_that_outlived_its_runner(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "50", "--how", "idle")
        run = bench.runner(session)
        task = asyncio.ensure_future(run.run())
        await until(lambda: run.session.samples and run.session.samples[-1].records_left <= 60)
        await until(lambda: run.session.ticked_ms > 0)
        orphan = run.session.runs[-1].process
        assert orphan is not None and processes.lives(orphan)
        # As if the runner had been killed: what it stored is all there is, and the lease ran out.
        left_behind = run.session
        resumed = structs.replace(left_behind, command=left_behind.command[:3])
        held = run._holder
        await stage.metastore.release_lease(f"replay:{session.id}", held)
        done = await bench.runner(resumed).run()
        assert done.status is Status.COMPLETED and not processes.lives(orphan)
        assert bench.rows(f"seen@{session.id}") == [(p, o) for p in (0, 1) for o in range(100)]
        with pytest.raises(runner.LostLease):
            await task
        assert (await replay.find(stage.metastore, session.id)).status is Status.COMPLETED

    play(story)


def test_a_runner_that_lost_its_lease_stops_and_leaves_the_document_alone(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "SAVE_EVERY_MS", 50)

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "0", "--how", "idle")
        run = bench.runner(session)
        task = asyncio.ensure_future(run.run())
        await until(lambda: run.session.samples)
        await stage.metastore.release_lease(f"replay:{session.id}", run._holder)
        assert await sessions.take_lease(stage.metastore, session, "another")
        with pytest.raises(runner.LostLease, match="another runner took over"):
            await task
        assert (await replay.find(stage.metastore, session.id)).status is Status.RUNNING
        process = run.session.runs[-1].process
        assert process is not None and not processes.lives(process)

    play(story)


def test_a_metastore_that_is_away_for_a_moment_does_not_end_a_replay(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "POLL_S", 0.02)

    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare()
        run = bench.runner(session)
        remaining, faults = run._remaining, iter(range(20))

        async def sometimes() -> Any:
            if run.session.samples and next(faults, None) is not None:
                raise StoreFault("the database restarts")
            return await remaining()

        monkeypatch.setattr(run, "_remaining", sometimes)
        assert (await run.run()).status is Status.COMPLETED
        assert next(faults, None) is None

    play(story)


def test_the_rate_is_divided_among_branches_and_brokers(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = structs.replace(await bench.prepare(), record_rate=500, rate=1000)
        now_ms = await stage.metastore.now_ms()
        for port in (1, 2, 3):
            row = await stage.metastore.register_broker(
                20 + port, "h", port, now_ms, lane="recovery"
            )
            await stage.metastore.beat_broker(
                row.broker_id, row.epoch, now_ms, late_percent=0, cold_bytes_per_second=0
            )
        rates = BranchRates(stage.metastore, session)
        await rates.set(1000, {}, now_ms)
        configs = (await branch_of(stage, session)).configs
        assert (configs[BYTES], configs[RECORDS]) == ("500", "250")  # two partitions: two of them
        assert configs["retention.ms"] == "-1"
        before = await stage.metastore.topics()
        await rates.set(1010, {}, now_ms)
        assert await stage.metastore.topics() == before  # not worth telling

    play(story)


def test_only_who_reads_is_slowed_for_live_appends_and_an_own_broker_sees_to_it_itself(
    play: Any,
) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = structs.replace(await bench.prepare(), rate=100 << 20)
        now_ms = await stage.metastore.now_ms()
        row = await stage.metastore.register_broker(31, "h", 9092, now_ms, lane="live")
        await stage.metastore.beat_broker(
            31, row.epoch, now_ms, late_percent=500, cold_bytes_per_second=0
        )

        def governor(own_broker: bool) -> Governor:
            probe = signals.LiveAppends(stage.metastore, 1.2)
            return Governor(structs.replace(session, own_broker=own_broker), [probe])

        begins = governor(False)
        for _ in range(5):
            step = await begins.step(now_ms, None)  # its processes start
        assert step.rate == 100 << 20 and step.saturation.broker is not None
        for _ in range(5):
            step = await begins.step(now_ms, 90 << 20)
        assert step.rate < 20 << 20
        own = governor(True)
        for _ in range(5):
            step = await own.step(now_ms, 90 << 20)
        assert step.rate == 100 << 20 and step.saturation.broker is not None

    play(story)


def test_a_lane_is_chosen_by_name_else_recovery_before_live(play: Any) -> None:
    async def story(stage: Scene) -> None:
        metastore = stage.metastore
        now_ms = await metastore.now_ms()

        async def lives(number: int, lane: str) -> None:
            row = await metastore.register_broker(number, f"h{number}", 9092, now_ms, lane=lane)
            await metastore.beat_broker(
                row.broker_id, row.epoch, now_ms, late_percent=0, cold_bytes_per_second=0
            )

        await lives(31, "live")
        await lives(32, "batch")
        assert (await places.choose(metastore, now_ms)).bootstrap == "h31:9092"
        with pytest.raises(
            UserFault, match=r"no broker of lane recovery runs; there are .*batch, live"
        ):
            await places.choose(metastore, now_ms, lane="recovery")
        await lives(33, "recovery")
        assert await places.choose(metastore, now_ms) == ("h33:9092", "PLAINTEXT", "recovery")
        assert await places.choose(metastore, now_ms, lane="batch") == (
            "h32:9092",
            "PLAINTEXT",
            "batch",
        )

    play(story)


def test_cancelling_a_replay_whose_runner_died_stops_its_command(play: Any) -> None:
    async def story(stage: Scene) -> None:
        bench = await Bench.make(stage)
        session = await bench.prepare("--stop-after", "0", "--how", "idle")
        run = bench.runner(session)
        task = asyncio.ensure_future(run.run())
        await until(lambda: run.session.runs and run.session.runs[-1].process)
        left_behind, held = run.session, run._holder
        process = left_behind.runs[-1].process
        assert process is not None
        # As if the runner had been killed and its lease had run out.
        await stage.metastore.release_lease(f"replay:{session.id}", held)
        await sessions.request_cancel(stage.metastore, left_behind, T0)
        assert not processes.lives(process)
        assert (await replay.find(stage.metastore, session.id)).status is Status.CANCELLED
        await asyncio.gather(task, return_exceptions=True)

    play(story)


def test_a_session_shares_live_brokers_only_where_that_is_said(play: Any) -> None:
    async def story(stage: Scene) -> None:
        metastore = stage.metastore
        now_ms = await metastore.now_ms()

        async def lives(number: int, lane: str, *protocols: str) -> None:
            endpoints = tuple(Endpoint(one, one, f"h{number}", 9092) for one in protocols)
            row = await metastore.register_broker(
                number, f"h{number}", 9092, now_ms, lane=lane, endpoints=endpoints
            )
            await metastore.beat_broker(
                row.broker_id, row.epoch, now_ms, late_percent=0, cold_bytes_per_second=0
            )

        async def shared(**wanted: Any) -> str | None:
            place = await places.shared(metastore, now_ms, **wanted)
            return None if place is None else place.bootstrap

        assert await shared() is None, "its own broker needs no other"
        await lives(31, "live", "PLAINTEXT", "SASL_SSL")
        assert await shared() is None
        assert await shared(lane="live") == await shared(listener="PLAINTEXT") == "h31:9092"
        await lives(32, "live", "SASL_SSL", "SSL")
        assert await shared() is not None, "its own broker would ask nobody who he is"
        await lives(33, "recovery", "PLAINTEXT")
        assert await shared() == "h33:9092"
        assert await shared(together=True) is None, "one broker has to serve all inputs"
        assert await shared(together=True, lane="recovery") == "h33:9092"

    play(story)
