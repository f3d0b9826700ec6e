"""The metastore as a few dictionaries and lists: what an engine must be indistinguishable from."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field

from anabranch.metastore.api import NewExtent


@dataclass
class ModelExtent:
    base: int
    last: int
    key: str
    position: int
    length: int
    records: int
    timestamp: int
    appended: int

    def as_new(self) -> NewExtent:
        return NewExtent(
            self.base,
            self.last,
            self.position,
            self.length,
            self.records,
            self.timestamp,
            self.appended,
            0,
        )


@dataclass
class ModelPartition:
    next_offset: int = 0
    log_start: int = 0
    appended_mark: int = 0
    extents: list[ModelExtent] = field(default_factory=list)
    gaps: list[tuple[int, int, str]] = field(default_factory=list)

    def advance(self, to: int, cause: str) -> None:
        to = min(to, self.next_offset)
        if to <= self.log_start:
            return
        if self.gaps and self.gaps[-1][1] == self.log_start - 1 and self.gaps[-1][2] == cause:
            first, _, _ = self.gaps.pop()
        else:
            first = self.log_start
        self.gaps.append((first, to - 1, cause))
        self.log_start = to
        self.extents = [extent for extent in self.extents if extent.last >= to]

    def up_to(self, end: int, trimmed_key: str) -> ModelPartition:
        """The partition of a branch that ends here; a straddling extent is cut into its own object."""
        past = deepcopy(self)
        past.next_offset = end
        past.gaps = [gap for gap in past.gaps if gap[0] < end]
        past.extents = [extent for extent in past.extents if extent.base < end]
        if past.extents and past.extents[-1].last >= end:
            cut = past.extents[-1]
            cut.last, cut.records, cut.key, cut.position = end - 1, end - cut.base, trimmed_key, 0
        past.extents = [extent for extent in past.extents if extent.last >= past.log_start]
        past.appended_mark = max((extent.appended for extent in past.extents), default=0)
        return past


@dataclass
class ModelTopic:
    name: str
    partitions: list[ModelPartition]


@dataclass
class ModelLine:
    at_ms: int
    action: str
    old: int | None
    new: int | None


@dataclass
class Model:
    topics: dict[int, ModelTopic] = field(default_factory=dict)
    deleted: dict[int, ModelTopic] = field(default_factory=dict)  # with grace
    objects: set[str] = field(default_factory=set)
    committed: dict[tuple[str, int, int], int] = field(default_factory=dict)
    history: dict[tuple[str, int, int], list[ModelLine]] = field(default_factory=dict)

    def change_offset(
        self, key: tuple[str, int, int], new: int | None, action: str, now_ms: int
    ) -> None:
        old = self.committed.get(key)
        if new is None:
            if old is None:
                return
            del self.committed[key]
        else:
            self.committed[key] = new
        self.history.setdefault(key, []).append(ModelLine(now_ms, action, old, new))

    def named(self) -> set[str]:
        return {
            extent.key
            for topic in (*self.topics.values(), *self.deleted.values())
            for partition in topic.partitions
            for extent in partition.extents
        }
