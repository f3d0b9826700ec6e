"""A partition as a share group sees it (KIP-932), against a model that keeps every offset by itself."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.groups.share.partition import (
    Acknowledgement,
    AckType,
    Acquired,
    Limits,
    SharePartition,
)

LIMITS = Limits(in_flight_max=20, deliveries_max=3, lock_ms=1000)


def give(
    partition: SharePartition, member: str, *batches: tuple[int, int], **more: Any
) -> list[Acquired]:
    values: dict[str, Any] = {
        "read_from": partition.next_offset,
        "read_to": batches[-1][1] if batches else -1,
        "records_max": 500,
        "strict": False,
        "limits": LIMITS,
        "now_ms": 0,
    }
    values |= more
    return partition.acquire(member, batches=batches, **values)


def tell(partition: SharePartition, member: str, *told: tuple[int, int, AckType]) -> None:
    partition.acknowledge(
        member,
        [Acknowledgement(first, last, [kind]) for first, last, kind in told],
        limits=LIMITS,
        now_ms=0,
    )


def test_deliver_accept_and_release() -> None:
    partition = SharePartition(0)
    assert give(partition, "a", (0, 4), (5, 9)) == [Acquired(0, 4, 1), Acquired(5, 9, 1)]
    assert give(partition, "b", (0, 4), (5, 9)) == []
    tell(partition, "a", (0, 2, AckType.ACCEPT), (3, 4, AckType.RELEASE), (5, 9, AckType.ACCEPT))
    assert (partition.start, partition.next_offset, partition.end) == (3, 3, 10)
    # Whole batches are read, and only what is free is given.
    assert give(partition, "b", (0, 4), (5, 9)) == [Acquired(3, 4, 2)]
    tell(partition, "b", (3, 4, AckType.REJECT))
    assert (partition.start, partition.in_flight) == (10, 0)


def test_a_record_that_was_delivered_too_often_is_archived() -> None:
    partition = SharePartition(7)
    for count in (1, 2, 3):
        assert give(partition, "a", (7, 7)) == [Acquired(7, 7, count)]
        tell(partition, "a", (7, 7, AckType.RELEASE))
    assert (partition.start, give(partition, "a", (7, 7))) == (8, [])


def test_locks_end_and_are_renewed() -> None:
    partition = SharePartition(0)
    give(partition, "a", (0, 3))
    assert partition.next_deadline_ms() == 1000
    partition.acknowledge("a", [Acknowledgement(2, 3, [AckType.RENEW])], limits=LIMITS, now_ms=500)
    assert not partition.expire(999, LIMITS)
    assert partition.expire(1000, LIMITS)
    assert give(partition, "b", (0, 3), now_ms=1001) == [Acquired(0, 1, 2)]
    with pytest.raises(ClientFault):
        tell(partition, "a", (0, 0, AckType.ACCEPT))
    tell(partition, "a", (2, 3, AckType.ACCEPT))


def test_only_what_a_member_holds_is_taken_from_it_and_all_or_nothing() -> None:
    partition = SharePartition(0)
    give(partition, "a", (0, 4))
    give(partition, "b", (5, 9), read_from=5)
    for told in ((4, 5), (5, 5), (10, 10), (0, 12)):
        with pytest.raises(ClientFault) as caught:
            tell(partition, "a", (0, 1, AckType.ACCEPT), (*told, AckType.ACCEPT))
        assert caught.value.code == ErrorCode.INVALID_RECORD_STATE
        assert partition.start == 0
    for wrong in (
        Acknowledgement(0, 2, [1, 1]),
        Acknowledgement(0, 0, [9]),
        Acknowledgement(3, 1, [1]),
    ):
        with pytest.raises(ClientFault) as caught:
            partition.acknowledge("a", [wrong], limits=LIMITS, now_ms=0)
        assert caught.value.code == ErrorCode.INVALID_REQUEST
    partition.acknowledge("a", [Acknowledgement(0, 4, [1, 2, 2, 3, 0])], limits=LIMITS, now_ms=0)
    assert give(partition, "c", (0, 4)) == [Acquired(1, 2, 2)]


def test_I10_what_is_in_flight_is_bounded() -> None:
    partition = SharePartition(0)
    assert give(partition, "a", (0, 14), (15, 29)) == [Acquired(0, 14, 1), Acquired(15, 19, 1)]
    assert not partition.has_room(LIMITS)
    assert give(partition, "b", (0, 14), (15, 29)) == []
    tell(partition, "a", (0, 9, AckType.RELEASE))
    assert partition.has_room(LIMITS)
    assert give(partition, "b", (0, 14), (15, 29)) == [Acquired(0, 9, 2)]


def test_how_many_records_are_given() -> None:
    partition = SharePartition(0)
    # Batch-optimised: not more batches than needed, and never a part of one.
    assert give(partition, "a", (0, 4), (5, 9), (10, 14), records_max=6) == [
        Acquired(0, 4, 1),
        Acquired(5, 9, 1),
    ]
    assert give(partition, "a", (10, 14), records_max=2, strict=True) == [Acquired(10, 11, 1)]


def test_offsets_without_records_are_done() -> None:
    partition = SharePartition(0)
    give(partition, "a", (0, 9))
    tell(partition, "a", (0, 9, AckType.RELEASE))
    # Compaction took 0 to 3 and 6 to 7 meanwhile.
    assert give(partition, "a", (4, 5), (8, 9), (12, 12)) == [
        Acquired(4, 5, 2),
        Acquired(8, 9, 2),
        Acquired(12, 12, 1),
    ]
    assert (partition.start, partition.end, partition.in_flight) == (4, 13, 5)


def test_what_was_read_to_its_end_is_done_without_records() -> None:
    """Such as the markers of transactions behind the last record."""
    partition = SharePartition(0)
    assert give(partition, "a", (0, 1), read_to=4) == [Acquired(0, 1, 1)]
    assert (partition.end, partition.next_offset) == (5, 5)
    assert give(partition, "a", read_from=5, read_to=6) == []
    assert partition.end == 7
    # But not what was not looked at, for it was enough.
    assert give(partition, "a", (7, 7), (8, 8), read_to=9, records_max=1) == [Acquired(7, 7, 1)]
    assert partition.end == 8


def test_the_log_start_moves() -> None:
    partition = SharePartition(0)
    give(partition, "a", (0, 9))
    assert partition.truncate(5)
    assert not partition.truncate(5)
    tell(partition, "a", (0, 9, AckType.ACCEPT))  # what is gone is no error
    assert partition.start == 10
    assert partition.truncate(50)
    assert (partition.start, partition.end) == (50, 50)


def test_what_outlives_the_broker() -> None:
    partition = SharePartition(0)
    give(partition, "a", (0, 9))
    tell(partition, "a", (2, 5, AckType.ACCEPT))
    restored = SharePartition.decode(partition.encode())
    assert (restored.start, restored.end, restored.next_offset) == (0, 10, 0)
    assert give(restored, "b", (0, 9)) == [Acquired(0, 1, 2), Acquired(6, 9, 2)]
    for garbage in (b"", b"\x93\x00\x00", b"xyz"):
        with pytest.raises(Corrupt):
            SharePartition.decode(garbage)


class Machine(RuleBasedStateMachine):
    """Batches of 1 to 4 records; the model keeps (deliveries, member, deadline) of each offset in flight."""

    def __init__(self) -> None:
        super().__init__()
        self.partition = SharePartition(0)
        self.batches: list[tuple[int, int]] = []
        self.flight: dict[int, tuple[int, str | None, int]] = {}
        self.seen = 0  # offsets below were delivered, or will never be
        self.now_ms = 0

    @rule(sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4))
    def produce(self, sizes: list[int]) -> None:
        for size in sizes:
            at = self.batches[-1][1] + 1 if self.batches else 0
            self.batches.append((at, at + size - 1))

    @precondition(lambda self: len(self.batches) > 1)
    @rule(data=st.data())
    def compact(self, data: st.DataObject) -> None:
        """A batch vanishes, but never the last."""
        gone = data.draw(st.integers(0, len(self.batches) - 2))
        del self.batches[gone]

    @rule(member=st.sampled_from("ab"), records=st.integers(1, 9), strict=st.booleans())
    def fetch(self, member: str, records: int, strict: bool) -> None:
        start = self.partition.next_offset
        read = [batch for batch in self.batches if batch[1] >= start]
        given = give(
            self.partition, member, *read, read_from=start, records_max=records, strict=strict,
            now_ms=self.now_ms,
        )  # fmt: skip
        offsets = [(n, one.delivery_count) for one in given for n in range(one.first, one.last + 1)]
        real = {n for first, last in self.batches for n in range(first, last + 1)}
        for offset, count in offsets:
            assert offset in real
            before = self.flight.get(offset, (0, None, 0))
            assert before[1] is None
            assert offset in self.flight or offset >= self.seen
            assert count == before[0] + 1
            self.flight[offset] = (count, member, self.now_ms + LIMITS.lock_ms)
            self.seen = max(self.seen, offset + 1)
        if strict:
            assert len(offsets) <= records
        if not offsets:  # then there was nothing to give, or no room for it
            free = [n for n in real if n >= self.seen or self.flight.get(n, (0, "x", 0))[1] is None]
            fresh_only = all(n >= self.seen for n in free)
            assert not free or (fresh_only and len(self.flight) >= LIMITS.in_flight_max)
        passed = max((n for n, _ in offsets), default=start - 1)
        for offset in range(start, passed):
            if offset not in real and self.flight.get(offset, (0, "x", 0))[1] is None:
                self.flight.pop(offset, None)

    @rule(member=st.sampled_from("ab"), data=st.data(), kind=st.sampled_from(AckType))
    def acknowledge(self, member: str, data: st.DataObject, kind: AckType) -> None:
        first = data.draw(st.integers(0, self.partition.end + 1))
        last = data.draw(st.integers(first, first + 5))
        start = self.partition.start
        allowed = all(
            n < start or self.flight.get(n, (0, None, 0))[1] == member
            for n in range(first, last + 1)
        )
        try:
            self.partition.acknowledge(
                member, [Acknowledgement(first, last, [kind])], limits=LIMITS, now_ms=self.now_ms
            )
        except ClientFault as fault:
            assert fault.code == ErrorCode.INVALID_RECORD_STATE
            assert not allowed
            return
        assert allowed
        for offset in range(max(first, start), last + 1):
            self.end_of(offset, kind)

    def end_of(self, offset: int, kind: AckType) -> None:
        count, member, _ = self.flight[offset]
        if kind is AckType.RENEW:
            self.flight[offset] = (count, member, self.now_ms + LIMITS.lock_ms)
        elif kind is AckType.RELEASE and count < LIMITS.deliveries_max:
            self.flight[offset] = (count, None, 0)
        else:
            del self.flight[offset]

    @rule(step=st.integers(1, 700))
    def time_passes(self, step: int) -> None:
        self.now_ms += step
        self.partition.expire(self.now_ms, LIMITS)
        for offset, (_, member, deadline) in list(self.flight.items()):
            if member is not None and deadline <= self.now_ms:
                self.end_of(offset, AckType.RELEASE)

    @rule(member=st.sampled_from("ab"))
    def leave(self, member: str) -> None:
        self.partition.release(member, LIMITS)
        for offset, (_, holder, _) in list(self.flight.items()):
            if holder == member:
                self.end_of(offset, AckType.RELEASE)

    @rule()
    def crash(self) -> None:
        self.partition = SharePartition.decode(self.partition.encode())
        for offset, (count, _, _) in self.flight.items():
            self.flight[offset] = (count, None, 0)

    @rule(data=st.data())
    def retain(self, data: st.DataObject) -> None:
        log_start = data.draw(st.integers(0, self.batches[-1][0] if self.batches else 0))
        self.partition.truncate(log_start)
        self.batches = [batch for batch in self.batches if batch[1] >= log_start]
        self.flight = {n: one for n, one in self.flight.items() if n >= log_start}
        self.seen = max(self.seen, log_start)

    @invariant()
    def agree(self) -> None:
        mine = {
            offset: (run.deliveries, run.member, run.deadline_ms)
            for run in self.partition._runs
            for offset in range(run.first, run.last + 1)
        }
        assert mine == self.flight
        assert list(mine) == sorted(mine)
        assert len(mine) <= LIMITS.in_flight_max
        assert self.partition.start == min(mine, default=self.partition.end)


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)


@given(kinds=st.lists(st.sampled_from(AckType), min_size=1, max_size=20))
def test_types_by_offset_are_as_told_one_by_one(kinds: list[AckType]) -> None:
    together, singly = SharePartition(0), SharePartition(0)
    for partition in (together, singly):
        give(partition, "a", (0, 19))
    last = len(kinds) - 1
    together.acknowledge("a", [Acknowledgement(0, last, kinds)], limits=LIMITS, now_ms=3)
    for offset, kind in enumerate(kinds):
        singly.acknowledge("a", [Acknowledgement(offset, offset, [kind])], limits=LIMITS, now_ms=3)
    held = [
        {
            (n, run.member, run.deliveries)
            for run in one._runs
            for n in range(run.first, run.last + 1)
        }
        for one in (together, singly)
    ]
    assert held[0] == held[1]
