"""Branches at awkward places: at and around a log start inside a batch, of branches, of damaged pasts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest

from anabranch.errors import ClientFault, ErrorCode
from anabranch.log.branch import BranchPoint, cut_extent
from anabranch.metastore.api import Extent, ObjectKind
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.store import NotFound

from .conftest import Bench
from .test_races import mine


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize(
    ("start", "end"),
    [(start, end) for start in (0, 1, 4, 5, 6, 9) for end in (6, 7, 10) if start <= end],
)
def test_I2_a_branch_around_a_log_start_inside_a_batch(run, merged: bool, start: int, end: int):
    """Extents that lie wholly below the log start are no part of the branch."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        futures = [
            bench.log.append(topic, 0, bench.batch([b"%d" % (base + n) for n in range(5)]))
            for base in (0, 5)
        ]
        for future in futures:
            await future
        if merged:
            await bench.log.merger.merge_backlog(topic, 0)
        await bench.log.delete_records(topic, 0, start)
        branch = await bench.log.branch(topic, "b", BranchPoint(offsets={0: end}))
        assert await bench.values(branch, 0, start) == [(n, b"%d" % n) for n in range(start, end)]
        assert await bench.log.metastore.check() == []
        again = await bench.log.branch(branch, "c", BranchPoint(offsets={0: start}))
        assert await bench.values(again, 0, start) == []
        assert await bench.append(again, 0, [b"own"]) == start
        assert await bench.values(again, 0, start) == [(start, b"own")]

    run(scenario)


def test_I7_a_trimmed_batch_keeps_its_append_time(run) -> None:
    """A branch of a branch by append time ends where its source would have ended."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        start = bench.clock.ms
        for _ in range(3):
            await bench.append(topic, 0, [b"a", b"b"])
            bench.clock.ms += 10_000
        await bench.log.merger.merge_backlog(topic, 0)
        first = await bench.log.branch(topic, "first", BranchPoint(offsets={0: 5}))
        for name, source in (("of topic", topic), ("of branch", first)):
            branch = await bench.log.branch(
                source, name.replace(" ", "-"), BranchPoint(append_time_ms=start + 15_000)
            )
            assert branch.origin is not None and branch.origin.ends == (4,), name

    run(scenario)


def test_points_that_name_a_partition_that_is_not_there_are_refused(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 2, {})
        with pytest.raises(ClientFault) as refused:
            await bench.log.branch(topic, "b", BranchPoint(offsets={0: 0, 2: 0}))
        assert refused.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION

    run(scenario)


def test_I3_an_object_merged_away_and_collected_meanwhile_is_asked_for_again(run) -> None:
    """Between the query for an extent and its read, the extent may be merged and its object go."""

    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        for _ in range(3):
            await bench.append(topic, 0, [b"a", b"b"], timestamp=1000)
        log = await bench.restart()
        topic = mine(log, topic)
        fails: list[int] = []
        chunks = log.extents.chunks

        def gone_once(*args: object, **kwargs: object) -> object:
            if not fails:
                fails.append(1)
                raise NotFound("recycled")
            return chunks(*args, **kwargs)

        log.extents.chunks = gone_once
        assert (await log.list_offset(topic, 0, 1000)).offset == 0
        assert fails.pop()
        assert (await log.list_offset(topic, 0, -3)).offset == 1
        assert fails.pop()
        branch = await log.branch(topic, "b", BranchPoint(offsets={0: 5}))
        assert fails and [o for o, _ in await bench.values(branch, 0)] == list(range(5))

    run(scenario)


def test_a_source_that_is_deleted_meanwhile_is_said_so(run) -> None:
    async def scenario(bench: Bench) -> None:
        topic = await bench.log.create_topic("t", 1, {})
        await bench.append(topic, 0, [b"a", b"b"])
        await bench.log.metastore.delete_topic(topic.no, bench.clock())
        with pytest.raises(ClientFault) as refused:
            await bench.log.branch(topic, "b", BranchPoint())
        assert refused.value.code is ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        assert await bench.log.metastore.topics() == []

    run(scenario)


@pytest.mark.parametrize("gap", [0, 3])
def test_I7_a_compacted_extent_that_is_cut_does_not_claim_to_be_whole(gap: int) -> None:
    """Compaction took out the first offsets and left as many records, of both sides, as the part below the cut has
    offsets: then its first batch was not where it was to come (found by the simulation: the branch was not served)."""
    batches = [
        build_batch([Record(0, 1, None, b"v", ()) for _ in range(count)], base_offset=base)
        for base, count in ((gap, 6 - gap), (6, 4), (10, 5))
    ]
    positions = [0, len(batches[0]), len(batches[0]) + len(batches[1])]
    extent = Extent(
        base_offset=0,
        last_offset=14,
        object_no=1,
        object_key="topics/t/0/0.log",
        kind=ObjectKind.SEGMENT,
        position=0,
        length=sum(map(len, batches)),
        records=15 - gap,
        max_timestamp=1,
        appended_ms=1,
        leader_epoch=0,
    )

    class Extents:
        """An index with an entry for each batch."""

        def offset_position(self, extent: Extent, offset: int) -> int:
            return positions[1]

        def max_timestamp_before(self, extent: Extent, position: int) -> int:
            return 1

        def chunks(self, extent: Extent, *, start: int) -> Iterator[memoryview]:
            yield memoryview(b"".join(batches))[start:]

    whole, last = cut_extent(cast(Any, Extents()), extent, 10)
    assert last is None and whole is not None
    assert (whole.base_offset, whole.last_offset, whole.length) == (0, 9, positions[2])
    assert (whole.records == 10) == (gap == 0)
