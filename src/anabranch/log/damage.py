"""Remembering what could not be read, so that an operator sees it and can give it up.

Readers and background jobs report the fault that they met; what range it concerns is found out aside, by
a survey of the extent, and told to the metastore. All of it is best effort and bounded: who reads there
again reports again.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

from anabranch.errors import AnabranchError, Corrupt, StoreFault
from anabranch.log.extents import ExtentReader
from anabranch.log.survey import Piece, survey
from anabranch.metastore.api import Damage, Extent, Metastore
from anabranch.storage.store import NotFound

logger = logging.getLogger(__name__)

REPORTS_AT_ONCE = 4  # surveys waiting or running; others are reported by the next who reads there
PIECES_MAX = 64  # damaged ranges told of one extent
REMEMBERED_MAX = 10_000  # faults not surveyed again for a while
AGAIN_MS = 10 * 60_000

Key = tuple[int, int, int, int, int]


def damage_of(topic_no: int, partition: int, extent: Extent, piece: Piece, found_ms: int) -> Damage:
    """A damaged piece as the metastore knows it."""
    return Damage(
        topic_no,
        partition,
        piece.base_offset,
        piece.last_offset,
        piece.cause,
        extent.object_key,
        piece.detail,
        piece.records,
        piece.length,
        found_ms,
    )


class DamageReports:
    """Tells the metastore what this process could not read."""

    def __init__(
        self,
        metastore: Metastore,
        extents: ExtentReader,
        threads: Executor,
        now_ms: Callable[[], int],
    ) -> None:
        self._metastore = metastore
        self._extents = extents
        self._threads = threads
        self._now_ms = now_ms
        self._surveying: set[asyncio.Task[None]] = set()
        self._reported: OrderedDict[Key, int] = OrderedDict()  # → when to look again
        self.found = 0  # ranges that nobody knew before

    def met(
        self,
        topic_no: int,
        partition: int,
        extent: Extent,
        fault: Corrupt | StoreFault,
        *,
        offset: int | None = None,
    ) -> None:
        """``fault`` came of reading ``extent``: at ``offset``, or somewhere in it."""
        if isinstance(fault, StoreFault) and not isinstance(fault, NotFound):
            return  # it may be there, and well
        if isinstance(fault, NotFound):
            offset = None  # all of the extent is lost
        at = extent.base_offset if offset is None else offset
        key = (topic_no, partition, extent.object_no, extent.position, at)
        now_ms = self._now_ms()
        if self._reported.get(key, 0) > now_ms or len(self._surveying) >= REPORTS_AT_ONCE:
            return
        self._reported[key] = now_ms + AGAIN_MS
        self._reported.move_to_end(key)
        while len(self._reported) > REMEMBERED_MAX:
            self._reported.popitem(last=False)
        task = asyncio.get_running_loop().create_task(
            self._report(topic_no, partition, extent, offset)
        )
        self._surveying.add(task)
        task.add_done_callback(self._surveying.discard)

    async def settle(self) -> None:
        """Wait for reports under way."""
        if self._surveying:
            await asyncio.wait(set(self._surveying))

    async def _report(
        self, topic_no: int, partition: int, extent: Extent, offset: int | None
    ) -> None:
        try:
            pieces = await asyncio.get_running_loop().run_in_executor(
                self._threads, lambda: list(self._damaged(extent, offset))
            )
            await self.note(topic_no, partition, extent, pieces)
        except AnabranchError as fault:
            logger.warning("what is damaged in %s is not known yet: %s", extent.object_key, fault)
        except Exception:
            logger.exception("surveying %s broke", extent.object_key)

    async def note(
        self, topic_no: int, partition: int, extent: Extent, pieces: list[Piece]
    ) -> None:
        """Tell the metastore of damaged ``pieces``."""
        if pieces:
            now_ms = self._now_ms()
            found = await self._metastore.note_damage(
                [damage_of(topic_no, partition, extent, piece, now_ms) for piece in pieces]
            )
            self.found += found

    def _damaged(self, extent: Extent, offset: int | None) -> Iterator[Piece]:
        """The damaged range at or above ``offset``, or all of the extent's; reads no further than needed."""
        found = 0
        for piece in survey(self._extents, extent, from_offset=offset):
            if piece.good or (offset is not None and piece.last_offset < offset):
                continue
            yield piece
            found += 1
            if offset is not None or found == PIECES_MAX:
                return
