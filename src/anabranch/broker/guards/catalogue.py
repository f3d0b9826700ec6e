"""Topics: Metadata (3), CreateTopics (19), DeleteTopics (20), CreatePartitions (37), DescribeTopicPartitions
(75).

Topics that a client may not describe do not exist for it when it asks for all of them, and are
TOPIC_AUTHORIZATION_FAILED when it names them, whether they exist or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import CLUSTER_NAME, Operation
from anabranch.broker.guards.parts import (
    CLUSTER,
    TOPIC,
    Guard,
    Handle,
    audited,
    split,
    then,
)
from anabranch.broker.topics import OPERATIONS_NOT_ASKED
from anabranch.errors import ErrorCode
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseTopic,
)
from anabranch.wire.messages.m19_create_topics import (
    CreatableTopic,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)
from anabranch.wire.messages.m20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsRequest,
    CreatePartitionsResponse,
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)
from anabranch.wire.messages.m75_describe_topic_partitions import (
    DescribeTopicPartitionsRequest,
    DescribeTopicPartitionsResponse,
    DescribeTopicPartitionsResponseTopic,
    TopicRequest,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started

_REFUSED, _REFUSED_MESSAGE = REFUSALS[TOPIC]
_DELETE_STATES: Final = 6  # DeleteTopics: topics by name or id
_TOPIC_IDS: Final = 12  # Metadata: the name may be null


def metadata(access: Access, request: MetadataRequest, handle: Handle) -> Started:
    """DESCRIBE of each topic; CREATE of the topic or the cluster for one that would be created."""
    everything = request.topics is None or (not request.topics and access.context.version == 0)
    refused: list[MetadataResponseTopic] = []
    nothing = False  # of what was named may be described
    if not everything:
        allowed = []
        for wanted in request.topics or ():
            answer = _refuse_metadata(access, wanted, request.allow_auto_topic_creation)
            if answer is None:
                allowed.append(wanted)
            else:
                refused.append(answer)
        request.topics = allowed
        nothing = bool(refused) and not allowed
        if nothing and access.context.version == 0:
            # There, no topics would mean all of them: none that exists has an empty name.
            request.topics = [MetadataRequestTopic(name="")]

    def look(response: MetadataResponse) -> None:
        if everything:
            response.topics = [
                one
                for one in response.topics
                if one.name is not None and access.may(Operation.DESCRIBE, TOPIC, one.name)
            ]
        elif nothing:
            response.topics = []
        if request.include_topic_authorized_operations:
            for topic in response.topics:
                if not topic.error_code and topic.name is not None:
                    topic.topic_authorized_operations = access.operations(TOPIC, topic.name)
        response.topics = [*response.topics, *refused]
        if response.cluster_authorized_operations != OPERATIONS_NOT_ASKED:
            response.cluster_authorized_operations = cluster_operations(access)

    return then(handle(access.context, request), look)


def _refuse_metadata(
    access: Access, wanted: MetadataRequestTopic, create: bool
) -> MetadataResponseTopic | None:
    if wanted.topic_id != ZERO_UUID:
        name = access.topic_name(wanted.topic_id)
        if name is None or access.check(Operation.DESCRIBE, TOPIC, name):
            return None
        # A topic's id is no secret, its name is.
        return MetadataResponseTopic(error_code=_REFUSED, name=None, topic_id=wanted.topic_id)
    if wanted.name is None:
        return None  # malformed, which the handler says
    context = access.context
    allowed = access.check(Operation.DESCRIBE, TOPIC, wanted.name)
    if (
        allowed
        and create
        and context.broker.settings.topics.auto_create
        and context.log.catalogue.topic(wanted.name) is None
    ):
        allowed = access.may(Operation.CREATE, CLUSTER, CLUSTER_NAME) or access.check(
            Operation.CREATE, TOPIC, wanted.name
        )
    if allowed:
        return None
    return MetadataResponseTopic(error_code=_REFUSED, name=wanted.name, topic_id=ZERO_UUID)


def cluster_operations(access: Access) -> int:
    """The bit field of the cluster; 0 for who may not even describe it."""
    if not access.check_cluster(Operation.DESCRIBE):
        return 0
    return access.operations(CLUSTER, CLUSTER_NAME)


def create_topics(access: Access, request: CreateTopicsRequest, handle: Handle) -> Started:
    """CREATE of the cluster or of each topic; the answer shows configs to who has DESCRIBE_CONFIGS."""
    all_of_them = access.may(Operation.CREATE, CLUSTER, CLUSTER_NAME)
    asked = {one.name: one for one in request.topics}

    def look(response: CreateTopicsResponse) -> None:
        for one in response.topics:
            wanted = asked[one.name]
            if not request.validate_only:
                audited(
                    access,
                    Kind.ADMIN,
                    code=one.error_code,
                    message=one.error_message,
                    resource=f"TOPIC:{one.name}",
                    details={
                        "partitions": one.num_partitions,
                        "configs": {config.name: config.value for config in wanted.configs},
                    },
                )
            if not one.error_code and not access.may(Operation.DESCRIBE_CONFIGS, TOPIC, one.name):
                one.topic_config_error_code = _REFUSED
                one.num_partitions = one.replication_factor = -1
                one.configs = None

    def may(one: CreatableTopic) -> bool:
        return all_of_them or access.check(Operation.CREATE, TOPIC, one.name)

    return split(
        access,
        request,
        handle,
        field="topics",
        may=may,
        refuse=lambda one: CreatableTopicResult(
            name=one.name, error_code=_REFUSED, error_message="Authorization failed."
        ),
        answers="topics",
        look=look,
    )


def delete_topics(access: Access, request: DeleteTopicsRequest, handle: Handle) -> Started:
    """DELETE of each topic; one that the client may not describe keeps its name to itself."""
    by_state = access.context.version >= _DELETE_STATES

    def may(one: DeleteTopicState | str) -> bool:
        name = one if isinstance(one, str) else one.name
        if name is None and not isinstance(one, str):
            name = access.topic_name(one.topic_id)
        return name is None or access.check(Operation.DELETE, TOPIC, name)

    def refuse(one: DeleteTopicState | str) -> DeletableTopicResult:
        if isinstance(one, str):
            return DeletableTopicResult(
                name=one, error_code=_REFUSED, error_message=_REFUSED_MESSAGE
            )
        name = one.name
        if name is None:
            known = access.topic_name(one.topic_id)
            if known is not None and access.may(Operation.DESCRIBE, TOPIC, known):
                name = known
        return DeletableTopicResult(
            name=name, topic_id=one.topic_id, error_code=_REFUSED, error_message=_REFUSED_MESSAGE
        )

    def look(response: DeleteTopicsResponse) -> None:
        for one in response.responses:
            audited(
                access,
                Kind.ADMIN,
                code=one.error_code,
                message=one.error_message,
                resource=f"TOPIC:{one.name or one.topic_id.hex()}",
            )

    return split(
        access,
        request,
        handle,
        field="topics" if by_state else "topic_names",
        may=may,
        refuse=refuse,
        answers="responses",
        look=look,
    )


def create_partitions(access: Access, request: CreatePartitionsRequest, handle: Handle) -> Started:
    """ALTER of each topic."""
    counts = {one.name: one.count for one in request.topics}

    def look(response: CreatePartitionsResponse) -> None:
        for one in response.results:
            if not request.validate_only:
                audited(
                    access,
                    Kind.ADMIN,
                    code=one.error_code,
                    message=one.error_message,
                    resource=f"TOPIC:{one.name}",
                    details={"partitions": counts[one.name]},
                )

    def may(one: CreatePartitionsTopic) -> bool:
        return access.check(Operation.ALTER, TOPIC, one.name)

    return split(
        access,
        request,
        handle,
        field="topics",
        may=may,
        refuse=lambda one: CreatePartitionsTopicResult(
            name=one.name, error_code=_REFUSED, error_message=_REFUSED_MESSAGE
        ),
        answers="results",
        look=look,
    )


def describe_topic_partitions(
    access: Access, request: DescribeTopicPartitionsRequest, handle: Handle
) -> Started:
    """DESCRIBE of each topic."""
    refused: list[DescribeTopicPartitionsResponseTopic] = []
    if request.topics:
        allowed = []
        for one in request.topics:
            if access.check(Operation.DESCRIBE, TOPIC, one.name):
                allowed.append(one)
            else:
                refused.append(
                    DescribeTopicPartitionsResponseTopic(error_code=_REFUSED, name=one.name)
                )
    else:
        first = request.cursor.topic_name if request.cursor is not None else ""
        allowed = [
            TopicRequest(name=topic.name)
            for topic in access.context.log.catalogue.topics()
            if topic.name >= first and access.may(Operation.DESCRIBE, TOPIC, topic.name)
        ]
    request.topics = allowed
    if not allowed:
        return DescribeTopicPartitionsResponse(topics=refused)

    def look(response: DescribeTopicPartitionsResponse) -> None:
        for topic in response.topics:
            if topic.error_code == ErrorCode.NONE and topic.name is not None:
                topic.topic_authorized_operations = access.operations(TOPIC, topic.name)
        response.topics = [*response.topics, *refused]

    return then(handle(access.context, request), look)


GUARDS: Final[dict[int, Guard]] = {
    3: metadata,
    19: create_topics,
    20: delete_topics,
    37: create_partitions,
    75: describe_topic_partitions,
}
