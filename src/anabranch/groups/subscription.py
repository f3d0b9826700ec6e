"""The few bytes of the consumer embedded protocol that a coordinator has to understand.

Member metadata and assignments are opaque to the group protocol. Two things need a look inside when
the protocol type is ``consumer``: which topics the members are subscribed to (OffsetDelete, KIP-211
expiry), and what an empty assignment looks like, because clients parse even that.
"""

from __future__ import annotations

from anabranch.errors import MalformedRequest
from anabranch.wire.frame import REQUEST_ELEMENTS_MAX
from anabranch.wire.messages.consumer_protocol_assignment import ConsumerProtocolAssignment
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
