"""Staging, promotion and undo of a PostgreSQL sink's lines, each in one transaction; checkpoints.

Promotion renames tables. In PostgreSQL, what depends on a table follows it under its new name, so that
a view on the live table would go on showing the former one; therefore views are made anew on the table
that is live afterwards, and privileges are copied, in the same transaction. What could not follow
(materialized views, foreign keys, triggers, row security) is refused by name before anything changes.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anabranch.errors import UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks import postgres_server as server
from anabranch.recovery.sinks.common import (
    BEFORE,
    LIVE,
    Line,
    Promotion,
    SinkOffset,
    check_staging_name,
    quoted,
)
from anabranch.recovery.sinks.lines import durable_checkpoint
from anabranch.recovery.sinks.postgres_swap import Followers

CHECKPOINT_FORMAT = 1
_MANIFEST = "sink.json"  # in a checkpoint: format, tables with their columns, offsets


class PostgresLines:
    """A sink at rest. Every method is one transaction; ``common.SinkLines`` says what each does."""

    sink_class = SinkClass.TRANSACTIONAL
    promotes = True
    stages = True

    def __init__(self, url: str) -> None:
        self._where = server.place(url)
        self.location = self._where.location
        self.name = self.location
        self._connection = server.connect(self._where)
        with server.translated(self._where):
            there = server.has_sink(self._connection, self._where)
        if not there:
            self._connection.close()
            raise UserFault(f"{self.location} holds no sink in schema “{self._where.schema}”")

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        with server.translated(self._where):
            return server.offsets(self._connection, self._where, line)

    def lines(self) -> list[Line]:
        connection, where = self._connection, self._where
        snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with server.transaction(connection, where, snapshot), server.translated(where):
            rows = connection.execute(
                f"SELECT line, epoch FROM {where.table('anabranch_lines')}"
                ' ORDER BY line COLLATE "C"'
            ).fetchall()
            return [
                Line(name, epoch, server.offsets(connection, where, name)) for name, epoch in rows
            ]

    def take_checkpoint(self, target: Path) -> Checkpoint:
        """The live tables by ``COPY`` and their offsets, of one snapshot, in one zip file."""
        return durable_checkpoint(target, self._copy_out)

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        try:
            with zipfile.ZipFile(checkpoint) as archive:
                return [SinkOffset(*row) for row in _manifest(archive, checkpoint)["offsets"]]
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise UserFault(
                f"{checkpoint} is no checkpoint of a PostgreSQL sink: {error}"
            ) from None

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        check_staging_name(line)
        if checkpoint is not None and not checkpoint.exists():
            raise UserFault(f"the checkpoint {checkpoint} is gone")
        connection, where = self._connection, self._where
        with server.transaction(connection, where), server.translated(where):
            server.create_schema(connection, where)
            if server.epoch(connection, where, line) is None:
                for name, body in server.tables(connection, where).items():
                    server.create_table(connection, where, name, line, body)
                if checkpoint is not None:
                    self._copy_in(line, checkpoint, now_ms)
                server.next_epoch(connection, where, line, now_ms)
            return server.offsets(connection, where, line)

    def promote(self, line: str, now_ms: int) -> Promotion:
        connection, where, before = self._connection, self._where, BEFORE + line
        with server.transaction(connection, where), server.translated(where):
            server.create_schema(connection, where)  # one promotion at a time
            if server.epoch(connection, where, line) is None:
                raise UserFault(f"{self.location}: there is no staging line “{line}” to promote")
            if server.epoch(connection, where, before) is not None:
                raise UserFault(f"{self.location}: “{line}” was promoted already")
            names = self._move({LIVE: before, line: LIVE}, now_ms)
            return Promotion(names, before, server.offsets(connection, where, LIVE))

    def undo(self, line: str, now_ms: int) -> Promotion:
        connection, where, before = self._connection, self._where, BEFORE + line
        with server.transaction(connection, where), server.translated(where):
            server.create_schema(connection, where)
            if server.epoch(connection, where, before) is None:
                raise UserFault(f"{self.location}: no promotion of “{line}” to undo")
            names = self._move({LIVE: line, before: LIVE}, now_ms)
            return Promotion(names, line, server.offsets(connection, where, LIVE))

    def drop(self, line: str) -> bool:
        if line == LIVE:
            raise UserFault("the live line cannot be dropped")
        connection, where = self._connection, self._where
        with server.transaction(connection, where), server.translated(where):
            for name in server.tables(connection, where):
                table = where.table(server.checked_name(name, line))
                connection.execute(f"DROP TABLE IF EXISTS {table}")
            connection.execute(
                f"DELETE FROM {where.table('anabranch_offsets')} WHERE line = %s", (line,)
            )
            gone = connection.execute(
                f"DELETE FROM {where.table('anabranch_lines')} WHERE line = %s", (line,)
            )
            return gone.rowcount > 0

    def close(self) -> None:
        self._connection.close()

    def _move(self, renames: Mapping[str, str], now_ms: int) -> list[str]:
        """Rename lines in the given order; each target must be free when its turn comes."""
        connection, where = self._connection, self._where
        names = list(server.tables(connection, where))
        connection.execute(f"SET LOCAL lock_timeout = {server.SWAP_LOCK_MS_MAX}")
        # Writers first: whoever holds a line finishes its batch, then finds itself fenced off.
        connection.execute(
            f"SELECT 1 FROM {where.table('anabranch_lines')} ORDER BY line FOR UPDATE"
        )
        present = [name for name in names if server.relation(connection, where, name)]
        followers = Followers.of(connection, where, present)
        for old, new in renames.items():
            for name in names:
                table = server.checked_name(name, old)
                if server.relation(connection, where, table):
                    connection.execute(
                        f"ALTER TABLE {where.table(table)}"
                        f" RENAME TO {quoted(server.checked_name(name, new))}"
                    )
            connection.execute(
                f"UPDATE {where.table('anabranch_offsets')} SET line = %s WHERE line = %s",
                (new, old),
            )
            connection.execute(
                f"DELETE FROM {where.table('anabranch_lines')} WHERE line = %s", (old,)
            )
            server.next_epoch(connection, where, new, now_ms)
        followers.bring_over(connection)
        return names

    def _copy_out(self, file: Path) -> None:
        connection, where = self._connection, self._where
        snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        with (
            zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive,
            server.transaction(connection, where, snapshot),
            server.translated(where),
        ):
            columns = {}
            for name in server.tables(connection, where):
                columns[name] = self._columns(name)
                with (
                    archive.open(f"tables/{name}.copy", "w", force_zip64=True) as entry,
                    connection.cursor() as cursor,
                    cursor.copy(
                        f"COPY {where.table(name)} ({_listed(columns[name])}) TO STDOUT"
                    ) as copy,
                ):
                    for data in copy:
                        entry.write(data)
            manifest = {
                "format": CHECKPOINT_FORMAT,
                "columns": columns,
                "offsets": server.offsets(connection, where, LIVE),
            }
            archive.writestr(_MANIFEST, json.dumps(manifest))

    def _copy_in(self, line: str, checkpoint: Path, now_ms: int) -> None:
        connection, where = self._connection, self._where
        try:
            with zipfile.ZipFile(checkpoint) as archive:
                manifest = _manifest(archive, checkpoint)
                for name in server.tables(connection, where):
                    columns = manifest["columns"].get(name)
                    target = where.table(server.checked_name(name, line))
                    if columns is None:
                        raise UserFault(f"the checkpoint {checkpoint} has no table “{name}”")
                    with (
                        archive.open(f"tables/{name}.copy") as entry,
                        connection.cursor() as cursor,
                        cursor.copy(f"COPY {target} ({_listed(columns)}) FROM STDIN") as copy,
                    ):
                        while data := entry.read(1 << 20):
                            copy.write(data)
        except (zipfile.BadZipFile, KeyError) as error:
            raise UserFault(
                f"{checkpoint} is no checkpoint of a PostgreSQL sink: {error}"
            ) from None
        with connection.cursor() as cursor:
            # Counters start at zero: they are this replay's, not the checkpoint's.
            cursor.executemany(
                f"INSERT INTO {where.table('anabranch_offsets')}"
                " VALUES (%s, %s, %s, %s, %s, %s, 0, 0, 0, %s)",
                [(line, *row[:5], now_ms) for row in manifest["offsets"]],
            )

    def _columns(self, name: str) -> list[str]:
        """Without generated ones, which is what can be copied in."""
        rows = self._connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0"
            " AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
            (self._where.table(name),),
        )
        return [row[0] for row in rows]


def _manifest(archive: zipfile.ZipFile, checkpoint: Path) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads(archive.read(_MANIFEST))
    if manifest["format"] != CHECKPOINT_FORMAT:
        raise UserFault(f"{checkpoint} is a checkpoint of a newer Anabranch ({manifest['format']})")
    return manifest


def _listed(columns: list[str]) -> str:
    return ", ".join(quoted(column) for column in columns)
