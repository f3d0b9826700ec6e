"""What members of both protocols share in a consumer group: being found, fenced, counted; and its offsets.

See :mod:`anabranch.groups.consumer`.
"""

from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from anabranch.errors import ErrorCode
from anabranch.groups.consumer_core import ConsumerCore
from anabranch.groups.consumer_member import ConsumerMember, MemberInfo
from anabranch.groups.effects import Effect
from anabranch.groups.values import UNKNOWN_MEMBER_ID, CommitCall, Reply, Waiter

PATTERNS_MAX = 64  # different ones of one group: each is compiled, and matched with every new topic


class Refused(Exception):
    """What the member is told instead."""

    def __init__(self, error: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


class ConsumerBase(ConsumerCore):
    """What members of both protocols share: finding a member, fencing, offsets, deletion."""

    def _find(self, member_id: str, group_instance_id: str | None) -> ConsumerMember:
        """Raises Refused(UNKNOWN_MEMBER_ID | FENCED_INSTANCE_ID)."""
        if group_instance_id is not None:
            known_id = self.static.get(group_instance_id)
            if known_id is None:
                raise Refused(
                    ErrorCode.UNKNOWN_MEMBER_ID, f"Instance id {group_instance_id} is unknown."
                )
            if known_id != member_id:
                raise Refused(
                    ErrorCode.FENCED_INSTANCE_ID,
                    f"Static member {member_id} with instance id {group_instance_id} was fenced by "
                    f"member {known_id}.",
                )
        member = self.members.get(member_id)
        if member is None:
            raise Refused(
                ErrorCode.UNKNOWN_MEMBER_ID,
                f"Member {member_id} is not a member of group {self.group_id}.",
            )
        return member

    def _check_room(self, info: MemberInfo, former: MemberInfo | None) -> None:
        """Raises Refused(GROUP_MAX_SIZE_REACHED | INVALID_REQUEST)."""
        settings = self.settings
        if former is None and len(self.members) >= settings.members_max:
            raise Refused(
                ErrorCode.GROUP_MAX_SIZE_REACHED,
                "The consumer group has reached its maximum capacity of "
                f"{settings.members_max} members.",
            )
        if (
            info.topic_regex
            and info.topic_regex not in self._patterns
            and len(self._patterns) >= PATTERNS_MAX
        ):
            raise Refused(
                ErrorCode.GROUP_MAX_SIZE_REACHED,
                f"The members of a group subscribe by {PATTERNS_MAX} different patterns at most.",
            )
        if info.bytes > settings.member_metadata_bytes_max:
            raise Refused(
                ErrorCode.INVALID_REQUEST,
                f"A subscription takes {settings.member_metadata_bytes_max} bytes at most.",
            )
        growth = info.bytes - (former.bytes if former is not None else 0)
        if growth > 0 and self.bytes + growth > settings.group_bytes_max:
            raise Refused(
                ErrorCode.GROUP_MAX_SIZE_REACHED,
                f"The subscriptions of a group take {settings.group_bytes_max} bytes at most.",
            )

    def check_commit(
        self,
        now_ms: int,
        member_id: str,
        group_instance_id: str | None,
        generation: int,
        *,
        supports_epochs: bool = True,
    ) -> ErrorCode:
        """Whether an OffsetCommit (key 8) may be stored.

        Without membership only into an empty group; otherwise with the member's present epoch:
        STALE_MEMBER_EPOCH (but see ``still_own``), or ILLEGAL_GENERATION for a member of the classic
        protocol. Members of the consumer protocol commit with version 9 or later, which can say so:
        UNSUPPORTED_VERSION.
        """
        if self._dead:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if generation < 0 and not self.members:
            return ErrorCode.NONE
        member = self.members.get(member_id)
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        if not member.is_classic and not supports_epochs:
            return ErrorCode.UNSUPPORTED_VERSION
        error = self._check_epoch(member, generation)
        if error is ErrorCode.NONE and member.is_classic:
            self._touch(now_ms, member)
        return error

    def still_own(self, call: CommitCall) -> list[bool]:
        """Of a commit with an older epoch: whether its member has held the partition ever since (KIP-1251).
        An epoch may come while a commit is on its way; nobody else can have read those partitions."""
        member = self.members.get(call.member_id)
        if member is None or not 0 <= call.generation <= member.epoch:
            return [False] * len(call.offsets)
        since = [member.holds_since(one.topic_id, one.partition) for one in call.offsets]
        return [epoch is not None and epoch <= call.generation for epoch in since]

    def check_fetch(self, member_id: str | None, epoch: int) -> ErrorCode:
        """Whether an OffsetFetch (key 9) that names its member may be answered."""
        if self._dead:
            return ErrorCode.COORDINATOR_NOT_AVAILABLE
        if member_id is None and epoch < 0:
            return ErrorCode.NONE
        member = self.members.get(member_id or UNKNOWN_MEMBER_ID)
        if member is None:
            return ErrorCode.UNKNOWN_MEMBER_ID
        return self._check_epoch(member, epoch)

    def _check_epoch(self, member: ConsumerMember, epoch: int) -> ErrorCode:
        self._adopt(member, epoch)
        if epoch == member.epoch:
            return ErrorCode.NONE
        if member.is_classic:
            return ErrorCode.ILLEGAL_GENERATION
        return ErrorCode.STALE_MEMBER_EPOCH

    def signed(self, call: CommitCall) -> CommitCall:
        """The commit as the history is to know it (I8): also under which instance id its member is known,
        which members of the consumer protocol need not say."""
        member = self.members.get(call.member_id)
        instance = member.info.group_instance_id if member is not None else None
        if instance is None or call.actor.instance_id:
            return call
        return replace(call, actor=structs.replace(call.actor, instance_id=instance))

    def forget(self, now_ms: int, waiter: Waiter) -> list[Effect]:
        """The connection behind a request closed: nothing of this group waits for long."""
        return []

    def delete(self) -> ErrorCode:
        """DeleteGroups: only an empty group may go; afterwards this object is dead."""
        if self._dead:
            return ErrorCode.GROUP_ID_NOT_FOUND
        if self.members:
            return ErrorCode.NON_EMPTY_GROUP
        self._give_up()
        return ErrorCode.NONE

    def abandon(self, error: ErrorCode = ErrorCode.COORDINATOR_NOT_AVAILABLE) -> list[Reply]:
        """This process gives the group up, stopping or unable to store it; another may take over."""
        self._give_up()
        replies, self._replies = self._replies, []
        return replies
