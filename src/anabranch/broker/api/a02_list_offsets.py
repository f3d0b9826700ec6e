"""ListOffsets (2), versions 1 to 11: the offset that belongs to a timestamp.

A timestamp names the first record that is not older; -1 the end, -2 the start, -3 the record with the
largest timestamp (v7, KIP-734), -4 the start of what is local (v8, KIP-405), -5 the end of what is
tiered (v9, KIP-1005), -6 the first offset not yet uploaded (v11, KIP-1023). A sentinel below its
version is UNSUPPORTED_VERSION. No such record is offset -1 without an error.

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH,
UNSUPPORTED_VERSION, INVALID_REQUEST (a partition asked for twice), KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartition,
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsResponse,
    ListOffsetsTopic,
    ListOffsetsTopicResponse,
)

KEY = 2
MIN = 1
MAX = 11

_SENTINEL_SINCE = {-1: 1, -2: 1, -3: 7, -4: 8, -5: 9, -6: 11}
_READ_COMMITTED = 1


async def handle(context: Context, request: ListOffsetsRequest) -> ListOffsetsResponse:
    committed = request.isolation_level == _READ_COMMITTED
    response = ListOffsetsResponse()
    seen: set[tuple[str, int]] = set()
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = ListOffsetsTopicResponse(name=wanted.name)
        response.topics.append(answered)
        fault = await _refresh(context, wanted)
        for one in wanted.partitions:
            try:
                if fault is not None:
                    raise fault
                if (wanted.name, one.partition_index) in seen:
                    raise ClientFault(ErrorCode.INVALID_REQUEST)
                seen.add((wanted.name, one.partition_index))
                answer = await _look_up(context, wanted.name, one, committed)
            except ClientFault as fault:
                answer = ListOffsetsPartitionResponse(
                    partition_index=one.partition_index, error_code=fault.code
                )
            except (StoreFault, Corrupt):
                answer = ListOffsetsPartitionResponse(
                    partition_index=one.partition_index, error_code=ErrorCode.KAFKA_STORAGE_ERROR
                )
            answered.partitions.append(answer)
    return response


async def _refresh(context: Context, wanted: ListOffsetsTopic) -> StoreFault | None:
    """Learn where the partitions end, which another broker's appends may have moved."""
    topic = context.log.catalogue.topic(wanted.name)
    if topic is not None:
        try:
            await context.log.refresh(topic, [one.partition_index for one in wanted.partitions])
        except StoreFault as fault:
            return fault
    return None


async def _look_up(
    context: Context, name: str, wanted: ListOffsetsPartition, committed: bool
) -> ListOffsetsPartitionResponse:
    log = context.log
    topic = topics.by_name(log, name)
    topics.check_leader_epoch(
        log.partition(topic, wanted.partition_index), wanted.current_leader_epoch
    )
    if wanted.timestamp < 0 and context.version < _SENTINEL_SINCE.get(wanted.timestamp, 1 << 15):
        raise ClientFault(ErrorCode.UNSUPPORTED_VERSION)
    found = await log.list_offset(
        topic, wanted.partition_index, wanted.timestamp, read_committed=committed
    )
    return ListOffsetsPartitionResponse(
        partition_index=wanted.partition_index,
        timestamp=found.timestamp,
        offset=found.offset,
        leader_epoch=found.leader_epoch,
    )
