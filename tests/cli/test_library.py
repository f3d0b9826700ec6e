"""``anabranch.recovery.Recovery``: the commands' work from Python, on a cluster whose broker runs."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import feather

import anabranch.recovery
from anabranch.errors import UserFault
from anabranch.recovery import Aim, Recovery, Want, Wish
from tests.cli.test_own_broker import COUNT, JOB, broker, committed, values
from tests.support.broker import BrokerProcess

__all__ = ["broker"]


def test_what_is_exported_is_there_and_documented() -> None:
    for name in anabranch.recovery.__all__:
        assert getattr(anabranch.recovery, name).__doc__, name
    for name, method in inspect.getmembers(Recovery, inspect.isfunction):
        if not name.startswith("_") and name not in ("point", "session", "unpause"):
            assert method.__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = anabranch.recovery.nothing


def test_from_a_point_to_a_promotion_and_back(
    broker: BrokerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    truth = tmp_path / "truth.arrow"
    feather.write_feather(pa.table({"value": [2 * n for n in range(COUNT)]}), truth)
    with Recovery(tmp_path / "data", who="ana") as recovery:
        point = recovery.take_point(Wish(name="now", group="app"))
        assert [each.id for each in recovery.points()] == [point.id] and point.creator == "ana"
        assert recovery.hold("keep", point="now", reason="a test").hold.name == "keep"
        assert [each.hold.name for each in recovery.holds()] == ["keep"]
        recovery.extend_hold("keep", "9d")
        recovery.release("keep")
        assert {each.topic for each in recovery.horizons().partitions} == {"orders", "out"}
        assert recovery.explain("app", held_against=["now"]).group == "app"
        with pytest.raises(UserFault, match="one of point, since"):
            recovery.plan("app")
        plan = recovery.plan("app", from_start=True, reason="a test")
        assert recovery.find_plan(plan.id) == plan and "anabranch replay" in recovery.runbook(plan)

        session = recovery.replay(plan, [sys.executable, str(JOB)], own_broker=True, also=["out"])
        assert session.status.value == "completed", session.error
        rebuilt = f"topic:out.{session.id}?take=all"
        verified = recovery.verify(rebuilt, str(truth), key=["value"])
        assert verified.passed
        report = recovery.report(session.id, [verified], scenario="a test", folder=tmp_path / "r")
        assert [each.comparisons[0].as_expected for each in recovery.reports()] == [True]
        assert report.creator == "ana" and (tmp_path / "r" / f"{report.id}.html").is_file()
        assert recovery.broken_reports() == []
        assert not recovery.verify("topic:out?take=all", str(truth), key=["value"]).passed
        handover = recovery.promote(session.id)
        assert handover.topics == ("out",)
        assert sorted(values(broker.address, "out")) == [2 * n for n in range(COUNT)]
        recovery.undo_promotion(session.id)
        assert values(broker.address, "out") == [-1]
        recovery.discard(session.id)

        before = committed(broker.address)
        moved = recovery.plan_offsets("app", Want(aim=Aim.EARLIEST), reason="a test")
        recovery.apply_offsets(moved.id)
        assert committed(broker.address) == [0, 0]
        recovery.undo_offsets(moved.id)
        assert committed(broker.address) == before
        assert recovery.difference("app", since="1h ago").turns
        assert recovery.undo_change("app", reason="a test").group == "app"
        assert committed(broker.address) == [0, 0], "the undoing was undone"
        assert isinstance(recovery.readers(), list)
        assert [one.plan.id for one in recovery.offset_plans()] == [moved.id]
        assert [one.id for one in recovery.plans()] == [plan.id]


def test_sinks_duplicates_and_shadows(broker: BrokerProcess, tmp_path: Path) -> None:
    with Recovery(tmp_path / "data", who="ana") as recovery:
        recovery.declare_sink("mails", "dedupe-window", ttl="24h", group="app")
        assert [one.creator for one in recovery.declared_sinks("app")] == ["ana"]
        with pytest.raises(UserFault, match="is no class of sinks"):
            recovery.declare_sink("x", "odd")
        plan = recovery.plan("app", from_start=True)
        assert [one.name for one in plan.sinks] == ["mails"]
        assert recovery.compare_duplicates(plan.id) == [], "it counts nothing"
        recovery.forget_sink("mails")
        assert recovery.declared_sinks() == []

        ended = recovery.shadow("fixed", [sys.executable, "-c", "raise SystemExit(3)"], group="app")
        assert ended.state.value == "failed" and "3" in ended.error
        assert [one.name for one in recovery.shadows()] == ["fixed"]
        stopped = recovery.stop_shadow("fixed")
        assert stopped.session is not None
        assert recovery.session(stopped.session).status.value == "completed"
        with pytest.raises(UserFault, match="stopped already"):
            recovery.stop_shadow("fixed")


def test_where_there_is_no_cluster_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserFault, match="holds no Anabranch cluster"):
        Recovery(tmp_path / "nothing")
