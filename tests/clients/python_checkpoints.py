"""Checkpoints of the stream processors in Python, with what the processors themselves told of their reading."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.clients.conftest import make_topic
from tests.clients.dialects import ConfluentIdempotent, Rec
from tests.clients.failover import wait_until
from tests.support.peers import App, Node, python
from tests.support.peers.java import class_path

APPS = Path(__file__).resolve().parent / "apps"


def fill(node: Node, topics: dict[str, dict[int, int]], *, keyed: bool = False) -> None:
    """Topics with records in each partition."""
    for topic, counts in topics.items():
        make_topic(node.bootstrap, topic, len(counts))
        records = [
            Rec(json.dumps({"n": n}).encode(), b"key-%d" % (n % 5), partition=p)
            for p, count in counts.items()
            for n in range(count)
        ]
        ConfluentIdempotent(node.bootstrap).produce(topic, records)


def spark_checkpoint(
    node: Node, name: str, directory: Path, *, form: int
) -> tuple[Path, dict[str, Any]]:
    """A checkpoint with committed batches and one under way, and where the last committed one ended."""
    directory.mkdir(parents=True)
    topics = {f"{name}-a": {0: 60, 1: 40}, f"{name}-b": {0: 50}, f"{name}-c": {0: 45}}
    fill(node, topics)
    options = {
        "bootstrap": node.bootstrap,
        "topics": [f"{name}-a,{name}-b", f"{name}-c"],
        "state": str(directory / "checkpoint"),
        "batch": 20,
        "stuck": 2,
        "format": form,
        "jars": class_path("spark-kafka").replace(":", ","),
    }
    command = [str(python("spark")), str(APPS / "spark_checkpoint.py"), json.dumps(options)]
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with App(command, directory / "app", environment=environment) as app:
        app.start()
        wait_until(lambda: any(e["batch"] == 2 for e in app.events()), app)
        app.kill()
        batches: dict[int, dict[str, int]] = {}
        for event in app.events():
            batches.setdefault(event["batch"], {}).update(event["next"])
    ends: dict[str, int] = {}
    for batch in (0, 1):
        ends |= batches[batch]
    return directory / "checkpoint", {"batch": 1, "next": ends, "uncommitted": batches[2]}


def bytewax_store(
    node: Node, name: str, directory: Path, look: Callable[[Path], None] = lambda _: None
) -> tuple[Path, dict[str, Any]]:
    """A recovery store of a killed dataflow, and the first offset of each partition read with it again.

    `look` may look at the store all the while.
    """
    state = directory / "recovery"
    state.mkdir(parents=True)
    topics = {f"{name}-a": {0: 90, 1: 70}, f"{name}-b": {0: 50}}
    fill(node, topics)
    options = {
        "bootstrap": node.bootstrap,
        "inputs": {"orders": [f"{name}-a"], "refunds": [f"{name}-b"]},
        "state": str(state),
        "pause_seconds": 0.02,
    }
    command = [str(python("bytewax")), str(APPS / "bytewax_checkpoint.py"), json.dumps(options)]
    kept = directory / "kept"
    with App(command, directory / "app") as app:
        app.start()

        def enough() -> bool:
            look(state)
            return len(app.events()) > 80

        wait_until(enough, app)
        app.kill()
        kept.mkdir()
        for file in state.iterdir():
            (kept / file.name).write_bytes(file.read_bytes())
        before = len(app.events())
        app.start()
        wait_until(lambda: len(_firsts(app.events()[before:])) == 3, app)
        app.kill()
        return kept, {"next": _firsts(app.events()[before:])}


def _firsts(events: list[dict[str, Any]]) -> dict[str, int]:
    firsts: dict[str, int] = {}
    for event in events:
        firsts.setdefault(f"{event['topic']} {event['partition']}", event["offset"])
    return firsts
