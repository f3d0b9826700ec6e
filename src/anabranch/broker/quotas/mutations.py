"""controller_mutation_rate (KIP-599): how many partitions a client may create and delete per second.

A client that knows THROTTLING_QUOTA_EXCEEDED gets it for each topic for which the quota is used up; what an
older one asks for is done, and the next waits. Topics are weighed by their partitions, and one that is begun
is done as a whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anabranch.broker.quotas.rules import MUTATION
from anabranch.errors import ErrorCode
from anabranch.wire.messages.m19_create_topics import CreatableTopic, CreatableTopicResult
from anabranch.wire.messages.m20_delete_topics import DeletableTopicResult, DeleteTopicState
from anabranch.wire.messages.m37_create_partitions import (
    CreatePartitionsTopic,
    CreatePartitionsTopicResult,
)

if TYPE_CHECKING:
    from anabranch.broker.context import Context
    from anabranch.broker.dispatch import Started
    from anabranch.broker.quotas.bucket import Bucket
    from anabranch.broker.quotas.quotas import Quotas

EXCEEDED: Final = int(ErrorCode.THROTTLING_QUOTA_EXCEEDED)
MESSAGE: Final = "The throttling quota has been exceeded."


class _Kind(NamedTuple):
    """One API: from which version on it is told, where its topics are, what each weighs."""

    strict: int
    fields: tuple[str, ...]
    answers: str
    weight: Callable[[Context, Any], int]
    refuse: Callable[[Any], Any]


def _created(context: Context, one: CreatableTopic) -> int:
    if one.assignments:
        return len(one.assignments)
    return (
        context.broker.settings.topics.partitions if one.num_partitions < 1 else one.num_partitions
    )


def _deleted(context: Context, one: DeleteTopicState | str) -> int:
    catalogue = context.log.catalogue
    if isinstance(one, str):
        topic = catalogue.topic(one)
    elif one.name is not None:
        topic = catalogue.topic(one.name)
    else:
        topic = catalogue.topic_by_id(one.topic_id)
    return 0 if topic is None else topic.partitions


def _added(context: Context, one: CreatePartitionsTopic) -> int:
    topic = context.log.catalogue.topic(one.name)
    return 0 if topic is None else max(0, one.count - topic.partitions)


def _refuse_deletion(one: DeleteTopicState | str) -> DeletableTopicResult:
    if isinstance(one, str):
        return DeletableTopicResult(name=one, error_code=EXCEEDED, error_message=MESSAGE)
    return DeletableTopicResult(
        name=one.name, topic_id=one.topic_id, error_code=EXCEEDED, error_message=MESSAGE
    )


KINDS: Final = {
    19: _Kind(
        6,
        ("topics",),
        "topics",
        _created,
        lambda one: CreatableTopicResult(name=one.name, error_code=EXCEEDED, error_message=MESSAGE),
    ),
    20: _Kind(5, ("topics", "topic_names"), "responses", _deleted, _refuse_deletion),
    37: _Kind(
        3,
        ("topics",),
        "results",
        _added,
        lambda one: CreatePartitionsTopicResult(
            name=one.name, error_code=EXCEEDED, error_message=MESSAGE
        ),
    ),
}
"""By API key."""


def limited(
    quotas: Quotas, bucket: Bucket, key: int, handle: Callable[[Context, Any], Started]
) -> Callable[[Context, Any], Started]:
    """The API's handler for a client with such a quota."""
    kind = KINDS[key]

    def handler(context: Context, request: Any) -> Started:
        from anabranch.broker.guards.parts import then

        if getattr(request, "validate_only", False):
            return handle(context, request)
        strict = context.version >= kind.strict
        refused: list[Any] = []
        wait_s = 0.0
        for field in kind.fields:
            allowed = []
            for one in getattr(request, field):
                weight = kind.weight(context, one)
                if strict and weight and bucket.available(quotas.monotonic_s()) < 0:
                    refused.append(one)
                    wait_s = max(wait_s, quotas.use(MUTATION, bucket, 0))
                    continue
                allowed.append(one)
                used_s = quotas.use(MUTATION, bucket, weight)
                if not strict:
                    wait_s = max(wait_s, used_s)
            setattr(request, field, allowed)

        def look(response: Any) -> None:
            getattr(response, kind.answers).extend(kind.refuse(one) for one in refused)
            response.throttle_time_ms = max(response.throttle_time_ms, round(wait_s * 1000))

        return then(handle(context, request), look)

    return handler
