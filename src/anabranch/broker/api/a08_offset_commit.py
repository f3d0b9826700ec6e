"""OffsetCommit (8), versions 2 to 10: store a group's next offsets, with history (I8).

Topics are named by id from version 10 (KIP-848's, KIP-516). Metadata string and leader epoch come back as
they were. A commit without a generation is a simple consumer's or an administrator's: where the group
has had members it is recorded as a reset.

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID,
FENCED_INSTANCE_ID, REBALANCE_IN_PROGRESS, STALE_MEMBER_EPOCH (of a consumer group's member),
UNSUPPORTED_VERSION (below version 9 from such a member), OFFSET_METADATA_TOO_LARGE, INVALID_REQUEST (an
offset below zero), COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.groups.values import CommitCall, OffsetToCommit
from anabranch.metastore.api import OffsetAction
from anabranch.wire.messages.m08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)

KEY = 8
MIN = 2
MAX = 10

_MEMBER_EPOCHS = 9
_TOPIC_IDS = 10


async def handle(context: Context, request: OffsetCommitRequest) -> OffsetCommitResponse:
    log = context.log
    response = OffsetCommitResponse()
    offsets: list[OffsetToCommit] = []
    answers: list[OffsetCommitResponsePartition] = []
    if context.version >= _TOPIC_IDS:
        await log.catalogue.look_for(ids=[wanted.topic_id for wanted in request.topics])
    else:
        await log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = OffsetCommitResponseTopic(name=wanted.name, topic_id=wanted.topic_id)
        response.topics.append(answered)
        for one in wanted.partitions:
            answer = OffsetCommitResponsePartition(partition_index=one.partition_index)
            answered.partitions.append(answer)
            try:
                if context.version >= _TOPIC_IDS:
                    topic = topics.by_id(log, wanted.topic_id)
                else:
                    topic = topics.by_name(log, wanted.name)
                log.partition(topic, one.partition_index)
                if one.committed_offset < 0:
                    raise ClientFault(ErrorCode.INVALID_REQUEST)
            except ClientFault as fault:
                answer.error_code = fault.code
                continue
            answers.append(answer)
            offsets.append(
                OffsetToCommit(
                    topic_no=topic.no,
                    partition=one.partition_index,
                    offset=one.committed_offset,
                    leader_epoch=one.committed_leader_epoch,
                    metadata=one.committed_metadata or "",
                    topic_id=topic.id,
                )
            )
    if offsets:
        call = CommitCall(
            member_id=request.member_id,
            group_instance_id=request.group_instance_id,
            generation=request.generation_id_or_member_epoch,
            offsets=offsets,
            actor=context.actor(
                "OffsetCommit",
                member_id=request.member_id,
                instance_id=request.group_instance_id,
                generation=request.generation_id_or_member_epoch,
            ),
            action=await _action(context, request),
            retention_ms=request.retention_time_ms,
            supports_epochs=context.version >= _MEMBER_EPOCHS,
        )
        context.broker.group_limits.spoke(request.group_id, context.client_id, context.host)
        errors = await context.groups.commit(request.group_id, call)
        for answer, error in zip(answers, errors, strict=True):
            answer.error_code = error
    return response


async def _action(context: Context, request: OffsetCommitRequest) -> OffsetAction:
    """Without a generation: a reset if members of the group came and went, else a simple commit."""
    if request.generation_id_or_member_epoch >= 0:
        return OffsetAction.COMMIT
    try:
        parked = await context.groups.is_parked(request.group_id)
    except (Corrupt, StoreFault):
        parked = False  # the commit will be told why
    return OffsetAction.RESET if parked else OffsetAction.COMMIT
