"""The two places of an effects ledger, behind one small face: a SQLite file, a schema of PostgreSQL."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from anabranch.errors import StoreFault, UserFault

Row = tuple[Any, ...]

BUSY_TIMEOUT_S = 30.0  # processes of one group share a ledger file and take turns in it


class Statements(Protocol):
    """Runs statements written with ``?``; returns the rows, and how many were changed."""

    def __call__(self, sql: str, parameters: Sequence[Any] = ()) -> tuple[list[Row], int]: ...


class Database(Protocol):
    """A place for tables. ``location`` opens it again and holds no password."""

    location: str

    def transaction(self) -> AbstractContextManager[Statements]:
        """A write transaction; durable when its block has ended. Raises StoreFault."""
        ...

    def close(self) -> None: ...


def open_database(location: str, schema_sql: str, *, create: bool) -> Database:
    """Open a path or ``postgresql://…``. Raises UserFault if it is not there and not to be made."""
    if location.partition(":")[0] in ("postgresql", "postgres"):
        try:
            import psycopg  # noqa: F401
        except ImportError:
            raise UserFault(
                "a ledger on PostgreSQL needs psycopg: pip install 'anabranch[postgres]'"
            ) from None
        return PostgresDatabase(location, schema_sql, create)
    return SqliteDatabase(Path(location.removeprefix("sqlite:")), schema_sql, create)


class SqliteDatabase:
    """One file, synced at every commit."""

    def __init__(self, path: Path, schema_sql: str, create: bool) -> None:
        self.location = str(path.absolute())
        if not create and not path.exists():
            raise UserFault(f"there is no ledger at {path}")
        try:
            self._connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            if create:
                self._connection.executescript(schema_sql)
            self._connection.execute("SELECT 1 FROM anabranch_effects LIMIT 1")
        except sqlite3.DatabaseError as error:
            raise UserFault(f"{path} is not an effects ledger: {error}") from None

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        connection = self._connection

        def run(sql: str, parameters: Sequence[Any] = ()) -> tuple[list[Row], int]:
            cursor = connection.execute(sql, parameters)
            return cursor.fetchall(), cursor.rowcount

        try:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield run
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise StoreFault(f"the ledger {self.location}: {error}") from error

    def close(self) -> None:
        self._connection.close()


class PostgresDatabase:
    """The schema that the URL names (``public`` by default)."""

    def __init__(self, location: str, schema_sql: str, create: bool) -> None:
        from anabranch.recovery.sinks import postgres_server as server

        self._server = server
        self._where = server.place(location)
        self.location = self._where.location
        self._connection = server.connect(self._where)
        with (
            server.transaction(self._connection, self._where),
            server.translated(self._where),
        ):
            if create:
                server.create_schema(self._connection, self._where)
            there = server.relation(self._connection, self._where, "anabranch_effects")
            if create and not there:
                self._connection.execute(f"SET LOCAL search_path = {self._schema}")
                self._connection.execute(schema_sql)
            elif not there:
                raise UserFault(f"there is no ledger at {self.location}")
        with server.translated(self._where):
            self._connection.execute(f"SET search_path = {self._schema}")

    @property
    def _schema(self) -> str:
        from anabranch.recovery.sinks.common import quoted

        return quoted(self._where.schema)

    @contextmanager
    def transaction(self) -> Iterator[Statements]:
        connection = self._connection

        def run(sql: str, parameters: Sequence[Any] = ()) -> tuple[list[Row], int]:
            plain = [each.value if isinstance(each, StrEnum) else each for each in parameters]
            cursor = connection.execute(sql.replace("?", "%s"), plain)
            return (cursor.fetchall() if cursor.description else []), cursor.rowcount

        with (
            self._server.transaction(connection, self._where),
            self._server.translated(self._where),
        ):
            yield run

    def close(self) -> None:
        self._connection.close()
