"""Undo a change of a group's offsets: back to what it replaced, unless anybody has moved since.

The history holds for every change what it replaced (I8), so any of them can be undone while it is the last
one of its partitions; the undoing is a change like any other, and can be undone itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.metastore.api import Metastore, OffsetAction, OffsetChange, OffsetMove
from anabranch.recovery.history.explain import change_id
from anabranch.recovery.history.offset_moves import Parked, move, parked
from anabranch.recovery.times import time_text

LINES_MAX = 10_000  # partitions that one change may have touched


class UndoMove(Struct, frozen=True):
    """One partition of an undoing. None: no committed offset. ``lost``: records between ``back_to`` and the log
    start, that a restart there would not see any more."""

    topic: str
    topic_no: int
    partition: int
    now: int | None
    back_to: int | None
    metadata: str
    lost: int


class Undo(Struct, frozen=True):
    """What undoing the change ``id`` of ``group`` does. ``by`` is who made the change."""

    group: str
    id: str
    at_ms: int
    action: str
    by: str
    why: str
    moves: tuple[UndoMove, ...]
    seen: Parked


async def prepare(
    metastore: Metastore,
    group: str,
    *,
    change: str | None = None,
    topics: Sequence[str] | None = None,
) -> Undo:
    """Look at what undoing ``change`` (an id that ``explain`` shows; None: the newest one that was no consumer's
    own commit) would do. All partitions that were changed together are undone together, or those of ``topics``.

    Raises UserFault if there is none, it was moved since, or the group has members.
    """
    seen = await parked(metastore, group)
    line = await _line(metastore, group, change)
    if line.action is OffsetAction.PROMOTE:
        raise UserFault(
            f"change {change_id(line)} is a promotion: `anabranch promote SESSION --undo` brings back its tables too"
        )
    lines = [
        one
        for one in await _together(metastore, group, line)
        if topics is None or one.topic in topics
    ]
    if not lines:
        raise UserFault(f"change {change_id(line)} touched none of these topics")
    live = {topic.no for topic in await metastore.topics()}
    places = [(one.topic_no, one.partition) for one in lines]
    now = await metastore.positions(group, places)
    moves = []
    for one in lines:
        where = f"{one.topic or 'a deleted topic'}:{one.partition}"
        if one.topic_no not in live:
            raise UserFault(f"{where}: the topic is gone; undo the others with --topic")
        present = now.get((one.topic_no, one.partition))
        if present != one.new:
            raise UserFault(
                f"{where} stands at {_text(present)} now, not at {_text(one.new)} where the change put it: it was "
                "moved since; undo that first, or plan new offsets with `anabranch offsets plan`"
            )
        state = await metastore.partition(one.topic_no, one.partition)
        start = state.log_start if state is not None else 0
        moves.append(
            UndoMove(
                topic=one.topic,
                topic_no=one.topic_no,
                partition=one.partition,
                now=present,
                back_to=one.old,
                metadata=await _metadata_before(metastore, one),
                lost=max(0, start - one.old) if one.old is not None else 0,
            )
        )
    return Undo(
        group=group,
        id=change_id(line),
        at_ms=line.at_ms,
        action=line.action.value,
        by=line.actor.principal or line.actor.client_id,
        why=line.actor.reason,
        moves=tuple(sorted(moves, key=lambda one: (one.topic, one.partition))),
        seen=seen,
    )


async def undo(metastore: Metastore, prepared: Undo, *, who: str, reason: str, now_ms: int) -> None:
    """Do what was looked at. Raises UserFault, with nothing changed, if anything moved since."""
    await move(
        metastore,
        prepared.seen,
        [
            OffsetMove(one.topic_no, one.partition, one.now, one.back_to, -1, one.metadata)
            for one in prepared.moves
        ],
        who=who,
        api="group undo",
        reason=f"undo of {prepared.id}" + (f": {reason}" if reason else ""),
        now_ms=now_ms,
    )


async def _line(metastore: Metastore, group: str, change: str | None) -> OffsetChange:
    if change is None:
        turns = await metastore.offset_turns(group, since_ms=0, until_ms=2**62, limit=LINES_MAX)
        for one in turns:
            if one.action is not OffsetAction.COMMIT:
                return one
        raise UserFault(
            f"nobody but consumers ever changed the offsets of group “{group}”: name one of their commits with --change"
        )
    at, dash, seq = change.partition("-")
    if not (dash and at.isdigit() and seq.isdigit()):
        raise UserFault(f"“{change}” is not a change's id; `anabranch explain {group}` shows them")
    for one in await metastore.offset_history(
        group, since_ms=int(at), until_ms=int(at), limit=LINES_MAX
    ):
        if one.seq == int(seq):
            return one
    raise UserFault(
        f"group “{group}” has no change {change} (of {time_text(int(at))}) in its history"
    )


async def _together(metastore: Metastore, group: str, line: OffsetChange) -> list[OffsetChange]:
    """The lines of the transaction that ``line`` is of: numbered without a hole, by one actor at one time."""
    lines = await metastore.offset_history(
        group, since_ms=line.at_ms, until_ms=line.at_ms, limit=LINES_MAX
    )
    alike = {one.seq: one for one in lines if one.actor == line.actor and one.action is line.action}
    first = last = line.seq
    while first - 1 in alike:
        first -= 1
    while last + 1 in alike:
        last += 1
    together: dict[tuple[int, int], OffsetChange] = {}
    for seq in range(first, last + 1):
        one = alike[seq]
        place = (one.topic_no, one.partition)
        before = together.get(place)
        if before is not None:  # named twice: what the first replaced, where the second left it
            one = OffsetChange(
                one.seq, one.at_ms, one.group_id, one.topic_no, one.topic, one.partition,
                one.action, before.old, one.new, one.metadata, one.actor,
            )  # fmt: skip
        together[place] = one
    return list(together.values())


async def _metadata_before(metastore: Metastore, line: OffsetChange) -> str:
    """What stood beside the offset that was replaced: Kafka Streams keeps its stream time there."""
    if line.old is None:
        return ""
    before = await metastore.offset_history(
        line.group_id,
        topic_no=line.topic_no,
        partition=line.partition,
        until_ms=line.at_ms,
        limit=100,
    )
    for one in before:
        if one.seq < line.seq and one.new == line.old:
            return one.metadata
    return ""


def _text(offset: int | None) -> str:
    return "no offset" if offset is None else f"{offset:,}"
