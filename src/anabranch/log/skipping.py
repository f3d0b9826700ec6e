"""Giving up what cannot be read: an operator's explicit skip, audited.

Only damage can be skipped, and only whole damaged ranges: what lies in the asked range is surveyed first,
every record of it is decoded, and nothing that reads well is ever dropped. In place of a damaged range
comes a batch without records, as compaction leaves one: a consumer steps over the offsets, which are simply
absent, and merging, branching and compaction go on as if nothing had been there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from typing import NamedTuple

from msgspec.structs import replace

from anabranch.errors import StoreFault, UserFault
from anabranch.log.damage import damage_of
from anabranch.log.extents import ExtentReader
from anabranch.log.objects import ObjectWriter, Share
from anabranch.log.survey import Piece, decodable, joined, part_of, survey
from anabranch.metastore.api import (
    Damage,
    DamageSkip,
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    SkippedExtent,
    Topic,
)
from anabranch.records.batch import BatchHeader
from anabranch.records.builder import build_batch
from anabranch.storage.segment import SegmentIndexBuilder, segment_key

logger = logging.getLogger(__name__)

EXTENTS_PER_READ = 64
ATTEMPTS_MAX = 8  # a merge may swap the extents while they are surveyed; it does not do so for ever


class Operator(NamedTuple):
    """Who gives something up, and why."""

    principal: str
    host: str
    reason: str


class _Found(NamedTuple):
    extent: Extent
    runs: list[Piece]  # good and damaged ones in turn
    damaged: list[int]  # places in ``runs`` of what is to be skipped


class Skipper:
    """Skips damaged ranges, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        objects: ObjectWriter,
        extents: ExtentReader,
        threads: Executor,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._objects = objects
        self._extents = extents
        self._threads = threads
        self._now_ms = now_ms
        self._unique = unique

    async def skip(
        self, topic: Topic, partition: int, first: int, last: int, operator: Operator
    ) -> list[Damage]:
        """Skip what is damaged in ``first .. last``; returns the ranges that were.

        Raises UserFault, before anything is changed: nothing there is damaged, or a damaged range
        reaches beyond what was asked for. StoreFault if the store cannot say now whether something is.
        """
        row = await self._metastore.partition(topic.no, partition)
        if row is None:
            raise UserFault(f"topic {topic.name} has no partition {partition}")
        if not operator.reason.strip():
            raise UserFault("say why, for whoever reads the audit history: --reason TEXT")
        if not row.log_start <= first <= last < row.next_offset:
            raise UserFault(
                f"{topic.name}/{partition} holds offsets {row.log_start} to {row.next_offset - 1}, "
                f"not {first} to {last}"
            )
        # All of it is looked at before any of it is skipped; what changed meanwhile is looked at again.
        # What lies before the log's start is gone already, and a damaged range may begin there.
        lowest = 0 if first == row.log_start else first
        if not [_ async for _ in self._search(topic, partition, first, last, lowest)]:
            raise UserFault(
                f"offsets {first} to {last} of {topic.name}/{partition} read well: "
                "only what is damaged can be skipped"
            )
        skipped: list[Damage] = []
        for _ in range(ATTEMPTS_MAX):
            lost_a_race = False
            async for found in self._search(topic, partition, first, last, lowest):
                done = await self._skip_in(topic, partition, found, operator)
                skipped += done
                lost_a_race = lost_a_race or len(done) < len(found.damaged)
            if not lost_a_race:
                return sorted(skipped, key=lambda damage: damage.first_offset)
        raise StoreFault(f"the extents of {topic.name}/{partition} go on changing: try again")

    async def still_damaged(self, damage: Damage) -> bool:
        """Whether any of the range cannot be read now. Raises StoreFault."""
        key = (damage.topic_no, damage.partition)
        async for extent in self._extents_of(*key, damage.first_offset, damage.last_offset):
            runs = await self._survey(extent, damage.first_offset, damage.last_offset)
            if any(not run.good and _meets(run, damage) for run in runs):
                return True
        return False

    async def _search(
        self, topic: Topic, partition: int, first: int, last: int, lowest: int
    ) -> AsyncIterator[_Found]:
        """Every extent with something to skip in it, the damage checked against ``lowest .. last``."""
        async for extent in self._extents_of(topic.no, partition, first, last):
            runs = await self._survey(extent, first, last)
            damaged = [
                place
                for place, run in enumerate(runs)
                if not run.good and run.base_offset <= last and run.last_offset >= first
            ]
            for place in damaged:
                run = runs[place]
                if run.base_offset < lowest or run.last_offset > last:
                    raise UserFault(
                        f"offsets {run.base_offset} to {run.last_offset} of {topic.name}/{partition} "
                        f"are one damaged range: skip all of it, or none ({run.detail})"
                    )
            if damaged:
                yield _Found(extent, runs, damaged)

    async def _extents_of(
        self, topic_no: int, partition: int, first: int, last: int
    ) -> AsyncIterator[Extent]:
        offset = first
        while offset <= last:
            page = await self._metastore.extents_from(topic_no, partition, offset, EXTENTS_PER_READ)
            for extent in page:
                if extent.base_offset > last:
                    return
                yield extent
            if len(page) < EXTENTS_PER_READ:
                return
            offset = page[-1].last_offset + 1

    async def _survey(self, extent: Extent, first: int, last: int) -> list[Piece]:
        def judge(data: memoryview, header: BatchHeader) -> None:
            if header.last_offset >= first and header.base_offset <= last:
                decodable(data, header)

        def look() -> list[Piece]:
            return joined(survey(self._extents, extent, judge=judge))

        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    async def _skip_in(
        self, topic: Topic, partition: int, found: _Found, operator: Operator
    ) -> list[Damage]:
        """From the last range to the first: what lies before one is still as it was surveyed."""
        skipped: list[Damage] = []
        end, behind = found.extent.last_offset, len(found.runs)
        for place in reversed(found.damaged):
            parts = _parts(found, place, behind, end)
            damage = await self._skip_one(topic, partition, found, place, parts, operator)
            if damage is None:
                break
            skipped.append(damage)
            end, behind = found.runs[place].base_offset - 1, place
        return skipped

    async def _skip_one(
        self,
        topic: Topic,
        partition: int,
        found: _Found,
        place: int,
        parts: list[NewExtent],
        operator: Operator,
    ) -> Damage | None:
        extent, run = found.extent, found.runs[place]
        now_ms = self._now_ms()
        damage = damage_of(topic.no, partition, extent, run, now_ms)
        known = [
            each
            for each in await self._metastore.damages(topic.no)
            if each.partition == partition and _meets(run, each)
        ]
        damage = replace(damage, found_ms=min((now_ms, *(each.found_ms for each in known))))
        first, last = run.base_offset, run.last_offset
        batch = build_batch(
            [],
            base_offset=first,
            offset_deltas=[],
            last_offset_delta=last - first,
            leader_epoch=extent.leader_epoch,
        )
        index = SegmentIndexBuilder(
            cluster_id=self._metastore.cluster_id,
            topic_id=topic.id,
            topic_name=topic.name,
            partition=partition,
            topic_config=dict(topic.configs),
            leader_epoch=extent.leader_epoch,
        )

        def shares() -> Iterator[Share]:
            yield Share(iter([(memoryview(batch), extent.appended_ms)]), index, (first, last))

        key = segment_key(topic.name, topic.id, partition, first, self._unique())
        written = await self._objects.write(key, ObjectKind.SEGMENT, shares)
        content = written.contents[0].described
        empty = NewExtent(
            base_offset=first,
            last_offset=last,
            position=0,
            length=written.length,
            records=0,
            max_timestamp=content.max_timestamp,
            appended_ms=extent.appended_ms,
            leader_epoch=extent.leader_epoch,
        )
        old = ExtentName(extent.base_offset, extent.object_no, extent.position, extent.last_offset)
        at = next(n for n, part in enumerate(parts) if part.base_offset == first)
        what = SkippedExtent(old, tuple(parts), at, written.no, written.length, empty)
        skip = DamageSkip(damage, now_ms, *operator)
        if not await self._metastore.skip_damage(what, skip):
            return None
        logger.warning(
            "%s/%s: offsets %s..%s (%s, %s) are skipped for good: %s, by %s",
            topic.name,
            partition,
            first,
            last,
            damage.cause,
            damage.object_key,
            operator.reason,
            operator.principal,
        )
        return damage


def _parts(found: _Found, place: int, behind: int, end: int) -> list[NewExtent]:
    """What the extent is divided into: what lies before the damage, the damage, what lies behind it
    up to ``end``, where ``behind`` is the first run that is no longer the extent's."""
    extent, run = found.extent, found.runs[place]
    parts = [part_of(extent, run)]
    if before := found.runs[:place]:
        one = _together(before)._replace(
            base_offset=extent.base_offset, last_offset=run.base_offset - 1
        )
        parts.insert(0, part_of(extent, one))
    if after := found.runs[place + 1 : behind]:
        one = _together(after)._replace(base_offset=run.last_offset + 1, last_offset=end)
        parts.append(part_of(extent, one))
    return parts


def _together(runs: list[Piece]) -> Piece:
    return runs[0]._replace(
        good=all(run.good for run in runs),
        length=sum(run.length for run in runs),
        records=sum(max(0, run.records) for run in runs),
        max_timestamp=max(run.max_timestamp for run in runs),
    )


def _meets(run: Piece, damage: Damage) -> bool:
    return run.base_offset <= damage.last_offset and run.last_offset >= damage.first_offset
