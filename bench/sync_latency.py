"""Synchronous produce: one record of 1 KB in flight, beside the disk's own append + fdatasync.

Kafka and Tansu acknowledge from memory by default; `kafka, flush.messages=1` is Kafka told to sync
every record as Anabranch does, for the comparison at equal durability.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from bench.report import percentile
from bench.systems import Live, run_job, settle

NAME = "latency"
RECORD_BYTES = 1000
WARM = 100
APPEND_BYTES = 64 * 1024


def sample(live: Live) -> None:
    settle()
    record(live, "disk: append 64 KB + fdatasync", disk(live.node.data, live.scale.disk_writes))
    record(live, live.system, produce(live, {}))
    if live.system == "kafka":
        record(live, "kafka, flush.messages=1", produce(live, {"flush.messages": "1"}))


def record(live: Live, row: str, milliseconds: list[float]) -> None:
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        value = percentile(milliseconds, share)
        live.report.add(f"sync produce {name}", "ms", row, value, higher_is_better=False)


def produce(live: Live, config: dict[str, str]) -> list[float]:
    topic = live.topic(1, config)
    done = run_job(
        "latency",
        bootstrap=live.node.bootstrap,
        topic=topic,
        size=RECORD_BYTES,
        records=live.scale.latency_records,
        warm=WARM,
    )
    live.drop(topic)
    milliseconds: list[float] = done["milliseconds"]
    return milliseconds


def disk(directory: Path, writes: int) -> list[float]:
    """Milliseconds of each 64 KB append + fdatasync to a file beside the broker's data."""
    path, block = directory / "append.probe", os.urandom(APPEND_BYTES)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    taken: list[float] = []
    try:
        for _ in range(writes):
            begun = time.perf_counter()
            os.write(fd, block)
            os.fdatasync(fd)
            taken.append((time.perf_counter() - begun) * 1000)
    finally:
        os.close(fd)
        path.unlink()
    return taken
