from __future__ import annotations

import struct
from random import Random

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.storage.wal_format import (
    BLOCK_BYTES,
    FAILED_MAX,
    FILE_HEADER_BYTES,
    NO_PAST,
    PARTS_MAX,
    UNSEEN,
    FailedFlush,
    Frame,
    Past,
    Seen,
    WalLife,
    aligned,
    decode_file_header,
    decode_frame_header,
    decode_frame_prefix,
    encode_file_header,
    encode_frame_header,
    frame_header_bytes,
    parse_object_key,
)

LIFE = WalLife(b"c" * 16, 7, 3, 42)
lives = st.builds(
    WalLife,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**31 - 1),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
)
parts = st.lists(
    st.tuples(
        st.binary(min_size=16, max_size=16),
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**32 - 1),
        st.integers(1, 2**32 - 1),
        st.integers(0, 2**32 - 1),
        st.builds(
            Seen,
            st.integers(-1, 2**31 - 1),
            st.integers(0, 2**63 - 1),
            st.integers(-1, 2**63 - 1),
            st.integers(-1, 2**63 - 1),
            st.integers(-1, 2**63 - 1),
        ),
    ),
    min_size=1,
    max_size=5,
)
failures = st.builds(
    FailedFlush, st.integers(0, 2**63 - 1), st.integers(-1, PARTS_MAX), st.booleans()
)
pasts = st.builds(Past, st.integers(0, 2**63 - 1), st.lists(failures, max_size=4).map(tuple))


def encoded(
    life: WalLife, sequence: int, position: int, described: list, past: Past = NO_PAST
) -> bytes:
    header = frame_header_bytes(len(described), len(past.failed))
    length = aligned(header + sum(part[3] for part in described))
    return encode_frame_header(life, sequence, position, length, described, past)


def test_object_keys() -> None:
    assert LIFE.object_key == "wal/7-0000000003-0000000042"
    assert parse_object_key(LIFE.object_key) == (7, 3, 42)
    huge = WalLife(b"c" * 16, 2**31 - 1, 2**63 - 1, 2**63 - 1)
    assert parse_object_key(huge.object_key) == huge[1:]
    for key in ("wal/7-3-42", "wal/7-0000000003-0000000042.wal", "x/7-0000000003-0000000042", ""):
        assert parse_object_key(key) is None


@given(lives, st.binary(min_size=16, max_size=16))
def test_file_headers_round_trip(life: WalLife, wal_id: bytes) -> None:
    block = encode_file_header(life, wal_id)
    assert len(block) == FILE_HEADER_BYTES
    assert decode_file_header(block) == (life, wal_id)


def test_a_file_between_lives_has_no_header() -> None:
    assert decode_file_header(bytes(FILE_HEADER_BYTES)) is None


def test_every_damaged_bit_of_a_file_header_is_found() -> None:
    block = encode_file_header(LIFE, b"w" * 16)
    used = len(block.rstrip(b"\0"))
    for bit in range(used * 8):
        damaged = bytearray(block)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises(Corrupt):
            decode_file_header(damaged)
    for length in range(60):
        with pytest.raises(Corrupt, match="cut short"):
            decode_file_header(block[:length])


def test_a_newer_format_is_named() -> None:
    block = bytearray(encode_file_header(LIFE, b"w" * 16))
    block[12:14] = struct.pack(">H", 3)
    used = struct.calcsize(">8sIH16s16siqq")
    block[8:12] = struct.pack(">I", crc32c(bytes(block[12:used])))
    with pytest.raises(Corrupt, match="format version 3"):
        decode_file_header(block)


@given(lives, st.integers(0, 2**62), st.integers(0, 2**40), parts, pasts)
def test_frame_headers_round_trip(
    life: WalLife, sequence: int, position: int, described: list, past: Past
) -> None:
    header = encoded(life, sequence, position, described, past)
    size = frame_header_bytes(len(described), len(past.failed))
    assert len(header) == size == decode_frame_prefix(header)
    frame = decode_frame_header(header + b"what follows")
    assert isinstance(frame, Frame)
    assert frame[:3] == (life, sequence, position)
    assert frame.past == past
    assert frame.length % BLOCK_BYTES == 0
    at = position + len(header)
    for part, given_part in zip(frame.parts, described, strict=True):
        assert (part.topic_id, part.partition, part.batches) == given_part[:3]
        assert (part.position, part.length, part.checksum, part.seen) == (at, *given_part[3:])
        at += part.length
    assert 0 <= position + frame.length - at < BLOCK_BYTES


DESCRIBED = [
    (b"t" * 16, 3, 2, 100, 0xDEADBEEF, Seen(4, 120, 9, 100, 120)),
    (b"u" * 16, 0, 1, 5000, 1, UNSEEN),
]
FAILED = Past(10, (FailedFlush(8), FailedFlush(9, 1, False)))


def test_every_damaged_bit_of_a_frame_header_is_found() -> None:
    header = encoded(LIFE, 5, 4096, DESCRIBED, FAILED)
    for bit in range(len(header) * 8):
        damaged = bytearray(header)
        damaged[bit // 8] ^= 1 << bit % 8
        assert decode_frame_header(damaged) is None
    for length in range(len(header)):
        assert decode_frame_header(header[:length]) is None


@given(st.binary(max_size=300))
def test_random_bytes_are_no_frame(data: bytes) -> None:
    assert decode_frame_header(data) is None
    assert decode_frame_header(b"ANABFRAM" + data) is None


def test_a_hostile_part_count_asks_for_nothing() -> None:
    header = bytearray(encoded(LIFE, 5, 4096, DESCRIBED))
    for count in (0, PARTS_MAX + 1, 2**32 - 1):
        header[14:18] = struct.pack(">I", count)
        assert decode_frame_prefix(header) is None


def test_a_hostile_count_of_failures_asks_for_nothing() -> None:
    header = bytearray(encoded(LIFE, 5, 4096, DESCRIBED))
    assert header[86:90] == bytes(4)
    header[86:90] = struct.pack(">I", FAILED_MAX + 1)
    assert decode_frame_prefix(header) is None


def test_a_length_that_contradicts_the_parts_is_refused() -> None:
    rng = Random(1)
    for length in (0, BLOCK_BYTES, 3 * BLOCK_BYTES, rng.randrange(2**63)):
        assert decode_frame_header(encode_frame_header(LIFE, 5, 4096, length, DESCRIBED)) is None
