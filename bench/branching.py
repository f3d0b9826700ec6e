"""Branch time against the size of the topic: rows are copied, no bytes.

A topic of four partitions whose 100, 1,000 and 10,000 extents are segments of their own; each branch
is made by the running broker's own code, in this process, on the embedded metastore.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Topic
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from bench.report import Report
from bench.systems import Scale

NAME = "branch"
PARTITIONS = 4
EXTENTS = (100, 1_000, 10_000)
EXTENTS_QUICK = (100, 1_000)
BRANCHES = 5  # of each topic
SETTINGS = LogSettings(background=False, segment_bytes=1)  # every extent a segment of its own


def measure(parent: Path, scale: Scale, report: Report) -> None:
    asyncio.run(_measure(parent / "branching", scale, report))


async def _measure(data: Path, scale: Scale, report: Report) -> None:
    log = await open_log(data, broker_id=1, settings=SETTINGS, create=True)
    try:
        for extents in EXTENTS if scale.rounds > 1 else EXTENTS_QUICK:
            topic = await grown(log, f"t{extents}", extents)
            before = _stored_bytes(data)
            for number in range(BRANCHES):
                begun = time.perf_counter()
                await log.branch(topic, f"{topic.name}-{number}", BranchPoint())
                report.add(
                    f"branch of {extents:,} extents",
                    "ms",
                    "anabranch",
                    (time.perf_counter() - begun) * 1000,
                    higher_is_better=False,
                )
            copied = _stored_bytes(data) - before
            report.notes.append(f"branches of {extents:,} extents copied {copied} bytes")
    finally:
        await log.close()


async def grown(log: Log, name: str, extents: int, record_bytes: int = 100) -> Topic:
    """A topic whose extents are segments of one record each."""
    topic = await log.create_topic(name, PARTITIONS, {})
    for _ in range(extents // PARTITIONS):
        record = Record(
            offset=0, timestamp=log.now_ms(), key=None, value=b"x" * record_bytes, headers=()
        )
        batch = build_batch([record])
        await asyncio.gather(
            *(
                log.append(topic, number, memoryview(bytearray(batch)))
                for number in range(PARTITIONS)
            )
        )
    for partition in range(PARTITIONS):
        await log.merger.merge_backlog(topic, partition)
    sizes = await log.sizes(topic)
    assert sum(size.extents for size in sizes) == extents, sizes
    return topic


def _stored_bytes(data: Path) -> int:
    return sum(path.stat().st_size for path in (data / "store").rglob("*") if path.is_file())
