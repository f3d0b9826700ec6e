"""Rules for committed offsets: what may be stored, what may be deleted, what has expired."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from anabranch.errors import ErrorCode
from anabranch.groups.group import Group
from anabranch.groups.values import CONSUMER_PROTOCOL_TYPE, GroupState
from anabranch.metastore.api import Committed

# In these it is certain what members are subscribed to.
_KNOWN = (GroupState.STABLE, GroupState.ASSIGNING, GroupState.RECONCILING)


def check_metadata(metadata: str, metadata_max: int) -> ErrorCode:
    """NONE, or OFFSET_METADATA_TOO_LARGE for this partition only."""
    if len(metadata) > metadata_max:
        return ErrorCode.OFFSET_METADATA_TOO_LARGE
    return ErrorCode.NONE


def check_offset_delete(group: Group) -> ErrorCode:
    """Whether OffsetDelete (key 47) may touch the group at all.

    A live group must be one whose subscriptions can be read; any other has to be empty.
    """
    if group.state is GroupState.DEAD:
        return ErrorCode.GROUP_ID_NOT_FOUND
    if group.state is not GroupState.EMPTY and group.protocol_type != CONSUMER_PROTOCOL_TYPE:
        return ErrorCode.NON_EMPTY_GROUP
    return ErrorCode.NONE


def check_offset_delete_topic(group: Group, topic: str) -> ErrorCode:
    """Whether OffsetDelete may touch one topic: not while a member is subscribed to it.

    Unreadable subscriptions of a live group count as subscribed to everything.
    """
    if group.state is GroupState.EMPTY:
        return ErrorCode.NONE
    subscribed = group.subscribed_topics()
    if subscribed is None or topic in subscribed:
        return ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    return ErrorCode.NONE


def expired_offsets(
    group: Group,
    offsets: Iterable[Committed],
    topic_name: Callable[[int], str | None],
    retention_ms: int,
    now_ms: int,
) -> list[Committed]:
    """Offsets whose retention is over (KIP-211).

    - No group protocol (a simple consumer): counted from the commit.
    - ``Empty``: counted from when the group became empty, or from the commit if that is later: a
      position that an operator sets in a parked group lasts as long as any other. (Kafka counts
      from the emptiness alone and drops such a position with the next sweep.)
    - ``Stable`` consumers, and consumer groups in any state: only partitions of topics that nobody is
      subscribed to any more, counted from the commit.
    - Otherwise nothing expires.

    An offset committed with a retention of its own (OffsetCommit versions 2 to 4) carries
    ``expires_ms`` and expires then, in the same states.
    """
    subscribed: frozenset[str] = frozenset()
    floor_ms = 0
    if group.protocol_type is not None:
        if group.state is GroupState.EMPTY:
            floor_ms = group.since_ms
        elif group.state in _KNOWN:
            topics = group.subscribed_topics()
            if topics is None:
                return []
            subscribed = topics
        else:
            return []
    elif group.state is not GroupState.EMPTY:
        return []

    def is_over(committed: Committed) -> bool:
        if subscribed and topic_name(committed.topic_no) in subscribed:
            return False
        if committed.expires_ms is not None:
            return now_ms >= committed.expires_ms
        return now_ms - max(committed.committed_ms, floor_ms) >= retention_ms

    return [committed for committed in offsets if is_over(committed)]
