"""CreateAcls (30), versions 1 to 3 (KIP-140, KIP-290): durable and in force here when answered.

An entry that is there already is no error. Errors of each: SECURITY_DISABLED where no ACLs are enforced,
INVALID_REQUEST, POLICY_VIOLATION (too many), CLUSTER_AUTHORIZATION_FAILED.
"""

from __future__ import annotations

from anabranch.broker import lanes
from anabranch.broker.authz.acl import Acl
from anabranch.broker.authz.wire import acl_of
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.wire.messages.m30_create_acls import (
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)

KEY = 30
MIN = 1
MAX = 3


async def handle(context: Context, request: CreateAclsRequest) -> CreateAclsResponse:
    results: list[ClientFault | None] = [None] * len(request.creations)
    wanted: dict[int, Acl] = {}
    authorizer = context.broker.authorizer
    for index, creation in enumerate(request.creations):
        try:
            if authorizer is None:
                raise ClientFault(ErrorCode.SECURITY_DISABLED, "No Authorizer is configured.")
            lanes.check_cluster(context.lane)
            wanted[index] = acl_of(creation)
        except ClientFault as fault:
            results[index] = fault
    if authorizer is not None and wanted:
        try:
            outcomes = await authorizer.create(list(wanted.values()))
        except StoreFault as fault:
            outcomes = [to_client_fault(fault)] * len(wanted)
        for index, outcome in zip(wanted, outcomes, strict=True):
            results[index] = outcome
    return CreateAclsResponse(
        results=[
            AclCreationResult(error_message=None)
            if fault is None
            else AclCreationResult(error_code=fault.code, error_message=fault.message)
            for fault in results
        ]
    )
