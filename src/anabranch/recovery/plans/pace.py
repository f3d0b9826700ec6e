"""How fast a group works when it has something to catch up on, from the history of its offsets.

A group that keeps pace commits as fast as others append, which says nothing about what it could do: a plan that took it for
a rate would read a week in a week. So only seconds count in which it dealt with records that had long been there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from anabranch.metastore.api import Metastore, OffsetAction, OffsetChange
from anabranch.recovery import observe
from anabranch.recovery.observe import AppendTimes

WINDOW_MS = 1000  # commits are summed per second
HISTORY_MAX = 5000  # newest lines looked at
SECONDS_MAX = (
    100  # of which it is asked how old their records were, evenly among slow and fast ones
)
BEHIND_MS = (
    10_000  # records this old were caught up on; committing follows reading by up to 5 s as it is
)


class Busy(NamedTuple):
    """A second in which a group moved: by how many offsets, and the commit that moved it most."""

    records: int
    most: OffsetChange


def busy_seconds(changes: Iterable[OffsetChange]) -> list[Busy]:
    """The seconds in which consumers' commits went forward, the slowest first."""
    found: dict[int, Busy] = {}
    for change in changes:
        forward = _forward(change)
        if forward > 0:
            window = change.at_ms // WINDOW_MS
            known = found.get(window, Busy(0, change))
            most = change if forward > _forward(known.most) else known.most
            found[window] = Busy(known.records + forward, most)
    return sorted(found.values(), key=lambda busy: busy.records)


def _forward(change: OffsetChange) -> int:
    if change.action is not OffsetAction.COMMIT or change.old is None or change.new is None:
        return 0
    return change.new - change.old


async def catching_up(
    metastore: Metastore, group: str, now_ms: int, append_times: AppendTimes | None = None
) -> float | None:
    """Offsets per second at which the group moved while it was behind; None if it was never seen so.

    Those seconds count whose last record was :data:`BEHIND_MS` old when it was committed; their upper quartile stands for
    catching up.
    """
    history = await metastore.offset_history(group, until_ms=now_ms, limit=HISTORY_MAX)
    seconds = busy_seconds(history)
    behind = [
        busy.records
        for busy in seconds[:: len(seconds) // SECONDS_MAX + 1]
        if await _was_behind(metastore, busy.most, append_times)
    ]
    if not behind:
        return None
    return behind[(len(behind) - 1) * 3 // 4] * 1000 / WINDOW_MS


async def _was_behind(
    metastore: Metastore, change: OffsetChange, append_times: AppendTimes | None
) -> bool:
    assert change.new is not None, "it went forward"
    last = change.new - 1
    moment = await observe.moment_at(
        metastore, change.topic_no, change.partition, last, append_times
    )
    return moment is not None and change.at_ms - moment.appended_ms >= BEHIND_MS
