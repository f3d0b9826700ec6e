"""A stream processor as many teams run one: a plain confluent-kafka consumer and a table.

It keeps departures, cancellations, mean and maximum delay per carrier and day in SQLite, through
the replay-safe sink. Nothing in it knows about recovery: under `anabranch replay` the same file
finds other topics, another group and a staging line in its environment.

    python -m examples.flights.processor --version 1 --bootstrap 127.0.0.1:9092 --sink view.db
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from anabranch.recovery.sinks.source import sources_from_admin, sources_from_environment
from anabranch.recovery.sinks.sqlite import LIVE, SqliteSink, Transaction

TOPIC = "flights"
GROUP = "flights-view"
BATCH = 2000  # records per transaction at most
COMMIT_EVERY_S = 1.0  # the group's offsets follow the sink's at this distance

TABLES = {
    "daily": """
        carrier TEXT NOT NULL, day TEXT NOT NULL,
        departures INTEGER NOT NULL, cancellations INTEGER NOT NULL,
        delay_sum INTEGER NOT NULL, max_delay INTEGER,
        mean_delay REAL GENERATED ALWAYS AS (
            CASE WHEN departures > 0 THEN delay_sum * 1.0 / departures END
        ) VIRTUAL,
        PRIMARY KEY (carrier, day)
    """
}
UPSERT = """
    INSERT INTO {table} (carrier, day, departures, cancellations, delay_sum, max_delay)
    VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (carrier, day) DO UPDATE SET
        departures = departures + excluded.departures,
        cancellations = cancellations + excluded.cancellations,
        delay_sum = delay_sum + excluded.delay_sum,
        max_delay = max(coalesce(max_delay, excluded.max_delay), coalesce(excluded.max_delay, max_delay))
"""

Flight = Mapping[str, Any]
AggregationKey = Callable[[Flight], tuple[str, str]]


def by_local_day(flight: Flight) -> tuple[str, str]:
    """The day at the airport: what the view is about."""
    return flight["carrier"], flight["day"]


def by_utc_day(flight: Flight) -> tuple[str, str]:
    """Version 2 "unified time zones": evening departures land on the next day."""
    return flight["carrier"], flight["scheduled"][:10]


VERSIONS: Mapping[str, AggregationKey] = {"1": by_local_day, "2": by_utc_day, "3": by_local_day}


def apply(tx: Transaction, messages: list[Message], aggregation_key: AggregationKey) -> None:
    """Fold the messages that are new into the table, one row per key and batch."""
    totals: dict[tuple[str, str], list[Any]] = {}
    for message in messages:
        if not tx.fresh(message.topic(), message.partition(), message.offset()):
            continue
        flight = json.loads(message.value())
        row = totals.setdefault(aggregation_key(flight), [0, 0, 0, None])
        if not flight["departed"]:
            row[1] += 1
            continue
        delay = flight["dep_delay"]
        row[0] += 1
        row[2] += delay
        row[3] = delay if row[3] is None or delay > row[3] else row[3]
    tx.executemany(
        UPSERT.format(table=tx.table("daily")), [(*key, *row) for key, row in totals.items()]
    )


class Progress:
    """Next offsets read, and whether the end of a bounded run is reached."""

    def __init__(self, ends: Mapping[str, Mapping[str, int]]) -> None:
        self.ends = {(t, int(p)): end for t, parts in ends.items() for p, end in parts.items()}
        self.positions: dict[tuple[str, int], int] = {}
        self.dirty = False

    def take(self, message: Message) -> bool:
        """False for a record at or past the end of the run."""
        where = (message.topic(), message.partition())
        if message.offset() >= self.ends.get(where, sys.maxsize):
            return False
        self.positions[where] = message.offset() + 1
        self.dirty = True
        return True

    def finished(self, starts: Mapping[tuple[str, int], int]) -> bool:
        return bool(self.ends) and all(
            self.positions.get(where, starts.get(where, 0)) >= end
            for where, end in self.ends.items()
        )

    def commit(self, consumer: Consumer) -> None:
        if self.dirty:
            offsets = [TopicPartition(t, p, offset) for (t, p), offset in self.positions.items()]
            consumer.commit(offsets=offsets, asynchronous=False)
            self.dirty = False


def bounds(text: str | None) -> dict[str, dict[str, int]]:
    return json.loads(text) if text else {}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", choices=VERSIONS, required=True)
    parser.add_argument("--bootstrap", default=os.environ.get("ANABRANCH_BOOTSTRAP"))
    parser.add_argument("--group", default=os.environ.get("ANABRANCH_GROUP", GROUP))
    parser.add_argument("--sink", default=os.environ.get("ANABRANCH_SINK", "view.db"))
    parser.add_argument(
        "--until", help="JSON {topic: {partition: offset}}: idle when it is reached"
    )
    arguments = parser.parse_args()

    topic = json.loads(os.environ.get("ANABRANCH_TOPICS", "{}")).get(TOPIC, TOPIC)
    replay_ends = bounds(os.environ.get("ANABRANCH_END_OFFSETS"))
    starts = {
        (t, int(p)): offset
        for t, parts in bounds(os.environ.get("ANABRANCH_START_OFFSETS")).items()
        for p, offset in parts.items()
    }
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)

    common = {"bootstrap.servers": arguments.bootstrap}
    sources = sources_from_environment(os.environ) or sources_from_admin(
        AdminClient(common), [topic]
    )
    line = os.environ.get("ANABRANCH_STAGING", LIVE)
    sink = SqliteSink.open(arguments.sink, TABLES, sources, line=line)
    consumer = Consumer(
        {
            **common,
            "group.id": arguments.group,
            "client.id": f"flights-v{arguments.version}",
            "enable.auto.commit": False,  # offsets follow effects, never the other way round
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "fetch.wait.max.ms": 100,
        }
    )
    consumer.subscribe([topic])
    progress = Progress(replay_ends or bounds(arguments.until))
    committed_at = time.monotonic()
    try:
        while not stopping and not (replay_ends and progress.finished(starts)):
            taken = []
            for message in consumer.consume(BATCH, timeout=0.1):
                error = message.error()
                if error is None:
                    if progress.take(message):
                        taken.append(message)
                elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                    raise KafkaException(error)
            if taken:
                with sink.transaction() as tx:
                    apply(tx, taken, VERSIONS[arguments.version])
            if time.monotonic() - committed_at >= COMMIT_EVERY_S:
                progress.commit(consumer)
                committed_at = time.monotonic()
        progress.commit(consumer)
    finally:
        consumer.close()
        sink.close()


if __name__ == "__main__":
    main()
