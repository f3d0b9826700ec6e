"""The fetch path: the tail from memory, older data through threads of their own.

A fetch first takes what the tail caches hold. Partitions whose offset lies below the tail are read cold:
bounded in bytes and time per answer, their bytes shared fairly between partitions, never into the tail.
Data that exists is never held back for ``min_bytes``: only a fetch that stands at the log's end waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from typing import TypeVar

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.budget import ByteBudget
from anabranch.log.catalogue import Catalogue
from anabranch.log.cold import NOTHING, ColdReads, Found
from anabranch.log.damage import DamageReports
from anabranch.log.epochs import diverging_end
from anabranch.log.extents import Damaged
from anabranch.log.fetched import (
    FetchPart,
    FetchWant,
    answered,
    broken,
    epoch_fault,
    may_hold_aborted,
    refused,
    stable_only,
    until_stable,
    with_aborted,
)
from anabranch.log.offsets import STALE_READS_MAX
from anabranch.log.pace import BYTES_PER_SECOND_MAX, CatchUpPace
from anabranch.log.partition import LOOK_AGAIN, PartitionLog
from anabranch.log.settings import LogSettings
from anabranch.log.stamping import Stamper
from anabranch.log.throttle import FairLimit
from anabranch.log.topic_limits import TopicLimits
from anabranch.log.turns import Turns
from anabranch.log.waiting import wait_for_bytes
from anabranch.metastore.api import Extent, Metastore, ObjectKind
from anabranch.records.runs import ANY_SIZE
from anabranch.storage.sharedreads import SharedReads
from anabranch.storage.store import NotFound

__all__ = ["FetchPart", "FetchWant", "Reader"]

logger = logging.getLogger(__name__)

T = TypeVar("T")

LOOK_WAIT_S = 10.0  # for a turn to look something up; clients ask again
WAVE = 4  # cold partitions of one fetch that are read at the same time
HOLES_MAX = 1024  # extents without a batch above the offset, passed over in one read


class _Hold:
    """What one fetch holds of the budget: reserved once, so that no fetch waits while it holds something."""

    def __init__(
        self,
        budget: ByteBudget,
        reader: Hashable,
        deadline_s: float,
        limit: FairLimit | None = None,
        committed: bool = False,
    ) -> None:
        self.reader = reader
        self.committed = committed  # the fetch's isolation
        self.limit = limit  # of the reader's group
        self.deadline_s = deadline_s  # of the fetch, on the loop's clock
        self._budget = budget
        self._reserved = 0
        self._actual = 0

    async def reserve(self, wanted: int, *, recent: bool = False) -> int:
        assert not self._reserved
        self._reserved = await self._budget.reserve(wanted, recent=recent)
        return self._reserved

    def add(self, count: int) -> None:
        """So many bytes were read; more than was reserved only if a batch is larger than that."""
        self._actual += count
        if self._actual > self._reserved:
            self._reserved = self._budget.correct(self._reserved, self._actual)

    def release(self) -> None:
        if self._reserved:
            self._budget.release(self._reserved)
        self._reserved = self._actual = 0


class Reader:
    """Answers fetches for one process."""

    def __init__(
        self,
        metastore: Metastore,
        catalogue: Catalogue,
        cold: ColdReads,
        damage: DamageReports,
        settings: LogSettings,
    ) -> None:
        self._metastore = metastore
        self._catalogue = catalogue
        self._cold = cold
        self._damage = damage
        self._stamper = Stamper(metastore, catalogue, cold.old)
        self._settings = settings
        self.budget = ByteBudget(settings.cold_bytes_max)
        self._turns = Turns()
        self.pace = CatchUpPace(
            late_percent_max=settings.cold_late_percent_max,
            bytes_per_second_min=settings.cold_bytes_per_second_min,
            bytes_per_second_begin=settings.cold_bytes_per_second_begin,
        )
        self._fair_limit: FairLimit | None = None
        self.topic_limits = TopicLimits(catalogue)
        self._closed = False
        self.cold_bytes = 0
        self.tail_bytes = 0

    @property
    def delayed(self) -> int:
        """Reads below the tail that waited for their turn."""
        return 0 if self._fair_limit is None else self._fair_limit.delayed

    @property
    def cache(self) -> SharedReads[tuple[str, int], bytes]:
        """Of blocks of old data; its counters."""
        return self._cold.blocks.shared

    def close(self) -> None:
        """Long polls end now, with what there is."""
        self._closed = True
        for log in self._catalogue.partitions():
            log.wake(LOOK_AGAIN)

    # -- whole fetches -----------------------------------------------------------------------------
    def fetch_ready(
        self,
        wants: Sequence[FetchWant],
        *,
        min_bytes: int,
        max_bytes: int,
        committed: bool = False,
    ) -> list[FetchPart] | None:
        """The answer if memory alone can give it now, else None: call :meth:`fetch`."""
        parts, below = self._all_from_memory(wants, range(len(wants)), max_bytes, committed)
        if not below and sum(part.bytes for part in parts.values()) >= min_bytes:
            found = list(parts.values())
            if not committed or not self._hold_aborted(wants, found):
                return found
        self._refund(wants, parts)
        return None

    async def fetch(
        self,
        wants: Sequence[FetchWant],
        *,
        max_wait_ms: int,
        min_bytes: int,
        max_bytes: int,
        reader: Hashable = None,
        limit: FairLimit | None = None,
        committed: bool = False,
    ) -> list[FetchPart]:
        """Answer every partition, waiting up to ``max_wait_ms`` for ``min_bytes`` if all stand at the end.
        With ``committed``, what ended transactions do not hold is not there.

        ``reader`` says who asks: the limit for what lies below the tail is shared between readers. ``limit``
        is one of their group, besides.
        """
        deadline = _loop_s() + max_wait_ms / 1000
        hold = _Hold(self.budget, reader, deadline, limit, committed)
        try:
            while True:
                parts, total, urgent = await self._fetch_once(wants, max_bytes, hold)
                left = deadline - _loop_s()
                if urgent or total >= min_bytes or left <= 0 or self._closed:
                    return await self._name_aborted(wants, parts) if committed else parts
                hold.release()
                self._refund(wants, dict(enumerate(parts)))
                logs = [self._log(want) for want in wants]
                if any(
                    log is None
                    or log.high_watermark != part.high_watermark
                    or (committed and log.last_stable_offset != part.last_stable)
                    for log, part in zip(logs, parts, strict=True)
                ):
                    continue  # something happened while another partition was read: look again
                refill = self._refill_s(wants)
                places = [log for log in logs if log is not None]
                await wait_for_bytes(places, min_bytes - total, min(left, refill))
        finally:
            hold.release()  # from here on the connection counts what it has not sent

    async def _fetch_once(
        self, wants: Sequence[FetchWant], max_bytes: int, hold: _Hold
    ) -> tuple[list[FetchPart], int, bool]:
        """One pass; ``urgent`` if the answer must go out whatever its size."""
        committed = hold.committed
        parts, below = self._all_from_memory(wants, range(len(wants)), max_bytes, committed)
        hot = list(parts)
        shared = bool(below) and 2 * sum(part.bytes for part in parts.values()) > max_bytes
        if shared:
            # What lies below the tail gets its share as well, however much the tail has.
            self._refund(wants, parts)
            parts, _ = self._all_from_memory(wants, hot, max_bytes // 2, committed)
        cold: dict[int, PartitionLog] = {}
        for index in below:
            judged = await self._judged(wants[index], committed)
            if isinstance(judged, PartitionLog):
                cold[index] = judged
            else:
                parts[index] = judged
        total = sum(part.bytes for part in parts.values())
        urgent = any(
            part.error is not ErrorCode.NONE or part.diverging_epoch is not None
            for part in parts.values()
        )
        if cold:
            found = await self._from_storage(wants, cold, max_bytes - total, total == 0, hold)
            urgent = urgent or any(part.bytes or part.error for part in found.values())
            parts |= found
            total += sum(part.bytes for part in found.values())
            if shared:  # and what it leaves of that goes to the tail again
                spent = sum(part.bytes for part in found.values())
                again, _ = self._all_from_memory(
                    wants, hot, max_bytes - spent, committed, spent == 0
                )
                self._refund(wants, {index: parts[index] for index in again})
                parts |= again
                total = sum(part.bytes for part in parts.values())
        return [parts[index] for index in range(len(wants))], total, urgent

    def _all_from_memory(
        self,
        wants: Sequence[FetchWant],
        indexes: Iterable[int],
        max_bytes: int,
        committed: bool,
        at_least_one: bool = True,
    ) -> tuple[dict[int, FetchPart], list[int]]:
        """What memory answers, by index, and the indexes of the others."""
        parts: dict[int, FetchPart] = {}
        below: list[int] = []
        total = 0
        for index in indexes:
            part = self._from_memory(
                wants[index],
                max_bytes - total,
                at_least_one=at_least_one and total == 0,
                committed=committed,
            )
            if part is None:
                below.append(index)
            else:
                parts[index] = part
                total += part.bytes
        return parts, below

    # -- one partition -------------------------------------------------------------------------------
    def _from_memory(
        self, want: FetchWant, room: int, *, at_least_one: bool, committed: bool
    ) -> FetchPart | None:
        """None if the metastore or storage must be asked."""
        log = self._log(want)
        if log is None or log.stale or not log.log_start <= want.offset <= log.next_offset:
            return None
        if want.leader_epoch not in (-1, log.leader_epoch) or want.last_fetched_epoch not in (
            -1,
            log.leader_epoch,
        ):
            return None
        limit = self.topic_limits.of(want.topic, _loop_s())
        if want.offset >= _end(log, committed):
            if limit is not None:
                limit.at_end(want.partition, _loop_s())
            return None if log.doubtful else answered(log, [])
        if limit is not None:
            if limit.shut(want.partition, want.offset, _loop_s()):
                return answered(log, [])
            allowed = limit.available(_loop_s())
            if allowed is not None:
                if allowed <= 0:
                    return answered(log, [])
                room = min(room, allowed)
        buffers = log.tail.read(want.offset, min(want.max_bytes, room), at_least_one=at_least_one)
        if buffers is None:
            return None
        if committed:
            buffers = stable_only(log, buffers)
        if limit is not None:
            buffers = limit.admit(want.partition, want.offset, buffers, _loop_s())
        part = answered(log, buffers)
        self.tail_bytes += part.bytes
        if limit is not None:
            limit.served(part)
        return part

    async def _judged(self, want: FetchWant, committed: bool) -> FetchPart | PartitionLog:
        """What memory alone cannot answer: the answer if it holds no bytes, else what to read of."""
        log = self._log(want)
        if log is None:
            return FetchPart(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1, [], 0)
        try:
            if log.stale or log.doubtful or not log.log_start <= want.offset <= log.next_offset:
                await self._refresh(log)
            fault = epoch_fault(log, want)
            if fault is not None:
                return refused(log, fault)
            if want.last_fetched_epoch not in (-1, log.leader_epoch):
                epochs = await self._metastore.leader_epochs(want.topic.no, want.partition)
                diverging = diverging_end(
                    epochs, log.next_offset, want.last_fetched_epoch, want.offset
                )
                if diverging is not None:
                    return answered(log, [])._replace(diverging_epoch=diverging)
        except ClientFault as fault:
            return refused(log, fault.code)
        except (Corrupt, StoreFault) as fault:
            return broken(log, want, fault)
        if not log.log_start <= want.offset <= log.next_offset:
            return refused(log, ErrorCode.OFFSET_OUT_OF_RANGE)
        return answered(log, []) if want.offset >= _end(log, committed) else log

    # -- below the tail ------------------------------------------------------------------------------
    async def _from_storage(
        self,
        wants: Sequence[FetchWant],
        logs: dict[int, PartitionLog],
        room: int,
        at_least_one: bool,
        hold: _Hold,
    ) -> dict[int, FetchPart]:
        """Read the partitions of ``logs``, a few at a time, each with a fair share of ``room``.

        Those that are not read in time, or that find no room, are answered without bytes: they come
        with the next fetch, which finds what was read meanwhile in the cache. Errors are answers here:
        one bad partition never fails the others.
        """
        parts = {index: answered(log, []) for index, log in logs.items()}
        if room <= 0 and not at_least_one:
            return parts
        wanted = max(1, min(room, self._settings.cold_read_bytes))
        grants: list[tuple[FairLimit, int]] = []
        granted = wanted
        try:
            for limit in (hold.limit, self._limit()):
                if limit is None:
                    continue
                # What the tail has does not wait for it.
                wait_s = max(0.0, hold.deadline_s - _loop_s()) if at_least_one else 0.0
                granted = await limit.take(hold.reader, granted, wait_s)
                if not granted:
                    return parts
                grants.append((limit, granted))
            await self._read_in_waves(wants, logs, parts, granted, at_least_one, hold)
        finally:
            actual = sum(part.bytes for part in parts.values())
            for limit, taken in grants:
                limit.correct(taken, actual)
            self.pace.read(_loop_s(), actual)
        return parts

    async def _read_in_waves(
        self,
        wants: Sequence[FetchWant],
        logs: dict[int, PartitionLog],
        parts: dict[int, FetchPart],
        wanted: int,
        at_least_one: bool,
        hold: _Hold,
    ) -> None:
        began_s = _loop_s()
        room = await hold.reserve(wanted)
        left = list(logs)
        again: list[int] = []  # whose first batch is larger than their share
        while left and (room > 0 or at_least_one):
            # The one batch that may be larger than all limits (KIP-74) comes alone.
            width = 1 if at_least_one else WAVE
            wave, left = left[:width], left[width:]
            share = max(1, room // (len(wave) + len(left)))
            tasks = {
                index: asyncio.create_task(
                    self._read_one(
                        wants[index],
                        logs[index],
                        share,
                        ANY_SIZE if at_least_one else room // len(wave),
                        hold.committed,
                    )
                )
                for index in wave
            }
            spent_s = _loop_s() - began_s
            patience_s = max(0.0, self._settings.cold_answer_ms_max / 1000 - spent_s)
            try:
                await asyncio.wait(tasks.values(), timeout=None if at_least_one else patience_s)
            finally:
                for task in tasks.values():
                    task.cancel()  # those that are late; what they read is kept in the cache
            for index, task in tasks.items():
                if task.done() and not task.cancelled():
                    parts[index] = part = task.result()
                    room -= part.bytes
                    at_least_one = at_least_one and not part.bytes
                    hold.add(part.bytes)
                    if not part.bytes and part.error is ErrorCode.NONE:
                        again.append(index)
            if not patience_s and not at_least_one:
                break
        for index in again:
            if room > 0 and _loop_s() - began_s < self._settings.cold_answer_ms_max / 1000:
                parts[index] = part = await self._read_one(
                    wants[index], logs[index], room, room, hold.committed
                )
                room -= part.bytes
                hold.add(part.bytes)

    async def aside(self, extent: Extent, count: int, job: Callable[[int], T], /) -> T:
        """Run ``job``, which looks into ``extent``, as a cold read: in its turn, on its threads, within the
        rates, and with as many bytes at a time as the budget leaves of ``count``.

        Raises ClientFault(REQUEST_TIMED_OUT) if its turn does not come; what ``job`` raises.
        """
        await self._turns.take()
        limit = self._limit()
        if not (granted := await limit.take(None, count, LOOK_WAIT_S)):
            raise ClientFault(ErrorCode.REQUEST_TIMED_OUT, "too much is read below the tail now")
        recent = extent.kind is ObjectKind.WAL
        reserved = await self.budget.reserve(count, recent=recent)
        try:
            return await self._cold.lane(extent).run(lambda: job(reserved))
        finally:
            self.budget.release(reserved)
            limit.correct(granted, count)
            self.pace.read(_loop_s(), count)

    def _limit(self) -> FairLimit:
        """The broker's limit for what it reads below the tail: what is configured, and what live appends
        leave."""
        if self._fair_limit is None:
            configured = self._settings.cold_bytes_per_second or BYTES_PER_SECOND_MAX
            self._fair_limit = FairLimit(
                lambda now_s: min(configured, self.pace.rate(now_s)), _loop_s()
            )
        return self._fair_limit

    async def _read_one(
        self, want: FetchWant, log: PartitionLog, share: int, first_max: int, committed: bool
    ) -> FetchPart:
        bytes_max = min(share, max(want.max_bytes, 1))
        if first_max != ANY_SIZE:
            first_max = min(first_max, want.max_bytes)
        limit = self.topic_limits.of(want.topic, _loop_s())
        if limit is not None:
            if limit.shut(want.partition, want.offset, _loop_s()):
                return answered(log, [])
            allowed = limit.available(_loop_s())
            if allowed is not None:
                if allowed <= 0:
                    return answered(log, [])
                bytes_max = min(bytes_max, allowed)
        try:
            found = await self.read_cold(log, want.offset, bytes_max=bytes_max, first_max=first_max)
            buffers = stable_only(log, found.buffers) if committed else found.buffers
            if limit is not None:
                buffers = limit.admit(want.partition, want.offset, buffers, _loop_s())
        except ClientFault as fault:
            return refused(log, fault.code)
        except (Corrupt, StoreFault) as fault:
            return broken(log, want, fault)
        part = answered(log, buffers)
        self.cold_bytes += part.bytes
        if limit is not None:
            limit.served(part)
        return part

    async def read_cold(
        self, log: PartitionLog, offset: int, *, bytes_max: int, first_max: int
    ) -> Found:
        """Whole batches from storage. Raises Corrupt or StoreFault if they cannot be had, ClientFault if
        they are no longer part of the log."""
        stale = 0
        epoch = log.leader_epoch
        alone = (
            False  # the extent is read without those behind it: what ails them is not its trouble
        )
        for _ in range(HOLES_MAX):
            extents = await self._extents_from(log, offset)
            if not extents:
                return NOTHING
            if alone:
                extents = extents[:1]
            try:
                found = await self._cold.read(
                    extents, offset, bytes_max=bytes_max, first_max=first_max
                )
            except NotFound as gone:
                # Merged and collected since the query, unless it happens again and again.
                stale += 1
                alone = True
                if stale == STALE_READS_MAX:
                    self._met(log, extents[0], gone, offset)
                    raise
                continue
            except Damaged as damage:
                self._met(log, damage.extent, damage, damage.offset)
                raise
            except Corrupt as corrupt:
                if alone or len(extents) == 1:
                    self._met(log, extents[0], corrupt, offset)
                    raise
                alone = True
                continue
            if found.buffers or found.next_offset <= offset:
                return found._replace(buffers=await self._stamper.stamp(log, found.buffers, epoch))
            offset = found.next_offset  # compaction left nothing there
            stale, alone = 0, False
        return NOTHING

    def _met(
        self, log: PartitionLog, extent: Extent, fault: Corrupt | StoreFault, offset: int
    ) -> None:
        self._damage.met(log.topic.no, log.partition, extent, fault, offset=offset)

    async def _extents_from(self, log: PartitionLog, offset: int) -> list[Extent]:
        await self._turns.take()
        extents = await self._metastore.extents_from(
            log.topic.no, log.partition, offset, self._settings.extents_per_read
        )
        if not extents or extents[0].base_offset > offset:
            # A gap, unless another process moved the log start and the notice is still to come.
            await self._refresh(log)
            if offset < log.log_start:
                raise ClientFault(ErrorCode.OFFSET_OUT_OF_RANGE)
        return extents

    async def _refresh(self, log: PartitionLog) -> None:
        await self._catalogue.refresh(log)
        if log.broken:
            raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    # -- aborted transactions ----------------------------------------------------------------------
    def _hold_aborted(self, wants: Sequence[FetchWant], parts: Sequence[FetchPart]) -> bool:
        logs = [self._log(want) for want in wants]
        return any(
            log is not None and may_hold_aborted(log, want, part)
            for log, want, part in zip(logs, wants, parts, strict=True)
        )

    async def _name_aborted(
        self, wants: Sequence[FetchWant], parts: Sequence[FetchPart]
    ) -> list[FetchPart]:
        """The answers with the aborted transactions that they hold."""
        named = []
        for want, part in zip(wants, map(until_stable, parts), strict=True):
            log = self._log(want)
            if log is not None and may_hold_aborted(log, want, part):
                try:
                    part = await with_aborted(self._metastore, log, want, part)
                    if log.leader_epoch != part.leader_epoch:  # they may be another line's
                        part = refused(log, ErrorCode.FENCED_LEADER_EPOCH)
                except (Corrupt, StoreFault) as fault:
                    part = broken(log, want, fault)
            named.append(part)
        return named

    # -- helpers -----------------------------------------------------------------------------------
    def _log(self, want: FetchWant) -> PartitionLog | None:
        log = self._catalogue.find(want.topic.no, want.partition)
        return None if log is None or log.broken else log

    def _refund(self, wants: Sequence[FetchWant], parts: Mapping[int, FetchPart]) -> None:
        """Give back the tokens of a pass whose answer, by index of its want, is not sent."""
        for index, part in parts.items():
            limit = self.topic_limits.of(wants[index].topic, _loop_s())
            if limit is not None and part.bytes:
                limit.served(part, back=True)

    def _refill_s(self, wants: Sequence[FetchWant]) -> float:
        """When a partition that has data but no tokens may be read again."""
        waits = [
            wait_s
            for want in wants
            if (limit := self.topic_limits.of(want.topic, _loop_s())) is not None
            and (wait_s := limit.wait_s(want.partition)) > 0
            and (log := self._log(want)) is not None
            and want.offset < log.next_offset
        ]
        return max(0.001, min(waits, default=float("inf")))


def _end(log: PartitionLog, committed: bool) -> int:
    """Where a reader has read everything."""
    return log.last_stable_offset if committed else log.next_offset


def _loop_s() -> float:
    """Seconds on the loop's monotonic clock."""
    return asyncio.get_running_loop().time()
