"""I9: what the WAL tells of flushes that failed, and of the offsets that earlier ones got."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import ClientFault, StoreFault, UnknownOutcome
from anabranch.log import leaving
from anabranch.log.rebuild.report import Kind, Report
from anabranch.metastore.api import Topic
from anabranch.storage.memory import MemoryStore
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_directory import WalDirectory
from tests.log.conftest import Bench
from tests.log.rebuilding import kinds, rebuild, told_columns
from tests.log.test_rebuild import journal_of, ship

Run = Callable[..., None]
wals = pytest.mark.parametrize("wal", ["files", "objects"])


def store_for(wal: str) -> MemoryStore | None:
    return MemoryStore() if wal == "objects" else None


async def snapshot(bench: Bench) -> None:
    await ship(bench)
    await journal_of(bench).snapshot()


async def failing(
    bench: Bench, topic: Topic, partition: int, value: bytes, *, happened: bool | None
) -> None:
    """A flush that becomes durable and whose producer is told of an error.

    ``happened``: whether it was committed all the same, which its broker does not know; None: it was not,
    and the broker knows.
    """
    metastore: Any = bench.log.metastore
    commit = metastore.commit_flush

    async def fail(handover: Any, now_ms: int) -> Any:
        if happened:
            await commit(handover, now_ms)
        else:
            await handover.given()
        if happened is None:
            raise StoreFault("the metastore said no")
        raise UnknownOutcome("the metastore did not answer")

    metastore.commit_flush = fail
    try:
        with pytest.raises(ClientFault):
            await bench.append(topic, partition, [value])
    finally:
        del metastore.commit_flush


def rebuilt(bench: Bench, tmp_path: Path) -> tuple[dict[int, list[tuple[int, int]]], Report]:
    """(base, last) offset of each extent by partition, and the report."""
    reader: WalReader = bench.log.wal_reader
    if bench.wal_store is None:
        reader = WalDirectory.open(bench.path / "wal")
    into = tmp_path / "rebuilt.db"
    found, report = rebuild(bench.store, reader, into, bench.clock())
    places = {name: n for n, name in enumerate(told_columns(into)["extent"])}
    spans: dict[int, list[tuple[int, int]]] = {}
    for row in found["extent"]:
        span = row[places["base_offset"]], row[places["last_offset"]]
        spans.setdefault(row[places["partition"]], []).append(span)
    return spans, report


@wals
def test_I2_I9_a_flush_whose_commit_failed_is_left_aside(
    run: Run, tmp_path: Path, wal: str
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await bench.append(topic, 0, [b"a"])
        await snapshot(bench)
        await failing(bench, topic, 0, b"failed", happened=None)
        assert await bench.append(topic, 0, [b"b", b"c"]) == 1
        spans, report = rebuilt(bench, tmp_path)
        assert spans[0] == [(0, 0), (1, 2)]
        assert kinds(report) == {Kind.RECOVERED, Kind.LEFT_ASIDE, Kind.UNTOLD}, report.findings

    run(scenario, wal_store=store_for(wal))


@wals
def test_I9_a_flush_to_another_partition_tells_that_one_failed(
    run: Run, tmp_path: Path, wal: str
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await snapshot(bench)
        await failing(bench, topic, 0, b"failed", happened=None)
        await bench.append(topic, 1, [b"a"])
        spans, report = rebuilt(bench, tmp_path)
        assert spans == {1: [(0, 0)]}
        assert Kind.DOUBT not in kinds(report)

    run(scenario, wal_store=store_for(wal))


@wals
def test_I9_where_nothing_follows_a_failed_flush_nobody_knows(
    run: Run, tmp_path: Path, wal: str
) -> None:
    """It is taken for committed, as one is that was; it moves nothing."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await bench.append(topic, 0, [b"a"])
        await snapshot(bench)
        await failing(bench, topic, 0, b"failed", happened=None)
        spans, _ = rebuilt(bench, tmp_path)
        assert spans[0] == [(0, 0), (1, 1)]

    run(scenario, wal_store=store_for(wal))


@wals
@pytest.mark.parametrize("happened", [True, False])
@pytest.mark.parametrize("later", [0, 1, 2])
def test_I2_I9_a_flush_whose_outcome_its_broker_did_not_know(
    run: Run, tmp_path: Path, later: int, happened: bool, wal: str
) -> None:
    """Two flushes later the offsets of the first one tell; until then the doubt is listed."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await bench.append(topic, 0, [b"a"])
        await snapshot(bench)
        await failing(bench, topic, 0, b"unknown", happened=happened)
        for value in range(later):
            assert await bench.append(topic, 0, [b"%d" % value]) == 1 + happened + value
        await bench.append(topic, 1, [b"elsewhere"])
        spans, report = rebuilt(bench, tmp_path)
        if later == 2:
            end = 3 + happened
            assert spans[0] == [(n, n) for n in range(end)], report.findings
            assert Kind.DOUBT not in kinds(report)
        else:
            doubts = [each for each in report.findings if each.kind is Kind.DOUBT]
            assert [each.subject for each in doubts] == ["flights/0"]
            assert "is not known" in doubts[0].detail

    run(scenario, wal_store=store_for(wal))


@wals
def test_I2_I9_what_was_deleted_after_the_journals_end_moves_nothing(
    run: Run, tmp_path: Path, wal: str
) -> None:
    """DeleteRecords, and the WAL that held them is recycled: what follows keeps its offsets."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"])
        await snapshot(bench)
        for value in range(4):
            await bench.append(topic, 0, [bytes(40_000) + b"%d" % value])
        await bench.log.delete_records(topic, 0, 5)
        bench.clock.ms += 3_600_000
        for value in range(4):
            await bench.append(topic, 0, [bytes(40_000) + b"%d" % value])
        for info in bench.log.wal_reader.objects()[:4]:
            bench.log._wal.recycle(info.key)  # type: ignore[union-attr]
        spans, report = rebuilt(bench, tmp_path)
        (missing,) = [each for each in report.findings if each.kind is Kind.OFFSETS_MISSING]
        assert missing.subject == "flights/0" and "offsets 1 to" in missing.detail
        assert spans[0][-3:] == [(6, 6), (7, 7), (8, 8)], report.findings

    run(scenario, wal_store=store_for(wal), wal_file_bytes=64 << 10)


@wals
def test_I2_I9_part_of_a_flush_lost_every_compare_and_set(
    run: Run, tmp_path: Path, wal: str
) -> None:
    """One partition of it was committed, of the other the producer was told of an error."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await snapshot(bench)
        metastore: Any = bench.log.metastore
        commit = metastore.commit_flush

        async def contended(handover: Any, now_ms: int) -> Any:
            from anabranch.metastore.api import AppendOutcome, Handover

            given = await handover.given()
            mine = [one for one in given.commits if one.partition == 1]
            inner = Handover()
            inner.give(given.object_key, mine)
            outcomes = iter(await commit(inner, now_ms) if mine else [])
            row = await metastore.partition(topic.no, 0)
            return [
                next(outcomes) if one.partition == 1 else AppendOutcome(False, row)
                for one in given.commits
            ]

        await bench.append(topic, 0, [b"a"])
        metastore.commit_flush = contended
        try:
            lost, won = await asyncio.gather(
                bench.append(topic, 0, [b"lost"]),
                bench.append(topic, 1, [b"won"]),
                return_exceptions=True,
            )
        finally:
            del metastore.commit_flush
        assert isinstance(lost, ClientFault) and won == 0
        await bench.append(topic, 0, [b"b"])
        spans, report = rebuilt(bench, tmp_path)
        assert spans == {0: [(0, 0), (1, 1)], 1: [(0, 0)]}, report.findings
        assert kinds(report) == {Kind.RECOVERED, Kind.LEFT_ASIDE, Kind.UNTOLD}

    run(scenario, wal_store=store_for(wal))


def test_I5_I9_a_late_retry_is_not_taken_for_what_follows_a_hole(run: Run, tmp_path: Path) -> None:
    """Numbers that lie behind what is there are no sign of something missing in front."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await snapshot(bench)
        sent = [
            bench.batch([b"%d" % n], producer_id=5, producer_epoch=0, base_sequence=n)
            for n in range(8)
        ]
        for data in sent:
            await bench.log.append(topic, 0, data)
        assert bench.log._wal is not None
        bench.log._wal.reserve()  # a flush that is nowhere
        with pytest.raises(ClientFault):
            await bench.log.append(topic, 0, sent[0])
        spans, report = rebuilt(bench, tmp_path)
        assert Kind.WAL_MISSING in kinds(report)
        assert spans[0] == [(n, n) for n in range(8)]

    run(scenario, wal_store=MemoryStore())


@pytest.mark.parametrize("said", [True, False], ids=["leaving", "taken for dead"])
def test_I1_I9_a_broker_that_is_out_of_sight_may_still_append(
    run: Run, tmp_path: Path, said: bool
) -> None:
    """Its row goes first, its last flushes come afterwards; the journal may end in between."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"])
        (row,) = await bench.log.metastore.brokers()
        if said:
            await leaving.begin(bench.log.metastore, row.writes_under, bench.clock())
        await bench.log.metastore.remove_broker(row.broker_id, row.epoch)
        await snapshot(bench)
        await bench.append(topic, 0, [b"b"])
        if not said:  # one flush more, which tells that the start went on
            await bench.append(topic, 0, [b"c"])
        spans, report = rebuilt(bench, tmp_path)
        assert spans[0] == [(n, n) for n in range(2 if said else 3)]
        assert (Kind.UNTOLD in kinds(report)) is said
        if said:
            await leaving.end(bench.log.metastore, row.writes_under)
            await snapshot(bench)
            spans, report = rebuilt(bench, tmp_path)
            assert spans[0] == [(0, 0), (1, 1)] and not kinds(report)

    run(scenario)


def test_who_died_while_leaving_is_forgotten(run: Run) -> None:
    async def scenario(bench: Bench) -> None:
        metastore = bench.log.metastore
        await leaving.begin(metastore, 7, bench.clock())
        await leaving.tidy(metastore, bench.clock() + leaving.LEAVING_MS_MAX)
        assert len(await metastore.documents(leaving.KIND)) == 1
        await leaving.tidy(metastore, bench.clock() + leaving.LEAVING_MS_MAX + 1)
        assert await metastore.documents(leaving.KIND) == []

    run(scenario)
