"""Offsets of a parked group, changed on purpose: what all who do it share.

A change is one transaction of the metastore: it takes place from exactly the positions that were looked at, or
not at all. What it was is in the group's history like any commit, with who did it and why (I8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anabranch.errors import UserFault
from anabranch.metastore.api import (
    Actor,
    Conflict,
    DocumentChange,
    Metastore,
    OffsetAction,
    OffsetMove,
)

QUIET_STATES = ("", "Empty", "Dead")


class Parked(NamedTuple):
    """A group without members, as it was looked at. Whoever joins changes ``fence``."""

    group: str
    fence: int
    generation: int


async def parked(metastore: Metastore, group: str) -> Parked:
    """Raises UserFault if the group has members (or is a share group, which has no such offsets)."""
    row = await metastore.group(group)
    if row is None:
        return Parked(group, 0, -1)
    if row.kind == "share":
        raise UserFault(f"“{group}” is a share group: its records are handed out one by one")
    if row.state not in QUIET_STATES:
        raise UserFault(
            f"group “{group}” is {row.state}: stop its consumers first; they would overwrite the offsets otherwise"
        )
    return Parked(group, row.fence, row.generation)


async def move(
    metastore: Metastore,
    seen: Parked,
    moves: Sequence[OffsetMove],
    *,
    who: str,
    api: str,
    reason: str,
    now_ms: int,
    document: DocumentChange | None = None,
) -> None:
    """Put the offsets where they shall be, together with ``document``. Raises UserFault, with nothing changed,
    if anything is not as it was seen."""
    actor = Actor(principal=f"User:{who}", client_id="anabranch", host="", api=api, reason=reason)
    try:
        await metastore.move_offsets(
            seen.group,
            moves,
            OffsetAction.RESET,
            actor,
            now_ms,
            fence=seen.fence,
            document=document,
        )
    except Conflict as lost:
        raise UserFault(
            f"nothing was changed: {lost}. Somebody else was at group “{seen.group}” meanwhile"
        ) from None
