"""Records: Produce (0), Fetch (1), ListOffsets (2), DeleteRecords (21), OffsetForLeaderEpoch (23),
DescribeProducers (61)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation
from anabranch.broker.guards.parts import (
    CLUSTER,
    TOPIC,
    TRANSACTION,
    Guard,
    Handle,
    audited,
    split,
    then,
)
from anabranch.wire.messages.m00_produce import (
    PartitionProduceResponse,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from anabranch.wire.messages.m01_fetch import FetchRequest, FetchResponse
from anabranch.wire.messages.m02_list_offsets import (
    ListOffsetsPartitionResponse,
    ListOffsetsRequest,
    ListOffsetsTopicResponse,
)
from anabranch.wire.messages.m21_delete_records import (
    DeleteRecordsPartitionResult,
    DeleteRecordsRequest,
    DeleteRecordsResponse,
    DeleteRecordsTopicResult,
)
from anabranch.wire.messages.m23_offset_for_leader_epoch import (
    EpochEndOffset,
    OffsetForLeaderEpochRequest,
    OffsetForLeaderTopicResult,
)
from anabranch.wire.messages.m61_describe_producers import (
    DescribeProducersRequest,
    PartitionResponse,
    TopicResponse,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started
    from anabranch.errors import ErrorCode

_REFUSED, _REFUSED_MESSAGE = REFUSALS[TOPIC]
_PRODUCE_IDS: Final = 13
_WRITE: Final = (
    Operation.WRITE
)  # looked up once: in Python 3.11 a member of an enum costs as much as a check
_FETCH_IDS: Final = 13


def produce(access: Access, request: ProduceRequest, handle: Handle) -> Started:
    """WRITE of each topic, and of the transactional id."""
    rights = access.rights
    if rights.unlimited:
        return handle(access.context, request)
    if request.transactional_id is not None and not access.check(
        Operation.WRITE, TRANSACTION, request.transactional_id
    ):
        code, message = REFUSALS[TRANSACTION]
        answers = [_refuse_produce(one, code, message) for one in request.topic_data]
        return _produced(request, ProduceResponse(responses=answers))
    by_id = access.context.version >= _PRODUCE_IDS
    refused: list[TopicProduceData] = []
    for one in request.topic_data:
        name = access.topic_name(one.topic_id) if by_id else one.name
        if name is not None and not rights.allows(_WRITE, TOPIC, name):
            access.denied(_WRITE, TOPIC, name)
            refused.append(one)
    if not refused:
        return handle(access.context, request)
    out = set(map(id, refused))
    request.topic_data = [one for one in request.topic_data if id(one) not in out]
    answers = [_refuse_produce(one, _REFUSED, _REFUSED_MESSAGE) for one in refused]
    if request.acks == 0:
        # What is allowed is appended; that the rest is not, a closed connection says.
        return _appended_without_answer(
            request, handle(access.context, request), ProduceResponse(responses=answers)
        )

    def look(response: ProduceResponse) -> None:
        response.responses.extend(answers)

    return then(handle(access.context, request), look)


def _refuse_produce(one: TopicProduceData, code: ErrorCode, message: str) -> TopicProduceResponse:
    return TopicProduceResponse(
        name=one.name,
        topic_id=one.topic_id,
        partition_responses=[
            PartitionProduceResponse(
                index=part.index, error_code=code, error_message=message, base_offset=-1
            )
            for part in one.partition_data
        ],
    )


def _produced(request: ProduceRequest, response: ProduceResponse) -> Started:
    if request.acks == 0:
        from anabranch.broker.dispatch import Closing

        raise Closing(f"a Produce with acks=0 failed: {_first_message(response)}")
    return response


def _appended_without_answer(
    request: ProduceRequest, started: Started, refused: ProduceResponse
) -> Started:
    from anabranch.broker.dispatch import Closing, Deferred

    closing = Closing(f"a Produce with acks=0 failed: {_first_message(refused)}")
    if isinstance(started, Deferred):
        finish = started.finish

        def finished() -> None:
            finish()
            raise closing

        return Deferred(started.futures, finished)
    assert request.acks == 0

    async def waited() -> None:
        if started is not None and not isinstance(started, ProduceResponse):
            await started  # type: ignore[misc]  # a coroutine, for Deferred is handled above
        raise closing

    return waited()


def _first_message(response: ProduceResponse) -> str:
    (first, *_) = response.responses
    return first.partition_responses[0].error_message or "" if first.partition_responses else ""


def fetch(access: Access, request: FetchRequest, handle: Handle) -> Started:
    """READ of each topic, and REPLAY of what is old: asked by the handler, because what a fetch session
    stands for is not in the request. Here the ranges that are read of audited topics are noted."""
    started = handle(access.context, request)
    reads = access.gate.reads
    if reads is None:
        return started
    context = access.context
    by_id = context.version >= _FETCH_IDS

    def look(response: FetchResponse) -> None:
        for answered in response.responses:
            topic = (
                context.log.catalogue.topic_by_id(answered.topic_id)
                if by_id
                else context.log.catalogue.topic(answered.topic)
            )
            if topic is None or not reads.is_audited(topic):
                continue
            for part in answered.partitions:
                if part.records:
                    reads.note(context, topic.name, part.partition_index, part.records)

    return then(started, look)


def list_offsets(access: Access, request: ListOffsetsRequest, handle: Handle) -> Started:
    """DESCRIBE of each topic."""
    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: access.check(Operation.DESCRIBE, TOPIC, one.name),
        refuse=lambda one: ListOffsetsTopicResponse(
            name=one.name,
            partitions=[
                ListOffsetsPartitionResponse(
                    partition_index=part.partition_index, error_code=_REFUSED
                )
                for part in one.partitions
            ],
        ),
        answers="topics",
    )


def delete_records(access: Access, request: DeleteRecordsRequest, handle: Handle) -> Started:
    """DELETE of each topic."""

    def look(response: DeleteRecordsResponse) -> None:
        for topic in response.topics:
            for one in topic.partitions:
                audited(
                    access,
                    Kind.ADMIN,
                    code=one.error_code,
                    resource=f"TOPIC:{topic.name}",
                    details={"partition": one.partition_index, "log_start": one.low_watermark},
                )

    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: access.check(Operation.DELETE, TOPIC, one.name),
        refuse=lambda one: DeleteRecordsTopicResult(
            name=one.name,
            partitions=[
                DeleteRecordsPartitionResult(
                    partition_index=part.partition_index, low_watermark=-1, error_code=_REFUSED
                )
                for part in one.partitions
            ],
        ),
        answers="topics",
        look=look,
    )


def offset_for_leader_epoch(
    access: Access, request: OffsetForLeaderEpochRequest, handle: Handle
) -> Started:
    """DESCRIBE of each topic, or CLUSTER_ACTION, which Kafka's replicas have."""
    replica = access.may(Operation.CLUSTER_ACTION, CLUSTER, CLUSTER_NAME)
    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: replica or access.check(Operation.DESCRIBE, TOPIC, one.topic),
        refuse=lambda one: OffsetForLeaderTopicResult(
            topic=one.topic,
            partitions=[
                EpochEndOffset(partition=part.partition, error_code=_REFUSED)
                for part in one.partitions
            ],
        ),
        answers="topics",
    )


def describe_producers(
    access: Access, request: DescribeProducersRequest, handle: Handle
) -> Started:
    """READ of each topic."""

    def refuse(one: Any) -> TopicResponse:
        return TopicResponse(
            name=one.name,
            partitions=[
                PartitionResponse(
                    partition_index=index, error_code=_REFUSED, error_message=_REFUSED_MESSAGE
                )
                for index in one.partition_indexes
            ],
        )

    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: access.check(Operation.READ, TOPIC, one.name),
        refuse=refuse,
        answers="topics",
    )


GUARDS: Final[dict[int, Guard]] = {
    0: produce,
    1: fetch,
    2: list_offsets,
    21: delete_records,
    23: offset_for_leader_epoch,
    61: describe_producers,
}
