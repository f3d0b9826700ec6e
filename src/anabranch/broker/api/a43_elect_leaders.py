"""ElectLeaders (43), versions 0 to 2 (KIP-183, KIP-460): every leader is already the preferred one.

Partitions that are named get ELECTION_NOT_NEEDED (or UNKNOWN_TOPIC_OR_PARTITION); a request for all
of them gets an empty list, as in Kafka.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m43_elect_leaders import (
    ElectLeadersRequest,
    ElectLeadersResponse,
    PartitionResult,
    ReplicaElectionResult,
)

KEY = 43
MIN = 0
MAX = 2


async def handle(context: Context, request: ElectLeadersRequest) -> ElectLeadersResponse:
    response = ElectLeadersResponse()
    await context.log.catalogue.look_for(one.topic for one in request.topic_partitions or ())
    for wanted in request.topic_partitions or ():
        topic = context.log.catalogue.topic(wanted.topic)
        known = range(topic.partitions if topic is not None else 0)
        response.replica_election_results.append(
            ReplicaElectionResult(
                topic=wanted.topic,
                partition_result=[
                    PartitionResult(
                        partition_id=index,
                        error_code=ErrorCode.ELECTION_NOT_NEEDED
                        if index in known
                        else ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
                        error_message="Leader election not needed for topic partition."
                        if index in known
                        else "No such topic or partition.",
                    )
                    for index in wanted.partitions
                ],
            )
        )
    return response
