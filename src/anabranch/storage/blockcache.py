"""The cache of the cold-read path: aligned blocks, bounded bytes, one read in flight per block.

Only for objects that are complete (segments, packs): a block may hold bytes that nobody has asked for
yet, and of an object that is still being written they may change. Fetches of the tail never come
here, so catching up cannot evict what live consumers need.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple, TypeVar

from anabranch.storage.sharedreads import Run, SharedReads
from anabranch.storage.store import Store

# What an answer that is not sent yet keeps alive beside its own bytes is at most two of these.
BLOCK_BYTES = 256 << 10
RUN_BYTES_MAX = 8 << 20  # adjacent missing blocks are read together up to this

T = TypeVar("T")
ReadBlocks = Callable[[str, int, int, int], list[bytes]]
"""(key, first block, count, block bytes): so many blocks, the last of them short or empty at the end."""


class Range(NamedTuple):
    """Bytes of an object that are wanted."""

    key: str
    position: int
    length: int


class Blocks(NamedTuple):
    """The blocks that hold a range; the first begins at byte ``position`` of the object."""

    position: int
    data: list[bytes]


_BlockId = tuple[str, int]


def reader_of(store: Store) -> ReadBlocks:
    """How blocks are read: from a directory each into bytes of its own; elsewhere with one request, which
    is then divided."""

    def in_ranges(key: str, first: int, count: int, size: int) -> list[bytes]:
        ranges = [(number * size, size) for number in range(first, first + count)]
        return store.get_ranges(key, ranges)

    def in_one(key: str, first: int, count: int, size: int) -> list[bytes]:
        data = store.get(key, first * size, count * size)
        if count == 1:
            return [data]
        return [data[place * size : (place + 1) * size] for place in range(count)]

    return in_ranges if store.url.startswith("file:") else in_one


class BlockCache:
    """Reads ranges of objects through blocks, on one event loop.

    When warmed blocks are evicted before anybody used them, reading ahead pauses for as many blocks as the
    cache holds: otherwise readers that together outgrow the cache would load everything twice.
    """

    def __init__(
        self, read: ReadBlocks, *, capacity_bytes: int, block_bytes: int = BLOCK_BYTES
    ) -> None:
        self.block_bytes = block_bytes
        self.shared: SharedReads[_BlockId, bytes] = SharedReads(
            capacity_bytes=capacity_bytes, size_of=len
        )
        self._read = read
        self._run_blocks = max(1, RUN_BYTES_MAX // block_bytes)
        self._capacity_blocks = capacity_bytes // block_bytes
        self._pause_blocks = 0
        self._wasted_before = 0

    async def read(self, ranges: Sequence[Range], then: Callable[[list[Blocks]], T], run: Run) -> T:
        """``then`` with the blocks of every range, on a thread. Raises what reading or ``then`` raises."""
        size = self.block_bytes
        wanted = [
            [(key, number) for number in range(position // size, -(-(position + length) // size))]
            for key, position, length in ranges
        ]

        def put_together(found: dict[_BlockId, bytes]) -> T:
            return then(
                [
                    Blocks(one.position // size * size, [found[block] for block in blocks])
                    for one, blocks in zip(ranges, wanted, strict=True)
                ]
            )

        keys = list(dict.fromkeys(block for blocks in wanted for block in blocks))
        return await self.shared.read(keys, self._load, put_together, run)

    def ahead(self, key: str, position: int, end: int, bytes_max: int) -> list[_BlockId]:
        """What a sequential reader that stands at ``position`` will want, up to ``end``: blocks to
        :meth:`warm`, if it is time to. Large requests, no dribble: only when half is used up."""
        size = self.block_bytes
        first, last = -(-position // size), min(position + bytes_max, end) // size
        self._pause_if_wasted()
        if self._pause_blocks > 0:
            self._pause_blocks -= 1
            return []
        wanted = [(key, number) for number in range(first, last + 1) if number * size < end]
        missing = [block for block in wanted if block not in self.shared]
        if 2 * len(missing) * size < min(bytes_max, end - position):
            return []
        room = self._capacity_blocks // 2 - self.shared.unused  # never more than half the cache
        return list(islice(missing, max(0, room)))

    async def warm(self, blocks: Sequence[_BlockId], run: Run) -> None:
        """Load blocks for a reader to come."""
        await self.shared.warm(blocks, self._load, run)

    def forget(self, key: str) -> None:
        """Drop an object's blocks: it was deleted, or was found to be shorter than it must be."""
        self.shared.forget(lambda block: block[0] == key)

    def _pause_if_wasted(self) -> None:
        if self.shared.wasted > self._wasted_before:
            self._wasted_before = self.shared.wasted
            self._pause_blocks = self._capacity_blocks

    def _load(self, missing: list[_BlockId]) -> list[bytes]:
        """Adjacent blocks with one read."""
        found: list[bytes] = []
        while len(found) < len(missing):
            key, first = missing[len(found)]
            count = 1
            for next_key, number in islice(missing, len(found) + 1, len(found) + self._run_blocks):
                if next_key != key or number != first + count:
                    break
                count += 1
            blocks = self._read(key, first, count, self.block_bytes)
            found += blocks
            found += [b""] * (count - len(blocks))
        return found
