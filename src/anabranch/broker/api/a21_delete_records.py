"""DeleteRecords (21), versions 0 to 2: move the log start up (KIP-107).

Offset -1 is the high watermark. The answer's low watermark is the new log start, which is what Fetch
and ListOffsets use from then on. The gap that is recorded names the principal, the client id and the host (I2).

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from anabranch.broker import lanes, topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, StoreFault
from anabranch.wire.messages.m21_delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)

KEY = 21
MIN = 0
MAX = 2


async def handle(context: Context, request: DeleteRecordsRequest) -> DeleteRecordsResponse:
    response = DeleteRecordsResponse()
    by = f"{context.principal} ({context.client_id or 'no client id'}, {context.host})"
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = DeleteRecordsTopicResult(name=wanted.name)
        response.topics.append(answered)
        for one in wanted.partitions:
            answer = DeleteRecordsPartitionResult(
                partition_index=one.partition_index, low_watermark=-1
            )
            answered.partitions.append(answer)
            try:
                topic = topics.by_name(context.log, wanted.name)
                lanes.check_write(context.lane, topic)
                answer.low_watermark = await context.log.delete_records(
                    topic, one.partition_index, one.offset, by
                )
            except (ClientFault, StoreFault, Corrupt) as error:
                answer.error_code = to_client_fault(error).code
    return response
