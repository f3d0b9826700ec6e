"""A processor as a drill runs one: a plain confluent-kafka consumer into a SQLite sink.

``careless`` applies every record, whatever the sink says of it; ``wild`` writes a
staging line into the file that it is given, whatever its environment says.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from anabranch.recovery.sinks.source import sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink

TABLES = {"totals": "k TEXT PRIMARY KEY, n INTEGER NOT NULL, s INTEGER NOT NULL"}
UPSERT = (
    "INSERT INTO {} VALUES (?, 1, ?) ON CONFLICT (k) DO UPDATE SET n = n + 1, s = s + excluded.s"
)


def main() -> None:
    going = True

    def stop(*_: Any) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    env = os.environ
    careless = "careless" in sys.argv
    if "wild" in sys.argv:
        other = SqliteSink.open(sys.argv[-1], TABLES, {}, line="wild")
        other.close()
    names = json.loads(env["ANABRANCH_TOPICS"])
    ends = json.loads(env["ANABRANCH_END_OFFSETS"])
    starts = json.loads(env["ANABRANCH_START_OFFSETS"])
    sources = sources_from_environment(env)
    sink = SqliteSink.open(env["ANABRANCH_SINK"], TABLES, sources, line=env["ANABRANCH_STAGING"])
    consumer = Consumer(
        {
            "bootstrap.servers": env["ANABRANCH_BOOTSTRAP"],
            "group.id": env["ANABRANCH_GROUP"],
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
            "reconnect.backoff.max.ms": 500,
        }
    )
    at: dict[tuple[str, int], int] = {}
    for topic in ends:
        assert topic in names.values()
        for partition, start in starts.get(topic, {}).items():
            at[topic, int(partition)] = int(start)
    consumer.assign([TopicPartition(t, p, o) for (t, p), o in at.items()])
    limit = {(t, int(p)): end for t, parts in ends.items() for p, end in parts.items()}
    done = False
    while going:
        found = [m for m in consumer.consume(500, 0.1) if m.error() is None]
        with sink.transaction() as tx:
            for m in found:
                where = (m.topic(), m.partition())
                if m.offset() >= limit.get(where, sys.maxsize):
                    continue
                at[where] = m.offset() + 1
                fresh = tx.fresh(*where, m.offset())
                if fresh or careless:
                    try:
                        value = int(m.value())
                    except ValueError:
                        value = 1_000_000  # what a poisoned record does
                    tx.execute(
                        UPSERT.format(tx.table("totals")), (m.key().decode(errors="replace"), value)
                    )
        reached = all(at.get(where, 0) >= end for where, end in limit.items())
        if found or (reached and not done):
            consumer.commit(
                offsets=[TopicPartition(t, p, o) for (t, p), o in at.items()], asynchronous=False
            )
            done = reached
        if done:
            time.sleep(0.05)
    consumer.close()
    sink.close()


main()
