"""Damage fails its own range only, an operator sees it, and can skip exactly that and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from anabranch.errors import Corrupt, UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.extents import ExtentReader
from anabranch.log.objects import ObjectWriter
from anabranch.log.reads import FetchWant
from anabranch.log.skipping import Operator, Skipper
from anabranch.log.survey import decodable, joined, survey, wal_pieces
from anabranch.metastore.api import Damage, Extent, GapCause, ObjectKind, Topic
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.header import ATTRIBUTES_AT, BATCH_OVERHEAD, CRC_AT
from anabranch.records.record import Record, iter_records
from anabranch.storage.segment import SegmentIndexBuilder, index_key
from anabranch.storage.store import NotFound
from tests.log.conftest import Bench

ANA = Operator("ana", "host-1", "the disk is gone")


async def filled(bench: Bench, batches: int, *, values: int = 5, size: int = 1000) -> Topic:
    topic = await bench.log.create_topic("t", 1, {})
    await go_on(bench, topic, batches, values=values, size=size)
    return topic


async def go_on(
    bench: Bench, topic: Topic, batches: int, *, values: int = 5, size: int = 1000
) -> None:
    start = bench.log.partition(topic, 0).next_offset
    for number in range(batches):
        first = start + number * values
        await bench.append(topic, 0, [b"%d:" % (first + n) + bytes(size) for n in range(values)])


async def cold(bench: Bench, topic: Topic) -> Topic:
    """Begin anew, so that nothing is read from memory."""
    log = await bench.restart()
    return log.catalogue.topic(topic.name) or topic


async def extents(bench: Bench, topic: Topic) -> list[Extent]:
    return await bench.log.metastore.extents_from(topic.no, 0, 0, 1000)


def path_of(bench: Bench, extent: Extent):  # type: ignore[no-untyped-def]
    if extent.kind is ObjectKind.WAL:
        return bench.path / "wal" / (extent.object_key.removeprefix("wal/") + ".wal")
    return bench.path / "store" / extent.object_key


def spoil(bench: Bench, extent: Extent, at: int, data: bytes | None = None) -> None:
    """Write ``data`` at byte ``at`` of an extent, or flip a bit there."""
    with path_of(bench, extent).open("r+b") as file:
        file.seek(extent.position + at)
        before = file.read(1)
        file.seek(extent.position + at)
        file.write(bytes([before[0] ^ 0x40]) if data is None else data)


async def values(bench: Bench, topic: Topic, offset: int = 0) -> list[int]:
    """The offsets of all records from ``offset`` on, as clients go on: behind each batch, empty or not."""
    found: list[int] = []
    end = bench.log.partition(topic, 0).next_offset
    while offset < end:
        (part,) = await bench.log.fetch(
            [FetchWant(topic, 0, offset, 1 << 20)], max_wait_ms=0, min_bytes=1, max_bytes=1 << 20
        )
        assert part.error == 0, part.error
        assert part.buffers, f"a consumer waits at {offset} for ever"
        blob = b"".join(part.buffers)
        for header in scan(blob):
            found += [each.offset for each in iter_records(blob, header) if each.offset >= offset]
            behind = header.last_offset + 1
        assert behind > offset
        offset = behind
    return found


async def readable(bench: Bench, topic: Topic, offset: int) -> list[int]:
    """As :func:`values`, up to the first record or what cannot be read."""
    end = bench.log.partition(topic, 0).next_offset
    while offset < end:
        (part,) = await bench.log.fetch(
            [FetchWant(topic, 0, offset, 1)], max_wait_ms=0, min_bytes=1, max_bytes=1
        )
        assert part.error == 0 and part.buffers, (offset, part.error)
        blob = b"".join(part.buffers)
        (header,) = scan(blob)
        found = [each.offset for each in iter_records(blob, header) if each.offset >= offset]
        if found:
            return found
        offset = header.last_offset + 1
    return []


def starts(bench: Bench, extent: Extent) -> list[int]:
    """Where its batches begin."""
    data = path_of(bench, extent).read_bytes()[extent.position : extent.position + extent.length]
    return [header.position for header in scan(data)]


async def answers(bench: Bench, topic: Topic, end: int) -> dict[int, str]:
    """By offset: the error that a fetch there is answered with, or the offset of its first record."""
    found = {}
    for offset in range(end):
        (part,) = await bench.log.fetch(
            [FetchWant(topic, 0, offset, 1)], max_wait_ms=0, min_bytes=1, max_bytes=1
        )
        found[offset] = part.error.name
        if part.error == 0:
            found[offset] = str(next(iter(await readable(bench, topic, offset)), "nothing"))
        await bench.log.damage.settle()
    return found


def ranges(damages: Sequence[Damage]) -> list[tuple[int, int, str]]:
    return [(each.first_offset, each.last_offset, each.cause.value) for each in damages]


def expected(end: int, lost: range, code: str) -> dict[int, str]:
    return {offset: code if offset in lost else str(offset) for offset in range(end)}


def skipped(end: int, lost: range) -> dict[int, str]:
    behind = str(lost.stop) if lost.stop < end else "nothing"
    return {offset: behind if offset in lost else str(offset) for offset in range(end)}


# -- one range, found, listed, skipped -------------------------------------------------------------
@pytest.mark.parametrize("kind", ["wal", "segment", "pack"])
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_lost_object_fails_its_range_only_and_can_be_skipped(run, kind: str, which: int) -> None:
    async def scenario(bench: Bench) -> None:
        # Three objects of ten records each.
        if kind == "wal":
            topic = await filled(bench, 6, values=5, size=50_000)
            assert len({each.object_key for each in await extents(bench, topic)}) == 2
        else:
            topic = await filled(bench, 2)
            for number in range(3):
                if number:
                    await go_on(bench, topic, 2)
                if kind == "pack":
                    other = bench.log.catalogue.topic("other")
                    other = other or await bench.log.create_topic("other", 1, {})
                    await bench.append(other, 0, [b"x"])
                    targets = [_target(topic), _target(other)]
                    await bench.log.merger.merge_backlogs(targets)
                else:
                    await bench.log.merger.merge_backlog(topic, 0)
        topic = await cold(bench, topic)
        rows = await extents(bench, topic)
        key = rows[min(which, 1) if kind == "wal" else which].object_key
        if kind == "wal":
            key = sorted({row.object_key for row in rows})[min(which, 1)]
        mine = [row for row in rows if row.object_key == key]
        lost = range(mine[0].base_offset, mine[-1].last_offset + 1)
        path_of(bench, mine[0]).unlink()
        assert await answers(bench, topic, 30) == expected(30, lost, "KAFKA_STORAGE_ERROR")
        known = await bench.log.metastore.damages(topic.no)
        assert ranges(known) == [(row.base_offset, row.last_offset, "lost-object") for row in mine]
        assert all(each.object_key == key and each.records > 0 for each in known)
        with pytest.raises(UserFault, match="read well"):
            first = 0 if lost.start else lost.stop
            await bench.log.skip_damage(topic, 0, first, first, ANA)
        done = await bench.log.skip_damage(topic, 0, lost.start, lost.stop - 1, ANA)
        assert ranges(done) == ranges(known)
        assert await answers(bench, topic, 30) == skipped(30, lost)
        assert await bench.log.metastore.damages() == []
        gaps = await bench.log.metastore.gaps(topic.no)
        assert {gap.cause for gap in gaps} == {GapCause.LOST_OBJECT}
        assert {(gap.first_offset, gap.last_offset) for gap in gaps} == {
            (row.base_offset, row.last_offset) for row in mine
        }
        for skip in await bench.log.metastore.damage_skips(topic.no):
            assert (skip.principal, skip.host, skip.reason) == ANA
        with pytest.raises(UserFault, match="read well"):
            await bench.log.skip_damage(topic, 0, lost.start, lost.stop - 1, ANA)
        # Life goes on: appends, merges, branches.
        await go_on(bench, topic, 1)
        await bench.log.merger.merge_backlog(topic, 0)
        while await bench.log.merger.consolidate(topic, 0):
            pass
        assert await answers(bench, topic, 35) == skipped(35, lost)
        branch = await bench.log.branch(topic, "b", BranchPoint())
        assert len(await values(bench, branch)) == 35 - len(lost)

    run(scenario)


def _target(topic: Topic):  # type: ignore[no-untyped-def]
    from anabranch.log.merge import Target

    return Target(topic, 0)


@pytest.mark.parametrize("where", ["record", "header", "length", "offset", "near offset", "cut"])
@pytest.mark.parametrize("batch", [0, 2, 4])
def test_a_corrupt_batch_fails_its_range_only_and_can_be_skipped(
    run, where: str, batch: int
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 5, values=4, size=30_000)
        await bench.log.merger.merge_backlog(topic, 0)
        topic = await cold(bench, topic)
        (row,) = await extents(bench, topic)
        begin = starts(bench, row)[batch]
        lost = range(4 * batch, 4 * batch + 4)
        if where == "cut":
            with path_of(bench, row).open("r+b") as file:
                file.truncate(begin + 100)
            lost = range(4 * batch, 20)
        else:
            at = {"record": 5000, "header": 24, "length": 9, "offset": 2, "near offset": 7}[where]
            near = bytes([4 * batch ^ 2]) if where == "near offset" else None
            spoil(bench, row, begin + at, near)
        assert await answers(bench, topic, 20) == expected(20, lost, "CORRUPT_MESSAGE")
        known = await bench.log.metastore.damages(topic.no)
        assert ranges(known) == [(lost.start, lost.stop - 1, "corrupt")]
        if len(lost) < 20:
            with pytest.raises(UserFault, match=f"offsets {lost.start} to {lost.stop - 1}"):
                await bench.log.skip_damage(topic, 0, lost.start + 1, lost.stop - 1, ANA)
        done = await bench.log.skip_damage(topic, 0, 0, 19, ANA)
        assert ranges(done) == ranges(known) and done[0].found_ms == known[0].found_ms
        assert await answers(bench, topic, 20) == skipped(20, lost)
        rows = await extents(bench, topic)
        assert rows[0].base_offset == 0 and rows[-1].last_offset == 19
        assert sum(each.records for each in rows) == 20 - len(lost)
        while await bench.log.merger.consolidate(topic, 0):
            pass
        assert await answers(bench, topic, 20) == skipped(20, lost)

    run(scenario, consolidate_fan_in=2)


def test_several_damaged_batches_of_one_extent_are_skipped_together(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 9, values=2, size=500)
        await bench.log.merger.merge_backlog(topic, 0)
        topic = await cold(bench, topic)
        (row,) = await extents(bench, topic)
        begins = starts(bench, row)
        for batch in (1, 4, 5, 8):
            spoil(bench, row, begins[batch] + 100)
        done = await bench.log.skip_damage(topic, 0, 0, 17, ANA)
        assert ranges(done) == [(2, 3, "corrupt"), (8, 11, "corrupt"), (16, 17, "corrupt")]
        assert await values(bench, topic) == [0, 1, 4, 5, 6, 7, 12, 13, 14, 15]
        assert len(await bench.log.metastore.damage_skips()) == 3
        # Each is a gap of its own, with its own word.
        assert len(await bench.log.metastore.gaps(topic.no)) == 3

    run(scenario)


def test_quarantined_ranges_are_listed_and_can_be_skipped(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 3)
        topic = await cold(bench, topic)
        spoil(bench, (await extents(bench, topic))[1], 100)
        await bench.log.merger.merge_backlog(topic, 0)
        (known,) = await bench.log.metastore.damages()
        assert ranges([known]) == [(5, 9, "corrupt")]
        assert known.object_key.startswith("quarantine/") and known.records == 5
        done = await bench.log.skip_damage(topic, 0, 5, 9, ANA)
        assert ranges(done) == [(5, 9, "corrupt")]
        assert await answers(bench, topic, 15) == skipped(15, range(5, 10))

    run(scenario)


def test_a_consumer_that_waits_at_a_lost_end_goes_on_with_what_comes(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        await bench.log.merger.merge_backlog(topic, 0)
        topic = await cold(bench, topic)
        (row,) = await extents(bench, topic)
        path_of(bench, row).unlink()
        await bench.log.skip_damage(topic, 0, 0, 9, ANA)
        want = [FetchWant(topic, 0, 3, 1 << 20)]
        (part,) = await bench.log.fetch(want, max_wait_ms=0, min_bytes=1, max_bytes=1 << 20)
        assert part.error == 0 and part.high_watermark == 10
        assert part.bytes == BATCH_OVERHEAD, "a batch without records, to step over"
        waiting = asyncio.ensure_future(
            bench.log.fetch(
                [FetchWant(topic, 0, 10, 1 << 20)],
                max_wait_ms=10_000,
                min_bytes=1,
                max_bytes=1 << 20,
            )
        )
        await go_on(bench, topic, 1)
        (part,) = await waiting
        assert part.bytes > 5000

    run(scenario)


def test_what_reads_well_under_a_right_crc_and_cannot_be_decoded_can_be_skipped(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        await bench.log.append(topic, 0, garbage(bench, values=3))
        await go_on(bench, topic, 1)
        await bench.log.merger.merge_backlog(topic, 0)
        done = await bench.log.skip_damage(topic, 0, 0, 17, ANA)
        assert ranges(done) == [(10, 12, "corrupt")]
        assert await values(bench, topic) == [
            *range(10),
            *range(13, 18),
        ]

    run(scenario)


def garbage(bench: Bench, values: int) -> memoryview:
    """A batch whose CRC is right and whose compressed records are none."""
    batch = bytearray(
        build_batch(
            [Record(n, bench.clock(), b"k", b"v", ()) for n in range(values)], codec=Codec.GZIP
        )
    )
    batch[BATCH_OVERHEAD + 4 :] = bytes(len(batch) - BATCH_OVERHEAD - 4)
    batch[CRC_AT : CRC_AT + 4] = crc32c(batch[ATTRIBUTES_AT:]).to_bytes(4, "big")
    return memoryview(batch)


@pytest.mark.parametrize("range_", [(-1, 3), (4, 3), (0, 10), (30, 40)])
def test_a_range_that_the_log_does_not_hold_is_said_so(run, range_: tuple[int, int]) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        with pytest.raises(UserFault, match="holds offsets 0 to 9"):
            await bench.log.skip_damage(topic, 0, *range_, ANA)
        with pytest.raises(UserFault, match="no partition 7"):
            await bench.log.skip_damage(topic, 7, *range_, ANA)
        with pytest.raises(UserFault, match="say why"):
            await bench.log.skip_damage(topic, 0, 0, 1, ANA._replace(reason=" "))

    run(scenario)


def test_what_reads_well_again_is_no_longer_damaged(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        await bench.log.merger.merge_backlog(topic, 0)
        topic = await cold(bench, topic)
        (row,) = await extents(bench, topic)
        spoil(bench, row, 200)
        await answers(bench, topic, 5)
        (known,) = await bench.log.metastore.damages()
        assert await bench.log.skipper.still_damaged(known)
        spoil(bench, row, 200)
        assert not await bench.log.skipper.still_damaged(known)

    run(scenario)


def test_what_was_repaired_leaves_the_list_by_itself(run) -> None:
    """A few ranges a pass, in turn; what is still lost stays."""

    async def scenario(bench: Bench) -> None:
        first = await filled(bench, 2)
        await bench.log.merger.merge_backlog(first, 0)
        first = await cold(bench, first)
        (row,) = await extents(bench, first)
        path = path_of(bench, row)
        away = path.rename(path.with_suffix(".away"))
        fault = NotFound(row.object_key)
        bench.log.damage.met(first.no, 0, row, fault)
        await bench.log.damage.settle()
        healer = bench.log.background.healer  # type: ignore[union-attr]
        assert await healer.run_once() == 0 and len(await bench.log.metastore.damages()) == 1
        away.rename(path)
        assert await healer.run_once() == 1 and await bench.log.metastore.damages() == []
        assert await healer.run_once() == 0

    run(scenario)


def test_a_merge_that_swaps_extents_meanwhile_costs_another_look(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 6)
        topic = await cold(bench, topic)
        spoil(bench, (await extents(bench, topic))[2], 100)
        skip_damage = bench.log.metastore.skip_damage
        raced = []

        async def racing(what, skip):  # type: ignore[no-untyped-def]
            if not raced:
                raced.append(True)
                await bench.log.merger.merge_backlog(topic, 0)
            return await skip_damage(what, skip)

        bench.log.metastore.skip_damage = racing  # type: ignore[method-assign]
        done = await bench.log.skip_damage(topic, 0, 0, 29, ANA)
        assert ranges(done) == [(10, 14, "corrupt")] and raced
        assert await answers(bench, topic, 30) == skipped(30, range(10, 15))

    run(scenario)


def test_I10_reports_are_few_at_a_time_and_not_repeated_for_a_while(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        await bench.log.merger.merge_backlog(topic, 0)
        (row,) = await extents(bench, topic)
        fault = NotFound("gone")
        told = []
        note_damage = bench.log.metastore.note_damage

        async def counting(found):  # type: ignore[no-untyped-def]
            told.append(found)
            return await note_damage(found)

        bench.log.metastore.note_damage = counting  # type: ignore[method-assign]
        path_of(bench, row).unlink()
        for _ in range(20):
            bench.log.damage.met(topic.no, 0, row, fault)
        for number in range(20):
            bench.log.damage.met(topic.no, 0, replace(row, position=number), fault)
        assert len(bench.log.damage._surveying) == 4
        await bench.log.damage.settle()
        assert len(told) == 4 and bench.log.damage.found == 1
        bench.log.damage.met(topic.no, 0, row, fault)
        assert not bench.log.damage._surveying
        bench.clock.ms += 11 * 60_000
        bench.log.damage.met(topic.no, 0, row, fault)
        await bench.log.damage.settle()
        assert len(told) == 5

    run(scenario)


# -- the survey --------------------------------------------------------------------------------------
class Memory:
    """A store of one segment and its index."""

    url = "memory:"

    def __init__(self, batches: Sequence[bytes]) -> None:
        builder = SegmentIndexBuilder(
            cluster_id=b"c" * 16,
            topic_id=b"t" * 16,
            topic_name="t",
            partition=0,
            topic_config={},
            leader_epoch=0,
        )
        for batch in batches:
            builder.add(memoryview(batch))
        index = builder.finish()
        self.key = "topics/t/0/1.log"
        self.objects = {
            self.key: bytearray(b"".join(batches)),
            index_key(self.key): index.encode(),
        }
        self.extent = Extent(
            index.base_offset,
            index.last_offset,
            1,
            self.key,
            ObjectKind.SEGMENT,
            0,
            index.byte_length,
            index.record_count,
            index.max_timestamp,
            0,
            0,
        )

    def get(self, key: str, start: int = 0, length: int | None = None) -> bytes:
        if key not in self.objects:
            raise NotFound(key)
        data = bytes(self.objects[key])
        return data[start:] if length is None else data[start : start + length]


@st.composite
def segments(draw: st.DrawFn) -> list[bytes]:
    """Batches with holes between their offsets, as compaction leaves them; some long enough for an index."""
    batches, offset = [], draw(st.integers(0, 5))
    for _ in range(draw(st.integers(1, 12))):
        count = draw(st.integers(1, 3))
        size = draw(st.sampled_from([1, 40, 30_000]))
        records = [Record(n, 1000, None, bytes([n]) * size, ()) for n in range(count)]
        batches.append(build_batch(records, base_offset=offset))
        offset += count + draw(st.sampled_from([0, 0, 0, 7]))
    return batches


@settings(max_examples=300, deadline=None)
@given(segments(), st.data())
def test_a_survey_tiles_bytes_and_offsets_and_trusts_no_damage(
    batches: list[bytes], data: st.DataObject
) -> None:
    store = Memory(batches)
    extent = store.extent
    raw = store.objects[store.key]
    original = bytes(raw)
    how = data.draw(st.sampled_from(["flip", "zero", "cut", "flip", "gone", "none"]))
    touched = range(0)
    if how == "flip":
        at = data.draw(st.integers(0, len(raw) - 1))
        raw[at] ^= 1 << data.draw(st.integers(0, 7))
        touched = range(at, at + 1)
    elif how == "zero":
        at = data.draw(st.integers(0, len(raw) - 1))
        end = min(len(raw), at + data.draw(st.integers(1, 40_000)))
        raw[at:end] = bytes(end - at)
        touched = range(at, end)
    elif how == "cut":
        at = data.draw(st.integers(0, len(raw) - 1))
        del raw[at:]
        touched = range(at, len(original))
    elif how == "gone":
        del store.objects[store.key]
        touched = range(len(original))
    if not data.draw(st.booleans()):
        del store.objects[index_key(store.key)]
    pieces = list(survey(ExtentReader(store, None), extent))  # type: ignore[arg-type]
    assert sum(piece.length for piece in pieces) == extent.length
    at, offset = 0, extent.base_offset
    for piece in pieces:
        assert piece.start == at and piece.base_offset >= offset
        assert piece.good or piece.base_offset == offset, "damage takes the hole before it as well"
        at, offset = at + piece.length, piece.last_offset + 1
    assert offset == extent.last_offset + 1
    starts = {}
    position = 0
    for batch in batches:
        starts[position] = batch
        position += len(batch)
    wrong_offset = False
    for piece in pieces:
        if piece.good:
            batch = starts[piece.start]
            hit = range(max(touched.start, piece.start), min(touched.stop, at))
            overlap = [n for n in hit if n < piece.start + piece.length]
            outside_crc = {*range(8), *range(12, 16)}
            if not all(n - piece.start in outside_crc for n in overlap):
                assert bytes(piece.data or b"") == batch, "zeros where zeros were"
        else:
            assert (
                how == "gone"
                or wrong_offset
                or any(
                    original[n] != (raw[n] if n < len(raw) else None)
                    for n in touched
                    if piece.start <= n < piece.start + piece.length
                )
            ), "damage where nothing was touched"
    if how in ("flip", "none"):
        assert sum(not piece.good for piece in pieces) <= 1
    whole = joined(pieces)
    assert all(one.good is not two.good for one, two in pairwise(whole))


@settings(max_examples=100, deadline=None)
@given(segments(), st.integers(0, 60))
def test_a_survey_from_an_offset_is_the_rest_of_a_whole_one(
    batches: list[bytes], offset: int
) -> None:
    store = Memory(batches)
    reader = ExtentReader(store, None)  # type: ignore[arg-type]
    whole = list(survey(reader, store.extent))
    part = list(survey(reader, store.extent, from_offset=offset))
    assert part == whole[len(whole) - len(part) :]
    skipped_over = whole[: len(whole) - len(part)]
    assert all(piece.last_offset < offset for piece in skipped_over)


NESTED_BYTES_MAX = 1000  # batches in records of batches in records are more than are searched for


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 4), st.integers(0, 90)), min_size=1, max_size=8), st.data()
)
def test_I2_one_damaged_header_in_the_wal_costs_its_own_batch_alone(
    shapes: list[tuple[int, int]], data: st.DataObject
) -> None:
    """Whichever bit of it: length, count, magic; what is behind it keeps its offsets."""
    batches = []
    for number, (count, size) in enumerate(shapes):
        inside = (
            bytes(batches[-1])
            if batches and size % 3 == 0 and len(batches[-1]) <= NESTED_BYTES_MAX
            else bytes(size)
        )  # a batch in a record
        records = [Record(n, 1000, b"%d" % number, inside, ()) for n in range(count)]
        batches.append(build_batch(records))
    raw = bytearray(b"".join(batches))
    total = sum(count for count, _ in shapes)
    extent = Extent(100, 99 + total, 1, "wal/1", ObjectKind.WAL, 0, len(raw), total, 1000, 0, 7)
    victim = data.draw(st.integers(0, len(batches) - 1))
    begin = sum(map(len, batches[:victim]))
    inside = data.draw(st.integers(0, min(60, len(batches[victim]) - 1)))
    bit = data.draw(st.integers(0, 7))
    raw[begin + inside] ^= 1 << bit
    pieces = wal_pieces(memoryview(raw), extent)
    assert sum(piece.length for piece in pieces) == len(raw)
    assert [piece.base_offset for piece in pieces] == [
        100, *[piece.last_offset + 1 for piece in pieces[:-1]]
    ]  # fmt: skip
    assert pieces[-1].last_offset == extent.last_offset
    starts = [100 + sum(count for count, _ in shapes[:n]) for n in range(len(shapes))]
    good = {piece.base_offset: piece for piece in pieces if piece.good}
    # Base offset and leader epoch are given anew anyway; but no batch has a base offset below 0.
    unseen = (inside, bit) != (0, 7) and (inside < 8 or 12 <= inside < 16)
    for number, start in enumerate(starts):
        assert (start in good) is (number != victim or unseen), (number, inside)


@pytest.mark.parametrize("broken", [2, 3])
def test_two_damaged_headers_in_the_wal_cost_what_is_between_them(broken: int) -> None:
    batches = [build_batch([Record(0, 1000, None, b"x" * 50, ())]) for _ in range(6)]
    raw = bytearray(b"".join(batches))
    extent = Extent(0, 5, 1, "wal/1", ObjectKind.WAL, 0, len(raw), 6, 1000, 0, 7)
    for number in (1, broken):
        raw[number * len(batches[0]) + 9] ^= 0x40  # its length
    pieces = wal_pieces(memoryview(raw), extent)
    assert [(piece.good, piece.base_offset, piece.last_offset) for piece in pieces] == [
        (True, 0, 0), (False, 1, 5)
    ]  # fmt: skip


def test_what_a_crc_says_nothing_about_is_judged_by_decoding() -> None:
    records = [Record(n, 1000, b"k", bytes(100), ()) for n in range(3)]
    good = [build_batch(records, base_offset=3 * n, codec=Codec.GZIP) for n in range(3)]
    bad = bytearray(good[1])
    bad[BATCH_OVERHEAD + 4 :] = bytes(len(bad) - BATCH_OVERHEAD - 4)
    bad[CRC_AT : CRC_AT + 4] = crc32c(bad[ATTRIBUTES_AT:]).to_bytes(4, "big")
    store = Memory([good[0], bytes(bad), good[2]])
    reader = ExtentReader(store, None)  # type: ignore[arg-type]
    assert all(piece.good for piece in survey(reader, store.extent))
    judged = list(survey(reader, store.extent, judge=decodable))
    assert [(piece.base_offset, piece.good) for piece in judged] == [
        (0, True),
        (3, False),
        (6, True),
    ]
    assert judged[1].detail
    with pytest.raises(Corrupt):
        decodable(memoryview(bad), next(scan(bytes(bad))))


@pytest.mark.parametrize("engine", ["postgres", "sqlite"], indirect=True)
def test_a_broker_that_holds_it_in_memory_notices_that_it_was_skipped(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await filled(bench, 2)
        await bench.log.append(topic, 0, garbage(bench, values=3))
        await go_on(bench, topic, 1)
        with pytest.raises(Corrupt):
            await values(bench, topic)
        other = bench.open_metastore()  # the command line's
        try:
            with ThreadPoolExecutor(1) as pool:
                extents = ExtentReader(bench.store, bench.log.wal_reader)
                objects = ObjectWriter(other, bench.store, pool, bench.clock)
                skipper = Skipper(other, objects, extents, pool, bench.clock, lambda: "other")
                done = await skipper.skip(topic, 0, 10, 12, ANA)
        finally:
            other.close()
        assert ranges(done) == [(10, 12, "corrupt")]
        for _ in range(1200):
            if bench.log.partition(topic, 0).skips == 1:
                break
            await asyncio.sleep(0.05)
        assert await values(bench, topic) == [*range(10), *range(13, 18)]
        await go_on(bench, topic, 1)
        assert bench.log.partition(topic, 0).tail.start_offset == 18, "memory is in use again"

    run(scenario)
