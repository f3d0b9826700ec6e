"""What one process tells the others that share its metastore: where to look again.

Verbs say what they change as they go (``tx.changed``, mostly through the journal's notes); the engine
tells it once the transaction is committed. All of it is a hint. One that is lost costs latency, never
correctness, because the metastore judges every write; and a slow poll stands behind it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct

NAMED_MAX = 1_000  # things named one by one; beyond it everything may have changed


class Changed(Struct, frozen=True, omit_defaults=True):
    """``topics``: their rows or those of all their partitions; ``partitions``: (topic_no, partition);
    ``groups``: their state or committed offsets; ``documents``: the kinds of those; ``brokers``: who
    lives. ``everything`` stands for all."""

    everything: bool = False
    topics: frozenset[int] = frozenset()
    partitions: frozenset[tuple[int, int]] = frozenset()
    groups: frozenset[str] = frozenset()
    documents: frozenset[str] = frozenset()
    brokers: bool = False


EVERYTHING = Changed(everything=True)

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(Changed).decode


class ChangeSet:
    """Collects what is changed until it is taken."""

    def __init__(self) -> None:
        self.topics: set[int] = set()
        self.partitions: set[tuple[int, int]] = set()
        self.groups: set[str] = set()
        self.documents: set[str] = set()
        self.brokers = False
        self._everything = False

    def noted(self, table: str, key: tuple[int | str, ...]) -> None:
        """Rows of ``table`` whose key begins with ``key`` changed."""
        match table, key:
            case ("topic", (int(topic_no),)) | ("partition", (int(topic_no),)):
                self.topics.add(topic_no)
            case "partition", (int(topic_no), int(partition)):
                self.partitions.add((topic_no, partition))
            case "document", (str(kind), *_):
                self.documents.add(kind)
            case "broker", _:
                self.brokers = True

    def add(self, changed: Changed) -> None:
        self.topics |= changed.topics
        self.partitions |= changed.partitions
        self.groups |= changed.groups
        self.documents |= changed.documents
        self.brokers |= changed.brokers
        self._everything |= changed.everything

    def take(self) -> Changed | None:
        """What was collected since the last time; None if that is nothing."""
        named = len(self.topics) + len(self.partitions) + len(self.groups) + len(self.documents)
        if not (named or self.brokers or self._everything):
            return None
        if self._everything or named > NAMED_MAX:
            taken = EVERYTHING
        else:
            taken = Changed(
                topics=frozenset(self.topics),
                partitions=frozenset(self.partitions),
                groups=frozenset(self.groups),
                documents=frozenset(self.documents),
                brokers=self.brokers,
            )
        self.__init__()  # type: ignore[misc]
        return taken


def union(several: Iterable[Changed]) -> Changed | None:
    """All of them in one."""
    collected = ChangeSet()
    for changed in several:
        collected.add(changed)
    return collected.take()


def told(body: Any) -> Changed:
    """What a line says; a line that another version wrote otherwise may mean anything."""
    try:
        return decode(body)
    except msgspec.DecodeError:
        return EVERYTHING
