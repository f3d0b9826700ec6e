"""Who is in which group: joining, heartbeats, leaving, of all protocols, served from one event loop.

The automata decide (:mod:`anabranch.groups.classic`, :mod:`anabranch.groups.consumer`), a
:class:`~anabranch.groups.hosted.HostedGroup` carries out; here a call finds its group.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from anabranch.errors import Corrupt, ErrorCode, StoreFault
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer import ConsumerGroup, check_call
from anabranch.groups.consumer_base import Refused
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.consumer_values import JOINING, BeatCall, BeatResult
from anabranch.groups.hosted import HostedGroup
from anabranch.groups.keeper import GroupKeeper
from anabranch.groups.migration import can_upgrade, move_members
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.group import ShareGroup
from anabranch.groups.share.members import LEAVING as SHARE_LEAVING
from anabranch.groups.share.members import ShareBeat, ShareBeatResult
from anabranch.groups.values import (
    UNKNOWN_MEMBER_ID,
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    Result,
    SyncCall,
    SyncResult,
)

logger = logging.getLogger(__name__)

REASONS_LOGGED_MAX = 3  # of one LeaveGroup, which may name thousands of members


class Membership:
    """See the module; the arguments are those of the coordinator."""

    def __init__(
        self,
        keeper: GroupKeeper,
        settings: GroupSettings,
        world: GroupWorld,
        now_ms: Callable[[], int],
        new_id: Callable[[], str],
        refusal: Callable[[str], ErrorCode],
    ) -> None:
        self.settings = settings
        self._keeper = keeper
        self._world = world
        self._now_ms = now_ms
        self._new_id = new_id
        self._refusal = refusal

    # -- the classic protocol ------------------------------------------------------------------
    async def join(self, group_id: str, call: JoinCall) -> JoinResult:
        """JoinGroup; may wait as long as a rebalance. Cancel it when the connection closes."""
        if not group_id:
            return JoinResult(ErrorCode.INVALID_GROUP_ID, call.member_id)
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return JoinResult(refusal, call.member_id)
        try:
            hosted = await self._keeper.find(group_id)
        except StoreFault:
            return JoinResult(ErrorCode.COORDINATOR_NOT_AVAILABLE, call.member_id)
        if hosted is None:
            if call.member_id != UNKNOWN_MEMBER_ID:
                return JoinResult(ErrorCode.UNKNOWN_MEMBER_ID, call.member_id)
            hosted = self._keeper.add(ClassicGroup(group_id, self.settings, self._now_ms()), 0)
        if hosted.is_idle and len(self._keeper.groups) > self.settings.groups_max:
            hosted.settle()
            return JoinResult(ErrorCode.COORDINATOR_NOT_AVAILABLE, call.member_id)
        if isinstance(hosted.group, ConsumerGroup):
            self._prepare(hosted, hosted.group, call)
        group, waiter = hosted.group, self._waiter()
        hosted.run(
            lambda now_ms: group.join(now_ms, waiter, self._new_id(), call), _why("join", call)
        )
        result = await self._wait(hosted, waiter)
        assert isinstance(result, JoinResult)
        return result

    def _prepare(self, hosted: HostedGroup, group: ConsumerGroup, call: JoinCall) -> None:
        """A member of the classic protocol joins a consumer group: that may be, or become, empty of others."""
        hosted.pins += 1  # it stays in memory, also while it is empty
        if group.members:
            hosted.run(lambda now_ms: group.give_way(now_ms, call), _why("join", call))
        if hosted.group is group and not group.members:
            classic = ClassicGroup(group.group_id, self.settings, self._now_ms())
            classic.generation = group.epoch
            hosted.become(classic, [], _why("join", call))
        hosted.pins -= 1

    async def sync(self, group_id: str, call: SyncCall) -> SyncResult:
        """SyncGroup; waits for the leader's. Cancel it when the connection closes."""
        if not group_id:
            return SyncResult(ErrorCode.INVALID_GROUP_ID)
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return SyncResult(refusal)
        try:
            hosted = await self._keeper.find(group_id)
        except StoreFault:
            return SyncResult(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        if hosted is None:
            return SyncResult(ErrorCode.UNKNOWN_MEMBER_ID)
        group, waiter = hosted.group, self._waiter()
        hosted.run(lambda now_ms: group.sync(now_ms, waiter, call), f"sync of {call.member_id}")
        result = await self._wait(hosted, waiter)
        assert isinstance(result, SyncResult)
        return result

    async def heartbeat(
        self, group_id: str, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        """Heartbeat."""
        if not group_id:
            return ErrorCode.INVALID_GROUP_ID
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return refusal
        try:
            hosted = await self._keeper.find(group_id)
        except StoreFault:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if hosted is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        group = hosted.group
        if isinstance(group, ConsumerGroup) and group.has_news:
            hosted.run(group.look, "topics changed")
        error = group.heartbeat(self._now_ms(), member_id, group_instance_id, generation)
        hosted.settle()
        return error

    async def leave(self, group_id: str, leaving: Sequence[LeavingMember]) -> LeaveResult:
        """LeaveGroup; an unknown group is UNKNOWN_MEMBER_ID as a whole, as in Kafka."""
        if not group_id:
            return LeaveResult(ErrorCode.INVALID_GROUP_ID)
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return LeaveResult(refusal)
        try:
            hosted = await self._keeper.find(group_id)
        except StoreFault:
            return LeaveResult(ErrorCode.COORDINATOR_NOT_AVAILABLE)
        if hosted is None:
            return LeaveResult(ErrorCode.UNKNOWN_MEMBER_ID)
        group, waiter = hosted.group, self._waiter()
        hosted.run(
            lambda now_ms: group.leave(now_ms, waiter, leaving),
            "; ".join(_why("leave", entry) for entry in leaving[:REASONS_LOGGED_MAX]),
        )
        result = await self._wait(hosted, waiter)
        assert isinstance(result, LeaveResult)
        return result

    # -- the consumer protocol -----------------------------------------------------------------
    async def beat(self, group_id: str, call: BeatCall) -> BeatResult:
        """ConsumerGroupHeartbeat. Nearly all say and change nothing: those cost a look-up."""
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return BeatResult(refusal, call.member_id)
        hosted = self._keeper.groups.get(group_id)
        if hosted is not None and isinstance(hosted.group, ConsumerGroup):
            again = hosted.group.beat_again(self._now_ms(), call)
            if again is not None:
                hosted.settle()
                return again
        try:
            hosted, group = await self._consumer_group(group_id, call)
        except Refused as refused:
            return BeatResult(refused.error, call.member_id, message=refused.message)
        except (Corrupt, StoreFault) as fault:
            logger.error("group %s cannot be read: %s", group_id, fault)
            return BeatResult(ErrorCode.COORDINATOR_NOT_AVAILABLE, call.member_id)
        waiter = self._waiter()
        hosted.run(
            lambda now_ms: group.beat(now_ms, waiter, self._new_id(), call),
            f"heartbeat of {call.member_id or 'a new member'} with epoch {call.member_epoch}",
        )
        result = await self._wait(hosted, waiter)
        assert isinstance(result, BeatResult)
        return result

    async def _consumer_group(
        self, group_id: str, call: BeatCall
    ) -> tuple[HostedGroup, ConsumerGroup]:
        """The group of a heartbeat, made or taken over from the classic protocol for who joins.

        Raises Refused, Corrupt, StoreFault.
        """
        if not self.settings.consumer_protocol:
            raise Refused(
                ErrorCode.UNSUPPORTED_VERSION, "The consumer group protocol is not enabled."
            )
        if not group_id:
            raise Refused(ErrorCode.INVALID_REQUEST, "GroupId can't be empty.")
        check_call(call)
        hosted = await self._keeper.find(group_id)
        if hosted is not None and isinstance(hosted.group, ConsumerGroup):
            return hosted, hosted.group
        if call.member_epoch != JOINING:
            if hosted is not None:
                hosted.settle()
            what = f"Group {group_id} is not a consumer group."
            raise Refused(
                ErrorCode.GROUP_ID_NOT_FOUND,
                what if hosted is not None else f"Consumer group {group_id} not found.",
            )
        now_ms = self._now_ms()
        if hosted is None:
            group = ConsumerGroup(group_id, self.settings, self._world, now_ms)
            hosted = self._keeper.add(group, 0)
            self._check_room(hosted)
            return hosted, group
        classic = hosted.group
        if not isinstance(classic, ClassicGroup) or not can_upgrade(classic):
            hosted.settle()
            raise Refused(
                ErrorCode.GROUP_ID_NOT_FOUND,
                f"Cannot upgrade classic group {group_id} to consumer group: its members do not use the "
                "consumer embedded protocol, or group.consumer.migration.policy forbids it.",
            )
        if hosted.is_idle:
            self._check_room(hosted)
        group = ConsumerGroup(
            group_id, self.settings, self._world, now_ms, epoch=classic.generation
        )
        hosted.become(group, move_members(classic, group, now_ms), f"{call.member_id} joins")
        return hosted, group

    # -- share groups --------------------------------------------------------------------------
    async def share_beat(self, group_id: str, call: ShareBeat) -> ShareBeatResult:
        """ShareGroupHeartbeat. Errors: as ConsumerGroupHeartbeat, as far as they apply."""
        if (refusal := self._refusal(group_id)) is not ErrorCode.NONE:
            return call.refused(refusal, "asks the wrong broker")
        try:
            hosted, group = await self._share_group(group_id, call)
        except Refused as refused:
            return ShareBeatResult(refused.error, call.member_id, message=refused.message)
        except (Corrupt, StoreFault) as fault:
            logger.error("group %s cannot be read: %s", group_id, fault)
            return call.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE, "has to wait")
        waiter = self._waiter()
        hosted.run(
            lambda now_ms: group.beat(now_ms, waiter, call),
            f"heartbeat of {call.member_id} with epoch {call.member_epoch}",
        )
        result = await self._wait(hosted, waiter)
        assert isinstance(result, ShareBeatResult)
        return result

    async def _share_group(self, group_id: str, call: ShareBeat) -> tuple[HostedGroup, ShareGroup]:
        """The group of a heartbeat, made for who joins. Raises Refused, Corrupt, StoreFault."""
        if not group_id or not call.member_id:
            what = "MemberId" if group_id else "GroupId"
            raise Refused(ErrorCode.INVALID_REQUEST, f"{what} can't be empty.")
        if call.member_epoch < SHARE_LEAVING:
            raise Refused(ErrorCode.INVALID_REQUEST, "MemberEpoch is invalid.")
        if call.member_epoch == JOINING and not call.topic_names:
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                "SubscribedTopicNames must be set in first request.",
            )
        hosted = await self._keeper.find(group_id)
        if hosted is not None and isinstance(hosted.group, ShareGroup):
            if hosted.is_idle:
                self._check_room(hosted)
            return hosted, hosted.group
        if hosted is not None:
            hosted.settle()
            raise Refused(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} is not a share group.")
        if call.member_epoch != JOINING:
            raise Refused(ErrorCode.GROUP_ID_NOT_FOUND, f"Group {group_id} not found.")
        group = ShareGroup(group_id, self.settings, self._world, self._now_ms())
        hosted = self._keeper.add(group, 0)
        self._check_room(hosted)
        return hosted, group

    def _check_room(self, hosted: HostedGroup) -> None:
        """Raises Refused(COORDINATOR_NOT_AVAILABLE) if no further group may have members."""
        if len(self._keeper.groups) > self.settings.groups_max:
            hosted.settle()
            raise Refused(
                ErrorCode.COORDINATOR_NOT_AVAILABLE,
                f"{self.settings.groups_max} groups have members already.",
            )

    # -- waiters -----------------------------------------------------------------------------
    @staticmethod
    def _waiter() -> asyncio.Future[Result]:
        return asyncio.get_running_loop().create_future()

    @staticmethod
    async def _wait(hosted: HostedGroup, waiter: asyncio.Future[Result]) -> Result:
        try:
            return await waiter
        except asyncio.CancelledError:
            hosted.run(lambda now_ms: hosted.group.forget(now_ms, waiter), "connection closed")
            raise


def _why(what: str, entry: JoinCall | LeavingMember) -> str:
    """A line for the log; clients give reasons since KIP-800."""
    member = entry.member_id or entry.group_instance_id or "a new member"
    return f"{what} of {member}: {entry.reason}" if entry.reason else f"{what} of {member}"
