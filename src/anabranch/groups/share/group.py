"""A share group as the shell around the automata sees it (KIP-932): members in memory, the group itself durable.

See :mod:`anabranch.groups.share.members`. Only the epoch is stored, before anybody is told of it, so that epochs grow
also across brokers. Classic and consumer clients that name a share group are refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from anabranch.errors import Corrupt, ErrorCode
from anabranch.groups.consumer_core import GroupWorld
from anabranch.groups.effects import TICK_LATE_MS_MAX, Effect, GroupChanges, GroupKind, Persist
from anabranch.groups.settings import GroupSettings
from anabranch.groups.share.members import ShareBeat, ShareMember, ShareMembers
from anabranch.groups.topics import picture
from anabranch.groups.values import (
    CommitCall,
    GroupState,
    JoinCall,
    JoinResult,
    LeaveResult,
    LeavingMember,
    Reply,
    SyncCall,
    SyncResult,
    Waiter,
)

SHARE_PROTOCOL_TYPE = "share"
HEAD_VERSION = 1


class ShareGroupDescription(NamedTuple):
    """A share group's entry in ShareGroupDescribe (key 77)."""

    error: ErrorCode
    group_id: str
    state: GroupState = GroupState.EMPTY
    epoch: int = 0
    members: Sequence[ShareMember] = ()


class _Head(msgspec.Struct, frozen=True, array_like=True):
    """What is stored of the group."""

    version: int
    since_ms: int
    epoch: int


_DECODER = msgspec.msgpack.Decoder(_Head)


class ShareGroup:
    """One share group. See the module's text."""

    kind = GroupKind.SHARE
    protocol_type = SHARE_PROTOCOL_TYPE

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
        self._members = ShareMembers(epoch)
        self._stored_epoch = epoch if epoch else None
        self._dead = False

    @classmethod
    def restore(
        cls,
        group_id: str,
        snapshot: bytes,
        settings: GroupSettings,
        world: GroupWorld,
        now_ms: int,
    ) -> ShareGroup:
        """As another process left it; its members join again. Raises Corrupt."""
        try:
            head = _DECODER.decode(snapshot)
        except msgspec.MsgspecError as error:
            raise Corrupt(f"group {group_id} is damaged: {error}") from None
        group = cls(group_id, settings, world, now_ms, epoch=head.epoch)
        group.since_ms = head.since_ms
        return group

    # -- questions ---------------------------------------------------------------------------
    @property
    def generation(self) -> int:
        return self._members.epoch

    @property
    def members(self) -> Sequence[ShareMember]:
        return list(self._members.members.values())

    @property
    def size(self) -> int:
        return len(self._members.members)

    @property
    def is_vacant(self) -> bool:
        return not self._members.members

    @property
    def state(self) -> GroupState:
        if self._dead:
            return GroupState.DEAD
        return GroupState.EMPTY if self.is_vacant else GroupState.STABLE

    @property
    def next_deadline_ms(self) -> int | None:
        return self._members.next_deadline_ms

    def subscribed_topics(self) -> frozenset[str]:
        return self._members.topic_names

    # -- ShareGroupHeartbeat -------------------------------------------------------------------
    def beat(self, now_ms: int, waiter: Waiter, call: ShareBeat) -> list[Effect]:
        """ShareGroupHeartbeat (key 76). Errors: UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED,
        COORDINATOR_NOT_AVAILABLE (deleted meanwhile)."""
        if self._dead:
            return [Reply(waiter, call.refused(ErrorCode.COORDINATOR_NOT_AVAILABLE, "has to wait"))]
        was_vacant = self.is_vacant
        result = self._members.beat(
            now_ms,
            call,
            self._shapes((*self._members.topic_names, *(call.topic_names or ()))),
            session_ms=self.world.sharing(self.group_id).session_ms,
            members_max=self.settings.members_max,
        )
        return [*self._moved(now_ms, was_vacant), Reply(waiter, result)]

    def tick(self, now_ms: int) -> list[Effect]:
        """A deadline has come: who was silent for too long is gone."""
        deadline_ms = self.next_deadline_ms
        if deadline_ms is not None and now_ms - deadline_ms > TICK_LATE_MS_MAX:
            # This process was stalled: the heartbeats are waiting unread in the sockets.
            self._members.postpone(now_ms, TICK_LATE_MS_MAX)
            return []
        self._members.expire(now_ms, self._shapes(self._members.topic_names))
        return self._moved(now_ms, was_vacant=False)

    def _shapes(self, names: Sequence[str] | frozenset[str]) -> dict[str, tuple[bytes, int]]:
        return {
            name: (shape.id, shape.partitions)
            for name, shape in picture(names, self.world.topics).items()
        }

    def _moved(self, now_ms: int, was_vacant: bool) -> list[Effect]:
        if self.is_vacant is not was_vacant:
            self.since_ms = now_ms
        return [Persist()] if self._members.epoch != self._stored_epoch else []

    # -- the shell -----------------------------------------------------------------------------
    def take_changes(self) -> GroupChanges:
        """What is to be stored: never that somebody is in it, which only this process knows."""
        self._stored_epoch = self._members.epoch
        head = _Head(HEAD_VERSION, self.since_ms, self._members.epoch)
        return GroupChanges(
            self.kind,
            GroupState.EMPTY,
            self.protocol_type,
            self.generation,
            msgspec.msgpack.encode(head),
        )

    def successor(self, now_ms: int) -> None:
        """A share group stays one."""

    def forget(self, now_ms: int, waiter: Waiter) -> list[Effect]:
        """The connection behind a request closed: nothing of this group waits for long."""
        return []

    def abandon(self, error: ErrorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE) -> list[Reply]:
        """This process gives the group up; another may take over."""
        self._dead = True
        self._members = ShareMembers(self._members.epoch)
        return []

    def delete(self) -> ErrorCode:
        """DeleteGroups: only an empty group may go; afterwards this object is dead."""
        if self._dead:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if not self.is_vacant:
            return ErrorCode.NON_EMPTY_GROUP
        self._dead = True
        return ErrorCode.NONE

    # -- what is none of a share group's -------------------------------------------------------------
    def check_commit(
        self,
        now_ms: int,
        member_id: str,
        group_instance_id: str | None,
        generation: int,
        *,
        supports_epochs: bool = True,
    ) -> ErrorCode:
        """A share group has no committed offsets: GROUP_ID_NOT_FOUND, as in Kafka."""
        return ErrorCode.GROUP_ID_NOT_FOUND

    def signed(self, call: CommitCall) -> CommitCall:
        return call

    def join(self, now_ms: int, waiter: Waiter, fresh_id: str, call: JoinCall) -> list[Effect]:
        refusal = JoinResult(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, call.member_id)
        return [Reply(waiter, refusal)]

    def sync(self, now_ms: int, waiter: Waiter, call: SyncCall) -> list[Effect]:
        return [Reply(waiter, SyncResult(ErrorCode.UNKNOWN_MEMBER_ID))]

    def heartbeat(
        self, now_ms: int, member_id: str, group_instance_id: str | None, generation: int
    ) -> ErrorCode:
        return ErrorCode.UNKNOWN_MEMBER_ID

    def leave(self, now_ms: int, waiter: Waiter, leaving: Sequence[LeavingMember]) -> list[Effect]:
        return [Reply(waiter, LeaveResult(ErrorCode.UNKNOWN_MEMBER_ID))]
