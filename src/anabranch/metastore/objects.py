"""Objects that hold the bytes of extents, and their collection.

An object is *suspect* from its creation and again after any extent left it. A collection pass looks
at suspects only: those that an extent names are cleared, the others are stamped and returned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anabranch.errors import StoreFault
from anabranch.metastore import wal_floor
from anabranch.metastore.journal_notes import note
from anabranch.metastore.tx import Tx, lock_object, lock_wal_objects
from anabranch.metastore.values import ObjectCounts, ObjectKind, ObjectRow

EXAMINE_MAX = 10_000  # suspects looked at in one transaction
DELETIONS_MAX = 100_000  # lines kept in the deletion log
# … and all of the last hour: while its line is there, a commit that names a collected object is refused,
# so a writer may stall for so long between its write and its commit, however much is collected meanwhile.
DELETIONS_KEPT_MS = 3_600_000

_COLUMNS = "no, key, kind, form, bytes, created_ms, unreferenced_ms"
# By the number in the form column; what lies in the WAL has kind = 1, and wal = 1 in its extents.
FORMS = (ObjectKind.SEGMENT, ObjectKind.PACK, ObjectKind.QUARANTINE)

# An extent left these objects: look at them again. ``{}`` stands for the condition that picks them.
SUSPECT = (
    "UPDATE object SET suspect = 1, live_bytes = NULL "
    "WHERE (suspect = 0 OR live_bytes IS NOT NULL) AND {}"
)


def kind_from(wal: int, form: int) -> ObjectKind:
    return ObjectKind.WAL if wal else FORMS[form]


def _object(row: tuple[Any, ...]) -> ObjectRow:
    no, key, wal, form, length, created_ms, unreferenced_ms = row
    return ObjectRow(no, key, kind_from(wal, form), length, created_ms, unreferenced_ms)


def _insert(tx: Tx, key: str, kind: ObjectKind, length: int, now_ms: int) -> int:
    """I3: a key whose object was collected must not come back, its bytes may vanish at any moment."""
    if tx.execute("SELECT 1 FROM deletion WHERE key = ?", (key,)).fetchone():
        raise StoreFault(f"object {key} was collected and cannot be used again", retryable=False)
    wal = kind is ObjectKind.WAL
    row = tx.execute(
        "INSERT INTO object (key, kind, form, bytes, created_ms) VALUES (?, ?, ?, ?, ?) RETURNING no",
        (key, int(wal), 0 if wal else FORMS.index(kind), length, now_ms),
    ).fetchone()
    no: int = row[0]
    return no


def register_wal_object(tx: Tx, key: str, written: int, now_ms: int) -> int:
    """The number of a WAL object that is written up to byte ``written``; created on first use.

    Exactly: a rebuild takes the flushes that begin below it for judged, and those behind it for new.
    Raises StoreFault.
    """
    wal_floor.check_object(tx, key)
    row = tx.execute(
        "UPDATE object SET bytes = max(bytes, ?) WHERE key = ? AND kind = 1 "
        "RETURNING no, unreferenced_ms",
        (written, key),
    ).fetchone()
    if row is None:
        return _insert(tx, key, ObjectKind.WAL, written, now_ms)
    no: int = row[0]
    if row[1] is not None:  # seldom: a column of an index, which each flush would write otherwise
        tx.execute("UPDATE object SET unreferenced_ms = NULL WHERE no = ?", (no,))
    return no


def create_object(tx: Tx, key: str, kind: ObjectKind, now_ms: int) -> int:
    if tx.execute("SELECT 1 FROM object WHERE key = ?", (key,)).fetchone():
        raise StoreFault(f"object {key} is named already", retryable=False)
    no = _insert(tx, key, kind, 0, now_ms)
    note(tx, ("object", (no,)))
    return no


def kind_of(tx: Tx, object_no: int) -> ObjectKind | None:
    """None if there is no such object, or no longer."""
    row = tx.execute("SELECT kind, form FROM object WHERE no = ?", (object_no,)).fetchone()
    return kind_from(*row) if row else None


def name_again(tx: Tx, object_no: int, length: int) -> None:
    """An extent names the object from now on; it is at least ``length`` bytes long. A pack that was measured
    before is measured again: without this it would count as empty for ever."""
    tx.execute(
        "UPDATE object SET bytes = max(bytes, ?), unreferenced_ms = NULL, live_bytes = NULL "
        "WHERE no = ?",
        (length, object_no),
    )


def objects_without_extents(
    tx: Tx, now_ms: int, created_before_ms: int, limit: int
) -> list[ObjectRow]:
    lock_wal_objects(tx)
    suspects = tx.execute(
        "SELECT no, EXISTS (SELECT 1 FROM extent WHERE object_no = o.no) FROM object o "
        "WHERE suspect = 1 AND unreferenced_ms IS NULL AND created_ms < ? "
        "ORDER BY created_ms LIMIT ?",
        (created_before_ms, EXAMINE_MAX),
    ).fetchall()
    tx.executemany(
        "UPDATE object SET suspect = 0 WHERE no = ?", [(no,) for no, named in suspects if named]
    )
    tx.executemany(
        "UPDATE object SET unreferenced_ms = ? WHERE no = ?",
        [(now_ms, no) for no, named in suspects if not named],
    )
    rows = tx.execute(
        f"SELECT {_COLUMNS} FROM object WHERE suspect = 1 AND unreferenced_ms IS NOT NULL "
        "AND created_ms < ? ORDER BY unreferenced_ms LIMIT ?",
        (created_before_ms, limit),
    )
    return [_object(row) for row in rows]


def wal_objects(tx: Tx) -> list[ObjectRow]:
    rows = tx.execute(f"SELECT {_COLUMNS} FROM object WHERE kind = 1 ORDER BY no")
    return [_object(row) for row in rows]


def forget_object(tx: Tx, object_no: int, reason: str, now_ms: int) -> bool:
    lock_object(tx, object_no)
    row = tx.execute(
        "DELETE FROM object WHERE no = ? "
        "AND NOT EXISTS (SELECT 1 FROM extent WHERE object_no = ?) RETURNING key, kind",
        (object_no, object_no),
    ).fetchone()
    if row is None:
        return False
    key, wal = row
    # A file of the WAL is recycled instead; one that nobody knows is found by its owner.
    line = tx.execute(
        "INSERT INTO deletion (key, reason, at_ms, pending) VALUES (?, ?, ?, ?) RETURNING seq",
        (key, reason, now_ms, 0 if wal else 1),
    ).fetchone()
    old = tx.execute(
        "DELETE FROM deletion WHERE seq <= ? AND pending = 0 AND at_ms < ? RETURNING seq",
        (line[0] - DELETIONS_MAX, now_ms - DELETIONS_KEPT_MS),
    ).fetchall()
    note(tx, ("object", (object_no,)), *[("deletion", (seq,)) for (seq,) in (line, *old)])
    return True


def pending_deletions(tx: Tx, limit: int) -> list[str]:
    rows = tx.execute("SELECT key FROM deletion WHERE pending = 1 ORDER BY seq LIMIT ?", (limit,))
    return [key for (key,) in rows]


def confirm_deletions(tx: Tx, keys: Sequence[str]) -> None:
    for key in keys:
        row = tx.execute(
            "UPDATE deletion SET pending = 0 WHERE key = ? RETURNING seq", (key,)
        ).fetchone()
        if row is not None:
            note(tx, ("deletion", (row[0],)))


def object_counts(tx: Tx) -> ObjectCounts:
    counts = dict.fromkeys(ObjectKind, 0)
    for wal, form, count in tx.execute(
        "SELECT kind, form, count(*) FROM object GROUP BY kind, form"
    ):
        counts[kind_from(wal, form)] += count
    return ObjectCounts(
        counts[ObjectKind.WAL],
        counts[ObjectKind.SEGMENT],
        counts[ObjectKind.PACK],
        counts[ObjectKind.QUARANTINE],
    )


def deletions(tx: Tx, limit: int) -> list[tuple[str, str, int]]:
    return tx.execute(
        "SELECT key, reason, at_ms FROM deletion ORDER BY seq DESC LIMIT ?", (limit,)
    ).fetchall()
