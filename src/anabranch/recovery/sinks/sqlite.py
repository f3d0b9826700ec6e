"""A SQLite sink that cannot do the same work twice.

Every transaction writes the effects of a batch *and* the next offset of each partition that caused
them; a crash leaves both or neither. Before an effect is computed the sink is asked whether the
record is new (*check before effect*), and what it turned away is counted per partition in the same
transaction.

The sink holds *lines*: the live one, and any number of staging lines that a replay fills beside it.
A line is a set of tables with offsets of its own; ``lines.py`` stages, promotes and undoes them.

    sink = SqliteSink.open("view.db", {"daily": "carrier TEXT PRIMARY KEY, flights INTEGER"}, sources)
    with sink.transaction() as tx:
        for message in batch:
            if tx.fresh(message.topic(), message.partition(), message.offset()):
                tx.execute(f"INSERT INTO {tx.table('daily')} …", …)

Two writers of one line would overwrite each other's offsets, so the one that opened it last fences
the others off: their next transaction raises :class:`Fenced` before it has any effect.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.sinks.common import LIVE as LIVE
from anabranch.recovery.sinks.common import Fenced as Fenced
from anabranch.recovery.sinks.common import SinkOffset as SinkOffset
from anabranch.recovery.sinks.common import Tally
from anabranch.recovery.sinks.common import quoted as quoted
from anabranch.recovery.sinks.common import table_name as table_name
from anabranch.recovery.sinks.source import Source

BUSY_TIMEOUT_S = 30.0  # a staging replay and the live processor take turns in one file

_SCHEMA = """
CREATE TABLE IF NOT EXISTS anabranch_epochs (epoch INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE IF NOT EXISTS anabranch_lines (
    line TEXT PRIMARY KEY, epoch INTEGER NOT NULL, opened_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS anabranch_tables (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS anabranch_offsets (
    line TEXT NOT NULL, cluster_id TEXT NOT NULL, topic_id TEXT NOT NULL, partition INTEGER NOT NULL,
    topic TEXT NOT NULL,
    next_offset INTEGER NOT NULL,
    applied INTEGER NOT NULL,     -- records whose effects are in this line's tables
    suppressed INTEGER NOT NULL,  -- records turned away because their effects were there already
    skipped INTEGER NOT NULL,     -- offsets passed over that were never delivered (gaps)
    updated_ms INTEGER NOT NULL,
    PRIMARY KEY (line, cluster_id, topic_id, partition)
);
"""


class Transaction:
    """The effects of one batch. Nothing of it is visible before the ``with`` block ends well."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        line: str,
        tables: Mapping[str, str],
        sources: Mapping[str, Source],
    ) -> None:
        self._connection = connection
        self._line = line
        self._tables = tables
        self._tally = Tally(sources, self._load)

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied.

        Records of a partition must be offered in offset order, as a consumer delivers them.
        """
        return self._tally.fresh(topic, partition, offset)

    def table(self, name: str) -> str:
        """The quoted name of this line's table; use it in SQL instead of the plain name."""
        return self._tables[name]

    def execute(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> sqlite3.Cursor:
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> sqlite3.Cursor:
        return self._connection.executemany(sql, rows)

    def _load(self, source: Source, partition: int) -> int | None:
        row = self._connection.execute(
            "SELECT next_offset FROM anabranch_offsets"
            " WHERE line = ? AND cluster_id = ? AND topic_id = ? AND partition = ?",
            (self._line, source.cluster_id, source.topic_id, partition),
        ).fetchone()
        return None if row is None else int(row[0])

    def _write_offsets(self, now_ms: int) -> None:
        rows = [
            (
                self._line, each.source.cluster_id, each.source.topic_id, each.partition,
                each.source.topic, each.next_offset, each.applied, each.suppressed, each.skipped,
                now_ms,
            )
            for each in self._tally.counted()
        ]  # fmt: skip
        self._connection.executemany(
            "INSERT INTO anabranch_offsets (line, cluster_id, topic_id, partition, topic,"
            " next_offset, applied, suppressed, skipped, updated_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (line, cluster_id, topic_id, partition) DO UPDATE SET"
            " next_offset = excluded.next_offset, applied = applied + excluded.applied,"
            " suppressed = suppressed + excluded.suppressed, skipped = skipped + excluded.skipped,"
            " updated_ms = excluded.updated_ms",
            rows,
        )


class SqliteSink:
    """One writer of one line of a sink database."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        line: str,
        epoch: int,
        tables: Mapping[str, str],
        sources: Mapping[str, Source],
        clock_ms: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._line = line
        self._epoch = epoch
        self._tables = tables
        self._sources = sources
        self._clock_ms = clock_ms

    @classmethod
    def open(
        cls,
        path: Path | str,
        tables: Mapping[str, str],
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> SqliteSink:
        """Open ``line`` for writing, creating what is missing; fences off its former writer.

        ``tables`` are name → column definitions; ``sources`` are the identities of the topics as
        the consumer names them. Raises UserFault if a table exists with other columns.
        """
        connection = connect(path)
        with immediate(connection):
            for name, body in tables.items():
                known = connection.execute(
                    "SELECT body FROM anabranch_tables WHERE name = ?", (name,)
                ).fetchone()
                if known and known[0] != body:
                    raise UserFault(
                        f"{path}: table “{name}” was created with other columns; "
                        "use another file, or drop the old one first"
                    )
                connection.execute(
                    "INSERT OR IGNORE INTO anabranch_tables VALUES (?, ?)", (name, body)
                )
                connection.execute(
                    f"CREATE TABLE IF NOT EXISTS {quoted(table_name(name, line))} ({body})"
                )
            epoch = next_epoch(connection, line, clock_ms())
        names = {name: quoted(table_name(name, line)) for name in tables}
        return cls(connection, line, epoch, names, dict(sources), clock_ms)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Effects and offsets, wholly or not at all. Raises :class:`Fenced`."""
        connection = self._connection
        with immediate(connection):
            row = connection.execute(
                "SELECT epoch FROM anabranch_lines WHERE line = ?", (self._line,)
            ).fetchone()
            if row is None or row[0] != self._epoch:
                raise Fenced(self._line)
            transaction = Transaction(connection, self._line, self._tables, self._sources)
            yield transaction
            transaction._write_offsets(self._clock_ms())

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        source = self._sources[topic]
        row = self._connection.execute(
            "SELECT next_offset FROM anabranch_offsets"
            " WHERE line = ? AND cluster_id = ? AND topic_id = ? AND partition = ?",
            (self._line, source.cluster_id, source.topic_id, partition),
        ).fetchone()
        return None if row is None else int(row[0])

    def close(self) -> None:
        self._connection.close()


def connect(path: Path | str) -> sqlite3.Connection:
    """A connection with the sink's own tables, full durability and manual transactions."""
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        # A user's own SQL views name the live table: a rename at promotion must not rewrite them.
        connection.execute("PRAGMA legacy_alter_table = ON")
        known = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE name = 'anabranch_offsets'"
        ).fetchone()
        if not known[0]:
            connection.executescript(_SCHEMA)
    except sqlite3.DatabaseError as error:
        connection.close()
        raise StoreFault(f"{path}: {error}", retryable=False) from error
    return connection


@contextmanager
def immediate(connection: sqlite3.Connection) -> Iterator[None]:
    """A write transaction from the start: readers that turn writers would deadlock."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # SQLite has already rolled back after a full disk
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def next_epoch(connection: sqlite3.Connection, line: str, now_ms: int) -> int:
    """A writer epoch that nobody else ever had: every earlier writer of ``line`` is fenced off."""
    epoch = connection.execute("INSERT INTO anabranch_epochs DEFAULT VALUES").lastrowid
    assert epoch is not None
    connection.execute("DELETE FROM anabranch_epochs WHERE epoch < ?", (epoch,))
    connection.execute(
        "INSERT OR REPLACE INTO anabranch_lines VALUES (?, ?, ?)", (line, epoch, now_ms)
    )
    return epoch
