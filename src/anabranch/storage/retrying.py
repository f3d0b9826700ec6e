"""``Retrying``: a store whose passing faults are retried, with capped and jittered waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from typing import NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.store import AlreadyExists, Buffer, NotFound, ObjectInfo, Store, buffers_of

_T = TypeVar("_T")
_COMPARE_BYTES = 8 << 20  # read at a time when an object is compared with what was to be written


class Backoff(NamedTuple):
    """How often and how long: wait ``random(0, min(cap, base * 2**n))`` before attempt n + 2."""

    attempts_max: int = 6
    base_s: float = 0.1
    cap_s: float = 5.0


class Retrying:
    """Repeats calls that failed with a retryable ``StoreFault``.

    A creation is the one call that must not simply be repeated: its lost answer makes the second
    attempt meet the first one's object. So after a fault, "exists already" is checked by content:
    equal bytes are our own success. (Hence the rule in ``store.py``: where exclusive creation means
    something, the content names its writer.)

    One-shot iterables cannot be sent again and are tried once; pass a list or tuple of buffers to
    have a stream retried.
    """

    def __init__(
        self,
        store: Store,
        *,
        sleep: Callable[[float], None],
        rng: Random,
        backoff: Backoff | None = None,
    ) -> None:
        self.url = store.url
        self.retries = 0  # read by metrics
        self._store = store
        self._sleep = sleep
        self._rng = rng
        self._backoff = backoff or Backoff()

    def put(self, key: str, data: Buffer | Iterable[Buffer], *, create: bool = True) -> int:
        if not isinstance(data, (bytes, bytearray, memoryview, list, tuple)):
            return self._store.put(key, data, create=create)
        doubtful = False

        def attempt() -> int:
            nonlocal doubtful
            try:
                return self._store.put(key, data, create=create)
            except AlreadyExists:
                if doubtful and self._holds(key, data):
                    return sum(memoryview(buffer).nbytes for buffer in buffers_of(data))
                raise
            except StoreFault:
                doubtful = True
                raise

        return self._retry(attempt)

    def _holds(self, key: str, data: Buffer | Iterable[Buffer]) -> bool:
        """Whether the object's content is ``data``."""
        position = 0
        for buffer in buffers_of(data):
            view = memoryview(buffer).cast("B")
            for start in range(0, len(view), _COMPARE_BYTES):
                expected = view[start : start + _COMPARE_BYTES]
                if self._store.get(key, position, len(expected)) != expected:
                    return False
                position += len(expected)
        return self._store.head(key).size == position

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._retry(lambda: self._store.get(key, start, length))

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return self._retry(lambda: self._store.get_ranges(key, ranges))

    def head(self, key: str) -> ObjectInfo:
        return self._retry(lambda: self._store.head(key))

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        iterator: Iterator[ObjectInfo] | None = None
        seen = after

        def step() -> ObjectInfo | None:
            nonlocal iterator
            if iterator is None:
                iterator = self._store.list(prefix, seen)  # go on behind what was seen
            try:
                return next(iterator, None)
            except StoreFault:
                iterator = None
                raise

        while (info := self._retry(step)) is not None:
            yield info
            seen = info.key

    def delete(self, key: str) -> bool:
        doubtful = False

        def attempt() -> bool:
            nonlocal doubtful
            try:
                # After a fault the first attempt may have deleted it: that is our deletion.
                return self._store.delete(key) or doubtful
            except StoreFault:
                doubtful = True
                raise

        return self._retry(attempt)

    def close(self) -> None:
        self._store.close()

    def _retry(self, attempt: Callable[[], _T]) -> _T:
        for count in range(self._backoff.attempts_max - 1):
            try:
                return attempt()
            except StoreFault as fault:
                if not fault.retryable or isinstance(fault, (NotFound, AlreadyExists)):
                    raise
            self.retries += 1
            ceiling = min(self._backoff.cap_s, self._backoff.base_s * 2**count)
            self._sleep(self._rng.uniform(0, ceiling))
        return attempt()
