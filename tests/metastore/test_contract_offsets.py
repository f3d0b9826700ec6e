"""What every engine promises about groups, committed offsets and their history (I8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from anabranch.metastore.api import (
    Actor,
    Committed,
    Conflict,
    GroupMemberRow,
    GroupRow,
    Metastore,
    OffsetAction,
    OffsetChange,
    StoredGroup,
)

from .support import ADMIN, MEMBER, a_topic, at

COMMIT, RESET, DELETE = OffsetAction.COMMIT, OffsetAction.RESET, OffsetAction.DELETE


def brief(lines: list[OffsetChange]) -> list[tuple[int, int, str, int | None, int | None]]:
    return [(line.at_ms, line.partition, line.action.value, line.old, line.new) for line in lines]


async def test_groups_at_rest(reopen: Callable[[], Metastore]) -> None:
    meta = reopen()
    row = GroupRow("g", "consumer", "Stable", 3, b"\x00snapshot", 50)
    await meta.save_group(row)
    assert await meta.group("g") == row and await meta.group("h") is None
    newer = GroupRow("g", "consumer", "Empty", 4, b"", 60)
    await meta.save_group(newer)
    await meta.save_group(GroupRow("f", "connect", "Dead", 0, b"x", 61))
    meta.close()
    assert [r.group_id for r in await reopen().groups()] == ["f", "g"]
    assert await reopen().group("g") == newer
    assert await reopen().group_names_after("", 9) == [("f", "live"), ("g", "live")]
    assert await reopen().group_names_after("f", 1) == [("g", "live")]


async def test_members_of_a_group_have_rows_of_their_own(reopen: Callable[[], Metastore]) -> None:
    meta = reopen()
    row = GroupRow("g", "consumer", "Stable", 3, b"head", 50, fence=1, kind="consumer")
    a, b, c = (GroupMemberRow(name, b"\0" + name.encode()) for name in "abc")
    await meta.save_group(row, members=[b, a])
    await meta.save_group(replace(row, group_id="h"), members=[c])
    assert await meta.stored_group("g") == StoredGroup(row, [a, b])
    assert await meta.stored_group("i") is None
    newer = replace(row, generation=4, fence=2)
    changed = GroupMemberRow("b", b"other")
    await meta.save_group(newer, expected=1, members=[c, changed], gone=["a", "unknown"])
    assert await meta.stored_group("g") == StoredGroup(newer, [changed, c])
    with pytest.raises(Conflict):
        await meta.save_group(row, expected=1, members=[a], gone=["b"], anew=True)
    meta.close()
    meta = reopen()
    assert await meta.stored_group("g") == StoredGroup(newer, [changed, c])
    classic = replace(newer, kind="classic", fence=3)
    await meta.save_group(classic, expected=2, anew=True)
    assert await meta.stored_group("g") == StoredGroup(classic, [])
    await meta.save_group(replace(newer, fence=4), expected=3, members=[a], anew=True)
    assert await meta.delete_group("g", ADMIN, 60, expected=4)
    assert await meta.stored_group("g") is None
    await meta.save_group(replace(newer, fence=5), expected=0)
    assert await meta.stored_group("g") == StoredGroup(replace(newer, fence=5), [])
    stored = await meta.stored_group("h")
    assert stored is not None and stored.members == [c]


async def test_many_members_are_saved_at_once(meta: Metastore) -> None:
    row = GroupRow("g", "consumer", "Stable", 3, b"head", 50, kind="consumer")
    members = [GroupMemberRow(f"m{n:04}", n.to_bytes(2)) for n in range(700)]
    await meta.save_group(row, members=members)
    assert await meta.stored_group("g") == StoredGroup(row, members)
    await meta.save_group(row, gone=[member.member_id for member in members[:-1]])
    assert await meta.stored_group("g") == StoredGroup(row, members[-1:])


async def test_a_commit_makes_the_group(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=3)
    offset = Committed(topic.no, 1, 5, 2, "meta", 70, 90)
    await meta.commit_offsets("g", [offset, at(topic, 0, 3)], COMMIT, MEMBER, 70)
    assert await meta.committed("g") == [at(topic, 0, 3), offset]
    group = await meta.group("g")
    assert group is not None and (group.state, group.protocol_type) == ("Empty", "")
    assert await meta.committed("h") == []
    wanted = [(topic.no, 0), (topic.no, 1), (topic.no, 1), (topic.no, 2)]
    assert await meta.positions("g", wanted) == {(topic.no, 0): 3, (topic.no, 1): 5}
    assert await meta.positions("g", []) == await meta.positions("h", wanted) == {}
    await meta.save_group(GroupRow("g", "consumer", "Stable", 3, b"s", 71))
    await meta.commit_offsets("g", [at(topic, 1, 6)], COMMIT, MEMBER, 72)
    group = await meta.group("g")
    assert group is not None and group.snapshot == b"s"
    assert await meta.committed("g") == [at(topic, 0, 3), at(topic, 1, 6)]


async def test_I4_an_old_picture_of_a_group_changes_nothing(meta: Metastore) -> None:
    topic = await a_topic(meta)
    row = GroupRow("g", "consumer", "Stable", 1, b"s", 10, fence=77, lane="recovery")
    with pytest.raises(Conflict):
        await meta.save_group(row, expected=5)
    assert await meta.group("g") is None
    await meta.commit_offsets("g", [at(topic, 0, 1)], COMMIT, MEMBER, 11, expected=0)
    await meta.save_group(row, expected=0)  # a row that commits alone made was never saved
    assert await meta.group("g") == row
    newer = replace(row, generation=2, fence=78)
    for stale in (0, 76, 78):
        with pytest.raises(Conflict):
            await meta.save_group(newer, expected=stale)
        with pytest.raises(Conflict):
            await meta.commit_offsets("g", [at(topic, 0, 9)], COMMIT, MEMBER, 12, expected=stale)
        with pytest.raises(Conflict):
            await meta.delete_offsets("g", [(topic.no, 0)], DELETE, MEMBER, 12, expected=stale)
        with pytest.raises(Conflict):
            await meta.delete_group("g", ADMIN, 12, expected=stale)
    assert await meta.group("g") == row and await meta.committed("g") == [at(topic, 0, 1)]
    await meta.save_group(newer, expected=77)
    await meta.commit_offsets("g", [at(topic, 0, 2)], COMMIT, MEMBER, 13, expected=78)
    assert await meta.delete_group("g", ADMIN, 14, expected=78)
    # Deleted is as if it never was, and whoever knew it before knows nothing now.
    with pytest.raises(Conflict):
        await meta.commit_offsets("g", [at(topic, 0, 3)], COMMIT, MEMBER, 15, expected=78)
    await meta.commit_offsets("g", [at(topic, 0, 3)], COMMIT, MEMBER, 15, expected=0)
    assert await meta.committed("g") == [at(topic, 0, 3)]


async def test_i8_every_change_is_a_line_with_its_actor(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    await meta.commit_offsets("g", [at(topic, 0, 5, "m"), at(topic, 1, 7)], COMMIT, MEMBER, 10)
    await meta.commit_offsets("g", [at(topic, 0, 5, "n")], COMMIT, MEMBER, 20)
    await meta.commit_offsets("g", [at(topic, 0, 2)], RESET, ADMIN, 30)
    await meta.delete_offsets("g", [(topic.no, 1), (topic.no, 9)], DELETE, ADMIN, 40)
    await meta.commit_offsets("g", [at(topic, 1, 8)], COMMIT, MEMBER, 50)
    lines = await meta.offset_history("g", newest_first=False)
    assert brief(lines) == [
        (10, 0, "commit", None, 5),
        (10, 1, "commit", None, 7),
        (20, 0, "commit", 5, 5),
        (30, 0, "reset", 5, 2),
        (40, 1, "delete", 7, None),
        (50, 1, "commit", None, 8),
    ]
    assert [line.actor for line in lines] == [MEMBER, MEMBER, MEMBER, ADMIN, ADMIN, MEMBER]
    assert [line.metadata for line in lines] == ["m", "", "n", "", "", ""]
    assert all((line.group_id, line.topic_no, line.topic) == ("g", 1, "flights") for line in lines)
    assert [line.seq for line in lines] == sorted({line.seq for line in lines})
    assert await meta.offset_history("g") == lines[::-1]
    assert await meta.offset_history("g", limit=2) == lines[:3:-1]
    assert await meta.offset_history("g", limit=2, newest_first=False) == lines[:2]
    assert await meta.offset_history("g", since_ms=20, until_ms=40) == lines[4:1:-1]
    assert await meta.offset_history("g", topic_no=topic.no, partition=1) == [
        lines[i] for i in (5, 4, 1)
    ]
    assert await meta.offset_history("g", topic_no=99) == []
    assert await meta.offset_history("nobody") == []


async def test_i8_positions_at_an_instant(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    await meta.commit_offsets("g", [at(topic, 0, 5)], COMMIT, MEMBER, 10)
    await meta.commit_offsets("g", [at(topic, 1, 7)], COMMIT, MEMBER, 20)
    await meta.commit_offsets("g", [at(topic, 0, 6)], COMMIT, MEMBER, 30)
    await meta.delete_offsets("g", [(topic.no, 1)], OffsetAction.EXPIRE, ADMIN, 40)

    async def positions(at_ms: int) -> dict[int, int | None]:
        return {line.partition: line.new for line in await meta.positions_at("g", at_ms)}

    assert await positions(9) == {}
    assert await positions(10) == {0: 5}
    assert await positions(29) == {0: 5, 1: 7}
    assert await positions(30) == {0: 6, 1: 7}
    assert await positions(10**9) == {0: 6, 1: None}
    assert await meta.positions_at("nobody", 50) == []


async def test_i8_a_clock_that_goes_back_does_not_reorder_a_partition(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    await meta.commit_offsets("g", [at(topic, 0, 5)], COMMIT, MEMBER, 60)
    await meta.commit_offsets("g", [at(topic, 0, 5)], COMMIT, MEMBER, 100)
    await meta.commit_offsets("g", [at(topic, 0, 6), at(topic, 1, 1)], COMMIT, MEMBER, 90)
    await meta.delete_offsets("g", [(topic.no, 0)], DELETE, ADMIN, 80)
    await meta.commit_offsets("g", [at(topic, 0, 9)], COMMIT, MEMBER, 70)
    lines = await meta.offset_history("g", partition=0, newest_first=False)
    assert brief(lines) == [
        (60, 0, "commit", None, 5),
        (100, 0, "commit", 5, 5),
        (100, 0, "commit", 5, 6),
        (100, 0, "delete", 6, None),
        (100, 0, "commit", None, 9),
    ]
    assert {line.partition: line.new for line in await meta.positions_at("g", 100)} == {0: 9, 1: 1}


async def test_i8_a_partition_named_twice_in_one_commit_makes_two_lines(meta: Metastore) -> None:
    topic = await a_topic(meta)
    twice = [at(topic, 0, 5), at(topic, 0, 6)]
    await meta.commit_offsets("g", twice, COMMIT, MEMBER, 10)
    assert await meta.committed("g") == [at(topic, 0, 6)]
    lines = await meta.offset_history("g", newest_first=False)
    assert [(line.old, line.new) for line in lines] == [(None, 5), (5, 6)]


async def test_i8_a_deleted_group_can_still_be_explained(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=70)
    await meta.commit_offsets("g", [at(topic, p, p) for p in range(70)], COMMIT, MEMBER, 10)
    assert await meta.delete_group("g", ADMIN, 20)
    assert not await meta.delete_group("g", ADMIN, 21)
    assert await meta.groups() == [] and await meta.group("g") is None
    assert await meta.committed("g") == []
    lines = await meta.offset_history("g")
    assert brief(lines[:70]) == [(20, p, "delete", p, None) for p in range(69, -1, -1)]
    assert lines[0].actor == ADMIN and len(lines) == 140
    await meta.commit_offsets("g", [at(topic, 0, 1)], COMMIT, MEMBER, 30)
    assert [g.group_id for g in await meta.groups()] == ["g"]
    assert len(await meta.offset_history("g")) == 141


async def test_i8_a_deleted_topic_can_still_be_explained(meta: Metastore) -> None:
    topic = await a_topic(meta)
    other = await a_topic(meta, "other", number=2)
    await meta.commit_offsets("g", [at(topic, 0, 5), at(other, 0, 6)], COMMIT, MEMBER, 10)
    assert await meta.delete_topic(topic.no, 20)
    assert await meta.committed("g") == [at(other, 0, 6)]
    lines = await meta.offset_history("g", topic_no=topic.no)
    assert brief(lines) == [(20, 0, "delete", 5, None), (10, 0, "commit", None, 5)]
    assert lines[0].topic == "flights" and lines[0].actor.reason == "topic deleted"
    named = await meta.topic_by_no(topic.no)
    assert named is not None and named.name == "flights"
    await meta.commit_offsets("g", [at(topic, 0, 9), at(other, 0, 7)], COMMIT, MEMBER, 30)
    assert await meta.committed("g") == [at(other, 0, 7)]
    assert len(await meta.offset_history("g", topic_no=topic.no)) == 2


async def test_I4_a_commit_that_a_deletion_overtook_is_there_when_the_topic_comes_back(
    meta: Metastore,
) -> None:
    """Its broker had not heard of the deletion, and acknowledged it."""
    topic, other = await a_topic(meta), await a_topic(meta, "other", number=2)
    await meta.delete_topic(topic.no, 20, grace_ms=50)
    await meta.commit_offsets("g", [at(topic, 0, 7), at(other, 0, 3)], COMMIT, MEMBER, 21)
    assert [one.offset for one in await meta.committed("g")] == [3]
    await meta.undelete_topic(topic.no, None, 30)
    assert sorted(one.offset for one in await meta.committed("g")) == [3, 7]
    await meta.delete_topic(topic.no, 40, grace_ms=10)
    await meta.commit_offsets("g", [at(topic, 0, 8)], COMMIT, MEMBER, 41)
    while await meta.purge_deleted(2, 60) == 2:
        await meta.commit_offsets("g", [at(topic, 0, 9)], COMMIT, MEMBER, 61)
    lines = brief(await meta.offset_history("g", topic_no=topic.no))
    assert lines[0][2] == "delete", "a purge takes what was committed meanwhile"
    await meta.commit_offsets("g", [at(topic, 0, 10)], COMMIT, MEMBER, 62)
    assert brief(await meta.offset_history("g", topic_no=topic.no)) == lines


async def test_pruning_keeps_what_is_still_committed(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    for i in range(5):
        await meta.commit_offsets("g", [at(topic, 0, i)], COMMIT, MEMBER, 10 + i)
    await meta.commit_offsets("g", [at(topic, 1, 1)], COMMIT, MEMBER, 16)
    await meta.commit_offsets("gone", [at(topic, 0, 1)], COMMIT, ADMIN, 10)
    await meta.delete_group("gone", ADMIN, 11)
    assert await meta.prune_offset_history(10, 100) == 0
    assert await meta.prune_offset_history(12, 3) == 3
    assert await meta.prune_offset_history(12, 3) == 1
    assert brief(await meta.offset_history("g", newest_first=False)) == [
        (12, 0, "commit", 1, 2),
        (13, 0, "commit", 2, 3),
        (14, 0, "commit", 3, 4),
        (16, 1, "commit", None, 1),
    ]
    assert await meta.offset_history("gone") == []
    assert await meta.prune_offset_history(10**9, 100) == 2
    assert brief(await meta.offset_history("g", newest_first=False)) == [
        (14, 0, "commit", 3, 4),
        (16, 1, "commit", None, 1),
    ]
    assert await meta.committed("g") == [at(topic, 0, 4), at(topic, 1, 1)]


async def test_pruning_drops_the_names_that_only_history_kept(meta: Metastore) -> None:
    topic = await a_topic(meta)
    other = await a_topic(meta, "other", number=2)
    once = Actor("User:once", "c", "h")
    await meta.commit_offsets("g", [at(topic, 0, 1)], COMMIT, once, 10)
    await meta.commit_offsets("h", [at(other, 0, 1)], COMMIT, once, 10)
    await meta.delete_topic(topic.no, 20)
    day = 86_400_000
    assert await meta.prune_offset_history(20, 100) == 1
    assert await meta.topic_by_no(topic.no) is not None
    assert await meta.prune_offset_history(20 + 2 * day, 100) == 1
    assert await meta.topic_by_no(topic.no) is None
    (kept,) = await meta.offset_history("h")
    assert kept.actor == once


async def test_I4_a_group_with_offsets_out_of_sight_is_spared(meta: Metastore) -> None:
    """Else a topic that is brought back would have lost what its consumers had read (found by the simulation)."""
    topic = await a_topic(meta)
    await meta.commit_offsets("g", [at(topic, 0, 7)], COMMIT, MEMBER, 10)
    await meta.delete_topic(topic.no, 20, grace_ms=100)
    assert await meta.committed("g") == []
    assert not await meta.delete_group("g", ADMIN, 30, spare=True)
    await meta.undelete_topic(topic.no, None, 40)
    assert [one.offset for one in await meta.committed("g")] == [7]
    assert await meta.delete_group("g", ADMIN, 50, spare=True)
    assert await meta.committed("g") == []
