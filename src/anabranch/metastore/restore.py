"""Putting journaled rows back into tables: a metastore that is being made anew, in a SQLite file.

Nobody else has the file. Rows come as the journal tells them: whole tables in pieces, then what changed,
entry by entry. A snapshot is read while the metastore is written, so its rows are of different instants;
two may even claim the same name for a moment. The later one stays, and the entries that follow tell both
as they are. Only after the last entry do the invariants of ``metastore/check.py`` hold again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from anabranch.errors import StoreFault
from anabranch.metastore import documents, schema
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.journal import LOCAL, Cell, span_condition
from anabranch.metastore.journal_notes import Noted
from anabranch.metastore.migrate import migrate, shipped
from anabranch.metastore.schema import Table, quoted

# Columns that a replay need not repeat: hints for collection, and signs of life.
UNTOLD: Mapping[str, frozenset[str]] = {
    "broker": frozenset(("heartbeat_ms",)),
    "object": frozenset(("suspect", "unreferenced_ms", "live_bytes")),
}

_CLOSE = """
INSERT OR IGNORE INTO offset_history (group_no, at_ms, seq, topic_no, partition, action, old_offset,
    new_offset, metadata, actor_no)
SELECT group_no, at_ms, seq, topic_no, partition, action, old_offset, "offset", metadata, actor_no
FROM committed t WHERE {where}
"""
_NOT_TWICE = """
DELETE FROM offset_history WHERE (group_no, at_ms, seq) IN (
    SELECT group_no, at_ms, seq FROM committed WHERE group_no = ? AND topic_no = ? AND partition = ?)
"""


class Restoration:
    """A SQLite metastore under construction. One transaction per call."""

    def __init__(
        self, path: Path | str, *, cluster_id: bytes, created_ms: int, schema_number: int
    ) -> None:
        """Start with empty tables, as ``schema_number`` migrations make them."""
        self._path = Path(path)
        self.tx = sqlite3.connect(
            path, isolation_level=None, check_same_thread=False, factory=SqliteTx
        )
        self.tx.execute("PRAGMA journal_mode = MEMORY")
        self.tx.execute("PRAGMA synchronous = OFF")  # made durable as a whole, at the end
        self._cluster_id = cluster_id
        self._created_ms = created_ms
        self.schema_number = 0
        self._tables: dict[str, Table] = {}
        self.grow(schema_number)

    def grow(self, schema_number: int) -> None:
        """Apply migrations up to ``schema_number``, as the metastore did at this point of its life.

        Raises StoreFault if this release does not have them.
        """
        known = shipped()
        if schema_number > len(known):
            raise StoreFault(
                f"the journal is of schema {schema_number}, this version of anabranch knows "
                f"{len(known)}: use the newer version that wrote it",
                retryable=False,
            )
        if schema_number <= self.schema_number:
            return
        migrate(
            self.tx,
            self._path,
            now_ms=self._created_ms,
            new_cluster_id=lambda: self._cluster_id,
            migrations=known[:schema_number],
        )
        self.schema_number = schema_number
        self._tables = schema.tables(self.tx)

    def finish(self) -> None:
        """Make the file durable; what an engine opens."""
        self.tx.execute("PRAGMA synchronous = FULL")
        self.tx.execute("PRAGMA journal_mode = DELETE")
        self.tx.execute("VACUUM")
        fd = os.open(self._path, os.O_RDWR)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        self.tx.close()

    def put(
        self,
        table: str,
        columns: Sequence[str],
        binary: Iterable[str],
        rows: Iterable[Sequence[Cell]],
    ) -> None:
        """Insert rows of a snapshot, or replace those of the same key."""
        with self.tx:
            self.tx.execute("BEGIN")
            self._put(table, columns, binary, rows)

    def apply(
        self,
        gone: Iterable[Noted],
        tables: Iterable[tuple[str, Sequence[str], Iterable[str], Iterable[Sequence[Cell]]]],
    ) -> None:
        """One entry, wholly or not at all: empty the spans, then put in the rows."""
        with self.tx:
            self.tx.execute("BEGIN")
            for span in gone:
                where, values = span_condition(self._tables[span.table], span)
                if span.table == "committed":
                    self.tx.execute(_CLOSE.format(where=where), values)
                self.tx.execute(f"DELETE FROM {span.table} AS t WHERE {where}", values)
            for table, columns, binary, rows in tables:
                self._put(table, columns, binary, rows)

    def _put(
        self,
        table: str,
        columns: Sequence[str],
        binary: Iterable[str],
        rows: Iterable[Sequence[Cell]],
    ) -> None:
        places = [columns.index(column) for column in binary]
        values = [_with_bytes(row, places) for row in rows] if places else rows
        marks = ", ".join("?" * len(columns))
        self.tx.executemany(
            f"INSERT OR REPLACE INTO {table} ({quoted(tuple(columns))}) VALUES ({marks})", values
        )
        if table == "committed":
            key = [columns.index(column) for column in ("group_no", "topic_no", "partition")]
            self.tx.executemany(_NOT_TWICE, [[row[place] for place in key] for row in rows])


def _with_bytes(row: Sequence[Cell], places: Sequence[int]) -> list[Any]:
    cells: list[Any] = list(row)
    for place in places:
        if cells[place] is not None:
            cells[place] = bytes.fromhex(cells[place])
    return cells


def put_document(path: Path, kind: str, document_id: str, body: bytes, now_ms: int) -> None:
    """Put a document into a finished restoration."""
    connection = sqlite3.connect(path, factory=SqliteTx)
    try:
        with connection:
            documents.put_document(connection, kind, document_id, body, now_ms)
            connection.execute("DELETE FROM journal_note")
    finally:
        connection.close()


def told(tx: SqliteTx) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that the journal tells, in one form: equal for two metastores that are equal."""
    contents = {}
    for name, table in schema.tables(tx).items():
        if name in LOCAL:
            continue
        columns = tuple(c for c in table.columns if c not in UNTOLD.get(name, ()))
        rows = tx.execute(
            f"SELECT {quoted(columns)} FROM {name} ORDER BY {quoted(table.key)}"
        ).fetchall()
        if rows:
            contents[name] = rows
    return contents
