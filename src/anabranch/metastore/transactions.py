"""Transactional ids: who may write in a transaction, where it has written, which offsets it carries.

What may be done is decided in :mod:`anabranch.metastore.transaction_rules`. A transaction is one row of
``transactional_id`` and rows of what it touched; ending it is :mod:`anabranch.metastore.transaction_end`.

Locks (PostgreSQL): appends know nothing of the general lock, so whoever decides by a transactional id
locks its row first, then partitions, then groups.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore import bulk
from anabranch.metastore.journal_notes import note
from anabranch.metastore.offsets import require_fence
from anabranch.metastore.producer_ids import allocate_producer_ids
from anabranch.metastore.transaction_rules import Identity, check_identity, initialised, rotated
from anabranch.metastore.transaction_values import (
    NO_EPOCH,
    NO_PRODUCER,
    Aborted,
    OpenTransaction,
    Touched,
    Transaction,
    TransactionalId,
    TransactionState,
)
from anabranch.metastore.tx import Tx, is_sqlite
from anabranch.metastore.values import Actor, Committed

COLUMNS = (
    "no, name, producer_id, epoch, previous_producer_id, previous_epoch, timeout_ms, state, "
    "started_ms, updated_ms"
)

_ADD_PARTITIONS = bulk.Statement(
    "topic_no partition producer_id transaction_no",
    """
INSERT INTO transaction_partition (topic_no, partition, producer_id, transaction_no)
SELECT * FROM {v} AS v WHERE true ON CONFLICT (topic_no, partition, producer_id) DO NOTHING
""",
)
_ABORTED_WITHIN = bulk.Query(
    "topic_no partition first_offset last_offset",
    "a.topic_no, a.partition, a.last_offset, a.producer_id, a.first_offset, a.marked, "
    "coalesce(a.cleaned_ms, -1)",
    "FROM {v} AS v CROSS JOIN aborted_transaction a WHERE a.topic_no = v.topic_no "
    "AND a.partition = v.partition AND a.last_offset >= v.first_offset "
    "AND a.last_offset <= v.last_offset",
)
_PUT_OFFSETS = bulk.Statement(
    "transaction_no group_id:text topic_no partition new_offset leader_epoch metadata:text committed_ms",
    """
INSERT INTO transaction_offset (transaction_no, group_id, topic_no, partition, "offset", leader_epoch,
    metadata, committed_ms)
SELECT * FROM {v} AS v WHERE true
ON CONFLICT (transaction_no, group_id, topic_no, partition) DO UPDATE SET "offset" = excluded."offset",
    leader_epoch = excluded.leader_epoch, metadata = excluded.metadata,
    committed_ms = excluded.committed_ms
""",
)


def id_of(row: Sequence[Any]) -> TransactionalId:
    """From a row of ``COLUMNS``."""
    no, name, producer_id, epoch, was_id, was_epoch, timeout_ms, state, started_ms, updated_ms = row
    return TransactionalId(
        no,
        name,
        producer_id,
        epoch,
        was_id,
        was_epoch,
        timeout_ms,
        TransactionState(state),
        started_ms,
        updated_ms,
    )


def locked_id(tx: Tx, name: str) -> TransactionalId | None:
    """The id; until the transaction ends, no other changes it."""
    lock = "" if is_sqlite(tx) else " FOR NO KEY UPDATE"
    row = tx.execute(
        f"SELECT {COLUMNS} FROM transactional_id WHERE name = ?{lock}", (name,)
    ).fetchone()
    return id_of(row) if row else None


def save(tx: Tx, row: TransactionalId) -> None:
    """Store the id as it is now."""
    tx.execute(
        "UPDATE transactional_id SET producer_id = ?, epoch = ?, previous_producer_id = ?, "
        "previous_epoch = ?, timeout_ms = ?, state = ?, started_ms = ?, updated_ms = ? WHERE no = ?",
        (
            row.producer_id,
            row.epoch,
            row.previous_producer_id,
            row.previous_epoch,
            row.timeout_ms,
            int(row.state),
            row.started_ms,
            row.updated_ms,
            row.no,
        ),
    )


# -- the producer's requests -------------------------------------------------------------------------
def init_transactional_id(
    tx: Tx, name: str, timeout_ms: int, expected: Identity | None, now_ms: int
) -> TransactionalId:
    row = locked_id(tx, name)
    if row is None:
        first = allocate_producer_ids(tx, 1)
        inserted = tx.execute(
            "INSERT INTO transactional_id (name, producer_id, epoch, previous_producer_id, "
            "previous_epoch, timeout_ms, state, started_ms, updated_ms) "
            f"VALUES (?, ?, ?, ?, ?, ?, 0, NULL, ?) RETURNING {COLUMNS}",
            (name, first, NO_EPOCH, NO_PRODUCER, NO_EPOCH, timeout_ms, now_ms),
        ).fetchone()
        row = id_of(inserted)
    if row.state is TransactionState.ONGOING:
        return row
    new = initialised(row, expected, timeout_ms, now_ms)
    if new is None:
        new = rotated(row, allocate_producer_ids(tx, 1), expected, timeout_ms, now_ms)
    save(tx, new)
    note(tx, ("transactional_id", (new.no,)))
    return new


def add_partitions(
    tx: Tx, name: str, producer: Identity, partitions: Sequence[tuple[int, int]], now_ms: int
) -> None:
    row = check_identity(locked_id(tx, name), producer)
    begin(tx, row, now_ms)
    rows = [(*key, row.producer_id, row.no) for key in partitions]
    bulk.write(tx, _ADD_PARTITIONS, rows)
    note(
        tx,
        ("transactional_id", (row.no,)),
        *[("transaction_partition", each[:3]) for each in rows],
    )


def add_group(tx: Tx, name: str, producer: Identity, group_id: str, now_ms: int) -> None:
    row = check_identity(locked_id(tx, name), producer)
    begin(tx, row, now_ms)
    _put_group(tx, row.no, group_id)
    note(tx, ("transactional_id", (row.no,)), ("transaction_group", (row.no, group_id)))


def commit_in_transaction(
    tx: Tx,
    name: str,
    producer: Identity,
    group_id: str,
    offsets: Sequence[Committed],
    actor: Actor,
    now_ms: int,
    *,
    implicit: bool,
    expected: int | None,
) -> None:
    row = check_identity(locked_id(tx, name), producer)
    require_fence(tx, group_id, expected)
    there = tx.execute(
        "SELECT 1 FROM transaction_group WHERE transaction_no = ? AND group_id = ?",
        (row.no, group_id),
    ).fetchone()
    if implicit:
        begin(tx, row, now_ms)
    elif row.state is not TransactionState.ONGOING or there is None:
        raise ClientFault(
            ErrorCode.INVALID_TXN_STATE,
            f"group '{group_id}' was not added to a transaction of '{name}'",
        )
    _put_group(tx, row.no, group_id)
    tx.execute(
        "UPDATE transaction_group SET actor = ? WHERE transaction_no = ? AND group_id = ?",
        (msgspec.json.encode(actor).decode(), row.no, group_id),
    )
    latest = {(one.topic_no, one.partition): one for one in offsets}
    rows: list[bulk.Row] = [
        (
            row.no,
            group_id,
            one.topic_no,
            one.partition,
            one.offset,
            one.leader_epoch,
            one.metadata,
            one.committed_ms,
        )
        for one in latest.values()
    ]
    bulk.write(tx, _PUT_OFFSETS, rows)
    note(
        tx,
        ("transactional_id", (row.no,)),
        ("transaction_group", (row.no, group_id)),
        *[("transaction_offset", (row.no, group_id, *key)) for key in latest],
    )
    tx.changed.groups.add(group_id)


def begin(tx: Tx, row: TransactionalId, now_ms: int) -> None:
    """The transaction is ongoing from now on, if it is not already."""
    if row.state is not TransactionState.ONGOING:
        tx.execute(
            "UPDATE transactional_id SET state = 1, started_ms = ?, updated_ms = ? WHERE no = ?",
            (now_ms, now_ms, row.no),
        )


def _put_group(tx: Tx, no: int, group_id: str) -> None:
    tx.execute(
        "INSERT INTO transaction_group (transaction_no, group_id) VALUES (?, ?) "
        "ON CONFLICT (transaction_no, group_id) DO NOTHING",
        (no, group_id),
    )


# -- looking -----------------------------------------------------------------------------------------
def transactional_ids(tx: Tx, after: str, limit: int) -> list[TransactionalId]:
    rows = tx.execute(
        f"SELECT {COLUMNS} FROM transactional_id WHERE name > ? ORDER BY name LIMIT ?",
        (after, limit),
    )
    return [id_of(row) for row in rows]


def transaction(tx: Tx, name: str) -> Transaction | None:
    row = tx.execute(f"SELECT {COLUMNS} FROM transactional_id WHERE name = ?", (name,)).fetchone()
    if row is None:
        return None
    found = id_of(row)
    touched = tx.execute(
        "SELECT t.topic_no, t.partition, t.first_offset, p.next_offset FROM transaction_partition t "
        "LEFT JOIN partition p ON p.topic_no = t.topic_no AND p.partition = t.partition "
        "WHERE t.transaction_no = ? ORDER BY t.topic_no, t.partition",
        (found.no,),
    )
    groups = tx.execute(
        "SELECT group_id FROM transaction_group WHERE transaction_no = ? ORDER BY group_id",
        (found.no,),
    )
    return Transaction(
        found,
        tuple(Touched(*one) for one in touched),
        tuple(group_id for (group_id,) in groups),
    )


def overdue_transactions(tx: Tx, now_ms: int, limit: int) -> list[TransactionalId]:
    rows = tx.execute(
        f"SELECT {COLUMNS} FROM transactional_id WHERE state = 1 AND started_ms + timeout_ms <= ? "
        "ORDER BY started_ms + timeout_ms LIMIT ?",
        (now_ms, limit),
    )
    return [id_of(row) for row in rows]


def expire_transaction(tx: Tx, name: str) -> bool:
    row = tx.execute(
        "UPDATE transactional_id SET started_ms = -timeout_ms WHERE name = ? AND state = 1 RETURNING no",
        (name,),
    ).fetchone()
    if row is not None:
        note(tx, ("transactional_id", (row[0],)))
    return row is not None


def ongoing_transactions(tx: Tx) -> tuple[int, int | None]:
    count, oldest = tx.execute(
        "SELECT count(*), min(started_ms) FROM transactional_id WHERE state = 1"
    ).fetchone()
    return count, oldest


def expire_transactional_ids(tx: Tx, before_ms: int, limit: int) -> int:
    gone = tx.execute(
        "DELETE FROM transactional_id WHERE no IN (SELECT no FROM transactional_id "
        "WHERE state <> 1 AND updated_ms < ? ORDER BY updated_ms LIMIT ?) "
        "AND state <> 1 AND updated_ms < ? RETURNING no",
        (before_ms, limit, before_ms),
    ).fetchall()
    if gone:
        note(tx, *[("transactional_id", (no,)) for (no,) in gone])
    return len(gone)


def open_transactions(tx: Tx, topic_no: int, partition: int) -> list[OpenTransaction]:
    rows = tx.execute(
        "SELECT i.name, t.producer_id, i.epoch, t.first_offset FROM transaction_partition t "
        "JOIN transactional_id i ON i.no = t.transaction_no "
        "WHERE t.topic_no = ? AND t.partition = ? ORDER BY t.producer_id",
        (topic_no, partition),
    )
    return [OpenTransaction(*row) for row in rows]


def pending_offsets(tx: Tx, group_id: str) -> list[tuple[int, int]]:
    rows = tx.execute(
        "SELECT DISTINCT o.topic_no, o.partition FROM transaction_group g JOIN transaction_offset o "
        "ON o.transaction_no = g.transaction_no AND o.group_id = g.group_id "
        "WHERE g.group_id = ? ORDER BY o.topic_no, o.partition",
        (group_id,),
    )
    return [(topic_no, partition) for topic_no, partition in rows]


def aborted_transactions(
    tx: Tx, topic_no: int, partition: int, first: int, end: int, limit: int
) -> list[Aborted]:
    """Those that overlap ``first .. end - 1``: O(result), by where the stable offset was at each end."""
    rows = tx.execute(
        "SELECT last_offset, producer_id, first_offset, marked, cleaned_ms FROM aborted_transaction "
        "WHERE topic_no = ?1 AND partition = ?2 AND last_offset >= ?3 AND first_offset < ?4 "
        "AND last_offset <= coalesce((SELECT last_offset FROM aborted_transaction "
        "WHERE topic_no = ?1 AND partition = ?2 AND stable >= ?4 AND last_offset >= ?3 "
        "ORDER BY stable, last_offset LIMIT 1), 9223372036854775807) "
        "ORDER BY first_offset, producer_id LIMIT ?5",
        (topic_no, partition, first, end, limit),
    )
    return [
        Aborted(last, pid, begun, bool(marked) and cleaned is None, cleaned is not None)
        for last, pid, begun, marked, cleaned in rows
    ]


def aborted_within(
    tx: Tx, ranges: Sequence[tuple[int, int, int, int]]
) -> list[tuple[int, int, Aborted]]:
    return [
        (no, partition, Aborted(last, pid, first, bool(marked) and cleaned < 0, cleaned >= 0))
        for no, partition, last, pid, first, marked, cleaned in sorted(
            map(tuple, bulk.read(tx, _ABORTED_WITHIN, ranges))
        )
    ]


def stable_before(tx: Tx, topic_no: int, partition: int, end: int) -> int | None:
    row = tx.execute(
        "SELECT stable FROM stable_point WHERE topic_no = ? AND partition = ? "
        "AND at_offset <= ? ORDER BY at_offset DESC LIMIT 1",
        (topic_no, partition, end),
    ).fetchone()
    if row is None:  # its first transaction may still be open
        row = tx.execute(
            "SELECT unstable FROM partition WHERE topic_no = ? AND partition = ? "
            "AND unstable >= 0 AND unstable < ?",
            (topic_no, partition, end),
        ).fetchone()
    return None if row is None else row[0]
