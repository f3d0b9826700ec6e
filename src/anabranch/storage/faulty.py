"""``Faulty``: a store that fails on purpose, for tests and simulation.

A plan decides before each call what will go wrong with it: nothing, an error before anything happened,
a lost answer (it happened, and the caller is told that it failed), or a short read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from random import Random
from threading import Lock
from typing import TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.store import Buffer, ObjectInfo, Store, buffers_of

_T = TypeVar("_T")


class Fault(Enum):
    """What goes wrong with one call."""

    ERROR = "nothing happened, and a fault says so"
    LOST_ANSWER = "it happened, but the answer was lost"
    SHORT_READ = "fewer bytes than there are"


Plan = Callable[[str, str], Fault | None]  # (operation, key) -> what goes wrong


def seeded_plan(
    rng: Random, *, error: float = 0.0, lost_answer: float = 0.0, short_read: float = 0.0
) -> Plan:
    """Faults with the given probabilities. Calls from one thread repeat exactly for one seed."""

    def plan(operation: str, key: str) -> Fault | None:
        dice = rng.random()
        if dice < error:
            return Fault.ERROR
        if dice < error + lost_answer:
            return Fault.LOST_ANSWER
        if dice < error + lost_answer + short_read and operation in ("get", "get_ranges"):
            return Fault.SHORT_READ
        return None

    return plan


def scripted_plan(script: Iterable[Fault | None]) -> Plan:
    """One entry per call, in order; no faults once the script is over."""
    remaining = iter(script)
    return lambda operation, key: next(remaining, None)


class Faulty:
    """Passes calls to ``store`` unless the plan says otherwise. ``injected`` counts faults."""

    def __init__(self, store: Store, plan: Plan) -> None:
        self.url = store.url
        self.injected: dict[Fault, int] = dict.fromkeys(Fault, 0)
        self._store = store
        self._plan = plan
        self._lock = Lock()

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        fault = self._before("put", key)
        if fault is Fault.LOST_ANSWER:
            # As a retried request would: the bytes arrive, whatever came of the call.
            data = b"".join(buffers_of(data))
        return self._after(fault, key, self._store.put(key, data, create=create, put_id=put_id))

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        fault = self._before("get", key)
        data = self._after(fault, key, self._store.get(key, start, length))
        return data[: len(data) // 2] if fault is Fault.SHORT_READ else data

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        fault = self._before("get_ranges", key)
        found = self._after(fault, key, self._store.get_ranges(key, ranges))
        if fault is Fault.SHORT_READ and found:
            found[-1] = found[-1][: len(found[-1]) // 2]
        return found

    def head(self, key: str) -> ObjectInfo:
        return self._after(self._before("head", key), key, self._store.head(key))

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """An error comes at the start, a lost answer after the first object."""
        fault = self._before("list", prefix)
        for info in self._store.list(prefix, after):
            yield info
            self._after(fault, prefix, None)

    def delete(self, key: str) -> bool:
        fault = self._before("delete", key)
        return self._after(fault, key, self._store.delete(key))

    def close(self) -> None:
        self._store.close()

    def _before(self, operation: str, key: str) -> Fault | None:
        with self._lock:
            fault = self._plan(operation, key)
            if fault is not None:
                self.injected[fault] += 1
        if fault is Fault.ERROR:
            raise StoreFault(f"injected: {operation} {key} failed")
        return fault

    def _after(self, fault: Fault | None, key: str, result: _T) -> _T:
        if fault is Fault.LOST_ANSWER:
            raise StoreFault(f"injected: the answer about {key} was lost")
        return result
