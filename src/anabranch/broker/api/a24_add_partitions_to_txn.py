"""AddPartitionsToTxn (24), versions 0 to 5: partitions that a transaction is about to write to.

From version 4 on the request is between Kafka's brokers, for several transactions, and may only verify
that partitions are part of one (KIP-890); answered all the same. Of a list with partitions that do not
exist none is added: those are UNKNOWN_TOPIC_OR_PARTITION, the others OPERATION_NOT_ATTEMPTED.

Partition errors, of all partitions alike: INVALID_REQUEST, INVALID_PRODUCER_ID_MAPPING, PRODUCER_FENCED
(INVALID_PRODUCER_EPOCH before v2), COORDINATOR_NOT_AVAILABLE; where it only verifies,
TRANSACTION_ABORTABLE (v5) or INVALID_TXN_STATE (v4) of those that are not part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of, partition_numbers
from anabranch.errors import AnabranchError, ErrorCode
from anabranch.metastore.api import Identity, TransactionState
from anabranch.metastore.transaction_rules import check_identity
from anabranch.wire.messages.m24_add_partitions_to_txn import (
    AddPartitionsToTxnPartitionResult,
    AddPartitionsToTxnRequest,
    AddPartitionsToTxnResponse,
    AddPartitionsToTxnResult,
    AddPartitionsToTxnTopic,
    AddPartitionsToTxnTopicResult,
    AddPartitionsToTxnTransaction,
)

KEY = 24
MIN = 0
MAX = 5

_FENCED_SINCE = 2
_BATCHED = 4
_ABORTABLE_SINCE = 5

Codes = Callable[[str, int], ErrorCode]


async def handle(
    context: Context, request: AddPartitionsToTxnRequest
) -> AddPartitionsToTxnResponse:
    if context.version >= _BATCHED:
        return AddPartitionsToTxnResponse(
            results_by_transaction=[
                AddPartitionsToTxnResult(
                    transactional_id=one.transactional_id,
                    topic_results=await _one(context, one),
                )
                for one in request.transactions
            ]
        )
    one = AddPartitionsToTxnTransaction(
        transactional_id=request.v3_and_below_transactional_id,
        producer_id=request.v3_and_below_producer_id,
        producer_epoch=request.v3_and_below_producer_epoch,
        topics=request.v3_and_below_topics,
    )
    return AddPartitionsToTxnResponse(results_by_topic_v3_and_below=await _one(context, one))


async def _one(
    context: Context, wanted: AddPartitionsToTxnTransaction
) -> list[AddPartitionsToTxnTopicResult]:
    await context.log.catalogue.look_for(one.name for one in wanted.topics)
    keys, missing = partition_numbers(
        context, [(one.name, one.partitions) for one in wanted.topics]
    )
    if missing:

        def which(name: str, partition: int) -> ErrorCode:
            if (name, partition) in missing:
                return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
            return ErrorCode.OPERATION_NOT_ATTEMPTED

        return _results(wanted.topics, which)
    producer = Identity(wanted.producer_id, wanted.producer_epoch)
    try:
        name = check_id(wanted.transactional_id)
        if wanted.verify_only:
            return _results(wanted.topics, await _verified(context, name, producer))
        await context.transactions.add_partitions(name, producer, keys)
    except AnabranchError as error:
        code = code_of(error, fenced=context.version >= _FENCED_SINCE)
        return _results(wanted.topics, lambda name, partition: code)
    return _results(wanted.topics, lambda name, partition: ErrorCode.NONE)


async def _verified(context: Context, name: str, producer: Identity) -> Codes:
    found = await context.log.metastore.transaction(name)
    row = check_identity(None if found is None else found.id, producer)
    assert found is not None
    ongoing = row.state is TransactionState.ONGOING
    there = {(one.topic_no, one.partition) for one in found.partitions} if ongoing else set()
    absent = ErrorCode.TRANSACTION_ABORTABLE
    if context.version < _ABORTABLE_SINCE:
        absent = ErrorCode.INVALID_TXN_STATE

    def which(topic: str, partition: int) -> ErrorCode:
        known = context.log.catalogue.topic(topic)
        return ErrorCode.NONE if known and (known.no, partition) in there else absent

    return which


def _results(
    topics: Sequence[AddPartitionsToTxnTopic], code: Codes
) -> list[AddPartitionsToTxnTopicResult]:
    return [
        AddPartitionsToTxnTopicResult(
            name=topic.name,
            results_by_partition=[
                AddPartitionsToTxnPartitionResult(
                    partition_index=partition, partition_error_code=code(topic.name, partition)
                )
                for partition in topic.partitions
            ],
        )
        for topic in topics
    ]
