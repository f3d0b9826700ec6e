"""Start-up: from exec to the first metadata answer that names a leader for every partition.

Empty (a fresh data directory that ran once), and with the retained data of `stored`, its pages not
in memory. Clean stops before both.
"""

from __future__ import annotations

import time
from pathlib import Path

from tests.support.peers import Node, probe

from bench.produce import PARTITIONS
from bench.report import Report
from bench.stored import TOPICS, Stored
from bench.systems import SYSTEMS, create_topic, forget_pages

NAME = "startup"
SMALL_TOPIC = "small"


def timed_start(node: Node, topic: str, partitions: int) -> float:
    """Start `node`; seconds until all of `topic` has leaders."""
    begun = time.perf_counter()
    node.start()
    node.await_answer(lambda: probe.leaders(node.port, topic) == partitions)
    return time.perf_counter() - begun


def sample_empty(system: str, parent: Path, report: Report) -> None:
    node = SYSTEMS[system](parent=parent)
    try:
        node.start()
        create_topic(node, SMALL_TOPIC, 1)
        node.stop()
        forget_pages(node.data)
        keeps = system != "tansu"  # its memory engine starts without topics
        seconds = timed_start(node, SMALL_TOPIC, 1) if keeps else node.start()
        report.add("start-up, empty", "s", system, seconds, higher_is_better=False)
    finally:
        node.close()


def sample_retained(node: Node, stored: Stored, report: Report) -> None:
    """Starts `node`, which the caller goes on using and stops."""
    forget_pages(stored.data)
    seconds = timed_start(node, next(iter(TOPICS)), PARTITIONS)
    report.add("start-up, retained", "s", stored.system, seconds, higher_is_better=False)
