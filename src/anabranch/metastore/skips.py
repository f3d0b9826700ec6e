"""An operator's word that a damaged range is given up, and the audit history of it."""

from __future__ import annotations

from anabranch.metastore import gaps
from anabranch.metastore.damage import RANGE_COLUMNS, damage_of
from anabranch.metastore.extent_changes import drop_extents_below, replace_many
from anabranch.metastore.journal_notes import Noted, note
from anabranch.metastore.tx import Tx, lock_partition
from anabranch.metastore.values import DamageSkip, ExtentName, Gap, Replacement, SkippedExtent


def skip_damage(tx: Tx, skipped: SkippedExtent, skip: DamageSkip) -> bool:
    damage = skip.damage
    key = (damage.topic_no, damage.partition)
    lock_partition(tx, *key)
    old, parts, given_up = skipped.old, skipped.parts, skipped.parts[skipped.place]
    assert (given_up.base_offset, given_up.last_offset) == (damage.first_offset, damage.last_offset)
    assert skipped.empty.records == 0
    # Divided by somebody else, its first part has the name that the whole had.
    present = tx.execute(
        "SELECT last_offset FROM extent WHERE topic_no = ? AND partition = ? AND base_offset = ?",
        (*key, old.base_offset),
    ).fetchone()
    if present is None or present[0] != parts[-1].last_offset:
        return False
    if len(parts) > 1:
        end = parts[-1].position + parts[-1].length
        division = Replacement(*key, (old,), parts)
        if not replace_many(tx, old.object_no, end, [division], skip.at_ms)[0]:
            return False
        old = ExtentName(
            given_up.base_offset, old.object_no, given_up.position, given_up.last_offset
        )
    swap = Replacement(*key, (old,), (skipped.empty,))
    object_no, length = skipped.object_no, skipped.object_bytes
    if not replace_many(tx, object_no, length, [swap], skip.at_ms)[0]:
        assert len(parts) == 1, "its extent was there a moment ago"
        return False
    (log_start,) = tx.execute(
        "SELECT log_start FROM partition WHERE topic_no = ? AND partition = ?", key
    ).fetchone()
    drop_extents_below(tx, *key, log_start)  # of an extent that is divided there
    detail = f"{skip.principal} skipped it: {skip.reason} ({damage.detail})"
    first, last = damage.first_offset, damage.last_offset
    gaps.record_skip(tx, Gap(*key, first, last, damage.cause, detail, skip.at_ms))
    tx.execute(
        "DELETE FROM damage WHERE topic_no = ? AND partition = ? "
        "AND first_offset <= ? AND last_offset >= ?",
        (*key, last, first),
    )
    tx.execute(
        f"INSERT INTO damage_skip (topic_no, partition, {RANGE_COLUMNS}, at_ms, principal, host, reason) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            first,
            last,
            damage.cause.value,
            damage.object_key,
            damage.detail,
            damage.records,
            damage.bytes,
            damage.found_ms,
            skip.at_ms,
            skip.principal,
            skip.host,
            skip.reason,
        ),
    )
    tx.execute("UPDATE partition SET skips = skips + 1 WHERE topic_no = ? AND partition = ?", key)
    below = Noted("extent", key, None, (log_start - 1,))
    note(tx, below, ("damage", key), ("damage_skip", key), ("partition", key))
    return True


def damage_skips(tx: Tx, topic_no: int | None = None) -> list[DamageSkip]:
    """Also of topics that were deleted, for as long as the history of offsets knows them."""
    one, values = ("", ()) if topic_no is None else ("WHERE s.topic_no = ? ", (topic_no,))
    rows = tx.execute(
        f"SELECT s.topic_no, s.partition, {RANGE_COLUMNS}, s.at_ms, s.principal, s.host, s.reason, "
        f"t.name, t.id FROM damage_skip s JOIN topic t ON t.no = s.topic_no {one}"
        "ORDER BY s.at_ms, s.topic_no, s.partition, s.first_offset",
        values,
    )
    return [DamageSkip(damage_of(row[:10]), *row[10:]) for row in rows]
