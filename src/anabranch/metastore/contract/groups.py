"""Consumer groups, their committed offsets and the history of these."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from anabranch.metastore.values import (
    Actor,
    Committed,
    DocumentChange,
    GroupMemberRow,
    GroupRow,
    OffsetAction,
    OffsetChange,
    OffsetMove,
    StoredGroup,
)


class GroupVerbs(Protocol):
    """Verbs about groups."""

    async def groups(self) -> list[GroupRow]:
        """All groups, also those that have only committed offsets (state ``Empty``)."""

    async def group_names_after(self, after: str, limit: int) -> list[tuple[str, str]]:
        """(group id, lane) of up to ``limit`` groups by id, from behind ``after`` on: a page of :meth:`groups`."""

    async def group(self, group_id: str) -> GroupRow | None: ...

    async def stored_group(self, group_id: str) -> StoredGroup | None:
        """With its members, by member id; all as of one moment."""

    async def save_group(
        self,
        row: GroupRow,
        *,
        expected: int | None = None,
        members: Sequence[GroupMemberRow] = (),
        gone: Sequence[str] = (),
        anew: bool = False,
    ) -> None:
        """Store a group under ``row.fence``, put ``members`` in place of what they were, and forget those
        that are ``gone``; the others stay, unless ``anew`` (the group has another protocol than before).

        Conflict, with nothing stored, unless the group's present fence is ``expected`` (0: there is no
        such group, or no coordinator ever saved it; None: whatever it is)."""

    async def delete_group(
        self,
        group_id: str,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
        spare: bool = False,
    ) -> bool:
        """With its committed offsets, each with a line of history. Conflict as in ``save_group``.

        ``spare``: not if offsets of a deleted topic wait out of sight for it to be brought back."""

    async def committed(self, group_id: str) -> list[Committed]: ...

    async def positions(
        self, group_id: str, partitions: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], int]:
        """The committed offsets of these (topic_no, partition), of those that have one."""

    async def commit_offsets(
        self,
        group_id: str,
        offsets: Sequence[Committed],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        """Store the offsets, create the group's row if there is none, write the history; one transaction.

        An offset of a topic that was deleted meanwhile is left out: it would be gone with the topic.
        Conflict, with nothing stored, unless the group's fence is ``expected`` (see ``save_group``).
        """

    async def move_offsets(
        self,
        group_id: str,
        moves: Sequence[OffsetMove],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        fence: int,
        document: DocumentChange | None = None,
    ) -> None:
        """Put committed offsets from ``old`` to ``new``, all of them and ``document`` or nothing; one transaction.

        Conflict, with nothing stored, unless the group's fence is ``fence``, every partition's committed offset
        is its ``old``, every topic is live and the document's body is the expected one. A partition is named once.
        """

    async def delete_offsets(
        self,
        group_id: str,
        partitions: Sequence[tuple[int, int]],
        action: OffsetAction,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
    ) -> None:
        """``partitions`` are (topic_no, partition). Conflict as in ``save_group``."""

    async def offset_history(
        self,
        group_id: str,
        *,
        topic_no: int | None = None,
        partition: int | None = None,
        since_ms: int | None = None,
        until_ms: int | None = None,
        limit: int = 1000,
        newest_first: bool = True,
    ) -> list[OffsetChange]: ...

    async def offset_turns(
        self, group_id: str, *, since_ms: int, until_ms: int, limit: int = 1000
    ) -> list[OffsetChange]:
        """Of the history, newest first, only what was not a consumer going forward: resets, promotions, deletions,
        expiries, first commits and commits of a smaller offset. O(result), however many commits lie between."""

    async def positions_at(self, group_id: str, at_ms: int) -> list[OffsetChange]:
        """The last change per partition at or before ``at_ms``; ``new`` is the position then."""

    async def prune_offset_history(self, before_ms: int, limit: int) -> int:
        """Drop lines older than ``before_ms``, except the line of an offset that is still committed;
        returns how many, and less than ``limit`` once none is left."""
