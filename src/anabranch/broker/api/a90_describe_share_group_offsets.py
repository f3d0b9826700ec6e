"""DescribeShareGroupOffsets (90), versions 0 to 1: where share groups stand (KIP-932), and how far behind (KIP-1226).

Without topics all that the group has read. A partition that it has not is answered with offset -1. Errors per group:
INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NOT_COORDINATOR; per partition UNKNOWN_TOPIC_OR_PARTITION.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.groups.share.partition import SharePartition
from anabranch.metastore.api import ShareState
from anabranch.wire.messages.m90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)

KEY = 90
MIN = 0
MAX = 1


async def handle(
    context: Context, request: DescribeShareGroupOffsetsRequest
) -> DescribeShareGroupOffsetsResponse:
    return DescribeShareGroupOffsetsResponse(
        groups=[await _group(context, wanted) for wanted in request.groups]
    )


async def _group(
    context: Context, wanted: DescribeShareGroupOffsetsRequestGroup
) -> DescribeShareGroupOffsetsResponseGroup:
    answer = DescribeShareGroupOffsetsResponseGroup(group_id=wanted.group_id)
    error = await context.groups.check_share(wanted.group_id)
    if error is not ErrorCode.NONE:
        answer.error_code = error
        answer.error_message = f"Group {wanted.group_id} not found."
        return answer
    log = context.log
    states = {
        (state.key.topic_no, state.key.partition): state
        for state in await log.metastore.shares(wanted.group_id)
    }
    places: dict[str, list[int]] = {}
    if wanted.topics is None:
        for topic_no, index in states:
            known = log.catalogue.find(topic_no, index)
            if known is not None:
                places.setdefault(known.topic.name, []).append(index)
    else:
        places = {topic.topic_name: topic.partitions for topic in wanted.topics}
    for name, partitions in places.items():
        topic = log.catalogue.topic(name)
        answered = DescribeShareGroupOffsetsResponseTopic(topic_name=name)
        if topic is not None:
            answered.topic_id = topic.id
        for index in partitions:
            state = None if topic is None else states.get((topic.no, index))
            if topic is None or not 0 <= index < topic.partitions:
                answered.partitions.append(_unknown(index))
            else:
                answered.partitions.append(_partition(context, topic.no, index, state))
        answer.topics.append(answered)
    return answer


def _partition(
    context: Context, topic_no: int, index: int, state: ShareState | None
) -> DescribeShareGroupOffsetsResponsePartition:
    answer = DescribeShareGroupOffsetsResponsePartition(partition_index=index, start_offset=-1)
    log = context.log.catalogue.find(topic_no, index)
    if state is None or log is None:
        return answer
    partition = SharePartition.decode(state.state)
    partition.truncate(log.log_start)
    answer.start_offset = partition.start
    answer.leader_epoch = log.leader_epoch
    answer.lag = max(0, log.high_watermark - partition.end) + partition.in_flight
    return answer


def _unknown(index: int) -> DescribeShareGroupOffsetsResponsePartition:
    return DescribeShareGroupOffsetsResponsePartition(
        partition_index=index,
        start_offset=-1,
        error_code=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        error_message="This server does not host this topic-partition.",
    )
