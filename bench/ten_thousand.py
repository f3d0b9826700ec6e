"""The broker's memory with 10,000 partitions that are all written to and read."""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.peers import AnabranchNode

from bench.report import Report
from bench.systems import Scale, create_topic, run_job

NAME = "10k-partitions"
TOPICS, PARTITIONS = 10, 1000
RECORD_BYTES = 1000
BYTES_EACH = 20_000_000  # per topic
IDLE_S = 15.0  # time for background work: merging, retention, the journal


def measure(parent: Path, scale: Scale, report: Report) -> None:
    size = BYTES_EACH if scale.rounds > 1 else BYTES_EACH // 10
    # Merging early, so that its memory is counted too.
    settings = {"log": {"merge_age_ms": 5000}}
    with AnabranchNode(parent / "ten-thousand", settings=settings) as node:
        for number in range(TOPICS):
            create_topic(node, f"t{number}", PARTITIONS)
        begun = time.monotonic()
        for job in ("produce", "consume"):
            for number in range(TOPICS):
                more = {"size": RECORD_BYTES, "key_bytes": 8} if job == "produce" else {}
                if job == "consume":
                    more = {"partitions": PARTITIONS}
                run_job(
                    job,
                    bootstrap=node.bootstrap,
                    topic=f"t{number}",
                    records=size // RECORD_BYTES,
                    **more,
                )
        time.sleep(IDLE_S)
        report.memory("anabranch", "10,000 partitions written and read", node.rss_peak_bytes())
        report.notes.append(
            f"10,000 partitions: {TOPICS * size / 1e6:,.0f} MB written and read in"
            f" {time.monotonic() - begun - IDLE_S:.0f} s"
        )
