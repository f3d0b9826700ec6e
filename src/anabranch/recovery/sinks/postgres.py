"""A PostgreSQL sink that cannot do the same work twice; as ``sqlite.py``, on a server.

Effects and the next offset of each partition commit in one transaction. The row of the line is locked
at its start: whoever opened the line last holds the epoch in it, everybody else is fenced off before
having an effect.

    sink = PostgresSink.open("postgresql://me@db/app", {"daily": "carrier TEXT PRIMARY KEY, …"}, sources)
    with sink.transaction() as tx:
        for message in batch:
            if tx.fresh(message.topic(), message.partition(), message.offset()):
                tx.execute(f"INSERT INTO {tx.table('daily')} VALUES (%s, …) ON CONFLICT …", (…,))

Statements are psycopg's, with ``%s`` for parameters. Needs ``pip install 'anabranch[postgres]'``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from psycopg import Cursor

from anabranch.errors import UserFault
from anabranch.recovery.sinks import postgres_server as server
from anabranch.recovery.sinks.common import BEFORE, LIVE, Fenced, Tally
from anabranch.recovery.sinks.source import Source

_LONGEST_LINE = f"{BEFORE}r-20260301-140500-9f2c"  # what a promoted replay's former line is called


class PostgresTransaction:
    """The effects of one batch. Nothing of it is visible before the ``with`` block ends well."""

    def __init__(
        self,
        connection: server.Connection,
        where: server.Place,
        line: str,
        names: Mapping[str, str],
        sources: Mapping[str, Source],
    ) -> None:
        self._connection = connection
        self._where = where
        self._line = line
        self._names = names
        self._tally = Tally(sources, self._load)

    def fresh(self, topic: str, partition: int, offset: int) -> bool:
        """True if the record has had no effect yet; from now on it counts as applied.

        Records of a partition must be offered in offset order, as a consumer delivers them.
        """
        return self._tally.fresh(topic, partition, offset)

    def table(self, name: str) -> str:
        """The qualified, quoted name of this line's table; use it in SQL instead of the plain name."""
        return self._names[name]

    def execute(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] | None = None
    ) -> Cursor[Any]:
        return self._connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        with self._connection.cursor() as cursor:
            cursor.executemany(sql, rows)

    def _load(self, source: Source, partition: int) -> int | None:
        return _next_offset(self._connection, self._where, self._line, source, partition)

    def _write_offsets(self, now_ms: int) -> None:
        rows = [
            (
                self._line, each.source.cluster_id, each.source.topic_id, each.partition,
                each.source.topic, each.next_offset, each.applied, each.suppressed, each.skipped,
                now_ms,
            )
            for each in self._tally.counted()
        ]  # fmt: skip
        self.executemany(
            f"INSERT INTO {self._where.table('anabranch_offsets')} AS known (line, cluster_id,"
            " topic_id, partition, topic, next_offset, applied, suppressed, skipped, updated_ms)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
            " ON CONFLICT (line, cluster_id, topic_id, partition) DO UPDATE SET"
            " next_offset = excluded.next_offset, applied = known.applied + excluded.applied,"
            " suppressed = known.suppressed + excluded.suppressed,"
            " skipped = known.skipped + excluded.skipped, updated_ms = excluded.updated_ms",
            rows,
        )


class PostgresSink:
    """One writer of one line of a schema."""

    def __init__(
        self,
        connection: server.Connection,
        where: server.Place,
        line: str,
        epoch: int,
        names: Mapping[str, str],
        sources: Mapping[str, Source],
        clock_ms: Callable[[], int],
    ) -> None:
        self._connection = connection
        self._where = where
        self._line = line
        self._epoch = epoch
        self._names = names
        self._sources = sources
        self._clock_ms = clock_ms

    @classmethod
    def open(
        cls,
        url: str,
        tables: Mapping[str, str],
        sources: Mapping[str, Source],
        *,
        line: str = LIVE,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> PostgresSink:
        """Open ``line`` for writing, creating what is missing; fences off its former writer.

        ``tables`` are name → column definitions; a staging line's tables are made like the live ones
        are by then, indexes included. Raises UserFault if a table exists with other columns.
        """
        where = server.place(url)
        for name in tables:
            server.checked_name(name, _LONGEST_LINE)
        connection = server.connect(where)
        try:
            with server.transaction(connection, where), server.translated(where):
                server.create_schema(connection, where)
                known = server.tables(connection, where)
                for name, body in tables.items():
                    if known.setdefault(name, body) != body:
                        raise UserFault(
                            f"{where.location}: table “{name}” was created with other columns; "
                            "use another schema (?schema=…), or drop the old one first"
                        )
                    connection.execute(
                        f"INSERT INTO {where.table('anabranch_tables')} VALUES (%s, %s)"
                        " ON CONFLICT DO NOTHING",
                        (name, body),
                    )
                    server.create_table(connection, where, name, line, body)
                epoch = server.next_epoch(connection, where, line, clock_ms())
        except BaseException:
            connection.close()
            raise
        names = {name: where.table(server.checked_name(name, line)) for name in tables}
        return cls(connection, where, line, epoch, names, dict(sources), clock_ms)

    @contextmanager
    def transaction(self) -> Iterator[PostgresTransaction]:
        """Effects and offsets, wholly or not at all.

        Raises :class:`Fenced`; UnknownOutcome if the answer to COMMIT was lost (open the sink again and
        read on from its position: it says what happened); StoreFault where the server is away.
        """
        connection, where = self._connection, self._where
        with server.transaction(connection, where):
            with server.translated(where):
                held = server.epoch(connection, where, self._line, "FOR UPDATE")
            if held != self._epoch:
                raise Fenced(self._line)
            transaction = PostgresTransaction(
                connection, where, self._line, self._names, self._sources
            )
            yield transaction
            with server.translated(where):
                transaction._write_offsets(self._clock_ms())

    def position(self, topic: str, partition: int) -> int | None:
        """The next offset whose effect is missing; None if the partition never had any."""
        with server.translated(self._where):
            return _next_offset(
                self._connection, self._where, self._line, self._sources[topic], partition
            )

    def close(self) -> None:
        self._connection.close()


def _next_offset(
    connection: server.Connection, where: server.Place, line: str, source: Source, partition: int
) -> int | None:
    row = connection.execute(
        f"SELECT next_offset FROM {where.table('anabranch_offsets')}"
        " WHERE line = %s AND cluster_id = %s AND topic_id = %s AND partition = %s",
        (line, source.cluster_id, source.topic_id, partition),
    ).fetchone()
    return None if row is None else int(row[0])
