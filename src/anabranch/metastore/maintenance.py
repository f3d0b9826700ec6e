"""What background jobs ask about many partitions and objects at once, page by page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from anabranch.metastore import bulk, objects
from anabranch.metastore.extents import EXTENT_COLUMNS, extent_of
from anabranch.metastore.partitions import in_shards
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import (
    ALL_SHARDS,
    GapCause,
    Health,
    OldestExtent,
    PackUsage,
    PlacedExtent,
)

_WAL_EXTENTS = tuple(
    bulk.Query(
        "topic_no partition",
        f"e.topic_no, e.partition, {EXTENT_COLUMNS}",
        f"FROM {{v}} AS v JOIN {table} p ON p.topic_no = v.topic_no AND p.partition = v.partition "
        "JOIN extent e ON e.topic_no = p.topic_no AND e.partition = p.partition "
        "AND e.base_offset >= p.merged_end AND e.wal = 1 JOIN object o ON o.no = e.object_no",
    )
    for table in ("partition", "deleted_partition")
)

_SMALL_SEGMENTS = bulk.Query(
    "topic_no partition below",
    f"e.topic_no, e.partition, {EXTENT_COLUMNS}",
    "FROM {v} AS v JOIN partition p ON p.topic_no = v.topic_no AND p.partition = v.partition "
    "AND p.extents - p.wal_extents > 1 "
    "JOIN extent e ON e.topic_no = p.topic_no AND e.partition = p.partition "
    "AND e.wal = 0 AND e.length < v.below JOIN object o ON o.no = e.object_no AND o.form <> 2",
)


def _placed(rows: Iterable[Any]) -> list[PlacedExtent]:
    """In the order of topic, partition, offset."""
    return [PlacedExtent(row[0], row[1], extent_of(row[2:])) for row in sorted(map(tuple, rows))]


def wal_extents_of(tx: Tx, partitions: Sequence[tuple[int, int]]) -> list[PlacedExtent]:
    return _placed(row for query in _WAL_EXTENTS for row in bulk.read(tx, query, partitions))


def small_segments_of(tx: Tx, partitions: Sequence[tuple[int, int, int]]) -> list[PlacedExtent]:
    return _placed(bulk.read(tx, _SMALL_SEGMENTS, partitions))


def oldest_extents(
    tx: Tx, after: tuple[int, int], limit: int, shards: Sequence[int] = ALL_SHARDS
) -> list[OldestExtent]:
    rows = tx.execute(
        "SELECT p.topic_no, p.partition, p.log_start, p.bytes, p.appended_mark, p.leader_epoch, "
        f"{EXTENT_COLUMNS} FROM partition p "
        "JOIN extent e ON e.topic_no = p.topic_no AND e.partition = p.partition "
        "AND e.base_offset = (SELECT min(base_offset) FROM extent f "
        "WHERE f.topic_no = p.topic_no AND f.partition = p.partition) "
        "JOIN object o ON o.no = e.object_no "
        f"WHERE (p.topic_no, p.partition) > (?, ?) AND {in_shards(shards, 'p.')} "
        "ORDER BY p.topic_no, p.partition LIMIT ?",
        (*after, limit),
    )
    return [
        OldestExtent(topic_no, partition, log_start, length, mark, extent_of(extent), epoch)
        for topic_no, partition, log_start, length, mark, epoch, *extent in rows
    ]


# -- packs ---------------------------------------------------------------------------------------


def measure_packs(tx: Tx, limit: int) -> int:
    packs = tx.execute(
        "SELECT no FROM object WHERE form = 1 AND live_bytes IS NULL ORDER BY no LIMIT ?", (limit,)
    ).fetchall()
    # Shares that a topic and its branches name together count once, by the longest that is named.
    tx.executemany(
        "UPDATE object SET live_bytes = (SELECT coalesce(sum(s.named), 0) FROM ("
        "SELECT max(length) AS named FROM extent WHERE object_no = object.no GROUP BY position) AS s) "
        "WHERE no = ?",
        packs,
    )
    return len(packs)


def pack_usage(tx: Tx, limit: int) -> list[PackUsage]:
    rows = tx.execute(
        "SELECT no, key, bytes, live_bytes, created_ms FROM object "
        "WHERE form = 1 AND live_bytes > 0 ORDER BY live_bytes LIMIT ?",
        (limit,),
    )
    return [PackUsage(*row) for row in rows]


def extents_of_object(tx: Tx, object_no: int, limit: int) -> list[PlacedExtent]:
    rows = tx.execute(
        f"SELECT e.topic_no, e.partition, {EXTENT_COLUMNS} FROM extent e "
        "JOIN (SELECT topic_no, partition FROM partition UNION ALL "
        "SELECT topic_no, partition FROM deleted_partition) AS p "
        "ON p.topic_no = e.topic_no AND p.partition = e.partition "
        "JOIN object o ON o.no = e.object_no WHERE e.object_no = ? "
        "ORDER BY e.position, e.length DESC, e.topic_no, e.partition LIMIT ?",
        (object_no, limit),
    )
    return [PlacedExtent(row[0], row[1], extent_of(row[2:])) for row in rows]


def health(tx: Tx) -> Health:
    most_objects, most_bytes = tx.execute(
        "SELECT extents - wal_extents, bytes - wal_bytes FROM partition "
        "ORDER BY extents - wal_extents DESC LIMIT 1"
    ).fetchone() or (0, 0)
    (together,) = tx.execute(
        "SELECT coalesce(sum(extents - wal_extents), 0) FROM partition"
    ).fetchone()
    gaps = dict(tx.execute("SELECT cause, count(*) FROM gap GROUP BY cause").fetchall())
    (thinned,) = tx.execute("SELECT count(*) FROM compaction WHERE gap_end > 0").fetchone()
    if thinned:
        gaps[GapCause.COMPACTION.value] = thinned
    return Health(
        objects.object_counts(tx),
        int(together),
        most_objects,
        most_bytes,
        dict(
            tx.execute(
                "SELECT d.cause, count(*) FROM damage d JOIN partition p "
                "ON p.topic_no = d.topic_no AND p.partition = d.partition GROUP BY d.cause"
            ).fetchall()
        ),
        tx.execute("SELECT count(*) FROM damage_skip").fetchone()[0],
        gaps,
    )
