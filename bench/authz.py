"""What ACL checks, quotas and an audit log cost produce: the same broker with and without, in turns.

All brokers run at the same time and are measured one after the other, in an order that turns: what the
machine does meanwhile falls on each alike. A thousand ACLs are there, quotas count and are never reached.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from tests.support.peers.cluster import ClusterNode

from bench.produce import PARTITIONS, SIZES, records_for
from bench.report import Report
from bench.systems import Scale, create_topic, rotated, run_job, settle

NAME = "authz"
ACLS = 1000
ACL_CONFIG = '[authorization]\nacls = true\nsuper_users = ["User:admin"]\n'
AUDIT_CONFIG = '[audit]\nlog = true\ntopic = "__anabranch_audit"\n'
VARIANTS = ("plain", "quotas", "ACLs", "ACLs, quotas, audit")


def measure(parent: Path, scale: Scale, report: Report) -> None:
    nodes: dict[str, ClusterNode] = {}
    try:
        for number, variant in enumerate(VARIANTS):
            nodes[variant] = start(parent, variant, number)
        shares: dict[tuple[str, str, str], list[float]] = {}
        for turn in range(scale.rounds * scale.repeats + 1):  # the first one warms up
            for label, size in SIZES.items():
                seen = {
                    variant: sample(nodes[variant], size, scale)
                    for variant in rotated(VARIANTS, turn)
                }
                if not turn:
                    continue
                for variant, (rate, cpu) in seen.items():
                    figure = f"produce {label}, guarded"
                    report.add(figure, "records/s", variant, rate)
                    report.add(
                        f"{figure}, broker CPU", "us/record", variant, cpu, higher_is_better=False
                    )
                    plain_rate, plain_cpu = seen["plain"]
                    shares.setdefault((label, variant, "rate"), []).append(rate / plain_rate)
                    shares.setdefault((label, variant, "CPU"), []).append(cpu / plain_cpu)
        for (label, variant, what), found in shares.items():
            if variant != "plain":
                report.notes.append(
                    f"produce {label}, {variant}: {what} {statistics.median(found):.3f} of plain, "
                    f"median of {len(found)} pairs ({min(found):.3f} to {max(found):.3f})"
                )
    finally:
        for node in nodes.values():
            node.close()


def start(parent: Path, variant: str, number: int) -> ClusterNode:
    shared = parent / f"authz-{number}"
    shared.mkdir(parents=True, exist_ok=True)
    config = parent / f"authz-{number}.toml"
    text = ACL_CONFIG if "ACLs" in variant else ""
    config.write_text(text + (AUDIT_CONFIG if "audit" in variant else ""))
    node = ClusterNode(parent, shared, ["--config", str(config)])
    node.start()
    if "ACLs" in variant:
        everyone = ["--principal", "User:ANONYMOUS", "--operation", "all"]
        command(shared, "acl", "add", *everyone, "--topic", "*", "--group", "*", "--cluster")
        others = [word for n in range(ACLS) for word in ("--topic", f"topic-{n}")]
        command(shared, "acl", "add", "--principal", "User:other", "--operation", "read", *others)
        settle()
    if "quotas" in variant:
        limits = ("producer_byte_rate=1000000000000", "consumer_byte_rate=1000000000000")
        command(shared, "quota", "set", "--user-default", *limits, "request_percentage=100000")
        settle()
    create_topic(node, "bench", PARTITIONS)
    return node


def command(shared: Path, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *words, "--data", str(shared)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def sample(node: ClusterNode, size: int, scale: Scale) -> tuple[float, float]:
    """Records a second, and microseconds of the broker's CPU a record."""
    settle()
    before = node.cpu_seconds()
    done = run_job(
        "produce",
        bootstrap=node.bootstrap,
        topic="bench",
        size=size,
        records=records_for(size, scale.produce_bytes),
    )
    cpu = (node.cpu_seconds() - before) / done["records"] * 1e6
    return done["records"] / done["seconds"], cpu
