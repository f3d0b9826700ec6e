"""Cutting answers out of blocks: against a plain walk over the joined bytes, compiled and not."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from crc32c import crc32c
from hypothesis import given
from hypothesis import strategies as st

from anabranch.records import _scan, runs
from anabranch.records.batch import place_all, scan
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.records.runs import ANY_SIZE, cut


def uncompiled() -> ModuleType:
    """The kernel's own Python file, whatever is installed beside it."""
    path = Path(runs.__file__).with_name("_scan.py")
    spec = importlib.util.spec_from_file_location("scan_in_python", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["scan_in_python"] = module
    cython = sys.modules.pop("cython", None)
    sys.modules["cython"] = None  # type: ignore[assignment]
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules["cython"]
        if cython is not None:
            sys.modules["cython"] = cython
    return module


@pytest.fixture(params=["installed", "python"])
def kernel(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    module = _scan if request.param == "installed" else uncompiled()
    monkeypatch.setattr(runs, "_scan", module)
    yield module


def batches(sizes: list[int], base: int = 0) -> bytes:
    """One batch per size, with as many records as its number says (1, 2, 3, 1, 2, …)."""
    found = bytearray()
    for number, size in enumerate(sizes):
        count = number % 3 + 1
        records = [Record(n, 1000 + n, None, os.urandom(size), ()) for n in range(count)]
        found += build_batch(records)
    place_all(found, base, 4)
    return bytes(found)


def blocks_of(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def plain(data: bytes, offset: int, bytes_max: int, first_max: int) -> tuple[int, int]:
    """What a walk over joined bytes takes: start and end, or -1 and -1."""
    start = end = -1
    for header in scan(data):
        if header.last_offset < offset:
            continue
        room = first_max if start < 0 else bytes_max - (end - start)
        if header.size > room:
            break
        start = header.position if start < 0 else start
        end = header.end
    return start, end


@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    block=st.integers(1, 900),
    offset=st.integers(0, 40),
    bytes_max=st.integers(0, 3000),
    first_max=st.integers(0, 3000),
    compiled=st.booleans(),
)
def test_it_takes_what_a_plain_walk_takes(
    sizes: list[int], block: int, offset: int, bytes_max: int, first_max: int, compiled: bool
) -> None:
    data = batches(sizes)
    pieces = blocks_of(data, block)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_scan", _scan if compiled else PYTHON)
        found = cut(pieces, 0, len(data), offset, bytes_max=bytes_max, first_max=first_max)
    expected = plain(data, offset, bytes_max, first_max)
    assert (found.start, found.end) == expected and not found.damage
    if found.start >= 0:
        assert b"".join(runs.views(pieces, found.start, found.end)) == data[slice(*expected)]
        last = [header for header in scan(data) if header.end == found.end]
        assert found.next_offset >= last[0].last_offset + 1
    left = [header.size for header in scan(data) if header.position == found.position]
    assert ([found.needed] if found.needed else []) == left
    assert found.position == len(data) or left


PYTHON = uncompiled()


@given(
    sizes=st.lists(st.integers(0, 200), min_size=1, max_size=8),
    block=st.integers(1, 700),
    end=st.integers(0, 3000),
    compiled=st.booleans(),
)
def test_a_batch_that_is_not_whole_is_not_taken_and_its_size_is_told(
    sizes: list[int], block: int, end: int, compiled: bool
) -> None:
    data = batches(sizes)[:end]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_scan", _scan if compiled else PYTHON)
        found = cut(blocks_of(data, block), 0, len(data), 0, bytes_max=ANY_SIZE, first_max=ANY_SIZE)
    assert (found.start, found.end) == plain(data, 0, ANY_SIZE, ANY_SIZE)
    assert found.position == max(found.end, 0)
    assert (found.needed > 0) == (len(data) - found.position >= 61)


@given(
    sizes=st.lists(st.integers(1, 200), min_size=1, max_size=8),
    block=st.integers(1, 700),
    where=st.floats(0, 1, exclude_max=True),
    bit=st.integers(0, 7),
    compiled=st.booleans(),
)
def test_damage_ends_the_walk_at_the_batch_it_is_in(
    sizes: list[int], block: int, where: float, bit: int, compiled: bool
) -> None:
    """Offsets and epochs are not under the CRC, every other bit of a batch is."""
    data = bytearray(batches(sizes))
    at = int(where * len(data))
    (victim,) = [header for header in scan(data) if header.position <= at < header.end]
    inside = at - victim.position
    if inside < 12 or 12 <= inside < 16:
        return  # base offset, length, epoch
    data[at] ^= 1 << bit
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_scan", _scan if compiled else PYTHON)
        found = cut(
            blocks_of(bytes(data), block), 0, len(data), 0, bytes_max=ANY_SIZE, first_max=ANY_SIZE
        )
    assert found.damage and found.position == victim.position == max(found.end, 0)


def test_offsets_come_from_the_base_where_headers_do_not_have_them(kernel: ModuleType) -> None:
    data = bytearray(batches([10, 20, 30, 40]))
    for header in scan(bytes(data)):
        place_all(memoryview(data)[header.position : header.end], 0, -1)  # as a producer sends it
    found = cut(
        blocks_of(bytes(data), 64),
        0,
        len(data),
        102,
        bytes_max=ANY_SIZE,
        first_max=ANY_SIZE,
        base=100,
    )
    headers = list(scan(bytes(data)))
    assert found.start == headers[1].position  # 100, then 101 and 102
    assert found.next_offset == 100 + 1 + 2 + 3 + 1
    placed = bytearray(data)
    assert kernel.place(placed, 100, 7) == 107
    assert [header.base_offset for header in scan(bytes(placed))] == [100, 101, 103, 106]
    assert {header.partition_leader_epoch for header in scan(bytes(placed))} == {7}
    expected = bytearray(data)
    place_all(expected, 100, 7)
    assert placed == expected


@given(st.binary(max_size=300), st.integers(1, 100), st.booleans())
def test_random_bytes_never_lead_outside(data: bytes, block: int, compiled: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_scan", _scan if compiled else PYTHON)
        found = cut(blocks_of(data, block), 0, len(data), 0, bytes_max=100, first_max=100)
    assert found.start < 0


def test_the_kernels_own_checksum_is_crc32c() -> None:
    """Batches of many sizes are accepted, so both ways of computing it agree with the package."""
    for size in [*range(40), 1000, 4096, 100_003]:
        data = batches([size])
        assert _scan.cut(data, 0, len(data), 0, ANY_SIZE, ANY_SIZE, -1, True)[:2] == (0, len(data))
        assert crc32c(data[21:]) == int.from_bytes(data[17:21], "big")


def test_I2_a_base_offset_that_is_not_its_own_is_noticed(kernel: ModuleType) -> None:
    """No CRC covers it: what came before tells, and where nothing was taken out, exactly."""
    data = batches([40, 40, 40, 40], base=100)
    headers = list(scan(memoryview(data)))
    room = {"bytes_max": ANY_SIZE, "first_max": ANY_SIZE}
    for number, header in enumerate(headers):
        for wrong in (-50, -1, 1, 50):
            changed = bytearray(data)
            offset = header.base_offset + wrong
            changed[header.position : header.position + 8] = offset.to_bytes(8, "big")
            for size in (1 << 16, 90):
                blocks = blocks_of(bytes(changed), size)
                found = cut(blocks, 0, len(data), 0, low=100, dense=True, **room)
                assert found.position == header.position, (number, wrong, size)
                assert found.damage == "a batch has an offset that is another's"
                # Where something may have been taken out, only one that goes back is wrong.
                sparse = cut(blocks, 0, len(data), 0, low=100, **room)
                assert bool(sparse.damage) is (wrong < 0 or number < 3)
                at = number if wrong < 0 else number + 1
                assert sparse.position == (headers[at].position if at < 4 else len(data))
    whole = cut([data], 0, len(data), 0, low=100, dense=True, **room)
    assert (whole.start, whole.end, whole.damage) == (0, len(data), "")
    assert not cut([data], 0, len(data), 0, **room).damage


def test_nothing_is_found_in_nothing(kernel: ModuleType) -> None:
    assert cut([], 0, 0, 0, bytes_max=1, first_max=1) == (-1, -1, -1, 0, 0, "")
    assert kernel.place(bytearray(), 5, 0) == 5
