"""``Strained``: a store under load, as S3 answers then: some requests with 503 SlowDown, all of them late.

For drills: it stands where the real store's answers come from, below the retries, so that what a broker does about
them is what runs. What it refuses did not happen. Faults for tests: ``faulty.py``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from random import Random
from threading import Lock
from typing import NamedTuple

from anabranch.errors import StoreFault
from anabranch.storage.store import Buffer, ObjectInfo, Store

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


class Strained:
    """Refuses the first request about each object, and then ``percent`` of all by seed; of one object never more than
    three in a row. ``requests`` and ``refused`` count."""

    def __init__(self, store: Store, trial: Trial, sleep: Callable[[float], None]) -> None:
        self.url = store.url
        self.requests = 0
        self.refused = 0
        self._store = store
        self._trial = trial
        self._sleep = sleep
        self._rng = Random(trial.seed)
        self._in_a_row: dict[tuple[str, str], int] = {}
        self._lock = Lock()

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        self._answer("put", key)
        return self._store.put(key, data, create=create, put_id=put_id)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        self._answer("get", key)
        return self._store.get(key, start, length)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        self._answer("get", key)
        return self._store.get_ranges(key, ranges)

    def head(self, key: str) -> ObjectInfo:
        self._answer("head", key)
        return self._store.head(key)

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        self._answer("list", prefix)
        return self._store.list(prefix, after)

    def delete(self, key: str) -> bool:
        self._answer("delete", key)
        return self._store.delete(key)

    def close(self) -> None:
        """Says what it did: a drill shows that."""
        logger.warning(
            "trial of the store: %d of %d requests were answered 503 SlowDown",
            self.refused,
            self.requests,
        )
        self._store.close()

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
