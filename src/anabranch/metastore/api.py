"""What the rest of the system may ask of the metastore: the judge of every offset.

Two families of verbs. *Reads* answer from one consistent snapshot and cost O(result). *Writes* are
queued to a writer that commits everything pending in one transaction with a savepoint each (group
commit); when a write returns, it is durable. All verbs are coroutines, so that an engine behind a
network is no different from one behind a function call.

Times are milliseconds since the epoch and always come from the caller. Topic ids are 16 raw bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Protocol

from msgspec import Struct

from anabranch.errors import StoreFault
from anabranch.metastore.changes import Changed

if TYPE_CHECKING:
    from anabranch.metastore.audit import KnownObject, Naming
    from anabranch.metastore.journal import Changes, JournalState, Mark, TableRows

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
    LOST_OBJECT = "lost-object"


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
    """Invariant: ``0 <= log_start <= next_offset``. The high watermark is ``next_offset``."""

    topic_no: int
    partition: int
    next_offset: int
    log_start: int
    leader_epoch: int


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
    """A flush's share of one partition: commits only if ``next_offset == expected_next``."""

    topic_no: int
    partition: int
    expected_next: int
    next_offset: int
    extents: tuple[NewExtent, ...]
    producers: tuple[ProducerState, ...] = ()


class AppendOutcome(Struct, frozen=True):
    """``committed``, or else the partition's present state (None: the topic is gone)."""

    committed: bool
    partition: Partition | None = None


class FlushCommit(NamedTuple):
    """A flush that is durable: its WAL object, and its share of each partition."""

    object_key: str
    commits: Sequence[AppendCommit]


class Handover:
    """What a flush commits: given, or failed, by the thread that writes it, and taken once."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._given: FlushCommit | BaseException | None = None
        self._taker: Callable[[FlushCommit | BaseException], None] | None = None

    def give(self, object_key: str, commits: Sequence[AppendCommit]) -> None:
        self._settle(FlushCommit(object_key, commits))

    def fail(self, error: BaseException) -> None:
        self._settle(error)

    def _settle(self, given: FlushCommit | BaseException) -> None:
        with self._lock:
            self._given, taker = given, self._taker
        if taker is not None:
            taker(given)

    def take(self, taker: Callable[[FlushCommit | BaseException], None]) -> None:
        """Have ``taker`` called by whoever comes second, the giver's thread or this one."""
        with self._lock:
            self._taker, given = taker, self._given
        if given is not None:
            taker(given)

    async def given(self) -> FlushCommit:
        """Take it on the loop. Raises what it failed with."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[FlushCommit] = loop.create_future()

        def deliver(given: FlushCommit | BaseException) -> None:
            if future.done():
                return
            if isinstance(given, BaseException):
                future.set_exception(given)
            else:
                future.set_result(given)

        def wake(given: FlushCommit | BaseException) -> None:
            loop.call_soon_threadsafe(deliver, given)

        self.take(wake)
        return await future


class ExtentName(NamedTuple):
    """Enough to recognise an extent that a compare-and-set wants to replace."""

    base_offset: int
    object_no: int
    position: int


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


class OldestExtent(NamedTuple):
    """What retention judges a partition by. ``appended_mark``: when its newest batch was appended."""

    topic_no: int
    partition: int
    log_start: int
    bytes: int
    appended_mark: int
    extent: Extent


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


class GroupRow(Struct, frozen=True):
    """A consumer group at rest. ``snapshot`` is the group automaton's own encoding.

    ``fence`` is another number with every save, and never one that any broker gave before: a broker
    that last saw the group under another fence has an old picture of it. 0: never saved by a
    coordinator (committed offsets alone make such a row). ``lane`` is the lane of the broker that
    saved the group last.
    """

    group_id: str
    protocol_type: str
    state: str
    generation: int
    snapshot: bytes
    updated_ms: int
    fence: int = 0
    lane: str = "live"


class Committed(Struct, frozen=True):
    """A committed offset: the next offset that the group will read."""

    topic_no: int
    partition: int
    offset: int
    leader_epoch: int
    metadata: str
    committed_ms: int
    expires_ms: int | None = None  # only for the obsolete per-commit retention (OffsetCommit v2-v4)


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


class Document(Struct, frozen=True):
    """A JSON document of the recovery plane: a recovery point, a plan, a replay session, a report."""

    kind: str
    id: str
    created_ms: int
    updated_ms: int
    body: bytes


class BrokerRow(Struct, frozen=True):
    """A broker that announced itself; ``epoch`` grows with each registration.

    ``heartbeat_ms`` is when it last said that it serves; 0: it is still starting.
    """

    broker_id: int
    epoch: int
    host: str
    port: int
    started_ms: int
    lane: str = "live"
    rack: str | None = None
    heartbeat_ms: int = 0


class Metastore(Protocol):
    """The verbs. Every name that is not found is None or an empty list; nothing raises for absence."""

    @property
    def cluster_id(self) -> bytes:
        """16 bytes; given at creation, kept by a rebuild."""

    def close(self) -> None:
        """Commit what is queued, then release everything."""

    def on_change(self, callback: Callable[[Changed], None]) -> None:
        """Call ``callback`` (on the loop) with what another process changed, as far as that is known."""

    def expect_others(self, others: bool) -> None:
        """Say whether other processes are known to write: then their changes are noticed sooner."""

    async def now_ms(self) -> int:
        """The time that all who share this metastore agree on: the machine's, or the database's."""

    # -- brokers and leases ------------------------------------------------------------------
    async def register_broker(
        self,
        broker_id: int | None,
        host: str,
        port: int,
        now_ms: int,
        *,
        lane: str = "live",
        rack: str | None = None,
        silent_ms: int = 0,
    ) -> BrokerRow:
        """Announce a start: a new, higher broker epoch, durable before it is returned.

        A row that was registered or beat less than ``silent_ms`` ago is a living broker's, unless it
        has this very address. ``broker_id`` None takes the smallest number, from 1, that no living
        broker has. Raises ClientFault(DUPLICATE_BROKER_REGISTRATION) if a living one has ``broker_id``.
        """

    async def beat_broker(self, broker_id: int, epoch: int, now_ms: int) -> bool:
        """Say that the broker serves, as of ``now_ms``; False if that registration is gone: removed, or
        superseded by another."""

    async def remove_broker(self, broker_id: int, epoch: int | None = None) -> bool:
        """Forget a broker, if ``epoch`` is given only that registration; False if there is none."""

    async def brokers(self) -> list[BrokerRow]:
        """All that registered and did not leave, by number, whether they live or not."""

    async def acquire_lease(self, name: str, holder: str, ttl_ms: int, now_ms: int) -> bool:
        """Take or renew a lease; False while another holder's is unexpired."""

    async def release_lease(self, name: str, holder: str) -> None: ...

    # -- catalogue ---------------------------------------------------------------------------
    async def catalogue_version(self) -> int:
        """Grows whenever a topic, a config, a log start or a leader epoch changes."""

    async def topics(self) -> list[Topic]:
        """All live topics, by name."""

    async def some_topics(self, topic_nos: Sequence[int]) -> list[Topic]:
        """Those of them that live."""

    async def topic_by_no(self, topic_no: int) -> Topic | None:
        """Also a deleted topic's row while anything (history) still names it."""

    async def create_topic(
        self, name: str, topic_id: bytes, partitions: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        """Raises ClientFault(TOPIC_ALREADY_EXISTS)."""

    async def create_partitions(self, topic_no: int, total: int, now_ms: int) -> Topic:
        """Grow only. Raises ClientFault(INVALID_PARTITIONS | UNKNOWN_TOPIC_OR_PARTITION)."""

    async def set_topic_configs(
        self, topic_no: int, configs: Mapping[str, str], now_ms: int
    ) -> Topic:
        """Replace all that is set. Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""

    async def delete_topic(self, topic_no: int, now_ms: int, grace_ms: int = 0) -> bool:
        """Hide the topic: its records, producer states, gaps and committed offsets are out of sight and
        its name is free at once. Until ``now_ms + grace_ms`` it can be brought back by
        :meth:`undelete_topic`; then its rows go in the bounded passes of :meth:`purge_deleted` (each
        committed offset with a line of history), and only then are its objects free for collection.
        """

    async def undelete_topic(self, topic_no: int, name: str | None, now_ms: int) -> Topic:
        """Bring a deleted topic back as it was, under its own name or as ``name``.

        Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION) if it is not deleted or its removal has begun,
        ClientFault(TOPIC_ALREADY_EXISTS) if a topic of that name is there.
        """

    async def deleted_topics(self) -> list[DeletedTopic]:
        """The topics that can be brought back, the latest deleted first."""

    async def purge_deleted(self, limit: int, now_ms: int) -> int:
        """Remove up to ``limit`` rows of deleted topics whose grace is over; returns how many, and less
        than ``limit`` once none is left. For a background job, about every minute."""

    async def create_branch(
        self,
        source_no: int,
        name: str,
        topic_id: bytes,
        origin: BranchOrigin,
        replacements: Mapping[int, Sequence[tuple[int, NewExtent]]],
        now_ms: int,
    ) -> Topic:
        """Copy the source's partitions, configs, gaps and the extents that end below ``origin.ends[p]``
        into a new topic, in one transaction.

        ``replacements[p]`` are (object_no, extent) pairs that stand for the source's extents which
        straddle ``ends[p]``: the same object with a shorter length, and a small object that holds the
        trimmed batch. Producer states stay behind: a client numbers its batches anew for another topic.
        Raises ClientFault(TOPIC_ALREADY_EXISTS | UNKNOWN_TOPIC_OR_PARTITION); Conflict if an end is
        below the source's log start or above its next offset.
        """

    # -- partitions --------------------------------------------------------------------------
    async def partitions(self, topic_no: int) -> list[Partition]: ...

    async def partition(self, topic_no: int, partition: int) -> Partition | None: ...

    async def all_partitions(self) -> list[Partition]: ...

    async def some_partitions(self, keys: Sequence[tuple[int, int]]) -> list[Partition]:
        """Those of ``keys``, (topic_no, partition), that exist, in any order."""

    async def leader_epochs(self, topic_no: int, partition: int) -> list[LeaderEpoch]:
        """Ascending; the first starts at offset 0."""

    async def partition_sizes(self, topic_no: int) -> list[PartitionSize]:
        """Every partition, with look-ups by time for each: some 20 ms for 10,000 of them."""

    async def partition_bytes(self, topic_no: int) -> dict[int, int]:
        """Bytes retained by partition; one statement, for callers on a busy loop."""

    # -- appends -----------------------------------------------------------------------------
    async def commit_appends(
        self, object_key: str, commits: Sequence[AppendCommit], now_ms: int
    ) -> list[AppendOutcome]:
        """Commit one WAL flush: each partition by itself, by compare-and-set of ``next_offset``.
        At most one commit per partition; outcomes in the order of the commits.

        Registers the WAL object on its first use. I1: durable on return. I2: extents must tile
        ``expected_next .. next_offset - 1`` exactly. I3: StoreFault, not retryable, if the object was
        collected before: its bytes may vanish at any moment.
        """

    def commit_flush(self, flush: Handover, now_ms: int) -> Awaitable[list[AppendOutcome]]:
        """:meth:`commit_appends` of what ``flush`` will be given: the thread that gives it starts the
        commit, without a way over the event loop. Raises what the flush failed with, too."""

    async def producer_states(self, topic_no: int, partition: int) -> list[ProducerState]: ...

    async def append_state(
        self, topic_no: int, partition: int
    ) -> tuple[Partition, list[ProducerState]] | None:
        """What appends are judged by, of one instant: read one after the other, producer states could be
        older than the ``next_offset`` that vouches for them (I5)."""

    async def expire_producers(self, before_ms: int, limit: int) -> int:
        """Forget producers idle since ``before_ms`` (producer.id.expiration.ms); returns how many."""

    async def allocate_producer_ids(self, count: int) -> int:
        """The first of ``count`` consecutive ids that nobody else will ever be given."""

    # -- reads -------------------------------------------------------------------------------
    async def extents_from(
        self, topic_no: int, partition: int, offset: int, limit: int
    ) -> list[Extent]:
        """The extent that holds ``offset`` (or the next one above it) and those after it."""

    async def extent_by_timestamp(
        self, topic_no: int, partition: int, timestamp: int, from_offset: int
    ) -> Extent | None:
        """The first extent at or above ``from_offset`` with ``max_timestamp >= timestamp``."""

    async def extent_by_append_time(
        self, topic_no: int, partition: int, appended_ms: int
    ) -> Extent | None:
        """The first extent appended at or after ``appended_ms``."""

    async def extent_of_max_timestamp(
        self, topic_no: int, partition: int, from_offset: int
    ) -> Extent | None:
        """Of the extents with ``last_offset >= from_offset``, the first with the largest timestamp."""

    async def gaps(self, topic_no: int, partition: int | None = None) -> list[Gap]: ...

    # -- merge, retention, collection ----------------------------------------------------------
    # ``shards`` narrows a verb to partitions with ``(topic_no + partition) % SHARDS`` in it: a broker
    # looks after the shards whose leases it holds.
    async def backlogs(self, limit: int, shards: Sequence[int] = ALL_SHARDS) -> list[Backlog]:
        """Partitions with extents in the WAL, the oldest first; those of deleted topics as well, which
        must not keep WAL files from being recycled."""

    async def wal_extents(self, topic_no: int, partition: int, limit: int) -> list[Extent]:
        """The partition's extents that lie in the WAL, in offset order: what a merge takes up. Also of a
        deleted topic, as :meth:`replace_extents`."""

    async def wal_extents_of(self, partitions: Sequence[tuple[int, int]]) -> list[PlacedExtent]:
        """All that :meth:`wal_extents` would find of these (topic_no, partition); the caller chooses as
        many as it wants extents, by their :class:`Backlog`."""

    async def small_segments(
        self, topic_no: int, partition: int, below_bytes: int, limit: int
    ) -> list[Extent]:
        """Extents of segments and packs shorter than ``below_bytes``, in offset order."""

    async def small_segments_of(
        self, partitions: Sequence[tuple[int, int, int]]
    ) -> list[PlacedExtent]:
        """As :meth:`small_segments` for many (topic_no, partition, below_bytes), where there are two
        extents or more outside the WAL; a partition has some dozen small ones at most."""

    async def create_object(self, key: str, kind: ObjectKind, now_ms: int) -> int:
        """Name an object *before* its bytes are written, so that a crash leaves no orphan unknown.

        A key is used once and never again (I3): StoreFault, not retryable, if it is or was in use.
        """

    async def replace_extents(
        self,
        topic_no: int,
        partition: int,
        remove: Sequence[ExtentName],
        object_no: int,
        object_bytes: int,
        add: Sequence[NewExtent],
        now_ms: int,
    ) -> bool:
        """Swap extents wholly or not at all; False if any of ``remove`` is no longer there, or if the
        object was collected. ``remove`` must be neighbours, and ``add`` must cover offsets within what
        they cover; its append times are kept within theirs."""

    async def replace_many(
        self,
        object_no: int,
        object_bytes: int,
        replacements: Sequence[Replacement],
        now_ms: int,
    ) -> list[bool]:
        """As :meth:`replace_extents` for several partitions that one object holds, each by itself, in
        one transaction. At most one replacement per partition."""

    async def advance_log_start(
        self,
        topic_no: int,
        partition: int,
        log_start: int,
        cause: GapCause,
        detail: str,
        now_ms: int,
    ) -> Partition | None:
        """Never goes back, never past ``next_offset`` (clamped). Deletes the extents wholly below and
        records the gap. None if there is no such partition."""

    async def oldest_extents(
        self, after: tuple[int, int], limit: int, shards: Sequence[int] = ALL_SHARDS
    ) -> list[OldestExtent]:
        """The first extent of each partition that has one, in the order of (topic_no, partition) from
        behind ``after`` on: what retention looks at, a page at a time."""

    async def measure_packs(self, limit: int) -> int:
        """Count what extents name of up to ``limit`` packs that gained or lost extents; how many."""

    async def pack_usage(self, limit: int) -> list[PackUsage]:
        """The measured packs that extents name, those with the fewest live bytes first."""

    async def extents_of_object(self, object_no: int, limit: int) -> list[PlacedExtent]:
        """The extents that name the object, those of deleted topics in their grace too, in the order of
        their positions, the longest first."""

    async def object_counts(self) -> ObjectCounts: ...

    async def compaction(self, topic_no: int, partition: int) -> Compaction | None: ...

    async def compaction_candidates(
        self, topic_nos: Sequence[int], shards: Sequence[int] = ALL_SHARDS
    ) -> list[CompactionCandidate]: ...

    async def begin_compaction(
        self, topic_no: int, partition: int, gap_end: int, now_ms: int
    ) -> Compaction | None:
        """Record that offsets below ``gap_end`` may be removed, before any is (I2). None if there is no
        such partition."""

    async def finish_compaction(
        self,
        topic_no: int,
        partition: int,
        cleaned_end: int,
        clean_bytes: int,
        horizon_ms: int | None,
        now_ms: int,
    ) -> bool:
        """Record what a pass has reached; False if the partition is gone."""

    async def objects_without_extents(
        self, now_ms: int, created_before_ms: int, limit: int
    ) -> list[ObjectRow]:
        """Objects created before ``created_before_ms`` that no extent names, the longest unreferenced
        first; each is stamped ``unreferenced_ms = now_ms`` the first time it is seen."""

    async def wal_objects(self) -> list[ObjectRow]:
        """All WAL objects known, whether named by extents or not."""

    async def forget_object(self, object_no: int, reason: str, now_ms: int) -> bool:
        """Remove an object's row, with the reason kept in the deletion log; False if an extent names it
        again or it is gone. Called *before* its bytes are deleted (I3); until
        :meth:`confirm_deletions` the key is one of :meth:`pending_deletions`."""

    async def pending_deletions(self, limit: int) -> list[str]:
        """Keys of forgotten objects whose bytes may still be in the store, the oldest first."""

    async def confirm_deletions(self, keys: Sequence[str]) -> None:
        """The bytes of these objects are gone."""

    async def deletions(self, limit: int) -> list[tuple[str, str, int]]:
        """The newest lines of the deletion log: key, reason, time."""

    # -- groups ------------------------------------------------------------------------------
    async def groups(self) -> list[GroupRow]:
        """All groups, also those that have only committed offsets (state ``Empty``)."""

    async def group(self, group_id: str) -> GroupRow | None: ...

    async def save_group(self, row: GroupRow, *, expected: int | None = None) -> None:
        """Store a group under ``row.fence``. Conflict unless its present fence is ``expected`` (0: there
        is no such group, or no coordinator ever saved it; None: whatever it is)."""

    async def delete_group(
        self, group_id: str, actor: Actor, now_ms: int, *, expected: int | None = None
    ) -> bool:
        """With its committed offsets, each with a line of history. Conflict as in ``save_group``."""

    async def committed(self, group_id: str) -> list[Committed]: ...

    async def commit_offsets(
        self,
        group_id: str,
        offsets: Sequence[Committed],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        """Store the offsets, create the group's row if there is none, write the history; one transaction.

        An offset of a topic that was deleted meanwhile is left out: it would be gone with the topic.
        Conflict, with nothing stored, unless the group's fence is ``expected`` (see ``save_group``).
        """

    async def delete_offsets(
        self,
        group_id: str,
        partitions: Sequence[tuple[int, int]],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        """``partitions`` are (topic_no, partition). Conflict as in ``save_group``."""

    async def offset_history(
        self,
        group_id: str,
        *,
        topic_no: int | None = None,
        partition: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 1000,
        newest_first: bool = True,
    ) -> list[OffsetChange]: ...

    async def positions_at(self, group_id: str, at_ms: int) -> list[OffsetChange]:
        """The last change per partition at or before ``at_ms``; ``new`` is the position then."""

    async def prune_offset_history(self, before_ms: int, limit: int) -> int:
        """Drop lines older than ``before_ms``, except the line of an offset that is still committed;
        returns how many, and less than ``limit`` once none is left."""

    # -- documents ---------------------------------------------------------------------------
    async def put_document(
        self, kind: str, document_id: str, body: bytes, now_ms: int, *, create: bool = False
    ) -> None:
        """Raises ClientFault(DUPLICATE_RESOURCE) if ``create`` and it exists."""

    async def document(self, kind: str, document_id: str) -> Document | None: ...

    async def documents(self, kind: str) -> list[Document]:
        """Oldest first."""

    async def delete_document(self, kind: str, document_id: str) -> bool: ...

    # -- journal (see metastore/journal.py) ------------------------------------------------------
    async def journal_state(self) -> JournalState: ...

    async def journal_pending(self) -> tuple[int, int]:
        """How many notes and how many partitions wait to be shipped."""

    async def journal_take_over(self, incarnation: bytes) -> JournalState:
        """Begin to ship in a new, higher epoch; ``incarnation`` names a metastore that has no name."""

    async def journal_changes(
        self, rows_max: int, now_ms: int, wal_known: Mapping[int, int]
    ) -> Changes | None:
        """The present state of all that changed since the last entry; None if nothing did."""

    async def journal_shipped(
        self,
        epoch: int,
        before: int,
        number: int,
        marks: Sequence[Mark],
        notes: Sequence[int],
        now_ms: int,
    ) -> bool:
        """Account for entry ``number``; False if another process ships by now."""

    async def journal_reset(self, epoch: int, number: int) -> bool:
        """Forget what is to be shipped, because a snapshot that begins now tells all of it."""

    async def journal_trim(self) -> int:
        """Where nothing ships: drop the notes, and with them what was shipped is no longer sound."""

    async def journal_tables(self) -> tuple[int, list[str]]:
        """How many migrations the metastore has, and the tables of a snapshot."""

    async def journal_chunk(
        self, table: str, after: Sequence[int | str] | None, limit: int
    ) -> TableRows:
        """A snapshot's next rows of a table, those behind the key ``after``."""

    async def refuse_unless_empty(self) -> None:
        """Raises UserFault if there is anything that a rebuild would overwrite."""

    async def fill_from(self, source: Path) -> None:
        """Take over everything from the SQLite metastore in ``source``, wholly or not at all.

        Raises UserFault unless this one is empty."""

    async def journal_snapshot_done(self, epoch: int, number: int, now_ms: int) -> bool:
        """A whole snapshot that stands on entry ``number`` is durable; False if fenced."""

    # -- audit (see metastore/audit.py) -----------------------------------------------------------
    async def known_keys(self, keys: Sequence[str]) -> dict[str, int]:
        """Which of ``keys`` are objects of the metastore, with their numbers."""

    async def collected_keys(self, keys: Sequence[str]) -> dict[str, bool]:
        """Which of ``keys`` the deletion log has; True: their bytes are still to be deleted."""

    async def objects_after(self, no: int, limit: int) -> list[KnownObject]:
        """Objects with a number above ``no``, in order, with how far extents name them."""

    async def extents_in(self, object_no: int, limit: int) -> list[Naming]:
        """Extents that lie in an object, by where they lie."""

    # -- the engine itself ---------------------------------------------------------------------
    async def check(self) -> list[str]:
        """One sentence for every invariant that the tables violate. Reads everything: O(metastore)."""
