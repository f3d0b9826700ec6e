"""Checkpoints and savepoints of real Flink, with what they must hold as a witness inside the job told it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.clients.conftest import make_topic
from tests.clients.dialects import ConfluentIdempotent, Rec
from tests.clients.failover import wait_until
from tests.support.peers import App, Node
from tests.support.peers.java import compiled, java, log4j_config
from tests.support.peers.node import free_port

HERE = Path(__file__).resolve().parent / "flink"
JVM = ["-Xmx512M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
# What Flink's own scripts open to it in Java 17.
OPENS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.time", "java.net", "java.util.concurrent")
]
UNALIGNED = {
    "execution.checkpointing.unaligned": "true",  # Flink 1.15 knows this name alone
    "execution.checkpointing.unaligned.enabled": "true",
    # Little memory for buffers, so that what is under way is many records of few bytes.
    "taskmanager.memory.segment-size": "4kb",
    "taskmanager.network.memory.buffers-per-channel": "2",
}
# Records by partition; partition 2 stays empty. They last for 20 s: a test that stalls is amid them yet.
ORDERS = {0: 9000, 1: 7000}


class Truth(NamedTuple):
    """Where the sources stood at a checkpoint, by uid, then by "TOPIC PARTITION"."""

    checkpoint: int
    next: dict[str, dict[str, int]]


class CheckpointingFlink(App):
    """A job of three sources: `orders` is read, `quiet` from its end, `fresh` from a group's commits."""

    def __init__(
        self,
        node: Node,
        name: str,
        directory: Path,
        *,
        project: str = "flink",
        pauses_ms: str = "3:0",  # beside the sources, behind them
        savepoint_format: str = "CANONICAL",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.checkpoints, self.savepoints = directory / "checkpoints", directory / "savepoints"
        self.request, self.rest_port = directory / "savepoint.request", free_port()
        self.checkpoints.mkdir(parents=True)
        self.topics = {uid: f"{name}-{uid}" for uid in ("orders", "quiet", "fresh")}
        for uid, partitions in (("orders", 3), ("quiet", 1), ("fresh", 1)):
            make_topic(node.bootstrap, self.topics[uid], partitions)
        make_topic(node.bootstrap, f"{name}-sink", 1)
        dialect = ConfluentIdempotent(node.bootstrap)
        dialect.produce(self.topics["quiet"], [Rec(b"%d" % n, b"k", partition=0) for n in range(5)])
        dialect.produce(
            self.topics["orders"],
            [
                Rec(b"x" * 20, b"k", partition=p)
                for p, count in ORDERS.items()
                for _ in range(count)
            ],
        )
        starts = {"orders": "earliest", "quiet": "latest", "fresh": "committed"}
        sources = ",".join(f"{uid}={self.topics[uid]}:{start}" for uid, start in starts.items())
        wanted = {
            "execution.checkpointing.interval": "700 ms",
            "state.checkpoints.dir": self.checkpoints.as_uri(),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "state.checkpoints.num-retained": "3",
            "restart-strategy": "none",
            "rest.cache.checkpoint-statistics.timeout": "50 ms",  # it answers from memory for 3 s
            "web.refresh-interval": "50",
            # Nothing beyond loopback.
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.port": str(self.rest_port),
            "rest.bind-port": str(self.rest_port),
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
            **(settings or {}),
        }
        program = HERE / "FlinkCheckpoints.java"
        if project == "flink-1.15":  # its name for the same
            older = directory / program.name
            older.write_text(program.read_text().replace("setDelivery", "setDeliver"))
            program = older
        command = [
            *(java(), *JVM, *OPENS, f"-Dlog4j2.configurationFile={log4j_config('WARN')}"),
            *("-cp", compiled(project, program), program.stem),
            *(node.bootstrap, sources, f"{name}-sink", name, "2", pauses_ms),
            *(str(self.request), self.savepoints.as_uri(), savepoint_format),
            *(f"{key}={value}" for key, value in wanted.items()),
        ]
        super().__init__(command, directory / "app")

    def completed(self) -> list[Path]:
        """Directories of the checkpoints that are complete, oldest first."""
        found = self.checkpoints.glob("*/chk-*/_metadata")
        return sorted((f.parent for f in found), key=lambda each: int(each.name[4:]))

    def amid(self) -> Path:
        """Wait until a checkpoint was taken amid the orders of each partition; kill the job and give the
        directory."""

        def so() -> bool:
            return any(min(self._passed(number(each))) > 10 for each in self.completed())

        wait_until(so, self)
        self.kill()
        return self.completed()[-1]

    def with_savepoint(self) -> Path:
        """Stop with a savepoint once some of the orders were read, and give its directory."""
        wait_until(lambda: bool(self.completed()), self)
        self.request.touch()
        assert self.wait(120) == 0, self.tail()
        self.kill()
        return Path(str(self.events()[-1]["savepoint"]).removeprefix("file:"))

    def truth(self, checkpoint: int | None = None) -> Truth:
        """What the witnesses told at a checkpoint; of a savepoint, at the last one."""
        told = [event for event in self.events() if "checkpoint" in event]
        wanted = max(event["checkpoint"] for event in told) if checkpoint is None else checkpoint
        places: dict[str, dict[str, int]] = {}
        for event in told:
            if event["checkpoint"] == wanted:
                places.setdefault(event["uid"], {}).update(event["next"])
        return Truth(wanted, places)

    def _passed(self, checkpoint: int) -> list[int]:
        told = self.truth(checkpoint).next.get("orders", {})
        return [told.get(f"{self.topics['orders']} {partition}", 0) for partition in ORDERS]

    def job(self) -> str:
        return str(next(event["job"] for event in self.events() if "job" in event))


def number(checkpoint: Path) -> int:
    """7 for ``chk-7``."""
    return int(checkpoint.name.removeprefix("chk-"))


def legacy_savepoint(node: Node, name: str, directory: Path) -> tuple[Path, dict[str, Any]]:
    """A savepoint of the consumer before KafkaSource, which had read all; and the offsets it must hold."""
    directory.mkdir(parents=True)
    # Kryo writes names otherwise that have one character, or 64 and more.
    topics = {f"{name}-legacy": {0: 40, 1: 70}, "l": {0: 7}, f"{name}-{'long-' * 20}end": {0: 9}}
    for topic, counts in topics.items():
        make_topic(node.bootstrap, topic, len(counts))
        records = [Rec(b"x", b"k", partition=p) for p, n in counts.items() for _ in range(n)]
        ConfluentIdempotent(node.bootstrap).produce(topic, records)
    program = HERE / "FlinkLegacy.java"
    command = [
        *(java(), *JVM, *OPENS, f"-Dlog4j2.configurationFile={log4j_config('WARN')}"),
        *("-cp", compiled("flink-1.20", program), program.stem),
        *(node.bootstrap, ",".join(topics), name, (directory / "savepoints").as_uri(), "6000"),
    ]
    with App(command, directory / "app") as app:
        app.start()
        assert app.wait(150) == 0, app.tail()
        path = Path(str(app.events()[-1]["savepoint"]).removeprefix("file:"))
    ends = {f"{topic} {p}": n for topic, counts in topics.items() for p, n in counts.items()}
    return path, {"legacy": ends}
