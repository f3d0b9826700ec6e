"""A bucket whose requests may fail, time out, land later than their caller gave up, or land twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from typing import TypeVar

from anabranch.errors import StoreFault
from anabranch.storage.memory import MemoryStore
from anabranch.storage.store import AlreadyExists, Buffer, NotFound, ObjectInfo, buffers_of

T = TypeVar("T")


class Trouble(Enum):
    """What goes wrong with one request."""

    ERROR = "nothing happened, and the caller is told so"
    LOST = "it happened, and the caller is told that it failed"
    LATER = "the caller gave up; it happens a while later, or never"
    TWICE = "it happened, and is delivered once more a while later"
    SHORT = "fewer bytes than there are"


class Bucket(MemoryStore):
    """What all processes share. As S3Store does, a creation knows its own object by the put's id."""

    def __init__(self) -> None:
        super().__init__()
        self._put_ids: dict[str, str] = {}

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        content = b"".join(buffers_of(data))
        try:
            size = super().put(key, content, create=create)
        except AlreadyExists:
            if put_id is None:
                raise
            if self._put_ids.get(key) == put_id:
                return len(content)
            raise AlreadyExists(f"{key} exists already", judged=True) from None
        if put_id is not None:
            self._put_ids[key] = put_id
        return size

    def delete(self, key: str) -> bool:
        self._put_ids.pop(key, None)
        return super().delete(key)


class SimStore:
    """One process's requests to the bucket.

    ``step`` is asked before each request: it may suspend or kill the caller, or name a trouble.
    ``later`` runs a callback in some while, whatever became of the caller.
    """

    def __init__(
        self,
        bucket: Bucket,
        step: Callable[[str, str], Trouble | None],
        later: Callable[[Callable[[], object]], None],
    ) -> None:
        self.url = bucket.url
        self._bucket = bucket
        self._step = step
        self._later = later

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        content = b"".join(buffers_of(data))
        return self._change(
            "put", key, lambda: self._bucket.put(key, content, create=create, put_id=put_id)
        )

    def delete(self, key: str) -> bool:
        return self._change("delete", key, lambda: self._bucket.delete(key))

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        trouble = self._ask("get", key)
        data = self._bucket.get(key, start, length)
        return data[: len(data) // 2] if trouble is Trouble.SHORT else data

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self.get(key, start, length) for start, length in ranges]

    def head(self, key: str) -> ObjectInfo:
        self._ask("head", key)
        return self._bucket.head(key)

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        self._ask("list", prefix)
        return self._bucket.list(prefix, after)

    def close(self) -> None:
        pass

    def _ask(self, request: str, key: str) -> Trouble | None:
        trouble = self._step(request, key)
        if trouble is not None and trouble is not Trouble.SHORT:
            raise StoreFault(f"simulated: {request} {key} failed")
        return trouble

    def _change(self, request: str, key: str, effect: Callable[[], T]) -> T:
        trouble = self._step(request, key)
        if trouble is Trouble.ERROR:
            raise StoreFault(f"simulated: {request} {key} failed")
        if trouble is Trouble.LATER:
            self._later(lambda: _quietly(effect))
            raise StoreFault(f"simulated: {request} {key} timed out")
        if trouble is Trouble.TWICE:
            self._later(lambda: _quietly(effect))
        result = effect()
        if trouble is Trouble.LOST:
            raise StoreFault(f"simulated: the answer to {request} {key} was lost")
        return result


def _quietly(effect: Callable[[], object]) -> None:
    try:
        effect()
    except (AlreadyExists, NotFound):
        pass
