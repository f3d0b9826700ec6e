"""Committed offsets: OffsetCommit (8), OffsetFetch (9), TxnOffsetCommit (28), OffsetDelete (47).

Moving a group back makes it process again what it has processed: that is REPLAY of the group, besides
Kafka's rights. What is committed is compared with what was, in the metastore; two commits at the same time
may both be judged by what was before either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anabranch.broker.audit.events import Kind
from anabranch.broker.authz.access import REFUSALS
from anabranch.broker.authz.acl import Operation
from anabranch.broker.guards.parts import (
    GROUP,
    TOPIC,
    TRANSACTION,
    Guard,
    Handle,
    audited,
    split,
    then,
)
from anabranch.errors import ErrorCode, StoreFault
from anabranch.wire.codec import Message
from anabranch.wire.messages.m08_offset_commit import (
    OffsetCommitRequest,
    OffsetCommitResponse,
    OffsetCommitResponsePartition,
    OffsetCommitResponseTopic,
)
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)
from anabranch.wire.messages.m28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitResponse,
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponseTopic,
)
from anabranch.wire.messages.m47_offset_delete import (
    OffsetDeleteRequest,
    OffsetDeleteResponse,
    OffsetDeleteResponsePartition,
    OffsetDeleteResponseTopic,
)

if TYPE_CHECKING:
    from anabranch.broker.authz.access import Access
    from anabranch.broker.dispatch import Started
    from anabranch.metastore.api import Topic

_COMMIT_IDS: Final = 10
_FETCH_IDS: Final = 10
_FETCH_GROUPS: Final = 8
_ALL: Final = -1

Place = tuple[int, int]
"""Topic number and partition."""


class _Forms(NamedTuple):
    """How a commit is answered: OffsetCommit and TxnOffsetCommit have types of their own."""

    topic: Callable[..., Any]
    partition: Callable[..., Any]
    response: Callable[..., Any]


_COMMIT: Final = _Forms(
    lambda one, parts: OffsetCommitResponseTopic(
        name=one.name, topic_id=one.topic_id, partitions=parts
    ),
    OffsetCommitResponsePartition,
    OffsetCommitResponse,
)
_TXN_COMMIT: Final = _Forms(
    lambda one, parts: TxnOffsetCommitResponseTopic(name=one.name, partitions=parts),
    TxnOffsetCommitResponsePartition,
    TxnOffsetCommitResponse,
)


def offset_commit(access: Access, request: OffsetCommitRequest, handle: Handle) -> Started:
    """READ of the group and of each topic; REPLAY of the group to go back."""
    if not access.check(Operation.READ, GROUP, request.group_id):
        return _refuse_commit(request, REFUSALS[GROUP][0], _COMMIT)
    by_id = access.context.version >= _COMMIT_IDS

    def name_of(one: Any) -> str | None:
        return access.topic_name(one.topic_id) if by_id else str(one.name)

    return _commit(access, request, handle, name_of, _COMMIT)


def txn_offset_commit(access: Access, request: TxnOffsetCommitRequest, handle: Handle) -> Started:
    """WRITE of the transactional id, READ of the group and of each topic; REPLAY to go back."""
    if not access.check(Operation.WRITE, TRANSACTION, request.transactional_id):
        return _refuse_commit(request, REFUSALS[TRANSACTION][0], _TXN_COMMIT)
    if not access.check(Operation.READ, GROUP, request.group_id):
        return _refuse_commit(request, REFUSALS[GROUP][0], _TXN_COMMIT)
    return _commit(access, request, handle, lambda one: str(one.name), _TXN_COMMIT)


def _refuse_commit(request: Any, code: ErrorCode, forms: _Forms) -> Message:
    response: Message = forms.response(
        topics=[_refuse_topic(one, code, forms) for one in request.topics]
    )
    return response


def _refuse_topic(one: Any, code: ErrorCode, forms: _Forms) -> Any:
    return forms.topic(
        one,
        [
            forms.partition(partition_index=part.partition_index, error_code=code)
            for part in one.partitions
        ],
    )


def _commit(
    access: Access,
    request: Any,
    handle: Handle,
    name_of: Callable[[Any], str | None],
    forms: _Forms,
) -> Started:
    def may(one: Any) -> bool:
        name = name_of(one)
        return name is None or access.check(Operation.READ, TOPIC, name)

    may_rewind = access.may(Operation.REPLAY, GROUP, request.group_id)
    inner = handle
    if not may_rewind or access.gate.audit.active:

        def compared(_: Any, allowed: Any) -> Started:
            return _compared(access, allowed, handle, name_of, forms, may_rewind)

        inner = compared
    return split(
        access,
        request,
        inner,
        field="topics",
        may=may,
        refuse=lambda one: _refuse_topic(one, REFUSALS[TOPIC][0], forms),
        answers="topics",
    )


async def _compared(
    access: Access,
    request: Any,
    handle: Handle,
    name_of: Callable[[Any], str | None],
    forms: _Forms,
    may_rewind: bool,
) -> Message | None:
    """Look at what is committed before it is replaced: refuse going back, note what changed."""
    context = access.context
    known: dict[str, Topic] = {}
    places: list[Place] = []
    for one in request.topics:
        name = name_of(one)
        topic = None if name is None else context.log.catalogue.topic(name)
        if topic is not None:
            known[topic.name] = topic
            places += [(topic.no, part.partition_index) for part in one.partitions]
    try:
        old = await context.log.metastore.positions(request.group_id, places)
    except StoreFault:
        return _refuse_commit(request, ErrorCode.COORDINATOR_NOT_AVAILABLE, forms)
    refused: list[Any] = []
    changes: dict[tuple[str, int], tuple[int | None, int]] = {}
    for one in request.topics:
        topic = known.get(name_of(one) or "")
        if topic is None:
            continue
        back = []
        for part in one.partitions:
            before = old.get((topic.no, part.partition_index))
            if not may_rewind and before is not None and part.committed_offset < before:
                back.append(part)
            else:
                changes[topic.name, part.partition_index] = before, part.committed_offset
        if back:
            out = set(map(id, back))
            one.partitions = [part for part in one.partitions if id(part) not in out]
            refused.append(
                forms.topic(
                    one,
                    [
                        forms.partition(
                            partition_index=part.partition_index, error_code=REFUSALS[GROUP][0]
                        )
                        for part in back
                    ],
                )
            )
    if refused:
        access.denied(
            Operation.REPLAY,
            GROUP,
            request.group_id,
            "moving a group's committed offsets back needs REPLAY of the group (anabranch acl add)",
        )
        request.topics = [one for one in request.topics if one.partitions]
    response: Any = handle(context, request)
    if not isinstance(response, Message):
        response = await response
    _note_commit(access, request, response, name_of, changes)
    response.topics.extend(refused)
    return response  # type: ignore[no-any-return]


def _note_commit(
    access: Access,
    request: Any,
    response: Any,
    name_of: Callable[[Any], str | None],
    changes: dict[tuple[str, int], tuple[int | None, int]],
) -> None:
    if not access.gate.audit.active:
        return
    done: list[dict[str, Any]] = []
    for one in response.topics:
        name = name_of(one)
        for part in one.partitions:
            change = changes.get((name or "", part.partition_index))
            if change is not None and not part.error_code:
                done.append(
                    {
                        "topic": name,
                        "partition": part.partition_index,
                        "old": change[0],
                        "new": change[1],
                    }
                )
    wanted = access.gate.offsets_audited
    if wanted == "back":
        done = [one for one in done if one["old"] is not None and one["new"] < one["old"]]
    if done and wanted != "none":
        transaction = getattr(request, "transactional_id", None)
        audited(
            access,
            Kind.OFFSETS,
            resource=f"GROUP:{request.group_id}",
            details={"changes": done} | ({"transaction": transaction} if transaction else {}),
        )


# -- reading them --------------------------------------------------------------------------------
def offset_fetch(access: Access, request: OffsetFetchRequest, handle: Handle) -> Started:
    """DESCRIBE of each group and topic; topics that were not named are left out."""
    if access.context.version >= _FETCH_GROUPS:
        return _fetch_groups(access, request, handle)
    if not access.check(Operation.DESCRIBE, GROUP, request.group_id):
        code = REFUSALS[GROUP][0]
        return OffsetFetchResponse(
            error_code=code,
            # Version 1 has no place for it but the partitions.
            topics=[_refuse_fetch(one, code) for one in request.topics or ()],
        )
    if request.topics is not None:
        return split(
            access,
            request,
            handle,
            field="topics",
            may=lambda one: access.check(Operation.DESCRIBE, TOPIC, one.name),
            refuse=lambda one: _refuse_fetch(one, REFUSALS[TOPIC][0]),
            answers="topics",
        )

    def look(response: OffsetFetchResponse) -> None:
        response.topics = [
            one for one in response.topics if access.may(Operation.DESCRIBE, TOPIC, one.name)
        ]

    return then(handle(access.context, request), look)


def _refuse_fetch(one: Any, code: ErrorCode) -> OffsetFetchResponseTopic:
    return OffsetFetchResponseTopic(
        name=one.name,
        partitions=[
            OffsetFetchResponsePartition(
                partition_index=index, committed_offset=_ALL, metadata="", error_code=code
            )
            for index in one.partition_indexes
        ],
    )


def _fetch_groups(access: Access, request: OffsetFetchRequest, handle: Handle) -> Started:
    by_id = access.context.version >= _FETCH_IDS
    refused: dict[str, list[OffsetFetchResponseTopics]] = {}

    def name_of(one: Any) -> str | None:
        return access.topic_name(one.topic_id) if by_id else str(one.name)

    def may(group: OffsetFetchRequestGroup) -> bool:
        if not access.check(Operation.DESCRIBE, GROUP, group.group_id):
            return False
        allowed = []
        for one in group.topics or ():
            name = name_of(one)
            if name is None or access.check(Operation.DESCRIBE, TOPIC, name):
                allowed.append(one)
                continue
            refused.setdefault(group.group_id, []).append(
                OffsetFetchResponseTopics(
                    name=one.name,
                    topic_id=one.topic_id,
                    partitions=[
                        OffsetFetchResponsePartitions(
                            partition_index=index,
                            committed_offset=_ALL,
                            metadata="",
                            error_code=REFUSALS[TOPIC][0],
                        )
                        for index in one.partition_indexes
                    ],
                )
            )
        if group.topics is not None:
            group.topics = allowed
        return True

    asked_all = {group.group_id for group in request.groups if group.topics is None}

    def look(response: OffsetFetchResponse) -> None:
        for group in response.groups:
            if group.group_id in asked_all:
                group.topics = [
                    one
                    for one in group.topics
                    if (name := name_of(one)) is not None
                    and access.may(Operation.DESCRIBE, TOPIC, name)
                ]
            elif not group.error_code:
                group.topics.extend(refused.get(group.group_id, ()))

    return split(
        access,
        request,
        handle,
        field="groups",
        may=may,
        refuse=lambda one: OffsetFetchResponseGroup(
            group_id=one.group_id, error_code=REFUSALS[GROUP][0]
        ),
        answers="groups",
        look=look,
    )


# -- deleting them -------------------------------------------------------------------------------
def offset_delete(access: Access, request: OffsetDeleteRequest, handle: Handle) -> Started:
    """DELETE of the group, READ of each topic."""
    if not access.check(Operation.DELETE, GROUP, request.group_id):
        return OffsetDeleteResponse(error_code=REFUSALS[GROUP][0])

    def look(response: OffsetDeleteResponse) -> None:
        for topic in response.topics:
            for one in topic.partitions:
                audited(
                    access,
                    Kind.OFFSETS,
                    code=one.error_code or response.error_code,
                    resource=f"GROUP:{request.group_id}",
                    details={
                        "changes": [
                            {
                                "topic": topic.name,
                                "partition": one.partition_index,
                                "old": old.get((topic.name, one.partition_index)),
                                "new": None,
                            }
                        ]
                    },
                )

    old: dict[tuple[str, int], int] = {}

    async def noted(_: Any, allowed: OffsetDeleteRequest) -> Message | None:
        context = access.context
        found = [
            (topic, part.partition_index)
            for one in allowed.topics
            if (topic := context.log.catalogue.topic(one.name)) is not None
            for part in one.partitions
        ]
        try:
            positions = await context.log.metastore.positions(
                request.group_id, [(topic.no, index) for topic, index in found]
            )
        except StoreFault:
            return OffsetDeleteResponse(error_code=ErrorCode.COORDINATOR_NOT_AVAILABLE)
        for topic, index in found:
            if (topic.no, index) in positions:
                old[topic.name, index] = positions[topic.no, index]
        response: Any = handle(context, allowed)
        return response if isinstance(response, Message) else await response

    return split(
        access,
        request,
        noted if access.gate.audit.active else handle,
        field="topics",
        may=lambda one: access.check(Operation.READ, TOPIC, one.name),
        refuse=lambda one: OffsetDeleteResponseTopic(
            name=one.name,
            partitions=[
                OffsetDeleteResponsePartition(
                    partition_index=part.partition_index, error_code=REFUSALS[TOPIC][0]
                )
                for part in one.partitions
            ],
        ),
        answers="topics",
        look=look,
    )


GUARDS: Final[dict[int, Guard]] = {
    8: offset_commit,
    9: offset_fetch,
    28: txn_offset_commit,
    47: offset_delete,
}
