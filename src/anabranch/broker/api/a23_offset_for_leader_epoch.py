"""OffsetForLeaderEpoch (23), versions 2 to 4: where a leader epoch ended (KIP-101, KIP-320).

Consumers call it to find out whether the log was truncated under them. An epoch that is not known is
answered with (-1, -1). Partition errors: UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH,
UNKNOWN_LEADER_EPOCH, KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderEpochResponse,
    OffsetForLeaderTopicResult,
)

KEY = 23
MIN = 2
MAX = 4


async def handle(
    context: Context, request: OffsetForLeaderEpochRequest
) -> OffsetForLeaderEpochResponse:
    log = context.log
    response = OffsetForLeaderEpochResponse()
    await log.catalogue.look_for(wanted.topic for wanted in request.topics)
    for wanted in request.topics:
        answered = OffsetForLeaderTopicResult(topic=wanted.topic)
        response.topics.append(answered)
        for one in wanted.partitions:
            answer = EpochEndOffset(partition=one.partition)
            answered.partitions.append(answer)
            try:
                topic = topics.by_name(log, wanted.topic)
                topics.check_leader_epoch(
                    log.partition(topic, one.partition), one.current_leader_epoch
                )
                answer.leader_epoch, answer.end_offset = await log.end_of_epoch(
                    topic, one.partition, one.leader_epoch
                )
            except ClientFault as fault:
                answer.error_code = fault.code
            except StoreFault:
                answer.error_code = ErrorCode.KAFKA_STORAGE_ERROR
    return response
