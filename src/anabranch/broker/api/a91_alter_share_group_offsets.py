"""AlterShareGroupOffsets (91), version 0: send a share group that nobody is in to other offsets (KIP-932).

Nothing is clamped: an offset outside the log is OFFSET_OUT_OF_RANGE. Errors of the group: INVALID_GROUP_ID,
GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR; per partition UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.partition import SharePartition
from anabranch.metastore.api import ShareKey
from anabranch.wire.messages.m91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsRequestPartition,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)

KEY = 91
MIN = 0
MAX = 0


async def handle(
    context: Context, request: AlterShareGroupOffsetsRequest
) -> AlterShareGroupOffsetsResponse:
    error = await context.groups.check_share(request.group_id, empty=True)
    if error is not ErrorCode.NONE:
        return AlterShareGroupOffsetsResponse(error_code=error)
    response = AlterShareGroupOffsetsResponse()
    await context.log.catalogue.look_for(wanted.topic_name for wanted in request.topics)
    for wanted in request.topics:
        topic = context.log.catalogue.topic(wanted.topic_name)
        answered = AlterShareGroupOffsetsResponseTopic(topic_name=wanted.topic_name)
        if topic is not None:
            answered.topic_id = topic.id
        for one in wanted.partitions:
            answer = AlterShareGroupOffsetsResponsePartition(partition_index=one.partition_index)
            try:
                await _alter(context, request.group_id, wanted.topic_name, one)
            except ClientFault as fault:
                answer.error_code, answer.error_message = fault.code, fault.message
            answered.partitions.append(answer)
        response.responses.append(answered)
    return response


async def _alter(
    context: Context, group_id: str, name: str, wanted: AlterShareGroupOffsetsRequestPartition
) -> None:
    topic = topics.by_name(context.log, name)
    log = context.log.partition(topic, wanted.partition_index)
    await context.log.catalogue.refresh(log)
    if not log.log_start <= wanted.start_offset <= log.high_watermark:
        raise ClientFault(
            ErrorCode.OFFSET_OUT_OF_RANGE,
            f"{name}-{log.partition} holds offsets {log.log_start} to {log.high_watermark}",
        )
    await context.log.metastore.set_share(
        ShareKey(group_id, topic.no, log.partition),
        wanted.start_offset,
        SharePartition(wanted.start_offset).encode(),
    )
