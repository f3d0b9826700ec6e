"""``Store``: named immutable byte strings, the only thing that Anabranch asks of a bucket.

Every implementation and every decorator keeps this contract (``tests/storage/test_store_contract.py``):

- ``put`` is durable when it returns. With ``create`` (the default) it succeeds for exactly one of
  any number of callers, on any number of machines; the others get ``AlreadyExists``.
- An object is visible wholly or not at all.
- Keys are listed in order of their code points, which is the order of their UTF-8 bytes.
- All calls block and may be made from any thread. Faults are ``StoreFault``; its ``retryable``
  says whether the same call may succeed later.

A creation can collide with itself: its answer is lost, the request is repeated (by us, by a proxy, by
the network), and the repetition meets the first one's object. Whoever hears "exists already" therefore
compares before concluding that somebody else won. S3 does so by an id and a checksum that each object
carries as metadata (``AlreadyExists.judged``); for stores without metadata ``Retrying`` compares the
content, so there the content of a claim must name its writer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from anabranch.errors import StoreFault, UserFault

Buffer = bytes | bytearray | memoryview

KEY_BYTES_MAX = 1024  # S3's limit for a key
KEY_PART_BYTES_MAX = 255  # a file name's limit (NAME_MAX) on every common file system

# What S3, directories and URLs all take without escaping. The first character is never a dot: such
# names in the root belong to the implementation.
_KEY = re.compile(r"(?!\.)[A-Za-z0-9._=@+-]+(?:/[A-Za-z0-9._=@+-]+)*")


class NotFound(StoreFault):
    """No object has this key."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=False)


class AlreadyExists(StoreFault):
    """``put(create=True)`` found an object of this key, written by somebody else.

    ``judged``: the store compared the writers' ids, so it is certain that the object is not the work of
    an earlier attempt of ours.
    """

    def __init__(self, message: str, *, judged: bool = False) -> None:
        super().__init__(message, retryable=False)
        self.judged = judged


class ObjectInfo(NamedTuple):
    """An object's key and its size in bytes."""

    key: str
    size: int


class Store(Protocol):
    """Named immutable byte strings. See the module's text for the whole contract."""

    url: str

    def put(
        self,
        key: str,
        data: Buffer | Iterable[Buffer],
        *,
        create: bool = True,
        put_id: str | None = None,
    ) -> int:
        """Write an object and return its size in bytes; it is durable then.

        An iterable of buffers is streamed in bounded memory. ``create=False`` replaces what is
        there. ``put_id`` is what a series of attempts at one creation has in common (default: an id
        of this call alone); a store that keeps metadata keeps it with the object. Raises
        ``AlreadyExists``, ``StoreFault``.
        """
        ...

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        """Bytes from ``start``; fewer than ``length`` where the object ends. Raises ``NotFound``."""
        ...

    def get_ranges(self, key: str, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Several ``(start, length)`` ranges of one object, each as ``get`` would answer it."""
        ...

    def head(self, key: str) -> ObjectInfo:
        """The object's size. Raises ``NotFound``."""
        ...

    def list(self, prefix: str, after: str | None = None) -> Iterator[ObjectInfo]:
        """Objects whose key starts with ``prefix`` and is greater than ``after``, in key order."""
        ...

    def delete(self, key: str) -> bool:
        """Remove an object; False when there was none (also if that could not be told)."""
        ...

    def close(self) -> None:
        """Give back what the store holds. The store is not used after it."""
        ...


def check_key(key: str) -> str:
    """Return ``key`` if every store can hold it; raise ``StoreFault`` otherwise."""
    if (
        len(key) > KEY_BYTES_MAX
        or not _KEY.fullmatch(key)
        or any(p in (".", "..") or len(p) > KEY_PART_BYTES_MAX for p in key.split("/"))
    ):
        raise StoreFault(f"not an object key: {key[:80]!r}", retryable=False)
    return key


def is_buffer(data: Buffer | Iterable[Buffer]) -> bool:
    """Whether ``data`` is one buffer (bytes are iterable too, so ``Iterable`` cannot tell)."""
    return isinstance(data, (bytes, bytearray, memoryview))


def buffers_of(data: Buffer | Iterable[Buffer]) -> Iterable[Buffer]:
    """``data`` as an iterable of buffers."""
    if isinstance(data, (bytes, bytearray, memoryview)):
        return (data,)
    return data


def open_store(
    url: str, *, writer_id: str | None = None, request_timeout_s: float | None = None
) -> Store:
    """Open the store that a URL names.

    ``file:///path`` is a durable directory, ``s3://bucket/prefix?endpoint=http://host:port`` an
    S3 bucket (credentials and region from ``AWS_*`` as usual; options in ``storage/s3.py``),
    ``memory:`` a store of this process alone. ``writer_id`` tells this process from others in what
    it writes (default: random); ``request_timeout_s`` bounds one request over a network. Nothing is
    retried here: see ``layers.open_layered``. Raises ``UserFault`` for a URL of no known kind.
    """
    split = urlsplit(url)
    if split.scheme == "file":
        if split.netloc not in ("", "localhost") or not split.path.startswith("/"):
            raise UserFault(f"store URL {url!r}: write file:///absolute/path (three slashes)")
        from anabranch.storage.directory import DirectoryStore

        return DirectoryStore(Path(unquote(split.path)), writer_id=writer_id)
    if split.scheme == "s3":
        from anabranch.storage.s3 import REQUEST_TIMEOUT_S, S3Store  # 32 ms of start-up: only here

        return S3Store.from_url(
            url, writer_id=writer_id, request_timeout_s=request_timeout_s or REQUEST_TIMEOUT_S
        )
    if split.scheme == "memory":
        from anabranch.storage.memory import MemoryStore

        return MemoryStore()
    raise UserFault(
        f"store URL {url!r} is of no known kind: use file:///path, s3://bucket/prefix or memory:"
    )
