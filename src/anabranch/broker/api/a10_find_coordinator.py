"""FindCoordinator (10), versions 0 to 6: which broker of the lane coordinates a group or a transactional id.

From version 4 several keys are asked for at once (KIP-699). A group that the lane does not admit is
answered with GROUP_AUTHORIZATION_FAILED. For transactional ids (key type 1) one broker is named, so that
clients keep to it; every other would serve them as well. Other key types are INVALID_REQUEST: share
groups are not served.
"""

from __future__ import annotations

from anabranch.broker import lanes
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)

KEY = 10
MIN = 0
MAX = 6

_BATCHED = 4
_GROUP = 0
_TRANSACTION = 1


def handle(context: Context, request: FindCoordinatorRequest) -> FindCoordinatorResponse:
    keys = request.coordinator_keys if context.version >= _BATCHED else [request.key]
    found = [_find(context, request.key_type, key) for key in keys]
    if context.version >= _BATCHED:
        return FindCoordinatorResponse(coordinators=found)
    (one,) = found
    return FindCoordinatorResponse(
        error_code=one.error_code,
        error_message=one.error_message,
        node_id=one.node_id,
        host=one.host,
        port=one.port,
    )


def _find(context: Context, key_type: int, key: str) -> Coordinator:
    error = ErrorCode.INVALID_REQUEST
    if key_type == _TRANSACTION and key:
        one = context.routes.coordinator(key)
        return Coordinator(
            key=key, node_id=one.broker_id, host=one.host, port=one.port, error_message=None
        )
    if key_type == _GROUP and lanes.admits_group(context.lane, key):
        one = context.routes.coordinator(key)
        return Coordinator(
            key=key, node_id=one.broker_id, host=one.host, port=one.port, error_message=None
        )
    if key_type == _GROUP:
        error = ErrorCode.GROUP_AUTHORIZATION_FAILED
        message = lanes.group_refusal(context.lane, key)
    elif key_type == _TRANSACTION:
        message = "a transactional id may not be empty"
    else:
        message = f"coordinators of type {key_type} are not served"
    return Coordinator(
        key=key,
        node_id=-1,
        host="",
        port=-1,
        error_code=error,
        error_message=message,
    )
