"""CreatePartitions (37), versions 0 to 3: give a topic more partitions (KIP-195).

``count`` is the new total. Assignments are accepted if there is one for each new partition.
Topic errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS, INVALID_REPLICA_ASSIGNMENT,
INVALID_REQUEST (a topic twice).
"""

from __future__ import annotations

from anabranch.broker import lanes, topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)

KEY = 37
MIN = 0
MAX = 3


async def handle(context: Context, request: CreatePartitionsRequest) -> CreatePartitionsResponse:
    twice = topics.duplicates([one.name for one in request.topics])
    results: dict[str, CreatePartitionsTopicResult] = {}
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        result = results[wanted.name] = CreatePartitionsTopicResult(name=wanted.name)
        try:
            if wanted.name in twice:
                raise ClientFault(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            await _grow(context, wanted, request.validate_only)
        except (ClientFault, StoreFault, Corrupt) as error:
            fault = to_client_fault(error)
            result.error_code, result.error_message = fault.code, fault.message
    return CreatePartitionsResponse(results=list(results.values()))


async def _grow(context: Context, wanted: CreatePartitionsTopic, validate_only: bool) -> None:
    topic = topics.by_name(context.log, wanted.name)
    lanes.check_write(context.lane, topic)
    if wanted.count == topic.partitions:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS, f"Topic already has {topic.partitions} partition(s)."
        )
    if wanted.count < topic.partitions:
        raise ClientFault(
            ErrorCode.INVALID_PARTITIONS,
            f"The topic {topic.name} currently has {topic.partitions} partition(s); "
            f"{wanted.count} would not be an increase.",
        )
    topics.partition_count(context, wanted.count)
    added = wanted.count - topic.partitions
    if wanted.assignments is not None and len(wanted.assignments) != added:
        raise ClientFault(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            f"Attempted to add {added} additional partition(s), but only "
            f"{len(wanted.assignments)} assignment(s) were specified.",
        )
    if not validate_only:
        await context.log.create_partitions(topic, wanted.count)
