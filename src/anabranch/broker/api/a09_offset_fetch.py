"""OffsetFetch (9), versions 1 to 10: a group's committed offsets.

No topics (null, from version 2) means all that the group has committed. A partition without a committed
offset is answered with -1, empty metadata and no error. Several groups at once from version 8
(KIP-709), topics by id from version 10. With ``require_stable`` (KIP-447) a partition whose next offset an
ongoing transaction carries is UNSTABLE_OFFSET_COMMIT.

An offset that lies behind the end of the leader epoch under which it was committed is answered as that end, which is
where a client that looks (KIP-320; Java does at its start, librdkafka only while it runs) would go back to: the line that
it was read from was cut there, by a promotion or a rebuild.

Errors: UNKNOWN_TOPIC_ID (v10) and UNSTABLE_OFFSET_COMMIT per partition; per group NOT_COORDINATOR,
GROUP_AUTHORIZATION_FAILED (the lane), COORDINATOR_NOT_AVAILABLE, and from version 9 for a member that names
itself UNKNOWN_MEMBER_ID and STALE_MEMBER_EPOCH (KIP-848).
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from anabranch.broker.context import Context
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.log.truncated import not_truncated
from anabranch.metastore.api import Committed, Topic
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopics,
    OffsetFetchResponse,
    OffsetFetchResponseGroup,
    OffsetFetchResponsePartition,
    OffsetFetchResponsePartitions,
    OffsetFetchResponseTopic,
    OffsetFetchResponseTopics,
)

KEY = 9
MIN = 1
MAX = 10

_GROUPS = 8
_TOPIC_IDS = 10


async def handle(context: Context, request: OffsetFetchRequest) -> OffsetFetchResponse:
    if context.version >= _GROUPS:
        response = OffsetFetchResponse()
        seen: set[str] = set()
        for one in request.groups:
            if one.group_id in seen:  # each may have very many offsets (I10)
                twice = ErrorCode.INVALID_REQUEST
                group = OffsetFetchResponseGroup(group_id=one.group_id, error_code=twice)
            else:
                seen.add(one.group_id)
                group = await _group(context, one, request.require_stable)
            response.groups.append(group)
        return response
    wanted = OffsetFetchRequestGroup(
        group_id=request.group_id,
        topics=None
        if request.topics is None
        else [
            OffsetFetchRequestTopics(name=one.name, partition_indexes=one.partition_indexes)
            for one in request.topics
        ],
    )
    found = await _group(context, wanted, request.require_stable)
    return OffsetFetchResponse(
        error_code=found.error_code,
        topics=[
            OffsetFetchResponseTopic(
                name=topic.name,
                partitions=[
                    OffsetFetchResponsePartition(
                        partition_index=one.partition_index,
                        committed_offset=one.committed_offset,
                        committed_leader_epoch=one.committed_leader_epoch,
                        metadata=one.metadata,
                        # Version 1 has no error of the group.
                        error_code=one.error_code or found.error_code,
                    )
                    for one in topic.partitions
                ],
            )
            for topic in found.topics
        ],
    )


async def _group(
    context: Context, wanted: OffsetFetchRequestGroup, stable: bool
) -> OffsetFetchResponseGroup:
    answer = OffsetFetchResponseGroup(group_id=wanted.group_id)
    offsets: dict[int, dict[int, Committed]] = {}
    pending: set[tuple[int, int]] = set()
    try:
        context.broker.group_limits.spoke(wanted.group_id, context.client_id, context.host)
        if stable:  # before the offsets: what is committed in between is among them
            pending = set(await context.log.metastore.pending_offsets(wanted.group_id))
        found = await context.groups.fetch(wanted.group_id, wanted.member_id, wanted.member_epoch)
        for one in await not_truncated(context.log, wanted.group_id, found):
            offsets.setdefault(one.topic_no, {})[one.partition] = one
        # A topic that is news to us must not look as if nothing were committed: its consumers would begin
        # anywhere.
        catalogue = context.log.catalogue
        named = {*offsets, *(no for no, _ in pending)}
        if not await catalogue.learn(catalogue.unknown(named)):
            raise StoreFault("topics with committed offsets could not be looked up")
    except ClientFault as fault:  # another broker's group, none of this lane's, or not this member
        answer.error_code = fault.code
        if context.version >= _GROUPS:
            return answer
    except StoreFault:
        answer.error_code = ErrorCode.COORDINATOR_NOT_AVAILABLE
    if wanted.topics is None:
        for no, _ in pending:
            offsets.setdefault(no, {})
        for topic in context.log.catalogue.topics():
            if topic.no in offsets:
                held = {partition for no, partition in pending if no == topic.no}
                known = offsets[topic.no]
                answer.topics.append(_topic(topic, sorted(held | set(known)), known, pending))
        return answer
    for request in wanted.topics:
        asked = _find(context, request)
        if asked is not None:
            known = offsets.get(asked.no, {})
            answered = _topic(asked, request.partition_indexes, known, pending)
        else:
            answered = OffsetFetchResponseTopics(
                name=request.name,
                topic_id=request.topic_id,
                partitions=[_nothing(index) for index in request.partition_indexes],
            )
            if context.version >= _TOPIC_IDS:
                for unknown in answered.partitions:
                    unknown.error_code = ErrorCode.UNKNOWN_TOPIC_ID
        answer.topics.append(answered)
    return answer


def _find(context: Context, wanted: OffsetFetchRequestTopics) -> Topic | None:
    if context.version >= _TOPIC_IDS:
        return context.log.catalogue.topic_by_id(wanted.topic_id)
    return context.log.catalogue.topic(wanted.name)


def _topic(
    topic: Topic,
    partitions: list[int],
    offsets: Mapping[int, Committed],
    pending: Set[tuple[int, int]],
) -> OffsetFetchResponseTopics:
    return OffsetFetchResponseTopics(
        name=topic.name,
        topic_id=topic.id,
        partitions=[
            OffsetFetchResponsePartitions(
                partition_index=index,
                committed_offset=-1,
                metadata="",
                error_code=ErrorCode.UNSTABLE_OFFSET_COMMIT,
            )
            if (topic.no, index) in pending
            else OffsetFetchResponsePartitions(
                partition_index=index,
                committed_offset=offsets[index].offset,
                committed_leader_epoch=offsets[index].leader_epoch,
                metadata=offsets[index].metadata,
            )
            if index in offsets
            else _nothing(index)
            for index in partitions
        ],
    )


def _nothing(partition: int) -> OffsetFetchResponsePartitions:
    return OffsetFetchResponsePartitions(
        partition_index=partition, committed_offset=-1, metadata=""
    )
