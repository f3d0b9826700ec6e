"""Consumer groups: how long a rebalance takes, with both protocols.

The members are protocol sessions with the pace of Kafka's clients (:mod:`bench.group_members`). With the consumer
protocol most of a rebalance is waiting for the next heartbeat of a member that has to give something up: 5 s
apart, as the broker asks by default.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from tests.support.peers import ROOT

from bench.systems import JOB_SECONDS_MAX, Live

NAME = "groups"
MEMBERS = (2, 50, 500)
MEMBERS_QUICK = (2, 50)
PARTITIONS_EACH = 2  # per member


def sample(live: Live) -> None:
    report, system = live.report, live.system
    quick = live.scale.rounds == 1 and live.scale.repeats == 1
    for members in MEMBERS_QUICK if quick else MEMBERS:
        topic = live.topic(members * PARTITIONS_EACH)
        for protocol in ("classic", "consumer"):
            done = run(
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


def start(job: str, **config: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.group_members", job, json.dumps(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=JOB_SECONDS_MAX)
    if process.returncode != 0:
        raise RuntimeError(f"client job {process.args!r} exited with {process.returncode}")
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def run(job: str, **config: Any) -> dict[str, Any]:
    return finish(start(job, **config))
