"""The ends of transactions on their way through the append pipeline: what a flush of markers commits.

Values in, decisions out, as in :mod:`anabranch.log.planning`; but a flush of markers commits as a whole or
not at all (I6), and where it cannot, the ends that stood in its way leave it and the others try again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import AnabranchError
from anabranch.log import producers
from anabranch.log.partition import PartitionLog
from anabranch.log.planning import join_extents
from anabranch.metastore.api import (
    AppendCommit,
    Marker,
    NewExtent,
    ProducerState,
    TransactionalId,
    TransactionEnd,
)
from anabranch.records.control import end_marker
from anabranch.records.header import BatchHeader, parse_header


@dataclass(eq=False, slots=True)
class Ending:
    """A transaction that is to end, with a marker in each of ``logs``.

    ``future``: the transactional id after it; None if it was no longer as it was seen, so that nothing
    happened: look again.
    """

    end: TransactionEnd
    logs: list[PartitionLog]
    marker: bytearray
    header: BatchHeader
    future: asyncio.Future[TransactionalId | None]

    @classmethod
    def of(cls, end: TransactionEnd, logs: list[PartitionLog], now_ms: int) -> Ending:
        """``logs``: of partitions that it has written to; not empty. ``now_ms``: the markers' time."""
        assert logs
        marker = end_marker(
            commit=end.commit,
            producer_id=end.producer_id,
            epoch=end.epoch_after,
            timestamp_ms=now_ms,
        )
        future = asyncio.get_running_loop().create_future()
        return cls(end, logs, marker, parse_header(marker), future)

    @property
    def size(self) -> int:
        """Bytes that it writes."""
        return len(self.marker) * len(self.logs)

    def answer(self, result: TransactionalId | AnabranchError | None) -> None:
        """Resolve the future, unless whoever asked went away."""
        if self.future.done():
            return
        if isinstance(result, AnabranchError):
            self.future.set_exception(result)
        else:
            self.future.set_result(result)


class Placed(NamedTuple):
    """A marker in a share of a flush: whose, and where its bytes lie in the WAL object."""

    ending: Ending
    position: int


class PlannedEnds(NamedTuple):
    """``placed`` are the base offsets of each partition's markers, in their order."""

    commits: list[AppendCommit]
    ends: list[TransactionEnd]
    placed: dict[PartitionLog, list[tuple[Ending, int]]]


def plan_endings(
    shares: Mapping[PartitionLog, Sequence[Placed]], endings: Sequence[Ending], now_ms: int
) -> PlannedEnds:
    """What to commit for those of ``endings`` that are left of a flush."""
    left = set(endings)
    commits: list[AppendCommit] = []
    placed: dict[PartitionLog, list[tuple[Ending, int]]] = {}
    markers: dict[Ending, list[Marker]] = {ending: [] for ending in endings}
    for log, share in shares.items():
        if not any(ending in left for ending, _ in share):
            continue  # nobody has looked at it again
        assert log.producers is not None
        extents: list[NewExtent] = []
        changed: dict[int, ProducerState] = {}
        offset = log.next_offset
        for ending, position in share:
            if ending not in left:
                continue
            extents.append(_extent(log, ending, offset, position, now_ms))
            header = ending.header
            known = changed.get(header.producer_id) or log.producers.get(header.producer_id)
            changed[header.producer_id] = producers.after_marker(known, header, now_ms)
            markers[ending].append(Marker(log.topic.no, log.partition, offset))
            placed.setdefault(log, []).append((ending, offset))
            offset += 1
        if extents:
            commits.append(
                AppendCommit(
                    topic_no=log.topic.no,
                    partition=log.partition,
                    expected_next=log.next_offset,
                    next_offset=offset,
                    extents=tuple(join_extents(extents)),
                    producers=tuple(changed.values()),
                )
            )
    ends = [replace(ending.end, markers=tuple(markers[ending])) for ending in endings]
    return PlannedEnds(commits, ends, placed)


def _extent(
    log: PartitionLog, ending: Ending, offset: int, position: int, now_ms: int
) -> NewExtent:
    return NewExtent(
        base_offset=offset,
        last_offset=offset,
        position=position,
        length=len(ending.marker),
        records=1,
        max_timestamp=ending.header.max_timestamp,
        appended_ms=now_ms,
        leader_epoch=log.leader_epoch,
    )


def logs_of(endings: Iterable[Ending]) -> list[PartitionLog]:
    """Each once, in the order in which they are named first."""
    return list(dict.fromkeys(log for ending in endings for log in ending.logs))
