"""A store in this process's memory: for tests, simulation and `anabranch up` without a directory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock

from anabranch.storage.store import (
    AlreadyExists,
    Buffer,
    NotFound,
    ObjectInfo,
    buffers_of,
    check_key,
)


class MemoryStore:
    """Objects in a dictionary; durable for as long as the process."""

    def __init__(self) -> None:
        self.url = "memory:"
        self._lock = Lock()
        self._objects: dict[str, bytes] = {}
        self._keys: list[str] = []  # sorted

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        check_key(key)
        content = b"".join(buffers_of(data))
        with self._lock:
            if key not in self._objects:
                insort(self._keys, key)
            elif create:
                raise AlreadyExists(f"{key} exists already")
            self._objects[key] = content
        return len(content)

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        assert start >= 0 and (length is None or length >= 0)
        content = self._objects.get(check_key(key))
        if content is None:
            raise NotFound(f"{key} does not exist")
        return content[start : None if length is None else start + length]

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get(key, start, length) for start, length in ranges]

    def head(self, key: str) -> ObjectInfo:
        return ObjectInfo(key, len(self.get(key)))

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        with self._lock:
            first = bisect_left(self._keys, prefix)
            if after is not None:
                first = max(first, bisect_right(self._keys, after))
            found = []
            for key in self._keys[first:]:
                if not key.startswith(prefix):
                    break
                found.append(ObjectInfo(key, len(self._objects[key])))
        return iter(found)

    def delete(self, key: str) -> bool:
        check_key(key)
        with self._lock:
            if self._objects.pop(key, None) is None:
                return False
            del self._keys[bisect_left(self._keys, key)]
        return True

    def close(self) -> None:
        pass
