"""Every scenario of a drill, and each of the four answers broken: the drill names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from anabranch.recovery.drills.names import SCENARIOS
from tests.recovery.drills.ground import Ground
from tests.support.broker import BrokerThread
from tests.support.postgres import USER, postgres_url, shared_server

SLOW_DOWN = "Requests that were answered 503 SlowDown"
pytestmark = [pytest.mark.faults, pytest.mark.timeout(400)]


def answers(report: Any) -> list[bool]:
    return [each["passed"] for each in report["answers"]]


def test_all_scenarios_pass_and_the_production_is_as_it_was(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    (report,) = ground.json("drill", "run")
    verdicts = {each["name"]: each["verdict"] for each in report["scenarios"]}
    assert verdicts == dict.fromkeys(SCENARIOS, "PASS")
    assert report["passed"] and report["untouched"] and answers(report) == [True] * 4
    facts = {each["name"]: dict(each["facts"]) for each in report["scenarios"]}
    assert facts["broker-killed"]["Brokers killed"] == "1"
    assert "recreated" in facts["recreated-topic"]["Refused because"]
    assert facts["shortened-retention"]["Refused with"] != "-"
    refused, _, asked = facts["store-throttled"][SLOW_DOWN].partition(" of ")
    assert 0 < int(refused) < int(asked)
    (live,) = [each for each in report["scenarios"] if each["name"] == "live-traffic"]
    assert [each["phase"] for each in live["latencies"]] == ["before", "during"]
    assert report["loss"] == {"records": 0, "ms": 0, "objective_ms": 0}
    assert "in flight" in facts["unaligned-checkpoint"]["Named as"]
    (again,) = ground.json("drill", "run", "--scenario", "off-by-one")
    assert again["previous_hash"] == report["hash"]
    assert [each["id"] for each in again["trend"]] == [report["id"]]
    assert again["scenarios"][0]["suppressed"] == 2


def test_all_scenarios_pass_with_a_processor_on_the_adapter(tmp_path: Path) -> None:
    """It begins where its sink stands, and so does not even read what it has had."""
    (report,) = Ground(tmp_path, "adapter").json("drill", "run")
    said = {each["name"]: (each["verdict"], each["sentence"]) for each in report["scenarios"]}
    assert {name: verdict for name, (verdict, _) in said.items()} == dict.fromkeys(
        SCENARIOS, "PASS"
    )
    assert "2 were not read again" in said["off-by-one"][1], said["off-by-one"]
    assert report["passed"] and report["untouched"] and answers(report) == [True] * 4


def test_the_poisoned_record_may_kill_the_processor(tmp_path: Path) -> None:
    """Its group has a member until that one's session is over, and a promotion has to wait for it."""
    ground = Ground(tmp_path, "adapter", "dies")
    (report,) = ground.json("drill", "run", "--scenario", "poisoned-record")
    (scenario,) = report["scenarios"]
    assert scenario["verdict"] == "PASS", scenario
    assert "exit status 3" in dict(scenario["facts"])["What it did to the processor"]


def test_short_retention_and_a_lost_checkpoint_are_named(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    assert ground("topic", "config", "orders", "--set", "retention.ms=60000").exit_code == 0
    ground.checkpoint.unlink()
    (report,) = ground.json("drill", "run", "--scenario", "bad-deploy", status=1)
    assert answers(report) == [False, False, True, True]
    assert "orders:0 keeps" in report["answers"][0]["sentence"]
    assert "checkpoint" in report["answers"][1]["sentence"]
    assert len(report["follow_ups"]) == 2


def test_a_sink_that_takes_repeats_is_named(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "careless")
    (report,) = ground.json("drill", "run", "--scenario", "off-by-one", status=1)
    assert answers(report)[2] is False
    assert "differs from the truth after off-by-one" in report["answers"][2]["sentence"]


def test_a_processor_that_reaches_for_the_production_is_named(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "wild", str(tmp_path / "live.db"))
    (report,) = ground.json("drill", "run", "--scenario", "bad-deploy", status=1)
    assert not report["untouched"]
    assert "the guard failed" in report["answers"][2]["sentence"]


def test_a_replay_that_takes_too_long_for_its_objective_is_named(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.file.write_text(ground.file.read_text() + 'objectives.replay = "0.001s"\n')
    (report,) = ground.json("drill", "run", "--scenario", "bad-deploy", status=1)
    assert answers(report) == [True, True, True, False]
    assert "the objective is" in report["answers"][3]["sentence"]


def test_a_processor_that_does_not_come_up_is_neither_pass_nor_fail(tmp_path: Path) -> None:
    ground = Ground(tmp_path)
    ground.file.write_text(ground.file.read_text().replace("processor.py", "nothing.py"))
    result = ground("drill", "run", "--scenario", "bad-deploy")
    assert result.exit_code == 2 and "ended by itself" in result.output


def test_effects_that_left_the_house_are_not_repeated_and_those_left_out_are_made_good(
    tmp_path: Path,
) -> None:
    ground = Ground(tmp_path, sink=f"http:{tmp_path}/effects.db", declared="")
    (report,) = ground.json("drill", "run")
    scenarios = {each["name"]: each for each in report["scenarios"]}
    skipped = {name for name, each in scenarios.items() if each["verdict"] == "SKIPPED"}
    assert skipped == {"missing-checkpoint"}
    assert report["passed"], report["answers"]
    facts = dict(scenarios["poisoned-record"]["facts"])
    assert facts["Effects that left the house"] == "1"
    assert not (tmp_path / "effects.db").exists()  # the production's ledger


def test_effects_that_a_replay_performs_are_found_twice(tmp_path: Path) -> None:
    ground = Ground(tmp_path, "perform", sink=f"http:{tmp_path}/effects.db", declared="")
    (report,) = ground.json("drill", "run", "--scenario", "downstream-restore", status=1)
    (scenario,) = report["scenarios"]
    assert scenario["verdict"] == "FAIL" and scenario["duplicates"] > 0
    assert not report["answers"][2]["passed"]


def test_a_parquet_stream(tmp_path: Path) -> None:
    ground = Ground(
        tmp_path, sink=f"parquet:{tmp_path}/live", declared='verify.tables = { totals = "p,at" }'
    )
    (report,) = ground.json("drill", "run")
    assert {each["verdict"] for each in report["scenarios"]} == {"PASS"}, report
    assert report["passed"] and not (tmp_path / "live").exists()


def test_a_stream_into_postgresql(tmp_path: Path) -> None:
    production, scratch = postgres_url(), shared_server().url("drills")
    with shared_server().admin() as admin:
        admin.execute(f"CREATE DATABASE drills OWNER {USER}")
    ground = Ground(
        tmp_path,
        sink=production,
        declared=f'verify.tables = {{ totals = "k" }}\ndrill.sink = "{scratch}"',
    )
    (report,) = ground.json("drill", "run")
    assert {each["verdict"] for each in report["scenarios"]} == {"PASS"}, report
    assert report["passed"]
    for url in (shared_server().url(), scratch):
        with psycopg.connect(url) as connection:
            query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'anabranch_drill%'"
            assert connection.execute(query).fetchall() == []


def test_a_stream_into_topics(tmp_path: Path) -> None:
    with BrokerThread(tmp_path / "elsewhere") as broker:
        ground = Ground(tmp_path, sink=f"kafka:{broker.address}/totals.positions")
        (report,) = ground.json("drill", "run")
        topics = AdminClient({"bootstrap.servers": broker.address}).list_topics(timeout=20).topics
        assert topics == {}  # of the production's cluster
    assert {each["verdict"] for each in report["scenarios"]} == {"PASS"}, report
    assert report["passed"] and len(report["scenarios"]) == len(SCENARIOS)
    (verified,) = report["scenarios"][0]["verifications"]
    assert verified["rows_left"] == verified["rows_right"] == 100  # since the point
    assert verified["key"] == ["input", "partition", "offset", "number"]
