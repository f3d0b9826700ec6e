"""DescribeConfigs (32), versions 1 to 4: every config of a topic, a group, this broker, its loggers or a metrics subscription.

All configs are listed with their values, sources, synonyms, types and documentation (KIP-226,
KIP-569), because tools read all of them, change one and write all back. Names asked for that do not
exist are left out.

Resource errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_REQUEST.
"""

from __future__ import annotations

from anabranch.broker.configs import Described, describe
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.wire.messages.m32_describe_configs import (
    DescribeConfigsRequest,
    DescribeConfigsResourceResult,
    DescribeConfigsResponse,
    DescribeConfigsResult,
    DescribeConfigsSynonym,
)

KEY = 32
MIN = 1
MAX = 4


async def handle(context: Context, request: DescribeConfigsRequest) -> DescribeConfigsResponse:
    response = DescribeConfigsResponse()
    seen: set[tuple[int, str]] = set()
    for wanted in request.resources:
        result = DescribeConfigsResult(
            error_message=None,
            resource_type=wanted.resource_type,
            resource_name=wanted.resource_name,
        )
        response.results.append(result)
        try:
            key = wanted.resource_type, wanted.resource_name
            if key in seen:  # a hundred lines each: not for every repetition (I10)
                raise ClientFault(ErrorCode.INVALID_REQUEST, "this resource is asked for twice")
            seen.add(key)
            described = await describe(context, wanted.resource_type, wanted.resource_name)
        except ClientFault as fault:
            result.error_code, result.error_message = fault.code, fault.message
            continue
        names = wanted.configuration_keys
        result.configs = [
            _config(one, request)
            for one in described
            if names is None or one.definition.name in names
        ]
    return response


def _config(one: Described, request: DescribeConfigsRequest) -> DescribeConfigsResourceResult:
    definition = one.definition
    sensitive = definition.sensitive
    return DescribeConfigsResourceResult(
        name=definition.name,
        value=None if sensitive else one.value,
        read_only=one.read_only,
        config_source=one.source,
        is_sensitive=sensitive,
        synonyms=[
            DescribeConfigsSynonym(
                name=layer.name, value=None if sensitive else layer.value, source=layer.source
            )
            for layer in one.layers
        ]
        if request.include_synonyms
        else [],
        config_type=definition.type,
        documentation=definition.doc if request.include_documentation else None,
    )
