"""One member of a group of the consumer protocol, and how it gets from what it has to what it should have.

::

              the target has less than it has                 it no longer owns what it was to revoke
    Stable ─────────────────────────────────► UnrevokedPartitions ─────────────┐
      ▲ │                                                                      ▼
      │ └── the target has partitions that others still have ─────► UnreleasedPartitions
      │                                                                      │
      └──────────── all of them were released by the others ◄────────────────┘

A member takes the epoch of the target once it has nothing left to revoke; until then it keeps its own.
What it is to revoke stays its own until it says that it no longer owns it: no partition ever has two
owners. (KIP-848, "Member Assignment")
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

import msgspec

from anabranch.errors import Corrupt
from anabranch.groups.assignors import NOTHING, Assignment
from anabranch.groups.consumer_values import LEAVING_FOR_A_WHILE
from anabranch.groups.values import Protocols

MEMBER_VERSION = 1


class MemberState(IntEnum):
    """Stored: the numbers stay."""

    STABLE = 0
    UNREVOKED = 1
    UNRELEASED = 2


class ClassicSide(msgspec.Struct, frozen=True, array_like=True):
    """What a member of the classic protocol has besides (JoinGroup)."""

    session_timeout_ms: int
    protocols: Protocols


class MemberInfo(msgspec.Struct, frozen=True, array_like=True):
    """What a member says of itself. ``topic_names`` are sorted and differ."""

    group_instance_id: str | None = None
    rack_id: str | None = None
    client_id: str = ""
    client_host: str = ""
    rebalance_timeout_ms: int = 0
    server_assignor: str | None = None
    topic_names: tuple[str, ...] = ()
    topic_regex: str | None = None
    classic: ClassicSide | None = None

    @property
    def subscription(self) -> tuple[tuple[str, ...], str | None]:
        return self.topic_names, self.topic_regex

    @property
    def bytes(self) -> int:
        """What it weighs against the limits: all that a client chooses the size of."""
        texts = (self.group_instance_id, self.rack_id, self.client_id, self.topic_regex)
        weight = sum(len(text) for text in (*texts, *self.topic_names) if text)
        if self.classic is not None:
            weight += sum(len(name) + len(metadata) for name, metadata in self.classic.protocols)
        return weight


@dataclass(slots=True, eq=False)
class ConsumerMember:
    """Invariants: ``assigned`` and ``revoking`` are disjoint; ``revoking`` is not empty iff Unrevoked.

    ``gained`` says of all that it holds since which epoch it does: its commits of older epochs are good for
    what it has held ever since (KIP-1251). ``told_max``: after a restore the epoch may be one up to this that was told but not stored; see
    :mod:`anabranch.groups.consumer`.
    """

    member_id: str
    info: MemberInfo
    epoch: int = 0
    previous_epoch: int = 0
    state: MemberState = MemberState.STABLE
    assigned: Assignment = field(default_factory=lambda: NOTHING)
    revoking: Assignment = field(default_factory=lambda: NOTHING)
    target: Assignment = field(default_factory=lambda: NOTHING)
    gained: Mapping[int, Assignment] = field(default_factory=dict)
    told_max: int = 0

    @property
    def is_away(self) -> bool:
        """A static member that left and may come back as another member id."""
        return self.epoch == LEAVING_FOR_A_WHILE

    @property
    def is_classic(self) -> bool:
        return self.info.classic is not None

    @property
    def held(self) -> Assignment:
        """What is its own, also if it is to give it up."""
        return union(self.assigned, self.revoking)

    def note_gains(self) -> None:
        """After what it holds changed: what is new, it holds since its present epoch."""
        rest, gained = self.held, {}
        for epoch, partitions in self.gained.items():
            if kept := intersection(partitions, rest):
                gained[epoch] = kept
                rest = difference(rest, kept)
        if rest:
            gained[self.epoch] = union(gained.get(self.epoch, NOTHING), rest)
        self.gained = gained

    def holds_since(self, topic: bytes, partition: int) -> int | None:
        """The epoch in which it was given the partition; None if it does not hold it."""
        for epoch, partitions in self.gained.items():
            if partition in partitions.get(topic, ()):
                return epoch
        return None

    def is_reconciled(self, target_epoch: int) -> bool:
        return self.state is MemberState.STABLE and self.epoch == target_epoch

    def to_bytes(self) -> bytes:
        return _ENCODER.encode(
            _Stored(
                MEMBER_VERSION,
                self.member_id,
                self.info,
                self.epoch,
                self.previous_epoch,
                int(self.state),
                tuple((epoch, _ranges(of)) for epoch, of in sorted(self.gained.items())),
                _ranges(self.revoking),
                _ranges(self.target),
            )
        )

    @classmethod
    def from_bytes(cls, body: bytes) -> ConsumerMember:
        """Raises Corrupt."""
        try:
            stored = _DECODER.decode(body)
            state = MemberState(stored.state)
        except (msgspec.DecodeError, ValueError) as error:
            raise Corrupt(f"a group's member does not decode: {error}") from error
        if stored.version != MEMBER_VERSION:
            raise Corrupt(f"a group's member has version {stored.version}, not {MEMBER_VERSION}")
        gained = {epoch: _sets(ranges) for epoch, ranges in stored.gained}
        held: Assignment = NOTHING
        for partitions in gained.values():
            held = union(held, partitions)
        revoking = _sets(stored.revoking)
        return cls(
            stored.member_id,
            stored.info,
            epoch=stored.epoch,
            previous_epoch=stored.previous_epoch,
            state=state,
            assigned=difference(held, revoking),
            revoking=revoking,
            target=_sets(stored.target),
            gained=gained,
        )


_Ranges = tuple[tuple[bytes, tuple[int, ...]], ...]
"""By topic id: first, last, first, last, … of runs of partitions. Members of large groups have few runs."""


class _Stored(msgspec.Struct, frozen=True, array_like=True):
    version: int
    member_id: str
    info: MemberInfo
    epoch: int
    previous_epoch: int
    state: int
    gained: tuple[tuple[int, _Ranges], ...]
    revoking: _Ranges
    target: _Ranges


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Stored)


def _ranges(assignment: Assignment) -> _Ranges:
    found = []
    for topic in sorted(assignment):
        runs: list[int] = []
        for partition in sorted(assignment[topic]):
            if runs and runs[-1] == partition - 1:
                runs[-1] = partition
            else:
                runs += [partition, partition]
        found.append((topic, tuple(runs)))
    return tuple(found)


def _sets(ranges: _Ranges) -> Assignment:
    return {
        topic: frozenset(
            partition
            for first, last in zip(runs[::2], runs[1::2], strict=True)
            for partition in range(first, last + 1)
        )
        for topic, runs in ranges
    }


# -- sets of partitions ------------------------------------------------------------------------------
def intersection(left: Assignment, right: Assignment) -> Assignment:
    found = {}
    for topic, partitions in left.items():
        if common := partitions & right.get(topic, frozenset()):
            found[topic] = common
    return found


def difference(left: Assignment, right: Assignment) -> Assignment:
    found = {}
    for topic, partitions in left.items():
        if rest := partitions - right.get(topic, frozenset()):
            found[topic] = rest
    return found


def union(left: Assignment, right: Assignment) -> Assignment:
    if not right:
        return left
    found = dict(left)
    for topic, partitions in right.items():
        found[topic] = found.get(topic, frozenset()) | partitions
    return found


def is_within(inner: Assignment, outer: Assignment) -> bool:
    return not difference(inner, outer)


def reconcile(
    member: ConsumerMember,
    target_epoch: int,
    owned: Assignment | None,
    is_free: Callable[[bytes, int], bool],
) -> None:
    """Take the member as far towards its target as it can go now.

    ``owned`` is what it says that it has; None if it does not say. ``is_free(topic_id, partition)``
    tells whether no other member has the partition.
    """
    epoch = member.epoch
    if member.state is MemberState.UNREVOKED:
        if owned is None or intersection(owned, member.revoking):
            return
        epoch = max(epoch, min(epoch + 1, target_epoch))
    elif member.is_reconciled(target_epoch) and member.assigned == member.target:
        return
    kept = intersection(member.assigned, member.target)
    revoking = difference(member.assigned, kept)
    if revoking and (owned is None or intersection(owned, revoking)):
        member.assigned, member.revoking = kept, revoking
        member.state = MemberState.UNREVOKED
        _advance(member, epoch)
        return
    wanted = difference(member.target, kept)
    free: Mapping[bytes, frozenset[int]] = {
        topic: frozenset(partition for partition in partitions if is_free(topic, partition))
        for topic, partitions in wanted.items()
    }
    free = {topic: partitions for topic, partitions in free.items() if partitions}
    member.assigned, member.revoking = union(kept, free), NOTHING
    complete = not difference(wanted, free)
    member.state = MemberState.STABLE if complete else MemberState.UNRELEASED
    _advance(member, target_epoch)


def _advance(member: ConsumerMember, epoch: int) -> None:
    if epoch != member.epoch:
        member.previous_epoch = member.epoch
        member.epoch = epoch
