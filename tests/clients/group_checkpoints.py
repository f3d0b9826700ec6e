"""Kafka Streams, Quix Streams and Kafka Connect, run until they have dealt with all there is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.clients.conftest import make_topic
from tests.clients.contents import committed
from tests.clients.dialects import ConfluentIdempotent, Rec
from tests.clients.failover import wait_until
from tests.clients.members import SESSION_MS
from tests.clients.totals import PAUSE_SECONDS, Totals
from tests.support.peers import App, Node, python
from tests.support.peers.connect import ConnectWorker
from tests.support.peers.java import compiled, java, log4j_config

HERE = Path(__file__).resolve().parent


def streams_run(node: Node, name: str, directory: Path) -> Totals:
    """A Kafka Streams application, exactly once, that was stopped; its application id is `name`."""
    totals = Totals(node, name, parts=1)
    options = {
        "bootstrap": node.bootstrap,
        "group": name,
        "state": str(directory / "state"),
        "source": totals.source,
        "sink": totals.sink,
        "pause_ms": 0,
        "session_ms": SESSION_MS,
        "heartbeat_ms": SESSION_MS // 6,
    }
    program = HERE / "streams" / "StreamsTotals.java"
    command = [
        *(java(), "-Xmx256M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"),
        f"-Dlog4j2.configurationFile={log4j_config('WARN')}",
        *("-cp", compiled("kafka-streams", program), program.stem, json.dumps(options)),
    ]
    with App(command, directory / "app") as app:
        app.start()
        totals.write_part()
        wait_until(lambda: totals.all_told(committed_only=True), app)
        app.stop()
    return totals


def quix_run(node: Node, name: str, directory: Path) -> Totals:
    """A Quix Streams application with state that was stopped; its group is `name`."""
    totals = Totals(node, name, parts=1)
    options = {
        "bootstrap": node.bootstrap,
        "group": name,
        "state": str(directory / "state"),
        "source": totals.source,
        "sink": totals.sink,
        "guarantee": "at-least-once",
        "session_ms": 15_000,
        "commit_seconds": 0.5,
        "pause_seconds": PAUSE_SECONDS,
    }
    command = [str(python("quix")), str(HERE / "apps" / "quix_totals.py"), json.dumps(options)]
    with App(command, directory / "app") as app:
        app.start()
        totals.write_part()
        wait_until(totals.all_told, app)
        assert app.stop() == 0, app.tail()
    return totals


@contextmanager
def connect_sink(node: Node, name: str, directory: Path) -> Iterator[ConnectWorker]:
    """A worker whose connector ``files`` has written the 45 records of both partitions of topic `name`."""
    make_topic(node.bootstrap, name, 2)
    records = [Rec(b"line %d" % n, b"k", partition=n % 2) for n in range(90)]
    ConfluentIdempotent(node.bootstrap).produce(name, records)
    string = "org.apache.kafka.connect.storage.StringConverter"
    properties = {
        "bootstrap.servers": node.bootstrap,
        "group.id": f"{name}-connect",
        "key.converter": string,
        "value.converter": string,
        "offset.flush.interval.ms": "500",
    }
    for kind, each in (("config", "configs"), ("offset", "offsets"), ("status", "status")):
        properties[f"{kind}.storage.topic"] = f"{name}-{each}"
        properties[f"{kind}.storage.replication.factor"] = "1"
    connector = {
        "name": "files",
        "config": {
            "connector.class": "org.apache.kafka.connect.file.FileStreamSinkConnector",
            "tasks.max": "1",
            "file": str(directory / "written.txt"),
            "topics": name,
        },
    }
    with ConnectWorker(properties, directory, "worker") as worker:
        worker.start()
        wait_until(lambda: worker.ask("/") is not None, worker)
        assert worker.ask("/connectors", connector) is not None, worker.tail()
        wait_until(lambda: committed(node.bootstrap, "connect-files") == {0: 45, 1: 45}, worker)
        yield worker
