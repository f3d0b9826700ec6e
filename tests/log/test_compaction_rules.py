"""Compaction, rule by rule."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, StoreFault
from anabranch.log.aborted import AbortedRanges
from anabranch.log.branch import BranchPoint
from anabranch.log.compaction import COARSENESS_MS, bytes_between, dirty_ratio, may_be_due
from anabranch.log.compaction_filter import Built, CompactionFilter, build_map, cleanable_end
from anabranch.log.config import effective
from anabranch.log.offset_map import OffsetMap
from anabranch.log.rewriting import OFFSETS_SPAN_MAX
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import (
    Aborted,
    Compaction,
    CompactionCandidate,
    Extent,
    GapCause,
    ObjectKind,
    Topic,
)
from anabranch.records.batch import DELETE_HORIZON, crc_matches, parse_header, scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record, iter_records, payload
from anabranch.storage.segment import SegmentIndex, index_key

from .conftest import Bench
from .test_compaction import compact_all, consume, put
from .test_damage import cold, spoil
from .test_packs import extents, flip, objects

DAY_MS = 24 * 3_600_000


async def settled(bench: Bench, topic: Topic, partition: int = 0) -> bool:
    """Merge, then one pass."""
    await bench.log.merger.merge_backlog(topic, partition)
    assert bench.log.background is not None
    return await bench.log.background.compactor.compact(topic, partition)


async def rows(bench: Bench, topic: Topic, partition: int = 0) -> list[tuple[int, Any, Any]]:
    """What a consumer sees that reads everything from the store."""
    await bench.restart()
    fresh = bench.log.catalogue.topic(topic.name)
    assert fresh is not None
    start = bench.log.partition(fresh, partition).log_start
    found = await consume(bench.log, fresh, partition, start, 1 << 20)
    return [(offset, key, value) for offset, key, value, _ in found]


COMPACT = {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}


def test_the_newest_of_each_key_stays_where_it_was(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        pairs = [(b"a", b"1"), (b"b", b"1"), (b"a", b"2"), (b"c", b"1"), (b"b", b"2")]
        for number, pair in enumerate(pairs):
            await put(bench, topic, [pair, (b"k%d" % number, b"x")], codec=Codec.ZSTD)
        assert await settled(bench, topic)
        assert await rows(bench, topic) == [
            *((1, b"k0", b"x"), (3, b"k1", b"x"), (4, b"a", b"2"), (5, b"k2", b"x")),
            *((6, b"c", b"1"), (7, b"k3", b"x"), (8, b"b", b"2"), (9, b"k4", b"x")),
        ]
        (gap,) = await bench.log.metastore.gaps(topic.no)
        assert (gap.first_offset, gap.last_offset, gap.cause) == (0, 9, GapCause.COMPACTION)
        (extent,) = await extents(bench, topic, 0)
        assert (extent.base_offset, extent.last_offset, extent.records) == (0, 9, 8)
        data = memoryview(bench.store.get(extent.object_key))
        for header in scan(data):
            assert crc_matches(data, header) and header.last_offset_delta == 1
            assert header.base_offset % 2 == 0 and header.codec == Codec.ZSTD
        index = SegmentIndex.decode(bench.store.get(index_key(extent.object_key)))
        assert index.covered == (0, 9) and index.compacted_at_ms == bench.clock()

    run(scenario)


def test_delete_markers_go_after_their_time_and_nothing_comes_back(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT | {"delete.retention.ms": "60000"})
        await put(bench, topic, [(b"a", b"old"), (b"b", b"1")])
        await put(bench, topic, [(b"a", None), (b"c", b"1")])
        bench.clock.ms += DAY_MS  # how old the marker is does not count, but since when it is seen
        assert await settled(bench, topic)
        left = [(1, b"b", b"1"), (2, b"a", None), (3, b"c", b"1")]
        assert await rows(bench, topic) == left
        (extent,) = await extents(bench, topic, 0)
        headers = list(scan(memoryview(bench.store.get(extent.object_key))))
        assert headers[1].attributes & DELETE_HORIZON
        assert headers[1].base_timestamp == bench.clock() + 60_000
        bench.clock.ms += 60_000
        assert await compact_all(bench.log) == 0
        assert await rows(bench, topic) == left
        bench.clock.ms += 1
        assert await compact_all(bench.log) == 1, "due without a single new record"
        assert await rows(bench, topic) == [left[0], left[2]]
        state = await bench.log.metastore.compaction(topic.no, 0)
        assert state is not None and state.horizon_ms is None
        bench.clock.ms += DAY_MS
        assert await compact_all(bench.log) == 0

    run(scenario)


def test_timestamps_stay_when_a_batch_gets_its_delete_horizon(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        await put(bench, topic, [(b"a", b"1"), (b"b", None), (b"c", b"2")], codec=Codec.LZ4)
        before = await consume(bench.log, topic, 0, 0, 1 << 20)
        assert await settled(bench, topic)
        await rows(bench, topic)
        fresh = bench.log.catalogue.topic("t") or topic
        assert await consume(bench.log, fresh, 0, 0, 1 << 20) == before
        found = await bench.log.list_offset(fresh, 0, before[1][3])
        assert (found.offset, found.timestamp) == (1, before[1][3])

    run(scenario)


def test_a_marker_stays_for_ever_while_part_of_the_log_cannot_be_judged(run) -> None:
    """An older record may lie in what cannot be read now, and be readable again one day."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT | {"delete.retention.ms": "0"})
        await put(bench, topic, [(b"a", b"old" + bytes(100))])
        await bench.restart()
        (damaged,) = await bench.log.metastore.wal_extents(topic.no, 0, 9)
        flip(bench, damaged, damaged.length - 5)
        await bench.log.merger.merge_backlog(topic, 0)
        assert bench.log.quarantine.isolated == 1
        await put(bench, topic, [(b"a", None), (b"b", b"1")])
        await put(bench, topic, [(b"b", b"2")])
        assert await settled(bench, topic)
        bench.clock.ms += DAY_MS
        await put(bench, topic, [(b"c", b"1")])
        assert await settled(bench, topic)
        await bench.restart()
        fresh = bench.log.catalogue.topic("t") or topic
        found = await consume(bench.log, fresh, 0, 1, 1 << 20)
        assert [row[:3] for row in found] == [(1, b"a", None), (3, b"b", b"2"), (4, b"c", b"1")]

    run(scenario)


def test_I2_what_could_not_be_read_for_a_while_does_not_come_back_to_life(
    run,
) -> None:
    """A pass that leaves an extent out has not cleaned below what it read: when the extent can be read
    again, its old records must still find the delete markers that stand for them."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT | {"delete.retention.ms": "0"})
        await put(bench, topic, [(b"a", b"old"), (b"z", b"1")])
        await bench.log.merger.merge_backlog(topic, 0)
        (first,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 9)
        for pair in ((b"a", None), (b"b", b"1"), (b"b", b"2")):
            await put(bench, topic, [pair])
        await bench.log.merger.merge_backlog(topic, 0)
        compactor = bench.log.background.compactor  # type: ignore[union-attr]
        log = bench.log.partition(topic, 0)
        compactor._avoid(log, first, Corrupt("a short answer of the store"))
        await compact_all(bench.log)
        state = await bench.log.metastore.compaction(topic.no, 0)
        assert state is not None and state.cleaned_end == 0
        assert await compact_all(bench.log) == 0, "not again and again"
        for number in range(3):
            bench.clock.ms += DAY_MS
            await put(bench, topic, [(b"c", b"%d" % number)])
            await bench.log.merger.merge_backlog(topic, 0)
            assert await compact_all(bench.log) == 1
        assert [row[1:] for row in await rows(bench, topic)] == [
            (b"z", b"1"),
            (b"b", b"2"),
            (b"c", b"2"),
        ]

    run(scenario)


def test_when_a_pass_is_due(run) -> None:
    async def scenario(bench: Bench) -> None:
        lagging = {"min.cleanable.dirty.ratio": "0.9", "max.compaction.lag.ms": "600000"}
        topic = await bench.log.create_topic("t", 1, COMPACT | lagging)
        young = await bench.log.create_topic("y", 1, COMPACT | {"min.compaction.lag.ms": "300000"})
        plain = await bench.log.create_topic("p", 1, {})
        for number in range(10):
            for each in (topic, young, plain):
                await put(bench, each, [(b"a", b"%d" % number)])
        for each in (topic, young, plain):
            await bench.log.merger.merge_backlog(each, 0)
        assert await compact_all(bench.log) == 1, "the first pass finds everything dirty"
        compactor = bench.log.background.compactor  # type: ignore[union-attr]
        assert compactor.standings[topic.no, 0].dirty_ratio == 1.0
        assert compactor.standings[young.no, 0].cleaned_end == 0
        await put(bench, topic, [(b"a", b"new")])
        await bench.log.merger.merge_backlog(topic, 0)
        assert await compact_all(bench.log) == 0, "0.5 is less than 0.9"
        assert 0 < compactor.dirty_ratio_max <= 1
        bench.clock.ms += 300_001
        assert await compact_all(bench.log) == 0, "nobody knows to the second when it was appended"
        bench.clock.ms += COARSENESS_MS
        assert await compact_all(bench.log) == 1, "what was too young"
        assert [row[2] for row in await rows(bench, young)] == [b"9"]
        bench.clock.ms += 300_001
        assert await compact_all(bench.log) == 1, "max.compaction.lag.ms"
        assert [row[2] for row in await rows(bench, topic)] == [b"new"]
        assert len(await rows(bench, plain)) == 10

    run(scenario)


def test_I10_keys_that_do_not_fit_the_map_take_several_passes(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for generation in range(2):
            for start in range(0, 3_000, 300):
                keys = range(start, start + 300)
                await put(bench, topic, [(b"%d" % key, b"%d" % generation) for key in keys])
        await bench.log.merger.merge_backlog(topic, 0)
        passes, ends = 0, []
        while await compact_all(bench.log):
            passes += 1
            state = await bench.log.metastore.compaction(topic.no, 0)
            assert state is not None
            ends.append(state.cleaned_end)
        assert passes > 3 and ends == sorted(set(ends)) and ends[-1] == 6_000
        found = await rows(bench, topic)
        assert [row[2] for row in found] == [b"1"] * 3_000

    run(scenario, compaction_map_bytes=0)


def test_a_batch_that_does_not_fit_the_map_by_itself_is_taken_whole(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for generation in range(2):
            pairs = [(b"%d" % key, b"%d" % generation) for key in range(2_000)]
            await put(bench, topic, [*pairs])
        await bench.log.merger.merge_backlog(topic, 0)
        while await compact_all(bench.log):
            pass
        assert [row[2] for row in await rows(bench, topic)] == [b"1"] * 2_000

    run(scenario, compaction_map_bytes=0)


def test_I5_the_last_batch_of_each_producer_stays_even_if_it_is_empty(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for sequence in range(3):
            await put(
                bench,
                topic,
                [(b"a", b"%d" % sequence)],
                producer_id=7,
                producer_epoch=1,
                base_sequence=sequence,
            )
        await put(bench, topic, [(b"a", b"last"), (b"z", b"1")])
        assert await settled(bench, topic)
        (extent,) = await extents(bench, topic, 0)
        headers = list(scan(memoryview(bench.store.get(extent.object_key))))
        described = [
            (h.base_offset, h.producer_id, h.last_sequence, h.record_count) for h in headers
        ]
        assert described == [(2, 7, 2, 0), (3, -1, -1, 2)]
        # A retry is answered with its original offset, also after everything was read back.
        await bench.restart()
        fresh = bench.log.catalogue.topic("t") or topic
        again = await put(
            bench, fresh, [(b"a", b"2")], producer_id=7, producer_epoch=1, base_sequence=2
        )
        assert again == 2
        assert await bench.log.list_offset(fresh, 0, -1) is not None
        assert [row[0] for row in await rows(bench, topic)] == [3, 4]

    run(scenario)


def test_a_consumer_reaches_the_end_also_if_it_lies_in_a_hole(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT | {"delete.retention.ms": "0"})
        await put(bench, topic, [(b"a", b"1")])
        await put(bench, topic, [(b"b", b"1")])
        for _ in range(3):
            await put(bench, topic, [(b"b", None)])
        assert await settled(bench, topic)
        bench.clock.ms += 1
        assert await compact_all(bench.log) == 1
        assert await rows(bench, topic) == [(0, b"a", b"1")]  # consume() asserts that it ends
        fresh = bench.log.catalogue.topic("t") or topic
        for end in range(1, 6):
            branch = await bench.log.branch(fresh, f"b{end}", BranchPoint(offsets={0: end}))
            assert bench.log.partition(branch, 0).high_watermark == end
            assert await rows(bench, branch) == [(0, b"a", b"1")]
            fresh = bench.log.catalogue.topic("t") or topic
            gaps = await bench.log.metastore.gaps(branch.no)
            assert [(gap.last_offset, gap.cause.value) for gap in gaps] == [(end - 1, "compaction")]
        await put(bench, fresh, [(b"c", b"1")])
        assert [row[0] for row in await rows(bench, topic)] == [0, 5]
        assert bench.log.background is not None
        assert not await bench.log.background.compactor.compact(fresh, 0), "nothing merged is new"

    run(scenario)


def test_a_lost_race_stops_the_pass_and_the_next_one_ends_it(run) -> None:
    """What lies above must not lose its markers' older records' guard before what lies below is clean."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT | {"delete.retention.ms": "0"})
        for number in range(12):
            await put(bench, topic, [(b"a", b"%d" % number), (b"k%d" % number, bytes(700))])
        await put(bench, topic, [(b"a", None)])
        await bench.log.merger.merge_backlog(topic, 0)
        metastore, swaps = bench.log.metastore, []
        replace_many = metastore.replace_many

        async def lose_the_second(*arguments: Any) -> list[bool]:
            swaps.append(arguments)
            if len(swaps) == 2:
                return [False] * len(arguments[2])
            return await replace_many(*arguments)

        metastore.replace_many = lose_the_second  # type: ignore[method-assign]
        assert not await settled(bench, topic)
        assert len(swaps) == 2, "the third run was not written"
        state = await metastore.compaction(topic.no, 0)
        assert state is not None and (state.gap_end, state.cleaned_end) == (25, 0)
        found = await rows(bench, topic)
        assert (24, b"a", None) in found and any(row[1:2] == (b"a",) for row in found[:-1])
        bench.clock.ms += 1
        assert await compact_all(bench.log) == 1
        bench.clock.ms += 1
        assert await compact_all(bench.log) == 1
        assert [row for row in await rows(bench, topic) if row[1] == b"a"] == []

    run(scenario, segment_bytes=3_000, pack_share_bytes_max=100)


def test_small_compacted_partitions_share_objects(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 60, COMPACT)
        for number in range(4):
            await asyncio.gather(
                *[
                    put(bench, topic, [(b"a", b"%d" % number), (b"k%d" % number, b"")], each)
                    for each in range(60)
                ]
            )
        bench.clock.ms += 120_000
        background = bench.log.background
        assert background is not None
        await background.merge()
        assert await compact_all(bench.log) == 60
        assert objects(bench.store) == {"pack": 2, "index": 2}
        kinds = Counter([(await extents(bench, topic, each))[0].kind for each in range(60)])
        assert kinds == {ObjectKind.PACK: 60}
        for each in (0, 59):
            assert [row[0] for row in await rows(bench, topic, each)] == [1, 3, 5, 6, 7]

    run(scenario)


def test_a_large_segment_in_which_nothing_goes_is_not_written_again(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(8):
            await put(bench, topic, [(b"%d" % number, bytes(1_000))])
        assert await settled(bench, topic)
        before = [extent.object_key for extent in await extents(bench, topic, 0)]
        assert len(before) == 4
        for number in range(8, 12):
            await put(bench, topic, [(b"%d" % number, bytes(1_000))])
        await put(bench, topic, [(b"3", b"new")])
        assert await settled(bench, topic)
        after = [extent.object_key for extent in await extents(bench, topic, 0)]
        assert [after[0], *after[2:4]] == [before[0], *before[2:4]] and after[1] != before[1]
        assert len(await rows(bench, topic)) == 12

    run(scenario, segment_bytes=2_200, pack_share_bytes_max=100)


def test_compact_and_delete_do_both(run) -> None:
    async def scenario(bench: Bench) -> None:
        configs = COMPACT | {"cleanup.policy": "compact,delete", "retention.ms": "100000"}
        topic = await bench.log.create_topic("t", 1, configs)
        await put(bench, topic, [(b"a", b"1"), (b"b", b"1")])
        await put(bench, topic, [(b"a", b"2")])
        assert await settled(bench, topic)
        assert [row[0] for row in await rows(bench, topic)] == [1, 2]
        bench.clock.ms += 50_000
        fresh = bench.log.catalogue.topic("t") or topic
        await put(bench, fresh, [(b"c", b"1")])
        bench.clock.ms += 60_000
        assert bench.log.background is not None
        await bench.log.background.retain()
        assert [row[0] for row in await rows(bench, topic)] == [3]
        gaps = await bench.log.metastore.gaps(topic.no)
        assert [(gap.first_offset, gap.last_offset, gap.cause.value) for gap in gaps] == [
            (0, 2, "retention.ms")
        ]

    run(scenario)


def test_a_store_that_refuses_costs_a_pass_and_nothing_else(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(4):
            await put(bench, topic, [(b"a", b"%d" % number)])
        await bench.log.merger.merge_backlog(topic, 0)
        rewriter = bench.log.background.compactor._rewriter  # type: ignore[union-attr]
        store = rewriter._objects._store

        class Refusing:
            def put(self, *_: Any, **__: Any) -> int:
                raise StoreFault("injected")

        rewriter._objects._store = Refusing()  # type: ignore[assignment]
        assert await compact_all(bench.log) == 0
        rewriter._objects._store = store
        assert len(await consume(bench.log, topic, 0, 0, 1 << 20)) == 4
        assert await compact_all(bench.log) == 1
        assert [row[2] for row in await rows(bench, topic)] == [b"3"]

    run(scenario)


# -- decisions -------------------------------------------------------------------------------------


def candidate(length: int, clean: int, cleaned_end: int, merged_end: int) -> CompactionCandidate:
    state = Compaction(1, 0, 0, cleaned_end, cleaned_end, clean, None, 0)
    return CompactionCandidate(1, 0, 0, merged_end, length, 0, state)


def test_dirty_ratio() -> None:
    assert dirty_ratio(candidate(100, 0, 0, 10)) == 1.0
    assert dirty_ratio(candidate(100, 75, 5, 10)) == 0.25
    assert dirty_ratio(candidate(100, 75, 10, 10)) == 0.0
    assert dirty_ratio(candidate(100, 175, 5, 10)) == 0.0, "retention took from what was clean"
    gone = candidate(100, 0, 0, 10)._replace(log_start=10)
    assert dirty_ratio(gone) == 0.0, "retention took all that was dirty"
    half = effective({"cleanup.policy": "compact"})
    assert may_be_due(candidate(100, 49, 5, 10), half, 0)
    assert not may_be_due(candidate(100, 50, 5, 10), half, 0)
    expired = candidate(100, 100, 10, 10)._replace(
        state=Compaction(1, 0, 0, 10, 10, 100, horizon_ms=5, updated_ms=0)
    )
    assert may_be_due(expired, half, 6) and not may_be_due(expired, half, 5)


def test_nothing_undecided_unmerged_or_young_is_looked_at() -> None:
    assert cleanable_end(100, 90, None) == 90
    assert cleanable_end(80, 90, None) == 80, "the last stable offset"
    assert cleanable_end(100, 90, 70) == 70


@given(st.lists(st.integers(1, 10**12), min_size=1, max_size=9), st.data())
def test_bytes_are_shared_out_over_offsets(spans: list[int], data: Any) -> None:
    made, at = [], 0
    for span in spans:
        made.append(Extent(at, at + span - 1, 1, "k", ObjectKind.SEGMENT, 0, 1000, 1, -1, 0, 0))
        at += span
    middle = data.draw(st.integers(0, at))
    total = bytes_between(made, 0, at)
    assert total == 1000 * len(spans)
    assert total - 1 <= bytes_between(made, 0, middle) + bytes_between(made, middle, at) <= total


# -- the filter, on batches alone --------------------------------------------------------------------


def blob(*parts: bytes) -> tuple[Extent, memoryview]:
    data = memoryview(b"".join(parts))
    headers = list(scan(data))
    extent = Extent(
        headers[0].base_offset,
        headers[-1].last_offset,
        1,
        "k",
        ObjectKind.SEGMENT,
        0,
        len(data),
        sum(header.record_count for header in headers),
        -1,
        0,
        0,
    )
    return extent, data


def filtered(data: memoryview, extent: Extent, **options: Any) -> list[bytes]:
    read = lambda _: iter([(data, 7)])  # noqa: E731
    built = build_map([extent], read, 0, extent.last_offset + 1, 1 << 20)
    chosen = CompactionFilter(
        built,
        read,
        **({"now_ms": 0, "delete_retention_ms": 0, "last_offsets": {}, "complete": True} | options),
    )
    return [bytes(piece) for piece, at in chosen([extent]) if at == 7]


def test_I6_control_batches_stay_and_their_keys_replace_nothing() -> None:
    marker = build_batch(
        [Record(0, 1, b"\0\0\0\1", b"\0\0\0\0\0\0")],
        base_offset=1,
        transactional=True,
        control=True,
        producer_id=1,
        producer_epoch=0,
    )
    before = build_batch([Record(0, 1, b"\0\0\0\1", b"value")], base_offset=0)
    after = build_batch([Record(0, 1, b"b", b"value")], base_offset=2)
    extent, data = blob(
        before, marker, marker[:7] + b"\3" + marker[8:], after[:7] + b"\4" + after[8:]
    )
    kept = memoryview(b"".join(filtered(data, extent, delete_retention_ms=100)))
    assert [(header.base_offset, header.is_control) for header in scan(kept)] == [
        (0, False),
        (1, True),
        (3, True),
        (4, False),
    ]
    for header in scan(kept):  # now they have a horizon, and are the same otherwise
        if header.is_control:
            assert header.base_timestamp == 100 and header.max_timestamp == 1
            assert [record.key for record in iter_records(kept, header)] == [b"\0\0\0\1"]
    extent, data = blob(bytes(kept))
    left = memoryview(b"".join(filtered(data, extent, now_ms=101)))
    assert [header.base_offset for header in scan(left)] == [0, 4]


@pytest.mark.parametrize("aborted", [False, True])
def test_I6_records_of_aborted_transactions_go_and_replace_nothing(aborted: bool) -> None:
    before = build_batch([Record(0, 1, b"k", b"before")], base_offset=0)
    inside = build_batch(
        [Record(0, 1, b"k", b"inside")],
        base_offset=1,
        transactional=True,
        producer_id=1,
        producer_epoch=0,
        base_sequence=0,
    )
    extent, data = blob(before, inside)
    read = lambda _: iter([(data, 7)])  # noqa: E731
    ranges = AbortedRanges([Aborted(2, 1, 1, True)] if aborted else [])
    built = build_map([extent], read, 0, 2, 1 << 20, ranges)
    options = {"now_ms": 0, "delete_retention_ms": 0, "last_offsets": {}, "complete": True}
    chosen = CompactionFilter(built, read, **options, aborted=ranges)  # type: ignore[arg-type]
    kept = memoryview(b"".join(bytes(piece) for piece, _ in chosen([extent])))
    values = [r.value for header in scan(kept) for r in iter_records(kept, header)]
    assert values == ([b"before"] if aborted else [b"inside"])


def test_records_without_a_key_stay() -> None:
    """They come from before the topic was compacted; nothing can have replaced them."""
    one = build_batch([Record(0, 1, None, b"v"), Record(0, 1, b"a", b"1")], base_offset=0)
    two = build_batch([Record(0, 1, None, b"v"), Record(0, 1, b"a", b"2")], base_offset=2)
    extent, data = blob(one, two)
    kept = memoryview(b"".join(filtered(data, extent)))
    offsets = [r.offset for header in scan(kept) for r in iter_records(kept, header)]
    assert offsets == [0, 2, 3]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2**31 - 2), st.integers(0, 3), st.booleans()),
        min_size=1,
        max_size=20,
    ),
    st.integers(0, 2**61),
)
def test_sparse_batches_keep_their_offsets_however_far_they_reach(
    sparse: list[tuple[int, int, bool]], base: int
) -> None:
    """Scar: an end offset in 32 bits made sparse data look expired, and compaction deleted it."""
    parts, expected, at = [], {}, base
    for delta, key, is_marker in sparse:
        record = Record(0, 5, b"%d" % key, None if is_marker else b"v")
        parts.append(
            build_batch(
                [record], base_offset=at, offset_deltas=[delta], last_offset_delta=2**31 - 2
            )
        )
        expected[record.key] = at + delta
        at += 2**31 - 1
    extent, data = blob(*parts)
    assert extent.last_offset == at - 1
    kept = memoryview(b"".join(filtered(data, extent, delete_retention_ms=10)))
    headers = list(scan(kept))
    found = {r.key: r.offset for header in headers for r in iter_records(kept, header)}
    assert found == expected
    assert headers[-1].last_offset == extent.last_offset
    assert all(header.last_offset_delta == 2**31 - 2 for header in headers)


def test_runs_end_where_32_bits_do(run) -> None:
    async def scenario(bench: Bench) -> None:
        made = []
        for number in range(5):
            at = number * 2**30
            made.append(Extent(at, at + 2**30 - 1, 1, "k", ObjectKind.SEGMENT, 0, 10, 1, -1, 0, 0))
        compactor = bench.log.background.compactor  # type: ignore[union-attr]
        runs = compactor._runs(made, 1 << 20)
        assert [len(each) for each in runs] == [2, 2, 1]
        assert all(r[-1].last_offset - r[0].base_offset <= OFFSETS_SPAN_MAX for r in runs)

    run(scenario)


def test_an_empty_batch_that_closes_a_segment_is_no_reason_to_write_it_again() -> None:
    one = build_batch([Record(0, 1, b"a", b"1")], base_offset=0)
    closing = build_batch([], base_offset=1, offset_deltas=[], last_offset_delta=4)
    extent, data = blob(one, closing)
    read = lambda _: iter([(data, 7)])  # noqa: E731
    options: dict[str, Any] = {"now_ms": 0, "delete_retention_ms": 0, "last_offsets": {}}
    chosen = CompactionFilter(Built(OffsetMap(0), 6), read, **options, complete=True)
    assert not chosen.changes(extent)
    assert b"".join(bytes(piece) for piece, _ in chosen([extent])) == bytes(data)
    behind = build_batch([Record(0, 1, b"b", b"1")], base_offset=6)
    extent, data = blob(one, closing, behind)
    chosen = CompactionFilter(Built(OffsetMap(0), 7), read, **options, complete=True)
    assert chosen.changes(extent)
    pieces = b"".join(bytes(piece) for piece, _ in chosen([extent]))
    assert [h.base_offset for h in scan(memoryview(pieces))] == [0, 6]


# -- the map -----------------------------------------------------------------------------------------


def put_one(newest: OffsetMap, key: bytes, offset: int, *, beyond: bool = False) -> bool:
    batch = build_batch([Record(0, 1, key, b"v")], base_offset=offset)
    header = parse_header(batch)
    return newest.put(payload(batch, header), header, 0, beyond=beyond)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, 10**12)), max_size=400))
def test_the_map_is_a_dictionary_of_newest_offsets(puts: list[tuple[bytes, int]]) -> None:
    newest, model = OffsetMap(1 << 20), {}
    for key, offset in puts:
        assert put_one(newest, key, offset)
        model[key] = max(offset, model.get(key, -1))
    assert len(newest) == len(model)
    assert all(newest.get(key) == offset for key, offset in model.items())
    assert newest.get(b"another") == -1


@pytest.mark.parametrize("bytes_max", [0, 300_000, 5_000_000])
def test_I10_the_map_stays_within_its_bound_also_while_it_grows(bytes_max: int) -> None:
    tracemalloc.start()
    try:
        newest = OffsetMap(bytes_max)
        count = 0
        while put_one(newest, b"%d" % count, count):
            count += 1
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == newest.keys_max == len(newest)
    assert peak <= max(bytes_max, 50_000) + 10_000
    assert put_one(newest, b"0", count) and newest.get(b"0") == count
    assert put_one(newest, b"one more", 1, beyond=True)


def test_the_default_map_holds_most_of_a_million_keys() -> None:
    assert OffsetMap(LogSettings().compaction_map_bytes).keys_max > 700_000


# -- delete markers, on batches alone ------------------------------------------------------------------


def marker_filter(data: memoryview, extent: Extent, end: int, **options: Any) -> CompactionFilter:
    read = lambda _: iter([(data, 7)])  # noqa: E731
    built = build_map([extent], read, 0, end, 1 << 20)
    return CompactionFilter(
        built._replace(end=end),
        read,
        **(
            {"now_ms": 100, "delete_retention_ms": 50, "last_offsets": {}, "complete": True}
            | options
        ),
    )


def keys_left(chosen: CompactionFilter, extent: Extent) -> list[bytes | None]:
    kept = memoryview(b"".join(bytes(piece) for piece, _ in chosen([extent])))
    return [record.key for header in scan(kept) for record in iter_records(kept, header)]


def with_horizon(horizon_ms: int, base_offset: int, key: bytes) -> bytes:
    """A batch whose marker a pass has seen: it may go after ``horizon_ms``."""
    extent, data = blob(build_batch([Record(0, 1, key, None)], base_offset=base_offset))
    chosen = marker_filter(data, extent, base_offset + 1, now_ms=0, delete_retention_ms=horizon_ms)
    (piece,) = [bytes(piece) for piece, _ in chosen([extent])]
    assert parse_header(piece).attributes & DELETE_HORIZON
    assert parse_header(piece).base_timestamp == horizon_ms == chosen.next_horizon_ms
    return piece


def test_a_marker_goes_after_its_horizon_and_only_from_a_log_that_can_be_judged() -> None:
    last = build_batch([Record(0, 1, b"z", b"v")], base_offset=1)
    extent, data = blob(with_horizon(99, 0, b"m"), last)
    assert keys_left(marker_filter(data, extent, 2, now_ms=100), extent) == [b"z"]
    assert keys_left(marker_filter(data, extent, 2, now_ms=99), extent) == [b"m", b"z"]
    assert keys_left(marker_filter(data, extent, 2, complete=False), extent) == [b"m", b"z"]


def test_a_marker_gets_no_horizon_while_older_records_may_be_left() -> None:
    records = [Record(0, 1, b"m", None), Record(0, 1, b"n", None)]
    extent, data = blob(build_batch(records, base_offset=0))
    for end, complete, dated in ((2, True, True), (1, True, False), (2, False, False)):
        chosen = marker_filter(data, extent, end, complete=complete)
        (piece,) = [bytes(piece) for piece, _ in chosen([extent])]
        assert bool(parse_header(piece).attributes & DELETE_HORIZON) is dated
        assert chosen.next_horizon_ms == (150 if dated else None)


def test_the_next_horizon_is_the_first_of_all() -> None:
    for horizons in ((500, 300, 400), (300, 400, 500)):
        parts = [with_horizon(each, n, b"%d" % n) for n, each in enumerate(horizons)]
        extent, data = blob(*parts)
        chosen = marker_filter(data, extent, 3)
        assert keys_left(chosen, extent) == [b"0", b"1", b"2"]
        assert chosen.next_horizon_ms == 300


def test_merging_keeps_away_from_what_is_being_compacted(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(3):
            await put(bench, topic, [(b"a", b"%d" % number)])
        await bench.log.merger.merge_backlog(topic, 0)
        compactor = bench.log.background.compactor  # type: ignore[union-attr]
        write, seen = compactor._rewriter.write_object, []

        async def watched(*words: Any) -> Any:
            seen.append(set(bench.log.merger.busy))
            return await write(*words)

        compactor._rewriter.write_object = watched
        assert await compact_all(bench.log) == 1
        assert seen == [{(topic.no, 0)}] and not bench.log.merger.busy

    run(scenario)


def test_I2_runs_do_not_reach_over_what_cannot_be_read(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(3):
            await put(bench, topic, [(b"a", b"%d" % number)])
            await bench.log.merger.merge_backlog(topic, 0)
        found = await extents(bench, topic, 0)
        assert len(found) == 3
        compactor = bench.log.background.compactor  # type: ignore[union-attr]
        assert compactor._runs(found, 1 << 20) == [found]
        compactor._avoid(bench.log.partition(topic, 0), found[1], Corrupt("a flipped bit"))
        assert compactor._runs(found, 1 << 20) == [found[:1], found[2:]]
        await bench.log.damage.settle()

    run(scenario, consolidate_fan_in=8)


def test_I6_nothing_is_compacted_above_the_first_open_transaction(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(3):
            await put(bench, topic, [(b"a", b"%d" % number)])
        await bench.log.merger.merge_backlog(topic, 0)
        bench.log.partition(topic, 0).unstable = 2
        assert await compact_all(bench.log) == 1
        assert [row[2] for row in await rows(bench, topic)][-2:] == [b"1", b"2"]
        state = await bench.log.metastore.compaction(topic.no, 0)
        assert state is not None and state.cleaned_end == 2

    run(scenario)


def test_what_is_in_quarantine_keeps_no_partition_dirty(run) -> None:
    """It never comes back, so nobody has to wait for it."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, COMPACT)
        for number in range(4):
            await put(bench, topic, [(b"a", b"%d" % number)])
        topic = await cold(bench, topic)
        spoil(bench, (await extents(bench, topic, 0))[1], 66)
        await bench.log.merger.merge_backlog(topic, 0)
        kinds = [each.kind for each in await extents(bench, topic, 0)]
        assert ObjectKind.QUARANTINE in kinds
        assert await compact_all(bench.log) == 1
        state = await bench.log.metastore.compaction(topic.no, 0)
        assert state is not None and state.cleaned_end == 4
        assert await compact_all(bench.log) == 0

    run(scenario)
