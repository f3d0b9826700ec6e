"""Produce (0), versions 3 to 13: append record batches.

Every ``acks`` is answered after the batch is durable and committed (I1); ``acks=0`` gets no answer,
and any error of it closes the connection, which is all the client can notice. Produces of one
connection are pipelined. Where an answer is wanted and the client leaves before it, what still waits for its
flush is not appended. From version 13 topics are named by id (KIP-516). ``timeout_ms`` bounds the
wait for replicas in Kafka; there are none. Transactional batches are judged in the SQL transaction that
commits them; from version 12 on writing to a partition adds it to the transaction (KIP-890). Any broker
appends to any partition, whoever leads it: stale routing is no
error. Only a broker that is about to stop answers NOT_LEADER_OR_FOLLOWER, with the new leader (KIP-951).

Partition errors: TOPIC_AUTHORIZATION_FAILED (a live topic, from another lane), UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUIRED_ACKS, CORRUPT_MESSAGE,
MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT,
UNSUPPORTED_COMPRESSION_TYPE, OUT_OF_ORDER_SEQUENCE_NUMBER, INVALID_PRODUCER_EPOCH, INVALID_PRODUCER_ID_MAPPING,
INVALID_TXN_STATE (TRANSACTION_ABORTABLE from v11 on), TRANSACTIONAL_ID_AUTHORIZATION_FAILED, KAFKA_STORAGE_ERROR.
KIP-98, KIP-467 (error messages), KIP-516.
"""

from __future__ import annotations

import asyncio
import logging

from anabranch.broker import lanes, topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import Closing, Deferred, Reply, Started
from anabranch.broker.routing import zone_of
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.planning import Appended
from anabranch.metastore.api import Topic, Transactional
from anabranch.wire.messages.m00_produce import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionProduceData,
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)

logger = logging.getLogger(__name__)

KEY = 0
MIN = 3
MAX = 13

_TOPIC_IDS = 13
_IMPLICIT_SINCE = 12
_ABORTABLE_SINCE = 11
ENTRIES_PER_TURN = 256  # topics and partitions, some 3 ms of work; then the loop serves others


def handle(context: Context, request: ProduceRequest) -> Started:
    appends = _Appends(context, request)
    entries = sum(1 + len(wanted.partition_data) for wanted in request.topic_data)
    if entries > ENTRIES_PER_TURN:
        return _in_turns(appends, request)
    for wanted in request.topic_data:
        appends.topic(wanted)
        for part in wanted.partition_data:
            appends.append(wanted, part)
    return Deferred(appends.futures, appends.finish, wanted=request.acks != 0)


async def _in_turns(appends: _Appends, request: ProduceRequest) -> Reply:
    """A request of very many partitions: between its appends the loop serves others (I10).

    Nothing behind it on its connection starts before it is answered, so order is kept.
    """
    entries = 0
    for wanted in request.topic_data:
        appends.topic(wanted)
        for part in (None, *wanted.partition_data):
            if part is not None:
                appends.append(wanted, part)
            entries += 1
            if entries % ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
    if appends.futures:
        await asyncio.wait(appends.futures)
    return appends.finish()


class _Appends:
    """One request's appends, and the answer that they fill in."""

    def __init__(self, context: Context, request: ProduceRequest) -> None:
        self._context = context
        self._log = context.log
        self._by_id = context.version >= _TOPIC_IDS
        self._acks = request.acks
        self._refusal = _refusal(request)
        self._transaction: Transactional | None = None
        if request.transactional_id is not None:
            implicit = context.version >= _IMPLICIT_SINCE
            self._transaction = Transactional(request.transactional_id, implicit)
        self._response = ProduceResponse()
        self._waiting: list[tuple[PartitionProduceResponse, asyncio.Future[Appended]]] = []
        self.futures: list[asyncio.Future[Appended]] = []

    def topic(self, wanted: TopicProduceData) -> None:
        self._response.responses.append(
            TopicProduceResponse(name=wanted.name, topic_id=wanted.topic_id)
        )

    def append(self, wanted: TopicProduceData, part: PartitionProduceData) -> None:
        """Queue a partition's batches, or answer at once what is wrong with them."""
        answer = PartitionProduceResponse(index=part.index)
        self._response.responses[-1].partition_responses.append(answer)
        try:
            if self._refusal is not None:
                raise self._refusal
            if self._by_id:
                topic = topics.by_id(self._log, wanted.topic_id)
            else:
                topic = topics.by_name(self._log, wanted.name)
            lanes.check_write(self._context.lane, topic)
            if self._context.broker.handing_over:
                answer.current_leader = _hand_over(self._context, self._response, topic, part.index)
                raise ClientFault(ErrorCode.NOT_LEADER_OR_FOLLOWER, "this broker is stopping")
            if not part.records:
                raise ClientFault(ErrorCode.INVALID_RECORD, "a partition without records")
            assert isinstance(part.records, memoryview)
            future = self._log.append(topic, part.index, part.records, self._transaction)
        except ClientFault as fault:
            _refuse(answer, fault)
            if isinstance(part.records, memoryview):
                name = "" if self._by_id else wanted.name
                self._log.refused(name, wanted.topic_id, part.index, part.records)
        else:
            self.futures.append(future)
            self._waiting.append((answer, future))

    def finish(self) -> Reply:
        """The answer, once every future is done. Raises Closing where none is wanted but one is due."""
        for answer, future in self._waiting:
            error = future.exception()
            if error is None:
                appended = future.result()
                answer.base_offset = appended.base_offset
                answer.log_append_time_ms = appended.append_time_ms
                answer.log_start_offset = appended.log_start
            elif isinstance(error, ClientFault):
                if (
                    error.code is ErrorCode.TRANSACTION_ABORTABLE
                    and self._context.version < _ABORTABLE_SINCE
                ):
                    error = ClientFault(ErrorCode.INVALID_TXN_STATE, error.message)
                _refuse(answer, error)
            else:
                logger.error("an append broke", exc_info=error)
                _refuse(answer, ClientFault(ErrorCode.UNKNOWN_SERVER_ERROR))
        if self._acks != 0:
            return self._response
        for answered in self._response.responses:
            for answer in answered.partition_responses:
                if answer.error_code:
                    raise Closing(
                        f"a Produce with acks=0 failed for {answered.name or answered.topic_id.hex()}"
                        f"/{answer.index}: {answer.error_message}"
                    )
        return None


def _refusal(request: ProduceRequest) -> ClientFault | None:
    """What is wrong with the request as a whole."""
    if request.acks not in (-1, 0, 1):
        return ClientFault(ErrorCode.INVALID_REQUIRED_ACKS, f"acks={request.acks}")
    return None


def _hand_over(
    context: Context, response: ProduceResponse, topic: Topic, partition: int
) -> LeaderIdAndEpoch:
    """Whom to send the partition's records to, instead of us (KIP-951)."""
    epoch = context.log.partition(topic, partition).leader_epoch
    leader = context.routes.leader(topic.id, partition, zone_of(context.client_id))
    if all(one.node_id != leader.broker_id for one in response.node_endpoints):
        response.node_endpoints.append(
            NodeEndpoint(
                node_id=leader.broker_id, host=leader.host, port=leader.port, rack=leader.rack
            )
        )
    return LeaderIdAndEpoch(leader_id=leader.broker_id, leader_epoch=epoch)


def _refuse(answer: PartitionProduceResponse, fault: ClientFault) -> None:
    answer.error_code = int(fault.code)
    answer.error_message = fault.message
    answer.base_offset = -1
