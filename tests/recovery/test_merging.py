"""Event-time order across partitions: the order of each is kept, memory is bounded, lateness is told."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import UserFault
from anabranch.records.arrow import LARGE_SCHEMA, SCHEMA
from anabranch.recovery.replays import merging
from anabranch.recovery.replays.pacing import EventPace, Pacer, parse_pace


def batch(topic: str, partition: int, first: int, stamps: list[int], wide: bool) -> pa.RecordBatch:
    count = len(stamps)
    schema = LARGE_SCHEMA if wide else SCHEMA
    return pa.record_batch(
        [
            pa.array([topic] * count).dictionary_encode(),
            pa.array([partition] * count, pa.int32()),
            pa.array(range(first, first + count), pa.int64()),
            pa.array(stamps, pa.timestamp("ms", tz="UTC")),
            pa.array([b"k"] * count, schema.field("key").type),
            pa.array([b"v"] * count, schema.field("value").type),
            pa.array([[]] * count, schema.field("headers").type),
        ],
        schema=schema,
    )


SOURCE = st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=6), max_size=5)


@given(st.lists(SOURCE, max_size=5), st.none() | st.integers(1, 20), st.booleans())
def test_I2_order_within_a_partition_and_by_time_across(
    sources: list[list[list[int]]], slice_ms: int | None, wide: bool
) -> None:
    streams, expected = [], []
    for number, chunks in enumerate(sources):
        offset, made, time = 0, [], 0
        for index, stamps in enumerate(chunks):
            made.append(batch(f"t{number % 2}", number, offset, stamps, wide and index % 2 == 1))
            for stamp in stamps:
                time = max(time, stamp)
                expected.append((time, number, offset))
                offset += 1
        streams.append(iter(made))
    lateness = merging.Lateness()
    found, reached = [], {}
    last_ms = -1
    for merged in merging.merge(streams, lateness=lateness, slice_ms=slice_ms, threads=2):
        assert merged.first_ms >= last_ms
        if slice_ms is not None:
            assert merged.last_ms - merged.first_ms < slice_ms
        last_ms = merged.first_ms
        rows = list(
            zip(
                merged.batch["partition"].to_pylist(),
                merged.batch["offset"].to_pylist(),
                strict=True,
            )
        )
        found += rows
        reached |= merged.reached
        for partition, offset in rows:
            assert reached[partition] > offset or merged.reached[partition] > offset
    expected.sort()
    assert found == [(number, offset) for _, number, offset in expected]
    assert reached == {
        number: sum(map(len, chunks)) for number, chunks in enumerate(sources) if chunks
    }
    late = [0]
    for chunks in sources:
        time = 0
        for stamp in [stamp for stamps in chunks for stamp in stamps]:
            time = max(time, stamp)
            late.append(time - stamp)
    assert lateness.late_ms_max == max(late)
    assert lateness.records == sum(one > 0 for one in late)


def test_I10_memory_is_divided_and_too_little_is_refused() -> None:
    assert merging.split_bytes(256 << 20, 4) == merging.SPLIT_BYTES_MAX
    assert merging.split_bytes(256 << 20, 100) * 100 * 8 <= 256 << 20
    with pytest.raises(UserFault, match="takes 2000 MiB of memory; 256 MiB are allowed"):
        merging.split_bytes(256 << 20, 1000)


def test_a_source_that_fails_fails_the_merge() -> None:
    def broken() -> object:
        yield batch("t", 0, 0, [1], False)
        raise ValueError("damage")

    with pytest.raises(ValueError, match="damage"):
        list(merging.merge([broken()], lateness=merging.Lateness()))  # type: ignore[list-item]


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 100)), min_size=5, max_size=50),
    st.integers(100, 100_000),
    st.none() | st.floats(1, 1000),
)
def test_pacer_never_exceeds_the_rates(
    units: list[tuple[int, int]], rate: int, record_rate: float | None
) -> None:
    pacer, now = Pacer(0.0), 0.0
    for size, records in units:
        now += pacer.given(now, size, records, rate, record_rate)
    assert sum(size for size, _ in units) <= rate * (now + 0.25) + 1
    if record_rate is not None:
        assert sum(records for _, records in units) <= record_rate * (now + 0.25) + 1


def test_events_are_due_at_their_pace() -> None:
    pace = EventPace(2.0)
    assert pace.wait_s(5_000, 100.0) == 0
    assert pace.wait_s(9_000, 100.0) == 2
    assert pace.wait_s(9_000, 103.0) == 0
    pace.paused(10.0)
    assert pace.wait_s(9_000, 103.0) == 9
    assert parse_pace("recorded") == 1 and parse_pace("2x") == 2 and parse_pace("max") is None
    for wrong in ("2", "x", "-1x", "0x", "fast", "nanx", "infx"):
        with pytest.raises(UserFault, match="is no pace"):
            parse_pace(wrong)
