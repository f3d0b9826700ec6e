"""Flink, KafkaSource to exactly-once KafkaSink: broker and application killed, then a savepoint restored."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import pytest
from tests.clients.failover import wait_until
from tests.clients.totals import PAUSE_SECONDS, Totals, through_two_deaths
from tests.support.peers import App, Node
from tests.support.peers.java import compiled, java, log4j_config

pytestmark = pytest.mark.timeout(400)
JVM = ["-Xmx512M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto"]
# What Flink's own scripts open to it in Java 17.
OPENS = [
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.time", "java.net", "java.util.concurrent")
]


class Flink(App):
    """A cluster in one process, which goes on from the newest checkpoint unless told a savepoint."""

    def __init__(self, totals: Totals, strategy: str, directory: Path) -> None:
        program = Path(__file__).parent / "flink" / "FlinkTotals.java"
        self.checkpoints, self.savepoints = directory / "checkpoints", directory / "savepoints"
        self.request = directory / "savepoint.request"
        self.checkpoints.mkdir()
        settings = {
            "execution.checkpointing.interval": "500 ms",
            "execution.checkpointing.dir": self.checkpoints.as_uri(),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "2147483647",
            "restart-strategy.fixed-delay.delay": "500 ms",
            # Nothing beyond loopback.
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.bind-port": "0",
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
        }
        command = [
            *(java(), *JVM, *OPENS, f"-Dlog4j2.configurationFile={log4j_config('WARN')}"),
            *("-cp", compiled("flink", program), program.stem),
            *(totals.node.bootstrap, totals.source, totals.sink, totals.name, strategy),
            *(str(int(PAUSE_SECONDS * 1000)), str(self.request), self.savepoints.as_uri()),
            *(f"{key}={value}" for key, value in settings.items()),
        ]
        super().__init__(command, directory / "app")
        self._fresh = command
        self.savepoint: str | None = None

    def start(self) -> Self:
        done = sorted(self.checkpoints.glob("*/chk-*/_metadata"), key=lambda f: f.stat().st_mtime)
        origin = self.savepoint or (done[-1].parent.as_uri() if done else None)
        recovery = [f"execution.state-recovery.path={origin}"] if origin else []
        self.command = [*self._fresh, *recovery]
        return super().start()

    def stopped_with_savepoint(self) -> None:
        assert self.wait(120) == 0, self.tail()
        self.kill()
        self.savepoint = self.events()[-1]["savepoint"]


# How the sink finds the transactions that a dead one left: by trying names, or by asking for a list.
@pytest.mark.parametrize("strategy", ["INCREMENTING", "POOLING"])
def test_exactly_once_through_failures_and_a_savepoint(
    strategy: str, node: Node, name: str, tmp_path: Path
) -> None:
    totals = Totals(node, name, parts=5)
    with Flink(totals, strategy, tmp_path) as flink:
        through_two_deaths(totals, flink, positions=dict, exactly_once=True)
        totals.write_part()
        wait_until(totals.half_done, flink)
        flink.request.touch()
        totals.write_part()
        flink.stopped_with_savepoint()
        flink.start()
        wait_until(lambda: totals.all_told(committed_only=True), flink)
    totals.check_exactly_once()
