"""Finding extents: by offset, by time, by where they lie."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anabranch.metastore.objects import kind_from
from anabranch.metastore.partitions import home
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import NO_TIMESTAMP, Extent, PartitionSize

# The columns of which :func:`extent_of` makes an extent, where ``e`` is its row and ``o`` its object's.
EXTENT_COLUMNS = (
    "e.base_offset, e.last_offset, e.object_no, o.key, e.wal, o.form, e.position, e.length, "
    "e.records, e.max_timestamp, e.appended_ms, e.leader_epoch"
)
_ALL = f"""
SELECT {EXTENT_COLUMNS}
FROM extent e JOIN object o ON o.no = e.object_no
WHERE e.topic_no = :topic AND e.partition = :partition
"""
# A deleted topic's extents are there until its grace ends, but nobody reads them.
_SELECT = f"""{_ALL}
    AND EXISTS (SELECT 1 FROM partition WHERE topic_no = :topic AND partition = :partition)
"""


def extent_of(row: Sequence[Any]) -> Extent:
    """An extent from ``EXTENT_COLUMNS``."""
    base, last, object_no, key, wal, form, *rest = row
    return Extent(base, last, object_no, key, kind_from(wal, form), *rest)


def _first(tx: Tx, topic_no: int, partition: int, condition: str, **values: int) -> Extent | None:
    row = tx.execute(
        f"{_SELECT} AND {condition} ORDER BY e.base_offset LIMIT 1",
        {"topic": topic_no, "partition": partition, **values},
    ).fetchone()
    return extent_of(row) if row else None


def extents_from(tx: Tx, topic_no: int, partition: int, offset: int, limit: int) -> list[Extent]:
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
    return [extent_of(row) for row in rows]


def wal_extents(tx: Tx, topic_no: int, partition: int, limit: int) -> list[Extent]:
    """From ``merged_end`` on nearly everything lies in the WAL, so little is stepped over."""
    table = home(tx, topic_no, partition)
    if table is None:
        return []
    rows = tx.execute(
        f"""{_ALL}
        AND e.base_offset >= (
            SELECT merged_end FROM {table} WHERE topic_no = :topic AND partition = :partition)
        AND e.wal = 1
        ORDER BY e.base_offset LIMIT :limit""",
        {"topic": topic_no, "partition": partition, "limit": limit},
    )
    return [extent_of(row) for row in rows]


def small_segments(
    tx: Tx, topic_no: int, partition: int, below_bytes: int, limit: int
) -> list[Extent]:
    rows = tx.execute(
        f"{_SELECT} AND e.wal = 0 AND o.form <> 2 AND e.length < :below "
        "ORDER BY e.base_offset LIMIT :limit",
        {"topic": topic_no, "partition": partition, "below": below_bytes, "limit": limit},
    )
    return [extent_of(row) for row in rows]


# -- by time -------------------------------------------------------------------------------------
# appended_ms and timestamp_mark never decrease along a partition, so the first extent that reaches
# a value is found by bisection over offsets: about log2(offsets) probes of the primary key.


def _bisect(
    tx: Tx, topic_no: int, partition: int, column: str, value: int, from_offset: int
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
    tx: Tx, topic_no: int, partition: int, timestamp: int, from_offset: int
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


def extent_by_append_time(tx: Tx, topic_no: int, partition: int, appended_ms: int) -> Extent | None:
    start = _bisect(tx, topic_no, partition, "appended_ms", appended_ms, 0)
    if start is None:
        return None
    return _first(tx, topic_no, partition, "e.base_offset = :start", start=start)


def extent_of_max_timestamp(
    tx: Tx, topic_no: int, partition: int, from_offset: int
) -> Extent | None:
    last = tx.execute(
        "SELECT timestamp_mark FROM extent "
        "WHERE topic_no = ? AND partition = ? ORDER BY base_offset DESC LIMIT 1",
        (topic_no, partition),
    ).fetchone()
    if last is None:
        return None
    found = extent_by_timestamp(tx, topic_no, partition, last[0], from_offset)
    if found is not None:
        return found
    # The extent with the highest timestamp ever is gone or not wanted: look at all the others.
    row = tx.execute(
        f"{_SELECT} AND e.last_offset >= :offset ORDER BY e.max_timestamp DESC, e.base_offset LIMIT 1",
        {"topic": topic_no, "partition": partition, "offset": from_offset},
    ).fetchone()
    return extent_of(row) if row else None


def _time_span(tx: Tx, topic_no: int, partition: int) -> tuple[int | None, int]:
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
        holder = extent_of_max_timestamp(tx, topic_no, partition, 0)
        newest = holder.max_timestamp if holder is not None else newest
    return oldest[0], newest


def partition_sizes(tx: Tx, topic_no: int) -> list[PartitionSize]:
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


def is_plain(tx: Tx, topic_no: int, partition: int) -> bool:
    row = tx.execute(
        "SELECT p.unstable < 0 AND p.aborted_end <= p.log_start "
        "AND NOT EXISTS (SELECT 1 FROM stable_point s "
        "WHERE s.topic_no = p.topic_no AND s.partition = p.partition) "
        "AND p.records = p.next_offset - coalesce((SELECT e.base_offset FROM extent e "
        "WHERE e.topic_no = p.topic_no AND e.partition = p.partition "
        "ORDER BY e.base_offset LIMIT 1), p.next_offset) "
        "FROM partition p WHERE p.topic_no = ? AND p.partition = ?",
        (topic_no, partition),
    ).fetchone()
    return row is not None and bool(row[0])


def partition_bytes(tx: Tx, topic_no: int) -> dict[int, int]:
    rows = tx.execute("SELECT partition, bytes FROM partition WHERE topic_no = ?", (topic_no,))
    return dict(rows.fetchall())
