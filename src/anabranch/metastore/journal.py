"""The journal's side of the metastore: what has changed since the last entry, and how far that went.

A reader collects the present state of everything that changed, in one transaction, and whoever ships it
then says so by :func:`shipped`, a compare-and-set of the entry's number: two that ship at the same time
cannot both be accounted for. What was read but not accounted for is simply read again.

Appends cost nothing here. A partition whose ``next_offset`` is not the one of its mark has new extents
from the mark on, and its producers that were active since have an ``updated_ms`` at or after the mark's
``appended_mark`` (``commit_appends`` sees to that). All other verbs note what they change.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from anabranch.metastore import bulk, schema
from anabranch.metastore.journal_notes import Noted
from anabranch.metastore.schema import Table, quoted
from anabranch.metastore.tx import Tx, is_sqlite

NOTES_MAX = 20_000  # in one entry; the rest goes into the next
KEYS_MAX = 250  # rows asked for by key in one statement: within SQLite's limit of parameters
RECENT_MS = 60_000  # producers of partitions that were idle for longer are looked for one by one

# Not journaled: about this database alone, or (cluster) told by every document's head. A secret of brokers
# has no place in a bucket.
LOCAL = frozenset(
    (
        "change",
        "cluster",
        "inner_secret",
        "journal",
        "journal_mark",
        "journal_note",
        "lease",
        "migration",
        "sqlite_sequence",
    )
)

Cell = int | str | None
_notes = msgspec.json.Decoder(list[tuple[int, list[Noted]]])


class JournalState(Struct, frozen=True):
    """How far the journal is. ``(number_epoch, number)`` is the last entry that is accounted for."""

    incarnation: bytes | None
    epoch: int
    number: int
    number_epoch: int
    shipped_ms: int
    snapshot_epoch: int
    snapshot_number: int
    snapshot_ms: int

    @property
    def sound(self) -> bool:
        """Whether a whole snapshot stands under the entries."""
        return self.snapshot_epoch > 0


class TableRows(Struct, frozen=True):
    """Rows of one table; bytes are spelled in hexadecimal."""

    table: Table
    rows: list[list[Cell]]


class Mark(NamedTuple):
    """How far a partition is shipped once what it came with is."""

    topic_no: int
    partition: int
    next_offset: int
    appended_mark: int


class Changes(Struct, frozen=True):
    """What an entry is made of. ``gone`` are spans to be emptied before ``tables`` are put in."""

    state: JournalState
    schema: int
    gone: list[Noted]
    tables: list[TableRows]
    marks: list[Mark]
    notes: list[int]  # numbers of the notes that this takes care of
    more: bool  # there are notes beyond NOTES_MAX
    overflow: bool  # more rows than were asked for: only a snapshot can tell them


def state(tx: Tx) -> JournalState:
    row = tx.execute(
        "SELECT incarnation, epoch, number, number_epoch, shipped_ms, snapshot_epoch, "
        "snapshot_number, snapshot_ms FROM journal"
    ).fetchone()
    return JournalState(*row)


def pending(tx: Tx) -> tuple[int, int]:
    """How many notes and how many partitions wait to be shipped."""
    notes = tx.execute("SELECT count(*) FROM journal_note").fetchone()[0]
    partitions = tx.execute(f"SELECT count(*) FROM partition t {_MOVED}").fetchone()[0]
    return notes, partitions


def take_over(tx: Tx, incarnation: bytes) -> JournalState:
    """Begin to ship: a new, higher epoch. ``incarnation`` (16 bytes) names a metastore without one."""
    assert len(incarnation) == 16
    tx.execute(
        "UPDATE journal SET epoch = epoch + 1, incarnation = coalesce(incarnation, ?)",
        (incarnation,),
    )
    return state(tx)


def reset(tx: Tx, epoch: int, number: int) -> bool:
    """Forget what is to be shipped: a snapshot that begins now tells all of it. False if fenced.

    It stands on ``number``, which no entry has: without that snapshot, the entries behind it name a
    predecessor that is not there, so nobody takes them for the whole story.
    """
    reset = tx.execute(
        "UPDATE journal SET number = ?, number_epoch = epoch, snapshot_epoch = 0, "
        "snapshot_number = 0 WHERE epoch = ?",
        (number, epoch),
    )
    if reset.rowcount != 1:
        return False
    tx.execute("DELETE FROM journal_note")
    tx.execute("DELETE FROM journal_mark")
    tx.execute(
        "INSERT INTO journal_mark (topic_no, partition, next_offset, appended_mark) "
        "SELECT topic_no, partition, next_offset, appended_mark FROM partition"
    )
    return True


def trim(tx: Tx) -> int:
    """Where nothing is shipped, notes must not pile up; returns how many there were."""
    gone = tx.execute("DELETE FROM journal_note").rowcount
    if gone:
        tx.execute("UPDATE journal SET snapshot_epoch = 0, snapshot_number = 0")
    return gone


_SET_MARKS = bulk.Statement(
    "topic_no partition next_offset appended_mark",
    """
INSERT INTO journal_mark (topic_no, partition, next_offset, appended_mark)
SELECT topic_no, partition, next_offset, appended_mark FROM {v} AS v WHERE true
ON CONFLICT (topic_no, partition) DO UPDATE SET
    next_offset = excluded.next_offset, appended_mark = excluded.appended_mark
""",
)
_DROP_NOTES = bulk.Statement("no", "DELETE FROM journal_note WHERE no IN {v}")


def shipped(
    tx: Tx,
    epoch: int,
    before: int,
    number: int,
    marks: Sequence[Mark],
    notes: Sequence[int],
    now_ms: int,
) -> bool:
    """Account for entry ``number``; False if another process ships by now, and nothing happened.

    ``before`` is the number of the state that the entry was made from.
    """
    moved = tx.execute(
        "UPDATE journal SET number = ?, number_epoch = ?, shipped_ms = ? "
        "WHERE epoch = ? AND number = ?",
        (number, epoch, now_ms, epoch, before),
    )
    if moved.rowcount != 1:
        return False
    bulk.write(tx, _SET_MARKS, [(*mark,) for mark in marks])
    bulk.write(tx, _DROP_NOTES, [(no,) for no in notes])
    return True


def snapshot_done(tx: Tx, epoch: int, number: int, now_ms: int) -> bool:
    """A whole snapshot that stands on entry ``number`` is in the bucket. False if fenced."""
    done = tx.execute(
        "UPDATE journal SET snapshot_epoch = ?, snapshot_number = ?, snapshot_ms = ? "
        "WHERE epoch = ?",
        (epoch, number, now_ms, epoch),
    )
    return done.rowcount == 1


# -- reading ---------------------------------------------------------------------------------------
_MOVED = """
LEFT JOIN journal_mark m ON m.topic_no = t.topic_no AND m.partition = t.partition
WHERE (m.next_offset IS NULL OR m.next_offset <> t.next_offset)
"""
# CROSS JOIN keeps SQLite to this order: changed partitions first, then their rows by key.
_MOVED_EXTENTS = """
FROM partition p LEFT JOIN journal_mark m
    ON m.topic_no = p.topic_no AND m.partition = p.partition
CROSS JOIN extent t
WHERE (m.next_offset IS NULL OR m.next_offset <> p.next_offset)
    AND t.topic_no = p.topic_no AND t.partition = p.partition
    AND t.base_offset >= coalesce(m.next_offset, 0)
"""
_ACTIVE_PRODUCERS = """
FROM producer t JOIN partition p ON p.topic_no = t.topic_no AND p.partition = t.partition
JOIN journal_mark m ON m.topic_no = t.topic_no AND m.partition = t.partition
WHERE t.updated_ms >= ?1 AND m.appended_mark >= ?1 AND m.next_offset <> p.next_offset
    AND t.updated_ms >= m.appended_mark
"""
_WOKEN_PRODUCERS = """
FROM partition p LEFT JOIN journal_mark m
    ON m.topic_no = p.topic_no AND m.partition = p.partition
CROSS JOIN producer t
WHERE (m.next_offset IS NULL OR m.next_offset <> p.next_offset)
    AND coalesce(m.appended_mark, 0) < ?1
    AND t.topic_no = p.topic_no AND t.partition = p.partition
    AND t.updated_ms >= coalesce(m.appended_mark, 0)
"""


def schema_number(tx: Tx) -> int:
    """How many migrations the database has."""
    number: int = tx.execute("SELECT max(number) FROM migration").fetchone()[0]
    return number


class SchemaCache:
    """The journaled tables, read again when a migration has been applied meanwhile."""

    def __init__(self) -> None:
        self._number = -1
        self._tables: dict[str, Table] = {}

    def tables(self, tx: Tx) -> tuple[int, dict[str, Table]]:
        """(how many migrations the database has, tables by name)"""
        number = schema_number(tx)
        if number != self._number:
            found = schema.tables(tx)
            self._tables = {name: table for name, table in found.items() if name not in LOCAL}
            self._number = number
        return number, self._tables


def read_rows(tx: Tx, table: Table, rest: str, parameters: Sequence[Any] = ()) -> list[list[Cell]]:
    """Rows of ``table`` (alias t) as ``rest`` (from FROM on) selects them, bytes in hexadecimal.

    On SQLite in a single step, see :mod:`anabranch.metastore.bulk`.
    """
    if is_sqlite(tx):
        cells = ", ".join(
            f'CASE WHEN t."{name}" IS NOT NULL THEN lower(hex(t."{name}")) END'
            if name in table.binary
            else f't."{name}"'
            for name in table.columns
        )
        inner = f"SELECT json_array({cells}) AS line {rest}"
        sql = f"SELECT json_group_array(json(line)) FROM ({inner})"
        found: list[list[Cell]] = msgspec.json.decode(tx.execute(sql, parameters).fetchone()[0])
        return found
    cells = ", ".join(
        f"encode(t.\"{name}\", 'hex')" if name in table.binary else f't."{name}"'
        for name in table.columns
    )
    return [list(row) for row in tx.execute(f"SELECT {cells} {rest}", parameters)]


def changes(
    tx: Tx, cache: SchemaCache, rows_max: int, now_ms: int, wal_known: Mapping[int, int]
) -> Changes | None:
    """Everything that is to be shipped, or None.

    ``wal_known`` is how many bytes of which WAL object this process has told before.
    """
    number, tables = cache.tables(tx)
    collected = _Collected(tables)
    at = state(tx)
    noted = _read_notes(tx)
    partition = tables["partition"]
    moved = read_rows(tx, partition, f"FROM partition t {_MOVED} LIMIT ?1", (rows_max,))
    if not noted and not moved:
        return None
    marks = _marks(partition, moved)
    starts = _starts(tx) if moved else {}
    collected.put(partition, moved)
    for mark in marks:
        key = (mark.topic_no, mark.partition)
        collected.gone.append(Noted("extent", key, (starts.get(key, 0),)))
    if moved:
        _collect_appended(tx, collected, rows_max, now_ms)
    collected.read_spans(tx, _distinct(noted), rows_max)
    _collect_objects(tx, collected, wal_known)
    collected.put(tables["counter"], read_rows(tx, tables["counter"], "FROM counter t"))
    return Changes(
        at,
        number,
        collected.gone,
        collected.table_rows(),
        marks,
        [no for no, _ in noted],
        len(noted) == NOTES_MAX,
        len(moved) == rows_max or collected.rows > rows_max,
    )


class _Collected:
    """Rows by table and key, each once: two spans may share some."""

    def __init__(self, tables: dict[str, Table]) -> None:
        self.tables = tables
        self.gone: list[Noted] = []
        self.rows = 0
        self._rows: dict[str, dict[tuple[int | str, ...], list[Cell]]] = {}

    def put(self, table: Table, rows: Iterable[list[Cell]]) -> None:
        into = self._rows.setdefault(table.name, {})
        before = len(into)
        for row in rows:
            into[table.key_of(row)] = row
        self.rows += len(into) - before

    def column(self, table: str, column: str) -> set[Cell]:
        place = self.tables[table].columns.index(column)
        return {row[place] for row in self._rows.get(table, {}).values()}

    def read_spans(self, tx: Tx, spans: Iterable[Noted], rows_max: int) -> None:
        """Single rows are asked for together, in few steps; spans of several one by one."""
        single: dict[str, list[tuple[int | str, ...]]] = {}
        for span in spans:
            if len(span.key) == len(self.tables[span.table].key):
                single.setdefault(span.table, []).append(span.key)
                self.gone.append(span)
            else:
                self._read_span(tx, span, rows_max)
        for name, keys in single.items():
            self.read_keys(tx, self.tables[name], keys)

    def read_keys(self, tx: Tx, table: Table, keys: Sequence[tuple[Cell, ...]]) -> None:
        """Rows by their whole keys."""
        columns, row = quoted(table.key, "t."), f"({', '.join('?' * len(table.key))})"
        for start in range(0, len(keys), KEYS_MAX):
            chunk = keys[start : start + KEYS_MAX]
            values = ", ".join([row] * len(chunk))
            listed = f"SELECT * FROM (VALUES {values})" if is_sqlite(tx) else values
            rest = f"FROM {table.name} t WHERE ({columns}) IN ({listed})"
            self.put(table, read_rows(tx, table, rest, [*chain.from_iterable(chunk)]))

    def _read_span(self, tx: Tx, span: Noted, rows_max: int) -> None:
        table = self.tables[span.table]
        where, values = span_condition(table, span)
        rows = read_rows(
            tx, table, f"FROM {table.name} t WHERE {where} LIMIT {rows_max + 1}", values
        )
        self.put(table, rows)
        if not span.kept:
            self.gone.append(span)

    def table_rows(self) -> list[TableRows]:
        return [
            TableRows(self.tables[name], list(rows.values()))
            for name, rows in self._rows.items()
            if rows
        ]


def span_condition(table: Table, span: Noted) -> tuple[str, list[int | str]]:
    """SQL (over alias t) and its values for the rows of a span."""
    terms = [f't."{column}" = ?' for column in table.key[: len(span.key)]]
    values: list[int | str] = list(span.key)
    rest = table.key[len(span.key) :]
    for bound, operator in ((span.low, ">="), (span.high, "<=")):
        if bound is None:
            continue
        columns = quoted(rest[: len(bound)], "t.")
        marks = ", ".join("?" * len(bound))
        terms.append(f"({columns}) {operator} ({marks})")
        values += bound
    return " AND ".join(terms) or "true", values


def _read_notes(tx: Tx) -> list[tuple[int, list[Noted]]]:
    if is_sqlite(tx):
        text = tx.execute(
            "SELECT json_group_array(json_array(no, json(spans))) FROM "
            "(SELECT no, spans FROM journal_note ORDER BY no LIMIT ?)",
            (NOTES_MAX,),
        ).fetchone()[0]
        return _notes.decode(text)
    rows = tx.execute("SELECT no, spans FROM journal_note ORDER BY no LIMIT ?", (NOTES_MAX,))
    return [(no, msgspec.json.decode(spans, type=list[Noted])) for no, spans in rows]


def _distinct(noted: Iterable[tuple[int, list[Noted]]]) -> list[Noted]:
    """Each span once. Of those that only differ in where they begin and have no end, the first holds all
    others: every commit of a group notes one, and read one by one they cost the square of the commits
    since the last entry. (Only numbers are compared: how text is ordered is the database's business.)
    """
    found: dict[object, Noted] = {}
    for _, spans in noted:
        for span in spans:
            low = span.low
            if low is None or span.high is not None or not all(isinstance(n, int) for n in low):
                found.setdefault(span, span)
                continue
            alike = (span.table, span.key, span.kept, len(low))
            first = found.get(alike)
            if first is None or low < first.low:  # type: ignore[operator]
                found[alike] = span
    return list(found.values())


def _marks(partition: Table, rows: Iterable[list[Cell]]) -> list[Mark]:
    places = [partition.columns.index(field) for field in Mark._fields]
    return [Mark(*(row[place] for place in places)) for row in rows]  # type: ignore[arg-type]


def _starts(tx: Tx) -> dict[tuple[int, int], int]:
    """Where the new extents of each changed partition begin."""
    columns = "m.topic_no, m.partition, m.next_offset"
    rest = (
        "FROM journal_mark m JOIN partition p ON p.topic_no = m.topic_no "
        "AND p.partition = m.partition WHERE m.next_offset <> p.next_offset"
    )
    if is_sqlite(tx):
        text = tx.execute(f"SELECT json_group_array(json_array({columns})) {rest}").fetchone()[0]
        rows = msgspec.json.decode(text)
    else:
        rows = tx.execute(f"SELECT {columns} {rest}").fetchall()
    return {(topic_no, number): offset for topic_no, number, offset in rows}


def _collect_appended(tx: Tx, collected: _Collected, rows_max: int, now_ms: int) -> None:
    extent, producer = collected.tables["extent"], collected.tables["producer"]
    collected.put(extent, read_rows(tx, extent, f"{_MOVED_EXTENTS} LIMIT ?1", (rows_max + 1,)))
    recent = now_ms - RECENT_MS
    for rest in (_ACTIVE_PRODUCERS, _WOKEN_PRODUCERS):
        rows = read_rows(tx, producer, f"{rest} LIMIT ?2", (recent, rows_max + 1))
        collected.put(producer, rows)


def _collect_objects(tx: Tx, collected: _Collected, wal_known: Mapping[int, int]) -> None:
    """WAL objects that grew, and whatever the extents of this entry name: so no extent comes before
    its object, whoever created that and when."""
    table = collected.tables["object"]
    no, length = table.columns.index("no"), table.columns.index("bytes")
    present = read_rows(tx, table, "FROM object t WHERE t.kind = 1")
    collected.put(table, [row for row in present if wal_known.get(row[no]) != row[length]])  # type: ignore[arg-type]
    named = collected.column("extent", "object_no") - {row[no] for row in present}
    collected.read_keys(tx, table, [(one,) for one in named])


def chunk(
    tx: Tx, cache: SchemaCache, name: str, after: Sequence[int | str] | None, limit: int
) -> TableRows:
    """Up to ``limit`` rows of a table in the order of its key, those behind the key ``after``."""
    table = cache.tables(tx)[1][name]
    order = quoted(table.key, "t.")
    where, values = "true", []
    if after is not None:
        where, values = f"({order}) > ({', '.join('?' * len(after))})", list(after)
    rest = f"FROM (SELECT * FROM {table.name} t WHERE {where} ORDER BY {order} LIMIT {limit}) t"
    rows = read_rows(tx, table, rest, values)
    places = table.key_places
    rows.sort(key=lambda row: tuple(row[place] for place in places))
    return TableRows(table, rows)
