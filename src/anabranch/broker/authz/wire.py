"""ACL entries and filters from the numbers of Kafka's requests."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, TypeVar

from anabranch.broker.authz.acl import (
    Acl,
    AclFilter,
    Operation,
    PatternType,
    Permission,
    ResourceType,
)
from anabranch.errors import ClientFault, ErrorCode

if TYPE_CHECKING:
    from anabranch.wire.messages.m29_describe_acls import DescribeAclsRequest
    from anabranch.wire.messages.m30_create_acls import AclCreation
    from anabranch.wire.messages.m31_delete_acls import DeleteAclsFilter

N = TypeVar("N", bound=IntEnum)


def acl_of(creation: AclCreation) -> Acl:
    """What a client wants to be created. Raises ClientFault(INVALID_REQUEST) for unknown numbers."""
    return Acl(
        _known(ResourceType, creation.resource_type, "resource type"),
        creation.resource_name,
        _known(PatternType, creation.resource_pattern_type, "patternType"),
        creation.principal,
        creation.host,
        _known(Operation, creation.operation, "operation type"),
        _known(Permission, creation.permission_type, "permissionType"),
    )


def filter_of(wanted: DescribeAclsRequest | DeleteAclsFilter) -> AclFilter:
    """What a client filters by. Raises ClientFault(INVALID_REQUEST) for unknown numbers."""
    return AclFilter(
        _known(ResourceType, wanted.resource_type_filter, "resource type"),
        wanted.resource_name_filter,
        _known(PatternType, wanted.pattern_type_filter, "patternType"),
        wanted.principal_filter,
        wanted.host_filter,
        _known(Operation, wanted.operation, "operation type"),
        _known(Permission, wanted.permission_type, "permissionType"),
    )


def _known(numbers: type[N], number: int, what: str) -> N:
    try:
        return numbers(number)
    except ValueError:
        raise ClientFault(ErrorCode.INVALID_REQUEST, f"Invalid {what} UNKNOWN ({number})") from None
