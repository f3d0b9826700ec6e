"""The write-ahead log on an object store: one object per flush, created if it does not exist.

    wal/identity.json                                    whose WAL this is
    wal/<broker id>/<broker epoch, 10 digits>/<sequence, 20 digits>   one flush

A key is a claim: broker epoch and sequence never return, so whoever finds the key taken by another
object shares an epoch with somebody and must not go on. But *creating a key fences nobody* once
anything deletes: a writer that stalls between its PUT and its commit may find its object collected, and
a repeated PUT would even bring it back. So the metastore judges: collection enters the key in its
deletion log before the bytes go, and a commit that names such a key is refused (``commit_appends``).
What a stalled writer acknowledges was committed, or it acknowledges nothing.

An object is a frame at position 0 without padding; ``generation`` is the sequence as well.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from threading import Lock
from uuid import uuid4

from crc32c import crc32c

from anabranch.errors import Corrupt, StoreFault, UserFault
from anabranch.storage.identity import (
    WAL_IDENTITY_KEY,
    Identity,
    claim_identity,
    require_identity,
)
from anabranch.storage.store import AlreadyExists, NotFound, ObjectInfo, Store
from anabranch.storage.syncblocks import BLOCK_BYTES, SyncBlockCache
from anabranch.storage.wal import CACHE_BYTES, FlushPart, PlacedPart, described
from anabranch.storage.wal_format import (
    NO_PAST,
    Frame,
    Past,
    WalLife,
    decode_frame_header,
    encode_frame_header,
    frame_header_bytes,
)
from anabranch.storage.wal_scan import Ending, ScanEnd

WAL_PREFIX = "wal/"
_KEY = re.compile(r"wal/(\d{1,10})/(\d{10,19})/(\d{20})")


def object_wal_key(broker_id: int, epoch: int, sequence: int) -> str:
    """The key of one flush."""
    return f"{WAL_PREFIX}{broker_id}/{epoch:010}/{sequence:020}"


def parse_object_wal_key(object_key: str) -> tuple[int, int, int] | None:
    """(broker id, epoch, sequence) of a flush's key; None for any other key."""
    match = _KEY.fullmatch(object_key)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


class WalBucket:
    """A WAL of objects as everybody but its writers sees it. Reads go through a cache of blocks."""

    def __init__(self, store: Store, identity: Identity, cache_bytes: int) -> None:
        """``cache_bytes``: half for flushes written here, half for blocks read; 0 for no cache."""
        self.identity = identity
        self._store = store
        self._half_bytes = cache_bytes // 2
        self._written: OrderedDict[str, bytes] = OrderedDict()
        self._written_bytes = 0
        self._lock = Lock()
        self._blocks = (
            SyncBlockCache(store.get, capacity_bytes=self._half_bytes)
            if self._half_bytes > BLOCK_BYTES
            else None
        )

    @classmethod
    def open(
        cls, store: Store, *, cluster_id: bytes | None = None, cache_bytes: int = CACHE_BYTES
    ) -> WalBucket:
        """Open what exists; ``cluster_id`` (16 bytes) refuses another cluster's. Raises ``UserFault``."""
        identity = require_identity(store, WAL_IDENTITY_KEY, cluster_id, "WAL")
        return cls(store, identity, cache_bytes)

    @classmethod
    def create(
        cls,
        store: Store,
        *,
        cluster_id: bytes,
        wal_id: bytes | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> WalBucket:
        """Open it, claiming it for the cluster first if nobody has. Raises ``UserFault``."""
        new_id = uuid4().bytes if wal_id is None else wal_id
        identity = claim_identity(store, WAL_IDENTITY_KEY, cluster_id, new_id, "WAL")
        return cls(store, identity, cache_bytes)

    @property
    def url(self) -> str:
        return self._store.url

    @property
    def cluster_id(self) -> bytes:
        return self.identity.cluster_id.bytes

    @property
    def wal_id(self) -> bytes:
        return self.identity.id.bytes

    def read(self, object_key: str, position: int, length: int) -> bytes:
        """As ``WalReader.read``."""
        assert position >= 0 and length >= 0
        if parse_object_wal_key(object_key) is None:
            raise NotFound(f"{object_key} is not the key of a WAL object")
        with self._lock:
            whole = self._written.get(object_key)
        if whole is not None:
            data = whole[position : position + length]
        elif self._blocks is None:
            data = self._store.get(object_key, position, length)
        else:
            data = bytes(self._blocks.get(object_key, position, length))
            if len(data) != length:
                self._blocks.forget(object_key)  # a short answer must not outlive this read
        if len(data) != length:
            raise Corrupt(
                f"{object_key} ends at {position + len(data)}, before the {length} bytes at {position}"
            )
        return data

    def objects(self) -> list[ObjectInfo]:
        """All flushes, oldest epoch first, in the order of their commits."""
        found = []
        for info in self._store.list(WAL_PREFIX):
            parsed = parse_object_wal_key(info.key)
            if parsed is not None:
                broker_id, epoch, sequence = parsed
                found.append(((epoch, broker_id, sequence), info))
        return [info for _, info in sorted(found)]

    def scan(self, object_key: str, start: int | None = None) -> ObjectScan:
        return ObjectScan(self._store, object_key, self.identity.cluster_id.bytes)

    def close(self) -> None:
        self._store.close()

    def remember(self, object_key: str, whole: bytes) -> None:
        """Keep what was just written: merging it will not read it back."""
        with self._lock:
            if len(whole) > self._half_bytes:
                return
            self._written[object_key] = whole
            self._written_bytes += len(whole)
            while self._written_bytes > self._half_bytes:
                _, oldest = self._written.popitem(last=False)
                self._written_bytes -= len(oldest)

    def forget(self, object_key: str) -> None:
        with self._lock:
            whole = self._written.pop(object_key, None)
            if whole is not None:
                self._written_bytes -= len(whole)
        if self._blocks is not None:
            self._blocks.forget(object_key)


class ObjectScan:
    """The one frame of an object, every checksum verified; ``end`` says what else there was.

    A bucket shows an object wholly or not at all. Where a store broke that promise, or bytes were
    damaged, the frame does not verify: ``TORN`` if the object is shorter than it says, ``DAMAGED`` if
    it is not. Iterating raises ``NotFound``, ``StoreFault``.
    """

    def __init__(self, store: Store, object_key: str, cluster_id: bytes) -> None:
        self.end: ScanEnd | None = None
        self._store = store
        self._object_key = object_key
        self._cluster_id = cluster_id

    def __iter__(self) -> Iterator[Frame]:
        parsed = parse_object_wal_key(self._object_key)
        if parsed is None:
            raise NotFound(f"{self._object_key} is not the key of a WAL object")
        broker_id, epoch, sequence = parsed
        whole = memoryview(self._store.get(self._object_key))
        frame = decode_frame_header(whole, padded=False)
        if frame is None:
            self.end = ScanEnd(0, Ending.TORN)
            return
        expected = WalLife(self._cluster_id, broker_id, epoch, sequence)
        if frame.life != expected or (frame.position, frame.sequence) != (0, sequence):
            self.end = ScanEnd(0, Ending.DAMAGED)  # another flush under this one's name
            return
        if len(whole) < frame.length:
            self.end = ScanEnd(0, Ending.TORN)
            return
        for part in frame.parts:
            if crc32c(whole[part.position : part.position + part.length]) != part.checksum:
                self.end = ScanEnd(0, Ending.DAMAGED)
                return
        yield frame
        self.end = ScanEnd(frame.length, Ending.FULL)


class ObjectWal:
    """A broker start's WAL in a bucket. Any thread writes, reads, lists and recycles."""

    knows_writers = False
    overlaps = True

    def __init__(self, bucket: WalBucket, store: Store, start: WalLife) -> None:
        self.bucket = bucket
        self._store = store
        self._start = start
        self._lock = Lock()
        self._next = 0
        self._unfinished: set[int] = set()  # reserved, and not known to be written or given up
        self._closed = False

    @classmethod
    def open(
        cls,
        store: Store,
        *,
        cluster_id: bytes,
        broker_id: int,
        broker_epoch: int,
        wal_id: bytes | None = None,
        cache_bytes: int = CACHE_BYTES,
    ) -> ObjectWal:
        """Open a bucket for one broker start; it is given an identity if need be. Closes ``store``
        when closed.

        ``cluster_id`` is 16 bytes; ``broker_epoch`` must be new for this broker. Raises ``UserFault``
        for another cluster's bucket or an epoch that was used before, ``StoreFault``.
        """
        assert len(cluster_id) == 16 and broker_id >= 0 and broker_epoch >= 0
        bucket = WalBucket.create(
            store, cluster_id=cluster_id, wal_id=wal_id, cache_bytes=cache_bytes
        )
        first = object_wal_key(broker_id, broker_epoch, 0)
        prefix = first.rpartition("/")[0] + "/"
        if next(iter(store.list(prefix)), None) is not None:
            raise UserFault(
                f"the WAL {store.url} already holds flushes of broker {broker_id} epoch "
                f"{broker_epoch}: each start of a broker needs an epoch of its own"
            )
        return cls(bucket, store, WalLife(cluster_id, broker_id, broker_epoch, 0))

    @property
    def reader(self) -> WalBucket:
        return self.bucket

    @property
    def url(self) -> str:
        return self._store.url

    def reserve(self) -> int:
        with self._lock:
            sequence, self._next = self._next, self._next + 1
            self._unfinished.add(sequence)
        return sequence

    def write(
        self,
        parts: Sequence[FlushPart],
        sequence: int | None = None,
        placed: Callable[[list[PlacedPart]], None] | None = None,
        past: Past = NO_PAST,
    ) -> list[PlacedPart]:
        """As ``Wal.write``; several may be under way at a time."""
        assert not self._closed
        if sequence is None:
            sequence = self.reserve()
        key = object_wal_key(self._start.broker_id, self._start.epoch, sequence)
        body, places = self._body(key, parts, sequence, past)
        try:
            self._store.put(key, body)
        except AlreadyExists:
            raise StoreFault(
                f"{key} in {self.url} was written by another process under this broker's epoch: "
                "two brokers run as one; stop one of them",
                retryable=False,
            ) from None
        else:
            self.bucket.remember(key, body)
            if placed is not None:
                placed(
                    places
                )  # only now: no transaction is to be held open for as long as a bucket takes
        finally:
            with self._lock:
                self._unfinished.discard(sequence)
        return places

    def _body(
        self, key: str, parts: Sequence[FlushPart], sequence: int, past: Past
    ) -> tuple[bytes, list[PlacedPart]]:
        of_parts = described(parts)
        at = frame_header_bytes(len(parts), len(past.failed))
        placed = []
        for _, _, _, length, _, _ in of_parts:
            placed.append(PlacedPart(key, at, length))
            at += length
        life = self._start._replace(generation=sequence)
        header = encode_frame_header(life, sequence, 0, at, of_parts, past)
        return b"".join([header, *(one for part in parts for one in part.buffers)]), placed

    def is_active(self, object_key: str) -> bool:
        """True for this start's flushes that are not written yet; of other starts nothing is known."""
        parsed = parse_object_wal_key(object_key)
        if parsed is None or parsed[:2] != (self._start.broker_id, self._start.epoch):
            return False
        with self._lock:
            return parsed[2] in self._unfinished or parsed[2] >= self._next

    def recycle(self, object_key: str) -> None:
        if parse_object_wal_key(object_key) is None:
            raise StoreFault(f"{object_key} is not the key of a WAL object", retryable=False)
        if self.is_active(object_key):
            raise StoreFault(f"{object_key} is still being written")
        self._store.delete(object_key)
        self.bucket.forget(object_key)

    def prepare_spare(self) -> bool:
        return False

    def close(self) -> None:
        self._closed = True
        self._store.close()
