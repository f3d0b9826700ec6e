"""OffsetDelete (47), version 0: forget committed offsets of topics nobody subscribes to (KIP-496).

Errors of the group: GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE. Per partition:
UNKNOWN_TOPIC_OR_PARTITION, GROUP_SUBSCRIBED_TO_TOPIC.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.groups.values import OffsetToDelete
from anabranch.wire.messages.m47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

KEY = 47
MIN = 0
MAX = 0


async def handle(context: Context, request: OffsetDeleteRequest) -> OffsetDeleteResponse:
    response = OffsetDeleteResponse()
    offsets: list[OffsetToDelete] = []
    answers: list[OffsetDeleteResponsePartition] = []
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = OffsetDeleteResponseTopic(name=wanted.name)
        response.topics.append(answered)
        for one in wanted.partitions:
            answer = OffsetDeleteResponsePartition(partition_index=one.partition_index)
            answered.partitions.append(answer)
            try:
                topic = topics.by_name(context.log, wanted.name)
                context.log.partition(topic, one.partition_index)
            except ClientFault as fault:
                answer.error_code = fault.code
                continue
            offsets.append(OffsetToDelete(topic.no, topic.name, one.partition_index))
            answers.append(answer)
    try:
        result = await context.groups.delete_offsets(
            request.group_id, offsets, context.actor("OffsetDelete")
        )
    except ClientFault as fault:  # another broker's group, or none of this lane's
        return OffsetDeleteResponse(error_code=fault.code)
    except StoreFault:
        return OffsetDeleteResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
    if result.error is not ErrorCode.NONE:
        return OffsetDeleteResponse(error_code=result.error)
    for answer, error in zip(answers, result.partitions, strict=True):
        answer.error_code = error
    return response
