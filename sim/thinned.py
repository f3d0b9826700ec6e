"""What compaction may take, judged by what clients sent: of each key the newest record stays.

A record may be missing if a newer one of its key exists that is old enough to be cleaned, or if it is a
delete marker, old enough to be cleaned, and ``delete.retention.ms`` is over: of what is old enough it was the
newest of its key, and that younger ones follow keeps it no longer. Brokers judge ages by clocks that
jump, so every age is allowed to be wrong by as much as clocks were ever apart.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sim.history import Attempt, Line, TopicStory, Violation

if TYPE_CHECKING:
    from sim.world import World

DAY_MS = 86_400_000


def compactable(story: TopicStory) -> bool:
    """Whether records of the topic, or of what it was branched off, may ever have been compacted."""
    return any("compact" in policy for policy in story.ever("cleanup.policy", "delete"))


class Thinned:
    """Objections to what is not there."""

    def __init__(self, world: World) -> None:
        self._world = world

    def missing(self, story: TopicStory, partition: int, offsets: Iterable[int]) -> None:
        """These offsets hold no record any more. Raises Violation if one of them should."""
        where = f"{story}/{partition}"
        for offset in offsets:
            if self._world.history.is_damaged(story, partition, offset):
                continue
            if not compactable(story):
                raise Violation(
                    f"I2: {where}: {offset} is left out, and nothing is compacted there"
                )
            objection = self._objection(story, partition, offset)
            if objection is not None:
                raise Violation(f"I2: {where}: {objection}")
            if offset in story.line(partition).at:
                story.line(partition).gone.add(offset)

    def _objection(self, story: TopicStory, partition: int, offset: int) -> str | None:
        """None if it may be missing, or if nobody knows what it was."""
        line = story.line(partition)
        here = line.at.get(offset)
        objection = None
        if here is not None:
            objection = self._own_objection(story, partition, line, offset, here)
        origin, source = story.topic.origin, story.source
        if objection is None or origin is None or source is None:
            return objection
        if offset >= origin.ends[partition]:
            return objection
        return self._objection(source, partition, offset)  # which may have lost it first

    def _own_objection(
        self, story: TopicStory, partition: int, line: Line, offset: int, here: tuple[str, int]
    ) -> str | None:
        attempts = self._world.history.attempts
        record = attempts[here[0]].records[here[1]]
        if record.key is None:
            return f"{here} at {offset} has no key, and is gone"
        newer = line.by_key[record.key]
        newer = newer[bisect_right(newer, offset) :]
        lag_ms = story.least("min.compaction.lag.ms", 0)
        ages = [self._age_ms(attempts[line.at[each][0]]) for each in newer]
        if ages and max(ages) >= lag_ms:
            return None
        if any(self._may_replace(each, record.key, story, partition) for each in attempts.values()):
            return None
        age_ms = self._age_ms(attempts[here[0]])
        retention_ms = story.least("delete.retention.ms", DAY_MS)
        if record.value is None and age_ms >= max(lag_ms, retention_ms):
            return None  # its time is over, whatever came since
        if newer:
            return f"{here} at {offset} was compacted by {newer}, which are only {ages} ms old"
        if record.value is not None:
            return f"{here} at {offset} is the newest of {record.key!r}, and is gone"
        return f"the delete marker {here} at {offset} is gone after {age_ms} ms"

    def _may_replace(self, attempt: Attempt, key: bytes, story: TopicStory, partition: int) -> bool:
        """Whether nobody knows what became of the attempt, and it may have come and gone."""
        if (attempt.topic_id, attempt.partition) != (story.id, partition):
            return False
        if attempt.acked is not None or attempt.refused:
            return False
        return any(record.key == key and record.value is None for record in attempt.records)

    def _age_ms(self, attempt: Attempt) -> int:
        """At most; some broker's clock may have said so."""
        return self._world.now_ms() - attempt.sent_ms + self._world.clocks_apart_ms

    # -- what an audit finds ---------------------------------------------------------------------------
    def present(
        self, story: TopicStory, partition: int, spans: Sequence[tuple[int, int]], there: set[int]
    ) -> None:
        """``spans``: first and last offset of each extent; ``there``: the offsets of their records."""
        line = story.line(partition)
        back = line.gone & there
        if back:
            raise Violation(f"I2: {story}/{partition}: {sorted(back)[:5]} were gone, and are back")
        left_out = [
            offset
            for first, last in spans
            for offset in range(first, last + 1)
            if offset not in there
        ]
        self.missing(story, partition, left_out)
        self._resurrected(story, partition, line, there)

    def _resurrected(self, story: TopicStory, partition: int, line: Line, there: set[int]) -> None:
        """Where a delete marker is gone, nothing older of its key is left."""
        attempts = self._world.history.attempts
        for offset in line.gone:
            uid, number = line.at[offset]
            record = attempts[uid].records[number]
            if record.value is not None or record.key is None:
                continue
            older = [each for each in line.by_key[record.key] if each < offset and each in there]
            newer = [each for each in line.by_key[record.key] if each > offset]
            if older and not newer:
                raise Violation(
                    f"I2: {story}/{partition}: the delete marker {uid} at {offset} is gone, and "
                    f"{older} of {record.key!r} are back"
                )

    def clean(self, story: TopicStory, partition: int, end: int, there: set[int]) -> None:
        """Below ``end`` a pass says that it has been: of each key at most the newest is left."""
        line = story.line(partition)
        for key, offsets in line.by_key.items():
            left = [each for each in offsets if each < end and each in there]
            if len(left) > 1:
                raise Violation(f"{story}/{partition}: clean up to {end}, but {key!r} is at {left}")
