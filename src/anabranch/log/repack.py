"""Repacking: packs of which little is named any more, and many small packs, become few.

A pack lives as long as any extent names any of its shares; one partition that is kept for years could keep
a whole pack alive. So packs are ranked by what extents still name of them, and rewritten where that pays:
each byte is rewritten for a byte that is freed, or a logarithmic number of times.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import NamedTuple

from anabranch.errors import StoreFault
from anabranch.log.extents import ExtentReader
from anabranch.log.objects import ObjectWriter, Share
from anabranch.log.rewriting import EXTENTS_PER_PASS, ExtentFault, checked_batches
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Extent,
    ExtentName,
    Metastore,
    NewExtent,
    ObjectKind,
    PackUsage,
    PlacedExtent,
    Replacement,
    Topic,
)
from anabranch.storage.pack import pack_key
from anabranch.storage.segment import NOT_KNOWN, SegmentIndexBuilder

logger = logging.getLogger(__name__)

PACKS_LOOKED_AT = 4096  # with the fewest live bytes; more there are not, see ``packs_max``
PACKS_MEASURED = 64  # per pass, some milliseconds each
EXTENTS_PER_PACK_MAX = 65_536  # that name shares of one pack; a pack with more is left alone
TIER_BYTES = 64 * 1024  # live bytes of the lowest tier; each tier above holds fan_in times as much


def packs_max(live_bytes: int, settings: LogSettings) -> int:
    """The most packs that there are between passes for so many live bytes: a few of each tier below
    half a full pack, and those above."""
    tiers = 1
    while TIER_BYTES * settings.consolidate_fan_in**tiers < settings.pack_bytes_max:
        tiers += 1
    full = 2 * live_bytes // settings.pack_bytes_max + 1
    return (settings.consolidate_fan_in - 1) * (tiers + 1) + full


def choose(packs: Sequence[PackUsage], settings: LogSettings) -> list[PackUsage]:
    """Packs to be rewritten together now, at most about one full pack of live bytes; or none.

    Those that are mostly dead, if what they free together is worth an object; or ``fan_in`` of one tier,
    the smallest first. What fills half a pack by itself is left until it is mostly dead.
    """
    dead = [pack for pack in packs if 2 * pack.live_bytes <= pack.bytes]
    if sum(pack.bytes - pack.live_bytes for pack in dead) >= settings.pack_bytes_max // 2:
        return _within(dead, settings.pack_bytes_max)
    small = sorted(
        (pack for pack in packs if 2 * pack.live_bytes < settings.pack_bytes_max),
        key=lambda pack: pack.live_bytes,
    )
    for _, tier in groupby(small, key=lambda pack: _tier(pack, settings.consolidate_fan_in)):
        together = list(tier)
        if len(together) >= settings.consolidate_fan_in:
            return _within(together, settings.pack_bytes_max)
    return []


def _tier(pack: PackUsage, fan_in: int) -> int:
    tier, reach = 0, TIER_BYTES
    while pack.live_bytes > reach:
        tier, reach = tier + 1, reach * fan_in
    return tier


def _within(packs: Sequence[PackUsage], bytes_max: int) -> list[PackUsage]:
    chosen: list[PackUsage] = []
    size = 0
    for pack in packs:
        if chosen and size + pack.live_bytes > bytes_max:
            break
        chosen.append(pack)
        size += pack.live_bytes
    return chosen


class _Named(NamedTuple):
    """Bytes of a pack that extents name: the longest of those that start at one position."""

    longest: PlacedExtent
    named: list[PlacedExtent]


class Repacker:
    """Rewrites packs, for one process."""

    def __init__(
        self,
        metastore: Metastore,
        objects: ObjectWriter,
        extents: ExtentReader,
        settings: LogSettings,
        now_ms: Callable[[], int],
        unique: Callable[[], str],
    ) -> None:
        self._metastore = metastore
        self._objects = objects
        self._extents = extents
        self._settings = settings
        self._now_ms = now_ms
        self._unique = unique
        self._left_alone: set[int] = set()  # packs that could not be read whole
        self.repacked_bytes = 0

    async def run_once(self) -> int:
        """One bounded pass; returns how many packs were rewritten. Raises StoreFault."""
        await self._metastore.measure_packs(PACKS_MEASURED)
        packs = [
            pack
            for pack in await self._metastore.pack_usage(PACKS_LOOKED_AT)
            if pack.object_no not in self._left_alone
        ]
        chosen = choose(packs, self._settings)
        shares: list[_Named] = []
        for pack in chosen:
            placed = await self._metastore.extents_of_object(
                pack.object_no, EXTENTS_PER_PACK_MAX + 1
            )
            if len(placed) > EXTENTS_PER_PACK_MAX:
                self._left_alone.add(pack.object_no)
            else:
                shares += _shares(placed)
        return len(chosen) if shares and await self._rewrite(shares) else 0

    async def _rewrite(self, shares: Sequence[_Named]) -> bool:
        topics: dict[int, Topic] = {}
        for share in shares:
            no = share.longest.topic_no
            topic = topics.get(no) or await self._metastore.topic_by_no(no)
            if topic is None:
                return False  # deleted meanwhile: the next pass sees what is left
            topics[no] = topic
        ordered = sorted(shares, key=lambda each: each.longest[:2])
        key = pack_key(self._unique())
        try:
            written = await self._objects.write(
                key,
                ObjectKind.PACK,
                lambda: (self._share(each.longest, topics) for each in ordered),
            )
        except ExtentFault as bad:
            if isinstance(bad.fault, StoreFault) and bad.fault.retryable:
                raise bad.fault from bad
            logger.error("%s is left as it is: %s", bad.extent.object_key, bad)
            self._left_alone.add(bad.extent.object_no)
            return False
        replacements = [
            _moved(each, content.position)
            for share, content in zip(ordered, written.contents, strict=True)
            for each in share.named
        ]
        for chunk in _one_per_partition(replacements):
            await self._metastore.replace_many(written.no, written.length, chunk, self._now_ms())
        self.repacked_bytes += written.length
        return True

    def _share(self, placed: PlacedExtent, topics: dict[int, Topic]) -> Share:
        """The share goes on describing itself as it did: a branch that alone still names it is not
        where it came from."""
        old = self._extents.describe(placed.extent)
        topic = topics[placed.topic_no]
        index = SegmentIndexBuilder(
            cluster_id=self._metastore.cluster_id,
            topic_id=topic.id if old is None else old.topic_id,
            topic_name=topic.name if old is None else old.topic_name,
            partition=placed.partition if old is None else old.partition,
            topic_config=dict(topic.configs if old is None else old.topic_config),
            leader_epoch=placed.extent.leader_epoch,
            compacted_at_ms=NOT_KNOWN if old is None else old.compacted_at_ms,
        )
        extent = placed.extent
        batches = checked_batches(self._extents, extent)
        return Share(batches, index, (extent.base_offset, extent.last_offset))


def _shares(placed: Sequence[PlacedExtent]) -> list[_Named]:
    """``placed`` are in the order of position, the longest first."""
    return [
        _Named(named[0], named)
        for _, group in groupby(placed, key=lambda each: each.extent.position)
        for named in [list(group)]
    ]


def _moved(placed: PlacedExtent, position: int) -> Replacement:
    old: Extent = placed.extent
    name = ExtentName(old.base_offset, old.object_no, old.position, old.last_offset)
    new = NewExtent(
        base_offset=old.base_offset,
        last_offset=old.last_offset,
        position=position,
        length=old.length,
        records=old.records,
        max_timestamp=old.max_timestamp,
        appended_ms=old.appended_ms,
        leader_epoch=old.leader_epoch,
    )
    return Replacement(placed.topic_no, placed.partition, (name,), (new,))


def _one_per_partition(replacements: Sequence[Replacement]) -> list[list[Replacement]]:
    """As many per transaction as commits behind it may wait for, no partition twice in one."""
    chunks: list[list[Replacement]] = []
    held: list[set[tuple[int, int]]] = []
    for each in replacements:
        key = (each.topic_no, each.partition)
        for chunk, keys in zip(chunks, held, strict=True):
            if key not in keys and len(chunk) < EXTENTS_PER_PASS:
                chunk.append(each)
                keys.add(key)
                break
        else:
            chunks.append([each])
            held.append({key})
    return chunks
