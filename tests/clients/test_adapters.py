"""Replay-safe sinks under other people's processors, which die and repeat: nothing is there twice."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from tests.clients.conftest import make_topic
from tests.support.peers import App, python

from anabranch.recovery.adapters.consumer import ConfluentReader, KafkaPythonReader, process
from anabranch.recovery.adapters.session import Surroundings
from anabranch.recovery.sinks import lines
from anabranch.recovery.sinks.source import sources_from_admin
from anabranch.recovery.sinks.sqlite import SqliteSink

pytestmark = pytest.mark.timeout(150)
ROOT = Path(__file__).resolve().parents[2]
RECORDS = 400
PARTITIONS = 2
TABLES = {"rows": "n INTEGER, part INTEGER"}


@pytest.fixture
def source(bootstrap: str, name: str) -> str:
    topic = make_topic(bootstrap, f"{name[-60:]}-in", PARTITIONS)
    producer = Producer({"bootstrap.servers": bootstrap})
    for n in range(RECORDS):
        producer.produce(topic, key=b"k", value=json.dumps({"n": n}), partition=n % PARTITIONS)
    assert producer.flush(30) == 0
    return topic


def rows(path: Path) -> list[tuple[int, int]]:
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as connection:
        try:
            found = connection.execute("SELECT n, part FROM rows ORDER BY n, part").fetchall()
        except sqlite3.OperationalError:  # not made yet
            return []
    return found


def suppressed(path: Path) -> int:
    return sum(row.suppressed for row in lines.offsets(path))


@pytest.mark.parametrize(("engine", "parts"), [("quix", 2), ("bytewax", 1)])
def test_a_killed_application_leaves_no_row_out_and_none_twice(
    engine: str, parts: int, bootstrap: str, name: str, source: str, tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    path = tmp_path / "rows.db"
    options = {
        "bootstrap": bootstrap,
        "group": name,
        "source": source,
        "sink": str(path),
        "state": str(tmp_path / "state"),
        "commit_seconds": 0.5,
        "pause_seconds": 0.005,
    }
    program = Path(__file__).parent / "apps" / f"{engine}_sink.py"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    app = App(
        [str(python(engine)), str(program), json.dumps(options)],
        tmp_path / "app",
        environment=environment,
    )
    expected = [(n, part) for n in range(RECORDS) for part in range(parts)]
    with app:
        for share in (4, 2, 1):  # of the rows, before it is killed
            deadline = time.monotonic() + 60
            while len(rows(path)) < len(expected) // share:
                assert time.monotonic() < deadline, app.tail()
                if not app.alive():
                    app.start()
                time.sleep(0.05)
            app.kill()
            if share > 1:
                app.start()
    assert rows(path) == expected
    # And all of it once more, by a group that has committed nothing.
    (tmp_path / "again").mkdir()
    options |= {"group": f"{name}-b", "state": str(tmp_path / "again"), "pause_seconds": 0}
    command = [str(python(engine)), str(program), json.dumps(options)]
    with App(command, tmp_path / "again" / "app", environment=environment) as app:
        app.start()
        deadline = time.monotonic() + 60
        while suppressed(path) < RECORDS:
            assert time.monotonic() < deadline and app.alive(), app.tail()
            time.sleep(0.1)
        app.kill()
    assert rows(path) == expected


@pytest.mark.parametrize("client", ["confluent", "kafka-python"])
def test_a_plain_consumer_begins_where_the_sink_is_and_ends_where_the_replay_does(
    client: str, bootstrap: str, name: str, source: str, tmp_path: Path
) -> None:
    sources = sources_from_admin(AdminClient({"bootstrap.servers": bootstrap}), [source])
    path = tmp_path / "rows.db"
    half = RECORDS // PARTITIONS // 2

    def run(group: str, ends: dict[int, int]) -> int:
        surroundings = Surroundings.of(
            {
                "ANABRANCH_TOPICS": json.dumps({"numbers": source}),
                "ANABRANCH_END_OFFSETS": json.dumps(
                    {source: {str(partition): end for partition, end in ends.items()}}
                ),
            }
        )
        sink = SqliteSink.open(path, TABLES, sources)

        def write(tx, message):  # type: ignore[no-untyped-def]
            value = message.value() if client == "confluent" else message.value
            tx.execute(f"INSERT INTO {tx.table('rows')} VALUES (?, 0)", (json.loads(value)["n"],))

        if client == "confluent":
            consumer = Consumer(
                {
                    "bootstrap.servers": bootstrap, "group.id": group,
                    "auto.offset.reset": "earliest", "enable.auto.commit": False,
                    "enable.partition.eof": True,
                }
            )  # fmt: skip
            reader = ConfluentReader(consumer, ["numbers"], sink, surroundings)
        else:
            from kafka import KafkaConsumer

            consumer = KafkaConsumer(
                bootstrap_servers=bootstrap, group_id=group, auto_offset_reset="earliest",
                enable_auto_commit=False,
            )  # fmt: skip
            reader = KafkaPythonReader(consumer, ["numbers"], sink, surroundings)
        try:
            return process(reader, sink, write, batch=50)
        finally:
            consumer.close()
            sink.close()

    assert run(name, {0: half, 1: half}) == 2 * half
    assert [n for n, _ in rows(path)] == list(range(2 * half))
    assert committed(bootstrap, name, source) == [half, half]
    # Another group, without a commit: the sink's position decides.
    full = RECORDS // PARTITIONS
    assert run(f"{name}-b", {0: full, 1: full}) == RECORDS - 2 * half
    assert [n for n, _ in rows(path)] == list(range(RECORDS))
    assert run(f"{name}-c", {0: full, 1: full}) == 0  # is there already
    with SqliteSink.open(path, TABLES, sources).transaction() as tx:
        assert tx.execute("SELECT sum(suppressed) FROM anabranch_offsets").fetchone() == (0,)


def committed(bootstrap: str, group: str, topic: str) -> list[int]:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    asked = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
    answer = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, asked)])
    return [p.offset for p in answer[group].result(20).topic_partitions]
