"""Compaction against a model: random lives with crashes between every step; readers see the newest of each key."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

import anabranch
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.log.reads import FetchWant
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import ALL_SHARDS, ObjectKind, Topic
from anabranch.records.batch import scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record, iter_records
from anabranch.storage.directory import DirectoryStore

from .conftest import Bench

DELETE_RETENTION_MS = 200_000
SMALL: dict[str, Any] = {
    "segment_bytes": 6_000,
    "pack_share_bytes_max": 1_500,
    "pack_bytes_max": 6_000,
    "consolidate_fan_in": 3,
    "background": False,
    "wal_file_bytes": 1 << 20,
    "wal_grace_ms": 0,
    "compaction_map_bytes": 0,  # the smallest map: 768 keys
}

Row = tuple[int, bytes | None, bytes | None, int]  # offset, key, value, timestamp


async def consume(log: Log, topic: Topic, partition: int, offset: int, max_bytes: int) -> list[Row]:
    """As a consumer does: batch by batch, from each to the offset behind it, up to the high watermark."""
    found: list[Row] = []
    end = log.partition(topic, partition).high_watermark
    while offset < end:
        (part,) = await log.fetch(
            [FetchWant(topic, partition, offset, max_bytes)],
            max_wait_ms=0,
            min_bytes=1,
            max_bytes=max_bytes,
        )
        assert part.error == 0, part.error
        assert part.buffers, f"stuck at {offset} of {end}"
        blob = memoryview(b"".join(part.buffers))
        for header in scan(blob):
            assert header.last_offset >= offset
            found += [
                (record.offset, record.key, record.value, record.timestamp)
                for record in iter_records(blob, header)
                if record.offset >= offset
            ]
            offset = header.last_offset + 1
    return found


async def compact_all(log: Log) -> int:
    assert log.background is not None
    return await log.background.compactor.run_once(ALL_SHARDS)


async def put(
    bench: Bench,
    topic: Topic,
    pairs: list[tuple[bytes | None, bytes | None]],
    partition: int = 0,
    *,
    timestamp: int | None = None,
    **options: Any,
) -> int:
    at = bench.clock() if timestamp is None else timestamp
    records = [Record(n, at + n, key, value, ()) for n, (key, value) in enumerate(pairs)]
    data = memoryview(bytearray(build_batch(records, **options)))
    return (await bench.log.append(topic, partition, data)).base_offset


@dataclass
class Kept:
    key: bytes | None
    value: bytes | None
    timestamp: int
    appended_ms: int


class Crash(Exception):
    """The process is gone."""


class Crashing:
    """Passes calls on until its turn comes; then the process vanishes before or after the call."""

    def __init__(self, at: int, after: bool) -> None:
        self.left = at
        self.after = after

    def wrap(self, original: Any) -> Any:
        async def verb(*arguments: Any, **options: Any) -> Any:
            crash = self.turn()
            if crash and not self.after:
                raise Crash
            result = await original(*arguments, **options)
            if crash:
                raise Crash
            return result

        return verb

    def turn(self) -> bool:
        self.left -= 1
        return self.left == -1


class CrashingStore:
    def __init__(self, store: Any, crashing: Crashing) -> None:
        self._store = store
        self._crashing = crashing

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, *arguments: Any, **options: Any) -> int:
        crash = self._crashing.turn()
        if crash and not self._crashing.after:
            raise Crash
        size: int = self._store.put(*arguments, **options)
        if crash:
            raise Crash
        return size


keys = st.integers(0, 7).map(lambda number: b"key-%d" % number)
values = st.one_of(st.none(), st.integers(0, 300).map(bytes))
batches = st.lists(st.tuples(keys, values), min_size=1, max_size=6)
steps_ms = st.sampled_from([0, 1_000, 20_000, 61_000, 250_000])


class CompactionMachine(RuleBasedStateMachine):
    """One compacted topic of two partitions and, now and then, a branch of it."""

    @initialize(
        lag_ms=st.sampled_from([0, 0, 30_000]),
        ratio=st.sampled_from(["0", "0.3"]),
        policy=st.sampled_from(["compact", "compact,delete"]),
    )
    def begin(self, lag_ms: int, ratio: str, policy: str) -> None:
        self.loop = asyncio.new_event_loop()
        self.root = Path(tempfile.mkdtemp())
        self.lag_ms = lag_ms
        self.configs = {
            "cleanup.policy": policy,
            "min.compaction.lag.ms": str(lag_ms),
            "min.cleanable.dirty.ratio": ratio,
            "delete.retention.ms": str(DELETE_RETENTION_MS),
            "retention.ms": "-1",
        }
        self.generation = 0
        self.bench = Bench(self.root / "0", LogSettings(**SMALL))
        self.bench.path.mkdir()
        self.bench.store = DirectoryStore(self.bench.path / "store")
        self.run(self.bench.start())
        self.run(self.bench.log.create_topic("t", 2, self.configs))
        self.model: dict[str, list[list[Kept]]] = {"t": [[], []]}
        self.starts: dict[str, list[int]] = {"t": [0, 0]}
        self.sequence = 0
        self.names = itertools.count()
        # When a delete marker may have been seen first by a pass: nothing before may drop it.
        self.unique = itertools.count()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(work)

    @property
    def log(self) -> Log:
        return self.bench.log

    def topic(self, name: str) -> Topic:
        topic = self.log.catalogue.topic(name)
        assert topic is not None
        return topic

    # -- what producers and administrators do ------------------------------------------------------
    @rule(
        partition=st.integers(0, 1),
        pairs=batches,
        codec=st.sampled_from([Codec.NONE, Codec.NONE, Codec.LZ4, Codec.ZSTD, Codec.GZIP]),
        idempotent=st.booleans(),
        back_ms=st.sampled_from([0, 0, 5_000]),
    )
    def produce(
        self,
        partition: int,
        pairs: list[tuple[bytes, bytes | None]],
        codec: Codec,
        idempotent: bool,
        back_ms: int,
    ) -> None:
        options: dict[str, Any] = {"codec": codec}
        if idempotent:
            options |= {"producer_id": 5, "producer_epoch": 0, "base_sequence": self.sequence}
            self.sequence += len(pairs)
        at = self.bench.clock() - back_ms
        unique = [
            (key, None if value is None else b"%d:" % next(self.unique) + value)
            for key, value in pairs
        ]
        topic = self.topic("t")
        if idempotent:
            # Sequences are per partition; one partition gets them all.
            partition = 0
        base = self.run(put(self.bench, topic, list(unique), partition, timestamp=at, **options))
        kept = self.model["t"][partition]
        assert base == len(kept)
        kept += [
            Kept(key, value, at + n, self.bench.clock()) for n, (key, value) in enumerate(unique)
        ]

    @rule(step_ms=steps_ms)
    def time_passes(self, step_ms: int) -> None:
        self.bench.clock.ms += step_ms

    @rule()
    def merge(self) -> None:
        self.bench.clock.ms += 61_000
        assert self.log.background is not None
        self.run(self.log.background.merge())

    @rule(step_ms=steps_ms)
    def settle(self, step_ms: int) -> None:
        """Everything merged and compacted, whether it is due or not."""
        self.merge()
        for partition in range(2):
            self.compact(partition)
        self.bench.clock.ms += step_ms

    @rule()
    def repack_and_collect(self) -> None:
        assert self.log.background is not None
        self.run(self.log.background.repack())
        self.run(self.log.background.collect())
        self.bench.clock.ms += 25 * 3_600_000
        self.run(self.log.background.collect())

    @rule()
    def compact_what_is_due(self) -> None:
        self.run(compact_all(self.log))

    @rule(partition=st.integers(0, 1))
    def compact(self, partition: int) -> None:
        background = self.log.background
        assert background is not None
        self.run(background.compactor.compact(self.topic("t"), partition))

    @rule(at=st.integers(0, 12), after=st.booleans())
    def crash_while_compacting(self, at: int, after: bool) -> None:
        """I4: at any step of a pass: names, objects, indexes, swaps, and what is recorded beside them."""
        self.bench.clock.ms += 61_000
        background = self.log.background
        assert background is not None
        self.run(background.merge())
        crashing = Crashing(at, after)
        metastore = self.log.metastore
        for verb in ("create_object", "replace_many", "begin_compaction", "finish_compaction"):
            setattr(metastore, verb, crashing.wrap(getattr(metastore, verb)))
        rewriter = background.compactor._rewriter
        rewriter._objects._store = CrashingStore(rewriter._objects._store, crashing)  # type: ignore[assignment]
        try:
            self.run(compact_all(self.log))
        except Crash:
            pass
        self.vanish()

    @rule(at=st.integers(0, 40), partition=st.integers(0, 1))
    def delete_records(self, at: int, partition: int) -> None:
        topic = self.topic("t")
        at = min(at, len(self.model["t"][partition]))
        start = self.run(self.log.delete_records(topic, partition, at))
        self.starts["t"][partition] = max(start, self.starts["t"][partition])

    @precondition(lambda self: len(self.model) < 3)
    @rule(share=st.floats(0, 1))
    def branch(self, share: float) -> None:
        """I7: a branch at a compacted point, also in a hole."""
        ends = {
            partition: start + int(share * (len(kept) - start))
            for partition, (kept, start) in enumerate(
                zip(self.model["t"], self.starts["t"], strict=True)
            )
        }
        name = f"b{next(self.names)}"
        self.before = {
            partition: self.run(
                consume(self.log, self.topic("t"), partition, self.starts["t"][partition], 900)
            )
            for partition in ends
        }
        self.run(self.log.branch(self.topic("t"), name, BranchPoint(offsets=ends)))
        self.model[name] = [kept[: ends[p]] for p, kept in enumerate(self.model["t"])]
        self.starts[name] = list(self.starts["t"])
        for partition, end in ends.items():
            found = self.run(
                consume(self.log, self.topic(name), partition, self.starts[name][partition], 900)
            )
            source = self.run(
                consume(self.log, self.topic("t"), partition, self.starts["t"][partition], 900)
            )
            # The source's tail may still show what compaction removed from the store.
            expected = [row for row in source if row[0] < end]
            assert {row[0] for row in found} <= {row[0] for row in expected}

    @rule()
    def restart(self) -> None:
        self.run(self.bench.restart())

    def vanish(self) -> None:
        """What a process leaves on disk is taken over by another one."""
        self.generation += 1
        target = self.root / str(self.generation)
        shutil.copytree(
            self.bench.path, target, ignore=shutil.ignore_patterns("*-shm", "*.lock", "*.tmp")
        )
        old, self.bench = self.bench, Bench(target, LogSettings(**SMALL))
        self.bench.clock, self.bench._topic_ids = old.clock, old._topic_ids
        self.run(old.log.close())
        shutil.rmtree(old.path)
        self.run(self.bench.start())

    # -- what always holds ---------------------------------------------------------------------------
    @invariant()
    def everyone_sees_the_newest_of_each_key(self) -> None:
        for name, partitions in self.model.items():
            for partition, kept in enumerate(partitions):
                start = self.starts[name][partition]
                topic = self.topic(name)
                rows = self.run(consume(self.log, topic, partition, start, 700))
                self.judge(name, partition, kept, start, rows)

    def judge(
        self, name: str, partition: int, kept: list[Kept], start: int, rows: list[Row]
    ) -> None:
        offsets = [row[0] for row in rows]
        assert offsets == sorted(set(offsets))
        for offset, key, value, timestamp in rows:
            record = kept[offset]
            assert (key, value, timestamp) == (record.key, record.value, record.timestamp), "I2"
        topic = self.topic(name)
        state = self.run(self.log.metastore.compaction(topic.no, partition))
        gap_end = state.gap_end if state is not None else 0
        shown = set(offsets)
        missing = [offset for offset in range(start, len(kept)) if offset not in shown]
        assert all(offset < gap_end for offset in missing), "I2: removed without a gap that says so"
        now_ms = self.bench.clock()
        newest: dict[bytes | None, int] = {}
        for offset, record in enumerate(kept):
            newest[record.key] = offset
        if name == "t":
            for key, offset in newest.items():
                if offset < start:
                    continue
                record = kept[offset]
                older = [row[0] for row in rows if row[1] == key and row[0] < offset]
                if record.value is not None:
                    assert offset in shown, f"the newest value of {key!r} is gone"
                elif offset not in shown:
                    assert not older, f"an older value of {key!r} came back"
                    assert now_ms - record.appended_ms > DELETE_RETENTION_MS
            young = [o for o in missing if now_ms - kept[o].appended_ms < self.lag_ms]
            assert not young, "min.compaction.lag.ms"

    @invariant()
    def below_the_cleaned_end_each_key_is_there_once(self) -> None:
        """Read from the store, past the tail: I2, and that compaction does something at all."""
        topic = self.topic("t")
        for partition, start in enumerate(self.starts["t"]):
            state = self.run(self.log.metastore.compaction(topic.no, partition))
            if state is None:
                continue
            extents = self.run(self.log.metastore.extents_from(topic.no, partition, start, 100_000))
            seen: set[bytes] = set()
            at = extents[0].base_offset if extents else 0
            for extent in extents:
                assert extent.base_offset == at, "extents go on tiling the offsets"
                at = extent.last_offset + 1
                if extent.kind is ObjectKind.WAL:
                    continue
                for run in self.log.extents.chunks(extent, verify=True):
                    for header in scan(run):
                        for record in iter_records(run, header):
                            if start <= record.offset < state.cleaned_end:
                                assert record.key not in seen, (record, state)
                                seen.add(record.key or b"")
            assert not extents or at == len(self.model["t"][partition])

    @invariant()
    def the_metastore_is_sound(self) -> None:
        assert self.run(self.log.metastore.check()) == []

    @invariant()
    def times_and_the_bucket_reader_agree_with_what_consumers_see(self) -> None:
        topic = self.topic("t")
        partition = self.generation % 2
        start = self.starts["t"][partition]
        self.run(self.log.catalogue.reload())
        rows = self.run(consume(self.log, topic, partition, start, 1 << 20))
        in_store = [
            row
            for batch in anabranch.read(self.bench.location, "t", partitions=[partition])
            for row in zip(
                batch["offset"].to_pylist(),
                batch["key"].to_pylist(),
                batch["value"].to_pylist(),
                strict=True,
            )
        ]
        assert set(in_store) <= {row[:3] for row in rows}
        assert [row[0] for row in in_store] == sorted({row[0] for row in in_store})
        times = {row[0]: row[3] for row in rows}
        if in_store:
            middle = times[in_store[len(in_store) // 2][0]]
            for asked in (0, middle, middle + 1):
                answer = self.run(self.log.list_offset(topic, partition, asked))
                expected = next((o for o, _, _ in in_store if times[o] >= asked), -1)
                assert answer.offset == expected, (asked, in_store)

    def teardown(self) -> None:
        try:
            if hasattr(self, "bench"):
                for _ in range(3):
                    self.merge()
                    for partition in range(2):
                        self.compact(partition)
                self.restart()
                self.everyone_sees_the_newest_of_each_key()
                self.below_the_cleaned_end_each_key_is_there_once()
        finally:
            if hasattr(self, "bench"):
                self.run(self.log.close())
                self.loop.close()
                shutil.rmtree(self.root)


TestCompaction = CompactionMachine.TestCase
TestCompaction.settings = settings(
    max_examples=25,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
