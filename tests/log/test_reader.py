"""Straight from the bucket: borders of splits, merges meanwhile, consumers that stop, clear errors."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anabranch
from anabranch.errors import AnabranchError, ClientFault, Corrupt, UserFault
from anabranch.log import reader
from anabranch.log.opening import open_log
from anabranch.log.reader import plan, plan_splits, read_split, read_splits
from anabranch.metastore.api import Extent
from anabranch.records.batch import scan
from anabranch.records.compression import Codec
from anabranch.records.header import ATTRIBUTES_AT, BATCH_OVERHEAD, CRC_AT
from anabranch.storage.store import NotFound
from anabranch.storage.wal_directory import WalDirectory

from .conftest import Bench


def rows(batches: Any) -> list[tuple[int, bytes]]:
    found: list[tuple[int, bytes]] = []
    for batch in batches:
        assert batch.num_rows
        offsets, values = batch.column("offset"), batch.column("value")
        found += list(zip(offsets.to_pylist(), values.to_pylist(), strict=True))
    return found


async def fill(bench: Bench, sizes: list[int], merge_every: int, codec: int = Codec.NONE) -> Any:
    topic = await bench.log.create_topic("t", 1, {})
    for number, size in enumerate(sizes):
        values = [b"%d." % number + bytes(size)] * (number % 4 + 1)
        await bench.append(topic, 0, values, codec=codec)
        bench.clock.ms += 500
        if merge_every and number % merge_every == merge_every - 1:
            await bench.log.merger.merge_backlog(topic, 0)
    return topic


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.sampled_from([1, 200, 3000, 9000]), min_size=1, max_size=25),
    merge_every=st.sampled_from([0, 3, 10, 25]),
    split_bytes=st.sampled_from([500, 4000, 20_000]),
    data=st.data(),
)
def test_every_range_is_read_exactly_across_split_borders(
    tmp_path_factory, sizes, merge_every, split_bytes, data
) -> None:
    """However segments are cut into splits: no offset twice, none missing."""

    async def main() -> None:
        from anabranch.log.settings import LogSettings

        bench = Bench(
            tmp_path_factory.mktemp("reader"), LogSettings(background=False, wal_file_bytes=1 << 20)
        )
        await bench.start()
        topic = await fill(bench, sizes, merge_every)
        expected = await bench.values(topic, 0)
        start = data.draw(st.integers(0, len(expected)))
        end = data.draw(st.integers(start, len(expected)))
        splits = await plan_splits(bench.log, topic, start={0: start}, end={0: end})
        borders = [(split.start_offset, split.end_offset) for split in splits]
        assert all(one[1] == two[0] for one, two in pairwise(borders))
        assert rows(read_splits(splits, threads=2)) == expected[start:end]
        assert rows(batch for split in splits for batch in read_split(split)) == expected[start:end]
        await bench.log.close()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "READ_BYTES", split_bytes)
        patch.setattr(reader, "SPLIT_BYTES", split_bytes)
        patch.setattr(reader, "BATCH_BYTES", 2000)
        patch.setattr("anabranch.log.extents.CHUNK_BYTES", 3000)
        asyncio.run(main())


def test_reads_cost_what_they_give(run, monkeypatch) -> None:
    """Chunks end where batches begin, and the last one with its split: nothing is read twice."""
    monkeypatch.setattr(reader, "SPLIT_BYTES", 50_000)
    monkeypatch.setattr("anabranch.log.extents.CHUNK_BYTES", 12_000)

    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [1000] * 400, merge_every=400)
        (extent,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 10)
        splits = await plan_splits(bench.log, topic)
        assert len(splits) > 5
        extents = bench.log.extents
        fetched: list[int] = []
        fetch = extents._fetch

        def counted(extent: Extent, position: int, length: int) -> bytes:
            fetched.append(length)
            return fetch(extent, position, length)

        monkeypatch.setattr(extents, "_fetch", counted)
        rows_read = sum(b.num_rows for split in splits for b in read_split(split, extents))
        assert rows_read == extent.records
        overlap = len(splits) * 2 * 4096  # an index entry lies up to so far before its offset
        assert extent.length <= sum(fetched) <= extent.length + overlap

    run(scenario)


def test_I10_a_split_is_a_bounded_part_of_a_large_segment(run, monkeypatch) -> None:
    monkeypatch.setattr(reader, "READ_BYTES", 50_000)
    monkeypatch.setattr(reader, "SPLIT_BYTES", 50_000)
    monkeypatch.setattr("anabranch.log.extents.CHUNK_BYTES", 10_000)

    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [5000] * 80, merge_every=80)
        splits = await plan_splits(bench.log, topic)
        assert len(splits) >= 15
        read: list[int] = []
        chunks = reader.ExtentReader.chunks

        def counted(self: Any, *args: Any, **kwargs: Any) -> Any:
            for run in chunks(self, *args, **kwargs):
                read.append(len(run))
                yield run

        monkeypatch.setattr(reader.ExtentReader, "chunks", counted)
        for split in splits:
            read.clear()
            list(read_split(split))
            # An index entry lies up to 64 KiB before what is wanted, a chunk reaches behind it.
            assert sum(read) <= 50_000 * 1.5 + 65_536 + 20_000

    run(scenario)


def test_I10_splits_of_many_tiny_extents_are_bounded(run, monkeypatch) -> None:
    monkeypatch.setattr(reader, "SPLIT_EXTENTS_MAX", 10)

    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [1] * 35, merge_every=0)
        splits = await plan_splits(bench.log, topic)
        assert [len(split.extents) for split in splits] == [10, 10, 10, 5]
        assert rows(read_splits(splits)) == await bench.values(topic, 0)

    run(scenario)


def test_what_was_merged_and_recycled_meanwhile_is_planned_again(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [3000] * 30, merge_every=0)
        expected = await bench.values(topic, 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "READ_BYTES", 6000)
            patch.setattr(reader, "SPLIT_BYTES", 6000)
            patch.setattr(reader, "SPLITS_AHEAD", 1)
            batches = anabranch.read(tmp_path, "t", threads=1)
            found = rows([next(batches)])
            background = bench.log.background
            assert background is not None
            await bench.append(topic, 0, [bytes(1 << 19)])  # the file with the rest is left
            await bench.append(topic, 0, [bytes(1 << 19)])
            await bench.log.merger.merge_backlog(topic, 0)
            for _ in range(3):
                bench.clock.ms += 60_000
                await background.collect()
            splits = plan(tmp_path, "t", end={0: len(expected)})
            assert all(extent.kind == "segment" for split in splits for extent in split.extents)
            found += rows(batches)
        assert found == expected

    run(scenario)


def test_without_a_way_to_plan_again_the_reader_says_what_is_gone(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [100] * 3, merge_every=3)
        splits = await plan_splits(bench.log, topic)
        for info in list(bench.store.list("")):
            bench.store.delete(info.key)
        with pytest.raises(NotFound):
            list(read_splits(splits))

    run(scenario)


def test_a_topic_created_anew_is_not_taken_for_the_one_that_was_read(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [3000] * 10, merge_every=0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "READ_BYTES", 3000)
            patch.setattr(reader, "SPLIT_BYTES", 3000)
            patch.setattr(reader, "SPLITS_AHEAD", 1)
            batches = anabranch.read(tmp_path, "t", threads=1)
            next(batches)
            await bench.log.delete_topic(topic)
            again = await bench.log.create_topic("t", 1, {})
            for _ in range(30):
                await bench.append(again, 0, [b"another line"])

            def gone(*args: object, **kwargs: object) -> None:
                raise NotFound("recycled")

            patch.setattr(reader.ExtentReader, "chunks", gone)
            with pytest.raises(UserFault, match="deleted"):
                list(batches)

    run(scenario)


@pytest.mark.parametrize("how", ["close", "break", "error"])
def test_threads_end_with_the_consumer(run, tmp_path: Path, how: str) -> None:
    async def scenario(bench: Bench) -> None:
        await fill(bench, [3000] * 40, merge_every=10)
        before = set(threading.enumerate())

        def consume() -> None:
            batches = anabranch.read(tmp_path, "t", threads=3)
            for _ in batches:
                if how == "error":
                    raise ValueError("the consumer's own")
                if how == "close":
                    batches.close()
                break

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "READ_BYTES", 3000)
            patch.setattr(reader, "SPLIT_BYTES", 3000)
            if how == "error":
                with pytest.raises(ValueError, match="own"):
                    consume()
            else:
                consume()
        left = [thread for thread in threading.enumerate() if thread not in before]
        assert not [thread.name for thread in left if thread.name.startswith("read")]

    run(scenario)


def test_damage_is_an_error_and_never_a_record(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [300] * 4, merge_every=4)
        (extent,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 1)
        (path,) = tmp_path.rglob(Path(extent.object_key).name)
        data = bytearray(path.read_bytes())
        data[extent.length // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)
        with pytest.raises(Corrupt, match="CRC"):
            list(anabranch.read(tmp_path, "t"))

    run(scenario)


def test_a_notebook_reads_from_within_its_own_event_loop(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await fill(bench, [10, 20], merge_every=0)
        assert rows(anabranch.read(tmp_path, "t")) == await bench.values(topic, 0)

    run(scenario)


def test_times_and_offsets_choose_what_is_read(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        start_ms = bench.clock.ms
        topic = await fill(bench, [1] * 6, merge_every=3)
        every = await bench.values(topic, 0)
        at = datetime.fromtimestamp((start_ms + 1000) / 1000, UTC)
        assert rows(anabranch.read(tmp_path, "t", start=at)) == every[3:]
        assert rows(anabranch.read(tmp_path, "t", end=start_ms + 1000)) == every[:3]
        assert rows(anabranch.read(tmp_path, "t", start={0: 2}, end={0: 5})) == every[2:5]
        assert rows(anabranch.read(tmp_path, "t", start={0: 5}, end={0: 2})) == []
        assert rows(anabranch.read(tmp_path, "t", start=0)) == every

    run(scenario)


@pytest.mark.parametrize(
    "options",
    [
        {"start": {0: 99}},
        {"end": {0: 99}},
        {"start": {3: 0}},
        {"partitions": [5]},
        {"start": datetime(2024, 1, 1)},
        {"start": -1},
        {"threads": 0},
    ],
)
def test_what_cannot_be_read_is_said_in_a_sentence(run, tmp_path: Path, options: Any) -> None:
    async def scenario(bench: Bench) -> None:
        await fill(bench, [1], merge_every=0)
        with pytest.raises((UserFault, ClientFault)) as refused:
            list(anabranch.read(tmp_path, "t", **options))
        assert len(str(refused.value)) > 15

    run(scenario)


def test_no_cluster_and_no_topic_are_said_so(run, tmp_path: Path) -> None:
    with pytest.raises(AnabranchError, match="holds no Anabranch cluster"):
        list(anabranch.read(tmp_path / "nowhere", "t"))

    async def scenario(bench: Bench) -> None:
        with pytest.raises(UserFault, match="no topic"):
            list(anabranch.read(tmp_path, "t"))

    run(scenario)


def test_open_log_that_fails_leaves_the_directory_free(tmp_path: Path, monkeypatch) -> None:
    """The WAL's lock is not kept by a broker that did not start."""

    async def main() -> None:
        log = await open_log(tmp_path, broker_id=1, create=True)
        await log.close()
        with monkeypatch.context() as patch:

            async def refuse(self: object) -> None:
                raise UserFault("not today")

            patch.setattr("anabranch.log.log.Log.start", refuse)
            with pytest.raises(UserFault):
                await open_log(tmp_path, broker_id=1)
        directory = WalDirectory.open(tmp_path / "wal")
        for lock in (tmp_path / "wal").glob("*.lock"):
            assert not directory.is_owned(f"wal/{lock.stem}-0000000000")

    asyncio.run(main())


# -- damage ------------------------------------------------------------------------------------------
def rot(bench: Bench, extent: Extent, at: int) -> None:
    """Flip a bit of an extent in the store."""
    path = bench.path / "store" / extent.object_key
    data = bytearray(path.read_bytes())
    data[extent.position + at] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)


async def damaged(bench: Bench) -> tuple[Any, list[tuple[int, bytes]], list[tuple[int, int, str]]]:
    """A topic of three segments and a WAL with garbage under a right CRC, one flipped bit, one lost
    segment; what of it can be read, and what cannot."""
    topic = await fill(bench, [4000] * 12, merge_every=4)
    values = await bench.values(topic, 0)
    extents = await bench.log.metastore.extents_from(topic.no, 0, 0, 10)
    data = (bench.path / "store" / extents[0].object_key).read_bytes()
    third = list(scan(data))[2]
    rot(bench, extents[0], third.position + 500)
    (bench.path / "store" / extents[1].object_key).unlink()
    end = extents[2].last_offset + 1
    await bench.append(topic, 0, [b"before"])
    await bench.log.append(topic, 0, garbage(bench))
    await bench.append(topic, 0, [b"behind"] * 2)
    lost = [
        (third.base_offset, third.last_offset, "corrupt"),
        (extents[1].base_offset, extents[1].last_offset, "lost-object"),
        (end + 1, end + 3, "corrupt"),
    ]
    values += [(end, b"before"), (end + 4, b"behind"), (end + 5, b"behind")]
    return topic, [v for v in values if not any(a <= v[0] <= b for a, b, _ in lost)], lost


def garbage(bench: Bench) -> memoryview:
    """Three records that nobody can decompress, under a right CRC."""
    batch = bytearray(bench.batch([b"x"] * 3, codec=Codec.GZIP))
    batch[BATCH_OVERHEAD + 4 :] = bytes(len(batch) - BATCH_OVERHEAD - 4)
    batch[CRC_AT : CRC_AT + 4] = crc32c(batch[ATTRIBUTES_AT:]).to_bytes(4, "big")
    return memoryview(batch)


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("split_bytes", [5000, 1 << 20])
def test_a_reader_goes_on_around_damage_and_is_told_of_it(
    run, tmp_path: Path, merged: bool, split_bytes: int
) -> None:
    async def scenario(bench: Bench) -> None:
        topic, good, lost = await damaged(bench)
        if merged:
            await bench.log.merger.merge_backlog(topic, 0)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(reader, "READ_BYTES", split_bytes)
            patch.setattr(reader, "SPLIT_BYTES", split_bytes)
            met: list[anabranch.DamagedRange] = []
            assert rows(anabranch.read(tmp_path, "t", on_damage=met.append)) == good
            assert {(each.topic, each.partition) for each in met} == {("t", 0)}
            told = [(each.first_offset, each.last_offset, each.cause.value) for each in met]
            assert joined(told) == lost, "a range that two splits share is told of by each"
            assert all(each.detail and each.object_key for each in met)
            assert rows(anabranch.read(tmp_path, "t", on_damage="skip")) == good
            # Raised once everything before it was given; the caller goes on behind.
            found: list[tuple[int, bytes]] = []
            start, raised = 0, []
            while True:
                try:
                    for batch in anabranch.read(tmp_path, "t", start={0: start}):
                        found += rows([batch])
                    break
                except anabranch.DamagedRead as fault:
                    damage = fault.damage
                    assert f"offsets {damage.first_offset} to {damage.last_offset} of t/0" in str(
                        fault
                    )
                    assert not found or found[-1][0] < damage.first_offset
                    raised.append((damage.first_offset, damage.last_offset, damage.cause.value))
                    start = damage.last_offset + 1
            assert found == good and joined(raised) == lost

    run(scenario)


def joined(told: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    for first, last, cause in told:
        if found and found[-1][1] + 1 == first and found[-1][2] == cause:
            first = found.pop()[0]
        found.append((first, last, cause))
    return found


def test_every_offset_beside_damage_is_reachable(run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic, good, _ = await damaged(bench)
        await bench.log.merger.merge_backlog(topic, 0)
        by_offset = dict(good)
        for offset in range(bench.log.partition(topic, 0).next_offset):
            one = {"start": {0: offset}, "end": {0: offset + 1}}
            if offset in by_offset:
                assert rows(anabranch.read(tmp_path, "t", **one)) == [(offset, by_offset[offset])]
            else:
                with pytest.raises(anabranch.DamagedRead) as raised:
                    list(anabranch.read(tmp_path, "t", **one))
                damage = raised.value.damage
                assert (damage.first_offset, damage.last_offset) == (offset, offset)

    run(scenario)


def test_another_word_for_damage_is_refused(tmp_path: Path, run) -> None:
    async def scenario(bench: Bench) -> None:
        await fill(bench, [1], merge_every=0)
        with pytest.raises(UserFault, match="on_damage"):
            list(anabranch.read(tmp_path, "t", on_damage="ignore"))  # type: ignore[arg-type]

    run(scenario)
