"""Transactions: what a coordinator does for their producers, on any broker.

The metastore is the judge: everything here is a request to it, and where two brokers act for one
transactional id, one of them finds it changed and looks again. So that a producer's caches of who
coordinates are right, one broker is named as the coordinator of an id, but all serve it.

An end writes the markers of all partitions in one flush and commits them, the offsets that the
transaction carries and its state together (I6).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.log.catalogue import Catalogue
from anabranch.log.ending import Ending
from anabranch.log.pipeline import AppendPipeline
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Actor,
    Committed,
    Identity,
    Metastore,
    Transaction,
    TransactionalId,
    TransactionEnd,
    TransactionState,
)
from anabranch.metastore.transaction_rules import check_expected, fence_of, judge_end

logger = logging.getLogger(__name__)

ATTEMPTS_MAX = 8  # each means that the transaction changed between the look and the end
OVERDUE_AT_ONCE = 256  # transactions that one pass aborts; the next follows at once
EXPIRED_AT_ONCE = 1_000  # ids that one SQL transaction forgets
LEASE = "transactions"


class _Turn:
    """Who acts for one transactional id here."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.users = 0


class Transactions:
    """Serves the transactional ids of all brokers' clients that ask here."""

    def __init__(
        self,
        metastore: Metastore,
        catalogue: Catalogue,
        pipeline: AppendPipeline,
        settings: LogSettings,
        now_ms: Callable[[], int],
        store_now_ms: Callable[[], Awaitable[int]],
        holder: str,
    ) -> None:
        """``store_now_ms`` is the clock that all who share the metastore agree on; ``holder`` names this
        process among them."""
        self._metastore = metastore
        self._catalogue = catalogue
        self._pipeline = pipeline
        self._settings = settings
        self._now_ms = now_ms
        self._store_now_ms = store_now_ms
        self._holder = holder
        self._skew_ms = 0  # what the shared clock is ahead of ours
        self._turns: dict[str, _Turn] = {}
        self._sweeper: asyncio.Task[None] | None = None
        self.committed = 0
        self.aborted = 0
        self.timed_out = 0
        self.ongoing = 0  # of the whole cluster, as of the last look
        self.oldest_ms: int | None = None  # when the oldest of them began
        pipeline.shared_now_ms = self.now_ms

    def now_ms(self) -> int:
        """About the time of the shared clock."""
        return self._now_ms() + self._skew_ms

    async def start(self, *, sweep: bool) -> None:
        """Learn what time it is, and begin to look for transactions that are overdue."""
        await self._set_clock()
        if sweep:
            self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="overdue transactions")

    async def close(self) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)

    # -- a producer's requests ---------------------------------------------------------------------
    async def init(
        self, name: str, timeout_ms: int, expected: Identity | None = None
    ) -> TransactionalId:
        """A producer for the id. Its ongoing transaction, if there is one, is aborted first.

        Raises ClientFault: PRODUCER_FENCED, INVALID_TRANSACTION_TIMEOUT, CONCURRENT_TRANSACTIONS.
        """
        if not 0 < timeout_ms <= self._settings.transaction_timeout_ms_max:
            raise ClientFault(
                ErrorCode.INVALID_TRANSACTION_TIMEOUT,
                f"a transaction times out after 1 to {self._settings.transaction_timeout_ms_max} ms "
                f"(transaction.max.timeout.ms), not {timeout_ms}",
            )
        async with self._turn(name):
            for _ in range(ATTEMPTS_MAX):
                row = await self._metastore.init_transactional_id(
                    name, timeout_ms, expected, self.now_ms()
                )
                if row.state is not TransactionState.ONGOING:
                    return row
                check_expected(row, expected)
                await self._fence(name, row)
        raise _busy(name)

    async def add_partitions(
        self, name: str, producer: Identity, partitions: Sequence[tuple[int, int]]
    ) -> None:
        """``partitions`` are (topic_no, partition). Raises ClientFault."""
        await self._metastore.add_partitions_to_transaction(
            name, producer, partitions, self.now_ms()
        )

    async def add_group(self, name: str, producer: Identity, group_id: str) -> None:
        """Raises ClientFault."""
        await self._metastore.add_group_to_transaction(name, producer, group_id, self.now_ms())

    async def commit_offsets(
        self,
        name: str,
        producer: Identity,
        group_id: str,
        offsets: Sequence[Committed],
        actor: Actor,
        *,
        implicit: bool,
        expected: int | None,
    ) -> None:
        """Offsets that count once the transaction is committed. Raises ClientFault, StoreFault; Conflict
        unless the group's fence is ``expected``."""
        await self._metastore.commit_in_transaction(
            name,
            producer,
            group_id,
            offsets,
            actor,
            self.now_ms(),
            implicit=implicit,
            expected=expected,
        )

    async def end(self, name: str, producer: Identity, *, commit: bool, bumps: bool) -> Identity:
        """Commit or abort; returns who the producer is from then on (another epoch, if it ``bumps``).

        Raises ClientFault: INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE,
        CONCURRENT_TRANSACTIONS. Asking again after an answer was lost changes nothing.
        """
        async with self._turn(name):
            for _ in range(ATTEMPTS_MAX):
                found = await self._metastore.transaction(name)
                row = None if found is None else found.id
                end = judge_end(row, producer, commit=commit, bumps=bumps)
                assert found is not None
                after = found.id if end is None else await self._carry_out(found, end)
                if after is not None:
                    return Identity(after.producer_id, after.epoch)
        raise _busy(name)

    async def abort(self, name: str) -> bool:
        """Abort the id's ongoing transaction and fence its producer; False if there is none."""
        async with self._turn(name):
            for _ in range(ATTEMPTS_MAX):
                found = await self._metastore.transaction(name)
                if found is None or found.id.state is not TransactionState.ONGOING:
                    return False
                if await self._carry_out(found, fence_of(found.id)) is not None:
                    return True
        raise _busy(name)

    # -- ending --------------------------------------------------------------------------------------
    async def _fence(self, name: str, row: TransactionalId) -> None:
        """Abort what is ongoing under ``row``, unless it changes meanwhile."""
        found = await self._metastore.transaction(name)
        if found is not None and found.id == row:
            await self._carry_out(found, fence_of(row))

    async def _carry_out(self, found: Transaction, end: TransactionEnd) -> TransactionalId | None:
        """The id after the end; None if it changed meanwhile and nothing happened."""
        logs, behind = [], []
        for touched in found.partitions:
            if touched.first_offset is None or touched.next_offset is None:
                continue
            log = self._catalogue.find(touched.topic_no, touched.partition)
            if log is None or log.broken:
                await self._catalogue.reload()  # made a moment ago, by another broker
                log = self._catalogue.find(touched.topic_no, touched.partition)
            if log is None:
                return None
            logs.append(log)
            if log.next_offset < touched.next_offset:
                behind.append(log)
        if behind:
            # Its flush tells how far it saw each partition go: behind all that the transaction wrote, by whichever
            # broker, so that a rebuild puts the markers there, too.
            await self._catalogue.refresh_some(behind)
        if logs:
            ending = Ending.of(end, logs, self._now_ms())
            self._pipeline.submit_ending(ending)
            after = await asyncio.shield(ending.future)
        else:
            outcome = await self._metastore.end_transactions("", (), [end], self.now_ms())
            after = outcome.ids[0] if outcome.ids else None
        if after is not None and end.ongoing:
            if end.commit:
                self.committed += 1
            else:
                self.aborted += 1
        return after

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """One after the other, of those that end or begin something for one id here."""
        turn = self._turns.setdefault(name, _Turn())
        turn.users += 1
        try:
            async with turn.lock:
                yield
        finally:
            turn.users -= 1
            if not turn.users:
                del self._turns[name]

    # -- those that nobody ends ----------------------------------------------------------------------
    async def _sweep_for_ever(self) -> None:
        interval_s = self._settings.transaction_abort_interval_ms / 1000
        while True:
            await asyncio.sleep(interval_s)
            try:
                await self._set_clock()
                self.ongoing, self.oldest_ms = await self._metastore.ongoing_transactions()
                ttl_ms = 2 * self._settings.transaction_abort_interval_ms
                if await self._metastore.acquire_lease(LEASE, self._holder, ttl_ms, self.now_ms()):
                    await self.sweep()
            except AnabranchError as fault:
                logger.warning("overdue transactions are not aborted: %s; trying again", fault)
            except Exception:
                logger.exception("looking for overdue transactions broke")

    async def sweep(self) -> None:
        """Abort the transactions that are overdue, and forget the ids that nobody uses. Raises StoreFault."""
        while overdue := await self._metastore.overdue_transactions(self.now_ms(), OVERDUE_AT_ONCE):
            for row in overdue:
                async with self._turn(row.name):
                    await self._fence(row.name, row)
                self.timed_out += 1
                logger.info(
                    "transaction of '%s' (producer %d epoch %d) was open for more than %d ms: aborted",
                    row.name,
                    row.producer_id,
                    row.epoch,
                    row.timeout_ms,
                )
            if len(overdue) < OVERDUE_AT_ONCE:
                break
        before_ms = self.now_ms() - self._settings.transactional_id_expiration_ms
        while (
            await self._metastore.expire_transactional_ids(before_ms, EXPIRED_AT_ONCE)
            == EXPIRED_AT_ONCE
        ):
            pass

    async def _set_clock(self) -> None:
        self._skew_ms = await self._store_now_ms() - self._now_ms()


def _busy(name: str) -> ClientFault:
    return ClientFault(
        ErrorCode.CONCURRENT_TRANSACTIONS,
        f"the transaction of '{name}' is being changed by others",
    )
