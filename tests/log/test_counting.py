"""Counting records between offsets, against reading them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from anabranch.log import extents
from anabranch.log.branch import BranchPoint
from anabranch.log.counting import STALE_READS_MAX, Allowance, RecordCounter
from anabranch.log.counts import Count, Tally
from anabranch.log.reader import plan_splits, read_splits
from anabranch.log.settings import LogSettings
from anabranch.metastore.api import Extent, Topic
from anabranch.storage import segment
from anabranch.storage.pack import PackIndex, PackIndexBuilder
from anabranch.storage.segment import SegmentIndex, SegmentIndexBuilder
from anabranch.storage.store import NotFound

from .conftest import Bench
from .test_transactions import Client


async def read(bench: Bench, topic: Topic) -> list[int]:
    """The offsets that a reader of committed transactions gets."""
    found: list[int] = []
    for batch in read_splits(await plan_splits(bench.log, topic)):
        found += batch.column("offset").to_pylist()
    return found


def counter(bench: Bench, **limits: int) -> RecordCounter:
    return RecordCounter(bench.log.metastore, bench.log.extents, Allowance(**limits))


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_any_history_is_counted_as_it_is_read(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Transactions, aborted and not, plain records, merging and compaction, counted up to any offsets: from the
    indexes, from the headers, and from both."""
    path: Path = tmp_path_factory.mktemp("counting")

    async def scenario() -> None:
        bench = Bench(
            path, LogSettings(background=True, background_interval_ms=10**9, wal_file_bytes=1 << 20)
        )
        await bench.start()
        try:
            await _any_history(bench, data)
        finally:
            await bench.log.close()

    with pytest.MonkeyPatch.context() as patch:
        if data.draw(st.booleans(), label="indexes are worth reading"):
            patch.setattr(extents, "SKIP_SLACK_BYTES", 0)
            patch.setattr(segment, "ENTRY_BYTES", 200)
        if data.draw(st.booleans(), label="of before the counts"):
            finish = SegmentIndexBuilder.finish
            patch.setattr(
                SegmentIndexBuilder,
                "finish",
                lambda self, **told: replace(finish(self, **told), data_counts=[]),
            )
        asyncio.run(scenario())


async def _any_history(bench: Bench, data: st.DataObject) -> None:
    compacted = data.draw(st.booleans(), label="compacted")
    kinds = ["plain", "merge", "delete"]
    if data.draw(st.booleans(), label="transactions"):
        kinds += ["write", "write", "end"]
    topic = await bench.log.create_topic("t", 1, {"cleanup.policy": "compact"} if compacted else {})
    clients = [Client(bench, f"tx-{number}") for number in range(2)]
    for client in clients:
        await client.init()
    opened: set[str] = set()
    assert bench.log.background is not None
    for _ in range(data.draw(st.integers(3, 25), label="steps")):
        what = data.draw(st.sampled_from(kinds))
        client = data.draw(st.sampled_from(clients))
        values = [b"v" * data.draw(st.integers(1, 40))] * data.draw(st.integers(1, 4))
        bench.clock.ms += 1000
        if what == "plain":
            key = b"%d" % data.draw(st.integers(0, 2))
            await bench.append(topic, 0, values, key=key)
        elif what == "write":
            await client.write(topic, 0, values)
            opened.add(client.name)
        elif what == "end" and client.name in opened:
            await client.end(commit=data.draw(st.booleans()))
            opened.discard(client.name)
        elif what == "merge":
            await bench.log.merger.merge_backlog(topic, 0)
            if compacted and data.draw(st.booleans()):
                await bench.log.background.compactor.compact(topic, 0)
        elif what == "delete":
            stable = bench.log.partition(topic, 0).last_stable_offset
            await bench.log.delete_records(topic, 0, data.draw(st.integers(0, stable)))
    at = data.draw(st.integers(*_held(bench, topic)), label="the branch's end")
    branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: at}))
    await _judge(bench, data, branch)
    for client in clients:
        if client.name in opened:
            await client.end(commit=True)
    await _judge(bench, data, topic)


def _held(bench: Bench, topic: Topic) -> tuple[int, int]:
    partition = bench.log.partition(topic, 0)
    return partition.log_start, partition.next_offset


async def _judge(bench: Bench, data: st.DataObject, topic: Topic) -> None:
    there = await read(bench, topic)
    first, end = _held(bench, topic)
    start = data.draw(st.integers(first, end))
    cuts = [end, *data.draw(st.lists(st.integers(first, end), max_size=4))]
    counted = await counter(bench).upto(topic.no, 0, start, cuts)
    assert counted == {cut: Count(sum(start <= offset < cut for offset in there)) for cut in cuts}
    few = data.draw(st.integers(0, 2), label="rows of extents")
    short = await counter(bench, bytes=300, indexes=0, extents=few).upto(topic.no, 0, start, cuts)
    for cut in cuts:
        assert counted[cut].records <= short[cut].records <= max(0, cut - start)
        assert not short[cut].exact or short[cut] == counted[cut]


def test_I10_offsets_are_counted_without_reading_where_each_is_a_record(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(3):
            await bench.append(topic, 0, [b"x"] * 5)
        nothing = {"bytes": 0, "indexes": 0, "extents": 0, "aborted": 0}
        found = await counter(bench, **nothing).upto(topic.no, 0, 2, [4, 15])
        assert found == {4: Count(2), 15: Count(13)}
        client = Client(bench)
        await client.init()
        await client.write(topic, 0, [b"x"])
        await client.end(commit=True)
        found = await counter(bench, **nothing).upto(topic.no, 0, 2, [4, 17])
        assert found == {4: Count(2, exact=False), 17: Count(15, exact=False)}

    run(scenario)


def test_an_extent_that_cannot_be_found_is_an_upper_bound(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        client = Client(bench)
        await client.init()
        for _ in range(3):
            await client.write(topic, 0, [b"x"] * 2)
            await client.end(commit=True)
        chunks, asked = bench.log.extents.chunks, []

        def gone(extent: Extent, **how: Any) -> Any:
            if extent.base_offset == 3:
                asked.append(extent)
                raise NotFound("gone")
            return chunks(extent, **how)

        monkeypatch.setattr(bench.log.extents, "chunks", gone)
        found = await counter(bench).upto(topic.no, 0, 0, [3, 9])
        assert found[3] == Count(2) and not found[9].exact and 6 <= found[9].records <= 7
        assert len(asked) == STALE_READS_MAX

    run(scenario)


def test_a_transaction_that_is_open_makes_it_an_upper_bound(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        client = Client(bench)
        await client.init()
        await bench.append(topic, 0, [b"plain"] * 3)
        await client.write(topic, 0, [b"open"] * 2)
        found = await counter(bench).upto(topic.no, 0, 0, [3, 5])
        assert found == {3: Count(3), 5: Count(5, exact=False)}
        await client.end(commit=False)
        found = await counter(bench).upto(topic.no, 0, 0, [3, 6])
        assert found == {3: Count(3), 6: Count(3)}

    run(scenario)


def test_whole_segments_are_counted_without_reading_them(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        client = Client(bench)
        await client.init()
        for number in range(60):
            await client.write(topic, 0, [b"x" * 4000])
            await client.end(commit=number != 30)
        await bench.log.merger.merge_backlog(topic, 0)
        end = bench.log.partition(topic, 0).next_offset
        # Room for two entries' parts (about 64 KiB each) of 240 KB: the one with what was aborted, and the last.
        limited = counter(bench, bytes=140_000)
        assert await limited.upto(topic.no, 0, 0, [end - 1]) == {end - 1: Count(59)}

    run(scenario)


def test_indexes_of_before_the_counts_are_read(run: Any) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"x"] * 3)
        await bench.log.merger.merge_backlog(topic, 0)
        (extent,) = await bench.log.metastore.extents_from(topic.no, 0, 0, 10)
        index = bench.log.extents.describe(extent)
        assert index is not None and index.data_counts == [3]
        fields = asdict(index)
        del fields["data_counts"]
        body = msgspec.msgpack.encode(fields)
        older = segment.seal_body(b"ANABSIDX", segment.FORMAT_VERSION, body)
        assert SegmentIndex.decode(older) == replace(index, data_counts=[])
        builder = PackIndexBuilder(index.cluster_id)
        builder.add(index)
        pack = builder.finish()
        assert PackIndex.decode(pack.encode()).shares[0].data_counts == [3]
        raw = msgspec.msgpack.decode(msgspec.msgpack.encode(pack))
        raw["shares"][0].pop()
        body = msgspec.msgpack.encode(raw)
        older = segment.seal_body(b"ANABPIDX", segment.FORMAT_VERSION, body)
        assert PackIndex.decode(older).shares[0].data_counts == []

    run(scenario)


@given(
    st.sets(st.integers(0, 40), max_size=6),
    st.sets(st.integers(0, 40)),
    st.integers(0, 40),
    st.integers(0, 40),
)
def test_a_tally_never_says_less_than_there_is(
    cuts: set[int], records: set[int], first: int, end: int
) -> None:
    places = sorted(cuts)
    pieces = [Count(len([o for o in records if low <= o < high])) for low, high in pairwise(places)]
    found = Tally(places, pieces).between(first, end)
    there = len([o for o in records if first <= o < end])
    assert there <= found.records <= max(0, end - first)
    if found.exact:
        assert found.records == there
    assert found.exact or not {first, end} <= cuts
