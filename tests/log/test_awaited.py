"""I10: what is remembered of batches that were turned away is bounded."""

from __future__ import annotations

from anabranch.log.awaited import AWAITED_MAX, PLACES_MAX, Awaited, Strangers, idempotent_headers
from anabranch.records.builder import build_batch
from anabranch.records.record import Record


def data(producer_id: int, sequence: int, epoch: int = 0) -> memoryview:
    records = [Record(0, 1, b"k", b"v", ())]
    return memoryview(
        build_batch(records, producer_id=producer_id, producer_epoch=epoch, base_sequence=sequence)
    )


def test_the_first_batch_of_the_newest_epoch_is_awaited() -> None:
    awaited = Awaited()
    for epoch, sequence in ((0, 7), (0, 3), (0, 5)):
        awaited.add(1, epoch, sequence)
    assert awaited.get(1) == (0, 3)
    awaited.add(1, 1, 4)
    awaited.add(1, 0, 0)
    assert awaited.get(1) == (1, 4)
    awaited.came(1)
    assert awaited.get(1) is None


def test_I10_producers_and_partitions_are_bounded() -> None:
    awaited = Awaited()
    for producer_id in range(AWAITED_MAX + 5):
        awaited.add(producer_id, 0, 0)
    assert awaited.get(4) is None and awaited.get(5) == (0, 0)
    strangers = Strangers()
    for number in range(PLACES_MAX + 1):
        strangers.refused((f"t{number}", 0), list(idempotent_headers(data(1, 0))))
    known = Awaited()
    strangers.introduce("t0", bytes(16), 0, known)
    assert known.get(1) is None
    strangers.introduce("t1", bytes(16), 0, known)
    assert known.get(1) == (0, 0)


def test_only_idempotent_batches_that_can_be_read_are_remembered() -> None:
    assert not list(idempotent_headers(data(-1, -1, -1)))
    assert not list(idempotent_headers(memoryview(b"\xff" * 100)))
    (header,) = idempotent_headers(data(9, 2))
    assert (header.producer_id, header.base_sequence) == (9, 2)
