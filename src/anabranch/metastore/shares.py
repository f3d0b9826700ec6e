"""What share groups have delivered, by partition (KIP-932)."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.journal_notes import note
from anabranch.metastore.share_values import ShareKey, ShareState
from anabranch.metastore.tx import Tx

_TABLE = "share_partition"
_COLUMNS = "group_id, topic_no, partition, state_epoch, start_offset, state"
_ONE = "group_id = ? AND topic_no = ? AND partition = ?"


def claim_share(tx: Tx, key: ShareKey, start_offset: int, state: bytes) -> ShareState:
    _require_partition(tx, key)
    row = tx.execute(
        f"INSERT INTO {_TABLE} ({_COLUMNS}) VALUES (?, ?, ?, 1, ?, ?) "
        "ON CONFLICT (topic_no, partition, group_id) DO UPDATE "
        f"SET state_epoch = {_TABLE}.state_epoch + 1 RETURNING {_COLUMNS}",
        (*key, start_offset, state),
    ).fetchone()
    _note(tx, key)
    return _state(row)


def save_shares(tx: Tx, states: Sequence[ShareState]) -> list[bool]:
    saved = []
    for one in states:
        changed = tx.execute(
            f"UPDATE {_TABLE} SET start_offset = ?, state = ? WHERE {_ONE} AND state_epoch = ?",
            (one.start_offset, one.state, *one.key, one.epoch),
        )
        saved.append(changed.rowcount == 1)
        if saved[-1]:
            _note(tx, one.key)
    return saved


def set_share(tx: Tx, key: ShareKey, start_offset: int, state: bytes) -> None:
    claim_share(tx, key, start_offset, state)
    tx.execute(
        f"UPDATE {_TABLE} SET start_offset = ?, state = ? WHERE {_ONE}",
        (start_offset, state, *key),
    )


def shares(tx: Tx, group_id: str) -> list[ShareState]:
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM {_TABLE} WHERE group_id = ? ORDER BY topic_no, partition",
        (group_id,),
    )
    return [_state(row) for row in rows]


def delete_shares(tx: Tx, group_id: str, topic_no: int | None) -> int:
    gone = [
        one.key for one in shares(tx, group_id) if topic_no is None or one.key.topic_no == topic_no
    ]
    for key in gone:
        tx.execute(f"DELETE FROM {_TABLE} WHERE {_ONE}", key)
        _note(tx, key)
    return len(gone)


def _require_partition(tx: Tx, key: ShareKey) -> None:
    found = tx.execute(
        "SELECT 1 FROM partition WHERE topic_no = ? AND partition = ?", key[1:]
    ).fetchone()
    if found is None:
        raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the partition is gone")


def _note(tx: Tx, key: ShareKey) -> None:
    note(tx, (_TABLE, (key.topic_no, key.partition, key.group_id)))


def _state(row: tuple[str, int, int, int, int, bytes]) -> ShareState:
    group_id, topic_no, partition, epoch, start_offset, state = row
    return ShareState(ShareKey(group_id, topic_no, partition), epoch, start_offset, bytes(state))
