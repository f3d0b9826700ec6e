"""How far each partition was compacted, and what that lets vanish (I2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.partitions import in_shards
from anabranch.metastore.partitions import partition as partition_of
from anabranch.metastore.tx import Tx, lock_partition
from anabranch.metastore.values import (
    ALL_SHARDS,
    Compaction,
    CompactionCandidate,
    Gap,
    GapCause,
)

_COLUMNS = (
    "c.topic_no, c.partition, c.first_offset, c.gap_end, c.cleaned_end, c.clean_bytes, "
    "c.horizon_ms, c.updated_ms"
)
CLEANED_KEPT_MS = 86_400_000  # no broker holds what it was told to drop for as long
DETAIL = "of each key only the newest record is kept"


def compaction(tx: Tx, topic_no: int, partition: int) -> Compaction | None:
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM compaction c WHERE c.topic_no = ? AND c.partition = ?",
        (topic_no, partition),
    ).fetchone()
    return Compaction(*row) if row else None


def compaction_candidates(
    tx: Tx, topic_nos: Sequence[int], shards: Sequence[int] = ALL_SHARDS
) -> list[CompactionCandidate]:
    found: list[CompactionCandidate] = []
    for topic_no in topic_nos:
        rows = tx.execute(
            "SELECT p.topic_no, p.partition, p.log_start, p.merged_end, p.bytes, p.wal_bytes, "
            "p.leader_epoch, "
            "(SELECT e.appended_ms FROM extent e WHERE e.topic_no = p.topic_no "
            "AND e.partition = p.partition AND e.base_offset >= coalesce(c.cleaned_end, p.log_start) "
            "AND e.wal = 0 ORDER BY e.base_offset LIMIT 1), "
            f"{_COLUMNS} FROM partition p LEFT JOIN compaction c "
            "ON c.topic_no = p.topic_no AND c.partition = p.partition "
            f"WHERE p.topic_no = ? AND {in_shards(shards, 'p.')} ORDER BY p.partition",
            (topic_no,),
        )
        found += [
            CompactionCandidate(
                no, partition, log_start, merged_end, length, in_wal, _state(state), since_ms, epoch
            )
            for no, partition, log_start, merged_end, length, in_wal, epoch, since_ms, *state in rows
        ]
    return found


def _state(row: Sequence[Any]) -> Compaction | None:
    return None if row[0] is None else Compaction(*row)


def begin_compaction(
    tx: Tx, topic_no: int, partition: int, gap_end: int, now_ms: int, epoch: int | None
) -> Compaction | None:
    lock_partition(tx, topic_no, partition)
    present = partition_of(tx, topic_no, partition)
    if present is None or epoch not in (None, present.leader_epoch):
        return None
    assert gap_end <= present.next_offset
    tx.execute(
        "INSERT INTO compaction (topic_no, partition, first_offset, gap_end, cleaned_end, "
        "clean_bytes, horizon_ms, updated_ms) VALUES (?, ?, ?, ?, 0, 0, NULL, ?) "
        "ON CONFLICT (topic_no, partition) DO UPDATE SET "
        "updated_ms = excluded.updated_ms, gap_end = max(compaction.gap_end, excluded.gap_end)",
        (topic_no, partition, min(present.log_start, gap_end), gap_end, now_ms),
    )
    note(tx, ("compaction", (topic_no, partition)))
    return compaction(tx, topic_no, partition)


def finish_compaction(
    tx: Tx,
    topic_no: int,
    partition: int,
    cleaned_end: int,
    clean_bytes: int,
    horizon_ms: int | None,
    now_ms: int,
    epoch: int | None,
) -> bool:
    lock_partition(tx, topic_no, partition)
    present = partition_of(tx, topic_no, partition)
    if present is None or epoch not in (None, present.leader_epoch):
        return False
    changed = tx.execute(
        "UPDATE compaction SET cleaned_end = ?, clean_bytes = ?, horizon_ms = ?, updated_ms = ? "
        "WHERE topic_no = ? AND partition = ? AND cleaned_end <= ? AND gap_end >= ?",
        (
            cleaned_end,
            clean_bytes,
            horizon_ms,
            now_ms,
            topic_no,
            partition,
            cleaned_end,
            cleaned_end,
        ),
    )
    note(tx, ("compaction", (topic_no, partition)))
    if changed.rowcount == 1:
        _clean_aborted(tx, topic_no, partition, cleaned_end, now_ms)
    return changed.rowcount == 1


def _clean_aborted(tx: Tx, topic_no: int, partition: int, cleaned_end: int, now_ms: int) -> None:
    """No record of the transactions aborted below ``cleaned_end`` is left in the store.

    Brokers may have some in memory, so the rows stay for a while, and those brokers are told.
    """
    key = (topic_no, partition)
    cleaned = tx.execute(
        "UPDATE aborted_transaction SET cleaned_ms = ? WHERE topic_no = ? AND partition = ? "
        "AND last_offset < ? AND cleaned_ms IS NULL",
        (now_ms, *key, cleaned_end),
    ).rowcount
    gone = tx.execute(
        "DELETE FROM aborted_transaction WHERE topic_no = ? AND partition = ? "
        "AND last_offset < ? AND cleaned_ms < ?",
        (*key, cleaned_end, now_ms - CLEANED_KEPT_MS),
    ).rowcount
    if cleaned:
        tx.execute(
            "UPDATE partition SET skips = skips + 1 WHERE topic_no = ? AND partition = ?", key
        )
        note(tx, ("partition", key))
    if cleaned or gone:
        note(tx, Noted("aborted_transaction", key, None, (cleaned_end - 1,)))


def copy_to_branch(
    tx: Tx, source_no: int, partition: int, branch_no: int, end: int, clean_below: int
) -> None:
    """A branch has lost what its source had lost. It is clean as far as its source, but not above
    ``clean_below``: what was cut for it may have been read before a pass came by. Were that taken for
    clean, its delete markers would go and what they delete would stay."""
    state = compaction(tx, source_no, partition)
    if state is None or state.first_offset >= end:
        return
    cleaned_end = min(state.cleaned_end, end, clean_below)
    tx.execute(
        "INSERT INTO compaction (topic_no, partition, first_offset, gap_end, cleaned_end, "
        "clean_bytes, horizon_ms, updated_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            branch_no,
            partition,
            state.first_offset,
            min(state.gap_end, end),
            cleaned_end,
            state.clean_bytes if cleaned_end == state.cleaned_end else 0,
            state.horizon_ms,
            state.updated_ms,
        ),
    )


def gaps(tx: Tx, topic_no: int, partition: int | None) -> list[Gap]:
    """What compaction may have removed of what the log still holds: one row per partition."""
    one = "" if partition is None else "AND c.partition = ? "
    rows = tx.execute(
        "SELECT c.topic_no, c.partition, c.first_offset, p.log_start, c.gap_end, c.updated_ms "
        "FROM compaction c JOIN partition p "
        "ON p.topic_no = c.topic_no AND p.partition = c.partition "
        f"WHERE c.topic_no = ? {one}ORDER BY c.partition",
        (topic_no,) if partition is None else (topic_no, partition),
    )
    return [
        Gap(no, number, max(first, start), end - 1, GapCause.COMPACTION, DETAIL, at_ms)
        for no, number, first, start, end, at_ms in rows
        if max(first, start) < end
    ]
