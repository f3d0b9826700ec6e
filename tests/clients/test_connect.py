"""Kafka Connect, distributed: a file into a topic into a file, with the broker and a worker killed.

Two workers keep connectors, positions and states in compacted topics; the one that takes over, and one
that is new, know everything from there.
"""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.clients.conftest import make_topic, restart
from tests.clients.contents import committed, config_value, read_all
from tests.clients.failover import wait_until
from tests.support.peers import AnabranchNode, Node
from tests.support.peers.connect import ConnectWorker

pytestmark = pytest.mark.timeout(280)

SOURCE, SINK = "file-source", "file-sink"
PACE_SECONDS, PACE_LINES = 0.1, 20
START_SECONDS_MAX = 90  # two JVMs that scan their class path, on two busy cores


@contextmanager
def growing(file: Path) -> Iterator[list[str]]:
    """Lines are appended to `file` until the block ends; the list holds them."""
    lines: list[str] = []
    stop = threading.Event()

    def write() -> None:
        with file.open("a") as out:
            while not stop.wait(PACE_SECONDS):
                more = [f"line {len(lines) + n}" for n in range(PACE_LINES)]
                out.write("".join(f"{line}\n" for line in more))
                out.flush()
                lines.extend(more)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield lines
    finally:
        stop.set()
        writer.join()


def internal(name: str) -> dict[str, str]:
    return {kind: f"{name}-connect-{kind}" for kind in ("configs", "offsets", "status")}


def properties(node: Node, name: str) -> dict[str, str]:
    topics = internal(name)
    string = "org.apache.kafka.connect.storage.StringConverter"
    return {
        "bootstrap.servers": node.bootstrap,
        "group.id": f"{name}-connect",
        "key.converter": string,
        "value.converter": string,
        "config.storage.topic": topics["configs"],
        "config.storage.replication.factor": "1",  # these three as in connect-distributed.properties
        "offset.storage.topic": topics["offsets"],
        "offset.storage.replication.factor": "1",
        "status.storage.topic": topics["status"],
        "status.storage.replication.factor": "1",
        # So that nobody waits 10 s for a dead worker, then 5 minutes for its return, then a minute
        # for positions to be stored.
        "session.timeout.ms": "6000",
        "heartbeat.interval.ms": "1000",
        "scheduled.rebalance.max.delay.ms": "0",
        "offset.flush.interval.ms": "1000",
    }


def connectors(name: str, read: Path, written: Path) -> list[dict[str, Any]]:
    return [
        {
            "name": SOURCE,
            "config": {
                "connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector",
                "tasks.max": "1",
                "file": str(read),
                "topic": name,
            },
        },
        {
            "name": SINK,
            "config": {
                "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
                "tasks.max": "1",
                "file": str(written),
                "topics": name,
            },
        },
    ]


def home(worker: ConnectWorker, connector: str) -> str | None:
    """Which worker runs the connector's one task, if it and the connector are running."""
    status = worker.ask(f"/connectors/{connector}/status")
    if status is None or status["connector"]["state"] != "RUNNING":
        return None
    running = [task["worker_id"] for task in status["tasks"] if task["state"] == "RUNNING"]
    return running[0] if len(running) == 1 else None


def positions(node: Node, name: str) -> tuple[int, int]:
    """How many bytes of the file the source had stored as read; and what the sink had committed."""
    stored = 0
    for record in read_all(node.bootstrap, internal(name)["offsets"]):
        if json.loads(record.key or b"")[0] == SOURCE:
            stored = json.loads(record.value or b"")["position"]
    return stored, committed(node.bootstrap, f"connect-{SINK}").get(0, 0)


def check_source(found: list[str], lines: list[str], stored: list[int]) -> None:
    """Every line in order, but for going back once after each death, not behind what was `stored` then."""
    at, left = 0, list(stored)
    for line in found:
        number = int(line.split()[1])
        if number != at:
            assert number < at, f"{lines[at:number]} left out"
            while left and number < left[0]:
                left.pop(0)
            assert left, f"{line!r} again, where {lines[at : at + 1]} belongs"
            left.pop(0)
        at = number + 1
    assert at == len(lines)


def check_sink(found: list[str], topic: list[str], committed: int) -> None:
    """All that the topic has, as often; more often only what was not yet committed when a worker died."""
    missing = Counter(topic) - Counter(found)
    repeated = Counter(found) - Counter(topic)
    assert not missing
    assert repeated.keys() <= set(topic[committed:])


def test_file_to_topic_to_file(node: Node, name: str, tmp_path: Path) -> None:
    make_topic(node.bootstrap, name)
    read, written = tmp_path / "read.txt", tmp_path / "written.txt"
    read.touch()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(ConnectWorker(properties(node, name), tmp_path, each))
            for each in ("first", "second")
        )
        first.start()
        second.start()
        both = (first, second)
        for worker in both:
            wait_until(
                lambda w=worker: w.ask("/") is not None, *both, seconds_max=START_SECONDS_MAX
            )
        for connector in connectors(name, read, written):
            assert first.ask("/connectors", connector) is not None, first.tail()

        def topic() -> list[str]:
            return [(rec.value or b"").decode() for rec in read_all(node.bootstrap, name)]

        def sunk() -> list[str]:
            return written.read_text().splitlines() if written.exists() else []

        def apart() -> bool:
            return {home(first, SOURCE), home(first, SINK)} == {w.address for w in both}

        with growing(read) as lines:
            wait_until(apart, *both)
            wait_until(lambda: len(sunk()) > 300, *both)
            before, at_before = positions(node, name)
            restart(node, clean=False)
            known = len(sunk())
            wait_until(lambda: len(sunk()) > known + 300, *both)

            (victim,) = (w for w in both if w.address == home(first, SOURCE))
            (survivor,) = (w for w in both if w is not victim)
            victim.kill()
            stored, at = positions(node, name)
            wait_until(lambda: home(survivor, SOURCE) == survivor.address, survivor)
            victim.start()
            known = len(sunk())
            wait_until(lambda: len(sunk()) > known + 100, survivor)
            wait_until(lambda: home(victim, SINK) is not None, *both, seconds_max=START_SECONDS_MAX)
        wait_until(lambda: lines[-1] in sunk()[-1:], *both)
        for worker in both:
            assert set(worker.ask("/connectors")) == {SOURCE, SINK}, "known from the topics"
            assert worker.stop() in (0, 143), worker.tail()  # a JVM's status after SIGTERM

    if isinstance(node, AnabranchNode):
        # It is back before anybody's session ends, so only the worker's death repeats anything.
        before, at_before = stored, at
    starts = [read.read_bytes()[:each].count(b"\n") for each in (before, stored)]
    check_source(topic(), lines, starts[before == stored :])
    check_sink(sunk(), topic(), at_before)
    compacted = {
        topic: config_value(node.bootstrap, topic, "cleanup.policy")
        for topic in internal(name).values()
    }
    assert compacted == dict.fromkeys(compacted, "compact")
