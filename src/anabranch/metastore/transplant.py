"""Moving a whole metastore from a file of SQLite into an empty one of any engine: the end of a rebuild."""

from __future__ import annotations

import sqlite3
from itertools import islice
from pathlib import Path

from anabranch.errors import UserFault
from anabranch.metastore import schema
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.schema import quoted
from anabranch.metastore.tx import Tx, is_sqlite

ROWS_AT_ONCE = 5_000  # sent in one go
_NOT_MOVED = frozenset(("migration", "sqlite_sequence"))
# What an empty metastore does not have.
_CONTENTS = ("topic", "consumer_group", "object", "document", "deletion", "scram_credential")


def refuse_unless_empty(tx: Tx) -> None:
    """Raises UserFault if anything is in the metastore that a rebuild would overwrite."""
    for table in _CONTENTS:
        if tx.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone():
            raise UserFault(
                f"the metastore is not empty (it has a {table.replace('_', ' ')}): a rebuild overwrites "
                "nothing, name an empty one"
            )


def file_is_empty(path: Path) -> bool:
    """Whether the file holds a metastore of SQLite with nothing in it, as a first start leaves one."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, factory=SqliteTx)
    try:
        if connection.execute("SELECT count(*) FROM cluster").fetchone() != (1,):
            return False
        refuse_unless_empty(connection)
    except (sqlite3.Error, UserFault):
        return False
    finally:
        connection.close()
    return True


def transplant(tx: Tx, source: Path) -> None:
    """Put all rows of the metastore in ``source`` into this one, which must be empty.

    Raises UserFault if it is not.
    """
    refuse_unless_empty(tx)
    there = schema.tables(tx)
    connection = sqlite3.connect(
        f"{source.absolute().as_uri()}?mode=ro", uri=True, factory=SqliteTx
    )
    try:
        for name, table in schema.tables(connection).items():
            if name in _NOT_MOVED:
                continue
            assert set(table.columns) <= set(there[name].columns), f"{name} has other columns"
            tx.execute(f"DELETE FROM {name}")
            marks = ", ".join("?" * len(table.columns))
            insert = f"INSERT INTO {name} ({quoted(table.columns)}) VALUES ({marks})"
            rows = connection.execute(f"SELECT {quoted(table.columns)} FROM {name}")
            while chunk := list(islice(rows, ROWS_AT_ONCE)):
                tx.executemany(insert, chunk)
    finally:
        connection.close()
    if not is_sqlite(tx):
        _go_on_numbering(tx)


def _go_on_numbering(tx: Tx) -> None:
    """PostgreSQL gives numbers from sequences, which do not see rows that bring their own."""
    numbered = tx.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_identity = 'YES'"
    ).fetchall()
    for table, column in numbered:
        tx.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', '{column}'), "
            f'coalesce((SELECT max("{column}") FROM {table}), 0) + 1, false)'
        )
