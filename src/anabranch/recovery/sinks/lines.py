"""Staging, promotion and undo of a SQLite sink's lines; checkpoints of the live one.

Promotion renames tables and offsets in one transaction: a reader sees the old view or the new one,
and the offsets always belong to the tables beside them. What was live stays as the line
``before-<staging>`` until it is dropped, so that promotion can be undone.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks.common import (
    BEFORE,
    LIVE,
    SinkOffset,
    check_staging_name,
    quoted,
    table_name,
)
from anabranch.recovery.sinks.common import Line as Line
from anabranch.recovery.sinks.common import Promotion as Promotion
from anabranch.recovery.sinks.sqlite import connect, immediate, next_epoch


def offsets(path: Path | str, line: str = LIVE) -> list[SinkOffset]:
    """The positions and counters of ``line``, by topic and partition; empty if it has none."""
    connection = _open_to_read(path)
    try:
        return _offsets(connection, line)
    finally:
        connection.close()


def lines(path: Path | str) -> list[Line]:
    """Every line of the sink, by name."""
    connection = _open_to_read(path)
    try:
        rows = connection.execute(
            "SELECT line, epoch FROM anabranch_lines ORDER BY line"
        ).fetchall()
        return [Line(name, epoch, _offsets(connection, name)) for name, epoch in rows]
    finally:
        connection.close()


def take_checkpoint(path: Path | str, target: Path) -> Checkpoint:
    """Copy the whole sink, consistent, to ``target`` (which must not exist) and make it durable."""

    def write(file: Path) -> None:
        source = _open_existing(path)
        try:
            copy = sqlite3.connect(file)
            try:
                source.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
            finally:
                copy.close()
        except sqlite3.Error as error:
            raise StoreFault(f"{target}: {error}", retryable=False) from error
        finally:
            source.close()

    return durable_checkpoint(target, write)


def durable_checkpoint(target: Path, write: Callable[[Path], None]) -> Checkpoint:
    """What ``write`` puts into a file, at ``target`` (which must not exist), wholly or not at all."""
    if target.exists():
        raise UserFault(f"{target} exists already; a checkpoint is never overwritten")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        write(partial)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    with partial.open("rb") as file:
        os.fsync(file.fileno())
    partial.rename(target)
    descriptor = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return Checkpoint(str(target.absolute()), file_sha256(target), target.stat().st_size)


def file_sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def stage(path: Path | str, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
    """Make the staging line ``line``: empty, or with the tables and offsets of a checkpoint.

    Does nothing if the line exists (a resumed replay). Returns the line's offsets. Raises UserFault
    if the checkpoint lacks a table that the sink has.
    """
    check_staging_name(line)
    connection = _open_existing(path)
    try:
        if checkpoint is not None:
            if not checkpoint.exists():
                raise UserFault(f"the checkpoint {checkpoint} is gone")
            connection.execute("ATTACH ? AS checkpoint", (str(checkpoint),))
        with immediate(connection):
            if _epoch(connection, line) is None:
                _fill(connection, line, checkpoint)
                next_epoch(connection, line, now_ms)
        return _offsets(connection, line)
    finally:
        connection.close()


def promote(path: Path | str, line: str, now_ms: int) -> Promotion:
    """Swap ``line`` into the live place, tables and offsets in one transaction.

    Fences off whoever writes the live line. Raises UserFault if there is no such staging line or
    an earlier promotion of it was not dropped.
    """
    before = BEFORE + line
    connection = _open_existing(path)
    try:
        with immediate(connection):
            if _epoch(connection, line) is None:
                raise UserFault(f"{path}: there is no staging line “{line}” to promote")
            if _epoch(connection, before) is not None:
                raise UserFault(f"{path}: “{line}” was promoted already")
            tables = _move(connection, {LIVE: before, line: LIVE}, now_ms)
        return Promotion(tables, before, _offsets(connection, LIVE))
    finally:
        connection.close()


def undo(path: Path | str, line: str, now_ms: int) -> Promotion:
    """Bring back what was live before ``line`` was promoted; ``line`` is a staging line again."""
    before = BEFORE + line
    connection = _open_existing(path)
    try:
        with immediate(connection):
            if _epoch(connection, before) is None:
                raise UserFault(f"{path}: no promotion of “{line}” to undo")
            tables = _move(connection, {LIVE: line, before: LIVE}, now_ms)
        return Promotion(tables, line, _offsets(connection, LIVE))
    finally:
        connection.close()


def drop(path: Path | str, line: str) -> bool:
    """Forget a staging or former line with its tables; False if there is none."""
    if line == LIVE:
        raise UserFault("the live line cannot be dropped")
    connection = _open_existing(path)
    try:
        with immediate(connection):
            for name in _tables(connection):
                connection.execute(f"DROP TABLE IF EXISTS {quoted(table_name(name, line))}")
            connection.execute("DELETE FROM anabranch_offsets WHERE line = ?", (line,))
            gone = connection.execute("DELETE FROM anabranch_lines WHERE line = ?", (line,))
            return gone.rowcount > 0
    finally:
        connection.close()


class SqliteLines:
    """A SQLite sink at rest, as ``common.SinkLines``."""

    sink_class = SinkClass.TRANSACTIONAL
    promotes = True
    stages = True

    def __init__(self, location: str) -> None:
        path = location.removeprefix("sqlite:")
        self.location = str(Path(path).absolute())
        self.name = f"sqlite:{Path(path).name}"
        if not Path(path).exists():
            raise UserFault(f"there is no sink at {path}")

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        return offsets(self.location, line)

    def lines(self) -> list[Line]:
        return lines(self.location)

    def take_checkpoint(self, target: Path) -> Checkpoint:
        return take_checkpoint(self.location, target)

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        return offsets(checkpoint)

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        return stage(self.location, line, checkpoint, now_ms)

    def promote(self, line: str, now_ms: int) -> Promotion:
        return promote(self.location, line, now_ms)

    def undo(self, line: str, now_ms: int) -> Promotion:
        return undo(self.location, line, now_ms)

    def drop(self, line: str) -> bool:
        return drop(self.location, line)

    def close(self) -> None:
        """Nothing stays open."""


def _fill(connection: sqlite3.Connection, line: str, checkpoint: Path | None) -> None:
    for name, body in _tables(connection).items():
        target = quoted(table_name(name, line))
        connection.execute(f"CREATE TABLE {target} ({body})")
        if checkpoint is None:
            continue
        # table_info leaves generated columns out, which is what can be inserted.
        columns = ", ".join(
            quoted(row[1]) for row in connection.execute(f"PRAGMA main.table_info({target})")
        )
        try:
            connection.execute(
                f"INSERT INTO main.{target} ({columns})"
                f" SELECT {columns} FROM checkpoint.{quoted(name)}"
            )
        except sqlite3.OperationalError as error:
            raise UserFault(
                f"the checkpoint {checkpoint} does not fit this sink: {error}"
            ) from error
    if checkpoint is not None:
        # Counters start at zero: they are this replay's, not the checkpoint's.
        connection.execute(
            "INSERT INTO main.anabranch_offsets SELECT ?, cluster_id, topic_id, partition, topic,"
            " next_offset, 0, 0, 0, updated_ms FROM checkpoint.anabranch_offsets WHERE line = ?",
            (line, LIVE),
        )


def _move(connection: sqlite3.Connection, renames: Mapping[str, str], now_ms: int) -> list[str]:
    """Rename lines in the given order; each target must be free when its turn comes."""
    tables = list(_tables(connection))
    for old, new in renames.items():
        for name in tables:
            exists = connection.execute(
                "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?",
                (table_name(name, old),),
            ).fetchone()
            if exists:
                connection.execute(
                    f"ALTER TABLE {quoted(table_name(name, old))}"
                    f" RENAME TO {quoted(table_name(name, new))}"
                )
        connection.execute("UPDATE anabranch_offsets SET line = ? WHERE line = ?", (new, old))
        connection.execute("DELETE FROM anabranch_lines WHERE line = ?", (old,))
        next_epoch(connection, new, now_ms)
    return tables


def _tables(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT name, body FROM anabranch_tables ORDER BY name"))


def _epoch(connection: sqlite3.Connection, line: str) -> int | None:
    row = connection.execute("SELECT epoch FROM anabranch_lines WHERE line = ?", (line,)).fetchone()
    return None if row is None else int(row[0])


def _offsets(connection: sqlite3.Connection, line: str) -> list[SinkOffset]:
    rows = connection.execute(
        "SELECT cluster_id, topic_id, partition, topic, next_offset, applied, suppressed, skipped"
        " FROM anabranch_offsets WHERE line = ? ORDER BY topic, topic_id, partition",
        (line,),
    )
    return [SinkOffset(*row) for row in rows]


def _open_existing(path: Path | str) -> sqlite3.Connection:
    if not Path(path).exists():
        raise UserFault(f"there is no sink at {path}")
    return connect(path)


def _open_to_read(path: Path | str) -> sqlite3.Connection:
    """Without a write of any kind: a checkpoint's bytes must stay what was digested."""
    if not Path(path).exists():
        raise UserFault(f"there is no sink at {path}")
    connection = sqlite3.connect(f"{Path(path).absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("SELECT 1 FROM anabranch_offsets LIMIT 1")
    except sqlite3.DatabaseError as error:
        connection.close()
        raise UserFault(f"{path} is not a sink of Anabranch: {error}") from None
    return connection
