"""Random lives of a log beside a small model: appends, reads, background work, branches, faults, crashes.

A step is one operation on a real log (SQLite, WAL files, a directory as store) and on the model of
``model.py``; after each the invariants are compared by name. The clock moves only where a step says so.
``ANABRANCH_LOG_EXAMPLES=500`` runs more lives; a failure prints the steps that repeat it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from anabranch.errors import ClientFault, Corrupt, ErrorCode, StoreFault
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.log.reader import plan_splits, read_splits
from anabranch.log.reads import FetchWant
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Handover, ObjectKind, Topic
from anabranch.records.batch import scan
from anabranch.storage.blockcache import BLOCK_BYTES
from anabranch.storage.directory import DirectoryStore
from anabranch.storage.faulty import Fault, Faulty
from anabranch.storage.store import Store
from anabranch.storage.wal_file import FileWal

from .conftest import Bench, decode
from .model import ModelPartition, ModelTopic

EXAMPLES = int(os.environ.get("ANABRANCH_LOG_EXAMPLES", "0"))
FAST_DISK = Path("/dev/shm")  # fdatasync costs nothing here; what it is worth is tested elsewhere
TOPICS_MAX = 5

# Small enough that a life of forty steps rolls WAL files, evicts the tail, consolidates and collects.
SETTINGS = LogSettings(
    background=False,
    flush_bytes_max=6_000,
    tail_bytes_max=8_000,
    wal_file_bytes=5 * 4096,
    segment_bytes=24_000,
    consolidate_fan_in=3,
    cold_cache_bytes=3 << 20,
    cold_read_bytes=5_000,
    extents_per_read=3,
    cold_threads=2,
    wal_grace_ms=10_000,
    object_grace_ms=3_600_000,
)
CONFIGS = (
    {},
    {"retention.ms": "60000"},
    {"retention.bytes": "4000", "retention.ms": "-1"},
    {"message.timestamp.type": "LogAppendTime"},
)

T = TypeVar("T")
numbers = st.integers(0, 1 << 16)  # chooses one of whatever there is
sizes = st.lists(st.sampled_from([1, 10, 300, 2500]), min_size=1, max_size=4)
steps_ms = st.sampled_from([1_000, 5_000, 61_000, 3_700_000, 25 * 3_600_000])
skews_ms = st.sampled_from([0, 0, -40_000, 90_000])  # event times are not append times


class LogMachine(RuleBasedStateMachine):
    """One cluster's life."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        place = FAST_DISK if os.access(FAST_DISK, os.W_OK) else None
        self.root = Path(tempfile.mkdtemp(prefix="anabranch-machine-", dir=place))
        self.generation = 0
        self.topics: dict[str, ModelTopic] = {}
        self.deleted: list[Topic] = []
        self.count = 0
        self.names = 0
        self.store_fault: Callable[[str], Fault | None] = lambda operation: None
        self.bench = self.make_bench(self.root / "0")
        self.run(self.bench.start())

    # -- plumbing --------------------------------------------------------------------------------
    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(coroutine, 60))

    def make_bench(self, path: Path) -> Bench:
        path.mkdir(exist_ok=True)
        bench = Bench(path, SETTINGS)
        store: Store = DirectoryStore(path / "store")
        bench.store = Faulty(store, lambda operation, key: self.store_fault(operation))
        return bench

    @property
    def log(self) -> Log:
        return self.bench.log

    def topic(self, name: str) -> Topic:
        found = self.log.catalogue.topic(name)
        assert found is not None, name
        return found

    def pick(self, number: int) -> tuple[str, int, ModelPartition]:
        """A partition of a topic."""
        every = [
            (name, index, partition)
            for name, topic in self.topics.items()
            for index, partition in enumerate(topic.partitions)
        ]
        return every[number % len(every)]

    def values(self, sizes: list[int]) -> list[bytes]:
        found = []
        for size in sizes:
            self.count += 1
            found.append(b"%d." % self.count + bytes(size))
        return found

    def stamps(self, name: str, values: list[bytes], skew_ms: int) -> list[int]:
        """Event times that the log will give the records."""
        now_ms = self.bench.clock()
        if self.topics[name].configs.get("message.timestamp.type") == "LogAppendTime":
            return [now_ms] * len(values)
        return [now_ms + skew_ms + n for n in range(len(values))]

    def batch(
        self, values: list[bytes], skew_ms: int, producer: tuple[int, int, int] | None
    ) -> memoryview:
        options: dict[str, int] = {}
        if producer is not None:
            options = dict(
                zip(("producer_id", "producer_epoch", "base_sequence"), producer, strict=True)
            )
        return self.bench.batch(values, timestamp=self.bench.clock() + skew_ms, **options)

    async def offset_of(self, future: asyncio.Future[Any]) -> int | ErrorCode:
        try:
            appended = await future
        except ClientFault as fault:
            return fault.code
        base_offset: int = appended.base_offset
        return base_offset

    # -- appends ---------------------------------------------------------------------------------
    @initialize(kind=numbers, partitions=st.integers(1, 2))
    def first_topic(self, kind: int, partitions: int) -> None:
        self.create(kind, partitions)

    @precondition(lambda self: len(self.topics) < TOPICS_MAX)
    @rule(kind=numbers, partitions=st.integers(1, 2))
    def create(self, kind: int, partitions: int) -> None:
        self.names += 1
        name = f"t{self.names}"
        configs = CONFIGS[kind % len(CONFIGS)]
        self.run(self.log.create_topic(name, partitions, configs))
        self.topics[name] = ModelTopic(configs, [ModelPartition() for _ in range(partitions)])

    @precondition(lambda self: self.topics)
    @rule(which=st.lists(st.tuples(numbers, sizes), min_size=1, max_size=6), skew_ms=skews_ms)
    def append(self, which: list[tuple[int, list[int]]], skew_ms: int) -> None:
        """Several appends at once: a flush or two over several partitions."""

        async def step() -> None:
            appends = []
            for number, record_sizes in which:
                name, index, partition = self.pick(number)
                values = self.values(record_sizes)
                stamps = self.stamps(name, values, skew_ms)
                future = self.log.append(self.topic(name), index, self.batch(values, skew_ms, None))
                appends.append((future, partition.append(values, stamps, self.bench.clock())))
            for future, expected in appends:
                assert await self.offset_of(future) == expected, "I2: offsets in queue order"

        self.run(step())

    @precondition(lambda self: self.topics)
    @rule(
        number=numbers,
        pid=st.integers(1, 2),
        moves=st.lists(
            st.sampled_from(["next", "next", "retry", "hole", "fenced", "bump", "old"]),
            min_size=1,
            max_size=8,
        ),
        lost=st.sampled_from([None, None, None, "before", "after"]),
        at_once=st.booleans(),
    )
    def produce(
        self, number: int, pid: int, moves: list[str], lost: str | None, at_once: bool
    ) -> None:
        """I5: an idempotent producer that retries, leaves holes, is fenced, and loses answers."""
        name, index, partition = self.pick(number)
        topic = self.topic(name)
        sent = []
        for move in moves:
            known = partition.producers.get(pid)
            epoch = known.epoch if known is not None else 0
            sequence = known.batches[-1][1] + 1 if known is not None else 0
            values = self.values([5])
            if move == "retry" and known is not None:
                first, last, offset = known.batches[-1 - (self.count % len(known.batches))]
                values = [
                    kept.value for kept in partition.records[offset : offset + 1 + last - first]
                ]
                sequence = first
            elif move == "old" and known is not None:
                sequence = max(0, known.batches[0][0] - 1)
            elif move == "hole":
                sequence += 3
            elif move == "fenced":
                epoch -= 1
            elif move == "bump":
                epoch, sequence = epoch + 1, 0
            if epoch < 0:
                continue
            producer = (pid, epoch, sequence)
            stamps = self.stamps(name, values, 0)
            data = self.batch(values, 0, producer)
            sent.append((data, partition.append(values, stamps, self.bench.clock(), producer)))

        async def step() -> None:
            futures = []
            for data, expected in sent:
                futures.append((self.log.append(topic, index, data), expected))
                if not at_once:
                    assert await self.offset_of(futures[-1][0]) == expected
            for future, expected in futures:
                assert await self.offset_of(future) == expected

        async def with_lost_answer() -> None:
            """The commit's outcome is unknown to the producer, which sends everything once more."""
            original = self.log.metastore.commit_flush

            async def failing(flush: Handover, now_ms: int) -> Any:
                if lost == "after":
                    await original(flush, now_ms)
                raise StoreFault("injected: the answer was lost")

            self.log.metastore.commit_flush = failing  # type: ignore[method-assign]
            copies = [memoryview(bytearray(data)) for data, _ in sent]
            try:
                futures = [self.log.append(topic, index, data) for data in copies]
                for answer in await asyncio.gather(*map(self.offset_of, futures)):
                    assert answer is ErrorCode.KAFKA_STORAGE_ERROR or isinstance(
                        answer, int | ErrorCode
                    )
            finally:
                del self.log.metastore.commit_flush
            for data, expected in sent:
                if isinstance(expected, int):  # what was refused is not sent again
                    future = self.log.append(topic, index, data)
                    assert await self.offset_of(future) == expected, "I5"

        if lost is not None and len(sent) <= 5 and "bump" not in moves:
            self.run(with_lost_answer())
        else:
            self.run(step())

    @precondition(lambda self: self.topics)
    @rule(number=numbers, record_sizes=sizes, own=st.booleans())
    def another_broker_appends(self, number: int, record_sizes: list[int], own: bool) -> None:
        """The metastore is the judge: whoever comes second goes behind."""
        name, index, partition = self.pick(number)
        other = self.make_bench(self.bench.path)
        other.clock = self.bench.clock

        async def step() -> None:
            for broker in (other, self.bench) if own else (other,):
                if broker is other:
                    await other.start()
                values = self.values(record_sizes)
                topic = broker.log.catalogue.topic(name)
                assert topic is not None
                expected = partition.append(
                    values, self.stamps(name, values, 0), self.bench.clock()
                )
                future = broker.log.append(topic, index, self.batch(values, 0, None))
                assert await self.offset_of(future) == expected
            await other.log.close()
            await self.log.catalogue.reload()

        self.run(step())

    @precondition(lambda self: self.topics)
    @rule(number=numbers, record_sizes=sizes, then_reload=st.booleans())
    def append_while_the_catalogue_reloads(
        self, number: int, record_sizes: list[int], then_reload: bool
    ) -> None:
        name, index, partition = self.pick(number)
        values = self.values(record_sizes)
        expected = partition.append(values, self.stamps(name, values, 0), self.bench.clock())

        async def step() -> None:
            future = self.log.append(self.topic(name), index, self.batch(values, 0, None))
            while not future.done():
                await self.log.catalogue.reload()
                await asyncio.sleep(0)
            assert await self.offset_of(future) == expected

        self.run(step())

    @precondition(lambda self: self.topics)
    @rule(number=numbers, record_sizes=sizes)
    def append_to_a_failing_wal(self, number: int, record_sizes: list[int]) -> None:
        """I1: what is not durable is not acknowledged, and nothing of it is seen."""
        name, index, _ = self.pick(number)

        async def step() -> None:
            original = FileWal.write

            def refuse(wal: FileWal, parts: Any, *rest: Any) -> Any:
                if wal.directory.path == self.bench.path / "wal":
                    raise StoreFault("injected: no space left on device")
                return original(wal, parts, *rest)

            FileWal.write = refuse  # type: ignore[method-assign]
            try:
                data = self.batch(self.values(record_sizes), 0, None)
                answer = await self.offset_of(self.log.append(self.topic(name), index, data))
            finally:
                FileWal.write = original  # type: ignore[method-assign]
            assert answer is ErrorCode.KAFKA_STORAGE_ERROR

        self.run(step())

    # -- reads -----------------------------------------------------------------------------------
    @precondition(lambda self: self.topics)
    @rule(
        wants=st.lists(
            st.tuples(numbers, numbers, st.sampled_from([0, 1, 400, 4_000, 1 << 20])),
            min_size=1,
            max_size=4,
        ),
        max_bytes=st.sampled_from([0, 1, 500, 6_000, 1 << 20]),
    )
    def fetch(self, wants: list[tuple[int, int, int]], max_bytes: int) -> None:
        asked = []
        for number, at, limit in wants:
            name, index, partition = self.pick(number)
            offset = at % (partition.next_offset + 2)
            asked.append((FetchWant(self.topic(name), index, offset, limit), partition))
        parts = self.run(
            self.log.fetch(
                [want for want, _ in asked], max_wait_ms=0, min_bytes=1, max_bytes=max_bytes
            )
        )
        total = sum(part.bytes for part in parts)
        counts = [len(list(scan(b"".join(part.buffers)))) for part in parts]
        over = 0
        for (want, partition), part, count in zip(asked, parts, counts, strict=True):
            if not partition.log_start <= want.offset <= partition.next_offset:
                assert part.error is ErrorCode.OFFSET_OUT_OF_RANGE
                continue
            assert part.error is ErrorCode.NONE
            assert (part.log_start, part.high_watermark) == (
                partition.log_start,
                partition.next_offset,
            )
            records = decode(part.buffers)
            found = [record for record in records if record[0] >= want.offset]
            expected = partition.readable(want.offset)
            assert found == expected[: len(found)], "I1: what was acknowledged, in its place"
            assert part.bytes == sum(map(len, part.buffers))
            if part.buffers:
                assert records[0][0] <= want.offset, "starts with the batch that holds the offset"
                over += part.bytes > want.max_bytes
                assert part.bytes <= want.max_bytes or count == 1
            elif expected:
                assert total > 0, "at least one batch for the request"
        assert over <= 1, "one batch may be larger than its partition's limit (KIP-74)"
        assert total <= max_bytes or sum(counts) == 1, "I10"

    @precondition(lambda self: self.topics)
    @rule(number=numbers, back_ms=st.sampled_from([-100_000, 0, 1, 1_000, 5_001, 61_000, 10**9]))
    def list_offset(self, number: int, back_ms: int) -> None:
        name, index, partition = self.pick(number)
        timestamp = self.bench.clock() - back_ms

        async def at(timestamp: int) -> tuple[int, int]:
            answer = await self.log.list_offset(self.topic(name), index, timestamp)
            return answer.offset, answer.timestamp

        async def step() -> None:
            assert await at(-1) == (partition.next_offset, -1)
            assert await at(-2) == (partition.log_start, -1)
            assert await at(timestamp) == partition.at_or_after(timestamp)
            newest = await at(-3)
            assert newest == partition.newest() or (
                newest == (-1, -1) and partition.newest_was_deleted()
            )

        self.run(step())

    @precondition(lambda self: self.topics)
    @rule(number=numbers, first=numbers, last=numbers)
    def read_from_the_bucket(self, number: int, first: int, last: int) -> None:
        name, index, partition = self.pick(number)
        span = partition.next_offset - partition.log_start + 1
        start = partition.log_start + first % span
        end = partition.log_start + last % span

        async def step() -> list[Any]:
            return await plan_splits(
                self.log,
                self.topic(name),
                start={index: start},
                end={index: end},
                partitions=[index],
            )

        found = [
            row
            for batch in read_splits(self.run(step()), threads=2)
            for row in zip(
                batch.column("offset").to_pylist(), batch.column("value").to_pylist(), strict=True
            )
        ]
        assert found == partition.readable(start)[: max(0, end - start)]

    # -- what takes records away -----------------------------------------------------------------
    @precondition(lambda self: self.topics)
    @rule(number=numbers, at=numbers)
    def delete_records(self, number: int, at: int) -> None:
        name, index, partition = self.pick(number)
        offset = at % (partition.next_offset + 2)

        async def step() -> int | ErrorCode:
            try:
                return await self.log.delete_records(self.topic(name), index, offset)
            except ClientFault as fault:
                return fault.code

        answer = self.run(step())
        if offset > partition.next_offset:
            assert answer is ErrorCode.OFFSET_OUT_OF_RANGE
            return
        partition.log_start = max(partition.log_start, offset)
        assert answer == partition.log_start

    @rule(step_ms=steps_ms)
    def time_passes(self, step_ms: int) -> None:
        self.bench.clock.ms += step_ms

    @rule(
        job=st.sampled_from(["merge", "collect", "expire", "retain", "everything"]),
        step_ms=steps_ms,
    )
    def background(self, job: str, step_ms: int) -> None:
        """Bounded passes that readers only notice by the rules of retention."""
        self.bench.clock.ms += step_ms
        background = self.log.background
        assert background is not None
        jobs: dict[str, Callable[[], Coroutine[Any, Any, None]]] = {
            "merge": background.merge,
            "collect": background.collect,
            "expire": background.expire,
            "retain": background.retain,
            "everything": background.run_once,
        }
        self.run(jobs[job]())
        self.retention_may_have_passed(exactly=job == "retain")

    def retention_may_have_passed(self, *, exactly: bool) -> None:
        """I2: retention takes only what its rule allows, leaves only what it must."""
        now_ms = self.bench.clock()
        for name, topic in self.topics.items():
            retention_ms = int(topic.configs.get("retention.ms", 7 * 24 * 3_600_000))
            retention_bytes = int(topic.configs.get("retention.bytes", -1))
            for index, partition in enumerate(topic.partitions):
                row = self.run(self.log.metastore.partition(self.topic(name).no, index))
                assert row is not None
                taken = partition.records[partition.log_start : row.log_start]
                if not taken:
                    assert row.log_start == partition.log_start
                    continue
                assert retention_ms >= 0 or retention_bytes >= 0
                if retention_bytes < 0:
                    # No record counts as younger than its append, whatever its timestamp says.
                    assert all(
                        min(kept.timestamp, kept.appended_ms) < now_ms - retention_ms
                        for kept in taken
                    )
                elif retention_ms < 0:
                    left = partition.records[row.log_start :]
                    assert sum(len(kept.value) + 100 for kept in left) + 200 >= retention_bytes
                partition.log_start = row.log_start
                if exactly and retention_ms >= 0 and partition.log_start < partition.next_offset:
                    # The oldest extent left holds something young enough; it is in what is left.
                    left = partition.records[partition.log_start :]
                    assert any(kept.timestamp >= now_ms - retention_ms for kept in left)

    @precondition(lambda self: self.topics)
    @rule(number=numbers, consolidate=st.booleans(), fault=st.sampled_from([None, None, *Fault]))
    def merge(self, number: int, consolidate: bool, fault: Fault | None) -> None:
        """Reads are the same before and after, also if the store fails in the middle."""
        name, index, _ = self.pick(number)
        self.inject(fault, after=self.count % 3)

        async def step() -> None:
            try:
                await self.log.merger.merge_backlog(self.topic(name), index)
                while consolidate and await self.log.merger.consolidate(self.topic(name), index):
                    pass
            except (StoreFault, Corrupt) as error:
                assert fault is not None, error

        try:
            self.run(step())
        finally:
            self.inject(None)
        if fault is None:
            (kinds,) = (self.kinds(name, index),)
            assert ObjectKind.WAL not in kinds

    def inject(self, fault: Fault | None, after: int = 0) -> None:
        calls = iter(range(1 << 30))
        self.store_fault = lambda operation: fault if next(calls) >= after else None

    def kinds(self, name: str, index: int) -> set[ObjectKind]:
        extents = self.run(self.log.metastore.extents_from(self.topic(name).no, index, 0, 10_000))
        return {extent.kind for extent in extents}

    @precondition(lambda self: 0 < len(self.topics) < TOPICS_MAX)
    @rule(number=numbers, rounds=st.integers(1, 6), record_sizes=sizes, jump_ms=steps_ms)
    def all_at_once(self, number: int, rounds: int, record_sizes: list[int], jump_ms: int) -> None:
        """A producer, a consumer, merges, collection, reloads and a branch, between each other's awaits."""
        name, index, partition = self.pick(number)
        topic, log, clock = self.topic(name), self.log, self.bench.clock
        start = partition.log_start
        background = log.background
        assert background is not None

        async def produce() -> None:
            for _ in range(rounds):
                values = self.values(record_sizes)
                stamps = self.stamps(name, values, 0)
                future = log.append(topic, index, self.batch(values, 0, None))
                assert await self.offset_of(future) == partition.append(values, stamps, clock())
                clock.ms += jump_ms

        async def consume() -> list[tuple[int, bytes]]:
            end = partition.next_offset + rounds * len(record_sizes)
            found: list[tuple[int, bytes]] = []
            while start + len(found) < end:
                offset = start + len(found)
                (part,) = await log.fetch(
                    [FetchWant(topic, index, offset, 1500)],
                    max_wait_ms=10_000,
                    min_bytes=1,
                    max_bytes=1500,
                )
                assert part.error is ErrorCode.NONE and part.bytes
                found += [record for record in decode(part.buffers) if record[0] >= offset]
            return found

        async def disturb() -> None:
            for _ in range(rounds + 2):
                await log.merger.merge_backlog(topic, index)
                await log.merger.consolidate(topic, index)
                await background.collect()
                await log.catalogue.reload()

        async def branch() -> Topic:
            return await log.branch(topic, f"b{self.names}", BranchPoint())

        async def step() -> Topic:
            _, found, _, made = await asyncio.gather(produce(), consume(), disturb(), branch())
            assert found == partition.readable(start), "I1, I2"
            return made

        self.names += 1
        made = self.run(step())
        assert made.origin is not None
        ends = made.origin.ends
        self.topics[made.name] = ModelTopic(
            self.topics[name].configs,
            [
                each.branch(end)
                for each, end in zip(self.topics[name].partitions, ends, strict=True)
            ],
        )
        self.everything_is_readable(name, made.name)

    # -- branches and topics ---------------------------------------------------------------------
    @precondition(lambda self: 0 < len(self.topics) < TOPICS_MAX)
    @rule(
        number=numbers,
        how=st.sampled_from(["end", "offsets", "append time", "event time"]),
        at=numbers,
        back_ms=st.sampled_from([0, 1_000, 5_000, 6_000, 61_000, 62_000, 10**9]),
    )
    def branch(self, number: int, how: str, at: int, back_ms: int) -> None:
        """I7: the branch holds exactly the past that was asked for; its source stays as it is."""
        source, _, _ = self.pick(number)
        model = self.topics[source]
        then_ms = self.bench.clock() - back_ms
        if how == "end":
            point = BranchPoint()
            ends = [partition.next_offset for partition in model.partitions]
        elif how == "offsets":
            ends = [
                partition.log_start + at % (partition.next_offset - partition.log_start + 1)
                for partition in model.partitions
            ]
            point = BranchPoint(offsets=dict(enumerate(ends)))
        elif how == "append time":
            point = BranchPoint(append_time_ms=then_ms)
            ends = [partition.end_by_append_time(then_ms) for partition in model.partitions]
        else:
            point = BranchPoint(event_time_ms=then_ms)
            ends = [partition.end_by_event_time(then_ms) for partition in model.partitions]
        self.names += 1
        name = f"b{self.names}"
        branch = self.run(self.log.branch(self.topic(source), name, point))
        assert branch.origin is not None
        assert list(branch.origin.ends) == ends
        self.topics[name] = ModelTopic(
            model.configs,
            [partition.branch(end) for partition, end in zip(model.partitions, ends, strict=True)],
        )
        self.everything_is_readable(name)

    @precondition(lambda self: len(self.topics) > 1)
    @rule(number=numbers)
    def delete_topic(self, number: int) -> None:
        name, _, _ = self.pick(number)
        topic = self.topic(name)

        async def step() -> None:
            poll = asyncio.ensure_future(
                self.log.fetch(
                    [FetchWant(topic, 0, self.topics[name].partitions[0].next_offset, 100)],
                    max_wait_ms=60_000,
                    min_bytes=1,
                    max_bytes=100,
                )
            )
            await asyncio.sleep(0)
            await self.log.delete_topic(topic)
            (part,) = await poll
            assert part.error is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

        self.run(step())
        del self.topics[name]

    # -- ends of processes -----------------------------------------------------------------------
    @rule()
    def restart(self) -> None:
        self.run(self.bench.restart())
        self.everything_is_readable()

    @rule()
    def crash(self) -> None:
        """I4: a process that vanishes: what it left on disk is copied and opened by another one."""
        path = self.copy()
        self.move_to(path)

    @precondition(lambda self: self.topics)
    @rule(number=numbers, record_sizes=sizes, committed=st.booleans())
    def crash_within_an_append(self, number: int, record_sizes: list[int], committed: bool) -> None:
        """I1, I4: between the WAL write and the answer, before or after the commit."""
        name, index, partition = self.pick(number)
        values = self.values(record_sizes)
        copies: list[Path] = []

        async def step() -> None:
            original = self.log.metastore.commit_flush

            async def crashing(flush: Handover, now_ms: int) -> Any:
                if committed:
                    await original(flush, now_ms)
                else:
                    await flush.given()  # its bytes are durable
                copies.append(self.copy())
                raise StoreFault("injected: nobody is there any more")

            self.log.metastore.commit_flush = crashing  # type: ignore[method-assign]
            data = self.batch(values, 0, None)
            await self.offset_of(self.log.append(self.topic(name), index, data))

        self.run(step())
        if committed:
            partition.append(values, self.stamps(name, values, 0), self.bench.clock())
        self.move_to(copies[0])

    def copy(self) -> Path:
        self.generation += 1
        target = self.root / str(self.generation)
        shutil.copytree(
            self.bench.path, target, ignore=shutil.ignore_patterns("*-shm", "*.lock", "*.tmp")
        )
        return target

    def move_to(self, path: Path) -> None:
        old, self.bench = self.bench, self.make_bench(path)
        self.bench.clock = old.clock
        self.bench._topic_ids = old._topic_ids
        self.run(old.log.close())
        shutil.rmtree(old.path)
        self.run(self.bench.start())
        self.everything_is_readable()

    # -- invariants ------------------------------------------------------------------------------
    def everything_is_readable(self, *names: str) -> None:
        for name in names or self.topics:
            for index, partition in enumerate(self.topics[name].partitions):
                found = self.run(self.bench.values(self.topic(name), index, partition.log_start))
                expected = partition.readable(0)
                bad = [
                    n
                    for n, pair in enumerate(zip(found, expected, strict=False))
                    if len(set(pair)) > 1
                ]
                where = (
                    f"{name}/{index}: {len(found)} of {len(expected)} records, wrong at {bad[:1]}"
                )
                assert found == expected, f"I1, I2, I7: {where}"

    @invariant()
    def handles_agree_with_the_metastore_and_the_model(self) -> None:
        for name, topic in self.topics.items():
            for index, partition in enumerate(topic.partitions):
                handle = self.log.partition(self.topic(name), index)
                handle.check()
                assert (handle.log_start, handle.next_offset) == (
                    partition.log_start,
                    partition.next_offset,
                ), f"I2: {name}/{index}"
                runs = handle.tail._runs[handle.tail._head :]
                for one, after in pairwise(runs):
                    assert one.last_offset + 1 == after.base_offset
                if runs:
                    assert runs[-1].last_offset + 1 == handle.next_offset
                assert not handle.waiters

    @invariant()
    def metastore_is_sound(self) -> None:
        assert self.run(self.log.metastore.check()) == []

    @invariant()
    def I3_every_extent_has_its_object(self) -> None:
        wal = {info.key for info in self.log.wal_reader.objects()}
        segments = {info.key for info in self.bench.store.list("")}
        for name, topic in self.topics.items():
            for index in range(len(topic.partitions)):
                extents = self.run(
                    self.log.metastore.extents_from(self.topic(name).no, index, 0, 10_000)
                )
                for extent in extents:
                    assert extent.object_key in wal | segments, extent

    @invariant()
    def I10_what_is_held_is_bounded(self) -> None:
        assert self.log.queued_bytes == 0 and self.log.has_room()
        pipeline = self.log.pipeline
        assert pipeline is not None and not pipeline._in_flight
        budget = pipeline._budget
        assert budget.bytes_held <= budget.bytes_max or len(budget._order) == 1
        cold = self.log.cold
        assert cold.blocks.shared.bytes_held <= max(SETTINGS.cold_cache_bytes, BLOCK_BYTES)
        assert cold.placed.bytes_held <= SETTINGS.recent_cache_bytes
        assert self.log.reader.budget.held_bytes == 0
        live = sum(len(topic.partitions) for topic in self.topics.values())
        assert len(self.log.catalogue.partitions()) == live

    def teardown(self) -> None:
        try:
            self.everything_is_readable()
            self.run(self.bench.restart())
            self.everything_is_readable()
        finally:
            self.run(self.log.close())
            self.loop.close()
            shutil.rmtree(self.root)


TestLogMachine = LogMachine.TestCase
TestLogMachine.settings = settings(
    max_examples=EXAMPLES or 30,
    stateful_step_count=40,
    deadline=None,
    derandomize=not EXAMPLES,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
        HealthCheck.filter_too_much,
    ],
)


def test_a_record_that_is_dated_ahead_is_retained_no_longer_than_others() -> None:
    life = LogMachine()
    try:
        life.first_topic(kind=1, partitions=1)  # a minute of retention
        life.append(which=[(0, [10])], skew_ms=90_000)
        life.background(job="retain", step_ms=61_000)
        assert life.topics["t1"].partitions[0].log_start == 1
    finally:
        life.teardown()
