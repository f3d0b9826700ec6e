"""Kafka's tools for what this log does not have: replicas, elections, a quorum. They get an answer that they accept, or a
refusal that says why, and never hang."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from tests.clients.conftest import make_topic
from tests.support.peers.tools import ToolResult, run_tool

pytestmark = pytest.mark.skipif(
    os.environ.get("ANABRANCH_TEST_TARGET") == "kafka",
    reason="Kafka has replicas, elections and a quorum",
)


def run(bootstrap: str, name: str, *args: str) -> ToolResult:
    return run_tool(name, ["--bootstrap-server", bootstrap, *args])


def said(result: ToolResult) -> str:
    return result.out + result.err


def test_reassignment(bootstrap: str, name: str, tmp_path: Path) -> None:
    """A plan that keeps everything where it is can be made, executed (also with a throttle), verified and cancelled."""
    make_topic(bootstrap, name, partitions=2)
    topics = tmp_path / "topics.json"
    topics.write_text(json.dumps({"version": 1, "topics": [{"topic": name}]}))
    generated = run(
        bootstrap, "ReassignPartitionsCommand",
        "--topics-to-move-json-file", str(topics), "--broker-list", "1", "--generate",
    ).checked()  # fmt: skip
    current, proposed = (
        json.loads(line) for line in generated.out.splitlines() if line.startswith("{")
    )
    assert {one["partition"] for one in proposed["partitions"]} == {0, 1}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps(current))
    where = ["--reassignment-json-file", str(plan)]
    done = run(bootstrap, "ReassignPartitionsCommand", *where, "--execute").checked()
    assert "Successfully started partition reassignment" in done.out
    verified = run(bootstrap, "ReassignPartitionsCommand", *where, "--verify").checked()
    assert len(re.findall(r"is completed", verified.out)) == 2
    listed = run(bootstrap, "ReassignPartitionsCommand", "--list").checked()
    assert "No partition reassignments found" in listed.out
    throttled = [*where, "--execute", "--additional", "--throttle", "1000000"]
    assert run(bootstrap, "ReassignPartitionsCommand", *throttled).status == 0
    brokers = ["--entity-type", "brokers", "--entity-name", "1"]
    shown = run(bootstrap, "ConfigCommand", *brokers, "--describe").checked().out
    assert "leader.replication.throttled.rate=1000000" in shown
    cancelled = run(bootstrap, "ReassignPartitionsCommand", *where, "--cancel")
    assert "None of the specified partition" in said(cancelled)


def test_leader_election(bootstrap: str, name: str) -> None:
    make_topic(bootstrap, name)
    everywhere = ["--election-type", "preferred", "--all-topic-partitions"]
    run(bootstrap, "LeaderElectionCommand", *everywhere).checked()
    one = ["--election-type", "preferred", "--topic", name, "--partition", "0"]
    result = run(bootstrap, "LeaderElectionCommand", *one).checked()
    assert "Valid replica already elected" in said(result)


def test_features(bootstrap: str) -> None:
    shown = run(bootstrap, "FeatureCommand", "describe").checked().out
    for name, level in (("group.version", 1), ("share.version", 1), ("transaction.version", 2)):
        assert re.search(rf"Feature: {re.escape(name)}\b.*FinalizedVersionLevel: {level}\b", shown)
    result = run(bootstrap, "FeatureCommand", "downgrade", "--feature", "share.version=0")
    assert result.status != 0 and "share.version" in said(result)
    run(bootstrap, "FeatureCommand", "upgrade", "--feature", "share.version=1").checked()


def test_quorum_and_unregistering(bootstrap: str) -> None:
    quorum = run(bootstrap, "MetadataQuorumCommand", "describe", "--status")
    assert quorum.status != 0 and "UnsupportedVersion" in said(quorum)
    gone = run_tool("ClusterTool", ["unregister", "--bootstrap-server", bootstrap, "--id", "77"])
    assert gone.status != 0 and "77" in said(gone)
    alive = run_tool("ClusterTool", ["unregister", "--bootstrap-server", bootstrap, "--id", "1"])
    assert alive.status != 0 and "alive" in said(alive)


def test_loggers(bootstrap: str) -> None:
    entity = ["--entity-type", "broker-loggers", "--entity-name", "1"]
    change = ["--alter", "--add-config", "anabranch.log.merge=DEBUG"]
    run(bootstrap, "ConfigCommand", *entity, *change).checked()
    shown = run(bootstrap, "ConfigCommand", *entity, "--describe").checked().out
    assert "anabranch.log.merge=DEBUG" in shown
    back = ["--alter", "--delete-config", "anabranch.log.merge"]
    run(bootstrap, "ConfigCommand", *entity, *back).checked()


def test_log_directories_of_replicas(bootstrap: str, name: str, tmp_path: Path) -> None:
    """kafka-reassign-partitions with log_dirs: the one directory is accepted, another one is said not to be there."""
    make_topic(bootstrap, name)
    here = json.loads(
        run(bootstrap, "LogDirsCommand", "--describe").checked().out.splitlines()[-1]
    )["brokers"][0]["logDirs"][0]["logDir"]
    plan = tmp_path / "plan.json"
    for directory, works in ((here, True), ("/elsewhere", False)):
        one = {"topic": name, "partition": 0, "replicas": [1], "log_dirs": [directory]}
        plan.write_text(json.dumps({"version": 1, "partitions": [one]}))
        result = run(
            bootstrap, "ReassignPartitionsCommand",
            "--reassignment-json-file", str(plan), "--execute", "--timeout", "3000",
        )  # fmt: skip
        assert ("Successfully started moving log directory" in said(result)) == works, said(result)


def test_streams_groups_are_said_not_to_be_there(bootstrap: str) -> None:
    """KIP-1071 is not served: listing finds none."""
    listed = run(bootstrap, "StreamsGroupCommand", "--list")
    assert listed.status == 0 and not listed.out.strip()
