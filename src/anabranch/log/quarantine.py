"""Quarantine: bytes of the WAL that read back wrong are set apart, so that all others can be merged.

One flipped bit must neither keep a partition's later data in the WAL for ever nor take its neighbours with
it. The extent is divided around the damage as finely as its batches allow; the damaged part moves, as it is,
into an object of its own in the store. Reads of its offsets fail until an operator skips them, the WAL file
can be recycled, and whoever wants to repair the bytes finds them, with a description, in the store.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from concurrent.futures import Executor

import msgspec
from msgspec.structs import replace

from anabranch.errors import Corrupt
from anabranch.log.damage import DamageReports
from anabranch.log.extents import ExtentReader
from anabranch.log.objects import ObjectWriter
from anabranch.log.survey import Piece, joined, part_of, wal_pieces
from anabranch.metastore.api import (
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    Topic,
)
from anabranch.storage.segment import NAME_CHARACTERS_MAX

logger = logging.getLogger(__name__)


class Description(msgspec.Struct, frozen=True):
    """What lies beside quarantined bytes, as JSON: enough to put them back (I9)."""

    cluster_id: str
    topic: str
    topic_id: str
    partition: int
    base_offset: int
    last_offset: int
    leader_epoch: int
    appended_ms: int
    wal_object: str
    position: int
    length: int
    why: str


class Quarantine:
    """Sets damaged bytes apart, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        objects: ObjectWriter,
        extents: ExtentReader,
        damage: DamageReports,
        threads: Executor,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._objects = objects
        self._extents = extents
        self._damage = damage
        self._threads = threads
        self._now_ms = now_ms
        self._unique = unique
        self.isolated = 0  # damaged pieces since this process started

    async def isolate(self, topic: Topic, partition: int, extent: Extent, why: Corrupt) -> None:
        """Divide ``extent`` (of the WAL) around what is damaged and move that into the store.

        Raises StoreFault. A crash between the steps leaves an extent that is damaged as a whole, which
        the next merge isolates.
        """
        loop = asyncio.get_running_loop()
        data = await loop.run_in_executor(self._threads, self._extents.raw, extent)
        pieces = joined(wal_pieces(memoryview(data), extent))
        if all(piece.good for piece in pieces):
            return  # it reads well now: the merge tries again
        parts = [part_of(extent, piece) for piece in pieces]
        if len(parts) > 1 and not await self._replace(
            topic, partition, [extent], extent.object_no, extent.position + extent.length, parts
        ):
            return
        for piece, part in zip(pieces, parts, strict=True):
            if not piece.good:
                raw = data[piece.start : piece.start + piece.length]
                await self._move(topic, partition, extent, part, raw, str(why))

    async def _move(
        self, topic: Topic, partition: int, extent: Extent, part: NewExtent, raw: bytes, why: str
    ) -> None:
        key = _key(topic, partition, part.base_offset, self._unique())
        described = Description(
            cluster_id=self._metastore.cluster_id.hex(),
            topic=topic.name,
            topic_id=topic.id.hex(),
            partition=partition,
            base_offset=part.base_offset,
            last_offset=part.last_offset,
            leader_epoch=part.leader_epoch,
            appended_ms=part.appended_ms,
            wal_object=extent.object_key,
            position=part.position,
            length=part.length,
            why=why,
        )
        object_no = await self._objects.write_raw(
            key, ObjectKind.QUARANTINE, raw, msgspec.json.encode(described)
        )
        there = replace(
            extent,
            base_offset=part.base_offset,
            last_offset=part.last_offset,
            position=part.position,
            length=part.length,
        )
        moved = replace(part, position=0)
        if await self._replace(topic, partition, [there], object_no, len(raw), [moved]):
            self.isolated += 1
            logger.error(
                "%s/%s: offsets %s..%s read back wrong and were put into quarantine as %s: %s",
                topic.name,
                partition,
                part.base_offset,
                part.last_offset,
                key,
                why,
            )
            piece = Piece(
                False,
                0,
                len(raw),
                part.base_offset,
                part.last_offset,
                part.records,
                part.max_timestamp,
                detail=why,
            )
            await self._damage.note(topic.no, partition, replace(there, object_key=key), [piece])

    async def _replace(
        self,
        topic: Topic,
        partition: int,
        old: Sequence[Extent],
        object_no: int,
        object_bytes: int,
        new: Sequence[NewExtent],
    ) -> bool:
        names = [
            ExtentName(each.base_offset, each.object_no, each.position, each.last_offset)
            for each in old
        ]
        return await self._metastore.replace_extents(
            topic.no, partition, names, object_no, object_bytes, new, self._now_ms()
        )


def _key(topic: Topic, partition: int, base_offset: int, unique: str) -> str:
    spelled_id = urlsafe_b64encode(topic.id).decode().rstrip("=")
    name = topic.name[:NAME_CHARACTERS_MAX]
    return f"quarantine/{name}-{spelled_id}/{partition}/{base_offset:020}.{unique}.raw"
