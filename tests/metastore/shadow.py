"""A metastore whose journal is replayed into a second one, step by step: both must tell the same."""

from __future__ import annotations

import inspect
from typing import Any

from anabranch.metastore.api import Metastore
from anabranch.metastore.restore import Restoration, told

ROWS_MAX = 100_000


class Shadow:
    """Ships after every call, and applies what it shipped to a metastore in memory."""

    def __init__(self, meta: Metastore) -> None:
        self._meta = meta
        self._replay: Restoration | None = None
        self._wal: dict[int, int] = {}
        self._shipping = False

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._meta, name)
        if not inspect.iscoroutinefunction(verb):
            return verb

        async def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return await verb(*args, **kwargs)
            finally:
                if not self._shipping:  # of concurrent calls, one ships
                    self._shipping = True
                    try:
                        await self._ship()
                    finally:
                        self._shipping = False

        return call

    async def _ship(self) -> None:
        if self._replay is None:
            number, _ = await self._meta.journal_tables()
            self._replay = Restoration(
                ":memory:",
                cluster_id=self._meta.cluster_id,
                created_ms=1,
                schema_number=number,
            )
        changes = await self._meta.journal_changes(ROWS_MAX, 1 << 50, self._wal)
        if changes is None:
            return
        assert not changes.overflow
        self._replay.apply(
            changes.gone,
            [(t.table.name, t.table.columns, t.table.binary, t.rows) for t in changes.tables],
        )
        for each in changes.tables:
            if each.table.name == "object":
                columns = each.table.columns
                self._wal |= {
                    row[columns.index("no")]: row[columns.index("bytes")] for row in each.rows
                }
        assert await self._meta.journal_shipped(
            changes.state.epoch,
            changes.state.number,
            changes.state.number + 1,
            changes.marks,
            changes.notes,
            1,
        )

    async def assert_told(self) -> None:
        """I9: what was shipped, applied, is what the metastore holds."""
        if self._replay is None:
            return
        await self._ship()
        assert await self._meta.journal_changes(ROWS_MAX, 1 << 50, self._wal) is None
        replayed = told(self._replay.tx)
        present = await contents(self._meta)
        for table in replayed.keys() | present.keys():
            assert replayed.get(table) == present.get(table), f"I9: the journal of {table}"
        self._replay.close()


async def contents(meta: Metastore) -> dict[str, list[tuple[Any, ...]]]:
    """As :func:`told`, of any engine, through its own chunks."""
    number, tables = await meta.journal_tables()
    copy = Restoration(":memory:", cluster_id=meta.cluster_id, created_ms=1, schema_number=number)
    for table in tables:
        after = None
        while True:
            found = await meta.journal_chunk(table, after, 1000)
            copy.put(table, found.table.columns, found.table.binary, found.rows)
            if len(found.rows) < 1000:
                break
            after = found.table.key_of(found.rows[-1])
    try:
        return told(copy.tx)
    finally:
        copy.close()
