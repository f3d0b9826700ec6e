"""The rules of transactional ids and of the ends of their transactions: values in, decisions out.

KIP-98, KIP-360 (a producer goes on after an error), KIP-890 (each end of a transaction bumps the epoch).
What Kafka's coordinator does in two steps, prepare and complete, is one step here; its intermediate
states, and the CONCURRENT_TRANSACTIONS that they are answered with, do not exist.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.transaction_values import (
    NO_EPOCH,
    NO_PRODUCER,
    TransactionalId,
    TransactionEnd,
    TransactionState,
)

EPOCH_MAX = 2**15 - 1


class Identity(NamedTuple):
    """What a producer says that it is."""

    producer_id: int
    epoch: int


def is_exhausted(epoch: int) -> bool:
    """Whether no epoch is left to give: the last one is kept to fence with."""
    return epoch >= EPOCH_MAX - 1


def check_identity(row: TransactionalId | None, producer: Identity) -> TransactionalId:
    """Raises ClientFault: INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED."""
    if row is None or row.producer_id != producer.producer_id:
        raise ClientFault(
            ErrorCode.INVALID_PRODUCER_ID_MAPPING,
            f"producer id {producer.producer_id} is not that of the transactional id",
        )
    if row.epoch != producer.epoch:
        raise _fenced(row, producer)
    return row


def check_expected(row: TransactionalId, expected: Identity | None) -> None:
    """Whether a producer that names what it had may be initialised. Raises ClientFault(PRODUCER_FENCED)."""
    if (
        expected is None
        or row.epoch == NO_EPOCH
        or expected.producer_id == row.producer_id
        or (expected.producer_id == row.previous_producer_id and is_exhausted(expected.epoch))
    ):
        return
    raise _fenced(row, expected)


def initialised(
    row: TransactionalId, expected: Identity | None, timeout_ms: int, now_ms: int
) -> TransactionalId | None:
    """The id after InitProducerId; None if it needs a new producer id first (see :func:`rotated`).

    No transaction may be ongoing. Raises ClientFault(PRODUCER_FENCED).
    """
    assert row.state is not TransactionState.ONGOING
    check_expected(row, expected)
    if is_exhausted(row.epoch) and (expected is None or expected.epoch == row.epoch):
        return None
    if expected is None:
        epoch, previous = row.epoch + 1, NO_EPOCH
    elif row.epoch in (NO_EPOCH, expected.epoch):
        epoch, previous = row.epoch + 1, row.epoch
    elif expected.epoch == row.previous_epoch:  # again: the answer was lost
        epoch, previous = row.epoch, row.previous_epoch
    else:
        raise _fenced(row, expected)
    return replace(
        row,
        epoch=epoch,
        previous_epoch=previous,
        timeout_ms=timeout_ms,
        state=TransactionState.EMPTY,
        started_ms=None,
        updated_ms=now_ms,
    )


def rotated(
    row: TransactionalId, producer_id: int, expected: Identity | None, timeout_ms: int, now_ms: int
) -> TransactionalId:
    """The id after InitProducerId where its epochs were used up."""
    return replace(
        row,
        producer_id=producer_id,
        epoch=0,
        previous_producer_id=row.producer_id,
        previous_epoch=NO_EPOCH if expected is None else row.epoch,
        timeout_ms=timeout_ms,
        state=TransactionState.EMPTY,
        started_ms=None,
        updated_ms=now_ms,
    )


def judge_end(
    row: TransactionalId | None, producer: Identity, *, commit: bool, bumps: bool
) -> TransactionEnd | None:
    """What a client's EndTxn does; None if it was done before and its answer was lost.

    ``bumps``: each end bumps the epoch (KIP-890, EndTxn from version 5 on), and there may be nothing to
    abort. Raises ClientFault: INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED, INVALID_TXN_STATE.
    """
    again = row is not None and bumps and _was_answered(row, producer)
    if not again:
        check_identity(row, producer)
    assert row is not None
    if row.state is TransactionState.ONGOING:
        if again:
            raise _fenced(row, producer)
        return end_of(row, commit=commit, bumps=bumps)
    if bumps and not commit and not again:
        # What it wrote may all have been refused: an abort without a transaction still bumps the epoch.
        return end_of(row, commit=False, bumps=True)
    done = TransactionState.COMPLETE_COMMIT if commit else TransactionState.COMPLETE_ABORT
    if row.state is not done or (bumps and not again):
        raise ClientFault(
            ErrorCode.INVALID_TXN_STATE,
            f"transactional id '{row.name}' is {row.state.title}: nothing to "
            f"{'commit' if commit else 'abort'}",
        )
    return None


def end_of(row: TransactionalId, *, commit: bool, bumps: bool) -> TransactionEnd:
    """The end of a transaction that its producer asks for."""
    return TransactionEnd(
        no=row.no,
        producer_id=row.producer_id,
        epoch=row.epoch,
        ongoing=row.state is TransactionState.ONGOING,
        commit=commit,
        epoch_after=row.epoch + 1 if bumps else row.epoch,
        previous_epoch=row.epoch if bumps else row.previous_epoch,
        rotate=bumps and is_exhausted(row.epoch),
    )


def fence_of(row: TransactionalId) -> TransactionEnd:
    """The end of an ongoing transaction that its producer did not ask for: whoever has the present epoch
    is fenced."""
    return TransactionEnd(
        no=row.no,
        producer_id=row.producer_id,
        epoch=row.epoch,
        ongoing=row.state is TransactionState.ONGOING,
        commit=False,
        epoch_after=min(row.epoch + 1, EPOCH_MAX),
        previous_epoch=NO_EPOCH,
        rotate=False,
    )


def ended(row: TransactionalId, end: TransactionEnd, new_id: int, now_ms: int) -> TransactionalId:
    """The id after the end; ``new_id`` counts only if it rotates."""
    return replace(
        row,
        producer_id=new_id if end.rotate else row.producer_id,
        epoch=0 if end.rotate else end.epoch_after,
        previous_producer_id=row.producer_id if end.rotate else row.previous_producer_id,
        previous_epoch=end.previous_epoch,
        state=TransactionState.COMPLETE_COMMIT if end.commit else TransactionState.COMPLETE_ABORT,
        started_ms=None,
        updated_ms=now_ms,
    )


def _was_answered(row: TransactionalId, producer: Identity) -> bool:
    """Whether the producer is what the id was before its last end, so that it must have missed that."""
    if row.previous_epoch != producer.epoch:
        return False
    if row.producer_id == producer.producer_id:
        return row.epoch == producer.epoch + 1
    return row.previous_producer_id == producer.producer_id != NO_PRODUCER and row.epoch == 0


def _fenced(row: TransactionalId, producer: Identity) -> ClientFault:
    return ClientFault(
        ErrorCode.PRODUCER_FENCED,
        f"producer {producer.producer_id} epoch {producer.epoch} of transactional id '{row.name}' is "
        f"fenced by producer {row.producer_id} epoch {row.epoch}",
    )
