"""The consumer protocol (KIP-848) as an automaton without I/O: heartbeats in, assignments out.

The group's *epoch* grows with whatever an assignment depends on: members, their subscriptions, the
subscribed topics. For each epoch (or the newest of several) an assignor makes the *target assignment*,
and every member goes from what it has to what it should have in steps of its own
(:mod:`anabranch.groups.consumer_member`), told with its heartbeats. Nobody waits for everybody.

::

    Empty ── join ──► Assigning ── assignor ──► Reconciling ── all have their targets ──► Stable
      ▲                   ▲                                                                 │
      └── nobody left     └────────── join, leave, silence, other topics ───────────────────┘

Sources: KIP-848; KIP-345 (static members), KIP-1071's common parts, KIP-1263 (pauses between assignments).

**Effects.** As :class:`anabranch.groups.classic.ClassicGroup`: at most one ``Persist``, first, then the
replies; what has changed must be durable before the replies go out.

**What is durable.** The group's epoch and assignment epoch, a digest of the topics they saw, and per member
a row of its own: its subscription, what it has, what it is to give up, its target, and its epoch at that
time. So a change costs the rows of the members that it concerns, whatever the group's size. Two things
that clients are told are left out, because they follow:

- *An epoch that changes nothing else.* When others join or leave, most members only get a new epoch. A
  member whose stored partitions lie within its stored target has been told some epoch between the stored
  one and the assignment's; whichever it says after a takeover is taken (``told_max``). It has the same
  partitions in all of them.
- *Deadlines.* They start anew in another process. A heartbeat that changes nothing stores nothing.

**Restore.** Members go on where they were, with their epochs: a takeover bumps no epoch.

**Where this is kinder than Kafka.** Who waits for a partition is asked to beat again soon (see
``WAITING_INTERVAL_MS_MIN``) instead of after a whole interval. A member that starts over with epoch 0, saying
that it has nothing, is let in at once, also if its place is still taken by its former self. What a
cooperative member of a rebalancing classic group owns stays its own through an upgrade.
"""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.errors import ErrorCode
from anabranch.groups.assignors import ASSIGNORS, NOTHING, Assignment
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer_base import Refused
from anabranch.groups.consumer_classic import ClassicMembers
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.consumer_member import ConsumerMember, MemberInfo, MemberState, is_within
from anabranch.groups.consumer_values import (
    JOINING,
    LEAVING,
    LEAVING_FOR_A_WHILE,
    BeatCall,
    BeatResult,
    ConsumerDescription,
    ConsumerGroupDescription,
)
from anabranch.groups.effects import Effect
from anabranch.groups.migration import downgraded
from anabranch.groups.patterns import InvalidPattern, MaySee, check_pattern
from anabranch.groups.settings import GroupSettings
from anabranch.groups.values import UNKNOWN_MEMBER_ID, Waiter

# Who waits for partitions, or for the assignment, beats again after this long; the more wait, the longer,
# so that those of one group send some two thousand heartbeats a second at most.
WAITING_INTERVAL_MS_MIN = 500
WAITING_PER_MS_MAX = 2


class ConsumerGroup(ClassicMembers):
    """One group of the consumer protocol. See the module's text."""

    # -- ConsumerGroupHeartbeat ------------------------------------------------------------------
    def beat(self, now_ms: int, waiter: Waiter, fresh_id: str, call: BeatCall) -> list[Effect]:
        """ConsumerGroupHeartbeat (key 68), of a call that :func:`check_call` lets pass. ``fresh_id`` is the
        id of a member that brings none.

        Errors: INVALID_REQUEST (subscription too large), COORDINATOR_NOT_AVAILABLE (deleted meanwhile),
        GROUP_MAX_SIZE_REACHED, UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, UNRELEASED_INSTANCE_ID,
        FENCED_INSTANCE_ID.
        """
        try:
            if self._dead:
                raise Refused(ErrorCode.COORDINATOR_NOT_AVAILABLE, "The group is being deleted.")
            if call.member_epoch in (LEAVING, LEAVING_FOR_A_WHILE):
                result = self._leave(now_ms, call)
            else:
                result = self._take_part(now_ms, fresh_id, call)
        except Refused as refused:
            result = BeatResult(refused.error, call.member_id, message=refused.message)
        self._answer(waiter, result)
        return self._effects()

    def beat_again(self, now_ms: int, call: BeatCall) -> BeatResult | None:
        """The answer to a heartbeat that says and changes nothing, as nearly all do; None for others."""
        member = self.members.get(call.member_id)
        if (
            member is None
            or member.epoch != call.member_epoch
            or member.epoch <= 0
            or call.member_id in self._behind
            or self.epoch != self.assignment_epoch
            or self._topics_version != self.topics.version
            or call.rebalance_timeout_ms != -1
            or call.topic_names is not None
            or call.topic_regex is not None
            or call.server_assignor is not None
            or call.rack_id is not None
            or call.group_instance_id != member.info.group_instance_id
            or (member.info.topic_regex and self._patterns[member.info.topic_regex].is_blind)
            or member.is_classic  # it changes its protocol
        ):
            return None
        timing = self.timing
        self._sessions.set(member.member_id, now_ms + timing.session_timeout_ms)
        return BeatResult(
            ErrorCode.NONE, member.member_id, member.epoch, timing.heartbeat_interval_ms
        )

    def _take_part(self, now_ms: int, fresh_id: str, call: BeatCall) -> BeatResult:
        member_id = call.member_id or fresh_id
        self._may_see = call.may_see
        if call.member_epoch == JOINING:
            member, subscribed = self._enter(now_ms, member_id, call)
            owned: Assignment | None = NOTHING
        else:
            member = self._find(member_id, call.group_instance_id)
            self._adopt(member, call.member_epoch)
            _check_beat(member, call)
            subscribed = self._update(member, call)
            owned = call.owned
        had = member.assigned
        regex = member.info.topic_regex
        if regex:
            subscribed |= self._look_as(regex, call.may_see)
        self._follow(now_ms, subscribed=subscribed)
        self._reconcile(now_ms, member, owned)
        self._touch(now_ms, member)
        return BeatResult(
            ErrorCode.NONE,
            member.member_id,
            member.epoch,
            self._interval_ms(member),
            member.assigned if call.is_full or member.assigned != had else None,
        )

    def _look_as(self, regex: str, may_see: MaySee | None) -> bool:
        """Judge topics by the rights of who speaks; whether that shows others than the pattern had."""
        pattern = self._patterns[regex]
        was_blind, had = pattern.is_blind, pattern.topics
        pattern.look_as(may_see)
        if not was_blind:
            return False
        pattern.resolve(self.topics.names())
        return pattern.topics != had

    def _interval_ms(self, member: ConsumerMember) -> int:
        usual_ms = self.timing.heartbeat_interval_ms
        if member.state is MemberState.UNRELEASED or self.epoch > self.assignment_epoch:
            waiting = len(self._behind) or len(self.members)
            return min(usual_ms, max(WAITING_INTERVAL_MS_MIN, waiting // WAITING_PER_MS_MAX))
        return usual_ms

    def _enter(self, now_ms: int, member_id: str, call: BeatCall) -> tuple[ConsumerMember, bool]:
        """Join, or join again; the second value says whether an assignment depends on it."""
        instance = call.group_instance_id
        former_id = member_id if instance is None else self.static.get(instance)
        former = self.members.get(former_id or UNKNOWN_MEMBER_ID)
        if former is None:
            if member_id in self.members:  # it has an instance id since
                self._remove_member(member_id)
            info = _info(MemberInfo(), call)
            self._check_room(info, None)
            member = ConsumerMember(member_id, info)
            self._add_member(now_ms, member)
            return member, True
        if former.member_id != member_id:
            if not former.is_classic and not former.is_away:
                raise Refused(
                    ErrorCode.UNRELEASED_INSTANCE_ID,
                    f"Static member {member_id} with instance id {instance} cannot join the group "
                    f"because the instance id is owned by {former.member_id} member.",
                )
            # A static member is back under another member id: it gets the place that was kept.
            info = _info(former.info, call)
            self._check_room(info, former.info)
            self._remove_member(former.member_id)
            member = ConsumerMember(member_id, info, assigned=former.assigned, target=former.target)
            self._add_member(now_ms, member)
            return member, info.subscription != former.info.subscription
        subscribed = self._update(former, call)
        if former.epoch != JOINING:
            # It starts over and says that it has nothing: what it had is free.
            had = former.held
            former.assigned = former.revoking = NOTHING
            former.state = MemberState.STABLE
            former.epoch = former.previous_epoch = former.told_max = JOINING
            self._own(former, had)
            self._behind.add(member_id)
            self._store(former)
        return former, subscribed

    def _update(self, member: ConsumerMember, call: BeatCall) -> bool:
        """Take over what a heartbeat says of its member; whether the subscription is another one."""
        info = _info(member.info, call)
        self._check_room(info, member.info)
        return self._set_info(member, info)

    def _leave(self, now_ms: int, call: BeatCall) -> BeatResult:
        member = self._find(call.member_id, call.group_instance_id)
        if call.member_epoch == LEAVING_FOR_A_WHILE:
            # Its place is kept until its session ends; what it was to revoke, it has revoked.
            had = member.held
            member.epoch = LEAVING_FOR_A_WHILE
            member.told_max = 0
            member.revoking = NOTHING
            member.state = MemberState.STABLE
            self._own(member, had)
            self._revocations.clear(member.member_id)
            self._behind.add(member.member_id)
            self._store(member)
        else:
            self._remove_members(now_ms, [member.member_id])
        return BeatResult(ErrorCode.NONE, call.member_id, call.member_epoch)

    # -- ConsumerGroupDescribe -------------------------------------------------------------------
    def describe(self) -> ConsumerGroupDescription:
        """The group's entry in ConsumerGroupDescribe (key 69)."""
        return ConsumerGroupDescription(
            ErrorCode.NONE,
            self.group_id,
            self.state,
            self.epoch,
            self.assignment_epoch,
            self.assignor,
            tuple(
                ConsumerDescription(
                    member_id=member.member_id,
                    group_instance_id=member.info.group_instance_id,
                    rack_id=member.info.rack_id,
                    member_epoch=member.epoch,
                    client_id=member.info.client_id,
                    client_host=member.info.client_host,
                    topic_names=member.info.topic_names,
                    topic_regex=member.info.topic_regex,
                    is_classic=member.is_classic,
                    assignment=member.assigned,
                    target=member.target,
                )
                for member in self.members.values()
            ),
        )

    # -- one process after another ---------------------------------------------------------------
    def successor(self, now_ms: int) -> tuple[ClassicGroup, list[Effect]] | None:
        """The classic group that goes on once the last member of the consumer protocol has left."""
        if not self.downgrade_is_due:
            return None
        return downgraded(self, now_ms)

    @classmethod
    def restore(
        cls,
        group_id: str,
        snapshot: bytes,
        members: Sequence[bytes],
        settings: GroupSettings,
        world: GroupWorld,
        now_ms: int,
    ) -> ConsumerGroup:
        """A group as another process (or this one, before it restarted) left it. Raises Corrupt."""
        group = cls(group_id, settings, world, now_ms)
        group._restore(now_ms, snapshot, members)
        group.check()
        return group


def _info(former: MemberInfo, call: BeatCall) -> MemberInfo:
    """What a member is, after what it was, by what it says now."""
    return MemberInfo(
        group_instance_id=call.group_instance_id or former.group_instance_id,
        rack_id=call.rack_id or former.rack_id,
        client_id=call.client_id,
        client_host=call.client_host,
        rebalance_timeout_ms=former.rebalance_timeout_ms
        if call.rebalance_timeout_ms == -1
        else call.rebalance_timeout_ms,
        server_assignor=call.server_assignor or former.server_assignor,
        topic_names=former.topic_names
        if call.topic_names is None
        else tuple(sorted(set(call.topic_names))),
        topic_regex=former.topic_regex if call.topic_regex is None else call.topic_regex or None,
    )


def _check_beat(member: ConsumerMember, call: BeatCall) -> None:
    """Raises Refused(FENCED_MEMBER_EPOCH) unless the member has the epoch that it should have.

    The epoch before is accepted from who has nothing but what it should have: the answer with its
    present one may have been lost.
    """
    epoch = call.member_epoch
    if epoch == member.epoch:
        return
    what = "greater" if epoch > member.epoch else "smaller"
    repeats = epoch == member.previous_epoch and call.owned is not None
    if what == "smaller" and repeats and is_within(call.owned or NOTHING, member.assigned):
        return
    raise Refused(
        ErrorCode.FENCED_MEMBER_EPOCH,
        f"The consumer group member has a {what} member epoch ({epoch}) than the one known by the "
        f"group coordinator ({member.epoch}). The member must abandon all its partitions and rejoin.",
    )


def check_call(call: BeatCall) -> None:
    """Whether a heartbeat makes sense in itself.

    Raises Refused(INVALID_REQUEST | UNSUPPORTED_ASSIGNOR | INVALID_REGULAR_EXPRESSION).
    """
    epoch, problem = call.member_epoch, None
    if call.group_instance_id == "":
        problem = "InstanceId can't be empty."
    elif call.rack_id == "":
        problem = "RackId can't be empty."
    elif not call.member_id and (epoch != JOINING or call.knows_its_id):
        problem = "MemberId can't be empty."
    elif epoch < LEAVING_FOR_A_WHILE:
        problem = "MemberEpoch is invalid."
    elif epoch == LEAVING_FOR_A_WHILE and call.group_instance_id is None:
        problem = "InstanceId can't be null."
    elif epoch == JOINING and call.rebalance_timeout_ms == -1:
        problem = "RebalanceTimeoutMs must be provided in first request."
    elif epoch == JOINING and (call.owned is None or call.owned):
        problem = "TopicPartitions must be empty when (re-)joining."
    elif epoch == JOINING and call.topic_names is None and call.topic_regex is None:
        problem = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining."
    if problem is not None:
        raise Refused(ErrorCode.INVALID_REQUEST, problem)
    if call.server_assignor is not None and call.server_assignor not in ASSIGNORS:
        raise Refused(
            ErrorCode.UNSUPPORTED_ASSIGNOR,
            f"ServerAssignor {call.server_assignor} is not supported. Supported assignors: "
            f"{', '.join(ASSIGNORS)}.",
        )
    if call.topic_regex:
        try:
            check_pattern(call.topic_regex)
        except InvalidPattern as invalid:
            raise Refused(
                ErrorCode.INVALID_REGULAR_EXPRESSION,
                f"SubscribedTopicRegex `{call.topic_regex}` is not a valid regular expression: "
                f"{invalid}.",
            ) from None
