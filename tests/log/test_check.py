"""I3, I9: a check finds what is missing, corrupt or unreferenced, and nothing that is merely under way."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from anabranch.log.checking.check import Check, CheckOptions
from anabranch.log.checking.report import CheckReport, Trouble
from anabranch.log.rebuild.report import quiet
from anabranch.metastore.api import ObjectKind
from anabranch.storage.segment import index_key, segment_key
from anabranch.storage.wal_format import BLOCK_BYTES
from tests.log.conftest import Bench
from tests.log.test_rebuild import History, journal_of, ship

Run = Callable[..., None]


async def check(bench: Bench, **options: Any) -> CheckReport:
    with ThreadPoolExecutor(4) as pool:
        return await Check(
            bench.log.metastore,
            bench.store,
            bench.log.wal_reader,
            pool,
            CheckOptions(**({"recheck_ms": 0} | options)),
            bench.clock,
            asyncio.sleep,
            lambda _: None,
            quiet,
        ).run()


async def filled(bench: Bench) -> None:
    topic = await bench.log.create_topic("flights", 2, {})
    for number in range(6):
        await bench.append(topic, number % 2, [b"v%d" % number] * 3)
    await bench.log.merger.merge_backlog(topic, 0)
    await bench.append(topic, 0, [b"tail"])


def data_keys(bench: Bench) -> list[str]:
    return [info.key for info in bench.store.list("topics/") if info.key.endswith(".log")]


def troubles(report: CheckReport) -> list[Trouble]:
    return [finding.trouble for finding in report.findings]


@pytest.mark.parametrize("seed", range(4))
def test_a_healthy_cluster_is_clean(run: Run, seed: int) -> None:
    async def scenario(bench: Bench) -> None:
        history = History(bench, random.Random(seed))
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(80):
            await history.step()
        await ship(bench)
        for quick in (False, True):
            report = await check(bench, quick=quick)
            assert report.clean, report.findings
            assert quick or report.bytes_read > 0

    run(scenario)


def test_missing_short_and_corrupt_objects_are_found_with_their_offsets(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        await filled(bench)
        (key,) = data_keys(bench)
        whole = bench.store.get(key)
        damaged = bytearray(whole)
        damaged[-3] ^= 1
        for data, expected in ((bytes(damaged), Trouble.CORRUPT), (whole[:-5], Trouble.SHORT)):
            bench.store.put(key, data, create=False)
            report = await check(bench)
            assert troubles(report) == [expected] or expected is Trouble.SHORT
            finding = report.findings[0]
            assert finding.subject == key and "flights/0 0 to 8" in finding.detail
        bench.store.put(key, bytes(damaged), create=False)
        (finding,) = (await check(bench)).findings
        assert "damaged batches: offsets 6 to 8" in finding.detail
        assert (await check(bench, quick=True)).clean, "quick reads no bytes"
        bench.store.delete(key)
        for quick in (True, False):
            (finding,) = (await check(bench, quick=quick)).findings
            assert finding.trouble is Trouble.MISSING and "flights/0 0 to 8" in finding.detail
            (known,) = await bench.log.metastore.damages()
            assert (known.first_offset, known.last_offset) == (0, 8)
            assert (known.cause.value, known.object_key) == ("lost-object", key)

    run(scenario)


def test_an_index_that_is_missing_or_corrupt_is_found(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        await filled(bench)
        (key,) = data_keys(bench)
        bench.store.put(index_key(key), b"ANABSIDX nonsense", create=False)
        assert troubles(await check(bench)) == [Trouble.INDEX]
        bench.store.delete(index_key(key))
        assert troubles(await check(bench)) == [Trouble.INDEX]

    run(scenario)


def test_damage_in_the_wal_is_found(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        await filled(bench)
        assert (await check(bench)).clean
        (path,) = (bench.path / "wal").glob("1-*.wal")
        with path.open("r+b") as file:
            file.seek(2 * BLOCK_BYTES + 200)
            file.write(b"damage")
        (finding,) = (await check(bench)).findings
        assert finding.trouble is Trouble.CORRUPT and "flights/1 0 to 2" in finding.detail
        (known,) = await bench.log.metastore.damages()
        assert (known.partition, known.first_offset, known.cause.value) == (1, 0, "corrupt")
        for path in (bench.path / "wal").glob("1-*.wal"):
            path.unlink()
        assert troubles(await check(bench)) == [Trouble.MISSING]

    run(scenario)


def test_what_nothing_names_is_found_and_handed_to_collection(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        await filled(bench)
        topic = bench.log.catalogue.topic("flights")
        assert topic is not None
        orphan = segment_key("flights", topic.id, 0, 77, "orphan")
        bench.store.put(orphan, b"bytes")
        bench.store.put(index_key(orphan), b"index")
        lone = index_key(segment_key("flights", topic.id, 0, 78, "alone"))
        bench.store.put(lone, b"index")
        report = await check(bench)
        assert troubles(report) == [Trouble.UNREFERENCED] * 3
        report = await check(bench, repair_orphans=True)
        assert {f.subject for f in report.findings if f.repaired} >= {orphan, lone}
        assert (await check(bench)).clean, "the metastore knows of it now"
        assert bench.store.head(orphan), "and its grace has begun"
        bench.clock.ms += 2 * bench.settings.object_grace_ms
        assert bench.log.background is not None
        await bench.log.background.collect()
        bench.clock.ms += 2 * bench.settings.object_grace_ms
        await bench.log.background.collect()
        assert not any(info.key in (orphan, lone) for info in bench.store.list("topics/"))

    run(scenario)


def test_I3_what_is_under_way_is_not_reported(run: Run) -> None:
    """An object that is named and not written yet; one that is written and not put in place yet; and
    everything that brokers change while the check looks."""

    async def scenario(bench: Bench) -> None:
        await filled(bench)
        topic = bench.log.catalogue.topic("flights")
        assert topic is not None
        named = segment_key("flights", topic.id, 1, 0, "named")
        await bench.log.metastore.create_object(named, ObjectKind.SEGMENT, bench.clock())
        written = segment_key("flights", topic.id, 1, 0, "written")
        await bench.log.metastore.create_object(written, ObjectKind.SEGMENT, bench.clock())
        bench.store.put(written, b"under way")
        look_up = bench.log.metastore.known_keys
        objects_after = bench.log.metastore.objects_after

        async def disturbed_look_up(keys: Any) -> Any:
            found = await look_up(keys)
            await bench.append(topic, 1, [b"more"])
            await bench.log.merger.merge_backlog(topic, 1)
            return found

        async def disturbed_objects(no: int, limit: int) -> Any:
            found = await objects_after(no, limit)
            await bench.append(topic, 0, [b"more"])
            await bench.log.merger.merge_backlog(topic, 0)
            for path in (bench.path / "wal").glob("1-*.wal"):
                path.unlink()  # recycled: nothing names it any more
            return found

        bench.log.metastore.known_keys = disturbed_look_up  # type: ignore[method-assign]
        bench.log.metastore.objects_after = disturbed_objects  # type: ignore[method-assign]
        report = await check(bench)
        assert report.clean, report.findings

    run(scenario)


def test_a_journal_with_a_hole_or_damage_is_found(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(4):
            await bench.append(topic, 0, [b"x"])
            await ship(bench)
        assert (await check(bench)).clean
        entries = [i.key for i in bench.store.list("journal/") if ".snapshot" not in i.key]
        bench.store.delete(entries[-2])
        assert troubles(await check(bench)) == [Trouble.JOURNAL]
        await bench.append(topic, 0, [b"x"])
        bench.clock.ms += 3_600_000
        report = await check(bench)
        assert any("nothing was shipped" in finding.detail for finding in report.findings)

    run(scenario)


def test_a_journal_that_could_not_begin_yet_is_no_trouble_and_one_that_never_began_is(
    run: Run,
) -> None:
    async def scenario(bench: Bench) -> None:
        await filled(bench)
        await bench.log.metastore.journal_take_over(b"i" * 16)  # and then nothing was shipped
        assert (await check(bench)).clean
        bench.clock.ms += 2 * CheckOptions().journal_lag_ms_max
        report = await check(bench)
        assert troubles(report) == [Trouble.JOURNAL] * 2, report.findings
        assert any("nothing was shipped ever" in one.detail for one in report.findings)

    run(scenario)
