"""Deleting a topic: hidden at once, its rows removed afterwards in bounded passes."""

from __future__ import annotations

from sqlite3 import Connection

from anabranch.metastore import offsets
from anabranch.metastore.counters import catalogue_changed
from anabranch.metastore.topics import DELETED, PURGED


def delete_topic(tx: Connection, topic_no: int, now_ms: int, purge_rows: int) -> bool:
    """Hide the topic at once (no partition row, no append), and purge its first ``purge_rows``."""
    hidden = tx.execute(
        "UPDATE topic SET state = ?, deleted_ms = ? WHERE no = ? AND state = 0",
        (DELETED, now_ms, topic_no),
    )
    if hidden.rowcount == 0:
        return False
    tx.execute("DELETE FROM partition WHERE topic_no = ?", (topic_no,))
    tx.execute("DELETE FROM leader_epoch WHERE topic_no = ?", (topic_no,))
    catalogue_changed(tx)
    _purge_topic(tx, topic_no, purge_rows, now_ms)
    return True


def purge_deleted(tx: Connection, limit: int, now_ms: int) -> int:
    """Remove up to ``limit`` rows of deleted topics; less than ``limit`` means that none is left."""
    purged = 0
    while purged < limit:
        row = tx.execute("SELECT no FROM topic WHERE state = 1 ORDER BY deleted_ms LIMIT 1")
        if (found := row.fetchone()) is None:
            break
        purged += _purge_topic(tx, found[0], limit - purged, now_ms)
    return purged


def _purge_topic(tx: Connection, topic_no: int, limit: int, now_ms: int) -> int:
    """One topic's part of a pass; the topic is done when it took less than ``limit``."""
    purged = offsets.forget_topic(tx, topic_no, limit, now_ms)
    for table, key in (("producer", "producer_id"), ("gap", "first_offset")):
        if purged < limit:
            purged += _purge_rows(tx, table, key, topic_no, limit - purged)
    if purged < limit:
        purged += _purge_rows(tx, "extent", "base_offset", topic_no, limit - purged)
    if purged < limit:
        tx.execute("UPDATE topic SET state = ? WHERE no = ?", (PURGED, topic_no))
    return purged


def _purge_rows(tx: Connection, table: str, key: str, topic_no: int, limit: int) -> int:
    last = tx.execute(
        f"SELECT partition, {key} FROM {table} WHERE topic_no = ? "
        f"ORDER BY partition, {key} LIMIT 1 OFFSET ?",
        (topic_no, limit - 1),
    ).fetchone()
    which = "topic_no = ?"
    values: tuple[int, ...] = (topic_no,)
    if last is not None:
        which += f" AND (partition, {key}) <= (?, ?)"
        values += last
    if table == "extent":
        tx.execute(
            "UPDATE object SET suspect = 1 WHERE suspect = 0 "
            f"AND no IN (SELECT object_no FROM extent WHERE {which})",
            values,
        )
    return tx.execute(f"DELETE FROM {table} WHERE {which}", values).rowcount
