"""ConsumerGroupDescribe (69), versions 0 to 1: epochs, members and assignments of consumer groups (KIP-848).

From version 1 it says by which protocol each member takes part. Errors per group: INVALID_GROUP_ID,
GROUP_ID_NOT_FOUND (also of a classic group: DescribeGroups describes those), NOT_COORDINATOR,
COORDINATOR_NOT_AVAILABLE, GROUP_AUTHORIZATION_FAILED (the lane).
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.groups import assignors
from anabranch.wire.messages.m69_consumer_group_describe import (
    Assignment,
    ConsumerGroupDescribeRequest,
    ConsumerGroupDescribeResponse,
    DescribedGroup,
    Member,
    TopicPartitions,
)

KEY = 69
MIN = 0
MAX = 1

_CLASSIC, _CONSUMER = 0, 1  # member types


async def handle(
    context: Context, request: ConsumerGroupDescribeRequest
) -> ConsumerGroupDescribeResponse:
    response = ConsumerGroupDescribeResponse()
    once = list(dict.fromkeys(request.group_ids))  # each may have many members (I10)
    for found in await context.groups.describe_consumer_groups(once):
        group = DescribedGroup(
            error_code=found.error,
            error_message=found.message,
            group_id=found.group_id,
            group_state=found.state,
            group_epoch=found.group_epoch,
            assignment_epoch=found.assignment_epoch,
            assignor_name=found.assignor,
            members=[
                Member(
                    member_id=one.member_id,
                    instance_id=one.group_instance_id,
                    rack_id=one.rack_id,
                    member_epoch=one.member_epoch,
                    client_id=one.client_id,
                    client_host=f"/{one.client_host}",  # as Java prints an address
                    subscribed_topic_names=list(one.topic_names),
                    subscribed_topic_regex=one.topic_regex,
                    assignment=_assignment(context, one.assignment),
                    target_assignment=_assignment(context, one.target),
                    member_type=_CLASSIC if one.is_classic else _CONSUMER,
                )
                for one in found.members
            ],
        )
        if request.include_authorized_operations and found.error is ErrorCode.NONE:
            group.authorized_operations = topics.GROUP_OPERATIONS
        response.groups.append(group)
    return response


def _assignment(context: Context, assignment: assignors.Assignment) -> Assignment:
    found = []
    for topic_id, partitions in assignment.items():
        topic = context.log.catalogue.topic_by_id(topic_id)
        if topic is not None:  # deleted topics are left out
            found.append(
                TopicPartitions(
                    topic_id=topic_id, topic_name=topic.name, partitions=sorted(partitions)
                )
            )
    return Assignment(topic_partitions=sorted(found, key=lambda one: one.topic_name))
