"""What clients did and saw, and the first objections that follow from it.

Every record says which attempt wrote it and as which of its records, so whoever sees one can tell what
it is and where it has been seen before.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from anabranch.metastore.api import Topic
from anabranch.records.batch import scan
from anabranch.records.record import Record, iter_records

if TYPE_CHECKING:
    from sim.consumers import Ownership
    from sim.members import GroupStory

ID = "id"  # the header that says who wrote a record


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Attempt:
    """One batch that a producer wants appended once. A plain producer's retry is another attempt."""

    uid: str
    topic_id: bytes
    partition: int
    records: Sequence[Record]
    sequence: tuple[int, int, int] | None  # producer id, epoch, base sequence
    sent_ms: int = 0  # true time
    acked: int | None = None
    refused: bool = False  # for certain not appended

    @property
    def count(self) -> int:
        return len(self.records)


@dataclass
class Line:
    """One partition as everybody has seen it so far."""

    at: dict[int, tuple[str, int]] = field(default_factory=dict)  # offset -> attempt, record
    base: dict[str, int] = field(default_factory=dict)  # attempt -> offset of its record 0
    by_key: dict[bytes, list[int]] = field(default_factory=dict)  # its offsets, ascending
    gone: set[int] = field(default_factory=set)  # compaction took them
    damaged: set[int] = field(default_factory=set)  # what a vandal took
    deleted_below: int = 0  # by DeleteRecords, asked for


@dataclass
class TopicStory:
    """A topic as its clients know it."""

    topic: Topic
    source: TopicStory | None = None
    deletion_asked: bool = False
    deleted: bool = False  # acknowledged
    deletion_ms: int = 0  # true time when it was asked for
    turns: int = 0  # how often it was deleted or brought back
    lines: dict[int, Line] = field(default_factory=dict)
    configs: list[Mapping[str, str]] = field(default_factory=list)  # all that were ever asked for

    def __post_init__(self) -> None:
        self.configs.append(self.topic.configs)

    @property
    def id(self) -> bytes:
        return self.topic.id

    def line(self, partition: int) -> Line:
        return self.lines.setdefault(partition, Line())

    def ever(self, name: str, default: str) -> set[str]:
        """Every value that a configuration may have had, here or where its records come from."""
        values = {configs.get(name, default) for configs in self.configs}
        return values if self.source is None else values | self.source.ever(name, default)

    def least(self, name: str, default: int) -> int:
        return min(int(value) for value in self.ever(name, str(default)))

    def __str__(self) -> str:
        return self.topic.name


def identified(uid: str, records: Sequence[tuple[int, bytes | None, bytes | None]]) -> list[Record]:
    """Records (timestamp, key, value) that say in a header whose they are: a delete marker has no value."""
    return [
        Record(0, timestamp, key, value, ((ID, f"{uid}/{number}".encode()),))
        for number, (timestamp, key, value) in enumerate(records)
    ]


def identity_of(record: Record) -> tuple[str, int]:
    (_, identity) = record.headers[0]
    assert identity is not None
    uid, _, number = identity.decode().rpartition("/")
    return uid, int(number)


class History:
    """Everything that clients asked for and were told."""

    def __init__(self) -> None:
        self.topics: dict[bytes, TopicStory] = {}
        self.attempts: dict[str, Attempt] = {}
        self.acked = 0
        self.records_seen = 0
        self.groups: dict[str, GroupStory] = {}
        self.ownerships: dict[str, Ownership] = {}  # of groups of the consumer protocol
        # What is wrong with offsets that were known and are not in what was read of a partition.
        self.missing: Callable[[TopicStory, int, Sequence[int]], None] = lambda *_: None

    def live_topics(self) -> list[TopicStory]:
        return [story for story in self.topics.values() if not story.deletion_asked]

    def is_damaged(self, story: TopicStory, partition: int, offset: int) -> bool:
        """Whether a vandal took it, here or where the topic was branched off."""
        if offset in story.line(partition).damaged:
            return True
        origin, source = story.topic.origin, story.source
        if origin is None or source is None or offset >= origin.ends[partition]:
            return False
        return self.is_damaged(source, partition, offset)

    def may_be_given_up(self, story: TopicStory, partition: int, offset: int) -> bool:
        """Whether it is damaged, or holds no record: what compaction left out beside a damaged batch cannot be
        told from it."""
        if self.is_damaged(story, partition, offset):
            return True
        line = story.line(partition)
        return offset in line.gone or offset not in line.at

    def attempts_of(self, story: TopicStory, partition: int) -> list[Attempt]:
        return [
            attempt
            for attempt in self.attempts.values()
            if attempt.topic_id == story.id and attempt.partition == partition
        ]

    def created(self, topic: Topic) -> TopicStory:
        story = self.topics.get(topic.id)
        if story is None:
            source = self.topics.get(topic.origin.topic_id) if topic.origin else None
            story = self.topics[topic.id] = TopicStory(topic, source)
        return story

    def acknowledged(self, attempt: Attempt, base_offset: int) -> None:
        if attempt.acked is not None and attempt.acked != base_offset:
            raise Violation(
                f"I5: {attempt.uid} was acknowledged at {attempt.acked} and again at {base_offset}"
            )
        attempt.acked = base_offset
        self.acked += 1
        line = self.topics[attempt.topic_id].line(attempt.partition)
        for number in range(attempt.count):
            self._place(line, attempt, number, base_offset + number, "acknowledged")

    def saw(self, story: TopicStory, partition: int, record: Record) -> None:
        """Somebody read a record."""
        self.records_seen += 1
        uid, number = identity_of(record)
        offset = record.offset
        attempt = self.attempts.get(uid)
        where = f"{story}/{partition} at {offset}"
        if attempt is None:
            raise Violation(f"{where}: nobody wrote {record}")
        if attempt.partition != partition:
            raise Violation(f"{where}: {uid} was sent to partition {attempt.partition}")
        sent = attempt.records[number]
        if (record.key, record.value) != (sent.key, sent.value):
            raise Violation(f"{where}: {uid}/{number} was sent as {sent}, and read as {record}")
        stamped = "LogAppendTime" in story.ever("message.timestamp.type", "CreateTime")
        if not stamped and record.timestamp != sent.timestamp:
            raise Violation(f"{where}: {uid}/{number} has time {record.timestamp}, not {sent}")
        line = story.line(partition)
        if attempt.topic_id != story.id:
            self._inherited(story, partition, offset, attempt)
        elif story.topic.origin is not None and offset < story.topic.origin.ends[partition]:
            raise Violation(f"I7: {where}, below the branch's own start, lies {attempt.uid}")
        self._place(line, attempt, number, offset, "read")

    def _inherited(self, story: TopicStory, partition: int, offset: int, attempt: Attempt) -> None:
        """A record that another topic's producer wrote: right only below the point of branching."""
        origin, source = story.topic.origin, story.source
        where = f"{story}/{partition} at {offset}"
        if origin is None or source is None:
            raise Violation(f"I7: {where} lies {attempt.uid} of another topic")
        if offset >= origin.ends[partition]:
            raise Violation(f"I7: {where}, behind the point of branching, lies {attempt.uid}")
        known = source.line(partition).at.get(offset)
        if known is not None and known[0] != attempt.uid:
            raise Violation(f"I7: {where} lies {attempt.uid}, in the source {known[0]}")

    def _place(self, line: Line, attempt: Attempt, number: int, offset: int, how: str) -> None:
        here = (attempt.uid, number)
        known = line.at.get(offset)
        if known is None:
            line.at[offset] = here
            key = attempt.records[number].key
            if key is not None:
                insort(line.by_key.setdefault(key, []), offset)
        elif known != here:
            raise Violation(f"I2: {how} {here} at {offset}, where {known} was before")
        base = line.base.setdefault(attempt.uid, offset - number)
        if base != offset - number:
            raise Violation(f"I5: {how} {attempt.uid} at {offset - number}, but also at {base}")
        if attempt.refused:
            raise Violation(f"I1: {attempt.uid} was refused, and is at {offset}")
        if attempt.acked is not None and attempt.acked != base and attempt.topic_id:
            raise Violation(f"I1: {attempt.uid} is at {base}, acknowledged at {attempt.acked}")

    def saw_bytes(self, story: TopicStory, partition: int, data: bytes, position: int) -> int:
        """Batches of a fetch at ``position``; the next position. They must go on from there, and leave out
        nothing but what compaction may have taken."""
        at = position
        seen: set[int] = set()
        for header in scan(memoryview(data)):
            if header.last_offset < at:
                raise Violation(f"I2: {story}/{partition}: read from {at}, got {header}")
            for record in iter_records(memoryview(data), header):
                if record.offset in seen:
                    raise Violation(f"I2: {story}/{partition}: {record} came twice")
                seen.add(record.offset)
                self.saw(story, partition, record)
            at = header.last_offset + 1
        left_out = [each for each in range(position, at) if each not in seen]
        if left_out:
            self.missing(story, partition, left_out)
        return at
