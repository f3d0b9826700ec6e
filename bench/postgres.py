"""Produce with the metastore on PostgreSQL, beside the embedded one: same broker, same disk, in turn.

The server is started for this and stopped after; its data lie on the disk that is measured, everything
durable (fsync, synchronous_commit). It shares the machine's cores with the broker and the client.
"""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.support.peers.cluster import ClusterNode
from tests.support.postgres import NoPostgres, Server

from bench.produce import LONGER, SIZES, records_for
from bench.produce import PARTITIONS as FEW
from bench.report import Report, percentile
from bench.systems import Scale, create_topic, rotated, run_job, settle

NAME = "postgres"
SQLITE, POSTGRES = "anabranch, SQLite", "anabranch"
MANY = 1000
RECORD_BYTES = 1000


def measure(parent: Path, scale: Scale, report: Report) -> None:
    try:
        server = Server(parent=parent.parent)
    except NoPostgres as reason:
        report.notes.append(f"{NAME} is left out: {reason}")
        return
    try:
        server.start()
        for number in range(scale.rounds):
            for system in rotated([SQLITE, POSTGRES], number):
                sample(parent, server, f"round{number}", system, scale, report)
    finally:
        server.remove()


def sample(
    parent: Path, server: Server, name: str, system: str, scale: Scale, report: Report
) -> None:
    arguments = ["--metastore", f"{server.url()}?schema={name}"] if system == POSTGRES else []
    node = ClusterNode(parent, parent / f"postgres-{name}-{system == POSTGRES}", arguments)
    try:
        node.start()
        topics = itertools.count()
        warm = records_for(RECORD_BYTES, scale.warm_bytes)
        throughput(node, next(topics), FEW, RECORD_BYTES, warm)
        for _ in range(scale.repeats):
            for label, size in SIZES.items():
                records = records_for(size, scale.produce_bytes * LONGER)
                rate = throughput(node, next(topics), FEW, size, records)
                add(report, f"produce {label}", system, rate)
            records = records_for(RECORD_BYTES, scale.produce_bytes // 2)
            rate = throughput(node, next(topics), MANY, RECORD_BYTES, records, key_bytes=8)
            add(report, f"produce 1 KB, {MANY:,} partitions", system, rate)
        latency(node, next(topics), system, scale, report)
    finally:
        node.close()


def add(report: Report, figure: str, system: str, rate: float) -> None:
    report.add(f"{figure}, metastore on PostgreSQL", "records/s", system, rate)


def throughput(
    node: ClusterNode, topic: int, partitions: int, size: int, records: int, key_bytes: int = 0
) -> float:
    where = {"bootstrap": node.bootstrap, "topic": f"t{topic}", "size": size}
    create_topic(node, f"t{topic}", partitions)
    if partitions == MANY:
        run_job("produce", **where, records=5 * MANY, key_bytes=key_bytes)
    settle()
    done = run_job("produce", **where, records=records, key_bytes=key_bytes)
    rate: float = done["records"] / done["seconds"]
    return rate


def latency(node: ClusterNode, topic: int, system: str, scale: Scale, report: Report) -> None:
    create_topic(node, f"t{topic}", 1)
    settle()
    done = run_job(
        "latency",
        bootstrap=node.bootstrap,
        topic=f"t{topic}",
        size=RECORD_BYTES,
        records=scale.latency_records,
        warm=scale.latency_records // 10,
    )
    for label, share in (("p50", 0.50), ("p99", 0.99)):
        value = percentile(done["milliseconds"], share)
        figure = f"sync produce {label}, metastore on PostgreSQL"
        report.add(figure, "ms", system, value, higher_is_better=False)
