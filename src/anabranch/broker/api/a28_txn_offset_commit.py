"""TxnOffsetCommit (28), versions 0 to 5: offsets of a group that count once a transaction is committed.

Served by the broker that owns the group, which knows its members (KIP-447, from v3). Until version 4 the
group must have been added to the transaction; from 5 on this adds it (KIP-890).

Partition errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST, INVALID_TXN_STATE, INVALID_PRODUCER_ID_MAPPING,
INVALID_PRODUCER_EPOCH, ILLEGAL_GENERATION, UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID,
OFFSET_METADATA_TOO_LARGE, NOT_COORDINATOR, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.broker.transactional import check_id, code_of
from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.groups.values import CommitCall, OffsetToCommit
from anabranch.metastore.api import Committed, Identity
from anabranch.wire.messages.m28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)

KEY = 28
MIN = 0
MAX = 5

_IMPLICIT_SINCE = 5


async def handle(context: Context, request: TxnOffsetCommitRequest) -> TxnOffsetCommitResponse:
    response = TxnOffsetCommitResponse()
    offsets: list[OffsetToCommit] = []
    answers: list[TxnOffsetCommitResponsePartition] = []
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = TxnOffsetCommitResponseTopic(name=wanted.name)
        response.topics.append(answered)
        for one in wanted.partitions:
            answer = TxnOffsetCommitResponsePartition(partition_index=one.partition_index)
            answered.partitions.append(answer)
            try:
                topic = topics.by_name(context.log, wanted.name)
                context.log.partition(topic, one.partition_index)
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
                )
            )
    if offsets:
        errors = await _commit(context, request, offsets)
        for answer, error in zip(answers, errors, strict=True):
            answer.error_code = error
    return response


async def _commit(
    context: Context, request: TxnOffsetCommitRequest, offsets: list[OffsetToCommit]
) -> list[ErrorCode]:
    actor = context.actor(
        "TxnOffsetCommit",
        member_id=request.member_id,
        instance_id=request.group_instance_id,
        generation=request.generation_id,
        reason=f"transaction of {request.transactional_id}",
    )
    call = CommitCall(
        member_id=request.member_id,
        group_instance_id=request.group_instance_id,
        generation=request.generation_id,
        offsets=offsets,
        actor=actor,
    )

    async def store(accepted: Sequence[Committed], fence: int) -> None:
        await context.transactions.commit_offsets(
            check_id(request.transactional_id),
            Identity(request.producer_id, request.producer_epoch),
            request.group_id,
            accepted,
            actor,
            implicit=context.version >= _IMPLICIT_SINCE,
            expected=fence,
        )

    context.broker.group_limits.spoke(request.group_id, context.client_id, context.host)
    try:
        return await context.groups.commit_in_transaction(request.group_id, call, store)
    except AnabranchError as error:
        # The group's coordinator speaks here, not the transaction's: Kafka's says INVALID_PRODUCER_EPOCH.
        return [code_of(error, fenced=False)] * len(offsets)
