"""ShareAcknowledge (79), versions 1 to 2: what a member of a share group says of records, without fetching more.

Epoch -1 ends the member's session with this broker and gives back what it held (KIP-932). Version 2 adds renewals
of locks (KIP-1222). Errors: as ShareFetch.
"""

from __future__ import annotations

from itertools import groupby

from anabranch.broker import sharing
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.groups.share.sessions import FINAL_EPOCH
from anabranch.wire.messages.m79_share_acknowledge import (
    LeaderIdAndEpoch,
    NodeEndpoint,
    PartitionData,
    ShareAcknowledgeRequest,
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)

KEY = 79
MIN = 1
MAX = 2


async def handle(context: Context, request: ShareAcknowledgeRequest) -> ShareAcknowledgeResponse:
    try:
        return await _handle(context, request)
    except ClientFault as fault:
        return ShareAcknowledgeResponse(error_code=fault.code, error_message=fault.message or None)


async def _handle(context: Context, request: ShareAcknowledgeRequest) -> ShareAcknowledgeResponse:
    member = sharing.member_of(context, request.group_id, request.member_id)
    sessions = context.broker.share_sessions
    if request.share_session_epoch != FINAL_EPOCH:
        sessions.acknowledge(member, request.share_session_epoch)
    elif member not in sessions:
        raise ClientFault(ErrorCode.SHARE_SESSION_NOT_FOUND)
    said = [
        ((topic.topic_id, one.partition_index), one)
        for topic in request.topics
        for one in topic.partitions
    ]
    outcomes = await sharing.acknowledge(context, member, said, renewals=request.is_renew_ack)
    if request.share_session_epoch == FINAL_EPOCH:
        await sharing.leave(context, member)
    leaders = {one.leader.broker_id: one.leader for one in outcomes.values() if one.leader}
    return ShareAcknowledgeResponse(
        acquisition_lock_timeout_ms=context.broker.shares.settings(member.group_id).limits.lock_ms,
        responses=[
            ShareAcknowledgeTopicResponse(
                topic_id=topic_id,
                partitions=[
                    PartitionData(
                        partition_index=place[1],
                        error_code=outcomes[place].error,
                        current_leader=_leader(outcomes[place]),
                    )
                    for place in places
                ],
            )
            for topic_id, places in groupby(sorted(outcomes), key=lambda place: place[0])
        ],
        node_endpoints=[
            NodeEndpoint(node_id=one.broker_id, host=one.host, port=one.port, rack=one.rack)
            for one in leaders.values()
        ],
    )


def _leader(outcome: sharing.Outcome) -> LeaderIdAndEpoch:
    leader = outcome.leader
    return LeaderIdAndEpoch(leader_id=-1 if leader is None else leader.broker_id, leader_epoch=-1)
