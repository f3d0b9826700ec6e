"""Members of groups of the consumer protocol (KIP-848): they heartbeat, take and give up partitions, commit what they
own, stall, vanish, leave for good or for a while, and are fenced.

What they are told must fit together: of each epoch a partition has one owner; nobody is given what another one has
not given up, unless that one may have been silent for a session; nobody commits for a partition that another one
was given since; and committed offsets never go back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from anabranch.errors import AnabranchError, ErrorCode
from anabranch.wire.messages.m68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatRequestTopicPartitions,
)
from sim.history import TopicStory, Violation
from sim.loop import Process
from sim.members import ELSEWHERE, Member, Place, Refused
from sim.net import NoAnswer

if TYPE_CHECKING:
    from sim.world import World

GROUPS = ("k1", "k2")
SESSION_MS = 1500
HEARTBEAT_MS = 300
REBALANCE_MS = 4000
JOINING, LEAVING, AWAY = 0, -1, -2
REGEX_SINCE = 1  # before, members have no id of their own and know no patterns
COMMITS_SINCE = 9  # OffsetCommit: before, epochs cannot be told from generations
STARTS_OVER = (ErrorCode.FENCED_MEMBER_EPOCH, ErrorCode.UNKNOWN_MEMBER_ID)


class Grant(NamedTuple):
    """Somebody was told that a place is its own."""

    at_s: float
    to: str  # a member, or what a static one is called


@dataclass
class Holding:
    """One member as others see it: what it has, by what it was told and has not given up."""

    has: dict[Place, float] = field(default_factory=dict)  # since when
    kept_s: dict[Place, float] = field(
        default_factory=dict
    )  # sent at: the last heartbeat that left it there
    alive_s: float = 0.0  # sent at: the last heartbeat that was answered
    by: Process | None = None  # who answered it
    jumps: int = 0  # of clocks, at that time


@dataclass
class Ownership:
    """Who was told what, in one group."""

    epochs: dict[Place, dict[int, str]] = field(default_factory=dict)
    newest: int = 0
    grants: dict[Place, list[Grant]] = field(default_factory=dict)
    holdings: dict[str, Holding] = field(default_factory=dict)  # by member


class Consumer848(Member):
    """One client in one group, under one member id after the other."""

    def __init__(self, world: World, name: str, group: str, instance: str | None) -> None:
        super().__init__(world, name, group)
        self.ownership = world.history.ownerships.setdefault(group, Ownership())
        self._instance = instance
        self._lives = 0
        self._told = False  # the group knows all that it has to know
        self._pattern: str | None = None
        self._names: list[str] = []
        self._heartbeat_s = 0.0
        self._begin()

    @property
    def holding(self) -> Holding:
        return self.ownership.holdings.setdefault(self.member_id, Holding())

    @property
    def _key(self) -> str:
        """Of whom there is one at a time, under whatever member id."""
        return self._instance or self.member_id

    def _begin(self) -> None:
        """Another process takes the place of the one before."""
        self.ownership.holdings.pop(self.member_id, None)
        self._lives += 1
        self.member_id = f"{self.name}-{self._lives}"
        self._start_over()

    def _start_over(self) -> None:
        self.ownership.holdings.pop(self.member_id, None)
        self.generation = JOINING
        self._told = False

    async def run(self) -> None:
        while True:
            positions: dict[Place, int] = {}
            try:
                while True:
                    await self._live_on(positions)
            except Refused as refused:
                self.world.note(f"{self.name}: {self.group} {refused.code.name}")
                if refused.code in STARTS_OVER:
                    self._start_over()
                elif refused.code is ErrorCode.FENCED_INSTANCE_ID:
                    self._begin()  # what a former process sent arrived late, and took its place
            except (NoAnswer, AnabranchError) as fault:
                self._told = False  # what it said may not have been heard
                self.world.note(f"{self.name}: {self.group} {fault}")
            await self.pause(0.1)

    async def _live_on(self, positions: dict[Place, int]) -> None:
        dice = self.rng.random()
        stalled = dice < 0.04
        if stalled:
            await asyncio.sleep(self.rng.choice((0.5, 3.0)))  # longer than a session
        elif dice < 0.06:
            self.world.note(f"{self.name}: {self.member_id} vanishes")
            self._begin()
        elif dice < 0.08:
            await self._leave()
        due = self.generation == JOINING or self.world.loop.time() >= self._heartbeat_s
        if due and not stalled:  # who wakes up goes on with what it was at
            await self._beat()
        for gone in [place for place in positions if place not in self.holding.has]:
            del positions[gone]
        known = [place for place in self.holding.has if self._knows(place)]
        if known and self.generation > JOINING:
            await self._advance(self.rng.choice(known), positions)
        await self.pause(0.15)

    def _knows(self, place: Place) -> bool:
        """Topics of others match patterns as well, and such whose creation nobody heard of yet."""
        return bytes.fromhex(place[0]) in self.world.history.topics

    # -- heartbeats ------------------------------------------------------------------------------------
    async def _beat(self) -> None:
        joins = self.generation == JOINING
        if joins:
            self._subscribe()
        began_s, newest = self.world.loop.time(), self.ownership.newest
        answer, by = await self._ask(self._request(full=joins or not self._told))
        code = ErrorCode(answer.error_code)
        if code is not ErrorCode.NONE:
            raise Refused(code)
        if joins:
            self._look_at_group(answer.member_epoch, newest)
        if not joins and answer.member_epoch < self.generation:
            raise Violation(
                f"{self.group}: epoch {answer.member_epoch} of {self.member_id} after {self.generation}"
            )
        self.generation = answer.member_epoch
        self.ownership.newest = max(self.ownership.newest, self.generation)
        self._heartbeat_s = began_s + self.rng.uniform(0.5, 1.0) * HEARTBEAT_MS / 1000
        self._told = True
        holding = self.holding
        holding.alive_s, holding.by = began_s, by
        holding.jumps = self.world.weather.injected["clock jump"]
        if answer.assignment is not None:
            self._take(
                {
                    (topic.topic_id.hex(), partition)
                    for topic in answer.assignment.topic_partitions
                    for partition in topic.partitions
                }
            )
        for place in holding.has:
            holding.kept_s[place] = began_s
        self._one_owner(holding.has)

    def _subscribe(self) -> None:
        self._pattern = self.rng.choice((None, "t.*", ".*"))
        self._names = [story.topic.name for story in self.world.history.live_topics()]
        if self._pattern is None and not self._names:
            self._pattern = ".*"

    def _request(self, *, full: bool) -> ConsumerGroupHeartbeatRequest:
        request = ConsumerGroupHeartbeatRequest(
            group_id=self.group,
            member_id=self.member_id,
            member_epoch=self.generation,
            instance_id=self._instance,
        )
        if full:
            request.rebalance_timeout_ms = REBALANCE_MS
            request.subscribed_topic_names = [] if self._pattern else self._names
            request.subscribed_topic_regex = self._pattern
            request.server_assignor = self.rng.choice((None, "uniform", "range"))
            request.topic_partitions = _by_topic(self.holding.has)
        return request

    async def _ask(self, request: ConsumerGroupHeartbeatRequest) -> tuple[Any, Process | None]:
        """The answer, and who gave it. Raises NoAnswer, ClientFault."""
        broker = await self.kafka.coordinator(self.group)
        try:
            answer, _ = await self.kafka.request(
                broker, request, timeout_s=1.0, purpose="group", since=REGEX_SINCE
            )
        except NoAnswer:
            self.kafka.forget_coordinator(self.group)
            raise
        if answer.error_code in ELSEWHERE:
            self.kafka.forget_coordinator(self.group)
        return answer, broker.process

    def _take(self, assigned: set[Place]) -> None:
        """What is not assigned any more is given up first, and said to be; what is new comes after that."""
        holding = self.holding
        gone = [place for place in holding.has if place not in assigned]
        for place in gone:
            del holding.has[place]
            holding.kept_s.pop(place, None)
        if gone:
            self._told = False
            self._heartbeat_s = 0.0
            self.world.weather.saw("partitions handed over")
            return
        for place in sorted(assigned - holding.has.keys()):
            self._nobody_has(place)
            holding.has[place] = self.world.loop.time()
            grant = Grant(self.world.loop.time(), self.member_id)
            self.ownership.grants.setdefault(place, []).append(grant)
            self.world.weather.saw("partitions taken")

    async def _leave(self) -> None:
        """For good, or for a while: then what it has stays its own."""
        request = self._request(full=False)
        away = self._instance is not None and self.rng.random() < 0.5
        request.member_epoch = AWAY if away else LEAVING
        if self.generation == JOINING:
            return
        self.holding.has.clear()  # it has stopped before it says so
        try:
            await self._ask(request)
        finally:
            self._begin()

    # -- what must hold --------------------------------------------------------------------------------
    def _look_at_group(self, epoch: int, newest: int) -> None:
        """A group that nobody was in, and that had no offsets, may be forgotten, and begin anew."""
        if epoch >= newest and epoch > 1:
            return
        now_s = self.world.loop.time()
        for member_id, other in self.ownership.holdings.items():
            if epoch < newest and member_id != self.member_id and self._is_surely_in(other, now_s):
                raise Violation(
                    f"{self.group}: {self.member_id} joined under epoch {epoch} after {newest}, while "
                    f"{member_id} is in it"
                )
        self.ownership.newest = 0
        self.ownership.epochs.clear()

    def _one_owner(self, places: Iterable[Place]) -> None:
        for place in places:
            owners = self.ownership.epochs.setdefault(place, {})
            owner = owners.setdefault(self.generation, self._key)
            if owner != self._key:
                raise Violation(
                    f"{self.group}: {owner} and {self._key} both own {place} in epoch {self.generation}"
                )

    def _nobody_has(self, place: Place) -> None:
        now_s = self.world.loop.time()
        for member_id, other in self.ownership.holdings.items():
            if member_id == self.member_id or place not in other.has:
                continue
            fenced_s = other.kept_s[place] + REBALANCE_MS / 1000
            if now_s < fenced_s and self._is_surely_in(other, now_s):
                raise Violation(
                    f"{self.group}: {self.member_id} was given {place}, which {member_id} has not "
                    f"given up: {other}"
                )

    def _is_surely_in(self, other: Holding, now_s: float) -> bool:
        """Whether the broker that answers must take it for alive: where no clock jumped, and it was this very
        process that it spoke to."""
        return (
            other.by is not None
            and other.by is self.holding.by
            and other.jumps == self.world.weather.injected["clock jump"]
            and now_s < other.alive_s + SESSION_MS / 1000
        )

    # -- commits ---------------------------------------------------------------------------------------
    async def _commit(self, story: TopicStory, place: Place, offset: int) -> None:
        began_s, turns, since_s = self.world.loop.time(), story.turns, self.holding.has[place]
        code = await self.kafka.commit(
            self.group,
            story,
            place[1],
            offset,
            member_id=self.member_id,
            generation=self.generation,
            since=COMMITS_SINCE,
        )
        if code in ELSEWHERE or code is ErrorCode.STALE_MEMBER_EPOCH:
            return  # its next heartbeat tells it the epoch
        if code is not ErrorCode.NONE:
            raise Refused(code)
        for grant in self.ownership.grants.get(place, ()):
            if grant.to != self.member_id and since_s < grant.at_s < began_s:
                raise Violation(
                    f"I4: {self.group}: {self.member_id} committed for {place}, which {grant.to} was "
                    f"given before"
                )
        if story.turns == turns and not story.deletion_asked:
            acknowledged = self.story_of.committed.setdefault((place, turns), [])
            acknowledged.append((self.world.loop.time(), offset))
        self.world.weather.saw("commits of consumers")


def _by_topic(places: Iterable[Place]) -> list[ConsumerGroupHeartbeatRequestTopicPartitions]:
    topics: dict[str, list[int]] = {}
    for topic, partition in sorted(places):
        topics.setdefault(topic, []).append(partition)
    return [
        ConsumerGroupHeartbeatRequestTopicPartitions(
            topic_id=bytes.fromhex(topic), partitions=partitions
        )
        for topic, partitions in topics.items()
    ]
