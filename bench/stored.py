"""Retained data, made once per run and system, from which the figures of stored data are taken."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.support.peers import AnabranchNode, KafkaNode, Node, PeerUnavailable, TansuNode

from bench.produce import PARTITIONS
from bench.report import Report
from bench.systems import Scale, create_topic, run_job

TOPICS = {"stored-100": 100, "stored-1000": 1000}
KEY_BYTES = 8
MERGE_SECONDS_MAX = 120.0
# Loading only: segments are made at once instead of after a minute. Measured with the defaults.
LOADING: Mapping[str, Mapping[str, int]] = {
    "log": {"merge_age_ms": 500, "background_interval_ms": 250}
}


@dataclass
class Stored:
    """A data directory with both topics in it, and nobody running on it."""

    system: str
    data: Path
    counts: dict[str, int]  # records by topic
    log_bytes: int

    def node(self) -> Node:
        return KafkaNode(self.data) if self.system == "kafka" else AnabranchNode(self.data)


def load(system: str, parent: Path, scale: Scale, report: Report) -> Stored | None:
    """Write both topics and stop; None for a system that keeps nothing."""
    if system == TansuNode.name:
        return None
    data = parent / f"stored-{system}"
    node = KafkaNode(data) if system == "kafka" else AnabranchNode(data, settings=LOADING)
    counts: dict[str, int] = {}
    with node:
        for topic, size in TOPICS.items():
            counts[topic] = scale.stored_bytes // (size if size >= 1000 else 2 * size)
            create_topic(node, topic, PARTITIONS)
            run_job(
                "produce",
                bootstrap=node.bootstrap,
                topic=topic,
                size=size,
                records=counts[topic],
                key_bytes=KEY_BYTES,
            )
        log_bytes = _in_segments(node, counts, report)
        report.memory(system, "bulk load", node.rss_peak_bytes())
    return Stored(system, data, counts, log_bytes)


def _in_segments(node: Node, counts: dict[str, int], report: Report) -> int:
    """Wait until the segment files hold everything; their bytes."""
    wanted = sum(count * TOPICS[topic] for topic, count in counts.items())
    deadline = time.monotonic() + MERGE_SECONDS_MAX
    while True:
        size = sum(
            path.stat().st_size
            for topic in TOPICS
            for partition in range(PARTITIONS)
            for path in node.segments(topic, partition)
        )
        if size >= wanted:
            return size
        if time.monotonic() > deadline:
            report.notes.append(
                f"{node.name}: only {size} of {wanted} bytes were in segments after"
                f" {MERGE_SECONDS_MAX:g} s; the rest was read from its write-ahead log"
            )
            return size
        if node.rss_bytes() == 0:
            raise PeerUnavailable(f"{node.name} died: {node.log_tail()}")
        time.sleep(0.2)
