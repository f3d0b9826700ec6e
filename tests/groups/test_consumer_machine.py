"""Random lives of a consumer group: members of both protocols that come, go, stall and lose answers, topics that
appear, grow and vanish, brokers that crash. After every step:

- no partition is read by two members at once, by what the members themselves believe (not the group);
- ``check()`` holds, also of what is restored from what was stored;
- a restart fences nobody: every member goes on with the epoch and partitions that it has (I4);
- left alone, the group comes to rest, and every subscribed partition is somebody's.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from anabranch.errors import ErrorCode
from anabranch.groups.consumer import ConsumerGroup
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.consumer_values import BeatCall, BeatResult, ConsumerTiming
from anabranch.groups.effects import Effect, Persist
from anabranch.groups.settings import GroupSettings, MigrationPolicy
from anabranch.groups.subscription import read_assignment
from anabranch.groups.topics import FixedTopics, TopicShape
from anabranch.groups.values import GroupState, JoinCall, JoinResult, SyncCall, SyncResult
from anabranch.wire.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
    TopicPartition,
)

SESSION_MS, REBALANCE_MS = 1000, 400
SETTINGS = GroupSettings(
    session_timeout_ms_min=100, members_max=7, migration=MigrationPolicy.UPGRADE
)
NAMES = ("t", "u", "v")
Partitions = frozenset[tuple[str, int]]


@dataclass
class Client:
    """What a member believes: it reads ``has``, and nothing that it has been told to give up."""

    name: str
    instance: str | None
    topics: tuple[str, ...] | None
    regex: str | None
    assignor: str | None
    eager: bool | None = None  # of the classic protocol; None: of the consumer protocol
    member_id: str = ""
    epoch: int = 0
    has: Partitions = frozenset()
    told: bool = False  # the group knows what it has
    rejoin: bool = True
    synced: bool = False

    def stop(self) -> None:
        """Fenced, or expired: it abandons everything and starts over."""
        if self.eager is not None:
            self.member_id = ""
        self.epoch, self.has, self.rejoin, self.told = 0, frozenset(), True, False


@dataclass
class Store:
    """What is durable."""

    head: bytes | None = None
    members: dict[str, bytes] = field(default_factory=dict)


class ConsumerGroups(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now_ms = 1_000_000
        self.serial = 0
        self.topic_version = 0
        self.shapes: dict[str, TopicShape] = {"t": TopicShape(b"t" * 16, 4)}
        self.clients: dict[str, Client] = {}
        self.store = Store()
        self.start()

    def start(self) -> None:
        self.group = ConsumerGroup("g", SETTINGS, self.world(), self.now_ms)

    def world(self) -> GroupWorld:
        topics = FixedTopics(self.shapes, self.topic_version)
        return GroupWorld(topics, lambda _: ConsumerTiming(SESSION_MS, 50))

    def topics_changed(self) -> None:
        self.topic_version += 1
        self.group.world = self.world()

    def save(self) -> None:
        changes = self.group.take_changes()
        self.store.head = changes.snapshot
        for member_id in changes.gone:
            self.store.members.pop(member_id, None)
        self.store.members.update(changes.members)

    def take(self, effects: list[Effect], *, crash: str = "") -> Any:
        """The one answer; ``crash``: the broker dies "before" it is stored, or "after"."""
        assert all(not isinstance(effect, Persist) for effect in effects[1:])
        answer = None
        for effect in effects:
            if isinstance(effect, Persist):
                if crash == "before":
                    break
                self.save()
            else:
                answer = effect.result
        if crash:
            self.restore()
            return None
        self.expire()
        return answer

    def expire(self) -> None:
        """Clients notice by themselves, in time, that their session is over, and that somebody else is their instance now:
        that is fatal. Two that went on would take it from each other for ever, each by the other's protocol."""
        for client in list(self.clients.values()):
            if client.has and client.member_id not in self.group.members:
                if client.instance in self.group.static:
                    del self.clients[client.name]
                else:
                    client.stop()

    def restore(self) -> None:
        if self.store.head is None:
            self.start()
        else:
            bodies = [self.store.members[key] for key in sorted(self.store.members)]
            self.group = ConsumerGroup.restore(
                "g", self.store.head, bodies, SETTINGS, self.world(), self.now_ms
            )
        self.expire()

    def by_id(self, partitions: Partitions) -> dict[bytes, frozenset[int]]:
        found: dict[bytes, frozenset[int]] = {}
        for name, partition in partitions:
            if name in self.shapes:
                topic = self.shapes[name].id
                found[topic] = found.get(topic, frozenset()) | {partition}
        return found

    def by_name(self, assignment: Any) -> Partitions:
        topics = self.group.topics
        return frozenset(
            (str(topics.name(topic)), partition)
            for topic, partitions in assignment.items()
            for partition in partitions
            if topics.name(topic) is not None
        )

    # -- members -------------------------------------------------------------------------------
    @rule(
        name=st.sampled_from("abcdef"),
        instance=st.sampled_from([None, None, "I", "J"]),
        topics=st.sets(st.sampled_from(NAMES), min_size=1).map(sorted),
        regex=st.sampled_from([None, None, "t|u", ".*"]),
        assignor=st.sampled_from([None, "uniform", "range"]),
        eager=st.sampled_from([None, None, None, True, False]),
    )
    def appear(
        self,
        name: str,
        instance: str | None,
        topics: list[str],
        regex: str | None,
        assignor: str | None,
        eager: bool | None,
    ) -> None:
        if name not in self.clients:
            names = None if regex and eager is None else tuple(topics)
            client = Client(name, instance, names, regex, assignor, eager)
            self.serial += 1
            client.member_id = "" if eager is not None else f"{name}{self.serial}"
            self.clients[name] = client
            self.act(client)

    @rule(
        data=st.data(), lose=st.booleans(), crash=st.sampled_from(["", "", "", "before", "after"])
    )
    def beat(self, data: st.DataObject, lose: bool, crash: str) -> None:
        if self.clients:
            client = self.clients[data.draw(st.sampled_from(sorted(self.clients)))]
            self.act(client, lose=lose, crash=crash)

    def act(self, client: Client, *, lose: bool = False, crash: str = "") -> ErrorCode | None:
        """What the client does next; ``lose``: the answer does not reach it."""
        if client.eager is not None:
            return self.act_classic(client, lose=lose, crash=crash)
        joining = client.epoch == 0
        call = BeatCall(
            client.member_id,
            client.epoch,
            client.name,
            "h",
            group_instance_id=client.instance,
            rebalance_timeout_ms=-1 if client.told and not joining else REBALANCE_MS,
            topic_names=None if client.told and not joining else client.topics,
            topic_regex=None if client.told and not joining else client.regex,
            server_assignor=client.assignor if joining else None,
            owned=None if client.told and not joining else self.by_id(client.has),
        )
        if (again := self.group.beat_again(self.now_ms, call)) is not None:
            assert again.member_epoch == client.epoch
            return ErrorCode.NONE
        result = self.take(self.group.beat(self.now_ms, "w", "fresh", call), crash=crash)
        if result is None or lose:
            client.told = False  # it says all again
            return None
        assert isinstance(result, BeatResult)
        if result.error is not ErrorCode.NONE:
            self.refused(client, result.error)
            return result.error
        client.epoch = result.member_epoch
        client.told = True
        if result.assignment is not None:
            assigned = self.by_name(result.assignment)
            if client.has - assigned:
                # First give up, say so with the next heartbeat, and read what is new after that.
                client.has &= assigned
                client.told = False
            else:
                client.told = client.has == assigned
                client.has = assigned
        return ErrorCode.NONE

    def refused(self, client: Client, error: ErrorCode) -> None:
        client.stop()
        if error is ErrorCode.FENCED_INSTANCE_ID:
            del self.clients[client.name]  # somebody else is it now: fatal to a client

    def act_classic(self, client: Client, *, lose: bool, crash: str) -> ErrorCode | None:
        if not client.rejoin and client.synced:
            if self.group.has_news:
                self.take(self.group.look(self.now_ms))
            error = self.group.heartbeat(
                self.now_ms, client.member_id, client.instance, client.epoch
            )
            if error is ErrorCode.REBALANCE_IN_PROGRESS:
                client.rejoin = True
            elif error is not ErrorCode.NONE:
                self.refused(client, error)
            return error
        if client.rejoin:
            return self.join_classic(client, lose=lose, crash=crash)
        call = SyncCall(client.member_id, client.instance, client.epoch)
        result = self.take(self.group.sync(self.now_ms, "w", call), crash=crash)
        if result is None or lose:
            return None
        assert isinstance(result, SyncResult)
        if result.error is ErrorCode.REBALANCE_IN_PROGRESS:
            client.rejoin = True
        elif result.error is not ErrorCode.NONE:
            self.refused(client, result.error)
        else:
            has = read_assignment(result.assignment)
            assert has is not None
            assigned = frozenset((name, p) for name, of in has.items() for p in of)
            # A cooperative member that has to give something up joins again to say so.
            client.rejoin = bool(client.has - assigned)
            client.has = client.has & assigned if client.rejoin else assigned
            client.synced = True
        return result.error

    def join_classic(self, client: Client, *, lose: bool, crash: str) -> ErrorCode | None:
        if client.eager:
            client.has = frozenset()
        owned: dict[str, list[int]] = {}
        for name, partition in sorted(client.has):
            owned.setdefault(name, []).append(partition)
        subscription = ConsumerProtocolSubscription(
            topics=list(client.topics or ()),
            owned_partitions=[TopicPartition(topic=n, partitions=p) for n, p in owned.items()],
        )
        self.serial += 1
        call = JoinCall(
            client.member_id,
            client.instance,
            client.name,
            "h",
            "consumer",
            (("range", b"\x00\x01" + subscription.encode(1)),),
            SESSION_MS,
            REBALANCE_MS,
        )
        result = self.take(self.group.join(self.now_ms, "w", str(self.serial), call), crash=crash)
        if result is None or lose:
            return None
        assert isinstance(result, JoinResult)
        if result.error is ErrorCode.MEMBER_ID_REQUIRED:
            client.member_id = result.member_id
        elif result.error is not ErrorCode.NONE:
            self.refused(client, result.error)
        else:
            client.member_id, client.epoch = result.member_id, result.generation
            client.rejoin = client.synced = False
        return result.error

    @rule(data=st.data(), epoch=st.sampled_from([-1, -2]))
    def leave(self, data: st.DataObject, epoch: int) -> None:
        if not self.clients:
            return
        client = self.clients.pop(data.draw(st.sampled_from(sorted(self.clients))))
        if client.eager is not None or client.epoch == 0:
            return  # it vanishes without a word
        if epoch == -2 and client.instance is None:
            epoch = -1
        call = BeatCall(client.member_id, epoch, client.name, "h", client.instance)
        self.take(self.group.beat(self.now_ms, "w", "", call))

    @rule(data=st.data(), topics=st.sets(st.sampled_from(NAMES)).map(sorted))
    def subscribe_to(self, data: st.DataObject, topics: list[str]) -> None:
        if self.clients:
            client = self.clients[data.draw(st.sampled_from(sorted(self.clients)))]
            client.topics, client.regex, client.told = tuple(topics), client.regex and "", False
            client.rejoin = True
            # What it no longer wants it gives up by itself.
            client.has = frozenset(one for one in client.has if one[0] in topics)

    # -- the world -----------------------------------------------------------------------------
    @rule(name=st.sampled_from(NAMES), partitions=st.integers(1, 5))
    def topic_grows(self, name: str, partitions: int) -> None:
        shape = self.shapes.get(name)
        self.serial += 1
        if shape is None:
            shape = TopicShape(self.serial.to_bytes(16), partitions)
        self.shapes = {**self.shapes, name: TopicShape(shape.id, max(shape.partitions, partitions))}
        self.topics_changed()

    @rule(name=st.sampled_from(NAMES))
    def topic_vanishes(self, name: str) -> None:
        self.shapes = {other: shape for other, shape in self.shapes.items() if other != name}
        self.topics_changed()
        for client in self.clients.values():
            client.has = frozenset(one for one in client.has if one[0] != name)

    @rule(ms=st.integers(1, 600))
    def time_passes(self, ms: int) -> None:
        end_ms = self.now_ms + ms
        while (due_ms := self.group.next_deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = max(due_ms, self.now_ms)
            self.take(self.group.tick(self.now_ms))
            self.group.check()
        self.now_ms = end_ms

    @rule()
    def restart(self) -> None:
        """I4: nobody is fenced by it, and no epoch of a member changes."""
        self.restore()
        for client in list(self.clients.values()):
            if client.epoch > 0 and client.member_id in self.group.members and not client.rejoin:
                error = self.act(client)
                assert error in (ErrorCode.NONE, ErrorCode.REBALANCE_IN_PROGRESS), (client, error)

    @precondition(lambda self: self.clients)
    @rule()
    def settle(self) -> None:
        for _ in range(25):
            for client in list(self.clients.values()):
                for _ in range(3):
                    if client.name not in self.clients:
                        break
                    self.act(client)
                    self.group.check()
                    self.no_partition_has_two_readers()
            self.time_passes(90)
        live = {client.member_id for client in self.clients.values()}
        if self.group.members and self.group.members.keys() <= live:
            assert self.group.state is GroupState.STABLE, self.group.state
            subscribed = self.group.subscribed_topics() & self.shapes.keys()
            wanted = {(name, p) for name in subscribed for p in range(self.shapes[name].partitions)}
            has = [one for client in self.clients.values() for one in client.has]
            assert sorted(has) == sorted(wanted)

    @invariant()
    def no_partition_has_two_readers(self) -> None:
        read = [one for client in self.clients.values() for one in client.has]
        assert len(read) == len(set(read)), sorted(read)

    @invariant()
    def holds(self) -> None:
        self.group.check()


ConsumerGroups.TestCase.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
TestConsumerGroups = ConsumerGroups.TestCase
