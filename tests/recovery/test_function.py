"""Functions over Arrow: in several processes, in event-time order, paused, slowed, cancelled, resumed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.capture import points
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.replays import feeding, keeping, runner, sessions
from anabranch.recovery.replays import function as function_module
from anabranch.recovery.replays.function import replay_function
from anabranch.recovery.replays.keeping import Keeper
from anabranch.recovery.replays.session import Session, Status

from . import functions
from .scene import T0, Scene, scene


def planned(play: Any, *, stamps: dict[str, list[list[int]]] | None = None) -> tuple[Path, Plan]:
    """Two topics of two partitions, and a plan from their start. ``stamps``: event times by topic and partition,
    each a batch of its own."""
    made: list[tuple[Path, Plan]] = []

    async def story(stage: Scene) -> None:
        topics = []
        for name in ("alpha", "beta"):
            if stamps is None:
                topics.append(await stage.topic(name, records=40))
                continue
            topic = await stage.log.create_topic(name, len(stamps[name]), {"retention.ms": "-1"})
            topics.append(topic)
            for partition, times in enumerate(stamps[name]):
                for stamp in times:
                    blob = build_batch([Record(0, stamp, b"k", b"v", ())])
                    await stage.log.append(topic, partition, memoryview(bytearray(blob)))
        for topic in topics:
            await stage.commit("view", topic, dict.fromkeys(range(topic.partitions), 0), T0)
        point = await points.capture(
            stage.metastore, token="aaaa", name="start", now_ms=T0 + 1, group="view"
        )
        plan = await planning.plan_recovery(
            stage.metastore, group="view", now_ms=T0 + 2, creator="ana", point=point, rate=1 << 30
        )
        made.append((stage.data, plan))

    play(story)
    return made[0]


def stored(data: Path) -> list[Session]:
    async def look() -> list[Session]:
        async with scene(data) as stage:
            return await sessions.stored(stage.metastore)

    return asyncio.run(look())


@pytest.mark.parametrize("ordered", [True, False])
def test_processes_share_the_work_and_nothing_is_lost_or_doubled(play: Any, ordered: bool) -> None:
    data, plan = planned(play)
    found: list[tuple[str, int, int, int]] = []
    session = replay_function(
        data, plan.id, functions.offsets, processes=2, ordered=ordered, on_result=found.extend
    )
    assert session.status is Status.COMPLETED and session.kind == "function"
    names = [branch.branch for branch in session.branches]
    rows = [(topic, partition, offset) for topic, partition, offset, _ in found]
    assert sorted(rows) == [(t, p, o) for t in sorted(names) for p in (0, 1) for o in range(40)]
    import os

    assert os.getpid() not in {pid for *_, pid in found}
    if ordered:
        for name in names:
            for p in (0, 1):
                assert [o for t, q, o in rows if (t, q) == (name, p)] == list(range(40))


def test_a_failure_in_a_process_is_raised_here_and_resumed(
    play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, plan = planned(play)
    marker = tmp_path / "fail"
    marker.touch()
    monkeypatch.setenv("ANABRANCH_TEST_FAIL", str(marker))
    found: list[Any] = []
    work = functions.fails_while_there_is_a_file
    with pytest.raises(ValueError, match="enrichment failed") as raised:
        replay_function(data, plan.id, work, processes=1, on_result=found.extend)
    marker.unlink()
    (failed,) = stored(data)
    assert failed.status is Status.FAILED and "enrichment failed" in failed.error
    assert raised.value.__notes__ == [
        f"replay {failed.id} goes on from there: --resume {failed.id}"
    ]
    done = replay_function(data, None, work, resume=failed.id, processes=1, on_result=found.extend)
    assert done.status is Status.COMPLETED and len(done.runs) == 2
    rows = sorted((topic, partition, offset) for topic, partition, offset, _ in found)
    assert len(rows) == len(set(rows)) == 160


def test_a_function_that_cannot_be_sent_is_refused(play: Any) -> None:
    data, plan = planned(play)
    with pytest.raises(UserFault, match="define it in a module"):
        replay_function(data, plan.id, lambda batch: None, processes=2)
    with pytest.raises(UserFault, match="10000 processes"):
        replay_function(data, plan.id, functions.offsets, processes=10_000)
    with pytest.raises(UserFault, match="needs in_event_order"):
        replay_function(data, plan.id, functions.offsets, pace=1.0)
    with pytest.raises(UserFault, match="one stream"):
        replay_function(data, plan.id, functions.offsets, in_event_order=True, processes=2)
    assert stored(data) == []


def test_event_time_order_across_topics_with_stated_lateness(play: Any) -> None:
    stamps = {
        "alpha": [[T0, T0 + 30, T0 + 20, T0 + 60], [T0 + 10, T0 + 50]],
        "beta": [[T0 + 15, T0 + 40], []],
    }
    data, plan = planned(play, stamps=stamps)
    seen: list[tuple[int, str, int]] = []

    def collect(batch: Any) -> None:
        times = batch["timestamp"].cast("int64").to_pylist()
        topics = [name.split(".")[0] for name in batch["topic"].to_pylist()]
        seen.extend(zip(times, topics, batch["offset"].to_pylist(), strict=True))

    session = replay_function(data, plan.id, collect, in_event_order=True)
    assert session.status is Status.COMPLETED
    assert [(at - T0, topic, offset) for at, topic, offset in seen] == [
        (0, "alpha", 0), (10, "alpha", 0), (15, "beta", 0), (30, "alpha", 1), (20, "alpha", 2),
        (40, "beta", 1), (50, "alpha", 1), (60, "alpha", 3),
    ]  # fmt: skip
    assert (session.late_records, session.late_ms_max) == (1, 10)


def test_recorded_pace_waits_for_the_events_own_time(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    stands = SimpleNamespace(monotonic=lambda: 7.0, perf_counter=time.perf_counter)
    monkeypatch.setattr(feeding, "time", stands)
    stamps = {"alpha": [[T0, T0 + 4_000]], "beta": [[T0 + 1_000, T0 + 2_000]]}
    data, plan = planned(play, stamps=stamps)
    slept: list[float] = []
    session = replay_function(
        data, plan.id, lambda batch: None, in_event_order=True, pace=2.0, sleep=slept.append
    )
    assert session.status is Status.COMPLETED
    # Each wait is for what is missing then, and no time passes here: 0.5 + 1 + 2 s.
    assert sum(slept) == pytest.approx(3.5)


@pytest.fixture
def keepers(monkeypatch: pytest.MonkeyPatch) -> list[Keeper]:
    """Those that the functions of a test had."""
    made: list[Keeper] = []

    def make(*args: Any) -> Keeper:
        made.append(Keeper(*args))
        return made[-1]

    monkeypatch.setattr(function_module, "Keeper", make)
    return made


def until(condition: Callable[[], Any]) -> None:
    """The keeper works in another thread, and every now and then."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Elsewhere:
    """Another terminal, beside a function that runs in this thread."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def do(self, work: Any) -> None:
        async def there() -> None:
            async with scene(self._data) as stage:
                (session,) = await sessions.stored(stage.metastore)
                await work(stage.metastore, session)

        thread = threading.Thread(target=lambda: asyncio.run(there()))
        thread.start()
        thread.join()


def test_a_function_is_paused_and_cancelled_from_elsewhere_and_not_doubled(
    play: Any, monkeypatch: pytest.MonkeyPatch, keepers: list[Keeper]
) -> None:
    monkeypatch.setattr(keeping, "STEP_MS", 30)
    monkeypatch.setattr(function_module, "WAIT_S", 0.02)
    data, plan = planned(play)
    elsewhere = Elsewhere(data)
    said: list[str] = []
    batches = 0

    def work(batch: Any) -> None:
        nonlocal batches
        batches += 1
        if batches == 2:
            elsewhere.do(lambda m, s: sessions.request_pause(m, s, T0))
            with pytest.raises(UserFault, match="running already"):
                replay_function(data, None, work, resume=stored(data)[0].id)
            until(lambda: keepers[0].paused)
            threading.Thread(target=later).start()
        if batches == 3:
            elsewhere.do(lambda m, s: sessions.request_cancel(m, s, T0))
            until(lambda: keepers[0].cancelled)

    def later() -> None:
        async def unpause(metastore: Metastore, session: Session) -> None:
            if session.status is Status.PAUSED:
                await sessions.request_unpause(metastore, session)
                said.append(session.status)

        while not said:
            elsewhere.do(unpause)

    session = replay_function(data, plan.id, work)
    assert said == ["paused"] and batches == 3
    assert session.status is Status.CANCELLED
    causes = [one.cause for one in session.decisions]
    assert causes == ["paused by request", "resumed by request"]
    with pytest.raises(UserFault, match="nothing to resume"):
        replay_function(data, None, work, resume=session.id)


def test_pressure_slows_a_function_and_is_kept(
    play: Any, monkeypatch: pytest.MonkeyPatch, keepers: list[Keeper]
) -> None:
    monkeypatch.setattr(keeping, "STEP_MS", 20)
    data, plan = planned(play)
    slept: list[float] = []

    def work(batch: Any) -> None:
        until(lambda: keepers[0].rate < 1 << 17)

    session = replay_function(
        data, plan.id, work, rate=1 << 20, floor=1 << 10, pressure=lambda: 4.0,
        sleep=slept.append, clock_ms=lambda: T0 + 10,
    )  # fmt: skip
    assert session.status is Status.COMPLETED
    assert session.allowed < 1 << 17 and session.decisions[0].cause == "sink pressure 4 of 1"
    assert any((one.sink or 0) >= 4 for one in session.saturation) and sum(slept) > 0


def test_a_function_whose_session_was_taken_stops_and_writes_nothing(
    play: Any, monkeypatch: pytest.MonkeyPatch, keepers: list[Keeper]
) -> None:
    monkeypatch.setattr(keeping, "STEP_MS", 20)
    data, plan = planned(play)

    def work(batch: Any) -> None:
        async def steal(metastore: Metastore, session: Session) -> None:
            lease = await metastore.acquire_lease(f"replay:{session.id}", "thief", 60_000, 1 << 60)
            assert lease

        Elsewhere(data).do(steal)
        until(lambda: keepers[0]._broken)

    with pytest.raises(runner.LostLease, match="another runner"):
        replay_function(data, plan.id, work)
    (session,) = stored(data)
    assert session.status is Status.RUNNING


def test_command(play: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from anabranch.cli.main import cli

    data, plan = planned(play)
    (tmp_path / "seen_by_test.py").write_text(
        "import pathlib\n"
        "def note(batch):\n"
        "    with pathlib.Path(__file__).with_suffix('.out').open('a') as out:\n"
        "        out.write('%d\\n' % batch.num_rows)\n"
    )
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str]:
        done = CliRunner(env={"ANABRANCH_DATA": str(data)}).invoke(cli, ["replay", *words])
        return done.exit_code, done.output

    status, said = run(
        plan.id, "--function", "seen_by_test:note", "--in-event-order", "--rate", "1g"
    )
    assert status == 0 and "completed" in said, said
    lines = (tmp_path / "seen_by_test.out").read_text().split()
    assert sum(map(int, lines)) == 160
    for words, sentence in (
        ((plan.id, "--function", "seen_by_test:none"), "has no attribute 'none'"),
        ((plan.id, "--function", "seen_by_test"), "is not MODULE:NAME"),
        (
            (plan.id, "--function", "seen_by_test:note", "--sink", "sqlite:x"),
            "--sink is of commands",
        ),
        ((plan.id, "--processes", "2", "--", "true"), "--processes is of functions"),
        (
            (plan.id, "--pace", "2x", "--bootstrap", "127.0.0.1:1", "--", "true"),
            "leave --bootstrap",
        ),
        ((plan.id, "--event-slack", "1s", "--own-broker", "--", "true"), "with --in-event-order"),
        ((plan.id, "--function", "seen_by_test:note", "--pace", "soon"), "is no pace"),
        (("--function", "seen_by_test:note"), "give --function a PLAN"),
        (("--resume", stored(data)[0].id), "runs no command but python note"),
    ):
        status, said = run(*words)
        assert status in (1, 2) and sentence in said, said
