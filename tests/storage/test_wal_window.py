"""A window over the WAL gives the bytes that the WAL gives, with fewer reads."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt
from anabranch.storage.store import NotFound
from anabranch.storage.wal_window import WINDOW_BYTES, WindowedWal


class Memory:
    """Objects as bytes, of which some places cannot be read."""

    url, cluster_id, wal_id = "memory:", bytes(16), bytes(16)

    def __init__(self, objects: dict[str, bytes], bad: frozenset[int] = frozenset()) -> None:
        self._objects = objects
        self._bad = bad
        self.reads: list[int] = []

    def read(self, object_key: str, position: int, length: int) -> bytes:
        self.reads.append(length)
        if object_key not in self._objects:
            raise NotFound(object_key)
        data = self._objects[object_key][position : position + length]
        if len(data) < length or any(position <= at < position + length for at in self._bad):
            raise Corrupt("bad")
        return data

    def objects(self) -> list[object]:
        return []

    def scan(self, object_key: str, start: int | None = None) -> object:
        raise AssertionError

    def close(self) -> None:
        raise AssertionError("it stays open")


def windowed(memory: Memory, wanted: list[tuple[str, int, int]]) -> WindowedWal:
    return WindowedWal(memory, wanted)  # type: ignore[arg-type]


ranges = st.lists(
    st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 3000), st.integers(1, 400)), max_size=40
)


@given(ranges, st.frozensets(st.integers(0, 3399), max_size=3))
def test_a_window_gives_what_the_wal_gives_and_fails_only_where_it_does(
    wanted: list[tuple[str, int, int]], bad: frozenset[int]
) -> None:
    objects = {key: Random(key).randbytes(3400) for key in "ab"}
    plain, reader = Memory(objects, bad), windowed(Memory(objects, bad), wanted)
    for key, position, length in [*wanted, *wanted[:3]]:
        try:
            expected: bytes | None = plain.read(key, position, length)
        except Corrupt:
            expected = None
        if expected is None:
            with pytest.raises(Corrupt):
                reader.read(key, position, length)
        else:
            assert reader.read(key, position, length) == expected


def test_neighbours_are_read_together_and_what_is_far_or_gone_is_not() -> None:
    memory = Memory({"a": bytes(4 * WINDOW_BYTES)})
    wanted = [("a", 4096 * number, 1024) for number in range(1000)]
    reader = windowed(memory, wanted)
    for one in wanted:
        assert len(reader.read(*one)) == 1024
    assert len(memory.reads) <= 5 and max(memory.reads) <= WINDOW_BYTES
    sparse = [("a", 512 * 1024 * number, 100) for number in range(8)]
    memory.reads.clear()
    reader = windowed(memory, sparse)
    for one in sparse:
        reader.read(*one)
    assert memory.reads == [100] * 8  # nothing but what is wanted
    with pytest.raises(NotFound):
        windowed(memory, [("gone", 0, 1), ("gone", 2, 1)]).read("gone", 0, 1)
    reader.close()
