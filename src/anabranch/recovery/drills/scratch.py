"""Where a drill puts its copies: a directory of its own, which goes with it, or with the next drill if it was killed.

A file in it is locked by the drill and by everything that it starts, for as long as any of them lives: the kernel takes the lock
away with the last of them. So who can have the lock knows that the directory is nobody's, whatever numbers processes have by then.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from anabranch.errors import UserFault

PREFIX: Final = "anabranch-drill-"
LOCK: Final = "drill.lock"
DISK_FULL_BYTES: Final = 8_000_000  # less than one flush of a broker


class Scratch(NamedTuple):
    """``root`` is new and empty but for its lock, of which ``lock`` is the descriptor; None: it is to stay, whoever dies."""

    root: Path
    lock: int | None


@contextmanager
def scratch(parent: Path | None, *, keep: bool) -> Iterator[Scratch]:
    """A directory in ``parent`` (the system's temporary one) that is removed when the block ends, but to ``keep`` it.

    Raises UserFault: nothing can be written there.
    """
    made: Path | None = None
    lock: int | None = None
    try:
        try:
            made = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent)).resolve()
            lock = None if keep else _locked(made)
        except OSError as error:
            where = parent or tempfile.gettempdir()
            raise UserFault(
                f"a drill needs a place for its copies, and {where} is none: {error.strerror}; name another one (--scratch)"
            ) from None
        yield Scratch(made, lock)
    finally:
        if made is not None and not keep:
            shutil.rmtree(made, ignore_errors=True)
        if lock is not None:
            os.close(lock)


def require_room(place: Path | None) -> None:
    """Raises UserFault if the disk of the copies is full: whatever failed first, that is why, and no verdict on a recovery."""
    there = place or Path(tempfile.gettempdir())
    if shutil.disk_usage(there).free < DISK_FULL_BYTES:
        raise UserFault(
            f"the disk that holds the drill's copies, in {there}, is full: make room, drill fewer `records`, or name another "
            "place (--scratch)"
        )


def _locked(root: Path) -> int | None:
    """Its lock file, which nobody sees before it is locked; None where files cannot be locked."""
    descriptor, name = tempfile.mkstemp(dir=root)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        Path(name).rename(root / LOCK)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


class Swept(NamedTuple):
    """What drills that were killed had left in a place: removed by now; and what could not be."""

    removed: list[Path]
    left: list[Path]


def sweep(parent: Path | None) -> Swept:
    """Remove what is nobody's any more in ``parent``; of other users nothing is touched."""
    found = Swept([], [])
    for root in sorted(Path(parent or tempfile.gettempdir()).glob(f"{PREFIX}*")):
        if not _is_nobodys(root):
            continue
        shutil.rmtree(root, ignore_errors=True)
        (found.left if root.exists() else found.removed).append(root.resolve())
    return found


def _is_nobodys(root: Path) -> bool:
    try:
        if root.is_symlink() or root.stat().st_uid != os.getuid():
            return False
        descriptor = os.open(root / LOCK, os.O_RDWR)
    except OSError:
        return False  # kept by intention, or just being made
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
