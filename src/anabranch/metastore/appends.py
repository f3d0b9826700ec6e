"""The hot verb: committing a WAL flush, partition by partition, by compare-and-set."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from anabranch.metastore import bulk, partitions, transaction_appends
from anabranch.metastore.extent_rows import INSERT_EXTENTS, ExtentRow, marked_rows
from anabranch.metastore.journal_notes import note
from anabranch.metastore.objects import register_wal_object
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import (
    AppendCommit,
    AppendOutcome,
    ObjectKind,
    Partition,
    ProducerBatch,
    ProducerState,
)

_BATCHES = tuple[ProducerBatch, ...]
encode_batches = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_BATCHES).decode

PRODUCER_BATCHES_MAX = 5  # KIP-98: as many batches as may be in flight

_ENDS = bulk.Query(
    "topic_no partition",
    "topic_no, partition, next_offset, appended_mark, timestamp_mark, leader_epoch",
    "FROM partition WHERE (topic_no, partition) IN {v}",
)

# The marks are those after the commit. wal_since_ms: the row's first extent, if no older one waits.
_CAS = bulk.Statement(
    "topic_no partition expected next extents records bytes first_ms appended_mark timestamp_mark",
    """
UPDATE partition SET
    next_offset = v.next,
    extents = partition.extents + v.extents,
    records = partition.records + v.records,
    bytes = partition.bytes + v.bytes,
    wal_since_ms = CASE partition.wal_extents WHEN 0 THEN v.first_ms ELSE partition.wal_since_ms END,
    wal_extents = partition.wal_extents + v.extents,
    wal_bytes = partition.wal_bytes + v.bytes,
    appended_mark = v.appended_mark,
    timestamp_mark = v.timestamp_mark
FROM {v} AS v
WHERE partition.topic_no = v.topic_no AND partition.partition = v.partition
    AND partition.next_offset = v.expected
""",
)

_UPSERT_PRODUCER = bulk.Statement(
    "topic_no partition producer_id epoch batches:bytes updated_ms",
    """
INSERT INTO producer (topic_no, partition, producer_id, epoch, batches, updated_ms)
SELECT * FROM {v} AS v WHERE true
ON CONFLICT (topic_no, partition, producer_id) DO UPDATE SET
    epoch = excluded.epoch, batches = excluded.batches, updated_ms = excluded.updated_ms
""",
)

_COMMITTED = AppendOutcome(True)


def assert_tiles(commit: AppendCommit) -> None:
    """I2: the extents are exactly the offsets that the commit gives out."""
    at = commit.expected_next
    for extent in commit.extents:
        assert extent.base_offset == at, f"extent at {extent.base_offset}, expected {at}"
        assert extent.last_offset >= extent.base_offset and extent.length > 0
        at = extent.last_offset + 1
    assert at == commit.next_offset, f"extents end at {at}, next_offset is {commit.next_offset}"


def commit_appends(
    tx: Tx, object_key: str, commits: Sequence[AppendCommit], now_ms: int
) -> list[AppendOutcome]:
    written = max([e.position + e.length for c in commits for e in c.extents], default=0)
    object_no = register_wal_object(tx, object_key, written, now_ms)
    keys = [(commit.topic_no, commit.partition) for commit in commits]
    assert len(set(keys)) == len(keys), "a flush lays the batches of a partition together"
    enlistment = transaction_appends.judge(tx, commits)
    ends = {(row[0], row[1]): row for row in bulk.read(tx, _ENDS, keys)}
    outcomes: list[AppendOutcome] = []
    moves: list[bulk.Row] = []
    extents: list[bulk.Row] = []
    producers: list[bulk.Row] = []
    for commit, key in zip(commits, keys, strict=True):
        assert_tiles(commit)
        end = ends.get(key)
        refused = () if enlistment is None else enlistment.refused.get(key, ())
        if end is None or end[2] != commit.expected_next or end[5] != commit.epoch or refused:
            outcomes.append(AppendOutcome(False, partitions.partition(tx, *key), refused))
            continue
        outcomes.append(_COMMITTED)
        rows = marked_rows(*key, object_no, ObjectKind.WAL, commit.extents, end[3], end[4])
        extents += rows
        moves.append(_move(commit, rows, end[3], end[4]))
        for state in commit.producers:
            assert len(state.batches) <= PRODUCER_BATCHES_MAX
            batches = encode_batches(state.batches)
            # Not before the partition's mark, whatever the clocks say: so the journal finds it.
            updated_ms = max(state.updated_ms, rows[-1].appended_ms if rows else 0)
            producers.append((*key, state.producer_id, state.epoch, batches, updated_ms))
    tx.changed.partitions.update((move[0], move[1]) for move in moves)  # type: ignore[misc]
    moved = bulk.write(tx, _CAS, moves)
    assert moved == len(moves), "next_offset moved inside our own transaction"
    bulk.write(tx, INSERT_EXTENTS, extents)
    bulk.write(tx, _UPSERT_PRODUCER, producers)
    if not moves:  # the journal finds the object by the extents that name it, or else by a note
        note(tx, ("object", (object_no,)))
    if enlistment is not None:
        enlistment.write(tx, [(move[0], move[1]) for move in moves])  # type: ignore[misc]
    return outcomes


def _producer_rows(
    topic_no: int, partition: int, states: Iterable[ProducerState]
) -> list[bulk.Row]:
    rows: list[bulk.Row] = []
    for state in states:
        assert len(state.batches) <= PRODUCER_BATCHES_MAX
        batches = encode_batches(state.batches)
        rows.append(
            (topic_no, partition, state.producer_id, state.epoch, batches, state.updated_ms)
        )
    return rows


def set_producers(tx: Tx, topic_no: int, partition: int, states: Iterable[ProducerState]) -> None:
    """Store these states of producers, each in place of what was known of its id."""
    bulk.write(tx, _UPSERT_PRODUCER, _producer_rows(topic_no, partition, states))


def _move(
    commit: AppendCommit, rows: Sequence[ExtentRow], appended_mark: int, timestamp_mark: int
) -> bulk.Row:
    """The compare-and-set of one partition, with what its new extents add to its sums."""
    new = commit.extents
    return (
        commit.topic_no,
        commit.partition,
        commit.expected_next,
        commit.next_offset,
        len(new),
        sum([extent.records for extent in new]),
        sum([extent.length for extent in new]),
        rows[0].appended_ms if rows else 0,
        rows[-1].appended_ms if rows else appended_mark,
        rows[-1].timestamp_mark if rows else timestamp_mark,
    )


def append_state(
    tx: Tx, topic_no: int, partition: int
) -> tuple[Partition, list[ProducerState]] | None:
    """One statement, so one snapshot on every engine."""
    rows = tx.execute(
        "SELECT p.next_offset, p.log_start, p.leader_epoch, p.skips, p.unstable, p.aborted_end, "
        "s.producer_id, s.epoch, s.batches, s.updated_ms FROM partition p LEFT JOIN producer s USING (topic_no, partition) "
        "WHERE p.topic_no = ? AND p.partition = ? ORDER BY s.producer_id",
        (topic_no, partition),
    ).fetchall()
    if not rows:
        return None
    states = [
        ProducerState(pid, epoch, _decode(batches), updated)
        for *_, pid, epoch, batches, updated in rows
        if pid is not None
    ]
    return Partition(topic_no, partition, *rows[0][:6]), states


def producer_states(tx: Tx, topic_no: int, partition: int) -> list[ProducerState]:
    rows = tx.execute(
        "SELECT s.producer_id, s.epoch, s.batches, s.updated_ms "
        "FROM partition p JOIN producer s USING (topic_no, partition) "
        "WHERE p.topic_no = ? AND p.partition = ? ORDER BY s.producer_id",
        (topic_no, partition),
    )
    return [ProducerState(pid, epoch, _decode(b), updated) for pid, epoch, b, updated in rows]


def expire_producers(tx: Tx, before_ms: int, limit: int) -> int:
    rows = tx.execute(
        "SELECT topic_no, partition, producer_id FROM producer "
        "WHERE updated_ms < ? ORDER BY updated_ms LIMIT ?",
        (before_ms, limit),
    ).fetchall()
    # Asked again: an append may have moved it on since.
    tx.executemany(
        "DELETE FROM producer WHERE topic_no = ? AND partition = ? AND producer_id = ? "
        "AND updated_ms < ?",
        [(*row, before_ms) for row in rows],
    )
    if rows:
        note(tx, *[("producer", (*row,)) for row in rows])
    return len(rows)
