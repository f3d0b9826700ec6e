from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from anabranch.storage.directory import DirectoryStore
from anabranch.storage.disk import Disk
from anabranch.storage.faulty import Faulty, seeded_plan
from anabranch.storage.layers import Waits, layered
from anabranch.storage.memory import MemoryStore
from anabranch.storage.metered import Metered
from anabranch.storage.retrying import Backoff, Retrying
from anabranch.storage.store import Buffer, Store


def unreliable(store: Store) -> Store:
    faults = seeded_plan(Random(7), error=0.2, lost_answer=0.2)
    backoff = Backoff(attempts_max=30, base_s=0, cap_s=0)
    return Retrying(Faulty(store, faults), sleep=lambda _: None, rng=Random(1), backoff=backoff)


KINDS = [
    *("memory", "directory", "metered", "layered", "retried memory", "retried directory"),
    *(pytest.param(kind, marks=pytest.mark.s3) for kind in ("s3", "retried s3")),
]


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Every implementation and every decorator, for the contract."""
    kind: str = request.param
    opened: Store
    if kind == "memory":
        opened = MemoryStore()
    elif kind == "directory":
        opened = DirectoryStore(tmp_path / "deep" / "store")
    elif kind == "s3":
        opened = request.getfixturevalue("s3_store")
    elif kind == "metered":
        opened = Metered(MemoryStore())
    elif kind == "layered":
        waits = Waits(lambda _: None, lambda: 0.0, Random(1))
        opened = layered(MemoryStore(), remote=True, waits=waits, requests_max=2).store
    elif kind == "retried s3":
        opened = unreliable(request.getfixturevalue("s3_store"))
    elif kind == "retried memory":
        opened = unreliable(MemoryStore())
    else:
        opened = unreliable(DirectoryStore(tmp_path / "store"))
    yield opened
    opened.close()


class FaultyDisk(Disk):
    """A disk that fails as told, remembers what was done, and skips the real fsyncs.

    ``fail("write", ENOSPC)`` fails the next write; ``on`` runs a function before a call.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self._failures: dict[str, deque[int | None]] = {}
        self._hooks: dict[str, deque[Callable[[], None] | None]] = {}
        self._names: dict[int, str] = {}

    def fail(self, call: str, code: int, *, after: int = 0) -> None:
        self._failures.setdefault(call, deque()).extend([*([None] * after), code])

    def fail_always(self, call: str, code: int) -> None:
        self.fail(call, code)
        self._failures[call] = _Endless(code)

    def heal(self) -> None:
        self._failures.clear()

    def on(self, call: str, hook: Callable[[], None], *, after: int = 0) -> None:
        self._hooks.setdefault(call, deque()).extend([*([None] * after), hook])

    def named(self, call: str) -> list[str]:
        """The file names that a call was made for, in order."""
        return [name for made, name in self.calls if made == call]

    def _note(self, call: str, name: str) -> None:
        hooks = self._hooks.get(call)
        hook = hooks.popleft() if hooks else None
        if hook is not None:
            hook()
        failures = self._failures.get(call)
        code = failures.popleft() if failures else None
        if code is not None:
            raise OSError(code, f"injected into {call}")
        self.calls.append((call, name))

    def open(self, path: Path, flags: int, mode: int = 0o644) -> int:
        self._note("open", path.name)
        fd = super().open(path, flags, mode)
        self._names[fd] = path.name
        return fd

    def read(self, fd: int, length: int, position: int) -> bytes:
        self._note("read", self._names[fd])
        return super().read(fd, length, position)

    def read_only_what_is_asked(self, fd: int) -> None:
        self._note("read_only_what_is_asked", self._names[fd])
        super().read_only_what_is_asked(fd)

    def write(self, fd: int, buffers: Sequence[Buffer], position: int) -> int:
        self._note("write", self._names[fd])
        return super().write(fd, buffers, position)

    def write_around(
        self, fd: int, buffers: Sequence[Buffer], position: int, staging: memoryview
    ) -> int:
        self._note("write", self._names[fd])
        return super().write_around(fd, buffers, position, staging)

    def allocate(self, fd: int, length: int) -> None:
        self._note("allocate", self._names[fd])
        super().allocate(fd, length)

    def zero(self, fd: int, position: int, length: int) -> None:
        self._note("zero", self._names[fd])
        super().zero(fd, position, length)

    def sync_data(self, fd: int) -> None:
        self._note("sync_data", self._names[fd])

    def sync(self, fd: int) -> None:
        self._note("sync", self._names[fd])

    def sync_directory(self, path: Path) -> None:
        self._note("sync_directory", path.name)

    def link(self, source: Path, target: Path) -> None:
        self._note("link", target.name)
        super().link(source, target)

    def rename(self, source: Path, target: Path) -> None:
        self._note("rename", target.name)
        super().rename(source, target)

    def unlink(self, path: Path) -> None:
        self._note("unlink", path.name)
        super().unlink(path)

    def make_directory(self, path: Path) -> None:
        self._note("make_directory", path.name)
        super().make_directory(path)


class _Endless(deque[int | None]):
    def __init__(self, code: int) -> None:
        super().__init__([code])
        self._code = code

    def popleft(self) -> int:
        return self._code


@pytest.fixture
def disk() -> FaultyDisk:
    return FaultyDisk()


@pytest.fixture(scope="session")
def new_disk() -> type[FaultyDisk]:
    """For property tests, which make one disk per example."""
    return FaultyDisk
