"""Staging, promotion and undo of a Delta sink: tables beside each other, one commit for each swap.

A directory of an object store cannot be renamed, so a promotion overwrites the live table with the rows of
the staging one, in one commit; undo restores the version before it. Both need the files of that version,
which VACUUM removes after its retention (seven days by default).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from deltalake.exceptions import DeltaError
from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.recovery.model import Checkpoint, SinkClass
from anabranch.recovery.sinks import delta_log as log
from anabranch.recovery.sinks.common import (
    BEFORE,
    LIVE,
    SEPARATOR,
    Line,
    Promotion,
    SinkOffset,
    check_staging_name,
)
from anabranch.recovery.sinks.lines import durable_checkpoint
from anabranch.recovery.sinks.objects_manifest import open_root


class DeltaCheckpoint(Struct, frozen=True, kw_only=True):
    """A version of the live table, by number, and its offsets."""

    location: str
    version: int
    offsets: tuple[SinkOffset, ...]
    format: int = 1


class DeltaLines:
    """A sink at rest; ``common.SinkLines`` says what each method does."""

    sink_class = SinkClass.TRANSACTIONAL
    promotes = True
    stages = True

    def __init__(self, location: str) -> None:
        self._where = log.place(location)
        self.location = self._where.location
        shown = Path(self._where.uri).name if "://" not in self._where.uri else self._where.uri
        self.name = f"delta:{shown}"
        if log.load(self._where, LIVE) is None and not self._staged():
            raise UserFault(f"there is no Delta table at {self.location.removeprefix('delta:')}")

    def offsets(self, line: str = LIVE) -> list[SinkOffset]:
        if line.startswith(BEFORE):
            return self._before(line)[1]
        table = log.load(self._where, line)
        info = log.newest(table, line) if table is not None else None
        if table is None or info is None:
            return []
        # The transactions of the table are what counts; the information beside them may be lost.
        rows = [(row, log.next_offset(table, line, row)) for row in info.offsets]
        found = [row._replace(next_offset=at) for row, at in rows if at is not None]
        return sorted(found, key=lambda row: (row.topic, row.topic_id, row.partition))

    def lines(self) -> list[Line]:
        names = self._visible()
        live = log.load(self._where, LIVE)
        if live is not None:
            names = [LIVE, *names, *self._former()]
        found = []
        for name in sorted(names):
            table = None if name.startswith(BEFORE) else log.load(self._where, name)
            epoch = log.epoch(table, name) if table is not None else -1
            found.append(Line(name, epoch, self.offsets(name)))
        return found

    def read(self, line: str = LIVE) -> Any:
        """The rows of a line as a ``pyarrow.Table``. Raises UserFault if there is no such line."""
        return self._dataset(line).to_table()

    def take_checkpoint(self, target: Path) -> Checkpoint:
        table = log.load(self._where, LIVE)
        info = log.newest(table, LIVE) if table is not None else None
        if table is None or info is None:
            raise UserFault(f"{self.location} has no live line to take a checkpoint of")
        held = DeltaCheckpoint(
            location=self.location, version=table.version(), offsets=tuple(info.offsets)
        )
        body = msgspec.json.encode(held)
        return durable_checkpoint(target, lambda file: _write(file, body))

    def checkpoint_offsets(self, checkpoint: Path) -> list[SinkOffset]:
        return list(_read(checkpoint).offsets)

    def stage(self, line: str, checkpoint: Path | None, now_ms: int) -> list[SinkOffset]:
        check_staging_name(line)
        held = _read(checkpoint) if checkpoint is not None else None
        if log.load(self._where, line) is None:
            live = log.load(self._where, LIVE)
            if live is None:
                raise UserFault(f"{self.location} has no live table to stage beside")
            if held is None:
                content = live.to_pyarrow_dataset().schema.empty_table()
                log.replace(self._where, line, content, log.Info(line, 0, []), mode="error")
            else:
                # Counters start at zero: they are this replay's, not the checkpoint's.
                rows = [r._replace(applied=0, suppressed=0, skipped=0) for r in held.offsets]
                content = self._version(held.version)
                log.replace(self._where, line, content, log.Info(line, 0, rows), mode="error")
        return self.offsets(line)

    def promote(self, line: str, now_ms: int) -> Promotion:
        if line not in self._visible():
            raise UserFault(f"{self.location}: there is no staging line “{line}” to promote")
        if BEFORE + line in self._former():
            raise UserFault(f"{self.location}: “{line}” was promoted already")
        # Its writer first: what is read is then all that it ever wrote.
        log.fence(self._where, line, self.offsets(line))
        live = log.load(self._where, LIVE)
        before = live.version() if live is not None else -1
        known = self.offsets(LIVE)
        info = log.Info(LIVE, 0, self.offsets(line), promoted=line, before=before)
        log.replace(self._where, LIVE, self._reader(line), info, known)
        return Promotion([self.name], BEFORE + line, self.offsets(LIVE))

    def undo(self, line: str, now_ms: int) -> Promotion:
        if BEFORE + line not in self._former():
            raise UserFault(f"{self.location}: no promotion of “{line}” to undo")
        version, former = self._before(BEFORE + line)
        now = self.offsets(LIVE)
        # What was live becomes the staging line again, with what it got since.
        log.replace(self._where, line, self._reader(LIVE), log.Info(line, 0, now))
        info = log.Info(LIVE, 0, former, undone=line)
        log.replace(self._where, LIVE, self._version(version), info, now)
        return Promotion([self.name], line, self.offsets(LIVE))

    def drop(self, line: str) -> bool:
        if line == LIVE:
            raise UserFault("the live line cannot be dropped")
        if line.startswith(BEFORE):
            if line not in self._former():
                return False
            info = log.Info(LIVE, 0, self.offsets(LIVE), undone=line.removeprefix(BEFORE))
            table = log.load(self._where, LIVE)
            assert table is not None, "it has a former line"
            empty = table.to_pyarrow_dataset().schema.empty_table()
            log.replace(self._where, LIVE, empty, info, mode="append")
            self._delete(line.removeprefix(BEFORE))
            return True
        if line not in self._visible():
            return False
        self._delete(line)
        return True

    def close(self) -> None:
        """Nothing stays open."""

    def _visible(self) -> list[str]:
        """Staging lines; a promoted one's table stays, fenced, until what it replaced is dropped."""
        former = self._former()
        return [line for line in self._staged() if BEFORE + line not in former]

    def _delete(self, line: str) -> None:
        root, name = self._beside()
        store = open_root(root)
        try:
            # Its log last: what has a log and lacks files would be a broken table.
            keys = [info.key for info in store.list(f"{name}{SEPARATOR}{line}/")]
            for key in sorted(keys, key=lambda key: "/_delta_log/" in key):
                store.delete(key)
        finally:
            store.close()

    def _staged(self) -> list[str]:
        root, name = self._beside()
        if "://" not in root:
            found = [
                path.name
                for path in Path(root).glob(f"{name}{SEPARATOR}*")
                if (path / "_delta_log").is_dir() and any((path / "_delta_log").iterdir())
            ]
        else:
            store = open_root(root)
            try:
                prefix = f"{name}{SEPARATOR}"
                found = list(dict.fromkeys(i.key.partition("/")[0] for i in store.list(prefix)))
            finally:
                store.close()
        return [each.removeprefix(f"{name}{SEPARATOR}") for each in found]

    def _beside(self) -> tuple[str, str]:
        """The folder that the tables lie in, as the project's stores name it, and the live one's name."""
        root, _, name = self._where.uri.rpartition("/")
        endpoint = self._where.options.get("AWS_ENDPOINT_URL")
        return root + (f"?endpoint={endpoint}" if endpoint else ""), name

    def _former(self) -> list[str]:
        """What promotions put aside and nobody brought back or dropped."""
        live = log.load(self._where, LIVE)
        settled: set[str] = set()
        found: list[str] = []
        for info in log.infos(live) if live is not None else ():
            if info.undone:
                settled.add(info.undone)
            if info.promoted and info.promoted not in settled:
                settled.add(info.promoted)
                found.append(BEFORE + info.promoted)
        return found

    def _before(self, line: str) -> tuple[int, list[SinkOffset]]:
        live = log.load(self._where, LIVE)
        promoted: log.Info | None = None
        for info in log.infos(live) if live is not None else ():
            if promoted is None and info.promoted == line.removeprefix(BEFORE):
                promoted = info
            elif promoted is not None and info.version <= promoted.before and info.line == LIVE:
                return promoted.before, info.offsets
        return (promoted.before, []) if promoted is not None else (-1, [])

    def _dataset(self, line: str) -> Any:
        if line.startswith(BEFORE):
            return self._table_at(self._before(line)[0])
        table = log.load(self._where, line)
        if table is None:
            raise UserFault(f"{self.location}: there is no line “{line}”")
        return table.to_pyarrow_dataset()

    def _reader(self, line: str) -> Any:
        return self._dataset(line).scanner().to_reader()

    def _version(self, version: int) -> Any:
        return self._table_at(version).scanner().to_reader()

    def _table_at(self, version: int) -> Any:
        live = log.load(self._where, LIVE)
        assert live is not None, "a version of it is known"
        try:
            live.load_as_version(version)
            return live.to_pyarrow_dataset()
        except (DeltaError, OSError) as error:
            raise UserFault(
                f"{self.location}: version {version} is gone ({error}); VACUUM removes old ones"
            ) from None


def _read(path: Path) -> DeltaCheckpoint:
    try:
        return msgspec.json.decode(path.read_bytes(), type=DeltaCheckpoint)
    except FileNotFoundError:
        raise UserFault(f"the checkpoint {path} is gone") from None
    except msgspec.DecodeError as error:
        raise UserFault(f"{path} is no checkpoint of a Delta sink: {error}") from None


def _write(file: Path, body: bytes) -> None:
    file.write_bytes(body)
