"""I9: from bucket and WAL alone the catalogue is rebuilt; what is not exactly known is listed."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import ClientFault, UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.journal import Journal
from anabranch.log.rebuild.report import Kind, Report
from anabranch.metastore.api import (
    Actor,
    Committed,
    GroupRow,
    LineMove,
    LineSwap,
    OffsetAction,
    Topic,
)
from anabranch.metastore.appends import producer_states
from anabranch.metastore.connections import SqliteTx
from anabranch.storage import journal_format as fmt
from anabranch.storage.wal_directory import WalDirectory
from anabranch.storage.wal_format import BLOCK_BYTES
from tests.log.conftest import Bench
from tests.log.rebuilding import Contents, compared, kinds, rebuild, told_columns
from tests.log.test_compaction import put
from tests.metastore.shadow import contents

Run = Callable[..., None]
ACTOR = Actor("User:ana", "client", "/127.0.0.1", api="OffsetCommit")


def journal_of(bench: Bench) -> Journal:
    assert bench.log.journal is not None
    return bench.log.journal


async def ship(bench: Bench) -> None:
    while await journal_of(bench).ship_once():
        pass


async def assert_rebuilt(bench: Bench, tmp_path: Path, *, times: bool) -> Any:
    """Rebuild, and compare with what the living metastore says."""
    into = tmp_path / "rebuilt.db"
    found, report = rebuild(bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock())
    columns = told_columns(into)
    expected = compared(await contents(bench.log.metastore), columns, times=times)
    rebuilt = compared(found, columns, times=times)
    for table in expected.keys() | rebuilt.keys():
        assert rebuilt.get(table) == expected.get(table), f"I9: {table}; {report.findings}"
    return report


def exact_but_for_untold(report: Report) -> bool:
    """The bench's broker is registered whenever the journal ends: it may have done more."""
    assert Kind.UNTOLD in kinds(report)
    return kinds(report) <= {Kind.RECOVERED, Kind.LEFT_ASIDE, Kind.UNTOLD}


class History:
    """Random operations of everything that a cluster can hold."""

    def __init__(self, bench: Bench, rng: random.Random) -> None:
        self.bench = bench
        self.rng = rng
        self.sequences: dict[tuple[int, int, int], int] = {}
        self.named = 0
        self.producers = 0  # those below are not used any more

    def topics(self) -> list[Topic]:
        return self.bench.log.catalogue.topics()

    async def step(self) -> None:
        rng = self.rng
        self.bench.clock.ms += rng.randrange(2000)
        topics = self.topics()
        operations = [self.append] * 6 + [
            self.commit, self.merge, self.configure, self.delete_records, self.document,
            self.group, self.ship, self.consolidate, self.branch, self.create, self.delete,
            self.expire, self.restart, self.promote,
        ]  # fmt: skip
        operation = self.create if len(topics) < 2 else rng.choice(operations)
        await operation()

    async def create(self) -> None:
        self.named += 1
        await self.bench.log.create_topic(
            f"t{self.named}", self.rng.randint(1, 3), {"retention.ms": "-1"}
        )

    async def append(self) -> None:
        topic = self.rng.choice(self.topics())
        partition = self.rng.randrange(topic.partitions)
        options: dict[str, Any] = {}
        if topic.origin is None and self.rng.random() < 0.6:
            key = (topic.no, partition, self.producers + self.rng.randint(1, 3))
            sequence = self.sequences.get(key, 0)
            count = self.rng.randint(1, 4)
            self.sequences[key] = sequence + count
            options = {"producer_id": key[2], "producer_epoch": 0, "base_sequence": sequence}
            values = [b"i%d" % sequence] * count
        else:
            values = [b"p"] * self.rng.randint(1, 4)
        await self.bench.append(topic, partition, values, **options)

    async def commit(self) -> None:
        topic = self.rng.choice(self.topics())
        partitions = self.rng.sample(range(topic.partitions), self.rng.randint(1, topic.partitions))
        offsets = [
            Committed(topic.no, p, self.position(topic, p), 0, "m", self.bench.clock())
            for p in partitions
        ]
        await self.bench.log.metastore.commit_offsets(
            f"g{self.rng.randint(1, 3)}", offsets, OffsetAction.COMMIT, ACTOR, self.bench.clock()
        )

    def position(self, topic: Topic, partition: int) -> int:
        return self.rng.randint(0, self.bench.log.partition(topic, partition).next_offset)

    async def group(self) -> None:
        name = f"g{self.rng.randint(1, 3)}"
        if self.rng.random() < 0.2:
            await self.bench.log.metastore.delete_group(name, ACTOR, self.bench.clock())
        else:
            row = GroupRow(name, "consumer", "Stable", 3, b"\x00\xff", self.bench.clock())
            await self.bench.log.metastore.save_group(row)

    async def merge(self) -> None:
        topic = self.rng.choice(self.topics())
        await self.bench.log.merger.merge_backlog(topic, self.rng.randrange(topic.partitions))

    async def consolidate(self) -> None:
        topic = self.rng.choice(self.topics())
        await self.bench.log.merger.consolidate(topic, self.rng.randrange(topic.partitions))

    async def configure(self) -> None:
        topic = self.rng.choice(self.topics())
        if self.rng.random() < 0.3:
            await self.bench.log.create_partitions(topic, topic.partitions + 1)
        else:
            await self.bench.log.set_configs(topic, {"retention.ms": str(self.rng.randrange(9))})

    async def delete_records(self) -> None:
        topic = self.rng.choice(self.topics())
        log = self.bench.log.partition(topic, self.rng.randrange(topic.partitions))
        if log.next_offset:
            offset = self.rng.randrange(log.next_offset)
            await self.bench.log.delete_records(topic, log.partition, offset)

    async def document(self) -> None:
        await self.bench.log.metastore.put_document(
            "point", f"p{self.rng.randint(1, 4)}", b"{}", self.bench.clock()
        )

    async def branch(self) -> None:
        topic = self.rng.choice(self.topics())
        self.named += 1
        try:
            await self.bench.log.branch(topic, f"b{self.named}", BranchPoint())
        except ClientFault:
            pass

    async def promote(self) -> None:
        ids = {topic.id: topic for topic in self.topics()}
        pairs = [
            (ids[each.origin.topic_id], each)
            for each in self.topics()
            if each.origin is not None and each.origin.topic_id in ids
        ]
        pairs = [(one, other) for one, other in pairs if one.partitions == other.partitions]
        if not pairs:
            return
        topic, branch = self.rng.choice(pairs)
        assert branch.origin is not None
        self.named += 1
        self.producers += 3  # what they would send next is of the line that goes
        ends = branch.origin.ends
        beyond, _ = await self.bench.log.metastore.standing_beyond(topic.no, ends)
        moves: dict[str, LineMove] = {}
        for each in beyond:
            to = Committed(topic.no, each.partition, ends[each.partition], 0, "", 1)
            before = moves.get(each.group_id, LineMove(each.fence, ()))
            moves[each.group_id] = LineMove(each.fence, (*before.offsets, to))
        await self.bench.log.swap_lines(
            LineSwap(
                topic.no,
                branch.no,
                ends,
                f"p{self.named}",
                "promotion",
                moves=moves,
            ),
            ACTOR,
        )

    async def delete(self) -> None:
        if self.rng.random() < 0.4 and len(self.topics()) > 3:
            await self.bench.log.delete_topic(self.rng.choice(self.topics()))

    async def expire(self) -> None:
        self.bench.clock.ms += 20_000
        assert self.bench.log.background is not None
        await self.bench.log.background.expire()
        await self.bench.log.background.collect()

    async def ship(self) -> None:
        await journal_of(self.bench).ship_once()
        if self.rng.random() < 0.3:
            await journal_of(self.bench).snapshot()

    async def restart(self) -> None:
        if self.rng.random() < 0.5:
            await self.bench.restart()


@pytest.mark.parametrize("seed", range(12))
def test_I9_a_cluster_that_stopped_is_rebuilt_exactly(run: Run, tmp_path: Path, seed: int) -> None:
    async def scenario(bench: Bench) -> None:
        history = History(bench, random.Random(seed))
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(120):
            await history.step()
        await ship(bench)
        if seed % 2:
            await journal_of(bench).snapshot()
        report = await assert_rebuilt(bench, tmp_path, times=True)
        assert exact_but_for_untold(report), report.findings

    run(scenario, journal_chunk_rows=7)


@pytest.mark.parametrize("seed", range(12))
def test_I1_I2_I5_I9_what_is_newer_than_the_journal_comes_from_the_wal(
    run: Run, tmp_path: Path, seed: int
) -> None:
    async def scenario(bench: Bench) -> None:
        history = History(bench, random.Random(1000 + seed))
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(60):
            await history.step()
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(30):
            await history.append()
        report = await assert_rebuilt(bench, tmp_path, times=False)
        assert exact_but_for_untold(report) and Kind.RECOVERED in kinds(report), report.findings
        assert report.figures.records_recovered > 0

    run(scenario)


def test_I5_a_retry_in_the_wal_is_recognised(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        for sequence in range(3):
            await bench.append(
                topic, 0, [b"x"], producer_id=5, producer_epoch=0, base_sequence=sequence
            )
        await ship(bench)
        await journal_of(bench).snapshot()
        for sequence in (2, 3, 3, 4, 2):
            await bench.append(
                topic, 0, [b"x"], producer_id=5, producer_epoch=0, base_sequence=sequence
            )
        report = await assert_rebuilt(bench, tmp_path, times=False)
        assert report.figures.records_recovered == 2

    run(scenario)


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (1, 0, 1)])
def test_I9_a_flush_that_was_committed_but_for_a_retry_is_not_there_twice(
    run: Run, tmp_path: Path, order: tuple[int, ...]
) -> None:
    """The last flush that the journal knows was merged since; a part of it had been refused."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})

        async def retry() -> None:
            await bench.append(topic, 0, [b"x"], producer_id=5, producer_epoch=0, base_sequence=0)

        async def plain() -> None:
            await bench.append(topic, 0, [b"y"])

        await retry()
        assert bench.log.pipeline is not None
        flushes = bench.log.pipeline.flushes
        await asyncio.gather(*((plain, retry)[which]() for which in order))
        assert bench.log.pipeline.flushes == flushes + 1
        await bench.log.merger.merge_backlog(topic, 0)
        await ship(bench)
        await journal_of(bench).snapshot()
        report = await assert_rebuilt(bench, tmp_path, times=True)
        assert exact_but_for_untold(report), report.findings
        assert report.figures.records_recovered == 0

    run(scenario)


@pytest.mark.parametrize("repeated", [0, 1, 2])
def test_I1_I5_I9_a_new_producers_first_batch_failed_and_came_again_behind_its_second(
    run: Run, tmp_path: Path, repeated: int
) -> None:
    """Meanwhile the broker refused what was behind it (KAFKA-14359); the WAL has it all the same."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await ship(bench)
        await journal_of(bench).snapshot()
        for sequence in (3, 4):
            refused(bench, topic, sequence)
        await bench.append(
            topic, 0, [b"a", b"b", b"c"], producer_id=5, producer_epoch=0, base_sequence=0
        )
        for sequence in (3, 4)[:repeated]:
            await bench.append(
                topic,
                0,
                [b"%d" % sequence],
                producer_id=5,
                producer_epoch=0,
                base_sequence=sequence,
            )
        if repeated == 2:
            report = await assert_rebuilt(bench, tmp_path, times=False)
            assert report.figures.records_recovered == 5
            return
        found, _ = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), tmp_path / "made.db", bench.clock()
        )
        spans = [(base, last) for _, _, base, last, *_ in found["extent"]]
        assert spans == [(0, 2), (3, 3)][: 1 + repeated], (
            "later frames tell that no other was taken"
        )

    run(scenario)


def refused(bench: Bench, topic: Topic, sequence: int) -> None:
    """A batch that became durable, and was not committed, because another was awaited."""
    from anabranch.storage.wal import FlushPart

    assert bench.log._wal is not None
    data = bench.batch([b"%d" % sequence], producer_id=5, producer_epoch=0, base_sequence=sequence)
    bench.log._wal.write([FlushPart(topic.id, 0, [data], 1)])


def test_I9_flushes_that_were_never_committed_stay_aside(run: Run, tmp_path: Path) -> None:
    """A start that ended before the journal's end left a flush that nobody was told about."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"x"])
        uncommitted(bench, topic)
        await bench.restart()
        topic = bench.log.catalogue.topic("flights") or topic
        await bench.append(topic, 0, [b"y"])
        await ship(bench)
        await journal_of(bench).snapshot()
        report = await assert_rebuilt(bench, tmp_path, times=True)
        assert kinds(report) == {Kind.LEFT_ASIDE, Kind.UNTOLD}

    run(scenario)


def uncommitted(bench: Bench, topic: Topic, partition: int = 0, value: bytes = b"lost") -> None:
    """A flush that became durable, and then the process died."""
    from anabranch.storage.wal import FlushPart

    assert bench.log._wal is not None
    data = bench.batch([value])
    bench.log._wal.write([FlushPart(topic.id, partition, [data], 1)])


def test_I1_I9_a_broker_that_registered_anew_has_not_ended(run: Run, tmp_path: Path) -> None:
    """It was out of sight for a while; what it acknowledges under its first epoch counts."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"x"])
        start = (await bench.log.metastore.brokers())[0]
        for number in (1, 2):  # the second time under another number
            await bench.log.metastore.remove_broker(1)
            await bench.log.metastore.register_broker(
                number, "localhost", 9092, bench.clock(), wal_epoch=start.epoch
            )
            await ship(bench)
            await journal_of(bench).snapshot()
            await bench.append(topic, 0, [b"y"])
            report = await assert_rebuilt(bench, tmp_path, times=False)
            assert kinds(report) == {Kind.RECOVERED, Kind.UNTOLD}

    run(scenario)


def test_I9_a_restart_after_the_journals_end(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        await bench.append(topic, 0, [b"x"])
        await ship(bench)
        await journal_of(bench).snapshot()
        bench.log.journal._tasks = []  # type: ignore[union-attr]
        await bench.append(topic, 0, [b"y"])
        await bench.restart()
        topic = bench.log.catalogue.topic("flights") or topic
        await bench.append(topic, 0, [b"z"])
        await bench.append(topic, 1, [b"z"])
        report = await assert_rebuilt(bench, tmp_path, times=False)
        assert exact_but_for_untold(report), report.findings

    run(scenario)


def test_I9_the_journals_last_entries_are_lost_and_segments_tell(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        for _ in range(3):
            await bench.append(topic, 0, [b"a"] * 3)
        await ship(bench)
        await journal_of(bench).snapshot()
        for number in range(4):
            await bench.append(topic, 0, [b"b%d" % number])
            await bench.append(topic, 1, [b"c%d" % number])
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.append(topic, 0, [b"d"])
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        columns = told_columns(into)
        place = columns["partition"].index("next_offset")
        live = await contents(bench.log.metastore)
        assert [r[place] for r in found["partition"]] == [r[place] for r in live["partition"]]
        for partition, end in enumerate([14, 4]):
            spans = [(row[2], row[3]) for row in found["extent"] if row[1] == partition]
            assert [n for first, last in spans for n in range(first, last + 1)] == [*range(end)]
        assert Kind.GUESSED in kinds(report)

    run(scenario)


def test_I1_I9_a_snapshot_that_nothing_follows_loses_nothing(run: Run, tmp_path: Path) -> None:
    """Its tables are read one after the other, while the log goes on: extents before WAL objects. Alone it
    would say of a flush that it was committed, and not where."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"])
        await ship(bench)
        metastore = bench.log.metastore
        chunk = metastore.journal_chunk

        async def while_it_goes_on(name: str, *arguments: Any) -> Any:
            rows = await chunk(name, *arguments)
            if name == "extent":
                await bench.append(topic, 0, [b"b"])
            return rows

        metastore.journal_chunk = while_it_goes_on  # type: ignore[method-assign]
        await journal_of(bench).snapshot()
        metastore.journal_chunk = chunk  # type: ignore[method-assign]
        report = await assert_rebuilt(bench, tmp_path, times=False)
        assert exact_but_for_untold(report), report.findings

    run(scenario)


def test_I9_what_compaction_took_of_the_last_flush_is_not_there_twice(
    run: Run, tmp_path: Path
) -> None:
    """Whether the last flush that the journal knows of is in the log cannot be seen there any more."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic(
            "t", 1, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}
        )
        await put(bench, topic, [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")])
        await bench.log.merger.merge_backlog(topic, 0)
        assert bench.log.background is not None
        assert await bench.log.background.compactor.compact(topic, 0)
        await ship(bench)
        await journal_of(bench).snapshot()
        report = await assert_rebuilt(bench, tmp_path, times=True)
        assert Kind.DOUBT in kinds(report)

    run(scenario)


def test_I9_a_segment_across_the_journals_end_takes_the_place_of_recycled_files(
    run: Run, tmp_path: Path
) -> None:
    """It was merged from flushes of which the journal knows the first ones only."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"] * 3)
        await ship(bench)
        await journal_of(bench).snapshot()
        await bench.append(topic, 0, [b"b"] * 3)
        await bench.log.merger.merge_backlog(topic, 0)
        for path in (bench.path / "wal").glob("*.wal"):
            path.unlink()
        into = tmp_path / "rebuilt.db"
        wal = WalDirectory.open(bench.path / "wal")
        found, report = rebuild(bench.store, wal, into, bench.clock())
        assert [(row[2], row[3]) for row in found["extent"]] == [(0, 5)]
        assert Kind.GUESSED in kinds(report) and Kind.OBJECT_MISSING not in kinds(report)

    run(scenario)


@pytest.mark.parametrize("announced", [False, True])
def test_I9_wal_files_that_were_recycled_since_are_replaced_by_their_segments(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    """``announced``: the journal ends between the announcement of the segment and its commit."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"] * 3)
        await bench.append(topic, 0, [b"b"] * 3)
        await ship(bench)
        await journal_of(bench).snapshot()
        replace_many = bench.log.metastore.replace_many

        async def told_before(*arguments: Any) -> Any:
            await ship(bench)
            return await replace_many(*arguments)

        if announced:
            monkeypatch.setattr(bench.log.metastore, "replace_many", told_before)
        await bench.log.merger.merge_backlog(topic, 0)
        for path in (bench.path / "wal").glob("1-*.wal"):
            path.unlink()
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        live = await contents(bench.log.metastore)
        columns = told_columns(into)["extent"]
        where = [
            columns.index(c) for c in ("base_offset", "last_offset", "position", "length", "wal")
        ]
        assert [[r[p] for p in where] for r in found["extent"]] == [
            [r[p] for p in where] for r in live["extent"]
        ]
        assert Kind.OBJECT_MISSING not in kinds(report)

    run(scenario)


def test_I9_a_lost_object_is_listed_with_its_offsets(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"] * 3)
        await bench.log.merger.merge_backlog(topic, 0)
        await ship(bench)
        await journal_of(bench).snapshot()
        key = next(i.key for i in bench.store.list("topics/") if i.key.endswith(".log"))
        bench.store.delete(key)
        _, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), tmp_path / "r.db", bench.clock()
        )
        # The last flush was merged at once, and that segment is lost: the report says both.
        doubt, missing = [one for one in report.findings if one.kind is not Kind.UNTOLD]
        assert doubt.kind is Kind.DOUBT
        assert missing.kind is Kind.OBJECT_MISSING and "flights/0 0 to 2" in missing.detail
        assert not report.exact

    run(scenario)


def test_I9_a_damaged_wal_is_listed_and_the_log_cut(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"a"])
        await ship(bench)
        await journal_of(bench).snapshot()
        for value in (b"b", b"c", b"d"):
            await bench.append(topic, 0, [value])
        (path,) = (bench.path / "wal").glob("1-*.wal")
        with path.open("r+b") as file:
            file.seek(3 * BLOCK_BYTES + 130)
            file.write(b"damage")
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        assert Kind.WAL_DAMAGED in kinds(report) and not report.exact
        columns = told_columns(into)
        row = dict(zip(columns["partition"], found["partition"][0], strict=True))
        assert Kind.OFFSETS_MISSING in kinds(report)
        assert row["next_offset"] == 4 and row["leader_epoch"] == 1
        assert found["leader_epoch"][-1][2:] == (1, 4), "KIP-320: what lies beyond was cut"
        bases = [base for _, _, base, *_ in found["extent"]]
        assert bases == [0, 1, 3], "I2: what follows the damage keeps its offset"

    run(scenario)


@pytest.mark.parametrize("victim", ["entry", "newest snapshot", "a part"])
def test_I9_a_damaged_journal_object_is_listed(run: Run, tmp_path: Path, victim: str) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await ship(bench)
        await journal_of(bench).snapshot()
        for number in range(4):
            await bench.append(topic, 0, [b"%d" % number])
            await ship(bench)
            if number == 1:
                await journal_of(bench).snapshot()
        names = sorted(info.key for info in bench.store.list("journal/"))
        key = {
            "entry": [n for n in names if ".snapshot" not in n][-2],
            "newest snapshot": [n for n in names if n.endswith(".snapshot")][-1],
            "a part": [n for n in names if n.endswith(".000000")][-1],
        }[victim]
        data = bytearray(bench.store.get(key))
        data[-1] ^= 1
        bench.store.put(key, data, create=False)
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        assert Kind.JOURNAL_DAMAGED in kinds(report) and not report.exact
        columns = told_columns(into)
        row = dict(zip(columns["partition"], found["partition"][0], strict=True))
        assert row["next_offset"] == 4 and row["leader_epoch"] == 1
        if victim != "entry":
            live = await contents(bench.log.metastore)
            assert [r[:4] for r in found["extent"]] == [r[:4] for r in live["extent"]]

    run(scenario)


def test_I9_without_any_journal_topics_come_from_their_segments(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        flights = await bench.log.create_topic("flights", 3, {"retention.ms": "-1"})
        planes = await bench.log.create_topic("planes", 1, {})
        for partition in range(3):
            for number in range(5):
                await bench.append(flights, partition, [b"v%d" % number] * 2)
            await bench.log.merger.merge_backlog(flights, partition)
        await bench.append(flights, 1, [b"tail"])
        await bench.append(planes, 0, [b"only in the WAL"])
        await ship(bench)
        for info in list(bench.store.list("journal/")):
            bench.store.delete(info.key)
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        assert {Kind.JOURNAL_LOST, Kind.GUESSED, Kind.NAME} <= kinds(report)
        columns = told_columns(into)
        topics = [dict(zip(columns["topic"], row, strict=True)) for row in found["topic"]]
        by_id = {topic["id"]: topic for topic in topics}
        assert by_id[flights.id]["name"] == "flights"
        assert by_id[flights.id]["partitions"] == 3
        assert by_id[flights.id]["configs"] == '{"retention.ms":"-1"}'
        assert by_id[planes.id]["name"].startswith("recovered-")
        ends = {(by_no(topics, row[0]), row[1]): row[2] for row in found["partition"]}
        assert ends == {
            (flights.id, 0): 10, (flights.id, 1): 11, (flights.id, 2): 10, (planes.id, 0): 1,
        }  # fmt: skip

    run(scenario)


def test_I2_I9_what_is_taken_from_segments_keeps_offsets_and_times(
    run: Run, tmp_path: Path
) -> None:
    """Of several segments of each partition, without a journal: in the order in which they were."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        for number in range(5):
            for partition in range(2):
                bench.clock.ms += 1_000
                await bench.append(topic, partition, [b"%d" % number] * (number + 1))
                await bench.append(topic, partition, [b"late"], timestamp=bench.clock() - 5_000)
                await bench.log.merger.merge_backlog(topic, partition)
        await ship(bench)
        live = await contents(bench.log.metastore)
        for info in list(bench.store.list("journal/")):
            bench.store.delete(info.key)
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        assert Kind.GUESSED in kinds(report) and Kind.OFFSETS_MISSING not in kinds(report)
        columns = told_columns(into)["extent"]
        told = ("partition", "base_offset", "last_offset", "length", "records", "max_timestamp",
                "appended_ms", "timestamp_mark")  # fmt: skip
        places = [columns.index(name) for name in told]

        def spans(tables: Contents) -> list[tuple[Any, ...]]:
            return sorted(tuple(row[place] for place in places) for row in tables["extent"])

        assert len(spans(live)) > 2, "several segments"
        assert spans(found) == spans(live)
        times = [row[6] for row in spans(found) if row[0] == 0]
        assert times == sorted(times)

    run(scenario, segment_bytes=300, pack_share_bytes_max=1)


def by_no(topics: list[dict[str, Any]], no: int) -> bytes:
    return next(topic["id"] for topic in topics if topic["no"] == no)


def test_nothing_to_rebuild_from_is_said(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        from anabranch.storage.memory import MemoryStore

        with pytest.raises(UserFault, match="nothing to rebuild from"):
            rebuild(MemoryStore(), WalDirectory.open(bench.path / "wal"), tmp_path / "r.db", 1)

    run(scenario)


def test_I9_a_rebuilt_cluster_can_be_rebuilt(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        history = History(bench, random.Random(77))
        await ship(bench)
        await journal_of(bench).snapshot()
        for _ in range(60):
            await history.step()
        await ship(bench)
        for _ in range(10):
            await history.append()
        await bench.log.close()
        into = tmp_path / "rebuilt.db"
        rebuild(bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock())
        into.rename(bench.path / "metastore.db")
        for rest in bench.path.glob("metastore.db-*"):
            rest.unlink()
        await bench.start()
        assert await bench.log.metastore.check() == []
        state = await bench.log.metastore.journal_state()
        assert state.incarnation == b"n" * 16
        await ship(bench)
        await journal_of(bench).snapshot()
        epochs = {fmt.decode(bench.store.get(i.key)).epoch for i in bench.store.list("journal/")}
        assert max(epochs) > 1000 > min(epochs), "above all that the old metastore gave"
        for _ in range(20):
            await history.append()
        await ship(bench)
        for _ in range(5):
            await history.append()
        report = await assert_rebuilt(bench, tmp_path, times=False)
        assert exact_but_for_untold(report), report.findings

    run(scenario)


@pytest.mark.parametrize("lost", [False, True], ids=["journal", "no journal"])
def test_I9_damage_in_a_segment_is_found_by_whoever_asks_for_it(
    run: Run, tmp_path: Path, lost: bool
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        for number in range(3):
            await bench.append(topic, 0, [b"v%d" % number] * 3)
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.append(topic, 0, [b"tail"])
        await ship(bench)
        await journal_of(bench).snapshot()
        if lost:
            for info in list(bench.store.list("journal/")):
                bench.store.delete(info.key)
        (key,) = [i.key for i in bench.store.list("topics/") if i.key.endswith(".log")]
        data = bytearray(bench.store.get(key))
        data[-3] ^= 1
        bench.store.put(key, bytes(data), create=False)
        for verify in (False, True):
            into = tmp_path / f"{verify}.db"
            found, report = rebuild(
                bench.store,
                WalDirectory.open(bench.path / "wal"),
                into,
                bench.clock(),
                verify=verify,
            )
            damaged = [each for each in report.findings if each.kind is Kind.DAMAGED]
            assert len(damaged) == verify
            figures = report.figures
            # The tail lies in the WAL, which every rebuild reads; the segment only if it is asked to.
            assert figures.retained_bytes > figures.verified_bytes or verify
            assert figures.verified_bytes >= len(data) if verify else figures.verified_bytes == 0
            if verify:
                assert damaged[0].subject == key and "offsets 6 to 8" in damaged[0].detail
                assert not report.exact
            columns = told_columns(into)
            row = dict(zip(columns["partition"], found["partition"][0], strict=True))
            assert row["next_offset"] == 10, "what is sound in a damaged segment stays readable"

    run(scenario)


@pytest.mark.parametrize("copies", [1, 2, 3])
@pytest.mark.parametrize("segments", [1, 2])
def test_I1_I9_flushes_that_are_equal_to_the_last_bit_are_told_apart_by_number(
    run: Run, tmp_path: Path, copies: int, segments: int
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        for _ in range(segments):
            for _ in range(copies):
                await bench.append(topic, 0, [b"same"])
            await bench.log.merger.merge_backlog(topic, 0)
        for _ in range(2):
            await bench.append(topic, 0, [b"same"])
        for info in list(bench.store.list("journal/")):
            bench.store.delete(info.key)
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        place = told_columns(into)["partition"].index("next_offset")
        assert found["partition"][0][place] == segments * copies + 2
        assert report.figures.records_recovered == 2

    run(scenario)


def test_I9_segments_are_not_read_for_flushes_that_are_newer_than_all_of_them(
    run: Run, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        for path in (False, True):
            for number in range(4):
                bench.clock.ms += 1000
                await bench.append(topic, 0, [b"v%d" % number] * 50)
            if not path:
                await bench.log.merger.merge_backlog(topic, 0)
                await bench.restart()
                topic = bench.log.catalogue.topic("flights") or topic
        for file in sorted((bench.path / "wal").glob("1-*.wal"))[:1]:
            file.unlink()  # of the first start: recycled
        for info in list(bench.store.list("journal/")):
            bench.store.delete(info.key)
        _, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), tmp_path / "r.db", bench.clock()
        )
        assert report.figures.records_recovered == 200
        assert report.figures.segment_bytes == 0, "no timestamp in them is as new as the WAL's"

    run(scenario)


def partition_row(found: Contents, into: Path) -> dict[str, Any]:
    return dict(zip(told_columns(into)["partition"], found["partition"][0], strict=True))


def test_I1_I9_what_an_idempotent_producer_sent_behind_a_damaged_flush_is_kept(
    run: Run, tmp_path: Path
) -> None:
    """The broker had seen the damaged one: what follows in sequence was acknowledged."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        for sequence in range(5):
            await bench.append(
                topic, 0, [b"x"], producer_id=5, producer_epoch=0, base_sequence=sequence
            )
            if not sequence:
                await ship(bench)
                await journal_of(bench).snapshot()
        (path,) = (bench.path / "wal").glob("1-*.wal")
        with path.open("r+b") as file:
            file.seek(3 * BLOCK_BYTES + 130)
            file.write(b"damage")
        into = tmp_path / "rebuilt.db"
        found, report = rebuild(
            bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock()
        )
        assert partition_row(found, into)["next_offset"] == 5, report.findings
        (hole,) = [each for each in report.findings if each.kind is Kind.OFFSETS_MISSING]
        assert hole.subject == "flights/0" and "offsets 1 to 1" in hole.detail
        assert [base for _, _, base, *_ in found["extent"]] == [0, 2, 3, 4]
        connection = sqlite3.connect(into)
        assert connection.execute("SELECT count(*) FROM producer").fetchone() == (1,)
        connection.close()

    run(scenario)


def test_I5_I9_producers_go_on_behind_segments_that_the_journal_does_not_know(
    run: Run, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})

        async def send(sequence: int) -> None:
            await bench.append(
                topic, 0, [b"x"], producer_id=5, producer_epoch=0, base_sequence=sequence
            )

        for sequence in range(2):
            await send(sequence)
        await ship(bench)
        await journal_of(bench).snapshot()
        for sequence in range(2, 5):
            await send(sequence)
        await bench.log.merger.merge_backlog(topic, 0)
        expected = await bench.log.metastore.producer_states(topic.no, 0)
        for path in (bench.path / "wal").glob("1-*.wal"):
            path.unlink()  # all that is merged was recycled
        into = tmp_path / "rebuilt.db"
        found, _ = rebuild(bench.store, WalDirectory.open(bench.path / "wal"), into, bench.clock())
        assert partition_row(found, into)["next_offset"] == 5
        connection = sqlite3.connect(into, factory=SqliteTx)
        (state,) = producer_states(connection, topic.no, 0)
        connection.close()
        assert [state.batches] == [each.batches for each in expected], (
            "a retry of the last five is known, and the next in sequence is expected"
        )

    run(scenario)


def test_I9_what_groups_committed_behind_the_journals_end_is_listed(
    run: Run, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 1, {})
        await bench.append(topic, 0, [b"x"] * 10)

        async def commit(group: str, offset: int) -> None:
            offsets = [Committed(topic.no, 0, offset, 0, "", bench.clock())]
            await bench.log.metastore.commit_offsets(
                group, offsets, OffsetAction.COMMIT, ACTOR, bench.clock()
            )

        await commit("yesterdays", 10)
        bench.clock.ms += 24 * 3600 * 1000
        await commit("busy", 4)
        await commit("done", 10)
        await ship(bench)
        await journal_of(bench).snapshot()
        await commit("busy", 9)
        for running in (True, False):
            if not running:
                await bench.log.metastore.remove_broker(1, 1)
                await ship(bench)
            _, report = rebuild(
                bench.store, WalDirectory.open(bench.path / "wal"), tmp_path / "r", bench.clock()
            )
            untold = [each for each in report.findings if each.kind is Kind.UNTOLD]
            if running:
                assert [each.subject for each in untold] == ["journal", "busy", "done"]
                assert "brokers 1" in untold[0].detail
                assert "up to 6 records" in untold[1].detail
            else:
                assert not untold and report.exact, "an orderly end leaves nothing open"

    run(scenario)
