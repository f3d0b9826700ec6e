"""A durable directory as a store.

    <root>/<key>             an object; read-only from birth
    <root>/.tmp/<writer>.N   an object being written
    <root>/.tmp/<writer>.lock  held by its writer for as long as the process lives

An object is written to a temporary file and synced, gets its name by ``link`` (which fails when the
name exists: creation is exclusive) or ``rename``, and its directory is synced before ``put`` returns.
Several processes may share the directory: what a dead one left in ``.tmp`` is removed when the next
one opens the store, what a living one is writing is left alone.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from uuid import uuid4

from anabranch.errors import StoreFault
from anabranch.storage.disk import Disk, disk_fault
from anabranch.storage.lockfile import LockFile
from anabranch.storage.store import (
    AlreadyExists,
    Buffer,
    NotFound,
    ObjectInfo,
    buffers_of,
    check_key,
)

TEMPORARY = ".tmp"
SYNC_BYTES = 4 << 20  # unsynced of an object: what a flush of the WAL may have to wait for
LONG_BYTES = 2 << 20  # a read is long anyway, and the read-ahead of the system makes it quicker
DURABLE_DIRECTORIES_MAX = 65_536  # remembered as synced; forgetting costs fsyncs, not safety


class DirectoryStore:
    """Objects as files below ``root``, which is made by the first ``put``."""

    def __init__(
        self, root: Path, *, writer_id: str | None = None, disk: Disk | None = None
    ) -> None:
        self.url = root.absolute().as_uri()
        self._root = root.absolute()
        self._disk = disk or Disk()
        self._writer_id = writer_id or uuid4().hex
        self._lock = Lock()
        self._writer_lock: LockFile | None = None
        self._temporary_count = 0
        self._durable_directories: set[Path] = set()
        self._remove_leftovers()

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        path = self._path(key)
        if create and self._exists(path):  # saves writing it; `link` below is the judge
            raise AlreadyExists(f"{key} exists already in {self.url}")
        doing = f"writing {key} to {self.url}"
        try:
            temporary = self._new_temporary()
            try:
                size = self._write(temporary, data)
                self._publish(temporary, path, create)
            finally:
                self._discard(temporary)
        except FileExistsError:
            raise AlreadyExists(f"{key} exists already in {self.url}") from None
        except OSError as error:
            raise disk_fault(error, doing) from error
        return size

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self.get_ranges(key, [(start, length)])[0]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int | None]]) -> list[bytes]:
        path = self._path(key)
        try:
            fd = self._open_object(path)
            try:
                size = self._disk.file_size(fd)
                if size is None:
                    raise FileNotFoundError(errno.ENOENT, "a directory", str(path))
                if sum(size if length is None else length for _, length in ranges) < LONG_BYTES:
                    self._disk.read_only_what_is_asked(fd)
                return [self._read(fd, size, start, length) for start, length in ranges]
            finally:
                self._disk.close(fd)
        except FileNotFoundError:
            raise NotFound(f"{key} does not exist in {self.url}") from None
        except OSError as error:
            raise disk_fault(error, f"reading {key} from {self.url}") from error

    def head(self, key: str) -> ObjectInfo:
        path = self._path(key)
        try:
            fd = self._open_object(path)
            try:
                size = self._disk.file_size(fd)
            finally:
                self._disk.close(fd)
        except FileNotFoundError:
            size = None
        except OSError as error:
            raise disk_fault(error, f"looking up {key} in {self.url}") from error
        if size is None:
            raise NotFound(f"{key} does not exist in {self.url}")
        return ObjectInfo(key, size)

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        return self._walk("", prefix, after or "")

    def delete(self, key: str) -> bool:
        path = self._path(key)
        try:
            self._disk.unlink(path)
            self._disk.sync_directory(path.parent)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        except OSError as error:
            raise disk_fault(error, f"deleting {key} from {self.url}") from error
        return True

    def close(self) -> None:
        with self._lock:
            if self._writer_lock is not None:
                self._writer_lock.release()
                self._writer_lock = None

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _open_object(self, path: Path) -> int:
        try:
            return self._disk.open(path, os.O_RDONLY)
        except NotADirectoryError:  # "a/b" was asked for and "a" is an object
            raise FileNotFoundError(errno.ENOENT, "not found", str(path)) from None

    def _exists(self, path: Path) -> bool:
        try:
            fd = self._open_object(path)
        except OSError:
            return False
        self._disk.close(fd)
        return True

    def _read(self, fd: int, size: int, start: int, length: int | None) -> bytes:
        assert start >= 0 and (length is None or length >= 0)
        available = max(0, size - start)
        return self._disk.read(fd, available if length is None else min(length, available), start)

    # Writing.

    def _new_temporary(self) -> Path:
        directory = self._root / TEMPORARY
        with self._lock:
            if self._writer_lock is None:
                self._make_durable(directory)
                held = LockFile.acquire(self._disk, directory / f"{self._writer_id}.lock")
                if held is None:
                    raise StoreFault(
                        f"another process writes to {self.url} as {self._writer_id}: "
                        "give each process its own writer id",
                        retryable=False,
                    )
                self._writer_lock = held
            self._temporary_count += 1
            return directory / f"{self._writer_id}.{self._temporary_count}"

    def _write(self, temporary: Path, data: Buffer | Iterable[Buffer]) -> int:
        fd = self._disk.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        try:
            size = synced = 0
            for buffer in buffers_of(data):
                size += self._disk.write(fd, (buffer,), size)
                if size - synced >= SYNC_BYTES:
                    self._disk.sync_data(fd)
                    synced = size
            self._disk.sync(fd)
        finally:
            self._disk.close(fd)
        return size

    def _publish(self, temporary: Path, path: Path, create: bool) -> None:
        self._make_durable(path.parent)
        if create:
            self._disk.link(temporary, path)
        else:
            self._disk.rename(temporary, path)
        self._disk.sync_directory(path.parent)

    def _discard(self, temporary: Path) -> None:
        try:
            self._disk.unlink(temporary)
        except OSError:
            pass  # renamed away, or left for the next process that opens the store

    def _make_durable(self, directory: Path) -> None:
        """Make a directory and see to it that its name survives a crash, up to the root's.

        A directory that exists already may have been made a moment ago by a process that has not
        synced its parent yet, so existing is not enough: the first use by each process syncs.
        """
        if directory in self._durable_directories:
            return
        parent = directory.parent
        if directory == self._root:
            if not self._disk.is_directory(parent):
                self._make_durable_root_parents(parent)
        else:
            self._make_durable(parent)
        try:
            self._disk.make_directory(directory)
        except FileExistsError:
            if not self._disk.is_directory(directory):
                raise NotADirectoryError(errno.ENOTDIR, "not a directory", str(directory)) from None
        self._disk.sync_directory(parent)
        if len(self._durable_directories) >= DURABLE_DIRECTORIES_MAX:
            self._durable_directories.clear()
        self._durable_directories.add(directory)

    def _make_durable_root_parents(self, directory: Path) -> None:
        if self._disk.is_directory(directory):
            return
        self._make_durable_root_parents(directory.parent)
        try:
            self._disk.make_directory(directory)
        except FileExistsError:
            pass
        self._disk.sync_directory(directory.parent)

    def _remove_leftovers(self) -> None:
        """Remove the temporary files of writers that are gone. Never a reason not to open."""
        directory = self._root / TEMPORARY
        try:
            names = sorted(entry.name for entry in self._disk.scan(directory))
        except OSError:
            return  # nothing was ever written here
        for writer in sorted({name.rpartition(".")[0] for name in names}):
            try:
                held = LockFile.acquire(self._disk, directory / f"{writer}.lock")
            except OSError:
                return  # read-only, for us at least
            if held is None:
                continue
            for name in names:
                if name.rpartition(".")[0] == writer and not name.endswith(".lock"):
                    self._discard(directory / name)
            held.release()

    # Listing.

    def _walk(self, folder: str, prefix: str, after: str) -> Iterator[ObjectInfo]:
        """Objects below ``folder`` ("" or ending in "/"), in key order, one directory at a time."""
        try:
            entries = self._disk.scan(self._root / folder)
        except (FileNotFoundError, NotADirectoryError):
            return  # deleted meanwhile, or nothing was ever put
        except OSError as error:
            raise disk_fault(error, f"listing {folder} in {self.url}") from error
        # A folder sorts by its name with the slash: the key "a.b" comes before "a/x".
        keyed = sorted(
            (folder + entry.name + "/" * entry.is_directory, entry)
            for entry in entries
            if folder or entry.name != TEMPORARY
        )
        for key, entry in keyed:
            if entry.is_directory:
                # Some key below may match only if prefix and folder agree as far as both go, and
                # some key below may be greater than `after` unless `after` is past the whole folder.
                if not (key.startswith(prefix) or prefix.startswith(key)):
                    continue
                if after > key and not after.startswith(key):
                    continue
                yield from self._walk(key, prefix, after)
            elif key.startswith(prefix) and key > after:
                yield ObjectInfo(key, entry.size)
