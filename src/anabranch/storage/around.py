"""``Around``: what decorators of a store have in common. A class says what happens around a call, once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from anabranch.storage.store import Buffer, ObjectInfo, Store

_T = TypeVar("_T")


class Around(ABC):
    """Passes every call on to ``store``, through :meth:`_around`; ``close`` as it is.

    Of a listing only its beginning goes through it, as one call about the prefix: who has to do with its steps
    overrides ``list``.
    """

    def __init__(self, store: Store) -> None:
        self.url = store.url
        self._store = store

    @abstractmethod
    def _around(self, operation: str, key: str, call: Callable[[], _T]) -> _T:
        """``operation`` is the method's name; ``call`` asks the store."""

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        return self._around(
            "put", key, lambda: self._store.put(key, data, create=create, put_id=put_id)
        )

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        return self._around("get", key, lambda: self._store.get(key, start, length))

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return self._around("get_ranges", key, lambda: self._store.get_ranges(key, ranges))

    def head(self, key: str) -> ObjectInfo:
        return self._around("head", key, lambda: self._store.head(key))

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        return self._around("list", prefix, lambda: self._store.list(prefix, after))

    def delete(self, key: str) -> bool:
        return self._around("delete", key, lambda: self._store.delete(key))

    def close(self) -> None:
        self._store.close()
