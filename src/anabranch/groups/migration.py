"""A group changes its protocol with its members, online (KIP-848): nobody stops, offsets stay.

Upwards with the first member of the consumer protocol, downwards when the last of them has left. Epochs go
on from generations and the other way round, so none repeats in a group's life.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from anabranch.errors import ErrorCode
from anabranch.groups.classic import ClassicGroup
from anabranch.groups.consumer_member import ClassicSide, ConsumerMember, MemberInfo
from anabranch.groups.effects import Effect
from anabranch.groups.roster import Member
from anabranch.groups.subscription import read_assignment, read_subscription, write_assignment
from anabranch.groups.values import CONSUMER_PROTOCOL_TYPE, GroupState, Reply

if TYPE_CHECKING:
    from anabranch.groups.consumer import ConsumerGroup


def can_upgrade(classic: ClassicGroup) -> bool:
    """Whether a member of the consumer protocol may join: the group is empty, or of consumers whose
    subscriptions can be read."""
    if classic.state is GroupState.EMPTY:
        return True
    if (
        classic.state is GroupState.DEAD
        or classic.protocol_type != CONSUMER_PROTOCOL_TYPE
        or not classic.settings.migration.allows_upgrade
    ):
        return False
    return all(
        read_subscription(member.protocols[0][1]) is not None
        for member in classic.roster.members.values()
    )


def move_members(classic: ClassicGroup, group: ConsumerGroup, now_ms: int) -> list[Effect]:
    """Make ``group``, which is empty, what ``classic`` is; who waits there is told to join again.

    A member has what it was assigned last. In the middle of a rebalance that is what it said to own when
    it joined: a cooperative member goes on reading that meanwhile, so nobody else may have it yet.
    Members that have not been told a generation are not moved; they come again.
    """
    claims = []
    for member in classic.roster.members.values():
        if member.is_new:
            continue
        offered = dict(member.protocols)
        metadata = offered.get(classic.protocol_name or "", member.protocols[0][1])
        subscription = read_subscription(metadata)
        assert subscription is not None, "can_upgrade says so"
        has: Mapping[str, frozenset[int]] = subscription.owned
        if member.assignment:
            has = read_assignment(member.assignment) or {}
        claims.append((subscription.generation, member, subscription, has))
    taken: set[tuple[bytes, int]] = set()
    # Who claims by a newer generation is right.
    for _, member, subscription, has in sorted(claims, key=lambda claim: -claim[0]):
        assigned = {}
        for name, partitions in has.items():
            shape = group.topics.shape(name)
            if shape is None:
                continue
            own = frozenset(p for p in partitions if (shape.id, p) not in taken)
            if own:
                assigned[shape.id] = own
                taken.update((shape.id, p) for p in own)
        info = MemberInfo(
            group_instance_id=member.group_instance_id,
            rack_id=subscription.rack,
            client_id=member.client_id,
            client_host=member.client_host,
            rebalance_timeout_ms=member.rebalance_timeout_ms,
            topic_names=subscription.topics,
            classic=ClassicSide(member.session_timeout_ms, member.protocols),
        )
        group.take_over(
            now_ms,
            ConsumerMember(
                member.member_id,
                info,
                epoch=classic.generation,
                previous_epoch=classic.generation,
                assigned=assigned,
                target=assigned,
            ),
        )
    replies: list[Reply] = classic.abandon(ErrorCode.REBALANCE_IN_PROGRESS)
    return list(replies)


def downgraded(group: ConsumerGroup, now_ms: int) -> tuple[ClassicGroup, list[Effect]]:
    """The classic group of the members that are left, all of the classic protocol; it rebalances."""
    classic = ClassicGroup(group.group_id, group.settings, now_ms)
    members = []
    for member in group.members.values():
        side = member.info.classic
        assert side is not None
        named = [(group.topics.name(topic), of) for topic, of in member.assigned.items()]
        assignment = write_assignment(
            [(name, of) for name, of in named if name is not None], side.protocols[0][1]
        )
        members.append(
            Member(
                member_id=member.member_id,
                group_instance_id=member.info.group_instance_id,
                client_id=member.info.client_id,
                client_host=member.info.client_host,
                session_timeout_ms=side.session_timeout_ms,
                rebalance_timeout_ms=member.info.rebalance_timeout_ms,
                protocols=side.protocols,
                assignment=assignment,
                is_new=False,
                id_is_told=True,
            )
        )
    effects = classic.take_over(now_ms, group.epoch, CONSUMER_PROTOCOL_TYPE, members)
    return classic, effects
