"""Runs the scenario files of tests/testdata/consumer_groups: conversations between clients and one group of the
consumer protocol, of members of both protocols, and through changes of the protocol.

The form is that of :mod:`conversation`. A client is named by one word; members of the consumer protocol have
that as their id, those of the classic one get ``<name>-<n>``. Clients do as they are told: they give up what an
assignment no longer names, and say with their next request what they have.

Commands (options are ``key=value``)::

    topics t=4 u=2                        the topics that there are, with their partitions
    join NAME [topics=t,u] [regex=R] [instance=I] [assignor=A] [rack=R]
    beat NAME [epoch=N] [topics=t,u] [regex=R]
    leave NAME [away]                     with -1, or -2
    cjoin NAME [topics=t] [instance=I] [protocols=range] [eager]      JoinGroup, after MEMBER_ID_REQUIRED if need be
    csync NAME [MEMBER=t:0,1;u:2 ...]     SyncGroup, in a classic group with what the leader assigns
    cbeat NAME                            Heartbeat
    cleave NAME                           LeaveGroup
    commit NAME t:0 [epoch=N]
    advance MS                            time passes; everything due happens in order
    restart                               another broker takes the group over
    show

What is stored is printed as ``persist``: the state, the epoch of the group and of its assignment, and the members
whose rows are written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conversation import split_options

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup, check_call
from anabranch.groups.consumer_base import Refused
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.consumer_values import BeatCall, BeatResult, ConsumerTiming
from anabranch.groups.effects import Effect, GroupKind, Persist
from anabranch.groups.group import Group
from anabranch.groups.migration import can_upgrade, move_members
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import decode_snapshot
from anabranch.groups.subscription import read_assignment, write_assignment
from anabranch.groups.topics import FixedTopics, TopicShape
from anabranch.groups.values import (
    CommitCall,
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    OffsetToCommit,
    SyncCall,
    SyncResult,
)
from anabranch.metastore.api import Actor
from anabranch.wire.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
    TopicPartition,
)

Partitions = frozenset[tuple[str, int]]


@dataclass
class Client:
    name: str
    member_id: str = ""
    instance: str | None = None
    epoch: int = 0
    has: Partitions = frozenset()
    says: bool = True  # what it has, with its next request


@dataclass
class Stored:
    kind: GroupKind = GroupKind.CONSUMER
    head: bytes = b""
    members: dict[str, bytes] = field(default_factory=dict)


def shown(partitions: Partitions) -> str:
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    return " ".join(f"{t}:{','.join(map(str, ps))}" for t, ps in by_topic.items()) or "nothing"


def assignment(text: str) -> bytes:
    """As a leader writes it: ``t:0,1;u:2``."""
    topics = [topic.partition(":") for topic in text.split(";")]
    named = [(name, frozenset(map(int, of.split(",")))) for name, _, of in topics]
    return write_assignment(named, b"\0\1")


class ConsumerConversation:
    def __init__(self) -> None:
        self.now_ms = 0
        self.settings = GroupSettings(initial_rebalance_delay_ms=0)
        self.shapes: dict[str, TopicShape] = {"t": TopicShape(b"t".ljust(16, b"."), 4)}
        self.version = 0
        self.group: Group = ConsumerGroup("g", self.settings, self.world(), 0)
        self.clients: dict[str, Client] = {}
        self.stored = Stored()
        self.serial = 0
        self.waiting: dict[int, tuple[Client, str]] = {}
        self.out: list[str] = []

    def world(self) -> GroupWorld:
        return GroupWorld(
            FixedTopics(self.shapes, self.version), lambda _: ConsumerTiming(45_000, 5_000)
        )

    def run(self, line: str) -> list[str]:
        verb, *words = line.split()
        plain, options = split_options(words)
        self.out = []
        before, kind = self.group.state, self.group.kind
        getattr(self, f"do_{verb}")(plain, options)
        self.succeed()
        self.group.check()
        if (self.group.state, self.group.kind) != (before, kind):
            self.out.append(f"group: {kind} {before} -> {self.group.kind} {self.group.state}")
        return self.out or ["ok"]

    def succeed(self) -> None:
        if (successor := self.group.successor(self.now_ms)) is not None:
            self.group, effects = successor
            self.stored = Stored(GroupKind.CLASSIC)
            self.take(effects)

    # -- commands --------------------------------------------------------------------------
    def do_topics(self, plain: list[str], options: dict[str, str]) -> None:
        self.shapes = {
            name: TopicShape(name.encode().ljust(16, b"."), int(n)) for name, n in options.items()
        }
        self.version += 1
        if isinstance(self.group, ConsumerGroup):
            self.group.world = self.world()

    def do_join(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]] = Client(plain[0], plain[0], options.get("instance"))
        self.beat(client, options, {"topics": "t"} if "regex" not in options else {})

    def do_beat(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        client.epoch = int(options.pop("epoch", client.epoch))
        self.beat(client, options, {})

    def beat(self, client: Client, options: dict[str, str], default: dict[str, str]) -> None:
        said = {**default, **options}
        joining = client.epoch == 0
        call = BeatCall(
            client.member_id,
            client.epoch,
            client.name,
            "h",
            group_instance_id=client.instance,
            rack_id=said.get("rack"),
            rebalance_timeout_ms=60_000 if joining else -1,
            topic_names=tuple(said["topics"].split(",")) if "topics" in said else None,
            topic_regex=said.get("regex"),
            server_assignor=said.get("assignor"),
            owned=self.by_id(client.has) if client.says or joining else None,
        )
        group = self.group
        if isinstance(group, ClassicGroup):
            if not can_upgrade(group):
                self.out.append(f"{client.name} beat: GROUP_ID_NOT_FOUND")
                return
            self.group = ConsumerGroup(
                "g", self.settings, self.world(), self.now_ms, epoch=group.generation
            )
            self.stored = Stored()
            self.take(move_members(group, self.group, self.now_ms))
            group = self.group
        again = group.beat_again(self.now_ms, call)
        if again is not None:
            self.out.append(f"{client.name} beat: NONE epoch={again.member_epoch}")
            return
        try:
            check_call(call)
        except Refused as refused:
            self.out.append(f"{client.name} beat: {refused.error.name}: {refused.message}")
            return
        client.says = False
        self.ask(client, "beat", lambda w: group.beat(self.now_ms, w, client.name, call))

    def do_leave(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        epoch = -2 if "away" in plain else -1
        call = BeatCall(client.member_id, epoch, client.name, "h", client.instance)
        group = self.group
        assert isinstance(group, ConsumerGroup)
        self.ask(client, "leave", lambda w: group.beat(self.now_ms, w, "", call))

    def do_cjoin(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients.setdefault(plain[0], Client(plain[0]))
        client.instance = options.get("instance", client.instance)
        if "eager" in plain:
            client.has = frozenset()
        owned: dict[str, list[int]] = {}
        for topic, partition in sorted(client.has):
            owned.setdefault(topic, []).append(partition)
        subscription = ConsumerProtocolSubscription(
            topics=options.get("topics", "t").split(","),
            owned_partitions=[TopicPartition(topic=t, partitions=ps) for t, ps in owned.items()],
        )
        metadata = b"\0\1" + subscription.encode(1)
        protocols = options.get("protocols", "range").split(",")

        def call() -> JoinCall:
            return JoinCall(
                client.member_id,
                client.instance,
                client.name,
                "h",
                "consumer",
                tuple((name, metadata) for name in protocols),
                10_000,
                60_000,
            )

        if isinstance(self.group, ConsumerGroup):
            self.take(self.group.give_way(self.now_ms, call()))
            self.succeed()
        if isinstance(self.group, ConsumerGroup) and not self.group.members:
            generation = self.group.epoch
            self.group = ClassicGroup("g", self.settings, self.now_ms)
            self.group.generation = generation
        for _ in range(2):
            self.serial += 1
            fresh = str(self.serial)
            before = client.member_id
            self.ask(client, "join", lambda w, f=fresh: self.group.join(self.now_ms, w, f, call()))
            if client.member_id == before:
                break

    def do_csync(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        assigned = [
            (self.clients[name].member_id if name in self.clients else name, assignment(value))
            for name, value in options.items()
        ]
        call = SyncCall(client.member_id, client.instance, client.epoch, assignments=assigned)
        self.ask(client, "sync", lambda w: self.group.sync(self.now_ms, w, call))

    def do_cbeat(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        if isinstance(self.group, ConsumerGroup) and self.group.has_news:
            self.take(self.group.look(self.now_ms))
        error = self.group.heartbeat(self.now_ms, client.member_id, client.instance, client.epoch)
        self.out.append(f"{client.name} heartbeat: {error.name}")

    def do_cleave(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        leaving = [LeavingMember(client.member_id, client.instance)]
        self.ask(client, "leave", lambda w: self.group.leave(self.now_ms, w, leaving))

    def do_commit(self, plain: list[str], options: dict[str, str]) -> None:
        client = self.clients[plain[0]]
        topic, _, partition = plain[1].partition(":")
        offset = OffsetToCommit(1, int(partition), 5, topic_id=self.shapes[topic].id)
        epoch = int(options.get("epoch", client.epoch))
        error = self.group.check_commit(self.now_ms, client.member_id, None, epoch)
        if error is ErrorCode.STALE_MEMBER_EPOCH and isinstance(self.group, ConsumerGroup):
            call = CommitCall(client.member_id, None, epoch, [offset], Actor("", "", ""))
            error = ErrorCode.NONE if self.group.still_own(call) == [True] else error
        self.out.append(f"{client.name} commit: {error.name}")

    def do_advance(self, plain: list[str], options: dict[str, str]) -> None:
        end_ms = self.now_ms + int(plain[0])
        while (due_ms := self.group.next_deadline_ms) is not None and due_ms <= end_ms:
            self.now_ms = due_ms
            said = len(self.out)
            self.take(self.group.tick(due_ms))
            self.group.check()
            self.out[said:] = [f"{due_ms} ms: {text}" for text in self.out[said:]]
        self.now_ms = end_ms

    def do_restart(self, plain: list[str], options: dict[str, str]) -> None:
        stored = self.stored
        if stored.kind is GroupKind.CLASSIC:
            snapshot = decode_snapshot(stored.head)
            self.group = ClassicGroup.restore(snapshot, self.settings, self.now_ms)
        else:
            bodies = [stored.members[key] for key in sorted(stored.members)]
            self.group = ConsumerGroup.restore(
                "g", stored.head, bodies, self.settings, self.world(), self.now_ms
            )
        self.do_show(plain, options)

    def do_show(self, plain: list[str], options: dict[str, str]) -> None:
        group = self.group
        if isinstance(group, ClassicGroup):
            self.out.append(f"classic {group.state} generation={group.generation}")
            self.out += [f"  {member_id}" for member_id in group.roster.members]
            return
        described = group.describe()
        self.out.append(
            f"consumer {described.state} epoch={group.epoch} assignment={group.assignment_epoch} "
            f"assignor={described.assignor}"
        )
        for member in described.members:
            revoking = group.members[member.member_id].revoking
            line = f"  {member.member_id} epoch={member.member_epoch}"
            line += " classic" if member.is_classic else ""
            line += f" has {shown(self.by_name(member.assignment))}"
            line += f", gives up {shown(self.by_name(revoking))}" if revoking else ""
            if member.assignment != member.target:
                line += f", is to have {shown(self.by_name(member.target))}"
            self.out.append(line)

    # -- plumbing --------------------------------------------------------------------------
    def by_id(self, partitions: Partitions) -> dict[bytes, frozenset[int]]:
        found: dict[bytes, frozenset[int]] = {}
        for name, partition in partitions:
            if name in self.shapes:
                topic = self.shapes[name].id
                found[topic] = found.get(topic, frozenset()) | {partition}
        return found

    def by_name(self, assignment: Any) -> Partitions:
        names = {shape.id: name for name, shape in self.shapes.items()}
        return frozenset((names.get(t, "?"), p) for t, ps in assignment.items() for p in ps)

    def ask(self, client: Client, what: str, step: Callable[[int], list[Effect]]) -> None:
        self.serial += 1
        waiter = self.serial
        self.waiting[waiter] = client, what
        self.take(step(waiter))
        if waiter in self.waiting:
            self.out.append(f"{client.name} {what}: waits")

    def take(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Persist):
                self.persist()
            else:
                self.answer(*self.waiting.pop(effect.waiter), effect.result)  # type: ignore[call-overload]

    def persist(self) -> None:
        changes = self.group.take_changes()
        self.stored.kind, self.stored.head = changes.kind, changes.snapshot
        for member_id in changes.gone:
            self.stored.members.pop(member_id, None)
        self.stored.members.update(changes.members)
        text = f"persist: {changes.kind} {changes.state} {changes.generation}"
        if isinstance(self.group, ConsumerGroup):
            text += (
                f"/{self.group.assignment_epoch} rows=[{' '.join(m for m, _ in changes.members)}]"
            )
            text += f" gone=[{' '.join(changes.gone)}]" if changes.gone else ""
        self.out.append(text)

    def answer(self, client: Client, what: str, result: Any) -> None:
        text = f"{client.name} {what}: {result.error.name}"
        match result:
            case BeatResult(error=ErrorCode.NONE):
                if result.member_epoch > 0:
                    client.epoch = result.member_epoch
                    text += f" epoch={result.member_epoch}"
                    if result.heartbeat_interval_ms != 5000:
                        text += f" again in {result.heartbeat_interval_ms} ms"
                if result.assignment is not None:
                    assigned = self.by_name(result.assignment)
                    text += f" has {shown(assigned)}"
                    client.says = client.has != assigned
                    client.has = assigned
            case BeatResult():
                client.epoch, client.has, client.says = 0, frozenset(), True
            case JoinResult():
                client.member_id = result.member_id
                if result.error is ErrorCode.NONE:
                    client.epoch = result.generation
                    text += f" id={result.member_id} generation={result.generation}"
            case SyncResult(error=ErrorCode.NONE):
                has = read_assignment(result.assignment)
                if has is not None:
                    client.has = frozenset((name, p) for name, of in has.items() for p in of)
                    text += f" has {shown(client.has)}"
            case LeaveResult():
                client.member_id = ""
                text += "".join(f" {left.error.name}" for left in result.members)
        self.out.append(text)


def run_file(path: Path) -> str:
    """The file as it should read, with the actual output in place of the expected."""
    conversation = ConsumerConversation()
    written: list[str] = []
    for paragraph in path.read_text().rstrip("\n").split("\n\n"):
        lines = paragraph.split("\n")
        if "----" not in lines:
            assert all(line.startswith("#") for line in lines), f"no ---- in: {paragraph}"
            written.append(paragraph)
            continue
        asked = lines[: lines.index("----")]
        answered = [
            said for line in asked if not line.startswith("#") for said in conversation.run(line)
        ]
        written.append("\n".join([*asked, "----", *answered]))
    return "\n\n".join(written) + "\n"
