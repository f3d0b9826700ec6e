"""What groups of the consumer protocol know of topics: names, ids and numbers of partitions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import NamedTuple, Protocol


class TopicShape(NamedTuple):
    """A topic as far as an assignment depends on it."""

    id: bytes
    partitions: int


class TopicView(Protocol):
    """All topics at one moment, or as they change: then ``version`` grows."""

    @property
    def version(self) -> int: ...

    def shape(self, name: str) -> TopicShape | None:
        """None if there is no such topic."""

    def name(self, topic_id: bytes) -> str | None:
        """None if there is no such topic any more."""

    def names(self) -> frozenset[str]:
        """Of all topics; the same object as long as ``version`` is the same."""


class FixedTopics:
    """Topics that do not change: for tests, and for one step of an automaton."""

    def __init__(self, topics: Mapping[str, TopicShape], version: int = 0) -> None:
        self.version = version
        self._topics = topics
        self._ids = {shape.id: name for name, shape in topics.items()}
        self._names = frozenset(topics)

    def shape(self, name: str) -> TopicShape | None:
        return self._topics.get(name)

    def name(self, topic_id: bytes) -> str | None:
        return self._ids.get(topic_id)

    def names(self) -> frozenset[str]:
        return self._names


def picture(names: Iterable[str], topics: TopicView) -> dict[str, TopicShape]:
    """Of the topics with these names, those that exist."""
    found = {}
    for name in names:
        shape = topics.shape(name)
        if shape is not None:
            found[name] = shape
    return found


def digest(shapes: Mapping[str, TopicShape]) -> bytes:
    """The same 16 bytes on every broker for the same topics: tells whether an assignment is out of date."""
    hashed = blake2b(digest_size=16)
    for name in sorted(shapes):
        shape = shapes[name]
        hashed.update(b"%d %b %b %d\n" % (len(name), name.encode(), shape.id, shape.partitions))
    return hashed.digest()
