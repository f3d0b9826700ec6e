"""Transactions through the log: what read_committed readers see, whatever happens around them (I6)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint
from anabranch.log.fetched import FetchPart, FetchWant, stable_only
from anabranch.log.reader import plan_splits, read_splits
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Identity, Topic, Transactional, TransactionalId
from anabranch.records.batch import scan
from anabranch.records.control import is_commit
from anabranch.records.record import iter_records

from .conftest import Bench

Seen = list[tuple[int, bytes]]


class Client:
    """A transactional producer, and a reader that leaves out what clients leave out."""

    def __init__(self, bench: Bench, name: str = "tx") -> None:
        self.bench = bench
        self.name = name
        self.identity = Identity(-1, -1)
        self.sequences: dict[tuple[int, int], int] = {}

    async def init(self, timeout_ms: int = 60_000) -> TransactionalId:
        row = await self.transactions.init(self.name, timeout_ms)
        self._is(Identity(row.producer_id, row.epoch))
        return row

    @property
    def transactions(self) -> Any:
        transactions = self.bench.log.transactions
        assert transactions is not None
        return transactions

    def _is(self, identity: Identity) -> None:
        if identity != self.identity:
            self.identity = identity
            self.sequences.clear()

    async def write(
        self, topic: Topic, partition: int, values: Sequence[bytes], *, implicit: bool = True
    ) -> int:
        key = (topic.no, partition)
        first = self.sequences.get(key, 0)
        data = self.bench.batch(
            values,
            producer_id=self.identity.producer_id,
            producer_epoch=self.identity.epoch,
            base_sequence=first,
            transactional=True,
        )
        appended = await self.bench.log.append(
            topic, partition, data, Transactional(self.name, implicit)
        )
        self.sequences[key] = first + len(values)
        return appended.base_offset

    async def end(self, *, commit: bool) -> None:
        self._is(await self.transactions.end(self.name, self.identity, commit=commit, bumps=True))


def kept(part: FetchPart) -> Iterator[tuple[int, bytes, int]]:
    """What the Java client makes of an answer: offset, value and the offset behind, record by record."""
    aborted = sorted(part.aborted, key=lambda one: one.first_offset)
    ignored: set[int] = set()
    for header, data in batches(part.buffers):
        while aborted and aborted[0].first_offset <= header.last_offset:
            ignored.add(aborted.pop(0).producer_id)
        if header.is_control:
            if is_commit(data, header) is False:
                ignored.discard(header.producer_id)
            continue
        if header.is_transactional and header.producer_id in ignored:
            continue
        for record in iter_records(data, header):
            assert record.value is not None
            yield record.offset, record.value, header.last_offset + 1


def batches(buffers: Sequence[memoryview]) -> Iterator[Any]:
    data = memoryview(b"".join(buffers))
    for header in scan(data):
        yield header, data


async def committed(bench: Bench, topic: Topic, partition: int, step: int = 1 << 20) -> Seen:
    """Everything, fetch by fetch, as a read_committed consumer sees it."""
    offset = bench.log.partition(topic, partition).log_start
    seen: Seen = []
    while True:
        want = FetchWant(topic, partition, offset, step)
        (part,) = await bench.log.fetch(
            [want], max_wait_ms=0, min_bytes=0, max_bytes=step, read_committed=True
        )
        assert part.error is ErrorCode.NONE, part
        seen += [(at, value) for at, value, _ in kept(part) if at >= offset]
        ends = [header.last_offset + 1 for header, _ in batches(part.buffers)]
        if not ends:
            assert offset == part.last_stable, "an answer without batches below what is stable"
            return seen
        assert ends[-1] > offset
        offset = ends[-1]


async def straight(bench: Bench, topic: Topic, partition: int) -> Seen:
    """The same, past any broker."""
    splits = await plan_splits(bench.log, topic, partitions=[partition])
    return [
        (offset, value)
        for batch in read_splits(splits, threads=1)
        for offset, value in zip(
            batch.column("offset").to_pylist(), batch.column("value").to_pylist(), strict=True
        )
    ]


def scenario(test: Any = None, **options: Any) -> Any:
    """A test that is told as a coroutine, against a fresh log with these settings."""
    if test is None:
        return lambda test: scenario(test, **options)

    def told(run: Any) -> None:
        run(test, **options)

    told.__name__, told.__doc__ = test.__name__, test.__doc__
    return told


@scenario
async def test_I6_a_transaction_is_seen_whole_or_not_at_all(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 2, {})
    client = Client(bench)
    await client.init()
    await bench.append(topic, 0, [b"before"])
    for partition in (0, 1):
        await client.write(topic, partition, [b"a", b"b"])
    await bench.append(topic, 0, [b"behind"])
    assert await committed(bench, topic, 0) == [(0, b"before")]
    assert await committed(bench, topic, 1) == []
    await client.end(commit=True)
    assert await committed(bench, topic, 0) == [
        (0, b"before"),
        (1, b"a"),
        (2, b"b"),
        (3, b"behind"),
    ]
    assert await committed(bench, topic, 1) == [(0, b"a"), (1, b"b")]
    await client.write(topic, 1, [b"no"])
    await client.end(commit=False)
    await client.write(topic, 1, [b"yes"])
    await client.end(commit=True)
    expected = [(0, b"a"), (1, b"b"), (5, b"yes")]
    for _ in range(2):
        assert await committed(bench, topic, 1) == expected
        assert await straight(bench, topic, 1) == expected
        await bench.log.merger.merge_backlog(topic, 1)
    await bench.restart()
    assert await committed(bench, topic, 1) == expected
    assert await bench.log.metastore.check() == []


@scenario
async def test_I5_ends_are_repeated_without_harm(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    client = Client(bench)
    await client.init()
    was = client.identity
    await client.write(topic, 0, [b"a"])
    await client.end(commit=True)
    again = await client.transactions.end("tx", was, commit=True, bumps=True)
    assert again == client.identity
    with pytest.raises(ClientFault) as fault:
        await client.transactions.end("tx", was, commit=False, bumps=True)
    assert fault.value.code is ErrorCode.INVALID_TXN_STATE
    assert bench.log.partition(topic, 0).next_offset == 2  # one marker
    await client.transactions.end("tx", client.identity, commit=False, bumps=True)
    assert bench.log.partition(topic, 0).next_offset == 2


@scenario
async def test_many_transactions_end_in_one_flush(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 3, {})
    clients = [Client(bench, f"tx-{number}") for number in range(20)]
    for client in clients:
        await client.init()
    for number, client in enumerate(clients):
        for partition in range(3):
            await client.write(topic, partition, [b"%d" % number])
    assert bench.log.pipeline is not None
    flushes = bench.log.pipeline.flushes
    await asyncio.gather(
        *[client.end(commit=number % 2 == 0) for number, client in enumerate(clients)]
    )
    assert bench.log.pipeline.flushes - flushes < 10
    expected = [b"%d" % number for number in range(0, 20, 2)]
    for partition in range(3):
        assert [value for _, value in await committed(bench, topic, partition)] == expected
    assert await bench.log.metastore.check() == []


@scenario
async def test_a_zombie_writes_nothing(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    zombie, living = Client(bench), Client(bench)
    await zombie.init()
    await zombie.write(topic, 0, [b"z"])
    await living.init()
    with pytest.raises(ClientFault) as fault:
        await zombie.write(topic, 0, [b"z"])
    assert fault.value.code is ErrorCode.INVALID_PRODUCER_EPOCH
    with pytest.raises(ClientFault) as fault:
        await zombie.end(commit=True)
    assert fault.value.code is ErrorCode.PRODUCER_FENCED
    await living.write(topic, 0, [b"l"])
    await living.end(commit=True)
    assert [value for _, value in await committed(bench, topic, 0)] == [b"l"]


@scenario
async def test_I6_a_zombie_beside_others_in_one_flush_takes_nobody_along(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    zombie, living = Client(bench), Client(bench)
    await zombie.init()
    await living.init()
    results = await asyncio.gather(
        bench.append(topic, 0, [b"plain"]),
        zombie.write(topic, 0, [b"zombie"]),
        living.write(topic, 0, [b"living"]),
        bench.append(topic, 0, [b"plain"]),
        return_exceptions=True,
    )
    assert [isinstance(one, ClientFault) for one in results] == [False, True, False, False]
    await living.end(commit=True)
    assert [value for _, value in await committed(bench, topic, 0)] == [
        b"plain",
        b"living",
        b"plain",
    ]


@scenario
async def test_a_transaction_that_is_overdue_is_aborted(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    client = Client(bench)
    await client.init(timeout_ms=5_000)
    await client.write(topic, 0, [b"late"])
    bench.clock.ms += 4_999
    await client.transactions.sweep()
    assert bench.log.partition(topic, 0).last_stable_offset == 0
    bench.clock.ms += 1
    await client.transactions.sweep()
    assert bench.log.partition(topic, 0).last_stable_offset == 2
    assert await committed(bench, topic, 0) == []
    with pytest.raises(ClientFault) as fault:
        await client.end(commit=True)
    assert fault.value.code is ErrorCode.PRODUCER_FENCED
    bench.clock.ms += bench.settings.transactional_id_expiration_ms + 1
    await client.transactions.sweep()
    with pytest.raises(ClientFault) as fault:
        await client.end(commit=True)
    assert fault.value.code is ErrorCode.INVALID_PRODUCER_ID_MAPPING


@scenario(topic_grace_ms=1_000_000)
async def test_a_deleted_topic_does_not_hold_a_transaction_up(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    other = await bench.log.create_topic("u", 1, {})
    client = Client(bench)
    await client.init()
    await client.write(topic, 0, [b"gone"])
    await client.write(other, 0, [b"kept"])
    await bench.log.delete_topic(topic)
    await client.end(commit=False)
    await client.write(other, 0, [b"next"])
    await client.end(commit=True)
    assert [value for _, value in await committed(bench, other, 0)] == [b"next"]
    (deleted,) = await bench.log.metastore.deleted_topics()
    back = await bench.log.undelete_topic(deleted)
    assert await committed(bench, back, 0) == []
    # No marker tells where the aborted one ends: what follows of the same producer counts.
    await client.write(back, 0, [b"again"])
    await client.end(commit=True)
    assert [value for _, value in await committed(bench, back, 0)] == [b"again"]
    assert await straight(bench, back, 0) == await committed(bench, back, 0)


@scenario
async def test_I6_a_branch_that_cuts_a_transaction_off_serves_its_producer_on(bench: Bench) -> None:
    topic = await bench.log.create_topic("t", 1, {})
    client = Client(bench)
    await client.init()
    await client.write(topic, 0, [b"a"])
    await client.write(topic, 0, [b"b"])
    await client.end(commit=True)
    branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: 1}))
    assert await committed(bench, branch, 0) == await straight(bench, branch, 0) == []
    await client.write(branch, 0, [b"own"])
    await client.end(commit=True)
    expected = [(1, b"own")]
    for _ in range(2):
        assert await committed(bench, branch, 0) == await straight(bench, branch, 0) == expected
        # Now one read finds what was cut off and what came later.
        await bench.log.merger.merge_backlog(branch, 0)
        await bench.restart()
    assert await committed(bench, topic, 0) == [(0, b"a"), (1, b"b")]


@scenario
async def test_compaction_drops_what_was_aborted_and_markers_later(bench: Bench) -> None:
    configs = {"cleanup.policy": "compact", "delete.retention.ms": "1000"}
    topic = await bench.log.create_topic("t", 1, configs)
    client = Client(bench)
    await client.init()

    async def write(key: bytes, value: bytes, *, commit: bool) -> None:
        data = bench.batch(
            [value],
            key=key,
            producer_id=client.identity.producer_id,
            producer_epoch=client.identity.epoch,
            base_sequence=0,
            transactional=True,
        )
        await bench.log.append(topic, 0, data, Transactional("tx", True))
        await client.end(commit=commit)

    await write(b"k", b"old", commit=True)
    await write(b"k", b"new", commit=True)
    await write(b"k", b"aborted", commit=False)
    await write(b"j", b"other", commit=True)
    assert bench.log.background is not None

    for number in range(4):
        await bench.log.merger.merge_backlog(topic, 0)
        await bench.log.background.compactor.compact(topic, 0)
        # Memory still has what is gone from the store; a restart forgets it.
        for _ in range(2):
            seen = [value for _, value in await committed(bench, topic, 0) if value[:1] != b"x"]
            assert [value for value in seen if value != b"old"] == [b"new", b"other"], number
            await bench.restart()
            assert bench.log.background is not None
        bench.clock.ms += 2_000
        await bench.append(topic, 0, [b"x%d" % number], key=b"filler")
    (part,) = await bench.log.fetch(
        [FetchWant(topic, 0, 0, 1 << 20)], max_wait_ms=0, min_bytes=0, max_bytes=1 << 20
    )
    left = [
        (header.base_offset, header.is_control)
        for header, _ in batches(part.buffers)
        if header.record_count
    ]
    assert not any(control for offset, control in left if offset < 8), left
    # What came later of the same producer counts, although the abort marker is gone.
    seen = [value for _, value in await committed(bench, topic, 0) if value[:1] != b"x"]
    assert seen == [b"new", b"other"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_I6_any_history_reads_as_it_was_decided(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Producers, ends, fencing, merging, branches, restarts in any order, beside a model of what counts."""
    path: Path = tmp_path_factory.mktemp("transactions")

    async def scenario() -> None:
        bench = Bench(path, LogSettings(background=False, wal_file_bytes=1 << 20))
        await bench.start()
        try:
            await _any_history(bench, data)
        finally:
            await bench.log.close()

    asyncio.run(scenario())


async def _any_history(bench: Bench, data: st.DataObject) -> None:
    topic = await bench.log.create_topic("t", 2, {})
    clients = [Client(bench, f"tx-{number}") for number in range(3)]
    for client in clients:
        await client.init()
    model = Model()
    serial = 0
    for _ in range(data.draw(st.integers(3, 25), label="steps")):
        what = data.draw(
            st.sampled_from(["plain", "write", "write", "end", "end", "fence", "merge", "restart"])
        )
        partition = data.draw(st.integers(0, 1))
        client = data.draw(st.sampled_from(clients))
        serial += 1
        value = b"%d" % serial
        bench.clock.ms += data.draw(st.sampled_from([0, 10, 70_000]))
        if what == "plain":
            model.plain(partition, await bench.append(topic, partition, [value]), value)
        elif what == "write":
            offset = await client.write(topic, partition, [value])
            model.write(client.name, partition, offset, value)
        elif what == "end":
            commit = data.draw(st.booleans())
            if commit and client.name not in model.open:
                continue
            await client.end(commit=commit)
            model.end(client.name, commit=commit)
        elif what == "fence":
            await client.init()
            model.end(client.name, commit=False)
        elif what == "merge":
            await bench.log.merger.merge_backlog(topic, partition)
        else:
            await bench.restart()
    assert await bench.log.metastore.check() == []
    step = data.draw(st.sampled_from([1, 200, 1 << 20]), label="bytes of a fetch")
    for partition in range(2):
        expected = model.committed(partition, bench.log.partition(topic, partition).next_offset)
        assert await committed(bench, topic, partition, step) == expected
        assert await straight(bench, topic, partition) == expected
    end = data.draw(
        st.integers(0, bench.log.partition(topic, 0).next_offset), label="the branch's end"
    )
    branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: end}))
    expected = model.branched(0, end)
    assert await committed(bench, branch, 0, step) == expected
    assert await straight(bench, branch, 0) == expected
    client = clients[0]
    if client.name in model.open:
        await client.end(commit=True)
    offset = await client.write(branch, 0, [b"own"])
    await client.end(commit=True)
    assert await committed(bench, branch, 0, step) == [*expected, (offset, b"own")]
    assert await straight(bench, branch, 0) == [*expected, (offset, b"own")]
    assert await bench.log.metastore.check() == []


class Model:
    """What counts, by the book."""

    def __init__(self) -> None:
        self.records: dict[int, list[tuple[int, bytes, int]]] = {0: [], 1: []}
        self.fate: dict[int, bool | None] = {-1: True}  # of a transaction: committed, aborted, open
        self.open: dict[str, int] = {}
        self.ends: dict[int, dict[int, int]] = {}

    def plain(self, partition: int, offset: int, value: bytes) -> None:
        self.records[partition].append((offset, value, -1))

    def write(self, name: str, partition: int, offset: int, value: bytes) -> None:
        if name not in self.open:
            self.open[name] = len(self.fate)
            self.fate[self.open[name]] = None
        self.records[partition].append((offset, value, self.open[name]))

    def end(self, name: str, *, commit: bool) -> None:
        number = self.open.pop(name, None)
        if number is not None:
            self.fate[number] = commit
            # Its markers come behind everything that is there.
            self.ends[number] = {
                each: max((offset for offset, _, _ in records), default=-1)
                for each, records in self.records.items()
            }

    def committed(self, partition: int, end: int) -> Seen:
        records = self.records[partition]
        unstable = [offset for offset, _, number in records if self.fate[number] is None]
        end = min([end, *unstable])
        return [
            (offset, value)
            for offset, value, number in records
            if offset < end and self.fate[number]
        ]

    def branched(self, partition: int, end: int) -> Seen:
        """Of what was still open at ``end`` nothing counts: its marker lies at or behind it."""
        return [
            (offset, value)
            for offset, value, number in self.records[partition]
            if offset < end
            and self.fate[number]
            and (number == -1 or self.marker_before(number, partition, end))
        ]

    def marker_before(self, number: int, partition: int, end: int) -> bool:
        return self.markers[number, partition] < end

    @property
    def markers(self) -> dict[tuple[int, int], int]:
        """Where markers lie: offsets are dense, so each hole is one, and ends fill them in order."""
        found = {}
        for partition, records in self.records.items():
            taken = {offset for offset, _, _ in records}
            at = 0
            for number, lasts in self.ends.items():
                mine = [offset for offset, _, each in records if each == number]
                if not mine:
                    continue
                at = max(at, lasts[partition] + 1)
                while at in taken:
                    at += 1
                found[number, partition] = at
                at += 1
        return found


def test_I6_what_a_broker_has_not_heard_of_is_not_stable(run: Any) -> None:
    """Another broker's transaction is open behind the high watermark that this one knows (found by the
    simulation)."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"first"])  # 0
        log = bench.log.partition(topic, 0)
        client = Client(bench)
        await client.init()
        await client.write(topic, 0, [b"open"])  # 1
        log.next_offset, log.unstable = 1, -1  # as it was before: nobody told this broker
        found = await bench.log.reader.read_cold(log, 0, bytes_max=1 << 20, first_max=1 << 20)
        assert [header.base_offset for header, _ in batches(found.buffers)] == [0, 1]
        stable = stable_only(log, found.buffers)
        assert [header.base_offset for header, _ in batches(stable)] == [0]
        log.stale = True

    run(scenario)
