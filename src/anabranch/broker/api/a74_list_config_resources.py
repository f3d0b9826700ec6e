"""ListConfigResources (74), versions 0 to 1 (KIP-714, KIP-1142): what DescribeConfigs can be asked for.

Version 0 lists subscriptions to clients' metrics. No types means all of them; a
type that Kafka does not list is UNSUPPORTED_VERSION.
"""

from __future__ import annotations

from anabranch.broker import client_metrics
from anabranch.broker.configs import ResourceType
from anabranch.broker.context import Context
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m74_list_config_resources import (
    ConfigResource,
    ListConfigResourcesRequest,
    ListConfigResourcesResponse,
)

KEY = 74
MIN = 0
MAX = 1

_TYPES_SINCE = 1


async def handle(
    context: Context, request: ListConfigResourcesRequest
) -> ListConfigResourcesResponse:
    wanted = set(request.resource_types)
    if context.version < _TYPES_SINCE:
        wanted = {ResourceType.CLIENT_METRICS}
    elif not wanted:
        wanted = set(ResourceType)
    if not wanted <= set(ResourceType):
        return ListConfigResourcesResponse(error_code=ErrorCode.UNSUPPORTED_VERSION)
    response = ListConfigResourcesResponse()
    if ResourceType.TOPIC in wanted:
        response.config_resources += [
            ConfigResource(resource_name=topic.name, resource_type=ResourceType.TOPIC)
            for topic in context.log.catalogue.topics()
        ]
    if ResourceType.BROKER in wanted:
        response.config_resources += [
            ConfigResource(resource_name=str(one.broker_id), resource_type=ResourceType.BROKER)
            for one in context.routes.lane
        ]
    if ResourceType.BROKER_LOGGER in wanted:
        response.config_resources += [
            ConfigResource(
                resource_name=str(one.broker_id), resource_type=ResourceType.BROKER_LOGGER
            )
            for one in context.routes.lane
        ]
    if ResourceType.CLIENT_METRICS in wanted:
        response.config_resources += [
            ConfigResource(resource_name=name, resource_type=ResourceType.CLIENT_METRICS)
            for name in sorted(await client_metrics.load_all(context.log.metastore))
        ]
    if ResourceType.GROUP in wanted:
        response.config_resources += [
            ConfigResource(resource_name=name, resource_type=ResourceType.GROUP)
            for name in context.broker.group_limits.configured
        ]
    return response
