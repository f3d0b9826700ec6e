"""Swapping extents for others of the same offsets, and dropping those below the log start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from anabranch.metastore import bulk, damage, gaps
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.documents import check_guard
from anabranch.metastore.extent_rows import INSERT_EXTENTS, ExtentRow, marked_rows
from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.objects import SUSPECT, kind_of, name_again
from anabranch.metastore.partitions import TABLES
from anabranch.metastore.partitions import partition as partition_of
from anabranch.metastore.tx import Tx, lock_object, lock_partition
from anabranch.metastore.values import (
    ExtentName,
    Gap,
    GapCause,
    Guard,
    NewExtent,
    ObjectKind,
    Partition,
    Replacement,
)

# Extents that one transaction of advance_log_start drops at most: some ten milliseconds of work.
DROP_EXTENTS_MAX = 5_000


_THERE = bulk.Query(
    "topic_no partition first_base last_base",
    "e.topic_no, e.partition, e.base_offset, e.object_no, e.position, e.last_offset, e.length, "
    "e.records, e.wal, e.appended_ms, e.timestamp_mark",
    "FROM {v} AS v JOIN extent e ON e.topic_no = v.topic_no AND e.partition = v.partition "
    "AND e.base_offset BETWEEN v.first_base AND v.last_base",
)
_DELETE = bulk.Statement(
    "topic_no partition base_offset",
    "DELETE FROM extent WHERE (topic_no, partition, base_offset) IN {v}",
)
_KNOWN = {
    table: bulk.Query(
        "topic_no partition",
        "p.topic_no, p.partition",
        f"FROM {{v}} AS v JOIN {table} p ON p.topic_no = v.topic_no AND p.partition = v.partition",
    )
    for table in TABLES
}
_SUMS = {
    table: bulk.Statement(
        "topic_no partition extents records bytes wal_extents wal_bytes",
        f"UPDATE {table} SET extents = {table}.extents + v.extents, "
        f"records = {table}.records + v.records, bytes = {table}.bytes + v.bytes, "
        f"wal_extents = {table}.wal_extents + v.wal_extents, "
        f"wal_bytes = {table}.wal_bytes + v.wal_bytes FROM {{v}} AS v "
        f"WHERE {table}.topic_no = v.topic_no AND {table}.partition = v.partition",
    )
    for table in TABLES
}


class _Old(NamedTuple):
    """An extent that is there, as ``_THERE`` finds it."""

    topic_no: int
    partition: int
    base_offset: int
    object_no: int
    position: int
    last_offset: int
    length: int
    records: int
    wal: int
    appended_ms: int
    timestamp_mark: int


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
    one = Replacement(topic_no, partition, tuple(remove), tuple(add))
    return replace_many(tx, object_no, object_bytes, [one], now_ms)[0]


def replace_many(
    tx: Tx,
    object_no: int,
    object_bytes: int,
    replacements: Sequence[Replacement],
    now_ms: int,
    guard: Guard | None = None,
) -> list[bool]:
    check_guard(tx, guard)
    keys = [(each.topic_no, each.partition) for each in replacements]
    assert len(set(keys)) == len(keys), "a partition has one share of an object"
    for key in sorted(keys):
        lock_partition(tx, *key)
    lock_object(tx, object_no)
    kind = kind_of(tx, object_no)
    if kind is None:
        return [False] * len(replacements)
    homes = {
        (row[0], row[1]): table
        for table, query in _KNOWN.items()
        for row in bulk.read(tx, query, keys)
    }
    there = _there(tx, replacements)
    done: list[bool] = []
    removed: list[_Old] = []
    added: list[ExtentRow] = []
    sums: dict[str, list[bulk.Row]] = {table: [] for table in TABLES}
    for replacement, key in zip(replacements, keys, strict=True):
        old = there.get(key, [])
        if key not in homes or not _are_there(replacement.remove, old):
            done.append(False)
            continue
        assert len(old) == len(replacement.remove), "extents to be replaced are not neighbours"
        _assert_within(replacement.add, old, object_bytes)
        done.append(True)
        removed += old
        added += _merged_rows(replacement, old, object_no, kind)
        sums[homes[key]].append(_difference(replacement, old, kind))
    bulk.write(tx, _DELETE, [each[:3] for each in removed])
    bulk.write(tx, INSERT_EXTENTS, added)
    left = sorted({each.object_no for each in removed})
    tx.executemany(SUSPECT.format("no = ?"), [(no,) for no in left])
    if any(done):
        name_again(tx, object_no, object_bytes)
    _note_replaced(tx, object_no, removed)
    for table, rows in sums.items():
        bulk.write(tx, _SUMS[table], rows)
        moved = [(row[0], row[1]) for row in rows if row[5]]
        bulk.write(tx, _REFRESH[table], moved)
    return done


def _note_replaced(tx: Tx, object_no: int, removed: Sequence[_Old]) -> None:
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    for old in removed:  # in offset order within a partition
        key = (old.topic_no, old.partition)
        first, _ = spans.get(key, (old.base_offset, 0))
        spans[key] = (first, old.last_offset)
    if spans:
        note(
            tx,
            ("object", (object_no,)),
            *[Noted("extent", key, (first,), (last,)) for key, (first, last) in spans.items()],
            *[(table, key) for key in spans for table in TABLES],
        )


def _there(tx: Tx, replacements: Sequence[Replacement]) -> dict[tuple[int, int], list[_Old]]:
    """What lies between the first and the last extent that each replacement takes away."""
    spans = [
        (
            each.topic_no,
            each.partition,
            min(name.base_offset for name in each.remove),
            max(name.base_offset for name in each.remove),
        )
        for each in replacements
    ]
    found: dict[tuple[int, int], list[_Old]] = {}
    for row in sorted(_Old(*row) for row in bulk.read(tx, _THERE, spans)):
        found.setdefault((row.topic_no, row.partition), []).append(row)
    return found


def _are_there(names: Sequence[ExtentName], old: Sequence[_Old]) -> bool:
    """``last_offset`` tells a topic's extent from the part of it that a branch names."""
    there = {(each.base_offset, each.object_no, each.position): each.last_offset for each in old}
    return all(name[:3] in there and name.last_offset in (-1, there[name[:3]]) for name in names)


def _assert_within(add: Sequence[NewExtent], old: Sequence[_Old], object_bytes: int) -> None:
    assert all(a.last_offset < b.base_offset for a, b in pairwise(add)), "new extents overlap"
    if add:
        first, last = old[0], old[-1]
        assert add[0].base_offset >= first.base_offset, "outside the old"
        assert add[-1].last_offset <= last.last_offset, "outside the old"
        assert max(e.max_timestamp for e in add) <= last.timestamp_mark, (
            "a timestamp not there before"
        )
        assert max(e.position + e.length for e in add) <= object_bytes, "outside the object"


def _merged_rows(
    replacement: Replacement, old: Sequence[_Old], object_no: int, kind: ObjectKind
) -> list[ExtentRow]:
    rows = marked_rows(
        replacement.topic_no,
        replacement.partition,
        object_no,
        kind,
        replacement.add,
        old[0].appended_ms,
        old[-1].timestamp_mark,
    )
    # A merged extent was appended when the youngest of its sources was, at the latest.
    latest = old[-1].appended_ms
    return [row._replace(appended_ms=min(row.appended_ms, latest)) for row in rows]


def _difference(replacement: Replacement, old: Sequence[_Old], kind: ObjectKind) -> bulk.Row:
    """What a replacement changes of its partition's sums."""
    add, in_wal = replacement.add, kind is ObjectKind.WAL
    return (
        replacement.topic_no,
        replacement.partition,
        len(add) - len(old),
        sum(e.records for e in add) - sum(e.records for e in old),
        sum(e.length for e in add) - sum(e.length for e in old),
        len(add) * in_wal - sum(e.wal for e in old),
        sum(e.length for e in add) * in_wal - sum(e.length for e in old if e.wal),
    )


def _first_in_wal(table: str, column: str) -> str:
    return (
        f"(SELECT e.{column} FROM extent e WHERE e.topic_no = {table}.topic_no "
        f"AND e.partition = {table}.partition AND e.base_offset >= {table}.merged_end "
        "AND e.wal = 1 ORDER BY e.base_offset LIMIT 1)"
    )


_REFRESH = {
    table: bulk.Statement(
        "topic_no partition",
        f"UPDATE {table} SET "
        f"merged_end = coalesce({_first_in_wal(table, 'base_offset')}, next_offset), "
        f"wal_since_ms = coalesce({_first_in_wal(table, 'appended_ms')}, 0) "
        "WHERE (topic_no, partition) IN {v}",
    )
    for table in TABLES
}


def refresh_backlog(tx: Tx, topic_no: int, partition: int) -> None:
    """Set ``merged_end`` and ``wal_since_ms`` from the first extent in the WAL, if there is one."""
    bulk.write(tx, _REFRESH["partition"], [(topic_no, partition)])


def drop_extents_below(tx: Tx, topic_no: int, partition: int, end: int) -> None:
    """Those that lie below ``end`` as a whole."""
    key = (topic_no, partition)
    below = "topic_no = ? AND partition = ? AND base_offset < ? AND last_offset < ?"
    span = (*key, end, end)
    extents, records, length, wal_extents, wal_length = tx.execute(
        "SELECT count(*), coalesce(sum(records), 0), coalesce(sum(length), 0), "
        f"coalesce(sum(wal), 0), coalesce(sum(wal * length), 0) FROM extent WHERE {below}",
        span,
    ).fetchone()
    tx.execute(SUSPECT.format(f"no IN (SELECT object_no FROM extent WHERE {below})"), span)
    tx.execute(f"DELETE FROM extent WHERE {below}", span)
    change = (*key, -extents, -records, -length, -wal_extents, -wal_length)
    bulk.write(tx, _SUMS["partition"], [change])
    if wal_extents:
        refresh_backlog(tx, *key)


def advance_log_start(
    tx: Tx,
    topic_no: int,
    partition: int,
    log_start: int,
    cause: GapCause,
    detail: str,
    now_ms: int,
    epoch: int | None,
    guard: Guard | None,
) -> tuple[Partition | None, bool]:
    """One bounded step; the flag says whether the log start is where it was asked to be."""
    check_guard(tx, guard)
    lock_partition(tx, topic_no, partition)
    before = partition_of(tx, topic_no, partition)
    if before is None or epoch not in (None, before.leader_epoch):
        return before, True
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
    drop_extents_below(tx, *key, target)
    tx.execute(
        "UPDATE partition SET log_start = ? WHERE topic_no = ? AND partition = ?", (target, *key)
    )
    damage.drop_below(tx, *key, target)
    aborted = tx.execute(
        "DELETE FROM aborted_transaction WHERE topic_no = ? AND partition = ? AND last_offset < ?",
        (*key, target),
    )
    points = tx.execute(  # all but the last one: it is good for what lies just above the log start
        "DELETE FROM stable_point WHERE topic_no = ?1 AND partition = ?2 AND at_offset < (SELECT "
        "max(p.at_offset) FROM stable_point p WHERE p.topic_no = ?1 AND p.partition = ?2 "
        "AND p.at_offset <= ?3)",
        (*key, target),
    )
    if aborted.rowcount or points.rowcount:
        note(
            tx,
            Noted("aborted_transaction", key, None, (target - 1,)),
            Noted("stable_point", key, None, (target - 1,)),
        )
    gaps.record_gap(
        tx, Gap(topic_no, partition, before.log_start, target - 1, cause, detail, now_ms)
    )
    catalogue_changed(tx)
    note(tx, Noted("extent", key, None, (target - 1,)), ("partition", key))
    return partition_of(tx, topic_no, partition), finished
