"""Members of consumer groups: they join, share out partitions, commit what they own, stall, leave, come back.

What they are told must fit together: a partition has one owner per generation, generations of a member go
up, nobody commits under a generation that is known to be over, and committed offsets never go back.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anabranch.errors import AnabranchError, ErrorCode
from anabranch.groups.values import JoinCall, JoinResult
from sim.actors import Client
from sim.history import TopicStory, Violation
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

GROUPS = ("g1", "g2")
SESSION_MS = 1500
REBALANCE_MS = 2500
Place = tuple[str, int]  # topic id in hexadecimal, partition
ELSEWHERE = (ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE)


@dataclass
class Generation:
    """One generation of a group, as its members were told."""

    # By whoever took itself for its leader: one that is not stored may be lost, and its number come again.
    given: list[dict[str, list[Place]]] = field(default_factory=list)
    held: dict[str, list[Place]] = field(default_factory=dict)  # as answered to members


@dataclass
class GroupStory:
    """A group as its members know it."""

    generations: dict[int, Generation] = field(default_factory=dict)
    joined: list[tuple[float, int]] = field(default_factory=list)  # when a generation was heard of
    # The highest acknowledged commit of a place in one life of its topic, and when it was acknowledged.
    committed: dict[tuple[Place, int], list[tuple[float, int]]] = field(default_factory=dict)

    def newest_before(self, now_s: float) -> int:
        return max((number for at_s, number in self.joined if at_s < now_s), default=0)


class Refused(Exception):
    """A group's answer that is no success."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.name)
        self.code = code


class Member(Client):
    """One client in one group, under one member id after the other."""

    def __init__(self, world: World, name: str, group: str) -> None:
        super().__init__(world, name)
        self.group = group
        self.member_id = ""
        self.generation = -1
        self.story_of = world.history.groups.setdefault(group, GroupStory())

    async def run(self) -> None:
        while True:
            try:
                places = await self._enter()
                await self._own(places)
            except Refused as refused:
                self.world.note(f"{self.name}: {self.group} {refused.code.name}")
                if refused.code is ErrorCode.UNKNOWN_MEMBER_ID:
                    self.member_id = ""
            except (NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: {self.group} {fault}")
            await self.pause(0.1)

    # -- joining ---------------------------------------------------------------------------------------
    async def _enter(self) -> list[Place]:
        joined = await self._join()
        number = joined.generation
        if joined.member_id != self.member_id:
            self.member_id, self.generation = joined.member_id, -1
        generation = self.story_of.generations.setdefault(number, Generation())
        assignments: list[tuple[str, bytes]] = []
        if joined.leader == joined.member_id:
            members = [member.member_id for member in joined.members]
            if (
                number == 1 and self.story_of.joined
            ):  # the group was deleted, empty and without offsets
                for each in self.story_of.generations.values():
                    each.held.clear()
                self.story_of.joined.clear()
            given = self._share_out(members)
            generation.given.append(given)
            assignments = [(member, json.dumps(mine).encode()) for member, mine in given.items()]
        answer = await self._sync(number, assignments)
        # A broker that does not know yet that it was given up may let somebody join what is over, not sync.
        if number < self.generation:
            raise Violation(
                f"{self.group}: generation {number} of {self.member_id} after {self.generation}"
            )
        # Now it is stored. A generation that was only joined may be forgotten with its coordinator.
        self.generation = number
        self.story_of.joined.append((self.world.loop.time(), number))
        places = [(topic, partition) for topic, partition in json.loads(answer or b"[]")]
        self._holds(number, generation, places)
        self.world.weather.saw("generations entered")
        return places

    async def _join(self) -> JoinResult:
        while True:
            call = JoinCall(
                self.member_id,
                None,
                self.name,
                "",
                "consumer",
                (("shared", b""),),
                SESSION_MS,
                REBALANCE_MS,
            )
            joined = await self.kafka.join(self.group, call, timeout_s=6.0)
            if joined.error is ErrorCode.NONE:
                return joined
            if joined.error is ErrorCode.MEMBER_ID_REQUIRED:
                self.member_id, self.generation = joined.member_id, -1
            elif joined.error in ELSEWHERE:
                await self.pause(0.05)
            else:
                raise Refused(joined.error)

    async def _sync(self, number: int, assignments: list[tuple[str, bytes]]) -> bytes:
        while True:
            code, assignment = await self.kafka.sync(
                self.group, self.member_id, number, assignments, timeout_s=4.0
            )
            if code is ErrorCode.NONE:
                return assignment
            if code not in ELSEWHERE:
                raise Refused(code)
            await self.pause(0.05)

    def _share_out(self, members: list[str]) -> dict[str, list[Place]]:
        places = [
            (story.id.hex(), partition)
            for story in self.world.history.live_topics()
            for partition in range(story.topic.partitions)
        ]
        return {
            member: places[number :: len(members)] for number, member in enumerate(sorted(members))
        }

    def _holds(self, number: int, generation: Generation, places: list[Place]) -> None:
        where = f"{self.group} generation {number}"
        if all(places != given.get(self.member_id, []) for given in generation.given):
            raise Violation(f"{where}: nobody gave {self.member_id} {places}")
        generation.held[self.member_id] = places
        for other, theirs in generation.held.items():
            shared = set(theirs) & set(places)
            if other != self.member_id and shared:
                raise Violation(f"{where}: {other} and {self.member_id} both own {shared}")

    # -- owning ----------------------------------------------------------------------------------------
    async def _own(self, places: list[Place]) -> None:
        positions: dict[Place, int] = {}
        while True:
            if self.rng.random() < 0.05:
                await asyncio.sleep(self.rng.choice((0.5, 3.0)))  # longer than a session
            elif self.rng.random() < 0.03:
                await self._leave()
                return
            if places:
                await self._advance(self.rng.choice(places), positions)
            if self.rng.random() < 0.7:
                await self._heartbeat()
            await self.pause(0.2)

    async def _advance(self, place: Place, positions: dict[Place, int]) -> None:
        story = self.world.history.topics[bytes.fromhex(place[0])]
        if story.deletion_asked:
            return
        if place not in positions:
            position = await self._committed(story, place)
            if position is None:
                return
            positions[place] = position
        seen = story.line(place[1]).at
        position = min(positions[place] + self.rng.randint(1, 5), max(seen, default=-1) + 1)
        if position > positions[place]:
            positions[place] = position
            await self._commit(story, place, position)

    async def _committed(self, story: TopicStory, place: Place) -> int | None:
        """Where the owners before this one had got to."""
        began_s, turns = self.world.loop.time(), story.turns
        try:
            offset = await self.kafka.committed(self.group, story, place[1]) or 0
        except AnabranchError:
            return None  # of another broker
        if story.turns != turns or story.deletion_asked:
            return None
        acknowledged = [
            value
            for at_s, value in self.story_of.committed.get((place, turns), [])
            if at_s < began_s
        ]
        if acknowledged and offset < max(acknowledged):
            raise Violation(
                f"I4: {self.group} {story}/{place[1]}: {max(acknowledged)} was acknowledged, and "
                f"{offset} is committed"
            )
        return offset

    async def _commit(self, story: TopicStory, place: Place, offset: int) -> None:
        began_s, turns = self.world.loop.time(), story.turns
        code = await self.kafka.commit(
            self.group,
            story,
            place[1],
            offset,
            member_id=self.member_id,
            generation=self.generation,
        )
        if code in ELSEWHERE:
            return
        if code is not ErrorCode.NONE:
            raise Refused(code)
        newest = self.story_of.newest_before(began_s)
        if newest > self.generation:
            raise Violation(
                f"I4: {self.group}: {self.member_id} committed under generation {self.generation}, when "
                f"{newest} had begun"
            )
        if story.turns == turns and not story.deletion_asked:
            acknowledged = self.story_of.committed.setdefault((place, turns), [])
            acknowledged.append((self.world.loop.time(), offset))
        self.world.weather.saw("commits of members")

    async def _heartbeat(self) -> None:
        code = await self.kafka.heartbeat(self.group, self.member_id, self.generation)
        if code is not ErrorCode.NONE and code not in ELSEWHERE:
            raise Refused(code)

    async def _leave(self) -> None:
        try:
            await self.kafka.leave(self.group, self.member_id)
        finally:
            self.member_id, self.generation = "", -1
