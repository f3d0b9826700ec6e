"""A Bytewax recovery store: a directory of SQLite files, from which the positions of its Kafka inputs are read.

A dataflow resumes at an epoch, the lowest that any of its workers reached in the last execution; of each
state the newest snapshot before that epoch counts. Snapshots are pickles: only those of input steps are
opened, and only as plain values (``plain_pickle``).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import UnionType
from typing import Any, Final, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from anabranch.errors import Corrupt, UserFault
from anabranch.recovery.checkpoints.conventions import Marker, next_offset
from anabranch.recovery.checkpoints.model import EngineCheckpoint, Kept, Source
from anabranch.recovery.checkpoints.plain_pickle import loads

T = TypeVar("T")

PARTS_MAX: Final = 1024  # files of one store; Bytewax suggests one per worker
ROWS_MAX: Final = 1_000_000  # snapshots of one file that are looked at
TRIES_MAX: Final = 20  # while a dataflow writes; its epochs last ten seconds unless told otherwise
WAIT_SECONDS: Final = 5.0  # for a dataflow that writes
# A Kafka input's partitions are called INDEX-TOPIC; its step lies within the operator of the dataflow.
_PARTITION = re.compile(r"(\d{1,9})-([a-zA-Z0-9._-]{1,249})")
_INPUT_STEP = ".kafka_input"
_STATE_STEP = ".stateful_batch"  # what every stateful operator is made of; its keys are the users'


class _Snap(NamedTuple):
    epoch: int
    change: bytes | None


def read(location: str) -> EngineCheckpoint:
    """The store in the directory ``location``. Raises UserFault, Corrupt."""
    directory = _directory(location)
    files = _files(directory)
    tables = _still(directory, lambda: [_read_part(file) for file in files])
    counts = {count for one in tables for _, count in one.parts}
    numbers = {number for one in tables for number, _ in one.parts}
    if len(counts) != 1 or numbers != set(range(counts.pop())):
        raise Corrupt(f"{directory}: its parts {sorted(numbers)} are not all of one store")
    execution, epoch = _resume(tables, directory)
    damage = []
    latest = max(one.commits for one in tables)
    if latest > epoch:
        damage.append(
            f"a part is at epoch {latest}, past the epoch {epoch} to resume at: Bytewax refuses to"
        )
    sources = tuple(_sources(tables, epoch, directory))
    return EngineCheckpoint(
        engine="bytewax",
        location=str(directory),
        id=f"execution {execution}, epoch {epoch}",
        form=f"recovery store of {len(files)} parts",
        sources=sources,
        sha256=digest(directory),
        bytes=sum(file.stat().st_size for file in files),
        taken_ms=max(file.stat().st_mtime_ns for file in files) // 1_000_000,
        moves=True,
        damage=tuple(damage),
    )


def digest(directory: Path) -> str:
    """SHA-256 over what the store says, table by table: a copy has it too, whatever its files look like."""
    found = hashlib.sha256()
    for file in sorted(directory.glob("part-*.sqlite3")):
        found.update(f"{file.name}\0".encode())
        for row in _rows(file, _DIGESTED):
            found.update(repr(row).encode())
    return found.hexdigest()


def copy(source: str, target: Path) -> None:
    """Copy a store while a dataflow may write to it. Raises UserFault, Corrupt."""
    directory = _directory(source)
    files = _files(directory)
    target.mkdir(parents=True, exist_ok=False)

    def once() -> None:
        for file in files:
            (target / file.name).unlink(missing_ok=True)
            with _opened(file) as one, closing(sqlite3.connect(target / file.name)) as other:
                one.backup(other)

    try:
        _still(directory, once)
    except sqlite3.Error as error:
        raise Corrupt(f"{directory} is not a Bytewax recovery store: {error}") from None


def _files(directory: Path) -> list[Path]:
    files = sorted(directory.glob("part-*.sqlite3"))
    if not files:
        raise UserFault(f"{directory} is not a Bytewax recovery store: it has no part-N.sqlite3")
    if len(files) > PARTS_MAX:
        raise UserFault(f"{directory} has {len(files):,} parts; {PARTS_MAX:,} are read")
    return files


def _still(directory: Path, act: Callable[[], T]) -> T:
    """Do something with all parts while the dataflow stays at one epoch.

    Parts are written one by one. Snapshots before the epoch at which a dataflow resumes are replaced only
    after that epoch has moved; so if it is the same before and after, they belong together.
    """
    for _ in range(TRIES_MAX):
        before = _rows_of_fronts(directory)
        done = act()
        if _rows_of_fronts(directory) == before:
            return done
    raise UserFault(
        f"{directory}: the dataflow moved on {TRIES_MAX} times while its store was read; "
        "read a copy, or give it a longer epoch_interval"
    )


def _rows_of_fronts(directory: Path) -> list[Any]:
    return [
        _rows(file, (_QUERIES["executions"], _QUERIES["frontiers"])) for file in _files(directory)
    ]


class _Part(NamedTuple):
    file: Path
    parts: list[tuple[int, int]]
    executions: list[tuple[int, int, int]]
    frontiers: list[tuple[int, int, int]]
    commits: int
    snaps: list[tuple[str, str, int, bytes | None]]


_QUERIES: Final = {
    "parts": "SELECT part_index, part_count FROM parts",
    "executions": "SELECT ex_num, worker_count, resume_epoch FROM exs",
    "frontiers": "SELECT ex_num, worker_index, worker_frontier FROM fronts",
    "commits": "SELECT part_index, commit_epoch FROM commits",
    "snaps": "SELECT step_id, state_key, snap_epoch, ser_change FROM snaps",
}
_DIGESTED: Final = tuple(f"{query} ORDER BY 1, 2" for query in _QUERIES.values())


def _directory(location: str) -> Path:
    split = urlsplit(location)
    if split.scheme == "file":
        return Path(unquote(split.path)).absolute()
    if "://" in location:
        raise UserFault(f"“{location}”: a Bytewax store is a directory of this machine")
    return Path(location).absolute()


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    """The database to read, never to write. Where its directory may not be written to, SQLite could not
    look into a write-ahead log that was left: there, a copy is opened."""
    with ExitStack() as stack:
        if not os.access(file.parent, os.W_OK):
            copied = Path(stack.enter_context(TemporaryDirectory())) / file.name
            for suffix in ("", "-wal"):
                one = file.with_name(file.name + suffix)
                if one.exists():
                    shutil.copyfile(one, copied.with_name(copied.name + suffix))
            file = copied
        connection = sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)
        stack.enter_context(closing(connection))
        connection.execute("PRAGMA query_only = 1")
        yield connection


def _rows(file: Path, queries: tuple[str, ...]) -> list[Any]:
    found: list[Any] = []
    try:
        with _opened(file) as connection:
            connection.execute("BEGIN")
            for query in queries:
                rows = connection.execute(query).fetchmany(ROWS_MAX + 1)
                if len(rows) > ROWS_MAX:
                    raise UserFault(f"{file}: more than {ROWS_MAX:,} rows")
                found.append(rows)
    except sqlite3.Error as error:
        raise Corrupt(f"{file} is not a part of a Bytewax recovery store: {error}") from None
    except (UnicodeDecodeError, OverflowError) as error:
        raise Corrupt(f"{file}: {error}") from None
    return found


def _read_part(file: Path) -> _Part:
    parts, executions, frontiers, commits, snaps = _rows(file, tuple(_QUERIES.values()))
    kinds: tuple[type | UnionType, ...]
    for rows, kinds in (
        (parts, (int, int)),
        (executions, (int, int, int)),
        (frontiers, (int, int, int)),
        (commits, (int, int)),
        (snaps, (str, str, int, bytes | None)),
    ):
        for row in rows:
            if not all(isinstance(v, kind) for v, kind in zip(row, kinds, strict=True)):
                raise Corrupt(f"{file}: a row that Bytewax does not write: {str(row)[:80]}")
    commit = max((epoch for _, epoch in commits), default=-1)
    return _Part(file, parts, executions, frontiers, commit, snaps)


def _resume(tables: list[_Part], directory: Path) -> tuple[int, int]:
    """The last execution, and the epoch at which the next one begins."""
    executions: dict[int, tuple[int, int]] = {}
    frontiers: dict[tuple[int, int], int] = {}
    for one in tables:
        for number, workers, resume in one.executions:
            executions[number] = (workers, resume)
        for number, worker, frontier in one.frontiers:
            key = (number, worker)
            frontiers[key] = max(frontier, frontiers.get(key, frontier))
    if not executions:
        raise UserFault(f"{directory}: no dataflow ever ran with this store: it says nothing yet")
    last = max(executions)
    workers, resume = executions[last]
    if not 0 < workers <= PARTS_MAX * 64:
        raise Corrupt(f"{directory}: execution {last} with {workers} workers")
    return last, min(frontiers.get((last, worker), resume) for worker in range(workers))


def _sources(tables: list[_Part], epoch: int, directory: Path) -> list[Source]:
    newest: dict[str, dict[str, _Snap]] = {}
    for one in tables:
        for step, key, at, change in one.snaps:
            if at >= epoch:
                continue
            snaps = newest.setdefault(step, {})
            if key not in snaps or snaps[key].epoch < at:
                snaps[key] = _Snap(at, change)
    found: list[Source] = []
    for step in sorted(newest):
        if not step.endswith(_INPUT_STEP) and not _looks_like_input(step, newest[step]):
            continue
        positions, problem = _positions(step, newest[step], directory)
        found.append(
            Source(
                number=len(found),
                kind="Kafka input",
                name=step,
                id=step,
                positions=tuple(sorted(positions, key=lambda one: (one.topic, one.partition))),
                problem=problem,
            )
        )
    return found


def _looks_like_input(step: str, snaps: dict[str, _Snap]) -> bool:
    """Whether every state of a step is called as a partition of a topic, as those of a ``KafkaSource``
    that was given to ``op.input`` are. Keys of users may look so, too."""
    return not step.endswith(_STATE_STEP) and all(_PARTITION.fullmatch(key) for key in snaps)


def _positions(step: str, snaps: dict[str, _Snap], directory: Path) -> tuple[list[Kept], str]:
    positions = []
    for key, snap in sorted(snaps.items()):
        match = _PARTITION.fullmatch(key)
        if match is None:
            return [], f"a state that is not a partition's: {key[:40]}"
        if snap.change is None:
            continue  # the state was discarded
        value = loads(snap.change, f"{directory}, {step} {key}")
        if type(value) is not int:
            return [], f"the state of {key} is no offset"
        try:
            position = next_offset("bytewax-snaps", value)
        except ValueError as error:
            return [], f"{key}: {error}"
        marker = position if isinstance(position, Marker) else None
        positions.append(
            Kept(
                match[2],
                int(match[1]),
                value,
                "bytewax-snaps",
                None if isinstance(position, Marker) else position,
                marker,
                f"epoch {snap.epoch}",
            )
        )
    return positions, "" if positions else "it holds no offset of any partition"
