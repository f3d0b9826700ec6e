"""DeleteAcls (31), versions 1 to 3 (KIP-140, KIP-290): remove what filters match, and say what it was.

Errors of each filter: SECURITY_DISABLED where no ACLs are enforced, INVALID_REQUEST,
CLUSTER_AUTHORIZATION_FAILED.
"""

from __future__ import annotations

from anabranch.broker import lanes
from anabranch.broker.authz.acl import AclFilter
from anabranch.broker.authz.wire import filter_of
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.wire.messages.m31_delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsMatchingAcl,
    DeleteAclsRequest,
    DeleteAclsResponse,
)

KEY = 31
MIN = 1
MAX = 3


async def handle(context: Context, request: DeleteAclsRequest) -> DeleteAclsResponse:
    results = [DeleteAclsFilterResult(error_message=None) for _ in request.filters]
    wanted: dict[int, AclFilter] = {}
    authorizer = context.broker.authorizer
    for index, one in enumerate(request.filters):
        try:
            if authorizer is None:
                raise ClientFault(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
            lanes.check_cluster(context.lane)
            wanted[index] = filter_of(one)
        except ClientFault as fault:
            results[index].error_code, results[index].error_message = fault.code, fault.message
    if authorizer is None or not wanted:
        return DeleteAclsResponse(filter_results=results)
    try:
        gone = await authorizer.delete(list(wanted.values()))
    except StoreFault as error:
        why = to_client_fault(error)
        for index in wanted:
            results[index].error_code, results[index].error_message = why.code, why.message
        return DeleteAclsResponse(filter_results=results)
    for index, acls in zip(wanted, gone, strict=True):
        results[index].matching_acls = [
            DeleteAclsMatchingAcl(
                error_message=None,
                resource_type=acl.resource_type,
                resource_name=acl.name,
                pattern_type=acl.pattern,
                principal=acl.principal,
                host=acl.host,
                operation=acl.operation,
                permission_type=acl.permission,
            )
            for acl in acls
        ]
    return DeleteAclsResponse(filter_results=results)
