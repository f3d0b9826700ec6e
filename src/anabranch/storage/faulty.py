"""``Faulty``: a store that fails on purpose, for tests and simulation.

A plan decides before each call what will go wrong with it: nothing, an error before anything happened,
a lost answer (it happened, and the caller is told that it failed), or a short read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from random import Random
from threading import Lock
from typing import TypeVar, cast

from anabranch.errors import StoreFault
from anabranch.storage.around import Around
from anabranch.storage.store import ObjectInfo, Store

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


class Faulty(Around):
    """Passes calls to ``store`` unless the plan says otherwise. ``injected`` counts faults."""

    def __init__(self, store: Store, plan: Plan) -> None:
        super().__init__(store)
        self.injected: dict[Fault, int] = dict.fromkeys(Fault, 0)
        self._plan = plan
        self._lock = Lock()

    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        fault = self._before(operation, key)
        result = self._after(fault, key, call())
        return cast(_T, _shortened(result)) if fault is Fault.SHORT_READ else result

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """An error comes at the start, a lost answer after the first object."""
        fault = self._before("list", prefix)
        for info in self._store.list(prefix, after):
            yield info
            self._after(fault, prefix, None)

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


def _shortened(read: object) -> object:
    """What ``get`` or ``get_ranges`` read, without the half of its end."""
    if isinstance(read, bytes):
        return read[: len(read) // 2]
    if isinstance(read, list) and read:
        return [*read[:-1], _shortened(read[-1])]
    return read
