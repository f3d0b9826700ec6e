"""Throughput of one machine with 1, 2 and 4 workers: two librdkafka producers, 1 KB, 16 partitions.

Workers are processes, so they use as many cores as there are; the metastore is one file for all.
"""

from __future__ import annotations

from pathlib import Path

from tests.support.peers.cluster import ClusterNode

from bench.produce import records_for
from bench.report import Report
from bench.systems import Scale, create_topic, finish_job, settle, start_job

NAME = "workers"
COUNTS = (1, 2, 4)
PRODUCERS = 2
PARTITIONS = 16
SIZE = 1000


def measure(parent: Path, scale: Scale, report: Report) -> None:
    for number in range(scale.rounds):
        sample(parent / str(number), scale, report)


def sample(parent: Path, scale: Scale, report: Report) -> None:
    parent.mkdir(parents=True, exist_ok=True)
    for count in COUNTS:
        shared = parent / f"workers-{count}"
        arguments = ["--workers", str(count)] if count > 1 else []
        node = ClusterNode(parent, shared, arguments)
        node.port = first_of(count)
        try:
            node.start()
            create_topic(node, "bench", PARTITIONS)
            for number in range(scale.repeats + 1):  # the first one warms up
                settle()
                jobs = [
                    start_job(
                        "produce",
                        bootstrap=node.bootstrap,
                        topic="bench",
                        size=SIZE,
                        records=records_for(SIZE, scale.produce_bytes),
                    )
                    for _ in range(PRODUCERS)
                ]
                done = [finish_job(job) for job in jobs]
                begun = min(one["begun"] for one in done)
                ended = max(one["begun"] + one["seconds"] for one in done)
                rate = sum(one["records"] for one in done) / (ended - begun)
                if number:
                    report.add(f"produce 1 KB, {count} workers", "records/s", "anabranch", rate)
            report.memory("anabranch", f"{count} workers", node.rss_peak_bytes())
        finally:
            node.close()


def first_of(count: int) -> int:
    """The first of ``count`` neighbouring ports that are free."""
    import socket
    from contextlib import ExitStack

    for port in range(20_000, 30_000, count):
        with ExitStack() as stack:
            try:
                for each in range(port, port + count):
                    sock = stack.enter_context(socket.socket())
                    sock.bind(("127.0.0.1", each))
            except OSError:
                continue
            return port
    raise OSError("no neighbouring ports are free")
