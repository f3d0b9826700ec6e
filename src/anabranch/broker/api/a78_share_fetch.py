"""ShareFetch (78), versions 1 to 2: records for a member of a share group, and what it says of earlier ones.

A member has a session with each broker (KIP-932), incremental like fetch sessions; epoch -1 ends it and gives back
what it held. What the member says is taken first, durably, then it is given more. Version 2 adds strict limits
of records (KIP-1206) and renewals of locks (KIP-1222), with which nothing is fetched.

Errors: INVALID_GROUP_ID, INVALID_REQUEST, SHARE_SESSION_NOT_FOUND, INVALID_SHARE_SESSION_EPOCH,
SHARE_SESSION_LIMIT_REACHED; of a partition TOPIC_AUTHORIZATION_FAILED, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER,
INVALID_RECORD_STATE, KAFKA_STORAGE_ERROR.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby

from anabranch.broker import sharing, topics
from anabranch.broker.context import Context
from anabranch.broker.sharing import Outcome
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.host import ShareGiven, ShareWant
from anabranch.groups.share.sessions import FINAL_EPOCH, INITIAL_EPOCH, Place
from anabranch.metastore.api import BrokerRow
from anabranch.wire.messages.m78_share_fetch import (
    AcquiredRecords,
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareFetchableTopicResponse,
    ShareFetchRequest,
    ShareFetchResponse,
)

KEY = 78
MIN = 1
MAX = 2
ABANDON = True

PARTITION_BYTES_MAX = 1 << 20  # of one partition in one answer; the protocol has no field for it
_STRICT = 1  # share_acquire_mode: never more than max_records


async def handle(context: Context, request: ShareFetchRequest) -> ShareFetchResponse:
    try:
        return await _handle(context, request)
    except ClientFault as fault:
        return ShareFetchResponse(error_code=fault.code, error_message=fault.message or None)


async def _handle(context: Context, request: ShareFetchRequest) -> ShareFetchResponse:
    member = sharing.member_of(context, request.group_id, request.member_id)
    sessions = context.broker.share_sessions
    epoch = request.share_session_epoch
    said = [
        ((topic.topic_id, one.partition_index), one)
        for topic in request.topics
        for one in topic.partitions
    ]
    if epoch == INITIAL_EPOCH and any(one.acknowledgement_batches for _, one in said):
        raise ClientFault(
            ErrorCode.INVALID_REQUEST, "a session does not begin with acknowledgements"
        )
    places: list[Place] = []
    if epoch != FINAL_EPOCH:
        forgotten = [
            (topic.topic_id, index)
            for topic in request.forgotten_topics_data
            for index in topic.partitions
        ]
        places = sessions.fetch(member, epoch, [place for place, _ in said], forgotten)
    elif member not in sessions:
        raise ClientFault(ErrorCode.SHARE_SESSION_NOT_FOUND)
    if epoch == INITIAL_EPOCH:
        found = (context.log.catalogue.topic_by_id(topic_id) for topic_id, _ in places)
        await context.broker.shares.look_again(member.group_id, filter(None, found))
    outcomes = await sharing.acknowledge(context, member, said, renewals=request.is_renew_ack)
    if epoch == FINAL_EPOCH:
        await sharing.leave(context, member)
    answer = _Answer(context, member.group_id, outcomes)
    if not request.is_renew_ack:
        await answer.fetch(member.member_id, places, request)
    return answer.response()


class _Answer:
    """Puts together what is answered of each partition."""

    def __init__(self, context: Context, group_id: str, outcomes: dict[Place, Outcome]) -> None:
        self._context = context
        self._group_id = group_id
        self._outcomes = outcomes
        self._given: dict[Place, ShareGiven] = {}
        self._leaders: dict[Place, BrokerRow] = {
            place: one.leader for place, one in outcomes.items() if one.leader is not None
        }

    async def fetch(
        self, member_id: str, places: Iterable[Place], request: ShareFetchRequest
    ) -> None:
        context = self._context
        wants: dict[Place, ShareWant] = {}
        for place in places:
            try:
                topic = topics.by_id(context.log, place[0])
                context.log.partition(topic, place[1])
                await sharing.check_read(context, self._group_id, topic, place[1])
            except ClientFault as fault:
                self._given[place] = ShareGiven(fault.code, (), ())
                continue
            leader = sharing.leader_elsewhere(context, topic, place[1])
            if leader is not None:
                self._given[place] = ShareGiven(ErrorCode.NOT_LEADER_OR_FOLLOWER, (), ())
                self._leaders[place] = leader
                continue
            wants[place] = ShareWant(topic, place[1], PARTITION_BYTES_MAX)
        if not wants:
            return
        hurry = bool(self._given) or bool(self._outcomes)  # there is something to answer already
        given = await context.broker.shares.fetch(
            self._group_id,
            member_id,
            list(wants.values()),
            records_max=max(request.max_records, 1),
            strict=request.share_acquire_mode == _STRICT,
            max_wait_ms=0 if hurry else max(request.max_wait_ms, 0),
            max_bytes=min(request.max_bytes, context.broker.listener.fetch_bytes_max()),
        )
        self._given |= dict(zip(wants, given, strict=True))

    def response(self) -> ShareFetchResponse:
        context = self._context
        news = [
            place
            for place in dict.fromkeys((*self._outcomes, *self._given))
            if place in self._outcomes or self._given[place].error or self._given[place].acquired
        ]
        response = ShareFetchResponse(
            acquisition_lock_timeout_ms=context.broker.shares.settings(
                self._group_id
            ).limits.lock_ms,
            node_endpoints=[
                NodeEndpoint(node_id=one.broker_id, host=one.host, port=one.port, rack=one.rack)
                for one in {row.broker_id: row for row in self._leaders.values()}.values()
            ],
        )
        for topic_id, group in groupby(sorted(news), key=lambda place: place[0]):
            response.responses.append(
                ShareFetchableTopicResponse(
                    topic_id=topic_id, partitions=[self._partition(place) for place in group]
                )
            )
        return response

    def _partition(self, place: Place) -> PartitionData:
        given = self._given.get(place, ShareGiven(ErrorCode.NONE, (), ()))
        outcome = self._outcomes.get(place, Outcome(ErrorCode.NONE, None))
        answer = PartitionData(
            partition_index=place[1],
            error_code=given.error,
            acknowledge_error_code=outcome.error,
            current_leader=LeaderIdAndEpoch(leader_id=-1, leader_epoch=-1),
            acquired_records=[
                AcquiredRecords(
                    first_offset=one.first,
                    last_offset=one.last,
                    delivery_count=one.delivery_count,
                )
                for one in given.acquired
            ],
        )
        answer.records = given.buffers  # type: ignore[assignment]  # a list of views is encoded as it is
        leader = self._leaders.get(place)
        if leader is not None:
            answer.current_leader = LeaderIdAndEpoch(leader_id=leader.broker_id, leader_epoch=-1)
        return answer
