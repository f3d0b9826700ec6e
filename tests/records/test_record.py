from __future__ import annotations

import struct
from typing import Any

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.records.batch import BATCH_OVERHEAD, parse_header, stamp_append_time
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record, find_timestamp, iter_records

from .samples import (
    FOREIGN,
    FOREIGN_IDS,
    foreign_batch,
    foreign_records,
    numbered,
    record_lists,
    simple,
)

MAX = 1 << 20


def decoded(batch: bytes) -> list[Record]:
    return list(iter_records(batch, parse_header(batch), limit=MAX))


def raw_batch(
    body: bytes, count: int, *, base_timestamp: int = 0, last: int | None = None
) -> bytes:
    """A batch around record bytes of any kind."""
    last = count - 1 if last is None else last
    covered = struct.pack(">hiqqqhii", 0, last, base_timestamp, 0, -1, -1, -1, count) + body
    return struct.pack(">qiibI", 0, 9 + len(covered), 0, 2, crc32c(covered)) + covered


@given(record_lists, st.sampled_from(Codec), st.integers(0, 2**50))
def test_round_trip(records: list[Record], codec: Codec, base_offset: int) -> None:
    batch = build_batch(records, codec=codec, base_offset=base_offset)
    assert decoded(batch) == numbered(records, base_offset)


@pytest.mark.parametrize(("builder", "reader"), FOREIGN, ids=FOREIGN_IDS)
@given(records=record_lists, codec=st.sampled_from(Codec))
def test_foreign_decoders_read_what_we_build(
    builder: Any, reader: Any, records: list[Record], codec: Codec
) -> None:
    batch = build_batch(records, codec=codec, base_offset=5)
    foreign = reader(bytearray(batch))
    assert foreign.validate_crc()
    assert foreign_records(foreign) == numbered(records, 5)


@pytest.mark.parametrize(("builder", "reader"), FOREIGN, ids=FOREIGN_IDS)
@given(records=record_lists, codec=st.sampled_from(Codec))
def test_we_read_what_foreign_builders_build(
    builder: Any, reader: Any, records: list[Record], codec: Codec
) -> None:
    assert decoded(foreign_batch(builder, records, codec)) == numbered(records)


@pytest.mark.parametrize(("builder", "reader"), FOREIGN, ids=FOREIGN_IDS)
@given(records=record_lists)
def test_uncompressed_batches_are_built_to_the_same_bytes(
    builder: Any, reader: Any, records: list[Record]
) -> None:
    ours, theirs = build_batch(records), foreign_batch(builder, records)
    # The leader epoch is the broker's to write; clients differ in what they put there.
    assert (ours[:12], ours[16:]) == (theirs[:12], theirs[16:])


def test_timestamps_before_the_first_and_before_1970() -> None:
    records = [Record(timestamp=t) for t in (5, -1, 2**62, -(2**62))]
    batch = build_batch(records)
    assert [r.timestamp for r in decoded(batch)] == [5, -1, 2**62, -(2**62)]
    assert parse_header(batch).max_timestamp == 2**62


def test_gaps_survive_a_rewrite() -> None:
    batch = build_batch(
        simple(3),
        base_offset=100,
        offset_deltas=[2, 3, 7],
        last_offset_delta=9,
        producer_id=3,
        producer_epoch=0,
        base_sequence=20,
    )
    header = parse_header(batch)
    assert (header.last_offset, header.last_sequence, header.record_count) == (109, 29, 3)
    assert [r.offset for r in decoded(batch)] == [102, 103, 107]


def test_an_empty_batch_keeps_its_offsets() -> None:
    batch = build_batch([], base_offset=4, last_offset_delta=2)
    assert parse_header(batch).last_offset == 6
    assert decoded(batch) == []


@pytest.mark.parametrize("deltas", [[0, 0], [1, 0], [0, 3], [-1, 0]])
def test_the_builder_asserts_its_deltas(deltas: list[int]) -> None:
    with pytest.raises(AssertionError):
        build_batch(simple(2), offset_deltas=deltas, last_offset_delta=2)


def test_append_time_from_the_builder_is_what_the_stamp_makes() -> None:
    stamped = bytearray(build_batch(simple(3)))
    stamp_append_time(stamped, 0, 99)
    assert build_batch(simple(3), append_time_ms=99) == stamped


def test_a_header_name_that_is_not_utf8_is_replaced() -> None:
    batch = raw_batch(bytes.fromhex("14 00 00 00 01 01 02 02 ff 02 78".replace(" ", "")), 1)
    assert decoded(batch)[0].headers == (("\ufffd", b"x"),)


# Bodies that cannot be, the record count, and what is said of them. One record is: length, attributes,
# timestamp delta, offset delta, key, value, headers.
CORRUPT_BODIES = [
    ("", 1, "record 0"),
    ("0c 00 00 00 01 01 00", 2, "record 1"),
    ("0c 00 00 00 01 01 00 00", 1, "after its last record"),
    ("0e 00 00 00 01 01 00", 1, "length 7"),
    ("0e 00 00 00 01 01 00 00", 1, "after its last field"),
    ("01 00 00 00 01 01 00", 1, "length -1"),
    ("00", 1, "empty record"),
    ("0a 00 00 00 01 01", 1, "varint"),
    ("0c 00 00 02 01 01 00", 1, "offset delta 1"),
    ("0c 00 00 01 01 01 00", 1, "offset delta -1"),
    ("0c 00 00 00 01 01 00 0c 00 00 00 01 01 00", 2, "record 1"),  # offset twice
    ("0c 00 00 00 03 01 00", 1, "length -2"),
    ("0c 00 00 00 08 01 00", 1, "length 4"),
    ("0c 00 00 00 01 0a 00", 1, "length 5"),
    ("0c 00 00 00 01 01 01", 1, "-1 headers"),
    ("0c 00 00 00 01 01 02", 1, "1 headers"),
    ("10 00 00 00 01 01 02 01 01", 1, "without a key"),
    ("10 00 00 00 01 01 02 00 05", 1, "length -3"),
    ("20 00 ff ff ff ff ff ff ff ff ff 02 00 01 01 00 00", 1, "varint"),
    ("20 00 80 80 80 80 80 80 80 80 80 80 00 01 01 00 00", 1, "varint"),
]


@pytest.mark.parametrize(("body", "count", "says"), CORRUPT_BODIES)
def test_corrupt_records_are_named(body: str, count: int, says: str) -> None:
    with pytest.raises(Corrupt, match=rf"batch at offset 0.*{says}"):
        decoded(raw_batch(bytes.fromhex(body.replace(" ", "")), count))


# Base timestamps and deltas (one byte of zigzag) whose sum is no int64.
TIMES_BEYOND = [(2**63 - 1, "02"), (2**63 - 2, "04"), (-(2**63), "01"), (-(2**63) + 1, "03")]
TIMES_WITHIN = [(2**63 - 2, "02", 2**63 - 1), (-(2**63) + 1, "01", -(2**63))]


@pytest.mark.parametrize(("base", "delta"), TIMES_BEYOND)
def test_timestamps_beyond_an_int64(base: int, delta: str) -> None:
    body = bytes.fromhex(f"0c00{delta}00010100")
    with pytest.raises(Corrupt, match="timestamp"):
        decoded(raw_batch(body, 1, base_timestamp=base))


@pytest.mark.parametrize(("base", "delta", "time"), TIMES_WITHIN)
def test_timestamps_at_the_ends_of_an_int64(base: int, delta: str, time: int) -> None:
    body = bytes.fromhex(f"0c00{delta}00010100")
    assert decoded(raw_batch(body, 1, base_timestamp=base))[0].timestamp == time


def test_a_batch_without_its_end() -> None:
    batch = build_batch(simple(3))
    with pytest.raises(Corrupt, match="cut short"):
        list(iter_records(batch[:-1], parse_header(batch)))


def test_a_bomb_names_its_batch() -> None:
    batch = build_batch([Record(value=bytes(1 << 20))], codec=Codec.GZIP, base_offset=77)
    with pytest.raises(Corrupt, match="batch at offset 77: gzip data holds more than"):
        list(iter_records(batch, parse_header(batch), limit=1 << 16))


@given(record_lists, st.data())
def test_damage_gives_only_corrupt(records: list[Record], data: st.DataObject) -> None:
    batch = bytearray(build_batch(records))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(BATCH_OVERHEAD, len(batch) - 1))
        batch[at] = data.draw(st.integers(0, 255))
    try:
        assert len(decoded(bytes(batch))) == len(records)
    except Corrupt:
        pass


# Time lookup.


@given(record_lists, st.integers(0, 2**42), st.integers(0, 14), st.sampled_from(Codec))
def test_find_timestamp_is_the_first_record_at_or_after(
    records: list[Record], target: int, from_offset: int, codec: Codec
) -> None:
    batch = build_batch(records, codec=codec, base_offset=2)
    expected = next(
        (
            (r.offset, r.timestamp)
            for r in numbered(records, 2)
            if r.timestamp >= target and r.offset >= from_offset
        ),
        None,
    )
    found = find_timestamp(batch, parse_header(batch), target, from_offset=from_offset, limit=MAX)
    assert found == expected


def test_find_timestamp_with_append_time_and_gaps() -> None:
    batch = build_batch(simple(2), offset_deltas=[3, 5], append_time_ms=50, base_offset=10)
    header = parse_header(batch)
    assert find_timestamp(batch, header, 50) == (13, 50)
    assert find_timestamp(batch, header, 51) is None
    assert find_timestamp(batch, header, 0, from_offset=14) == (15, 50)
