from __future__ import annotations

import importlib.util
import random
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest
from crc32c import crc32c
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import anabranch.records as records_package
from anabranch.errors import Corrupt
from anabranch.records import _decode, arrow, kernel_is_compiled
from anabranch.records import kernel as kernel_module
from anabranch.records.arrow import LARGE_SCHEMA, SCHEMA, decode_arrow
from anabranch.records.batch import BATCH_OVERHEAD, place_all, scan
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.kernel import WALK_BATCHES
from anabranch.records.record import Record, iter_records

from .samples import FOREIGN, FOREIGN_IDS, foreign_records, record_lists, simple
from .test_batch import IMPOSSIBLE, patched
from .test_record import CORRUPT_BODIES, TIMES_BEYOND, TIMES_WITHIN, raw_batch

SOURCE = Path(records_package.__file__).with_name("_decode.py")
KERNELS = ["compiled", "plain"]


def load_plain() -> ModuleType:
    """The kernel's source run as Python, under another name."""
    spec = importlib.util.spec_from_file_location("anabranch_decode_plain", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.COMPILED is False
    return module


@pytest.fixture(params=KERNELS)
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Runs the test with each kernel."""
    if request.param == "plain":
        monkeypatch.setattr(kernel_module, "_decode", load_plain())
    elif not kernel_is_compiled():
        pytest.skip("no compiled kernel here")
    yield request.param


# The fixture only swaps the kernel, so examples may share it; with two kernels fewer of them do.
given_kernel = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

Batches = list[tuple[list[Record], int]]
batches = st.lists(st.tuples(record_lists, st.sampled_from(Codec)), max_size=4)


def blob_of(lists: Batches, base_offset: int = 0) -> bytes:
    blob = bytearray(b"".join(build_batch(records, codec=codec) for records, codec in lists))
    place_all(blob, base_offset, 0)
    return bytes(blob)


def read(blob: bytes, **kwargs: Any) -> pa.RecordBatch:
    table = decode_arrow(blob, topic="flights", partition=3, **kwargs)
    table.validate(full=True)
    return table


def rows(table: pa.RecordBatch) -> list[Record]:
    """The table's rows as records."""
    return [
        Record(
            offset,
            timestamp,
            key,
            value,
            tuple((header["key"], header["value"]) for header in headers),
        )
        for offset, timestamp, key, value, headers in zip(
            table["offset"].to_pylist(),
            table["timestamp"].cast(pa.int64()).to_pylist(),
            table["key"].to_pylist(),
            table["value"].to_pylist(),
            table["headers"].to_pylist(),
            strict=True,
        )
    ]


def plainly(blob: bytes) -> list[Record]:
    return [r for header in scan(blob) for r in iter_records(blob, header)]


def test_the_compiled_kernel_is_the_one_that_runs() -> None:
    assert _decode.COMPILED == kernel_is_compiled() == (not str(_decode.__file__).endswith(".py"))


def test_the_plain_kernel_needs_no_cython(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cython", None)  # importing it now fails
    monkeypatch.setattr(kernel_module, "_decode", load_plain())
    assert rows(read(build_batch(simple(3)))) == plainly(build_batch(simple(3)))


@given_kernel
@given(lists=batches, base_offset=st.integers(0, 2**60))
def test_the_same_as_one_by_one(kernel: str, lists: Batches, base_offset: int) -> None:
    blob = blob_of(lists, base_offset)
    table = read(blob)
    assert table.schema == SCHEMA
    assert rows(table) == plainly(blob)
    assert set(table["topic"].to_pylist()) <= {"flights"}
    assert set(table["partition"].to_pylist()) <= {3}


@pytest.mark.parametrize(("_builder", "reader"), FOREIGN, ids=FOREIGN_IDS)
@given_kernel
@given(lists=batches)
def test_the_same_as_a_foreign_decoder(
    kernel: str, _builder: Any, reader: Any, lists: Batches
) -> None:
    blob = blob_of(lists)
    expected = [
        record
        for header in scan(blob)
        for record in foreign_records(reader(bytearray(blob[header.position : header.end])))
    ]
    assert rows(read(blob)) == expected


@given_kernel
@given(lists=batches, low=st.integers(0, 50), high=st.integers(0, 50))
def test_a_range_of_offsets(kernel: str, lists: Batches, low: int, high: int) -> None:
    blob = blob_of(lists)
    expected = [r for r in plainly(blob) if low <= r.offset < high]
    assert rows(read(blob, from_offset=low, to_offset=high)) == expected


@pytest.mark.parametrize("codec", [Codec.NONE, Codec.LZ4])
def test_a_range_that_begins_and_ends_inside_batches(kernel: str, codec: Codec) -> None:
    blob = blob_of([(simple(5), codec)] * 3, 100)
    for low, high in ((103, 112), (104, 105), (105, 110), (109, 111), (115, 120), (90, 101)):
        expected = [offset for offset in range(100, 115) if low <= offset < high]
        assert read(blob, from_offset=low, to_offset=high)["offset"].to_pylist() == expected


@given_kernel
@given(lists=batches, low=st.integers(0, 50), size=st.integers(0, 9))
def test_walking_in_the_kernel_is_walking_header_by_header(
    kernel: str, lists: Batches, low: int, size: int
) -> None:
    blob = blob_of(lists)
    kwargs = {"from_offset": low, "to_offset": low + size}
    assert read(blob, **kwargs) == read(blob, **kwargs, skip=lambda header: False)


def test_more_batches_than_one_walk_takes(kernel: str) -> None:
    blob = blob_of([(simple(1), Codec.NONE)] * (2 * WALK_BATCHES + 3))
    assert read(blob)["offset"].to_pylist() == list(range(2 * WALK_BATCHES + 3))
    assert read(blob, from_offset=700, to_offset=702)["offset"].to_pylist() == [700, 701]


@pytest.mark.parametrize(("at", "code", "value"), IMPOSSIBLE)
def test_headers_that_cannot_be(kernel: str, at: int, code: str, value: int) -> None:
    batch = build_batch(simple(3))
    for skip in (None, lambda header: False):
        with pytest.raises(Corrupt):
            read(batch + patched(batch, at, code, value), skip=skip)


def test_nothing(kernel: str) -> None:
    assert read(b"").num_rows == 0
    assert read(b"").schema == SCHEMA
    assert read(build_batch([], last_offset_delta=3)).num_rows == 0


def test_more_than_one_plan(kernel: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrow, "PLAN_BYTES", 300)
    blob = blob_of([(simple(9), Codec(i % 5)) for i in range(20)])
    assert rows(read(blob)) == plainly(blob)


def test_int64_offsets_where_int32_cannot_span_the_data(
    kernel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = [r._replace(headers=(("h", b"x"), ("i", None))) for r in simple(50)]
    blob = blob_of([(many, Codec.NONE), (simple(5), Codec.LZ4)])
    values = sum(len(r.value or b"") for r in plainly(blob))
    for limit, schema in ((values, SCHEMA), (values - 1, LARGE_SCHEMA)):
        monkeypatch.setattr(arrow, "NARROW_BYTES_MAX", limit)
        table = read(blob)
        assert table.schema == schema
        assert rows(table) == plainly(blob)


def test_control_batches_and_skipped_ones_are_left_out(kernel: str) -> None:
    one = build_batch(simple(2), producer_id=1, producer_epoch=0, base_sequence=0)
    two = build_batch(simple(2), producer_id=2, producer_epoch=0, base_sequence=0)
    end = build_batch([Record(key=bytes(4), value=bytes(6))], control=True, transactional=True)
    blob = bytearray(one + two + end + one)
    place_all(blob, 0, 0)
    assert read(bytes(blob))["offset"].to_pylist() == [0, 1, 2, 3, 5, 6]
    kept = read(bytes(blob), skip=lambda header: header.producer_id == 1)
    assert kept["offset"].to_pylist() == [2, 3]


def test_append_time_and_gaps(kernel: str) -> None:
    gapped = build_batch(simple(2), offset_deltas=[1, 4], base_offset=10, append_time_ms=77)
    table = read(gapped)
    assert table["offset"].to_pylist() == [11, 14]
    assert table["timestamp"].cast(pa.int64()).to_pylist() == [77, 77]


@pytest.mark.parametrize("wide", [False, True])
def test_header_names_that_are_not_utf8(
    kernel: str, wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if wide:
        monkeypatch.setattr(arrow, "NARROW_BYTES_MAX", 0)
    blob = raw_batch(bytes.fromhex("1e00000001010404c3a9027802ff0178"), 1)
    with pytest.raises(Corrupt):  # the record claims one byte less than it has
        read(blob)
    blob = raw_batch(bytes.fromhex("1c00000001010404c3a9027802ff01"), 1)
    assert read(blob)["headers"].to_pylist() == [
        [{"key": "é", "value": b"x"}, {"key": "\ufffd", "value": None}]
    ]


def test_a_compressed_batch_with_a_crc_that_does_not_match(kernel: str) -> None:
    blob = bytearray(build_batch(simple(3), codec=Codec.LZ4))
    blob[30] ^= 1  # in the base timestamp: nothing but the CRC shows it
    with pytest.raises(Corrupt, match="offset 0: CRC"):
        read(bytes(blob))
    assert read(bytes(blob), crc=False).num_rows == 3


def test_a_crc_that_does_not_match(kernel: str) -> None:
    blob = bytearray(build_batch(simple(3)) + build_batch(simple(3)))
    place_all(blob, 40, 0)
    blob[-3] ^= 1  # inside the last value
    with pytest.raises(Corrupt, match="offset 43: CRC"):
        read(bytes(blob))
    assert read(bytes(blob), crc=False).num_rows == 6
    assert read(bytes(blob), to_offset=43).num_rows == 3, "batches not asked for are not checked"


@pytest.mark.parametrize("stray", [b"\0", bytes(60), build_batch(simple(2))[:-1]])
def test_bytes_after_the_last_batch(kernel: str, stray: bytes) -> None:
    with pytest.raises(Corrupt, match="after the last whole batch"):
        read(build_batch(simple(3)) + stray)


@pytest.mark.parametrize("plan_bytes", [1, 100_000, 1 << 20])
def test_bombs_are_capped_over_the_whole_blob(
    kernel: str, plan_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:  # I10
    monkeypatch.setattr(arrow, "PLAN_BYTES", plan_bytes)
    bomb = build_batch([Record(value=bytes(1 << 16))], codec=Codec.ZSTD)
    blob = bytearray(bomb * 4)
    place_all(blob, 0, 0)
    assert read(bytes(blob), inflated_bytes_max=4 * 65_600).num_rows == 4
    with pytest.raises(Corrupt, match="offset 3: zstd data holds more"):
        read(bytes(blob), inflated_bytes_max=3 * 65_600)


def test_more_records_than_bytes_is_refused_before_anything_is_allocated(kernel: str) -> None:
    blob = raw_batch(b"", 2**31 - 1)
    with pytest.raises(Corrupt, match="cannot fit"):
        read(blob)


def test_corruption_names_batch_and_record(kernel: str) -> None:
    blob = bytearray(blob_of([(simple(3), Codec.NONE), (simple(3), Codec.NONE)], 500))
    second = list(scan(blob))[1]
    first_size = blob[second.position + BATCH_OVERHEAD] // 2 + 1
    at = second.position + BATCH_OVERHEAD + first_size
    blob[at] = 0x7E
    struct.pack_into(">I", blob, second.position + 17, crc32c(bytes(blob[second.position + 21 :])))
    with pytest.raises(Corrupt, match="batch at offset 503, record 1: length 63"):
        read(bytes(blob))


@pytest.mark.parametrize(("body", "count", "_says"), CORRUPT_BODIES)
def test_every_known_damage_is_named_alike(kernel: str, body: str, count: int, _says: str) -> None:
    blob = raw_batch(bytes.fromhex(body), count)
    with pytest.raises(Corrupt) as plain:
        plainly(blob)
    with pytest.raises(Corrupt) as caught:
        read(blob)
    if "cannot fit" not in str(caught.value):  # said before any record is looked at
        assert str(caught.value) == str(plain.value)


def test_timestamps_up_to_the_ends_of_an_int64(kernel: str) -> None:
    for base, delta in TIMES_BEYOND:
        with pytest.raises(Corrupt, match="timestamp"):
            read(raw_batch(bytes.fromhex(f"0c00{delta}00010100"), 1, base_timestamp=base))
    for base, delta, time in TIMES_WITHIN:
        table = read(raw_batch(bytes.fromhex(f"0c00{delta}00010100"), 1, base_timestamp=base))
        assert table["timestamp"].cast(pa.int64()).to_pylist() == [time]


def test_hostile_bytes_give_the_same_verdict_as_one_by_one(kernel: str) -> None:
    # The kernel must refuse exactly what the plain decoder refuses, and never leave its buffers.
    rng = random.Random(7)
    seeds = [
        blob_of([(simple(8), Codec.NONE)]),
        blob_of(
            [([Record(headers=(("ab", b"c"), ("", None)), value=b"v" * 70)] * 5, Codec.NONE)] * 2
        ),
    ]
    interesting = (0x00, 0x01, 0x02, 0x7E, 0x7F, 0x80, 0x81, 0xFE, 0xFF)
    refused = 0
    for _ in range(4000 if kernel == "compiled" else 800):
        seed = rng.choice(seeds)
        blob = bytearray(seed)
        for _ in range(rng.randint(1, 5)):
            header = rng.choice(list(scan(seed)))
            at = rng.randrange(header.position + BATCH_OVERHEAD, header.end)
            for i in range(at, min(at + rng.choice((1, 1, 1, 4, 10)), header.end)):
                blob[i] = rng.choice(interesting) if rng.random() < 0.7 else rng.randrange(256)
        try:
            expected = plainly(bytes(blob))
        except Corrupt as error:
            refused += 1
            with pytest.raises(Corrupt) as caught:
                read(bytes(blob), crc=False)
            assert str(caught.value) == str(error)
        else:
            assert rows(read(bytes(blob), crc=False)) == expected
    assert refused > 100


@given_kernel
@given(
    body=st.binary(max_size=120), count=st.integers(0, 12), base=st.integers(-(2**63), 2**63 - 1)
)
def test_random_bodies_give_the_same_verdict_as_one_by_one(
    kernel: str, body: bytes, count: int, base: int
) -> None:
    blob = raw_batch(body, count, base_timestamp=base, last=20)
    try:
        expected = plainly(blob)
    except Corrupt:
        with pytest.raises(Corrupt):
            read(blob)
    else:
        assert rows(read(blob)) == expected


@given_kernel
@given(data=st.data(), lists=batches)
def test_every_part_of_a_blob_is_corrupt_or_whole(
    kernel: str, data: st.DataObject, lists: Batches
) -> None:
    blob = blob_of(lists)
    cut = data.draw(st.integers(0, len(blob)))
    whole = {0, *(header.end for header in scan(blob))}
    if cut in whole:
        assert rows(read(blob[:cut])) == plainly(blob[:cut])
    else:
        with pytest.raises(Corrupt):
            read(blob[:cut])


def test_the_input_may_be_any_buffer(kernel: str) -> None:
    blob = blob_of([(simple(4), Codec.NONE)])
    for kind in (bytes, bytearray, memoryview, lambda raw: memoryview(bytearray(raw))):
        assert rows(decode_arrow(kind(blob), topic="t", partition=0)) == plainly(blob)


def test_columns_outlive_the_input(kernel: str) -> None:
    blob = bytearray(blob_of([(simple(40), Codec.NONE)]))
    expected = plainly(bytes(blob))
    table = decode_arrow(blob, topic="t", partition=0)
    blob[:] = bytes(len(blob))
    assert rows(table) == expected


def test_a_broker_never_imports_pyarrow() -> None:
    code = (
        "import sys, anabranch.records as r\n"
        "from anabranch.records import batch, builder, compression, record\n"
        "r.kernel_is_compiled()\n"
        "sys.exit('pyarrow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
