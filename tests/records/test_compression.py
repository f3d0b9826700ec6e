from __future__ import annotations

import gzip
import random
import struct
import tracemalloc
import zlib

import cramjam
import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.records.compression import (
    ALL_CODECS,
    CODECS_BEFORE_ZSTD,
    XERIAL_BLOCK_BYTES,
    Codec,
    codec_name,
    codec_named,
    compress,
    decompress,
)

COMPRESSING = [codec for codec in Codec if codec != Codec.NONE]
contents = st.one_of(
    st.binary(max_size=2000),
    st.tuples(st.binary(min_size=1, max_size=9), st.integers(0, 20_000)).map(lambda t: t[0] * t[1]),
)


@given(contents, st.sampled_from(Codec), st.sampled_from([bytes, bytearray, memoryview]))
def test_round_trip(data: bytes, codec: Codec, kind: type) -> None:
    packed = compress(codec, kind(data))
    assert decompress(codec, kind(packed), limit=len(data)) == data


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize(
    "size", [0, 1, 2**15, 2**16 - 1, 2**16, 2**16 + 1, 2**17, 3 * 2**16, 2**20]
)
@pytest.mark.parametrize("limit", [None, 1 << 28])
def test_sizes_around_those_of_blocks_and_buffers(
    codec: Codec, size: int, limit: int | None
) -> None:
    for data in (bytes(size), random.Random(size).randbytes(size)):
        allowed = size if limit is None else limit
        assert decompress(codec, compress(codec, data), limit=allowed) == data


@given(st.binary(min_size=1, max_size=3000), st.sampled_from(Codec))
def test_one_byte_above_the_limit(data: bytes, codec: Codec) -> None:
    with pytest.raises(Corrupt, match="more than"):
        decompress(codec, compress(codec, data), limit=len(data) - 1)


def bombs() -> dict[str, tuple[Codec, bytes]]:
    zeros = bytes(64 << 20)
    stream = zstandard.ZstdCompressor(write_content_size=False)
    snappy = bytes(cramjam.snappy.compress_raw(zeros))
    return {
        "gzip": (Codec.GZIP, zlib.compress(zeros, wbits=31)),
        "gzip of many members": (Codec.GZIP, gzip.compress(bytes(4 << 20)) * 16),
        "snappy": (Codec.SNAPPY, snappy),
        "snappy that lies": (Codec.SNAPPY, b"\xff\xff\xff\xff\x0f" + snappy[4:]),
        "xerial": (Codec.SNAPPY, compress(Codec.SNAPPY, zeros)),
        "lz4": (Codec.LZ4, lz4.frame.compress(zeros)),
        "zstd": (Codec.ZSTD, zstandard.ZstdCompressor().compress(zeros)),
        "zstd without size": (Codec.ZSTD, stream.compress(zeros)),
    }


@pytest.mark.parametrize("name", list(bombs()))
def test_bombs_are_capped(name: str) -> None:  # I10
    codec, bomb = bombs()[name]
    limit = 1 << 20
    tracemalloc.start()
    try:
        with pytest.raises(Corrupt, match="more than"):
            decompress(codec, bomb, limit=limit)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 40 << 20  # a piece of zstd may make 32 MiB before the sum is looked at


@pytest.mark.parametrize("codec", COMPRESSING)
def test_every_cut_is_corrupt(codec: Codec) -> None:
    packed = compress(codec, random.Random(1).randbytes(70_000) + bytes(70_000))
    blocks = set()
    if codec == Codec.SNAPPY:  # a xerial stream may end after any of its blocks
        pos = 16
        while pos < len(packed):
            blocks.add(pos)
            pos += 4 + struct.unpack_from(">i", packed, pos)[0]
    for cut in (*range(40), *range(40, len(packed), 997), len(packed) - 1):
        if cut in blocks:
            continue
        with pytest.raises(Corrupt):
            decompress(codec, packed[:cut], limit=1 << 20)


@given(st.sampled_from(COMPRESSING), st.binary(max_size=300))
def test_random_bytes_give_only_corrupt(codec: Codec, raw: bytes) -> None:
    try:
        decompress(codec, raw, limit=1 << 16)
    except Corrupt:
        pass


@given(st.sampled_from(COMPRESSING), st.data())
def test_damaged_bytes_give_only_corrupt(codec: Codec, data: st.DataObject) -> None:
    packed = bytearray(compress(codec, b"a stream that can be rebuilt " * 40))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    try:
        out = decompress(codec, packed, limit=1 << 16)
    except Corrupt:
        return
    assert len(out) <= 1 << 16


@pytest.mark.parametrize("codec", [Codec.GZIP, Codec.LZ4, Codec.ZSTD])
def test_bytes_after_the_end_are_corrupt(codec: Codec) -> None:
    with pytest.raises(Corrupt):
        decompress(codec, compress(codec, b"data") + b"x", limit=100)
    if codec == Codec.ZSTD:  # also when they come in a later piece
        with pytest.raises(Corrupt, match="goes on"):
            decompress(codec, compress(codec, b"data") + bytes(5000), limit=100)


def test_gzip_with_several_members() -> None:
    assert decompress(Codec.GZIP, gzip.compress(b"one") + gzip.compress(b"two"), limit=6) == (
        b"onetwo"
    )


def test_raw_snappy_as_librdkafka_sends_it() -> None:
    data = b"raw " * 9000
    assert decompress(Codec.SNAPPY, bytes(cramjam.snappy.compress_raw(data)), limit=36_000) == data


def test_snappy_is_written_in_xerial_framing() -> None:
    data = random.Random(2).randbytes(XERIAL_BLOCK_BYTES + 10)
    packed = compress(Codec.SNAPPY, data)
    assert packed[:16] == b"\x82SNAPPY\0" + struct.pack(">ii", 1, 1)
    sizes, pos = [], 16
    while pos < len(packed):
        (size,) = struct.unpack_from(">i", packed, pos)
        sizes.append(cramjam.snappy.decompress_raw_len(packed[pos + 4 : pos + 4 + size]))
        pos += 4 + size
    assert sizes == [XERIAL_BLOCK_BYTES, 10]


@pytest.mark.parametrize("size", [-1, 5, 2**31 - 1])
def test_a_xerial_block_that_is_not_there(size: int) -> None:
    with pytest.raises(Corrupt):
        decompress(Codec.SNAPPY, b"\x82SNAPPY\0" + struct.pack(">iii", 1, 1, size), limit=1 << 40)


def test_lz4_frames_by_kafkas_rules() -> None:
    # Kafka's Lz4BlockInputStream: magic, version 1, independent blocks, a valid header checksum
    # (second byte of xxh32), no dictionary.
    frame = compress(Codec.LZ4, b"abc" * 100_000)
    flags, descriptor = frame[4], frame[5]
    assert frame[:4] == bytes.fromhex("04224d18")
    assert flags >> 6 == 1, "version"
    assert flags & 0x20, "blocks must not refer to each other"
    assert not flags & 0x0B, "no content size, reserved bit or dictionary"
    assert descriptor >> 4 in range(4, 8) and not descriptor & 0x8F
    assert frame[6] == 0x82  # xxh32(bytes([0x60, 0x40])) >> 8 & 0xff
    assert (flags, descriptor) == (0x60, 0x40)


def test_linked_lz4_blocks_are_read() -> None:
    data = bytes(range(256)) * 2000
    linked = lz4.frame.compress(data, block_linked=True)
    assert not linked[4] & 0x20
    assert decompress(Codec.LZ4, linked, limit=len(data)) == data


def test_zstd_frames_without_a_content_size() -> None:
    writer = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    data = random.Random(3).randbytes(300_000) + bytes(300_000)
    parts = [writer.compress(data[i : i + 1000]) for i in range(0, len(data), 1000)]
    packed = b"".join(parts) + writer.flush()
    assert zstandard.frame_content_size(packed) == -1
    assert decompress(Codec.ZSTD, packed, limit=len(data)) == data


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_unknown_codecs(codec: int) -> None:
    with pytest.raises(Corrupt, match="unknown"):
        decompress(codec, b"", limit=10)


def test_names() -> None:
    assert [codec_name(c) for c in range(5)] == ["none", "gzip", "snappy", "lz4", "zstd"]
    assert all(codec_named(codec_name(c)) == c for c in Codec)
    assert codec_named("uncompressed") == Codec.NONE
    with pytest.raises(KeyError):
        codec_named("producer")
    assert sorted(ALL_CODECS) == [0, 1, 2, 3, 4]
    assert sorted(CODECS_BEFORE_ZSTD) == [0, 1, 2, 3]
