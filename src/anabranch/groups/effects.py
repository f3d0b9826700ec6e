"""What a group's automaton says must happen next, and what of it is to be stored.

The order is the automaton's promise: ``Persist`` comes first, and what follows it goes out only once the
group's changes are durable.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from anabranch.groups.values import GroupState, Reply

# A tick later than this means that this process was stalled (or the clock jumped), not that the
# members were silent: their heartbeats are waiting unread in the sockets.
TICK_LATE_MS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Persist:
    """Store what changed of the group, now or as it is later, before any reply that follows."""


Effect: TypeAlias = Persist | Reply


class GroupKind(StrEnum):
    """By which protocol a group is led; the names are those of ListGroups' types (KIP-848)."""

    CLASSIC = "classic"
    CONSUMER = "consumer"
    SHARE = "share"


class GroupChanges(NamedTuple):
    """What has to be stored of a group: its row, and of a consumer group the members that changed."""

    kind: GroupKind
    state: GroupState
    protocol_type: str
    generation: int
    snapshot: bytes
    members: Sequence[tuple[str, bytes]] = ()
    gone: Sequence[str] = ()
