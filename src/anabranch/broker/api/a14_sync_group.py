"""SyncGroup (14), versions 0 to 5: the leader hands out assignments, everybody gets theirs.

From version 5 the protocol's type and name are checked and answered (KIP-559). Errors: INVALID_GROUP_ID,
UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
INCONSISTENT_GROUP_PROTOCOL, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.groups.values import SyncCall
from anabranch.wire.messages.m14_sync_group import SyncGroupRequest, SyncGroupResponse

KEY = 14
MIN = 0
MAX = 5
ABANDON = True


async def handle(context: Context, request: SyncGroupRequest) -> SyncGroupResponse:
    result = await context.groups.sync(
        request.group_id,
        SyncCall(
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            generation=request.generation_id,
            protocol_type=request.protocol_type,
            protocol_name=request.protocol_name,
            assignments=[(one.member_id, one.assignment) for one in request.assignments],
        ),
    )
    return SyncGroupResponse(
        error_code=result.error,
        protocol_type=result.protocol_type,
        protocol_name=result.protocol_name,
        assignment=result.assignment,
    )
