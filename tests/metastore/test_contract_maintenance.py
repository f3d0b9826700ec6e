"""Packs, deletions that survive a crash, and how far partitions were compacted: the verbs of background jobs."""

from __future__ import annotations

import pytest

from anabranch.errors import StoreFault
from anabranch.metastore import objects
from anabranch.metastore.api import (
    SHARDS,
    BranchOrigin,
    GapCause,
    Metastore,
    NewExtent,
    ObjectKind,
    Replacement,
    Topic,
    shard_of,
)

from .support import a_topic, append, merge, names, new, spans


async def packed(
    meta: Metastore, topic: Topic, partitions: list[int], key: str = "packs/1.pack"
) -> list[bool]:
    """Put all that lies in the WAL of these partitions into one pack."""
    object_no = await meta.create_object(key, ObjectKind.PACK, 6_000)
    replacements, position = [], 0
    for partition in partitions:
        extents = await meta.wal_extents(topic.no, partition, 100)
        length = sum(extent.length for extent in extents)
        share = new(
            extents[0].base_offset, extents[-1].last_offset, position=position, length=length
        )
        replacements.append(Replacement(topic.no, partition, tuple(names(extents)), (share,)))
        position += length
    return await meta.replace_many(object_no, position, replacements, 6_000)


async def test_a_pack_holds_shares_of_many_partitions(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=100)
    for partition in range(100):
        for number in range(3):
            at = 10 * number
            await append(
                meta,
                topic,
                new(at, at + 9, position=3000 * partition + 100 * number),
                partition=partition,
            )
    assert all(await packed(meta, topic, list(range(100))))
    assert await meta.backlogs(1000) == []
    for partition in (0, 63, 64, 99):
        (extent,) = await meta.extents_from(topic.no, partition, 15, 10)
        assert extent.kind is ObjectKind.PACK and extent.kind.final
        assert (extent.base_offset, extent.last_offset, extent.position) == (0, 29, 300 * partition)
    counts = await meta.object_counts()
    assert (counts.wal, counts.segments, counts.packs) == (1, 0, 1)
    assert [size.extents for size in await meta.partition_sizes(topic.no)] == [1] * 100


async def test_a_share_whose_partition_changed_stays_out_and_the_others_go_in(
    meta: Metastore,
) -> None:
    topic = await a_topic(meta, partitions=3)
    for partition in range(3):
        await append(meta, topic, new(0, 9, position=100 * partition), partition=partition)
    object_no = await meta.create_object("packs/1.pack", ObjectKind.PACK, 6_000)
    replacements = []
    for partition in range(3):
        extents = await meta.wal_extents(topic.no, partition, 10)
        replacements.append(
            Replacement(
                topic.no, partition, tuple(names(extents)), (new(0, 9, position=100 * partition),)
            )
        )
    await merge(meta, topic, await meta.wal_extents(topic.no, 1, 10), key="other", partition=1)
    assert await meta.replace_many(object_no, 300, replacements, 6_000) == [True, False, True]
    (extent,) = await meta.extents_from(topic.no, 1, 0, 10)
    assert extent.object_key == "other"


async def test_shares_of_a_deleted_topic_leave_the_wal_too(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    await meta.delete_topic(topic.no, 7_000, grace_ms=1_000)
    (backlog,) = await meta.backlogs(10, [shard_of(topic.no, 0)])
    found = await meta.wal_extents_of([(backlog.topic_no, backlog.partition)])
    assert spans([each.extent for each in found]) == [(0, 9)]
    assert await packed(meta, topic, [0]) == [True]
    assert await meta.backlogs(10) == []
    revived = await meta.undelete_topic(topic.no, None, 7_500)
    (extent,) = await meta.extents_from(revived.no, 0, 0, 10)
    assert extent.kind is ObjectKind.PACK


async def test_a_pack_measured_before_its_shares_came_is_measured_again(meta: Metastore) -> None:
    """Found by the simulation: it would have counted as empty, and never been packed anew."""
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 9))
    object_no = await meta.create_object("packs/1.pack", ObjectKind.PACK, 6_000)
    assert await meta.measure_packs(10) == 1
    extents = await meta.wal_extents(topic.no, 0, 10)
    share = Replacement(topic.no, 0, tuple(names(extents)), (new(0, 9),))
    assert await meta.replace_many(object_no, 100, [share], 6_000) == [True]
    assert await meta.check() == []
    assert await meta.measure_packs(10) == 1
    assert (await meta.pack_usage(10))[0].live_bytes == 100


async def test_the_live_bytes_of_packs_count_what_is_shared_once(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=3)
    for partition in range(3):
        await append(meta, topic, new(0, 9, position=100 * partition), partition=partition)
    await packed(meta, topic, [0, 1, 2])
    assert await meta.pack_usage(10) == []  # not measured yet
    assert await meta.measure_packs(10) == 1
    (usage,) = await meta.pack_usage(10)
    assert (usage.bytes, usage.live_bytes) == (300, 300)
    origin = BranchOrigin(topic.id, topic.name, (10, 10, 10), "end")
    branch = await meta.create_branch(topic.no, "b", b"b" * 16, origin, {}, 7_000)
    await meta.advance_log_start(topic.no, 0, 10, GapCause.RETENTION_TIME, "", 8_000)
    await meta.advance_log_start(topic.no, 1, 10, GapCause.RETENTION_TIME, "", 8_000)
    assert await meta.measure_packs(10) == 1
    assert (await meta.pack_usage(10))[0].live_bytes == 300, "the branch still names them"
    await meta.advance_log_start(branch.no, 0, 10, GapCause.RETENTION_TIME, "", 8_000)
    assert await meta.measure_packs(10) == 1
    (usage,) = await meta.pack_usage(10)
    assert usage.live_bytes == 200
    placed = await meta.extents_of_object(usage.object_no, 100)
    assert [(each.topic_no, each.partition, each.extent.position) for each in placed] == [
        (branch.no, 1, 100),
        (topic.no, 2, 200),
        (branch.no, 2, 200),
    ]
    for one in (topic, branch):
        for partition in range(3):
            await meta.advance_log_start(one.no, partition, 10, GapCause.RETENTION_TIME, "", 9_000)
    assert await meta.measure_packs(10) == 1
    assert await meta.pack_usage(10) == [], "collection's business"


async def test_retention_sees_the_first_extent_of_every_partition_page_by_page(
    meta: Metastore,
) -> None:
    topic = await a_topic(meta, partitions=5)
    other = await a_topic(meta, "other", partitions=2, number=2)
    for each, partition in ((topic, 0), (topic, 1), (topic, 4), (other, 1)):
        await append(meta, each, new(0, 9, appended=5), partition=partition, key="wal/1")
        await append(meta, each, new(10, 19, appended=9), partition=partition, key="wal/1")
    seen = []
    after = (-1, -1)
    while page := await meta.oldest_extents(after, 2):
        seen += page
        after = (page[-1].topic_no, page[-1].partition)
    assert [(each.topic_no, each.partition) for each in seen] == [
        (topic.no, 0),
        (topic.no, 1),
        (topic.no, 4),
        (other.no, 1),
    ]
    assert all(each.extent.base_offset == 0 and each.appended_mark == 9 for each in seen)
    by_shard = [
        (each.topic_no, each.partition)
        for shard in range(SHARDS)
        for each in await meta.oldest_extents((-1, -1), 100, [shard])
    ]
    assert sorted(by_shard) == [(each.topic_no, each.partition) for each in seen]
    for shard in range(SHARDS):
        for backlog in await meta.backlogs(100, [shard]):
            assert shard_of(backlog.topic_no, backlog.partition) == shard


async def test_small_neighbours_of_many_partitions_are_found_together(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    for partition in range(2):
        for number in range(3):
            at = 10 * number
            await append(
                meta, topic, new(at, at + 9, length=100 + at), partition=partition, key="wal/1"
            )
            await merge(
                meta,
                topic,
                await meta.wal_extents(topic.no, partition, 9),
                key=f"s/{partition}{number}",
                partition=partition,
            )
    found = await meta.small_segments_of([(topic.no, 0, 111), (topic.no, 1, 1000)])
    assert [(each.partition, each.extent.base_offset) for each in found] == [
        (0, 0),
        (0, 10),
        (1, 0),
        (1, 10),
        (1, 20),
    ]


async def test_I3_a_deletion_is_pending_until_its_bytes_are_gone(reopen) -> None:
    meta = reopen()
    object_no = await meta.create_object("topics/a", ObjectKind.SEGMENT, 1_000)
    assert await meta.forget_object(object_no, "why", 2_000)
    meta.close()
    meta = reopen()  # a crash between the row and the bytes
    assert await meta.pending_deletions(10) == ["topics/a"]
    await meta.confirm_deletions(["topics/a", "topics/unknown"])
    assert await meta.pending_deletions(10) == []
    assert await meta.deletions(10) == [("topics/a", "why", 2_000)]


async def test_I1_deletions_are_remembered_for_as_long_as_a_writer_may_stall(
    meta: Metastore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects, "DELETIONS_MAX", 3)

    async def forget(number: int, now_ms: int) -> None:
        object_no = await meta.create_object(f"wal/{number}", ObjectKind.WAL, now_ms)
        assert await meta.forget_object(object_no, "why", now_ms)

    for number in range(10):
        await forget(number, 1_000 + number)
    assert len(await meta.deletions(100)) == 10
    with pytest.raises(StoreFault, match="collected"):
        await meta.commit_appends("wal/0", [], 1_500)
    await forget(10, 1_005 + objects.DELETIONS_KEPT_MS)
    assert [key for key, _, _ in await meta.deletions(100)] == [
        f"wal/{number}" for number in (10, 9, 8, 7, 6, 5)
    ]


async def test_I2_compaction_says_what_may_be_gone_before_it_goes(meta: Metastore) -> None:
    topic = await a_topic(meta, partitions=2)
    await append(meta, topic, new(0, 99))
    assert await meta.compaction(topic.no, 0) is None
    begun = await meta.begin_compaction(topic.no, 0, 50, 7_000)
    assert begun is not None and (begun.gap_end, begun.cleaned_end) == (50, 0)
    (gap,) = await meta.gaps(topic.no)
    assert (gap.first_offset, gap.last_offset, gap.cause) == (0, 49, GapCause.COMPACTION)
    assert await meta.finish_compaction(topic.no, 0, 50, 10, 9_000, 8_000)
    state = await meta.compaction(topic.no, 0)
    assert state is not None
    assert (state.cleaned_end, state.clean_bytes, state.horizon_ms) == (50, 10, 9_000)
    with pytest.raises(AssertionError):
        await meta.begin_compaction(topic.no, 0, 101, 8_000)
    assert not await meta.finish_compaction(topic.no, 0, 60, 10, None, 8_000), "beyond the gap"
    assert not await meta.finish_compaction(topic.no, 0, 40, 10, None, 8_000), "never back"
    assert await meta.begin_compaction(topic.no + 9, 0, 50, 7_000) is None
    await meta.advance_log_start(topic.no, 0, 20, GapCause.DELETE_RECORDS, "", 9_000)
    gaps = await meta.gaps(topic.no)
    assert [(g.first_offset, g.last_offset, g.cause.value) for g in gaps] == [
        (0, 19, "delete-records"),
        (20, 49, "compaction"),
    ]
    origin = BranchOrigin(topic.id, topic.name, (30, 0), "offsets")
    object_no = await meta.create_object("cut", ObjectKind.SEGMENT, 9_000)
    cut = NewExtent(0, 29, 0, 10, 30, -1, 0, 0)
    branch = await meta.create_branch(
        topic.no, "b", b"b" * 16, origin, {0: [(object_no, cut)]}, 9_000
    )
    (_, gap) = await meta.gaps(branch.no)
    assert (gap.first_offset, gap.last_offset, gap.cause.value) == (20, 29, "compaction")
    state = await meta.compaction(branch.no, 0)
    assert state is not None and (state.cleaned_end, state.clean_bytes) == (0, 0), (
        "what was cut may be older than the pass: its delete markers must find what they delete"
    )
    candidates = await meta.compaction_candidates([topic.no])
    assert [(c.partition, c.log_start, c.bytes, c.state is None) for c in candidates] == [
        (0, 20, 100, False),
        (1, 0, 0, True),
    ]
