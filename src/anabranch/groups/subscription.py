"""The few bytes of the consumer embedded protocol that a coordinator has to understand.

Member metadata and assignments are opaque to the group protocol. Two things need a look inside when
the protocol type is ``consumer``: which topics the members are subscribed to (OffsetDelete, KIP-211
expiry), and what an empty assignment looks like, because clients parse even that.

``ConsumerProtocolSubscription``: version int16, topics array of string, then fields that newer
versions append. Version 0 is a prefix of all versions, so only the prefix is read.
"""

from __future__ import annotations

import struct

# ConsumerProtocolAssignment version 0: no partitions, no user data. A member that the leader left
# out must still get parseable bytes: several clients fail on a zero-length assignment.
EMPTY_ASSIGNMENT = struct.pack(">hii", 0, 0, -1)

_HEAD = struct.Struct(">hi")
_LENGTH = struct.Struct(">h")


def subscribed_topics(metadata: bytes) -> frozenset[str] | None:
    """Topics of a ``ConsumerProtocolSubscription``; None if the bytes are not one."""
    if len(metadata) < _HEAD.size:
        return None
    version, count = _HEAD.unpack_from(metadata)
    # Each topic costs at least its length field: a hostile count is refused before any loop.
    if version < 0 or not 0 <= count <= (len(metadata) - _HEAD.size) // _LENGTH.size:
        return None
    topics = set()
    position = _HEAD.size
    for _ in range(count):
        if position + _LENGTH.size > len(metadata):
            return None
        (length,) = _LENGTH.unpack_from(metadata, position)
        position += _LENGTH.size
        if length < 0 or position + length > len(metadata):
            return None
        try:
            topics.add(metadata[position : position + length].decode())
        except UnicodeDecodeError:
            return None
        position += length
    return frozenset(topics)
