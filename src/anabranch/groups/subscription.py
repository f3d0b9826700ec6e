"""The bytes of the consumer embedded protocol that a coordinator has to understand.

Member metadata and assignments are opaque to the classic group protocol. A look inside is needed when the
protocol type is ``consumer``: which topics the members are subscribed to (OffsetDelete, KIP-211 expiry),
what an empty assignment looks like, because clients parse even that, and all of it where members of
both protocols are in one group (KIP-848).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from anabranch.errors import MalformedRequest
from anabranch.wire.frame import REQUEST_ELEMENTS_MAX
from anabranch.wire.messages.consumer_protocol_assignment import (
    ConsumerProtocolAssignment,
    TopicPartition,
)
from anabranch.wire.messages.consumer_protocol_subscription import ConsumerProtocolSubscription

_VERSION = b"\x00\x00"

# A member that the leader left out must still get parseable bytes: several clients fail on a
# zero-length assignment.
EMPTY_ASSIGNMENT = _VERSION + ConsumerProtocolAssignment(user_data=None).encode(0)


def subscribed_topics(metadata: bytes) -> frozenset[str] | None:
    """Topics of a ``ConsumerProtocolSubscription``; None if the bytes are not one.

    Version 0 is a prefix of all versions, so it is read whatever version the member wrote.
    """
    if len(metadata) < len(_VERSION) or metadata[0] & 0x80:  # a negative version is no version
        return None
    try:
        subscription, _ = ConsumerProtocolSubscription.decode(
            metadata, len(_VERSION), 0, REQUEST_ELEMENTS_MAX
        )
    except MalformedRequest:
        return None
    return frozenset(subscription.topics)


_LAST = 3  # the newest version of both structures


class Subscription(NamedTuple):
    """A member's subscription and what it has, by topic name."""

    topics: tuple[str, ...]
    owned: Mapping[str, frozenset[int]]
    generation: int = -1  # in which it had that; -1: not known
    rack: str | None = None


def _version(data: bytes) -> int | None:
    """Who reads a newer version than it knows reads it as its own newest: fields are only added."""
    if len(data) < len(_VERSION):
        return None
    version = int.from_bytes(data[: len(_VERSION)], signed=True)
    return None if version < 0 else min(version, _LAST)


def read_subscription(metadata: bytes) -> Subscription | None:
    """All of a ``ConsumerProtocolSubscription``; None if the bytes are not one."""
    version = _version(metadata)
    if version is None:
        return None
    try:
        found, _ = ConsumerProtocolSubscription.decode(
            metadata, len(_VERSION), version, REQUEST_ELEMENTS_MAX
        )
    except MalformedRequest:
        return None
    owned = {one.topic: frozenset(one.partitions) for one in found.owned_partitions}
    return Subscription(
        tuple(sorted(set(found.topics))), owned, found.generation_id, found.rack_id or None
    )


def read_assignment(assignment: bytes) -> Mapping[str, frozenset[int]] | None:
    """Partitions by topic name; None if the bytes are no ``ConsumerProtocolAssignment``."""
    version = _version(assignment)
    if version is None:
        return None
    try:
        found, _ = ConsumerProtocolAssignment.decode(
            assignment, len(_VERSION), version, REQUEST_ELEMENTS_MAX
        )
    except MalformedRequest:
        return None
    return {one.topic: frozenset(one.partitions) for one in found.assigned_partitions}


def write_assignment(partitions: Iterable[tuple[str, frozenset[int]]], metadata: bytes) -> bytes:
    """Partitions by topic name as a member reads them: in the version in which it subscribed."""
    version = _version(metadata) or 0
    assigned = [
        TopicPartition(topic=topic, partitions=sorted(of_topic))
        for topic, of_topic in sorted(partitions)
    ]
    message = ConsumerProtocolAssignment(assigned_partitions=assigned, user_data=None)
    return version.to_bytes(2) + message.encode(version)
