"""What exists: brokers, leases, topics and their branches, partitions."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from anabranch.metastore.credential_values import Endpoint
from anabranch.metastore.values import (
    Actor,
    BranchOrigin,
    BrokerRow,
    DeletedTopic,
    Guard,
    LeaderEpoch,
    LineSwap,
    NewExtent,
    Partition,
    PartitionSize,
    StandingBeyond,
    Topic,
)


class CatalogueVerbs(Protocol):
    """Verbs about what there is, whatever it holds."""

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
        wal_epoch: int | None = None,
        endpoints: Sequence[Endpoint] = (),
    ) -> BrokerRow:
        """Announce a start: a new, higher broker epoch, durable before it is returned. ``wal_epoch`` is
        that of its start, for a broker that runs on and announces itself once more. ``endpoints`` are
        where clients reach it, by listener.

        A row that was registered or beat less than ``silent_ms`` ago is a living broker's, unless it
        has this very address. ``broker_id`` None takes the smallest number, from 1, that no living
        broker has. Raises ClientFault(DUPLICATE_BROKER_REGISTRATION) if a living one has ``broker_id``, and
        ClientFault(STALE_BROKER_EPOCH) if the cluster moved to another WAL since ``wal_epoch``.
        """

    async def beat_broker(
        self,
        broker_id: int,
        epoch: int,
        now_ms: int,
        *,
        late_percent: int = 0,
        cold_bytes_per_second: int = 0,
    ) -> bool:
        """Say that the broker serves, as of ``now_ms``, and how it does (:class:`BrokerRow`); False if that
        registration is gone: removed, or superseded by another."""

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

    async def find_topics(self, names: Collection[str], ids: Collection[bytes]) -> list[int]:
        """The numbers of the live topics that have one of the names or ids."""

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

    async def delete_topic(
        self, topic_no: int, now_ms: int, grace_ms: int = 0, guard: Guard | None = None
    ) -> bool:
        """Hide the topic: its records, producer states, gaps and committed offsets are out of sight and
        its name is free at once. Until ``now_ms + grace_ms`` it can be brought back by
        :meth:`undelete_topic`; then its rows go in the bounded passes of :meth:`purge_deleted` (each
        committed offset with a line of history), and only then are its objects free for collection.
        Raises Outdated (``guard``).
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
        open_at: Mapping[int, Sequence[tuple[int, int]]] | None = None,
    ) -> Topic:
        """Copy the source's partitions, configs, gaps and the extents that end below ``origin.ends[p]``
        into a new topic, in one transaction.

        ``replacements[p]`` are (object_no, extent) pairs that stand for the source's extents which
        straddle ``ends[p]``: the same object with a shorter length, and a small object that holds the
        trimmed batch. ``open_at[p]`` are the (producer id, first offset) of transactions that are open at
        ``ends[p]``: aborted ones in the branch. Producer states stay behind: a client numbers its batches anew for another topic.
        Raises ClientFault(TOPIC_ALREADY_EXISTS | UNKNOWN_TOPIC_OR_PARTITION); Conflict if an end is
        below the source's log start or above its next offset.
        """

    async def standing_beyond(
        self, topic_no: int, ends: Sequence[int]
    ) -> tuple[list[StandingBeyond], list[tuple[str, int, int]]]:
        """Committed offsets of the topic behind ``ends[p]``, and share groups that stand there, as
        (group, partition, offset)."""

    async def swap_lines(self, swap: LineSwap, actor: Actor, now_ms: int) -> tuple[Topic, Topic]:
        """Put a branch in its topic's place, all or nothing: the topic keeps its number, id, name, configs and
        committed offsets; its line stays under the branch's number and id as ``swap.displaced``, with nothing
        of it expiring. From ``swap.ends[p]`` on both lines go under one leader epoch above any that
        either ever had; who comes with an older one (appends, merges, compaction, retention) loses.
        Returns the topic and the displaced line.

        Raises ClientFault: CONCURRENT_TRANSACTIONS, NON_EMPTY_GROUP (a share group beyond), TOPIC_ALREADY_EXISTS,
        UNKNOWN_TOPIC_OR_PARTITION; Conflict if branch, partitions, groups beyond the ends or a moved group's
        fence are not what the caller saw.
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

    async def is_plain(self, topic_no: int, partition: int) -> bool:
        """Whether every retained offset is a record's that every reader gets: no transaction ever wrote
        there, and nothing of it was compacted away or skipped. By sums, O(1)."""

    async def partition_bytes(self, topic_no: int) -> dict[int, int]:
        """Bytes retained by partition; one statement, for callers on a busy loop."""
