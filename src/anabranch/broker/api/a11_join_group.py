"""JoinGroup (11), versions 0 to 9: become a member and wait for the rebalance.

From version 4 a new member without an instance id is first given its id with MEMBER_ID_REQUIRED
(KIP-394); static members from version 5 (KIP-345); a leader that need not assign is told so from
version 9 (KIP-814). Errors: INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT, INCONSISTENT_GROUP_PROTOCOL,
UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, GROUP_MAX_SIZE_REACHED, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.groups.values import JoinCall
from anabranch.wire.messages.m11_join_group import (
    JoinGroupRequest,
    JoinGroupResponse,
    JoinGroupResponseMember,
)

KEY = 11
MIN = 0
MAX = 9
ABANDON = True

_MEMBER_ID_REQUIRED = 4
_NULLABLE_PROTOCOL = 7
_SKIP_ASSIGNMENT = 9


async def handle(context: Context, request: JoinGroupRequest) -> JoinGroupResponse:
    result = await context.groups.join(
        request.group_id,
        JoinCall(
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            client_id=context.client_id,
            client_host=context.host,
            protocol_type=request.protocol_type,
            protocols=tuple((one.name, one.metadata) for one in request.protocols),
            session_timeout_ms=request.session_timeout_ms,
            rebalance_timeout_ms=request.rebalance_timeout_ms,
            require_known_member_id=context.version >= _MEMBER_ID_REQUIRED,
            supports_skip_assignment=context.version >= _SKIP_ASSIGNMENT,
            reason=request.reason or "",
        ),
    )
    name = result.protocol_name
    if name is None and context.version < _NULLABLE_PROTOCOL:
        name = ""
    return JoinGroupResponse(
        error_code=result.error,
        generation_id=result.generation,
        protocol_type=result.protocol_type,
        protocol_name=name,
        leader=result.leader,
        skip_assignment=result.skip_assignment,
        member_id=result.member_id,
        members=[
            JoinGroupResponseMember(
                member_id=one.member_id,
                group_instance_id=one.group_instance_id,
                metadata=one.metadata,
            )
            for one in result.members
        ],
    )
