"""The operating system's calls that storage makes, behind one object.

Tests fail any of them, and simulation replaces all of them, by passing another ``Disk``. Every method
raises ``OSError`` as the system does; ``disk_fault`` turns it into a sentence for a person.
"""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from anabranch.errors import StoreFault
from anabranch.storage.store import Buffer

IOVECS_MAX = 1024  # Linux's IOV_MAX: more buffers than this take another pwritev
_ZEROS = bytes(1 << 20)
_F_FULLFSYNC = getattr(fcntl, "F_FULLFSYNC", None)  # macOS: fsync alone stops at the drive's cache


class Entry(NamedTuple):
    """One name in a directory; ``size`` in bytes, 0 for a directory."""

    name: str
    is_directory: bool
    size: int


class Disk:
    """The real file system."""

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        return os.open(path, flags | os.O_CLOEXEC, mode)

    def close(self, fd: int) -> None:
        os.close(fd)

    def read(self, fd: int, length: int, position: int) -> bytes:
        """Read ``length`` bytes; fewer only where the file ends."""
        data = os.pread(fd, length, position)
        if len(data) == length or not data:
            return data
        pieces = [data]  # a read above 2 GiB, or one cut short by a signal
        got = len(data)
        while got < length:
            data = os.pread(fd, length - got, position + got)
            if not data:
                break
            pieces.append(data)
            got += len(data)
        return b"".join(pieces)

    def read_only_what_is_asked(self, fd: int) -> None:
        """No read-ahead by the system for this descriptor: it takes some megabytes at a time, which
        a flush of the log would have to wait for."""
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
        elif (no_read_ahead := getattr(fcntl, "F_RDAHEAD", None)) is not None:  # pragma: no cover
            fcntl.fcntl(fd, no_read_ahead, 0)  # macOS

    def write(self, fd: int, buffers: Sequence[Buffer], position: int) -> int:
        """Write all buffers one after another from ``position``; return their bytes."""
        start = position
        for first in range(0, len(buffers), IOVECS_MAX):
            chunk = buffers[first : first + IOVECS_MAX]
            expected = sum(map(_byte_length, chunk))
            written = os.pwritev(fd, chunk, position)
            if written < expected:  # the disk filled up half way: the rest names the reason
                rest = memoryview(b"".join(chunk))
                while written < expected:
                    count = os.pwrite(fd, rest[written:], position + written)
                    if count == 0:
                        raise OSError(errno.EIO, "write made no progress")
                    written += count
            position += expected
        return position - start

    def write_around(
        self, fd: int, buffers: Sequence[Buffer], position: int, staging: memoryview
    ) -> int:
        """Like :meth:`write`, but past the page cache where the system can (``O_DIRECT``).

        ``position`` and the bytes in sum are multiples of 4 KiB; ``staging`` is memory of whole pages that
        they go through. Not durable before :meth:`sync_data` either.
        """
        if not _go_around(fd, True):
            return self.write(fd, buffers, position)
        try:
            at, filled = position, 0
            for buffer in buffers:
                left = memoryview(buffer)
                while len(left):
                    count = min(len(left), len(staging) - filled)
                    staging[filled : filled + count] = left[:count]
                    left = left[count:]
                    filled += count
                    if filled == len(staging):
                        at += _write_whole(fd, staging, at)
                        filled = 0
            if filled:
                at += _write_whole(fd, staging[:filled], at)
            return at - position
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        finally:
            _go_around(fd, False)
        return self.write(fd, buffers, position)  # a device that wants larger blocks

    def zero(self, fd: int, position: int, length: int) -> None:
        """Write zeros (not a hole: the blocks are allocated *and* marked as written)."""
        end = position + length
        while position < end:
            position += os.pwrite(fd, _ZEROS[: end - position], position)

    def allocate(self, fd: int, length: int) -> None:
        """Reserve blocks so that later writes within ``length`` cannot run out of space."""
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(fd, 0, length)
        else:  # pragma: no cover - macOS
            self.zero(fd, 0, length)

    def sync_data(self, fd: int) -> None:
        """Make a file's bytes (and the metadata needed to read them) durable."""
        if hasattr(os, "fdatasync"):
            os.fdatasync(fd)
        else:  # pragma: no cover - macOS
            self.sync(fd)

    def sync(self, fd: int) -> None:
        if _F_FULLFSYNC is not None:  # pragma: no cover - macOS
            fcntl.fcntl(fd, _F_FULLFSYNC)
        else:
            os.fsync(fd)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            self.sync(fd)
        finally:
            os.close(fd)

    def file_size(self, fd: int) -> int | None:
        """Size in bytes of an open regular file; None for anything else."""
        status = os.fstat(fd)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def same_file(self, fd: int, path: Path) -> bool:
        """Whether ``path`` still names the open file."""
        try:
            named = path.stat()
        except FileNotFoundError:
            return False
        opened = os.fstat(fd)
        return (named.st_dev, named.st_ino) == (opened.st_dev, opened.st_ino)

    def lock(self, fd: int, attempts: int = 1) -> bool:
        """Try to take the file's exclusive lock; it ends with the process (flock).

        Further attempts, a millisecond apart, outlast somebody who only looks whether it is held.
        """
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                attempts -= 1
                if attempts <= 0:
                    return False
                time.sleep(0.001)

    def link(self, source: Path, target: Path) -> None:
        os.link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        source.replace(target)

    def unlink(self, path: Path) -> None:
        path.unlink()

    def make_directory(self, path: Path) -> None:
        path.mkdir()

    def is_directory(self, path: Path) -> bool:
        return path.is_dir()

    def scan(self, path: Path) -> list[Entry]:
        """Regular files and directories in ``path``, in no order; others are passed over."""
        entries = []
        with os.scandir(path) as names:
            for entry in names:
                if entry.is_dir(follow_symlinks=False):
                    entries.append(Entry(entry.name, True, 0))
                elif entry.is_file(follow_symlinks=False):
                    try:
                        size = entry.stat(follow_symlinks=False).st_size
                    except FileNotFoundError:  # deleted while we looked
                        continue
                    entries.append(Entry(entry.name, False, size))
        return entries


def _go_around(fd: int, around: bool) -> bool:
    """Whether what is written next goes past the page cache, as asked for."""
    direct = getattr(os, "O_DIRECT", 0)
    if not direct:  # pragma: no cover - macOS
        return False
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    try:
        fcntl.fcntl(fd, fcntl.F_SETFL, flags | direct if around else flags & ~direct)
    except OSError:  # a file system that cannot
        return False
    return around


def _write_whole(fd: int, data: memoryview, position: int) -> int:
    written = 0
    while written < len(data):
        count = os.pwrite(fd, data[written:], position + written)
        if count == 0:
            raise OSError(errno.EIO, "write made no progress")
        written += count
    return written


def _byte_length(buffer: Buffer) -> int:
    return buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)


_ADVICE: dict[int, tuple[str, bool]] = {
    errno.ENOSPC: ("the disk is full: free space or extend it; nothing acknowledged is lost", True),
    errno.EDQUOT: ("the disk quota is used up: raise it; nothing acknowledged is lost", True),
    errno.EFBIG: ("the file would exceed this process's size limit (ulimit -f): raise it", False),
    errno.EROFS: ("the file system is read-only: remount it writable or choose another", False),
    errno.EACCES: ("permission denied: give this user write access or choose another path", False),
    errno.EPERM: ("not permitted: check the owner, or the file system has no hard links", False),
    errno.ENOTDIR: ("a part of the path is a file, not a directory: choose another path", False),
    errno.EIO: ("the device reported an error: check the disk (dmesg) before trusting it", False),
    errno.EMFILE: ("this process has too many open files: raise the limit (ulimit -n)", True),
    errno.ENFILE: ("the system has too many open files: raise fs.file-max", True),
    errno.ESTALE: ("the network file system lost the file: remount it", True),
}


def disk_fault(error: OSError, doing: str) -> StoreFault:
    """A ``StoreFault`` that says what failed, why, and what a person can do about it."""
    code = error.errno or 0
    advice, retryable = _ADVICE.get(code, (error.strerror or str(error), True))
    name = errno.errorcode.get(code, "OSError")
    return StoreFault(f"{doing}: {advice} ({name})", retryable=retryable)
