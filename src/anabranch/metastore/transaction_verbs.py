"""The verbs about transactions, for every engine."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from typing import Concatenate, ParamSpec, TypeVar

from anabranch.metastore import transaction_end, transactions
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
from anabranch.metastore.tx import Tx
from anabranch.metastore.values import Actor, AppendCommit, Committed

P = ParamSpec("P")
T = TypeVar("T")


class SqlTransactionVerbs(ABC):
    """See :class:`anabranch.metastore.contract.transactions.TransactionVerbs`."""

    @abstractmethod
    async def _read(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T: ...

    @abstractmethod
    def _write(
        self, verb: Callable[Concatenate[Tx, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Awaitable[T]: ...

    async def init_transactional_id(
        self, name: str, timeout_ms: int, expected: Identity | None, now_ms: int
    ) -> TransactionalId:
        return await self._write(
            transactions.init_transactional_id, name, timeout_ms, expected, now_ms
        )

    async def add_partitions_to_transaction(
        self, name: str, producer: Identity, partitions: Sequence[tuple[int, int]], now_ms: int
    ) -> None:
        await self._write(transactions.add_partitions, name, producer, partitions, now_ms)

    async def add_group_to_transaction(
        self, name: str, producer: Identity, group_id: str, now_ms: int
    ) -> None:
        await self._write(transactions.add_group, name, producer, group_id, now_ms)

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
        await self._write(
            transactions.commit_in_transaction,
            name,
            producer,
            group_id,
            offsets,
            actor,
            now_ms,
            implicit=implicit,
            expected=expected,
        )

    async def end_transactions(
        self,
        object_key: str,
        commits: Sequence[AppendCommit],
        ends: Sequence[TransactionEnd],
        now_ms: int,
    ) -> EndOutcome:
        return await self._write(
            transaction_end.end_transactions, object_key, commits, ends, now_ms
        )

    def commit_ends(self, flush: Handover, now_ms: int) -> Awaitable[EndOutcome]:
        async def when_given() -> EndOutcome:
            given = await flush.given()
            return await self.end_transactions(given.object_key, given.commits, given.ends, now_ms)

        return when_given()

    async def transaction(self, name: str) -> Transaction | None:
        return await self._read(transactions.transaction, name)

    async def transactional_ids(self, after: str, limit: int) -> list[TransactionalId]:
        return await self._read(transactions.transactional_ids, after, limit)

    async def overdue_transactions(self, now_ms: int, limit: int) -> list[TransactionalId]:
        return await self._read(transactions.overdue_transactions, now_ms, limit)

    async def expire_transaction(self, name: str) -> bool:
        return await self._write(transactions.expire_transaction, name)

    async def ongoing_transactions(self) -> tuple[int, int | None]:
        return await self._read(transactions.ongoing_transactions)

    async def expire_transactional_ids(self, before_ms: int, limit: int) -> int:
        return await self._write(transactions.expire_transactional_ids, before_ms, limit)

    async def open_transactions(self, topic_no: int, partition: int) -> list[OpenTransaction]:
        return await self._read(transactions.open_transactions, topic_no, partition)

    async def pending_offsets(self, group_id: str) -> list[tuple[int, int]]:
        return await self._read(transactions.pending_offsets, group_id)

    async def aborted_transactions(
        self, topic_no: int, partition: int, first: int, end: int, limit: int
    ) -> list[Aborted]:
        return await self._read(
            transactions.aborted_transactions, topic_no, partition, first, end, limit
        )

    async def aborted_within(
        self, ranges: Sequence[tuple[int, int, int, int]]
    ) -> list[tuple[int, int, Aborted]]:
        return await self._read(transactions.aborted_within, ranges)

    async def stable_before(self, topic_no: int, partition: int, end: int) -> int | None:
        return await self._read(transactions.stable_before, topic_no, partition, end)
