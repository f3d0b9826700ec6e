"""A lost metastore made anew, beside what the store reads at all; and what the journal costs until then.

The same store in every row: segments of four partitions, read one after another by one reader in pieces of
8 MiB ("sequential read"), by ``check``, and by ``rebuild`` with and without the journal, with ``--verify``
(every byte) and without (indexes only: the rate is retained bytes over seconds, and no byte of data is
read). Pages are in memory: that is where the store is fastest, and so the comparison hardest. The
metastore's rows and bytes are counted after the load. The journal's cost: the same produce against a broker
that ships it and one that does not, in turn.
"""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.peers import AnabranchNode

from anabranch.log.checking.check import Check, CheckOptions
from anabranch.log.location import Location
from anabranch.log.opening import open_log
from anabranch.log.rebuild.opening import rebuild_cluster
from anabranch.log.rebuild.report import quiet
from anabranch.log.settings import LogSettings
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.store import Store, open_store
from bench.produce import PARTITIONS, records_for
from bench.report import Report
from bench.systems import Scale, create_topic, run_job, settle

NAME = "rebuild"
FIGURE = "retained bytes"
SEQUENTIAL = "store, one sequential reader"
VERIFIED = "rebuild --verify, no journal"
JOURNAL_SYSTEMS = {"journal": True, "no journal": False}
STORED_FACTOR = 4  # times the bytes of a stored topic
BATCH_BYTES = 64 << 10
PIECE_BYTES = 8 << 20
IN_FLIGHT = 64  # appends
SEGMENT_BYTES = 64 << 20
REPEATS = 3


def measure(parent: Path, scale: Scale, report: Report) -> None:
    data = parent / NAME
    retained = asyncio.run(_load(data, scale, report))
    store = open_store((data / "store").as_uri())
    for _ in range(REPEATS if scale.rounds > 1 else 1):
        _sequential(store, report)
        asyncio.run(_check(data, report))
        for journal in (True, False):
            for verify in (False, True):
                _rebuild(data, retained, report, journal=journal, verify=verify)
    store.close()
    shutil.rmtree(data)
    _journal_cost(parent, scale, report)


async def _load(data: Path, scale: Scale, report: Report) -> int:
    """Fill a cluster until everything lies in segments; their bytes."""
    settings = LogSettings(
        segment_bytes=SEGMENT_BYTES, merge_age_ms=500, background_interval_ms=250
    )
    log = await open_log(data, broker_id=1, settings=settings, create=True)
    try:
        topic = await log.create_topic(NAME, PARTITIONS, {})
        value = b"\xa5" * (BATCH_BYTES - 100)
        total = scale.stored_bytes * STORED_FACTOR
        for begin in range(0, total, IN_FLIGHT * BATCH_BYTES):
            await asyncio.gather(
                *(
                    log.append(topic, number % PARTITIONS, _batch(begin + number, value))
                    for number in range(min(IN_FLIGHT, (total - begin) // BATCH_BYTES))
                )
            )
        while await log.metastore.backlogs(1) or len(await log.metastore.wal_objects()) > 1:  # noqa: ASYNC110
            await asyncio.sleep(0.1)  # merged, and all of the WAL but its open file recycled
        retained = sum(size.bytes for size in await log.sizes(topic))
        assert log.journal is not None
        await log.journal.ship_once()
        await log.journal.snapshot()
    finally:
        await log.close()
    _metastore_size(data, retained, report)
    return retained


def _batch(timestamp: int, value: bytes) -> memoryview:
    """No two alike."""
    return memoryview(bytearray(build_batch([Record(0, timestamp, None, value, ())])))


def _metastore_size(data: Path, retained: int, report: Report) -> None:
    connection = sqlite3.connect(data / "metastore.db")
    tables = [n for (n,) in connection.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
    rows = sum(connection.execute(f"SELECT count(*) FROM {n}").fetchone()[0] for n in tables)
    extents = connection.execute("SELECT count(*) FROM extent").fetchone()[0]
    connection.execute("VACUUM")
    connection.close()
    gigabytes = retained / 1e9
    size = (data / "metastore.db").stat().st_size
    for what, count in (("rows", rows), ("extents", extents), ("bytes", size)):
        report.add(
            f"metastore {what} per retained GB",
            what,
            "anabranch",
            count / gigabytes,
            higher_is_better=False,
        )


def _sequential(store: Store, report: Report) -> None:
    keys = [info.key for info in store.list("topics/") if info.key.endswith(".log")]
    begun, read = time.perf_counter(), 0
    for key in keys:
        at = 0
        while data := store.get(key, at, PIECE_BYTES):
            at += len(data)
        read += at
    _add(report, SEQUENTIAL, read, time.perf_counter() - begun)


async def _check(data: Path, report: Report) -> None:
    log = await open_log(data, broker_id=None)
    begun = time.perf_counter()
    try:
        with ThreadPoolExecutor(6) as pool:
            done = await Check(
                log.metastore, log.store, log.wal_reader, pool, CheckOptions(recheck_ms=0),
                log.now_ms, asyncio.sleep, lambda _: None, quiet,
            ).run()  # fmt: skip
        assert not [each for each in done.findings if each.trouble != "journal"], done.findings
    finally:
        await log.close()
    _add(report, "check", done.bytes_read, time.perf_counter() - begun)


def _rebuild(data: Path, retained: int, report: Report, *, journal: bool, verify: bool) -> None:
    """Lose the metastore (and the journal), and make it anew."""
    for path in data.glob("metastore.db*"):
        path.unlink()
    hidden, kept = data / "journal-hidden", data / "store" / "journal"
    if not journal:
        kept.rename(hidden)
    try:
        done = asyncio.run(rebuild_cluster(Location.of(data), quiet, verify=verify))
    finally:
        if not journal:
            hidden.rename(kept)
    assert done.figures.retained_bytes == retained, done.findings
    name = f"rebuild{' --verify' if verify else ''}, {'with' if journal else 'no'} journal"
    if verify:
        assert done.figures.verified_bytes >= retained
    _add(report, name, retained, done.seconds)


def _add(report: Report, system: str, size: int, seconds: float) -> None:
    report.add(FIGURE, "MB/s", system, size / seconds / 1e6)


def _journal_cost(parent: Path, scale: Scale, report: Report) -> None:
    """Produce beside the journal, and without it, in turn."""
    for number in range(scale.rounds):
        systems = list(JOURNAL_SYSTEMS.items())
        for system, journal in systems if number % 2 == 0 else systems[::-1]:
            with AnabranchNode(parent=parent, settings={"log": {"journal": journal}}) as node:
                for sample in range(1 + scale.repeats):
                    topic = f"journal-{sample}"
                    create_topic(node, topic, PARTITIONS)
                    settle()
                    done = run_job(
                        "produce",
                        bootstrap=node.bootstrap,
                        topic=topic,
                        size=1000,
                        records=records_for(1000, scale.produce_bytes * 4),
                    )
                    if sample:  # the first one warms up
                        rate = done["records"] / done["seconds"]
                        report.add("produce 1 KB, journal", "records/s", system, rate)
