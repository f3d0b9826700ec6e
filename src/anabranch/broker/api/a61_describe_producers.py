"""DescribeProducers (61), version 0: the producers that a partition remembers (KIP-664),
and where the transactions that are open there begin.

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST (asked for twice), KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.wire.messages.m61_describe_producers import (
    DescribeProducersRequest,
    DescribeProducersResponse,
    PartitionResponse,
    ProducerState,
    TopicResponse,
)

KEY = 61
MIN = 0
MAX = 0


async def handle(context: Context, request: DescribeProducersRequest) -> DescribeProducersResponse:
    response = DescribeProducersResponse()
    seen: set[tuple[str, int]] = set()
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = TopicResponse(name=wanted.name)
        response.topics.append(answered)
        for index in wanted.partition_indexes:
            answer = PartitionResponse(partition_index=index)
            answered.partitions.append(answer)
            try:
                if (wanted.name, index) in seen:  # each may have very many producers (I10)
                    raise ClientFault(ErrorCode.INVALID_REQUEST, "asked for twice")
                seen.add((wanted.name, index))
                topic = topics.by_name(context.log, wanted.name)
                context.log.partition(topic, index)
                open_since = {
                    one.producer_id: one.first_offset
                    for one in await context.log.metastore.open_transactions(topic.no, index)
                    if one.first_offset is not None
                }
                answer.active_producers = [
                    ProducerState(
                        producer_id=state.producer_id,
                        producer_epoch=state.epoch,
                        last_sequence=state.batches[-1].last_sequence if state.batches else -1,
                        last_timestamp=state.batches[-1].timestamp if state.batches else -1,
                        coordinator_epoch=0 if state.producer_id in open_since else -1,
                        current_txn_start_offset=open_since.get(state.producer_id, -1),
                    )
                    for state in await context.log.metastore.producer_states(topic.no, index)
                ]
            except (ClientFault, StoreFault, Corrupt) as error:
                fault = to_client_fault(error)
                answer.error_code, answer.error_message = fault.code, fault.message
    return response
