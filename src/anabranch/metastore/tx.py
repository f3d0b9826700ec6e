"""What a verb gets: a transaction of either engine. The portable subset of SQL is written down here.

A verb is a plain function ``verb(tx, …)``. It runs inside a transaction that its engine begins and
ends, and may be run again from the start when the database asks for that, so it changes nothing but
the database. It is written once and runs on SQLite (3.37 and later) and on PostgreSQL (14 and later) if
it keeps to these rules:

- Parameters are ``?``, ``?1`` … or ``:name`` (not mixed in one statement). Values are int, str, bytes
  and None. No literal blobs (``x'…'``); a
  parameter is never asked whether it is NULL (``? IS NULL``): leave the condition out instead.
- Numbers are integers of 64 bits; a truth value is stored as 0 or 1, never compared with TRUE.
- ``max(a, b)`` and ``min(a, b)`` of two integers work on both (NULL if one is NULL); as do ``coalesce``,
  ``length``, CASE, EXISTS, RETURNING, window functions, CTEs, row values, ``LIMIT … OFFSET …``. Not
  ``iif``, ``ifnull``, JSON functions, ``IS`` between two values, PRAGMA, rowid.
- ``INSERT … ON CONFLICT (columns) DO UPDATE``: the columns are named, and in its SET and WHERE a column of
  the table is written ``table.column``. Never ``INSERT OR REPLACE``. A SELECT in front of it ends in
  ``WHERE true``. Double quotes are for the one column whose name PostgreSQL reserves: ``"offset"``.
- A subquery in FROM has an alias (``FROM (SELECT …) AS s``); every column in SELECT and HAVING of a
  GROUP BY query is grouped by or aggregated (``max(p.extents)``).
- Text is compared and sorted by its bytes. Rows come back as tuples, in the order of ORDER BY only.
- Many rows in one statement: :mod:`anabranch.metastore.bulk`.

Concurrency. On SQLite there is one writer at a time. On PostgreSQL all verbs but a few hot ones take one
lock that stands for it, so they too see no other of their kind half done. Beside them run the hot verbs
(``commit_appends``, ``commit_offsets``; :mod:`anabranch.metastore.postgres.hot`), which change only rows
of partitions that they hold locked. So a verb that reads rows of a partition (its own row, extents,
producers) and writes what follows from them calls :func:`lock_partition` before it reads; one that
decides by an object's row calls :func:`lock_object`, and one that changes committed offsets
:func:`lock_group`. On SQLite they do nothing.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from anabranch.metastore.changes import ChangeSet


class Rows(Protocol):
    """The rows of a statement; ``rowcount`` is how many rows it changed."""

    @property
    def rowcount(self) -> int: ...

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Tx(Protocol):
    """An open transaction. ``changed`` collects what others should hear of once it is committed."""

    @property
    def changed(self) -> ChangeSet: ...

    def execute(self, sql: str, parameters: Any = (), /) -> Rows: ...

    def executemany(self, sql: str, rows: Iterable[Any], /) -> Rows: ...


def is_sqlite(tx: Tx) -> bool:
    """For the few places that must know: bulk statements, the engine's own check."""
    return isinstance(tx, sqlite3.Connection)


def lock_partition(tx: Tx, topic_no: int, partition: int) -> None:
    """Until the transaction ends, no other changes any row of this partition."""
    if not is_sqlite(tx):
        tx.execute(
            "SELECT 1 FROM partition WHERE topic_no = ? AND partition = ? FOR NO KEY UPDATE",
            (topic_no, partition),
        )


def lock_topic(tx: Tx, topic_no: int) -> None:
    """As :func:`lock_partition`, for all partitions of a topic, in the order of their numbers."""
    if not is_sqlite(tx):
        tx.execute(
            "SELECT 1 FROM partition WHERE topic_no = ? ORDER BY partition FOR NO KEY UPDATE",
            (topic_no,),
        )


def lock_topic_row(tx: Tx, topic_no: int) -> None:
    """Until the transaction ends, no other commits offsets of the topic."""
    if not is_sqlite(tx):
        tx.execute("SELECT 1 FROM topic WHERE no = ? FOR NO KEY UPDATE", (topic_no,))


def lock_group(tx: Tx, group_id: str) -> None:
    """Until the transaction ends, no other changes a committed offset of this group."""
    if not is_sqlite(tx):
        tx.execute("SELECT 1 FROM consumer_group WHERE group_id = ? FOR NO KEY UPDATE", (group_id,))


def lock_object(tx: Tx, object_no: int) -> None:
    """Until the transaction ends, the object is not collected, or named by one who did not wait."""
    if not is_sqlite(tx):
        tx.execute("SELECT 1 FROM object WHERE no = ? FOR NO KEY UPDATE", (object_no,))


def lock_objects(tx: Tx) -> None:
    """Until the transaction ends, no object is made or changed by another: no append is committed. Those
    that wait see what this one did."""
    if not is_sqlite(tx):
        tx.execute("LOCK TABLE object IN SHARE MODE")


def lock_wal_objects(tx: Tx) -> None:
    """As :func:`lock_object`, for all that appends write to."""
    if not is_sqlite(tx):
        tx.execute("SELECT 1 FROM object WHERE kind = 1 ORDER BY no FOR NO KEY UPDATE")
