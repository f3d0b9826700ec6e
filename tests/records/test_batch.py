from __future__ import annotations

import random
import struct

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import ClientFault, Corrupt, ErrorCode
from anabranch.records.batch import (
    BATCH_OVERHEAD,
    LOG_OVERHEAD,
    BatchHeader,
    crc_matches,
    parse_header,
    place,
    place_all,
    scan,
    stamp_append_time,
    validate_produced,
)
from anabranch.records.builder import build_batch
from anabranch.records.compression import CODECS_BEFORE_ZSTD, Codec
from anabranch.records.record import Record, iter_records

from .samples import FOREIGN, FOREIGN_IDS, foreign_batch, record_lists, simple

MAX = 1 << 20


def patched(batch: bytes, at: int, code: str, value: int, *, fix_crc: bool = True) -> memoryview:
    """The batch with one header field overwritten and, unless told not to, its CRC taken anew."""
    out = bytearray(batch)
    struct.pack_into(code, out, at, value)
    if fix_crc:
        struct.pack_into(">I", out, 17, crc32c(memoryview(out)[21:]))
    return memoryview(out)


def refused(buf: bytes | memoryview, **kwargs: object) -> ErrorCode:
    with pytest.raises(ClientFault) as caught:
        validate_produced(memoryview(buf), message_bytes_max=MAX, **kwargs)  # type: ignore[arg-type]
    assert caught.value.message
    return caught.value.code


def test_crc32c_is_castagnoli() -> None:
    # RFC 3720 appendix B.4, and the check value of the CRC catalogue.
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E


def test_a_batch_byte_by_byte() -> None:
    batch = build_batch(
        [Record(timestamp=1000, key=b"k", value=b"vv", headers=(("h", None),))],
        base_offset=7,
        producer_id=9,
        producer_epoch=3,
        base_sequence=5,
        leader_epoch=2,
        transactional=True,
    )
    body = bytes.fromhex("18 00 00 00 02 6b 04 7676 02 02 68 01")
    covered = struct.pack(">hiqqqhii", 0x10, 0, 1000, 1000, 9, 3, 5, 1) + body
    prefix = struct.pack(">qiibI", 7, 9 + len(covered), 2, 2, crc32c(covered))
    assert batch == prefix + covered
    assert parse_header(batch) == BatchHeader(
        position=0,
        size=BATCH_OVERHEAD + len(body),
        base_offset=7,
        partition_leader_epoch=2,
        magic=2,
        crc=crc32c(covered),
        attributes=0x10,
        last_offset_delta=0,
        base_timestamp=1000,
        max_timestamp=1000,
        producer_id=9,
        producer_epoch=3,
        base_sequence=5,
        record_count=1,
    )


def test_header_properties() -> None:
    header = parse_header(
        build_batch(
            simple(3), base_offset=10, codec=4, producer_id=1, producer_epoch=0, base_sequence=4
        )
    )
    assert (header.last_offset, header.codec, header.last_sequence) == (12, Codec.ZSTD, 6)
    assert not (header.is_control or header.is_transactional or header.log_append_time)
    header = parse_header(build_batch(simple(1), control=True, transactional=True))
    assert header.is_control and header.is_transactional
    assert header.last_sequence == -1


@pytest.mark.parametrize(
    ("base", "count", "last"), [(2**31 - 1, 1, 2**31 - 1), (2**31 - 1, 2, 0), (2**31 - 2, 4, 1)]
)
def test_sequence_numbers_wrap_to_zero(base: int, count: int, last: int) -> None:
    batch = build_batch(simple(count), producer_id=1, producer_epoch=0, base_sequence=base)
    assert parse_header(batch).last_sequence == last


@given(st.lists(record_lists, max_size=4), st.data())
def test_scan_finds_whole_batches_and_stops_before_a_cut_one(
    lists: list[list[Record]], data: st.DataObject
) -> None:
    batches = [build_batch(records, codec=i % 5) for i, records in enumerate(lists)]
    whole = b"".join(batches)
    found = list(scan(whole))
    assert [whole[h.position : h.end] for h in found] == batches
    assert all(crc_matches(whole, h) for h in found)

    cut = data.draw(st.integers(0, len(whole)))
    assert list(scan(whole[:cut])) == [h for h in found if h.end <= cut]
    if found:
        assert list(scan(whole, found[0].end, cut) if cut >= found[0].end else []) == [
            h for h in found[1:] if h.end <= cut
        ]


@given(st.binary(max_size=200))
def test_random_bytes_are_corrupt_or_too_short(raw: bytes) -> None:
    try:
        headers = list(scan(raw))
    except Corrupt:
        return
    assert all(h.end <= len(raw) for h in headers)


# One field of a batch of three records, and a value that it cannot have: position, code, value.
IMPOSSIBLE = [
    (16, ">b", 1),
    (8, ">i", 48),
    (8, ">i", -1),
    (57, ">i", 4),  # more records than offsets
    (57, ">i", -1),
    (23, ">i", -1),
    (0, ">q", -1),
    (0, ">q", 2**63 - 3),  # the offset after its last would not be an int64
]


@pytest.mark.parametrize(("at", "code", "value"), IMPOSSIBLE)
def test_a_header_that_cannot_be(at: int, code: str, value: int) -> None:
    with pytest.raises(Corrupt):
        parse_header(patched(build_batch(simple(3)), at, code, value))


def test_the_highest_base_offset() -> None:
    highest = patched(build_batch(simple(3)), 0, ">q", 2**63 - 4)
    assert parse_header(highest).last_offset == 2**63 - 2


def test_a_header_without_its_end() -> None:
    with pytest.raises(Corrupt, match="cut short"):
        parse_header(build_batch(simple(1))[:60])


def test_a_header_needs_no_body() -> None:
    batch = build_batch(simple(3))
    assert parse_header(batch[:BATCH_OVERHEAD]) == parse_header(batch)


# The broker's append check.


@pytest.mark.parametrize("codec", list(Codec))
@pytest.mark.parametrize("compacted", [False, True])
def test_good_batches_are_accepted(codec: Codec, compacted: bool) -> None:
    one = build_batch(simple(5), codec=codec)
    two = build_batch(
        simple(2), codec=codec, producer_id=4, producer_epoch=0, base_sequence=0, transactional=True
    )
    buf = memoryview(one + two)
    headers = validate_produced(buf, message_bytes_max=len(one), compacted=compacted)
    assert headers == list(scan(buf))


@pytest.mark.parametrize(("builder", "_batch"), FOREIGN, ids=FOREIGN_IDS)
@pytest.mark.parametrize("codec", list(Codec))
def test_what_clients_build_is_accepted(builder: object, _batch: object, codec: Codec) -> None:
    batch = foreign_batch(builder, simple(200), codec)
    (header,) = validate_produced(memoryview(batch), message_bytes_max=MAX, compacted=True)
    assert header.codec == codec


@pytest.mark.parametrize("magic", [0, 1])
def test_old_message_formats_are_refused(magic: int) -> None:
    # offset, size, crc, magic, attributes, (timestamp), key, value: a message set of format v0 or v1
    body = struct.pack(">Ibb", 0, magic, 0) + bytes(8 * magic) + struct.pack(">ii", -1, -1)
    old = struct.pack(">qi", 0, len(body)) + body
    assert len(old) < BATCH_OVERHEAD
    assert refused(old) == ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT


def test_nothing_is_refused() -> None:
    assert refused(b"") == ErrorCode.INVALID_RECORD


def test_every_cut_is_refused() -> None:
    batch = build_batch(simple(3))
    for cut in range(1, len(batch)):
        assert refused(batch[:cut]) == ErrorCode.CORRUPT_MESSAGE


@given(st.binary(min_size=1, max_size=80))
def test_trailing_garbage_is_refused(garbage: bytes) -> None:
    assert refused(build_batch(simple(3)) + garbage) in {
        ErrorCode.CORRUPT_MESSAGE,
        ErrorCode.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        ErrorCode.MESSAGE_TOO_LARGE,
    }


def test_every_flipped_bit_is_refused() -> None:
    batch = build_batch(simple(2))
    for bit in range(8 * len(batch)):
        if 12 * 8 <= bit < 16 * 8:
            continue  # leader epoch: ours to overwrite, outside the CRC
        out = bytearray(batch)
        out[bit // 8] ^= 1 << bit % 8
        with pytest.raises(ClientFault):
            validate_produced(memoryview(out), message_bytes_max=MAX)


def test_a_batch_larger_than_the_topic_takes() -> None:
    batch = build_batch(simple(3))
    with pytest.raises(ClientFault) as caught:
        validate_produced(memoryview(batch), message_bytes_max=len(batch) - 1)
    assert caught.value.code == ErrorCode.MESSAGE_TOO_LARGE


@pytest.mark.parametrize(
    ("at", "code", "value", "error"),
    [
        (16, ">b", 3, ErrorCode.CORRUPT_MESSAGE),
        (16, ">b", -1, ErrorCode.CORRUPT_MESSAGE),
        (8, ">i", 48, ErrorCode.CORRUPT_MESSAGE),
        (8, ">i", -5, ErrorCode.CORRUPT_MESSAGE),
        (8, ">i", 2**31 - 1, ErrorCode.CORRUPT_MESSAGE),
        (0, ">q", 1, ErrorCode.INVALID_RECORD),
        (57, ">i", 0, ErrorCode.INVALID_RECORD),
        (57, ">i", 2, ErrorCode.INVALID_RECORD),
        (57, ">i", -1, ErrorCode.INVALID_RECORD),
        (23, ">i", 3, ErrorCode.INVALID_RECORD),
        (23, ">i", -1, ErrorCode.INVALID_RECORD),
        (21, ">h", 0x20, ErrorCode.INVALID_RECORD),  # control
        (21, ">h", 0x10, ErrorCode.INVALID_RECORD),  # transactional without a producer id
        (21, ">h", 0x08, ErrorCode.INVALID_TIMESTAMP),  # LogAppendTime is the broker's to set
        (21, ">h", 0x05, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (21, ">h", 0x07, ErrorCode.UNSUPPORTED_COMPRESSION_TYPE),
        (43, ">q", 5, ErrorCode.INVALID_RECORD),  # producer id without epoch and sequence
    ],
)
def test_kafkas_code_for_each_fault(at: int, code: str, value: int, error: ErrorCode) -> None:
    assert refused(patched(build_batch(simple(3)), at, code, value)) == error


def test_more_records_than_could_fit() -> None:
    batch = patched(build_batch(simple(1)), 57, ">i", 2**31 - 1)
    assert refused(patched(bytes(batch), 23, ">i", 2**31 - 2)) == ErrorCode.INVALID_RECORD


def test_zstd_where_the_produce_version_is_too_old() -> None:
    batch = build_batch(simple(3), codec=Codec.ZSTD)
    assert refused(batch, allowed_codecs=CODECS_BEFORE_ZSTD) == (
        ErrorCode.UNSUPPORTED_COMPRESSION_TYPE
    )


@pytest.mark.parametrize("codec", list(Codec))
def test_a_keyless_record_on_a_compacted_topic(codec: Codec) -> None:
    batch = build_batch([*simple(3), Record(value=b"no key")], codec=codec)
    assert refused(batch, compacted=True) == ErrorCode.INVALID_RECORD
    validate_produced(memoryview(batch), message_bytes_max=MAX)


@pytest.mark.parametrize("compacted", [False, True])
def test_records_that_do_not_decode(compacted: bool) -> None:
    """Under a right CRC: whatever is wrong with a plain record, it is refused at the door."""
    batch = build_batch(simple(3))
    broken = patched(batch, BATCH_OVERHEAD, ">b", 0x7E)
    assert refused(broken, compacted=compacted) == ErrorCode.INVALID_RECORD
    # Behind a good batch nothing of either is taken.
    assert refused(batch + bytes(broken), compacted=compacted) == ErrorCode.INVALID_RECORD


@pytest.mark.parametrize("codec", [codec for codec in Codec if codec])
def test_compressed_garbage_is_refused_where_records_are_looked_at(codec: Codec) -> None:
    batch = build_batch(simple(200), codec=codec)
    broken = patched(batch, BATCH_OVERHEAD, ">q", -1)
    assert refused(broken, compacted=True) == ErrorCode.INVALID_RECORD
    validate_produced(broken, message_bytes_max=MAX)


@given(st.integers(0, 2**32 - 1).map(random.Random))
def test_what_is_accepted_decodes(rng: random.Random) -> None:
    out = bytearray(build_batch(simple(rng.randint(1, 4))))
    for _ in range(rng.randint(1, 3)):
        out[rng.randrange(BATCH_OVERHEAD, len(out))] = rng.choice((0, 1, 0x7F, 0x80, 0xFF))
    out[17:21] = crc32c(memoryview(out)[21:]).to_bytes(4, "big")
    try:
        (header,) = validate_produced(memoryview(out), message_bytes_max=MAX)
    except ClientFault as fault:
        assert fault.code == ErrorCode.INVALID_RECORD
        with pytest.raises(Corrupt):
            list(iter_records(out, parse_header(out)))
    else:
        assert len(list(iter_records(out, header))) == header.record_count


def test_I10_bombs_in_one_append_are_counted_together() -> None:
    batch = build_batch([Record(key=b"k", value=bytes(1 << 19))], codec=Codec.ZSTD)
    enough = 2 * (1 << 19) + 1000
    validate_produced(
        memoryview(2 * batch), message_bytes_max=MAX, compacted=True, inflated_bytes_max=enough
    )
    assert refused(3 * batch, compacted=True, inflated_bytes_max=enough) == (
        ErrorCode.INVALID_RECORD
    )


def test_a_bomb_on_a_compacted_topic() -> None:
    batch = build_batch([Record(key=b"k", value=bytes(1 << 20))], codec=Codec.ZSTD)
    assert len(batch) < 1000
    assert refused(batch, compacted=True, inflated_bytes_max=1 << 19) == ErrorCode.INVALID_RECORD


@given(st.binary(max_size=300))
def test_random_bytes_are_a_client_fault(raw: bytes) -> None:
    with pytest.raises(ClientFault):
        validate_produced(memoryview(raw), message_bytes_max=MAX)


# What the broker writes.


@given(record_lists, st.integers(0, 2**62), st.integers(0, 2**31 - 1))
def test_place_keeps_the_crc(records: list[Record], base_offset: int, epoch: int) -> None:
    batch = build_batch(records)
    buf = bytearray(b"xyz" + batch)
    place(memoryview(buf), 3, base_offset, epoch)
    header = parse_header(buf, 3)
    assert (header.base_offset, header.partition_leader_epoch) == (base_offset, epoch)
    assert crc_matches(buf, header)
    assert buf[:3] == b"xyz" and buf[3 + 16 :] == batch[16:]


def test_place_all_counts_offsets_not_records() -> None:
    gapped = build_batch(simple(2), offset_deltas=[1, 4], last_offset_delta=9)
    buf = bytearray(build_batch(simple(3)) + gapped + build_batch(simple(1)))
    assert place_all(memoryview(buf), 100, 6) == 114
    assert [(h.base_offset, h.last_offset, h.partition_leader_epoch) for h in scan(buf)] == [
        (100, 102, 6),
        (103, 112, 6),
        (113, 113, 6),
    ]
    assert place_all(bytearray(), 5, 0) == 5


def test_place_all_of_what_are_not_whole_batches() -> None:
    batch = build_batch(simple(3))
    for damaged in (
        batch[:-1],
        batch + b"\0",
        batch + batch[:70],
        bytes(patched(batch, 16, ">b", 1)),
        bytes(patched(batch, 8, ">i", 3)),
        bytes(patched(batch, 23, ">i", -1)),
    ):
        with pytest.raises(Corrupt):
            place_all(bytearray(damaged), 0, 0)


@pytest.mark.parametrize("codec", list(Codec))
def test_log_append_time(codec: Codec) -> None:
    batch = build_batch(simple(4), codec=codec)
    buf = bytearray(batch + batch)
    stamp_append_time(memoryview(buf), len(batch), 123_456)
    first, second = scan(buf)
    assert not first.log_append_time and buf[: len(batch)] == batch
    assert second.log_append_time and second.max_timestamp == 123_456
    assert second.base_timestamp == first.base_timestamp and second.codec == codec
    assert crc_matches(buf, second)
    assert [r.timestamp for r in iter_records(buf, second)] == [123_456] * 4
    assert [r.value for r in iter_records(buf, second)] == [r.value for r in simple(4)]


def test_random_header_damage_never_escapes_the_two_errors() -> None:
    rng = random.Random(1)
    batch = build_batch(simple(3))
    for _ in range(3000):
        out = bytearray(batch)
        for _ in range(rng.randint(1, 4)):
            out[rng.randrange(BATCH_OVERHEAD)] = rng.randrange(256)
        try:
            for header in scan(out):
                crc_matches(out, header)
                list(iter_records(out, header, limit=1 << 16))
        except Corrupt:
            pass
        struct.pack_into(">I", out, 17, crc32c(memoryview(out)[21:]))
        try:
            validate_produced(memoryview(out), message_bytes_max=MAX, compacted=True)
        except ClientFault:
            pass


def test_log_overhead_is_what_the_length_does_not_count() -> None:
    batch = build_batch(simple(1))
    assert struct.unpack_from(">i", batch, 8) == (len(batch) - LOG_OVERHEAD,)
