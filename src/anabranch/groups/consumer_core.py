"""The half of a consumer group that moves by itself: membership, epochs, assignments, deadlines.

:mod:`anabranch.groups.consumer` adds the half that clients call, and explains the whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from anabranch.errors import Corrupt
from anabranch.groups.assignors import ASSIGNORS, DEFAULT_ASSIGNOR, NOTHING, Assignment, Candidate
from anabranch.groups.consumer_member import (
    ConsumerMember,
    MemberInfo,
    MemberState,
    is_within,
    reconcile,
    union,
)
from anabranch.groups.consumer_values import ConsumerTiming
from anabranch.groups.deadlines import Deadlines
from anabranch.groups.effects import (
    TICK_LATE_MS_MAX,
    Effect,
    GroupChanges,
    GroupKind,
    Persist,
)
from anabranch.groups.patterns import MaySee, TopicPattern
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.settings import DEFAULTS, ShareSettings
from anabranch.groups.topics import TopicShape, TopicView, digest, picture
from anabranch.groups.values import CONSUMER_PROTOCOL_TYPE, GroupState, Reply, Result, Waiter

HEAD_VERSION = 1

# An assignment costs a few microseconds per member and partition. A group's next one waits for this long
# per thousand of them, so that thousands of members that come at once cost the broker a few per cent of
# its time; a group of ten never waits.
ASSIGNMENT_PAUSE_MS_PER_1000 = 60


class GroupWorld(NamedTuple):
    """What a consumer or share group sees of the world: topics as they are, and what is configured for a group."""

    topics: TopicView
    timing: Callable[[str], ConsumerTiming]
    sharing: Callable[[str], ShareSettings] = lambda _: DEFAULTS


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of the group itself; its members have rows of their own."""

    version: int
    since_ms: int
    epoch: int
    assignment_epoch: int
    digest: bytes  # of the subscribed topics as the epoch saw them


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Head)


class ConsumerCore:
    """State and automatic transitions of one consumer group. Invariants: :meth:`check`."""

    kind = GroupKind.CONSUMER
    protocol_type = CONSUMER_PROTOCOL_TYPE

    def __init__(
        self,
        group_id: str,
        settings: GroupSettings,
        world: GroupWorld,
        now_ms: int,
        *,
        epoch: int = 0,
    ) -> None:
        self.group_id = group_id
        self.settings = settings
        self.world = world
        self.since_ms = now_ms  # when it became empty or stopped being so
        self.epoch = epoch
        self.assignment_epoch = epoch
        self.members: dict[str, ConsumerMember] = {}
        self.static: dict[str, str] = {}  # member id by instance id
        self.bytes = 0  # what all members weigh
        self.shapes: dict[str, TopicShape] = {}  # subscribed topics that exist, by name
        self.digest = b""
        self.downgrade_is_due = False

        self._dead = False
        self._names: Counter[str] = Counter()  # how many members name a topic
        self._patterns: dict[str, TopicPattern] = {}
        self._may_see: MaySee | None = None  # of who is speaking
        self._pattern_members: Counter[str] = Counter()
        self._topics_version: int | None = None
        self._owners: dict[tuple[bytes, int], str] = {}
        self._behind: set[str] = set()  # members that are not at the target
        self._classic: Counter[str] = Counter()  # protocols that members of the classic one offer
        self.classic_members = 0

        self._sessions = Deadlines()
        self._revocations = Deadlines()  # members that are to give partitions up
        self._joins = Deadlines()  # members of the classic protocol that are to join again
        self._syncs = Deadlines()  # those that owe a SyncGroup
        self._assigned_ms = 0
        self._assign_at_ms: int | None = None

        self._replies: list[Reply] = []
        self._changed = False  # since effects were taken
        self._dirty: set[str] = set()  # members to store
        self._gone: set[str] = set()

    # -- questions ---------------------------------------------------------------------------
    @property
    def topics(self) -> TopicView:
        return self.world.topics

    @property
    def timing(self) -> ConsumerTiming:
        return self.world.timing(self.group_id)

    @property
    def generation(self) -> int:
        return self.epoch

    @property
    def size(self) -> int:
        return len(self.members)

    @property
    def is_vacant(self) -> bool:
        return not self.members

    @property
    def state(self) -> GroupState:
        if self._dead:
            return GroupState.DEAD
        if not self.members:
            return GroupState.EMPTY
        if self.epoch > self.assignment_epoch:
            return GroupState.ASSIGNING
        return GroupState.RECONCILING if self._behind else GroupState.STABLE

    @property
    def assignor(self) -> str:
        """Which most members ask for; of equally many, the first by name."""
        wanted = Counter(
            member.info.server_assignor
            for member in self.members.values()
            if member.info.server_assignor is not None
        )
        if not wanted:
            return DEFAULT_ASSIGNOR
        return min(wanted, key=lambda name: (-wanted[name], name))

    def subscribed_topics(self) -> frozenset[str]:
        names = set(self._names)
        for pattern in self._patterns.values():
            names |= pattern.topics
        return frozenset(names)

    def _topic_ids(self, info: MemberInfo) -> frozenset[bytes]:
        """Of the topics that a member is subscribed to, those that exist as of the last look."""
        names = frozenset(info.topic_names)
        if info.topic_regex:
            names |= self._patterns[info.topic_regex].topics
        found = [self.shapes.get(name) for name in names]
        return frozenset(shape.id for shape in found if shape is not None)

    def owner(self, topic_id: bytes, partition: int) -> str | None:
        """Who has the partition, also if it is to give it up."""
        return self._owners.get((topic_id, partition))

    # -- time --------------------------------------------------------------------------------
    @property
    def _timers(self) -> tuple[Deadlines, ...]:
        """Whoever misses one of these is no longer a member."""
        return (self._sessions, self._revocations, self._joins, self._syncs)

    @property
    def next_deadline_ms(self) -> int | None:
        """When ``tick`` has something to do; None while only calls can change anything."""
        if self._dead:
            return None
        found = [due[0] for timer in self._timers if (due := timer.next()) is not None]
        if self._assign_at_ms is not None:
            found.append(self._assign_at_ms)
        return min(found, default=None)

    def tick(self, now_ms: int) -> list[Effect]:
        """Let everything happen that is due.

        Late by more than TICK_LATE_MS_MAX, it first gives everybody the time that was lost and a
        little more, in which what waits in the sockets can be read.
        """
        due_ms = self.next_deadline_ms
        if due_ms is not None and now_ms - due_ms > TICK_LATE_MS_MAX:
            for timer in self._timers:
                timer.shift(now_ms - due_ms + TICK_LATE_MS_MAX)
        fenced: dict[str, None] = {}
        for timer in self._timers:
            while (due := timer.next()) is not None and due[0] <= now_ms:
                timer.clear(due[1])
                fenced[due[1]] = None
        if fenced:
            self._remove_members(now_ms, list(fenced))
        if self._assign_at_ms is not None and self._assign_at_ms <= now_ms:
            self._assign(now_ms)
        return self._effects()

    # -- members -----------------------------------------------------------------------------
    def _add_member(self, now_ms: int, member: ConsumerMember) -> None:
        assert member.member_id not in self.members
        if not self.members:
            self.since_ms = now_ms
        self.members[member.member_id] = member
        instance = member.info.group_instance_id
        if instance is not None:
            assert instance not in self.static
            self.static[instance] = member.member_id
        self._count(member.info, +1)
        self._own(member, NOTHING)
        if not member.is_reconciled(self.assignment_epoch):
            self._behind.add(member.member_id)
        self._gone.discard(member.member_id)
        self._store(member)

    def take_over(self, now_ms: int, member: ConsumerMember) -> None:
        """Become what another automaton was; see :mod:`anabranch.groups.migration`."""
        self._add_member(now_ms, member)
        self._touch(now_ms, member)

    def _remove_member(self, member_id: str) -> ConsumerMember:
        member = self.members.pop(member_id)
        instance = member.info.group_instance_id
        if instance is not None:
            del self.static[instance]
        self._disown(member.held)
        self._count(member.info, -1)
        self._behind.discard(member_id)
        self._dirty.discard(member_id)
        self._gone.add(member_id)
        self._changed = True
        for timer in self._timers:
            timer.clear(member_id)
        return member

    def _remove_members(self, now_ms: int, member_ids: list[str]) -> None:
        """They left or were silent: the others get what they had."""
        consumers = 0
        for member_id in member_ids:
            consumers += not self._remove_member(member_id).is_classic
        if not self.members:
            self.since_ms = now_ms
        elif (
            consumers
            and self.classic_members == len(self.members)
            and self.settings.migration.allows_downgrade
        ):
            # The classic group that follows goes on from this epoch: it is the members' generation.
            self.downgrade_is_due = True
            return
        self._bump()
        self._assign_if_allowed(now_ms)

    def _count(self, info: MemberInfo, by: int) -> None:
        """What the group knows of all members' subscriptions: add one, or take one away."""
        self.bytes += by * info.bytes
        _tally(self._names, info.topic_names, by)
        if info.topic_regex:
            _tally(self._pattern_members, (info.topic_regex,), by)
            if info.topic_regex not in self._pattern_members:
                del self._patterns[info.topic_regex]
            elif info.topic_regex not in self._patterns:
                pattern = TopicPattern(info.topic_regex, self._may_see)
                pattern.resolve(self.topics.names())
                self._patterns[info.topic_regex] = pattern
        if info.classic is not None:
            self.classic_members += by
            _tally(self._classic, {name for name, _ in info.classic.protocols}, by)

    def _set_info(self, member: ConsumerMember, info: MemberInfo) -> bool:
        """Take over what a member says of itself; whether its subscription is another one."""
        before = member.info
        if info == before:
            return False
        assert info.group_instance_id == before.group_instance_id
        self._count(info, +1)
        self._count(before, -1)
        member.info = info
        self._store(member)
        if info.subscription == before.subscription:
            return False
        # What it is no longer subscribed to is not meant for it any more, whenever the next target is made.
        names = set(info.topic_names)
        if info.topic_regex:
            names |= self._patterns[info.topic_regex].topics
        kept = {shape.id for shape in picture(names, self.topics).values()}
        if not member.target.keys() <= kept:
            member.target = {topic: of for topic, of in member.target.items() if topic in kept}
        return True

    def _store(self, member: ConsumerMember) -> None:
        self._dirty.add(member.member_id)
        self._changed = True

    def _touch(self, now_ms: int, member: ConsumerMember) -> None:
        """A sign of life."""
        classic = member.info.classic
        session_ms = (
            self.timing.session_timeout_ms if classic is None else classic.session_timeout_ms
        )
        self._sessions.set(member.member_id, now_ms + session_ms)

    def _adopt(self, member: ConsumerMember, epoch: int) -> None:
        """After a restore: an epoch that the member was told, but that nobody had to store."""
        if member.epoch < epoch <= member.told_max:
            member.previous_epoch, member.epoch = member.epoch, epoch
            if member.is_reconciled(self.assignment_epoch):
                self._behind.discard(member.member_id)

    # -- epochs and assignments ------------------------------------------------------------------
    def _bump(self) -> None:
        """Something changed on which the assignment depends."""
        self.epoch += 1
        self._changed = True
        if not self.members:
            self.assignment_epoch = self.epoch
            self.digest = b""
            self.shapes = {}
            self._assign_at_ms = None

    def _look_at_topics(self, *, again: bool) -> bool:
        """Whether subscribed topics came, went or grew since the last look; ``again``: even if no topic
        did, for the subscriptions may be others."""
        version = self.topics.version
        if version == self._topics_version and not again:
            return False
        names = self.topics.names() if self._patterns else frozenset()
        for pattern in self._patterns.values():
            pattern.resolve(names)
        self._topics_version = version
        self.shapes = picture(self.subscribed_topics(), self.topics)
        seen = digest(self.shapes)
        changed = seen != self.digest
        self.digest = seen
        return changed

    def _follow(self, now_ms: int, *, subscribed: bool) -> None:
        """A new epoch and its assignment, if something changed on which that depends."""
        if self._look_at_topics(again=subscribed) or subscribed:
            self._bump()
        self._assign_if_allowed(now_ms)

    def _assign_if_allowed(self, now_ms: int) -> None:
        """Make the assignment of the group's epoch, now or after a pause that its size asks for."""
        if self.epoch == self.assignment_epoch:
            return
        partitions = sum(shape.partitions for shape in self.shapes.values())
        weight = len(self.members) + partitions
        at_ms = self._assigned_ms + weight * ASSIGNMENT_PAUSE_MS_PER_1000 // 1000
        if at_ms <= now_ms:
            self._assign(now_ms)
        else:
            self._assign_at_ms = at_ms

    def _assign(self, now_ms: int) -> None:
        self._look_at_topics(again=True)
        self._assign_at_ms = None
        self._assigned_ms = now_ms
        known: dict[tuple[tuple[str, ...], str | None], frozenset[bytes]] = {}
        candidates = []
        for member in self.members.values():
            info = member.info
            topic_ids = known.get(info.subscription)
            if topic_ids is None:
                topic_ids = known[info.subscription] = self._topic_ids(info)
            candidates.append(
                Candidate(member.member_id, info.group_instance_id, topic_ids, member.target)
            )
        partitions = {shape.id: shape.partitions for shape in self.shapes.values()}
        assignment = ASSIGNORS[self.assignor](candidates, partitions)
        for member_id, target in assignment.items():
            member = self.members[member_id]
            if target != member.target:
                member.target = target
                self._store(member)
        self.assignment_epoch = self.epoch
        self._behind = set(self.members)
        self._changed = True

    def _reconcile(self, now_ms: int, member: ConsumerMember, owned: Assignment | None) -> None:
        """Take one member as far towards its target as it can go now."""
        assigned, revoking, state, epoch = (
            member.assigned,
            member.revoking,
            member.state,
            member.epoch,
        )
        member_id = member.member_id
        reconcile(
            member,
            self.assignment_epoch,
            owned,
            lambda topic, partition: self._owners.get((topic, partition), member_id) == member_id,
        )
        if (assigned, revoking) != (member.assigned, member.revoking):
            self._own(member, union(assigned, revoking))
            self._store(member)
        elif state is not member.state or (epoch != member.epoch and epoch <= 0):
            self._store(member)
        # An epoch alone is not stored: it follows from the group's (see the module's text).
        if member.state is MemberState.UNREVOKED and not member.is_classic:
            if state is not MemberState.UNREVOKED or epoch != member.epoch:
                self._revocations.set(member_id, now_ms + member.info.rebalance_timeout_ms)
        else:
            self._revocations.clear(member_id)
        if member.is_reconciled(self.assignment_epoch):
            if member_id in self._behind:
                self._behind.discard(member_id)
                if not self._behind:
                    self._changed = True  # the state is in the group's row
        else:
            self._behind.add(member_id)

    def _own(self, member: ConsumerMember, before: Assignment) -> None:
        if before:
            self._disown(before)
        for topic, partitions in member.held.items():
            for partition in partitions:
                assert (topic, partition) not in self._owners
                self._owners[topic, partition] = member.member_id
        member.note_gains()

    def _disown(self, partitions: Assignment) -> None:
        for topic, of_topic in partitions.items():
            for partition in of_topic:
                del self._owners[topic, partition]

    # -- effects, what is stored ---------------------------------------------------------------
    def _answer(self, waiter: Waiter, result: Result) -> None:
        self._replies.append(Reply(waiter, result))

    def _effects(self) -> list[Effect]:
        effects: list[Effect] = []
        if self._changed:
            effects.append(Persist())
            self._changed = False
        effects += self._replies
        self._replies = []
        return effects

    def take_changes(self) -> GroupChanges:
        """What changed since the last time: the group's own row, and those of changed members."""
        assert not self._dead
        head = _Head(HEAD_VERSION, self.since_ms, self.epoch, self.assignment_epoch, self.digest)
        members = [(member_id, self.members[member_id].to_bytes()) for member_id in self._dirty]
        changes = GroupChanges(
            self.kind,
            self.state,
            self.protocol_type,
            self.epoch,
            _ENCODER.encode(head),
            sorted(members),
            sorted(self._gone),
        )
        self._dirty.clear()
        self._gone.clear()
        return changes

    def _restore(self, now_ms: int, snapshot: bytes, members: Iterable[bytes]) -> None:
        """Raises Corrupt."""
        try:
            head = _DECODER.decode(snapshot)
        except msgspec.DecodeError as error:
            raise Corrupt(f"consumer group {self.group_id} does not decode: {error}") from error
        if head.version != HEAD_VERSION:
            raise Corrupt(f"consumer group {self.group_id} has version {head.version}")
        self.epoch, self.assignment_epoch = head.epoch, head.assignment_epoch
        for body in members:
            member = ConsumerMember.from_bytes(body)
            settled = member.state is not MemberState.UNREVOKED
            if settled and not member.is_away and is_within(member.assigned, member.target):
                member.told_max = head.assignment_epoch
            self._add_member(now_ms, member)
            self._touch(now_ms, member)
            if member.state is MemberState.UNREVOKED and not member.is_classic:
                self._revocations.set(member.member_id, now_ms + member.info.rebalance_timeout_ms)
        self.since_ms = head.since_ms
        for text, pattern in self._patterns.items():
            has = [
                self.topics.name(topic)
                for member in self.members.values()
                if member.info.topic_regex == text
                for topic in union(member.held, member.target)
            ]
            pattern.blind(frozenset(name for name in has if name is not None))
        # Only a difference to what the epoch saw makes a new one.
        self.digest = head.digest
        self.shapes = picture(self.subscribed_topics(), self.topics)
        if self.epoch > self.assignment_epoch:
            self._assign_at_ms = now_ms
        self._dirty.clear()
        self._changed = False

    def _give_up(self) -> None:
        """Nobody is in it any more, for this process."""
        self._dead = True
        self.members = {}
        self.static = {}
        self._owners = {}
        self._behind = set()
        self._names.clear()
        self._patterns.clear()
        self._pattern_members.clear()
        self._classic.clear()
        self.classic_members = self.bytes = 0
        self._sessions, self._revocations = Deadlines(), Deadlines()
        self._joins, self._syncs = Deadlines(), Deadlines()
        self._assign_at_ms = None
        self._changed = False

    def check(self) -> None:
        """Assert the invariants. Called by tests, and after a restore."""
        owners: dict[tuple[bytes, int], str] = {}
        targets: set[tuple[bytes, int]] = set()
        for member_id, member in self.members.items():
            assert member.member_id == member_id
            for topic, partitions in member.held.items():
                assert partitions
                for partition in partitions:
                    assert (topic, partition) not in owners, "two owners of a partition"
                    owners[topic, partition] = member_id
            for topic, partitions in member.target.items():
                for partition in partitions:
                    assert (topic, partition) not in targets, "two targets of a partition"
                    targets.add((topic, partition))
            assert all(
                p <= max(member.epoch, member.told_max, 0) or member.is_away for p in member.gained
            )
            gained = [one for of in member.gained.values() for one in of.items()]
            assert sum(len(of) for _, of in gained) == sum(map(len, member.held.values()))
            assert all(of <= member.held[topic] for topic, of in gained)
            assert bool(member.revoking) == (member.state is MemberState.UNREVOKED)
            assert member.is_away or 0 < member.epoch <= self.assignment_epoch
            assert member.is_reconciled(self.assignment_epoch) == (member_id not in self._behind)
            assert member_id in self._sessions
            if member.is_reconciled(self.assignment_epoch):
                assert is_within(member.assigned, member.target)
        assert owners == self._owners
        infos = [member.info for member in self.members.values()]
        static = {m.info.group_instance_id: m.member_id for m in self.members.values()}
        static.pop(None, None)
        assert self.static == static
        assert self.bytes == sum(info.bytes for info in infos)
        assert self._names == Counter(name for info in infos for name in info.topic_names)
        assert self._patterns.keys() == {info.topic_regex for info in infos} - {None, ""}
        assert self.classic_members == sum(info.classic is not None for info in infos)
        assert self.assignment_epoch <= self.epoch
        waits = self._assign_at_ms is not None
        assert self._dead or waits == (self.epoch > self.assignment_epoch)
        assert not self._changed and not self._replies, "effects were taken"
        for timer in self._timers:
            timer.check()


def _tally(counter: Counter[str], names: Iterable[str], by: int) -> None:
    for name in names:
        counter[name] += by
        if not counter[name]:
            del counter[name]
