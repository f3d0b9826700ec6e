"""Groups of consumers: coordinators, members, descriptions, deletion (10 to 16, 42, 68, 69, 88, 89).

Topics that members have and the client may not describe make a described group
TOPIC_AUTHORIZATION_FAILED, as in Kafka, rather than leave something out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation
from anabranch.broker.guards.parts import (
    CLUSTER,
    GROUP,
    TOPIC,
    TRANSACTION,
    Guard,
    Handle,
    audited,
    plain,
    split,
    then,
)
from anabranch.broker.topics import OPERATIONS_NOT_ASKED
from anabranch.wire.codec import Message
from anabranch.wire.messages.m10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from anabranch.wire.messages.m11_join_group import JoinGroupResponse
from anabranch.wire.messages.m12_heartbeat import HeartbeatResponse
from anabranch.wire.messages.m13_leave_group import LeaveGroupResponse
from anabranch.wire.messages.m14_sync_group import SyncGroupResponse
from anabranch.wire.messages.m15_describe_groups import (
    DescribedGroup,
    DescribeGroupsRequest,
    DescribeGroupsResponse,
)
from anabranch.wire.messages.m16_list_groups import ListGroupsRequest, ListGroupsResponse
from anabranch.wire.messages.m42_delete_groups import (
    DeletableGroupResult,
    DeleteGroupsRequest,
    DeleteGroupsResponse,
)
from anabranch.wire.messages.m68_consumer_group_heartbeat import (
    ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse,
)
from anabranch.wire.messages.m69_consumer_group_describe import (
    DescribedGroup as DescribedConsumerGroup,
)
from anabranch.wire.messages.m88_streams_group_heartbeat import (
    StreamsGroupHeartbeatRequest,
    StreamsGroupHeartbeatResponse,
)
from anabranch.wire.messages.m89_streams_group_describe import (
    DescribedGroup as DescribedStreamsGroup,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started

_COORDINATOR_KEYS: Final = 4  # FindCoordinator: several at once
_KEY_TYPES: Final = {0: GROUP, 1: TRANSACTION}
_REFUSED, _REFUSED_MESSAGE = REFUSALS[GROUP]


def find_coordinator(access: Access, request: FindCoordinatorRequest, handle: Handle) -> Started:
    """DESCRIBE of the group or transactional id; CLUSTER_ACTION for share groups' state, as in Kafka."""
    kind = _KEY_TYPES.get(request.key_type)

    def may(key: str) -> bool:
        if kind is None:
            return access.check_cluster(Operation.CLUSTER_ACTION)
        return access.check(Operation.DESCRIBE, kind, key)

    code, message = REFUSALS[CLUSTER if kind is None else kind]
    if access.context.version < _COORDINATOR_KEYS:
        if may(request.key):
            return handle(access.context, request)
        return FindCoordinatorResponse(error_code=code, error_message=message, node_id=-1, port=-1)
    return split(
        access,
        request,
        handle,
        field="coordinator_keys",
        may=may,
        refuse=lambda key: Coordinator(
            key=key, node_id=-1, host="", port=-1, error_code=code, error_message=message
        ),
        answers="coordinators",
    )


def reads_group(response: type[Message]) -> Guard:
    """READ of the group: what a member needs."""
    refuse = plain(response)

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        if not access.check(Operation.READ, GROUP, request.group_id):
            return refuse(request, _REFUSED, _REFUSED_MESSAGE)
        return handle(access.context, request)

    return guard


def subscribes(
    access: Access, response: type[Message], group_id: str, names: list[str]
) -> Message | None:
    """READ of the group and DESCRIBE of each topic it names; None if all is allowed."""
    if not access.check(Operation.READ, GROUP, group_id):
        return plain(response)(None, _REFUSED, _REFUSED_MESSAGE)
    for name in names:
        if not access.check(Operation.DESCRIBE, TOPIC, name):
            code, message = REFUSALS[TOPIC]
            return plain(response)(None, code, message)
    return None


def consumer_group_heartbeat(
    access: Access, request: ConsumerGroupHeartbeatRequest, handle: Handle
) -> Started:
    refusal = subscribes(
        access,
        ConsumerGroupHeartbeatResponse,
        request.group_id,
        request.subscribed_topic_names or [],
    )
    return refusal or handle(access.context, request)


def streams_group_heartbeat(
    access: Access, request: StreamsGroupHeartbeatRequest, handle: Handle
) -> Started:
    names = []
    for part in request.topology.subtopologies if request.topology is not None else ():
        names += [*part.source_topics, *part.repartition_sink_topics]
        names += [
            one.name for one in (*part.repartition_source_topics, *part.state_changelog_topics)
        ]
    refusal = subscribes(access, StreamsGroupHeartbeatResponse, request.group_id, names)
    return refusal or handle(access.context, request)


def describe_groups(access: Access, request: DescribeGroupsRequest, handle: Handle) -> Started:
    """DESCRIBE of each group."""

    def look(response: DescribeGroupsResponse) -> None:
        for group in response.groups:
            if group.authorized_operations != OPERATIONS_NOT_ASKED:
                group.authorized_operations = access.operations(GROUP, group.group_id)

    return split(
        access,
        request,
        handle,
        field="groups",
        may=lambda name: access.check(Operation.DESCRIBE, GROUP, name),
        refuse=lambda name: DescribedGroup(
            error_code=_REFUSED, error_message=_REFUSED_MESSAGE, group_id=name, group_state=""
        ),
        answers="groups",
        look=look,
    )


def describes_members(described: type[Any], topics_of: Any) -> Guard:
    """DESCRIBE of each group, and of every topic that its members have."""

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        def look(response: Any) -> None:
            for group in response.groups:
                if group.authorized_operations != OPERATIONS_NOT_ASKED:
                    group.authorized_operations = access.operations(GROUP, group.group_id)
                if group.error_code:
                    continue
                if not all(
                    access.may(Operation.DESCRIBE, TOPIC, name) for name in topics_of(group)
                ):
                    group.error_code = REFUSALS[TOPIC][0]
                    group.error_message = "The group has described topic(s) that the client is not authorized to describe."
                    group.members = []

        return split(
            access,
            request,
            handle,
            field="group_ids",
            may=lambda name: access.check(Operation.DESCRIBE, GROUP, name),
            refuse=lambda name: described(
                error_code=_REFUSED, error_message=_REFUSED_MESSAGE, group_id=name
            ),
            answers="groups",
            look=look,
        )

    return guard


def assigned_topics(group: Any) -> set[str]:
    """Topics that a member of a described group is subscribed to, has or will have."""
    names: set[str] = set()
    for member in group.members:
        names.update(member.subscribed_topic_names)
        for assignment in (member.assignment, getattr(member, "target_assignment", None)):
            if assignment is not None:
                names.update(one.topic_name for one in assignment.topic_partitions)
    return names


def _topology_topics(group: Any) -> set[str]:
    names: set[str] = set()
    topology = group.topology
    for part in (topology.subtopologies or ()) if topology is not None else ():
        names.update(part.source_topics, part.repartition_sink_topics)
        names.update(one.name for one in part.repartition_source_topics)
        names.update(one.name for one in part.state_changelog_topics)
    return names


def list_groups(access: Access, request: ListGroupsRequest, handle: Handle) -> Started:
    """DESCRIBE of the cluster for all, else those that may be described."""
    if access.may(Operation.DESCRIBE, CLUSTER, CLUSTER_NAME):
        return handle(access.context, request)

    def look(response: ListGroupsResponse) -> None:
        response.groups = [
            one for one in response.groups if access.may(Operation.DESCRIBE, GROUP, one.group_id)
        ]

    return then(handle(access.context, request), look)


def delete_groups(access: Access, request: DeleteGroupsRequest, handle: Handle) -> Started:
    """DELETE of each group."""

    def look(response: DeleteGroupsResponse) -> None:
        for one in response.results:
            audited(access, Kind.ADMIN, code=one.error_code, resource=f"GROUP:{one.group_id}")

    return split(
        access,
        request,
        handle,
        field="groups_names",
        may=lambda name: access.check(Operation.DELETE, GROUP, name),
        refuse=lambda name: DeletableGroupResult(group_id=name, error_code=_REFUSED),
        answers="results",
        look=look,
    )


GUARDS: Final[dict[int, Guard]] = {
    10: find_coordinator,
    11: reads_group(JoinGroupResponse),
    12: reads_group(HeartbeatResponse),
    13: reads_group(LeaveGroupResponse),
    14: reads_group(SyncGroupResponse),
    15: describe_groups,
    16: list_groups,
    42: delete_groups,
    68: consumer_group_heartbeat,
    69: describes_members(DescribedConsumerGroup, assigned_topics),
    88: streams_group_heartbeat,
    89: describes_members(DescribedStreamsGroup, _topology_topics),
}
