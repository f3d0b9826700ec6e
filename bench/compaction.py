"""Compaction: log bytes per second of one pass over a partition, map and rewrite together.

Each shape is a partition of batches of about 16 KB as clients make them, in which every key occurs about
four times; all of it is dirty, a quarter of it stays. One thread of the broker does this, beside appends.
Kafka's log cleaner is not in the table: it tells its rate only in a log of its own, once per cleaning.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from typing import NamedTuple

from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record
from bench.report import Report
from bench.systems import Scale

NAME = "compaction"
BYTES = 24_000_000  # per shape, before compression
BYTES_QUICK = 12_000_000
BATCH_BYTES = 16_000
KEY_REPEATS = 4
SETTINGS = LogSettings(background=False)


class Shape(NamedTuple):
    """What a partition is made of."""

    name: str
    value_bytes: int
    codec: Codec


SHAPES = (
    Shape("100 B", 84, Codec.NONE),
    Shape("1 KB", 984, Codec.NONE),
    Shape("100 B lz4", 84, Codec.LZ4),
)


def measure(parent: Path, scale: Scale, report: Report) -> None:
    asyncio.run(_measure(parent / "compaction", scale, report))


async def _measure(data: Path, scale: Scale, report: Report) -> None:
    size = BYTES if scale.rounds > 1 else BYTES_QUICK
    log = await open_log(data, broker_id=1, settings=SETTINGS, create=True)
    try:
        for shape in SHAPES:
            for sample in range(scale.repeats):
                await _one(log, shape, f"t-{shape.name.replace(' ', '-')}-{sample}", size, report)
    finally:
        await log.close()


async def _one(log: Log, shape: Shape, name: str, size: int, report: Report) -> None:
    topic = await log.create_topic(name, 1, {"cleanup.policy": "compact"})
    records = size // (shape.value_bytes + 16)
    chance = random.Random(7)
    value = chance.randbytes(shape.value_bytes // 2) + bytes(shape.value_bytes // 2)
    per_batch = max(1, BATCH_BYTES // (shape.value_bytes + 16))
    pending = []
    for _ in range(records // per_batch):
        now_ms = log.now_ms()
        batch = [
            Record(0, now_ms, b"%08d" % chance.randrange(records // KEY_REPEATS), value)
            for _ in range(per_batch)
        ]
        data = memoryview(bytearray(build_batch(batch, codec=shape.codec)))
        pending.append(log.append(topic, 0, data))
        if len(pending) == 64:
            await asyncio.gather(*pending)
            pending.clear()
    await asyncio.gather(*pending)
    await log.merger.merge_backlog(topic, 0)
    before = (await log.retained_bytes(topic))[0]
    assert log.background is not None
    begun = time.perf_counter()
    assert await log.background.compactor.compact(topic, 0)
    seconds = time.perf_counter() - begun
    after = (await log.retained_bytes(topic))[0]
    assert after < before / 2, (before, after)
    report.add(
        f"compact {shape.name}", "MB/s", "anabranch", before / 1e6 / seconds, higher_is_better=True
    )
