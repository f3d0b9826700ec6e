"""What a group of the consumer protocol (KIP-848) is asked and answers. Times are milliseconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from anabranch.errors import ErrorCode
from anabranch.groups.assignors import NOTHING, Assignment

JOINING: Final = 0  # the member epoch of who is not in the group yet
LEAVING: Final = -1
LEAVING_FOR_A_WHILE: Final = -2  # a static member that keeps its place until its session ends


def _nothing() -> Assignment:
    return NOTHING


@dataclass(frozen=True, slots=True)
class BeatCall:
    """ConsumerGroupHeartbeat (key 68). None: as the last time."""

    member_id: str
    member_epoch: int
    client_id: str
    client_host: str
    group_instance_id: str | None = None
    rack_id: str | None = None
    rebalance_timeout_ms: int = -1
    topic_names: tuple[str, ...] | None = None
    topic_regex: str | None = None  # empty: none any more
    server_assignor: str | None = None
    owned: Assignment | None = None
    may_see: Callable[[str], bool] | None = None  # which topics a pattern of this client may match
    knows_its_id: bool = True  # version 1 and later: members make their ids themselves

    @property
    def is_full(self) -> bool:
        """Says everything, as who joins or has met an error does: it is told its assignment."""
        return self.member_epoch == JOINING or (
            self.rebalance_timeout_ms != -1
            and (self.topic_names is not None or self.topic_regex is not None)
            and self.owned is not None
        )


@dataclass(frozen=True, slots=True)
class BeatResult:
    """Answer to ConsumerGroupHeartbeat. ``assignment`` None: as it was."""

    error: ErrorCode
    member_id: str = ""
    member_epoch: int = 0
    heartbeat_interval_ms: int = 0
    assignment: Assignment | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ConsumerTiming:
    """What is configured per group."""

    session_timeout_ms: int
    heartbeat_interval_ms: int


@dataclass(frozen=True, slots=True)
class ConsumerDescription:
    """One member of ConsumerGroupDescribe (key 69)."""

    member_id: str
    group_instance_id: str | None
    rack_id: str | None
    member_epoch: int
    client_id: str
    client_host: str
    topic_names: tuple[str, ...]
    topic_regex: str | None
    is_classic: bool
    assignment: Assignment = field(default_factory=_nothing)
    target: Assignment = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class ConsumerGroupDescription:
    """One group of ConsumerGroupDescribe."""

    error: ErrorCode
    group_id: str
    state: str = ""
    group_epoch: int = 0
    assignment_epoch: int = 0
    assignor: str = ""
    members: tuple[ConsumerDescription, ...] = ()
    message: str | None = None
