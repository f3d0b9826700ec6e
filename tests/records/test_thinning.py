"""The compaction kernel, compiled and as Python, against a plain implementation record by record."""

from __future__ import annotations

import importlib.util
import sys
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.log import offset_map
from anabranch.log.offset_map import OffsetMap
from anabranch.records import _compact, kernel_is_compiled, thinning
from anabranch.records.batch import crc_matches, parse_header
from anabranch.records.builder import build_batch
from anabranch.records.compression import Codec
from anabranch.records.record import Record, iter_records, payload
from anabranch.records.thinning import Table, cells
from tests.records import thinning_oracle as oracle


def uncompiled() -> ModuleType:
    """The kernel's own Python file, whatever is installed beside it."""
    path = Path(thinning.__file__).with_name("_compact.py")
    spec = importlib.util.spec_from_file_location("compact_in_python", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    cython = sys.modules.pop("cython", None)
    sys.modules["cython"] = None  # type: ignore[assignment]
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["cython"]
        if cython is not None:
            sys.modules["cython"] = cython
    assert module.COMPILED is False
    return module


PYTHON = uncompiled()
KERNELS = {"installed": _compact, "python": PYTHON}


@pytest.fixture(params=sorted(KERNELS))
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = KERNELS[request.param]
    monkeypatch.setattr(thinning, "_compact", module)
    monkeypatch.setattr(offset_map, "_compact", module)
    yield module


def test_the_installed_kernel_is_compiled_if_the_others_are() -> None:
    assert kernel_is_compiled() == _compact.COMPILED


def table(slots: int) -> Table:
    return Table(array("Q", [0]) * slots, array("Q", [0]) * slots, array("q", [-1]) * slots)


KEYS = st.one_of(st.none(), st.sampled_from([b"", b"a", b"b", b"\0" * 128, b"k" * 129, b"c" * 300]))
VALUES = st.one_of(st.none(), st.binary(max_size=40))
TIMES = st.integers(-(2**40), 2**40)


@st.composite
def batches(draw: st.DrawFn) -> bytes:
    """Sparse or dense, compressed or not, with headers, markers and keys that come again."""
    count = draw(st.integers(0, 12))
    deltas, at = [], draw(st.integers(0, 3))
    for _ in range(count):
        deltas.append(at)
        at += draw(st.sampled_from([1, 1, 1, 2, 1000, 2**20]))
    records = [
        Record(
            0, draw(TIMES), draw(KEYS), draw(VALUES), draw(st.sampled_from([(), (("h", b"v"),)]))
        )
        for _ in range(count)
    ]
    return build_batch(
        records,
        base_offset=draw(st.sampled_from([0, 5, 2**40])),
        codec=draw(st.sampled_from(list(Codec))),
        producer_id=draw(st.sampled_from([-1, 7])),
        offset_deltas=deltas,
        last_offset_delta=max([at, 0]),
        append_time_ms=draw(st.sampled_from([None, None, 5])),
    )


@pytest.mark.parametrize("name", sorted(KERNELS))
@settings(max_examples=250, deadline=None)
@given(
    many=st.lists(batches(), min_size=1, max_size=4),
    start=st.sampled_from([0, 6, 2**40]),
    end=st.sampled_from([4, 2**40 + 3, 2**62]),
    drop=st.booleans(),
    horizon=st.sampled_from([None, 0, 2**41, -(2**41)]),
)
def test_every_kernel_keeps_what_the_plain_implementation_keeps(
    name: str, many: list[bytes], start: int, end: int, drop: bool, horizon: int | None
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thinning, "_compact", KERNELS[name])
        patch.setattr(offset_map, "_compact", KERNELS[name])
        newest, model = OffsetMap(1 << 20), dict[bytes, int]()
        for batch in many:
            header = parse_header(batch)
            assert newest.put(payload(batch, header), header, start)
            for each in oracle.encoded_records(payload(batch, header), header):
                offset = header.base_offset + each.offset_delta
                if each.key is not None and offset >= start:
                    model[each.key] = max(offset, model.get(each.key, -1))
        assert len(newest) == len(model)
        assert all(newest.get(key) == offset for key, offset in model.items())
        assert newest.get(b"nobody's") == -1
        for batch in many:
            header = parse_header(batch)
            body = payload(batch, header)
            kept = [
                each
                for each in oracle.encoded_records(body, header)
                if each.key is None
                or header.base_offset + each.offset_delta >= end
                or (
                    model.get(each.key, -1) <= header.base_offset + each.offset_delta
                    and not (each.is_tombstone and drop)
                )
            ]
            judged = thinning.judge(newest.table, body, header, end=end, drop_markers=drop)
            assert judged.kept == len(kept)
            assert judged.markers == sum(each.is_tombstone for each in kept)
            written = thinning.thinned(header, body, judged, horizon_ms=horizon)
            assert written == oracle.thinned(header, body, kept, horizon_ms=horizon)
            again = parse_header(written)
            assert crc_matches(written, again)
            before = {r.offset: r for r in iter_records(memoryview(batch), header)}
            assert list(iter_records(memoryview(written), again)) == [
                before[header.base_offset + each.offset_delta] for each in kept
            ]


@settings(max_examples=400, deadline=None)
@given(batches(), st.data())
def test_I10_no_input_leads_out_of_the_buffers_and_both_lives_say_the_same(
    batch: bytes, data: st.DataObject
) -> None:
    """The payload is spoiled in one place or cut short: each life refuses it, or finds the same."""
    header = parse_header(batch)
    body = bytearray(payload(batch, header))
    if body and data.draw(st.booleans()):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    elif body:
        del body[data.draw(st.integers(0, len(body) - 1)) :]
    found = []
    for module in KERNELS.values():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(thinning, "_compact", module)
            patch.setattr(offset_map, "_compact", module)
            newest = OffsetMap(0)
            view = memoryview(body)
            try:
                newest.put(view, header, 0)
                judged = thinning.judge(newest.table, view, header, end=2**62, drop_markers=False)
                written = thinning.thinned(header, view, judged, horizon_ms=12)
                found.append((sorted(newest.table.offsets), judged, written))
            except Corrupt as corrupt:
                found.append(str(corrupt))
    assert found[0] == found[1]
    try:
        records = list(oracle.encoded_records(memoryview(body), header))
    except Corrupt:
        assert isinstance(found[0], str), "the plain implementation refuses it"
    else:
        # It refuses more: lengths beyond the record, varints beyond 64 bits, deltas that do not fit.
        if not isinstance(found[0], str):
            assert found[0][1].kept <= len(records)


@pytest.mark.parametrize("size", [0, 1, 127, 128, 129, 255, 256, 257, 1000])
def test_the_hash_is_blake2b(kernel: ModuleType, size: int) -> None:
    key = bytes(range(256)) * 4
    key = key[:size]
    header = parse_header(batch := build_batch([Record(0, 1, key, b"")], base_offset=9))
    newest = table(4)
    filled = thinning.fill(newest, payload(batch, header), header, start=0, room=3)
    assert filled.added == 1 and not filled.full
    (slot,) = [n for n, offset in enumerate(newest.offsets) if offset == 9]
    digest = blake2b(key, digest_size=16).digest()
    assert newest.lows[slot] == int.from_bytes(digest[:8], "little")
    assert newest.highs[slot] == int.from_bytes(digest[8:], "little")
    assert kernel.newest(key + b"\0", size, *newest, cells()) == 9


def test_a_full_table_stops_the_walk_where_it_can_go_on(kernel: ModuleType) -> None:
    records = [Record(0, 1, b"%d" % (n % 5), b"") for n in range(20)]
    header = parse_header(batch := build_batch(records))
    body = payload(batch, header)
    small = table(8)
    filled = thinning.fill(small, body, header, start=0, room=3)
    assert (filled.added, filled.record, filled.full) == (3, 3, True)
    on = thinning.fill(
        small, body, header, start=0, room=2, position=filled.position, record=filled.record
    )
    assert (on.added, on.record, on.full) == (2, 20, False)
    assert sorted(offset for offset in small.offsets if offset >= 0) == [15, 16, 17, 18, 19]


def test_timestamps_that_do_not_fit_are_refused(kernel: ModuleType) -> None:
    record = Record(0, 2**62, b"a", None)
    other = Record(0, -(2**62) + 1, b"b", None)
    header = parse_header(batch := build_batch([other, record]))
    body = payload(batch, header)
    judged = thinning.judge(table(4), body, header, end=0, drop_markers=False)
    with pytest.raises(Corrupt):
        thinning.thinned(header, body, judged, horizon_ms=-(2**62) - 10)
