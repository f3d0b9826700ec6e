"""The verbs about consumer groups and their offsets, for every engine."""

from __future__ import annotations

from collections.abc import Sequence

from anabranch.metastore import groups, history, offset_moves
from anabranch.metastore import offsets as committed_offsets
from anabranch.metastore.share_verbs import SqlShareVerbs
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


class SqlGroupVerbs(SqlShareVerbs):
    """See :class:`anabranch.metastore.contract.groups.GroupVerbs`."""

    async def groups(self) -> list[GroupRow]:
        return await self._read(groups.groups)

    async def group_names_after(self, after: str, limit: int) -> list[tuple[str, str]]:
        return await self._read(groups.names_after, after, limit)

    async def group(self, group_id: str) -> GroupRow | None:
        return await self._read(groups.group, group_id)

    async def stored_group(self, group_id: str) -> StoredGroup | None:
        return await self._read(groups.stored_group, group_id)

    async def save_group(
        self,
        row: GroupRow,
        *,
        expected: int | None = None,
        members: Sequence[GroupMemberRow] = (),
        gone: Sequence[str] = (),
        anew: bool = False,
    ) -> None:
        await self._write(groups.save_group, row, expected, members, gone, anew)

    async def delete_group(
        self,
        group_id: str,
        actor: Actor,
        now_ms: int,
        *,
        expected: int | None = None,
        spare: bool = False,
    ) -> bool:
        return await self._write(groups.delete_group, group_id, actor, now_ms, expected, spare)

    async def committed(self, group_id: str) -> list[Committed]:
        return await self._read(committed_offsets.committed, group_id)

    async def positions(
        self, group_id: str, partitions: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], int]:
        return await self._read(committed_offsets.positions, group_id, partitions)

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
        await self._write(
            committed_offsets.commit_offsets, group_id, offsets, action, actor, now_ms, expected
        )

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
        await self._write(
            offset_moves.move_offsets, group_id, moves, action, actor, now_ms, fence, document
        )

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
        await self._write(
            committed_offsets.delete_offsets, group_id, partitions, action, actor, now_ms, expected
        )

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
    ) -> list[OffsetChange]:
        return await self._read(
            history.offset_history,
            group_id,
            topic_no=topic_no,
            partition=partition,
            since_ms=since_ms,
            until_ms=until_ms,
            limit=limit,
            newest_first=newest_first,
        )

    async def offset_turns(
        self, group_id: str, *, since_ms: int, until_ms: int, limit: int = 1000
    ) -> list[OffsetChange]:
        return await self._read(history.offset_turns, group_id, since_ms, until_ms, limit)

    async def positions_at(self, group_id: str, at_ms: int) -> list[OffsetChange]:
        return await self._read(history.positions_at, group_id, at_ms)

    async def prune_offset_history(self, before_ms: int, limit: int) -> int:
        return await self._write(history.prune_offset_history, before_ms, limit)
