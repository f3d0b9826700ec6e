"""What clients did and saw, and the first objections that follow from it.

Every record says which attempt wrote it and as which of its records, so whoever sees one can tell what
it is and where it has been seen before.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from anabranch.metastore.api import Topic
from anabranch.records.batch import scan
from anabranch.records.record import iter_records


class Violation(AssertionError):
    """An invariant does not hold."""


@dataclass
class Attempt:
    """One batch that a producer wants appended once. A plain producer's retry is another attempt."""

    uid: str
    topic_id: bytes
    partition: int
    count: int
    sequence: tuple[int, int, int] | None  # producer id, epoch, base sequence
    acked: int | None = None
    refused: bool = False  # for certain not appended


@dataclass
class Line:
    """One partition as everybody has seen it so far."""

    at: dict[int, tuple[str, int]] = field(default_factory=dict)  # offset -> attempt, record
    base: dict[str, int] = field(default_factory=dict)  # attempt -> offset of its record 0
    deleted_below: int = 0  # by DeleteRecords, asked for


@dataclass
class TopicStory:
    """A topic as its clients know it."""

    topic: Topic
    source: TopicStory | None = None
    deletion_asked: bool = False
    deleted: bool = False  # acknowledged
    lines: dict[int, Line] = field(default_factory=dict)

    @property
    def id(self) -> bytes:
        return self.topic.id

    def line(self, partition: int) -> Line:
        return self.lines.setdefault(partition, Line())

    def __str__(self) -> str:
        return self.topic.name


def values(attempt_uid: str, count: int, padding: int) -> list[bytes]:
    return [f"{attempt_uid}/{number}/".encode() + bytes(padding) for number in range(count)]


class History:
    """Everything that clients asked for and were told."""

    def __init__(self) -> None:
        self.topics: dict[bytes, TopicStory] = {}
        self.attempts: dict[str, Attempt] = {}
        self.acked = 0
        self.records_seen = 0

    def live_topics(self) -> list[TopicStory]:
        return [story for story in self.topics.values() if not story.deletion_asked]

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

    def saw(self, story: TopicStory, partition: int, offset: int, value: bytes) -> None:
        """Somebody read a record."""
        self.records_seen += 1
        uid, number = value.split(b"/", 2)[:2]
        attempt = self.attempts.get(uid.decode())
        where = f"{story}/{partition} at {offset}"
        if attempt is None:
            raise Violation(f"{where}: nobody wrote {value[:40]!r}")
        if attempt.partition != partition:
            raise Violation(f"{where}: {uid.decode()} was sent to partition {attempt.partition}")
        line = story.line(partition)
        if attempt.topic_id != story.id:
            self._inherited(story, partition, offset, attempt)
        elif story.topic.origin is not None and offset < story.topic.origin.ends[partition]:
            raise Violation(f"I7: {where}, below the branch's own start, lies {attempt.uid}")
        self._place(line, attempt, int(number), offset, "read")

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
        known = line.at.setdefault(offset, here)
        if known != here:
            raise Violation(f"I2: {how} {here} at {offset}, where {known} was before")
        base = line.base.setdefault(attempt.uid, offset - number)
        if base != offset - number:
            raise Violation(f"I5: {how} {attempt.uid} at {offset - number}, but also at {base}")
        if attempt.refused:
            raise Violation(f"I1: {attempt.uid} was refused, and is at {offset}")
        if attempt.acked is not None and attempt.acked != base and attempt.topic_id:
            raise Violation(f"I1: {attempt.uid} is at {base}, acknowledged at {attempt.acked}")

    def saw_bytes(self, story: TopicStory, partition: int, data: bytes, position: int) -> int:
        """Batches of a fetch at ``position``; the next position. They must go on from there without a hole."""
        at = position
        for header in scan(memoryview(data)):
            if header.base_offset > at:
                raise Violation(
                    f"I2: {story}/{partition}: read from {at}, the next batch is at {header.base_offset}"
                )
            if header.last_offset < at:
                raise Violation(f"I2: {story}/{partition}: read from {at}, got {header}")
            for record in iter_records(memoryview(data), header):
                self.saw(story, partition, record.offset, record.value or b"")
            at = header.last_offset + 1
        return at
