"""Consumer groups: how long a rebalance takes with both protocols, and what 10,000 consumers' heartbeats cost.

The members are protocol sessions with the pace of Kafka's clients (:mod:`bench.group_members`). With the consumer
protocol most of a rebalance is waiting for the next heartbeat of a member that has to give something up: 5 s
apart, as the broker asks by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.peers import ROOT

from bench.report import percentile
from bench.systems import JOB_SECONDS_MAX, Live

NAME = "groups"
MEMBERS = (2, 50, 500)
MEMBERS_QUICK = (2, 50)
PARTITIONS_EACH = 2  # per member
BEATING = 10_000  # consumers
BEATING_GROUP = 100  # of them in one group
BEATING_S = 15.0


def sample(live: Live) -> None:
    report, system = live.report, live.system
    quick = live.scale.rounds == 1 and live.scale.repeats == 1
    for members in MEMBERS_QUICK if quick else MEMBERS:
        topic = live.topic(members * PARTITIONS_EACH)
        for protocol in ("classic", "consumer"):
            done = _job(
                "rebalance",
                port=live.node.port,
                group=f"{protocol}-{members}",
                topic=topic,
                partitions=members * PARTITIONS_EACH,
                members=members,
                protocol=protocol,
            )
            for what, label in (("formed", "form a group"), ("joined", "one more joins")):
                figure = f"{label} of {members}, {protocol}"
                report.add(figure, "s", system, done[what], higher_is_better=False)
        live.drop(topic)
    _heartbeats(live, BEATING // 10 if quick else BEATING)


def _heartbeats(live: Live, consumers: int) -> None:
    topic = live.topic(BEATING_GROUP)
    process = _start(
        "heartbeats",
        port=live.node.port,
        topic=topic,
        partitions=BEATING_GROUP,
        groups=consumers // BEATING_GROUP,
        members=BEATING_GROUP,
        seconds=BEATING_S,
    )
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert said == "ready", said
    before_s = _cpu_s(live.node.pid)
    done = _finish(process)
    spent_s = _cpu_s(live.node.pid) - before_s
    report, system, taken = live.report, live.system, done["milliseconds"]
    label = f"heartbeats of {consumers:,} consumers"
    report.add(f"{label}, p50", "ms", system, percentile(taken, 0.5), higher_is_better=False)
    report.add(f"{label}, p99", "ms", system, percentile(taken, 0.99), higher_is_better=False)
    share = 100 * spent_s / done["seconds"]
    report.add(f"{label}, broker CPU", "% of a core", system, share, higher_is_better=False)
    live.drop(topic)


def _cpu_s(pid: int) -> float:
    """What the process has used so far, of all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _start(job: str, **config: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.group_members", job, json.dumps(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def _finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=JOB_SECONDS_MAX)
    if process.returncode != 0:
        raise RuntimeError(f"client job {process.args!r} exited with {process.returncode}")
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def _job(job: str, **config: Any) -> dict[str, Any]:
    return _finish(_start(job, **config))
