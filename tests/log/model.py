"""What a log should hold, in a few lists: the other side of ``test_machine.py``.

Written from Kafka's rules and the project's invariants, not from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from anabranch.errors import ErrorCode

BATCHES_REMEMBERED = 5
PRODUCER_EXPIRATION_MS = 24 * 3_600_000


class Kept(NamedTuple):
    """One record; its offset is its place in the partition's list."""

    value: bytes
    timestamp: int
    appended_ms: int


@dataclass
class Producer:
    epoch: int
    batches: list[tuple[int, int, int]]  # base sequence, last sequence, base offset
    updated_ms: int


@dataclass
class ModelPartition:
    records: list[Kept] = field(default_factory=list)  # also those below the log start
    log_start: int = 0
    producers: dict[int, Producer] = field(default_factory=dict)

    @property
    def next_offset(self) -> int:
        return len(self.records)

    def readable(self, offset: int) -> list[tuple[int, bytes]]:
        start = max(offset, self.log_start)
        return [(start + n, kept.value) for n, kept in enumerate(self.records[start:])]

    # -- appends ---------------------------------------------------------------------------------
    def judge(
        self, pid: int, epoch: int, sequence: int, count: int, now_ms: int
    ) -> int | ErrorCode | None:
        """The original offset of a retry, the error, or None for a batch that is new (KIP-98)."""
        known = self.producers.get(pid)
        if known is None or known.updated_ms < now_ms - PRODUCER_EXPIRATION_MS:
            return None
        if epoch < known.epoch:
            return ErrorCode.INVALID_PRODUCER_EPOCH
        if epoch > known.epoch:
            return None if sequence == 0 else ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        for first, last, offset in known.batches:
            if (first, last) == (sequence, sequence + count - 1):
                return offset
        if sequence != known.batches[-1][1] + 1:
            return ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
        return None

    def append(
        self,
        values: list[bytes],
        timestamps: list[int],
        now_ms: int,
        producer: tuple[int, int, int] | None = None,
    ) -> int | ErrorCode:
        """The base offset or the error; ``producer`` is (id, epoch, base sequence)."""
        base = self.next_offset
        if producer is not None:
            pid, epoch, sequence = producer
            verdict = self.judge(pid, epoch, sequence, len(values), now_ms)
            if verdict is not None:
                return verdict
            known = self.producers.get(pid)
            fresh = known is None or known.updated_ms < now_ms - PRODUCER_EXPIRATION_MS
            kept = [] if known is None or fresh or known.epoch != epoch else known.batches
            batch = (sequence, sequence + len(values) - 1, base)
            self.producers[pid] = Producer(epoch, [*kept, batch][-BATCHES_REMEMBERED:], now_ms)
        self.records += [
            Kept(value, timestamp, now_ms)
            for value, timestamp in zip(values, timestamps, strict=True)
        ]
        return base

    # -- times -----------------------------------------------------------------------------------
    def at_or_after(self, timestamp: int) -> tuple[int, int]:
        for offset in range(self.log_start, self.next_offset):
            if self.records[offset].timestamp >= timestamp:
                return offset, self.records[offset].timestamp
        return -1, -1

    def newest(self) -> tuple[int, int]:
        """First record with the largest timestamp."""
        left = range(self.log_start, self.next_offset)
        if not left:
            return -1, -1
        offset = max(left, key=lambda each: (self.records[each].timestamp, -each))
        return offset, self.records[offset].timestamp

    def newest_was_deleted(self) -> bool:
        newest = max((kept.timestamp for kept in self.records), default=-1)
        return self.newest()[1] < newest

    def end_by_append_time(self, appended_ms: int) -> int:
        ends = (n for n, kept in enumerate(self.records) if kept.appended_ms >= appended_ms)
        return max(self.log_start, next(ends, self.next_offset))

    def end_by_event_time(self, timestamp: int) -> int:
        offset, _ = self.at_or_after(timestamp)
        return self.next_offset if offset < 0 else offset

    # -- branches --------------------------------------------------------------------------------
    def branch(self, end: int) -> ModelPartition:
        """Producers begin anew: clients number their batches per topic name."""
        return ModelPartition(self.records[:end], self.log_start)


@dataclass
class ModelTopic:
    configs: dict[str, str]
    partitions: list[ModelPartition]
