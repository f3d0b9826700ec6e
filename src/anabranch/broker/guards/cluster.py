"""What concerns the cluster as a whole, and what needs no right at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import Operation, ResourceType
from anabranch.broker.guards.catalogue import cluster_operations
from anabranch.broker.guards.parts import (
    CLUSTER,
    Guard,
    Handle,
    audited,
    needs_cluster,
    open_to_all,
    plain,
    then,
)
from anabranch.broker.security.principal import Principal
from anabranch.broker.topics import OPERATIONS_NOT_ASKED
from anabranch.errors import ErrorCode
from anabranch.wire.codec import Message
from anabranch.wire.messages.m29_describe_acls import DescribeAclsResponse
from anabranch.wire.messages.m30_create_acls import (
    AclCreationResult,
    CreateAclsRequest,
    CreateAclsResponse,
)
from anabranch.wire.messages.m31_delete_acls import (
    DeleteAclsFilterResult,
    DeleteAclsRequest,
    DeleteAclsResponse,
)
from anabranch.wire.messages.m34_alter_replica_log_dirs import (
    AlterReplicaLogDirPartitionResult,
    AlterReplicaLogDirsRequest,
    AlterReplicaLogDirsResponse,
    AlterReplicaLogDirTopicResult,
)
from anabranch.wire.messages.m35_describe_log_dirs import (
    DescribeLogDirsResponse,
    DescribeLogDirsResult,
)
from anabranch.wire.messages.m38_create_delegation_token import (
    CreateDelegationTokenRequest,
    CreateDelegationTokenResponse,
)
from anabranch.wire.messages.m41_describe_delegation_token import (
    DescribedDelegationToken,
    DescribeDelegationTokenRequest,
    DescribeDelegationTokenResponse,
)
from anabranch.wire.messages.m43_elect_leaders import ElectLeadersResponse
from anabranch.wire.messages.m45_alter_partition_reassignments import (
    AlterPartitionReassignmentsResponse,
)
from anabranch.wire.messages.m46_list_partition_reassignments import (
    ListPartitionReassignmentsResponse,
)
from anabranch.wire.messages.m48_describe_client_quotas import DescribeClientQuotasResponse
from anabranch.wire.messages.m49_alter_client_quotas import (
    AlterClientQuotasRequest,
    AlterClientQuotasResponse,
    AlterClientQuotasResponseEntityData,
    AlterClientQuotasResponseEntryData,
)
from anabranch.wire.messages.m50_describe_user_scram_credentials import (
    DescribeUserScramCredentialsResponse,
)
from anabranch.wire.messages.m51_alter_user_scram_credentials import (
    AlterUserScramCredentialsRequest,
    AlterUserScramCredentialsResponse,
    AlterUserScramCredentialsResult,
)
from anabranch.wire.messages.m55_describe_quorum import DescribeQuorumResponse
from anabranch.wire.messages.m57_update_features import UpdateFeaturesResponse
from anabranch.wire.messages.m60_describe_cluster import (
    DescribeClusterRequest,
    DescribeClusterResponse,
)
from anabranch.wire.messages.m64_unregister_broker import UnregisterBrokerResponse

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started


def changes_cluster(
    operation: Operation,
    response: Callable[[Any, ErrorCode, str], Message],
    note: Callable[[Access, Any, Any], None],
) -> Guard:
    """A right on the cluster, and a line in the audit log for what was done by it."""

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        if not access.check_cluster(operation):
            return response(request, *REFUSALS[CLUSTER])
        return then(handle(access.context, request), lambda reply: note(access, request, reply))

    return guard


# -- answers that have no place for one error ------------------------------------------------------
def _create_acls(request: CreateAclsRequest, code: ErrorCode, message: str) -> Message:
    result = [AclCreationResult(error_code=code, error_message=message) for _ in request.creations]
    return CreateAclsResponse(results=result)


def _delete_acls(request: DeleteAclsRequest, code: ErrorCode, message: str) -> Message:
    return DeleteAclsResponse(
        filter_results=[
            DeleteAclsFilterResult(error_code=code, error_message=message) for _ in request.filters
        ]
    )


def _alter_dirs(request: AlterReplicaLogDirsRequest, code: ErrorCode, _: str) -> Message:
    return AlterReplicaLogDirsResponse(
        results=[
            AlterReplicaLogDirTopicResult(
                topic_name=topic.name,
                partitions=[
                    AlterReplicaLogDirPartitionResult(partition_index=index, error_code=code)
                    for index in topic.partitions
                ],
            )
            for one in request.dirs
            for topic in one.topics
        ]
    )


def _describe_dirs(_: Any, code: ErrorCode, __: str) -> Message:
    # The error of the whole is there from version 3 on; before, an empty answer says it, as in Kafka.
    return DescribeLogDirsResponse(error_code=code, results=list[DescribeLogDirsResult]())


def _alter_quotas(request: AlterClientQuotasRequest, code: ErrorCode, message: str) -> Message:
    return AlterClientQuotasResponse(
        entries=[
            AlterClientQuotasResponseEntryData(
                error_code=code,
                error_message=message,
                entity=[
                    AlterClientQuotasResponseEntityData(
                        entity_type=part.entity_type, entity_name=part.entity_name
                    )
                    for part in entry.entity
                ],
            )
            for entry in request.entries
        ]
    )


def _alter_scram(
    request: AlterUserScramCredentialsRequest, code: ErrorCode, message: str
) -> Message:
    users = dict.fromkeys(
        [one.name for one in request.deletions] + [one.name for one in request.upsertions]
    )
    return AlterUserScramCredentialsResponse(
        results=[
            AlterUserScramCredentialsResult(user=user, error_code=code, error_message=message)
            for user in users
        ]
    )


def _describe_quotas(_: Any, code: ErrorCode, message: str) -> Message:
    return DescribeClientQuotasResponse(error_code=code, error_message=message, entries=None)


# -- what is noted of changes ----------------------------------------------------------------------
def _note_created(access: Access, request: CreateAclsRequest, reply: CreateAclsResponse) -> None:
    for wanted, one in zip(request.creations, reply.results, strict=True):
        audited(
            access,
            Kind.ADMIN,
            code=one.error_code,
            message=one.error_message,
            resource=f"ACL:{wanted.principal}",
            details=_acl(wanted, wanted.resource_pattern_type),
        )


def _note_deleted(access: Access, request: DeleteAclsRequest, reply: DeleteAclsResponse) -> None:
    for result in reply.filter_results:
        if result.error_code:
            audited(access, Kind.ADMIN, code=result.error_code, message=result.error_message)
        for one in result.matching_acls:
            audited(
                access,
                Kind.ADMIN,
                code=one.error_code,
                message=one.error_message,
                resource=f"ACL:{one.principal}",
                details=_acl(one, one.pattern_type),
            )


def _acl(one: Any, pattern: int) -> dict[str, Any]:
    return {
        "resource_type": one.resource_type,
        "resource_name": one.resource_name,
        "pattern_type": pattern,
        "host": one.host,
        "operation": one.operation,
        "permission_type": one.permission_type,
    }


def _note_scram(
    access: Access,
    request: AlterUserScramCredentialsRequest,
    reply: AlterUserScramCredentialsResponse,
) -> None:
    for one in reply.results:
        audited(
            access,
            Kind.ADMIN,
            code=one.error_code,
            message=one.error_message,
            resource=f"USER:{one.user}",
        )


def _note_quotas(
    access: Access, request: AlterClientQuotasRequest, reply: AlterClientQuotasResponse
) -> None:
    if request.validate_only:
        return
    for wanted, one in zip(request.entries, reply.entries, strict=True):
        name = ",".join(f"{part.entity_type}={part.entity_name}" for part in wanted.entity)
        audited(
            access,
            Kind.ADMIN,
            code=one.error_code,
            message=one.error_message,
            resource=f"QUOTA:{name}",
            details={op.key: None if op.remove else op.value for op in wanted.ops},
        )


def _note_plain(access: Access, request: Any, reply: Any) -> None:
    audited(access, Kind.ADMIN, code=reply.error_code, message=getattr(reply, "error_message", ""))


# -- the others ----------------------------------------------------------------------------------
def describe_cluster(access: Access, request: DescribeClusterRequest, handle: Handle) -> Started:
    """Open to all; the bit field shows what may be done."""

    def look(response: DescribeClusterResponse) -> None:
        if response.cluster_authorized_operations != OPERATIONS_NOT_ASKED:
            response.cluster_authorized_operations = cluster_operations(access)

    return then(handle(access.context, request), look)


def create_delegation_token(
    access: Access, request: CreateDelegationTokenRequest, handle: Handle
) -> Started:
    """For somebody else: CREATE_TOKENS of that user (KIP-373). The handler judges the rest."""
    if request.owner_principal_name:
        owner = Principal(request.owner_principal_type or "", request.owner_principal_name)
        if owner != access.context.principal and not access.check(
            Operation.CREATE_TOKENS, ResourceType.USER, str(owner)
        ):
            return plain(CreateDelegationTokenResponse)(request, *REFUSALS[ResourceType.USER])
    return then(handle(access.context, request), lambda reply: _note_plain(access, request, reply))


def describe_delegation_token(
    access: Access, request: DescribeDelegationTokenRequest, handle: Handle
) -> Started:
    """One's own tokens, and those with DESCRIBE of the token or DESCRIBE_TOKENS of its owner."""
    me = access.context.principal

    def visible(token: DescribedDelegationToken) -> bool:
        owner = Principal(token.principal_type, token.principal_name)
        mine = [
            owner,
            Principal(token.token_requester_principal_type, token.token_requester_principal_name),
            *(Principal(one.principal_type, one.principal_name) for one in token.renewers),
        ]
        return (
            me in mine
            or access.may(Operation.DESCRIBE, ResourceType.DELEGATION_TOKEN, token.token_id)
            or access.may(Operation.DESCRIBE_TOKENS, ResourceType.USER, str(owner))
        )

    def look(response: DescribeDelegationTokenResponse) -> None:
        response.tokens = [one for one in response.tokens if visible(one)]

    return then(handle(access.context, request), look)


def noted(access: Access, request: Any, handle: Handle) -> Started:
    """The handler judges by who the client is; what it did is noted."""
    return then(handle(access.context, request), lambda reply: _note_plain(access, request, reply))


_O = Operation

GUARDS: Final[dict[int, Guard]] = {
    17: open_to_all,  # SaslHandshake
    18: open_to_all,  # ApiVersions
    29: needs_cluster(_O.DESCRIBE, plain(DescribeAclsResponse)),
    30: changes_cluster(_O.ALTER, _create_acls, _note_created),
    31: changes_cluster(_O.ALTER, _delete_acls, _note_deleted),
    34: needs_cluster(_O.ALTER, _alter_dirs),
    35: needs_cluster(_O.DESCRIBE, _describe_dirs),
    36: open_to_all,  # SaslAuthenticate
    38: create_delegation_token,
    39: noted,
    40: noted,
    41: describe_delegation_token,
    43: needs_cluster(_O.ALTER, plain(ElectLeadersResponse)),
    45: needs_cluster(_O.ALTER, plain(AlterPartitionReassignmentsResponse)),
    46: needs_cluster(_O.DESCRIBE, plain(ListPartitionReassignmentsResponse)),
    48: needs_cluster(_O.DESCRIBE_CONFIGS, _describe_quotas),
    49: changes_cluster(_O.ALTER_CONFIGS, _alter_quotas, _note_quotas),
    50: needs_cluster(_O.DESCRIBE, plain(DescribeUserScramCredentialsResponse)),
    51: changes_cluster(_O.ALTER, _alter_scram, _note_scram),
    55: needs_cluster(_O.DESCRIBE, plain(DescribeQuorumResponse)),
    57: changes_cluster(_O.ALTER, plain(UpdateFeaturesResponse), _note_plain),
    60: describe_cluster,
    64: changes_cluster(_O.ALTER, plain(UnregisterBrokerResponse), _note_plain),
    71: open_to_all,  # GetTelemetrySubscriptions
    72: open_to_all,  # PushTelemetry
}
