"""AlterConfigs (33), versions 0 to 2: replace everything that is set on a resource.

Deprecated in favour of IncrementalAlterConfigs, and still what older tools call. Resource errors:
UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG, INVALID_REQUEST.
"""

from __future__ import annotations

from anabranch.broker.configs import alter
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.wire.messages.m33_alter_configs import (
    AlterConfigsRequest,
    AlterConfigsResource,
    AlterConfigsResourceResponse,
    AlterConfigsResponse,
)

KEY = 33
MIN = 0
MAX = 2


async def handle(context: Context, request: AlterConfigsRequest) -> AlterConfigsResponse:
    response = AlterConfigsResponse()
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
            await alter(
                context,
                wanted.resource_type,
                wanted.resource_name,
                _values(wanted),
                (),
                validate_only=request.validate_only,
            )
        except (ClientFault, StoreFault, Corrupt) as error:
            fault = to_client_fault(error)
            result.error_code, result.error_message = fault.code, fault.message
    return response


def _values(wanted: AlterConfigsResource) -> dict[str, str]:
    values: dict[str, str] = {}
    for config in wanted.configs:
        if config.value is None:
            raise ClientFault(
                ErrorCode.INVALID_REQUEST, f"Null value not supported for : {config.name}"
            )
        values[config.name] = config.value
    return values
