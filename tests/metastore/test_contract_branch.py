"""What every engine promises about branches (I7)."""

from __future__ import annotations

import pytest

from anabranch.errors import ClientFault, ErrorCode
from anabranch.metastore.api import (
    BranchOrigin,
    Conflict,
    GapCause,
    LeaderEpoch,
    Metastore,
    ObjectKind,
    OffsetAction,
    Partition,
    PartitionSize,
    Topic,
)

from .support import (
    MEMBER,
    a_topic,
    append,
    at,
    commit,
    merge,
    new,
    producer,
    spans,
    topic_id,
)


def origin(topic: Topic, *ends: int) -> BranchOrigin:
    return BranchOrigin(topic.id, topic.name, ends, "offsets")


async def a_river(meta: Metastore) -> Topic:
    """Two partitions: offsets 0-29 in three extents from offset 5 on, and 0-9 in one."""
    topic = await meta.create_topic("river", topic_id(1), 2, {"retention.ms": "9"}, 1)
    for i in range(3):
        await append(
            meta, topic, new(10 * i, 10 * i + 9, position=100 * i, timestamp=i, appended=50 + i)
        )
    await append(meta, topic, new(0, 9, position=300, appended=60), partition=1)
    await meta.advance_log_start(topic.no, 0, 5, GapCause.DELETE_RECORDS, "by hand", 70)
    return topic


async def picture(meta: Metastore, topic: Topic) -> list[object]:
    """All that readers can see of a topic."""
    return [
        await meta.topic_by_no(topic.no),
        await meta.partitions(topic.no),
        [await meta.extents_from(topic.no, p, 0, 100) for p in range(topic.partitions)],
        [await meta.producer_states(topic.no, p) for p in range(topic.partitions)],
        [await meta.leader_epochs(topic.no, p) for p in range(topic.partitions)],
        await meta.gaps(topic.no),
        await meta.partition_sizes(topic.no),
    ]


async def test_a_branch_is_the_past_of_its_topic(meta: Metastore) -> None:
    topic = await a_river(meta)
    before = await picture(meta, topic)
    source = origin(topic, 20, 0)
    branch = await meta.create_branch(topic.no, "b", topic_id(2), source, {}, 80)
    assert (branch.name, branch.id, branch.partitions) == ("b", topic_id(2), 2)
    assert branch.configs == topic.configs and branch.origin == source
    assert await meta.topics() == [branch, topic]
    assert await meta.partitions(branch.no) == [
        Partition(branch.no, 0, 20, 5, 0),
        Partition(branch.no, 1, 0, 0, 0),
    ]
    shared = await meta.extents_from(topic.no, 0, 0, 2)
    assert await meta.extents_from(branch.no, 0, 0, 9) == shared
    assert await meta.extents_from(branch.no, 1, 0, 9) == []
    (gap,) = await meta.gaps(branch.no)
    assert (gap.first_offset, gap.last_offset, gap.detail) == (0, 4, "by hand")
    assert await meta.leader_epochs(branch.no, 0) == [LeaderEpoch(0, 0)]
    assert (await meta.partition_sizes(branch.no))[0] == PartitionSize(0, 2, 20, 200, 50, 1)
    assert [(b.topic_no, b.partition, b.extents) for b in await meta.backlogs(9)] == [
        (topic.no, 0, 3),
        (branch.no, 0, 2),
        (topic.no, 1, 1),
    ]
    assert await picture(meta, topic) == before


async def test_i7_what_happens_to_a_branch_stays_in_the_branch(meta: Metastore) -> None:
    topic = await a_river(meta)
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 20, 10), {}, 80)
    before = await picture(meta, topic)
    await append(meta, branch, new(20, 24, position=900), key="wal/2")
    await meta.commit_offsets("g", [at(branch, 0, 3)], OffsetAction.COMMIT, MEMBER, 81)
    assert await merge(meta, branch, await meta.extents_from(branch.no, 0, 0, 9), key="seg/b")
    await meta.advance_log_start(branch.no, 1, 10, GapCause.DELETE_RECORDS, "", 82)
    await meta.set_topic_configs(branch.no, {}, 83)
    await meta.create_partitions(branch.no, 5, 84)
    assert await picture(meta, topic) == before
    await meta.delete_topic(branch.no, 85)
    assert await picture(meta, topic) == before


async def test_i3_objects_live_as_long_as_topic_or_branch_names_them(meta: Metastore) -> None:
    topic = await a_river(meta)
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 20, 10), {}, 80)
    await meta.delete_topic(topic.no, 90)
    assert await meta.purge_deleted(1_000, 90) == 0
    assert await meta.objects_without_extents(100, 10**6, 10) == []
    (wal,) = await meta.wal_objects()
    assert not await meta.forget_object(wal.no, "merged", 100)
    await meta.delete_topic(branch.no, 110)
    assert [o.key for o in await meta.objects_without_extents(120, 10**6, 10)] == ["wal/1"]


async def test_an_extent_that_straddles_the_end_is_replaced(meta: Metastore) -> None:
    topic = await a_river(meta)
    (_, straddling, _) = await meta.extents_from(topic.no, 0, 0, 9)
    small = await meta.create_object("branch/b", ObjectKind.SEGMENT, 75)
    shorter = new(10, 14, position=100, length=50, timestamp=1, appended=51)
    trimmed = new(15, 16, length=20, timestamp=1, appended=51)
    pieces = {0: [(straddling.object_no, shorter), (small, trimmed)]}
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 17, 10), pieces, 80)
    first, second, third = await meta.extents_from(branch.no, 0, 0, 9)
    assert spans([first, second, third]) == [(0, 9), (10, 14), (15, 16)]
    assert (second.object_no, second.length, second.kind) == (
        straddling.object_no,
        50,
        ObjectKind.WAL,
    )
    assert (third.object_key, third.kind) == ("branch/b", ObjectKind.SEGMENT)
    assert (await meta.partition_sizes(branch.no))[0] == PartitionSize(0, 3, 17, 170, 50, 1)
    assert await meta.objects_without_extents(100, 10**6, 9) == []
    await append(meta, branch, new(17, 20, position=900, appended=90))
    assert spans(await meta.extents_from(branch.no, 0, 16, 9)) == [(15, 16), (17, 20)]


async def test_I2_pieces_of_the_wal_are_merged_though_their_source_was_meanwhile(
    meta: Metastore,
) -> None:
    """Found by the simulation: the branch was as merged as its source, and nobody merged what was not."""
    topic = await a_river(meta)
    (_, straddling, _) = rows = await meta.extents_from(topic.no, 0, 0, 9)
    small = await meta.create_object("branch/b", ObjectKind.SEGMENT, 75)
    shorter = new(10, 14, position=100, length=50, timestamp=1, appended=51)
    trimmed = new(15, 16, length=20, timestamp=1, appended=51)
    pieces = {0: [(straddling.object_no, shorter), (small, trimmed)]}
    assert await merge(meta, topic, rows[:1], key="seg/0")
    assert await merge(meta, topic, rows[1:], key="seg/10")
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 17, 10), pieces, 80)
    assert await meta.check() == []
    assert (branch.no, 0, 1) in [
        (each.topic_no, each.partition, each.extents) for each in await meta.backlogs(9)
    ]


@pytest.mark.parametrize("given", [False, True])
async def test_a_branch_that_ends_at_the_log_start_is_empty(meta: Metastore, given: bool) -> None:
    """Its end lies inside an extent, of which nothing could be read."""
    topic = await a_river(meta)
    pieces = {0: [(1, new(0, 4, length=50))]} if given else {}
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 5, 0), pieces, 80)
    assert await meta.partition(branch.no, 0) == Partition(branch.no, 0, 5, 5, 0)
    assert await meta.extents_from(branch.no, 0, 0, 9) == []


async def test_a_piece_below_the_log_start_is_left_out(meta: Metastore) -> None:
    topic = await a_river(meta)
    pieces = {0: [(1, new(0, 4, length=50)), (1, new(5, 6, position=50, length=20))]}
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 7, 0), pieces, 80)
    assert spans(await meta.extents_from(branch.no, 0, 0, 9)) == [(5, 6)]


async def test_I5_producers_stay_behind(meta: Metastore) -> None:
    topic = await a_topic(meta)
    states = [producer(1, 0, 10), producer(2, 20)]
    extents = [new(10 * i, 10 * i + 9, position=100 * i) for i in range(3)]
    await meta.commit_appends("wal/1", [commit(topic, 0, *extents, producers=states)], 5)
    branch = await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 30), {}, 80)
    assert await meta.producer_states(branch.no, 0) == []
    assert await meta.producer_states(topic.no, 0) == states


@pytest.mark.parametrize(
    ("ends", "pieces"),
    [
        ((4, 0), {}),
        ((31, 0), {}),
        ((20, 11), {}),
        ((20,), {}),
        ((20, 0, 0), {}),
        ((15, 0), {}),
        ((15, 0), {0: [(1, new(9, 14))]}),
        ((15, 0), {0: [(1, new(11, 14))]}),
        ((15, 0), {0: [(1, new(10, 13))]}),
        ((15, 0), {0: [(1, new(10, 15))]}),
        ((15, 0), {0: [(99, new(10, 14))]}),
        ((20, 0), {0: [(1, new(10, 19))]}),
    ],
    ids=[
        "below the log start",
        "above the end",
        "another partition above its end",
        "a partition too few",
        "a partition too many",
        "straddling, not replaced",
        "replacement begins too early",
        "replacement begins too late: the straddling extent was merged with the one before",
        "replacement ends too early",
        "replacement ends too late",
        "replacement in no object",
        "replacement of nothing",
    ],
)
async def test_a_branch_of_a_stale_picture_is_a_conflict(
    meta: Metastore, ends: tuple[int, ...], pieces: dict[int, list]
) -> None:
    topic = await a_river(meta)
    before = await picture(meta, topic)
    with pytest.raises(Conflict):
        await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, *ends), pieces, 80)
    assert await meta.topics() == [topic] and await picture(meta, topic) == before


async def test_a_branch_needs_a_free_name_and_a_source(meta: Metastore) -> None:
    topic = await a_river(meta)
    with pytest.raises(ClientFault) as taken:
        await meta.create_branch(topic.no, "river", topic_id(2), origin(topic, 20, 0), {}, 80)
    assert taken.value.code is ErrorCode.TOPIC_ALREADY_EXISTS
    with pytest.raises(ClientFault) as unknown:
        await meta.create_branch(9, "b", topic_id(2), origin(topic, 20, 0), {}, 80)
    assert unknown.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    await meta.delete_topic(topic.no, 81)
    with pytest.raises(ClientFault) as gone:
        await meta.create_branch(topic.no, "b", topic_id(2), origin(topic, 20, 0), {}, 80)
    assert gone.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
