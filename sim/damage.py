"""Objects of the bucket are damaged, and an operator gives up what cannot be read.

A vandal flips a byte of a batch or deletes a whole object. What that takes is known exactly: those offsets
may fail to be read, may be skipped by an operator, and are then missing with their cause; nothing else is.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from anabranch.errors import AnabranchError, ClientFault, StoreFault, UserFault
from anabranch.log.skipping import Operator as Word
from anabranch.metastore.api import Damage, Extent, ObjectKind
from anabranch.metastore.damage import damages
from anabranch.metastore.extents import EXTENT_COLUMNS, extent_of, extents_from
from anabranch.metastore.partitions import partition as partition_row
from anabranch.metastore.skips import damage_skips
from anabranch.records.batch import scan
from anabranch.storage.store import NotFound
from sim.actors import Client
from sim.history import TopicStory, Violation
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

EXTENTS_MAX = 1 << 30
# What is struck is a checksum or the records under it: by the rest of its header a batch is found again, so that
# this file knows what was lost.
CRC_AT, CRC_BYTES = 17, 4
WORD = Word("User:operator", "console", "a vandal was here")
PATIENCE_S = 60.0  # virtual, in calm weather


class Vandal(Client):
    """Takes something out of the bucket now and then."""

    async def run(self) -> None:
        while True:
            await self.pause(2.0)
            self._strike()

    def _strike(self) -> None:
        self.world.auditor.audit()  # whatever is there has been seen
        places = list(self._places())
        if not places:
            return
        extent = self.rng.choice(places)
        bucket = self.world.bucket
        content = bytearray(bucket.get(extent.object_key))
        if self.rng.random() < 0.3:
            bucket.delete(extent.object_key)
            at, end, what = 0, len(content), "deletes"
        else:
            headers = list(
                scan(memoryview(content), extent.position, extent.position + extent.length)
            )
            header = self.rng.choice(headers)
            at = self.rng.randrange(header.records_at - CRC_BYTES, header.end)
            if at < header.records_at:
                at += header.position + CRC_AT - header.records_at + CRC_BYTES
            changed = bytearray(content)
            changed[at] ^= 1 << self.rng.randrange(8)
            bucket.put(extent.object_key, bytes(changed), create=False)
            end, what = at + 1, f"flips byte {at} of"
        self.world.weather.count("damage", f"{self.name} {what} {extent.object_key}")
        self.world.vandalised = True
        self._note(extent.object_no, at, end, bytes(content))
        self.world.auditor.look_again()

    def _places(self) -> Iterator[Extent]:
        """What may be struck: of objects that still read well, so that each knows what it took."""
        for story in self.world.history.topics.values():
            for partition in range(story.topic.partitions):
                for extent in _extents(self.world, story, partition):
                    offsets = range(extent.base_offset, extent.last_offset + 1)
                    if extent.kind in (ObjectKind.SEGMENT, ObjectKind.PACK) and not any(
                        self.world.history.is_damaged(story, partition, each) for each in offsets
                    ):
                        try:
                            self.world.bucket.head(extent.object_key)
                        except NotFound:
                            continue
                        yield extent

    def _note(self, object_no: int, start: int, end: int, content: bytes) -> None:
        """Whoever has something of the object has lost what lay in ``start .. end``."""
        for story in self.world.history.topics.values():
            for partition in range(story.topic.partitions):
                line = story.line(partition)
                for extent in _all_extents(self.world, story, partition):
                    first, last = extent.position, extent.position + extent.length
                    if extent.object_no != object_no or first >= end or last <= start:
                        continue
                    if start == 0:
                        line.damaged.update(range(extent.base_offset, extent.last_offset + 1))
                        continue
                    for header in scan(memoryview(content), first, last):
                        if header.position <= start < header.end:
                            line.damaged.update(range(header.base_offset, header.last_offset + 1))


def _extents(world: World, story: TopicStory, partition: int) -> list[Extent]:
    tx = world.database.connection
    row = partition_row(tx, story.topic.no, partition)
    if row is None:
        return []
    return extents_from(tx, story.topic.no, partition, row.log_start, EXTENTS_MAX)


def _all_extents(world: World, story: TopicStory, partition: int) -> list[Extent]:
    """Also of a topic that is deleted: it may be brought back."""
    rows = world.database.connection.execute(
        f"SELECT {EXTENT_COLUMNS} FROM extent e JOIN object o ON o.no = e.object_no "
        "WHERE e.topic_no = ? AND e.partition = ? ORDER BY e.base_offset",
        (story.topic.no, partition),
    )
    return [extent_of(row) for row in rows]


class Operator(Client):
    """Skips damage that was found."""

    async def run(self) -> None:
        while True:
            await self.pause(1.0)
            found = damages(self.world.database.connection)
            if found:
                await self._skip_found(self.rng.choice(found))

    async def _skip_found(self, damage: Damage) -> None:
        for story in self.world.history.live_topics():
            if story.topic.no == damage.topic_no:
                first, last = damage.first_offset, damage.last_offset
                try:
                    await self.skip(story, damage.partition, first, last)
                except (NoAnswer, AnabranchError) as fault:
                    self.world.note(f"{self.name}: {fault}")

    async def skip(self, story: TopicStory, partition: int, first: int, last: int) -> None:
        """Raises NoAnswer, AnabranchError."""
        skipped = await self.ask(
            lambda node: node.log.skip_damage(node.topic(story.id), partition, first, last, WORD)
        )
        for damage in skipped:
            self.world.note(
                f"{self.name}: skipped {story}/{partition} {damage.first_offset}..{damage.last_offset}"
            )
            self.world.weather.saw("damaged ranges skipped")
        self._check_history(story)

    def _check_history(self, story: TopicStory) -> None:
        """Only what was damaged is given up, and every time somebody's word for it is kept."""
        for skip in damage_skips(self.world.database.connection, story.topic.no):
            offsets = range(skip.damage.first_offset, skip.damage.last_offset + 1)
            for offset in offsets:
                if not self.world.history.may_be_given_up(story, skip.damage.partition, offset):
                    raise Violation(f"{offset} of {story} was given up, and read well: {skip}")
            if (skip.principal, skip.host, skip.reason) != WORD:
                raise Violation(f"nobody said {skip}")

    async def skip_the_rest(self) -> None:
        """In calm weather: after it everything that is there reads well."""
        for story in self.world.history.live_topics():
            for partition in range(story.topic.partitions):
                for first, last in self._runs(story, partition):
                    await self._insist(story, partition, first, last)

    def _runs(self, story: TopicStory, partition: int) -> list[tuple[int, int]]:
        row = partition_row(self.world.database.connection, story.topic.no, partition)
        runs: list[tuple[int, int]] = []
        if row is None:
            return runs
        for offset in range(row.log_start, row.next_offset):
            if not self.world.history.is_damaged(story, partition, offset):
                continue
            if runs and runs[-1][1] == offset - 1:
                runs[-1] = runs[-1][0], offset
            else:
                runs.append((offset, offset))
        return runs

    async def _insist(self, story: TopicStory, partition: int, first: int, last: int) -> None:
        """Skip all that is damaged in ``first .. last``: a range at a time, as large as it is said to be."""
        deadline_s = self.world.loop.time() + PATIENCE_S
        asked = first, last
        while self.world.loop.time() < deadline_s:
            try:
                await self.skip(story, partition, *asked)
                if asked == (first, last):
                    return
                asked = first, last  # there may be more than that range
                continue
            except UserFault as fault:
                if "read well" in str(fault):  # skipped before, or gone
                    if asked == (first, last):
                        return
                    asked = first, last
                    continue
                wider = re.match(r"offsets (\d+) to (\d+) of \S+ are one damaged range", str(fault))
                if wider is not None:
                    wanted = int(wider[1]), int(wider[2])
                    if wanted == asked or not all(
                        self.world.history.may_be_given_up(story, partition, offset)
                        for offset in range(wanted[0], wanted[1] + 1)
                    ):
                        raise Violation(f"{story}/{partition} {first}..{last}: {fault}") from None
                    asked = wanted
                    continue
                if "holds offsets" not in str(fault):
                    raise Violation(f"{story}/{partition} {first}..{last}: {fault}") from None
                row = partition_row(self.world.database.connection, story.topic.no, partition)
                assert row is not None
                if row.log_start > last:
                    return
                first = max(first, row.log_start)
                asked = first, last
            except (NoAnswer, StoreFault, ClientFault) as fault:  # it may not know the topic yet
                self.world.note(f"{self.name}: {fault}")
            await asyncio.sleep(0.2)
        raise Violation(f"{story}/{partition} {first}..{last} cannot be skipped")
