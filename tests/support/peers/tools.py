"""Kafka's own command-line tools, started by their main classes."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from tests.support.peers.java import class_path, java, log4j_config
from tests.support.peers.leash import leashed

# The shell script of the Kafka distribution that starts each class is named beside it.
MAIN_CLASSES = {
    "AclCommand": "org.apache.kafka.tools.AclCommand",  # kafka-acls
    "BrokerApiVersionsCommand": "org.apache.kafka.tools.BrokerApiVersionsCommand",  # kafka-broker-api-versions
    "ClientMetricsCommand": "org.apache.kafka.tools.ClientMetricsCommand",  # kafka-client-metrics
    "ClusterTool": "org.apache.kafka.tools.ClusterTool",  # kafka-cluster
    "ConfigCommand": "kafka.admin.ConfigCommand",  # kafka-configs
    "ConsoleConsumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",  # kafka-console-consumer
    "ConsoleProducer": "org.apache.kafka.tools.ConsoleProducer",  # kafka-console-producer
    "ConsumerGroupCommand": "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",  # kafka-consumer-groups
    "ConsumerPerformance": "org.apache.kafka.tools.ConsumerPerformance",  # kafka-consumer-perf-test
    "DelegationTokenCommand": "org.apache.kafka.tools.DelegationTokenCommand",  # kafka-delegation-tokens
    "DeleteRecordsCommand": "org.apache.kafka.tools.DeleteRecordsCommand",  # kafka-delete-records
    "DumpLogSegments": "org.apache.kafka.tools.DumpLogSegments",  # kafka-dump-log
    "GetOffsetShell": "org.apache.kafka.tools.GetOffsetShell",  # kafka-get-offsets
    "GroupsCommand": "org.apache.kafka.tools.GroupsCommand",  # kafka-groups
    "LogDirsCommand": "org.apache.kafka.tools.LogDirsCommand",  # kafka-log-dirs
    "ProducerPerformance": "org.apache.kafka.tools.ProducerPerformance",  # kafka-producer-perf-test
    "ConsoleShareConsumer": "org.apache.kafka.tools.consumer.ConsoleShareConsumer",  # kafka-console-share-consumer
    "ShareGroupCommand": "org.apache.kafka.tools.consumer.group.ShareGroupCommand",  # kafka-share-groups
    "VerifiableShareConsumer": "org.apache.kafka.tools.VerifiableShareConsumer",  # kafka-verifiable-share-consumer
    "FeatureCommand": "org.apache.kafka.tools.FeatureCommand",  # kafka-features
    "LeaderElectionCommand": "org.apache.kafka.tools.LeaderElectionCommand",  # kafka-leader-election
    "MetadataQuorumCommand": "org.apache.kafka.tools.MetadataQuorumCommand",  # kafka-metadata-quorum
    "ReassignPartitionsCommand": "org.apache.kafka.tools.reassign.ReassignPartitionsCommand",  # kafka-reassign-partitions
    "StreamsGroupCommand": "org.apache.kafka.tools.streams.StreamsGroupCommand",  # kafka-streams-groups
    "TopicCommand": "org.apache.kafka.tools.TopicCommand",  # kafka-topics
    "TransactionsCommand": "org.apache.kafka.tools.TransactionsCommand",  # kafka-transactions
    "VerifiableConsumer": "org.apache.kafka.tools.VerifiableConsumer",  # kafka-verifiable-consumer
    "VerifiableProducer": "org.apache.kafka.tools.VerifiableProducer",  # kafka-verifiable-producer
}
# Tools live for seconds: the first compiler tier only and the serial collector start quicker and
# leave the second core to the broker.
JVM = ["-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]


@dataclass(frozen=True)
class ToolResult:
    """How one tool run ended."""

    command: str
    status: int
    out: str
    err: str

    def checked(self) -> ToolResult:
        """Itself, after asserting that the tool exited with 0."""
        assert self.status == 0, f"{self.command} exited {self.status}\n{self.out}\n{self.err}"
        return self


def tool_command(tool: str, args: Sequence[str], jvm: Sequence[str] = JVM) -> list[str]:
    """The command that runs `tool` (a key of `MAIN_CLASSES`)."""
    return [
        java(),
        *jvm,
        f"-Dlog4j2.configurationFile={log4j_config('WARN')}",
        *("-cp", class_path("kafka-tools"), MAIN_CLASSES[tool]),
        *args,
    ]


def run_tool(
    tool: str,
    args: Sequence[str],
    *,
    stdin: str | bytes = "",
    seconds_max: float = 60,
    jvm: Sequence[str] = JVM,
) -> ToolResult:
    """Run `tool` (a key of `MAIN_CLASSES`) to its end; use `.checked()` where it must succeed."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    done = subprocess.run(
        tool_command(tool, args, jvm),
        input=data,
        capture_output=True,
        timeout=seconds_max,
        check=False,
    )
    shown = f"{tool} {' '.join(args)}"
    return ToolResult(
        shown, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode()
    )


def start_tool(tool: str, args: Sequence[str]) -> subprocess.Popen[str]:
    """Start `tool` in the background with its stdout as a text pipe; the caller ends it."""
    return subprocess.Popen(
        leashed(tool_command(tool, args)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
