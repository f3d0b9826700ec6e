"""Idempotent producers (KIP-98): which batch is new, which is a retry, which must be refused.

Pure rules. A partition remembers the last five batches of each producer id; five is what a client may
have in flight, so a retry is always among them.
"""

from __future__ import annotations

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import ProducerBatch, ProducerState
from anabranch.records.batch import BatchHeader

BATCHES_REMEMBERED = 5  # max.in.flight.requests.per.connection of an idempotent client
SEQUENCE_MAX = 2**31 - 1


def check(
    state: ProducerState | None, batch: BatchHeader, awaited: tuple[int, int] | None = None
) -> int | None:
    """Judge a batch of an idempotent producer against what its partition remembers.

    ``awaited`` is the epoch and sequence of a batch that failed here and is to be repeated first.

    Returns:
        The original base offset if the batch is a retry of one already appended; None if it is new.

    Raises:
        ClientFault: INVALID_PRODUCER_EPOCH for a fenced producer, OUT_OF_ORDER_SEQUENCE_NUMBER for a
            hole in the sequence. An unknown producer id may start anywhere, up to what is awaited: its
            state may have expired.
    """
    if state is None:
        epoch, sequence = awaited or (batch.producer_epoch, batch.base_sequence)
        if batch.producer_epoch == epoch and batch.base_sequence > sequence:
            raise _out_of_order(batch, sequence)
        return None
    if batch.producer_epoch < state.epoch:
        raise ClientFault(
            ErrorCode.INVALID_PRODUCER_EPOCH,
            f"producer {batch.producer_id} epoch {batch.producer_epoch} is fenced by {state.epoch}",
        )
    if batch.producer_epoch > state.epoch:
        if batch.base_sequence != 0:
            raise _out_of_order(batch, expected=0)
        return None
    for known in state.batches:
        if (
            known.base_sequence == batch.base_sequence
            and known.last_sequence == batch.last_sequence
        ):
            return known.base_offset
    if state.batches:
        last = state.batches[-1].last_sequence
        expected = 0 if last == SEQUENCE_MAX else last + 1
        if batch.base_sequence != expected:
            raise _out_of_order(batch, expected)
    elif batch.is_transactional and batch.base_sequence != 0:
        # Its last transaction ended with a new epoch, and nothing of that epoch was accepted yet.
        raise _out_of_order(batch, expected=0)
    return None


def advance(
    state: ProducerState | None, batch: BatchHeader, base_offset: int, now_ms: int
) -> ProducerState:
    """The state after ``batch`` was accepted at ``base_offset``."""
    kept = state.batches if state is not None and state.epoch == batch.producer_epoch else ()
    entry = ProducerBatch(
        base_sequence=batch.base_sequence,
        last_sequence=batch.last_sequence,
        base_offset=base_offset,
        last_offset=base_offset + batch.last_offset_delta,
        timestamp=batch.max_timestamp,
    )
    return ProducerState(
        producer_id=batch.producer_id,
        epoch=batch.producer_epoch,
        batches=(*kept, entry)[-BATCHES_REMEMBERED:],
        updated_ms=now_ms,
    )


def after_marker(state: ProducerState | None, marker: BatchHeader, now_ms: int) -> ProducerState:
    """The state after a marker ended the producer's transaction: where it carries a new epoch, batches
    begin anew."""
    same = state is not None and state.epoch == marker.producer_epoch
    return ProducerState(
        producer_id=marker.producer_id,
        epoch=marker.producer_epoch,
        batches=state.batches if same and state is not None else (),
        updated_ms=now_ms,
    )


def _out_of_order(batch: BatchHeader, expected: int) -> ClientFault:
    return ClientFault(
        ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
        f"producer {batch.producer_id} epoch {batch.producer_epoch}: "
        f"sequence {batch.base_sequence} where {expected} was expected",
    )
