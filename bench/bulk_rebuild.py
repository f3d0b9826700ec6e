"""A view of ten million events made anew: straight from the bucket, beside a librdkafka consumer of Apache Kafka.

The events are the same in both: 8-byte keys of 10,000 accounts, an amount as text, written by the same client to
four partitions. The view is the number of events and the sum of amounts by account. With Kafka, a consumer in Python
(the librdkafka binding, ten thousand messages a call) adds them up in a dictionary; from the bucket, a function of
`replay_function` aggregates Arrow batches, with the offsets committed for a session, in this process and in two; and
DuckDB does it with `anabranch.recovery.replays.sql`. Pages are in memory. All of them must come to the same view, which
is compared by a hash.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

from tests.support.peers import AnabranchNode, KafkaNode, PeerUnavailable

from bench.produce import PARTITIONS
from bench.report import BULK_REBUILD as FIGURE
from bench.report import Report
from bench.stored import LOADING, MERGE_SECONDS_MAX
from bench.systems import Scale, create_topic, run_job, settle

NAME = "bulk-rebuild"
TOPIC = "payments"
ACCOUNTS = 10_000
GROUP = "payments-view"
RECORDS_FULL = 10_000_000
RECORDS_QUICK = 300_000
REPEATS = 2


def measure(parent: Path, scale: Scale, report: Report) -> None:
    records = RECORDS_FULL if scale.rounds > 1 else RECORDS_QUICK
    loaded = load(parent, records, report)
    try:
        for _ in range(REPEATS if scale.rounds > 1 else 1):
            compare(loaded, records, report)
    finally:
        for data in loaded.values():
            shutil.rmtree(data, ignore_errors=True)


def load(parent: Path, records: int, report: Report) -> dict[str, Path]:
    """The events in a data directory of each system that is here."""
    found: dict[str, Path] = {}
    for system in ("anabranch", "kafka"):
        data = parent / f"{NAME}-{system}"
        node = KafkaNode(data) if system == "kafka" else AnabranchNode(data, settings=LOADING)
        try:
            with node:
                create_topic(node, TOPIC, PARTITIONS)
                run_job(
                    "events",
                    bootstrap=node.bootstrap,
                    topic=TOPIC,
                    records=records,
                    accounts=ACCOUNTS,
                )
                if isinstance(node, AnabranchNode):
                    await_segments(node)
                    run_job(
                        "commit_ends",
                        bootstrap=node.bootstrap,
                        topic=TOPIC,
                        partitions=PARTITIONS,
                        group=GROUP,
                    )
            found[system] = data
        except PeerUnavailable as reason:
            report.notes.append(f"{NAME}: {system} is left out: {reason}")
    settle()
    return found


def await_segments(node: AnabranchNode) -> None:
    """Until merging has moved everything out of the write-ahead log."""
    deadline = time.monotonic() + MERGE_SECONDS_MAX
    while time.monotonic() < deadline:
        with contextlib.closing(
            sqlite3.connect(f"file:{node.store_data / 'metastore.db'}?mode=ro", uri=True)
        ) as metastore:
            (left,) = metastore.execute("SELECT total(wal_extents) FROM partition").fetchone()
        if not left:
            return
        time.sleep(0.5)


def compare(loaded: dict[str, Path], records: int, report: Report) -> None:
    views: set[str] = set()

    def add(system: str, done: dict[str, Any]) -> None:
        views.add(done["view"])
        report.add(FIGURE, "records/s", system, records / done["seconds"])
        report.add(f"{FIGURE}, time", "s", system, done["seconds"], higher_is_better=False)

    if "kafka" in loaded:
        with KafkaNode(loaded["kafka"]) as node:
            done = run_job(
                "view",
                bootstrap=node.bootstrap,
                topic=TOPIC,
                records=records,
                partitions=PARTITIONS,
            )
            add("kafka + librdkafka", done)
    if "anabranch" in loaded:
        store = AnabranchNode(loaded["anabranch"]).store_data
        for processes, row in ((0, "anabranch"), (2, "anabranch, 2 processes")):
            add(row, run_job("view_function", data=str(store), group=GROUP, processes=processes))
        add("anabranch, SQL", run_job("view_sql", data=str(store), topic=TOPIC))
    assert len(views) == 1, f"{len(views)} different views"


def main() -> None:
    """``load DIR RECORDS`` and ``compare DIR RECORDS`` apart: loading takes minutes that nobody measures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["load", "compare"])
    parser.add_argument("dir", type=Path)
    parser.add_argument("records", type=int)
    options = parser.parse_args()
    report = Report()
    if options.what == "load":
        print(
            json.dumps({k: str(v) for k, v in load(options.dir, options.records, report).items()})
        )
    else:
        there = {s: options.dir / f"{NAME}-{s}" for s in ("anabranch", "kafka")}
        compare({s: data for s, data in there.items() if data.exists()}, options.records, report)
        print(report.table())
    sys.stdout.flush()


if __name__ == "__main__":
    main()
