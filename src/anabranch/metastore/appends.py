"""The hot verb: committing a WAL flush, partition by partition, by compare-and-set."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

import msgspec

from anabranch.errors import StoreFault
from anabranch.metastore import partitions
from anabranch.metastore.api import (
    NO_TIMESTAMP,
    AppendCommit,
    AppendOutcome,
    ObjectKind,
    Partition,
    ProducerBatch,
    ProducerState,
)
from anabranch.metastore.counters import bump
from anabranch.metastore.extent_rows import INSERT_EXTENT, ExtentRow, marked_rows
from anabranch.metastore.objects import register_wal_object

_BATCHES = tuple[ProducerBatch, ...]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_BATCHES).decode

PRODUCER_BATCHES_MAX = 5  # KIP-98: as many batches as may be in flight

_CAS = """
UPDATE partition SET
    next_offset = :next,
    extents = extents + :extents,
    records = records + :records,
    bytes = bytes + :bytes,
    wal_since_ms = iif(wal_extents = 0, max(appended_mark, :first_appended), wal_since_ms),
    wal_extents = wal_extents + :extents,
    wal_bytes = wal_bytes + :bytes,
    appended_mark = max(appended_mark, :last_appended),
    timestamp_mark = max(timestamp_mark, :timestamp)
WHERE topic_no = :topic AND partition = :partition AND next_offset = :expected
RETURNING log_start, leader_epoch, appended_mark, timestamp_mark
"""

_UPSERT_PRODUCER = """
INSERT INTO producer (topic_no, partition, producer_id, epoch, batches, updated_ms)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    epoch = excluded.epoch, batches = excluded.batches, updated_ms = excluded.updated_ms
"""


def _assert_tiles(commit: AppendCommit) -> None:
    """I2: the extents are exactly the offsets that the commit gives out."""
    at = commit.expected_next
    for extent in commit.extents:
        assert extent.base_offset == at, f"extent at {extent.base_offset}, expected {at}"
        assert extent.last_offset >= extent.base_offset and extent.length > 0
        at = extent.last_offset + 1
    assert at == commit.next_offset, f"extents end at {at}, next_offset is {commit.next_offset}"


def commit_appends(
    tx: Connection, object_key: str, commits: Sequence[AppendCommit], now_ms: int
) -> list[AppendOutcome]:
    written = max((e.position + e.length for c in commits for e in c.extents), default=0)
    object_no = register_wal_object(tx, object_key, written, now_ms)
    outcomes: list[AppendOutcome] = []
    extents: list[ExtentRow] = []
    producers: list[tuple[int, int, int, int, bytes, int]] = []
    for commit in commits:
        _assert_tiles(commit)
        moved = _move_end(tx, commit, object_no, extents)
        if moved is None:
            present = partitions.partition(tx, commit.topic_no, commit.partition)
            outcomes.append(AppendOutcome(False, present))
            continue
        outcomes.append(AppendOutcome(True, moved))
        for state in commit.producers:
            assert len(state.batches) <= PRODUCER_BATCHES_MAX
            producers.append(
                (
                    commit.topic_no,
                    commit.partition,
                    state.producer_id,
                    state.epoch,
                    _encode(state.batches),
                    state.updated_ms,
                )
            )
    tx.executemany(INSERT_EXTENT, extents)
    if producers:
        tx.executemany(_UPSERT_PRODUCER, producers)
    return outcomes


def _move_end(
    tx: Connection, commit: AppendCommit, object_no: int, extents: list[ExtentRow]
) -> Partition | None:
    """The compare-and-set; on success the extents' rows are added to ``extents``."""
    new = commit.extents
    before = (0, NO_TIMESTAMP)
    if len(new) > 1:
        row = tx.execute(
            "SELECT appended_mark, timestamp_mark FROM partition "
            "WHERE topic_no = ? AND partition = ?",
            (commit.topic_no, commit.partition),
        ).fetchone()
        if row is None:
            return None
        before = row
    row = tx.execute(
        _CAS,
        {
            "topic": commit.topic_no,
            "partition": commit.partition,
            "expected": commit.expected_next,
            "next": commit.next_offset,
            "extents": len(new),
            "records": sum([e.records for e in new]),
            "bytes": sum([e.length for e in new]),
            "first_appended": new[0].appended_ms if new else 0,
            "last_appended": max([e.appended_ms for e in new], default=0),
            "timestamp": max([e.max_timestamp for e in new], default=NO_TIMESTAMP),
        },
    ).fetchone()
    if row is None:
        return None
    log_start, leader_epoch, appended_mark, timestamp_mark = row
    if len(new) == 1:
        before = (appended_mark, timestamp_mark)
    extents += marked_rows(
        commit.topic_no, commit.partition, object_no, ObjectKind.WAL, new, *before
    )
    return Partition(commit.topic_no, commit.partition, commit.next_offset, log_start, leader_epoch)


def producer_states(tx: Connection, topic_no: int, partition: int) -> list[ProducerState]:
    rows = tx.execute(
        "SELECT s.producer_id, s.epoch, s.batches, s.updated_ms "
        "FROM partition p JOIN producer s USING (topic_no, partition) "
        "WHERE p.topic_no = ? AND p.partition = ? ORDER BY s.producer_id",
        (topic_no, partition),
    )
    return [ProducerState(pid, epoch, _decode(b), updated) for pid, epoch, b, updated in rows]


def expire_producers(tx: Connection, before_ms: int, limit: int) -> int:
    rows = tx.execute(
        "SELECT topic_no, partition, producer_id FROM producer "
        "WHERE updated_ms < ? ORDER BY updated_ms LIMIT ?",
        (before_ms, limit),
    ).fetchall()
    tx.executemany(
        "DELETE FROM producer WHERE topic_no = ? AND partition = ? AND producer_id = ?", rows
    )
    return len(rows)


def allocate_producer_ids(tx: Connection, count: int) -> int:
    assert count > 0
    first = bump(tx, "producer_id", count) - count
    if first + count > 2**63 - 1:
        raise StoreFault("all producer ids have been given away", retryable=False)
    return first
