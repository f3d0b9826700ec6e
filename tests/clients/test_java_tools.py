"""Kafka's own command-line tools, told what their users tell them."""

from __future__ import annotations

import csv
import json
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Rec
from tests.clients.members import ConfluentMember, await_until
from tests.support.peers import ToolResult, run_tool

pytestmark = pytest.mark.timeout(240)
START_MS = 1_700_000_000_000
KEEP = {"retention.ms": "-1"}  # for records from START_MS
Tool = Callable[..., ToolResult]


@pytest.fixture
def tool(bootstrap: str) -> Tool:
    """Runs a tool against the broker under test."""

    def run(name: str, *args: str, stdin: str = "") -> ToolResult:
        return run_tool(name, ["--bootstrap-server", bootstrap, *args], stdin=stdin)

    return run


def columns(text: str) -> list[dict[str, str]]:
    """A tool's table: rows by column name (no value in these tests contains a blank)."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    start = next(n for n, line in enumerate(lines) if line[0] == "GROUP")
    names = lines[start]
    return [dict(zip(names, line, strict=False)) for line in lines[start + 1 :]]


def test_topics(tool: Tool, name: str) -> None:
    def topics(*args: str) -> ToolResult:
        return tool("TopicCommand", *args, "--topic", name)

    made = topics("--create", "--partitions", "3", "--config", "retention.ms=5000000").checked()
    assert f"Created topic {name}." in made.out
    again = topics("--create")
    assert again.status == 1 and "already exists" in again.out + again.err
    topics("--create", "--if-not-exists").checked()
    assert name in tool("TopicCommand", "--list").checked().out.splitlines()

    described = topics("--describe").checked().out.splitlines()
    head = dict(each.split(": ", 1) for each in described[0].split("\t") if ": " in each)
    assert (head["Topic"], head["PartitionCount"], head["ReplicationFactor"]) == (name, "3", "1")
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", head["TopicId"])
    assert "retention.ms=5000000" in head["Configs"].split(",")
    assert len(described) == 4
    assert all(re.search(r"Leader: \d+\s+Replicas: \d+\s+Isr: \d+", row) for row in described[1:])
    assert topics("--describe", "--under-replicated-partitions").checked().out.strip() == ""

    topics("--alter", "--partitions", "4").checked()
    assert "PartitionCount: 4" in topics("--describe").checked().out
    fewer = topics("--alter", "--partitions", "2")
    assert fewer.status == 1 and "InvalidPartitions" in fewer.out + fewer.err

    topics("--delete").checked()
    assert name not in tool("TopicCommand", "--list").checked().out.splitlines()
    gone = topics("--delete")
    assert gone.status == 1 and "does not exist" in gone.out + gone.err


def test_configs(tool: Tool, topic: str) -> None:
    def configs(*args: str) -> ToolResult:
        return tool("ConfigCommand", "--entity-type", "topics", "--entity-name", topic, *args)

    def dynamic() -> dict[str, str]:
        rows = configs("--describe").checked().out.splitlines()[1:]
        return dict(row.split()[0].split("=", 1) for row in rows if row.strip())

    assert dynamic() == {}
    added = "retention.ms=86400000,max.message.bytes=2000000,cleanup.policy=[compact,delete]"
    configs("--alter", "--add-config", added).checked()
    assert dynamic() == {
        "retention.ms": "86400000",
        "max.message.bytes": "2000000",
        "cleanup.policy": "compact,delete",
    }
    configs("--alter", "--delete-config", "retention.ms,cleanup.policy").checked()
    assert dynamic() == {"max.message.bytes": "2000000"}
    everything = configs("--describe", "--all").checked().out
    shown = dict(re.findall(r"^\s+([a-z.]+)=(\S*) sensitive=false", everything, re.M))
    assert shown["retention.ms"] == "604800000"
    assert shown["cleanup.policy"] == "delete"
    assert "DEFAULT_CONFIG:log.cleanup.policy=delete" in everything
    bad = configs("--alter", "--add-config", "retention.ms=soon")
    assert bad.status != 0 and "InvalidConfiguration" in bad.out + bad.err
    unknown = configs("--alter", "--add-config", "no.such.config=1")
    assert unknown.status != 0
    assert dynamic() == {"max.message.bytes": "2000000"}

    brokers = tool("ConfigCommand", "--entity-type", "brokers", "--describe", "--all")
    assert "auto.create.topics.enable" in brokers.checked().out


def test_get_offsets_and_delete_records(
    tool: Tool, name: str, bootstrap: str, tmp_path: Path
) -> None:
    make_topic(bootstrap, name, 2, KEEP)
    records = [
        Rec(b"%d" % n, timestamp_ms=START_MS + 1000 * n, partition=n % 2) for n in range(100)
    ]
    Confluent(bootstrap).produce(name, records)

    def offsets(when: str) -> list[str]:
        out = tool("GetOffsetShell", "--topic", name, "--time", when).checked().out
        return [line.removeprefix(f"{name}:") for line in out.splitlines()]

    assert offsets("latest") == ["0:50", "1:50"]
    assert offsets("earliest") == ["0:0", "1:0"]
    assert offsets("max-timestamp") == ["0:49", "1:49"]
    assert offsets(str(START_MS + 20_001)) == ["0:11", "1:10"]

    def delete(partition: int, offset: int) -> ToolResult:
        document = {
            "version": 1,
            "partitions": [{"topic": name, "partition": partition, "offset": offset}],
        }
        path = tmp_path / "delete.json"
        path.write_text(json.dumps(document))
        return tool("DeleteRecordsCommand", "--offset-json-file", str(path))

    assert f"partition: {name}-0\tlow_watermark: 30" in delete(0, 30).checked().out
    assert offsets("earliest") == ["0:30", "1:0"]
    assert f"partition: {name}-1\tlow_watermark: 50" in delete(1, -1).checked().out
    assert offsets("earliest") == ["0:30", "1:50"]
    assert offsets("latest") == ["0:50", "1:50"]
    beyond = delete(0, 51)
    assert "OffsetOutOfRange" in beyond.out + beyond.err
    found = Confluent(bootstrap).consume(name, 20, partitions=2)
    assert [(r.partition, r.offset, r.value) for r in found] == [
        (0, n, b"%d" % (2 * n)) for n in range(30, 50)
    ]


class Resets:
    """A group without members whose offsets the tool moves."""

    def __init__(self, tool: Tool, bootstrap: str, name: str) -> None:
        self.tool, self.bootstrap, self.name = tool, bootstrap, name
        make_topic(bootstrap, name, 2, KEEP)
        for partition, count in ((0, 100), (1, 60)):
            records = [
                Rec(b"%d" % n, timestamp_ms=START_MS + 60_000 * n, partition=partition)
                for n in range(count)
            ]
            Confluent(bootstrap).produce(name, records)

    def command(self, *args: str) -> ToolResult:
        return self.tool("ConsumerGroupCommand", "--group", self.name, *args)

    def reset(self, *args: str, topic: str | None = None) -> dict[int, int]:
        """NEW-OFFSET by partition, as the tool prints it."""
        shown = self.command("--reset-offsets", "--topic", topic or self.name, *args).checked()
        rows = columns(shown.out)
        assert {(row["GROUP"], row["TOPIC"]) for row in rows} == {(self.name, self.name)}
        return {int(row["PARTITION"]): int(row["NEW-OFFSET"]) for row in rows}

    def committed(self) -> dict[int, int]:
        from confluent_kafka import ConsumerGroupTopicPartitions
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        asked = ConsumerGroupTopicPartitions(self.name)
        answer = admin.list_consumer_group_offsets([asked])[self.name].result(20)
        return {each.partition: each.offset for each in answer.topic_partitions}


def test_reset_offsets(tool: Tool, bootstrap: str, name: str, tmp_path: Path) -> None:
    group = Resets(tool, bootstrap, name)
    assert group.reset("--to-offset", "40", "--execute") == {0: 40, 1: 40}
    assert group.committed() == {0: 40, 1: 40}

    assert group.reset("--to-earliest", "--dry-run") == {0: 0, 1: 0}
    assert group.reset("--to-earliest") == {0: 0, 1: 0}, "without --execute it is a dry run"
    assert group.committed() == {0: 40, 1: 40}, "a dry run changes nothing"

    assert group.reset("--shift-by", "-15", "--execute") == {0: 25, 1: 25}
    assert group.reset("--shift-by", "50", "--execute") == {0: 75, 1: 60}, "clipped at the end"
    assert group.committed() == {0: 75, 1: 60}
    assert group.reset("--to-current", "--execute") == {0: 75, 1: 60}

    at = datetime.fromtimestamp((START_MS + 60_000 * 30 + 1) / 1000, UTC)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    assert group.reset("--to-datetime", stamp, "--execute") == {0: 31, 1: 31}
    assert group.committed() == {0: 31, 1: 31}
    later = datetime.fromtimestamp((START_MS + 60_000 * 80) / 1000, UTC)
    stamp = later.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert group.reset("--to-datetime", stamp) == {0: 80, 1: 60}, "past the end: the end"
    assert group.reset("--by-duration", "PT1H") == {0: 100, 1: 60}

    assert group.reset("--to-latest", "--execute", topic=f"{name}:1") == {1: 60}
    assert group.committed() == {0: 31, 1: 60}, "only the named partition moved"

    exported = group.command(
        "--reset-offsets", "--topic", name, "--to-earliest", "--export", "--dry-run"
    ).checked()
    rows = [row for row in csv.reader(exported.out.splitlines()) if row and row[0] == name]
    assert sorted(rows) == [[name, "0", "0"], [name, "1", "0"]] or sorted(rows) == [
        [name, name, "0", "0"],
        [name, name, "1", "0"],
    ]
    plan = tmp_path / "plan.csv"
    plan.write_text(f"{name},0,17\n{name},1,3\n")
    moved = group.command("--reset-offsets", "--from-file", str(plan), "--execute").checked()
    assert {row["PARTITION"]: row["NEW-OFFSET"] for row in columns(moved.out)} == {
        "0": "17",
        "1": "3",
    }
    assert group.committed() == {0: 17, 1: 3}

    # What was reset is where the next member starts.
    member = ConfluentMember(bootstrap, name, name)
    await_until(lambda: len(member.records) == 83 + 57, lambda: member)
    member.leave()
    assert sorted(member.records) == [(0, n) for n in range(17, 100)] + [
        (1, n) for n in range(3, 60)
    ]
    assert group.committed() == {0: 100, 1: 60}

    group.command("--delete-offsets", "--topic", f"{name}:0").checked()
    assert group.committed() == {1: 60}
    assert "successful" in group.command("--delete").checked().out
    assert group.committed() == {}


def test_reset_of_a_live_group_is_refused(tool: Tool, bootstrap: str, name: str) -> None:
    group = Resets(tool, bootstrap, name)
    member = ConfluentMember(bootstrap, name, name)
    await_until(lambda: group.committed() == {0: 100, 1: 60}, group.committed)
    refused = group.command("--reset-offsets", "--topic", name, "--to-earliest", "--execute")
    assert "the current state is Stable" in refused.out + refused.err
    assert group.committed() == {0: 100, 1: 60}
    deleted = group.command("--delete")
    assert "GroupNotEmpty" in deleted.out + deleted.err

    described = columns(group.command("--describe").checked().out)
    assert [
        (row["TOPIC"], row["PARTITION"], row["CURRENT-OFFSET"], row["LOG-END-OFFSET"], row["LAG"])
        for row in sorted(described, key=lambda row: row["PARTITION"])
    ] == [(name, "0", "100", "100", "0"), (name, "1", "60", "60", "0")]
    assert all(row["HOST"] == "/127.0.0.1" for row in described)
    assert all(row["CLIENT-ID"] == "rdkafka" for row in described)
    (row,) = columns(group.command("--describe", "--members").checked().out)
    assert (row["#PARTITIONS"], row["HOST"]) == ("2", "/127.0.0.1")
    assert row["CONSUMER-ID"].startswith("rdkafka-")
    state = group.command("--describe", "--state").checked().out
    assert re.search(r"range\s+Stable\s+1\s*$", state)
    listed = tool("ConsumerGroupCommand", "--list", "--state", "Stable").checked().out
    assert re.search(rf"^{re.escape(name)}\s+Stable\s*$", listed, re.M)
    assert name in tool("GroupsCommand", "--list").checked().out
    Confluent(bootstrap).produce(name, [Rec(b"after", partition=1)] * 5)
    await_until(lambda: len(member.records) == 165, lambda: member)
    member.leave()
    (described,) = (
        row for row in columns(group.command("--describe").checked().out) if row["PARTITION"] == "1"
    )
    assert (described["CURRENT-OFFSET"], described["LAG"]) == ("65", "0")


def test_console_consumer_in_a_group(tool: Tool, topic: str, bootstrap: str) -> None:
    """The console tools with a group resume where they stopped."""
    lines = [f"line {n}" for n in range(30)]
    tool("ConsoleProducer", "--topic", topic, stdin="\n".join(lines) + "\n").checked()

    def read(count: int) -> list[str]:
        done = tool(
            "ConsoleConsumer",
            *("--topic", topic, "--group", topic, "--max-messages", str(count)),
            *("--command-property", "auto.offset.reset=earliest"),
            *("--timeout-ms", "30000"),
        )
        return done.checked().out.splitlines()

    assert read(12) == lines[:12]
    assert read(18) == lines[12:]
    one = tool(
        "ConsoleConsumer",
        *("--topic", topic, "--partition", "0", "--offset", "7", "--max-messages", "2"),
        *("--timeout-ms", "30000"),
    )
    assert one.checked().out.splitlines() == lines[7:9]


@pytest.mark.parametrize("acks", ["all", "1", "0"])
def test_perf_tools(acks: str, tool: Tool, topic: str, bootstrap: str) -> None:
    produced = tool(
        "ProducerPerformance",
        *("--topic", topic, "--num-records", "20000", "--record-size", "200"),
        *("--throughput", "-1", "--command-property", f"acks={acks}"),
        *(("enable.idempotence=false",) if acks != "all" else ()),
    ).checked()
    assert produced.out.splitlines()[-1].startswith("20000 records sent")
    deadline = time.monotonic() + 20
    while "20000" not in (out := tool("GetOffsetShell", "--topic", topic).checked().out):
        assert time.monotonic() < deadline, out  # acks=0: sent is not yet arrived
    consumed = tool(
        "ConsumerPerformance",
        *("--topic", topic, "--num-records", "20000", "--hide-header", "--timeout", "30000"),
    ).checked()
    row = consumed.out.strip().splitlines()[-1].split(", ")
    # start, end, MB, MB/s, records, records/s, …
    assert int(row[4]) >= 20_000
    assert float(row[2]) == pytest.approx(20_000 * 200 / 2**20, rel=0.01)


def test_verifiable_producer_reports_dense_offsets(bootstrap: str, topic: str) -> None:
    done = run_tool(
        "VerifiableProducer",
        [
            *("--bootstrap-server", bootstrap, "--topic", topic, "--max-messages", "500"),
            *("--acks", "-1", "--value-prefix", "7"),
        ],
    ).checked()
    events = [json.loads(line) for line in done.out.splitlines()]
    sent = [event for event in events if event["name"] == "producer_send_success"]
    assert [event["offset"] for event in sent] == list(range(500))
    assert [event["value"] for event in sent] == [f"7.{n}" for n in range(500)]
    assert next(e for e in events if e["name"] == "tool_data")["acked"] == 500


def test_broker_api_versions_and_cluster_id(tool: Tool, bootstrap: str) -> None:
    versions = tool("BrokerApiVersionsCommand").checked().out
    host, port = bootstrap.split(":")
    assert f"{host}:{port} (id: " in versions
    served = dict(re.findall(r"^\t(\w+)\((?:\d+)\): ([^\n]+?),?$", versions, re.M))
    assert "Produce" in served and "UNSUPPORTED" not in served["Produce"]
    for api in (
        "Fetch",
        "Metadata",
        "JoinGroup",
        "OffsetCommit",
        "DescribeConfigs",
        "DeleteRecords",
    ):
        assert "[usable:" in served[api], api
    cluster = tool("ClusterTool", "cluster-id")
    if cluster.status != 0:  # its options follow the verb
        cluster = run_tool("ClusterTool", ["cluster-id", "--bootstrap-server", bootstrap])
    assert "Cluster ID: " in cluster.checked().out


def test_log_dirs(tool: Tool, topic: str, bootstrap: str) -> None:
    Confluent(bootstrap).produce(topic, [Rec(bytes(1000))] * 50)
    out = tool("LogDirsCommand", "--describe", "--topic-list", topic).checked().out
    document = json.loads(out.splitlines()[-1])
    (broker,) = document["brokers"]
    partitions = [each for logs in broker["logDirs"] for each in logs["partitions"]]
    (ours,) = [each for each in partitions if each["partition"] == f"{topic}-0"]
    assert ours["size"] >= 50_000 and not ours["isFuture"]
