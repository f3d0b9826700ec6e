"""LeaveGroup (13), versions 0 to 5: one member, or from version 3 several, static ones by their
instance id (KIP-345); reasons from version 5 (KIP-800).

Errors, of the group or from version 3 per member: INVALID_GROUP_ID, UNKNOWN_MEMBER_ID,
FENCED_INSTANCE_ID, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.groups.values import LeavingMember
from anabranch.wire.messages.m13_leave_group import (
    LeaveGroupRequest,
    LeaveGroupResponse,
    MemberResponse,
)

KEY = 13
MIN = 0
MAX = 5

_BATCHED = 3


async def handle(context: Context, request: LeaveGroupRequest) -> LeaveGroupResponse:
    if context.version < _BATCHED:
        leaving = [LeavingMember(request.member_id)]
    else:
        leaving = [
            LeavingMember(one.member_id, one.group_instance_id, one.reason or "")
            for one in request.members
        ]
    result = await context.groups.leave(request.group_id, leaving)
    error = result.error
    if context.version < _BATCHED and error is ErrorCode.NONE and result.members:
        error = result.members[0].error
    return LeaveGroupResponse(
        error_code=error,
        members=[
            MemberResponse(
                member_id=one.member_id,
                group_instance_id=one.group_instance_id,
                error_code=one.error,
            )
            for one in result.members
        ],
    )
