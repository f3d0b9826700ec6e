"""WriteTxnMarkers (27), versions 1 to 2: what an administrator ends a hanging transaction with (KIP-664).

In Kafka the coordinator sends it to partition leaders, and ``kafka-transactions.sh abort`` where it forgot to. Here
a transaction ends in all of its partitions at once, so an abort ends the whole transaction that is open in
the partition, and fences its producer; where none is open there is nothing to do. A commit is refused
with INVALID_REQUEST: only its producer knows whether all was written.

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PRODUCER_EPOCH (an older epoch than the open
transaction's), INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.transactional import code_of
from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.wire.messages.m27_write_txn_markers import (
    WritableTxnMarker,
    WritableTxnMarkerPartitionResult,
    WritableTxnMarkerResult,
    WritableTxnMarkerTopicResult,
    WriteTxnMarkersRequest,
    WriteTxnMarkersResponse,
)

KEY = 27
MIN = 1
MAX = 2


async def handle(context: Context, request: WriteTxnMarkersRequest) -> WriteTxnMarkersResponse:
    response = WriteTxnMarkersResponse()
    for marker in request.markers:
        result = WritableTxnMarkerResult(producer_id=marker.producer_id)
        response.markers.append(result)
        for wanted in marker.topics:
            answered = WritableTxnMarkerTopicResult(name=wanted.name)
            result.topics.append(answered)
            for partition in wanted.partition_indexes:
                code = await _end(context, marker, wanted.name, partition)
                answered.partitions.append(
                    WritableTxnMarkerPartitionResult(partition_index=partition, error_code=code)
                )
    return response


async def _end(context: Context, marker: WritableTxnMarker, name: str, partition: int) -> ErrorCode:
    try:
        topic = topics.by_name(context.log, name)
        context.log.partition(topic, partition)
        if marker.transaction_result:
            raise ClientFault(ErrorCode.INVALID_REQUEST)
        for one in await context.log.metastore.open_transactions(topic.no, partition):
            if one.producer_id != marker.producer_id:
                continue
            if marker.producer_epoch < one.epoch:
                raise ClientFault(ErrorCode.INVALID_PRODUCER_EPOCH)
            await context.transactions.abort(one.transactional_id)
    except AnabranchError as error:
        return code_of(error)
    return ErrorCode.NONE
