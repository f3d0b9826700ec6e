"""DeleteShareGroupOffsets (92), version 0: forget what a share group that nobody is in has read of topics (KIP-932).

Errors of the group: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR; per topic
UNKNOWN_TOPIC_OR_PARTITION.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)

KEY = 92
MIN = 0
MAX = 0


async def handle(
    context: Context, request: DeleteShareGroupOffsetsRequest
) -> DeleteShareGroupOffsetsResponse:
    error = await context.groups.check_share(request.group_id, empty=True)
    if error is not ErrorCode.NONE:
        return DeleteShareGroupOffsetsResponse(error_code=error)
    response = DeleteShareGroupOffsetsResponse()
    await context.log.catalogue.look_for(wanted.topic_name for wanted in request.topics)
    for wanted in request.topics:
        answer = DeleteShareGroupOffsetsResponseTopic(topic_name=wanted.topic_name)
        topic = context.log.catalogue.topic(wanted.topic_name)
        if topic is None:
            answer.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            answer.error_message = "This server does not host this topic-partition."
        else:
            answer.topic_id = topic.id
            await context.log.metastore.delete_shares(request.group_id, topic.no)
        response.responses.append(answer)
    return response
