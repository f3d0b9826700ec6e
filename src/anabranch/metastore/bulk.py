"""Many rows in few steps.

Every step of a SQLite statement gives up Python's interpreter lock, and beside a busy event loop the
writer thread waits for it up to a switch interval (5 ms) each time; every statement to PostgreSQL is a
round trip. So what counts is not how many rows a transaction touches but how many steps it takes: the
hot verbs put all their rows into one statement instead of executing it row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import msgspec

from anabranch.metastore.arrays import Blobs, Ints, Texts
from anabranch.metastore.tx import Tx, is_sqlite

# SQLite's lists are filled up, so that a handful of prepared statements serves all lengths.
CHUNK_ROWS_MAX = 64

Row = tuple[int | str | bytes | None, ...]

_ARRAYS: dict[str, type[list[Any]]] = {"": Ints, "text": Texts, "bytes": Blobs}


class Statement:
    """A statement about a list of rows; in ``sql``, ``{v}`` stands for the table of them.

    ``columns`` names that table's columns, separated by spaces; one that does not hold integers says so
    (``batches:bytes``, ``metadata:text``). The first column is never NULL. ``sql`` is in the portable
    subset of :mod:`anabranch.metastore.tx`, without parameters of its own: ``… FROM {v} AS v``,
    ``… IN {v}``.
    """

    def __init__(self, columns: str, sql: str, *, sqlite: str | None = None) -> None:
        pairs = [column.partition(":") for column in columns.split()]
        self._v = f"(WITH v ({', '.join(name for name, _, _ in pairs)}) AS ({{}}) SELECT * FROM v)"
        self._row = f"({', '.join('?' * len(pairs))})"
        self._width = len(pairs)
        self._sqlite = sqlite or sql
        self._sqlite_by_rows: dict[int, str] = {}
        self._arrays = [_ARRAYS[kind] for _, _, kind in pairs]
        table = self._v.format(f"SELECT * FROM unnest({', '.join('?' * len(pairs))})")
        self._postgres = sql.replace("{v}", table)

    def _for_sqlite(self, rows: int) -> str:
        statement = self._sqlite_by_rows.get(rows)
        if statement is None:
            values = f"VALUES {', '.join([self._row] * rows)}"
            table = self._v.format(f"SELECT * FROM ({values}) WHERE column1 IS NOT NULL")
            statement = self._sqlite_by_rows[rows] = self._sqlite.replace("{v}", table)
        return statement

    def executions(self, tx: Tx, rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
        """The statements, with their parameters, that do this for all ``rows``."""
        if not is_sqlite(tx):
            if rows:
                columns = zip(*rows, strict=True)
                yield self._postgres, [a(c) for a, c in zip(self._arrays, columns, strict=True)]
            return
        for start in range(0, len(rows), CHUNK_ROWS_MAX):
            chunk = rows[start : start + CHUNK_ROWS_MAX]
            filled = _filled(len(chunk))
            nulls = [None] * (self._width * (filled - len(chunk)))
            yield self._for_sqlite(filled), [*chain.from_iterable(chunk), *nulls]


class Query(Statement):
    """A query of rows of integers (and texts) about a list of rows; ``selected`` names its columns."""

    def __init__(self, columns: str, selected: str, sql: str) -> None:
        array = f"SELECT json_group_array(json_array({selected})) {sql}"
        super().__init__(columns, f"SELECT {selected} {sql}", sqlite=array)


def _filled(rows: int) -> int:
    """1, 2, 4, 8, 16, 24, … 64."""
    return 1 << (rows - 1).bit_length() if rows <= 8 else (rows + 7) & ~7


def write(tx: Tx, statement: Statement, rows: Sequence[Row]) -> int:
    """Run ``statement`` for ``rows``; returns how many rows it changed."""
    return sum([tx.execute(*execution).rowcount for execution in statement.executions(tx, rows)])


def read(tx: Tx, query: Query, rows: Sequence[Row]) -> list[Any]:
    """What ``query`` finds for ``rows``: sequences of its selected columns, in no order."""
    found: list[Any] = []
    for execution in query.executions(tx, rows):
        answer = tx.execute(*execution)
        found += msgspec.json.decode(answer.fetchone()[0]) if is_sqlite(tx) else answer.fetchall()
    return found
