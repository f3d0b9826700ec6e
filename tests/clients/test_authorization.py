"""Kafka's own tools on a broker that enforces ACLs, counts quotas and keeps an audit log."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.peers import ToolResult, run_tool
from tests.support.peers.cluster import ClusterNode

pytestmark = [pytest.mark.clients, pytest.mark.timeout(240)]

CONFIG = """
[authorization]
acls = true
replay_age_ms = 3600000
[audit]
log = true
"""
ME = "User:ANONYMOUS"


class Place:
    """A broker, its data and Kafka's tools."""

    def __init__(self, node: ClusterNode, data: Path) -> None:
        self.node = node
        self.data = data

    def tool(self, name: str, *args: str, stdin: str = "") -> ToolResult:
        return run_tool(name, ["--bootstrap-server", self.node.bootstrap, *args], stdin=stdin)

    def own(self, *args: str, status: int = 0) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "anabranch.cli.main", *args, "--data", str(self.data)],
            capture_output=True,
            text=True,
        )
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout

    def allow(self, operation: str, *resource: str) -> None:
        self.own("acl", "add", "--principal", ME, "--operation", operation, *resource)
        time.sleep(1.5)  # until the broker has surely noticed


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    config = tmp_path / "broker.toml"
    config.write_text(CONFIG)
    data = tmp_path / "data"
    node = ClusterNode(tmp_path, data, ["--config", str(config)])
    place = Place(node, data)
    # The broker waits for its first client to be told of brokers, which needs no right.
    node.start()
    try:
        place.allow("alter", "--cluster")
        yield place
    finally:
        node.close()


def test_kafka_acls_and_what_they_do_to_kafkas_clients(place: Place) -> None:
    refused = place.tool("TopicCommand", "--create", "--topic", "t")
    assert refused.status == 1 and "Authorization" in refused.out + refused.err

    def acls(*args: str) -> str:
        return place.tool("AclCommand", *args).checked().out

    acls("--add", "--allow-principal", ME, "--operation", "All", "--topic", "t")
    acls(
        "--add",
        "--allow-principal",
        ME,
        "--operation",
        "Read",
        "--group",
        "g",
        "--resource-pattern-type",
        "prefixed",
    )
    listed = acls("--list")
    assert "principal=User:ANONYMOUS, host=*, operation=ALL, permissionType=ALLOW" in listed
    assert "patternType=PREFIXED" in listed
    place.tool("TopicCommand", "--create", "--topic", "t").checked()
    place.tool("ConsoleProducer", "--topic", "t", stdin="a\nb\n").checked()
    read = ("--topic", "t", "--from-beginning", "--max-messages", "2", "--timeout-ms", "20000")
    assert place.tool("ConsoleConsumer", *read, "--group", "gg").checked().out.split() == ["a", "b"]
    other = place.tool("ConsoleConsumer", *read, "--group", "other")
    assert "GroupAuthorizationException" in other.out + other.err

    # Another topic to write to: without any, an idempotent producer does not get its id (KIP-679).
    acls("--add", "--allow-principal", ME, "--operation", "Write", "--topic", "u")
    acls("--add", "--deny-principal", ME, "--operation", "Write", "--topic", "t")
    denied = place.tool("ConsoleProducer", "--topic", "t", stdin="c\n")
    assert "TopicAuthorizationException" in denied.out + denied.err
    why = place.own(
        "acl", "check", "--principal", ME, "--operation", "write", "--topic", "t", status=1
    )
    assert "DENY" in why
    acls("--remove", "--force", "--deny-principal", ME, "--operation", "Write", "--topic", "t")
    place.tool("ConsoleProducer", "--topic", "t", stdin="c\n").checked()

    lines = json.loads(place.own("audit", "tail", "-n", "1000", "--output", "json"))
    assert {"authorization", "admin", "offsets", "audit"} <= {one["kind"] for one in lines}
    assert any(
        one["kind"] == "authorization"
        and one["resource"] == "TOPIC:t"
        and one["operation"] == "WRITE"
        for one in lines
    )
    assert "Whole" in place.own("audit", "verify")


def test_going_back_needs_the_right_of_replaying(place: Place) -> None:
    for resource in ("--topic", "--group"):
        place.allow("read", resource, "*")
    place.allow("create", "--topic", "*")
    place.allow("write", "--topic", "*")
    place.allow("describe-configs", "--topic", "*")
    place.allow("delete", "--group", "*")
    place.tool("TopicCommand", "--create", "--topic", "t").checked()
    place.tool("ConsoleProducer", "--topic", "t", stdin="a\nb\n").checked()
    read = ("--topic", "t", "--from-beginning", "--max-messages", "2", "--timeout-ms", "20000")
    place.tool("ConsoleConsumer", *read, "--group", "g").checked()
    reset = ("--reset-offsets", "--group", "g", "--topic", "t", "--to-earliest", "--execute")
    refused = place.tool("ConsumerGroupCommand", *reset)
    assert "GroupAuthorizationException" in refused.out + refused.err
    place.allow("replay", "--group", "g")
    assert "t" in place.tool("ConsumerGroupCommand", *reset).checked().out
    changes = [
        change
        for line in json.loads(
            place.own("audit", "tail", "-n", "1000", "--kind", "offsets", "--output", "json")
        )
        for change in line["details"]["changes"]
    ]
    assert {"topic": "t", "partition": 0, "old": 2, "new": 0} in changes


def test_kafka_configs_sets_and_shows_quotas(place: Place) -> None:
    for operation in ("describe-configs", "alter-configs"):
        place.allow(operation, "--cluster")

    def configs(*args: str) -> str:
        return place.tool("ConfigCommand", *args).checked().out

    configs(
        "--alter",
        *("--add-config", "producer_byte_rate=20000,request_percentage=80"),
        *("--entity-type", "users", "--entity-name", "ANONYMOUS"),
        *("--entity-type", "clients", "--entity-default"),
    )
    configs(
        "--alter",
        "--add-config",
        "connection_creation_rate=1000",
        "--entity-type",
        "ips",
        "--entity-default",
    )
    shown = configs(
        "--describe",
        "--entity-type",
        "users",
        "--entity-name",
        "ANONYMOUS",
        "--entity-type",
        "clients",
        "--entity-default",
    )
    assert "producer_byte_rate=20000" in shown and "request_percentage=80" in shown
    assert "connection_creation_rate=1000" in configs(
        "--describe", "--entity-type", "ips", "--entity-default"
    )
    assert "producer_byte_rate" in place.own("quota", "list")

    place.allow("all", "--topic", "t")
    place.tool("TopicCommand", "--create", "--topic", "t").checked()
    begun = time.monotonic()
    place.tool(
        "ConsoleProducer", "--topic", "t", stdin="x" * 19_000 + "\n" + ("y" * 19_000 + "\n") * 5
    ).checked()
    assert time.monotonic() - begun > 3  # 114 kB at 20 kB/s, of which a second's worth at once
    configs(
        "--alter",
        *("--delete-config", "producer_byte_rate,request_percentage"),
        *("--entity-type", "users", "--entity-name", "ANONYMOUS"),
        *("--entity-type", "clients", "--entity-default"),
    )
    assert "producer_byte_rate" not in place.own("quota", "list")
