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
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from anabranch.errors import Corrupt
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import (
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    Topic,
)
from anabranch.records.batch import BatchHeader, crc_matches, scan
from anabranch.storage.segment import NAME_CHARACTERS_MAX, index_key
from anabranch.storage.store import Store

logger = logging.getLogger(__name__)


class Piece(NamedTuple):
    """Part of an extent: whole batches that are all good, or not."""

    good: bool
    start: int  # bytes into the extent
    length: int
    base_offset: int
    last_offset: int
    records: int
    max_timestamp: int


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


def survey(data: memoryview, extent: Extent) -> list[Piece]:
    """Divide an extent's bytes, as the WAL holds them, into runs of good and of damaged batches.

    If the batches' headers do not add up to what the extent says, where one batch ends and which offsets
    it has cannot be trusted: then all of it is one damaged piece.
    """
    whole = [
        Piece(
            False,
            0,
            extent.length,
            extent.base_offset,
            extent.last_offset,
            extent.records,
            extent.max_timestamp,
        )
    ]
    try:
        headers = list(scan(data))
    except Corrupt:
        return whole
    offsets = sum(header.last_offset_delta + 1 for header in headers)
    end = headers[-1].end if headers else 0
    if end != extent.length or offsets != extent.last_offset + 1 - extent.base_offset:
        return whole
    pieces: list[Piece] = []
    offset = extent.base_offset
    for header in headers:
        piece = _piece(header, offset, crc_matches(data, header))
        if pieces and pieces[-1].good is piece.good:
            piece = _joined(pieces.pop(), piece)
        pieces.append(piece)
        offset += header.last_offset_delta + 1
    return pieces


def _piece(header: BatchHeader, offset: int, good: bool) -> Piece:
    return Piece(
        good,
        header.position,
        header.size,
        offset,
        offset + header.last_offset_delta,
        header.record_count,
        header.max_timestamp,
    )


def _joined(one: Piece, other: Piece) -> Piece:
    return one._replace(
        length=one.length + other.length,
        last_offset=other.last_offset,
        records=one.records + other.records,
        max_timestamp=max(one.max_timestamp, other.max_timestamp),
    )


class Quarantine:
    """Sets damaged bytes apart, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        store: Store,
        extents: ExtentReader,
        threads: Executor,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._store = store
        self._extents = extents
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
        pieces = survey(memoryview(data), extent)
        if all(piece.good for piece in pieces):
            return  # it reads well now: the merge tries again
        parts = [_part(extent, piece) for piece in pieces]
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
        object_no = await self._metastore.create_object(key, ObjectKind.QUARANTINE, self._now_ms())
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
        await asyncio.get_running_loop().run_in_executor(
            self._threads, self._put, key, raw, described
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

    async def _replace(
        self,
        topic: Topic,
        partition: int,
        old: Sequence[Extent],
        object_no: int,
        object_bytes: int,
        new: Sequence[NewExtent],
    ) -> bool:
        names = [ExtentName(each.base_offset, each.object_no, each.position) for each in old]
        return await self._metastore.replace_extents(
            topic.no, partition, names, object_no, object_bytes, new, self._now_ms()
        )

    def _put(self, key: str, raw: bytes, described: Description) -> None:
        self._store.put(key, raw)
        self._store.put(index_key(key), msgspec.json.encode(described))


def _part(extent: Extent, piece: Piece) -> NewExtent:
    return NewExtent(
        base_offset=piece.base_offset,
        last_offset=piece.last_offset,
        position=extent.position + piece.start,
        length=piece.length,
        records=piece.records,
        # What a damaged header says of time is worth nothing; the extent's own word bounds it.
        max_timestamp=piece.max_timestamp if piece.good else extent.max_timestamp,
        appended_ms=extent.appended_ms,
        leader_epoch=extent.leader_epoch,
    )


def _key(topic: Topic, partition: int, base_offset: int, unique: str) -> str:
    spelled_id = urlsafe_b64encode(topic.id).decode().rstrip("=")
    name = topic.name[:NAME_CHARACTERS_MAX]
    return f"quarantine/{name}-{spelled_id}/{partition}/{base_offset:020}.{unique}.raw"
