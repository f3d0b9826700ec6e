"""Deleting a topic: hidden at once, kept until its grace ends, then removed in bounded passes.

A topic is visible through its partition rows alone. Deleting moves them to ``deleted_partition``, so that
neither appends nor reads find anything, and leaves all the rest in place: extents keep their objects,
committed offsets wait out of sight. Undeleting moves the rows back. What still lies in the WAL is merged
as that of living topics is, so that a deleted topic never keeps WAL files from being recycled.
"""

from __future__ import annotations

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore import offsets
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.documents import check_guard
from anabranch.metastore.journal_notes import Noted, note, note_topic
from anabranch.metastore.objects import SUSPECT
from anabranch.metastore.partitions import move_rows
from anabranch.metastore.topics import COLUMNS, DELETED, PURGED, live_topic, refuse_taken, topic_of
from anabranch.metastore.tx import Tx, lock_topic, lock_topic_row
from anabranch.metastore.values import DeletedTopic, Guard, Topic


def delete_topic(
    tx: Tx, topic_no: int, now_ms: int, grace_ms: int, purge_rows: int, guard: Guard | None = None
) -> bool:
    """Hide the topic at once (no partition row, no append). Without grace its first ``purge_rows`` go."""
    check_guard(tx, guard)
    hidden = tx.execute(
        "UPDATE topic SET state = ?, deleted_ms = ?, purge_ms = ? WHERE no = ? AND state = 0",
        (DELETED, now_ms, now_ms + grace_ms, topic_no),
    )
    if hidden.rowcount == 0:
        return False
    lock_topic(tx, topic_no)
    move_rows(tx, topic_no, "partition", "deleted_partition")
    catalogue_changed(tx)
    note_topic(tx, topic_no, "partition", "deleted_partition")
    if grace_ms <= 0:
        _purge_topic(tx, topic_no, now_ms, purge_rows)
    return True


def undelete_topic(tx: Tx, topic_no: int, name: str | None, now_ms: int) -> Topic:
    row = tx.execute(
        "SELECT name, partitions FROM topic WHERE no = ? AND state = ?", (topic_no, DELETED)
    ).fetchone()
    kept = tx.execute(
        "SELECT count(*) FROM deleted_partition WHERE topic_no = ?", (topic_no,)
    ).fetchone()
    if row is None or kept[0] != row[1]:
        raise ClientFault(
            ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
            "this topic cannot be brought back: it is not deleted, or its grace is over",
        )
    name = row[0] if name is None else name
    refuse_taken(tx, name)
    tx.execute(
        "UPDATE topic SET state = 0, deleted_ms = NULL, purge_ms = NULL, name = ? WHERE no = ?",
        (name, topic_no),
    )
    move_rows(tx, topic_no, "deleted_partition", "partition")
    catalogue_changed(tx)
    note_topic(tx, topic_no, "partition", "deleted_partition")
    return live_topic(tx, topic_no)


def deleted_topics(tx: Tx) -> list[DeletedTopic]:
    columns = ", ".join(f"t.{column}" for column in COLUMNS)
    rows = tx.execute(
        f"SELECT {columns}, t.deleted_ms, t.purge_ms, d.records, d.bytes FROM topic t JOIN ("
        " SELECT topic_no, sum(records) AS records, sum(bytes) AS bytes FROM deleted_partition"
        " GROUP BY topic_no) AS d ON d.topic_no = t.no "
        "WHERE t.state = ? ORDER BY t.deleted_ms DESC, t.no DESC",
        (DELETED,),
    )
    return [
        DeletedTopic(topic_of(topic), deleted_ms, purge_ms, int(records), int(length))
        for *topic, deleted_ms, purge_ms, records, length in rows
    ]


def purge_deleted(tx: Tx, limit: int, now_ms: int) -> int:
    """Remove up to ``limit`` rows of topics whose grace is over; less means that none is left."""
    purged = 0
    while purged < limit:
        row = tx.execute(
            "SELECT no, deleted_ms FROM topic WHERE state = ? AND purge_ms <= ? "
            "ORDER BY purge_ms LIMIT 1",
            (DELETED, now_ms),
        )
        if (found := row.fetchone()) is None:
            break
        topic_no, deleted_ms = found
        purged += _purge_topic(tx, topic_no, deleted_ms, limit - purged)
    return purged


def _purge_topic(tx: Tx, topic_no: int, deleted_ms: int, limit: int) -> int:
    """One topic's part of a pass; the topic is done when it took less than ``limit``.

    The partitions go first: without them nothing can be brought back half.
    """
    lock_topic_row(tx, topic_no)  # offsets that are being committed are there, or come too late
    tx.execute("DELETE FROM deleted_partition WHERE topic_no = ?", (topic_no,))
    tx.execute("DELETE FROM leader_epoch WHERE topic_no = ?", (topic_no,))
    note_topic(tx, topic_no, "deleted_partition", "leader_epoch")
    purged = offsets.forget_topic(tx, topic_no, limit, deleted_ms)
    for table, key in (
        ("producer", "producer_id"),
        ("gap", "first_offset"),
        ("damage", "first_offset"),
        ("compaction", "first_offset"),
        ("share_partition", "group_id"),
        ("aborted_transaction", "last_offset"),
        ("stable_point", "at_offset"),
        ("transaction_partition", "producer_id"),
    ):
        if purged < limit:
            purged += _purge_rows(tx, table, key, topic_no, limit - purged)
    if purged < limit:
        purged += _purge_rows(tx, "extent", "base_offset", topic_no, limit - purged)
    if purged < limit:
        tx.execute("UPDATE topic SET state = ? WHERE no = ?", (PURGED, topic_no))
    return purged


def _purge_rows(tx: Tx, table: str, key: str, topic_no: int, limit: int) -> int:
    last = tx.execute(
        f"SELECT partition, {key} FROM {table} WHERE topic_no = ? "
        f"ORDER BY partition, {key} LIMIT 1 OFFSET ?",
        (topic_no, limit - 1),
    ).fetchone()
    which = "topic_no = ?"
    values: tuple[int | str, ...] = (topic_no,)
    if last is not None:
        which += f" AND (partition, {key}) <= (?, ?)"
        values += last
    if table == "extent":
        tx.execute(SUSPECT.format(f"no IN (SELECT object_no FROM extent WHERE {which})"), values)
    note(tx, Noted(table, (topic_no,), None, last))
    return tx.execute(f"DELETE FROM {table} WHERE {which}", values).rowcount
