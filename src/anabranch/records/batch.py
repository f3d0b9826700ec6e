"""What a broker does to record batches without decoding them: judge, place, stamp.

The format itself is in ``header.py``, whose public names are importable from here too.
"""

from __future__ import annotations

import struct
from collections.abc import Collection

from crc32c import crc32c

from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.records.compression import ALL_CODECS, INFLATED_BYTES_MAX
from anabranch.records.header import (
    ATTRIBUTES_AT,
    BATCH_OVERHEAD,
    CODEC_MASK,
    CONTROL,
    CRC_AT,
    DELETE_HORIZON,
    LOG_APPEND_TIME,
    LOG_OVERHEAD,
    MAGIC,
    MAGIC_AT,
    MAX_TIMESTAMP_AT,
    NO_PRODUCER_ID,
    NO_SEQUENCE,
    NO_TIMESTAMP,
    TRANSACTIONAL,
    BatchHeader,
    crc_matches,
    parse_header,
    scan,
    unpack_header,
)
from anabranch.records.kernel import check_records
from anabranch.records.record import RECORD_BYTES_MIN

__all__ = [
    "BATCH_OVERHEAD",
    "CODEC_MASK",
    "CONTROL",
    "DELETE_HORIZON",
    "LOG_APPEND_TIME",
    "LOG_OVERHEAD",
    "MAGIC",
    "NO_PRODUCER_ID",
    "NO_SEQUENCE",
    "NO_TIMESTAMP",
    "TRANSACTIONAL",
    "BatchHeader",
    "crc_matches",
    "parse_header",
    "place",
    "place_all",
    "scan",
    "stamp_append_time",
    "validate_produced",
]

_PREFIX = struct.Struct(">qiib")  # up to and including magic
_LAST_OFFSET_DELTA = struct.Struct(">i")
_INT64 = struct.Struct(">q")
_INT32 = struct.Struct(">i")
_INT16 = struct.Struct(">h")
_UINT32 = struct.Struct(">I")


def validate_produced(
    buf: memoryview,
    *,
    message_bytes_max: int,
    compacted: bool = False,
    allowed_codecs: Collection[int] = ALL_CODECS,
    inflated_bytes_max: int = INFLATED_BYTES_MAX,
) -> list[BatchHeader]:
    """Judge what a producer sent for one partition; the headers of its batches, all of them good.

    Records that are not compressed are checked one by one, as in Kafka: some 10 ns each. Compressed
    ones are opaque unless the topic is compacted (Kafka decompresses all): that would cost the loop
    more than everything else about a batch, and a reader that meets garbage can name it.

    ``message_bytes_max`` is the topic's ``max.message.bytes``; ``allowed_codecs`` leaves out zstd
    for Produce below v7; ``inflated_bytes_max`` caps what is decompressed of all batches together.
    Raises ``ClientFault`` with the code that Kafka answers with (``LogValidator``,
    ``ProduceRequest.validateRecords``): CORRUPT_MESSAGE for a bad CRC or impossible sizes,
    MESSAGE_TOO_LARGE, INVALID_RECORD, INVALID_TIMESTAMP, UNSUPPORTED_FOR_MESSAGE_FORMAT for magic
    0 and 1, UNSUPPORTED_COMPRESSION_TYPE. Several batches are accepted where Kafka takes only one;
    bytes after the last batch are refused where Kafka drops them silently.
    """
    headers: list[BatchHeader] = []
    pos, end = 0, len(buf)
    while pos < end:
        header = _validate_one(buf, pos, end, message_bytes_max, allowed_codecs)
        if compacted or not header.codec:
            inflated_bytes_max -= _check_records(buf, header, compacted, inflated_bytes_max)
        headers.append(header)
        pos += header.size
    if not headers:
        raise ClientFault(ErrorCode.INVALID_RECORD, "no record batch in the request")
    return headers


def _validate_one(
    buf: memoryview, pos: int, end: int, message_bytes_max: int, allowed_codecs: Collection[int]
) -> BatchHeader:
    if end - pos <= MAGIC_AT:
        raise ClientFault(ErrorCode.CORRUPT_MESSAGE, f"{end - pos} stray bytes are no batch")
    magic = buf[pos + MAGIC_AT]
    if magic != MAGIC:  # old message sets have their magic at the same place
        if magic < MAGIC:
            raise ClientFault(
                ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT, f"message format v{magic} is not stored"
            )
        raise ClientFault(ErrorCode.CORRUPT_MESSAGE, f"unknown magic {magic}")
    if end - pos < BATCH_OVERHEAD:
        raise ClientFault(ErrorCode.CORRUPT_MESSAGE, f"batch cut short at {end - pos} bytes")
    header = unpack_header(buf, pos)
    size = header.size
    if size < BATCH_OVERHEAD or size > end - pos:
        raise ClientFault(ErrorCode.CORRUPT_MESSAGE, f"batch of {size} bytes in {end - pos}")
    if size > message_bytes_max:
        raise ClientFault(
            ErrorCode.MESSAGE_TOO_LARGE,
            f"batch of {size} bytes exceeds max.message.bytes = {message_bytes_max}",
        )
    if crc32c(buf[pos + ATTRIBUTES_AT : pos + size]) != header.crc:
        raise ClientFault(ErrorCode.CORRUPT_MESSAGE, "CRC-32C does not match")
    attributes, count = header.attributes, header.record_count
    if count <= 0 or count != header.last_offset_delta + 1:
        raise ClientFault(
            ErrorCode.INVALID_RECORD,
            f"{count} records in {header.last_offset_delta + 1} offsets",
        )
    if header.base_offset != 0:
        raise ClientFault(ErrorCode.INVALID_RECORD, f"base offset {header.base_offset}, not 0")
    codec = attributes & CODEC_MASK
    if codec not in allowed_codecs:
        raise ClientFault(
            ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
            f"compression codec {codec} is not accepted here",
        )
    if codec == 0 and count * RECORD_BYTES_MIN > size - BATCH_OVERHEAD:
        raise ClientFault(ErrorCode.INVALID_RECORD, f"{count} records cannot fit {size} bytes")
    if attributes & CONTROL:
        raise ClientFault(ErrorCode.INVALID_RECORD, "clients may not write control batches")
    if attributes & LOG_APPEND_TIME:
        raise ClientFault(ErrorCode.INVALID_TIMESTAMP, "clients may not set LogAppendTime")
    if header.producer_id >= 0:
        if header.base_sequence < 0 or header.producer_epoch < 0:
            raise ClientFault(
                ErrorCode.INVALID_RECORD,
                f"producer {header.producer_id} with epoch {header.producer_epoch}"
                f" and sequence {header.base_sequence}",
            )
    elif attributes & TRANSACTIONAL:
        raise ClientFault(ErrorCode.INVALID_RECORD, "transactional batch without a producer id")
    return header


def _check_records(
    buf: memoryview, header: BatchHeader, compacted: bool, inflated_bytes_max: int
) -> int:
    """Decode every record; how many bytes were decompressed for it."""
    try:
        keyless, inflated_bytes = check_records(buf, header, limit=inflated_bytes_max)
    except Corrupt as error:
        raise ClientFault(ErrorCode.INVALID_RECORD, str(error)) from error
    if keyless and compacted:
        raise ClientFault(
            ErrorCode.INVALID_RECORD, "a compacted topic cannot accept a record without a key"
        )
    return inflated_bytes


def place(buf: bytearray | memoryview, pos: int, base_offset: int, leader_epoch: int) -> None:
    """Write a batch's base offset and leader epoch; both lie outside its CRC."""
    assert buf[pos + MAGIC_AT] == MAGIC
    _INT64.pack_into(buf, pos, base_offset)
    _INT32.pack_into(buf, pos + LOG_OVERHEAD, leader_epoch)


def place_all(buf: bytearray | memoryview, base_offset: int, leader_epoch: int) -> int:
    """Place the consecutive batches that fill ``buf``, the first at ``base_offset``.

    Returns the offset after the last. Raises ``Corrupt`` if ``buf`` is not filled by whole batches;
    it may then be placed in part.
    """
    pos, end = 0, len(buf)
    while pos < end:
        if end - pos < BATCH_OVERHEAD:
            raise Corrupt(f"{end - pos} bytes at {pos} are no whole batch")
        _, length, _, magic = _PREFIX.unpack_from(buf, pos)
        (last_offset_delta,) = _LAST_OFFSET_DELTA.unpack_from(buf, pos + ATTRIBUTES_AT + 2)
        size = length + LOG_OVERHEAD
        if magic != MAGIC or not BATCH_OVERHEAD <= size <= end - pos or last_offset_delta < 0:
            raise Corrupt(f"bytes at {pos} are no whole batch")
        _INT64.pack_into(buf, pos, base_offset)
        _INT32.pack_into(buf, pos + LOG_OVERHEAD, leader_epoch)
        base_offset += last_offset_delta + 1
        pos += size
    return base_offset


def stamp_append_time(buf: bytearray | memoryview, pos: int, timestamp_ms: int) -> None:
    """Give the whole batch at ``pos`` one timestamp, for topics with LogAppendTime.

    As Kafka does: attribute bit and max timestamp are set, the base timestamp stays, the CRC is
    taken anew.
    """
    header = parse_header(buf, pos)
    assert header.end <= len(buf)
    _INT16.pack_into(buf, pos + ATTRIBUTES_AT, header.attributes | LOG_APPEND_TIME)
    _INT64.pack_into(buf, pos + MAX_TIMESTAMP_AT, timestamp_ms)
    covered = memoryview(buf)[pos + ATTRIBUTES_AT : header.end]
    _UINT32.pack_into(buf, pos + CRC_AT, crc32c(covered))
