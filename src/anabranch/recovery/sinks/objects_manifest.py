"""The manifest of a sink on an object store: which line is which, and what each line holds.

Only one thing is asked of the store: that a key can be created once. Both parts are chains of numbered
objects, and whoever creates the next number has changed them::

    lines/00000000000000000003.json           line → its folder; the newest number counts
    r1@2/commits/00000000000000000017.json    files that this commit adds, and all offsets after it
    r1@2/bundles/00000000000000000099.json    the files of a hundred commits, for quicker reading
    r1@2/last.json                            a commit's number to begin looking at: a hint, no more
    r1@2/data/TABLE/CLUSTER-ID.TOPIC-ID/PARTITION/FIRST-LAST.parquet

A writer's first act is a commit of its own, whose number is its epoch. From then on every commit of an
earlier writer meets a number that is taken: that is the fence. Nothing in a chain is ever deleted while its
line is: a number that became free again would let a writer through that had been fenced off.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.recovery.sinks.common import BEFORE, LIVE, SinkOffset
from anabranch.storage.layers import Waits, open_layered
from anabranch.storage.store import AlreadyExists, NotFound, Store

T = TypeVar("T", bound=Struct)

FORMAT = 1
BUNDLE_COMMITS = 100  # one GET instead of so many, where all files of a line are wanted
TURNS_MAX = (
    20  # attempts at the next number of a chain against others; each lost one is somebody's gain
)


class File(Struct, frozen=True):
    """An object with the rows of offsets ``first..last`` of one partition; ``key`` from the sink's root."""

    key: str
    table: str
    topic_id: str
    partition: int
    first: int
    last: int
    rows: int
    bytes: int
    sha256: str


class Commit(Struct, frozen=True, kw_only=True):
    """One number of a line's chain. ``offsets`` are all of the line, as they are after it.

    ``removed`` are names beyond those offsets whose objects some writer went on to delete once this commit
    was its own: it may be about to, so nobody uses them again.
    """

    number: int
    epoch: int
    writer: str
    at_ms: int
    files: tuple[File, ...]
    offsets: tuple[SinkOffset, ...]
    removed: tuple[str, ...] = ()
    format: int = FORMAT


class Lines(Struct, frozen=True, kw_only=True):
    """One number of the chain of lines. ``writer`` makes it one process's own (see ``store.py``)."""

    number: int
    lines: dict[str, str]
    writer: str
    at_ms: int
    format: int = FORMAT


class Bundle(Struct, frozen=True, kw_only=True):
    """The files of every commit up to ``number`` that no bundle before it has."""

    number: int
    files: tuple[File, ...]
    format: int = FORMAT


def open_root(location: str) -> Store:
    """The store behind ``PATH``, ``file:///path`` or ``s3://bucket/prefix``, also as ``parquet:…``. Raises UserFault."""
    location = location.removeprefix("parquet:")
    url = location if urlsplit(location).scheme in ("file", "s3", "memory") else _file_url(location)
    # Jitter and pauses between attempts decide nothing.
    return open_layered(url, waits=Waits(time.sleep, time.monotonic, Random())).store


def _file_url(path: str) -> str:
    return f"file://{quote(str(Path(path).absolute()))}"


class Manifest:
    """Reads and extends the chains below one root. Holds no state that could be stale."""

    def __init__(self, store: Store, location: str, writer: str) -> None:
        self.store = store
        self.location = location
        self.writer = writer

    def lines(self) -> Lines:
        """The newest number; number -1 without lines if there is no sink here."""
        newest = None
        for info in self.store.list("lines/"):
            newest = info.key
        if newest is None:
            return Lines(number=-1, lines={}, writer="", at_ms=0)
        return self._read(newest, Lines)

    def changed_since(self, known: Lines) -> bool:
        """Whether the chain of lines has gone on: one request."""
        try:
            self.store.head(_lines_key(known.number + 1))
        except NotFound:
            return False
        return True

    def change_lines(
        self, change: Callable[[dict[str, str], int], dict[str, str]], now_ms: int
    ) -> Lines:
        """Extend the chain of lines by what ``change`` makes of them (given also the new number)."""
        for _ in range(TURNS_MAX):
            known = self.lines()
            number = known.number + 1
            new = Lines(
                number=number,
                lines=change(dict(known.lines), number),
                writer=self.writer,
                at_ms=now_ms,
            )
            try:
                self.store.put(_lines_key(number), msgspec.json.encode(new))
            except AlreadyExists:
                continue
            return new
        raise StoreFault(f"{self.location}: others change its lines all the time")

    def head(self, folder: str) -> Commit | None:
        """The newest commit of a line; None if it has none."""
        after = None
        try:
            hint = msgspec.json.decode(self.store.get(f"{folder}/last.json"), type=int)
            after = commit_key(folder, hint - 1)
        except (NotFound, msgspec.DecodeError):
            pass  # a hint, no more
        newest = None
        for info in self.store.list(f"{folder}/commits/", after):
            newest = info.key
        return None if newest is None else self._read(newest, Commit)

    def append(self, folder: str, commit: Commit) -> bool:
        """Create the number of ``commit``; False if somebody else has it."""
        try:
            self.store.put(commit_key(folder, commit.number), msgspec.json.encode(commit))
        except AlreadyExists:
            return self.commit(folder, commit.number) == commit  # an earlier attempt of ours
        if (commit.number + 1) % BUNDLE_COMMITS == 0:
            self._bundle(folder, commit.number)
        return True

    def commit(self, folder: str, number: int) -> Commit | None:
        """One commit; None if the chain does not reach so far."""
        try:
            return self._read(commit_key(folder, number), Commit)
        except NotFound:
            return None

    def fence(
        self,
        folder: str,
        now_ms: int,
        files: tuple[File, ...] = (),
        offsets: tuple[SinkOffset, ...] | None = None,
    ) -> Commit:
        """Take the next number of a line, with it the epoch: all earlier writers are fenced off."""
        for _ in range(TURNS_MAX):
            head = self.head(folder)
            number = 0 if head is None else head.number + 1
            kept = head.offsets if head is not None else ()
            commit = Commit(
                number=number,
                epoch=number,
                writer=self.writer,
                at_ms=now_ms,
                files=files,
                offsets=kept if offsets is None else offsets,
                removed=head.removed if head is not None else (),
            )
            if self.append(folder, commit):
                return commit
        raise StoreFault(f"{self.location}: others write the line in {folder} all the time")

    def files(self, folder: str) -> list[File]:
        """Every file of a line, in the order in which they were committed."""
        found: list[File] = []
        bundled = -1
        for info in self.store.list(f"{folder}/bundles/"):
            bundle = self._read(info.key, Bundle)
            found += bundle.files
            bundled = bundle.number
        for info in self.store.list(f"{folder}/commits/", commit_key(folder, bundled)):
            found += self._read(info.key, Commit).files
        return found

    def _bundle(self, folder: str, number: int) -> None:
        """What is committed stays committed if this fails: reading is slower, and that is all."""
        try:
            start = number + 1 - BUNDLE_COMMITS
            files: list[File] = []
            for info in self.store.list(f"{folder}/commits/", commit_key(folder, start - 1)):
                commit = self._read(info.key, Commit)
                if commit.number <= number:
                    files += commit.files
            previous = bundle_key(folder, start - 1)
            if start and not any(i.key == previous for i in self.store.list(previous)):
                return  # an earlier bundle is missing: commits behind the last one are read singly
            body = msgspec.json.encode(Bundle(number=number, files=tuple(files)))
            self.store.put(bundle_key(folder, number), body, create=False)
            self.store.put(f"{folder}/last.json", msgspec.json.encode(number), create=False)
        except StoreFault:
            pass

    def _read(self, key: str, kind: type[T]) -> T:
        try:
            value = msgspec.json.decode(self.store.get(key), type=kind)
        except msgspec.DecodeError as error:
            raise Corrupt(f"{self.location}/{key} is not what a sink writes: {error}") from error
        if getattr(value, "format", FORMAT) > FORMAT:
            raise UserFault(f"{self.location} was written by a newer Anabranch")
        return value


def folder_of(lines: Mapping[str, str], line: str, location: str) -> str:
    """Raises UserFault if there is no such line."""
    if line not in lines:
        raise UserFault(f"{location}: there is no line “{line}”")
    return lines[line]


def promoted(lines: dict[str, str], line: str, location: str) -> dict[str, str]:
    """``lines`` after the promotion of ``line``. Raises UserFault."""
    if line not in lines:
        raise UserFault(f"{location}: there is no staging line “{line}” to promote")
    if BEFORE + line in lines:
        raise UserFault(f"{location}: “{line}” was promoted already")
    staged = lines.pop(line)
    if LIVE in lines:
        lines[BEFORE + line] = lines[LIVE]
    return {**lines, LIVE: staged}


def undone(lines: dict[str, str], line: str, location: str) -> dict[str, str]:
    """Inverse of :func:`promoted`. Raises UserFault."""
    if BEFORE + line not in lines:
        raise UserFault(f"{location}: no promotion of “{line}” to undo")
    former = lines.pop(BEFORE + line)
    return {**lines, line: lines[LIVE], LIVE: former}


def _lines_key(number: int) -> str:
    return f"lines/{number:020d}.json"


def commit_key(folder: str, number: int) -> str:
    """Where a commit is; for -1 a key before all of them."""
    return f"{folder}/commits/{number:020d}.json" if number >= 0 else f"{folder}/commits/-"


def bundle_key(folder: str, number: int) -> str:
    """Where a bundle is."""
    return f"{folder}/bundles/{number:020d}.json"
