"""Members of the classic protocol in a consumer group (KIP-848, "Online migration").

They are served what they ask: JoinGroup, SyncGroup, Heartbeat, LeaveGroup. To them the group looks like one
that somebody else leads: JoinGroup is answered at once, with the member's epoch as the generation, and
SyncGroup brings the partitions that the server assigned. A member that has to give something up or may
have more is told to join again; what it still has it says in its subscription.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from anabranch.errors import ErrorCode
from anabranch.groups.assignors import Assignment
from anabranch.groups.consumer_base import ConsumerBase, Refused
from anabranch.groups.consumer_member import (
    ClassicSide,
    ConsumerMember,
    MemberInfo,
    MemberState,
    difference,
)
from anabranch.groups.consumer_values import JOINING
from anabranch.groups.effects import Effect
from anabranch.groups.subscription import Subscription, read_subscription, write_assignment
from anabranch.groups.values import (
    CONSUMER_PROTOCOL_TYPE,
    UNKNOWN_MEMBER_ID,
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    LeftMember,
    SyncCall,
    SyncResult,
    Waiter,
)


class ClassicMembers(ConsumerBase):
    """JoinGroup, SyncGroup, Heartbeat and LeaveGroup of a consumer group."""

    # -- JoinGroup ---------------------------------------------------------------------------
    def join(self, now_ms: int, waiter: Waiter, fresh_id: str, call: JoinCall) -> list[Effect]:
        """JoinGroup (key 11), answered at once.

        Errors: INVALID_SESSION_TIMEOUT, COORDINATOR_NOT_AVAILABLE (deleted meanwhile),
        INCONSISTENT_GROUP_PROTOCOL (no assignor that all classic members offer, or a subscription that
        cannot be read), MEMBER_ID_REQUIRED, GROUP_MAX_SIZE_REACHED, INVALID_REQUEST (subscription too
        large), UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID.
        """
        try:
            result = self._join(now_ms, fresh_id, call)
        except Refused as refused:
            full = refused.error is ErrorCode.GROUP_MAX_SIZE_REACHED
            result = JoinResult(refused.error, UNKNOWN_MEMBER_ID if full else call.member_id)
        self._answer(waiter, result)
        return self._effects()

    def _join(self, now_ms: int, fresh_id: str, call: JoinCall) -> JoinResult:
        subscription = self._check_join(call)
        member_id = call.member_id
        if member_id == UNKNOWN_MEMBER_ID:
            member_id = f"{call.group_instance_id or call.client_id}-{fresh_id}"
            if call.group_instance_id is None and call.require_known_member_id:
                return JoinResult(ErrorCode.MEMBER_ID_REQUIRED, member_id)
        info = MemberInfo(
            group_instance_id=call.group_instance_id,
            rack_id=subscription.rack,
            client_id=call.client_id,
            client_host=call.client_host,
            rebalance_timeout_ms=call.session_timeout_ms
            if call.rebalance_timeout_ms < 0
            else call.rebalance_timeout_ms,
            topic_names=subscription.topics,
            classic=ClassicSide(call.session_timeout_ms, call.protocols),
        )
        member, subscribed = self._joined(now_ms, member_id, call, info)
        self._follow(now_ms, subscribed=subscribed)
        self._reconcile(now_ms, member, self._by_id(subscription.owned))
        self._joins.clear(member_id)
        self._syncs.set(member_id, now_ms + info.rebalance_timeout_ms)
        self._touch(now_ms, member)
        return JoinResult(
            ErrorCode.NONE,
            member_id,
            generation=member.epoch,
            protocol_type=CONSUMER_PROTOCOL_TYPE,
            protocol_name=call.protocols[0][0],
        )

    def _check_join(self, call: JoinCall) -> Subscription:
        """Raises Refused."""
        settings = self.settings
        session_ms = call.session_timeout_ms
        if self._dead:
            raise Refused(ErrorCode.COORDINATOR_NOT_AVAILABLE, "The group is being deleted.")
        if not settings.session_timeout_ms_min <= session_ms <= settings.session_timeout_ms_max:
            raise Refused(
                ErrorCode.INVALID_SESSION_TIMEOUT, "The session timeout is out of bounds."
            )
        common = any(self._classic[name] == self.classic_members for name, _ in call.protocols)
        subscription = read_subscription(call.protocols[0][1]) if call.protocols else None
        if call.protocol_type != CONSUMER_PROTOCOL_TYPE or not common or subscription is None:
            raise Refused(
                ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "The member's protocols are not supported."
            )
        return subscription

    def _may_join(self, call: JoinCall) -> bool:
        try:
            self._check_join(call)
        except Refused:
            return False
        return True

    def _joined(
        self, now_ms: int, member_id: str, call: JoinCall, info: MemberInfo
    ) -> tuple[ConsumerMember, bool]:
        """The member, new or as it was; the second value says whether an assignment depends on it."""
        former: ConsumerMember | None
        if info.group_instance_id is None:
            former = self.members.get(member_id)
        elif call.member_id == UNKNOWN_MEMBER_ID:
            former = self.members.get(self.static.get(info.group_instance_id, UNKNOWN_MEMBER_ID))
        else:
            former = self._find(member_id, info.group_instance_id)
        self._check_room(info, former.info if former is not None else None)
        if former is None:
            member = ConsumerMember(member_id, info)
            self._add_member(now_ms, member)
            return member, True
        if (
            former.member_id == member_id
            and former.info.group_instance_id == info.group_instance_id
        ):
            return former, self._set_info(former, info)
        # A static member that restarted, or a member that is static since: it takes its place over.
        self._remove_member(former.member_id)
        member = ConsumerMember(
            member_id, info, assigned=former.assigned, target=former.target, epoch=JOINING
        )
        self._add_member(now_ms, member)
        return member, former.info.subscription != info.subscription

    def _by_id(self, partitions: Mapping[str, frozenset[int]]) -> Assignment:
        found = {}
        for name, of_topic in partitions.items():
            shape = self.topics.shape(name)
            if shape is not None and of_topic:
                found[shape.id] = of_topic
        return found

    # -- SyncGroup, Heartbeat ------------------------------------------------------------------
    def sync(self, now_ms: int, waiter: Waiter, call: SyncCall) -> list[Effect]:
        """SyncGroup (key 14): what the member has, in the bytes that it can read.

        Errors: COORDINATOR_NOT_AVAILABLE, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION,
        INCONSISTENT_GROUP_PROTOCOL, REBALANCE_IN_PROGRESS (join again first).
        """
        try:
            member, classic = self._find_classic(
                call.member_id, call.group_instance_id, call.generation
            )
            if call.protocol_type not in (None, CONSUMER_PROTOCOL_TYPE) or (
                call.protocol_name not in (None, classic.protocols[0][0])
            ):
                raise Refused(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, "Not as it was answered.")
            if member.epoch < self.assignment_epoch and member.state is not MemberState.UNREVOKED:
                self._call_back(now_ms, member)
                raise Refused(ErrorCode.REBALANCE_IN_PROGRESS, "The member should rejoin.")
            self._syncs.clear(member.member_id)
            self._touch(now_ms, member)
            named = [(self.topics.name(topic), of) for topic, of in member.assigned.items()]
            result = SyncResult(
                ErrorCode.NONE,
                call.protocol_type,
                call.protocol_name,
                write_assignment(
                    [(name, of) for name, of in named if name is not None], classic.protocols[0][1]
                ),
            )
        except Refused as refused:
            result = SyncResult(refused.error)
        self._answer(waiter, result)
        return self._effects()

    @property
    def has_news(self) -> bool:
        """Whether topics came or went since the group looked: then ``look`` has something to do."""
        return self._topics_version != self.topics.version and not self._dead

    def look(self, now_ms: int) -> list[Effect]:
        """Look at the topics, for members whose heartbeats cannot change anything themselves."""
        if self.members:
            self._follow(now_ms, subscribed=False)
        return self._effects()

    def heartbeat(
        self, now_ms: int, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        """Heartbeat (key 12): NONE, REBALANCE_IN_PROGRESS (join again: there is another assignment,
        something to give up, or something that was waited for is free), UNKNOWN_MEMBER_ID,
        FENCED_INSTANCE_ID, ILLEGAL_GENERATION or COORDINATOR_NOT_AVAILABLE."""
        try:
            member, _ = self._find_classic(member_id, group_instance_id, generation)
        except Refused as refused:
            return refused.error
        self._touch(now_ms, member)
        if (
            member.epoch < self.assignment_epoch
            or member.state is MemberState.UNREVOKED
            or (member.state is MemberState.UNRELEASED and not self._waits(member))
        ):
            self._call_back(now_ms, member)
            return ErrorCode.REBALANCE_IN_PROGRESS
        return ErrorCode.NONE

    def _find_classic(
        self, member_id: str, group_instance_id: str | None, generation: int
    ) -> tuple[ConsumerMember, ClassicSide]:
        """Raises Refused."""
        if self._dead:
            raise Refused(ErrorCode.COORDINATOR_NOT_AVAILABLE, "The group is being deleted.")
        member = self._find(member_id, group_instance_id)
        classic = member.info.classic
        if classic is None:
            raise Refused(
                ErrorCode.UNKNOWN_MEMBER_ID,
                f"Member {member_id} does not use the classic protocol.",
            )
        self._adopt(member, generation)
        if generation != member.epoch:
            raise Refused(ErrorCode.ILLEGAL_GENERATION, "The generation is not the member's epoch.")
        return member, classic

    def _call_back(self, now_ms: int, member: ConsumerMember) -> None:
        """It is told to join again, and has its rebalance timeout for that."""
        if member.member_id not in self._joins:
            self._joins.set(member.member_id, now_ms + member.info.rebalance_timeout_ms)

    def _waits(self, member: ConsumerMember) -> bool:
        """Whether something that is meant for the member is still another's."""
        missing = difference(member.target, member.assigned)
        return any(
            self.owner(topic, partition) is not None
            for topic, partitions in missing.items()
            for partition in partitions
        )

    # -- LeaveGroup ----------------------------------------------------------------------------
    def leave(self, now_ms: int, waiter: Waiter, leaving: Sequence[LeavingMember]) -> list[Effect]:
        """LeaveGroup (key 13) for one or many members, each with its own outcome. An administrator
        removes members of either protocol."""
        if self._dead:
            self._answer(waiter, LeaveResult(ErrorCode.COORDINATOR_NOT_AVAILABLE))
            return self._effects()
        outcomes = []
        gone: dict[str, None] = {}
        for entry in leaving:
            member_id, instance = entry.member_id, entry.group_instance_id
            if member_id == UNKNOWN_MEMBER_ID and instance is not None:
                member_id = self.static.get(instance, UNKNOWN_MEMBER_ID)
            error = ErrorCode.NONE
            try:
                member = self._find(member_id, instance)
                if member.member_id in gone:
                    error = ErrorCode.UNKNOWN_MEMBER_ID
                gone[member.member_id] = None
            except Refused as refused:
                error = refused.error
            outcomes.append(LeftMember(entry.member_id, instance, error))
        if gone:
            self._remove_members(now_ms, list(gone))
        self._answer(waiter, LeaveResult(ErrorCode.NONE, tuple(outcomes)))
        return self._effects()

    # -- the way back to a classic group -------------------------------------------------------
    def give_way(self, now_ms: int, call: JoinCall) -> list[Effect]:
        """If the last member of the consumer protocol is a static one, and this call of the classic
        protocol takes its place over, it leaves first: the group is a classic one then."""
        member_id = self.static.get(call.group_instance_id or "")
        if (
            member_id is not None
            and call.member_id == UNKNOWN_MEMBER_ID
            and not self.members[member_id].is_classic
            and self.classic_members == len(self.members) - 1
            and self.settings.migration.allows_downgrade
            and self._may_join(call)
        ):
            self._remove_members(now_ms, [member_id])
        return self._effects()
