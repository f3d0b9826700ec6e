"""Produce throughput: one librdkafka producer, acks=all, 100 B and 1 KB values, four partitions."""

from __future__ import annotations

from bench.systems import Live, run_job, settle

NAME = "produce"
SIZES = {"100 B": 100, "1 KB": 1000}
PARTITIONS = 4
LONGER = 4  # than a tail sample, which has to fit into every system's memory


def records_for(size: int, total_bytes: int) -> int:
    """Records of one sample; small records get fewer bytes, they cost per record."""
    return total_bytes // (size if size >= 1000 else 2 * size)


def sample(live: Live) -> None:
    for label, size in SIZES.items():
        for _ in range(live.scale.repeats):
            topic = live.topic(PARTITIONS)
            settle()
            cpu = live.node.cpu_seconds()
            done = run_job(
                "produce",
                bootstrap=live.node.bootstrap,
                topic=topic,
                size=size,
                records=records_for(size, live.scale.produce_bytes * LONGER),
            )
            rate = done["records"] / done["seconds"]
            live.report.add(f"produce {label}", "records/s", live.system, rate)
            cpu = (live.node.cpu_seconds() - cpu) / done["records"] * 1e6
            live.report.add(
                f"produce {label}, broker CPU",
                "us/record",
                live.system,
                cpu,
                higher_is_better=False,
            )
            live.drop(topic)
