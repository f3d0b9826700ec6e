"""What a consumer group is asked, what it answers, and what must happen next.

Plain values: the automaton in :mod:`anabranch.groups.classic` takes the calls and returns effects,
the shell in :mod:`anabranch.groups.coordinator` carries the effects out. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from anabranch.errors import ErrorCode
from anabranch.groups.consumer_values import BeatResult
from anabranch.groups.share.members import ShareBeatResult
from anabranch.metastore.api import Actor, OffsetAction

CONSUMER_PROTOCOL_TYPE = "consumer"
UNKNOWN_MEMBER_ID = ""
NO_GENERATION = -1

Waiter: TypeAlias = Hashable
"""Names one parked request. Opaque to the automaton, which answers each exactly once."""

Protocols: TypeAlias = tuple[tuple[str, bytes], ...]
"""What a member offers, in its order of preference: (assignor name, opaque metadata)."""


class GroupState(StrEnum):
    """States of a group, by the names that Kafka's tools print: those of the classic protocol, and from
    ``ASSIGNING`` on those that only the consumer protocol has (KIP-848)."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"
    ASSIGNING = "Assigning"
    RECONCILING = "Reconciling"


@dataclass(frozen=True, slots=True)
class JoinCall:
    """JoinGroup (key 11)."""

    member_id: str
    group_instance_id: str | None
    client_id: str
    client_host: str
    protocol_type: str
    protocols: Protocols
    session_timeout_ms: int
    rebalance_timeout_ms: int  # negative (version 0): the session timeout
    require_known_member_id: bool = True  # KIP-394: JoinGroup version 4 and later
    supports_skip_assignment: bool = True  # KIP-814: JoinGroup version 9 and later
    reason: str = ""


@dataclass(frozen=True, slots=True)
class JoinedMember:
    """What the leader is told about a member so that it can assign partitions."""

    member_id: str
    group_instance_id: str | None
    metadata: bytes


@dataclass(frozen=True, slots=True)
class JoinResult:
    """Answer to JoinGroup; ``members`` is for the leader only."""

    error: ErrorCode
    member_id: str
    generation: int = NO_GENERATION
    protocol_type: str | None = None
    protocol_name: str | None = None
    leader: str = ""
    members: tuple[JoinedMember, ...] = ()
    skip_assignment: bool = False


@dataclass(frozen=True, slots=True)
class SyncCall:
    """SyncGroup (key 14). ``assignments`` is non-empty only from the leader."""

    member_id: str
    group_instance_id: str | None
    generation: int
    protocol_type: str | None = None  # KIP-559: version 5 and later; None is not checked
    protocol_name: str | None = None
    assignments: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class SyncResult:
    """Answer to SyncGroup."""

    error: ErrorCode
    protocol_type: str | None = None
    protocol_name: str | None = None
    assignment: bytes = b""


@dataclass(frozen=True, slots=True)
class LeavingMember:
    """One entry of LeaveGroup (key 13). An administrator names only the instance id."""

    member_id: str
    group_instance_id: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LeftMember:
    """The outcome for one entry of LeaveGroup."""

    member_id: str
    group_instance_id: str | None
    error: ErrorCode


@dataclass(frozen=True, slots=True)
class LeaveResult:
    """Answer to LeaveGroup. Before version 3 the only member's error is the response's error."""

    error: ErrorCode
    members: tuple[LeftMember, ...] = ()


@dataclass(frozen=True, slots=True)
class OffsetToCommit:
    """One partition of OffsetCommit: the next offset to read."""

    topic_no: int
    partition: int
    offset: int
    leader_epoch: int = -1
    metadata: str = ""
    topic_id: bytes = b""


@dataclass(frozen=True, slots=True)
class CommitCall:
    """OffsetCommit (key 8). ``retention_ms`` is of versions 2 to 4; negative: the broker's."""

    member_id: str
    group_instance_id: str | None
    generation: int
    offsets: Sequence[OffsetToCommit]
    actor: Actor
    action: OffsetAction = OffsetAction.COMMIT
    retention_ms: int = -1
    supports_epochs: bool = True  # version 9 and later can be told STALE_MEMBER_EPOCH (KIP-848)


@dataclass(frozen=True, slots=True)
class OffsetToDelete:
    """One partition of OffsetDelete (key 47)."""

    topic_no: int
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class OffsetDeleteResult:
    """Answer to OffsetDelete: the group's error, or one per partition."""

    error: ErrorCode
    partitions: tuple[ErrorCode, ...] = ()


Result: TypeAlias = JoinResult | SyncResult | LeaveResult | BeatResult | ShareBeatResult


@dataclass(frozen=True, slots=True)
class Reply:
    """Answer a parked request."""

    waiter: Waiter
    result: Result
