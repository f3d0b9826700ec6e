"""Who is in a share group, and which partitions each member reads (KIP-932). A deterministic automaton without I/O.

Members share partitions, so nobody has to give one up before another gets it: an assignment is in force at once, and
a member learns its own with its next heartbeat. Members live in this broker's memory alone. One that another broker
does not know is told so, and joins again under its id: nothing that it has read is lost by that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from anabranch.errors import ErrorCode

JOINING: Final = 0  # member epochs
LEAVING: Final = -1

Assignment: TypeAlias = Mapping[bytes, tuple[int, ...]]
"""Partitions by topic id, both in order."""


class ShareBeat(NamedTuple):
    """ShareGroupHeartbeat (key 76)."""

    member_id: str
    member_epoch: int
    client_id: str
    client_host: str
    rack_id: str | None = None
    topic_names: Sequence[str] | None = None  # None: as before

    def refused(self, error: ErrorCode, what: str) -> ShareBeatResult:
        return ShareBeatResult(
            error, self.member_id, self.member_epoch, message=f"Member {self.member_id} {what}."
        )


class ShareMember(NamedTuple):
    """A member as it is. ``epoch`` is the group's when its assignment last changed or was told."""

    member_id: str
    epoch: int
    client_id: str
    client_host: str
    rack_id: str | None
    topic_names: tuple[str, ...]
    assignment: Assignment
    deadline_ms: int


@dataclass(frozen=True, slots=True)
class ShareBeatResult:
    """The answer. ``assignment`` None: it has not changed."""

    error: ErrorCode
    member_id: str = ""
    member_epoch: int = 0
    assignment: Assignment | None = None
    message: str | None = None


def assign(
    subscriptions: Mapping[str, Iterable[str]], partitions: Mapping[str, tuple[bytes, int]]
) -> dict[str, Assignment]:
    """What each member reads: every partition at least one reader, every member at least one partition of what it
    subscribes to, both as evenly as that goes.

    ``subscriptions`` are topic names by member, ``partitions`` ids and numbers of partitions by topic name. Kafka's
    SimpleAssignor does the same. Stable: equal input gives equal output, on every broker.
    """
    given: dict[str, dict[bytes, list[int]]] = {member: {} for member in subscriptions}
    readers: dict[str, list[str]] = {}
    for member in sorted(subscriptions):
        for name in subscriptions[member]:
            if name in partitions:
                readers.setdefault(name, []).append(member)
    for name in sorted(readers):
        topic_id, count = partitions[name]
        members = readers[name]
        for step in range(max(count, len(members))):
            mine = given[members[step % len(members)]].setdefault(topic_id, [])
            mine.append(step % count)
    return {
        member: {
            topic_id: tuple(sorted(indexes))
            for topic_id, indexes in sorted(mine.items())
            if indexes
        }
        for member, mine in given.items()
    }


class ShareMembers:
    """See the module. Times in milliseconds of one clock."""

    def __init__(self, epoch: int = 0) -> None:
        self.epoch = epoch  # grows with whatever an assignment depends on
        self.members: dict[str, ShareMember] = {}
        self._shapes: dict[str, tuple[bytes, int]] = {}

    @property
    def topic_names(self) -> frozenset[str]:
        """What anybody subscribes to."""
        return frozenset(name for member in self.members.values() for name in member.topic_names)

    @property
    def next_deadline_ms(self) -> int | None:
        return min((one.deadline_ms for one in self.members.values()), default=None)

    def beat(
        self,
        now_ms: int,
        call: ShareBeat,
        shapes: Mapping[str, tuple[bytes, int]],
        *,
        session_ms: int,
        members_max: int,
    ) -> ShareBeatResult:
        """``shapes``: ids and numbers of partitions of the topics that exist, by name."""
        if call.member_epoch == LEAVING:
            if self.members.pop(call.member_id, None) is None:
                return call.refused(ErrorCode.UNKNOWN_MEMBER_ID, "is not a member of the group")
            self._changed(shapes)
            return ShareBeatResult(ErrorCode.NONE, call.member_id, LEAVING)
        former = self.members.get(call.member_id)
        if call.member_epoch == JOINING:
            if former is None and len(self.members) >= members_max:
                return call.refused(
                    ErrorCode.GROUP_MAX_SIZE_REACHED, "finds no room: the group is full"
                )
        elif former is None:
            return call.refused(ErrorCode.UNKNOWN_MEMBER_ID, "is not a member of the group")
        elif call.member_epoch > former.epoch:
            return call.refused(ErrorCode.FENCED_MEMBER_EPOCH, "has a greater epoch than known")
        before = former.topic_names if former is not None else ()
        names = before if call.topic_names is None else tuple(sorted(set(call.topic_names)))
        self.members[call.member_id] = ShareMember(
            call.member_id,
            former.epoch if former is not None else 0,
            call.client_id,
            call.client_host,
            call.rack_id or (former.rack_id if former is not None else None),
            names,
            former.assignment if former is not None else {},
            now_ms + session_ms,
        )
        if former is None or names != before or self._shapes_of(shapes) != self._shapes:
            self._changed(shapes)
        member = self.members[call.member_id]
        behind = call.member_epoch != member.epoch
        return ShareBeatResult(
            ErrorCode.NONE, member.member_id, member.epoch, member.assignment if behind else None
        )

    def expire(self, now_ms: int, shapes: Mapping[str, tuple[bytes, int]]) -> list[str]:
        """Members that were silent for too long are gone; their ids."""
        gone = [one.member_id for one in self.members.values() if one.deadline_ms <= now_ms]
        for member_id in gone:
            del self.members[member_id]
        if gone:
            self._changed(shapes)
        return gone

    def postpone(self, now_ms: int, by_ms: int) -> None:
        """Nobody could be heard for a while: deadlines that have passed are ``by_ms`` from now."""
        for member_id, one in self.members.items():
            if one.deadline_ms <= now_ms:
                self.members[member_id] = one._replace(deadline_ms=now_ms + by_ms)

    def _shapes_of(self, shapes: Mapping[str, tuple[bytes, int]]) -> dict[str, tuple[bytes, int]]:
        return {name: shapes[name] for name in self.topic_names if name in shapes}

    def _changed(self, shapes: Mapping[str, tuple[bytes, int]]) -> None:
        """Assign anew, in a new epoch. A member whose partitions stay the same keeps its epoch's answer short."""
        self.epoch += 1
        self._shapes = self._shapes_of(shapes)
        made = assign(
            {member_id: one.topic_names for member_id, one in self.members.items()}, self._shapes
        )
        for member_id, one in self.members.items():
            self.members[member_id] = one._replace(epoch=self.epoch, assignment=made[member_id])
