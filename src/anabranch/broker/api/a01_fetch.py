"""Fetch (1), versions 4 to 18: read record batches, waiting for them if asked to.

Whole batches: the first one returned may begin below the wanted offset, and the first non-empty
partition gets at least one batch however small the limits are (KIP-74). ``max_wait_ms`` and
``min_bytes`` are honoured at the log's end; data that is there is never held back. Fetch sessions
(KIP-227) are kept in memory (:mod:`anabranch.broker.fetch_sessions`). A fetch with a last fetched epoch may be answered with a diverging epoch (KIP-595). A consumer whose rack has brokers of its own is sent
to one of them (KIP-392, from v11). Any broker serves any partition, whoever leads it: stale routing is
no error. Only a broker that is about to stop answers NOT_LEADER_OR_FOLLOWER, with the new leader
(KIP-951). Replicas do not exist, so a replica id is ignored. With isolation level 1 an answer ends at the
last stable offset and names the aborted transactions in it (KIP-98).

Partition errors: TOPIC_AUTHORIZATION_FAILED (no READ; or no REPLAY of what is older than
``authorization.replay_age_ms``), UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, OFFSET_OUT_OF_RANGE,
FENCED_LEADER_EPOCH, UNKNOWN_LEADER_EPOCH (KIP-320), KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from collections.abc import Collection, Coroutine
from typing import Any

from anabranch.broker import topics
from anabranch.broker.authz.access import refusal
from anabranch.broker.authz.acl import Operation, ResourceType
from anabranch.broker.context import Context
from anabranch.broker.dispatch import Started
from anabranch.broker.fetch_sessions import SessionFetch
from anabranch.broker.routing import zone_of
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.readers import Fetched
from anabranch.log.fetched import FetchPart, FetchWant
from anabranch.metastore.api import Topic
from anabranch.wire.messages.m01_fetch import (
    AbortedTransaction,
    EpochEndOffset,
    FetchableTopicResponse,
    FetchRequest,
    FetchResponse,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
)

KEY = 1
MIN = 4
MAX = 18
ABANDON = True

_TOPIC_IDS = 13
_READ_COMMITTED = 1
_READ, _TOPIC = Operation.READ, ResourceType.TOPIC  # looked up once: it costs as much as a check
_STALE_LEADER = (ErrorCode.FENCED_LEADER_EPOCH, ErrorCode.NOT_LEADER_OR_FOLLOWER)


def handle(context: Context, request: FetchRequest) -> Started:
    by_ids = context.version >= _TOPIC_IDS
    session = context.broker.fetch_sessions.enter(request, by_ids=by_ids)
    fetch = _fetch if context.access is None or not context.access.by_age else _fetch_by_age
    if session is None:
        return fetch(context, request)
    if isinstance(session, ErrorCode):
        return FetchResponse(error_code=session)
    request.topics = session.topics()
    answer = fetch(context, request)
    return session.trim(answer) if isinstance(answer, FetchResponse) else _trim(session, answer)


async def _trim(session: SessionFetch, answer: Coroutine[Any, Any, FetchResponse]) -> FetchResponse:
    return session.trim(await answer)


async def _fetch_by_age(context: Context, request: FetchRequest) -> FetchResponse:
    """As :func:`_fetch`, for a client that may not read what is old."""
    assert context.access is not None
    by_id = context.version >= _TOPIC_IDS
    catalogue = context.log.catalogue
    wanted = []
    for one in request.topics:
        topic = catalogue.topic_by_id(one.topic_id) if by_id else catalogue.topic(one.topic)
        if topic is not None:
            wanted += [
                (topic, part.partition, part.fetch_offset)
                for part in one.partitions
                if 0 <= part.partition < topic.partitions
            ]
    answer = _fetch(context, request, await context.access.too_old(wanted))
    return answer if isinstance(answer, FetchResponse) else await answer


def _fetch(
    context: Context, request: FetchRequest, too_old: Collection[tuple[int, int]] = ()
) -> FetchResponse | Coroutine[Any, Any, FetchResponse]:
    """A full fetch: of everything that ``request`` names, answered in its order."""
    log = context.log
    response = FetchResponse()
    wants: list[FetchWant] = []
    answers: list[PartitionData] = []
    committed = request.isolation_level == _READ_COMMITTED
    elsewhere = False  # some partitions should be asked for at another broker: say so at once
    for wanted in request.topics:
        answered = FetchableTopicResponse(topic=wanted.topic, topic_id=wanted.topic_id)
        response.responses.append(answered)
        try:
            if context.version >= _TOPIC_IDS:
                topic = topics.by_id(log, wanted.topic_id)
                _check_read(context, topic.name)
            else:
                _check_read(context, wanted.topic)
                topic = topics.by_name(log, wanted.topic)
            if context.access is not None:
                context.access.gate.check_reads(topic)
        except ClientFault as fault:
            answered.partitions = [_unknown(one.partition, fault) for one in wanted.partitions]
            continue
        for one in wanted.partitions:
            answer = PartitionData(partition_index=one.partition)
            answered.partitions.append(answer)
            if too_old and (topic.no, one.partition) in too_old:
                answered.partitions[-1] = _unknown(one.partition, refusal(ResourceType.TOPIC))
                continue
            if context.broker.handing_over:
                elsewhere = True
                _hand_over(context, response, answer, topic)
                continue
            if request.rack_id and _is_nearer(context, request, answer, topic):
                elsewhere = True
                continue
            answers.append(answer)
            wants.append(
                FetchWant(
                    topic,
                    one.partition,
                    one.fetch_offset,
                    one.partition_max_bytes,
                    one.current_leader_epoch,
                    one.last_fetched_epoch,
                )
            )
    if not wants:
        return response
    _watch(context, wants)
    if elsewhere:
        return _now(context, response, wants, answers, committed)
    max_bytes = min(request.max_bytes, context.broker.listener.fetch_bytes_max())
    min_bytes = request.min_bytes if request.max_wait_ms > 0 else 0
    parts = log.fetch_ready(
        wants, min_bytes=min_bytes, max_bytes=max_bytes, read_committed=committed
    )
    if parts is None:
        return _wait(context, request, response, wants, answers, max_bytes)
    _fill(context, response, wants, answers, parts, committed)
    return response


def _watch(context: Context, wants: list[FetchWant]) -> None:
    """Remember who reads where: consumers that commit nothing are seen by nothing else."""
    readers, session, now_ms = context.broker.readers, context.session, context.broker.now_ms()
    if readers.due(session.host, session.port, context.client_id, now_ms):
        readers.saw(
            session.host,
            session.port,
            context.client_id,
            str(session.principal),
            [Fetched(want.topic.no, want.partition, want.offset) for want in wants],
            now_ms,
        )


def _check_read(context: Context, name: str) -> None:
    """Raises ClientFault(TOPIC_AUTHORIZATION_FAILED). Asked of all that a session stands for, each time."""
    if context.access is not None:
        context.access.require(_READ, _TOPIC, name)


async def _now(
    context: Context,
    response: FetchResponse,
    wants: list[FetchWant],
    answers: list[PartitionData],
    committed: bool,
) -> FetchResponse:
    max_bytes = context.broker.listener.fetch_bytes_max()
    parts = await context.log.fetch(
        wants, max_wait_ms=0, min_bytes=0, max_bytes=max_bytes, read_committed=committed
    )
    _fill(context, response, wants, answers, parts, committed)
    return response


def _is_nearer(
    context: Context, request: FetchRequest, answer: PartitionData, topic: Topic
) -> bool:
    """Name the broker in the consumer's own rack that it should ask instead of us, if there is one."""
    nearer = context.routes.nearer(topic.id, answer.partition_index, request.rack_id)
    log = context.log.catalogue.find(topic.no, answer.partition_index)
    if nearer is None or log is None:
        return False
    answer.preferred_read_replica = nearer.broker_id
    answer.high_watermark = log.high_watermark
    answer.last_stable_offset = log.last_stable_offset
    answer.log_start_offset = log.log_start
    answer.aborted_transactions = None
    answer.records = b""
    return True


def _hand_over(
    context: Context, response: FetchResponse, answer: PartitionData, topic: Topic
) -> None:
    log = context.log.catalogue.find(topic.no, answer.partition_index)
    answer.error_code = ErrorCode.NOT_LEADER_OR_FOLLOWER
    answer.high_watermark = -1
    answer.aborted_transactions = None
    answer.records = b""
    if log is not None:
        _name_leader(context, response, answer, topic, log.leader_epoch)


def _name_leader(
    context: Context,
    response: FetchResponse,
    answer: PartitionData,
    topic: Topic,
    leader_epoch: int,
) -> None:
    """KIP-951; the codec leaves it out where not negotiated."""
    leader = context.routes.leader(topic.id, answer.partition_index, zone_of(context.client_id))
    answer.current_leader = LeaderIdAndEpoch(leader_id=leader.broker_id, leader_epoch=leader_epoch)
    if all(one.node_id != leader.broker_id for one in response.node_endpoints):
        response.node_endpoints.append(
            NodeEndpoint(
                node_id=leader.broker_id, host=leader.host, port=leader.port, rack=leader.rack
            )
        )


def _wait(
    context: Context,
    request: FetchRequest,
    response: FetchResponse,
    wants: list[FetchWant],
    answers: list[PartitionData],
    max_bytes: int,
) -> Coroutine[Any, Any, FetchResponse]:
    async def wait() -> FetchResponse:
        limit = context.broker.group_limits.of(context.client_id, context.host)
        committed = request.isolation_level == _READ_COMMITTED
        parts = await context.log.fetch(
            wants,
            max_wait_ms=max(request.max_wait_ms, 0),
            min_bytes=request.min_bytes,
            max_bytes=max_bytes,
            read_committed=committed,
            reader=(context.host, context.client_id),
            limit=None if limit is None else limit.bucket,
        )
        _fill(context, response, wants, answers, parts, committed)
        return response

    return wait()


def _fill(
    context: Context,
    response: FetchResponse,
    wants: list[FetchWant],
    answers: list[PartitionData],
    parts: list[FetchPart],
    committed: bool,
) -> None:
    for want, answer, part in zip(wants, answers, parts, strict=True):
        answer.error_code = part.error
        answer.high_watermark = part.high_watermark
        answer.last_stable_offset = part.last_stable
        answer.log_start_offset = part.log_start
        answer.records = part.buffers  # type: ignore[assignment]  # a list of views is encoded as it is
        # Kafka's clients look at aborted transactions only under read_committed; null says "did not look".
        answer.aborted_transactions = None
        if committed:
            answer.aborted_transactions = [
                AbortedTransaction(producer_id=one.producer_id, first_offset=one.first_offset)
                for one in part.aborted
            ]
        if part.diverging_epoch is not None:
            epoch, end_offset = part.diverging_epoch
            answer.diverging_epoch = EpochEndOffset(epoch=epoch, end_offset=end_offset)
        if part.error in _STALE_LEADER:
            _name_leader(context, response, answer, want.topic, part.leader_epoch)


def _unknown(partition: int, fault: ClientFault) -> PartitionData:
    return PartitionData(
        partition_index=partition,
        error_code=fault.code,
        high_watermark=-1,
        aborted_transactions=None,
        records=b"",
    )
