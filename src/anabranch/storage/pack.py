"""Packs: the batches of many partitions in one object, for partitions too small for one of their own.

    packs/<unique>.pack     one share per partition, one after the other
    packs/<unique>.index    what each share is

A share is contiguous, its bytes are exactly those of a Kafka log segment, and an extent of the metastore
names it by its position. Ten thousand partitions that each get a little every minute thus cost one object
a minute instead of ten thousand. The index describes every share as a segment's index describes its
segment, with topic names, ids and settings written once per topic (I9).

    index := magic "ANABPIDX" | version u16 | body length u32 | CRC-32C u32 | body (msgpack map)
"""

from __future__ import annotations

import re
from bisect import bisect_right
from itertools import pairwise

import msgspec

from anabranch.errors import Corrupt
from anabranch.storage.segment import (
    AbortedTransaction,
    IndexEntry,
    SegmentIndex,
    open_body,
    seal_body,
)
from anabranch.storage.store import Buffer

FORMAT_VERSION = 1
MAGIC = b"ANABPIDX"
PACK_SUFFIX = ".pack"

_PACK_KEY = re.compile(r"packs/(?P<unique>[A-Za-z0-9_-]+)\.(?:pack|index)")


def pack_key(unique: str) -> str:
    """Key of a pack; ``unique`` tells packs apart."""
    key = f"packs/{unique}{PACK_SUFFIX}"
    assert _PACK_KEY.fullmatch(key), key
    return key


def is_pack_key(key: str) -> bool:
    """Whether ``key`` is that of a pack or of a pack's index."""
    return _PACK_KEY.fullmatch(key) is not None


class PackTopic(msgspec.Struct, frozen=True, array_like=True):
    """A topic with shares in the pack."""

    topic_id: bytes  # 16 bytes
    name: str
    config: dict[str, str]  # its own settings when the pack was written


class PackShare(msgspec.Struct, frozen=True, array_like=True):
    """One partition's batches; the fields mean what they mean in a segment's index."""

    topic: int  # place in the pack's list of topics
    partition: int
    position: int  # of the share's first byte in the pack
    byte_length: int
    checksum: int  # CRC-32C of the share's bytes
    base_offset: int
    last_offset: int
    covers_from: int
    covers_to: int
    leader_epoch: int
    batch_count: int
    record_count: int
    max_timestamp: int
    max_timestamp_offset: int
    first_appended_at_ms: int
    last_appended_at_ms: int
    entries: list[IndexEntry]  # positions count from the start of the share
    aborted_transactions: list[AbortedTransaction] = []
    compacted_at_ms: int = -1
    data_counts: list[int] = []


class PackIndex(msgspec.Struct, frozen=True, kw_only=True):
    """Everything known about one pack. ``check`` lists what always holds."""

    cluster_id: bytes  # 16 bytes
    byte_length: int  # of the pack object
    topics: list[PackTopic]
    shares: list[PackShare]  # in the order of their positions

    def check(self) -> None:
        """Assert what holds between the fields."""
        assert len(self.cluster_id) == 16 and self.shares
        end = 0
        for share in self.shares:
            assert share.position == end and share.byte_length > 0, "shares tile the pack"
            assert 0 <= share.topic < len(self.topics) and share.partition >= 0
            assert share.covers_from <= share.base_offset <= share.last_offset <= share.covers_to
            entries = share.entries
            assert entries and (entries[0].position, entries[0].offset) == (0, share.base_offset)
            assert entries[-1].position < share.byte_length
            assert not share.data_counts or len(share.data_counts) == len(entries)
            for one, after in pairwise(entries):
                assert one.offset < after.offset and one.position < after.position
            end = share.position + share.byte_length
        assert end == self.byte_length
        assert all(len(topic.topic_id) == 16 for topic in self.topics)

    def share_at(self, position: int) -> PackShare | None:
        """The share whose bytes hold ``position``."""
        found = bisect_right(self.shares, position, key=lambda share: share.position) - 1
        if found < 0 or position >= self.byte_length:
            return None
        return self.shares[found]

    def segment_index(self, share: PackShare) -> SegmentIndex:
        """The share described as if it were a segment of its own."""
        topic = self.topics[share.topic]
        return SegmentIndex(
            cluster_id=self.cluster_id,
            topic_name=topic.name,
            topic_id=topic.topic_id,
            topic_config=topic.config,
            partition=share.partition,
            base_offset=share.base_offset,
            last_offset=share.last_offset,
            covers_from=share.covers_from,
            covers_to=share.covers_to,
            leader_epoch=share.leader_epoch,
            batch_count=share.batch_count,
            record_count=share.record_count,
            byte_length=share.byte_length,
            checksum=share.checksum,
            max_timestamp=share.max_timestamp,
            max_timestamp_offset=share.max_timestamp_offset,
            first_appended_at_ms=share.first_appended_at_ms,
            last_appended_at_ms=share.last_appended_at_ms,
            entries=share.entries,
            aborted_transactions=share.aborted_transactions,
            compacted_at_ms=share.compacted_at_ms,
            data_counts=share.data_counts,
        )

    def encode(self) -> bytes:
        self.check()
        return seal_body(MAGIC, FORMAT_VERSION, msgspec.msgpack.encode(self))

    @classmethod
    def decode(cls, data: Buffer) -> PackIndex:
        """Raises ``Corrupt``; ``StoreFault`` for an index of a newer format."""
        body = open_body(data, MAGIC, FORMAT_VERSION, "pack index")
        try:
            index = msgspec.msgpack.decode(body, type=cls)
            index.check()
        except msgspec.MsgspecError as error:
            raise Corrupt(f"pack index does not decode: {error}") from None
        except AssertionError:
            raise Corrupt("pack index contradicts itself") from None
        return index


class PackIndexBuilder:
    """Puts the indexes of shares together, in the order in which the shares are written."""

    def __init__(self, cluster_id: bytes) -> None:
        self.byte_length = 0
        self._cluster_id = cluster_id
        self._topics: list[PackTopic] = []
        self._places: dict[bytes, int] = {}
        self._shares: list[PackShare] = []

    def add(self, index: SegmentIndex) -> int:
        """Take in the next share, described as a segment of its own; returns its position."""
        assert index.cluster_id == self._cluster_id
        place = self._places.get(index.topic_id)
        if place is None:
            place = self._places[index.topic_id] = len(self._topics)
            self._topics.append(PackTopic(index.topic_id, index.topic_name, index.topic_config))
        position = self.byte_length
        self._shares.append(
            PackShare(
                topic=place,
                partition=index.partition,
                position=position,
                byte_length=index.byte_length,
                checksum=index.checksum,
                base_offset=index.base_offset,
                last_offset=index.last_offset,
                covers_from=index.covered[0],
                covers_to=index.covered[1],
                leader_epoch=index.leader_epoch,
                batch_count=index.batch_count,
                record_count=index.record_count,
                max_timestamp=index.max_timestamp,
                max_timestamp_offset=index.max_timestamp_offset,
                first_appended_at_ms=index.first_appended_at_ms,
                last_appended_at_ms=index.last_appended_at_ms,
                entries=index.entries,
                aborted_transactions=index.aborted_transactions,
                compacted_at_ms=index.compacted_at_ms,
                data_counts=index.data_counts,
            )
        )
        self.byte_length += index.byte_length
        return position

    def finish(self) -> PackIndex:
        """The index of what was added, which must be at least one share."""
        index = PackIndex(
            cluster_id=self._cluster_id,
            byte_length=self.byte_length,
            topics=self._topics,
            shares=self._shares,
        )
        index.check()
        return index
