"""AlterPartitionReassignments (45), versions 0 to 1 (KIP-455): there is nothing to move.

Naming the present leader as the only replica succeeds, cancelling (null) is NO_REASSIGNMENT_IN_PROGRESS, and
anything else INVALID_REPLICA_ASSIGNMENT.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.wire.messages.m45_alter_partition_reassignments import (
    AlterPartitionReassignmentsRequest,
    AlterPartitionReassignmentsResponse,
    ReassignablePartition,
    ReassignablePartitionResponse,
    ReassignableTopicResponse,
)

KEY = 45
MIN = 0
MAX = 1


async def handle(
    context: Context, request: AlterPartitionReassignmentsRequest
) -> AlterPartitionReassignmentsResponse:
    response = AlterPartitionReassignmentsResponse(
        error_message=None,
        allow_replication_factor_change=request.allow_replication_factor_change,
    )
    await context.log.catalogue.look_for(wanted.name for wanted in request.topics)
    for wanted in request.topics:
        answered = ReassignableTopicResponse(name=wanted.name)
        response.responses.append(answered)
        for one in wanted.partitions:
            answer = ReassignablePartitionResponse(
                partition_index=one.partition_index, error_message=None
            )
            answered.partitions.append(answer)
            try:
                _check(context, wanted.name, one)
            except ClientFault as fault:
                answer.error_code, answer.error_message = fault.code, fault.message
    return response


def _check(context: Context, name: str, wanted: ReassignablePartition) -> None:
    topic = topics.by_name(context.log, name)
    context.log.partition(topic, wanted.partition_index)
    if wanted.replicas is None:
        raise ClientFault(
            ErrorCode.NO_REASSIGNMENT_IN_PROGRESS, "No partition reassignment is in progress."
        )
    leader = context.routes.leader(topic.id, wanted.partition_index).broker_id
    if wanted.replicas != [leader]:
        raise ClientFault(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "any broker serves every partition: there are no replicas to move, and clients are led to "
            f"broker {leader} for as long as it lives",
        )
