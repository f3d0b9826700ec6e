"""Cold catch-up: a consumer reads retained 1 KB records from the start after a restart.

The broker's own caches are empty, and the pages of its files were dropped from the page cache.
"""

from __future__ import annotations

from tests.support.peers import Node

from bench.produce import PARTITIONS
from bench.report import Report
from bench.stored import Stored
from bench.systems import forget_pages, run_job

NAME = "cold"
TOPIC = "stored-1000"


def sample(node: Node, stored: Stored, report: Report) -> None:
    forget_pages(stored.data)
    done = run_job(
        "consume",
        bootstrap=node.bootstrap,
        topic=TOPIC,
        records=stored.counts[TOPIC],
        partitions=PARTITIONS,
    )
    report.add("cold catch-up 1 KB", "records/s", stored.system, done["records"] / done["seconds"])
    report.add("cold catch-up 1 KB, value bytes", "MB/s", stored.system, _megabytes(done))


def _megabytes(done: dict[str, float]) -> float:
    return done["bytes"] / done["seconds"] / 1e6
