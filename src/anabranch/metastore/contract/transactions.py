"""Transactions: who may write in one, what it holds, how it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

from anabranch.metastore.handover import Handover
from anabranch.metastore.transaction_end import EndOutcome
from anabranch.metastore.transaction_rules import Identity
from anabranch.metastore.transaction_values import (
    Aborted,
    OpenTransaction,
    Transaction,
    TransactionalId,
    TransactionEnd,
)
from anabranch.metastore.values import Actor, AppendCommit, Committed


class TransactionVerbs(Protocol):
    """Verbs about transactions. ``now_ms`` is on the clock that all who share the metastore agree on.

    ClientFault says what Kafka's coordinator would answer: INVALID_PRODUCER_ID_MAPPING for an id that is
    unknown or another producer's, PRODUCER_FENCED for another epoch.
    """

    async def init_transactional_id(
        self, name: str, timeout_ms: int, expected: Identity | None, now_ms: int
    ) -> TransactionalId:
        """A producer for the id: made, or its epoch bumped. Unchanged if its transaction is ongoing: that
        must be ended first. Raises ClientFault(PRODUCER_FENCED) if ``expected`` is not what it was."""

    async def add_partitions_to_transaction(
        self, name: str, producer: Identity, partitions: Sequence[tuple[int, int]], now_ms: int
    ) -> None:
        """``partitions`` are (topic_no, partition). The transaction begins, if none is ongoing."""

    async def add_group_to_transaction(
        self, name: str, producer: Identity, group_id: str, now_ms: int
    ) -> None: ...

    async def commit_in_transaction(
        self,
        name: str,
        producer: Identity,
        group_id: str,
        offsets: Sequence[Committed],
        actor: Actor,
        now_ms: int,
        *,
        implicit: bool,
        expected: int | None = None,
    ) -> None:
        """Offsets that are committed when the transaction is. ``implicit``: the group is added by this.

        Raises ClientFault(INVALID_TXN_STATE) if it was not added; Conflict unless the group is under the
        fence ``expected``.
        """

    async def end_transactions(
        self,
        object_key: str,
        commits: Sequence[AppendCommit],
        ends: Sequence[TransactionEnd],
        now_ms: int,
    ) -> EndOutcome:
        """End transactions, all of them or none (I6): ``commits`` append their markers."""

    def commit_ends(self, flush: Handover, now_ms: int) -> Awaitable[EndOutcome]:
        """:meth:`end_transactions` of what ``flush`` will be given, as ``commit_flush`` of appends: the thread
        that gives it starts the commit. Raises what the flush failed with, too."""

    async def transaction(self, name: str) -> Transaction | None: ...

    async def transactional_ids(self, after: str, limit: int) -> list[TransactionalId]:
        """In the order of their names, from behind ``after`` on."""

    async def overdue_transactions(self, now_ms: int, limit: int) -> list[TransactionalId]:
        """Those that are ongoing for longer than their timeout, the longest first."""

    async def expire_transaction(self, name: str) -> bool:
        """Make the id's ongoing transaction overdue now; False if there is none."""

    async def ongoing_transactions(self) -> tuple[int, int | None]:
        """How many there are, and when the oldest began."""

    async def expire_transactional_ids(self, before_ms: int, limit: int) -> int:
        """Forget ids without a transaction that nobody used since ``before_ms``; returns how many."""

    async def open_transactions(self, topic_no: int, partition: int) -> list[OpenTransaction]: ...

    async def pending_offsets(self, group_id: str) -> list[tuple[int, int]]:
        """(topic_no, partition) of the offsets of the group that ongoing transactions carry."""

    async def aborted_transactions(
        self, topic_no: int, partition: int, first: int, end: int, limit: int
    ) -> list[Aborted]:
        """Those with records in ``first .. end - 1``, by their first offsets; O(result)."""

    async def aborted_within(
        self, ranges: Sequence[tuple[int, int, int, int]]
    ) -> list[tuple[int, int, Aborted]]:
        """(topic_no, partition, …) of those that end within (topic_no, partition, first, last); in the
        order of their ends."""

    async def stable_before(self, topic_no: int, partition: int, end: int) -> int | None:
        """An offset from which on every transaction begins that is open at the offset ``end``, not far
        below it. None: none ever began at or below it, but for such as a branch cut off, which
        :meth:`aborted_transactions` has."""
