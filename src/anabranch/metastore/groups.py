"""Consumer groups at rest. Their committed offsets are in :mod:`anabranch.metastore.offsets`."""

from __future__ import annotations

from anabranch.metastore import offsets, shares
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Actor, GroupRow

_COLUMNS = "protocol_type, state, generation, snapshot, updated_ms, fence, lane"
_SELECT = f"SELECT group_id, {_COLUMNS} FROM consumer_group WHERE live = 1"


def groups(tx: Tx) -> list[GroupRow]:
    return [GroupRow(*row) for row in tx.execute(f"{_SELECT} ORDER BY group_id")]


def group(tx: Tx, group_id: str) -> GroupRow | None:
    row = tx.execute(f"{_SELECT} AND group_id = ?", (group_id,)).fetchone()
    return GroupRow(*row) if row else None


def save_group(tx: Tx, row: GroupRow, expected: int | None) -> None:
    offsets.require_fence(tx, row.group_id, expected)
    saved = tx.execute(
        f"INSERT INTO consumer_group (group_id, live, {_COLUMNS}) "
        "VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (group_id) DO UPDATE SET live = 1, "
        "protocol_type = excluded.protocol_type, state = excluded.state, "
        "generation = excluded.generation, snapshot = excluded.snapshot, "
        "updated_ms = excluded.updated_ms, fence = excluded.fence, lane = excluded.lane "
        "RETURNING no",
        (
            row.group_id,
            row.protocol_type,
            row.state,
            row.generation,
            row.snapshot,
            row.updated_ms,
            row.fence,
            row.lane,
        ),
    ).fetchone()
    note(tx, ("consumer_group", (saved[0],)))
    tx.changed.groups.add(row.group_id)


def delete_group(tx: Tx, group_id: str, actor: Actor, now_ms: int, expected: int | None) -> bool:
    """The row stays, emptied, for as long as history names the group."""
    offsets.require_fence(tx, group_id, expected)
    row = tx.execute(
        "UPDATE consumer_group SET live = 0, protocol_type = '', state = 'Empty', generation = 0, "
        "snapshot = ?, updated_ms = ?, fence = 0 "
        "WHERE group_id = ? AND live = 1 RETURNING no",
        (b"", now_ms, group_id),
    ).fetchone()
    if row is None:
        return False
    note(tx, ("consumer_group", (row[0],)))
    tx.changed.groups.add(group_id)
    offsets.forget_group(tx, row[0], actor, now_ms)
    shares.delete_shares(tx, group_id, None)
    return True
