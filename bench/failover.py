"""Failover: kill -9 of the broker that leads most partitions; how long is no acknowledgement heard?

Three brokers, one idempotent librdkafka producer that writes to every partition every few milliseconds.
The gap is the longest time in which some partition was not acknowledged. With little and with much
retained data: it must not depend on it. Much is thousands of objects, and hundreds of thousands of
extents that name them, made by branching. Replacement: from exec of a new broker with the dead one's
number to the moment that every broker shows it.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from pathlib import Path

from tests.support.peers.cluster import ClusterNode, await_all, bootstrap, cluster

from anabranch.log.branch import BranchPoint
from anabranch.log.opening import open_log
from bench.branching import SETTINGS, grown
from bench.report import Report
from bench.systems import Scale, create_topic, finish_job, settle, start_job

NAME = "failover"
BROKERS = 3
PARTITIONS = 12
OBJECTS, OBJECT_BYTES = 2_000, 50_000  # retained data at large …
BRANCHES = 100  # … each of which names all of these objects once more
QUICK_SHARE = 10  # --quick makes so much less of both
BEFORE_S, AFTER_S = 2.0, 6.0  # of the kill


def measure(parent: Path, scale: Scale, report: Report) -> None:
    for number in range(scale.rounds):
        sample(parent / str(number), scale, report)


def sample(parent: Path, scale: Scale, report: Report) -> None:
    parent.mkdir(parents=True, exist_ok=True)
    for label in ("small", "large"):
        shared = parent / f"failover-{label}"
        if label == "large":
            share = 1 if scale.repeats > 1 else QUICK_SHARE
            asyncio.run(retain(shared, OBJECTS // share, BRANCHES // share, report))
        with cluster(parent, shared, BROKERS) as nodes:
            create_topic(nodes[0], "paced", PARTITIONS)
            for _ in range(scale.repeats * 3):
                settle()
                sample_kill(nodes, label, report)


async def retain(data: Path, objects: int, branches: int, report: Report) -> None:
    """Many segments, and many more extents."""
    log = await open_log(data, broker_id=1, settings=SETTINGS, create=True)
    try:
        topic = await grown(log, "retained", objects, OBJECT_BYTES)
        for number in range(branches):
            await log.branch(topic, f"retained-{number}", BranchPoint())
    finally:
        await log.close()
    report.notes.append(
        f"large: {objects:,} objects of {OBJECT_BYTES:,} bytes, named by"
        f" {objects * (branches + 1):,} extents of {branches + 1} topics"
    )


def sample_kill(nodes: list[ClusterNode], label: str, report: Report) -> None:
    victim = busiest(nodes)
    job = start_job(
        "paced",
        bootstrap=bootstrap(nodes),
        topic="paced",
        partitions=PARTITIONS,
        seconds=BEFORE_S + AFTER_S,
    )
    assert job.stdout is not None and job.stdout.readline().strip() == "ready"
    time.sleep(BEFORE_S)
    victim.kill()
    told = finish_job(job)
    report.add(
        f"failover gap, {label} retained", "s", "anabranch", told["gap"], higher_is_better=False
    )
    begun = time.perf_counter()
    victim.start()
    await_all(nodes)
    report.add(
        f"broker replacement, {label} retained",
        "s",
        "anabranch",
        time.perf_counter() - begun,
        higher_is_better=False,
    )


def busiest(nodes: list[ClusterNode]) -> ClusterNode:
    """The broker that leads most partitions of the topic."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": nodes[0].bootstrap})
    found = admin.list_topics("paced", timeout=30)
    leaders = Counter(one.leader for one in found.topics["paced"].partitions.values())
    ((number, _),) = leaders.most_common(1)
    port = found.brokers[number].port
    return next(node for node in nodes if node.port == port)
