"""What the metastore's verbs take and give: immutable values, without I/O and without behaviour.

Times are milliseconds since the epoch. Topic ids are 16 raw bytes; ``topic_no`` is the metastore's own
short name for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

from msgspec import Struct

from anabranch.errors import StoreFault
from anabranch.metastore.credential_values import Endpoint
from anabranch.metastore.transaction_values import Enlisted, Refused, TransactionEnd

NO_TIMESTAMP = -1
SHARDS = 16  # of background work: as many brokers can share it at most
ALL_SHARDS = tuple(range(SHARDS))


class ObjectKind(StrEnum):
    """How the bytes of an object are to be read."""

    WAL = "wal"  # batches carry the producer's base offset: the reader places them by the extent
    SEGMENT = "segment"  # batches of one partition with their final offsets
    PACK = "pack"  # as a segment, but of many partitions, one share after the other
    QUARANTINE = "quarantine"  # what lay in the WAL and reads back wrong; kept for who repairs it

    @property
    def final(self) -> bool:
        """Whether batches carry their final offsets and an index object describes them."""
        return self is ObjectKind.SEGMENT or self is ObjectKind.PACK


class GapCause(StrEnum):
    """Why offsets below the log end are no longer readable."""

    RETENTION_TIME = "retention.ms"
    RETENTION_BYTES = "retention.bytes"
    DELETE_RECORDS = "delete-records"
    COMPACTION = "compaction"
    LOST_OBJECT = "lost-object"  # nowhere to be found: by a rebuild, or skipped by an operator
    CORRUPT = "corrupt"  # read back wrong, or cannot be decoded, and skipped by an operator


class OffsetAction(StrEnum):
    """What happened to a committed offset."""

    COMMIT = "commit"  # a member, or a consumer without membership
    RESET = "reset"  # an administrator's change of an empty group
    DELETE = "delete"
    EXPIRE = "expire"
    PROMOTE = "promote"  # the end of a replay handed to the live group


def shard_of(topic_no: int, partition: int) -> int:
    """The shard of background work that a partition belongs to; SQL computes the same."""
    return (topic_no + partition) % SHARDS


class Conflict(StoreFault):
    """A compare-and-set lost: the caller's picture is stale. Reload and decide again."""

    def __init__(self, message: str) -> None:
        super().__init__(message, retryable=True)


class BranchOrigin(Struct, frozen=True):
    """Where a branch came from. ``ends[p]`` is the branch's first own offset of partition p."""

    topic_id: bytes
    topic: str
    ends: tuple[int, ...]
    at: str  # what the person asked for: "offsets", "append-time 2026-…", "point p-…"


class Topic(Struct, frozen=True):
    """A topic as the catalogue knows it. ``no`` is the metastore's own short name for ``id``."""

    no: int
    id: bytes
    name: str
    partitions: int
    configs: Mapping[str, str]  # only what was set; defaults live in the log
    created_ms: int
    origin: BranchOrigin | None = None


class DeletedTopic(Struct, frozen=True):
    """A topic that can be brought back until ``purge_ms`` (and a little longer, until a job removes it)."""

    topic: Topic
    deleted_ms: int
    purge_ms: int
    records: int
    bytes: int


class Partition(Struct, frozen=True):
    """Invariant: ``0 <= log_start <= next_offset``. The high watermark is ``next_offset``.

    ``skips`` grows whenever an operator skips something of it; commits do not ask for it and say 0.
    ``unstable`` is the first offset of a transaction that is ongoing, -1 without one: from there on nothing
    is for read_committed readers. ``aborted_end``: behind the last aborted transaction, 0 without one.
    """

    topic_no: int
    partition: int
    next_offset: int
    log_start: int
    leader_epoch: int
    skips: int = 0
    unstable: int = -1
    aborted_end: int = 0


class LeaderEpoch(Struct, frozen=True):
    """``epoch`` is the partition's leader epoch for batches at and after ``start_offset``."""

    epoch: int
    start_offset: int


class Extent(Struct, frozen=True):
    """Offsets ``base_offset..last_offset`` of one partition lie in ``length`` bytes of an object.

    ``appended_ms`` never decreases along a partition: where brokers' clocks disagree, a later extent
    is given its predecessor's time.
    """

    base_offset: int
    last_offset: int
    object_no: int
    object_key: str
    kind: ObjectKind
    position: int
    length: int
    records: int
    max_timestamp: int
    appended_ms: int
    leader_epoch: int

    @property
    def is_dense(self) -> bool:
        """Whether each offset is a record's, so that each batch begins where the one before ends."""
        return self.records == self.last_offset + 1 - self.base_offset


class NewExtent(Struct, frozen=True):
    """An extent to be committed; see :class:`Extent`."""

    base_offset: int
    last_offset: int
    position: int
    length: int
    records: int
    max_timestamp: int
    appended_ms: int
    leader_epoch: int


class ProducerBatch(Struct, frozen=True, array_like=True):
    """One of the last five batches of an idempotent producer (KIP-98)."""

    base_sequence: int
    last_sequence: int
    base_offset: int
    last_offset: int
    timestamp: int


class ProducerState(Struct, frozen=True):
    """What a partition remembers of one producer id; ``batches`` oldest first, at most five."""

    producer_id: int
    epoch: int
    batches: tuple[ProducerBatch, ...]
    updated_ms: int


class AppendCommit(Struct, frozen=True):
    """A flush's share of one partition: commits only if ``next_offset == expected_next`` under the leader
    epoch of its extents, and if all of ``transactions`` may write there."""

    topic_no: int
    partition: int
    expected_next: int
    next_offset: int
    extents: tuple[NewExtent, ...]
    producers: tuple[ProducerState, ...] = ()
    transactions: tuple[Enlisted, ...] = ()

    @property
    def epoch(self) -> int:
        """The leader epoch under which its extents were made: all of them under one."""
        return self.extents[0].leader_epoch


class AppendOutcome(Struct, frozen=True):
    """``committed``, or else the partition's present state (None: the topic is gone) and whose batches
    were refused."""

    committed: bool
    partition: Partition | None = None
    refused: tuple[Refused, ...] = ()


class FlushCommit(NamedTuple):
    """A flush: its WAL object, its share of each partition, and the transactions that its markers end."""

    object_key: str
    commits: Sequence[AppendCommit]
    ends: Sequence[TransactionEnd] = ()


class ExtentName(NamedTuple):
    """Enough to recognise an extent that a compare-and-set wants to replace, also if a branch and its topic
    have changed places meanwhile."""

    base_offset: int
    object_no: int
    position: int
    last_offset: int = -1  # -1: not compared. A branch may name less of the same bytes


class Replacement(NamedTuple):
    """One partition's share of a swap: neighbours that go, and what stands for their offsets."""

    topic_no: int
    partition: int
    remove: tuple[ExtentName, ...]
    add: tuple[NewExtent, ...]


class PlacedExtent(NamedTuple):
    """An extent and the partition that it belongs to."""

    topic_no: int
    partition: int
    extent: Extent


class PackUsage(NamedTuple):
    """How much of a pack extents still name; bytes that several of them share count once."""

    object_no: int
    key: str
    bytes: int
    live_bytes: int
    created_ms: int


class ObjectCounts(NamedTuple):
    """How many objects of each kind there are, whether extents name them or not."""

    wal: int
    segments: int
    packs: int
    quarantined: int


class Health(NamedTuple):
    """What the whole metastore counts, for metrics; partitions' objects are segments and shares of packs."""

    objects: ObjectCounts
    partition_objects: int  # of all partitions together
    most_objects: int  # of the partition that has most
    most_bytes: int  # what those hold
    damaged: dict[str, int]  # known ranges that cannot be read, by cause
    skipped: int  # ranges that operators gave up
    gaps: dict[str, int]  # by cause


class OldestExtent(NamedTuple):
    """What retention judges a partition by. ``appended_mark``: when its newest batch was appended."""

    topic_no: int
    partition: int
    log_start: int
    bytes: int
    appended_mark: int
    extent: Extent
    epoch: int = 0  # the leader epoch of the line that these are figures of


class Compaction(NamedTuple):
    """How far a partition was compacted (I2: what lies below ``gap_end`` may have been removed).

    Invariant: ``first_offset <= gap_end``, ``cleaned_end <= gap_end <= next_offset``.
    """

    topic_no: int
    partition: int
    first_offset: int
    gap_end: int
    cleaned_end: int  # below it, each key has one record (and those that may not be judged yet)
    clean_bytes: int  # retained below cleaned_end when it was reached
    horizon_ms: int | None  # when the first delete marker below may be removed
    updated_ms: int


class CompactionCandidate(NamedTuple):
    """A partition's figures from which it is judged whether compaction is due."""

    topic_no: int
    partition: int
    log_start: int
    merged_end: int
    bytes: int
    wal_bytes: int
    state: Compaction | None
    dirty_since_ms: int | None = (
        None  # when the oldest of what no pass has seen was appended, about
    )
    epoch: int = 0  # the leader epoch of the line that these are figures of


class ObjectRow(Struct, frozen=True):
    """An object that extents name, or named. ``unreferenced_ms`` is set once none does."""

    no: int
    key: str
    kind: ObjectKind
    bytes: int
    created_ms: int
    unreferenced_ms: int | None


class Backlog(Struct, frozen=True):
    """A partition's extents that still lie in the write-ahead log."""

    topic_no: int
    partition: int
    extents: int
    bytes: int
    oldest_appended_ms: int


class PartitionSize(Struct, frozen=True):
    """Retained volume of one partition."""

    partition: int
    extents: int
    records: int
    bytes: int
    oldest_appended_ms: int | None
    max_timestamp: int


class Gap(Struct, frozen=True):
    """Offsets that readers will not see, and why (I2)."""

    topic_no: int
    partition: int
    first_offset: int
    last_offset: int
    cause: GapCause
    detail: str
    at_ms: int


class Damage(Struct, frozen=True):
    """Offsets that cannot be read, because of what an object holds or lacks.

    ``records`` is -1 where nobody knows; ``found_ms`` is when they were met first.
    """

    topic_no: int
    partition: int
    first_offset: int
    last_offset: int
    cause: GapCause
    object_key: str
    detail: str
    records: int
    bytes: int
    found_ms: int


class Guard(NamedTuple):
    """All documents of a kind as somebody read them who decides a change by them: where they are others by now, the
    change is refused."""

    kind: str
    digest: bytes


def guard_of(kind: str, found: Iterable[Document]) -> Guard:
    """For a change that is decided by all documents of ``kind``, which are these."""
    digest = blake2b(digest_size=16)
    for one in sorted(found, key=lambda one: one.id):
        digest.update(b"%d %d " % (len(one.id.encode()), len(one.body)))
        digest.update(one.id.encode() + one.body)
    return Guard(kind, digest.digest())


class DamageSkip(Struct, frozen=True):
    """An operator's word that a damaged range is given up: a line of the audit history."""

    damage: Damage
    at_ms: int
    principal: str
    host: str
    reason: str
    topic: str = ""  # its name and id, as it is read: also of a topic that was deleted since
    topic_id: bytes = b""


class SkippedExtent(NamedTuple):
    """What an extent becomes when ``parts[place]`` of it is given up: the parts lie in its object, all
    but the skipped one, for which ``empty`` stands in the object ``object_no``."""

    old: ExtentName
    parts: tuple[NewExtent, ...]
    place: int
    object_no: int
    object_bytes: int
    empty: NewExtent


class GroupRow(Struct, frozen=True):
    """A consumer group at rest. ``snapshot`` is the group automaton's own encoding.

    ``fence`` is another number with every save, and never one that any broker gave before: a broker
    that last saw the group under another fence has an old picture of it. 0: never saved by a
    coordinator (committed offsets alone make such a row). ``lane`` is the lane of the broker that
    saved the group last. ``kind`` is the protocol by which the group is led: a ``consumer`` group's
    members have rows of their own.
    """

    group_id: str
    protocol_type: str
    state: str
    generation: int
    snapshot: bytes
    updated_ms: int
    fence: int = 0
    lane: str = "live"
    kind: str = "classic"


class GroupMemberRow(Struct, frozen=True):
    """A member of a consumer group at rest. ``body`` is the group automaton's own encoding."""

    member_id: str
    body: bytes


class StoredGroup(Struct, frozen=True):
    """A group with its members, as of one moment."""

    row: GroupRow
    members: list[GroupMemberRow]


class Committed(Struct, frozen=True):
    """A committed offset: the next offset that the group will read."""

    topic_no: int
    partition: int
    offset: int
    leader_epoch: int
    metadata: str
    committed_ms: int
    expires_ms: int | None = None  # only for the obsolete per-commit retention (OffsetCommit v2-v4)


class OffsetMove(Struct, frozen=True):
    """A committed offset that is put from ``old`` to ``new``; None: no committed offset."""

    topic_no: int
    partition: int
    old: int | None
    new: int | None
    leader_epoch: int = -1
    metadata: str = ""


class DocumentChange(Struct, frozen=True):
    """A document that changes together with something else, if its body is ``expected`` (None: there is none)."""

    kind: str
    id: str
    body: bytes
    expected: bytes | None


class Actor(Struct, frozen=True):
    """Who changed an offset, as far as the protocol tells."""

    principal: str
    client_id: str
    host: str
    member_id: str = ""
    instance_id: str = ""
    generation: int = -1
    api: str = ""
    reason: str = ""


class OffsetChange(Struct, frozen=True):
    """One line of the offset history (I8). ``old``/``new`` are None for "no committed offset"."""

    seq: int
    at_ms: int
    group_id: str
    topic_no: int
    topic: str
    partition: int
    action: OffsetAction
    old: int | None
    new: int | None
    metadata: str
    actor: Actor


class StandingBeyond(NamedTuple):
    """A committed offset behind the point where a branch parts from its topic. ``leader_epoch`` -1: its
    consumer would not notice that the line is another."""

    group_id: str
    state: str
    fence: int
    partition: int
    offset: int
    leader_epoch: int


class LineMove(NamedTuple):
    """What a promotion commits for a group; ``fence``: under which the group was seen."""

    fence: int
    offsets: tuple[Committed, ...]


class LineSwap(Struct, frozen=True):
    """A branch takes its topic's place; see :mod:`anabranch.metastore.lines`.

    ``ends[p]``: the first offset of partition p in which the two differ. ``displaced``: the name under which
    the topic's present line stays; ``at``: why, for people. Of groups that have committed offsets at or
    behind the ends, each is in ``kept`` or in ``moves``.
    """

    topic_no: int
    branch_no: int
    ends: tuple[int, ...]
    displaced: str
    at: str
    kept: frozenset[str] = frozenset()
    moves: Mapping[str, LineMove] = {}
    document: DocumentChange | None = None  # written with it


class Document(Struct, frozen=True):
    """A JSON document of the recovery plane: a recovery point, a plan, a replay session, a report."""

    kind: str
    id: str
    created_ms: int
    updated_ms: int
    body: bytes


class BrokerRow(Struct, frozen=True):
    """A broker that announced itself; ``epoch`` grows with each registration.

    ``heartbeat_ms`` is when it last said that it serves; 0: it is still starting. ``wal_epoch``: that of
    its start, under which its WAL objects are known; None: ``epoch``. ``late_percent`` is what its
    appends take, in per cent of what they take while nobody reads old data (0: not known), and
    ``cold_bytes_per_second`` what it reads below the tail. ``host`` and ``port`` are for other brokers,
    ``endpoints`` for clients, by the listener that they came by (none: host and port for everybody).
    """

    broker_id: int
    epoch: int
    host: str
    port: int
    started_ms: int
    lane: str = "live"
    rack: str | None = None
    heartbeat_ms: int = 0
    wal_epoch: int | None = None
    late_percent: int = 0
    cold_bytes_per_second: int = 0
    endpoints: tuple[Endpoint, ...] = ()

    @property
    def writes_under(self) -> int:
        """The epoch in the names of its WAL objects."""
        return self.epoch if self.wal_epoch is None else self.wal_epoch
