"""Reading and pruning the history of committed offsets (I8); :mod:`.offsets` says how it is kept."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from anabranch.metastore import topics
from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.offsets import DAY_MS, group_no
from anabranch.metastore.tx import Tx, is_sqlite
from anabranch.metastore.values import Actor, OffsetAction, OffsetChange

ACTORS_PRUNED_MAX = 10_000  # actors looked at in one pruning transaction

_LINE = """
SELECT h.seq, h.at_ms, g.group_id, h.topic_no, coalesce(t.name, ''), h.partition, h.action,
    h.old_offset, h.new_offset, h.metadata, a.principal, a.client_id, a.host, a.member_id,
    a.instance_id, a.generation, a.api, a.reason
FROM {source} JOIN consumer_group g ON g.no = h.group_no JOIN actor a ON a.no = h.actor_no
LEFT JOIN topic t ON t.no = h.topic_no
"""
_SUPERSEDED = _LINE.format(source="offset_history h")
# Without statistics SQLite walks the lines of all partitions by the primary key, because of the ORDER BY; here it
# is told which index answers at once.
_BY_PARTITION = _LINE.format(source="offset_history AS h INDEXED BY offset_history_partition")
_TURNS = _LINE.format(source="offset_history AS h INDEXED BY offset_history_turns")
_CURRENT = _LINE.format(source="committed h").replace("h.new_offset", 'h."offset"')


def _change(row: tuple[Any, ...]) -> OffsetChange:
    seq, at_ms, group_id, topic_no, topic, partition, action, old, new, metadata, *actor = row
    return OffsetChange(
        seq,
        at_ms,
        group_id,
        topic_no,
        topic,
        partition,
        OffsetAction(action),
        old,
        new,
        metadata,
        Actor(*actor),
    )


def offset_history(
    tx: Tx,
    group_id: str,
    *,
    topic_no: int | None = None,
    partition: int | None = None,
    since_ms: int | None = None,
    until_ms: int | None = None,
    limit: int = 1000,
    newest_first: bool = True,
) -> list[OffsetChange]:
    where = "h.group_no = :group"
    for column, value, operator in (
        ("topic_no", topic_no, "="),
        ("partition", partition, "="),
        ("at_ms", since_ms, ">="),
        ("at_ms", until_ms, "<="),
    ):
        if value is not None:
            where += f" AND h.{column} {operator} {int(value)}"
    order = "DESC" if newest_first else "ASC"
    by_partition = topic_no is not None and partition is not None and is_sqlite(tx)
    superseded = _BY_PARTITION if by_partition else _SUPERSEDED
    values = {"group": group_no(tx, group_id), "limit": limit}
    lines = [
        _change(row)
        for source in (superseded, _CURRENT)
        for row in tx.execute(
            f"{source} WHERE {where} ORDER BY h.at_ms {order}, h.seq {order} LIMIT :limit", values
        )
    ]
    lines.sort(key=lambda line: (line.at_ms, line.seq), reverse=newest_first)
    return lines[:limit]


def offset_turns(
    tx: Tx, group_id: str, since_ms: int, until_ms: int, limit: int
) -> list[OffsetChange]:
    values = (group_no(tx, group_id), since_ms, until_ms, limit)
    superseded = _TURNS if is_sqlite(tx) else _SUPERSEDED
    lines = [
        _change(row)
        for source, old, new in (
            (superseded, "h.old_offset", "h.new_offset"),
            (_CURRENT, "h.old_offset", 'h."offset"'),
        )
        for row in tx.execute(
            f"{source} WHERE h.group_no = ? AND h.at_ms >= ? AND h.at_ms <= ? "
            f"AND (h.action <> 'commit' OR {old} IS NULL OR {new} < {old}) "
            "ORDER BY h.at_ms DESC, h.seq DESC LIMIT ?",
            values,
        )
    ]
    lines.sort(key=lambda line: (line.at_ms, line.seq), reverse=True)
    return lines[:limit]


def positions_at(tx: Tx, group_id: str, at_ms: int) -> list[OffsetChange]:
    group = group_no(tx, group_id)
    current = {
        (row[3], row[5]): _change(row)
        for row in tx.execute(f"{_CURRENT} WHERE h.group_no = ? AND h.at_ms <= ?", (group, at_ms))
    }
    superseded = _BY_PARTITION if is_sqlite(tx) else _SUPERSEDED
    positions = []
    for topic_no, partition in _partitions_of(tx, group):
        line = current.pop((topic_no, partition), None)
        if line is None:
            row = tx.execute(
                f"{superseded} WHERE h.group_no = ? AND h.topic_no = ? AND h.partition = ? "
                "AND h.at_ms <= ? ORDER BY h.at_ms DESC, h.seq DESC LIMIT 1",
                (group, topic_no, partition, at_ms),
            ).fetchone()
            line = _change(row) if row else None
        if line is not None:
            positions.append(line)
    positions += current.values()
    positions.sort(key=lambda line: (line.topic_no, line.partition))
    return positions


def _partitions_of(tx: Tx, group: int | None) -> Iterable[tuple[int, int]]:
    """The partitions that a group's history names, one or two probes of the index for each.

    Not by one comparison of both columns: SQLite would begin at the partition before and skip all of its lines.
    """
    select = "SELECT topic_no, partition FROM offset_history WHERE group_no = ? "
    at = (-1, -1)
    while True:
        topic_no, partition = at
        at = tx.execute(
            f"{select} AND topic_no = ? AND partition > ? ORDER BY topic_no, partition LIMIT 1",
            (group, topic_no, partition),
        ).fetchone()
        if at is None:
            at = tx.execute(
                f"{select} AND topic_no > ? ORDER BY topic_no, partition LIMIT 1",
                (group, topic_no),
            ).fetchone()
        if at is None:
            return
        yield at


def prune_offset_history(tx: Tx, before_ms: int, limit: int) -> int:
    pruned = 0
    for (group,) in tx.execute("SELECT no FROM consumer_group").fetchall():
        gone = tx.execute(
            "DELETE FROM offset_history WHERE (group_no, at_ms, seq) IN ("
            " SELECT group_no, at_ms, seq FROM offset_history WHERE group_no = ? AND at_ms < ?"
            " ORDER BY at_ms, seq LIMIT ?) RETURNING at_ms, seq",
            (group, before_ms, limit - pruned),
        ).fetchall()
        if gone:
            note(tx, Noted("offset_history", (group,), None, (*max(gone),)))
        pruned += len(gone)
        if pruned >= limit:
            return pruned
    _prune_names(tx, before_ms)
    return pruned


def _prune_names(tx: Tx, before_ms: int) -> None:
    """Nothing older than ``before_ms`` is left: drop the topics, groups and actors that only it named.

    The day's grace is the precision of ``used_ms``.
    """
    topics.forget_purged(tx, before_ms)
    groups = tx.execute(
        "DELETE FROM consumer_group WHERE live = 0 AND NOT EXISTS "
        "(SELECT 1 FROM offset_history WHERE group_no = consumer_group.no) RETURNING no"
    ).fetchall()
    actors = tx.execute(
        "DELETE FROM actor WHERE no IN ("
        " SELECT no FROM actor WHERE used_ms < ? ORDER BY used_ms LIMIT ?) "
        "AND no NOT IN (SELECT actor_no FROM committed) RETURNING no",
        (before_ms - DAY_MS, ACTORS_PRUNED_MAX),
    ).fetchall()
    gone = [("consumer_group", (no,)) for (no,) in groups] + [("actor", (no,)) for (no,) in actors]
    if gone:
        note(tx, *gone)
