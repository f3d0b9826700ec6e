from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import StoreFault
from anabranch.storage.memory import MemoryStore
from anabranch.storage.syncblocks import BLOCK_OVERHEAD_BYTES, SyncBlockCache

BLOCK = 10
DATA = bytes(range(250))


class Source:
    """Objects of known content that remembers what was read."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.reads: list[tuple[str, int, int]] = []
        self.before: Callable[[], None] = lambda: None

    def __call__(self, key: str, position: int, length: int) -> bytes:
        self.reads.append((key, position, length))
        self.before()
        return self.objects[key][position : position + length]


def cache_of(source: Source, blocks: int = 1000, **options: object) -> SyncBlockCache:
    capacity = blocks * (BLOCK + BLOCK_OVERHEAD_BYTES)
    return SyncBlockCache(source, capacity_bytes=capacity, block_bytes=BLOCK, **options)  # type: ignore[arg-type]


@given(
    st.integers(0, 60),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 80), st.integers(0, 80)), max_size=30),
    st.integers(1, 4),
)
def test_it_reads_what_the_source_holds(
    size: int, reads: list[tuple[str, int, int]], blocks: int
) -> None:
    source = Source(a=DATA[:size], b=DATA[100 : 100 + size])
    cache = cache_of(source, blocks)
    for key, position, length in reads:
        found = cache.get(key, position, length)
        assert found == source.objects[key][position : position + length]
        assert 0 <= cache.bytes_held <= blocks * (BLOCK + BLOCK_OVERHEAD_BYTES)
    assert all(position % BLOCK == 0 == length % BLOCK for _, position, length in source.reads)


def test_hits_are_free_and_adjacent_misses_are_read_together() -> None:
    source = Source(a=DATA)
    cache = cache_of(source)
    assert cache.get("a", 25, 40) == DATA[25:65]
    assert source.reads == [("a", 20, 50)]
    assert cache.get("a", 20, 50) == DATA[20:70]
    assert len(source.reads) == 1 and (cache.misses, cache.hits) == (5, 5)
    cache.get("a", 0, 100)  # around what is there
    assert source.reads[1:] == [("a", 0, 20), ("a", 70, 30)]


def test_runs_are_bounded() -> None:
    big = bytes(20 << 20)
    lengths: list[int] = []

    def read(key: str, position: int, length: int) -> bytes:
        lengths.append(length)
        return big[position : position + length]

    cache = SyncBlockCache(read, capacity_bytes=64 << 20)
    assert len(cache.get("a", 0, 20 << 20)) == 20 << 20
    assert lengths == [8 << 20, 8 << 20, 4 << 20]


def test_the_least_recently_used_block_goes() -> None:
    source = Source(a=DATA)
    cache = cache_of(source, blocks=3)
    for block in (0, 1, 2, 0, 3):  # 1 goes
        cache.get("a", block * BLOCK, BLOCK)
    assert cache.evictions == 1
    source.reads.clear()
    for block in (0, 2, 3):
        cache.get("a", block * BLOCK, BLOCK)
    assert source.reads == []
    cache.get("a", BLOCK, BLOCK)
    assert source.reads == [("a", BLOCK, BLOCK)]


def test_i10_empty_and_tiny_objects_are_bounded_too() -> None:
    source = Source(**{f"k{number}": b"" for number in range(100)})
    cache = cache_of(source, blocks=3)
    for number in range(100):
        assert cache.get(f"k{number}", 0, 5) == b""
    assert len(cache._blocks) <= 4


def test_one_read_in_flight_per_block() -> None:
    source = Source(a=DATA)
    cache = cache_of(source)
    entered, release = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        assert release.wait(60)

    source.before = slow
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.get("a", 5, 10))) for _ in range(5)
    ]
    threads[0].start()
    assert entered.wait(60)
    for thread in threads[1:]:
        thread.start()
    while cache.joins < 8:  # four threads, two blocks each
        assert cache.misses == 2
    release.set()
    for thread in threads:
        thread.join()
    assert results == [DATA[5:15]] * 5
    assert source.reads == [("a", 0, 20)] and cache.hits == 0


def test_a_failed_read_fails_those_who_wait_and_nobody_after() -> None:
    source = Source(a=DATA)
    cache = cache_of(source)
    entered, release = threading.Event(), threading.Event()

    def fail() -> None:
        entered.set()
        assert release.wait(60)
        raise StoreFault("bucket is down")

    source.before = fail
    faults: list[str] = []

    def reader() -> None:
        with pytest.raises(StoreFault) as caught:
            cache.get("a", 0, 10)
        faults.append(str(caught.value))

    threads = [threading.Thread(target=reader) for _ in range(3)]
    threads[0].start()
    assert entered.wait(60)
    for thread in threads[1:]:
        thread.start()
    while cache.joins < 2:
        pass
    release.set()
    for thread in threads:
        thread.join()
    assert faults == ["bucket is down"] * 3
    source.before = lambda: None
    assert cache.get("a", 0, 10) == DATA[:10] and cache.bytes_held > 0


def test_a_later_run_that_fails_keeps_the_earlier_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("anabranch.storage.syncblocks.RUN_BYTES_MAX", 2 * BLOCK)
    source = Source(a=DATA)
    cache = cache_of(source)
    calls = iter([False, True])

    def fail_second() -> None:
        if next(calls):
            raise StoreFault("down")

    source.before = fail_second
    with pytest.raises(StoreFault):
        cache.get("a", 0, 40)
    source.before = lambda: None
    source.reads.clear()
    assert cache.get("a", 0, 40) == DATA[:40]
    assert source.reads == [("a", 20, 20)]


def test_a_deleted_object_is_forgotten() -> None:
    source = Source(a=DATA, b=DATA)
    cache = cache_of(source)
    cache.get("a", 0, 30)
    cache.get("b", 0, 10)
    cache.forget("a")
    assert cache.bytes_held == BLOCK + BLOCK_OVERHEAD_BYTES
    source.reads.clear()
    cache.get("b", 0, 10)
    cache.get("a", 0, 10)
    assert source.reads == [("a", 0, 10)]


def test_it_works_over_a_store() -> None:
    store = MemoryStore()
    store.put("k", DATA)
    cache = SyncBlockCache(store.get, capacity_bytes=100_000, block_bytes=64)
    assert cache.get("k", 60, 1000) == DATA[60:]
