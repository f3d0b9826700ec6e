"""Partitions: their ends, leader epochs and backlogs."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import bulk
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import (
    ALL_SHARDS,
    SHARDS,
    Backlog,
    LeaderEpoch,
    Partition,
)

_COLUMNS = "topic_no, partition, next_offset, log_start, leader_epoch, skips, unstable, aborted_end"
_SOME = bulk.Query(
    "topic_no partition", _COLUMNS, "FROM partition WHERE (topic_no, partition) IN {v}"
)
ALL_COLUMNS = (
    f"{_COLUMNS}, merged_end, extents, records, bytes, wal_extents, wal_bytes, wal_since_ms, "
    "appended_mark, timestamp_mark"
)


TABLES = ("partition", "deleted_partition")  # where the row of a partition lies; see ``home``


def partitions(tx: Tx, topic_no: int) -> list[Partition]:
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM partition WHERE topic_no = ? ORDER BY partition", (topic_no,)
    )
    return [Partition(*row) for row in rows]


def partition(tx: Tx, topic_no: int, number: int) -> Partition | None:
    row = tx.execute(
        f"SELECT {_COLUMNS} FROM partition WHERE topic_no = ? AND partition = ?",
        (topic_no, number),
    ).fetchone()
    return Partition(*row) if row else None


def all_partitions(tx: Tx) -> list[Partition]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM partition ORDER BY topic_no, partition")
    return [Partition(*row) for row in rows]


def some_partitions(tx: Tx, keys: Sequence[tuple[int, int]]) -> list[Partition]:
    return [Partition(*row) for row in bulk.read(tx, _SOME, keys)]


def leader_epochs(tx: Tx, topic_no: int, number: int) -> list[LeaderEpoch]:
    rows = tx.execute(
        "SELECT epoch, start_offset FROM leader_epoch "
        "WHERE topic_no = ? AND partition = ? ORDER BY epoch",
        (topic_no, number),
    )
    return [LeaderEpoch(*row) for row in rows]


def in_shards(shards: Sequence[int], alias: str = "") -> str:
    """The condition that picks partitions of these shards; ``shard_of`` says the same in Python."""
    if len(shards) == SHARDS:
        return "1 = 1"
    chosen = ", ".join(str(int(shard)) for shard in shards) or "-1"
    return f"({alias}topic_no + {alias}partition) % {SHARDS} IN ({chosen})"


def backlogs(tx: Tx, limit: int, shards: Sequence[int] = ALL_SHARDS) -> list[Backlog]:
    """One pass over the partitions' own rows, never over extents; those of deleted topics as well."""
    columns = "topic_no, partition, wal_extents, wal_bytes, wal_since_ms"
    where = f"WHERE wal_extents > 0 AND {in_shards(shards)}"
    rows = tx.execute(
        f"SELECT {columns} FROM partition {where} UNION ALL "
        f"SELECT {columns} FROM deleted_partition {where} "
        "ORDER BY wal_since_ms, topic_no, partition LIMIT ?",
        (limit,),
    )
    return [Backlog(*row) for row in rows]


def home(tx: Tx, topic_no: int, number: int) -> str | None:
    """The table that holds this partition's row: that of living topics, that of deleted ones, or none."""
    for table in TABLES:
        row = tx.execute(
            f"SELECT 1 FROM {table} WHERE topic_no = ? AND partition = ?", (topic_no, number)
        ).fetchone()
        if row is not None:
            return table
    return None


def move_rows(tx: Tx, topic_no: int, source: str, target: str) -> None:
    """Move a topic's partitions between the two tables of :func:`home`."""
    tx.execute(
        f"INSERT INTO {target} ({ALL_COLUMNS}) "
        f"SELECT {ALL_COLUMNS} FROM {source} WHERE topic_no = ?",
        (topic_no,),
    )
    tx.execute(f"DELETE FROM {source} WHERE topic_no = ?", (topic_no,))
