"""DescribeTransactions (65), version 0 (KIP-664): state, timeout, producer and partitions of transactions.

Any broker answers for every transactional id. A group whose offsets a transaction carries is no partition
here: committed offsets are rows of the metastore, not records of a topic.

Errors: TRANSACTIONAL_ID_NOT_FOUND, INVALID_REQUEST, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of
from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.wire.messages.m65_describe_transactions import (
    DescribeTransactionsRequest,
    DescribeTransactionsResponse,
    TopicData,
    TransactionState,
)

KEY = 65
MIN = 0
MAX = 0


async def handle(
    context: Context, request: DescribeTransactionsRequest
) -> DescribeTransactionsResponse:
    names = dict.fromkeys(request.transactional_ids)  # each may hold very many partitions (I10)
    return DescribeTransactionsResponse(
        transaction_states=[await _describe(context, name) for name in names]
    )


async def _describe(context: Context, name: str) -> TransactionState:
    try:
        found = await context.log.metastore.transaction(check_id(name))
        if found is None:
            raise ClientFault(ErrorCode.TRANSACTIONAL_ID_NOT_FOUND)
    except AnabranchError as error:
        return TransactionState(transactional_id=name, error_code=code_of(error))
    by_topic: dict[int, list[int]] = {}
    for one in found.partitions:
        by_topic.setdefault(one.topic_no, []).append(one.partition)
    topics = {topic.no: topic.name for topic in context.log.catalogue.topics()}
    row = found.id
    return TransactionState(
        transactional_id=name,
        transaction_state=row.state.title,
        transaction_timeout_ms=row.timeout_ms,
        transaction_start_time_ms=-1 if row.started_ms is None else row.started_ms,
        producer_id=row.producer_id,
        producer_epoch=row.epoch,
        topics=[
            TopicData(topic=topics[no], partitions=partitions)
            for no, partitions in by_topic.items()
            if no in topics  # a deleted topic has no name any more
        ],
    )
