"""``Limited``: a store that is asked for only so many things at the same time.

A store that answers "slow down" is not helped by a hundred threads that wait and ask again: however
many callers there are, no more than ``requests_max`` requests of them are under way. Waits between
retries do not count (put ``Retrying`` around this, not inside).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import BoundedSemaphore
from typing import TypeVar

from anabranch.storage.around import Around
from anabranch.storage.store import ObjectInfo, Store

_T = TypeVar("_T")

REQUESTS_MAX = 32  # a process saturates its network long before; S3 takes thousands per prefix


class Limited(Around):
    """At most ``requests_max`` calls of ``store`` at a time; the others wait their turn."""

    def __init__(self, store: Store, requests_max: int = REQUESTS_MAX) -> None:
        assert requests_max > 0
        super().__init__(store)
        self._turn = BoundedSemaphore(requests_max)

    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        with self._turn:
            return call()

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """A turn per step, not for the whole listing: its reader may use the store in between."""
        listing = self._store.list(prefix, after)
        while True:
            with self._turn:
                info = next(listing, None)
            if info is None:
                return
            yield info
