"""The write-ahead log as its users see it: what a WAL on files and a WAL of objects have in common.

``FileWal`` (``wal_file.py``) appends flushes to recycled files of a directory: one ``fdatasync`` each,
for brokers of one machine. ``ObjectWal`` (``wal_object.py``) makes one object of a bucket per flush, for
brokers anywhere. Both lay the batches of each partition next to each other and describe a flush by the
same frame (``wal_format.py``), so one flush is one extent per partition either way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import unquote, urlsplit

from crc32c import crc32c

from anabranch.errors import UserFault
from anabranch.storage.layers import Waits, open_layered
from anabranch.storage.retrying import Backoff
from anabranch.storage.store import Buffer, ObjectInfo
from anabranch.storage.wal_format import (
    NO_PAST,
    PART_BYTES_MAX,
    PARTS_MAX,
    UNSEEN,
    Frame,
    Past,
    Seen,
)
from anabranch.storage.wal_scan import ScanEnd

CACHE_BYTES = (
    64 << 20
)  # of WAL objects: a minute's worth at 1 MB/s is merged without reading it back


class FlushPart(NamedTuple):
    """One partition's record batches in a flush."""

    topic_id: bytes  # 16 bytes
    partition: int
    buffers: Sequence[Buffer]  # laid next to each other
    batches: int  # record batches in the buffers
    seen: Seen = UNSEEN  # of the partition, when the flush was begun


Described = tuple[bytes, int, int, int, int, Seen]  # a part as a frame's header names it


def described(parts: Sequence[FlushPart]) -> list[Described]:
    """Each part with its length and the CRC-32C of its bytes."""
    assert 0 < len(parts) <= PARTS_MAX
    found = []
    for part in parts:
        assert len(part.topic_id) == 16
        length = checksum = 0
        for buffer in part.buffers:
            length += buffer.nbytes if isinstance(buffer, memoryview) else len(buffer)
            checksum = crc32c(buffer, checksum)
        assert 0 < length <= PART_BYTES_MAX
        found.append((part.topic_id, part.partition, part.batches, length, checksum, part.seen))
    return found


class PlacedPart(NamedTuple):
    """Where a part's bytes are: an extent."""

    object_key: str
    position: int  # bytes from the object's start
    length: int  # bytes


class FrameScan(Protocol):
    """Valid frames in order; after the iteration ``end`` says where and why it stopped."""

    end: ScanEnd | None

    def __iter__(self) -> Iterator[Frame]: ...


class WalReader(Protocol):
    """Reads any object of a WAL, from any thread, while brokers write and recycle."""

    @property
    def url(self) -> str:
        """What ``open_wal_reader`` opens, on whatever machine can reach it."""
        ...

    @property
    def cluster_id(self) -> bytes:
        """16 bytes: whose WAL it is."""
        ...

    @property
    def wal_id(self) -> bytes:
        """16 bytes: new whenever a WAL is made."""
        ...

    def read(self, object_key: str, position: int, length: int) -> bytes:
        """Exactly ``length`` bytes at ``position`` of an object.

        Raises ``NotFound`` when the object is gone (merged and recycled: ask the metastore again),
        ``Corrupt`` when it is there but not readable as it was written, ``StoreFault``.
        """
        ...

    def objects(self) -> list[ObjectInfo]:
        """All objects, those of the oldest broker epoch first and in the order of their flushes."""
        ...

    def scan(self, object_key: str, start: int | None = None) -> FrameScan:
        """The frames of one object, every checksum verified; ``start`` resumes behind damage."""
        ...

    def close(self) -> None: ...


class Wal(Protocol):
    """One broker start's WAL."""

    @property
    def reader(self) -> WalReader: ...

    @property
    def knows_writers(self) -> bool:
        """Whether ``is_active`` is certain about the objects of other starts as well.

        If not, an object that the metastore does not know may belong to a flush whose commit is under
        way, and is left alone for a long while.
        """
        ...

    @property
    def overlaps(self) -> bool:
        """Whether several writes go on at a time, instead of one after the other."""
        ...

    def reserve(self) -> int:
        """The place of the next flush in the order of this start's flushes: 0, 1, 2, …

        Flushes commit in this order, whichever write ends first.
        """
        ...

    def write(
        self,
        parts: Sequence[FlushPart],
        sequence: int | None = None,
        placed: Callable[[list[PlacedPart]], None] | None = None,
        past: Past = NO_PAST,
    ) -> list[PlacedPart]:
        """Write one flush and return where each part went, in order; all of it is durable then.

        ``sequence`` was reserved before; by default it is reserved now. ``placed`` is told the same
        when all that is left takes no longer than a disk's sync. ``past`` is what the flush tells of
        those before it: a rebuild reads it. Raises ``StoreFault``: nothing of the
        flush counts then, and what was acknowledged before is untouched.
        """
        ...

    def is_active(self, object_key: str) -> bool:
        """Whether more may still be written to this object, as far as this process knows."""
        ...

    def recycle(self, object_key: str) -> None:
        """Give an object's bytes up; idempotent.

        The caller guarantees that no extent names the object and that none ever will: the metastore
        refuses the key from now on, or no flush to it is still waiting for its commit. Raises
        ``StoreFault``.
        """
        ...

    def prepare_spare(self) -> bool:
        """Do something now that makes a later flush quicker; False if there is nothing (left) to do."""
        ...

    def close(self) -> None:
        """Stop writing. What was written stays as it is."""
        ...


def is_object_wal(url: str) -> bool:
    """Whether flushes become objects of a bucket (``s3://…``), not frames of files (``file:///…``)."""
    return urlsplit(url).scheme == "s3"


def wal_directory_path(url: str) -> Path:
    """The directory of a ``file:///`` URL. Raises ``UserFault`` for a URL of no known kind."""
    split = urlsplit(url)
    if (
        split.scheme != "file"
        or split.netloc not in ("", "localhost")
        or not split.path.startswith("/")
    ):
        raise UserFault(f"WAL URL {url!r}: write a path, file:///path or s3://bucket/prefix")
    return Path(unquote(split.path))


def open_wal_reader(
    url: str,
    *,
    waits: Waits,
    cluster_id: bytes | None = None,
    cache_bytes: int = CACHE_BYTES,
    backoff: Backoff | None = None,
) -> WalReader:
    """Open an existing WAL for reading; ``cluster_id`` (16 bytes) refuses another cluster's.

    ``backoff`` is how patient to be with a bucket.

    Raises ``UserFault`` if there is no WAL, or another cluster's; ``StoreFault``.
    """
    if is_object_wal(url):
        from anabranch.storage.wal_object import WalBucket

        store = open_layered(url, waits=waits, backoff=backoff).store
        try:
            return WalBucket.open(store, cluster_id=cluster_id, cache_bytes=cache_bytes)
        except BaseException:
            store.close()
            raise
    from anabranch.storage.wal_directory import WalDirectory

    return WalDirectory.open(wal_directory_path(url), cluster_id=cluster_id)
