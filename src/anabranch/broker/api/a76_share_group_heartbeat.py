"""ShareGroupHeartbeat (76), version 1: join, stay in and leave a share group (KIP-932).

Members make their own ids. Errors: INVALID_REQUEST, GROUP_ID_NOT_FOUND (a group of another kind, or none),
UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH, GROUP_MAX_SIZE_REACHED, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE,
GROUP_AUTHORIZATION_FAILED (the lane).
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.groups.share.members import ShareBeat
from anabranch.wire.messages.m76_share_group_heartbeat import (
    Assignment,
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
    TopicPartitions,
)

KEY = 76
MIN = 1
MAX = 1


async def handle(
    context: Context, request: ShareGroupHeartbeatRequest
) -> ShareGroupHeartbeatResponse:
    names = request.subscribed_topic_names
    result = await context.groups.share_beat(
        request.group_id,
        ShareBeat(
            member_id=request.member_id,
            member_epoch=request.member_epoch,
            client_id=context.client_id,
            client_host=context.host,
            rack_id=request.rack_id,
            topic_names=None if names is None else tuple(names),
        ),
    )
    assignment = None
    if result.assignment is not None:
        assignment = Assignment(
            topic_partitions=[
                TopicPartitions(topic_id=topic_id, partitions=list(partitions))
                for topic_id, partitions in result.assignment.items()
            ]
        )
    return ShareGroupHeartbeatResponse(
        error_code=result.error,
        error_message=result.message,
        member_id=result.member_id or None,
        member_epoch=result.member_epoch,
        heartbeat_interval_ms=context.broker.shares.settings(request.group_id).heartbeat_ms,
        assignment=assignment,
    )
