"""DescribeTopicPartitions (75), version 0: topics in pages (KIP-966).

Topics come in the order of their names. An answer holds at most ``response_partition_limit``
partitions (and never more than 2000); ``next_cursor`` says where the next request goes on. No topics
means all of them. Topic errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.routing import zone_of
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import validate_topic_name
from anabranch.wire.messages.m75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseCursor,
    DescribeTopicPartitionsResponsePartition,
    DescribeTopicPartitionsResponseTopic,
)

KEY = 75
MIN = 0
MAX = 0

PARTITIONS_MAX = 2000  # Kafka's max.request.partition.size.limit


async def handle(
    context: Context, request: DescribeTopicPartitionsRequest
) -> DescribeTopicPartitionsResponse:
    catalogue = context.log.catalogue
    if request.topics:
        names = sorted({one.name for one in request.topics})
        await catalogue.look_for(names)
    else:
        names = sorted(topic.name for topic in catalogue.topics())
    first_name, first_partition = "", 0
    if request.cursor is not None:
        first_name, first_partition = request.cursor.topic_name, request.cursor.partition_index
        if first_partition < 0:
            raise ClientFault(ErrorCode.INVALID_REQUEST, "the cursor's partition is negative")
    room = max(1, min(request.response_partition_limit, PARTITIONS_MAX))
    response = DescribeTopicPartitionsResponse()
    for name in names:
        if name < first_name:
            continue
        if room <= 0:
            response.next_cursor = DescribeTopicPartitionsResponseCursor(
                topic_name=name, partition_index=0
            )
            break
        start = first_partition if name == first_name else 0
        answered, end = _describe(context, name, start, room)
        response.topics.append(answered)
        room -= len(answered.partitions)
        if end is not None:
            response.next_cursor = DescribeTopicPartitionsResponseCursor(
                topic_name=name, partition_index=end
            )
            break
    return response


def _describe(
    context: Context, name: str, start: int, room: int
) -> tuple[DescribeTopicPartitionsResponseTopic, int | None]:
    """One topic's partitions from ``start``, at most ``room``; and where to go on, if anywhere."""
    answered = DescribeTopicPartitionsResponseTopic(
        name=name, topic_authorized_operations=topics.TOPIC_OPERATIONS
    )
    topic = context.log.catalogue.topic(name)
    if topic is None:
        try:
            validate_topic_name(name)
            answered.error_code = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        except ClientFault as fault:
            answered.error_code = fault.code
        return answered, None
    answered.topic_id = topic.id
    end = min(topic.partitions, start + room)
    zone = zone_of(context.client_id)
    for index in range(start, end):
        replicas = context.routes.replicas(topic.id, index, zone)
        answered.partitions.append(
            DescribeTopicPartitionsResponsePartition(
                partition_index=index,
                leader_id=replicas[0],
                leader_epoch=context.log.partition(topic, index).leader_epoch,
                replica_nodes=replicas,
                isr_nodes=replicas,
                eligible_leader_replicas=[],
                last_known_elr=[],
            )
        )
    return answered, end if end < topic.partitions else None
