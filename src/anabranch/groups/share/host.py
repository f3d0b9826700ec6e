"""The partitions that this broker hands out to share groups: read from the log, kept in the metastore.

One broker hosts a group's partition: its leader, as far as everybody agrees on who that is. Whoever claims the
state last owns it, and a save by anybody else fails, so two hosts deliver a record twice at worst and never lose one.
Locks live here alone: a new host delivers again what was being worked on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.partition import Acknowledgement, Acquired, SharePartition
from anabranch.groups.share.settings import EARLIEST, LATEST, Isolation, ShareSettings
from anabranch.log.log import Log
from anabranch.log.partition import PartitionLog
from anabranch.log.reads import FetchPart, FetchWant
from anabranch.log.waiting import Waiter, wait_for_bytes
from anabranch.metastore.api import Metastore, ShareKey, ShareState, Topic
from anabranch.records.header import BatchHeader
from anabranch.records.trimming import headers, piece

HOSTED_MAX: Final = 10_000  # partitions with something in flight or recently used; a few KiB each
IDLE_MS: Final = (
    300_000  # after which a partition without locks is forgotten: its state is in the metastore
)
WOKEN: Final = 1  # "bytes" that a wake-up counts as


class ShareWant(NamedTuple):
    """One partition of a share fetch."""

    topic: Topic
    partition: int
    max_bytes: int


class ShareGiven(NamedTuple):
    """What a member is given of one partition: whole batches, and which of their offsets are its own."""

    error: ErrorCode
    buffers: Sequence[memoryview]
    acquired: Sequence[Acquired]


class ShareTold(NamedTuple):
    """What a member says of one partition."""

    topic: Topic
    partition: int
    acknowledgements: Sequence[Acknowledgement]


class _Hosted:
    """A partition of a group that is ours. ``waiters`` are fetches that want what others give back."""

    def __init__(self, state: ShareState, partition: SharePartition, now_ms: int) -> None:
        self.key = state.key
        self.epoch = state.epoch
        self.partition = partition
        self.waiters: dict[Waiter, None] = {}
        self.used_ms = now_ms

    def wake(self) -> None:
        for waiter in tuple(self.waiters):
            waiter.notify(WOKEN)

    def state(self) -> ShareState:
        partition = self.partition
        return ShareState(self.key, self.epoch, partition.start, partition.encode())


class ShareHost:
    """On one event loop. ``settings_of`` a group, ``now_ms`` of a clock that does not jump, ``wall_ms`` of one
    that tells the time."""

    def __init__(
        self,
        log: Log,
        settings_of: Callable[[str], ShareSettings],
        *,
        now_ms: Callable[[], int],
        wall_ms: Callable[[], int],
    ) -> None:
        self._log = log
        self._metastore: Metastore = log.metastore
        self._settings_of = settings_of
        self._now_ms = now_ms
        self._wall_ms = wall_ms
        self._hosted: dict[ShareKey, _Hosted] = {}
        self._claims: dict[ShareKey, asyncio.Lock] = {}

    def settings(self, group_id: str) -> ShareSettings:
        """What the group goes by."""
        return self._settings_of(group_id)

    @property
    def partitions(self) -> int:
        """How many are hosted."""
        return len(self._hosted)

    @property
    def in_flight(self) -> int:
        """Records delivered and not done."""
        return sum(one.partition.in_flight for one in list(self._hosted.values()))

    # -- delivering ----------------------------------------------------------------------------------
    async def fetch(
        self,
        group_id: str,
        member: str,
        wants: Sequence[ShareWant],
        *,
        records_max: int,
        strict: bool,
        max_wait_ms: int,
        max_bytes: int,
    ) -> list[ShareGiven]:
        """Give ``member`` up to about ``records_max`` records, waiting for them as long as it likes to.

        ``strict``: never more than that, if it cuts batches. Every partition is answered, errors included.
        """
        deadline_ms = self._now_ms() + max_wait_ms
        settings = self._settings_of(group_id)
        while True:
            given, places, lock_ms = await self._once(
                group_id, member, wants, settings, records_max, strict, max_bytes
            )
            left_ms = deadline_ms - self._now_ms()
            if left_ms <= 0 or any(one.acquired or one.error for one in given):
                return given
            if lock_ms is not None:
                left_ms = min(left_ms, max(1, lock_ms - self._now_ms()))
            await wait_for_bytes(places, WOKEN, left_ms / 1000)

    async def start_of(self, group_id: str, topic: Topic, partition: int) -> int:
        """The first offset that the group is not done with. Raises ClientFault, Corrupt or StoreFault."""
        settings = self._settings_of(group_id)
        hosted = await self._host(group_id, topic, partition, settings)
        return hosted.partition.start

    async def _once(
        self,
        group_id: str,
        member: str,
        wants: Sequence[ShareWant],
        settings: ShareSettings,
        records_max: int,
        strict: bool,
        max_bytes: int,
    ) -> tuple[list[ShareGiven], list[PartitionLog | _Hosted], int | None]:
        """One look; where to wait for more, and when the first lock ends."""
        given = [ShareGiven(ErrorCode.NONE, (), ())] * len(wants)
        hosted: dict[int, _Hosted] = {}
        places: list[PartitionLog | _Hosted] = []
        lock_ms: int | None = None
        for index, want in enumerate(wants):
            try:
                log = self._log.partition(want.topic, want.partition)
                one = await self._host(group_id, want.topic, want.partition, settings)
            except ClientFault as fault:
                given[index] = ShareGiven(fault.code, (), ())
                continue
            self._refresh(one, log, settings)
            places += (log, one)
            ends_ms = one.partition.next_deadline_ms()
            if ends_ms is not None and (lock_ms is None or ends_ms < lock_ms):
                lock_ms = ends_ms
            if one.partition.has_room(settings.limits):
                hosted[index] = one
        left = records_max
        for (index, one), (offset, part) in zip(
            hosted.items(), await self._read(wants, hosted, settings, max_bytes), strict=True
        ):
            if part.error is ErrorCode.OFFSET_OUT_OF_RANGE:
                continue  # the log moved while it was read; the next look knows
            if part.error is not ErrorCode.NONE:
                given[index] = ShareGiven(part.error, (), ())
            elif part.buffers and left > 0:
                given[index] = self._give(one, member, offset, part, left, strict, settings)
                left -= sum(run.last - run.first + 1 for run in given[index].acquired)
        return given, places, lock_ms

    async def _read(
        self,
        wants: Sequence[ShareWant],
        hosted: Mapping[int, _Hosted],
        settings: ShareSettings,
        max_bytes: int,
    ) -> list[tuple[int, FetchPart]]:
        """Of each partition where it was read from, and what was there."""
        if not hosted:
            return []
        reads = [
            FetchWant(
                wants[index].topic,
                wants[index].partition,
                one.partition.next_offset,
                wants[index].max_bytes,
            )
            for index, one in hosted.items()
        ]
        parts = await self._log.fetch(
            reads,
            max_wait_ms=0,
            min_bytes=0,
            max_bytes=max_bytes,
            read_committed=settings.isolation is Isolation.READ_COMMITTED,
        )
        return [(read.offset, part) for read, part in zip(reads, parts, strict=True)]

    def _give(
        self,
        one: _Hosted,
        member: str,
        read_from: int,
        part: FetchPart,
        records_max: int,
        strict: bool,
        settings: ShareSettings,
    ) -> ShareGiven:
        batches = list(headers(part.buffers))
        acquired = one.partition.acquire(
            member,
            read_from,
            [(one.base_offset, one.last_offset) for one in batches if not _is_void(one, part)],
            read_to=batches[-1].last_offset,
            records_max=records_max,
            strict=strict,
            limits=settings.limits,
            now_ms=self._now_ms(),
        )
        one.used_ms = self._now_ms()
        return ShareGiven(ErrorCode.NONE, _needed(part.buffers, batches, acquired), acquired)

    # -- being told ----------------------------------------------------------------------------------
    async def acknowledge(
        self, group_id: str, member: str, told: Sequence[ShareTold]
    ) -> list[ErrorCode]:
        """Take what ``member`` says, each partition all or nothing; durable on return. Raises StoreFault."""
        settings = self._settings_of(group_id)
        errors = [ErrorCode.NONE] * len(told)
        taken: dict[int, _Hosted] = {}
        for index, one in enumerate(told):
            try:
                hosted = await self._host(group_id, one.topic, one.partition, settings)
                hosted.partition.expire(self._now_ms(), settings.limits)
                hosted.partition.acknowledge(
                    member, one.acknowledgements, limits=settings.limits, now_ms=self._now_ms()
                )
            except ClientFault as fault:
                errors[index] = fault.code
                continue
            hosted.used_ms = self._now_ms()
            taken[index] = hosted
        saved = await self._save(taken.values())
        for index, is_saved in zip(taken, saved, strict=True):
            if not is_saved:
                errors[index] = ErrorCode.NOT_LEADER_OR_FOLLOWER  # somebody else hosts it by now
        return errors

    async def release(self, group_id: str, member: str) -> None:
        """``member`` has left: others may have what it held. Raises StoreFault."""
        limits = self._settings_of(group_id).limits
        changed = [
            one
            for key, one in self._hosted.items()
            if key.group_id == group_id and one.partition.release(member, limits)
        ]
        await self._save(changed)

    async def _save(self, changed: Iterable[_Hosted]) -> list[bool]:
        hosted = list(changed)
        if not hosted:
            return []
        saved = await self._metastore.save_shares([one.state() for one in hosted])
        for one, is_saved in zip(hosted, saved, strict=True):
            if not is_saved and self._hosted.get(one.key) is one:
                del self._hosted[one.key]
            one.wake()
        return saved

    # -- hosting ---------------------------------------------------------------------------------------
    async def _host(
        self, group_id: str, topic: Topic, partition: int, settings: ShareSettings
    ) -> _Hosted:
        """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION), Corrupt or StoreFault."""
        key = ShareKey(group_id, topic.no, partition)
        hosted = self._hosted.get(key)
        if hosted is not None:
            return hosted
        lock = self._claims.setdefault(key, asyncio.Lock())
        try:
            async with lock:
                hosted = self._hosted.get(key)
                if hosted is None:
                    self._make_room()
                    start = await self._first_offset(topic, partition, settings)
                    fresh = SharePartition(start)
                    state = await self._metastore.claim_share(key, start, fresh.encode())
                    hosted = _Hosted(state, SharePartition.decode(state.state), self._now_ms())
                    self._hosted[key] = hosted
                return hosted
        finally:
            if self._claims.get(key) is lock and not lock.locked():
                del self._claims[key]

    async def _first_offset(self, topic: Topic, partition: int, settings: ShareSettings) -> int:
        log = self._log.partition(topic, partition)
        await self._log.catalogue.refresh(log)
        if settings.reset is None or settings.reset == LATEST:
            return log.high_watermark
        if settings.reset == EARLIEST:
            return log.log_start
        found = await self._log.list_offset(topic, partition, self._wall_ms() - settings.reset)
        return log.high_watermark if found.offset < 0 else found.offset

    def _refresh(self, one: _Hosted, log: PartitionLog, settings: ShareSettings) -> None:
        one.partition.expire(self._now_ms(), settings.limits)
        one.partition.truncate(log.log_start)
        one.partition.rewind(max(log.next_offset, log.log_start))

    def _make_room(self) -> None:
        """Forget what nobody uses. Raises ClientFault(COORDINATOR_LOAD_IN_PROGRESS) if all is in use."""
        if len(self._hosted) < HOSTED_MAX:
            return
        now_ms = self._now_ms()
        for key, one in list(self._hosted.items()):
            one.partition.expire(now_ms, self._settings_of(key.group_id).limits)
            if one.partition.next_deadline_ms() is None and now_ms - one.used_ms > IDLE_MS:
                del self._hosted[key]
        if len(self._hosted) >= HOSTED_MAX:
            raise ClientFault(
                ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
                f"{HOSTED_MAX} partitions of share groups are in use on this broker",
            )

    async def look_again(self, group_id: str, topics: Iterable[Topic]) -> None:
        """A member begins: what nobody is working on is claimed anew, for it may have been changed meanwhile
        by who administers the group, or by a broker that hosted it in between. Raises StoreFault."""
        numbers = {topic.no for topic in topics}
        limits = self._settings_of(group_id).limits
        found = []
        for key, one in self._hosted.items():
            if key.group_id == group_id and key.topic_no in numbers:
                one.partition.expire(self._now_ms(), limits)
                if one.partition.next_deadline_ms() is None:
                    found.append(one)
        await self._save(found)  # how often records were delivered
        for one in found:
            if one.partition.next_deadline_ms() is None and self._hosted.get(one.key) is one:
                del self._hosted[one.key]


def _is_void(batch: BatchHeader, part: FetchPart) -> bool:
    """Whether nobody is to see its records: a marker, or of a transaction that was aborted."""
    if not batch.is_transactional:
        return batch.is_control
    return batch.is_control or any(
        one.producer_id == batch.producer_id
        and one.first_offset <= batch.base_offset <= one.last_offset
        for one in part.aborted
    )


def _needed(
    buffers: Sequence[memoryview], batches: Sequence[BatchHeader], acquired: Sequence[Acquired]
) -> list[memoryview]:
    """From the first to the last batch that holds something acquired."""
    if not acquired:
        return []
    first, last = acquired[0].first, acquired[-1].last
    wanted = [one for one in batches if one.last_offset >= first and one.base_offset <= last]
    return piece(buffers, wanted[0].position, wanted[-1].end) if wanted else []
