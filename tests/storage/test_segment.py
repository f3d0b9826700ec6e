from __future__ import annotations

import struct
from dataclasses import dataclass
from uuid import UUID

import pytest
from crc32c import crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt, StoreFault
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.storage.segment import (
    ENTRY_BYTES,
    NAME_CHARACTERS_MAX,
    AbortedTransaction,
    SegmentIndex,
    SegmentIndexBuilder,
    SegmentName,
    index_key,
    parse_segment_key,
    segment_key,
)
from anabranch.storage.store import check_key

CLUSTER = b"c" * 16
TOPIC = UUID("0190f2c4-7d3a-7c5e-9a41-2f8b6a1d3e5f")


@dataclass
class Batch:
    base_offset: int
    last_offset: int
    max_timestamp: int
    data: bytes
    position: int = 0


def batches(specs: list[tuple[int, int, int, list[int]]]) -> list[Batch]:
    """From (offset gap before, offset gap inside, value bytes, timestamps of the records)."""
    made = []
    offset = position = 0
    for gap, hole, size, timestamps in specs:
        offset += gap
        records = [Record(timestamp=t, value=b"v" * size) for t in timestamps]
        last_delta = len(records) - 1 + hole
        data = build_batch(records, base_offset=offset, last_offset_delta=last_delta)
        made.append(Batch(offset, offset + last_delta, max(timestamps), data, position))
        offset += last_delta + 1
        position += len(data)
    return made


def builder(partition: int = 0) -> SegmentIndexBuilder:
    return SegmentIndexBuilder(
        cluster_id=CLUSTER,
        topic_name="flights",
        topic_id=TOPIC,
        partition=partition,
        topic_config={"retention.ms": "1000"},
    )


specs = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.integers(0, 2),
        st.sampled_from([0, 10, 5000, 70_000]),
        st.lists(st.integers(0, 50), min_size=1, max_size=3),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)
@given(specs, st.integers(1, 5), st.integers(-2, 60))
def test_lookups_agree_with_a_scan(
    given_specs: list[tuple[int, int, int, list[int]]], together: int, timestamp: int
) -> None:
    made = batches(given_specs)
    build = builder()
    for first in range(0, len(made), together):
        build.add(b"".join(batch.data for batch in made[first : first + together]))
    index = SegmentIndex.decode(build.finish().encode())
    whole = b"".join(batch.data for batch in made)
    assert (index.byte_length, index.checksum) == (len(whole), crc32c(whole))
    assert (index.base_offset, index.last_offset) == (made[0].base_offset, made[-1].last_offset)
    assert index.batch_count == len(made)
    assert index.record_count == sum(len(timestamps) for *_, timestamps in given_specs)
    starts = {batch.position: batch for batch in made}

    for offset in range(made[-1].last_offset + 1):
        position = index.position_for_offset(offset)
        target = next(batch for batch in made if batch.last_offset >= offset)
        assert position in starts and position <= target.position
        assert target.position - position < ENTRY_BYTES + max(len(b.data) for b in made)
    assert index.position_for_offset(made[-1].last_offset + 1) == index.byte_length

    position_or_none = index.position_for_timestamp(timestamp)
    first_match = next((b for b in made if b.max_timestamp >= timestamp), None)
    if first_match is None:
        assert position_or_none is None
    else:
        assert position_or_none in starts and position_or_none <= first_match.position
        gap = first_match.position - position_or_none
        assert gap < ENTRY_BYTES + max(len(batch.data) for batch in made)
    highest = max(batch.max_timestamp for batch in made)
    assert index.max_timestamp == highest
    assert index.max_timestamp_offset == next(
        batch.base_offset for batch in made if batch.max_timestamp == highest
    )


def test_i9_the_index_says_what_a_rebuild_needs() -> None:
    made = batches([(5, 0, 10, [100]), (0, 0, 10, [90])])
    build = builder(partition=3)
    build.add(made[0].data, appended_at_ms=1000)
    build.add(memoryview(made[1].data), appended_at_ms=2000)
    aborted = [AbortedTransaction(7, 5, 6)]
    index = build.finish(producer_state=b"\x01opaque", aborted_transactions=aborted)
    index = SegmentIndex.decode(memoryview(index.encode()))
    assert (index.cluster_id, index.topic_id, index.topic_name) == (CLUSTER, TOPIC.bytes, "flights")
    assert index.partition == 3 and index.topic_config == {"retention.ms": "1000"}
    assert index.producer_state == b"\x01opaque" and index.aborted_transactions == aborted
    assert (index.first_appended_at_ms, index.last_appended_at_ms) == (1000, 2000)
    assert (index.base_offset, index.entries[0].offset, index.entries[0].appended_at_ms) == (
        *(5, 5),
        1000,
    )


def test_entries_are_sparse() -> None:
    made = batches([(0, 0, 1000, [number]) for number in range(640)])
    build = builder()
    for batch in made:
        build.add(batch.data)
    index = build.finish()
    assert len(index.entries) == -(-index.byte_length // (ENTRY_BYTES + 1000)) in range(9, 12)
    assert len(index.encode()) < 2000


def test_bytes_that_are_no_batches_are_refused() -> None:
    (batch,) = batches([(0, 0, 100, [1])])
    for data in (batch.data[:-1], batch.data + b"x", b"x" * 100, batch.data[:10]):
        with pytest.raises(Corrupt):
            builder().add(data)
    build = builder()
    build.add(batch.data)
    with pytest.raises(AssertionError, match="offset order"):
        build.add(batch.data)


def test_every_damaged_byte_of_an_index_is_found() -> None:
    build = builder()
    build.add(batches([(0, 0, 100, [1])])[0].data)
    data = build.finish().encode()
    for at in range(len(data)):
        damaged = bytearray(data)
        damaged[at] ^= 0x40
        with pytest.raises(Corrupt):
            SegmentIndex.decode(damaged)
    for length in range(len(data)):
        with pytest.raises(Corrupt):
            SegmentIndex.decode(data[:length])
    with pytest.raises(Corrupt):
        SegmentIndex.decode(data + b"x")


def resealed(data: bytes, *, version: int = 1, body: bytes | None = None) -> bytes:
    body = data[18:] if body is None else body
    checked = struct.pack(">HI", version, len(body))
    return data[:8] + checked + struct.pack(">I", crc32c(body, crc32c(checked))) + body


def test_a_newer_index_is_named_and_a_false_one_refused() -> None:
    build = builder()
    build.add(batches([(0, 0, 100, [1])])[0].data)
    index = build.finish()
    data = index.encode()
    assert SegmentIndex.decode(resealed(data)) == index
    with pytest.raises(StoreFault, match="format version 2"):
        SegmentIndex.decode(resealed(data, version=2))
    with pytest.raises(Corrupt, match="does not decode"):
        SegmentIndex.decode(resealed(data, body=b"\xc1"))
    import msgspec

    fields = msgspec.msgpack.decode(data[18:])
    with pytest.raises(Corrupt, match="contradicts itself"):
        false = msgspec.msgpack.encode({**fields, "last_offset": -5})
        SegmentIndex.decode(resealed(data, body=false))
    unknown = msgspec.msgpack.encode({**fields, "added_later": 1})
    assert SegmentIndex.decode(resealed(data, body=unknown)) == index


@pytest.mark.parametrize("name", ["flights", "a.b_c-d", "-dash-", "x" * 249, ".", ".."])
def test_keys_read_well_and_read_back(name: str) -> None:
    key = segment_key(name, TOPIC, 12, 1234, "01HZX-a")
    assert check_key(key) == key and segment_key(name, TOPIC.bytes, 12, 1234, "01HZX-a") == key
    assert key.endswith("-AZDyxH06fF6aQS-Lah0-Xw/12/00000000000000001234.01HZX-a.log")
    expected = SegmentName(name[:NAME_CHARACTERS_MAX], TOPIC.bytes, 12, 1234, "01HZX-a")
    assert parse_segment_key(key) == expected == parse_segment_key(index_key(key))
    assert check_key(index_key(key)) == key.removesuffix("log") + "index"


def test_other_keys_are_no_segments() -> None:
    for key in ("wal/1-0000000001-0000000001", "topics/x/0/1.log", "topics/a/0", ""):
        assert parse_segment_key(key) is None


def test_keys_of_one_partition_sort_by_offset() -> None:
    offsets = [0, 9, 10, 99, 2**31, 2**63 - 1]
    keys = [segment_key("t", TOPIC, 0, offset, "z") for offset in offsets]
    assert keys == sorted(keys)


def test_kafkas_dump_tool_can_take_the_name_for_a_number() -> None:
    file_name = segment_key("t", TOPIC, 0, 77, "unique").rpartition("/")[2]
    assert int(file_name.split(".")[0]) == 77  # as DumpLogSegments does
