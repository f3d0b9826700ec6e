"""Damaged ranges: what is known of them, and giving one up in one transaction."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from anabranch.metastore import damage as damage_module
from anabranch.metastore.api import (
    BranchOrigin,
    Damage,
    DamageSkip,
    ExtentName,
    GapCause,
    Metastore,
    ObjectKind,
    SkippedExtent,
    Topic,
)

from .support import a_topic, append, merge, names, new, spans


def lost(
    topic: Topic,
    first: int,
    last: int,
    *,
    partition: int = 0,
    found_ms: int = 7_000,
    key: str = "topics/t/0/1.log",
) -> Damage:
    return Damage(
        topic.no,
        partition,
        first,
        last,
        GapCause.LOST_OBJECT,
        key,
        "gone",
        last - first + 1,
        100,
        found_ms,
    )


async def a_log(meta: Metastore, partitions: int = 1) -> Topic:
    """Offsets 0 … 99 in one segment, 100 … 119 in the WAL."""
    topic = await a_topic(meta, partitions=partitions)
    await append(meta, topic, new(0, 99, length=1000))
    await merge(meta, topic, await meta.extents_from(topic.no, 0, 0, 9), key="topics/t/0/1.log")
    await append(meta, topic, new(100, 119, position=1000))
    return topic


async def skipped(
    meta: Metastore,
    topic: Topic,
    spans: list[tuple[int, int]],
    place: int,
    *,
    at_ms: int = 9_000,
    reason: str = "the disk is gone",
) -> tuple[SkippedExtent, DamageSkip]:
    """The first extent in parts of these offsets, ten bytes each, of which one is given up."""
    (old, *_) = await meta.extents_from(topic.no, 0, 0, 10)
    no = await meta.create_object(f"topics/t/0/empty-{at_ms}.log", ObjectKind.SEGMENT, 8_000)
    parts = tuple(
        new(first, last, position=old.position + 10 * n, length=10, appended=old.appended_ms)
        for n, (first, last) in enumerate(spans)
    )
    first, last = spans[place]
    empty = replace(new(first, last, length=61, appended=old.appended_ms), records=0)
    what = SkippedExtent(names([old])[0], parts, place, no, 61, empty)
    return what, DamageSkip(lost(topic, first, last), at_ms, "ana", "host-1", reason)


async def test_damage_is_remembered_once_and_for_the_whole_range(meta: Metastore) -> None:
    topic = await a_log(meta, partitions=2)
    await append(meta, topic, new(0, 9, position=2000), partition=1)
    assert await meta.damages() == []
    assert await meta.note_damage([lost(topic, 20, 29), lost(topic, 40, 49)]) == 2
    again = [lost(topic, 20, 29, found_ms=8_000), lost(topic, 22, 24, found_ms=8_000)]
    assert await meta.note_damage(again) == 0
    assert await meta.damages(topic.no) == [lost(topic, 20, 29), lost(topic, 40, 49)]
    # A larger range takes the place of those within it, and is as old as they are.
    assert await meta.note_damage([lost(topic, 0, 99, found_ms=8_000)]) == 0
    assert await meta.damages() == [lost(topic, 0, 99, found_ms=7_000)]
    assert await meta.note_damage([lost(topic, 3, 5, partition=1, key="wal/1")]) == 1
    assert await meta.forget_damage(topic.no, 0, 0)
    assert not await meta.forget_damage(topic.no, 0, 0)
    assert await meta.damages() == [lost(topic, 3, 5, partition=1, key="wal/1")]
    assert await meta.note_damage([lost(topic, 3, 5, partition=9)]) == 0, "no such partition"
    assert await meta.note_damage([lost(topic, 3, 5, key="wal/1")]) == 0, "merged meanwhile"
    assert await meta.damages(topic.no + 1) == []


async def test_I10_the_number_of_known_ranges_is_bounded(meta: Metastore, monkeypatch) -> None:
    topic = await a_log(meta)
    monkeypatch.setattr(damage_module, "DAMAGES_MAX", 3)
    found = [lost(topic, 2 * n, 2 * n) for n in range(5)]
    assert await meta.note_damage(found) == 3
    assert len(await meta.damages()) == 3


@pytest.mark.parametrize(
    "parts, place",
    [
        ([(0, 99)], 0),
        ([(0, 39), (40, 99)], 0),
        ([(0, 39), (40, 49), (50, 99)], 1),
        ([(0, 39), (40, 99)], 1),
    ],
)
async def test_I2_a_skip_leaves_a_gap_a_line_and_an_empty_extent(
    meta: Metastore, parts: list[tuple[int, int]], place: int
) -> None:
    topic = await a_log(meta)
    first, last = parts[place]
    await meta.note_damage([lost(topic, first, last)])
    what, skip = await skipped(meta, topic, parts, place)
    assert await meta.skip_damage(what, skip)
    extents = await meta.extents_from(topic.no, 0, 0, 10)
    assert spans(extents) == [*parts, (100, 119)]
    empty = extents[place]
    assert (empty.records, empty.object_no, empty.length) == (0, what.object_no, 61)
    (gap,) = await meta.gaps(topic.no)
    assert (gap.first_offset, gap.last_offset, gap.cause) == (first, last, GapCause.LOST_OBJECT)
    assert gap.detail == "ana skipped it: the disk is gone (gone)" and gap.at_ms == 9_000
    assert await meta.damages() == []
    skip = replace(skip, topic=topic.name, topic_id=topic.id)
    assert await meta.damage_skips(topic.no) == await meta.damage_skips() == [skip]
    # Done twice, or by somebody who saw other extents, it does nothing.
    assert not await meta.skip_damage(what, skip)
    assert await meta.damage_skips() == [skip]


async def test_health_counts_objects_damage_skips_and_gaps(meta: Metastore) -> None:
    empty = await meta.health()
    assert (empty.partition_objects, empty.most_objects, empty.damaged, empty.gaps) == (
        0,
        0,
        {},
        {},
    )
    topic = await a_log(meta)
    what, skip = await skipped(meta, topic, [(0, 39), (40, 99)], 1)
    await meta.skip_damage(what, skip)
    await meta.note_damage([lost(topic, 10, 39)])
    await meta.begin_compaction(topic.no, 0, 40, 9_000)
    health = await meta.health()
    assert (health.partition_objects, health.most_objects) == (2, 2)
    assert health.most_bytes == 71 and health.objects.segments == 2
    assert (health.damaged, health.skipped) == ({"lost-object": 1}, 1)
    assert health.gaps == {"lost-object": 1, "compaction": 1}


async def test_a_skip_that_lost_its_race_changes_nothing(meta: Metastore) -> None:
    topic = await a_log(meta)
    what, skip = await skipped(meta, topic, [(0, 39), (40, 49), (50, 99)], 1)
    elsewhere = what._replace(old=ExtentName(0, what.old.object_no + 7, 0))
    assert not await meta.skip_damage(elsewhere, skip)
    assert spans(await meta.extents_from(topic.no, 0, 0, 10)) == [(0, 99), (100, 119)]
    assert await meta.gaps(topic.no) == [] and await meta.damage_skips() == []


async def test_I2_retention_goes_over_skipped_ranges_wherever_they_lie(meta: Metastore) -> None:
    """The gap table's key is where a gap begins: a log start that stands at a skipped range must not
    stumble over it, and each offset below the log start has a gap that says why."""
    topic = await a_log(meta)
    for place, at_ms in ((0, 9_000), (0, 9_100)):
        parts = [(0, 9), (10, 99)] if place == 0 else []
        what, skip = await skipped(meta, topic, parts, place, at_ms=at_ms)
        if at_ms == 9_100:  # the empty extent was lost in its turn
            (old, *_) = await meta.extents_from(topic.no, 0, 0, 10)
            what = what._replace(old=names([old])[0], parts=what.parts[:1])
            what = what._replace(parts=(replace(what.parts[0], length=61, position=0),))
        assert await meta.skip_damage(what, skip)
    assert len(await meta.gaps(topic.no)) == 1 and len(await meta.damage_skips()) == 2
    await meta.note_damage([lost(topic, 40, 49), lost(topic, 60, 109)])
    for to in (5, 30, 70):
        await meta.advance_log_start(topic.no, 0, to, GapCause.RETENTION_TIME, "old", 10_000)
    found = [(g.first_offset, g.last_offset, g.cause.value) for g in await meta.gaps(topic.no)]
    assert found == [(0, 9, "lost-object"), (5, 69, "retention.ms")]
    assert [d.first_offset for d in await meta.damages()] == [60], "below the start nobody cares"


async def test_I7_a_branch_shares_damage_and_gaps_and_goes_its_own_way(meta: Metastore) -> None:
    topic = await a_log(meta)
    what, skip = await skipped(meta, topic, [(0, 39), (40, 99)], 1)
    await meta.skip_damage(what, skip)
    await meta.note_damage([lost(topic, 10, 39), lost(topic, 105, 109, key="wal/1")])
    origin = BranchOrigin(topic.id, topic.name, (40,), "offsets")
    branch = await meta.create_branch(topic.no, "b", b"b" * 16, origin, {}, 11_000)
    assert [(d.first_offset, d.last_offset) for d in await meta.damages(branch.no)] == [(10, 39)]
    assert await meta.gaps(branch.no) == [] and await meta.damage_skips(branch.no) == []
    origin = replace(origin, ends=(120,))
    whole = await meta.create_branch(topic.no, "c", b"c" * 16, origin, {}, 11_000)
    (gap,) = await meta.gaps(whole.no)
    assert (gap.first_offset, gap.last_offset) == (40, 99)
    await meta.forget_damage(whole.no, 0, 10)
    assert len(await meta.damages(topic.no)) == 2


async def test_damage_of_a_deleted_topic_comes_back_with_it_or_goes(meta: Metastore) -> None:
    topic = await a_log(meta)
    what, skip = await skipped(meta, topic, [(0, 39), (40, 99)], 1)
    await meta.skip_damage(what, skip)
    await meta.note_damage([lost(topic, 10, 39)])
    await meta.delete_topic(topic.no, 12_000, 1_000)
    skip = replace(skip, topic=topic.name, topic_id=topic.id)
    assert await meta.damages() == [] and await meta.damage_skips() == [skip]
    assert (await meta.health()).damaged == {}
    await meta.undelete_topic(topic.no, None, 12_500)
    assert len(await meta.damages()) == 1 and await meta.damage_skips() == [skip]
    await meta.delete_topic(topic.no, 13_000)
    while await meta.purge_deleted(100, 14_000) == 100:
        pass


async def test_the_age_of_what_no_compaction_has_seen(meta: Metastore) -> None:
    topic = await a_topic(meta)
    await append(meta, topic, new(0, 49, appended=2_000))
    await append(meta, topic, new(50, 99, position=100, appended=3_000))
    rows = await meta.extents_from(topic.no, 0, 0, 9)
    await merge(meta, topic, rows[:1], key="one")
    await merge(meta, topic, rows[1:], key="two")
    await append(meta, topic, new(100, 109, position=200, appended=4_000))
    for cleaned, since in ((0, 2_000), (50, 3_000), (100, None)):
        if cleaned:
            await meta.begin_compaction(topic.no, 0, cleaned, 5_000)
            await meta.finish_compaction(topic.no, 0, cleaned, 1, None, 5_000)
        (candidate,) = await meta.compaction_candidates([topic.no])
        assert candidate.dirty_since_ms == since, "what lies in the WAL is not due yet"


async def test_I8_who_skipped_what_is_known_longer_than_the_topic(meta: Metastore) -> None:
    """By its name and id, and for as long as the history of offsets is kept."""
    topic = await a_log(meta)
    what, skip = await skipped(meta, topic, [(0, 39), (40, 99)], 1)
    await meta.skip_damage(what, skip)
    await meta.delete_topic(topic.no, 13_000)
    while await meta.purge_deleted(100, 14_000) == 100:
        pass
    kept = [replace(skip, topic=topic.name, topic_id=topic.id)]
    assert await meta.damage_skips() == await meta.damage_skips(topic.no) == kept
    assert await meta.check() == []
    await meta.prune_offset_history(13_000, 100)
    assert await meta.damage_skips() == kept
    await meta.prune_offset_history(13_001, 100)
    assert await meta.damage_skips() == []


async def test_I2_what_lies_below_the_log_start_is_not_listed_and_goes_with_a_division(
    meta: Metastore,
) -> None:
    """An extent may straddle the log's start; divided there, its first part lies below it (found by the
    simulation)."""
    topic = await a_log(meta)
    await meta.advance_log_start(topic.no, 0, 30, GapCause.DELETE_RECORDS, "", 8_000)
    assert await meta.note_damage([lost(topic, 10, 29)]) == 0
    assert await meta.note_damage([lost(topic, 20, 39)]) == 1
    divided = [(0, 29), (30, 39), (40, 99)]
    assert await meta.skip_damage(*(await skipped(meta, topic, divided, 1)))
    left = spans(await meta.extents_from(topic.no, 0, 0, 9))
    assert left == [(30, 39), (40, 99), (100, 119)]
    assert await meta.check() == []


async def test_I2_a_skip_below_the_log_start_takes_no_other_gaps_cause(meta: Metastore) -> None:
    """What DeleteRecords took behind the damaged range was taken by DeleteRecords (found by the simulation)."""
    topic = await a_log(meta)
    await meta.advance_log_start(topic.no, 0, 18, GapCause.DELETE_RECORDS, "", 8_000)
    assert await meta.skip_damage(*(await skipped(meta, topic, [(0, 1), (2, 99)], 0)))
    found = [(gap.first_offset, gap.last_offset, gap.cause) for gap in await meta.gaps(topic.no)]
    assert found == [(0, 1, GapCause.LOST_OBJECT), (2, 17, GapCause.DELETE_RECORDS)]
    assert await meta.check() == []
