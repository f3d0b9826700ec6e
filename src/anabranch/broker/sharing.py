"""What the APIs of share groups have in common: whose partition it is, and what a member says of it (KIP-932)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from anabranch.broker import lanes, topics
from anabranch.broker.authz.access import refusal
from anabranch.broker.authz.acl import Operation, ResourceType
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.host import ShareTold
from anabranch.groups.share.partition import Acknowledgement, AckType
from anabranch.groups.share.sessions import MemberKey, Place
from anabranch.metastore.api import BrokerRow, Topic


class AckBatch(Protocol):
    """An AcknowledgementBatch of either API."""

    first_offset: int
    last_offset: int
    acknowledge_types: list[int]


class AckPartition(Protocol):
    """A partition of either API's request."""

    partition_index: int

    @property
    def acknowledgement_batches(self) -> Sequence[AckBatch]: ...


class Outcome(NamedTuple):
    """Of what a member said of one partition."""

    error: ErrorCode
    leader: BrokerRow | None  # the broker to turn to instead


def member_of(context: Context, group_id: str | None, member_id: str | None) -> MemberKey:
    """Raises ClientFault if the group or the member is not named, or the group is not admitted here."""
    if not group_id:
        raise ClientFault(ErrorCode.INVALID_GROUP_ID, "a share group has to be named")
    if not member_id:
        raise ClientFault(ErrorCode.INVALID_REQUEST, "a member has to be named")
    if not lanes.admits_group(context.lane, group_id):
        raise ClientFault(
            ErrorCode.GROUP_AUTHORIZATION_FAILED, lanes.group_refusal(context.lane, group_id)
        )
    return MemberKey(group_id, member_id)


def leader_elsewhere(context: Context, topic: Topic, partition: int) -> BrokerRow | None:
    """The broker that hands this partition out, if that is not this one."""
    leader = context.routes.leader(topic.id, partition)
    mine = leader.broker_id == context.broker.node_id and not context.broker.handing_over
    return None if mine else leader


async def acknowledge(
    context: Context,
    member: MemberKey,
    said: Iterable[tuple[Place, AckPartition]],
    *,
    renewals: bool,
) -> dict[Place, Outcome]:
    """Take what ``member`` says of its records, by partition; partitions without a word are left out."""
    outcomes: dict[Place, Outcome] = {}
    told: list[ShareTold] = []
    places: list[Place] = []
    for place, one in said:
        if not one.acknowledgement_batches:
            continue
        try:
            topic = topics.by_id(context.log, place[0])
            context.log.partition(topic, place[1])
            leader = leader_elsewhere(context, topic, place[1])
            if leader is not None:
                outcomes[place] = Outcome(ErrorCode.NOT_LEADER_OR_FOLLOWER, leader)
                continue
            told.append(ShareTold(topic, place[1], _acknowledgements(one, renewals=renewals)))
            places.append(place)
        except ClientFault as fault:
            outcomes[place] = Outcome(fault.code, None)
    errors = await context.broker.shares.acknowledge(member.group_id, member.member_id, told)
    return outcomes | {
        place: Outcome(error, None) for place, error in zip(places, errors, strict=True)
    }


def _acknowledgements(one: AckPartition, *, renewals: bool) -> list[Acknowledgement]:
    found = [
        Acknowledgement(batch.first_offset, batch.last_offset, batch.acknowledge_types)
        for batch in one.acknowledgement_batches
    ]
    if not renewals and any(AckType.RENEW in batch.types for batch in found):
        raise ClientFault(ErrorCode.INVALID_REQUEST, "the request does not say that it renews")
    behind = -1
    for batch in found:
        if batch.first <= behind:
            raise ClientFault(ErrorCode.INVALID_REQUEST, "acknowledgements have to be in order")
        behind = batch.last
    return found


async def leave(context: Context, member: MemberKey) -> None:
    """The member's session here ends: others may have what it held."""
    context.broker.share_sessions.end(member)
    await context.broker.shares.release(*member)


async def check_read(context: Context, group_id: str, topic: Topic, partition: int) -> None:
    """Raises ClientFault(TOPIC_AUTHORIZATION_FAILED) if the member may not read the topic, or not what is as
    old as where the group stands. Asked of all that a session stands for, each time."""
    access = context.access
    if access is None:
        return
    access.require(Operation.READ, ResourceType.TOPIC, topic.name)
    if access.by_age and not access.may(Operation.REPLAY, ResourceType.TOPIC, topic.name):
        start = await context.broker.shares.start_of(group_id, topic, partition)
        if await access.too_old([(topic, partition, start)]):
            raise refusal(ResourceType.TOPIC)
