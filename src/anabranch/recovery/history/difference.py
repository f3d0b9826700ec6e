"""What happened to a group's offsets between two instants: old, new, and every turn in between.

A *turn* is what no consumer does by going forward: an administrator's change, a promotion, a deletion, an
expiry, a first commit, a commit of a smaller offset. They have an index of their own, so that the answer costs
what it shows and not what was committed. A consumer's own seek forward looks like any commit but for its size:
it is found among the newest :data:`COMMITS_MAX` commits of the interval, by rule of :func:`forward_jumps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from statistics import median
from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore, OffsetAction, OffsetChange
from anabranch.recovery import observe
from anabranch.recovery.history.explain import Change
from anabranch.recovery.model import topic_id_text

TURNS_MAX: Final = 1_000  # newest turns shown
COMMITS_MAX: Final = 3_000  # newest commits looked at for seeks forward: some 20 ms
JUMP_FACTOR: Final = 20  # so many times as far as the partition's usual commit
JUMP_OFFSETS_MIN: Final = 1_000  # less is a batch
USUAL_MIN: Final = 5  # commits from which on there is something usual


class TurnKind(StrEnum):
    """Which way a turn went."""

    FIRST = "first"
    REWIND = "rewind"
    JUMP = "jump"
    SAME = "same"  # set to where it stood
    GONE = "gone"


class Turn(Struct, frozen=True):
    """A change that was not a consumer going forward, marked."""

    kind: TurnKind
    topic: str
    partition: int
    change: Change


class PartitionDifference(Struct, frozen=True, kw_only=True):
    """One partition: what was committed at either instant (None: nothing), and who made the later one."""

    topic: str
    topic_id: str
    partition: int
    old: int | None
    new: int | None
    by: Change | None

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


def forward_jumps(commits: Sequence[OffsetChange]) -> list[OffsetChange]:
    """Consumers' commits that went :data:`JUMP_FACTOR` times as far as their partition's usual (median) one."""
    advances: dict[tuple[int, int], list[int]] = {}
    for one in commits:
        if one.action is not OffsetAction.COMMIT or one.old is None or one.new is None:
            continue
        if one.new > one.old:
            advances.setdefault((one.topic_no, one.partition), []).append(one.new - one.old)
    usual = {key: median(found) for key, found in advances.items() if len(found) >= USUAL_MIN}
    return [
        one
        for one in commits
        if one.action is OffsetAction.COMMIT
        and one.old is not None
        and one.new is not None
        and one.new - one.old
        >= max(
            JUMP_OFFSETS_MIN,
            JUMP_FACTOR * usual.get((one.topic_no, one.partition), float("inf")),
        )
    ]


async def difference(
    metastore: Metastore,
    group: str,
    *,
    from_ms: int,
    to_ms: int,
    topics: Sequence[str] | None = None,
) -> Difference:
    """Between two instants, the earlier one first. Raises UserFault if the group has no history."""
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
    marked = [*turns, *(one for one in forward_jumps(commits) if one.seq not in known)]
    marked.sort(key=lambda one: (-one.at_ms, -one.seq))
    marked = [one for one in marked if names is None or one.topic in names]
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
    turned = {(one.topic_no, one.partition) for one in marked}
    partitions = []
    for item in after:
        place = (item.change.topic_no, item.change.partition)
        if old.get(place) == item.change.new and place not in turned:
            continue
        partitions.append(
            PartitionDifference(
                topic=item.change.topic,
                topic_id=topic_id_text(item.topic.id) if item.topic else "",
                partition=item.change.partition,
                old=old.get(place),
                new=item.change.new,
                by=Change.of(item.change),
            )
        )
    return Difference(
        group=group,
        from_ms=from_ms,
        to_ms=to_ms,
        partitions=tuple(partitions),
        turns=tuple(
            Turn(turn_kind(one), one.topic, one.partition, Change.of(one)) for one in marked
        ),
        turns_complete=len(turns) < TURNS_MAX,
        begins_ms=oldest[0].at_ms if oldest else from_ms,
        commits_looked_at=len(commits),
        commits_complete=len(commits) < COMMITS_MAX,
    )
