"""Transactions behind the journal's end: their markers are in the WAL, and so is their outcome (I6, I9)."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import ClientFault, StoreFault
from anabranch.log.rebuild.report import Kind, Report
from anabranch.metastore.api import Actor, Committed, TransactionState
from anabranch.metastore.check import check
from anabranch.metastore.connections import SqliteTx
from anabranch.metastore.transaction_end import EndOutcome
from anabranch.metastore.transactions import pending_offsets, transaction
from anabranch.storage.wal_directory import WalDirectory

from .conftest import Bench
from .rebuilding import rebuild
from .test_rebuild import journal_of, ship
from .test_rebuild_brokers import beside
from .test_transactions import Client

Run = Callable[..., None]
ACTOR = Actor("User:ana", "c", "/127.0.0.1", api="TxnOffsetCommit")


class Rebuilt:
    """A rebuilt metastore's file."""

    def __init__(self, bench: Bench, into: Path) -> None:
        self.report: Report
        wal = WalDirectory.open(bench.path / "wal")
        _, self.report = rebuild(bench.store, wal, into, bench.clock())
        self.tx = sqlite3.connect(into, factory=SqliteTx)

    def rows(self, columns: str, table: str) -> list[tuple[int, ...]]:
        return self.tx.execute(f"SELECT {columns} FROM {table} ORDER BY {columns}").fetchall()


def test_I6_I9_the_outcome_of_transactions_comes_from_the_wal(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        await bench.append(topic, 0, [b"first"])
        names = ("commits", "aborts", "open", "begun before")
        clients = [Client(bench, name) for name in names]
        for client in clients:
            await client.init()
        commits, aborts, open_, before = clients
        await before.write(topic, 1, [b"x"])  # 0
        await commits.transactions.commit_offsets(
            "commits",
            commits.identity,
            "g",
            [Committed(topic.no, 0, 1, 0, "", bench.clock())],
            ACTOR,
            implicit=True,
            expected=None,
        )
        await ship(bench)
        await journal_of(bench).snapshot()
        await commits.write(topic, 0, [b"c"])  # 1
        await commits.write(topic, 1, [b"c"])  # 1
        await aborts.write(topic, 0, [b"a"])  # 2
        await open_.write(topic, 0, [b"o"])  # 3
        await commits.end(commit=True)  # 4, 2
        await aborts.end(commit=False)  # 5
        await before.end(commit=False)  # 3
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        tx = rebuilt.tx
        assert rebuilt.rows("partition, next_offset, unstable, aborted_end", "partition") == [
            (0, 6, 3, 6),
            (1, 4, -1, 4),
        ]
        assert rebuilt.rows(
            "partition, last_offset, producer_id, first_offset, stable", "aborted_transaction"
        ) == [
            (0, 5, aborts.identity.producer_id, 2, 3),
            (1, 3, before.identity.producer_id, 0, 4),
        ]
        states = {}
        for client in clients:
            found = transaction(tx, client.name)
            assert found is not None
            states[client.name] = found.id.state
            assert found.id.epoch == client.identity.epoch
        assert states == {
            "commits": TransactionState.COMPLETE_COMMIT,
            "aborts": TransactionState.COMPLETE_ABORT,
            "open": TransactionState.ONGOING,
            "begun before": TransactionState.COMPLETE_ABORT,
        }
        assert rebuilt.rows('"offset"', "committed") == [(1,)] and pending_offsets(tx, "g") == []
        assert check(tx) == []

    run(scenario)


def test_I6_I9_an_unknown_producers_transaction_can_only_be_aborted(
    run: Run, tmp_path: Path
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"first"])
        await ship(bench)
        await journal_of(bench).snapshot()
        late = Client(bench, "late")
        await late.init()
        await late.write(topic, 0, [b"x"])
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        found = transaction(rebuilt.tx, f"recovered-{late.identity.producer_id}")
        assert found is not None and found.id.state is TransactionState.ONGOING
        assert found.id.timeout_ms == 1 and [one.first_offset for one in found.partitions] == [1]
        assert any(finding.kind is Kind.GUESSED for finding in rebuilt.report.findings)
        assert check(rebuilt.tx) == []

    run(scenario)


def test_I6_I9_without_a_journal_segments_name_what_was_aborted(run: Run, tmp_path: Path) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        client = Client(bench)
        await client.init()
        for commit in (True, False, True, False):
            await client.write(topic, 0, [b"x"])
            await client.end(commit=commit)
        await bench.log.merger.merge_backlog(topic, 0)
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.report.exact_until_ms == 0
        assert rebuilt.rows("first_offset, last_offset", "aborted_transaction") == [(2, 3), (6, 7)]
        assert rebuilt.rows("unstable, aborted_end", "partition") == [(-1, 8)]
        assert check(rebuilt.tx) == []

    run(scenario)


@pytest.mark.parametrize("bumps", [False, True], ids=["one epoch", "an epoch each"])
def test_I6_I9_a_transaction_that_goes_on_was_not_ended_by_the_one_before(
    run: Run, tmp_path: Path, bumps: bool
) -> None:
    """Its producer's last marker elsewhere is of the transaction before, and that one's offsets count."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        client = Client(bench)
        await client.init()
        await bench.append(topic, 0, [b"first"])
        position = Committed(topic.no, 0, 1, 0, "", bench.clock())
        identity = client.identity
        await client.transactions.commit_offsets(
            client.name, identity, "g", [position], ACTOR, implicit=True, expected=None
        )
        await ship(bench)
        await journal_of(bench).snapshot()
        await client.write(topic, 0, [b"ended"])  # 1
        await client.write(topic, 1, [b"ended"])  # 0
        await client.transactions.end(client.name, identity, commit=True, bumps=bumps)  # 2, 1
        bench.clock.ms += 1
        if bumps:
            await client.init()
        await client.write(topic, 0, [b"goes on"])  # 3
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("partition, next_offset, unstable", "partition") == [
            (0, 4, 3),
            (1, 2, -1),
        ]
        assert rebuilt.rows('"offset"', "committed") == [(1,)]
        found = transaction(rebuilt.tx, client.name)
        assert found is not None and found.id.state is TransactionState.ONGOING
        assert [one.first_offset for one in found.partitions] == [3]
        assert check(rebuilt.tx) == []

    run(scenario)


@pytest.mark.parametrize("told", [False, True], ids=["journal before", "journal after"])
def test_I6_I9_what_a_fenced_producer_sent_last_is_not_recovered(
    run: Run, tmp_path: Path, told: bool
) -> None:
    """Its flush is durable and was refused, and no later one says so."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        zombie = Client(bench)
        await zombie.init()
        await zombie.write(topic, 0, [b"x"])  # 0
        await zombie.end(commit=True)  # 1
        await Client(bench, zombie.name).init()
        await ship(bench)
        await journal_of(bench).snapshot()
        with pytest.raises(ClientFault):
            await zombie.write(topic, 0, [b"zombie"])
        if told:
            await ship(bench)
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("next_offset, unstable", "partition") == [(2, -1)]
        assert check(rebuilt.tx) == []

    run(scenario)


def test_I6_I9_a_marker_comes_behind_what_it_ends_whatever_the_clocks_say(
    run: Run, tmp_path: Path
) -> None:
    """The broker that ended the transaction has a clock that lags behind the one that its producer wrote to."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = await beside(bench, 2)
        await bench.append(topic, 0, [b"first"])
        await ship(bench)
        await journal_of(bench).snapshot()
        client = Client(bench)
        await client.init()
        await client.write(topic, 0, [b"x"])  # 1
        client.bench = other
        bench.clock.ms -= 5_000
        await client.end(commit=True)  # 2
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("next_offset, unstable", "partition") == [(3, -1)]
        assert rebuilt.rows("name", "transactional_id") == []
        await other.log.close()

    run(scenario)


def test_I6_I9_a_marker_comes_behind_the_last_record_that_another_broker_took(
    run: Run, tmp_path: Path
) -> None:
    """The broker that ends the transaction knew of its first record, and has a clock that lags behind (found by the
    simulation: a part of a committed transaction was seen)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = await beside(bench, 2)
        await bench.append(topic, 0, [b"first"])
        await ship(bench)
        await journal_of(bench).snapshot()
        client = Client(bench)
        await client.init()
        client.bench = other
        await client.write(topic, 0, [b"x"])  # 1
        client.bench = bench
        await client.write(topic, 0, [b"y"])  # 2
        await client.write(topic, 0, [b"z"])  # 3
        client.bench = other
        bench.clock.ms -= 5_000
        await client.end(commit=True)  # 4
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("next_offset, unstable", "partition") == [(5, -1)]
        assert rebuilt.rows("name", "transactional_id") == []
        await other.log.close()

    run(scenario)


def test_I6_I9_what_never_ended_is_not_committed_with_what_its_producer_sent_later(
    run: Run, tmp_path: Path
) -> None:
    """Its flush became durable and failed, and was its broker's last one; the producer began anew elsewhere."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = await beside(bench, 2)
        third = await beside(bench, 3)
        await bench.append(topic, 0, [b"first"])  # 0
        client = Client(bench)
        await client.init()
        await ship(bench)
        await journal_of(bench).snapshot()
        metastore: Any = bench.log.metastore

        async def fail(handover: Any, now_ms: int) -> Any:
            await handover.given()
            raise StoreFault("the metastore said no")

        metastore.commit_flush = fail
        with pytest.raises(ClientFault):
            await client.write(topic, 0, [b"never committed"])
        del metastore.commit_flush
        client.bench = other
        await client.init()
        bench.clock.ms += 1
        await client.write(topic, 0, [b"x"])
        client.bench = third
        bench.clock.ms += 1
        await client.end(commit=True)
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("next_offset, unstable", "partition") == [(3, -1)]
        await other.log.close()
        await third.log.close()

    run(scenario)


@pytest.mark.parametrize("others", [False, True], ids=["alone", "beside another's flush"])
def test_I6_I9_a_marker_that_ended_nothing_is_not_recovered(
    run: Run, tmp_path: Path, others: bool
) -> None:
    """Another broker ended the transaction while it was written, so it was refused; and it was its broker's last
    flush, so that no later one says so (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        other = await beside(bench, 2)
        client, fencing = Client(bench), Client(other)
        await client.init()
        await client.write(topic, 0, [b"x"])  # 0
        metastore: Any = bench.log.metastore

        async def late(handover: Any, now_ms: int) -> EndOutcome:
            await handover.given()
            await fencing.init()  # 1
            return EndOutcome(stale=(0,))

        metastore.commit_ends = late
        with pytest.raises(ClientFault):
            await client.end(commit=True)
        del metastore.commit_ends
        await ship(bench)
        await journal_of(bench).snapshot()
        if others:
            await other.append(topic, 0, [b"y"])
        rebuilt = Rebuilt(bench, tmp_path / "rebuilt.db")
        assert rebuilt.rows("next_offset, unstable", "partition") == [(2 + others, -1)]
        assert not any(finding.kind is Kind.LEFT_ASIDE for finding in rebuilt.report.findings)
        await other.log.close()

    run(scenario)
