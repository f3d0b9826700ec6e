"""DescribeAcls (29), versions 1 to 3 (KIP-140, KIP-290): the entries that a filter matches.

Errors: SECURITY_DISABLED where no ACLs are enforced, INVALID_REQUEST for a filter that is none,
CLUSTER_AUTHORIZATION_FAILED.
"""

from __future__ import annotations

from anabranch.broker.authz.wire import filter_of
from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode
from anabranch.wire.messages.m29_describe_acls import (
    AclDescription,
    DescribeAclsRequest,
    DescribeAclsResource,
    DescribeAclsResponse,
)

KEY = 29
MIN = 1
MAX = 3


def handle(context: Context, request: DescribeAclsRequest) -> DescribeAclsResponse:
    authorizer = context.broker.authorizer
    if authorizer is None:
        return DescribeAclsResponse(
            error_code=ErrorCode.SECURITY_DISABLED, error_message="No Authorizer is configured."
        )
    try:
        wanted = filter_of(request)
    except ClientFault as fault:
        return DescribeAclsResponse(error_code=fault.code, error_message=fault.message)
    resources: dict[tuple[int, str, int], DescribeAclsResource] = {}
    for acl in authorizer.matching(wanted):
        key = acl.resource_type, acl.name, acl.pattern
        if key not in resources:
            resources[key] = DescribeAclsResource(
                resource_type=acl.resource_type, resource_name=acl.name, pattern_type=acl.pattern
            )
        resources[key].acls.append(
            AclDescription(
                principal=acl.principal,
                host=acl.host,
                operation=acl.operation,
                permission_type=acl.permission,
            )
        )
    return DescribeAclsResponse(error_message=None, resources=list(resources.values()))
