"""The tables as the database itself describes them: for what treats every table alike."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from anabranch.metastore.tx import Tx, is_sqlite

# Rows are told apart by these columns where the primary key is a mere number without a meaning.
_NATURAL_KEYS = {"document": ("kind", "id")}

_SQLITE = """
SELECT m.name, c.name, c.type = 'BLOB', c.pk FROM sqlite_schema m
JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
ORDER BY m.name, c.cid
"""

_POSTGRES = """
SELECT c.relname, a.attname, CAST(a.atttypid = 17 AS int),
    coalesce(array_position(CAST(i.indkey AS int2[]), a.attnum) + 1, 0)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
WHERE c.relkind = 'r' AND c.relnamespace = CAST(current_schema() AS regnamespace)
ORDER BY c.relname, a.attnum
"""


class Table:
    """A table's columns in order, those of its key in theirs, and which of them hold bytes."""

    def __init__(
        self, name: str, columns: tuple[str, ...], key: tuple[str, ...], binary: frozenset[str]
    ) -> None:
        self.name = name
        self.columns = columns
        self.key = key
        self.binary = binary

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        return tuple(self.columns.index(column) for column in self.key)

    def key_of(self, row: list[int | str | None]) -> tuple[int | str, ...]:
        """The key of a row of all columns."""
        return tuple(row[place] for place in self.key_places)  # type: ignore[misc]


class _Column(NamedTuple):
    table: str
    name: str
    binary: int
    key_place: int


def tables(tx: Tx) -> dict[str, Table]:
    """Every table, by name."""
    columns = [_Column(*row) for row in tx.execute(_SQLITE if is_sqlite(tx) else _POSTGRES)]
    by_table: dict[str, list[_Column]] = {}
    for column in columns:
        by_table.setdefault(column.table, []).append(column)
    found = {}
    for name, parts in by_table.items():
        in_key = sorted((part for part in parts if part.key_place), key=lambda one: one.key_place)
        found[name] = Table(
            name,
            tuple(part.name for part in parts),
            _NATURAL_KEYS.get(name) or tuple(part.name for part in in_key),
            frozenset(part.name for part in parts if part.binary),
        )
    return found


def quoted(columns: tuple[str, ...], prefix: str = "") -> str:
    """A list of column names; ``offset`` is a word of PostgreSQL's own."""
    return ", ".join(f'{prefix}"{column}"' for column in columns)
