"""The append path: queue → flush → WAL write → commit → tail → answer.

Two stages overlap: while flush n commits in the metastore, flush n+1 is written to the WAL. Each stage
handles one flush at a time and in order, so offsets are given in the order in which appends were queued.

Bytes are durable before the metastore names them, so a crash between the stages leaves garbage in the
WAL and never a hole. Judgement happens at the commit: what an idempotent producer sent twice is
recognised there, answered with its first offset, and its second copy stays unnamed.

A flush that finds nobody before it is judged before it is written: no other flush of this process can
change the picture in between, and another process's append loses it the compare-and-set as ever. The
thread that writes it hands the commit straight to the metastore, which may prepare its transaction
meanwhile and commits once the bytes are durable: a synchronous producer waits for two syncs, and for
little else.

Where a flush is an object in a bucket, a write takes long and costs money, but any number go on at a
time: flushes then collect appends for a while (``wal_linger_ms``, ``wal_flush_bytes``), several are
written at once, and they still commit in the order in which they were begun.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault, UnknownOutcome
from anabranch.log.end_commits import EndCommits
from anabranch.log.ending import Ending
from anabranch.log.flush import Ahead, Flush, Pace, Share, conclude_share
from anabranch.log.outcomes import PastFlushes
from anabranch.log.partition import PartitionLog
from anabranch.log.planning import Pending, Planned, moved, plan_partition
from anabranch.log.settings import LogSettings
from anabranch.log.tail import Run, TailBudget
from anabranch.log.threads import Worker
from anabranch.metastore.api import AppendOutcome, Handover, Metastore
from anabranch.records.batch import place
from anabranch.storage.wal import Wal

logger = logging.getLogger(__name__)

COMMIT_ATTEMPTS_MAX = 8  # each lost compare-and-set means that another broker's append went through


class AppendPipeline:
    """Owns the queue of appends and the two stages behind it."""

    def __init__(
        self,
        metastore: Metastore,
        wal: Wal,
        wal_thread: Worker,
        budget: TailBudget,
        settings: LogSettings,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._wal = wal
        self._wal_thread = wal_thread
        self._budget = budget
        self._settings = settings
        self._now_ms = now_ms
        self._pace = Pace.of(wal, settings)
        # The time that all who share the metastore agree on: transactions time out by it.
        self.shared_now_ms = now_ms
        self._ends = EndCommits(
            metastore,
            budget,
            now_ms,
            lambda: self.shared_now_ms(),
            self._reload,
            self._count_appended,
        )
        self._queue: deque[Pending] = deque()
        self._endings: deque[Ending] = deque()  # a queue beside it: they are flushed in turns
        self._endings_next = False
        self._waiting_bytes = 0  # in the queue
        self._waiting_since = 0.0  # on the loop's clock: when the queue was last empty
        self._enough = asyncio.Event()  # no further append is waited for
        self._in_flight: deque[Flush] = deque()  # between the queue and their answers, in order
        self._past = PastFlushes()
        self._due = asyncio.Event()  # there is something to do for the commit stage
        self._all_begun = False
        self._concluded = asyncio.Event()
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._refused: str | None = None  # why nothing is appended any more
        self._stages: list[asyncio.Task[None]] = []
        # Told of every flush when it is answered: the loop's time, and what its oldest append waited.
        self.on_appended: Callable[[float, float], None] = lambda now_s, seconds: None
        self.queued_bytes = 0
        self.flushes = 0
        self.appended_bytes = 0
        self.appended_records = 0

    def start(self) -> None:
        self._stages = [
            asyncio.create_task(self._write_stage(), name="wal writer"),
            asyncio.create_task(self._commit_stage(), name="committer"),
        ]

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        self._wanted.set()
        self._enough.set()
        if self._stages:
            await asyncio.gather(*self._stages)

    # -- the queue -----------------------------------------------------------------------------
    def submit(self, pending: Pending) -> None:
        self._admit()
        self._queue.append(pending)
        self._count_queued(len(pending.data))

    def submit_ending(self, ending: Ending) -> None:
        """Have a transaction end. Raises ClientFault as :meth:`submit`."""
        self._admit()
        self._endings.append(ending)
        self._count_queued(ending.size)

    def _admit(self) -> None:
        if self._refused is not None:
            raise ClientFault(ErrorCode.KAFKA_STORAGE_ERROR, self._refused)
        if self._closing:
            raise ClientFault(ErrorCode.NOT_LEADER_OR_FOLLOWER, "this broker is shutting down")
        if not self._queue and not self._endings:
            self._waiting_since = asyncio.get_running_loop().time()

    def _count_queued(self, size: int) -> None:
        self._waiting_bytes += size
        if self._waiting_bytes >= self._pace.enough_bytes:
            self._enough.set()
        self.queued_bytes += size
        if self.queued_bytes >= self._settings.queued_bytes_max:
            self._room.clear()
        self._wanted.set()

    def refuse(self, why: str) -> None:
        """From now on nothing is appended: it would be acknowledged and then lost."""
        self._refused = why

    def has_room(self) -> bool:
        return self._room.is_set()

    async def wait_for_room(self) -> None:
        await self._room.wait()

    def _release(self, shares: Sequence[Share]) -> None:
        """The flush is over, well or badly: its bytes count no longer against the queue."""
        self._release_bytes(sum([len(data) for share in shares for data in share.bytes]))

    def _release_bytes(self, count: int) -> None:
        self.queued_bytes -= count
        assert self.queued_bytes >= 0
        if self.queued_bytes < self._settings.queued_bytes_max:
            self._room.set()

    def uses(self, object_key: str) -> bool:
        """Whether a commit that names this WAL object may still come."""
        return self._wal.is_active(object_key) or any(
            flush.object_key == object_key for flush in self._in_flight
        )

    def _take_flush(self) -> Flush:
        """What waits, up to the flush limits: appends, or ends of transactions, in turns."""
        if self._endings and (self._endings_next or not self._queue):
            flush = self._take_endings()
        else:
            flush = Flush(self._take_appends())
        self._endings_next = not flush.endings
        self._waiting_since = asyncio.get_running_loop().time()
        if self._waiting_bytes < self._pace.enough_bytes and not self._closing:
            self._enough.clear()
        return flush

    def _take_endings(self) -> Flush:
        """The oldest ends, with the markers of one partition next to each other."""
        shares: dict[PartitionLog, Share] = {}
        endings: list[Ending] = []
        room = self._settings.flush_partitions_max
        while self._endings and (not endings or len(self._endings[0].logs) <= room):
            ending = self._endings.popleft()
            endings.append(ending)
            room -= len(ending.logs)
            self._waiting_bytes -= ending.size
            for log in ending.logs:
                shares.setdefault(log, Share(log, [])).endings.append(ending)
        return Flush(list(shares.values()), endings)

    def _take_appends(self) -> list[Share]:
        """The oldest appends, those of one partition next to each other.

        What was withdrawn is left out: a client that gives up sends the same again, and a queue full of
        what nobody waits for would make the next answer as late (a metastable failure).
        """
        shares: dict[PartitionLog, Share] = {}
        room = self._settings.flush_bytes_max
        while self._queue:
            pending = self._queue[0]
            size = len(pending.data)
            if pending.withdrawn:
                self._queue.popleft()
                self._waiting_bytes -= size
                self._release_bytes(size)
                _await_again(pending)
                continue
            share = shares.get(pending.log)
            if share is None:
                if len(shares) == self._settings.flush_partitions_max:
                    break
                share = Share(pending.log, [])
            if shares and size > room:
                break
            room -= size
            self._waiting_bytes -= size
            shares[pending.log] = share
            share.pendings.append(self._queue.popleft())
        return list(shares.values())

    # -- stage one: bytes become durable ---------------------------------------------------------
    async def _write_stage(self) -> None:
        while True:
            if not self._queue and not self._endings:
                if self._closing:
                    break
                self._wanted.clear()
                await self._wanted.wait()
                continue
            if self._in_flight:
                await self._turn()
            if self._pace.linger_s:
                await self._linger()
            since_s = self._waiting_since
            flush = self._take_flush()
            if not flush.shares:
                continue
            flush.since_s = since_s
            try:
                self._begin(flush)
            except StoreFault as fault:
                self._refuse(flush, fault)
                continue
            self._in_flight.append(flush)
            if flush.ahead is None:
                self._due.set()
        self._all_begun = True
        self._due.set()

    async def _turn(self) -> None:
        """Wait until a flush may be taken: while another is written, what comes shares the next one."""
        while len(self._in_flight) == self._pace.in_flight_max:
            self._concluded.clear()
            await self._concluded.wait()
        if self._in_flight and not self._pace.overlaps:
            await asyncio.gather(self._in_flight[-1].written, return_exceptions=True)

    async def _linger(self) -> None:
        """Wait for company, where a write costs more than a moment."""
        elapsed = asyncio.get_running_loop().time() - self._waiting_since
        try:
            await asyncio.wait_for(self._enough.wait(), max(0.0, self._pace.linger_s - elapsed))
        except TimeoutError:
            pass

    def _begin(self, flush: Flush) -> None:
        """Start the write, and if nobody is before this flush, have its writer start the commit too."""
        flush.sequence = self._wal.reserve()
        oldest = self._in_flight[0] if self._in_flight else flush
        flush.past = self._past.told(settled=oldest.sequence)
        for share in flush.shares:
            share.seen = share.log.seen
        alone = not self._in_flight
        if flush.endings:
            ends = self._ends.begin_ahead(flush) if alone else None
            flush.ends_ahead = ends
            if ends is not None:
                self._write_ahead(flush, ends.handover, lambda: ends.hand_over(flush))
                return
        plans = self._plan_ahead(flush.shares) if alone and not flush.endings else None
        if plans is None:
            flush.written = self._wal_thread.run(lambda: flush.write(self._wal))
            return
        handover = Handover()
        outcomes = asyncio.ensure_future(self._metastore.commit_flush(handover, self._now_ms()))
        flush.ahead = Ahead(
            outcomes,
            conclude=lambda outcomes: self._conclude(flush, plans, outcomes),
            concluded=lambda: self._concluded_ahead(flush),
        )

        def hand_over() -> None:
            commits = [moved(plan.commit, share.position) for share, plan in plans if plan.commit]
            handover.place(flush.object_key, commits)

        self._write_ahead(flush, handover, hand_over)

    def _write_ahead(self, flush: Flush, handover: Handover, hand_over: Callable[[], None]) -> None:
        """Start the write of a flush whose commit waits for ``handover``."""

        def write_and_hand_over() -> None:
            try:
                flush.write(self._wal, hand_over)
                handover.durable()
            except BaseException as error:
                handover.fail(error)
                raise

        flush.written = self._wal_thread.run(write_and_hand_over)

    def _plan_ahead(self, shares: list[Share]) -> list[tuple[Share, Planned]] | None:
        """Judge a flush that nobody is before, as if its parts lay at byte 0; None if that takes a look
        at the metastore, or if there is nothing to commit."""
        plans: list[tuple[Share, Planned]] = []
        for share in shares:
            log = share.log
            if log.stale or log.broken or log.producers is None:
                return None
            plan = self._judge(share)
            if plan.refuses:
                return None
            plans.append((share, plan))
        return plans if any(plan.commit is not None for _, plan in plans) else None

    # -- stage two: offsets are given --------------------------------------------------------------
    async def _commit_stage(self) -> None:
        while not (self._all_begun and not self._in_flight):
            await self._due.wait()
            self._due.clear()
            while self._in_flight:
                await self._see_through(self._in_flight[0])

    async def _see_through(self, flush: Flush) -> None:
        flush.taken = True
        try:
            await self._commit(flush)
        except (StoreFault, Corrupt) as fault:
            self._refuse(flush, fault)
            self._leave(flush)
        except Exception as bug:
            logger.exception("a flush broke")
            self._drop(flush, ErrorCode.UNKNOWN_SERVER_ERROR, repr(bug), certain=False)
            self._leave(flush)
        else:
            self._is_committed(flush)

    def _concluded_ahead(self, flush: Flush) -> None:
        """The commit of a flush that nobody was before was heard of. Mostly that is all there is to it,
        and the commit stage need not wake up."""
        if flush.taken:
            return
        assert flush.ahead is not None and flush is self._in_flight[0]
        if flush.ahead.over:
            self._is_committed(flush)
        else:
            self._due.set()

    def _is_committed(self, flush: Flush) -> None:
        self.flushes += 1
        self._release(flush.shares)
        if not all(share.done for share in flush.shares):
            self._past.fail(flush.sequence, [share.done for share in flush.shares], certain=True)
        now_s = asyncio.get_running_loop().time()
        self.on_appended(now_s, now_s - flush.since_s)
        self._leave(flush)

    def _leave(self, flush: Flush) -> None:
        left = self._in_flight.popleft()
        assert left is flush
        flush.ahead = flush.ends_ahead = None  # they lead back to it: its memory is free at once
        if flush.durable:
            self._past.durable(flush.past)
        self._concluded.set()

    async def _commit(self, flush: Flush) -> None:
        if flush.endings:
            await self._ends.commit(flush, flush.ends_ahead)
            return
        shares = flush.shares
        if flush.ahead is not None:
            shares = await flush.ahead.lost()
        await flush.written
        for _ in range(COMMIT_ATTEMPTS_MAX):
            if not shares:
                return
            plans: list[tuple[Share, Planned]] = []
            for share in shares:
                plan = await self._plan(share)
                if plan is None:
                    _reject(share, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted")
                else:
                    plans.append((share, plan))
            shares = await self._commit_once(flush, plans)
        for share in shares:
            _reject(share, ErrorCode.NOT_LEADER_OR_FOLLOWER, "too many brokers append here at once")

    async def _plan(self, share: Share) -> Planned | None:
        """What to commit of one partition; None if its topic is gone."""
        log = share.log
        if log.stale or log.producers is None:
            await self._reload(log)
        while not log.broken:
            judged_at = log.next_offset
            plan = self._judge(share)
            # What is accepted is judged once more by the compare-and-set; a refusal is not, so it must
            # not come from a picture that another broker's append has made old.
            if not plan.refuses or not await self._reload_if_behind(log, judged_at):
                return plan
        return None

    def _judge(self, share: Share) -> Planned:
        now_ms = self._now_ms()
        share.log.forget_producers(now_ms - self._settings.producer_expiration_ms)
        return plan_partition(
            share.log,
            share.pendings,
            share.position,
            now_ms,
            refused=share.refused,
            shared_now_ms=self.shared_now_ms(),
        )

    async def _commit_once(self, flush: Flush, plans: list[tuple[Share, Planned]]) -> list[Share]:
        """Commit what was planned; the shares that lost their compare-and-set are returned."""
        commits = [plan.commit for _, plan in plans if plan.commit is not None]
        outcomes: list[AppendOutcome] = []
        if commits:
            handover = Handover()
            handover.give(flush.object_key, commits)
            outcomes = await self._metastore.commit_flush(handover, self._now_ms())
        return self._conclude(flush, plans, outcomes)

    def _conclude(
        self,
        flush: Flush,
        plans: list[tuple[Share, Planned]],
        outcomes: Sequence[AppendOutcome],
    ) -> list[Share]:
        """Answer what is committed; returns the shares that lost their compare-and-set."""
        writing = [share for share, plan in plans if plan.commit is not None]
        lost: dict[PartitionLog, Share] = {}
        for share, outcome in zip(writing, outcomes, strict=True):
            if outcome.committed:
                continue
            lost[share.log] = share
            if outcome.partition is None:
                share.log.gone()
            else:
                before = share.log.seen
                share.log.apply(outcome.partition)
                if share.log.seen == before and outcome.refused:
                    share.refused += outcome.refused
                else:
                    share.log.producers = None
        for share, plan in plans:
            if share.log not in lost:
                self._publish(share.log, plan)
                conclude_share(flush, share, plan.commit)
        return list(lost.values())

    def _publish(self, log: PartitionLog, plan: Planned) -> None:
        """The commit is durable: show it to readers, then to the producers."""
        appended_bytes = 0
        if plan.commit is not None:
            self._count_appended(
                plan.commit.next_offset - plan.commit.expected_next,
                sum(extent.length for extent in plan.commit.extents),
            )
        if plan.commit is None:
            pass
        elif (log.next_offset, log.leader_epoch) != (plan.commit.expected_next, plan.commit.epoch):
            # A reload saw this commit, and perhaps others behind it, before we heard of it: the handle
            # has moved on and its readers were woken. They find the batches in the WAL.
            log.stale = True
        else:
            for pending, offsets in plan.accepted:
                for header, base_offset in zip(pending.headers, offsets, strict=True):
                    place(pending.data, header.position, base_offset, log.leader_epoch)
                    data = pending.data[header.position : header.position + header.size]
                    self._budget.admit(
                        log.tail, Run(base_offset, base_offset + header.last_offset_delta, data)
                    )
                    appended_bytes += header.size
            log.next_offset = plan.commit.next_offset
            if plan.commit.transactions and log.unstable < 0:
                log.unstable = min(one.first_offset for one in plan.commit.transactions)
            log.remember(plan.commit.producers)
            log.check()
        for pending, answer in plan.answers:
            pending.answer(answer)
        if appended_bytes:
            log.wake(appended_bytes)

    def _count_appended(self, records: int, size: int) -> None:
        self.appended_records += records
        self.appended_bytes += size

    async def _reload(self, log: PartitionLog) -> None:
        state = await self._metastore.append_state(log.topic.no, log.partition)
        if state is None:
            log.gone()
            return
        row, producers = state
        log.apply(row)
        log.set_producers(producers)

    async def _reload_if_behind(self, log: PartitionLog, judged_at: int) -> bool:
        """The handle itself may have moved on meanwhile: what counts is where the judgement was made."""
        row = await self._metastore.partition(log.topic.no, log.partition)
        if row is not None and row.next_offset == judged_at == log.next_offset:
            return False
        await self._reload(log)
        return True

    def _refuse(self, flush: Flush, fault: StoreFault | Corrupt) -> None:
        logger.error("a flush failed: %s", fault)
        certain = not isinstance(fault, UnknownOutcome)
        self._drop(flush, ErrorCode.KAFKA_STORAGE_ERROR, str(fault), certain=certain)

    def _drop(self, flush: Flush, code: ErrorCode, message: str, *, certain: bool) -> None:
        self._past.fail(flush.sequence, [share.done for share in flush.shares], certain=certain)
        for share in flush.shares:
            share.log.stale = True  # whether it was committed is unknown: ask before the next one
            _reject(share, code, message)
        for ending in flush.endings:
            ending.answer(ClientFault(code, message))
        self._release(flush.shares)


def _reject(share: Share, code: ErrorCode, message: str) -> None:
    for pending in share.pendings:
        _await_again(pending)
        pending.answer(ClientFault(code, message))


def _await_again(pending: Pending) -> None:
    """It was not appended: of an idempotent producer, nothing behind it is taken before it."""
    for header in pending.headers:
        if header.producer_id >= 0:
            pending.log.await_again(header)
