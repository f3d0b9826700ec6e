"""I1, I2, I5, I9: what several brokers acknowledged behind the journal's end is recovered from all their WALs."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anabranch.log.rebuild.report import Kind
from anabranch.metastore.api import Topic
from anabranch.storage.memory import MemoryStore
from anabranch.storage.wal import WalReader
from anabranch.storage.wal_directory import WalDirectory
from tests.log.conftest import Bench
from tests.log.rebuilding import kinds, rebuild
from tests.log.test_compaction import put
from tests.log.test_rebuild import journal_of, ship

Run = Callable[..., None]
BROKERS = 3


async def beside(bench: Bench, broker_id: int) -> Bench:
    other = Bench(bench.path, bench.settings)
    other.broker_id, other.clock = broker_id, bench.clock
    other.store, other.wal_store = bench.store, bench.wal_store
    other._unique = bench._unique
    await other.start()
    return other


class Load:
    """Idempotent producers that go from broker to broker, and plain ones that stay with theirs."""

    def __init__(self, brokers: list[Bench], rng: random.Random, *, step_ms: int) -> None:
        self.brokers = brokers
        self.rng = rng
        self.step_ms = step_ms
        self.sequences: dict[tuple[int, int], int] = defaultdict(int)
        self.acknowledged: dict[int, dict[bytes, int]] = defaultdict(dict)  # offset by value
        self.sent = 0

    async def send(self, name: str) -> None:
        broker = self.rng.choice(self.brokers)
        topic = broker.log.catalogue.topic(name)
        assert topic is not None
        partition = self.rng.randrange(topic.partitions)
        value = b"%d by %d" % (self.sent, broker.broker_id)
        self.sent += 1
        options: dict[str, Any] = {}
        if self.rng.random() < 0.6:
            producer = self.rng.randint(1, 3)
            sequence = self.sequences[producer, partition]
            self.sequences[producer, partition] += 1
            options = {"producer_id": producer, "producer_epoch": 0, "base_sequence": sequence}
            value += b", p%d #%d" % (producer, sequence)
        broker.clock.ms += self.step_ms
        offset = await broker.append(topic, partition, [value], **options)
        self.acknowledged[partition][value] = offset
        if options and self.rng.random() < 0.2:  # its answer was lost: the client asks another
            other = self.rng.choice(self.brokers)
            theirs = other.log.catalogue.topic(name)
            assert theirs is not None
            await other.log.catalogue.reload()
            again = await other.append(theirs, partition, [value], **options)
            assert again == offset


@pytest.mark.parametrize("wal", ["files", "objects"])
@pytest.mark.parametrize("step_ms", [1, 0], ids=["clock goes on", "clock stands"])
@pytest.mark.parametrize("seed", range(4))
def test_I1_I2_I5_I9_flushes_of_several_brokers_are_interleaved(
    run: Run, tmp_path: Path, seed: int, step_ms: int, wal: str
) -> None:
    wal_store = MemoryStore() if wal == "objects" else None

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("flights", 2, {})
        brokers = [bench, *[await beside(bench, 1 + n) for n in range(1, BROKERS)]]
        load = Load(brokers, random.Random(seed), step_ms=step_ms)
        for number in range(60):
            await load.send("flights")
            if number == 15:
                await bench.log.merger.merge_backlog(topic, 0)
            if number == 20:
                await ship(bench)
                await journal_of(bench).snapshot()
        reader: WalReader = bench.log.wal_reader
        if wal == "files":
            reader = WalDirectory.open(bench.path / "wal")
        into = tmp_path / "rebuilt.db"
        _, report = rebuild(bench.store, reader, into, bench.clock())
        assert kinds(report) <= {Kind.ORDER, Kind.RECOVERED, Kind.UNTOLD}, report.findings
        assert Kind.ORDER in kinds(report)
        for broker in brokers:
            await broker.log.close()

        into.rename(bench.path / "metastore.db")
        for rest in bench.path.glob("metastore.db-*"):
            rest.unlink()
        await bench.start()
        rebuilt = bench.log.catalogue.topic("flights")
        assert rebuilt is not None
        for partition in range(2):
            found = await bench.values(rebuilt, partition)
            same_order(load, partition, found, exact=bool(step_ms))
        await goes_on(bench, load, rebuilt)

    run(scenario, wal_store=wal_store)


def same_order(load: Load, partition: int, found: list[tuple[int, bytes]], *, exact: bool) -> None:
    acknowledged = load.acknowledged[partition]
    assert [offset for offset, _ in found] == [*range(len(acknowledged))]
    assert {value for _, value in found} == acknowledged.keys(), "each once, and no other"
    if exact:
        assert {value: offset for offset, value in found} == acknowledged
    for producer in range(1, 4):
        mine = [value for _, value in found if b", p%d " % producer in value]
        numbers = [int(value.rpartition(b"#")[2]) for value in mine]
        assert numbers == sorted(numbers), "a producer's own order is never in doubt"
    for broker in range(1, BROKERS + 1):
        mine = [value for _, value in found if value.partition(b",")[0].endswith(b" %d" % broker)]
        # Also where it holds retries of what was first sent elsewhere: those are not its first copies.
        plain = [int(value.split()[0]) for value in mine if b"p" not in value]
        assert plain == sorted(plain), "nor is a broker's"


async def goes_on(bench: Bench, load: Load, topic: Topic) -> None:
    """Every producer's next batch is accepted, and a retry of its last one is recognised."""
    for (producer, partition), sequence in sorted(load.sequences.items()):
        options = {"producer_id": producer, "producer_epoch": 0}
        end = bench.log.partition(topic, partition).next_offset
        offset = await bench.append(topic, partition, [b"next"], base_sequence=sequence, **options)
        assert offset == end
        again = await bench.append(topic, partition, [b"next"], base_sequence=sequence, **options)
        assert again == end


def test_I1_I9_a_share_that_lost_its_compare_and_set_is_not_taken_for_compacted(
    run: Run, tmp_path: Path
) -> None:
    """The journal ends while it is to be committed again; its partition was compacted, further below than its
    broker had seen it go (found by the simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic(
            "t", 2, {"cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0"}
        )
        other = await beside(bench, 2)
        await put(bench, topic, [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")])
        await bench.log.merger.merge_backlog(topic, 0)
        assert bench.log.background is not None
        assert await bench.log.background.compactor.compact(topic, 0)
        await ship(bench)
        await journal_of(bench).snapshot()
        metastore: Any = bench.log.metastore
        commit = metastore.commit_flush

        async def beaten(handover: Any, now_ms: int) -> Any:
            del metastore.commit_flush
            await put(other, topic, [(b"c", b"1")])  # 3
            outcomes = await commit(handover, now_ms)
            await ship(bench)
            return outcomes

        metastore.commit_flush = beaten
        one, two = await asyncio.gather(
            put(bench, topic, [(b"d", b"1")], 0), put(bench, topic, [(b"e", b"1")], 1)
        )
        assert (one, two) == (4, 0)
        found, _ = rebuild(
            bench.store,
            WalDirectory.open(bench.path / "wal"),
            tmp_path / "rebuilt.db",
            bench.clock(),
        )
        assert [(row[1], row[2]) for row in found["partition"]] == [(0, 5), (1, 1)]
        await other.log.close()

    run(scenario)
