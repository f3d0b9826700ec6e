"""What the metastore keeps of a group: everything that some client has been told.

The encoding is MessagePack of :class:`GroupSnapshot`, tagged with a version. Deadlines and parked
requests are left out on purpose: they belong to one process and its connections.
"""

from __future__ import annotations

import msgspec

from anabranch.errors import Corrupt
from anabranch.groups.values import GroupState, Protocols

SNAPSHOT_VERSION = 1


class MemberSnapshot(msgspec.Struct, frozen=True):
    """A member that has been answered with a generation at least once."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    session_timeout_ms: int
    rebalance_timeout_ms: int
    protocols: Protocols
    assignment: bytes


class GroupSnapshot(msgspec.Struct, frozen=True):
    """A group at rest. ``since_ms`` is when ``state`` was entered."""

    group_id: str
    state: GroupState
    since_ms: int
    generation: int
    protocol_type: str | None
    protocol_name: str | None
    leader: str | None
    members: tuple[MemberSnapshot, ...]
    version: int = SNAPSHOT_VERSION

    def encode(self) -> bytes:
        """The bytes to store."""
        return _ENCODER.encode(self)


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(GroupSnapshot)


def decode_snapshot(data: bytes) -> GroupSnapshot:
    """Read stored bytes back. Raises Corrupt."""
    try:
        snapshot = _DECODER.decode(data)
    except msgspec.DecodeError as error:
        raise Corrupt(f"group snapshot does not decode: {error}") from error
    if snapshot.version != SNAPSHOT_VERSION:
        raise Corrupt(f"group snapshot has version {snapshot.version}, not {SNAPSHOT_VERSION}")
    return snapshot
