"""Retained data, made once per run and system, from which the figures of stored data are taken."""

from __future__ import annotations

import sqlite3
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
REST_SECONDS = 3.0  # a dozen background passes that found nothing to do
# Loading only: segments are made at once instead of after a minute.
LOADING: Mapping[str, Mapping[str, int]] = {
    "log": {"merge_age_ms": 500, "background_interval_ms": 250}
}
# Measured with the defaults, except that nothing is merged meanwhile: what is written while somebody is
# measured would be due a minute later, in the middle of one phase of a comparison and not of the other.
MEASURING: Mapping[str, Mapping[str, int]] = {"log": {"merge_age_ms": 3_600_000}}


@dataclass
class Stored:
    """A data directory with both topics in it, and nobody running on it."""

    system: str
    data: Path
    counts: dict[str, int]  # records by topic
    log_bytes: int

    def node(self) -> Node:
        if self.system == "kafka":
            return KafkaNode(self.data)
        return AnabranchNode(self.data, settings=MEASURING)


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
    """Wait until segment files hold everything and nothing is merged any more; their bytes."""
    wanted = sum(count * TOPICS[topic] for topic, count in counts.items())
    deadline = time.monotonic() + MERGE_SECONDS_MAX
    before: set[Path] = set()
    rests_since = time.monotonic()
    while True:
        files = {
            path
            for topic in TOPICS
            for partition in range(PARTITIONS)
            for path in node.segments(topic, partition)
        }
        size = sum(path.stat().st_size for path in files)
        if files != before or _wal_extents(node):
            before, rests_since = files, time.monotonic()
        if size >= wanted and time.monotonic() - rests_since >= REST_SECONDS:
            return size
        if time.monotonic() > deadline:
            report.notes.append(
                f"{node.name}: {size} bytes were in segments {MERGE_SECONDS_MAX:g} s after {wanted} of"
                " values were written, and merging had not come to rest"
            )
            return size
        if node.rss_bytes() == 0:
            raise PeerUnavailable(f"{node.name} died: {node.log_tail()}")
        time.sleep(0.2)


def _wal_extents(node: Node) -> int:
    """How many extents merging has not moved out of the write-ahead log yet."""
    if not isinstance(node, AnabranchNode):
        return 0
    metastore = sqlite3.connect(f"file:{node.store_data / 'metastore.db'}?mode=ro", uri=True)
    try:
        (count,) = metastore.execute("SELECT total(wal_extents) FROM partition").fetchone()
    finally:
        metastore.close()
    return int(count)
