"""Members of consumer groups: they join, share out partitions, commit what they own, stall, leave, come back.

What they are told must fit together: a partition has one owner per generation, generations of a member go
up, nobody commits under a generation that is known to be over, and committed offsets never go back.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from anabranch.errors import AnabranchError, ErrorCode
from anabranch.groups.values import (
    CommitCall,
    JoinCall,
    JoinResult,
    LeavingMember,
    OffsetToCommit,
    SyncCall,
)
from anabranch.metastore.api import Actor
from sim.actors import Client
from sim.broker import Node
from sim.history import TopicStory, Violation
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

T = TypeVar("T")

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

    async def _at(self, request: Callable[[Node], Awaitable[T]], timeout_s: float = 1.0) -> T:
        return await self.world.network.call(
            self.rng.choice(self.world.brokers), request, timeout_s=timeout_s, hang_up=True
        )

    # -- joining ---------------------------------------------------------------------------------------
    async def _enter(self) -> list[Place]:
        joined = await self._join()
        number = joined.generation
        if joined.member_id == self.member_id and number < self.generation:
            raise Violation(
                f"{self.group}: generation {number} of {self.member_id} after {self.generation}"
            )
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
            joined = await self._ask_to_join(call)
            if joined.error is ErrorCode.NONE:
                return joined
            if joined.error is ErrorCode.MEMBER_ID_REQUIRED:
                self.member_id, self.generation = joined.member_id, -1
            elif joined.error in ELSEWHERE:
                await self.pause(0.05)
            else:
                raise Refused(joined.error)

    async def _ask_to_join(self, call: JoinCall) -> JoinResult:
        return await self._at(lambda node: node.groups.join(self.group, call), timeout_s=6.0)

    async def _sync(self, number: int, assignments: list[tuple[str, bytes]]) -> bytes:
        call = SyncCall(self.member_id, None, number, "consumer", "shared", assignments)
        while True:
            synced = await self._at(lambda node: node.groups.sync(self.group, call), timeout_s=4.0)
            if synced.error is ErrorCode.NONE:
                return synced.assignment
            if synced.error not in ELSEWHERE:
                raise Refused(synced.error)
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
            found = await self._at(lambda node: node.groups.fetch(self.group))
        except AnabranchError:
            return None  # of another broker
        offset = max(
            (
                each.offset
                for each in found
                if (each.topic_no, each.partition) == (story.topic.no, place[1])
            ),
            default=0,
        )
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
        actor = Actor(principal="", client_id=self.name, host="", api="OffsetCommit")
        call = CommitCall(
            self.member_id,
            None,
            self.generation,
            [OffsetToCommit(story.topic.no, place[1], offset)],
            actor,
        )
        (code,) = await self._at(lambda node: node.groups.commit(self.group, call))
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
        code = await self._at(
            lambda node: node.groups.heartbeat(self.group, self.member_id, None, self.generation)
        )
        if code is not ErrorCode.NONE and code not in ELSEWHERE:
            raise Refused(code)

    async def _leave(self) -> None:
        leaving = [LeavingMember(self.member_id)]
        try:
            await self._at(lambda node: node.groups.leave(self.group, leaving))
        finally:
            self.member_id, self.generation = "", -1
