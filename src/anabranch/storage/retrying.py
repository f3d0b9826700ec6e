"""``Retrying``: a store whose passing faults are retried, with capped and jittered waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.around import Around
from anabranch.storage.store import AlreadyExists, Buffer, NotFound, ObjectInfo, Store, buffers_of

_T = TypeVar("_T")
_COMPARE_BYTES = 8 << 20  # read at a time when an object is compared with what was to be written


class Backoff(NamedTuple):
    """How often and how long: wait ``random(0, min(cap, base * 2**n))`` before attempt n + 2.

    Whichever bound is met first ends the call with its last fault.
    """

    attempts_max: int = 6
    base_s: float = 0.1
    cap_s: float = 5.0
    total_s: float = 60.0  # from the first attempt's start; no further attempt begins after it


PATIENT = Backoff(attempts_max=1000, base_s=0.2, cap_s=10.0, total_s=600.0)
"""For recovery, the most dangerous client of a store that is slow already: it waits, it does not die."""


class Retrying(Around):
    """Repeats calls that failed with a retryable ``StoreFault``.

    A creation is the one call that must not simply be repeated: its lost answer makes the second
    attempt meet the first one's object. So after a fault, "exists already" is checked by content, unless
    the store has compared the writers' ids itself: equal bytes are our own success. (Hence the rule in
    ``store.py``: without ids, the content of a claim names its writer.)

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
        monotonic: Callable[[], float] | None = None,
    ) -> None:
        """``sleep`` and ``monotonic`` take and give seconds; without a clock only waits count as time."""
        super().__init__(store)
        self.retries = 0  # read by metrics
        self.given_up = 0  # calls that ended with a fault that might have passed; read by metrics
        self._sleep = sleep
        self._rng = rng
        self._backoff = backoff or Backoff()
        self._monotonic = monotonic

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        if not isinstance(data, (bytes, bytearray, memoryview, list, tuple)):
            return self._store.put(key, data, create=create, put_id=put_id)
        doubtful = False
        series = put_id or f"{self._rng.getrandbits(128):032x}"

        def attempt() -> int:
            nonlocal doubtful
            try:
                return self._store.put(key, data, create=create, put_id=series)
            except AlreadyExists as present:
                if doubtful and not present.judged and self._holds(key, data):
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

    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        return self._retry(call)

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

    def _retry(self, attempt: Callable[[], _T]) -> _T:
        started = self._monotonic() if self._monotonic else 0.0
        waited = 0.0
        count = 0
        while True:
            try:
                return attempt()
            except StoreFault as fault:
                if not fault.retryable or isinstance(fault, (NotFound, AlreadyExists)):
                    raise
                count += 1
                wait = self._rng.uniform(
                    0, min(self._backoff.cap_s, self._backoff.base_s * 2.0 ** min(count - 1, 64))
                )
                spent = self._monotonic() - started if self._monotonic else waited
                if count >= self._backoff.attempts_max or spent + wait > self._backoff.total_s:
                    self.given_up += 1
                    raise
            self.retries += 1
            waited += wait
            self._sleep(wait)
