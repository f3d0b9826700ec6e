"""Packs: many small partitions in few objects, whatever fails in between and however long it goes on."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anabranch
from anabranch.errors import Corrupt, StoreFault
from anabranch.log.branch import BranchPoint
from anabranch.log.merge import Target, objects_max
from anabranch.log.reads import FetchWant
from anabranch.log.repack import choose, packs_max
from anabranch.log.rewriting import Rewrite, grouped
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Extent, ObjectKind, PackUsage, Topic
from anabranch.storage.pack import PackIndex
from anabranch.storage.segment import index_key
from anabranch.storage.store import Store

from .conftest import Bench, decode

SMALL: dict[str, Any] = {
    "segment_bytes": 40_000,
    "pack_share_bytes_max": 6_000,
    "pack_bytes_max": 20_000,
    "consolidate_fan_in": 3,
}


def objects(store: Store) -> Counter[str]:
    return Counter(info.key.rpartition(".")[2] for info in store.list(""))


async def extents(bench: Bench, topic: Topic, partition: int) -> list[Extent]:
    return await bench.log.metastore.extents_from(topic.no, partition, 0, 100_000)


async def everything(bench: Bench, topic: Topic) -> dict[int, list[tuple[int, bytes]]]:
    return {
        partition: await bench.values(
            topic, partition, bench.log.partition(topic, partition).log_start
        )
        for partition in range(topic.partitions)
    }


async def fill(bench: Bench, topic: Topic, value: bytes, partitions: range | None = None) -> None:
    wanted = range(topic.partitions) if partitions is None else partitions
    await asyncio.gather(
        *[bench.log.append(topic, each, bench.batch([value + b"%d" % each])) for each in wanted]
    )


async def merged(bench: Bench) -> None:
    bench.clock.ms += 120_000
    assert bench.log.background is not None
    await bench.log.background.merge()


def test_many_tiny_partitions_share_one_object_a_minute(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 300, {"retention.ms": "-1"})
        for minute in range(3):
            await fill(bench, topic, b"minute %d " % minute)
            await merged(bench)
            assert objects(bench.store) == {"pack": minute + 1, "index": minute + 1}
        assert not await bench.log.metastore.backlogs(1000)
        before = await everything(bench, topic)
        assert all(len(values) == 3 for values in before.values())
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert await everything(bench, topic) == before
        (first, *_) = await extents(bench, topic, 7)
        index = PackIndex.decode(bench.store.get(index_key(first.object_key)))
        share = index.share_at(first.position)
        assert share is not None and share.partition == 7
        described = index.segment_index(share)
        assert (described.topic_name, described.topic_id) == ("t", topic.id)
        assert described.covered == (first.base_offset, first.last_offset)
        assert described.topic_config == {"retention.ms": "-1"}

    run(scenario)


def test_I2_readers_of_two_partitions_in_one_pack_do_not_mix_up_their_places(run) -> None:
    """Found by the simulation: where a reader had got to was remembered by object and offset, and a reader of
    the other partition at that offset went on from there."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        for number in range(4):
            for partition in range(2):
                value = b"%d/%d" % (partition, number) + bytes(100 * partition)
                await bench.append(topic, partition, [value])
        await bench.log.merger.merge_backlogs([Target(topic, each) for each in range(2)])
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert await bench.values(topic, 0, max_bytes=1) == [
            (number, b"0/%d" % number) for number in range(4)
        ]
        for number in range(1, 4):  # each as another reader that begins there
            want = FetchWant(topic, 1, number, 1)
            (part,) = await log.fetch([want], max_wait_ms=0, min_bytes=1, max_bytes=1)
            assert decode(part.buffers) == [(number, b"1/%d" % number + bytes(100))]

    run(scenario, **SMALL)


def test_a_partition_that_grows_leaves_the_packs(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 10, {})
        for number in range(30):
            await fill(bench, topic, b"%d" % number)
            await bench.append(topic, 3, [bytes(900)])
            await merged(bench)
        kinds = Counter(extent.kind for extent in await extents(bench, topic, 3))
        assert kinds[ObjectKind.SEGMENT] >= 1
        assert {extent.kind for extent in await extents(bench, topic, 4)} == {ObjectKind.PACK}

    run(scenario, **SMALL)


def test_a_branch_shares_packs_and_repacking_keeps_what_it_alone_names(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 40, {})
        for number in range(4):
            await fill(bench, topic, b"%d-" % number + bytes(80))
            await bench.log.merger.merge_backlogs([Target(topic, each) for each in range(40)])
        before = await everything(bench, topic)
        packs = objects(bench.store)["pack"]
        branch = await bench.log.branch(
            topic, "b", BranchPoint(offsets=dict.fromkeys(range(40), 3))
        )
        assert objects(bench.store)["pack"] == packs
        assert await everything(bench, branch) == {p: v[:3] for p, v in before.items()}
        for partition in range(40):
            await bench.log.delete_records(topic, partition, -1 if partition else 2)
        background = bench.log.background
        assert background is not None
        usage = await _measured(bench)
        assert all(0 < pack.live_bytes <= pack.bytes for pack in usage)
        await background.repack()
        assert background._repacker.repacked_bytes > 0
        log = await bench.restart()
        branch = log.catalogue.topic("b") or branch
        topic = log.catalogue.topic("t") or topic
        assert await everything(bench, branch) == {p: v[:3] for p, v in before.items()}
        assert (await everything(bench, topic))[0] == before[0][2:]
        (first, *_) = await extents(bench, branch, 5)
        index = PackIndex.decode(bench.store.get(index_key(first.object_key)))
        share = index.share_at(first.position)
        assert share is not None
        assert index.segment_index(share).topic_id == topic.id, "it still says where it came from"
        rows = [
            row
            for batch in anabranch.read(bench.location, "b")
            for row in batch["value"].to_pylist()
        ]
        assert sorted(rows) == sorted(
            value for values in before.values() for _, value in values[:3]
        )

    run(scenario, **SMALL)


async def _measured(bench: Bench) -> list[PackUsage]:
    while await bench.log.metastore.measure_packs(100):
        pass
    return await bench.log.metastore.pack_usage(10_000)


def test_a_pack_dies_when_the_last_share_is_moved_out_of_it(run) -> None:
    """One partition that is kept for ever does not keep the bytes of all the others."""

    async def scenario(bench: Bench) -> None:
        short = await bench.log.create_topic("short", 20, {"retention.ms": "60000"})
        kept = await bench.log.create_topic("kept", 1, {"retention.ms": "-1"})
        for number in range(8):
            await fill(bench, short, b"%d" % number + bytes(800))
            await bench.append(kept, 0, [b"%d" % number])
            await merged(bench)
        background = bench.log.background
        assert background is not None
        bench.clock.ms += 10 * 60_000
        await background.retain()
        assert bench.log.partition(short, 0).log_start == 8
        for _ in range(3):
            await background.repack()
        bench.clock.ms += 60_000
        await background.collect()
        bench.clock.ms += 25 * 3_600_000
        for _ in range(3):
            await background.collect()
        left = sum(info.size for info in bench.store.list("packs/") if info.key.endswith(".pack"))
        assert left < 4_000, "of 130 kB"
        assert [value for _, value in await bench.values(kept, 0)] == [b"%d" % n for n in range(8)]

    run(scenario, **SMALL)


class Crash(Exception):
    """The process is gone."""


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("step", range(5))
def test_I1_I4_a_crash_at_any_step_of_a_pack_loses_nothing(run, step: int, committed: bool) -> None:
    """Steps: the name, the pack, its index, the first swap, the second swap; before it or after it."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 30, {})
        for number in range(60):
            await fill(bench, topic, b"%d" % number)
        before = await everything(bench, topic)
        metastore, store = bench.log.metastore, bench.store
        calls = 0

        def crashes() -> bool:
            nonlocal calls
            calls += 1
            return calls == step + 1

        def around(original: Any) -> Any:
            async def verb(*arguments: Any) -> Any:
                crash = crashes()
                if crash and not committed:
                    raise Crash
                result = await original(*arguments)
                if crash:
                    raise Crash
                return result

            return verb

        class CrashingStore:
            def put(self, key: str, data: Any, **options: Any) -> int:
                crash = crashes()
                if crash and not committed:
                    raise Crash
                size = store.put(key, data, **options)
                if crash:
                    raise Crash
                return size

        bench.log.rewriter._objects._store = CrashingStore()  # type: ignore[assignment]
        metastore.create_object = around(metastore.create_object)  # type: ignore[method-assign]
        metastore.replace_many = around(metastore.replace_many)  # type: ignore[method-assign]
        with pytest.raises(Crash):
            await bench.log.merger.merge_backlogs([Target(topic, each) for each in range(30)])
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        assert await everything(bench, topic) == before
        await merged(bench)
        assert not await log.metastore.backlogs(100)
        assert await everything(bench, topic) == before
        assert log.background is not None
        bench.clock.ms += 60_000
        await log.background.collect()
        bench.clock.ms += 25 * 3_600_000
        await log.background.collect()
        named = {
            extent.object_key
            for partition in range(30)
            for extent in await extents(bench, topic, partition)
        }
        stored = {info.key for info in bench.store.list("")}
        assert stored == named | {index_key(key) for key in named}, "I3: no orphan stays"
        assert await everything(bench, topic) == before

    run(scenario)


rounds = st.lists(
    st.fixed_dictionaries(
        {
            "rates": st.lists(st.sampled_from([0, 0, 1, 1, 2, 9]), min_size=12, max_size=12),
            "drop": st.sampled_from([None, None, None, 0, 3, 7]),
        }
    ),
    min_size=5,
    max_size=40,
)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rounds)
def test_I10_objects_and_rows_stay_logarithmic_however_data_comes_and_goes(
    tmp_path_factory: Any, lives: list[dict[str, Any]]
) -> None:
    limits = LogSettings(background=False, wal_file_bytes=1 << 20, wal_grace_ms=0, **SMALL)

    async def main(path: Path) -> None:
        bench = Bench(path, limits)
        await bench.start()
        topic = await bench.log.create_topic("t", 12, {"retention.ms": "-1"})
        background = bench.log.background
        assert background is not None
        expected: dict[int, list[tuple[int, bytes]]] = {each: [] for each in range(12)}
        for number, life in enumerate(lives):
            for partition, rate in enumerate(life["rates"]):
                for one in range(rate):
                    value = b"%d.%d" % (number, one) + bytes(60 * rate)
                    offset = await bench.append(topic, partition, [value])
                    expected[partition].append((offset, value))
            await merged(bench)
            if (drop := life["drop"]) is not None:
                start = await bench.log.delete_records(topic, drop, -1)
                expected[drop] = [each for each in expected[drop] if each[0] >= start]
            for _ in range(4):
                await background.repack()
            usage = await _measured(bench)
            live = sum(pack.live_bytes for pack in usage)
            assert len(usage) <= packs_max(live, limits), (len(usage), live)
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        found = await everything(bench, topic)
        assert found == {p: [(o, v) for o, v in values] for p, values in expected.items()}
        for partition in range(12):
            rows = await extents(bench, topic, partition)
            size = sum(extent.length for extent in rows)
            assert len(rows) <= objects_max(size, limits), (len(rows), size)
        assert await log.metastore.check() == []
        await log.close()

    asyncio.run(main(tmp_path_factory.mktemp("packs")))


def test_I10_steady_small_appends_stay_within_the_bound_of_objects(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {"retention.ms": "-1"})
        most = 0
        for number in range(250):
            await bench.append(topic, 0, [b"%d" % number + bytes(40)])
            await merged(bench)
            health = await bench.log.metastore.health()
            assert (
                health.most_objects
                == health.partition_objects
                == len(await extents(bench, topic, 0))
            )
            assert health.most_objects <= objects_max(health.most_bytes, bench.settings)
            most = max(most, health.most_objects)
        assert most > 5, "the bound is not far from what happens"

    run(scenario, **SMALL)


# -- decisions -----------------------------------------------------------------------------------


def test_small_runs_share_objects_and_large_ones_do_not() -> None:
    limits = LogSettings(**SMALL)

    def run_of(topic_no: int, partition: int, length: int) -> Rewrite:
        topic = Topic(topic_no, bytes(16), "t", 9, {}, 0)
        extent = Extent(0, 9, 1, "wal/1", ObjectKind.WAL, 0, length, 10, -1, 0, 0)
        return Rewrite(topic, partition, [extent], lambda run: iter(()))

    runs = [run_of(1, 3, 5_999), run_of(1, 0, 6_000), run_of(2, 1, 10), run_of(1, 1, 5_999)]
    runs += [run_of(3, each, 5_999) for each in range(3)]
    groups = grouped(runs, limits)
    names = [[(each.topic.no, each.partition) for each in group] for group in groups]
    assert names == [[(1, 0)], [(1, 1), (1, 3), (2, 1), (3, 0)], [(3, 1), (3, 2)]]
    assert len(grouped(runs[2:3] * 1, limits)) == 1


@given(
    st.lists(st.tuples(st.integers(1, 70_000_000), st.integers(0, 100)), min_size=0, max_size=80)
)
def test_I10_repacking_converges_and_frees_what_it_costs(specs: list[tuple[int, int]]) -> None:
    """Simulated on figures alone: it ends, within the bound, and never rewrites more than it must."""
    limits = LogSettings()
    packs = [
        PackUsage(no, f"{no}", size, max(1, size * percent // 100), 0)
        for no, (size, percent) in enumerate(specs)
    ]
    number, written = len(packs), 0
    total = sum(pack.live_bytes for pack in packs)
    freed = sum(pack.bytes - pack.live_bytes for pack in packs)
    for _ in range(1000):
        chosen = choose(packs, limits)
        if not chosen:
            break
        size = sum(pack.live_bytes for pack in chosen)
        written += size
        number += 1
        packs = sorted(
            [pack for pack in packs if pack not in chosen]
            + [PackUsage(number, f"{number}", size, size, 0)],
            key=lambda pack: pack.live_bytes,
        )
    else:
        raise AssertionError("it does not end")
    assert len(packs) <= packs_max(total, limits)
    assert written <= freed + 6 * total
    dead = [pack for pack in packs if 2 * pack.live_bytes <= pack.bytes]
    assert sum(pack.bytes - pack.live_bytes for pack in dead) < limits.pack_bytes_max // 2


# -- damage --------------------------------------------------------------------------------------


def flip(bench: Bench, extent: Extent, at: int) -> None:
    """Damage one byte of an extent in the WAL."""
    name = extent.object_key.removeprefix("wal/") + ".wal"
    path = bench.path / "wal" / name
    with path.open("r+b") as file:
        file.seek(extent.position + at)
        byte = file.read(1)
        file.seek(extent.position + at)
        file.write(bytes([byte[0] ^ 0x40]))


@pytest.mark.parametrize("where", ["record", "header", "length"])
def test_I3_a_damaged_extent_is_set_apart_and_all_others_are_merged(run, where: str) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 20, {})
        for number in range(5):
            data = b"".join(bench.batch([b"%d-%d" % (number, one)]) for one in range(4))
            await bench.log.append(topic, 3, memoryview(bytearray(data)))
            await fill(bench, topic, b"%d" % number)
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        before = await everything(bench, topic)
        rows = await log.metastore.wal_extents(topic.no, 3, 100)
        damaged = rows[4]  # four batches in one flush
        assert damaged.records == 4
        size = damaged.length // 4
        at = {"record": size + 70, "header": size + 24, "length": size + 9}[where]
        flip(bench, damaged, at)
        await merged(bench)
        assert not await log.metastore.backlogs(100), "the WAL is free"
        assert log.quarantine.isolated == 1
        lost = {damaged.base_offset + 1}
        kinds = {
            extent.kind: (extent.base_offset, extent.last_offset)
            for extent in await extents(bench, topic, 3)
            if extent.kind is ObjectKind.QUARANTINE
        }
        assert kinds == {ObjectKind.QUARANTINE: (min(lost), max(lost))}
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        for offset, value in before[3]:
            (part,) = await log.fetch(
                [FetchWant(topic, 3, offset, 1)], max_wait_ms=0, min_bytes=1, max_bytes=1
            )
            assert (part.error.name == "CORRUPT_MESSAGE") is (offset in lost), offset
            assert (value in b"".join(part.buffers)) is (offset not in lost)
        del before[3]
        for partition, values in before.items():
            assert await bench.values(topic, partition) == values
        quarantined = [info.key for info in bench.store.list("quarantine/")]
        assert len(quarantined) == 2
        # Life goes on: what comes behind it merges, a branch of it can be made.
        await fill(bench, topic, b"later")
        await merged(bench)
        branch = await log.branch(topic, "b", BranchPoint())
        assert (await bench.values(branch, 4))[-1][1] == b"later4"

    run(scenario)


def test_an_extent_whose_file_is_gone_is_merged_around(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 3, {})
        for number in range(8):
            await fill(bench, topic, b"%d" % number + bytes(150_000))
        log = await bench.restart()
        topic = log.catalogue.topic("t") or topic
        rows = await log.metastore.wal_extents(topic.no, 0, 100)
        gone = {extent.object_key for extent in rows}
        assert len(gone) > 2
        lost = sorted(gone)[1]
        (bench.path / "wal" / (lost.removeprefix("wal/") + ".wal")).unlink()
        await merged(bench)
        left = await log.metastore.wal_extents(topic.no, 0, 100)
        assert {extent.object_key for extent in left} == {lost}
        for partition in range(3):
            for extent in await extents(bench, topic, partition):
                assert (extent.kind is ObjectKind.WAL) is (extent.object_key == lost)
        with pytest.raises((StoreFault, Corrupt, AssertionError)):
            await bench.values(topic, 0)

    run(scenario)
