"""ListPartitionReassignments (46), version 0 (KIP-455): there are never any."""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m46_list_partition_reassignments import (
    ListPartitionReassignmentsRequest,
    ListPartitionReassignmentsResponse,
)

KEY = 46
MIN = 0
MAX = 0


def handle(
    context: Context, request: ListPartitionReassignmentsRequest
) -> ListPartitionReassignmentsResponse:
    return ListPartitionReassignmentsResponse(error_message=None)
