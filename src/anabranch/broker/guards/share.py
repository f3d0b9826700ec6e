"""Share groups (76 to 79, 90 to 92; KIP-932): READ of the group for members, DESCRIBE and DELETE for tools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import Operation
from anabranch.broker.guards.groups import assigned_topics, describes_members, subscribes
from anabranch.broker.guards.parts import GROUP, TOPIC, Guard, Handle, plain, split
from anabranch.wire.codec import Message
from anabranch.wire.messages.m76_share_group_heartbeat import (
    ShareGroupHeartbeatRequest,
    ShareGroupHeartbeatResponse,
)
from anabranch.wire.messages.m77_share_group_describe import DescribedGroup
from anabranch.wire.messages.m78_share_fetch import PartitionData as FetchedPartition
from anabranch.wire.messages.m78_share_fetch import (
    ShareFetchableTopicResponse,
    ShareFetchResponse,
)
from anabranch.wire.messages.m79_share_acknowledge import PartitionData as AcknowledgedPartition
from anabranch.wire.messages.m79_share_acknowledge import (
    ShareAcknowledgeResponse,
    ShareAcknowledgeTopicResponse,
)
from anabranch.wire.messages.m90_describe_share_group_offsets import (
    DescribeShareGroupOffsetsRequest,
    DescribeShareGroupOffsetsRequestGroup,
    DescribeShareGroupOffsetsResponse,
    DescribeShareGroupOffsetsResponseGroup,
    DescribeShareGroupOffsetsResponsePartition,
    DescribeShareGroupOffsetsResponseTopic,
)
from anabranch.wire.messages.m91_alter_share_group_offsets import (
    AlterShareGroupOffsetsRequest,
    AlterShareGroupOffsetsResponse,
    AlterShareGroupOffsetsResponsePartition,
    AlterShareGroupOffsetsResponseTopic,
)
from anabranch.wire.messages.m92_delete_share_group_offsets import (
    DeleteShareGroupOffsetsRequest,
    DeleteShareGroupOffsetsResponse,
    DeleteShareGroupOffsetsResponseTopic,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started

_TOPIC, _TOPIC_MESSAGE = REFUSALS[TOPIC]
_GROUP, _GROUP_MESSAGE = REFUSALS[GROUP]


def heartbeat(access: Access, request: ShareGroupHeartbeatRequest, handle: Handle) -> Started:
    refusal = subscribes(
        access, ShareGroupHeartbeatResponse, request.group_id, request.subscribed_topic_names or []
    )
    return refusal or handle(access.context, request)


def _reads(response: type[Message], topic: type[Any], partition: type[Any]) -> Guard:
    """READ of the group and of each topic that is named. A share session also stands for topics that were
    named before; ShareFetch asks for those again (``sharing.check_read``)."""

    def refuse(one: Any) -> Any:
        return topic(
            topic_id=one.topic_id,
            partitions=[
                partition(
                    partition_index=part.partition_index,
                    error_code=_TOPIC,
                    error_message=_TOPIC_MESSAGE,
                )
                for part in one.partitions
            ],
        )

    def guard(access: Access, request: Any, handle: Handle) -> Started:
        if not access.check(Operation.READ, GROUP, request.group_id or ""):
            return plain(response)(request, _GROUP, _GROUP_MESSAGE)

        def may(one: Any) -> bool:
            name = access.topic_name(one.topic_id)
            return name is None or access.check(Operation.READ, TOPIC, name)

        return split(
            access, request, handle, field="topics", may=may, refuse=refuse, answers="responses"
        )

    return guard


def describe_offsets(
    access: Access, request: DescribeShareGroupOffsetsRequest, handle: Handle
) -> Started:
    """DESCRIBE of each group and topic."""
    refused: dict[str, list[DescribeShareGroupOffsetsResponseTopic]] = {}

    def may(group: DescribeShareGroupOffsetsRequestGroup) -> bool:
        if not access.check(Operation.DESCRIBE, GROUP, group.group_id):
            return False
        allowed = []
        for one in group.topics or ():
            if access.check(Operation.DESCRIBE, TOPIC, one.topic_name):
                allowed.append(one)
                continue
            refused.setdefault(group.group_id, []).append(
                DescribeShareGroupOffsetsResponseTopic(
                    topic_name=one.topic_name,
                    partitions=[
                        DescribeShareGroupOffsetsResponsePartition(
                            partition_index=index, error_code=_TOPIC, error_message=_TOPIC_MESSAGE
                        )
                        for index in one.partitions
                    ],
                )
            )
        if group.topics is not None:
            group.topics = allowed
        return True

    everything = {group.group_id for group in request.groups if group.topics is None}

    def look(response: DescribeShareGroupOffsetsResponse) -> None:
        for group in response.groups:
            if group.group_id in everything:
                group.topics = [
                    one
                    for one in group.topics
                    if access.may(Operation.DESCRIBE, TOPIC, one.topic_name)
                ]
            group.topics.extend(refused.get(group.group_id, ()))

    return split(
        access,
        request,
        handle,
        field="groups",
        may=may,
        refuse=lambda one: DescribeShareGroupOffsetsResponseGroup(
            group_id=one.group_id, error_code=_GROUP, error_message=_GROUP_MESSAGE
        ),
        answers="groups",
        look=look,
    )


def alter_offsets(
    access: Access, request: AlterShareGroupOffsetsRequest, handle: Handle
) -> Started:
    """READ of the group and of each topic; REPLAY of the group, for where it starts may be further back."""
    for operation in (Operation.READ, Operation.REPLAY):
        if not access.check(operation, GROUP, request.group_id):
            return AlterShareGroupOffsetsResponse(error_code=_GROUP, error_message=_GROUP_MESSAGE)
    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: access.check(Operation.READ, TOPIC, one.topic_name),
        refuse=lambda one: AlterShareGroupOffsetsResponseTopic(
            topic_name=one.topic_name,
            partitions=[
                AlterShareGroupOffsetsResponsePartition(
                    partition_index=part.partition_index,
                    error_code=_TOPIC,
                    error_message=_TOPIC_MESSAGE,
                )
                for part in one.partitions
            ],
        ),
        answers="responses",
    )


def delete_offsets(
    access: Access, request: DeleteShareGroupOffsetsRequest, handle: Handle
) -> Started:
    """DELETE of the group, READ of each topic."""
    if not access.check(Operation.DELETE, GROUP, request.group_id):
        return DeleteShareGroupOffsetsResponse(error_code=_GROUP, error_message=_GROUP_MESSAGE)
    return split(
        access,
        request,
        handle,
        field="topics",
        may=lambda one: access.check(Operation.READ, TOPIC, one.topic_name),
        refuse=lambda one: DeleteShareGroupOffsetsResponseTopic(
            topic_name=one.topic_name, error_code=_TOPIC, error_message=_TOPIC_MESSAGE
        ),
        answers="responses",
    )


GUARDS: Final[dict[int, Guard]] = {
    76: heartbeat,
    77: describes_members(DescribedGroup, assigned_topics),
    78: _reads(ShareFetchResponse, ShareFetchableTopicResponse, FetchedPartition),
    79: _reads(ShareAcknowledgeResponse, ShareAcknowledgeTopicResponse, AcknowledgedPartition),
    90: describe_offsets,
    91: alter_offsets,
    92: delete_offsets,
}
