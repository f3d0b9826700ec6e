"""The fetch path: the tail from memory, older data through threads of their own.

A fetch first takes what the tail caches hold. Partitions whose offset lies below the tail are read cold:
bounded per answer, in their own pool, never into the tail. Data that exists is never held back for
``min_bytes``: only a fetch that stands at the log's end waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import NamedTuple

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.catalogue import Catalogue
from anabranch.log.epochs import diverging_end
from anabranch.log.extents import ExtentReader
from anabranch.log.offsets import STALE_READS_MAX
from anabranch.log.partition import LOOK_AGAIN, PartitionLog
from anabranch.log.settings import LogSettings
from anabranch.log.throttle import TokenBucket
from anabranch.log.waiting import wait_for_bytes
from anabranch.metastore.api import Extent, Metastore, Topic
from anabranch.records.batch import parse_header
from anabranch.storage.store import NotFound

logger = logging.getLogger(__name__)


class FetchWant(NamedTuple):
    """One partition of a fetch. ``leader_epoch`` and ``last_fetched_epoch`` are -1 if not given."""

    topic: Topic
    partition: int
    offset: int
    max_bytes: int
    leader_epoch: int = -1
    last_fetched_epoch: int = -1


class FetchPart(NamedTuple):
    """One partition's answer. ``buffers`` are whole batches in offset order, ``bytes`` their size."""

    error: ErrorCode
    high_watermark: int
    log_start: int
    buffers: list[memoryview]
    bytes: int
    diverging_epoch: tuple[int, int] | None = None
    leader_epoch: int = -1


class Reader:
    """Answers fetches for one process."""

    def __init__(
        self,
        metastore: Metastore,
        catalogue: Catalogue,
        extents: ExtentReader,
        cold_threads: Executor,
        settings: LogSettings,
    ) -> None:
        self._metastore = metastore
        self._catalogue = catalogue
        self._extents = extents
        self._cold_threads = cold_threads
        self._settings = settings
        self._buckets: dict[int, TokenBucket] = {}
        self._closed = False
        self.cold_bytes = 0
        self.tail_bytes = 0

    def close(self) -> None:
        """Long polls end now, with what there is."""
        self._closed = True
        for log in self._catalogue.partitions():
            log.wake(LOOK_AGAIN)

    # -- whole fetches -----------------------------------------------------------------------------
    def fetch_ready(
        self, wants: Sequence[FetchWant], *, min_bytes: int, max_bytes: int
    ) -> list[FetchPart] | None:
        """The answer if memory alone can give it now, else None: call :meth:`fetch`."""
        parts: list[FetchPart] = []
        total = 0
        for want in wants:
            part = self._from_memory(want, max_bytes - total, at_least_one=total == 0)
            if part is None:
                self._refund(wants, parts)
                return None
            parts.append(part)
            total += part.bytes
        if total >= min_bytes:
            return parts
        self._refund(wants, parts)
        return None

    async def fetch(
        self, wants: Sequence[FetchWant], *, max_wait_ms: int, min_bytes: int, max_bytes: int
    ) -> list[FetchPart]:
        """Answer every partition, waiting up to ``max_wait_ms`` for ``min_bytes`` if all stand at the end."""
        deadline = _loop_s() + max_wait_ms / 1000
        while True:
            parts, total, urgent = await self._fetch_once(wants, max_bytes)
            left = deadline - _loop_s()
            if urgent or total >= min_bytes or left <= 0 or self._closed:
                return parts
            self._refund(wants, parts)
            logs = [self._log(want) for want in wants]
            if any(
                log is None or log.high_watermark != part.high_watermark
                for log, part in zip(logs, parts, strict=True)
            ):
                continue  # something happened while another partition was read: look again
            refill = self._refill_s(wants)
            places = [log for log in logs if log is not None]
            await wait_for_bytes(places, min_bytes - total, min(left, refill))

    async def _fetch_once(
        self, wants: Sequence[FetchWant], max_bytes: int
    ) -> tuple[list[FetchPart], int, bool]:
        """One pass; ``urgent`` if the answer must go out whatever its size."""
        parts: list[FetchPart] = []
        total = 0
        urgent = False
        for want in wants:
            room = max_bytes - total
            part = self._from_memory(want, room, at_least_one=total == 0)
            if part is None:
                part = await self._from_storage(want, room, at_least_one=total == 0)
                urgent = urgent or part.bytes > 0
            urgent = urgent or part.error is not ErrorCode.NONE or part.diverging_epoch is not None
            parts.append(part)
            total += part.bytes
        return parts, total, urgent

    # -- one partition -------------------------------------------------------------------------------
    def _from_memory(self, want: FetchWant, room: int, *, at_least_one: bool) -> FetchPart | None:
        """None if the metastore or storage must be asked."""
        log = self._log(want)
        if log is None or log.stale or not log.log_start <= want.offset <= log.next_offset:
            return None
        if want.leader_epoch not in (-1, log.leader_epoch) or want.last_fetched_epoch not in (
            -1,
            log.leader_epoch,
        ):
            return None
        if want.offset == log.next_offset:
            return _part(log, [])
        bucket = self._bucket(want.topic)
        if bucket is not None:
            allowed = bucket.available(_loop_s())
            if allowed <= 0:
                return _part(log, [])
            room = min(room, allowed)
        buffers = log.tail.read(want.offset, min(want.max_bytes, room), at_least_one=at_least_one)
        if buffers is None:
            return None
        part = _part(log, buffers)
        self.tail_bytes += part.bytes
        if bucket is not None:
            bucket.take(part.bytes)
        return part

    async def _from_storage(self, want: FetchWant, room: int, *, at_least_one: bool) -> FetchPart:
        """Errors are answers here: one bad partition never fails the others."""
        log = self._log(want)
        if log is None:
            return FetchPart(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1, -1, [], 0)
        try:
            if log.stale or not log.log_start <= want.offset <= log.next_offset:
                await self._refresh(log)
            fault = _epoch_fault(log, want)
            if fault is not None:
                return _refusal(log, fault)
            if want.last_fetched_epoch not in (-1, log.leader_epoch):
                epochs = await self._metastore.leader_epochs(want.topic.no, want.partition)
                diverging = diverging_end(
                    epochs, log.next_offset, want.last_fetched_epoch, want.offset
                )
                if diverging is not None:
                    return _part(log, [])._replace(diverging_epoch=diverging)
            if not log.log_start <= want.offset <= log.next_offset:
                return _refusal(log, ErrorCode.OFFSET_OUT_OF_RANGE)
            if want.offset == log.next_offset:
                return _part(log, [])
            return await self._cold(log, want, room, at_least_one)
        except ClientFault as fault:
            return _refusal(log, fault.code)
        except (Corrupt, StoreFault) as fault:
            logger.error("%s/%s at %s: %s", want.topic.name, want.partition, want.offset, fault)
            return _refusal(log, ErrorCode.KAFKA_STORAGE_ERROR)

    async def _cold(
        self, log: PartitionLog, want: FetchWant, room: int, at_least_one: bool
    ) -> FetchPart:
        room = min(room, want.max_bytes, self._settings.cold_read_bytes)
        bucket = self._bucket(want.topic)
        if bucket is not None:
            allowed = bucket.available(_loop_s())
            if allowed <= 0:
                return _part(log, [])
            room = min(room, allowed)
        if room <= 0 and not at_least_one:
            return _part(log, [])
        buffers = await self.read_cold(log, want.offset, max(room, 0), at_least_one=at_least_one)
        part = _part(log, buffers)
        self.cold_bytes += part.bytes
        if bucket is not None:
            bucket.take(part.bytes)
        return part

    async def read_cold(
        self, log: PartitionLog, offset: int, bytes_max: int, *, at_least_one: bool
    ) -> list[memoryview]:
        """Whole batches from storage. Raises Corrupt or StoreFault if they cannot be had, ClientFault if
        they are no longer part of the log."""
        loop = asyncio.get_running_loop()
        for attempt in range(STALE_READS_MAX):
            extents = await self._metastore.extents_from(
                log.topic.no, log.partition, offset, self._settings.extents_per_read
            )
            if not extents or extents[0].base_offset > offset:
                # A gap, unless another process moved the log start and the notice is still to come.
                await self._refresh(log)
                if offset < log.log_start:
                    raise ClientFault(ErrorCode.OFFSET_OUT_OF_RANGE)
            try:
                return await loop.run_in_executor(
                    self._cold_threads, self._read_extents, extents, offset, bytes_max, at_least_one
                )
            except NotFound:
                # Merged and collected since the query, unless it happens again and again.
                if attempt == STALE_READS_MAX - 1:
                    raise
        raise AssertionError("unreachable")

    def _read_extents(
        self, extents: Sequence[Extent], offset: int, bytes_max: int, at_least_one: bool
    ) -> list[memoryview]:
        found: list[memoryview] = []
        room = bytes_max
        for extent in extents:
            try:
                more = self._extents.read(
                    extent,
                    max(offset, extent.base_offset),
                    room,
                    at_least_one=at_least_one and not found,
                )
            except (Corrupt, StoreFault):
                if found:
                    return found  # what lies before the damage is good; the next fetch meets it
                raise
            if not more:
                if at_least_one and not found:
                    continue  # compaction left nothing from this offset on: it goes on behind
                break
            found.extend(more)
            room -= sum(len(buffer) for buffer in more)
            if room <= 0 or parse_header(more[-1]).last_offset < extent.last_offset:
                break  # a smaller batch of a later extent might still fit: offsets must not be skipped
        return found

    async def _refresh(self, log: PartitionLog) -> None:
        await self._catalogue.refresh(log)
        if log.broken:
            raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)

    # -- helpers -----------------------------------------------------------------------------------
    def _log(self, want: FetchWant) -> PartitionLog | None:
        log = self._catalogue.find(want.topic.no, want.partition)
        return None if log is None or log.broken else log

    def _bucket(self, topic: Topic) -> TokenBucket | None:
        """The topic's rate limit, if its configuration sets one."""
        if "fetch.bytes.per.second" not in topic.configs:
            return None
        if self._catalogue.topic_by_id(topic.id) is None:
            return None
        rate = self._catalogue.config(topic).fetch_bytes_per_second
        if rate <= 0:
            return None
        bucket = self._buckets.get(topic.no)
        if bucket is None or bucket.rate != rate:
            live = {each.no for each in self._catalogue.topics()}
            self._buckets = {no: kept for no, kept in self._buckets.items() if no in live}
            bucket = self._buckets[topic.no] = TokenBucket(rate, _loop_s())
        return bucket

    def _refund(self, wants: Sequence[FetchWant], parts: Sequence[FetchPart]) -> None:
        """Give back the tokens of a pass whose answer is not sent."""
        for want, part in zip(wants, parts, strict=False):
            bucket = self._bucket(want.topic)
            if bucket is not None:
                bucket.take(-part.bytes)

    def _refill_s(self, wants: Sequence[FetchWant]) -> float:
        """When a partition that has data but no tokens may be read again."""
        waits = [
            wait_s
            for want in wants
            if (bucket := self._bucket(want.topic)) is not None
            and (wait_s := bucket.wait_s()) > 0
            and (log := self._log(want)) is not None
            and want.offset < log.next_offset
        ]
        return max(0.001, min(waits, default=float("inf")))


def _loop_s() -> float:
    """Seconds on the loop's monotonic clock."""
    return asyncio.get_running_loop().time()


def _part(log: PartitionLog, buffers: list[memoryview]) -> FetchPart:
    return FetchPart(
        ErrorCode.NONE,
        log.high_watermark,
        log.log_start,
        buffers,
        sum(len(buffer) for buffer in buffers),
        None,
        log.leader_epoch,
    )


def _refusal(log: PartitionLog, code: ErrorCode) -> FetchPart:
    return FetchPart(code, log.high_watermark, log.log_start, [], 0, None, log.leader_epoch)


def _epoch_fault(log: PartitionLog, want: FetchWant) -> ErrorCode | None:
    """KIP-320: a client with another leader epoch has an older or a newer picture than ours."""
    if want.leader_epoch == -1 or want.leader_epoch == log.leader_epoch:
        return None
    if want.leader_epoch < log.leader_epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    return ErrorCode.UNKNOWN_LEADER_EPOCH
