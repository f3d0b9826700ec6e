"""A flush on its way through the append pipeline: what is written together, and how it is known of."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from anabranch.log.ending import Ending
from anabranch.log.partition import PartitionLog
from anabranch.log.planning import Pending
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import AppendCommit, AppendOutcome, Refused
from anabranch.prompt import when_done
from anabranch.storage.wal import FlushPart, PlacedPart, Wal
from anabranch.storage.wal_format import NO_PAST, UNSEEN, Past, Seen

if TYPE_CHECKING:
    from anabranch.log.end_commits import EndsAhead

FLUSHES_IN_FLIGHT_MAX = 3  # one being written, one that is, one being committed


class Pace(NamedTuple):
    """When a flush is taken from the queue."""

    linger_s: float  # since its oldest append came
    enough_bytes: int  # as many waiting end the linger
    in_flight_max: int
    overlaps: bool  # whether it may be written while another is

    @classmethod
    def of(cls, wal: Wal, settings: LogSettings) -> Pace:
        if not wal.overlaps:
            return cls(0, 0, FLUSHES_IN_FLIGHT_MAX, False)
        return cls(
            settings.wal_linger_ms / 1000,
            settings.wal_flush_bytes,
            settings.wal_flushes_in_flight_max,
            True,
        )


@dataclass(slots=True, eq=False)
class Share:
    """One partition's part of a flush."""

    log: PartitionLog
    pendings: list[Pending]
    position: int = 0  # in the WAL object, once it is written
    endings: list[Ending] = field(
        default_factory=list
    )  # whose markers it holds, instead of appends
    refused: list[Refused] = field(default_factory=list)  # by the metastore
    seen: Seen = UNSEEN  # of the partition, when its flush was begun
    done: bool = False  # judged, committed if there was anything to commit, and answered

    @property
    def bytes(self) -> list[memoryview | bytearray]:
        """What is written, in order."""
        if self.endings:
            return [ending.marker for ending in self.endings]
        return [pending.data for pending in self.pendings]

    @property
    def batches(self) -> int:
        return len(self.endings) + sum(len(pending.headers) for pending in self.pendings)


class Ahead:
    """A flush that was judged before its write, and whose commit its writer starts.

    It is concluded in the turn of the loop in which the outcomes come in; ``lost`` are then the shares
    that lost their compare-and-set.
    """

    def __init__(
        self,
        outcomes: asyncio.Future[list[AppendOutcome]],
        conclude: Callable[[list[AppendOutcome]], list[Share]],
        concluded: Callable[[], None],
    ) -> None:
        self._outcomes = outcomes
        self._conclude = conclude
        self._concluded = concluded
        self._lost: list[Share] | None = None
        self._bug: Exception | None = None
        when_done(outcomes, self._call_back)

    @property
    def over(self) -> bool:
        """Whether it went well, and nothing is left to be done about it."""
        return self._lost == []

    def _call_back(self, outcomes: asyncio.Future[list[AppendOutcome]]) -> None:
        self._came_in(outcomes)
        self._concluded()

    def _came_in(self, outcomes: asyncio.Future[list[AppendOutcome]]) -> None:
        if self._lost is not None or self._bug is not None:
            return
        if not outcomes.cancelled() and outcomes.exception() is None:
            try:
                self._lost = self._conclude(outcomes.result())
            except Exception as bug:
                self._bug = bug

    async def lost(self) -> list[Share]:
        """Raises StoreFault, or what concluding it raised."""
        await self._outcomes
        self._came_in(self._outcomes)  # one that is done is not waited for: we may be here first
        if self._bug is not None:
            raise self._bug
        assert self._lost is not None
        return self._lost


class Flush:
    """What is written together, on its way through both stages."""

    def __init__(self, shares: list[Share], endings: Sequence[Ending] = ()) -> None:
        self.shares = shares
        self.endings = list(endings)  # of a flush of markers: it commits as a whole
        self.sequence = -1  # its place among the WAL's flushes
        self.past: Past = NO_PAST  # what it tells of those before it
        self.durable = False
        self.object_key = ""  # of the WAL, from the write on: a commit that names it may come
        self.written: Awaitable[None]
        self.ahead: Ahead | None = None
        self.ends_ahead: EndsAhead | None = None  # the same of a flush of markers
        self.since_s = 0.0  # on the loop's clock: when its oldest append came
        self.taken = False  # by the commit stage

    def write(self, wal: Wal, placed: Callable[[], None] = lambda: None) -> None:
        """Make it durable; on the WAL's thread. ``placed`` is called before, once its place is settled.
        Raises StoreFault."""
        parts = [
            FlushPart(
                share.log.topic.id,
                share.log.partition,
                share.bytes,
                share.batches,
                share.seen,
            )
            for share in self.shares
        ]

        def settle(places: list[PlacedPart]) -> None:
            self.object_key = places[0].object_key
            for share, part in zip(self.shares, places, strict=True):
                share.position = part.position
            placed()

        wal.write(parts, self.sequence, settle, self.past)
        self.durable = True


def conclude_share(flush: Flush, share: Share, commit: AppendCommit | None) -> None:
    """It is judged, committed if there was anything to commit, and about to be answered."""
    share.done = True
    if commit is not None:
        share.log.last_commit = (flush.sequence, commit.expected_next, commit.next_offset)
