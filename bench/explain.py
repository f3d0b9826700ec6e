"""Explain over a history of ten million commits of one group: an instant, a difference, an undo's preview.

The history is written as SQL into the embedded metastore of a real cluster: 100 partitions with 100,000 commits
each, and 100 resets among them. Then the functions behind `anabranch explain` answer from it, the first time right
after opening. What the history's index of turns costs is the CPU of commits with and without it.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Actor, Committed, OffsetAction
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.history import undo
from anabranch.recovery.history.difference import difference
from anabranch.recovery.history.explain import explain
from bench.report import Report
from bench.systems import Scale

NAME = "explain"
PARTITIONS = 100
COMMITS = 10_000_000
COMMITS_QUICK = 200_000
RESETS = 100  # of single partitions, spread over the history
ASKED = 20  # times each, at instants of its own
BEGIN_MS = 1_700_000_000_000
COMMITTING = 100  # commits of all partitions, in each of the rounds that alternate
ROUNDS = 5
GROUP, TOPIC = "view", "flights"
MEMBER = Actor("User:app", "view-app", "10.0.0.7", "view-app-1", "", 3, "OffsetCommit")
SETTINGS = LogSettings(background=False, wal_file_bytes=1 << 20)

# Line n is of partition n % P, its commit number n / P, at one millisecond each; every so-many-th goes back.
_FILL = """
WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :lines)
INSERT INTO offset_history
    (group_no, at_ms, seq, topic_no, partition, action, old_offset, new_offset, metadata, actor_no)
SELECT :group_no, :begin + i, 1000 + i, :topic_no, i % :partitions,
    CASE WHEN i % :every = :every - 1 THEN 'reset' ELSE 'commit' END, i / :partitions * 10,
    CASE WHEN i % :every = :every - 1 THEN i / :partitions * 10 - 5 ELSE i / :partitions * 10 + 10 END,
    '', :actor_no
FROM n
"""


def measure(parent: Path, scale: Scale, report: Report) -> None:
    lines = COMMITS if scale.rounds > 1 else COMMITS_QUICK
    asyncio.run(_measure(parent / "explaining", lines, report))


async def _measure(data: Path, lines: int, report: Report) -> None:
    log = await open_log(data, broker_id=1, settings=SETTINGS, create=True)
    try:
        await _scene(log)
    finally:
        await log.close()
    seconds = _fill(data / "metastore.db", lines)
    size = (data / "metastore.db").stat().st_size
    report.notes.append(
        f"explain: {lines:,} lines of history in {seconds:.0f} s by SQL, {size / lines:.0f} bytes each with indexes"
    )
    await _ask(data, lines, report)
    await _commit(data, report)


async def _scene(log: Log) -> None:
    """A topic with a record per partition, and a group that committed once in each."""
    topic = await log.create_topic(TOPIC, PARTITIONS, {"retention.ms": "-1"})
    batch = build_batch([Record(0, BEGIN_MS, b"k", b"v", ())])
    await asyncio.gather(
        *(log.append(topic, p, memoryview(bytearray(batch))) for p in range(PARTITIONS))
    )
    offsets = [Committed(topic.no, p, 1, 0, "", BEGIN_MS) for p in range(PARTITIONS)]
    at = BEGIN_MS + 2 * COMMITS  # behind everything that is filled in
    await log.metastore.commit_offsets(GROUP, offsets, OffsetAction.COMMIT, MEMBER, at)


def _fill(path: Path, lines: int) -> float:
    """Write the history; its indexes are made behind it. Returns the seconds it took."""
    begun = time.perf_counter()
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        (group_no,) = connection.execute("SELECT no FROM consumer_group").fetchone()
        (topic_no,) = connection.execute("SELECT no FROM topic").fetchone()
        (actor_no,) = connection.execute("SELECT no FROM actor").fetchone()
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        indexes = _indexes(connection)
        for name in indexes:
            connection.execute(f"DROP INDEX {name}")
        values = {
            "lines": lines, "group_no": group_no, "topic_no": topic_no, "actor_no": actor_no,
            "begin": BEGIN_MS, "partitions": PARTITIONS, "every": lines // RESETS,
        }  # fmt: skip
        connection.execute(_FILL, values)
        for sql in indexes.values():
            connection.execute(sql)
        connection.execute("UPDATE committed SET seq = seq + ?", (10 * lines,))
        connection.execute(
            "UPDATE counter SET value = value + ? WHERE name = 'history_seq'", (20 * lines,)
        )
        connection.execute("COMMIT")
    finally:
        connection.close()
    return time.perf_counter() - begun


def _indexes(connection: sqlite3.Connection) -> dict[str, str]:
    rows = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'offset_history' "
        "AND sql IS NOT NULL"
    )
    return dict(rows.fetchall())


async def _ask(data: Path, lines: int, report: Report) -> None:
    instants = random.Random(7).sample(range(BEGIN_MS + lines // 10, BEGIN_MS + lines), ASKED)

    async def timed(figure: str, question: Callable[[Log, int], Awaitable[object]]) -> None:
        log = await open_log(data, broker_id=None)
        try:
            for number, at_ms in enumerate(instants):
                begun = time.perf_counter()
                await question(log, at_ms)
                took = (time.perf_counter() - begun) * 1000
                kind = f"{figure}, first after opening" if number == 0 else figure
                report.add(kind, "ms", "anabranch", took, higher_is_better=False)
        finally:
            await log.close()

    async def instant(log: Log, at_ms: int) -> object:
        found = await explain(
            log.metastore,
            GROUP,
            at_ms=at_ms,
            now_ms=at_ms,
            append_times=log.extents.append_times,
            extents=log.extents,
        )
        assert len(found.partitions) == PARTITIONS
        return found

    async def between(log: Log, at_ms: int) -> object:
        found = await difference(
            log.metastore,
            GROUP,
            from_ms=BEGIN_MS + PARTITIONS,
            to_ms=at_ms,
            extents=log.extents,
        )
        assert len(found.partitions) == PARTITIONS and found.turns
        return found

    async def taken_back(log: Log, at_ms: int) -> object:
        """The newest reset was moved over long ago: that is found out, and refused."""
        try:
            return await undo.prepare(log.metastore, GROUP)
        except UserFault as refused:
            assert "moved since" in str(refused)
            return refused

    await timed("explain at an instant", instant)
    await timed("explain between two instants", between)
    await timed("find the change to undo", taken_back)


async def _commit(data: Path, report: Report) -> None:
    """CPU per committed offset, with the index of turns and without it, in turn."""
    log = await open_log(data, broker_id=None)
    direct = sqlite3.connect(data / "metastore.db", isolation_level=None, timeout=60)
    sql = _indexes(direct)["offset_history_turns"]
    try:
        topic = log.catalogue.topic(TOPIC)
        assert topic is not None
        offset, at_ms = 2, BEGIN_MS + 3 * COMMITS
        for number in range(2 * ROUNDS):
            present = number % 2 == 0
            begun = time.process_time()
            for _ in range(COMMITTING):
                offset, at_ms = offset + 1, at_ms + 1
                offsets = [Committed(topic.no, p, offset, 0, "", at_ms) for p in range(PARTITIONS)]
                await log.metastore.commit_offsets(
                    GROUP, offsets, OffsetAction.COMMIT, MEMBER, at_ms
                )
            took = (time.process_time() - begun) / COMMITTING / PARTITIONS * 1e6
            with_index = "anabranch" if present else "without the index of turns"
            report.add("CPU per committed offset", "µs", with_index, took, higher_is_better=False)
            direct.execute("DROP INDEX offset_history_turns" if present else sql)
    finally:
        direct.close()
        await log.close()
