"""Server-side assignors of the consumer protocol (KIP-848): who should have which partition.

Pure functions of the members, what they are subscribed to, and what they were meant to have so far. Both
are sticky, and deterministic: equal input gives equal output on every broker.

- ``uniform``: as even as subscriptions allow, then as few moves as possible.
- ``range``: each topic in contiguous ranges; topics with equal subscribers and equally many partitions are
  co-partitioned, so that partition *p* of all of them is one member's.

Topics are put into classes of equal subscribers; in most groups there is one. The cost is
O(partitions + members · log members) per class.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

Assignment: TypeAlias = Mapping[bytes, frozenset[int]]
"""Partitions by topic id; no topic with none."""

NOTHING: Final[Assignment] = MappingProxyType({})


class Candidate(NamedTuple):
    """A member as an assignor sees it."""

    member_id: str
    instance_id: str | None
    topics: frozenset[bytes]  # it is subscribed to, of those that exist
    assigned: Assignment  # what it was meant to have until now


Assignor: TypeAlias = Callable[
    [Sequence[Candidate], Mapping[bytes, int]], dict[str, dict[bytes, frozenset[int]]]
]
"""(members, partitions by topic id) to what each member should have."""


class _Class(NamedTuple):
    """Topics with the same subscribers, the latter as indexes into the ranked members."""

    subscribers: tuple[int, ...]
    topics: list[bytes]


def _ranked(members: Sequence[Candidate]) -> list[Candidate]:
    """Static members first, by what outlives a restart of theirs."""
    return sorted(members, key=lambda m: (m.instance_id is None, m.instance_id or m.member_id))


def _classes(ranked: Sequence[Candidate], partitions: Mapping[bytes, int]) -> list[_Class]:
    first = ranked[0].topics
    if all(member.topics == first for member in ranked):
        everyone = tuple(range(len(ranked)))
        return [_Class(everyone, sorted(topic for topic in first if partitions.get(topic)))]
    subscribers: dict[bytes, list[int]] = defaultdict(list)
    for index, member in enumerate(ranked):
        for topic in member.topics:
            subscribers[topic].append(index)
    classes: dict[tuple[int, ...], list[bytes]] = defaultdict(list)
    for topic in sorted(subscribers):
        if partitions.get(topic):
            classes[tuple(subscribers[topic])].append(topic)
    # The fewer may have a topic, the earlier it is placed.
    return [_Class(*one) for one in sorted(classes.items(), key=lambda one: (len(one[0]), one[1]))]


class _Shares:
    """Who has what while an assignment is made: per member and class, and how much in all."""

    def __init__(self, members: int) -> None:
        self.load = [0] * members
        self.held: list[dict[int, list[tuple[int, bytes]]]] = [{} for _ in range(members)]

    def give(self, member: int, class_no: int, one: tuple[int, bytes]) -> None:
        self.held[member].setdefault(class_no, []).append(one)
        self.load[member] += 1

    def take(self, member: int, class_no: int) -> tuple[int, bytes]:
        self.load[member] -= 1
        return self.held[member][class_no].pop()


def uniform(
    members: Sequence[Candidate], partitions: Mapping[bytes, int]
) -> dict[str, dict[bytes, frozenset[int]]]:
    """Everybody keeps what they may, free partitions go to whoever has least, and while one has two more
    than another who could take one over, it hands one on.

    With equal subscriptions shares differ by one at most and no assignment that even moves fewer
    partitions; with different ones no move of a single partition would make it more even.
    """
    if not members:
        return {}
    ranked = _ranked(members)
    classes = _classes(ranked, partitions)
    shares = _Shares(len(ranked))
    class_of = {topic: no for no, one in enumerate(classes) for topic in one.topics}
    taken: set[tuple[int, bytes]] = set()
    for index, member in enumerate(ranked):
        kept = [
            (partition, topic)
            for topic, assigned in member.assigned.items()
            if topic in class_of and topic in member.topics
            for partition in assigned
            if partition < partitions[topic]
        ]
        # By partition first: what is handed on later, from the end, is of all topics alike.
        for one in sorted(kept):
            if one not in taken:
                taken.add(one)
                shares.give(index, class_of[one[1]], one)
    for no, one_class in enumerate(classes):
        free = sorted(
            (partition, topic)
            for topic in one_class.topics
            for partition in range(partitions[topic])
            if (partition, topic) not in taken
        )
        _deal(shares, no, one_class.subscribers, free)
    moved = True
    while moved:
        moved = False
        for no, one_class in enumerate(classes):
            moved |= _even_out(shares, no, one_class.subscribers)
        moved = moved and len(classes) > 1
    assignment: dict[str, dict[bytes, frozenset[int]]] = {}
    for member, held in zip(ranked, shares.held, strict=True):
        by_topic: dict[bytes, list[int]] = {}
        for of_class in held.values():
            for partition, topic in of_class:
                by_topic.setdefault(topic, []).append(partition)
        assignment[member.member_id] = {topic: frozenset(of) for topic, of in by_topic.items()}
    return assignment


def _deal(
    shares: _Shares, class_no: int, subscribers: Sequence[int], free: list[tuple[int, bytes]]
) -> None:
    if not free:
        return
    least = [(shares.load[index], index) for index in subscribers]
    heapify(least)
    for one in free:
        load, index = least[0]
        shares.give(index, class_no, one)
        heapreplace(least, (load + 1, index))


def _even_out(shares: _Shares, class_no: int, subscribers: Sequence[int]) -> bool:
    """Move partitions of one class from those who have most to those who have least.

    Each move lowers the sum of the squares of all loads, so this ends.
    """
    load, held = shares.load, shares.held
    least = [(load[index], index) for index in subscribers]
    most = [(-load[index], -index) for index in subscribers if held[index].get(class_no)]
    heapify(least)
    heapify(most)
    moved = False
    while most:
        size, index = -most[0][0], -most[0][1]
        if size != load[index] or not held[index].get(class_no):
            heappop(most)
            continue
        low, to = least[0]
        if low != load[to]:
            heapreplace(least, (load[to], to))
            continue
        if size - low < 2:
            break
        shares.give(to, class_no, shares.take(index, class_no))
        moved = True
        heapreplace(least, (load[to], to))
        heapreplace(most, (-load[index], -index))
        heappush(least, (load[index], index))
    return moved


def range_(
    members: Sequence[Candidate], partitions: Mapping[bytes, int]
) -> dict[str, dict[bytes, frozenset[int]]]:
    """Of each topic one range per subscriber, the first ones longer by one if it does not come out even.

    Which range is whose is the same for all topics of a class. It is decided by what members had: the
    largest overlap first; newcomers take what is left, static ones by instance id, then the others by
    member id. (Kafka orders by these ids alone, so that a member that comes or goes shifts all behind it.)
    """
    if not members:
        return {}
    ranked = _ranked(members)
    assignment: dict[str, dict[bytes, frozenset[int]]] = {m.member_id: {} for m in members}
    for one_class in _classes(ranked, partitions):
        size = len(one_class.subscribers)
        arranged = _arranged(ranked, one_class, partitions)
        for topic in one_class.topics:
            start = 0
            for slot, index in enumerate(arranged):
                end = start + _length(partitions[topic], size, slot)
                if start < end:
                    assignment[ranked[index].member_id][topic] = frozenset(range(start, end))
                start = end
    return assignment


def _length(partitions: int, size: int, slot: int) -> int:
    floor, longer = divmod(partitions, size)
    return floor + (slot < longer)


def _slot(partitions: int, size: int, partition: int) -> int:
    """In whose range ``partition`` lies."""
    floor, longer = divmod(partitions, size)
    if partition < longer * (floor + 1):
        return partition // (floor + 1)
    return longer + (partition - longer * (floor + 1)) // floor


def _arranged(
    ranked: Sequence[Candidate], one_class: _Class, partitions: Mapping[bytes, int]
) -> list[int]:
    """The subscribers in the order of their ranges."""
    size = len(one_class.subscribers)
    overlaps: dict[tuple[int, int], int] = defaultdict(int)
    topics = set(one_class.topics)
    for place, index in enumerate(one_class.subscribers):
        for topic, assigned in ranked[index].assigned.items():
            if topic in topics:
                count = partitions[topic]
                for partition in assigned:
                    if partition < count:
                        overlaps[place, _slot(count, size, partition)] += 1
    slots: list[int | None] = [None] * size
    placed = [False] * size
    for (place, slot), _ in sorted(overlaps.items(), key=lambda one: (-one[1], one[0])):
        if not placed[place] and slots[slot] is None:
            slots[slot] = one_class.subscribers[place]
            placed[place] = True
    newcomers = iter([i for place, i in enumerate(one_class.subscribers) if not placed[place]])
    return [index if index is not None else next(newcomers) for index in slots]


ASSIGNORS: Final[Mapping[str, Assignor]] = MappingProxyType({"uniform": uniform, "range": range_})
"""By the names that members ask for; the first is the default."""

DEFAULT_ASSIGNOR: Final = "uniform"
