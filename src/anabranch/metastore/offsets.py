"""Committed offsets and their history (I8).

Every change of a committed offset is a *line*: when, which partition, what it was, what it became,
by whom. The newest line of a partition that has a committed offset is that offset's own row in
``committed``; the next change moves it to ``offset_history``. So pruning by age never has to ask
whether a line is the newest of its partition.

Within a partition a line's time never lies before its predecessor's, whatever brokers' clocks say:
the order by (time, sequence) is the order in which things happened.
"""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import bulk, topics
from anabranch.metastore.counters import bump
from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.tx import Tx, lock_group
from anabranch.metastore.values import Actor, Committed, Conflict, OffsetAction

DAY_MS = 86_400_000
_TOPIC_DELETED = Actor("", "", "", api="DeleteTopics", reason="topic deleted")

# Each statement takes a list of lines, see bulk.py.
_CLOSE = bulk.Statement(
    "group_no topic_no partition",
    """
INSERT INTO offset_history
    (group_no, at_ms, seq, topic_no, partition, action, old_offset, new_offset, metadata, actor_no)
SELECT group_no, at_ms, seq, topic_no, partition, action, old_offset, "offset", metadata, actor_no
FROM committed WHERE (group_no, topic_no, partition) IN {v}
""",
)

# After _CLOSE the line before is the newest one in offset_history.
_LINE_TIME = """
max(v.now_ms, coalesce((SELECT max(h.at_ms) FROM offset_history h WHERE h.group_no = v.group_no
    AND h.topic_no = v.topic_no AND h.partition = v.partition), v.now_ms))
"""

_COMMIT = bulk.Statement(
    "group_no topic_no partition new_offset leader_epoch metadata:text committed_ms expires_ms now_ms "
    "seq action:text actor_no",
    f"""
INSERT INTO committed (group_no, topic_no, partition, "offset", leader_epoch, metadata, committed_ms,
    expires_ms, at_ms, seq, action, old_offset, actor_no)
SELECT v.group_no, v.topic_no, v.partition, v.new_offset, v.leader_epoch, v.metadata, v.committed_ms,
    v.expires_ms, {_LINE_TIME}, v.seq, v.action, NULL, v.actor_no
FROM {{v}} AS v WHERE true
ON CONFLICT (group_no, topic_no, partition) DO UPDATE SET old_offset = committed."offset",
    "offset" = excluded."offset", leader_epoch = excluded.leader_epoch,
    metadata = excluded.metadata, committed_ms = excluded.committed_ms,
    expires_ms = excluded.expires_ms, at_ms = excluded.at_ms, seq = excluded.seq,
    action = excluded.action, actor_no = excluded.actor_no
""",
)

_PRESENT = bulk.Query(
    "group_no topic_no partition",
    "group_no, topic_no, partition",
    "FROM committed WHERE (group_no, topic_no, partition) IN {v}",
)

_POSITIONS = bulk.Query(
    "group_no topic_no partition",
    'topic_no, partition, "offset"',
    "FROM committed WHERE (group_no, topic_no, partition) IN {v}",
)

_END = bulk.Statement(
    "group_no topic_no partition now_ms seq action:text actor_no",
    f"""
INSERT INTO offset_history
    (group_no, at_ms, seq, topic_no, partition, action, old_offset, new_offset, metadata, actor_no)
SELECT v.group_no, {_LINE_TIME}, v.seq, v.topic_no, v.partition, v.action, c."offset", NULL, '',
    v.actor_no
FROM {{v}} AS v JOIN committed c USING (group_no, topic_no, partition)
""",
)

_FORGET = bulk.Statement(
    "group_no topic_no partition",
    "DELETE FROM committed WHERE (group_no, topic_no, partition) IN {v}",
)


def _actor_no(tx: Tx, actor: Actor, now_ms: int) -> int:
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
            "reason, used_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (member_id, client_id, principal, host, generation, api, instance_id, reason) "
            "DO UPDATE SET used_ms = excluded.used_ms RETURNING no",
            (*values, now_ms),
        ).fetchone()
        note(tx, ("actor", (row[0],)))
    elif row[1] + DAY_MS <= now_ms:
        tx.execute("UPDATE actor SET used_ms = ? WHERE no = ?", (now_ms, row[0]))
        note(tx, ("actor", (row[0],)))
    no: int = row[0]
    return no


def group_no(tx: Tx, group_id: str) -> int | None:
    """Also of a deleted group whose history is kept."""
    row = tx.execute("SELECT no FROM consumer_group WHERE group_id = ?", (group_id,)).fetchone()
    return row[0] if row else None


def require_fence(tx: Tx, group_id: str, expected: int | None) -> None:
    """Raises Conflict unless the group was last saved under the fence ``expected``."""
    if expected is None:
        return
    lock_group(tx, group_id)
    row = tx.execute(
        "SELECT fence FROM consumer_group WHERE group_id = ? AND live = 1", (group_id,)
    ).fetchone()
    present = row[0] if row else 0
    if present != expected:
        raise Conflict(f"group {group_id} is under fence {present}, not {expected}")


def group_made(tx: Tx, group_id: str, now_ms: int) -> int:
    row = tx.execute(
        "SELECT no FROM consumer_group WHERE group_id = ? AND live = 1", (group_id,)
    ).fetchone()
    if row is None:
        row = tx.execute(
            "INSERT INTO consumer_group "
            "(group_id, live, protocol_type, state, generation, snapshot, updated_ms) "
            "VALUES (?, 1, '', 'Empty', 0, ?, ?) "
            "ON CONFLICT (group_id) DO UPDATE SET live = 1, updated_ms = excluded.updated_ms "
            "RETURNING no",
            (group_id, b"", now_ms),
        ).fetchone()
        note(tx, ("consumer_group", (row[0],)))
    no: int = row[0]
    return no


def committed(tx: Tx, group_id: str) -> list[Committed]:
    rows = tx.execute(
        'SELECT c.topic_no, c.partition, c."offset", c.leader_epoch, c.metadata, c.committed_ms, '
        "c.expires_ms FROM consumer_group g JOIN committed c ON c.group_no = g.no "
        "JOIN topic t ON t.no = c.topic_no AND t.state = 0 "
        "WHERE g.group_id = ? ORDER BY c.topic_no, c.partition",
        (group_id,),
    )
    return [Committed(*row) for row in rows]


def some_out_of_sight(tx: Tx, group_id: str) -> bool:
    """Whether the group has offsets of topics that are deleted and may still be brought back."""
    row = tx.execute(
        "SELECT 1 FROM consumer_group g JOIN committed c ON c.group_no = g.no "
        "JOIN topic t ON t.no = c.topic_no AND t.state <> 0 WHERE g.group_id = ? LIMIT 1",
        (group_id,),
    ).fetchone()
    return row is not None


def positions(
    tx: Tx, group_id: str, partitions: Sequence[tuple[int, int]]
) -> dict[tuple[int, int], int]:
    no = group_no(tx, group_id)
    if no is None:
        return {}
    found = bulk.read(tx, _POSITIONS, [(no, *one) for one in dict.fromkeys(partitions)])
    return {(topic_no, partition): offset for topic_no, partition, offset in found}


def commit_offsets(
    tx: Tx,
    group_id: str,
    offsets: Sequence[Committed],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
    expected: int | None,
) -> None:
    require_fence(tx, group_id, expected)
    group = group_made(tx, group_id, now_ms)
    kept = {no for no in {change.topic_no for change in offsets} if topics.keeps_offsets(tx, no)}
    changes = [change for change in offsets if change.topic_no in kept]
    if not changes:
        return
    tx.changed.groups.add(group_id)
    actor_no = _actor_no(tx, actor, now_ms)
    seq = bump(tx, "history_seq", len(changes)) - len(changes)
    note_lines(tx, [(group, one.topic_no, one.partition) for one in changes], now_ms, seq + 1)
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


def note_lines(tx: Tx, keys: Sequence[tuple[int, int, int]], now_ms: int, first_seq: int) -> None:
    """For the journal: lines of these partitions are new, and none of them is older than this.

    A line that leaves ``committed`` was told as it stood there; it moves to the history in a replay as
    it did here.
    """
    groups = sorted({key[0] for key in keys})
    note(
        tx,
        *[("committed", key) for key in keys],
        *[Noted("offset_history", (no,), (now_ms, first_seq), kept=True) for no in groups],
    )


def remove(
    tx: Tx,
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
    note_lines(tx, present, now_ms, first)


def delete_offsets(
    tx: Tx,
    group_id: str,
    partitions: Sequence[tuple[int, int]],
    action: OffsetAction,
    actor: Actor,
    now_ms: int,
    expected: int | None,
) -> None:
    lock_group(tx, group_id)
    require_fence(tx, group_id, expected)
    group = group_no(tx, group_id)
    if group is not None:
        tx.changed.groups.add(group_id)
        remove(tx, [(group, *partition) for partition in partitions], action, actor, now_ms)


def forget_group(tx: Tx, group: int, actor: Actor, now_ms: int) -> None:
    """All committed offsets of a group, each with a line."""
    keys = tx.execute(
        "SELECT group_no, topic_no, partition FROM committed WHERE group_no = ?", (group,)
    ).fetchall()
    remove(tx, keys, OffsetAction.DELETE, actor, now_ms)


def forget_topic(tx: Tx, topic_no: int, limit: int, now_ms: int) -> int:
    """Up to ``limit`` committed offsets of a topic, each with a line; returns how many."""
    keys = tx.execute(
        "SELECT group_no, topic_no, partition FROM committed WHERE topic_no = ? LIMIT ?",
        (topic_no, limit),
    ).fetchall()
    for (group_id,) in tx.execute(
        "SELECT DISTINCT g.group_id FROM committed c JOIN consumer_group g ON g.no = c.group_no "
        "WHERE c.topic_no = ? ORDER BY g.group_id",
        (topic_no,),
    ).fetchall():
        lock_group(tx, group_id)
    remove(tx, keys, OffsetAction.DELETE, _TOPIC_DELETED, now_ms)
    return len(keys)
