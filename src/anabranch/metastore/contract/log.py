"""What a partition holds: appends, reads, and all that moves or removes what was appended."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from anabranch.metastore.handover import Handover
from anabranch.metastore.values import (
    ALL_SHARDS,
    AppendCommit,
    AppendOutcome,
    Backlog,
    Compaction,
    CompactionCandidate,
    Extent,
    ExtentName,
    Gap,
    GapCause,
    Guard,
    NewExtent,
    ObjectCounts,
    ObjectKind,
    ObjectRow,
    OldestExtent,
    PackUsage,
    Partition,
    PlacedExtent,
    ProducerState,
    Replacement,
)


class LogVerbs(Protocol):
    """Verbs about extents, objects and producers."""

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
        guard: Guard | None = None,
    ) -> list[bool]:
        """As :meth:`replace_extents` for several partitions that one object holds, each by itself, in
        one transaction. At most one replacement per partition. Raises Outdated (``guard``)."""

    async def advance_log_start(
        self,
        topic_no: int,
        partition: int,
        log_start: int,
        cause: GapCause,
        detail: str,
        now_ms: int,
        epoch: int | None = None,
        guard: Guard | None = None,
    ) -> Partition | None:
        """Never goes back, never past ``next_offset`` (clamped). Deletes the extents wholly below and
        records the gap. None if there is no such partition; nothing happens to one that is not under the
        leader epoch ``epoch`` (None: whichever). Raises Outdated: then it may have gone a part of the
        way before ``guard`` failed."""

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
        self, topic_no: int, partition: int, gap_end: int, now_ms: int, epoch: int | None = None
    ) -> Compaction | None:
        """Record that offsets below ``gap_end`` may be removed, before any is (I2). None if there is no
        such partition, or none under the leader epoch ``epoch`` (None: whichever)."""

    async def finish_compaction(
        self,
        topic_no: int,
        partition: int,
        cleaned_end: int,
        clean_bytes: int,
        horizon_ms: int | None,
        now_ms: int,
        epoch: int | None = None,
    ) -> bool:
        """Record what a pass has reached; False if the partition is gone, or under another leader epoch than
        ``epoch`` (None: whichever)."""

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
