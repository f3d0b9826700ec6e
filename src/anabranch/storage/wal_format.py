"""The bytes of a WAL file. Values in, values out; ``docs/formats.md`` shows it for people.

    file   := file header (4096 bytes) frame* rest
    frame  := header parts padding          starts and ends at a multiple of 4096
    parts  := the batches of one partition, next partition, …   (what extents point at)

Integers are big-endian, as in Kafka's own formats. A frame is one flush: one ``pwritev``, one
``fdatasync``. Frames start on block boundaries so that writing one never rewrites a block of another
that was acknowledged.

A physical file lives many lives. ``generation`` is the number that the object key of this life ends
in; together with broker id and epoch it never returns, so a frame of a former life that still lies
behind the last written frame can never pass for one of this life.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from typing import NamedTuple

from crc32c import crc32c

from anabranch.errors import Corrupt
from anabranch.storage.store import Buffer

FORMAT_VERSION = 2
BLOCK_BYTES = 4096  # frames are aligned to it: the unit that file systems and drives write whole
FILE_HEADER_BYTES = BLOCK_BYTES
PARTS_MAX = 65_536  # partitions in one flush; keeps a hostile frame header below 3 MiB
PART_BYTES_MAX = (1 << 32) - 1  # length is an unsigned 32-bit integer
FAILED_MAX = 4096  # told of in one frame: more of them wait for the next one
WHOLE_FLUSH = -1  # instead of a part's number

_FILE_MAGIC = b"ANABWALF"
_FRAME_MAGIC = b"ANABFRAM"
_KEY = re.compile(r"wal/(\d{1,10})-(\d{10,19})-(\d{10,19})")

# magic, CRC-32C of what follows, version, cluster id, WAL id, broker id, epoch, generation
_FILE_HEADER = struct.Struct(">8sIH16s16siqq")
# magic, CRC-32C of what follows up to the first part's bytes, version, part count, frame length,
# cluster id, broker id, epoch, generation, position of the frame, sequence, settled, failed count
_FRAME_HEADER = struct.Struct(">8sIHIQ16siqqQqqI")
# topic id, partition, record batches, length, CRC-32C of the bytes; what was seen of the partition
_PART = struct.Struct(">16siIIIiqqqq")
# sequence, part, whether that is certain
_FAILED = struct.Struct(">qi?")
_CHECKED_FROM = 12  # both headers: the checksum covers what follows magic and checksum


class WalLife(NamedTuple):
    """Which life of which WAL file: what its header and each of its frames carry."""

    cluster_id: bytes  # 16 bytes
    broker_id: int
    epoch: int  # of the broker's start
    generation: int  # counts the files of this start, from 0

    @property
    def object_key(self) -> str:
        return f"wal/{self.broker_id}-{self.epoch:010}-{self.generation:010}"


class Seen(NamedTuple):
    """What a broker knew of a partition when it began to write a flush to it.

    The last flush of this start that committed anything to the partition, as far as that was known, got
    the offsets ``base_offset`` up to ``end_offset`` (exclusive); -1 if there was none.
    """

    leader_epoch: int  # what follows was so under it
    next_offset: int  # nothing that is committed later gets a lower one
    sequence: int = -1
    base_offset: int = -1
    end_offset: int = -1


class FailedFlush(NamedTuple):
    """A flush whose producers were told of an error, or one part of it."""

    sequence: int
    part: int = WHOLE_FLUSH  # counts in the frame's parts
    certain: bool = True  # False: whether the metastore holds it all the same is not known


class Past(NamedTuple):
    """What became of earlier flushes of a start, as of a frame.

    Those below ``settled`` are over: committed, but for what this frame or one before it calls failed.
    """

    settled: int = 0
    failed: tuple[FailedFlush, ...] = ()


UNSEEN = Seen(-1, 0)
NO_PAST = Past()


class FramePart(NamedTuple):
    """One partition's batches in a frame; ``position`` is in the file, so this is an extent."""

    topic_id: bytes  # 16 bytes
    partition: int
    batches: int  # record batches, as counted by the writer
    position: int  # bytes from the start of the file
    length: int  # bytes
    checksum: int  # CRC-32C of the bytes
    seen: Seen = UNSEEN


class Frame(NamedTuple):
    """One flush as its header describes it."""

    life: WalLife
    sequence: int  # counts the flushes of this start over all its files, from 0
    position: int  # bytes from the start of the file
    length: int  # bytes to the next frame, padding included
    parts: tuple[FramePart, ...]
    past: Past = NO_PAST


def parse_object_key(object_key: str) -> tuple[int, int, int] | None:
    """(broker id, epoch, generation) of a WAL object key; None for any other key."""
    match = _KEY.fullmatch(object_key)
    return None if match is None else (int(match[1]), int(match[2]), int(match[3]))


def aligned(length: int) -> int:
    """``length`` rounded up to a whole number of blocks."""
    return -(-length // BLOCK_BYTES) * BLOCK_BYTES


def frame_header_bytes(part_count: int, failed_count: int = 0) -> int:
    """Bytes of a frame's header: the distance from the frame to its first part."""
    return _FRAME_HEADER.size + part_count * _PART.size + failed_count * _FAILED.size


def encode_file_header(life: WalLife, wal_id: bytes) -> bytes:
    """A whole block."""
    assert len(life.cluster_id) == 16 and len(wal_id) == 16
    body = _FILE_HEADER.pack(_FILE_MAGIC, 0, FORMAT_VERSION, life.cluster_id, wal_id, *life[1:])[
        _CHECKED_FROM:
    ]
    header = _FILE_MAGIC + crc32c(body).to_bytes(4, "big") + body
    return header.ljust(FILE_HEADER_BYTES, b"\0")


def decode_file_header(block: Buffer) -> tuple[WalLife, bytes] | None:
    """(life, WAL id); None for a file between two lives (all zeros). Raises ``Corrupt``."""
    view = memoryview(block)
    if len(view) < _FILE_HEADER.size:
        raise Corrupt(f"WAL file header is cut short: {len(view)} bytes")
    magic, checksum, version, cluster_id, wal_id, broker_id, epoch, generation = (
        _FILE_HEADER.unpack_from(view)
    )
    if magic != _FILE_MAGIC:
        if not any(view[: _FILE_HEADER.size]):
            return None
        raise Corrupt("not a WAL file: its header does not start with ANABWALF")
    if crc32c(view[_CHECKED_FROM : _FILE_HEADER.size]) != checksum:
        raise Corrupt("WAL file header has a wrong checksum")
    if version != FORMAT_VERSION:
        raise Corrupt(f"WAL file has format version {version}; this release reads {FORMAT_VERSION}")
    return WalLife(cluster_id, broker_id, epoch, generation), wal_id


def encode_frame_header(
    life: WalLife,
    sequence: int,
    position: int,
    length: int,
    parts: Sequence[tuple[bytes, int, int, int, int, Seen]],
    past: Past = NO_PAST,
) -> bytes:
    """Header of a frame; each part is (topic id, partition, batches, length, checksum, seen)."""
    assert len(past.failed) <= FAILED_MAX
    fixed = _FRAME_HEADER.pack(
        *(_FRAME_MAGIC, 0, FORMAT_VERSION, len(parts), length, *life, position, sequence),
        *(past.settled, len(past.failed)),
    )
    described = [_PART.pack(*part[:5], *part[5]) for part in parts]
    failed = [_FAILED.pack(*one) for one in past.failed]
    body = b"".join([fixed[_CHECKED_FROM:], *described, *failed])
    return _FRAME_MAGIC + crc32c(body).to_bytes(4, "big") + body


def decode_frame_prefix(block: Buffer) -> int | None:
    """Bytes of the header that starts here; None if no frame of this format starts here."""
    if len(block) < _FRAME_HEADER.size:
        return None
    magic, _, version, parts, *_, failed = _FRAME_HEADER.unpack_from(block)
    if magic != _FRAME_MAGIC or version != FORMAT_VERSION:
        return None
    if not (0 < parts <= PARTS_MAX and failed <= FAILED_MAX):
        return None
    return frame_header_bytes(parts, failed)


def decode_frame_header(header: Buffer, *, padded: bool = True) -> Frame | None:
    """The frame that a header describes; None unless it is whole and true to its checksum.

    ``padded``: frames end at block boundaries, as in files; alone in an object they do not.
    """
    view = memoryview(header)
    size = decode_frame_prefix(view)
    if size is None or len(view) < size:
        return None
    _, checksum, _, part_count, length, *life, position, sequence, settled, failed_count = (
        _FRAME_HEADER.unpack_from(view)
    )
    if crc32c(view[_CHECKED_FROM:size]) != checksum:
        return None
    parts = []
    at = position + size
    for number in range(part_count):
        topic_id, partition, batches, part_length, part_checksum, *seen = _PART.unpack_from(
            view, _FRAME_HEADER.size + number * _PART.size
        )
        described = (topic_id, partition, batches, at, part_length, part_checksum)
        parts.append(FramePart(*described, Seen(*seen)))
        at += part_length
    if (aligned(at - position) if padded else at - position) != length:
        return None
    failed = _FAILED.iter_unpack(view[size - failed_count * _FAILED.size : size])
    past = Past(settled, tuple(FailedFlush(*one) for one in failed))
    return Frame(WalLife(*life), sequence, position, length, tuple(parts), past)
