"""Metadata (3), versions 0 to 13: brokers, topics and their leaders.

The brokers are the living ones of this lane (and for some seconds those that died or left, which lead
nothing); each partition has one stable leader among them, never -1
(see :mod:`anabranch.broker.routing`), in the client's own zone if its client id names one that has
brokers. The leader epoch has nothing to do with that: it only changes when the log does. An unknown topic is created
if the request (from v4 it may decline) and the broker allow it, and the answer then already shows it.
Topics may be asked for by id from v12 (KIP-516); no topics means all of them (null from v1, an empty
list in v0).

Topic errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_TOPIC_EXCEPTION, INVALID_REQUEST.
"""

from __future__ import annotations

from anabranch.broker import lanes, topics
from anabranch.broker.context import Context
from anabranch.broker.routing import seen_by, zone_of
from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.config import validate_topic_name
from anabranch.metastore.api import Topic
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m03_metadata import (
    MetadataRequest,
    MetadataRequestTopic,
    MetadataResponse,
    MetadataResponseBroker,
    MetadataResponsePartition,
    MetadataResponseTopic,
)

KEY = 3
MIN = 0
MAX = 13

_BY_ID = 12


async def handle(context: Context, request: MetadataRequest) -> MetadataResponse:
    broker = context.broker
    await broker.membership.settle()
    response = MetadataResponse(
        brokers=[
            MetadataResponseBroker(
                node_id=one.broker_id, host=one.host, port=one.port, rack=one.rack
            )
            for one in (
                *context.routes.lane,
                *seen_by(broker.membership.departed, context.session.listener),
            )
        ],
        cluster_id=broker.cluster_id,
        controller_id=context.routes.lane[0].broker_id,
    )
    if request.include_cluster_authorized_operations:
        response.cluster_authorized_operations = topics.CLUSTER_OPERATIONS
    if request.topics is None or (not request.topics and context.version == 0):
        described = [_describe(context, topic) for topic in context.log.catalogue.topics()]
    else:
        create = request.allow_auto_topic_creation and broker.settings.topics.auto_create
        # A topic asked for a thousand times is described once (I10), as Kafka does.
        once = {(wanted.name, wanted.topic_id): wanted for wanted in request.topics}
        await context.log.catalogue.look_for(
            {one.name for one in once.values() if one.name is not None},
            {one.topic_id for one in once.values() if one.topic_id != ZERO_UUID},
        )
        described = [await _one(context, wanted, create) for wanted in once.values()]
    if request.include_topic_authorized_operations:
        for topic in described:
            topic.topic_authorized_operations = topics.TOPIC_OPERATIONS
    response.topics = described
    return response


async def _one(
    context: Context, wanted: MetadataRequestTopic, create: bool
) -> MetadataResponseTopic:
    try:
        if wanted.topic_id != ZERO_UUID:
            if context.version < _BY_ID:
                raise ClientFault(ErrorCode.INVALID_REQUEST)
            return _describe(context, topics.by_id(context.log, wanted.topic_id))
        if wanted.name is None:
            raise ClientFault(ErrorCode.INVALID_REQUEST)
        topic = context.log.catalogue.topic(wanted.name)
        if topic is None:
            validate_topic_name(wanted.name)
            if not create:
                raise ClientFault(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
            topic = await _create(context, wanted.name)
        return _describe(context, topic)
    except ClientFault as fault:
        # Before v12 the name cannot be null on the wire.
        name = wanted.name if context.version >= _BY_ID else wanted.name or ""
        return MetadataResponseTopic(error_code=fault.code, name=name, topic_id=wanted.topic_id)


async def _create(context: Context, name: str) -> Topic:
    try:
        return await context.log.create_topic(
            name,
            context.broker.settings.topics.partitions,
            lanes.creation_configs(context.lane),
        )
    except ClientFault as fault:
        if fault.code is ErrorCode.TOPIC_ALREADY_EXISTS:  # somebody else was quicker
            return topics.by_name(context.log, name)
        raise


def _describe(context: Context, topic: Topic) -> MetadataResponseTopic:
    log, routes = context.log, context.routes
    zone = zone_of(context.client_id)
    partitions = []
    for index in range(topic.partitions):
        replicas = routes.replicas(topic.id, index, zone)
        partitions.append(
            MetadataResponsePartition(
                partition_index=index,
                leader_id=replicas[0],
                leader_epoch=log.partition(topic, index).leader_epoch,
                replica_nodes=replicas,
                isr_nodes=replicas,
            )
        )
    return MetadataResponseTopic(name=topic.name, topic_id=topic.id, partitions=partitions)
