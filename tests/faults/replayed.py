"""The processor of replays whose broker, runner or self is killed: each record once into the staging line."""

from __future__ import annotations

import json
import os
import signal
import time

from confluent_kafka import Consumer, TopicPartition

from anabranch.recovery.sinks.source import sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink

TABLES = {"seen": "partition INTEGER, at INTEGER, PRIMARY KEY (partition, at)"}
COMMIT_EVERY_S = 0.3


def main() -> None:
    (branch,) = json.loads(os.environ["ANABRANCH_TOPICS"]).values()
    ends = {
        int(p): end for p, end in json.loads(os.environ["ANABRANCH_END_OFFSETS"])[branch].items()
    }
    sink = SqliteSink.open(
        os.environ["ANABRANCH_SINK"],
        TABLES,
        sources_from_environment(os.environ) or {},
        line=os.environ["ANABRANCH_STAGING"],
    )
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGTERM, stop)
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["ANABRANCH_BOOTSTRAP"],
            "group.id": os.environ["ANABRANCH_GROUP"],
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 1000,
            "fetch.wait.max.ms": 100,
            "log_level": 0,
        }
    )
    consumer.subscribe([branch])
    positions: dict[int, int] = {}
    committed_s = time.monotonic()
    try:
        while not stopping:
            taken = [m for m in consumer.consume(500, timeout=0.1) if m.error() is None]
            if taken:
                with sink.transaction() as tx:
                    for message in taken:
                        partition, offset = message.partition(), message.offset()
                        if offset < ends[partition] and tx.fresh(branch, partition, offset):
                            tx.execute(
                                f"INSERT INTO {tx.table('seen')} VALUES (?, ?)", (partition, offset)
                            )
                        positions[partition] = offset + 1
            if positions and time.monotonic() - committed_s >= COMMIT_EVERY_S:
                offsets = [TopicPartition(branch, p, offset) for p, offset in positions.items()]
                try:
                    consumer.commit(offsets=offsets, asynchronous=False)
                    positions.clear()
                except (
                    Exception
                ) as error:  # the broker is away, or the group changed: the sink knows
                    print("commit:", error, flush=True)
                    positions.clear()
                committed_s = time.monotonic()
    finally:
        consumer.close()
        sink.close()


if __name__ == "__main__":
    main()
