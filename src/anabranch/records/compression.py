"""The four compression codecs of record batches, in both directions, with a cap on what comes out.

Sources: KIP-98 (attributes), KIP-110 (zstd), xerial snappy-java's stream format, the LZ4 frame
format 1.6.1, RFC 1952 and RFC 8878.

What clients really send, and so what is read here: gzip with one or several members, snappy in
xerial framing (Java) or raw (librdkafka), LZ4 frames, zstd frames with or without a content size.
What is written is what the pickiest reader takes: xerial framing, and LZ4 blocks that do not refer
to each other (Kafka's own reader refuses linked ones).

Bad bytes and bombs both raise ``Corrupt``: whoever decompresses on behalf of a client turns it into
the fault that the client is answered with.
"""

from __future__ import annotations

import struct
import threading
import zlib
from enum import IntEnum

import cramjam
import lz4.frame
import zstandard

from anabranch.errors import Corrupt

Bytes = bytes | bytearray | memoryview

KIB = 1024
MIB = 1024 * KIB

INFLATED_BYTES_MAX = 256 * MIB  # of one batch: far above any honest one
XERIAL_MAGIC = b"\x82SNAPPY\0"
XERIAL_HEADER = XERIAL_MAGIC + struct.pack(">ii", 1, 1)  # version, oldest compatible version
XERIAL_BLOCK_BYTES = 32 * KIB  # snappy-java's default; readers allocate a block at a time
LZ4_CHUNK_BYTES_MIN = 64 * KIB  # first output buffer; one of `limit` bytes would cost its pages
ZSTD_LEVEL = 3
ZSTD_EXPANSION_MAX = 128 * KIB // 4  # RFC 8878: the densest block is 4 bytes and makes 128 KiB
ZSTD_PIECE_BYTES_MIN = KIB

_INT32 = struct.Struct(">i")


class Codec(IntEnum):
    """Compression ids as they stand in bits 0 to 2 of a batch's attributes."""

    NONE = 0
    GZIP = 1
    SNAPPY = 2
    LZ4 = 3
    ZSTD = 4


ALL_CODECS: frozenset[int] = frozenset(Codec)
CODECS_BEFORE_ZSTD: frozenset[int] = ALL_CODECS - {Codec.ZSTD}  # Produce below v7, Fetch below v10


def codec_name(codec: int) -> str:
    """``compression.type`` for a codec id: ``none``, ``gzip``, ``snappy``, ``lz4`` or ``zstd``."""
    return Codec(codec).name.lower()


def codec_named(name: str) -> Codec:
    """The codec of a ``compression.type``; ``uncompressed`` is Kafka's other word for ``none``.

    Raises ``KeyError`` for any other word (``producer`` is a policy, not a codec).
    """
    return Codec.NONE if name == "uncompressed" else Codec[name.upper()]


def compress(codec: int, data: Bytes) -> bytes:
    """``data`` compressed as Kafka's consumers expect it. ``codec`` is one of ``Codec``."""
    if codec == Codec.NONE:
        return bytes(data)
    if codec == Codec.GZIP:
        return zlib.compress(data, wbits=31)
    if codec == Codec.SNAPPY:
        return _xerial(memoryview(data))
    if codec == Codec.LZ4:
        compressed: bytes = lz4.frame.compress(data, block_linked=False, store_size=False)
        return compressed
    assert codec == Codec.ZSTD, f"no codec {codec}"
    return _zstd.compressor.compress(data)


def decompress(codec: int, data: Bytes, *, limit: int) -> bytes:
    """What ``data`` holds, at most ``limit`` bytes of it.

    Raises ``Corrupt`` if the bytes are not of that codec, are cut short, go on after their end or
    hold more than ``limit`` bytes. Memory stays below a small multiple of ``limit``.
    """
    assert limit >= 0
    if codec == Codec.NONE:
        if len(data) > limit:
            raise _too_large(codec, limit)
        return bytes(data)
    try:
        if codec == Codec.GZIP:
            return _gunzip(data, limit)
        if codec == Codec.SNAPPY:
            return _unsnappy(memoryview(data), limit)
        if codec == Codec.LZ4:
            return _unlz4(data, limit)
        if codec == Codec.ZSTD:
            return _unzstd(data, limit)
    except (zlib.error, cramjam.DecompressionError, RuntimeError, zstandard.ZstdError) as error:
        raise Corrupt(f"{codec_name(codec)} data is damaged: {error}") from error
    raise Corrupt(f"unknown compression codec {codec}")


def _too_large(codec: int, limit: int) -> Corrupt:
    return Corrupt(f"{codec_name(codec)} data holds more than the {limit} bytes allowed")


def _cut_short(codec: int) -> Corrupt:
    return Corrupt(f"{codec_name(codec)} data is cut short")


def _gunzip(data: Bytes, limit: int) -> bytes:
    parts: list[bytes] = []
    total = 0
    rest: Bytes = data
    while True:  # RFC 1952: a file may have several members; Java reads them all
        member = zlib.decompressobj(wbits=31)
        part = member.decompress(rest, limit - total + 1)
        parts.append(part)
        total += len(part)
        if total > limit:
            raise _too_large(Codec.GZIP, limit)
        if not member.eof:
            raise _cut_short(Codec.GZIP)
        rest = member.unused_data
        if not rest:
            return part if len(parts) == 1 else b"".join(parts)


def _xerial(data: memoryview) -> bytes:
    parts = [XERIAL_HEADER]
    for start in range(0, len(data), XERIAL_BLOCK_BYTES):
        block = bytes(cramjam.snappy.compress_raw(data[start : start + XERIAL_BLOCK_BYTES]))
        parts += (_INT32.pack(len(block)), block)
    return b"".join(parts)


def _unsnappy(data: memoryview, limit: int) -> bytes:
    if data[: len(XERIAL_MAGIC)] != XERIAL_MAGIC:
        return _unsnappy_block(data, limit)
    if len(data) < len(XERIAL_HEADER):
        raise _cut_short(Codec.SNAPPY)
    parts: list[bytes] = []
    total = 0
    pos, end = len(XERIAL_HEADER), len(data)
    while pos < end:
        if end - pos < 4:
            raise _cut_short(Codec.SNAPPY)
        (size,) = _INT32.unpack_from(data, pos)
        pos += 4
        if not 0 <= size <= end - pos:
            raise Corrupt(f"snappy block of {size} bytes where {end - pos} are left")
        part = _unsnappy_block(data[pos : pos + size], limit - total)
        parts.append(part)
        total += len(part)
        pos += size
    return b"".join(parts)


def _unsnappy_block(block: memoryview, limit: int) -> bytes:
    # The block's first varint says its size: refuse before anything is allocated.
    if cramjam.snappy.decompress_raw_len(block) > limit:
        raise _too_large(Codec.SNAPPY, limit)
    return bytes(cramjam.snappy.decompress_raw(block))


def _unlz4(data: Bytes, limit: int) -> bytes:
    # Linked blocks are read too: a reader of the bucket must get at what a careless producer wrote.
    frame = lz4.frame.LZ4FrameDecompressor()
    chunk = max(LZ4_CHUNK_BYTES_MIN, 4 * len(data))
    parts: list[bytes] = []
    total = 0
    rest: Bytes = data
    while not frame.eof:
        part = frame.decompress(rest, max_length=min(chunk, limit - total + 1))
        parts.append(part)
        total += len(part)
        if total > limit:
            raise _too_large(Codec.LZ4, limit)
        if not part and not frame.eof:
            raise _cut_short(Codec.LZ4)
        rest = b""
        chunk *= 2
    if frame.unused_data:
        raise Corrupt("lz4 data goes on after the end of its frame")
    return parts[0] if len(parts) == 1 else b"".join(parts)


class _ZstdContext(threading.local):
    """Contexts cost more to make than a batch to decode, and must not be shared by threads."""

    def __init__(self) -> None:
        self.compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL)
        self.decompressor = zstandard.ZstdDecompressor()


_zstd = _ZstdContext()


def _unzstd(data: Bytes, limit: int) -> bytes:
    # Streaming producers (Java) write no content size, and a frame's claim is no proof: the input
    # goes in by pieces that cannot make more than a few times `limit` before the sum is looked at.
    piece = max(ZSTD_PIECE_BYTES_MIN, limit // ZSTD_EXPANSION_MAX)
    view = memoryview(data)
    frame = _zstd.decompressor.decompressobj()
    parts: list[bytes] = []
    total = 0
    for start in range(0, len(view), piece):
        if frame.eof:
            raise Corrupt("zstd data goes on after the end of its frame")
        part = frame.decompress(view[start : start + piece])
        parts.append(part)
        total += len(part)
        if total > limit:
            raise _too_large(Codec.ZSTD, limit)
    if not frame.eof:
        raise _cut_short(Codec.ZSTD)
    if frame.unused_data:
        raise Corrupt("zstd data goes on after the end of its frame")
    return parts[0] if len(parts) == 1 else b"".join(parts)
