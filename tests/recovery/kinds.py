"""Every replay-safe sink behind one face, for the contract suite and the processes it kills.

An effect is one row ``(partition, offset)`` (or one message), so that readers can count repeats.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar, Protocol

from anabranch.recovery.sinks.common import LIVE, SinkLines, quoted, table_name
from anabranch.recovery.sinks.locations import open_lines
from anabranch.recovery.sinks.source import Source

FLIGHTS = Source("cluster", "topic-id", "flights")
SOURCES = {"flights": FLIGHTS}
SEEN = {
    "seen": "partition INTEGER NOT NULL, at INTEGER NOT NULL"
}  # no key: a repeat is a second row

Effect = tuple[int, int]


class Kind(Protocol):
    """How the suite opens, fills and reads one kind of sink at one location."""

    promotes: ClassVar[bool]
    location: str

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any: ...

    def effect(self, tx: Any, partition: int, offset: int) -> None: ...

    def effects(self, line: str = LIVE) -> list[Effect]: ...


class Sqlite:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from anabranch.recovery.sinks.sqlite import SqliteSink

        path = self.location.removeprefix("sqlite:")
        return SqliteSink.open(path, SEEN, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (?, ?)", (partition, offset))

    def effects(self, line: str = LIVE) -> list[Effect]:
        with closing(sqlite3.connect(self.location.removeprefix("sqlite:"))) as connection:
            return connection.execute(
                f"SELECT * FROM {quoted(table_name('seen', line))} ORDER BY 1, 2"
            ).fetchall()


class Postgres:
    promotes = True

    def __init__(self, location: str) -> None:
        self.location = location

    def open(self, line: str = LIVE, sources: dict[str, Source] = SOURCES) -> Any:
        from anabranch.recovery.sinks.postgres import PostgresSink

        return PostgresSink.open(self.location, SEEN, sources, line=line, clock_ms=lambda: 7)

    def effect(self, tx: Any, partition: int, offset: int) -> None:
        tx.execute(f"INSERT INTO {tx.table('seen')} VALUES (%s, %s)", (partition, offset))

    def effects(self, line: str = LIVE) -> list[Effect]:
        from anabranch.recovery.sinks import postgres_server as server

        where = server.place(self.location)
        with server.connect(where) as connection:
            return connection.execute(
                f"SELECT * FROM {where.table(table_name('seen', line))} ORDER BY 1, 2"
            ).fetchall()


KINDS: dict[str, type[Kind]] = {"sqlite": Sqlite, "postgres": Postgres}


def apply(
    kind: Kind, sink: Any, offsets: Sequence[int], partition: int = 0, topic: str = "flights"
) -> int:
    """Offer the records, have an effect for each that is fresh; returns how many were."""
    fresh = 0
    with sink.transaction() as tx:
        for offset in offsets:
            if tx.fresh(topic, partition, offset):
                fresh += 1
                kind.effect(tx, partition, offset)
    return fresh


def at_rest(kind: Kind) -> SinkLines:
    return open_lines(kind.location)


def locate(name: str, directory: Path) -> str:
    """A location that nothing was ever written to. Skips the test where its server is missing."""
    if name == "sqlite":
        return f"sqlite:{directory}/view.db"
    if name == "postgres":
        from tests.support.postgres import postgres_url

        return postgres_url()
    raise AssertionError(name)
