"""Reads for whoever compares the metastore with what lies in bucket and WAL."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from anabranch.metastore import bulk
from anabranch.metastore.objects import kind_from
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Extent, ObjectKind


class KnownObject(Struct, frozen=True):
    """An object's row. ``named``: an extent lies in it; ``named_bytes``: up to where at least."""

    no: int
    key: str
    kind: ObjectKind
    created_ms: int
    named: bool
    named_bytes: int


class Naming(Struct, frozen=True):
    """An extent, and whose it is."""

    topic_no: int
    topic: str
    partition: int
    extent: Extent


_BY_KEY = bulk.Query("key:text", "o.key, o.no", "FROM object o WHERE o.key IN {v}")
_GOING = bulk.Query("key:text", "d.key, d.pending", "FROM deletion d WHERE d.key IN {v}")


def known_keys(tx: Tx, keys: Sequence[str]) -> dict[str, int]:
    """Which of ``keys`` are objects of the metastore, with their numbers."""
    return dict(bulk.read(tx, _BY_KEY, [(key,) for key in keys]))


def collected_keys(tx: Tx, keys: Sequence[str]) -> dict[str, bool]:
    """Which of ``keys`` the deletion log has; True: their bytes are still to be deleted."""
    found = bulk.read(tx, _GOING, [(key,) for key in keys])
    return {key: bool(pending) for key, pending in found}


def objects_after(tx: Tx, no: int, limit: int) -> list[KnownObject]:
    """Objects with a number above ``no``, in the order of their numbers."""
    rows = tx.execute(
        "SELECT o.no, o.key, o.kind, o.form, o.created_ms, "
        "coalesce((SELECT max(e.position + e.length) FROM extent e WHERE e.object_no = o.no), -1) "
        "FROM object o WHERE o.no > ? ORDER BY o.no LIMIT ?",
        (no, limit),
    )
    return [
        KnownObject(number, key, kind_from(wal, form), created_ms, end >= 0, max(0, end))
        for number, key, wal, form, created_ms, end in rows
    ]


def extents_in(tx: Tx, object_no: int, limit: int) -> list[Naming]:
    """Extents of living and deleted topics that lie in an object, by where they lie."""
    rows = tx.execute(
        "SELECT e.topic_no, t.name, e.partition, e.base_offset, e.last_offset, e.object_no, o.key, "
        "o.kind, o.form, e.position, e.length, e.records, e.max_timestamp, e.appended_ms, "
        "e.leader_epoch FROM extent e JOIN object o ON o.no = e.object_no "
        "JOIN topic t ON t.no = e.topic_no WHERE e.object_no = ? "
        "ORDER BY e.position, e.topic_no LIMIT ?",
        (object_no, limit),
    )
    return [_naming(row) for row in rows]


def _naming(row: tuple[Any, ...]) -> Naming:
    topic_no, topic, partition, base, last, no, key, wal, form, *rest = row
    extent = Extent(base, last, no, key, kind_from(wal, form), *rest)
    return Naming(topic_no, topic, partition, extent)
