"""Offsets that are put elsewhere on purpose, and the lines of history that say where a group turned (I8)."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from anabranch.metastore.api import (
    Conflict,
    DocumentChange,
    GroupRow,
    Metastore,
    OffsetAction,
    OffsetMove,
)

from .support import ADMIN, MEMBER, a_topic, at

COMMIT, RESET, DELETE = OffsetAction.COMMIT, OffsetAction.RESET, OffsetAction.DELETE


async def test_I8_a_move_is_whole_or_nothing(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=3)
    await meta.commit_offsets("g", [at(topic, 0, 5), at(topic, 1, 6)], COMMIT, MEMBER, 10)
    before = await meta.committed("g")
    moves = [
        OffsetMove(topic.no, 0, 5, 2, 7, "kept"),
        OffsetMove(topic.no, 1, 6, None),
        OffsetMove(topic.no, 2, None, 9),
    ]
    plan = DocumentChange("offset-plan", "p", b"applied", b"made")

    async def refused(fence: int = 0, document: DocumentChange | None = plan) -> None:
        with pytest.raises(Conflict):
            await meta.move_offsets("g", moves, RESET, ADMIN, 20, fence=fence, document=document)
        assert await meta.committed("g") == before and len(await meta.offset_history("g")) == 2

    await refused()  # no such document
    await meta.put_document("offset-plan", "p", b"edited", 15)
    await refused()
    await refused(fence=3, document=None)
    for stale in (replace(moves[0], old=4), replace(moves[0], old=None)):
        moves[0], kept = stale, moves[0]
        await refused(document=None)
        moves[0] = kept
    moves[2] = replace(moves[2], old=1)
    await refused(document=None)
    moves[2] = replace(moves[2], old=None)
    await meta.put_document("offset-plan", "p", b"made", 16)
    await meta.move_offsets("g", moves, RESET, ADMIN, 20, fence=0, document=plan)
    zero, two = await meta.committed("g")
    assert (zero.partition, zero.offset, zero.leader_epoch, zero.metadata) == (0, 2, 7, "kept")
    assert (two.partition, two.offset, two.committed_ms) == (2, 9, 20)
    document = await meta.document("offset-plan", "p")
    assert document is not None and document.body == b"applied"
    lines = await meta.offset_history("g", since_ms=20)
    assert {(one.partition, one.old, one.new) for one in lines} == {
        (0, 5, 2), (1, 6, None), (2, None, 9),
    }  # fmt: skip
    assert all(one.actor == ADMIN and one.action is RESET for one in lines)


async def test_I8_a_member_that_joined_or_a_topic_that_went_refuses_a_move(meta: Metastore) -> None:
    topic = await a_topic(meta)
    move = [OffsetMove(topic.no, 0, None, 3)]
    await meta.save_group(GroupRow("g", "consumer", "Stable", 1, b"s", 5, fence=77))
    with pytest.raises(Conflict):
        await meta.move_offsets("g", move, RESET, ADMIN, 20, fence=0)
    await meta.delete_topic(topic.no, 21, 1000)
    with pytest.raises(Conflict):
        await meta.move_offsets("g", move, RESET, ADMIN, 22, fence=77)
    with pytest.raises(Conflict):
        await meta.move_offsets("new", move, RESET, ADMIN, 22, fence=0)
    assert await meta.group("new") is None


async def test_I8_turns_are_what_no_consumer_does_by_going_forward(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    for now, offset in ((10, 5), (11, 8), (12, 8), (13, 3), (14, 9)):
        await meta.commit_offsets("g", [at(topic, 0, offset)], COMMIT, MEMBER, now)
    await meta.commit_offsets("g", [at(topic, 1, 4)], COMMIT, MEMBER, 15)
    await meta.commit_offsets("g", [at(topic, 1, 9)], RESET, ADMIN, 16)
    await meta.delete_offsets("g", [(topic.no, 0)], DELETE, ADMIN, 17)
    await meta.commit_offsets("h", [at(topic, 0, 1)], COMMIT, MEMBER, 18)

    async def turns(since: int = 0, until: int = 99, limit: int = 100) -> list[int]:
        found = await meta.offset_turns("g", since_ms=since, until_ms=until, limit=limit)
        return [one.at_ms for one in found]

    assert await turns() == [17, 16, 15, 13, 10]
    assert await turns(11, 16) == [16, 15, 13]
    assert await turns(limit=2) == [17, 16]
    assert await meta.offset_turns("nobody", since_ms=0, until_ms=99) == []


async def test_I8_moves_beside_commits_leave_one_line_of_history(meta: Metastore) -> None:
    """Each change replaces what the one before left; the fixture's check compares every pair of lines."""
    topic = await a_topic(meta, partitions=2)
    await meta.commit_offsets("g", [at(topic, 0, 0), at(topic, 1, 0)], COMMIT, MEMBER, 10)

    async def commit(n: int) -> None:
        await meta.commit_offsets("g", [at(topic, n % 2, n)], COMMIT, MEMBER, 10 + n)

    async def move(n: int) -> bool:
        now = await meta.positions("g", [(topic.no, 0), (topic.no, 1)])
        moves = [OffsetMove(topic.no, p, now[topic.no, p], 1000 + n) for p in (0, 1)]
        try:
            await meta.move_offsets("g", moves, RESET, ADMIN, 10 + n, fence=0)
        except Conflict:
            return False
        return True

    done = await asyncio.gather(*(move(n) if n % 3 == 0 else commit(n) for n in range(1, 60)))
    lines = await meta.offset_history("g", newest_first=False)
    moved = [one for one in lines if one.action is RESET]
    assert len(moved) == 2 * done.count(True) and len(lines) == 2 + 40 + len(moved)
    assert len({one.new for one in moved}) * 2 == len(moved), "both partitions of each, or none"
