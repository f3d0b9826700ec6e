"""One Apache Kafka node in KRaft mode, with Kafka's own defaults."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable
from tests.support.peers.java import class_path, java, log4j_config
from tests.support.peers.node import Node, free_port

CLUSTER_ID = "anabranch-peer-kafka-0"

# What kafka-server-start.sh and kafka-run-class.sh set when the operator sets nothing.
HEAP = ["-Xmx1G", "-Xms1G"]
JVM = [
    "-server",
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:InitiatingHeapOccupancyPercent=35",
    "-XX:+ExplicitGCInvokesConcurrent",
    "-XX:MaxInlineLevel=15",
    "-Djava.awt.headless=true",
]


class KafkaNode(Node):
    """Combined broker and controller; `settings` adds to or replaces server properties.

    Beyond Kafka's defaults it sets only what one node needs: its roles, listeners and directory,
    and a replication factor of 1 for the internal topics.
    """

    name = "kafka"

    def __init__(
        self,
        data: Path | None = None,
        *,
        parent: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(data, parent=parent)
        self._controller_port = free_port()
        self._settings = dict(settings or {})

    @property
    def logs(self) -> Path:
        return self.data / "logs"

    def prepare(self) -> None:
        properties = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@127.0.0.1:{self._controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listeners": (
                f"PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{self._controller_port}"
            ),
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{self.port}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self.logs),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            **self._settings,
        }
        text = "".join(f"{key}={value}\n" for key, value in properties.items())
        self.properties.write_text(text)
        if not (self.logs / "meta.properties").exists():
            self._format()

    @property
    def properties(self) -> Path:
        return self.data / "server.properties"

    def _format(self) -> None:
        done = subprocess.run(
            [
                *self._java("WARN"),
                "kafka.tools.StorageTool",
                *("format", "-t", CLUSTER_ID, "-c", str(self.properties)),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise PeerUnavailable(f"kafka-storage format failed: {done.stderr or done.stdout}")

    def _java(self, level: str) -> list[str]:
        return [
            java(),
            *JVM,
            f"-Dlog4j2.configurationFile={log4j_config(level)}",
            *("-cp", class_path("kafka-broker")),
        ]

    def command(self) -> list[str]:
        program, *options = self._java("WARN")
        return [program, *HEAP, *options, "kafka.Kafka", str(self.properties)]

    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        return sorted((self.logs / f"{topic}-{partition}").glob("*.log"))
