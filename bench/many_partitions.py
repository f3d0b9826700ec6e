"""Produce into 1,000 partitions at once: keyed 1 KB records, so that every flush touches most of them.

As fast as one producer can, and the delay of each record at a steady rate.
"""

from __future__ import annotations

from typing import Any

from bench.produce import records_for
from bench.report import percentile
from bench.systems import Live, run_job, settle

NAME = "partitions"
PARTITIONS = 1000
RECORD_BYTES = 1000
RATE, SECONDS = 2_000, 4.0  # a steady rate that every system can keep up with


def sample(live: Live) -> None:
    topic = live.topic(PARTITIONS)
    where: dict[str, Any] = {
        "bootstrap": live.node.bootstrap,
        "topic": topic,
        "size": RECORD_BYTES,
        "key_bytes": 8,
    }
    run_job("produce", **where, records=5 * PARTITIONS)  # who keeps files makes them now
    settle()
    records = records_for(RECORD_BYTES, live.scale.produce_bytes // 2)
    done = run_job("produce", **where, records=records)
    rate = done["records"] / done["seconds"]
    live.report.add(f"produce 1 KB, {PARTITIONS:,} partitions", "records/s", live.system, rate)
    done = run_job("steady", **where, rate=RATE, seconds=SECONDS)
    for label, share in (("p50", 0.50), ("p99", 0.99)):
        value = percentile(done["milliseconds"], share)
        figure = f"produce {label} at {RATE:,} records/s, {PARTITIONS:,} partitions"
        live.report.add(figure, "ms", live.system, value, higher_is_better=False)
    live.drop(topic)
