"""DeleteGroups (42), versions 0 to 2: forget empty groups with their offsets (KIP-229).

Errors per group: NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND, COORDINATOR_NOT_AVAILABLE.
"""

from __future__ import annotations

from anabranch.broker.context import Context
from anabranch.wire.messages.m42_delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)

KEY = 42
MIN = 0
MAX = 2


async def handle(context: Context, request: DeleteGroupsRequest) -> DeleteGroupsResponse:
    names = list(dict.fromkeys(request.groups_names))
    errors = await context.groups.delete(names, context.actor("DeleteGroups"))
    return DeleteGroupsResponse(
        results=[
            DeletableGroupResult(group_id=name, error_code=error)
            for name, error in zip(names, errors, strict=True)
        ]
    )
