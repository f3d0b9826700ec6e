"""``Limited``: a store that is asked for only so many things at the same time.

A store that answers "slow down" is not helped by a hundred threads that wait and ask again: however
many callers there are, no more than ``requests_max`` requests of them are under way. Waits between
retries do not count (put ``Retrying`` around this, not inside).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from threading import BoundedSemaphore

from anabranch.storage.store import Buffer, ObjectInfo, Store

REQUESTS_MAX = 32  # a process saturates its network long before; S3 takes thousands per prefix


class Limited:
    """At most ``requests_max`` calls of ``store`` at a time; the others wait their turn."""

    def __init__(self, store: Store, requests_max: int = REQUESTS_MAX) -> None:
        assert requests_max > 0
        self.url = store.url
        self._store = store
        self._turn = BoundedSemaphore(requests_max)

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        with self._turn:
            return self._store.put(key, data, create=create, put_id=put_id)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        with self._turn:
            return self._store.get(key, start, length)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        with self._turn:
            return self._store.get_ranges(key, ranges)

    def head(self, key: str) -> ObjectInfo:
        with self._turn:
            return self._store.head(key)

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """A turn per step, not for the whole listing: its reader may use the store in between."""
        listing = self._store.list(prefix, after)
        while True:
            with self._turn:
                info = next(listing, None)
            if info is None:
                return
            yield info

    def delete(self, key: str) -> bool:
        with self._turn:
            return self._store.delete(key)

    def close(self) -> None:
        self._store.close()
