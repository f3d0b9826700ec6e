"""Swapping extents for others of the same offsets, and dropping those below the log start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from anabranch.metastore import bulk, gaps
from anabranch.metastore.api import ExtentName, Gap, GapCause, NewExtent, ObjectKind, Partition
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.extent_rows import INSERT_EXTENTS, marked_rows
from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.objects import kind_of
from anabranch.metastore.partitions import home
from anabranch.metastore.partitions import partition as partition_of
from anabranch.metastore.tx import Tx, lock_object, lock_partition

# Extents that one transaction of advance_log_start drops at most: some ten milliseconds of work.
DROP_EXTENTS_MAX = 5_000


def replace_extents(
    tx: Tx,
    topic_no: int,
    partition: int,
    remove: Sequence[ExtentName],
    object_no: int,
    object_bytes: int,
    add: Sequence[NewExtent],
    now_ms: int,
) -> bool:
    """``remove`` must be neighbours: nothing may lie between the first and the last of them."""
    lock_partition(tx, topic_no, partition)
    lock_object(tx, object_no)
    kind = kind_of(tx, object_no)
    table = home(tx, topic_no, partition)
    if kind is None or table is None:
        return False
    names = sorted(remove)
    where = "topic_no = ? AND partition = ? AND base_offset BETWEEN ? AND ?"
    span = (topic_no, partition, names[0].base_offset, names[-1].base_offset)
    there = tx.execute(
        "SELECT base_offset, object_no, position, last_offset, length, records, wal, appended_ms, "
        f"timestamp_mark FROM extent WHERE {where} ORDER BY base_offset",
        span,
    ).fetchall()
    if not set(names) <= {ExtentName(*row[:3]) for row in there}:
        return False
    assert len(there) == len(names), "extents to be replaced are not neighbours"
    first, last = there[0], there[-1]
    assert all(a.last_offset < b.base_offset for a, b in pairwise(add)), "new extents overlap"
    if add:
        assert add[0].base_offset >= first[0] and add[-1].last_offset <= last[3], "outside the old"
        assert max(e.max_timestamp for e in add) <= last[8], "a timestamp that was not there before"
        assert max(e.position + e.length for e in add) <= object_bytes, "outside the object"
    tx.execute(f"DELETE FROM extent WHERE {where}", span)
    rows = marked_rows(topic_no, partition, object_no, kind, add, first[7], last[8])
    # A merged extent was appended when the youngest of its sources was, at the latest.
    bulk.write(
        tx,
        INSERT_EXTENTS,
        [row._replace(appended_ms=min(row.appended_ms, last[7])) for row in rows],
    )
    tx.executemany(
        "UPDATE object SET suspect = 1 WHERE no = ? AND suspect = 0",
        [(no,) for no in {row[1] for row in there}],
    )
    tx.execute(
        "UPDATE object SET bytes = ?, unreferenced_ms = NULL WHERE no = ?",
        (object_bytes, object_no),
    )
    note(
        tx,
        Noted("extent", (topic_no, partition), (first[0],), (last[3],)),
        ("partition", (topic_no, partition)),
        ("deleted_partition", (topic_no, partition)),
        ("object", (object_no,)),
    )
    in_wal = kind is ObjectKind.WAL
    _change_sums(
        tx,
        topic_no,
        partition,
        table=table,
        extents=len(add) - len(there),
        records=sum(e.records for e in add) - sum(row[5] for row in there),
        length=sum(e.length for e in add) - sum(row[4] for row in there),
        wal_extents=len(add) * in_wal - sum(row[6] for row in there),
        wal_length=sum(e.length for e in add) * in_wal - sum(row[4] for row in there if row[6]),
    )
    return True


def _change_sums(
    tx: Tx,
    topic_no: int,
    partition: int,
    *,
    table: str = "partition",
    extents: int,
    records: int,
    length: int,
    wal_extents: int,
    wal_length: int,
) -> None:
    """Keep the partition's sums, and move ``merged_end`` up to the first extent in the WAL."""
    values = {
        "topic": topic_no,
        "partition": partition,
        "extents": extents,
        "records": records,
        "bytes": length,
        "wal_extents": wal_extents,
        "wal_bytes": wal_length,
    }
    tx.execute(
        f"UPDATE {table} SET extents = extents + :extents, records = records + :records, "
        "bytes = bytes + :bytes, wal_extents = wal_extents + :wal_extents, "
        "wal_bytes = wal_bytes + :wal_bytes WHERE topic_no = :topic AND partition = :partition",
        values,
    )
    if wal_extents:
        refresh_backlog(tx, topic_no, partition, table)


def refresh_backlog(tx: Tx, topic_no: int, partition: int, table: str = "partition") -> None:
    """Set ``merged_end`` and ``wal_since_ms`` from the first extent in the WAL, if there is one."""
    key = (topic_no, partition)
    oldest = tx.execute(
        "SELECT base_offset, appended_ms FROM extent WHERE topic_no = ?1 AND partition = ?2 "
        f"AND base_offset >= (SELECT merged_end FROM {table} WHERE topic_no = ?1 AND partition = ?2)"
        " AND wal = 1 ORDER BY base_offset LIMIT 1",
        key,
    ).fetchone()
    tx.execute(
        f"UPDATE {table} SET merged_end = coalesce(?, next_offset), wal_since_ms = coalesce(?, 0) "
        "WHERE topic_no = ? AND partition = ?",
        (*(oldest or (None, None)), *key),
    )


def advance_log_start(
    tx: Tx,
    topic_no: int,
    partition: int,
    log_start: int,
    cause: GapCause,
    detail: str,
    now_ms: int,
) -> tuple[Partition | None, bool]:
    """One bounded step; the flag says whether the log start is where it was asked to be."""
    lock_partition(tx, topic_no, partition)
    before = partition_of(tx, topic_no, partition)
    if before is None:
        return None, True
    target = min(log_start, before.next_offset)
    if target <= before.log_start:
        return before, True
    key = (topic_no, partition)
    cut = tx.execute(
        "SELECT base_offset FROM extent WHERE topic_no = ? AND partition = ? "
        "ORDER BY base_offset LIMIT 1 OFFSET ?",
        (*key, DROP_EXTENTS_MAX),
    ).fetchone()
    finished = cut is None or cut[0] >= target
    if not finished:
        target = cut[0]
    below = "topic_no = ? AND partition = ? AND base_offset < ? AND last_offset < ?"
    span = (*key, target, target)
    extents, records, length, wal_extents, wal_length = tx.execute(
        "SELECT count(*), coalesce(sum(records), 0), coalesce(sum(length), 0), "
        f"coalesce(sum(wal), 0), coalesce(sum(wal * length), 0) FROM extent WHERE {below}",
        span,
    ).fetchone()
    tx.execute(
        "UPDATE object SET suspect = 1 WHERE suspect = 0 "
        f"AND no IN (SELECT object_no FROM extent WHERE {below})",
        span,
    )
    tx.execute(f"DELETE FROM extent WHERE {below}", span)
    tx.execute(
        "UPDATE partition SET log_start = ? WHERE topic_no = ? AND partition = ?", (target, *key)
    )
    _change_sums(
        tx,
        topic_no,
        partition,
        extents=-extents,
        records=-records,
        length=-length,
        wal_extents=-wal_extents,
        wal_length=-wal_length,
    )
    gaps.record_gap(
        tx, Gap(topic_no, partition, before.log_start, target - 1, cause, detail, now_ms)
    )
    catalogue_changed(tx)
    note(tx, Noted("extent", key, None, (target - 1,)), ("partition", key))
    return partition_of(tx, topic_no, partition), finished
