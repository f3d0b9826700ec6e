"""IncrementalAlterConfigs (44), versions 0 to 1: set, delete, append to, subtract from (KIP-339).

Append and subtract work on lists and start from the default where nothing is set. Each resource, and
each config in it, may appear once. Of the broker only dynamic configs can be changed; all others are
refused by name. Resource errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG, INVALID_REQUEST.
"""

from __future__ import annotations

from anabranch.broker import topics
from anabranch.broker.configs import alter
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.wire.messages.m44_incremental_alter_configs import (
    AlterConfigsResourceResponse,
    IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse,
)

KEY = 44
MIN = 0
MAX = 1


async def handle(
    context: Context, request: IncrementalAlterConfigsRequest
) -> IncrementalAlterConfigsResponse:
    response = IncrementalAlterConfigsResponse()
    seen: set[tuple[int, str]] = set()
    for wanted in request.resources:
        result = AlterConfigsResourceResponse(
            error_message=None,
            resource_type=wanted.resource_type,
            resource_name=wanted.resource_name,
        )
        response.responses.append(result)
        try:
            if (wanted.resource_type, wanted.resource_name) in seen:
                raise ClientFault(
                    ErrorCode.INVALID_REQUEST, "Each resource must appear at most once."
                )
            seen.add((wanted.resource_type, wanted.resource_name))
            twice = topics.duplicates([config.name for config in wanted.configs])
            if twice:
                raise ClientFault(
                    ErrorCode.INVALID_REQUEST,
                    f"Error due to duplicate config keys: {sorted(twice)}",
                )
            await alter(
                context,
                wanted.resource_type,
                wanted.resource_name,
                None,
                [(one.name, one.config_operation, one.value) for one in wanted.configs],
                validate_only=request.validate_only,
            )
        except (ClientFault, StoreFault, Corrupt) as error:
            fault = to_client_fault(error)
            result.error_code, result.error_message = fault.code, fault.message
    return response
