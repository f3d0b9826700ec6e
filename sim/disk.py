"""A machine's file system: what was not synced may vanish, tear or survive out of order at a power loss.

- Bytes: every written sector that was not synced survives by itself or not. A failed sync leaves it to
  chance which sectors are durable, and clears the error: a later sync that succeeds proves nothing.
- Names: a directory's changes survive as a prefix of the order in which they were made (as a journal
  gives it), and all of them once the directory is synced.
- A killed process loses nothing but its locks; a call that it was in the middle of may be half done.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from anabranch.storage.disk import Disk, Entry
from anabranch.storage.store import Buffer
from sim.loop import Killed, Process

SECTOR_BYTES = 512


class Inode:
    """A file's bytes: as processes see them, and as they would be after a power loss now."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.durable = bytearray()
        self.dirty: list[tuple[int, bytes]] = []
        self.locked_by: tuple[SimDisk, int] | None = None

    def copy(self) -> Inode:
        """Its bytes; nobody holds the copy's lock."""
        copy = Inode()
        copy.content, copy.durable = bytearray(self.content), bytearray(self.durable)
        copy.dirty = list(self.dirty)
        return copy

    def write(self, position: int, data: bytes) -> None:
        _put(self.content, position, data)
        self.dirty.append((position, data))

    def sync(self) -> None:
        for position, data in self.dirty:
            _put(self.durable, position, data)
        self.dirty.clear()

    def settle_by_chance(self, rng: Random) -> None:
        """Each unsynced sector becomes durable or not; none of it is dirty any more."""
        keep = rng.choice((0.0, 0.5, 0.9, 1.0))
        for position, data in self.dirty:
            for start in range(0, len(data), SECTOR_BYTES):
                if rng.random() < keep:
                    _put(self.durable, position + start, data[start : start + SECTOR_BYTES])
        self.dirty.clear()

    def lose_power(self, rng: Random) -> None:
        self.settle_by_chance(rng)
        self.content = bytearray(self.durable)
        self.locked_by = None


def _put(target: bytearray, position: int, data: bytes) -> None:
    if len(target) < position:
        target.extend(bytes(position - len(target)))
    target[position : position + len(data)] = data


Change = tuple[tuple[str, "Inode | None"], ...]  # names and what they name after it


class Directory:
    """Names, as seen and as durable, and the changes between the two."""

    def __init__(self) -> None:
        self.names: dict[str, Inode] = {}
        self.durable: dict[str, Inode] = {}
        self.changes: list[Change] = []

    def change(self, *change: tuple[str, Inode | None]) -> None:
        _apply(self.names, change)
        self.changes.append(change)

    def sync(self) -> None:
        for change in self.changes:
            _apply(self.durable, change)
        self.changes.clear()

    def lose_power(self, rng: Random) -> None:
        for change in self.changes[: rng.randint(0, len(self.changes))]:
            _apply(self.durable, change)
        self.changes.clear()
        self.names = dict(self.durable)


def _apply(names: dict[str, Inode], change: Change) -> None:
    for name, inode in change:
        if inode is None:
            names.pop(name, None)
        else:
            names[name] = inode


class Machine:
    """One file system, shared by the brokers that run on it. Directories are durable once made."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self.directories: dict[str, Directory] = {"/": Directory()}

    def lose_power(self) -> None:
        inodes = {
            id(inode): inode
            for directory in self.directories.values()
            for inode in (*directory.names.values(), *directory.durable.values())
        }
        for directory in self.directories.values():
            directory.lose_power(self._rng)
        for inode in inodes.values():
            inode.lose_power(self._rng)

    def after_power_loss(self, rng: Random) -> Machine:
        """Another machine: what this one would be if it lost its power now."""
        inodes: dict[int, Inode] = {}

        def same(names: dict[str, Inode]) -> dict[str, Inode]:
            return {
                name: inodes.setdefault(id(inode), inode.copy()) for name, inode in names.items()
            }

        other = Machine(rng)
        for path, directory in self.directories.items():
            copy = other.directories[path] = Directory()
            copy.names, copy.durable = same(directory.names), same(directory.durable)
            copy.changes = [
                tuple(
                    (name, inode and inodes.setdefault(id(inode), inode.copy()))
                    for name, inode in change
                )
                for change in directory.changes
            ]
        other.lose_power()
        return other

    def process_died(self, disk: SimDisk) -> None:
        """A write in progress may have arrived in part, in order; the kernel drops the locks."""
        if disk.in_flight is not None:
            inode, position, data = disk.in_flight
            inode.write(position, data[: self._rng.randint(0, len(data))])
            disk.in_flight = None
        for directory in self.directories.values():
            for inode in directory.names.values():
                if inode.locked_by is not None and inode.locked_by[0] is disk:
                    inode.locked_by = None

    def bytes_at(self, path: Path, position: int, length: int, *, durable: bool) -> bytes | None:
        """For checkers: a file's bytes, None if there is no such file."""
        directory = self.directories.get(str(path.parent))
        inode = None
        if directory is not None:
            inode = (directory.durable if durable else directory.names).get(path.name)
        if inode is None:
            return None
        return bytes((inode.durable if durable else inode.content)[position : position + length])


Step = Callable[
    [str], "int | None"
]  # told the call's name; may suspend, kill (Killed) or name an errno


class SimDisk(Disk):
    """One process's calls to its machine's file system. ``step`` is asked before each of them."""

    def __init__(self, machine: Machine, process: Process, step: Step, rng: Random) -> None:
        self._machine = machine
        self._process = process
        self._step = step
        self._rng = rng
        self._open: dict[int, Inode] = {}
        self._next_fd = 3
        self.in_flight: tuple[Inode, int, bytes] | None = None

    def _enter(self, call: str) -> None:
        if not self._process.alive:
            raise Killed
        code = self._step(call)
        if not self._process.alive:
            raise Killed
        if code is not None:
            raise OSError(code, os.strerror(code))

    def _directory(self, path: Path) -> Directory:
        directory = self._machine.directories.get(str(path))
        if directory is None:
            raise FileNotFoundError(errno.ENOENT, "no such directory", str(path))
        return directory

    def _named(self, path: Path) -> Inode:
        inode = self._directory(path.parent).names.get(path.name)
        if inode is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
        return inode

    # -- files -------------------------------------------------------------------------------------
    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        self._enter("open")
        directory = self._directory(path.parent)
        inode = directory.names.get(path.name)
        if inode is None:
            if not flags & os.O_CREAT:
                raise FileNotFoundError(errno.ENOENT, "no such file", str(path))
            inode = Inode()
            directory.change((path.name, inode))
        elif flags & os.O_EXCL:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        elif flags & os.O_TRUNC:
            inode.content.clear()
            inode.durable.clear()
            inode.dirty.clear()
        self._next_fd += 1
        self._open[self._next_fd] = inode
        return self._next_fd

    def close(self, fd: int) -> None:
        if not self._process.alive:
            raise Killed
        inode = self._open.pop(fd)
        if inode.locked_by == (self, fd):
            inode.locked_by = None

    def read(self, fd: int, length: int, position: int) -> bytes:
        self._enter("read")
        return bytes(self._open[fd].content[position : position + length])

    def read_only_what_is_asked(self, fd: int) -> None:
        pass  # nothing is read ahead here

    def write(self, fd: int, buffers: Sequence[Buffer], position: int) -> int:
        data = b"".join(buffers)
        inode = self._open[fd]
        self.in_flight = (inode, position, data)
        try:
            self._enter("write")
        except OSError:
            inode.write(position, data[: self._rng.randint(0, len(data))])
            raise
        finally:
            self.in_flight = None
        inode.write(position, data)
        return len(data)

    def zero(self, fd: int, position: int, length: int) -> None:
        self._enter("zero")
        self._open[fd].write(position, bytes(length))

    def allocate(self, fd: int, length: int) -> None:
        self._enter("allocate")
        inode = self._open[fd]
        if len(inode.content) < length:
            inode.write(len(inode.content), bytes(length - len(inode.content)))

    def write_around(
        self, fd: int, buffers: Sequence[Buffer], position: int, staging: memoryview
    ) -> int:
        return self.write(fd, buffers, position)

    def sync_data(self, fd: int) -> None:
        inode = self._open[fd]
        try:
            self._enter("sync")
        except OSError:
            inode.settle_by_chance(self._rng)
            raise
        inode.sync()

    def sync(self, fd: int) -> None:
        self.sync_data(fd)

    def file_size(self, fd: int) -> int | None:
        return len(self._open[fd].content)

    def same_file(self, fd: int, path: Path) -> bool:
        self._enter("stat")
        return self._directory(path.parent).names.get(path.name) is self._open[fd]

    def lock(self, fd: int, attempts: int = 1) -> bool:
        self._enter("lock")
        inode = self._open[fd]
        while inode.locked_by is not None and inode.locked_by != (self, fd):
            attempts -= 1
            if attempts <= 0:
                return False
            self._enter("lock")
        inode.locked_by = (self, fd)
        return True

    # -- names -------------------------------------------------------------------------------------
    def sync_directory(self, path: Path) -> None:
        self._enter("sync directory")
        self._directory(path).sync()

    def link(self, source: Path, target: Path) -> None:
        self._enter("link")
        directory = self._directory(target.parent)
        if target.name in directory.names:
            raise FileExistsError(errno.EEXIST, "exists", str(target))
        directory.change((target.name, self._named(source)))

    def rename(self, source: Path, target: Path) -> None:
        self._enter("rename")
        assert source.parent == target.parent, "not simulated"
        inode = self._named(source)
        self._directory(target.parent).change((source.name, None), (target.name, inode))

    def unlink(self, path: Path) -> None:
        self._enter("unlink")
        self._named(path)
        self._directory(path.parent).change((path.name, None))

    def make_directory(self, path: Path) -> None:
        self._enter("mkdir")
        if str(path) in self._machine.directories:
            raise FileExistsError(errno.EEXIST, "exists", str(path))
        self._machine.directories[str(path)] = Directory()

    def is_directory(self, path: Path) -> bool:
        return str(path) in self._machine.directories

    def scan(self, path: Path) -> list[Entry]:
        self._enter("scan")
        names = list(self._directory(path).names.items())
        self._rng.shuffle(names)  # no order is promised
        return [Entry(name, False, len(inode.content)) for name, inode in names]
