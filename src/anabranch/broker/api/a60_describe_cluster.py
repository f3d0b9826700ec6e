"""DescribeCluster (60), versions 0 to 2 (KIP-700, KIP-919, KIP-1073): the cluster and its living brokers.

Errors: MISMATCHED_ENDPOINT_TYPE if controllers are asked for, UNSUPPORTED_ENDPOINT_TYPE for others.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m60_describe_cluster import (
    DescribeClusterBroker,
    DescribeClusterRequest,
    DescribeClusterResponse,
)

KEY = 60
MIN = 0
MAX = 2

_BROKERS = 1
_CONTROLLERS = 2


def handle(context: Context, request: DescribeClusterRequest) -> DescribeClusterResponse:
    broker = context.broker
    if request.endpoint_type != _BROKERS:
        mismatch = request.endpoint_type == _CONTROLLERS
        return DescribeClusterResponse(
            error_code=ErrorCode.MISMATCHED_ENDPOINT_TYPE
            if mismatch
            else ErrorCode.UNSUPPORTED_ENDPOINT_TYPE,
            error_message="this is a broker's endpoint",
            endpoint_type=_BROKERS,
            cluster_id=broker.cluster_id,
        )
    response = DescribeClusterResponse(
        endpoint_type=_BROKERS,
        cluster_id=broker.cluster_id,
        controller_id=context.routes.lane[0].broker_id,
        brokers=[
            DescribeClusterBroker(
                broker_id=one.broker_id, host=one.host, port=one.port, rack=one.rack
            )
            for one in context.routes.lane
        ],
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = topics.CLUSTER_OPERATIONS
    return response
