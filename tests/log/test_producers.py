"""I5: a retried batch of an idempotent producer is recognised; holes and fenced epochs are refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.producers import BATCHES_REMEMBERED, SEQUENCE_MAX, advance, check
from anabranch.metastore.api import ProducerState
from anabranch.records.batch import BatchHeader, parse_header
from anabranch.records.builder import build_batch
from anabranch.records.record import Record


def batch(sequence: int, count: int = 1, epoch: int = 0) -> BatchHeader:
    records = [Record(index, 1, b"k", b"v", ()) for index in range(count)]
    return parse_header(
        build_batch(records, producer_id=7, producer_epoch=epoch, base_sequence=sequence)
    )


def accepted(*batches: BatchHeader) -> ProducerState | None:
    state, offset = None, 0
    for each in batches:
        assert check(state, each) is None
        state = advance(state, each, offset, now_ms=1)
        offset += each.last_offset_delta + 1
    return state


def test_I5_retry_is_answered_with_its_original_offset() -> None:
    state = accepted(batch(0, 3), batch(3, 2))
    assert check(state, batch(0, 3)) == 0
    assert check(state, batch(3, 2)) == 3


def test_I5_only_the_last_five_batches_are_remembered() -> None:
    state = accepted(*[batch(sequence) for sequence in range(BATCHES_REMEMBERED + 1)])
    assert check(state, batch(1)) == 1
    with pytest.raises(ClientFault) as refused:
        check(state, batch(0))
    assert refused.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_hole_in_the_sequence_is_refused() -> None:
    with pytest.raises(ClientFault) as refused:
        check(accepted(batch(0)), batch(2))
    assert refused.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER


def test_older_epoch_is_fenced_and_newer_starts_at_zero() -> None:
    state = accepted(batch(0, epoch=3))
    with pytest.raises(ClientFault) as fenced:
        check(state, batch(1, epoch=2))
    assert fenced.value.code is ErrorCode.INVALID_PRODUCER_EPOCH
    with pytest.raises(ClientFault) as hole:
        check(state, batch(1, epoch=4))
    assert hole.value.code is ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER
    assert check(state, batch(0, epoch=4)) is None
    bumped = advance(state, batch(0, epoch=4), 9, now_ms=1)
    assert [known.base_offset for known in bumped.batches] == [9]


def test_unknown_producer_may_start_anywhere() -> None:
    assert check(None, batch(42)) is None


def test_sequence_wraps_at_int32() -> None:
    state = accepted(batch(SEQUENCE_MAX))
    assert check(state, batch(0)) is None
    with pytest.raises(ClientFault):
        check(state, batch(1))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=20))
def test_I5_any_of_the_remembered_batches_may_be_repeated(counts: list[int]) -> None:
    sequence, batches = 0, []
    for count in counts:
        batches.append(batch(sequence, count))
        sequence += count
    state = accepted(*batches)
    for each in batches[-BATCHES_REMEMBERED:]:
        assert check(state, each) == each.base_sequence
