"""Every scenario of a drill, and each of the four answers broken: the drill names it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anabranch.recovery.drills.names import SCENARIOS
from tests.recovery.drills.ground import Ground

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
    (again,) = ground.json("drill", "run", "--scenario", "off-by-one")
    assert again["previous_hash"] == report["hash"]
    assert [each["id"] for each in again["trend"]] == [report["id"]]
    assert again["scenarios"][0]["suppressed"] == 2


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
