"""Consumer groups at rest. Their committed offsets are in :mod:`anabranch.metastore.offsets`."""

from __future__ import annotations

from sqlite3 import Connection

from anabranch.metastore import offsets
from anabranch.metastore.api import Actor, GroupRow

_SELECT = (
    "SELECT group_id, protocol_type, state, generation, snapshot, updated_ms "
    "FROM consumer_group WHERE live = 1"
)


def groups(tx: Connection) -> list[GroupRow]:
    return [GroupRow(*row) for row in tx.execute(f"{_SELECT} ORDER BY group_id")]


def group(tx: Connection, group_id: str) -> GroupRow | None:
    row = tx.execute(f"{_SELECT} AND group_id = ?", (group_id,)).fetchone()
    return GroupRow(*row) if row else None


def save_group(tx: Connection, row: GroupRow) -> None:
    tx.execute(
        "INSERT INTO consumer_group "
        "(group_id, live, protocol_type, state, generation, snapshot, updated_ms) "
        "VALUES (?, 1, ?, ?, ?, ?, ?) ON CONFLICT (group_id) DO UPDATE SET live = 1, "
        "protocol_type = excluded.protocol_type, state = excluded.state, "
        "generation = excluded.generation, snapshot = excluded.snapshot, "
        "updated_ms = excluded.updated_ms",
        (row.group_id, row.protocol_type, row.state, row.generation, row.snapshot, row.updated_ms),
    )


def delete_group(tx: Connection, group_id: str, actor: Actor, now_ms: int) -> bool:
    """The row stays, emptied, for as long as history names the group."""
    row = tx.execute(
        "UPDATE consumer_group SET live = 0, protocol_type = '', state = 'Empty', generation = 0, "
        "snapshot = x'', updated_ms = ? WHERE group_id = ? AND live = 1 RETURNING no",
        (now_ms, group_id),
    ).fetchone()
    if row is None:
        return False
    offsets.forget_group(tx, row[0], actor, now_ms)
    return True
