"""Tail consumption: follow a producer at full speed, and drain what was just written.

*Follow*: a consumer stands at the end, a producer starts; records over the time from the first
produce to the last record received. *Drain*: another consumer then reads the same records, which
are fresh enough to lie in every system's memory.
"""

from __future__ import annotations

from typing import Any

from bench.produce import PARTITIONS, SIZES, records_for
from bench.systems import Live, finish_job, following, run_job, settle

NAME = "tail"


def sample(live: Live) -> None:
    for label, size in SIZES.items():
        for _ in range(live.scale.repeats):
            topic = live.topic(PARTITIONS)
            records = records_for(size, live.scale.produce_bytes)
            where: dict[str, Any] = {
                "bootstrap": live.node.bootstrap,
                "topic": topic,
                "records": records,
            }
            settle()
            with following(**where, partitions=PARTITIONS) as follower:
                produced = run_job("produce", **where, size=size)
                followed = finish_job(follower)
            rate = records / (followed["ended"] - produced["begun"])
            live.report.add(f"tail follow {label}", "records/s", live.system, rate)
            cpu = live.node.cpu_seconds()
            drained = run_job("consume", **where, partitions=PARTITIONS)
            rate = records / drained["seconds"]
            live.report.add(f"tail drain {label}", "records/s", live.system, rate)
            cpu = (live.node.cpu_seconds() - cpu) / records * 1e6
            row = f"tail drain {label}, broker CPU"
            live.report.add(row, "us/record", live.system, cpu, higher_is_better=False)
            live.drop(topic)
