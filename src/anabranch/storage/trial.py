"""``Strained``: a store under load, as S3 answers then: some requests with 503 SlowDown, all of them late.

For drills: it stands where the real store's answers come from, below the retries, so that what a broker does about
them is what runs. What it refuses did not happen. Faults for tests: ``faulty.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from random import Random
from threading import Lock
from typing import NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.around import Around
from anabranch.storage.store import Store

_T = TypeVar("_T")
logger = logging.getLogger(__name__)

REFUSALS_IN_A_ROW_MAX = 3  # fewer than the attempts of a retried call: it is slow, and never fails


class Trial(NamedTuple):
    """What is done to a store: ``percent`` of its requests are refused, each takes ``latency_ms`` more."""

    percent: int
    latency_ms: int
    seed: int

    @property
    def any(self) -> bool:
        """Whether anything is."""
        return self.percent > 0 or self.latency_ms > 0


class Strained(Around):
    """Refuses the first request about each object, and then ``percent`` of all by seed; of one object never more than
    three in a row. ``requests`` and ``refused`` count."""

    def __init__(self, store: Store, trial: Trial, sleep: Callable[[float], None]) -> None:
        super().__init__(store)
        self.requests = 0
        self.refused = 0
        self._trial = trial
        self._sleep = sleep
        self._rng = Random(trial.seed)
        self._in_a_row: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        self._answer("get" if operation == "get_ranges" else operation, key)
        return call()

    def close(self) -> None:
        """Says what it did: a drill shows that."""
        logger.warning(
            "trial of the store: %d of %d requests were answered 503 SlowDown",
            self.refused,
            self.requests,
        )
        super().close()

    def _answer(self, operation: str, key: str) -> None:
        self._sleep(self._trial.latency_ms / 1000)
        place = (operation, key)
        with self._lock:
            self.requests += 1
            row = self._in_a_row.get(place)
            first = row is None and self._trial.percent > 0
            again = (row or 0) < REFUSALS_IN_A_ROW_MAX and (
                self._rng.random() * 100 < self._trial.percent
            )
            if not (first or again):
                self._in_a_row[place] = 0
                return
            self._in_a_row[place] = (row or 0) + 1
            self.refused += 1
        raise StoreFault(f"{operation} {key}: 503 SlowDown: reduce your request rate")
