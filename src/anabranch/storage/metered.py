"""``Metered``: a store that counts its requests, bytes and faults."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from threading import Lock
from typing import Any, Final, NamedTuple, TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.around import Around
from anabranch.storage.store import AlreadyExists, NotFound, ObjectInfo, Store

_T = TypeVar("_T")
OPERATIONS = ("put", "get", "get_ranges", "head", "list", "delete")
_BYTES: Final[Mapping[str, Callable[[Any], int]]] = {
    "put": int,
    "get": len,
    "get_ranges": lambda found: sum(map(len, found)),
}  # of an answer


class Meter(NamedTuple):
    """Totals of one operation since the store was opened."""

    requests: int = 0
    bytes: int = 0  # written by put, read by get and get_ranges; for list: objects listed
    faults: int = 0  # without NotFound and AlreadyExists, which are answers


class Metered(Around):
    """Counts what goes through to ``store``. The counters may be read from any thread."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.meters: dict[str, Meter] = {operation: Meter() for operation in OPERATIONS}
        self._lock = Lock()

    @property
    def requests(self) -> Mapping[str, int]:
        """Requests as the store itself counts them, by verb: one call may take several."""
        return dict(getattr(self._store, "requests", {}))

    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        try:
            result = call()
        except StoreFault as fault:
            self._add(operation, 0, not isinstance(fault, (NotFound, AlreadyExists)))
            raise
        size = _BYTES.get(operation)
        self._add(operation, 0 if size is None else size(result), 0)
        return result

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

    def _add(self, operation: str, size: int, faults: int) -> None:
        with self._lock:
            meter = self.meters[operation]
            self.meters[operation] = Meter(
                meter.requests + 1, meter.bytes + size, meter.faults + faults
            )
