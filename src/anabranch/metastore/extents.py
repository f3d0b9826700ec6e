"""Extents: finding them by offset and time, swapping them, and dropping them below the log start."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from sqlite3 import Connection
from typing import Any

from anabranch.metastore import bulk
from anabranch.metastore.api import (
    NO_TIMESTAMP,
    Extent,
    ExtentName,
    Gap,
    GapCause,
    NewExtent,
    ObjectKind,
    Partition,
    PartitionSize,
)
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.extent_rows import INSERT_EXTENTS, marked_rows
from anabranch.metastore.objects import KINDS, kind_of
from anabranch.metastore.partitions import partition as partition_of

# Extents that one transaction of advance_log_start drops at most: some ten milliseconds of work.
DROP_EXTENTS_MAX = 5_000

_SELECT = """
SELECT e.base_offset, e.last_offset, e.object_no, o.key, e.wal, e.position, e.length, e.records,
    e.max_timestamp, e.appended_ms, e.leader_epoch
FROM extent e JOIN object o ON o.no = e.object_no
WHERE e.topic_no = :topic AND e.partition = :partition
    AND EXISTS (SELECT 1 FROM partition WHERE topic_no = :topic AND partition = :partition)
"""


def _extent(row: tuple[Any, ...]) -> Extent:
    base, last, object_no, key, wal, position, length, records, timestamp, appended, epoch = row
    return Extent(
        base,
        last,
        object_no,
        key,
        KINDS[wal],
        position,
        length,
        records,
        timestamp,
        appended,
        epoch,
    )


def _first(
    tx: Connection, topic_no: int, partition: int, condition: str, **values: int
) -> Extent | None:
    row = tx.execute(
        f"{_SELECT} AND {condition} ORDER BY e.base_offset LIMIT 1",
        {"topic": topic_no, "partition": partition, **values},
    ).fetchone()
    return _extent(row) if row else None


def extents_from(
    tx: Connection, topic_no: int, partition: int, offset: int, limit: int
) -> list[Extent]:
    rows = tx.execute(
        f"""{_SELECT}
        AND e.base_offset >= coalesce((
            SELECT base_offset FROM extent
            WHERE topic_no = :topic AND partition = :partition AND base_offset <= :offset
            ORDER BY base_offset DESC LIMIT 1), :offset)
        AND e.last_offset >= :offset
        ORDER BY e.base_offset LIMIT :limit""",
        {"topic": topic_no, "partition": partition, "offset": offset, "limit": limit},
    )
    return [_extent(row) for row in rows]


def wal_extents(tx: Connection, topic_no: int, partition: int, limit: int) -> list[Extent]:
    """From ``merged_end`` on nearly everything lies in the WAL, so little is stepped over."""
    rows = tx.execute(
        f"""{_SELECT}
        AND e.base_offset >= (
            SELECT merged_end FROM partition WHERE topic_no = :topic AND partition = :partition)
        AND e.wal = 1
        ORDER BY e.base_offset LIMIT :limit""",
        {"topic": topic_no, "partition": partition, "limit": limit},
    )
    return [_extent(row) for row in rows]


def small_segments(
    tx: Connection, topic_no: int, partition: int, below_bytes: int, limit: int
) -> list[Extent]:
    rows = tx.execute(
        f"{_SELECT} AND e.wal = 0 AND e.length < :below ORDER BY e.base_offset LIMIT :limit",
        {"topic": topic_no, "partition": partition, "below": below_bytes, "limit": limit},
    )
    return [_extent(row) for row in rows]


# -- by time -------------------------------------------------------------------------------------
# appended_ms and timestamp_mark never decrease along a partition, so the first extent that reaches
# a value is found by bisection over offsets: about log2(offsets) probes of the primary key.


def _bisect(
    tx: Connection, topic_no: int, partition: int, column: str, value: int, from_offset: int
) -> int | None:
    """Base offset of the first extent with ``last_offset >= from_offset`` and ``column >= value``."""
    key = (topic_no, partition)
    last = tx.execute(
        f"SELECT base_offset, last_offset, {column} FROM extent "
        "WHERE topic_no = ? AND partition = ? ORDER BY base_offset DESC LIMIT 1",
        key,
    ).fetchone()
    if last is None or last[1] < from_offset or last[2] < value:
        return None
    holder = tx.execute(
        "SELECT base_offset, last_offset FROM extent "
        "WHERE topic_no = ? AND partition = ? AND base_offset <= ? ORDER BY base_offset DESC LIMIT 1",
        (*key, from_offset),
    ).fetchone()
    # ``found`` reaches the value; bases in low .. high - 1 are undecided.
    low = holder[0] if holder is not None and holder[1] >= from_offset else from_offset
    found: int = last[0]
    high = found
    while low < high:
        middle = (low + high) // 2
        base, reached = tx.execute(
            f"SELECT base_offset, {column} FROM extent "
            "WHERE topic_no = ? AND partition = ? AND base_offset >= ? ORDER BY base_offset LIMIT 1",
            (*key, middle),
        ).fetchone()
        if reached >= value:
            found, high = base, middle
        else:
            low = base + 1
    return found


def extent_by_timestamp(
    tx: Connection, topic_no: int, partition: int, timestamp: int, from_offset: int
) -> Extent | None:
    """Where timestamps rise, the bisection lands on the answer; behind a batch from the future that
    retention has dropped meanwhile, the search goes on extent by extent."""
    start = _bisect(tx, topic_no, partition, "timestamp_mark", timestamp, from_offset)
    if start is None:
        return None
    return _first(
        tx,
        topic_no,
        partition,
        "e.base_offset >= :start AND e.max_timestamp >= :timestamp",
        start=start,
        timestamp=timestamp,
    )


def extent_by_append_time(
    tx: Connection, topic_no: int, partition: int, appended_ms: int
) -> Extent | None:
    start = _bisect(tx, topic_no, partition, "appended_ms", appended_ms, 0)
    if start is None:
        return None
    return _first(tx, topic_no, partition, "e.base_offset = :start", start=start)


def extent_of_max_timestamp(tx: Connection, topic_no: int, partition: int) -> Extent | None:
    last = tx.execute(
        "SELECT timestamp_mark FROM extent "
        "WHERE topic_no = ? AND partition = ? ORDER BY base_offset DESC LIMIT 1",
        (topic_no, partition),
    ).fetchone()
    if last is None:
        return None
    found = extent_by_timestamp(tx, topic_no, partition, last[0], 0)
    if found is not None:
        return found
    # The extent with the highest timestamp ever is gone: look at all that are left.
    row = tx.execute(
        f"{_SELECT} ORDER BY e.max_timestamp DESC, e.base_offset LIMIT 1",
        {"topic": topic_no, "partition": partition},
    ).fetchone()
    return _extent(row) if row else None


def _time_span(tx: Connection, topic_no: int, partition: int) -> tuple[int | None, int]:
    """Append time of the oldest extent, and the highest timestamp of all."""
    oldest = tx.execute(
        "SELECT appended_ms FROM extent "
        "WHERE topic_no = ? AND partition = ? ORDER BY base_offset LIMIT 1",
        (topic_no, partition),
    ).fetchone()
    if oldest is None:
        return None, NO_TIMESTAMP
    newest, mark = tx.execute(
        "SELECT max_timestamp, timestamp_mark FROM extent "
        "WHERE topic_no = ? AND partition = ? ORDER BY base_offset DESC LIMIT 1",
        (topic_no, partition),
    ).fetchone()
    if newest < mark:
        holder = extent_of_max_timestamp(tx, topic_no, partition)
        newest = holder.max_timestamp if holder is not None else newest
    return oldest[0], newest


def partition_sizes(tx: Connection, topic_no: int) -> list[PartitionSize]:
    rows = tx.execute(
        "SELECT partition, extents, records, bytes FROM partition "
        "WHERE topic_no = ? ORDER BY partition",
        (topic_no,),
    ).fetchall()
    sizes = []
    for number, count, records, length in rows:
        oldest, newest_timestamp = _time_span(tx, topic_no, number)
        sizes.append(PartitionSize(number, count, records, length, oldest, newest_timestamp))
    return sizes


# -- changes -------------------------------------------------------------------------------------
def replace_extents(
    tx: Connection,
    topic_no: int,
    partition: int,
    remove: Sequence[ExtentName],
    object_no: int,
    object_bytes: int,
    add: Sequence[NewExtent],
    now_ms: int,
) -> bool:
    """``remove`` must be neighbours: nothing may lie between the first and the last of them."""
    kind = kind_of(tx, object_no)
    if kind is None or partition_of(tx, topic_no, partition) is None:
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
    in_wal = kind is ObjectKind.WAL
    _change_sums(
        tx,
        topic_no,
        partition,
        extents=len(add) - len(there),
        records=sum(e.records for e in add) - sum(row[5] for row in there),
        length=sum(e.length for e in add) - sum(row[4] for row in there),
        wal_extents=len(add) * in_wal - sum(row[6] for row in there),
        wal_length=sum(e.length for e in add) * in_wal - sum(row[4] for row in there if row[6]),
    )
    return True


def _change_sums(
    tx: Connection,
    topic_no: int,
    partition: int,
    *,
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
        "UPDATE partition SET extents = extents + :extents, records = records + :records, "
        "bytes = bytes + :bytes, wal_extents = wal_extents + :wal_extents, "
        "wal_bytes = wal_bytes + :wal_bytes WHERE topic_no = :topic AND partition = :partition",
        values,
    )
    if wal_extents:
        refresh_backlog(tx, topic_no, partition)


def refresh_backlog(tx: Connection, topic_no: int, partition: int) -> None:
    """Set ``merged_end`` and ``wal_since_ms`` from the first extent in the WAL, if there is one."""
    key = (topic_no, partition)
    oldest = tx.execute(
        "SELECT base_offset, appended_ms FROM extent WHERE topic_no = ?1 AND partition = ?2 "
        "AND base_offset >= (SELECT merged_end FROM partition WHERE topic_no = ?1 AND partition = ?2)"
        " AND wal = 1 ORDER BY base_offset LIMIT 1",
        key,
    ).fetchone()
    tx.execute(
        "UPDATE partition SET merged_end = coalesce(?, next_offset), wal_since_ms = coalesce(?, 0) "
        "WHERE topic_no = ? AND partition = ?",
        (*(oldest or (None, None)), *key),
    )


def advance_log_start(
    tx: Connection,
    topic_no: int,
    partition: int,
    log_start: int,
    cause: GapCause,
    detail: str,
    now_ms: int,
) -> tuple[Partition | None, bool]:
    """One bounded step; the flag says whether the log start is where it was asked to be."""
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
    _record_gap(tx, Gap(topic_no, partition, before.log_start, target - 1, cause, detail, now_ms))
    catalogue_changed(tx)
    return partition_of(tx, topic_no, partition), finished


def _record_gap(tx: Connection, gap: Gap) -> None:
    """I2: nothing vanishes without a reason. A pass that goes on where the last one ended with the
    same cause makes that row longer instead of adding one."""
    merged = tx.execute(
        "UPDATE gap SET last_offset = :last, detail = :detail, at_ms = :at "
        "WHERE topic_no = :topic AND partition = :partition AND first_offset = ("
        " SELECT max(first_offset) FROM gap"
        " WHERE topic_no = :topic AND partition = :partition AND first_offset < :first) "
        "AND last_offset = :first - 1 AND cause = :cause",
        {
            "topic": gap.topic_no,
            "partition": gap.partition,
            "first": gap.first_offset,
            "last": gap.last_offset,
            "cause": gap.cause.value,
            "detail": gap.detail,
            "at": gap.at_ms,
        },
    )
    if merged.rowcount == 0:
        tx.execute(
            "INSERT INTO gap (topic_no, partition, first_offset, last_offset, cause, detail, at_ms) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                gap.topic_no,
                gap.partition,
                gap.first_offset,
                gap.last_offset,
                gap.cause.value,
                gap.detail,
                gap.at_ms,
            ),
        )


def gaps(tx: Connection, topic_no: int, partition: int | None = None) -> list[Gap]:
    rows = tx.execute(
        "SELECT g.topic_no, g.partition, g.first_offset, g.last_offset, g.cause, g.detail, g.at_ms "
        "FROM partition p JOIN gap g USING (topic_no, partition) "
        "WHERE p.topic_no = ?1 AND (?2 IS NULL OR p.partition = ?2) "
        "ORDER BY g.partition, g.first_offset",
        (topic_no, partition),
    )
    return [
        Gap(no, number, first, last, GapCause(cause), detail, at_ms)
        for no, number, first, last, cause, detail, at_ms in rows
    ]
