"""Where a PostgreSQL sink is, connections to it, and the four tables that describe its lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

import psycopg

from anabranch.errors import StoreFault, UnknownOutcome, UserFault
from anabranch.metastore.postgres import faults
from anabranch.recovery.sinks.common import SinkOffset, quoted, table_name

Connection = psycopg.Connection[Any]

SCHEMA = "public"  # unless the URL says ?schema=…: the tables are for other programs to read
CONNECT_S_MAX = 5  # per address of the URL
IDLE_MS_MAX = (
    30_000  # within a transaction: a writer that was paused loses it, and with it its line
)
LOCK_MS_MAX = 40_000  # to open a line: longer than its former writer can be idle
SWAP_LOCK_MS_MAX = 10_000  # readers of the tables wait behind a promotion that waits for a reader
NAME_BYTES_MAX = 63  # PostgreSQL cuts longer names off without a word
KEEPALIVE_IDLE_S = 5  # a host that vanished is noticed in IDLE + COUNT * INTERVAL seconds
KEEPALIVE_INTERVAL_S = 2
KEEPALIVE_COUNT = 3

_SCHEMA_SQL = """
CREATE SEQUENCE IF NOT EXISTS {s}.anabranch_epochs;
CREATE TABLE IF NOT EXISTS {s}.anabranch_lines (
    line TEXT PRIMARY KEY, epoch BIGINT NOT NULL, opened_ms BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS {s}.anabranch_tables (name TEXT PRIMARY KEY, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS {s}.anabranch_offsets (
    line TEXT NOT NULL, cluster_id TEXT NOT NULL, topic_id TEXT NOT NULL, partition INTEGER NOT NULL,
    topic TEXT NOT NULL, next_offset BIGINT NOT NULL, applied BIGINT NOT NULL,
    suppressed BIGINT NOT NULL, skipped BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
    PRIMARY KEY (line, cluster_id, topic_id, partition)
);
"""


class Place(NamedTuple):
    """A parsed ``postgresql://…?schema=…``. ``location`` names it too and holds no password."""

    url: str
    schema: str
    location: str

    def table(self, name: str) -> str:
        """A qualified, quoted name."""
        return f"{quoted(self.schema)}.{quoted(name)}"


def place(text: str) -> Place:
    """Raises UserFault for what is not a PostgreSQL URL."""
    parts = urlsplit(text)
    options = dict(parse_qsl(parts.query, keep_blank_values=True))
    schema = options.pop("schema", SCHEMA)
    url = urlunsplit(("postgresql", parts.netloc, parts.path, urlencode(options), ""))
    user, at, host = parts.netloc.rpartition("@")
    shown = f"{user.partition(':')[0]}{at}{host}"
    options.pop("password", None)
    if schema != SCHEMA:
        options["schema"] = schema
    location = urlunsplit(("postgresql", shown, parts.path, urlencode(options), ""))
    if parts.scheme not in ("postgresql", "postgres"):
        raise UserFault(f"“{location}” is not a postgresql:// URL")
    try:
        psycopg.conninfo.conninfo_to_dict(url)
    except psycopg.Error as error:
        raise UserFault(f"“{location}”: {faults.sentence(error)}") from None
    return Place(url, schema, unquote(location))


def connect(where: Place, *, read_only: bool = False) -> Connection:
    """A connection in autocommit. Raises StoreFault where there is no server that lets us in."""
    try:
        connection = psycopg.connect(
            where.url,
            autocommit=True,
            connect_timeout=CONNECT_S_MAX,
            keepalives_idle=KEEPALIVE_IDLE_S,
            keepalives_interval=KEEPALIVE_INTERVAL_S,
            keepalives_count=KEEPALIVE_COUNT,
        )
        connection.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false),"
            " set_config('lock_timeout', %s, false),"
            " set_config('default_transaction_read_only', %s, false),"
            # What is committed here was read from a log that may soon forget it.
            " CASE WHEN current_setting('synchronous_commit') = 'off'"
            " THEN set_config('synchronous_commit', 'on', false) END",
            (str(IDLE_MS_MAX), str(LOCK_MS_MAX), "on" if read_only else "off"),
        )
    except psycopg.Error as error:
        raise said(error, where) from error
    return connection


def said(error: psycopg.Error, where: Place) -> StoreFault:
    """The fault that ``error`` stands for, in a sentence."""
    again = faults.is_lost(error) or faults.is_again(error) or error.sqlstate == "55P03"
    return StoreFault(f"the sink {where.location}: {faults.sentence(error)}", retryable=again)


@contextmanager
def translated(where: Place) -> Iterator[None]:
    """The server's errors in our own statements as StoreFault."""
    try:
        yield
    except psycopg.Error as error:
        raise said(error, where) from error


@contextmanager
def transaction(connection: Connection, where: Place, begin: str = "BEGIN") -> Iterator[None]:
    """Raises UnknownOutcome if the answer to COMMIT was lost; the offsets tell what became of it."""
    with translated(where):
        connection.execute(begin)
    try:
        yield
    except BaseException:
        if not connection.closed:
            try:
                connection.execute("ROLLBACK")
            except psycopg.Error:
                connection.close()  # the server rolls back whoever is gone
        raise
    try:
        connection.execute("COMMIT")
    except psycopg.Error as error:
        if faults.is_lost(error):
            raise UnknownOutcome(
                f"the sink {where.location}: the answer to COMMIT was lost; open the sink again, "
                "its offsets say whether it took place"
            ) from error
        raise said(error, where) from error


def create_schema(connection: Connection, where: Place) -> None:
    """Within a transaction: our own tables, by one process at a time."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtext('anabranch sink'), hashtext(%s))", (where.schema,)
    )
    if not _exists(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", where.schema):
        connection.execute(f"CREATE SCHEMA {quoted(where.schema)}")
    if not has_sink(connection, where):
        connection.execute(_SCHEMA_SQL.format(s=quoted(where.schema)))


def has_sink(connection: Connection, where: Place) -> bool:
    """Whether our own tables are there."""
    return relation(connection, where, "anabranch_offsets")


def relation(connection: Connection, where: Place, name: str) -> bool:
    """Whether there is a table (or view) of this name."""
    return _exists(connection, "SELECT 1 WHERE to_regclass(%s) IS NOT NULL", where.table(name))


def next_epoch(connection: Connection, where: Place, line: str, now_ms: int) -> int:
    """A writer epoch that nobody else ever had. Waits for the transaction of the former writer."""
    row = connection.execute(
        f"INSERT INTO {where.table('anabranch_lines')}"
        f" VALUES (%s, nextval('{where.table('anabranch_epochs')}'), %s)"
        " ON CONFLICT (line) DO UPDATE SET epoch = excluded.epoch, opened_ms = excluded.opened_ms"
        " RETURNING epoch",
        (line, now_ms),
    ).fetchone()
    assert row is not None
    return int(row[0])


def epoch(connection: Connection, where: Place, line: str, suffix: str = "") -> int | None:
    """The epoch of the writer that may write ``line``; ``suffix`` may lock the row."""
    row = connection.execute(
        f"SELECT epoch FROM {where.table('anabranch_lines')} WHERE line = %s {suffix}", (line,)
    ).fetchone()
    return None if row is None else int(row[0])


def tables(connection: Connection, where: Place) -> dict[str, str]:
    """Every table of the sink by its plain name, with its column definitions."""
    return dict(
        connection.execute(
            f"SELECT name, body FROM {where.table('anabranch_tables')} ORDER BY name"
        ).fetchall()
    )


def offsets(connection: Connection, where: Place, line: str) -> list[SinkOffset]:
    """The rows of ``line``, by topic and partition."""
    rows = connection.execute(
        "SELECT cluster_id, topic_id, partition, topic, next_offset, applied, suppressed, skipped"
        f" FROM {where.table('anabranch_offsets')} WHERE line = %s"
        ' ORDER BY topic COLLATE "C", topic_id COLLATE "C", partition',
        (line,),
    )
    return [SinkOffset(*row) for row in rows]


def create_table(connection: Connection, where: Place, name: str, line: str, body: str) -> None:
    """The table of ``line``, unless it exists: as the live one is by now, else from its definition."""
    target = checked_name(name, line)
    if relation(connection, where, target):
        return
    like = target != name and relation(connection, where, name)
    columns = f"LIKE {where.table(name)} INCLUDING ALL" if like else body
    connection.execute(f"CREATE TABLE {where.table(target)} ({columns})")


def checked_name(name: str, line: str) -> str:
    """``table_name`` of a line. Raises UserFault where PostgreSQL would cut it off."""
    full = table_name(name, line)
    if len(full.encode()) > NAME_BYTES_MAX:
        raise UserFault(
            f"table “{full}” is longer than PostgreSQL's {NAME_BYTES_MAX} bytes: "
            "the sink's tables need shorter names, so that staging and former ones fit"
        )
    return full


def _exists(connection: Connection, sql: str, parameter: str) -> bool:
    return connection.execute(sql, (parameter,)).fetchone() is not None
