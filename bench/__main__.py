"""``python -m bench [NAME …] [--json FILE] [--quick]``: measure and compare."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench import (
    admin,
    arrow_reader,
    authz,
    branching,
    bulk_rebuild,
    catchup,
    cold_read,
    compaction,
    connections,
    drill,
    duplicates,
    end_to_end,
    explain,
    failover,
    group_heartbeats,
    groups,
    many_partitions,
    object_wal,
    postgres,
    produce,
    rebuilding,
    startup,
    stored,
    sync_latency,
    tail_consume,
    ten_thousand,
    throttle,
    tls,
    transactions,
    workers,
)
from bench.client import CONSUMER_SETTINGS, PRODUCER_SETTINGS
from bench.report import Report
from bench.systems import FULL, QUICK, SYSTEMS, Live, Scale, available, rotated, run_job

LIVE = [
    produce,
    transactions,
    tail_consume,
    sync_latency,
    end_to_end,
    connections,
    many_partitions,
    admin,
    groups,
    group_heartbeats,
]
STORED = [startup, cold_read, arrow_reader, catchup]
OWN = [
    authz,
    branching,
    compaction,
    drill,
    duplicates,
    explain,
    rebuilding,
    ten_thousand,
    object_wal,
    postgres,
    failover,
    workers,
    tls,
    bulk_rebuild,
    throttle,
]  # each brings what it measures
NAMES = [module.NAME for module in (*LIVE, *STORED, *OWN)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every sample there")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it runs")
    parser.add_argument("--rounds", type=int, help="times every system is started and measured")
    parser.add_argument("--systems", default=",".join(SYSTEMS), help="default: %(default)s")
    parser.add_argument("--dir", type=Path, help="disk to measure on; default: the temporary one")
    options = parser.parse_args(arguments)
    names, systems = options.names or NAMES, options.systems.split(",")
    for wrong in [*(set(names) - set(NAMES)), *(set(systems) - set(SYSTEMS))]:
        parser.error(f"there is no {wrong}")
    scale, report, begun = QUICK if options.quick else FULL, Report(), time.monotonic()
    if options.rounds:
        scale = replace(scale, rounds=options.rounds)

    with tempfile.TemporaryDirectory(prefix="anabranch-bench-", dir=options.dir) as directory:
        parent = Path(directory)
        say("starting every system once")
        there, missing = available(systems, parent)
        report.notes += [f"{name} is left out: {reason}" for name, reason in missing.items()]
        if there:
            live_rounds(names, there, parent, scale, report)
            stored_rounds(names, there, parent, scale, report)
        for module in OWN:
            if module.NAME in names:
                say(module.NAME)
                module.measure(parent, scale, report)
    seconds = time.monotonic() - begun
    if options.quick:
        report.notes.append("--quick: sizes too small for figures to quote")
    print(report.table())
    print(f"{seconds:.0f} s; repeat with: python -m bench {' '.join(sys.argv[1:])}".rstrip())
    if options.json:
        about = {
            "arguments": sys.argv[1:],
            "seconds": round(seconds),
            "scale": vars(scale),
            "producer": PRODUCER_SETTINGS,
            "consumer": CONSUMER_SETTINGS,
            "systems": there,
        }
        report.write(options.json, about)
    return 0 if "anabranch" in there or "anabranch" not in systems else 1


def live_rounds(
    names: list[str], systems: list[str], parent: Path, scale: Scale, report: Report
) -> None:
    """Figures of a running broker: one system at a time, each first in turn, fresh every round."""
    figures = [module for module in LIVE if module.NAME in names]
    for number in range(scale.rounds if figures else 0):
        for system in rotated(systems, number):
            with SYSTEMS[system](parent=parent) as node:
                live = Live(node, scale, report)
                say(f"round {number + 1} of {scale.rounds}: {system}, warming up")
                warm_up(live)
                for module in figures:
                    say(f"round {number + 1} of {scale.rounds}: {system}, {module.NAME}")
                    node.rss_peak_reset()
                    module.sample(live)
                    report.memory(system, module.NAME, node.rss_peak_bytes())


def warm_up(live: Live) -> None:
    """Compilers, pools and caches get the same work before anybody is measured."""
    topic, size = live.topic(produce.PARTITIONS), 1000
    where = {
        "bootstrap": live.node.bootstrap,
        "topic": topic,
        "records": produce.records_for(size, live.scale.warm_bytes),
    }
    run_job("produce", **where, size=size)
    run_job("consume", **where, partitions=produce.PARTITIONS)
    live.drop(topic)


def stored_rounds(
    names: list[str], systems: list[str], parent: Path, scale: Scale, report: Report
) -> None:
    """Figures of retained data: loaded once, then every round starts the broker on it anew."""
    if startup.NAME in names:
        for number in range(scale.rounds):
            for system in rotated(systems, number):
                say(f"start-up {number + 1} of {scale.rounds}: {system}")
                startup.sample_empty(system, parent, report)
    if not {module.NAME for module in STORED} & set(names):
        return
    kept: list[stored.Stored] = []
    for system in systems:
        say(f"loading {system}")
        loaded = stored.load(system, parent, scale, report)
        if loaded is not None:
            kept.append(loaded)
            report.notes.append(f"{system} retained {loaded.log_bytes / 1e6:,.0f} MB of segments")
    for number in range(scale.rounds):
        for name in rotated([each.system for each in kept], number):
            data = next(each for each in kept if each.system == name)
            node = data.node()
            try:
                say(f"stored round {number + 1} of {scale.rounds}: {name}")
                startup.sample_retained(node, data, report)
                if cold_read.NAME in names:
                    cold_read.sample(node, data, report)
                if arrow_reader.NAME in names:
                    arrow_reader.sample(node, data, report)
                if catchup.NAME in names:
                    catchup.sample(node, data, scale, report)
                report.memory(name, "reading retained data", node.rss_peak_bytes())
            finally:
                node.close()


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
