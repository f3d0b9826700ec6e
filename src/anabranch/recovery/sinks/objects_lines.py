"""Staging, promotion and undo of a Parquet sink's lines: no byte is copied, names change places."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks.common import (
    LIVE,
    Line,
    Promotion,
    SinkOffset,
    check_staging_name,
)
from anabranch.recovery.sinks.lines import durable_checkpoint
from anabranch.recovery.sinks.objects import with_line
from anabranch.recovery.sinks.objects_manifest import (
    FORMAT,
    File,
    Manifest,
    folder_of,
    open_root,
    promoted,
    undone,
)


class ObjectsCheckpoint(Struct, frozen=True, kw_only=True):
    """The files of the live line by name and digest: they are never replaced, so that is all."""

    files: tuple[File, ...]
    offsets: tuple[SinkOffset, ...]
    format: int = FORMAT


class ParquetLines:
    """A sink at rest; ``common.SinkLines`` says what each method does."""

    sink_class = SinkClass.TRANSACTIONAL
    promotes = True
    stages = True

    def __init__(self, location: str) -> None:
        place = location.removeprefix("parquet:")
        here = Path(place)
        if "://" not in place:
            if not here.is_dir():
                raise UserFault(f"there is no sink at {place}")
            place = str(here.absolute())
        self.location = f"parquet:{place}"
        self.name = f"parquet:{here.name}" if "://" not in place else self.location
        self._manifest = Manifest(open_root(place), place, secrets.token_hex(8))
        if not self._manifest.lines().lines:
            raise UserFault(f"there is no sink at {place}")

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        folder = self._manifest.lines().lines.get(line)
        return [] if folder is None else self._offsets(folder)

    def lines(self) -> list[Line]:
        found = []
        for line, folder in sorted(self._manifest.lines().lines.items()):
            head = self._manifest.head(folder)
            found.append(Line(line, head.epoch if head else -1, self._offsets(folder)))
        return found

    def files(self, line: str = LIVE, table: str | None = None) -> list[File]:
        """The objects of a line, as committed. Raises UserFault if there is no such line."""
        folder = folder_of(self._manifest.lines().lines, line, self.location)
        return [f for f in self._manifest.files(folder) if table is None or f.table == table]

    def read(self, table: str, line: str = LIVE) -> Any:
        """The rows of one table as a ``pyarrow.Table``. Raises UserFault; Corrupt if bytes changed."""
        import hashlib

        import pyarrow as pa
        from pyarrow import parquet

        parts = []
        for file in self.files(line, table):
            content = self._manifest.store.get(file.key)
            if hashlib.sha256(content).hexdigest() != file.sha256:
                raise Corrupt(f"{self.location}/{file.key} is not what was committed")
            parts.append(parquet.read_table(pa.BufferReader(content)).replace_schema_metadata(None))
        if not parts:
            raise UserFault(f"{self.location}: no rows of a table “{table}” in line “{line}”")
        return pa.concat_tables(parts, promote_options="default")

    def take_checkpoint(self, target: Path) -> Checkpoint:
        folder = folder_of(self._manifest.lines().lines, LIVE, self.location)
        offsets = self._offsets(folder)  # first: files may be more by then, offsets not
        ends = {(row.topic_id, row.partition): row.next_offset for row in offsets}
        files = tuple(
            file
            for file in self._manifest.files(folder)
            if file.last < ends.get((file.topic_id, file.partition), 0)
        )
        body = msgspec.json.encode(ObjectsCheckpoint(files=files, offsets=tuple(offsets)))
        return durable_checkpoint(target, lambda file: _write(file, body))

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        return list(read_checkpoint(checkpoint).offsets)

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        check_staging_name(line)
        held = read_checkpoint(checkpoint) if checkpoint is not None else None
        if held is not None:
            self._require_objects(held)
        known = self._manifest.lines()
        if line not in known.lines:
            known = self._manifest.change_lines(lambda all, n: with_line(all, line, n), now_ms)
        folder = known.lines[line]
        if held is not None and self._manifest.head(folder) is None:
            # Counters start at zero: they are this replay's, not the checkpoint's.
            offsets = tuple(
                row._replace(applied=0, suppressed=0, skipped=0) for row in held.offsets
            )
            self._manifest.fence(folder, now_ms, held.files, offsets)
        elif held is None and self._manifest.head(folder) is None:
            self._manifest.fence(folder, now_ms)
        return self._offsets(folder)

    def _require_objects(self, held: ObjectsCheckpoint) -> None:
        """A line that was dropped took its files with it."""
        folders = {file.key.rpartition("/")[0] for file in held.files}
        there = {i.key for folder in folders for i in self._manifest.store.list(f"{folder}/")}
        gone = [file.key for file in held.files if file.key not in there]
        if gone:
            raise UserFault(
                f"{len(gone):,} of the checkpoint's {len(held.files):,} files are gone: "
                f"{self.location}/{gone[0]}"
            )

    def promote(self, line: str, now_ms: int) -> Promotion:
        return self._swap(line, now_ms, undo=False)

    def undo(self, line: str, now_ms: int) -> Promotion:
        return self._swap(line, now_ms, undo=True)

    def drop(self, line: str) -> bool:
        if line == LIVE:
            raise UserFault("the live line cannot be dropped")
        lines = self._manifest.lines().lines
        folder = lines.get(line)
        if folder is None:
            return False
        self._manifest.change_lines(
            lambda known, _: {name: f for name, f in known.items() if name != line}, now_ms=0
        )
        kept = {
            file.key
            for name, other in self._manifest.lines().lines.items()
            if name != line
            for file in self._manifest.files(other)
        }
        for info in list(self._manifest.store.list(f"{folder}/")):
            if info.key not in kept:
                self._manifest.store.delete(info.key)
        return True

    def close(self) -> None:
        self._manifest.store.close()

    def _swap(self, line: str, now_ms: int, *, undo: bool) -> Promotion:
        """Fence, swap, and fence again whoever opened in between by the old names."""
        change = undone if undo else promoted
        known = self._manifest.lines().lines
        after = change(dict(known), line, self.location)
        folders = [known[name] for name in (LIVE, line) if name in known]
        for folder in folders:
            self._manifest.fence(folder, now_ms)
        swapped = self._manifest.change_lines(
            lambda all, _: change(all, line, self.location), now_ms
        )
        for folder in folders:
            self._manifest.fence(folder, now_ms)
        live = swapped.lines[LIVE]
        tables = sorted({file.table for file in self._manifest.files(live)})
        before = next(name for name, f in after.items() if name != LIVE and f in folders)
        return Promotion(tables, before, self._offsets(live))

    def _offsets(self, folder: str) -> list[SinkOffset]:
        head = self._manifest.head(folder)
        rows = list(head.offsets) if head is not None else []
        return sorted(rows, key=lambda row: (row.topic, row.topic_id, row.partition))


def read_checkpoint(path: Path) -> ObjectsCheckpoint:
    """Raises UserFault if it is none."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ObjectsCheckpoint)
    except FileNotFoundError:
        raise UserFault(f"the checkpoint {path} is gone") from None
    except msgspec.DecodeError as error:
        raise UserFault(f"{path} is no checkpoint of a Parquet sink: {error}") from None


def _write(file: Path, body: bytes) -> None:
    file.write_bytes(body)
