"""What the heartbeats of 10,000 consumers cost a broker, at rest, in groups of 100 (KIP-848)."""

from __future__ import annotations

import os
from pathlib import Path

from bench.groups import finish, start
from bench.report import percentile
from bench.systems import Live

NAME = "group-heartbeats"
CONSUMERS = 10_000
GROUP = 100  # of them in one group
SECONDS = 15.0


def sample(live: Live) -> None:
    quick = live.scale.rounds == 1 and live.scale.repeats == 1
    consumers = CONSUMERS // 10 if quick else CONSUMERS
    topic = live.topic(GROUP)
    process = start(
        "heartbeats",
        port=live.node.port,
        topic=topic,
        partitions=GROUP,
        groups=consumers // GROUP,
        members=GROUP,
        seconds=SECONDS,
    )
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert said == "ready", said
    before_s = _cpu_s(live.node.pid)
    done = finish(process)
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
