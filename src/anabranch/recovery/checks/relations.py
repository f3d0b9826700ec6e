"""Relations named on a command line: ``sqlite:view.db#daily``, ``truth.arrow``, ``t.parquet``, ``t.csv``."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from anabranch.errors import UserFault
from anabranch.recovery.checks.verify import Relation
from anabranch.recovery.sinks.sqlite import quoted

POSTGRES_CONNECT_S_MAX = 10
POSTGRES_ROWS_AT_ONCE = 5_000  # held in memory at a time


def open_relation(text: str) -> Relation:
    """Open what ``text`` names. ``sqlite:PATH#TABLE`` also takes a staging line's table
    (``daily@r-…``), an SQL view, or a query: ``sqlite:view.db#SELECT …``. Raises UserFault."""
    if text.startswith("sqlite:"):
        path_text, _, table = text.removeprefix("sqlite:").partition("#")
        if not path_text or not table:
            raise UserFault(f"“{text}” does not name a table: write sqlite:PATH#TABLE")
        return sqlite_relation(Path(path_text), table, text)
    if text.startswith(("postgresql://", "postgres://")):
        return postgres_relation(text)
    if text.startswith("parquet:"):
        place, _, table = text.removeprefix("parquet:").partition("#")
        if not place or not table:
            raise UserFault(f"“{text}” does not name a table: write parquet:PLACE#TABLE")
        from anabranch.recovery.sinks.common import LIVE
        from anabranch.recovery.sinks.objects_lines import ParquetLines

        name, _, line = table.partition("@")
        return arrow_relation(ParquetLines(place).read(name, line or LIVE), text)
    if text.startswith("delta:"):
        from anabranch.recovery.sinks.common import LIVE
        from anabranch.recovery.sinks.locations import open_lines

        place, _, line = text.partition("#")
        sink: Any = open_lines(place)  # says what to install where it is missing
        return arrow_relation(sink.read(line or LIVE), text)
    path = Path(text)
    if not path.exists():
        raise UserFault(f"there is no file {path}; a SQLite table is written sqlite:PATH#TABLE")
    try:
        return arrow_relation(_read_arrow(path), text)
    except (OSError, ValueError) as error:
        raise UserFault(f"{path} cannot be read: {error}") from None


def sqlite_relation(path: Path, table: str, name: str) -> Relation:
    """A table, a view or a ``SELECT`` of a SQLite database, read in one consistent snapshot."""
    if not path.exists():
        raise UserFault(f"there is no database {path}")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        query = table if table[:7].upper() == "SELECT " else f"SELECT * FROM {quoted(table)}"
        cursor = connection.execute(query)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UserFault(f"{path}: {error}") from None
    columns = [description[0] for description in cursor.description]

    def rows() -> Iterator[Sequence[Any]]:
        try:
            yield from cursor
        finally:
            connection.close()

    return Relation(name, columns, rows())


def postgres_relation(text: str) -> Relation:
    """A table, a view or a ``SELECT`` of a PostgreSQL database, read in one consistent snapshot."""
    url, _, table = text.partition("#")
    if not table:
        raise UserFault("name a table: postgresql://…#TABLE, or #SELECT …")
    try:
        import psycopg

        from anabranch.recovery.sinks.postgres_server import place
    except ImportError:
        raise UserFault("PostgreSQL needs psycopg: pip install 'anabranch[postgres]'") from None
    where = place(url)
    query = table if table[:7].upper() == "SELECT " else f"SELECT * FROM {where.table(table)}"
    name = f"{where.location}#{table}"
    try:
        connection = psycopg.connect(where.url, connect_timeout=POSTGRES_CONNECT_S_MAX)
    except psycopg.Error as error:
        raise UserFault(f"{where.location}: {error}") from None
    try:
        connection.read_only = True
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        cursor = connection.cursor("anabranch_verify")
        cursor.itersize = POSTGRES_ROWS_AT_ONCE
        cursor.execute(query.encode())
        rows = cursor.fetchmany(1)  # a cursor of the server knows its columns once it was read
        columns = [each.name for each in cursor.description or ()]
    except psycopg.Error as error:
        connection.close()
        raise UserFault(f"{name}: {error}") from None

    def read() -> Iterator[Sequence[Any]]:
        try:
            yield from rows
            yield from cursor
        except psycopg.Error as error:
            raise UserFault(f"{name}: {error}") from None
        finally:
            connection.close()

    return Relation(name, columns, read())


def arrow_relation(table: Any, name: str) -> Relation:
    """A ``pyarrow.Table``."""
    columns = table.column_names
    return Relation(name, columns, zip(*(table[c].to_pylist() for c in columns), strict=True))


def _read_arrow(path: Path) -> Any:
    if path.suffix == ".parquet":
        from pyarrow import parquet

        return parquet.read_table(path)
    if path.suffix in (".arrow", ".feather"):
        from pyarrow import feather

        return feather.read_table(path)
    if path.suffix == ".csv":
        from pyarrow import csv

        return csv.read_csv(path)
    raise UserFault(f"{path}: not one of .arrow, .feather, .parquet, .csv")
