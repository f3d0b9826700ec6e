"""ConsumerGroupHeartbeat (68), versions 0 to 1: join, stay in, move within and leave a group of the consumer
protocol (KIP-848).

From version 1 members make their own ids, and may subscribe by a regular expression that the broker
resolves, to topics that the member may describe. Errors: INVALID_REQUEST, UNSUPPORTED_ASSIGNOR, INVALID_REGULAR_EXPRESSION, GROUP_ID_NOT_FOUND (no
such group, or one that cannot change to this protocol), UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH,
UNRELEASED_INSTANCE_ID, FENCED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED, UNSUPPORTED_VERSION (the protocol is
turned off), NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED (the lane).
"""

from __future__ import annotations

from collections.abc import Callable

from anabranch.broker.authz.acl import Operation, ResourceType
from anabranch.broker.context import Context
from anabranch.groups.consumer_values import BeatCall
from anabranch.wire.messages.m68_consumer_group_heartbeat import (
    Assignment,
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
    ConsumerGroupHeartbeatResponseTopicPartitions,
)

KEY = 68
MIN = 0
MAX = 1

_MEMBERS_MAKE_IDS = 1


def _may_see(context: Context) -> Callable[[str], bool] | None:
    access = context.access
    if access is None:
        return None
    return lambda name: access.may(Operation.DESCRIBE, ResourceType.TOPIC, name)


async def handle(
    context: Context, request: ConsumerGroupHeartbeatRequest
) -> ConsumerGroupHeartbeatResponse:
    names, owned = request.subscribed_topic_names, request.topic_partitions
    result = await context.groups.beat(
        request.group_id,
        BeatCall(
            member_id=request.member_id,
            member_epoch=request.member_epoch,
            client_id=context.client_id,
            client_host=context.host,
            group_instance_id=request.instance_id,
            rack_id=request.rack_id,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            topic_names=None if names is None else tuple(names),
            topic_regex=request.subscribed_topic_regex,
            server_assignor=request.server_assignor,
            owned=None
            if owned is None
            else {one.topic_id: frozenset(one.partitions) for one in owned if one.partitions},
            may_see=_may_see(context),
            knows_its_id=context.version >= _MEMBERS_MAKE_IDS,
        ),
    )
    assignment = None
    if result.assignment is not None:
        assignment = Assignment(
            topic_partitions=[
                ConsumerGroupHeartbeatResponseTopicPartitions(
                    topic_id=topic, partitions=sorted(partitions)
                )
                for topic, partitions in sorted(result.assignment.items())
            ]
        )
    return ConsumerGroupHeartbeatResponse(
        error_code=result.error,
        error_message=result.message,
        member_id=result.member_id or None,
        member_epoch=result.member_epoch,
        heartbeat_interval_ms=result.heartbeat_interval_ms,
        assignment=assignment,
    )
