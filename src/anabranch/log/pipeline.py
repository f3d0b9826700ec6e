"""The append path: queue → flush → WAL write → commit → tail → answer.

Two stages overlap: while flush n commits in the metastore, flush n+1 is written to the WAL. Each stage
handles one flush at a time and in order, so offsets are given in the order in which appends were queued.

Bytes are durable before the metastore names them, so a crash between the stages leaves garbage in the
WAL and never a hole. Judgement happens at the commit: what an idempotent producer sent twice is
recognised there, answered with its first offset, and its second copy stays unnamed.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.partition import PartitionLog
from anabranch.log.planning import Pending, Planned, plan_partition
from anabranch.log.settings import LogSettings
from anabranch.log.tail import Run, TailBudget
from anabranch.log.threads import Worker
from anabranch.metastore.api import Metastore
from anabranch.records.batch import place
from anabranch.storage.wal import FlushPart, PlacedPart, Wal

logger = logging.getLogger(__name__)

COMMIT_ATTEMPTS_MAX = 8  # each lost compare-and-set means that another broker's append went through
FLUSHES_IN_FLIGHT_MAX = 2  # one in the WAL stage, one in the commit stage


class Share(NamedTuple):
    """One partition's part of a flush."""

    log: PartitionLog
    pendings: list[Pending]
    position: int = 0
    object_key: str = ""


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
        self._queue: deque[Pending] = deque()
        self._written: asyncio.Queue[list[Share] | None] = asyncio.Queue(FLUSHES_IN_FLIGHT_MAX - 1)
        self._wanted = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._closing = False
        self._stages: list[asyncio.Task[None]] = []
        self._uncommitted: Counter[str] = Counter()  # WAL objects of flushes between the stages
        self.queued_bytes = 0
        self.flushes = 0

    def start(self) -> None:
        self._stages = [
            asyncio.create_task(self._write_stage(), name="wal writer"),
            asyncio.create_task(self._commit_stage(), name="committer"),
        ]

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        self._wanted.set()
        if self._stages:
            await asyncio.gather(*self._stages)

    # -- the queue -----------------------------------------------------------------------------
    def submit(self, pending: Pending) -> None:
        if self._closing:
            raise ClientFault(ErrorCode.NOT_LEADER_OR_FOLLOWER, "this broker is shutting down")
        self._queue.append(pending)
        self.queued_bytes += len(pending.data)
        if self.queued_bytes >= self._settings.queued_bytes_max:
            self._room.clear()
        self._wanted.set()

    def has_room(self) -> bool:
        return self._room.is_set()

    async def wait_for_room(self) -> None:
        await self._room.wait()

    def _release(self, shares: Sequence[Share]) -> None:
        """The flush is over, well or badly: its bytes count no longer against the queue."""
        self.queued_bytes -= sum(
            len(pending.data) for share in shares for pending in share.pendings
        )
        assert self.queued_bytes >= 0
        if self.queued_bytes < self._settings.queued_bytes_max:
            self._room.set()

    def uses(self, object_key: str) -> bool:
        """Whether a commit that names this WAL object may still come."""
        return self._wal.is_active(object_key) or object_key in self._uncommitted

    def _committed_or_failed(self, object_key: str) -> None:
        self._uncommitted[object_key] -= 1
        if self._uncommitted[object_key] <= 0:
            del self._uncommitted[object_key]

    def _take_flush(self) -> list[Share]:
        """The oldest appends up to the flush limits, those of one partition next to each other."""
        shares: dict[PartitionLog, Share] = {}
        room = self._settings.flush_bytes_max
        while self._queue:
            pending = self._queue[0]
            size = len(pending.data)
            share = shares.get(pending.log)
            if share is None:
                if len(shares) == self._settings.flush_partitions_max:
                    break
                share = Share(pending.log, [])
            if shares and size > room:
                break
            room -= size
            shares[pending.log] = share
            share.pendings.append(self._queue.popleft())
        return list(shares.values())

    # -- stage one: bytes become durable ---------------------------------------------------------
    async def _write_stage(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    break
                self._wanted.clear()
                await self._wanted.wait()
                continue
            shares = self._take_flush()
            parts = [
                FlushPart(
                    share.log.topic.id,
                    share.log.partition,
                    [pending.data for pending in share.pendings],
                    sum(len(pending.headers) for pending in share.pendings),
                )
                for share in shares
            ]
            try:
                placed = await self._wal_thread.run(self._wal.write, parts)
            except StoreFault as fault:
                logger.error("the write-ahead log refused a flush: %s", fault)
                self._drop(shares, ErrorCode.KAFKA_STORAGE_ERROR, str(fault))
                continue
            except Exception as bug:
                logger.exception("the write-ahead log broke")
                self._drop(shares, ErrorCode.UNKNOWN_SERVER_ERROR, repr(bug))
                continue
            self.flushes += 1
            self._uncommitted[placed[0].object_key] += 1
            await self._written.put(_placed(shares, placed))
        await self._written.put(None)

    # -- stage two: offsets are given --------------------------------------------------------------
    async def _commit_stage(self) -> None:
        while True:
            shares = await self._written.get()
            if shares is None:
                return
            try:
                await self._commit(shares)
            except (StoreFault, Corrupt) as fault:
                logger.error("the metastore refused a commit: %s", fault)
                _distrust(shares)
                self._drop(shares, ErrorCode.KAFKA_STORAGE_ERROR, str(fault))
            except Exception as bug:
                logger.exception("committing a flush broke")
                _distrust(shares)
                self._drop(shares, ErrorCode.UNKNOWN_SERVER_ERROR, repr(bug))
            else:
                self._release(shares)
            finally:
                self._committed_or_failed(shares[0].object_key)

    async def _commit(self, shares: list[Share]) -> None:
        for _ in range(COMMIT_ATTEMPTS_MAX):
            plans: list[tuple[Share, Planned]] = []
            for share in shares:
                plan = await self._plan(share)
                if plan is None:
                    _reject(share, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, "the topic was deleted")
                else:
                    plans.append((share, plan))
            shares = await self._commit_once(plans)
            if not shares:
                return
        for share in shares:
            _reject(share, ErrorCode.NOT_LEADER_OR_FOLLOWER, "too many brokers append here at once")

    async def _plan(self, share: Share) -> Planned | None:
        """What to commit of one partition; None if its topic is gone."""
        log = share.log
        if log.stale or log.producers is None:
            await self._reload(log)
        while not log.broken:
            now_ms = self._now_ms()
            log.forget_producers(now_ms - self._settings.producer_expiration_ms)
            plan = plan_partition(log, share.pendings, share.position, now_ms)
            # What is accepted is judged once more by the compare-and-set; a refusal is not, so it must
            # not come from a picture that another broker's append has made old.
            if not plan.refuses or not await self._reload_if_behind(log):
                return plan
        return None

    async def _commit_once(self, plans: list[tuple[Share, Planned]]) -> list[Share]:
        """Commit what was planned; the shares that lost their compare-and-set are returned."""
        writing = [(share, plan) for share, plan in plans if plan.commit is not None]
        lost: dict[PartitionLog, Share] = {}
        if writing:
            outcomes = await self._metastore.commit_appends(
                writing[0][0].object_key,
                [plan.commit for _, plan in writing if plan.commit is not None],
                self._now_ms(),
            )
            for (share, _), outcome in zip(writing, outcomes, strict=True):
                if outcome.committed:
                    continue
                lost[share.log] = share
                if outcome.partition is None:
                    share.log.gone()
                else:
                    share.log.apply(outcome.partition)
                    share.log.producers = None
        for share, plan in plans:
            if share.log not in lost:
                self._publish(share.log, plan)
        return list(lost.values())

    def _publish(self, log: PartitionLog, plan: Planned) -> None:
        """The commit is durable: show it to readers, then to the producers."""
        appended_bytes = 0
        if plan.commit is None:
            pass
        elif log.next_offset != plan.commit.expected_next:
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
            log.remember(plan.commit.producers)
            log.check()
        for pending, answer in plan.answers:
            pending.answer(answer)
        if appended_bytes:
            log.wake(appended_bytes)

    async def _reload(self, log: PartitionLog) -> None:
        row = await self._metastore.partition(log.topic.no, log.partition)
        if row is None:
            log.gone()
            return
        log.apply(row)
        log.set_producers(await self._metastore.producer_states(log.topic.no, log.partition))

    async def _reload_if_behind(self, log: PartitionLog) -> bool:
        row = await self._metastore.partition(log.topic.no, log.partition)
        if row is not None and row.next_offset == log.next_offset:
            return False
        await self._reload(log)
        return True

    def _drop(self, shares: list[Share], code: ErrorCode, message: str) -> None:
        for share in shares:
            _reject(share, code, message)
        self._release(shares)


def _distrust(shares: list[Share]) -> None:
    """Whether the commit happened is unknown: ask before the next one."""
    for share in shares:
        share.log.stale = True


def _placed(shares: list[Share], placed: Sequence[PlacedPart]) -> list[Share]:
    return [
        share._replace(position=part.position, object_key=part.object_key)
        for share, part in zip(shares, placed, strict=True)
    ]


def _reject(share: Share, code: ErrorCode, message: str) -> None:
    for pending in share.pendings:
        pending.answer(ClientFault(code, message))
