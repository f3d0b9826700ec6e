"""Configs: DescribeConfigs (32), AlterConfigs (33), IncrementalAlterConfigs (44), ListConfigResources (74).

A topic's and a group's configs are rights on it; a broker's and everything else's on the cluster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation, ResourceType
from anabranch.broker.configs import ResourceType as ConfigResource
from anabranch.broker.guards.parts import (
    CLUSTER,
    GROUP,
    TOPIC,
    Guard,
    Handle,
    audited,
    needs_cluster,
    plain,
    split,
)
from anabranch.wire.messages.m32_describe_configs import DescribeConfigsResult
from anabranch.wire.messages.m33_alter_configs import AlterConfigsResourceResponse
from anabranch.wire.messages.m44_incremental_alter_configs import (
    AlterConfigsResourceResponse as IncrementalAlterConfigsResourceResponse,
)
from anabranch.wire.messages.m74_list_config_resources import ListConfigResourcesResponse

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started

_OPERATIONS: Final = ("SET", "DELETE", "APPEND", "SUBTRACT")


def _of(resource: Any) -> tuple[ResourceType, str]:
    """The resource whose rights count."""
    if resource.resource_type == ConfigResource.TOPIC:
        return TOPIC, resource.resource_name
    if resource.resource_type == ConfigResource.GROUP:
        return GROUP, resource.resource_name
    return CLUSTER, CLUSTER_NAME


def _refuse(kind: type[Any]) -> Any:
    def refuse(one: Any) -> Any:
        code, message = REFUSALS[_of(one)[0]]
        return kind(
            error_code=code,
            error_message=message,
            resource_type=one.resource_type,
            resource_name=one.resource_name,
        )

    return refuse


def describe_configs(access: Access, request: Any, handle: Handle) -> Started:
    """DESCRIBE_CONFIGS of each resource."""
    return split(
        access,
        request,
        handle,
        field="resources",
        may=lambda one: access.check(Operation.DESCRIBE_CONFIGS, *_of(one)),
        refuse=_refuse(DescribeConfigsResult),
        answers="results",
    )


def _alters(kind: type[Any]) -> Guard:
    """ALTER_CONFIGS of each resource."""

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        asked = {(one.resource_type, one.resource_name): one for one in request.resources}

        def look(response: Any) -> None:
            for one in response.responses:
                if request.validate_only:
                    continue
                wanted = asked[one.resource_type, one.resource_name]
                audited(
                    access,
                    Kind.ADMIN,
                    code=one.error_code,
                    message=one.error_message,
                    resource=_audited_name(one.resource_type, one.resource_name),
                    details={"configs": [_change(config) for config in wanted.configs]},
                )

        return split(
            access,
            request,
            handle,
            field="resources",
            may=lambda one: access.check(Operation.ALTER_CONFIGS, *_of(one)),
            refuse=_refuse(kind),
            answers="responses",
            look=look,
        )

    return guard


def _audited_name(kind: int, name: str) -> str:
    try:
        return f"{ConfigResource(kind).name}:{name}"
    except ValueError:
        return f"{kind}:{name}"


def _change(config: Any) -> dict[str, Any]:
    # Values of configs that hold secrets are never set at run time here; a wrong one may be anything.
    change = {"name": config.name, "value": config.value}
    operation = getattr(config, "config_operation", 0)
    if operation:
        known = operation < len(_OPERATIONS)
        change["operation"] = _OPERATIONS[operation] if known else str(operation)
    return change


GUARDS: Final[dict[int, Guard]] = {
    32: describe_configs,
    33: _alters(AlterConfigsResourceResponse),
    44: _alters(IncrementalAlterConfigsResourceResponse),
    74: needs_cluster(Operation.DESCRIBE_CONFIGS, plain(ListConfigResourcesResponse)),
}
