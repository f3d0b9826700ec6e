"""What the verbs about transactions take and give."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from anabranch.errors import ErrorCode

NO_EPOCH = -1
NO_PRODUCER = -1


class TransactionState(IntEnum):
    """Kafka's numbers. Nothing is ever *prepared*: a transaction ends in one step (I6)."""

    EMPTY = 0
    ONGOING = 1
    COMPLETE_COMMIT = 4
    COMPLETE_ABORT = 5

    @property
    def title(self) -> str:
        """The name that Kafka's tools show."""
        return _TITLES[self]


_TITLES = {
    TransactionState.EMPTY: "Empty",
    TransactionState.ONGOING: "Ongoing",
    TransactionState.COMPLETE_COMMIT: "CompleteCommit",
    TransactionState.COMPLETE_ABORT: "CompleteAbort",
}


class Transactional(NamedTuple):
    """What a Produce says of the transaction that its batches belong to.

    ``implicit``: a partition is added by writing to it (KIP-890, Produce from version 12 on).
    """

    transactional_id: str
    implicit: bool


class Enlisted(Struct, frozen=True):
    """A transaction's part of an append: its producer, and the first offset that it writes here.

    ``now_ms``: on the clock of the metastore; when the transaction begins, if it does with this.
    """

    transactional_id: str
    producer_id: int
    epoch: int
    first_offset: int
    implicit: bool
    now_ms: int


class Refused(NamedTuple):
    """Why the batches of a producer may not be appended."""

    producer_id: int
    epoch: int
    code: ErrorCode


class TransactionalId(Struct, frozen=True):
    """A transactional id: whose it is now, and what became of its last transaction.

    ``previous_producer_id`` and ``previous_epoch``: what its producer had before the last change that it
    may not have heard of; -1 where there is none (KIP-360, KIP-890). ``started_ms`` is None unless the
    transaction is ongoing.
    """

    no: int
    name: str
    producer_id: int
    epoch: int
    previous_producer_id: int
    previous_epoch: int
    timeout_ms: int
    state: TransactionState
    started_ms: int | None
    updated_ms: int


class Touched(NamedTuple):
    """A partition of an ongoing transaction; ``first_offset`` is None until something was written.

    ``next_offset``: where the partition ends; None where its topic was deleted meanwhile.
    """

    topic_no: int
    partition: int
    first_offset: int | None
    next_offset: int | None


class Transaction(NamedTuple):
    """A transactional id with what its ongoing transaction holds, of one instant."""

    id: TransactionalId
    partitions: tuple[Touched, ...]
    groups: tuple[str, ...]


class Marker(NamedTuple):
    """Where the control batch that ends a transaction in a partition is to lie."""

    topic_no: int
    partition: int
    offset: int


class TransactionEnd(Struct, frozen=True):
    """How a transaction is to end. It happens only if the id is still as it was seen: ``producer_id``,
    ``epoch``, ``ongoing``, and something written to exactly the partitions of ``markers``.

    ``epoch_after``, ``previous_epoch``: what the id has then. ``rotate``: its epochs are used up, and it
    goes on under a new producer id, with epoch 0.
    """

    no: int
    producer_id: int
    epoch: int
    ongoing: bool  # False: only the epoch is bumped
    commit: bool
    epoch_after: int
    previous_epoch: int
    rotate: bool
    markers: tuple[Marker, ...] = ()


class OpenTransaction(NamedTuple):
    """A transaction that is open in a partition."""

    transactional_id: str
    producer_id: int
    epoch: int
    first_offset: int | None


class Aborted(NamedTuple):
    """An aborted transaction in a partition; see ``aborted_transaction`` in docs/formats-metastore.md.

    ``marked``: a reader meets an abort marker at ``last_offset``, for sure. ``cleaned``: compaction has
    removed its records.
    """

    last_offset: int
    producer_id: int
    first_offset: int
    marked: bool
    cleaned: bool = False
