"""ListGroups (16), versions 0 to 5: every group, filtered by state (v4, KIP-518) and type (v5,
KIP-848). Errors: COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode, StoreFault
from anabranch.wire.messages.m16_list_groups import (
    ListedGroup,
    ListGroupsRequest,
    ListGroupsResponse,
)

KEY = 16
MIN = 0
MAX = 5


async def handle(context: Context, request: ListGroupsRequest) -> ListGroupsResponse:
    try:
        found = await context.groups.list_groups(request.states_filter, request.types_filter)
    except StoreFault:
        return ListGroupsResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    return ListGroupsResponse(
        groups=[
            ListedGroup(
                group_id=one.group_id,
                protocol_type=one.protocol_type,
                group_state=one.state,
                group_type=one.group_type,
            )
            for one in found
        ]
    )
