"""Gaps: offsets that readers will not see any more, and why (I2)."""

from __future__ import annotations

from msgspec.structs import replace

from anabranch.metastore import compactions
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Gap, GapCause


def record_gap(tx: Tx, gap: Gap) -> None:
    """I2: nothing vanishes without a reason. A pass that goes on where the last one ended with the
    same cause makes that row longer instead of adding one; of what was deleted by request, only if it is the same
    who asked. Offsets that were skipped before keep the
    cause that they were skipped for where the range begins with them."""
    first = gap.first_offset
    while first <= gap.last_offset:
        before = tx.execute(
            "SELECT last_offset FROM gap WHERE topic_no = ? AND partition = ? AND first_offset = ?",
            (gap.topic_no, gap.partition, first),
        ).fetchone()
        if before is None:
            break
        first = before[0] + 1
    else:
        return
    gap = replace(gap, first_offset=first)
    merged = tx.execute(
        "UPDATE gap SET last_offset = :last, detail = :detail, at_ms = :at "
        "WHERE topic_no = :topic AND partition = :partition AND first_offset = ("
        " SELECT max(first_offset) FROM gap"
        " WHERE topic_no = :topic AND partition = :partition AND first_offset < :first) "
        "AND last_offset = :first - 1 AND cause = :cause AND (detail = :detail OR cause <> :asked) "
        "RETURNING first_offset",
        {
            "topic": gap.topic_no,
            "partition": gap.partition,
            "first": gap.first_offset,
            "last": gap.last_offset,
            "cause": gap.cause.value,
            "asked": GapCause.DELETE_RECORDS.value,
            "detail": gap.detail,
            "at": gap.at_ms,
        },
    ).fetchone()
    first_offset = gap.first_offset if merged is None else merged[0]
    note(tx, ("gap", (gap.topic_no, gap.partition, first_offset)))
    if merged is None:
        tx.execute(_INSERT, _row(gap))


def record_skip(tx: Tx, gap: Gap) -> None:
    """As :func:`record_gap`, in a row of its own: who skipped which range, and why, stays told. What was gone
    from there on for another cause, and further, keeps it behind the range."""
    _begin_behind(tx, gap)
    tx.execute(
        f"{_INSERT} ON CONFLICT (topic_no, partition, first_offset) DO UPDATE SET "
        "last_offset = max(gap.last_offset, excluded.last_offset), cause = excluded.cause, "
        "detail = excluded.detail, at_ms = excluded.at_ms",
        _row(gap),
    )
    note(tx, ("gap", (gap.topic_no, gap.partition, gap.first_offset)))


def _begin_behind(tx: Tx, gap: Gap) -> None:
    """Where a gap begins with this one and reaches further, let it begin behind."""
    key = (gap.topic_no, gap.partition)
    moved = tx.execute(
        "UPDATE gap SET first_offset = ? WHERE topic_no = ? AND partition = ? AND first_offset = ? "
        "AND last_offset > ? AND NOT EXISTS (SELECT 1 FROM gap g WHERE g.topic_no = gap.topic_no "
        "AND g.partition = gap.partition AND g.first_offset = ?)",
        (gap.last_offset + 1, *key, gap.first_offset, gap.last_offset, gap.last_offset + 1),
    )
    if moved.rowcount:
        note(tx, ("gap", (*key, gap.last_offset + 1)))


_INSERT = (
    "INSERT INTO gap (topic_no, partition, first_offset, last_offset, cause, detail, at_ms) "
    "VALUES (?, ?, ?, ?, ?, ?, ?)"
)


def _row(gap: Gap) -> tuple[int | str, ...]:
    return (
        gap.topic_no,
        gap.partition,
        gap.first_offset,
        gap.last_offset,
        gap.cause.value,
        gap.detail,
        gap.at_ms,
    )


def gaps(tx: Tx, topic_no: int, partition: int | None = None) -> list[Gap]:
    which, values = "p.topic_no = ?", [topic_no]
    if partition is not None:
        which += " AND p.partition = ?"
        values.append(partition)
    rows = tx.execute(
        "SELECT g.topic_no, g.partition, g.first_offset, g.last_offset, g.cause, g.detail, g.at_ms "
        f"FROM partition p JOIN gap g USING (topic_no, partition) WHERE {which} "
        "ORDER BY g.partition, g.first_offset",
        values,
    )
    gone = [
        Gap(no, number, first, last, GapCause(cause), detail, at_ms)
        for no, number, first, last, cause, detail, at_ms in rows
    ]
    thinned = compactions.gaps(tx, topic_no, partition)
    return sorted(gone + thinned, key=lambda gap: (gap.partition, gap.first_offset))
