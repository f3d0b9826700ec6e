"""DescribeGroups (15), versions 0 to 6: state, protocol and members of groups.

A group that does not exist, or is one of the consumer protocol (ConsumerGroupDescribe describes those), has
state ``Dead``; from version 6 also GROUP_ID_NOT_FOUND (KIP-1043).
Other errors: COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m15_describe_groups import (
    DescribedGroup,
    DescribedGroupMember,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)

KEY = 15
MIN = 0
MAX = 6

_NOT_FOUND = 6


async def handle(context: Context, request: DescribeGroupsRequest) -> DescribeGroupsResponse:
    response = DescribeGroupsResponse()
    once = list(dict.fromkeys(request.groups))  # each may have many members (I10)
    for found in await context.groups.describe(once):
        group = DescribedGroup(
            error_code=found.error,
            group_id=found.group_id,
            group_state=found.state,
            protocol_type=found.protocol_type,
            protocol_data=found.protocol,
            members=[
                DescribedGroupMember(
                    member_id=one.member_id,
                    group_instance_id=one.group_instance_id,
                    client_id=one.client_id,
                    client_host=f"/{one.client_host}",  # as Java prints an address
                    member_metadata=one.metadata,
                    member_assignment=one.assignment,
                )
                for one in found.members
            ],
        )
        if found.error is ErrorCode.GROUP_ID_NOT_FOUND:
            if context.version >= _NOT_FOUND:
                group.error_message = found.message
            else:
                group.error_code = ErrorCode.NONE
        if request.include_authorized_operations:
            group.authorized_operations = topics.GROUP_OPERATIONS
        response.groups.append(group)
    return response
