"""The hot verbs on PostgreSQL: one statement, one round trip, and brokers beside each other.

Of the general lock (:mod:`anabranch.metastore.postgres.writer`) they know nothing. What keeps them right is
that every row they change or decide by is locked first, and that all lock in one order: partitions by
(topic_no, partition), then the WAL object. A partition's row stands for all of its rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anabranch.errors import StoreFault, UnknownOutcome
from anabranch.metastore import partitions, transaction_appends, wal_floor
from anabranch.metastore.appends import assert_tiles, encode_batches
from anabranch.metastore.arrays import Blobs, Ints, Texts
from anabranch.metastore.postgres.functions import COMMIT_OFFSETS
from anabranch.metastore.postgres.tx import PostgresTx
from anabranch.metastore.values import (
    Actor,
    AppendCommit,
    AppendOutcome,
    Committed,
    Conflict,
    OffsetAction,
    Partition,
)

# c: a commit per partition, with what its extents sum up to and where they lie in x's arrays (first to
# last, counted from 1), likewise its producers in s. Marks: those before, raised by the commit's own.
# The journal finds the object by the extents that name it, or else by a note.
# A row that another transaction changed while we waited for its lock is read again by FOR UPDATE, and by
# the UPDATE that follows. Whoever moves the cluster to another WAL locks the table ``object`` against us, and
# we have our lock before the statement's snapshot is taken; nothing else here depends on that.
_COMMIT = """
WITH held AS (
    SELECT c.*, p.next_offset, p.log_start, p.leader_epoch, p.skips, p.unstable, p.aborted_end,
        p.appended_mark, p.timestamp_mark
    FROM unnest(:topic_no, :partition, :expected, :epoch_held, :next, :records, :bytes, :first_ms, :appended,
        :stamp, :first, :last, :first_state, :last_state) AS c (topic_no, partition, expected, epoch_held,
        next, records, bytes, first_ms, appended, stamp, first, last, first_state, last_state)
    JOIN partition p ON p.topic_no = c.topic_no AND p.partition = c.partition
    ORDER BY p.topic_no, p.partition
    FOR NO KEY UPDATE OF p
), wal AS (
    UPDATE object SET bytes = max(bytes, :written), unreferenced_ms = NULL
    WHERE key = :key AND kind = 1 AND (SELECT count(*) FROM held) >= 0
        AND NOT EXISTS (SELECT 1 FROM counter WHERE name = 'wal_floor' AND value > :wal_epoch)
    RETURNING no
), won AS (
    SELECT h.*, w.no AS object_no FROM held h CROSS JOIN wal w WHERE h.next_offset = h.expected
        AND h.leader_epoch = h.epoch_held
), noted AS (
    INSERT INTO journal_note (spans) SELECT '[["object",[' || w.no || ']]]' FROM wal w
    WHERE NOT EXISTS (SELECT 1 FROM won)
), moved AS (
    UPDATE partition p SET
        next_offset = w.next,
        extents = p.extents + w.last - w.first + 1,
        records = p.records + w.records,
        bytes = p.bytes + w.bytes,
        wal_since_ms = CASE p.wal_extents WHEN 0 THEN max(p.appended_mark, w.first_ms)
            ELSE p.wal_since_ms END,
        wal_extents = p.wal_extents + w.last - w.first + 1,
        wal_bytes = p.wal_bytes + w.bytes,
        appended_mark = max(p.appended_mark, w.appended),
        timestamp_mark = max(p.timestamp_mark, w.stamp)
    FROM won w
    WHERE p.topic_no = w.topic_no AND p.partition = w.partition AND p.next_offset = w.expected
    RETURNING 1
), x AS MATERIALIZED (
    SELECT :base_offset AS base_offset, :last_offset AS last_offset, :position AS position,
        :length AS length, :extent_records AS records, :max_timestamp AS max_timestamp,
        :extent_stamp AS stamp, :appended_ms AS appended_ms, :leader_epoch AS leader_epoch
), placed AS (
    INSERT INTO extent (topic_no, partition, base_offset, last_offset, object_no, wal, position, length,
        records, max_timestamp, timestamp_mark, appended_ms, leader_epoch)
    SELECT w.topic_no, w.partition, e.base_offset, e.last_offset, w.object_no, 1, e.position, e.length,
        e.records, e.max_timestamp, max(w.timestamp_mark, e.stamp),
        max(w.appended_mark, e.appended_ms), e.leader_epoch
    FROM won w CROSS JOIN x CROSS JOIN LATERAL unnest(x.base_offset[w.first : w.last],
        x.last_offset[w.first : w.last], x.position[w.first : w.last], x.length[w.first : w.last],
        x.records[w.first : w.last], x.max_timestamp[w.first : w.last], x.stamp[w.first : w.last],
        x.appended_ms[w.first : w.last], x.leader_epoch[w.first : w.last]) AS e (base_offset, last_offset,
        position, length, records, max_timestamp, stamp, appended_ms, leader_epoch)
    RETURNING 1
), s AS MATERIALIZED (
    SELECT :producer_id AS producer_id, :epoch AS epoch, :batches AS batches, :updated_ms AS updated_ms
), known AS (
    INSERT INTO producer (topic_no, partition, producer_id, epoch, batches, updated_ms)
    SELECT w.topic_no, w.partition, e.producer_id, e.epoch, e.batches,
        max(e.updated_ms, max(w.appended_mark, w.appended))
    FROM won w CROSS JOIN s CROSS JOIN LATERAL unnest(s.producer_id[w.first_state : w.last_state],
        s.epoch[w.first_state : w.last_state], s.batches[w.first_state : w.last_state],
        s.updated_ms[w.first_state : w.last_state]) AS e (producer_id, epoch, batches, updated_ms)
    ON CONFLICT (topic_no, partition, producer_id) DO UPDATE SET
        epoch = excluded.epoch, batches = excluded.batches, updated_ms = excluded.updated_ms
    RETURNING 1
)
SELECT w.named, h.topic_no, h.partition, h.next_offset, h.log_start, h.leader_epoch, h.skips,
    h.unstable, h.aborted_end, h.next_offset = h.expected AND h.leader_epoch = h.epoch_held, (SELECT count(*) FROM moved), (SELECT count(*) FROM placed)
FROM (SELECT count(*) AS named FROM wal) AS w LEFT JOIN held h ON true
"""

# I3: a key whose object was collected must not come back. Nothing happens if another was quicker.
_REGISTER = """
INSERT INTO object (key, kind, bytes, created_ms) SELECT :key, 1, 0, :now
WHERE NOT EXISTS (SELECT 1 FROM deletion WHERE key = :key)
    AND NOT EXISTS (SELECT 1 FROM counter WHERE name = 'wal_floor' AND value > :wal_epoch) ON CONFLICT (key) DO NOTHING
"""

# Whether an extent of a commit whose outcome is not known is there, or was and has been merged since.
_MINE = """
SELECT p.topic_no, p.partition, x.object_no IS NOT NULL,
    p.merged_end > c.expected OR p.log_start > c.expected
FROM unnest(:topic_no, :partition, :expected, :position) AS c (topic_no, partition, expected, position)
JOIN partition p ON p.topic_no = c.topic_no AND p.partition = c.partition
LEFT JOIN (extent x JOIN object o ON o.no = x.object_no AND o.key = :key)
    ON x.topic_no = c.topic_no AND x.partition = c.partition AND x.base_offset = c.expected
    AND x.position = c.position
"""

_COMMITTED = AppendOutcome(True)


def commit_appends(
    tx: PostgresTx, object_key: str, commits: Sequence[AppendCommit], now_ms: int
) -> list[AppendOutcome]:
    """As :func:`anabranch.metastore.appends.commit_appends`; may be repeated if ``tx.repeated`` says so."""
    if not any(commit.transactions for commit in commits):
        return _commit_appends(tx, object_key, commits, now_ms)
    with tx.connection.transaction():  # several statements: only transactional batches pay for them
        return _commit_transactional(tx, object_key, commits, now_ms)


def _commit_transactional(
    tx: PostgresTx, object_key: str, commits: Sequence[AppendCommit], now_ms: int
) -> list[AppendOutcome]:
    enlistment = transaction_appends.judge(tx, commits)
    assert enlistment is not None
    keys = [(commit.topic_no, commit.partition) for commit in commits]
    allowed = [one for one, key in zip(commits, keys, strict=True) if key not in enlistment.refused]
    outcomes = dict(
        zip(
            [(one.topic_no, one.partition) for one in allowed],
            _commit_appends(tx, object_key, allowed, now_ms) if allowed else (),
            strict=True,
        )
    )
    refused = list(enlistment.refused)
    there = {(one.topic_no, one.partition): one for one in partitions.some_partitions(tx, refused)}
    for key in refused:
        outcomes[key] = AppendOutcome(False, there.get(key), enlistment.refused[key])
    enlistment.write(tx, [key for key in keys if outcomes[key].committed])
    return [outcomes[key] for key in keys]


def _commit_appends(
    tx: PostgresTx, object_key: str, commits: Sequence[AppendCommit], now_ms: int
) -> list[AppendOutcome]:
    keys = [(commit.topic_no, commit.partition) for commit in commits]
    assert len(set(keys)) == len(keys), "a flush lays the batches of a partition together"
    values = _values(object_key, commits)
    rows = tx.execute(_COMMIT, values).fetchall()
    if not rows[0][0]:
        registered = {"key": object_key, "now": now_ms, "wal_epoch": values["wal_epoch"]}
        tx.execute(_REGISTER, registered)
        rows = tx.execute(_COMMIT, values).fetchall()
        if not rows[0][0]:
            wal_floor.check_object(tx, object_key)
            raise StoreFault(
                f"object {object_key} was collected and cannot be used again", retryable=False
            )
    moved, placed = rows[0][10:]
    present = {(row[1], row[2]): Partition(*row[1:9]) for row in rows if row[1] is not None}
    won = {(row[1], row[2]) for row in rows if row[9]}
    assert moved == len(won), "next_offset moved under our own lock"
    assert placed == sum(
        len(one.extents) for one, key in zip(commits, keys, strict=True) if key in won
    )
    tx.changed.partitions |= won
    if tx.repeated and len(won) < len(present):
        lost = [one for one, key in zip(commits, keys, strict=True) if key in present.keys() - won]
        won |= _mine(tx, object_key, lost)
    return [_COMMITTED if key in won else AppendOutcome(False, present.get(key)) for key in keys]


_COMMIT_OFFSETS = f"SELECT {COMMIT_OFFSETS}({', '.join('?' * 19)})"


def commit_offsets(
    tx: PostgresTx,
    group_id: str,
    offsets: Sequence[Committed],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
    expected: int | None,
) -> None:
    """As :func:`anabranch.metastore.offsets.commit_offsets`; see ``commit_offsets.sql``."""
    row = tx.execute(
        _COMMIT_OFFSETS,
        (
            group_id,
            expected,
            action.value,
            now_ms,
            actor.member_id,
            actor.client_id,
            actor.principal,
            actor.host,
            actor.generation,
            actor.api,
            actor.instance_id,
            actor.reason,
            Ints([one.topic_no for one in offsets]),
            Ints([one.partition for one in offsets]),
            Ints([one.offset for one in offsets]),
            Ints([one.leader_epoch for one in offsets]),
            Texts([one.metadata for one in offsets]),
            Ints([one.committed_ms for one in offsets]),
            Ints([one.expires_ms for one in offsets]),
        ),
    ).fetchone()
    if row[0] is not None:
        raise Conflict(f"group {group_id} is under fence {row[0]}, not {expected}")
    tx.changed.groups.add(group_id)


def _mine(tx: PostgresTx, object_key: str, commits: Sequence[AppendCommit]) -> set[tuple[int, int]]:
    """Those commits that took place although nobody heard of it. (WAL positions are used once.)"""
    rows = tx.execute(
        _MINE,
        {
            "key": object_key,
            "topic_no": Ints([commit.topic_no for commit in commits]),
            "partition": Ints([commit.partition for commit in commits]),
            "expected": Ints([commit.expected_next for commit in commits]),
            "position": Ints([commit.extents[0].position for commit in commits]),
        },
    )
    found = set()
    for topic_no, partition, mine, merged in rows:
        if mine:
            found.add((topic_no, partition))
        elif merged:
            raise UnknownOutcome(
                "an append cannot be told from its neighbours any more: it was merged"
            )
    return found


def _values(object_key: str, commits: Sequence[AppendCommit]) -> dict[str, Any]:
    """The parameters of ``_COMMIT``: columns, not rows."""
    rows: list[tuple[int, ...]] = []
    extents: list[tuple[int, ...]] = []
    states: list[tuple[int, int, int]] = []
    batches = []
    written = 0
    for commit in commits:
        assert_tiles(commit)
        first, first_state = len(extents) + 1, len(states) + 1
        appended = stamp = -1
        records = length = 0
        for extent in commit.extents:
            appended = max(appended, extent.appended_ms)
            stamp = max(stamp, extent.max_timestamp)
            records += extent.records
            length += extent.length
            written = max(written, extent.position + extent.length)
            extents.append(
                (
                    extent.base_offset,
                    extent.last_offset,
                    extent.position,
                    extent.length,
                    extent.records,
                    extent.max_timestamp,
                    stamp,
                    appended,
                    extent.leader_epoch,
                )
            )
        for state in commit.producers:
            states.append((state.producer_id, state.epoch, state.updated_ms))
            batches.append(encode_batches(state.batches))
        rows.append(
            (
                commit.topic_no,
                commit.partition,
                commit.expected_next,
                commit.epoch,
                commit.next_offset,
                records,
                length,
                commit.extents[0].appended_ms if commit.extents else 0,
                appended,
                stamp,
                first,
                len(extents),
                first_state,
                len(states),
            )
        )
    values: dict[str, Any] = {"key": object_key, "written": written, "batches": Blobs(batches)}
    values["wal_epoch"] = wal_floor.epoch_of(object_key)
    values.update(_columns(_COMMIT_COLUMNS, rows))
    values.update(_columns(_EXTENT_COLUMNS, extents))
    values.update(_columns(_STATE_COLUMNS, states))
    return values


_COMMIT_COLUMNS = [
    "topic_no",
    "partition",
    "expected",
    "epoch_held",
    "next",
    "records",
    "bytes",
    "first_ms",
    "appended",
    "stamp",
    "first",
    "last",
    "first_state",
    "last_state",
]
_EXTENT_COLUMNS = [
    "base_offset",
    "last_offset",
    "position",
    "length",
    "extent_records",
    "max_timestamp",
    "extent_stamp",
    "appended_ms",
    "leader_epoch",
]
_STATE_COLUMNS = ["producer_id", "epoch", "updated_ms"]


def _columns(names: Sequence[str], rows: Sequence[tuple[int, ...]]) -> dict[str, Ints]:
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: Ints(column) for name, column in zip(names, columns, strict=True)}
