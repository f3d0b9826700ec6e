"""Many clients: 1,000 connections that do nothing and 200 that each keep one Produce in flight.

The client is a plain asyncio program that sends ready-made frames, so that 200 of them fit beside a
broker on two cores.
"""

from __future__ import annotations

from bench.report import percentile
from bench.systems import Live, run_job, settle

NAME = "connections"
IDLE, BUSY = 1000, 200
SECONDS = 4.0
PARTITIONS = 4
BROKER_CONNECTIONS_MAX = IDLE + BUSY + 50


def sample(live: Live) -> None:
    topic = live.topic(PARTITIONS)
    settle()
    before = live.node.rss_bytes()
    done = run_job(
        "crowd",
        port=live.node.port,
        topic=topic,
        partitions=PARTITIONS,
        idle=IDLE,
        busy=BUSY,
        seconds=SECONDS,
    )
    label = f"{BUSY} of {IDLE + BUSY:,} connections produce"
    report, system, delays = live.report, live.system, done["milliseconds"]
    report.add(label, "requests/s", system, len(delays) / SECONDS)
    report.add(f"{label}, p50", "ms", system, percentile(delays, 0.5), higher_is_better=False)
    report.add(f"{label}, p99", "ms", system, percentile(delays, 0.99), higher_is_better=False)
    grown = (live.node.rss_peak_bytes() - before) / 2**20
    report.add(f"{label}, memory grown by", "MiB (grown)", system, grown, higher_is_better=False)
    live.drop(topic)
