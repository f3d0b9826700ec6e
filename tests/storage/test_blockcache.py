"""Reads through blocks: what the source holds, bounded, one read in flight per block, ahead in good time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import StoreFault
from anabranch.storage.blockcache import BlockCache, Blocks, Range, reader_of
from anabranch.storage.memory import MemoryStore
from anabranch.storage.sharedreads import ITEM_OVERHEAD_BYTES

T = TypeVar("T")

BLOCK = 10
DATA = bytes(range(250))


class Source:
    """Objects of known content that remembers what was read; jobs run when the test says so."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects
        self.reads: list[tuple[str, int, int]] = []
        self.fault: StoreFault | None = None
        self.held: list[Callable[[], None]] | None = None  # jobs that wait, if a list

    def __call__(self, key: str, first: int, count: int, size: int) -> list[bytes]:
        self.reads.append((key, first, count))
        if self.fault is not None:
            raise self.fault
        return [
            self.objects[key][number * size : (number + 1) * size]
            for number in range(first, first + count)
        ]

    def run(self, job: Callable[[], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def now() -> None:
            try:
                future.set_result(job())
            except BaseException as error:
                future.set_exception(error)

        if self.held is None:
            asyncio.get_running_loop().call_soon(now)
        else:
            self.held.append(now)
        return future


def cache_of(source: Source, blocks: int = 1000) -> BlockCache:
    capacity = blocks * (BLOCK + ITEM_OVERHEAD_BYTES)
    return BlockCache(source, capacity_bytes=capacity, block_bytes=BLOCK)


def joined(ranges: list[Range]) -> Callable[[list[Blocks]], list[bytes]]:
    def put_together(found: list[Blocks]) -> list[bytes]:
        return [
            b"".join(blocks.data)[one.position - blocks.position :][: one.length]
            for one, blocks in zip(ranges, found, strict=True)
        ]

    return put_together


async def get(cache: BlockCache, source: Source, *ranges: tuple[str, int, int]) -> list[bytes]:
    wanted = [Range(*one) for one in ranges]
    return await cache.read(wanted, joined(wanted), source.run)


@given(
    st.integers(0, 60),
    st.lists(
        st.lists(
            st.tuples(st.sampled_from("ab"), st.integers(0, 80), st.integers(0, 80)), max_size=3
        ),
        max_size=20,
    ),
    st.integers(1, 4),
)
def test_it_reads_what_the_source_holds(
    size: int, reads: list[list[tuple[str, int, int]]], blocks: int
) -> None:
    async def scenario() -> None:
        source = Source(a=DATA[:size], b=DATA[100 : 100 + size])
        cache = cache_of(source, blocks)
        for ranges in reads:
            found = await get(cache, source, *ranges)
            assert found == [source.objects[key][at : at + length] for key, at, length in ranges]
            assert 0 <= cache.shared.bytes_held <= blocks * (BLOCK + ITEM_OVERHEAD_BYTES)
            for key, at, length in ranges:
                ahead = cache.ahead(key, at + length, size, 3 * BLOCK)
                await cache.warm(ahead, source.run)

    asyncio.run(scenario())


def test_hits_are_free_and_adjacent_misses_are_read_together() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        assert await get(cache, source, ("a", 25, 40)) == [DATA[25:65]]
        assert source.reads == [("a", 2, 5)]
        assert await get(cache, source, ("a", 20, 50)) == [DATA[20:70]]
        assert len(source.reads) == 1 and (cache.shared.misses, cache.shared.hits) == (5, 5)
        await get(cache, source, ("a", 0, 100))  # around what is there
        assert source.reads[1:] == [("a", 0, 2), ("a", 7, 3)]

    asyncio.run(scenario())


def test_runs_are_bounded() -> None:
    async def scenario() -> None:
        source = Source(a=bytes(20 << 20))
        cache = BlockCache(source, capacity_bytes=64 << 20, block_bytes=1 << 20)
        await get(cache, source, ("a", 0, 20 << 20))
        assert source.reads == [("a", 0, 8), ("a", 8, 8), ("a", 16, 4)]

    asyncio.run(scenario())


def test_the_least_recently_used_block_goes() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source, blocks=3)
        for block in (0, 1, 2, 0, 3):  # 1 goes
            await get(cache, source, ("a", block * BLOCK, BLOCK))
        assert cache.shared.evictions == 1
        source.reads.clear()
        for block in (0, 2, 3):
            await get(cache, source, ("a", block * BLOCK, BLOCK))
        assert source.reads == []
        await get(cache, source, ("a", BLOCK, BLOCK))
        assert source.reads == [("a", 1, 1)]

    asyncio.run(scenario())


def test_I10_empty_and_tiny_objects_are_bounded_too() -> None:
    async def scenario() -> None:
        source = Source(**{f"k{number}": b"" for number in range(100)})
        cache = cache_of(source, blocks=3)
        for number in range(100):
            assert await get(cache, source, (f"k{number}", 0, 5)) == [b""]
        assert len(cache.shared._kept) <= 4

    asyncio.run(scenario())


def test_one_read_in_flight_per_block() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        source.held = []
        readers = [asyncio.ensure_future(get(cache, source, ("a", 5, 10))) for _ in range(5)]
        partly = asyncio.ensure_future(get(cache, source, ("a", 15, 10)))
        await asyncio.sleep(0)
        assert len(source.held) == 1 and cache.shared.misses == 2
        assert cache.shared.joins == 9  # four readers of two blocks, one of the second
        held, source.held = source.held, None
        for job in held:
            job()
        assert await asyncio.gather(*readers) == [[DATA[5:15]]] * 5
        assert await partly == [DATA[15:25]]
        assert source.reads == [("a", 0, 2), ("a", 2, 1)]

    asyncio.run(scenario())


def test_a_reader_that_leaves_does_not_take_the_read_with_it() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        source.held = []
        first = asyncio.ensure_future(get(cache, source, ("a", 0, 10)))
        await asyncio.sleep(0)
        second = asyncio.ensure_future(get(cache, source, ("a", 0, 10)))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        (job,) = source.held
        source.held = None
        job()
        assert await second == [DATA[:10]] and source.reads == [("a", 0, 1)]

    asyncio.run(scenario())


def test_a_failed_read_fails_those_who_wait_and_nobody_after() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        source.held, source.fault = [], StoreFault("bucket is down")
        readers = [asyncio.ensure_future(get(cache, source, ("a", 0, 10))) for _ in range(3)]
        await asyncio.sleep(0)
        (job,) = source.held
        job()
        for reader in readers:
            with pytest.raises(StoreFault, match="bucket is down"):
                await reader
        source.held = source.fault = None
        assert await get(cache, source, ("a", 0, 10)) == [DATA[:10]]

    asyncio.run(scenario())


def test_a_pool_that_is_closed_leaves_nobody_waiting() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)

        def refuse(job: Callable[[], T]) -> asyncio.Future[T]:
            raise StoreFault("the log is closed")

        with pytest.raises(StoreFault):
            await cache.read([Range("a", 0, 5)], lambda blocks: blocks, refuse)
        assert await get(cache, source, ("a", 0, 5)) == [DATA[:5]]

    asyncio.run(scenario())


def test_what_was_read_is_kept_when_only_its_use_fails() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)

        def refuse(blocks: list[Blocks]) -> None:
            raise StoreFault("not what I wanted")

        with pytest.raises(StoreFault):
            await cache.read([Range("a", 0, 5)], refuse, source.run)
        assert await get(cache, source, ("a", 0, 5)) == [DATA[:5]] and len(source.reads) == 1

    asyncio.run(scenario())


def test_reading_ahead_asks_for_much_at_a_time() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        assert cache.ahead("a", 10, 250, 40) == [("a", number) for number in range(1, 6)]
        await cache.warm(cache.ahead("a", 10, 250, 40), source.run)
        assert source.reads == [("a", 1, 5)] and cache.shared.unused == 5
        await get(cache, source, ("a", 10, 5))
        assert cache.ahead("a", 15, 250, 40) == []  # enough is there
        await get(cache, source, ("a", 15, 25))
        assert cache.ahead("a", 40, 250, 40) == [("a", 6), ("a", 7), ("a", 8)]

    asyncio.run(scenario())


def test_reading_ahead_ends_where_the_data_ends() -> None:
    cache = cache_of(Source(a=DATA))
    assert cache.ahead("a", 5, 25, 400) == [("a", 1), ("a", 2)]
    assert cache.ahead("a", 5, 20, 400) == [("a", 1)]
    assert cache.ahead("a", 25, 25, 400) == []


def test_I10_reading_ahead_takes_half_the_cache_and_pauses_when_it_is_wasted() -> None:
    async def scenario() -> None:
        source = Source(a=DATA, b=DATA)
        cache = cache_of(source, blocks=4)
        capacity = cache._capacity_blocks
        await cache.warm(cache.ahead("a", 0, 250, 400), source.run)
        await get(cache, source, ("b", 100, 40))  # evicts them unread
        assert cache.shared.wasted > 0
        for _ in range(capacity):
            assert cache.ahead("a", 0, 250, 400) == []
        assert cache.ahead("a", 0, 250, 400)

    asyncio.run(scenario())


def test_warming_meets_no_fault_and_the_reader_does() -> None:
    async def scenario() -> None:
        source = Source(a=DATA)
        cache = cache_of(source)
        source.fault = StoreFault("down")
        await cache.warm([("a", 0)], source.run)
        with pytest.raises(StoreFault):
            await get(cache, source, ("a", 0, 5))

    asyncio.run(scenario())


def test_a_deleted_object_is_forgotten() -> None:
    async def scenario() -> None:
        source = Source(a=DATA, b=DATA)
        cache = cache_of(source)
        await get(cache, source, ("a", 0, 30), ("b", 0, 10))
        cache.forget("a")
        assert cache.shared.bytes_held == BLOCK + ITEM_OVERHEAD_BYTES
        source.reads.clear()
        await get(cache, source, ("b", 0, 10))
        await get(cache, source, ("a", 0, 10))
        assert source.reads == [("a", 0, 1)]

    asyncio.run(scenario())


@pytest.mark.parametrize("url", ["memory:", "file:///store"])
def test_it_works_over_a_store(url: str) -> None:
    store = MemoryStore()
    store.put("k", DATA)
    store.url = url
    read = reader_of(store)
    assert read("k", 0, 5, 64) == [DATA[:64], DATA[64:128], DATA[128:192], DATA[192:], b""]
    assert read("k", 3, 1, 64) == [DATA[192:]]
