"""What lies in the bucket, and what its index objects say of it.

A rebuild lists everything that holds data. What the journal does not name is either garbage or newer than
the journal's end; its index says which offsets of which topic it holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor
from typing import NamedTuple

from anabranch.errors import Corrupt
from anabranch.log.rebuild.fetching import in_order
from anabranch.log.rebuild.report import Kind, Progress, Report, ShowProgress
from anabranch.metastore.api import Extent, ObjectKind
from anabranch.storage.pack import PackIndex, is_pack_key
from anabranch.storage.segment import NOT_KNOWN, SegmentIndex, index_key, parse_segment_key
from anabranch.storage.store import NotFound, Store

DATA_PREFIXES = ("packs/", "quarantine/", "topics/")
LISTED_STEP = 10_000  # objects between two signs of progress


class ShareTopic(NamedTuple):
    """What an index says of its topic; one for all shares that say the same."""

    topic_id: bytes  # 16 bytes
    name: str
    config: tuple[tuple[str, str], ...]


class Share(NamedTuple):
    """One partition's bytes in an object that the journal does not name.

    Without the index's entries: a rebuild without a journal holds all shares of the bucket in memory.
    """

    key: str
    kind: ObjectKind
    object_bytes: int
    position: int  # of the first byte in the object
    topic: ShareTopic
    partition: int
    first: int  # offsets that it stands for
    last: int
    byte_length: int
    records: int
    max_timestamp: int  # ms
    appended_ms: int  # of its first batch
    written_ms: int  # of its last batch, or when it was compacted
    leader_epoch: int
    compacted: bool
    aborted: tuple[tuple[int, int, int], ...] = ()  # (last offset, producer id, first offset)

    @property
    def whole(self) -> bool:
        """Whether the object is long enough to hold it."""
        return self.position + self.byte_length <= self.object_bytes

    @property
    def extent(self) -> Extent:
        """As the metastore would name it."""
        return Extent(
            base_offset=self.first,
            last_offset=self.last,
            object_no=0,
            object_key=self.key,
            kind=self.kind,
            position=self.position,
            length=self.byte_length,
            records=self.records,
            max_timestamp=self.max_timestamp,
            appended_ms=self.appended_ms,
            leader_epoch=self.leader_epoch,
        )


def kind_of_key(key: str) -> ObjectKind | None:
    """What the key of an object with data says it is; None for indexes and anything else."""
    if key.endswith(".log") and parse_segment_key(key) is not None:
        return ObjectKind.SEGMENT
    if key.endswith(".pack") and is_pack_key(key):
        return ObjectKind.PACK
    if key.endswith(".raw") and key.startswith("quarantine/"):
        return ObjectKind.QUARANTINE
    return None


def list_data(store: Store, report: Report, show: ShowProgress) -> dict[str, int]:
    """Size of every object with data, and of every index, by key."""
    found: dict[str, int] = {}
    for prefix in DATA_PREFIXES:
        for info in store.list(prefix):
            found[info.key] = info.size
            if len(found) % LISTED_STEP == 0:
                show(Progress("listing", len(found), 0, report.figures.bytes_read))
    report.figures.listed_objects = len(found)
    return found


def read_shares(
    store: Store,
    pool: Executor,
    unknown: Iterable[str],
    listed: Mapping[str, int],
    report: Report,
    show: ShowProgress,
) -> Iterator[Share]:
    """What the indexes of these objects say."""
    keys = [key for key in unknown if (kind := kind_of_key(key)) is not None and kind.final]

    def fetch(key: str) -> bytes:
        return store.get(index_key(key))

    topics: dict[ShareTopic, ShareTopic] = {}
    for done, (key, found) in enumerate(in_order(pool, fetch, keys), 1):
        show(Progress("indexes", done, len(keys), report.figures.bytes_read))
        if isinstance(found, NotFound):
            # A writer that broke off between the two objects: nothing names it, collection takes it.
            report.add(Kind.LEFT_ASIDE, key, "it has no index, so it was never put in place")
            continue
        if isinstance(found, Corrupt):
            report.add(Kind.OBJECT_MISSING, index_key(key), str(found))
            continue
        if isinstance(found, Exception):
            raise found
        report.figures.index_objects += 1
        report.figures.index_bytes += len(found)
        try:
            for position, index in _described(key, found):
                yield _share(key, listed[key], position, index, topics)
        except Corrupt as error:
            report.add(Kind.OBJECT_MISSING, index_key(key), str(error))


def _described(key: str, data: bytes) -> list[tuple[int, SegmentIndex]]:
    """(position, index) of each share. Raises Corrupt, StoreFault."""
    if kind_of_key(key) is ObjectKind.SEGMENT:
        return [(0, SegmentIndex.decode(data))]
    pack = PackIndex.decode(data)
    return [(share.position, pack.segment_index(share)) for share in pack.shares]


def _share(
    key: str,
    size: int,
    position: int,
    index: SegmentIndex,
    topics: dict[ShareTopic, ShareTopic],
) -> Share:
    kind = kind_of_key(key)
    assert kind is not None
    first, last = index.covered
    topic = ShareTopic(index.topic_id, index.topic_name, tuple(sorted(index.topic_config.items())))
    return Share(
        key=key,
        kind=kind,
        object_bytes=size,
        position=position,
        topic=topics.setdefault(topic, topic),
        partition=index.partition,
        first=first,
        last=last,
        byte_length=index.byte_length,
        records=index.record_count,
        max_timestamp=index.max_timestamp,
        appended_ms=max(0, index.first_appended_at_ms),
        written_ms=max(index.last_appended_at_ms, index.compacted_at_ms),
        leader_epoch=index.leader_epoch,
        compacted=index.compacted_at_ms != NOT_KNOWN,
        aborted=tuple(
            (one.last_offset, one.producer_id, one.first_offset)
            for one in index.aborted_transactions
        ),
    )
