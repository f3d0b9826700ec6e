"""The flights example: its data, its independent truth, its processor, and how it refuses to start."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from examples.flights import dataset, processor, story, truth
from examples.flights.__main__ import FLIGHTS
from examples.flights.declared import declaration
from examples.kit import entry
from examples.kit.cluster import choose_listen
from examples.kit.console import Console
from examples.kit.entry import find_earlier
from examples.kit.processes import Children, RunFault
from msgspec import structs
from tests.recovery.drills.test_drills import a_report

from anabranch.recovery.checks.relations import arrow_relation, open_relation
from anabranch.recovery.checks.verify import Verification, compare
from anabranch.recovery.drills.declared import load
from anabranch.recovery.drills.evidence import DrillReport
from anabranch.recovery.evidence.report import Answer
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

PARTITIONS = 3
SOURCES = {"flights": Source("cluster", "id", "flights")}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return dataset.load()


def test_the_package_ships_every_flight_in_time_order(table: pa.Table) -> None:
    assert table.num_rows == dataset.FLIGHTS
    scheduled = table["scheduled"].to_pylist()
    assert scheduled == sorted(scheduled)
    days = table["local_day"].to_pylist()
    assert days == sorted(days), "a day's flights are wholly before the next day's"
    assert (
        dataset.count(table, dataset.LIVE_FROM) + dataset.count(table, before_day=dataset.LIVE_FROM)
        == dataset.FLIGHTS
    )


def test_the_deployment_lies_between_two_days(table: pa.Table) -> None:
    deploy = dataset.day_ms(dataset.DEPLOY_DAY)
    before = [at for at in table["scheduled"].to_pylist() if at < deploy]
    assert len(before) == dataset.count(table, before_day=dataset.DEPLOY_DAY)


def test_events_carry_what_the_table_says(table: pa.Table) -> None:
    week = list(dataset.events(table, "2013-03-01", "2013-03-08"))
    assert len(week) == dataset.count(table, "2013-03-01", "2013-03-08") > 6000
    flights = [json.loads(event.value) for event in week]
    assert {flight["day"][:7] for flight in flights} == {"2013-03"}
    assert any(not flight["departed"] and flight["dep_delay"] is None for flight in flights)
    assert all(
        event.key is None or event.key.decode() == f["tailnum"]
        for event, f in zip(week, flights, strict=True)
    )
    assert any(flight["scheduled"][:10] != flight["day"] for flight in flights)


def test_truth_agrees_with_counting_by_hand(table: pa.Table) -> None:
    found = truth.daily(table, "2013-01-15")
    by_hand: dict[tuple[str, str], list[Any]] = {}
    for event in dataset.events(table, before_day="2013-01-15"):
        flight = json.loads(event.value)
        row = by_hand.setdefault((flight["carrier"], flight["day"]), [])
        row.append(flight["dep_delay"])
    assert found.num_rows == len(by_hand)
    for row in found.to_pylist():
        delays = by_hand[row["carrier"], row["day"]]
        departed = [delay for delay in delays if delay is not None]
        assert row["departures"] == len(departed)
        assert row["cancellations"] == len(delays) - len(departed)
        assert row["max_delay"] == max(departed, default=None)


def messages(table: pa.Table, first_day: str, before_day: str) -> list[Any]:
    """As a consumer of three partitions hands them out."""
    offsets = [0] * PARTITIONS
    found = []
    for event in dataset.events(table, before_day=before_day):
        partition = sum(event.key or b"") % PARTITIONS
        offset = offsets[partition]
        offsets[partition] += 1
        if json.loads(event.value)["day"] >= first_day:
            found.append(
                SimpleNamespace(
                    topic=lambda: "flights",
                    partition=lambda p=partition: p,
                    offset=lambda o=offset: o,
                    value=lambda v=event.value: v,
                )
            )
    return found


def work(path: Path, version: str, batch: list[Any]) -> None:
    sink = SqliteSink.open(path, processor.TABLES, SOURCES)
    for start in range(0, len(batch), 1000):
        with sink.transaction() as tx:
            processor.apply(tx, batch[start : start + 1000], processor.VERSIONS[version])
    sink.close()


def against_truth(path: Path, table: pa.Table, before_day: str) -> Verification:
    return compare(
        open_relation(f"sqlite:{path}#daily"),
        arrow_relation(truth.daily(table, before_day), "truth"),
        key=["carrier", "day"],
        tolerance=1e-9,
    )


def test_versions_one_and_three_are_right_and_two_is_wrong(table: pa.Table, tmp_path: Path) -> None:
    fortnight = messages(table, "", "2013-01-15")
    for version in ("1", "3"):
        path = tmp_path / f"{version}.db"
        work(path, version, fortnight)
        assert against_truth(path, table, "2013-01-15").passed
    work(tmp_path / "2.db", "2", fortnight)
    wrong = against_truth(tmp_path / "2.db", table, "2013-01-15")
    assert wrong.changed > 100
    with sqlite3.connect(tmp_path / "2.db") as connection:
        (total,) = connection.execute(
            "SELECT sum(departures + cancellations) FROM daily"
        ).fetchone()
    assert total == len(fortnight), "nothing is lost or doubled: only put on the wrong day"


def test_repeats_change_nothing(table: pa.Table, tmp_path: Path) -> None:
    fortnight = messages(table, "", "2013-01-15")
    work(tmp_path / "v.db", "1", fortnight)
    work(tmp_path / "v.db", "3", fortnight[2000:])
    assert against_truth(tmp_path / "v.db", table, "2013-01-15").passed


def test_a_bounded_run_ends_exactly_at_its_end() -> None:
    progress = processor.Progress({"flights": {"0": 5, "1": 3, "2": 7}})
    starts = {("flights", 2): 7}

    def take(partition: int, offset: int) -> bool:
        message: Any = SimpleNamespace(
            topic=lambda: "flights", partition=lambda: partition, offset=lambda: offset
        )
        return progress.take(message)

    assert take(0, 3) and take(0, 4) and not take(0, 5)
    assert not progress.finished(starts)
    assert take(1, 2) and not take(1, 3)
    assert progress.finished(starts) and not progress.finished({})
    assert progress.positions == {("flights", 0): 5, ("flights", 1): 3}


def test_a_port_in_use_is_replaced_and_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = f"127.0.0.1:{taken.getsockname()[1]}"
        found = choose_listen(wanted, Console())
    assert found.startswith("127.0.0.1:") and found != wanted
    assert f"{wanted} is in use; the broker listens on {found}" in capsys.readouterr().out
    for nonsense in ("9092", "localhost:x", ""):
        with pytest.raises(RunFault, match="is not HOST:PORT"):
            choose_listen(nonsense, Console())


def test_what_an_earlier_run_left_is_used_or_explained(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert find_earlier(FLIGHTS, data, fresh=False) is None
    data.mkdir()
    assert find_earlier(FLIGHTS, data, fresh=False) is None
    (data / "letters.txt").write_text("mine")
    for fresh in (False, True):
        with pytest.raises(RunFault, match="holds something else"):
            find_earlier(FLIGHTS, data, fresh=fresh)
    assert (data / "letters.txt").exists(), "FRESH deletes only what a run left"
    (data / FLIGHTS.marker).write_text(json.dumps({"finished": False}))
    with pytest.raises(RunFault, match="did not finish; start afresh with `make run FRESH=1`"):
        find_earlier(FLIGHTS, data, fresh=False)
    (data / FLIGHTS.marker).write_text(json.dumps({"finished": True, "summary": "r.html"}))
    assert find_earlier(FLIGHTS, data, fresh=False) == {"finished": True, "summary": "r.html"}
    assert find_earlier(FLIGHTS, data, fresh=True) is None and not data.exists()


def test_a_child_that_dies_ends_in_its_last_words(tmp_path: Path) -> None:
    children = Children(tmp_path)
    child = children.start("broker", "-c", "import sys; print('a'); sys.exit('no space left')")
    child.process.wait()
    with pytest.raises(RunFault, match="The broker ended with status 1: no space left"):
        child.check()
    sleeper = children.start("sleeper", "-c", "import time; time.sleep(600)")
    sleeper.check()
    children.stop_all()
    assert sleeper.process.poll() is not None


def test_what_a_drill_is_told_is_a_declaration(tmp_path: Path) -> None:
    file = tmp_path / "recovery.toml"
    file.write_text(declaration(tmp_path / "view.db"))
    streams = load(file).streams
    assert streams["flights"].sink == f"sqlite:{tmp_path / 'view.db'}"


# -- how a run ends --------------------------------------------------------------------------------------
class QuietCluster:
    """As if a broker ran, commands did what they say, and the metastore held one drill's report."""

    def __init__(self, data: Path, drilled: DrillReport) -> None:
        self.data = data
        self.drilled = drilled
        self.commands: list[tuple[str, ...]] = []
        self.log: Any = SimpleNamespace(metastore=None)

    def start(self) -> None: ...
    def close(self) -> None: ...

    def run(self, *words: str, expect: tuple[int, ...] = (0,)) -> str:
        self.commands.append(words)
        return "FAIL"

    def ask(self, question: Any) -> list[DrillReport]:
        question.close()
        return [self.drilled]


def run_once(
    data: Path, monkeypatch: pytest.MonkeyPatch, drilled: DrillReport, *, verified: bool = True
) -> int:
    """`make run ONCE=1`, of which only the drill's step is the real one."""
    for step in ("ingest", "process", "break_it", "make_plan", "replay", "verify_and_promote"):
        monkeypatch.setattr(story.Story, step, lambda self: None)
    answers = [Answer("Is it?", True, "It is.", ())] * 3
    answers.append(Answer("Is it quick?", False, "Not on a busy machine.", ()))
    made = SimpleNamespace(answers=tuple(answers))
    monkeypatch.setattr(story.Story, "write_report", lambda self: (made, data / "r.html"))
    monkeypatch.setattr(entry, "Cluster", lambda *_: QuietCluster(data, drilled))
    monkeypatch.setattr(entry, "choose_listen", lambda wanted, _: wanted)
    monkeypatch.setenv("DATA", str(data))
    monkeypatch.setenv("ONCE", "1")
    before = signal.getsignal(signal.SIGTERM)
    try:
        return entry.main(replace(FLIGHTS, verify_again=lambda _: verified))
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_run_whose_drill_failed_exits_with_1_and_ends_in_what_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    why = "Which exact offsets define a safe restart? bad-deploy: the output is not what it was"
    failed = structs.replace(a_report(), id="drill-1", passed=False, follow_ups=(why,))
    data = tmp_path / "data"
    assert run_once(data, monkeypatch, failed) == 1
    last = capsys.readouterr().err.rstrip("\n").rpartition("\n")[2]
    assert last == f"FAILED: the drill drill-1: {why}"
    # Who starts it again on what is there is not told that all is well.
    assert run_once(data, monkeypatch, failed) == 1
    assert capsys.readouterr().err.rstrip("\n").endswith(last)


def test_a_run_whose_drill_passed_exits_with_0_until_its_view_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    assert run_once(data, monkeypatch, a_report()) == 0
    assert run_once(data, monkeypatch, a_report()) == 0
    assert capsys.readouterr().err == ""
    assert run_once(data, monkeypatch, a_report(), verified=False) == 1
    assert "FAILED: what was rebuilt is not what it should be" in capsys.readouterr().err
