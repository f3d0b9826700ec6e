"""``Metered``: a store that counts its requests, bytes and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from threading import Lock
from typing import NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.store import AlreadyExists, Buffer, NotFound, ObjectInfo, Store

_T = TypeVar("_T")
OPERATIONS = ("put", "get", "get_ranges", "head", "list", "delete")


class Meter(NamedTuple):
    """Totals of one operation since the store was opened."""

    requests: int = 0
    bytes: int = 0  # written by put, read by get and get_ranges; for list: objects listed
    faults: int = 0  # without NotFound and AlreadyExists, which are answers


class Metered:
    """Counts what goes through to ``store``. The counters may be read from any thread."""

    def __init__(self, store: Store) -> None:
        self.url = store.url
        self.meters: dict[str, Meter] = {operation: Meter() for operation in OPERATIONS}
        self._store = store
        self._lock = Lock()

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests as the store itself counts them, by verb: one call may take several."""
        return dict(getattr(self._store, "requests", {}))

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        return self._count(
            "put", lambda: self._store.put(key, data, create=create, put_id=put_id), int
        )

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._count("get", lambda: self._store.get(key, start, length), len)

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return self._count(
            "get_ranges",
            lambda: self._store.get_ranges(key, ranges),
            lambda found: sum(map(len, found)),
        )

    def head(self, key: str) -> ObjectInfo:
        return self._count("head", lambda: self._store.head(key), lambda _: 0)

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        listed = faults = 0
        try:
            for info in self._store.list(prefix, after):
                listed += 1
                yield info
        except StoreFault:
            faults = 1
            raise
        finally:
            self._add("list", listed, faults)

    def delete(self, key: str) -> bool:
        return self._count("delete", lambda: self._store.delete(key), lambda _: 0)

    def close(self) -> None:
        self._store.close()

    def _count(self, operation: str, call: Callable[[], _T], size: Callable[[_T], int]) -> _T:
        try:
            result = call()
        except StoreFault as fault:
            self._add(operation, 0, not isinstance(fault, (NotFound, AlreadyExists)))
            raise
        self._add(operation, size(result), 0)
        return result

    def _add(self, operation: str, size: int, faults: int) -> None:
        with self._lock:
            meter = self.meters[operation]
            self.meters[operation] = Meter(
                meter.requests + 1, meter.bytes + size, meter.faults + faults
            )
