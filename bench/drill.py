"""How long a drill takes: the scratch cluster, and each of its scenarios, over the stream of the tests."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from anabranch.log.location import Location
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.drills import drill
from anabranch.recovery.drills.declared import load
from bench.report import Report
from bench.systems import Scale

NAME = "drill"
PARTITIONS = 4
RECORDS = 40_000
RECORDS_QUICK = 4_000
BATCH = 500
PROCESSOR = Path(__file__).resolve().parents[1] / "tests" / "recovery" / "drills" / "processor.py"


def measure(parent: Path, scale: Scale, report: Report) -> None:
    asyncio.run(_measure(parent / "drill", scale, report))


async def _measure(root: Path, scale: Scale, report: Report) -> None:
    root.mkdir(parents=True)
    records = RECORDS if scale.rounds > 1 else RECORDS_QUICK
    log = await open_log(
        root / "data", broker_id=1, settings=LogSettings(background=False), create=True
    )
    try:
        topic = await log.create_topic("orders", PARTITIONS, {"retention.ms": "-1"})
        for partition in range(PARTITIONS):
            for start in range(0, records // PARTITIONS, BATCH):
                made = [
                    Record(n, 1_790_000_000_000 + start + n, b"k%d" % (n % 100), b"%d" % n, ())
                    for n in range(BATCH)
                ]
                await log.append(topic, partition, memoryview(bytearray(build_batch(made))))
        file = root / "recovery.toml"
        file.write_text(
            f'[stream.orders]\ninputs = ["orders"]\ngroup = "totals"\n'
            f'command = ["{sys.executable}", "{PROCESSOR}"]\nsink = "sqlite:{root}/live.db"\n'
            f'verify.tables = {{ totals = "k" }}\ndrill.records = {records}\n'
        )
        found = await drill.run(
            log,
            Location(data=root / "data"),
            load(file),
            "orders",
            creator="bench",
            tool_version="0",
            scratch=root,
        )
    finally:
        await log.close()
    moments = {each.label: each.at_ms for each in found.events}
    stands_ms = moments["the scratch cluster stands"] - moments["began"]
    report.add("scratch cluster", "s", "anabranch", stands_ms / 1000, higher_is_better=False)
    for one in found.scenarios:
        if one.verdict != "SKIPPED":
            report.add(one.name, "s", "anabranch", one.seconds, higher_is_better=False)
        if one.verdict == "FAIL":
            report.notes.append(f"{one.name} FAILED: {one.sentence}")
    whole_s = (found.events[-1].at_ms - found.events[0].at_ms) / 1000
    report.add("whole drill", "s", "anabranch", whole_s, higher_is_better=False)
    report.notes.append(f"{found.drilled_records:,} records in {PARTITIONS} partitions")
