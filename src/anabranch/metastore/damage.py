"""Ranges that cannot be read, as brokers and checks meet them."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Rows, Tx, lock_partition
from anabranch.metastore.values import Damage, GapCause

# Ranges kept at a time, some 200 bytes each. A bucket that lost more than this needs a rebuild, and
# whoever reads there is told about each range anyway.
DAMAGES_MAX = 10_000

RANGE_COLUMNS = "first_offset, last_offset, cause, object_key, detail, records, bytes, found_ms"


def note_damage(tx: Tx, found: Sequence[Damage]) -> int:
    """Remember ranges; how many were new. One that is another object's by now is nobody's trouble. One that lies within a known one is known already; any other
    takes the place of those that it meets, and the time at which the first of them was met."""
    (there,) = tx.execute("SELECT count(*) FROM damage").fetchone()
    new = 0
    for each in found:
        key = (each.topic_no, each.partition)
        lock_partition(tx, *key)
        named = tx.execute(
            "SELECT 1 FROM extent e JOIN object o ON o.no = e.object_no "
            "JOIN partition p ON p.topic_no = e.topic_no AND p.partition = e.partition "
            "WHERE e.topic_no = ? AND e.partition = ? AND e.base_offset <= ? AND e.last_offset >= ? "
            "AND o.key = ? AND p.log_start <= ?",  # what lies below it is nobody's loss
            (*key, each.first_offset, each.first_offset, each.object_key, each.last_offset),
        )
        span = (*key, each.first_offset, each.last_offset)
        within = tx.execute(
            "SELECT 1 FROM damage WHERE topic_no = ? AND partition = ? "
            "AND first_offset <= ? AND last_offset >= ?",
            span,
        )
        if named.fetchone() is None or within.fetchone() is not None:
            continue
        met = tx.execute(
            "DELETE FROM damage WHERE topic_no = ? AND partition = ? "
            "AND last_offset >= ? AND first_offset <= ? RETURNING found_ms",
            span,
        ).fetchall()
        there -= len(met)
        if there < DAMAGES_MAX:
            tx.execute(
                f"INSERT INTO damage (topic_no, partition, {RANGE_COLUMNS}) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *span,
                    each.cause.value,
                    each.object_key,
                    each.detail,
                    each.records,
                    each.bytes,
                    min((each.found_ms, *(found_ms for (found_ms,) in met))),
                ),
            )
            there += 1
            new += not met
        note(tx, ("damage", key))
    return new


def damages(tx: Tx, topic_no: int | None = None) -> list[Damage]:
    rows = select_live(tx, "damage", f"topic_no, partition, {RANGE_COLUMNS}", topic_no)
    return [damage_of(row) for row in rows]


def select_live(tx: Tx, table: str, columns: str, topic_no: int | None) -> Rows:
    """Rows of ``table``, which has ranges, that belong to living topics; in order."""
    one, values = ("", ()) if topic_no is None else ("t.topic_no = ? AND ", (topic_no,))
    return tx.execute(
        f"SELECT {columns} FROM {table} t WHERE {one}EXISTS (SELECT 1 FROM partition p "
        "WHERE p.topic_no = t.topic_no AND p.partition = t.partition) "
        "ORDER BY topic_no, partition, first_offset",
        values,
    )


def damage_of(row: Sequence[object]) -> Damage:
    """From topic_no, partition and ``RANGE_COLUMNS``."""
    topic_no, partition, first, last, cause, *rest = row
    return Damage(topic_no, partition, first, last, GapCause(cause), *rest)  # type: ignore[arg-type]


def forget_damage(tx: Tx, topic_no: int, partition: int, first_offset: int) -> bool:
    """It reads well again."""
    gone = tx.execute(
        "DELETE FROM damage WHERE topic_no = ? AND partition = ? AND first_offset = ?",
        (topic_no, partition, first_offset),
    )
    note(tx, ("damage", (topic_no, partition)))
    return gone.rowcount == 1


def drop_below(tx: Tx, topic_no: int, partition: int, offset: int) -> None:
    """What ends below the log start is nobody's trouble any more."""
    gone = tx.execute(
        "DELETE FROM damage WHERE topic_no = ? AND partition = ? AND last_offset < ?",
        (topic_no, partition, offset),
    )
    if gone.rowcount:
        note(tx, ("damage", (topic_no, partition)))


def copy_to_branch(tx: Tx, source_no: int, partition: int, branch_no: int, end: int) -> None:
    """A branch shares the objects of its source, and their damage."""
    tx.execute(
        "INSERT INTO damage (topic_no, partition, first_offset, last_offset, cause, object_key, "
        "detail, records, bytes, found_ms) SELECT ?, partition, first_offset, "
        "min(last_offset, ?), cause, object_key, detail, records, bytes, found_ms FROM damage "
        "WHERE topic_no = ? AND partition = ? AND first_offset < ?",
        (branch_no, end - 1, source_no, partition, end),
    )
