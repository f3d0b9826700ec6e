"""One partition as a share group sees it (KIP-932): what is in flight, how often it was delivered, what is done.

A deterministic automaton without I/O. Offsets from ``start`` up to ``end`` are either in flight, in runs that are
*acquired* (delivered to a member, until its lock ends) or *available* (delivered before, to be delivered again), or
they are done: accepted, rejected, delivered too often, or offsets without a record. Nothing is known of what lies
from ``end`` on but that nobody has had it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from itertools import groupby
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct

from anabranch.errors import ClientFault, Corrupt, ErrorCode


class AckType(IntEnum):
    """What a member says of an offset that it had (KIP-932, KIP-1222)."""

    GAP = 0  # there was no record
    ACCEPT = 1
    RELEASE = 2  # to be delivered again
    REJECT = 3  # never to be delivered again
    RENEW = 4  # not done yet: lock it once more


class Acknowledgement(NamedTuple):
    """Offsets ``first`` to ``last``, both inclusive, and one type for all of them or one for each."""

    first: int
    last: int
    types: Sequence[int]


class Acquired(NamedTuple):
    """Offsets that a member was given, both inclusive, and how often they were given to anybody."""

    first: int
    last: int
    delivery_count: int


class Limits(NamedTuple):
    """What a share group may do to a partition."""

    in_flight_max: int  # records
    deliveries_max: int  # of one record, the first included
    lock_ms: int  # how long a member may take


class _Run(Struct):
    """In-flight offsets that are alike. ``member`` None: available."""

    first: int
    last: int
    deliveries: int
    member: str | None = None
    deadline_ms: int = 0

    def __len__(self) -> int:
        return self.last - self.first + 1


class _Stored(Struct, array_like=True):
    """The durable form: runs are (first, last, deliveries)."""

    start: int
    end: int
    runs: list[tuple[int, int, int]]


_TYPES: Final = frozenset(map(int, AckType))
_DECODER: Final = msgspec.msgpack.Decoder(_Stored)


class SharePartition:
    """See the module. Times in milliseconds of one clock."""

    def __init__(self, start: int) -> None:
        self.end = start
        self._runs: list[_Run] = []  # by offset, none empty, none overlapping

    # -- durable form ------------------------------------------------------------------------------
    @classmethod
    def decode(cls, data: bytes) -> SharePartition:
        """Raises Corrupt."""
        try:
            stored = _DECODER.decode(data)
        except msgspec.MsgspecError as error:
            raise Corrupt(f"the state of a share group's partition is damaged: {error}") from None
        partition = cls(stored.start)
        partition.end = stored.end
        partition._runs = [_Run(*run) for run in stored.runs]
        return partition

    def encode(self) -> bytes:
        """What outlives the broker: a lock does not, its delivery counts."""
        runs = [(one.first, one.last, one.deliveries) for one in self._runs]
        return msgspec.msgpack.encode(_Stored(self.start, self.end, runs))

    # -- looking -------------------------------------------------------------------------------------
    @property
    def start(self) -> int:
        """Everything below is done (Kafka's share-partition start offset)."""
        return self._runs[0].first if self._runs else self.end

    @property
    def in_flight(self) -> int:
        """Records."""
        return sum(map(len, self._runs))

    @property
    def next_offset(self) -> int:
        """Where to read what is delivered next."""
        return next((run.first for run in self._runs if run.member is None), self.end)

    def next_deadline_ms(self) -> int | None:
        """When the first lock ends."""
        return min((run.deadline_ms for run in self._runs if run.member is not None), default=None)

    def has_room(self, limits: Limits) -> bool:
        """Whether anything can be delivered."""
        return self.next_offset < self.end or self.in_flight < limits.in_flight_max

    # -- delivering ----------------------------------------------------------------------------------
    def acquire(
        self,
        member: str,
        read_from: int,
        batches: Iterable[tuple[int, int]],
        *,
        read_to: int,
        records_max: int,
        strict: bool,
        limits: Limits,
        now_ms: int,
    ) -> list[Acquired]:
        """Give ``member`` what is free of ``batches``, which are what the log has from ``read_from`` to ``read_to``.

        A batch is given as a whole even if it goes beyond ``records_max`` (as Kafka's batch-optimised mode does),
        unless ``strict``. Offsets between the batches hold no record, and are done.
        """
        given: list[Acquired] = []
        left, deadline_ms = records_max, now_ms + limits.lock_ms
        room_for_new = limits.in_flight_max - self.in_flight
        at = read_from
        for first, last in batches:
            if left <= 0:
                return given
            self._finish_free(at, first - 1)
            for run in self._free(first, last):
                room = left if strict else len(run)
                if run.deliveries == 0:
                    room = min(room, room_for_new)
                if room <= 0:
                    return given
                taken = self._take(run, min(run.last, run.first + room - 1))
                if run.deliveries == 0:
                    room_for_new -= len(taken)
                taken.deliveries += 1
                taken.member, taken.deadline_ms = member, deadline_ms
                given.append(Acquired(taken.first, taken.last, taken.deliveries))
                left -= len(taken)
                if strict and left <= 0:
                    return given
            at = last + 1
        self._finish_free(at, read_to)
        return given

    def _free(self, first: int, last: int) -> list[_Run]:
        """Copies of what can be given out of ``first`` to ``last``."""
        found = []
        for index in range(max(0, self._index(first) - 1), len(self._runs)):
            run = self._runs[index]
            if run.first > last:
                break
            if run.member is None and run.last >= first:
                found.append(_Run(max(run.first, first), min(run.last, last), run.deliveries))
        if last >= self.end:
            found.append(_Run(max(first, self.end), last, 0))
        return found

    def _take(self, free: _Run, last: int) -> _Run:
        """Make ``free``, up to ``last``, a run of its own among ours."""
        if free.deliveries == 0:
            taken = _Run(free.first, last, 0)
            self._runs.append(taken)
            self.end = last + 1
            return taken
        (index,) = self._split(free.first, last)
        return self._runs[index]

    def _index(self, offset: int) -> int:
        """Of the first run that begins at or above ``offset``."""
        return bisect_left(self._runs, offset, key=lambda run: run.first)

    def _finish_free(self, first: int, last: int) -> None:
        """There are no records from ``first`` to ``last``."""
        if first > last:
            return
        between = self._split(first, last)
        self._runs[between.start : between.stop] = [
            run for run in self._runs[between.start : between.stop] if run.member is not None
        ]
        if first <= self.end <= last:
            self.end = last + 1

    def _split(self, first: int, last: int) -> range:
        """Cut runs at ``first`` and behind ``last``; the indexes of those between."""
        start, stop = self._cut(first), self._cut(last + 1)
        return range(start, max(start, stop))

    def _cut(self, offset: int) -> int:
        """See to it that no run goes across ``offset``; the index of the first run at or above it."""
        index = self._index(offset)
        if index > 0 and self._runs[index - 1].last >= offset:
            run = self._runs[index - 1]
            self._runs.insert(index, msgspec.structs.replace(run, first=offset))
            run.last = offset - 1
        return index

    # -- being told ----------------------------------------------------------------------------------
    def acknowledge(
        self, member: str, told: Sequence[Acknowledgement], *, limits: Limits, now_ms: int
    ) -> None:
        """Take what ``member`` says of what it had, all or nothing.

        Raises ClientFault(INVALID_RECORD_STATE) for what it does not hold, (INVALID_REQUEST) for what makes no
        sense.
        """
        for one in told:
            self._check(member, one)
        for one in told:
            if len(one.types) == 1:
                self._apply(one.first, one.last, AckType(one.types[0]), limits, now_ms)
            else:
                first = one.first
                for kind, alike in groupby(one.types):
                    last = first + len(list(alike)) - 1
                    self._apply(first, last, AckType(kind), limits, now_ms)
                    first = last + 1

    def _check(self, member: str, told: Acknowledgement) -> None:
        length = told.last - told.first + 1
        if length < 1 or len(told.types) not in (1, length):
            raise ClientFault(
                ErrorCode.INVALID_REQUEST,
                "an acknowledgement has one type for all of its offsets, or one for each",
            )
        if any(kind not in _TYPES for kind in told.types):
            raise ClientFault(ErrorCode.INVALID_REQUEST, "there is no such acknowledgement type")
        at = max(told.first, self.start)
        for index in range(max(0, self._index(at + 1) - 1), len(self._runs)):
            run = self._runs[index]
            if run.first > at or at > told.last or run.last < at or run.member != member:
                break
            at = run.last + 1
        if at <= told.last:
            raise ClientFault(
                ErrorCode.INVALID_RECORD_STATE, f"offset {at} is not acquired by this member"
            )

    def _apply(self, first: int, last: int, kind: AckType, limits: Limits, now_ms: int) -> None:
        between = self._split(max(first, self.start), last)
        if kind not in (AckType.RENEW, AckType.RELEASE):
            del self._runs[between.start : between.stop]
            return
        for index in reversed(between):
            run = self._runs[index]
            if kind is AckType.RENEW:
                run.deadline_ms = now_ms + limits.lock_ms
            else:
                self._release(index, limits)

    def _release(self, index: int, limits: Limits) -> None:
        run = self._runs[index]
        if run.deliveries >= limits.deliveries_max:
            del self._runs[index]  # delivered too often: archived
        else:
            run.member, run.deadline_ms = None, 0

    # -- what happens by itself ------------------------------------------------------------------------
    def expire(self, now_ms: int, limits: Limits) -> bool:
        """Locks that ended are gone. Returns whether there were any."""
        return self._release_if(lambda run: run.deadline_ms <= now_ms, limits)

    def release(self, member: str, limits: Limits) -> bool:
        """``member`` has left. Returns whether it held anything."""
        return self._release_if(lambda run: run.member == member, limits)

    def _release_if(self, over: Callable[[_Run], bool], limits: Limits) -> bool:
        found = [n for n, run in enumerate(self._runs) if run.member is not None and over(run)]
        for index in reversed(found):
            self._release(index, limits)
        return bool(found)

    def truncate(self, log_start: int) -> bool:
        """The log begins at ``log_start`` now. Returns whether that changed anything."""
        if log_start <= self.start:
            return False
        del self._runs[: self._cut(log_start)]
        self.end = max(self.end, log_start)
        return True

    def rewind(self, log_end: int) -> bool:
        """The log ends at ``log_end`` now: it was truncated. Returns whether that changed anything."""
        if log_end >= self.end:
            return False
        del self._runs[self._cut(log_end) :]
        self.end = log_end
        return True
