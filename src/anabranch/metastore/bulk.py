"""Many rows in few steps.

Every step of a SQLite statement gives up Python's interpreter lock, and beside a busy event loop the
writer thread waits for it up to a switch interval (5 ms) each time. So what counts is not how many
rows a transaction touches but how many steps it takes: the hot verbs put all their rows into one
``VALUES`` list per statement instead of executing it row by row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from sqlite3 import Connection
from typing import Any

import msgspec

# Lists are filled up, so that a handful of prepared statements serves all lengths.
CHUNK_ROWS_MAX = 64

Row = tuple[int | str | bytes | None, ...]


def _filled(rows: int) -> int:
    """1, 2, 4, 8, 16, 24, … 64."""
    return 1 << (rows - 1).bit_length() if rows <= 8 else (rows + 7) & ~7


@lru_cache(maxsize=256)
def _statement(sql: str, rows: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return sql.replace("{values}", ", ".join([row] * rows))


def _executions(sql: str, rows: Sequence[Row]) -> Iterator[tuple[str, list[Any]]]:
    for start in range(0, len(rows), CHUNK_ROWS_MAX):
        chunk = rows[start : start + CHUNK_ROWS_MAX]
        width = len(chunk[0])
        filled = _filled(len(chunk))
        values = [*chain.from_iterable(chunk), *[None] * (width * (filled - len(chunk)))]
        yield _statement(sql, filled, width), values


def write(tx: Connection, sql: str, rows: Sequence[Row]) -> int:
    """Run ``sql``, whose ``{values}`` stands for a list of ``rows``; returns how many it changed.

    The statement must leave out rows of NULLs: the list is filled up with them.
    """
    return sum([tx.execute(*execution).rowcount for execution in _executions(sql, rows)])


def read(tx: Connection, sql: str, rows: Sequence[Row]) -> list[Any]:
    """Run ``sql``, a query for one JSON array over ``{values}``; returns the elements of all arrays."""
    found: list[Any] = []
    for execution in _executions(sql, rows):
        found += msgspec.json.decode(tx.execute(*execution).fetchone()[0])
    return found
