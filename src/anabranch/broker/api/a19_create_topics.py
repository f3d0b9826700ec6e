"""CreateTopics (19), versions 2 to 7: topics with their partitions and configs.

Any replication factor is accepted and reported as 1: durability comes from the store. A manual
assignment is accepted for its number of partitions. -1 partitions means the broker's default
(KIP-464). ``validate_only`` checks everything and creates nothing. From v5 the answer shows the
topic's configs (KIP-525).

Topic errors: TOPIC_ALREADY_EXISTS, INVALID_TOPIC_EXCEPTION, INVALID_PARTITIONS, INVALID_CONFIG,
INVALID_REPLICATION_FACTOR, INVALID_REPLICA_ASSIGNMENT, INVALID_REQUEST (a name twice).
"""

from __future__ import annotations

from anabranch.broker import lanes, topics
from anabranch.broker.configs import describe_topic
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.config import validate_configs, validate_topic_name
from anabranch.wire.messages.m19_create_topics import (
    CreatableTopic,
    CreatableTopicConfigs,
    CreatableTopicResult,
    CreateTopicsRequest,
    CreateTopicsResponse,
)

KEY = 19
MIN = 2
MAX = 7

_REPLICATION_FACTOR = 1


async def handle(context: Context, request: CreateTopicsRequest) -> CreateTopicsResponse:
    twice = topics.duplicates([one.name for one in request.topics])
    results: dict[str, CreatableTopicResult] = {}
    for wanted in request.topics:
        try:
            if wanted.name in twice:
                raise ClientFault(ErrorCode.INVALID_REQUEST, "Duplicate topic name.")
            results[wanted.name] = await _create(context, wanted, request.validate_only)
        except (ClientFault, StoreFault, Corrupt) as error:
            fault = to_client_fault(error)
            results[wanted.name] = CreatableTopicResult(
                name=wanted.name, error_code=fault.code, error_message=fault.message
            )
    return CreateTopicsResponse(topics=list(results.values()))


async def _create(
    context: Context, wanted: CreatableTopic, validate_only: bool
) -> CreatableTopicResult:
    validate_topic_name(wanted.name)
    if context.log.catalogue.topic(wanted.name) is not None:
        raise ClientFault(ErrorCode.TOPIC_ALREADY_EXISTS, f"Topic '{wanted.name}' already exists.")
    partitions = _partitions(context, wanted)
    configs: dict[str, str] = {}
    for config in wanted.configs:
        if config.value is None:
            raise ClientFault(
                ErrorCode.INVALID_CONFIG,
                f"Null value not supported for topic configs: {config.name}",
            )
        configs[config.name] = config.value
    configs = {**configs, **lanes.creation_configs(context.lane)}
    validate_configs(configs)
    result = CreatableTopicResult(
        name=wanted.name,
        error_message=None,
        num_partitions=partitions,
        replication_factor=_REPLICATION_FACTOR,
        configs=[
            CreatableTopicConfigs(
                name=one.definition.name,
                value=one.value,
                read_only=one.read_only,
                config_source=one.source,
                is_sensitive=one.definition.sensitive,
            )
            for one in describe_topic(configs)
        ],
    )
    if not validate_only:
        topic = await context.log.create_topic(wanted.name, partitions, configs)
        result.topic_id = topic.id
    return result


def _partitions(context: Context, wanted: CreatableTopic) -> int:
    if not wanted.assignments:
        if wanted.replication_factor < 1 and wanted.replication_factor != -1:
            raise ClientFault(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                "Replication factor must be larger than 0, or -1 to use the default value.",
            )
        return topics.partition_count(context, wanted.num_partitions)
    if wanted.num_partitions != -1 or wanted.replication_factor != -1:
        raise ClientFault(
            ErrorCode.INVALID_REQUEST,
            "A manual partition assignment was specified, but the number of partitions or the "
            "replication factor was not set to -1.",
        )
    indexes = sorted(one.partition_index for one in wanted.assignments)
    if indexes != list(range(len(indexes))):
        raise ClientFault(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "partitions should be a consecutive 0-based integer sequence",
        )
    if not all(one.broker_ids for one in wanted.assignments):
        raise ClientFault(
            ErrorCode.INVALID_REPLICA_ASSIGNMENT,
            "The manual partition assignment includes an empty replica list.",
        )
    return topics.partition_count(context, len(indexes))
