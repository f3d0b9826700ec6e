"""Somebody who holds what a replay would need, beside retention, DeleteRecords, deletion and compaction.

From the moment when a hold is confirmed until its release is asked for, nothing of it goes: the topic stays, its
log begins at or below each floor, and what was not compacted by then is not compacted.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from anabranch.errors import AnabranchError
from anabranch.metastore.partitions import partition as partition_row
from anabranch.recovery.model import Position, RecoveryPoint, topic_id_text
from anabranch.recovery.promises import holds
from sim.actors import Client
from sim.broker import Node
from sim.history import TopicStory, Violation
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

HOLDS_MAX = 3  # at a time
LASTS_MS = 3_600_000  # longer than any life: none ends by a clock
HINDSIGHT = 0.7  # of the floors lie at the log's start, where something is about to go


@dataclass
class Held:
    """A hold that was confirmed."""

    name: str
    story: TopicStory
    floors: dict[int, int]  # by partition
    compacted: dict[int, set[int]]  # by then, by partition


class Holder(Client):
    """Makes holds, and releases them after a while."""

    def __init__(self, world: World, name: str) -> None:
        super().__init__(world, name)
        self._names = itertools.count(1)
        self._held: list[Held] = []

    async def run(self) -> None:
        while True:
            await self.pause(0.15)
            try:
                if len(self._held) < HOLDS_MAX and self.rng.random() < 0.6:
                    await self._hold()
                elif self._held:
                    await self._release()
            except (NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: {fault}")

    async def _hold(self) -> None:
        story = self.story()
        if story is None:
            return
        floors = {
            partition: self._floor(story, partition)
            for partition in range(story.topic.partitions)
            if story.line(partition).at and self.rng.random() < 0.7
        }
        if not floors:
            return
        name = f"h{next(self._names)}"
        point = self._point(name, story, floors)

        async def create(node: Node) -> None:
            await holds.create(
                node.log.metastore,
                name,
                owner=self.name,
                reason="",
                now_ms=node.log.now_ms(),
                lasts_ms=LASTS_MS,
                point=point,
            )

        await self.ask(create)
        held = Held(name, story, floors, {})
        self._look(held)  # what went before that is not there to be held
        held.compacted = {each: set(story.line(each).gone) for each in floors}
        self._held.append(held)
        self.world.weather.saw("holds")
        self.world.note(f"{self.name}: {name} holds {story} from {floors} on")
        self.check()

    def _floor(self, story: TopicStory, partition: int) -> int:
        tx = self.world.database.connection
        row = partition_row(tx, story.topic.no, partition)
        if row is not None and self.rng.random() < HINDSIGHT:
            return row.log_start
        return self.rng.choice(list(story.line(partition).at))

    def _point(self, name: str, story: TopicStory, floors: dict[int, int]) -> RecoveryPoint:
        positions = tuple(
            Position(story.topic.name, topic_id_text(story.id), partition, offset)
            for partition, offset in floors.items()
        )
        return RecoveryPoint(
            id=name,
            name=name,
            processor=self.name,
            version="1",
            group=None,
            positions=positions,
            source="explicit",
            at_ms=self.world.now_ms(),
            checkpoint=None,
            in_flight=False,
            sinks=(),
            creator=self.name,
            created_ms=self.world.now_ms(),
        )

    async def _release(self) -> None:
        held = self._held.pop(self.rng.randrange(len(self._held)))
        await self.insist(
            lambda: self.ask(
                lambda node: holds.release(node.log.metastore, held.name, node.log.now_ms())
            )
        )
        self.world.note(f"{self.name}: {held.name} is released")

    # -- what must hold --------------------------------------------------------------------------------
    def _look(self, held: Held) -> None:
        """See what compaction has taken up to this moment."""
        for partition in held.floors:
            self.world.auditor.look_at(held.story, partition)

    def check(self) -> None:
        """Raises Violation."""
        for held in self._held:
            for partition, offset in held.floors.items():
                where = f"I3: {held.name} holds {held.story}/{partition} from {offset} on"
                row = partition_row(self.world.database.connection, held.story.topic.no, partition)
                if row is None:
                    raise Violation(f"{where}, and the topic is deleted")
                if row.log_start > offset:
                    raise Violation(f"{where}, and it begins at {row.log_start}")
                self.world.auditor.look_at(held.story, partition)
                gone = held.story.line(partition).gone - held.compacted[partition]
                if gone:
                    raise Violation(f"{where}, and {sorted(gone)} were compacted")
