"""What a flush would commit to one partition: values in, decision out."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log import producers
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import (
    AppendCommit,
    Enlisted,
    NewExtent,
    ProducerState,
    Refused,
    Transactional,
)
from anabranch.records.batch import BatchHeader


class Appended(NamedTuple):
    """Where an append ended up. ``append_time_ms`` is -1 unless the topic uses LogAppendTime."""

    base_offset: int
    append_time_ms: int
    log_start: int


class Pending(NamedTuple):
    """One validated append of consecutive batches that waits for its flush."""

    log: PartitionLog
    data: memoryview
    headers: list[BatchHeader]
    append_time_ms: int
    future: asyncio.Future[Appended]
    transaction: Transactional | None = None  # that all of its batches belong to

    @property
    def withdrawn(self) -> bool:
        """Whether nobody wants it any more: until its flush is taken, it need not be appended."""
        return self.future.cancelled()

    def answer(self, result: Appended | ClientFault) -> None:
        """Resolve the future, unless its connection went away first."""
        if self.future.done():
            return
        if isinstance(result, ClientFault):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Planned(NamedTuple):
    """``commit`` is None when every batch was a retry or refused."""

    commit: AppendCommit | None
    accepted: list[tuple[Pending, list[int]]]  # with the base offset of each batch
    answers: list[tuple[Pending, Appended | ClientFault]]

    @property
    def refuses(self) -> bool:
        return any(isinstance(answer, ClientFault) for _, answer in self.answers)


class _Verdict(NamedTuple):
    """What the producer rules say of a whole append: a retry, or new with these states after it."""

    original: int | None
    base_offsets: list[int]
    states: dict[int, ProducerState]


def plan_partition(
    log: PartitionLog,
    pendings: Sequence[Pending],
    position: int,
    now_ms: int,
    *,
    refused: Collection[Refused] = (),
    shared_now_ms: int | None = None,
) -> Planned:
    """Judge each append in order and lay the accepted ones out from the partition's next offset.

    ``position`` is where the first append's bytes lie in the WAL object; the others follow directly. A
    refused or repeated append leaves its bytes unnamed, which splits the extent around it. ``refused``
    are the producers whose transaction the metastore did not accept; ``shared_now_ms`` is the time on its
    clock.
    """
    assert log.producers is not None
    next_offset = log.next_offset
    changed: dict[int, ProducerState] = {}
    extents: list[NewExtent] = []
    accepted: list[tuple[Pending, list[int]]] = []
    answers: list[tuple[Pending, Appended | ClientFault]] = []
    enlisted: dict[tuple[int, int], Enlisted] = {}
    for pending in pendings:
        try:
            if refused:
                _check_refused(pending, refused)
            verdict = _judge(log, changed, pending, next_offset, now_ms)
        except ClientFault as fault:
            answers.append((pending, fault))
        else:
            if verdict.original is None:
                extent = _extent(pending, next_offset, position, log.leader_epoch, now_ms)
                extents.append(extent)
                changed.update(verdict.states)
                accepted.append((pending, verdict.base_offsets))
                if pending.transaction is not None:
                    began_ms = now_ms if shared_now_ms is None else shared_now_ms
                    _enlist(enlisted, pending, pending.transaction, next_offset, began_ms)
            base_offset = next_offset if verdict.original is None else verdict.original
            answers.append((pending, Appended(base_offset, pending.append_time_ms, log.log_start)))
            if verdict.original is None:
                next_offset = extents[-1].last_offset + 1
        position += len(pending.data)
    commit = None
    if extents:
        commit = AppendCommit(
            topic_no=log.topic.no,
            partition=log.partition,
            expected_next=log.next_offset,
            next_offset=next_offset,
            extents=tuple(join_extents(extents)),
            producers=tuple(changed.values()),
            transactions=tuple(enlisted.values()),
        )
    return Planned(commit, accepted, answers)


def _check_refused(pending: Pending, refused: Collection[Refused]) -> None:
    """Raises ClientFault."""
    if pending.transaction is None:
        return
    header = pending.headers[0]
    for one in refused:
        if (one.producer_id, one.epoch) == (header.producer_id, header.producer_epoch):
            raise ClientFault(
                one.code,
                f"producer {header.producer_id} epoch {header.producer_epoch} may not write in a "
                f"transaction of '{pending.transaction.transactional_id}' here",
            )


def _enlist(
    enlisted: dict[tuple[int, int], Enlisted],
    pending: Pending,
    transaction: Transactional,
    first_offset: int,
    now_ms: int,
) -> None:
    header = pending.headers[0]
    enlisted.setdefault(
        (header.producer_id, header.producer_epoch),
        Enlisted(
            transactional_id=transaction.transactional_id,
            producer_id=header.producer_id,
            epoch=header.producer_epoch,
            first_offset=first_offset,
            implicit=transaction.implicit,
            now_ms=now_ms,
        ),
    )


def moved(commit: AppendCommit, position: int) -> AppendCommit:
    """A commit that was planned for byte 0 of the WAL object, for where its part came to lie."""
    extents = [replace(extent, position=position + extent.position) for extent in commit.extents]
    return replace(commit, extents=tuple(extents))


def _judge(
    log: PartitionLog,
    changed: dict[int, ProducerState],
    pending: Pending,
    next_offset: int,
    now_ms: int,
) -> _Verdict:
    """All batches of an append or none: a partition's share of a Produce is answered as one."""
    assert log.producers is not None
    states: dict[int, ProducerState] = {}
    base_offsets: list[int] = []
    originals: list[int] = []
    for header in pending.headers:
        if header.producer_id >= 0:
            state = (
                states.get(header.producer_id)
                or changed.get(header.producer_id)
                or log.producers.get(header.producer_id)
            )
            original = producers.check(state, header, log.awaited.get(header.producer_id))
            if original is not None:
                originals.append(original)
                continue
            states[header.producer_id] = producers.advance(state, header, next_offset, now_ms)
        base_offsets.append(next_offset)
        next_offset += header.last_offset_delta + 1
    if originals and base_offsets:
        # One answer for both would acknowledge what is not stored, or store a batch twice.
        raise ClientFault(
            ErrorCode.INVALID_RECORD, "some of these batches were appended before and some were not"
        )
    if originals:
        return _Verdict(originals[0], [], {})
    return _Verdict(None, base_offsets, states)


def _extent(
    pending: Pending, base_offset: int, position: int, leader_epoch: int, now_ms: int
) -> NewExtent:
    records = sum(header.last_offset_delta + 1 for header in pending.headers)
    return NewExtent(
        base_offset=base_offset,
        last_offset=base_offset + records - 1,
        position=position,
        length=len(pending.data),
        records=records,
        max_timestamp=max(header.max_timestamp for header in pending.headers),
        appended_ms=now_ms,
        leader_epoch=leader_epoch,
    )


def join_extents(extents: list[NewExtent]) -> list[NewExtent]:
    """Neighbours in offsets and bytes become one extent: one row per partition and flush."""
    joined = extents[:1]
    for extent in extents[1:]:
        last = joined[-1]
        assert extent.base_offset == last.last_offset + 1
        if extent.position != last.position + last.length:
            joined.append(extent)
            continue
        joined[-1] = NewExtent(
            base_offset=last.base_offset,
            last_offset=extent.last_offset,
            position=last.position,
            length=last.length + extent.length,
            records=last.records + extent.records,
            max_timestamp=max(last.max_timestamp, extent.max_timestamp),
            appended_ms=last.appended_ms,
            leader_epoch=last.leader_epoch,
        )
    return joined
