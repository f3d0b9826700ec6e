"""ShareGroupDescribe (77), version 1: members of share groups, and what they read (KIP-932).

Errors per group: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND (also for groups of other kinds), NOT_COORDINATOR,
COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED (the lane).
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.groups.share.members import Assignment as Given
from anabranch.wire.messages.m77_share_group_describe import (
    Assignment,
    DescribedGroup,
    Member,
    ShareGroupDescribeRequest,
    ShareGroupDescribeResponse,
    TopicPartitions,
)

KEY = 77
MIN = 1
MAX = 1

ASSIGNOR = "simple"  # Kafka's only one for share groups


async def handle(
    context: Context, request: ShareGroupDescribeRequest
) -> ShareGroupDescribeResponse:
    response = ShareGroupDescribeResponse()
    once = list(dict.fromkeys(request.group_ids))  # each may have many members (I10)
    for found in await context.groups.describe_share_groups(once):
        group = DescribedGroup(
            error_code=found.error,
            group_id=found.group_id,
            error_message=None,
        )
        response.groups.append(group)
        if found.error is not ErrorCode.NONE:
            group.error_message = f"Group {found.group_id} not found."
            continue
        group.group_state = found.state
        group.group_epoch = group.assignment_epoch = found.epoch
        group.assignor_name = ASSIGNOR
        group.members = [
            Member(
                member_id=one.member_id,
                rack_id=one.rack_id,
                member_epoch=one.epoch,
                client_id=one.client_id,
                client_host=f"/{one.client_host}",  # as Java prints an address
                subscribed_topic_names=list(one.topic_names),
                assignment=_assignment(context, one.assignment),
            )
            for one in found.members
        ]
        if request.include_authorized_operations:
            group.authorized_operations = topics.GROUP_OPERATIONS
    return response


def _assignment(context: Context, given: Given) -> Assignment:
    found = []
    for topic_id, partitions in given.items():
        topic = context.log.catalogue.topic_by_id(topic_id)
        if topic is not None:  # deleted topics are left out
            found.append(
                TopicPartitions(
                    topic_id=topic_id, topic_name=topic.name, partitions=list(partitions)
                )
            )
    return Assignment(topic_partitions=found)
