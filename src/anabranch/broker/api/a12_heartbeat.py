"""Heartbeat (12), versions 0 to 4: a member lives, and hears of rebalances.

Errors: INVALID_GROUP_ID, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest, HeartbeatResponse

KEY = 12
MIN = 0
MAX = 4


async def handle(context: Context, request: HeartbeatRequest) -> HeartbeatResponse:
    error = await context.groups.heartbeat(
        request.group_id, request.member_id, request.group_instance_id, request.generation_id
    )
    return HeartbeatResponse(error_code=error)
