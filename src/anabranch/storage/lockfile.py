"""Lock files: how processes that share a directory tell whose leftovers are whose.

A process holds the lock of ``<name>.lock`` for as long as it lives; the kernel drops it with the
process, also after ``kill -9``. Whoever can take the lock of another's file knows that its owner is
gone, and may tidy up after it.
"""

from __future__ import annotations

import os
from pathlib import Path

from anabranch.storage.disk import Disk


class LockFile:
    """A held lock. ``release`` removes the file as well."""

    def __init__(self, disk: Disk, path: Path, fd: int) -> None:
        self._disk = disk
        self._fd: int | None = fd
        self.path = path

    @classmethod
    def acquire(cls, disk: Disk, path: Path) -> LockFile | None:
        """Create and lock ``path``; None while another holder is alive. Raises ``OSError``."""
        while True:
            fd = disk.open(path, os.O_RDWR | os.O_CREAT)
            try:
                locked = disk.lock(fd, attempts=20)
                # Somebody who tidied up may have removed the name between our open and our lock.
                if locked and disk.same_file(fd, path):
                    return cls(disk, path, fd)
            except BaseException:
                disk.close(fd)
                raise
            disk.close(fd)
            if not locked:
                return None

    @staticmethod
    def is_held(disk: Disk, path: Path) -> bool:
        """Whether a living process holds the lock of ``path``. Raises ``OSError``."""
        try:
            fd = disk.open(path, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            return not disk.lock(fd)
        finally:
            disk.close(fd)

    def release(self) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        try:
            self._disk.unlink(self.path)
        except OSError:
            pass  # a leftover lock file is harmless: nobody holds it
        self._disk.close(fd)
