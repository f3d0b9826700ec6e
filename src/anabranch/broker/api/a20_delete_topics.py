"""DeleteTopics (20), versions 1 to 6: by name, or from v6 by id (KIP-516).

The topic, its committed offsets and its producer states are out of sight at once and the name is free;
all of it is kept for ``log.topic_grace_ms``, and ``anabranch topic undelete`` brings it back.

Topic errors: UNKNOWN_TOPIC_OR_PARTITION, UNKNOWN_TOPIC_ID, INVALID_REQUEST (both or neither of name and
id, or a topic twice).
"""

from __future__ import annotations

from anabranch.broker import lanes, topics
from anabranch.broker.context import Context
from anabranch.broker.dispatch import to_client_fault
from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.metastore.api import Topic
from anabranch.wire.codec import ZERO_UUID
from anabranch.wire.messages.m20_delete_topics import (
    DeletableTopicResult,
    DeleteTopicsRequest,
    DeleteTopicsResponse,
    DeleteTopicState,
)

KEY = 20
MIN = 1
MAX = 6

_STATES = 6


async def handle(context: Context, request: DeleteTopicsRequest) -> DeleteTopicsResponse:
    wanted = request.topics
    if context.version < _STATES:
        wanted = [DeleteTopicState(name=name) for name in request.topic_names]
    await context.log.catalogue.look_for(
        {one.name for one in wanted if one.name is not None},
        {one.topic_id for one in wanted if one.topic_id != ZERO_UUID},
    )
    response = DeleteTopicsResponse()
    done: set[int] = set()
    for one in wanted:
        result = DeletableTopicResult(name=one.name, topic_id=one.topic_id, error_message=None)
        response.responses.append(result)
        try:
            topic = _find(context, one)
            lanes.check_write(context.lane, topic)
            if topic.no in done:
                raise ClientFault(ErrorCode.INVALID_REQUEST, "Duplicate topic.")
            done.add(topic.no)
            await context.log.delete_topic(topic)
            result.name, result.topic_id = topic.name, topic.id
        except (ClientFault, StoreFault, Corrupt) as error:
            fault = to_client_fault(error)
            result.error_code, result.error_message = fault.code, fault.message
    return response


def _find(context: Context, wanted: DeleteTopicState) -> Topic:
    if (wanted.name is None) == (wanted.topic_id == ZERO_UUID):
        raise ClientFault(
            ErrorCode.INVALID_REQUEST, "A topic is deleted by its name or by its id, not by both."
        )
    if wanted.name is not None:
        return topics.by_name(context.log, wanted.name)
    return topics.by_id(context.log, wanted.topic_id)
