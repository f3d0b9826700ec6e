"""Leader epochs of batches, as the partition's history has them.

A batch carries the leader epoch under which it was appended. Once a branch was promoted, what both lines hold
behind the point where they part counts as of a newer epoch (:mod:`anabranch.metastore.lines`), and a client
that remembers the epoch of what it read last must be given that one, or it would be told for ever that its
log was cut. The field lies outside the CRC. Only partitions with more than one leader epoch pay for it.

A batch that straddles the point counts as behind it: who stands within it is then told the point, not more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from struct import Struct

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.catalogue import Catalogue
from anabranch.log.cold import Lane
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import LeaderEpoch, Metastore
from anabranch.records.header import BATCH_OVERHEAD

_HEAD = Struct(">qii")  # base offset, length behind the two, partition leader epoch
_DELTA = Struct(">i")
_EPOCH = Struct(">i")
_EPOCH_AT = 12
_DELTA_AT = 23
_LOG_OVERHEAD = 12


async def epochs_of(metastore: Metastore, log: PartitionLog) -> Sequence[LeaderEpoch]:
    """The partition's history of leader epochs, remembered as long as it is under the same one."""
    if log.epochs is not None:
        return log.epochs
    epochs = await metastore.leader_epochs(log.topic.no, log.partition)
    if epochs and epochs[-1].epoch == log.leader_epoch:
        log.epochs = epochs
    return epochs


class Stamper:
    """Gives what is read below the tail the epochs of its partition's history, on threads of ``lane``."""

    def __init__(self, metastore: Metastore, catalogue: Catalogue, lane: Lane) -> None:
        self._metastore = metastore
        self._catalogue = catalogue
        self._lane = lane

    async def stamp(
        self, log: PartitionLog, buffers: list[memoryview], epoch: int
    ) -> list[memoryview]:
        """What was read while the partition was under the leader epoch ``epoch``, with its batches' epochs right.

        Raises ClientFault(FENCED_LEADER_EPOCH) if a promotion came between: what was read of the line before it
        must not be taken for the new one's. (An older epoch on what is new does no harm: its reader asks.)
        """
        if epoch and buffers and log.epochs is None:
            epochs = await epochs_of(self._metastore, log)
            if not epochs or epochs[-1].epoch != epoch:
                await self._catalogue.refresh(log)
        if log.leader_epoch != epoch:
            raise ClientFault(ErrorCode.FENCED_LEADER_EPOCH)
        history = log.epochs
        if not buffers or history is None or len(history) < 2:
            return buffers
        return await self._lane.run(lambda: stamped(buffers, history))


def stamped(buffers: list[memoryview], epochs: Sequence[LeaderEpoch]) -> list[memoryview]:
    """``buffers``, whole batches when laid one after the other, with the epochs of ``epochs`` (ascending).

    They come back as they are if all are right already; what has to be changed is a copy.
    """
    if len(epochs) < 2 or not buffers:
        return buffers
    run = buffers[0] if len(buffers) == 1 else memoryview(b"".join(buffers))
    wrong = _wrong(run, epochs)
    if not wrong:
        return buffers
    changed = bytearray(run)
    for position, epoch in wrong:
        _EPOCH.pack_into(changed, position + _EPOCH_AT, epoch)
    return [memoryview(changed)]


def _wrong(run: memoryview, epochs: Sequence[LeaderEpoch]) -> list[tuple[int, int]]:
    """Where batches begin that carry another epoch than theirs, and theirs."""
    starts = [each.start_offset for each in epochs]
    found: list[tuple[int, int]] = []
    position, end = 0, len(run)
    while end - position >= BATCH_OVERHEAD:
        base, length, carried = _HEAD.unpack_from(run, position)
        (delta,) = _DELTA.unpack_from(run, position + _DELTA_AT)
        # Two epochs may begin at one offset: the later one counts.
        epoch = epochs[max(0, bisect_right(starts, base + delta) - 1)].epoch
        if carried != epoch:
            found.append((position, epoch))
        position += length + _LOG_OVERHEAD
    return found
