"""What a fetch asks for, and what it is answered with, partition by partition."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

from anabranch.errors import Corrupt, ErrorCode, StoreFault
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import Aborted, Metastore, Topic
from anabranch.records.trimming import first_offset, trim

logger = logging.getLogger(__name__)

ABORTED_MAX = 10_000  # aborted transactions named in a partition's answer: 160 KiB of it


class FetchWant(NamedTuple):
    """One partition of a fetch. ``leader_epoch`` and ``last_fetched_epoch`` are -1 if not given."""

    topic: Topic
    partition: int
    offset: int
    max_bytes: int
    leader_epoch: int = -1
    last_fetched_epoch: int = -1


class FetchPart(NamedTuple):
    """One partition's answer. ``buffers`` are whole batches in offset order, ``bytes`` their size.

    ``aborted``: the transactions whose records among them do not count, by their first offsets.
    """

    error: ErrorCode
    high_watermark: int
    log_start: int
    buffers: list[memoryview]
    bytes: int
    diverging_epoch: tuple[int, int] | None = None
    leader_epoch: int = -1
    last_stable: int = -1
    aborted: Sequence[Aborted] = ()


def answered(log: PartitionLog, buffers: list[memoryview]) -> FetchPart:
    return FetchPart(
        ErrorCode.NONE,
        log.high_watermark,
        log.log_start,
        buffers,
        sum(len(buffer) for buffer in buffers),
        None,
        log.leader_epoch,
        log.last_stable_offset,
    )


def refused(log: PartitionLog, code: ErrorCode) -> FetchPart:
    return FetchPart(
        code,
        log.high_watermark,
        log.log_start,
        [],
        0,
        None,
        log.leader_epoch,
        log.last_stable_offset,
    )


def broken(log: PartitionLog, want: FetchWant, fault: Corrupt | StoreFault) -> FetchPart:
    """What cannot be read fails its own range of its own partition (KIP-405's remote reads do alike)."""
    logger.error("%s/%s at %s: %s", want.topic.name, want.partition, want.offset, fault)
    corrupt = isinstance(fault, Corrupt)
    return refused(log, ErrorCode.CORRUPT_MESSAGE if corrupt else ErrorCode.KAFKA_STORAGE_ERROR)


def epoch_fault(log: PartitionLog, want: FetchWant) -> ErrorCode | None:
    """KIP-320: a client with another leader epoch has an older or a newer picture than ours."""
    if want.leader_epoch == -1 or want.leader_epoch == log.leader_epoch:
        return None
    if want.leader_epoch < log.leader_epoch:
        return ErrorCode.FENCED_LEADER_EPOCH
    return ErrorCode.UNKNOWN_LEADER_EPOCH


# -- read_committed ------------------------------------------------------------------------------------
def stable_only(log: PartitionLog, buffers: list[memoryview]) -> list[memoryview]:
    """What lies below the last stable offset. (A transaction begins with a batch, so none straddles it.)

    Storage may hold more than this broker has heard of: where no transaction is known to be open, one may be
    behind the high watermark.
    """
    if not buffers:
        return buffers
    return trim(buffers, log.last_stable_offset)[0]


def may_hold_aborted(log: PartitionLog, want: FetchWant, part: FetchPart) -> bool:
    """Whether the index of aborted transactions must be asked about what is answered."""
    return part.bytes > 0 and want.offset < log.aborted_end


def until_stable(part: FetchPart) -> FetchPart:
    """The answer without what lies behind the stable offset that it tells. What is read from the store is read as
    it lies there now: meanwhile it may have been merged with transactions that were open at that time, whose
    outcome this answer does not tell."""
    if not part.bytes:
        return part
    buffers = trim(part.buffers, part.last_stable)[0]
    return part._replace(buffers=buffers, bytes=sum(map(len, buffers)))


async def with_aborted(
    metastore: Metastore, log: PartitionLog, want: FetchWant, part: FetchPart
) -> FetchPart:
    """The answer with the aborted transactions in it. Raises Corrupt, StoreFault.

    It ends where a transaction ends that has no marker: a branch cut it off, its topic was deleted, or
    compaction has been there. A client leaves out what its producer wrote until it meets a marker, so behind that point it would leave
    out what counts.
    """
    first = first_offset(part.buffers)  # beyond what was asked for, where compaction left a hole
    end = trim(part.buffers, part.high_watermark)[1]
    found = await metastore.aborted_transactions(
        log.topic.no, log.partition, first, end, ABORTED_MAX + 1
    )
    cut = min((one.last_offset + 1 for one in found if not one.marked), default=end)
    if len(found) > ABORTED_MAX and found[-1].first_offset > first:
        cut = min(cut, found[-1].first_offset)
    if cut < end:
        buffers = trim(part.buffers, cut)[0]
        found = [one for one in found if one.first_offset < cut]
        part = part._replace(buffers=buffers, bytes=sum(map(len, buffers)))
    return part._replace(aborted=found)
