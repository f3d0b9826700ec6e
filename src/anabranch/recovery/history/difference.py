"""What happened to a group's offsets between two instants: old, new, and every turn in between.

A *turn* is what no consumer does by going forward: an administrator's change, a promotion, a deletion, an
expiry, a first commit, a commit of a smaller offset. They have an index of their own, so that the answer costs
what it shows and not what was committed. A consumer's own seek forward looks like any commit but for its size:
it is found among the newest :data:`COMMITS_MAX` commits of the interval, by rule of :func:`forward_jumps`. Offsets say only which
may be one: who crosses what compaction removed goes far and skips nothing, so records are counted (:func:`skips`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import median_low
from typing import Final, NamedTuple

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.counting import RecordCounter
from anabranch.log.counts import Count, Tally
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Metastore, OffsetAction, OffsetChange
from anabranch.recovery import observe
from anabranch.recovery.history.explain import Change
from anabranch.recovery.model import topic_id_text

TURNS_MAX: Final = 1_000  # newest turns shown
COMMITS_MAX: Final = 3_000  # newest commits looked at for seeks forward: some 20 ms
JUMP_FACTOR: Final = 20  # so many times as far as the partition's usual commit
JUMP_RECORDS_MIN: Final = 1_000  # less is a batch
USUAL_MIN: Final = 5  # commits from which on there is something usual


class TurnKind(StrEnum):
    """Which way a turn went."""

    FIRST = "first"
    REWIND = "rewind"
    JUMP = "jump"
    SAME = "same"  # set to where it stood
    GONE = "gone"


class Turn(Struct, frozen=True):
    """A change that was not a consumer going forward, marked. ``records`` (``at_most``: or fewer) lie between where it stood and
    where it went: skipped by a jump, read again after a rewind. None: it did not stand anywhere, or does not any more."""

    kind: TurnKind
    topic: str
    partition: int
    change: Change
    records: int | None = None
    at_most: bool = False


class PartitionDifference(Struct, frozen=True, kw_only=True):
    """One partition: what was committed at either instant (None: nothing), and who made the later one. ``records``
    (``at_most``: or fewer) lie between the two; None as in :class:`Turn`."""

    topic: str
    topic_id: str
    partition: int
    old: int | None
    new: int | None
    by: Change | None
    records: int | None = None
    at_most: bool = False

    @property
    def moved(self) -> int | None:
        return None if self.old is None or self.new is None else self.new - self.old


class Difference(Struct, frozen=True, kw_only=True):
    """Of all partitions that differ or turned. ``turns``: newest first; ``turns_complete``: none is left out.
    ``begins_ms`` is when the history that is kept begins: of what was before, only what it replaced is known.
    ``commits_looked_at`` for seeks forward, ``commits_complete``: these were all of the interval."""

    group: str
    from_ms: int
    to_ms: int
    partitions: tuple[PartitionDifference, ...]
    turns: tuple[Turn, ...]
    turns_complete: bool
    begins_ms: int
    commits_looked_at: int
    commits_complete: bool


def turn_kind(change: OffsetChange) -> TurnKind:
    """By what it was and became alone."""
    if change.new is None:
        return TurnKind.GONE
    if change.old is None:
        return TurnKind.FIRST
    if change.new == change.old:
        return TurnKind.SAME
    return TurnKind.REWIND if change.new < change.old else TurnKind.JUMP


class FarCommit(NamedTuple):
    """A consumer's commit that went far by its offsets, and one that went as far as its partition's usually do."""

    change: OffsetChange
    usual: OffsetChange


def forward_jumps(commits: Sequence[OffsetChange]) -> list[FarCommit]:
    """Consumers' commits that went :data:`JUMP_FACTOR` times as far as their partition's usual (median) one."""
    advances: dict[tuple[int, int], list[OffsetChange]] = {}
    for one in commits:
        if one.action is OffsetAction.COMMIT and _advance(one) > 0:
            advances.setdefault((one.topic_no, one.partition), []).append(one)
    found = []
    for of_partition in advances.values():
        if len(of_partition) < USUAL_MIN:
            continue
        usual = median_low(_advance(one) for one in of_partition)
        like_it = next(one for one in of_partition if _advance(one) == usual)
        found += [FarCommit(one, like_it) for one in of_partition if skips(_advance(one), usual)]
    return found


def _advance(one: OffsetChange) -> int:
    return 0 if one.old is None or one.new is None else one.new - one.old


def skips(far: int, usual: int) -> bool:
    """Whether a commit that went so far was no reading on, where others go ``usual`` far."""
    return far >= max(JUMP_RECORDS_MIN, JUMP_FACTOR * usual)


_UNKNOWN: Final = Tally((), ())  # of a topic that is gone, only offsets are known


class _Counts:
    """Records between offsets of a group's partitions, told of all before it counts."""

    def __init__(self, metastore: Metastore, counter: RecordCounter | None) -> None:
        self._metastore = metastore
        self._counter = counter
        self._marks: dict[tuple[int, int], set[int]] = {}
        self._tallies: dict[tuple[int, int], Tally] = {}

    async def count(self, pairs: Iterable[tuple[int, int, int | None, int | None]]) -> None:
        """(topic_no, partition, offset, offset)."""
        for topic_no, partition, one, other in pairs:
            if one is not None and other is not None:
                self._marks.setdefault((topic_no, partition), set()).update((one, other))
        for key, marks in self._marks.items():
            row = await self._metastore.partition(*key)
            if self._counter is None or row is None:
                continue
            cuts = {min(row.next_offset, max(row.log_start, mark)) for mark in marks}
            self._tallies[key] = await self._counter.tally(*key, cuts)

    def between(self, key: tuple[int, int], one: int | None, other: int | None) -> Count | None:
        if one is None or other is None:
            return None
        tally = self._tallies.get(key, _UNKNOWN)
        return tally.between(min(one, other), max(one, other))

    def of(self, change: OffsetChange) -> Count | None:
        return self.between((change.topic_no, change.partition), change.old, change.new)

    def is_jump(self, far: FarCommit) -> bool:
        records, usual = self.of(far.change), self.of(far.usual)
        assert records is not None and usual is not None, "both went forward"
        return skips(records.records, usual.records)


async def difference(
    metastore: Metastore,
    group: str,
    *,
    from_ms: int,
    to_ms: int,
    topics: Sequence[str] | None = None,
    extents: ExtentReader | None = None,
    exact: bool = False,
) -> Difference:
    """Between two instants, the earlier one first. Raises UserFault if the group has no history.

    ``extents`` reads the log, to count records: some of it, or with ``exact`` as much as a plan would. Without it every
    offset counts as a record, at most.
    """
    if from_ms > to_ms:
        from_ms, to_ms = to_ms, from_ms
    names = None if topics is None else set(topics)
    before = await observe.group_positions(metastore, group, from_ms, topics)
    after = await observe.group_positions(metastore, group, to_ms, topics)
    if not after:
        raise UserFault(
            f"group “{group}” had committed nothing by then; `anabranch explain {group}` says when its history begins"
        )
    oldest = await metastore.offset_history(group, limit=1, newest_first=False)
    turns = await metastore.offset_turns(
        group, since_ms=from_ms + 1, until_ms=to_ms, limit=TURNS_MAX
    )
    commits = await metastore.offset_history(
        group, since_ms=from_ms + 1, until_ms=to_ms, limit=COMMITS_MAX
    )
    known = {one.seq for one in turns}
    far = [one for one in forward_jumps(commits) if one.change.seq not in known]
    marked = [one for one in turns if names is None or one.topic in names]
    far = [one for one in far if names is None or one.change.topic in names]
    old = {(one.change.topic_no, one.change.partition): one.change.new for one in before}
    for item in after:
        place = (item.change.topic_no, item.change.partition)
        if place not in old and item.change.at_ms > from_ms:
            # The line before was pruned, or there was none: the first line that is left says which.
            first = await metastore.offset_history(
                group,
                topic_no=place[0],
                partition=place[1],
                since_ms=from_ms + 1,
                limit=1,
                newest_first=False,
            )
            if first:
                old[place] = first[0].old
    counts = _Counts(metastore, observe.counter(metastore, extents, exact=exact))
    changes = [*marked, *(one for pair in far for one in pair)]
    await counts.count(
        [
            *((one.topic_no, one.partition, one.old, one.new) for one in changes),
            *(
                (key[0], key[1], old.get(key), item.change.new)
                for item in after
                for key in [(item.change.topic_no, item.change.partition)]
            ),
        ]
    )
    marked += [one.change for one in far if counts.is_jump(one)]
    marked.sort(key=lambda one: (-one.at_ms, -one.seq))
    turned = {(one.topic_no, one.partition) for one in marked}
    partitions = []
    for item in after:
        place = (item.change.topic_no, item.change.partition)
        if old.get(place) == item.change.new and place not in turned:
            continue
        moved = counts.between(place, old.get(place), item.change.new)
        partitions.append(
            PartitionDifference(
                topic=item.change.topic,
                topic_id=topic_id_text(item.topic.id) if item.topic else "",
                partition=item.change.partition,
                old=old.get(place),
                new=item.change.new,
                by=Change.of(item.change),
                records=None if moved is None else moved.records,
                at_most=moved is not None and not moved.exact,
            )
        )
    return Difference(
        group=group,
        from_ms=from_ms,
        to_ms=to_ms,
        partitions=tuple(partitions),
        turns=tuple(_turn(one, counts.of(one)) for one in marked),
        turns_complete=len(turns) < TURNS_MAX,
        begins_ms=oldest[0].at_ms if oldest else from_ms,
        commits_looked_at=len(commits),
        commits_complete=len(commits) < COMMITS_MAX,
    )


def _turn(change: OffsetChange, moved: Count | None) -> Turn:
    return Turn(
        turn_kind(change),
        change.topic,
        change.partition,
        Change.of(change),
        None if moved is None else moved.records,
        moved is not None and not moved.exact,
    )
