"""Cold catch-up: a consumer reads retained 1 KB records from the start after a restart.

The broker has warmed up on another topic; the pages of its files were then dropped from the page
cache, and what its own cache holds is the other topic.
"""

from __future__ import annotations

from tests.support.peers import Node

from bench.produce import PARTITIONS
from bench.report import Report
from bench.stored import Stored
from bench.systems import forget_pages, run_job

NAME = "cold"
TOPIC, WARM_TOPIC = "stored-1000", "stored-100"


def sample(node: Node, stored: Stored, report: Report) -> None:
    read(node, stored, WARM_TOPIC)
    forget_pages(stored.data)
    done = read(node, stored, TOPIC)
    report.add("cold catch-up 1 KB", "records/s", stored.system, done["records"] / done["seconds"])
    report.add("cold catch-up 1 KB, value bytes", "MB/s", stored.system, _megabytes(done))


def read(node: Node, stored: Stored, topic: str) -> dict[str, float]:
    return run_job(
        "consume",
        bootstrap=node.bootstrap,
        topic=topic,
        records=stored.counts[topic],
        partitions=PARTITIONS,
    )


def _megabytes(done: dict[str, float]) -> float:
    return done["bytes"] / done["seconds"] / 1e6
