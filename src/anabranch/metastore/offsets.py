"""Committed offsets and their history (I8).

Every change of a committed offset is a *line*: when, which partition, what it was, what it became,
by whom. The newest line of a partition that has a committed offset is that offset's own row in
``committed``; the next change moves it to ``offset_history``. So pruning by age never has to ask
whether a line is the newest of its partition.

Within a partition a line's time never lies before its predecessor's, whatever brokers' clocks say:
the order by (time, sequence) is the order in which things happened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any

from anabranch.metastore import bulk, topics
from anabranch.metastore.api import Actor, Committed, OffsetAction, OffsetChange
from anabranch.metastore.counters import bump

_DAY_MS = 86_400_000
_TOPIC_DELETED = Actor("", "", "", api="DeleteTopics", reason="topic deleted")
ACTORS_PRUNED_MAX = 10_000  # actors looked at in one pruning transaction

# Each statement takes a list of lines, see bulk.py.
_CLOSE = """
INSERT INTO offset_history
    (group_no, at_ms, seq, topic_no, partition, action, old_offset, new_offset, metadata, actor_no)
SELECT group_no, at_ms, seq, topic_no, partition, action, old_offset, offset, metadata, actor_no
FROM committed WHERE (group_no, topic_no, partition) IN (SELECT * FROM (VALUES {values}))
"""

# After _CLOSE the line before is the newest one in offset_history.
_LINE_TIME = """
max(v.now_ms, coalesce((SELECT max(h.at_ms) FROM offset_history h WHERE h.group_no = v.group_no
    AND h.topic_no = v.topic_no AND h.partition = v.partition), v.now_ms))
"""

_COMMIT = f"""
INSERT INTO committed (group_no, topic_no, partition, offset, leader_epoch, metadata, committed_ms,
    expires_ms, at_ms, seq, action, old_offset, actor_no)
SELECT v.group_no, v.topic_no, v.partition, v.offset, v.leader_epoch, v.metadata, v.committed_ms,
    v.expires_ms, {_LINE_TIME}, v.seq, v.action, NULL, v.actor_no
FROM (
    WITH v (group_no, topic_no, partition, offset, leader_epoch, metadata, committed_ms, expires_ms,
        now_ms, seq, action, actor_no) AS (VALUES {{values}})
    SELECT * FROM v WHERE group_no IS NOT NULL
) AS v WHERE true
ON CONFLICT DO UPDATE SET old_offset = offset, offset = excluded.offset,
    leader_epoch = excluded.leader_epoch, metadata = excluded.metadata,
    committed_ms = excluded.committed_ms, expires_ms = excluded.expires_ms,
    at_ms = excluded.at_ms, seq = excluded.seq, action = excluded.action,
    actor_no = excluded.actor_no
"""

_PRESENT = """
SELECT json_group_array(json_array(group_no, topic_no, partition)) FROM committed
WHERE (group_no, topic_no, partition) IN (SELECT * FROM (VALUES {values}))
"""

_END = f"""
INSERT INTO offset_history
    (group_no, at_ms, seq, topic_no, partition, action, old_offset, new_offset, metadata, actor_no)
SELECT v.group_no, {_LINE_TIME}, v.seq, v.topic_no, v.partition, v.action, c.offset, NULL, '',
    v.actor_no
FROM (
    WITH v (group_no, topic_no, partition, now_ms, seq, action, actor_no) AS (VALUES {{values}})
    SELECT * FROM v
) AS v JOIN committed c USING (group_no, topic_no, partition)
"""

_FORGET = """
DELETE FROM committed WHERE (group_no, topic_no, partition) IN (SELECT * FROM (VALUES {values}))
"""


def _actor_no(tx: Connection, actor: Actor, now_ms: int) -> int:
    """The number of ``actor``; its row says, to the day, when it last did something."""
    values = (
        actor.member_id,
        actor.client_id,
        actor.principal,
        actor.host,
        actor.generation,
        actor.api,
        actor.instance_id,
        actor.reason,
    )
    row = tx.execute(
        "SELECT no, used_ms FROM actor WHERE member_id = ? AND client_id = ? AND principal = ? "
        "AND host = ? AND generation = ? AND api = ? AND instance_id = ? AND reason = ?",
        values,
    ).fetchone()
    if row is None:
        row = tx.execute(
            "INSERT INTO actor (member_id, client_id, principal, host, generation, api, instance_id, "
            "reason, used_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING no",
            (*values, now_ms),
        ).fetchone()
    elif row[1] + _DAY_MS <= now_ms:
        tx.execute("UPDATE actor SET used_ms = ? WHERE no = ?", (now_ms, row[0]))
    no: int = row[0]
    return no


def group_no(tx: Connection, group_id: str) -> int | None:
    """Also of a deleted group whose history is kept."""
    row = tx.execute("SELECT no FROM consumer_group WHERE group_id = ?", (group_id,)).fetchone()
    return row[0] if row else None


def _group_made(tx: Connection, group_id: str, now_ms: int) -> int:
    row = tx.execute(
        "SELECT no FROM consumer_group WHERE group_id = ? AND live = 1", (group_id,)
    ).fetchone()
    if row is None:
        row = tx.execute(
            "INSERT INTO consumer_group "
            "(group_id, live, protocol_type, state, generation, snapshot, updated_ms) "
            "VALUES (?, 1, '', 'Empty', 0, x'', ?) "
            "ON CONFLICT (group_id) DO UPDATE SET live = 1, updated_ms = excluded.updated_ms "
            "RETURNING no",
            (group_id, now_ms),
        ).fetchone()
    no: int = row[0]
    return no


def committed(tx: Connection, group_id: str) -> list[Committed]:
    rows = tx.execute(
        "SELECT c.topic_no, c.partition, c.offset, c.leader_epoch, c.metadata, c.committed_ms, "
        "c.expires_ms FROM consumer_group g JOIN committed c ON c.group_no = g.no "
        "JOIN topic t ON t.no = c.topic_no AND t.state = 0 "
        "WHERE g.group_id = ? ORDER BY c.topic_no, c.partition",
        (group_id,),
    )
    return [Committed(*row) for row in rows]


def commit_offsets(
    tx: Connection,
    group_id: str,
    offsets: Sequence[Committed],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
) -> None:
    group = _group_made(tx, group_id, now_ms)
    live = {no for no in {change.topic_no for change in offsets} if topics.is_live(tx, no)}
    changes = [change for change in offsets if change.topic_no in live]
    if not changes:
        return
    actor_no = _actor_no(tx, actor, now_ms)
    seq = bump(tx, "history_seq", len(changes)) - len(changes)
    while changes:
        # A partition named twice makes two lines, one after the other.
        lines: dict[tuple[int, int, int], bulk.Row] = {}
        rest = []
        for change in changes:
            key = (group, change.topic_no, change.partition)
            if key in lines:
                rest.append(change)
                continue
            seq += 1
            lines[key] = (
                *key,
                change.offset,
                change.leader_epoch,
                change.metadata,
                change.committed_ms,
                change.expires_ms,
                now_ms,
                seq,
                action.value,
                actor_no,
            )
        bulk.write(tx, _CLOSE, list(lines))
        bulk.write(tx, _COMMIT, list(lines.values()))
        changes = rest


def _remove(
    tx: Connection,
    keys: Sequence[tuple[int, int, int]],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
) -> None:
    """``keys`` are (group_no, topic_no, partition); those without a committed offset make no line."""
    present = [(*key,) for key in bulk.read(tx, _PRESENT, keys)]
    if not present:
        return
    actor_no = _actor_no(tx, actor, now_ms)
    first = bump(tx, "history_seq", len(present)) - len(present) + 1
    lines = [
        (*key, now_ms, seq, action.value, actor_no)
        for seq, key in enumerate(sorted(present), first)
    ]
    bulk.write(tx, _CLOSE, present)
    bulk.write(tx, _END, lines)
    bulk.write(tx, _FORGET, present)


def delete_offsets(
    tx: Connection,
    group_id: str,
    partitions: Sequence[tuple[int, int]],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
) -> None:
    group = group_no(tx, group_id)
    if group is not None:
        _remove(tx, [(group, *partition) for partition in partitions], action, actor, now_ms)


def forget_group(tx: Connection, group: int, actor: Actor, now_ms: int) -> None:
    """All committed offsets of a group, each with a line."""
    keys = tx.execute(
        "SELECT group_no, topic_no, partition FROM committed WHERE group_no = ?", (group,)
    ).fetchall()
    _remove(tx, keys, OffsetAction.DELETE, actor, now_ms)


def forget_topic(tx: Connection, topic_no: int, limit: int, now_ms: int) -> int:
    """Up to ``limit`` committed offsets of a topic, each with a line; returns how many."""
    keys = tx.execute(
        "SELECT group_no, topic_no, partition FROM committed WHERE topic_no = ? LIMIT ?",
        (topic_no, limit),
    ).fetchall()
    _remove(tx, keys, OffsetAction.DELETE, _TOPIC_DELETED, now_ms)
    return len(keys)


# -- history -------------------------------------------------------------------------------------
_LINE = """
SELECT h.seq, h.at_ms, g.group_id, h.topic_no, coalesce(t.name, ''), h.partition, h.action,
    h.old_offset, h.new_offset, h.metadata, a.principal, a.client_id, a.host, a.member_id,
    a.instance_id, a.generation, a.api, a.reason
FROM {source} JOIN consumer_group g ON g.no = h.group_no JOIN actor a ON a.no = h.actor_no
LEFT JOIN topic t ON t.no = h.topic_no
"""
_SUPERSEDED = _LINE.format(source="offset_history h")
_CURRENT = _LINE.format(source="committed h").replace("h.new_offset", "h.offset")


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
    tx: Connection,
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
    values = {"group": group_no(tx, group_id), "limit": limit}
    lines = [
        _change(row)
        for source in (_SUPERSEDED, _CURRENT)
        for row in tx.execute(
            f"{source} WHERE {where} ORDER BY h.at_ms {order}, h.seq {order} LIMIT :limit", values
        )
    ]
    lines.sort(key=lambda line: (line.at_ms, line.seq), reverse=newest_first)
    return lines[:limit]


def positions_at(tx: Connection, group_id: str, at_ms: int) -> list[OffsetChange]:
    group = group_no(tx, group_id)
    current = {
        (row[3], row[5]): _change(row)
        for row in tx.execute(f"{_CURRENT} WHERE h.group_no = ? AND h.at_ms <= ?", (group, at_ms))
    }
    positions = []
    for topic_no, partition in _partitions_of(tx, group):
        line = current.pop((topic_no, partition), None)
        if line is None:
            row = tx.execute(
                f"{_SUPERSEDED} WHERE h.group_no = ? AND h.topic_no = ? AND h.partition = ? "
                "AND h.at_ms <= ? ORDER BY h.at_ms DESC, h.seq DESC LIMIT 1",
                (group, topic_no, partition, at_ms),
            ).fetchone()
            line = _change(row) if row else None
        if line is not None:
            positions.append(line)
    positions += current.values()
    positions.sort(key=lambda line: (line.topic_no, line.partition))
    return positions


def _partitions_of(tx: Connection, group: int | None) -> Iterable[tuple[int, int]]:
    """The partitions that a group's history names, one probe of the index for each."""
    at = (-1, -1)
    while True:
        row = tx.execute(
            "SELECT topic_no, partition FROM offset_history "
            "WHERE group_no = ? AND (topic_no, partition) > (?, ?) "
            "ORDER BY topic_no, partition LIMIT 1",
            (group, *at),
        ).fetchone()
        if row is None:
            return
        at = row
        yield at


def prune_offset_history(tx: Connection, before_ms: int, limit: int) -> int:
    pruned = 0
    for (group,) in tx.execute("SELECT no FROM consumer_group").fetchall():
        pruned += tx.execute(
            "DELETE FROM offset_history WHERE (group_no, at_ms, seq) IN ("
            " SELECT group_no, at_ms, seq FROM offset_history WHERE group_no = ? AND at_ms < ?"
            " ORDER BY at_ms, seq LIMIT ?)",
            (group, before_ms, limit - pruned),
        ).rowcount
        if pruned >= limit:
            return pruned
    _prune_names(tx, before_ms)
    return pruned


def _prune_names(tx: Connection, before_ms: int) -> None:
    """Nothing older than ``before_ms`` is left: drop the topics, groups and actors that only it named.

    The day's grace is the precision of ``used_ms``.
    """
    topics.forget_purged(tx, before_ms)
    tx.execute(
        "DELETE FROM consumer_group WHERE live = 0 "
        "AND NOT EXISTS (SELECT 1 FROM offset_history WHERE group_no = consumer_group.no)"
    )
    tx.execute(
        "DELETE FROM actor WHERE no IN ("
        " SELECT no FROM actor WHERE used_ms < ? ORDER BY used_ms LIMIT ?) "
        "AND no NOT IN (SELECT actor_no FROM committed)",
        (before_ms - _DAY_MS, ACTORS_PRUNED_MAX),
    )
