"""Consumer groups at rest. Their committed offsets are in :mod:`anabranch.metastore.offsets`."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import bulk, offsets, shares
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Actor, GroupMemberRow, GroupRow, StoredGroup

_COLUMNS = "protocol_type, state, generation, snapshot, updated_ms, fence, lane, kind"
_SELECT = f"SELECT group_id, {_COLUMNS} FROM consumer_group WHERE live = 1"

_PUT_MEMBERS = bulk.Statement(
    "group_no member_id:text body:bytes",
    """
INSERT INTO group_member (group_no, member_id, body) SELECT v.group_no, v.member_id, v.body
FROM {v} AS v WHERE true ON CONFLICT (group_no, member_id) DO UPDATE SET body = excluded.body
""",
)
_DROP_MEMBERS = bulk.Statement(
    "group_no member_id:text", "DELETE FROM group_member WHERE (group_no, member_id) IN {v}"
)


def groups(tx: Tx) -> list[GroupRow]:
    return [GroupRow(*row) for row in tx.execute(f"{_SELECT} ORDER BY group_id")]


def names_after(tx: Tx, after: str, limit: int) -> list[tuple[str, str]]:
    rows = tx.execute(
        "SELECT group_id, lane FROM consumer_group WHERE live = 1 AND group_id > ? "
        "ORDER BY group_id LIMIT ?",
        (after, limit),
    )
    return [(group_id, lane) for group_id, lane in rows]


def group(tx: Tx, group_id: str) -> GroupRow | None:
    row = tx.execute(f"{_SELECT} AND group_id = ?", (group_id,)).fetchone()
    return GroupRow(*row) if row else None


def stored_group(tx: Tx, group_id: str) -> StoredGroup | None:
    row = group(tx, group_id)
    if row is None:
        return None
    members = tx.execute(
        "SELECT m.member_id, m.body FROM group_member m JOIN consumer_group g ON g.no = m.group_no "
        "WHERE g.group_id = ? ORDER BY m.member_id",
        (group_id,),
    )
    return StoredGroup(row, [GroupMemberRow(*member) for member in members])


def save_group(
    tx: Tx,
    row: GroupRow,
    expected: int | None,
    members: Sequence[GroupMemberRow],
    gone: Sequence[str],
    anew: bool,
) -> None:
    offsets.require_fence(tx, row.group_id, expected)
    saved = tx.execute(
        f"INSERT INTO consumer_group (group_id, live, {_COLUMNS}) "
        "VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (group_id) DO UPDATE SET live = 1, "
        "protocol_type = excluded.protocol_type, state = excluded.state, "
        "generation = excluded.generation, snapshot = excluded.snapshot, "
        "updated_ms = excluded.updated_ms, fence = excluded.fence, lane = excluded.lane, "
        "kind = excluded.kind RETURNING no",
        (
            row.group_id,
            row.protocol_type,
            row.state,
            row.generation,
            row.snapshot,
            row.updated_ms,
            row.fence,
            row.lane,
            row.kind,
        ),
    ).fetchone()
    no: int = saved[0]
    note(tx, ("consumer_group", (no,)))
    tx.changed.groups.add(row.group_id)
    if anew:
        _forget_members(tx, no)
    if gone:
        bulk.write(tx, _DROP_MEMBERS, [(no, member_id) for member_id in gone])
    if members:
        bulk.write(tx, _PUT_MEMBERS, [(no, member.member_id, member.body) for member in members])
    if gone or members:
        names = [*gone, *(member.member_id for member in members)]
        note(tx, *[("group_member", (no, name)) for name in names])


def _forget_members(tx: Tx, no: int) -> None:
    if tx.execute("DELETE FROM group_member WHERE group_no = ?", (no,)).rowcount:
        note(tx, ("group_member", (no,)))


def delete_group(
    tx: Tx, group_id: str, actor: Actor, now_ms: int, expected: int | None, spare: bool = False
) -> bool:
    """The row stays, emptied, for as long as history names the group."""
    offsets.require_fence(tx, group_id, expected)
    if spare and offsets.some_out_of_sight(tx, group_id):
        return False
    row = tx.execute(
        "UPDATE consumer_group SET live = 0, protocol_type = '', state = 'Empty', generation = 0, "
        "snapshot = ?, updated_ms = ?, fence = 0, kind = 'classic' "
        "WHERE group_id = ? AND live = 1 RETURNING no",
        (b"", now_ms, group_id),
    ).fetchone()
    if row is None:
        return False
    note(tx, ("consumer_group", (row[0],)))
    tx.changed.groups.add(group_id)
    _forget_members(tx, row[0])
    offsets.forget_group(tx, row[0], actor, now_ms)
    shares.delete_shares(tx, group_id, None)
    return True
