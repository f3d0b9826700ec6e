"""Segments: one partition's batches as an object, and the index object beside it.

    topics/<name>-<topic id>/<partition>/<base offset>.<unique>.log     Kafka's own bytes, nothing else
    topics/<name>-<topic id>/<partition>/<base offset>.<unique>.index   everything a reader wants to know

A dot ends the base offset because Kafka's DumpLogSegments takes a file name up to its first dot for a
number: with it, Kafka's own tool reads a segment where it lies.

The index describes itself and its segment well enough to rebuild the catalogue from the bucket alone
(I9): cluster, topic with its id and configuration, offsets, producer state, aborted transactions.

    index := magic "ANABSIDX" | version u16 | body length u32 | CRC-32C u32 | body (msgpack map)

The checksum covers version, length and body. Readers ignore keys of the map that they do not know.
"""

from __future__ import annotations

import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

import msgspec
from crc32c import crc32c

from anabranch.errors import Corrupt, StoreFault
from anabranch.records.batch import NO_TIMESTAMP, scan
from anabranch.storage.store import Buffer

FORMAT_VERSION = 1
ENTRY_BYTES = 64 << 10  # a reader that seeks reads at most this and one batch too much
ENTRY_STEP_MS = 1000  # an entry whenever append time moved on this far: branches cut by it
NAME_CHARACTERS_MAX = 232  # with the dash and the id a folder name has 255; the id is what counts
NOT_KNOWN = -1

_MAGIC = b"ANABSIDX"
_HEADER = struct.Struct(">8sHII")
_CHECKED_HEADER = struct.Struct(">HI")
_SEGMENT_KEY = re.compile(
    r"topics/(?P<name>[A-Za-z0-9._-]+)-(?P<id>[A-Za-z0-9_-]{22})/(?P<partition>\d{1,10})/"
    r"(?P<base>\d{20})\.(?P<unique>[A-Za-z0-9_-]+)\.(?:log|index)"
)


class SegmentName(NamedTuple):
    """What a segment's key says."""

    topic_name: str  # may be cut: the index has the whole name
    topic_id: bytes  # 16 bytes
    partition: int
    base_offset: int
    unique: str


def segment_key(
    topic_name: str, topic_id: UUID | bytes, partition: int, base_offset: int, unique: str
) -> str:
    """Key of a segment object. ``unique`` tells attempts apart; ids are spelled as Kafka's tools do."""
    raw_id = topic_id.bytes if isinstance(topic_id, UUID) else topic_id
    assert len(raw_id) == 16 and partition >= 0 and base_offset >= 0
    spelled_id = urlsafe_b64encode(raw_id).decode().rstrip("=")
    key = (
        f"topics/{topic_name[:NAME_CHARACTERS_MAX]}-{spelled_id}/{partition}/"
        f"{base_offset:020}.{unique}.log"
    )
    assert _SEGMENT_KEY.fullmatch(key), key
    return key


def index_key(segment_object_key: str) -> str:
    """Key of the index object that belongs to a segment, a pack, or bytes in quarantine."""
    stem, dot, kind = segment_object_key.rpartition(".")
    assert dot and kind in ("log", "pack", "raw"), segment_object_key
    return f"{stem}.index"


def parse_segment_key(key: str) -> SegmentName | None:
    """What the key of a segment or of its index says; None for any other key."""
    match = _SEGMENT_KEY.fullmatch(key)
    if match is None:
        return None
    return SegmentName(
        match["name"],
        urlsafe_b64decode(match["id"] + "=="),
        int(match["partition"]),
        int(match["base"]),
        match["unique"],
    )


def seal_body(magic: bytes, version: int, body: bytes) -> bytes:
    """An index's bytes: header with checksum, then ``body``."""
    checksum = crc32c(body, crc32c(_CHECKED_HEADER.pack(version, len(body))))
    return _HEADER.pack(magic, version, len(body), checksum) + body


def open_body(data: Buffer, magic: bytes, version: int, what: str) -> memoryview:
    """The body of an index that :func:`seal_body` made. Raises Corrupt; StoreFault if it is newer."""
    view = memoryview(data)
    if len(view) < _HEADER.size:
        raise Corrupt(f"{what} is cut short: {len(view)} bytes")
    found, written_version, length, checksum = _HEADER.unpack_from(view)
    if found != magic:
        raise Corrupt(f"not a {what}: it does not start with {magic.decode()}")
    body = view[_HEADER.size :]
    if len(body) != length:
        raise Corrupt(f"{what} has {len(body)} bytes of {length}")
    if crc32c(body, crc32c(_CHECKED_HEADER.pack(written_version, length))) != checksum:
        raise Corrupt(f"{what} has a wrong checksum")
    if written_version != version:
        raise StoreFault(
            f"{what} has format version {written_version}; this release reads "
            f"{version}: use the release that wrote it",
            retryable=False,
        )
    return body


class IndexEntry(msgspec.Struct, frozen=True, array_like=True):
    """A batch that a reader can start at, one about every ``ENTRY_BYTES`` or ``ENTRY_STEP_MS``."""

    offset: int  # base offset of the batch
    position: int  # of the batch's first byte in the segment
    max_timestamp_before: int  # ms, of all batches before this one; NO_TIMESTAMP at the start
    appended_at_ms: int  # when the batch was acknowledged; NOT_KNOWN if the writer did not say


class AbortedTransaction(msgspec.Struct, frozen=True, array_like=True):
    """One entry of Kafka's aborted-transaction list, offsets inclusive."""

    producer_id: int
    first_offset: int
    last_offset: int  # of the abort marker


class SegmentIndex(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one segment. ``check`` lists what always holds."""

    cluster_id: bytes  # 16 bytes
    topic_name: str
    topic_id: bytes  # 16 bytes
    topic_config: dict[str, str]  # the topic's own settings when the segment was written
    partition: int
    base_offset: int  # of the first batch
    last_offset: int  # of the last batch
    batch_count: int
    record_count: int  # as the batches' headers say, control records included
    byte_length: int  # of the segment object
    checksum: int  # CRC-32C of the segment object
    max_timestamp: int  # ms; NO_TIMESTAMP if no batch has one
    max_timestamp_offset: int  # base offset of the first batch that reaches it; NOT_KNOWN if none
    first_appended_at_ms: int
    last_appended_at_ms: int
    entries: list[IndexEntry]
    aborted_transactions: list[AbortedTransaction] = []
    producer_state: bytes = b""  # of the partition after the segment, as the log encodes it
    # What the extent that named it first covers: compaction removes whole batches at either end.
    # NOT_KNOWN in indexes written before there was compaction: then it is what the batches cover.
    covers_from: int = NOT_KNOWN
    covers_to: int = NOT_KNOWN
    leader_epoch: int = 0  # of that extent
    compacted_at_ms: int = NOT_KNOWN  # when a compaction wrote it; NOT_KNOWN if none did
    # How many of the records from each entry to the next are no control records; as many as there are
    # entries, or none: it was written before they were counted.
    data_counts: list[int] = []

    @property
    def covered(self) -> tuple[int, int]:
        """First and last offset of the extent that named it first."""
        if self.covers_from == NOT_KNOWN:
            return self.base_offset, self.last_offset
        return self.covers_from, self.covers_to

    def check(self) -> None:
        """Assert what holds between the fields."""
        entries = self.entries
        assert len(self.cluster_id) == 16 and len(self.topic_id) == 16
        assert entries and entries[0].position == 0 and entries[0].offset == self.base_offset
        assert self.covered[0] <= self.base_offset <= self.last_offset <= self.covered[1]
        assert entries[-1].offset <= self.last_offset and entries[-1].position < self.byte_length
        assert not self.data_counts or len(self.data_counts) == len(entries)
        assert sum(self.data_counts) <= self.record_count
        for one, next_one in pairwise(entries):
            assert one.offset < next_one.offset and one.position < next_one.position
            assert one.max_timestamp_before <= next_one.max_timestamp_before

    def position_for_offset(self, offset: int) -> int:
        """Where to start reading for ``offset``: at or before the batch that holds it.

        The segment's end for an offset behind the last one. Offsets that compaction removed lead to
        where they would be.
        """
        if offset > self.last_offset:
            return self.byte_length
        found = bisect_right(self.entries, offset, key=lambda entry: entry.offset)
        return self.entries[max(0, found - 1)].position

    def position_for_timestamp(self, timestamp: int) -> int | None:
        """Where to start looking for the first record of at least ``timestamp`` ms; None if none."""
        if timestamp > self.max_timestamp:
            return None
        # Everything before an entry is older than `timestamp` as long as the maximum before it is.
        found = bisect_left(self.entries, timestamp, key=lambda entry: entry.max_timestamp_before)
        return self.entries[max(0, found - 1)].position

    def encode(self) -> bytes:
        self.check()
        return seal_body(_MAGIC, FORMAT_VERSION, msgspec.msgpack.encode(self))

    @classmethod
    def decode(cls, data: Buffer) -> SegmentIndex:
        """Raises ``Corrupt``; ``StoreFault`` for an index of a newer format."""
        body = open_body(data, _MAGIC, FORMAT_VERSION, "segment index")
        try:
            index = msgspec.msgpack.decode(body, type=cls)
            index.check()
        except msgspec.MsgspecError as error:
            raise Corrupt(f"segment index does not decode: {error}") from None
        except AssertionError:
            raise Corrupt("segment index contradicts itself") from None
        return index


class SegmentIndexBuilder:
    """Builds the index of a segment while its bytes stream through ``add``."""

    def __init__(
        self,
        *,
        cluster_id: bytes,
        topic_name: str,
        topic_id: UUID | bytes,
        partition: int,
        topic_config: Mapping[str, str] | None = None,
        leader_epoch: int = 0,
        compacted_at_ms: int = NOT_KNOWN,
    ) -> None:
        self.byte_length = 0
        self.checksum = 0
        self.batch_count = 0
        self.record_count = 0
        self.base_offset = NOT_KNOWN  # until the first batch
        self.last_offset = NOT_KNOWN
        self.max_timestamp = NO_TIMESTAMP
        self._cluster_id = cluster_id
        self._topic_name = topic_name
        self._topic_id = topic_id.bytes if isinstance(topic_id, UUID) else bytes(topic_id)
        self._topic_config = dict(topic_config or {})
        self._partition = partition
        self._leader_epoch = leader_epoch
        self._compacted_at_ms = compacted_at_ms
        self._entries: list[IndexEntry] = []
        self._data_counts: list[int] = []
        self._max_timestamp_offset = NOT_KNOWN
        self._first_appended_at_ms = NOT_KNOWN
        self._last_appended_at_ms = NOT_KNOWN

    def add(self, data: Buffer, *, appended_at_ms: int = NOT_KNOWN) -> None:
        """Take in the segment's next bytes: whole batches, with their final base offsets.

        ``appended_at_ms`` is when they were acknowledged. Raises ``Corrupt`` for bytes that are no
        batches.
        """
        view = memoryview(data)
        end = 0
        for header in scan(view):
            assert header.base_offset > self.last_offset, "batches in offset order"
            position = self.byte_length + header.position
            if not self._entries or self._entry_due(position, appended_at_ms):
                self._entries.append(
                    IndexEntry(header.base_offset, position, self.max_timestamp, appended_at_ms)
                )
                self._data_counts.append(0)
            if not header.is_control:
                self._data_counts[-1] += header.record_count
            if self.base_offset == NOT_KNOWN:
                self.base_offset = header.base_offset
                self._first_appended_at_ms = appended_at_ms
            if header.max_timestamp > self.max_timestamp:
                self.max_timestamp = header.max_timestamp
                self._max_timestamp_offset = header.base_offset
            self.last_offset = header.last_offset
            self.batch_count += 1
            self.record_count += header.record_count
            end = header.end
        if end != len(view):
            raise Corrupt(f"{len(view) - end} bytes after the last whole batch of a segment")
        self._last_appended_at_ms = max(self._last_appended_at_ms, appended_at_ms)
        self.byte_length += len(view)
        self.checksum = crc32c(view, self.checksum)

    def _entry_due(self, position: int, appended_at_ms: int) -> bool:
        last = self._entries[-1]
        return (
            position - last.position >= ENTRY_BYTES
            or appended_at_ms - last.appended_at_ms >= ENTRY_STEP_MS
        )

    def finish(
        self,
        *,
        producer_state: bytes = b"",
        aborted_transactions: Sequence[AbortedTransaction] = (),
        covers: tuple[int, int] | None = None,
    ) -> SegmentIndex:
        """The index of what was added, which must be at least one batch.

        ``covers`` are the first and last offset of the extent, if compaction removed batches at its ends.
        """
        covers_from, covers_to = covers or (self.base_offset, self.last_offset)
        index = SegmentIndex(
            cluster_id=self._cluster_id,
            topic_name=self._topic_name,
            topic_id=self._topic_id,
            topic_config=self._topic_config,
            partition=self._partition,
            base_offset=self.base_offset,
            last_offset=self.last_offset,
            covers_from=covers_from,
            covers_to=covers_to,
            leader_epoch=self._leader_epoch,
            compacted_at_ms=self._compacted_at_ms,
            batch_count=self.batch_count,
            record_count=self.record_count,
            byte_length=self.byte_length,
            checksum=self.checksum,
            max_timestamp=self.max_timestamp,
            max_timestamp_offset=self._max_timestamp_offset,
            first_appended_at_ms=self._first_appended_at_ms,
            last_appended_at_ms=self._last_appended_at_ms,
            entries=self._entries,
            data_counts=self._data_counts,
            aborted_transactions=list(aborted_transactions),
            producer_state=producer_state,
        )
        index.check()
        return index
