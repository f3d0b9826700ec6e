"""Produce (0), versions 3 to 13: append record batches.

Every ``acks`` is answered after the batch is durable and committed (I1); ``acks=0`` gets no answer,
and any error of it closes the connection, which is all the client can notice. Produces of one
connection are pipelined. From version 13 topics are named by id (KIP-516). ``timeout_ms`` bounds the
wait for replicas in Kafka; there are none. A transactional id is refused with INVALID_TXN_STATE:
transactions are not served.

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUIRED_ACKS, CORRUPT_MESSAGE,
MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT,
UNSUPPORTED_COMPRESSION_TYPE, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR.
KIP-98, KIP-467 (error messages), KIP-516.
"""

from __future__ import annotations

import asyncio
import logging

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import Closing, Deferred, Reply, Started
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.planning import Appended
from anabranch.wire.messages.m00_produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceResponse,
)

logger = logging.getLogger(__name__)

KEY = 0
MIN = 3
MAX = 13

_TOPIC_IDS = 13
_ZSTD = 7


def handle(context: Context, request: ProduceRequest) -> Started:
    response = ProduceResponse()
    futures: list[asyncio.Future[Appended]] = []
    waiting: list[tuple[PartitionProduceResponse, asyncio.Future[Appended]]] = []
    refusal = _refusal(request)
    log = context.log
    for wanted in request.topic_data:
        answered = TopicProduceResponse(name=wanted.name, topic_id=wanted.topic_id)
        response.responses.append(answered)
        for part in wanted.partition_data:
            answer = PartitionProduceResponse(index=part.index)
            answered.partition_responses.append(answer)
            try:
                if refusal is not None:
                    raise refusal
                if context.version >= _TOPIC_IDS:
                    topic = topics.by_id(log, wanted.topic_id)
                else:
                    topic = topics.by_name(log, wanted.name)
                if not part.records:
                    raise ClientFault(ErrorCode.INVALID_RECORD, "a partition without records")
                assert isinstance(part.records, memoryview)
                future = log.append(topic, part.index, part.records)
            except ClientFault as fault:
                _refuse(answer, fault)
            else:
                futures.append(future)
                waiting.append((answer, future))
    acks = request.acks

    def finish() -> Reply:
        for answer, future in waiting:
            error = future.exception()
            if error is None:
                appended = future.result()
                answer.base_offset = appended.base_offset
                answer.log_append_time_ms = appended.append_time_ms
                answer.log_start_offset = appended.log_start
            elif isinstance(error, ClientFault):
                _refuse(answer, error)
            else:
                logger.error("an append broke", exc_info=error)
                _refuse(answer, ClientFault(ErrorCode.UNKNOWN_SERVER_ERROR))
        if acks != 0:
            return response
        for answered in response.responses:
            for answer in answered.partition_responses:
                if answer.error_code:
                    raise Closing(
                        f"a Produce with acks=0 failed for {answered.name or answered.topic_id.hex()}"
                        f"/{answer.index}: {answer.error_message}"
                    )
        return None

    return Deferred(futures, finish)


def _refusal(request: ProduceRequest) -> ClientFault | None:
    """What is wrong with the request as a whole."""
    if request.acks not in (-1, 0, 1):
        return ClientFault(ErrorCode.INVALID_REQUIRED_ACKS, f"acks={request.acks}")
    if request.transactional_id is not None:
        return ClientFault(ErrorCode.INVALID_TXN_STATE, "transactions are not served")
    return None


def _refuse(answer: PartitionProduceResponse, fault: ClientFault) -> None:
    answer.error_code = int(fault.code)
    answer.error_message = fault.message
    answer.base_offset = -1
