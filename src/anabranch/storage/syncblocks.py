"""A cache of blocks for code that reads on threads: aligned, bounded bytes, one read in flight per block.

What reads on behalf of fetches lies in :mod:`anabranch.storage.blockcache`, where waiting occupies no
thread. Only for objects that are complete: a block may hold bytes that nobody has asked for yet.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock

BLOCK_BYTES = 1 << 20  # one request's worth: S3 answers 1 MiB nearly as fast as 16 KiB
BLOCK_OVERHEAD_BYTES = 256  # charged per block, so that tiny and empty ones are bounded as well
RUN_BYTES_MAX = 8 << 20  # adjacent missing blocks are read together up to this

Read = Callable[[str, int, int], bytes]  # (key, position, length); fewer bytes at the object's end

_BlockId = tuple[str, int]


class SyncBlockCache:
    """Reads any range through a cache of blocks; thread-safe.

    Bounded by ``capacity_bytes`` plus what is in flight (threads x ``RUN_BYTES_MAX``). A failed read
    fails everybody who waits for it, and nothing of it is kept.
    """

    def __init__(
        self,
        read: Read,
        *,
        capacity_bytes: int,
        block_bytes: int = BLOCK_BYTES,
    ) -> None:
        assert capacity_bytes > block_bytes > 0
        # Counters, read by metrics; all count blocks.
        self.hits = 0
        self.joins = 0  # waited for a read that another thread had begun: no hit, no extra load
        self.misses = 0
        self.evictions = 0
        self.bytes_held = 0
        self._read = read
        self._capacity_bytes = capacity_bytes
        self._block_bytes = block_bytes
        self._run_blocks = max(1, RUN_BYTES_MAX // block_bytes)
        self._lock = Lock()
        self._blocks: OrderedDict[_BlockId, bytes] = OrderedDict()  # least recently used first
        self._in_flight: dict[_BlockId, Future[bytes]] = {}

    def get(self, key: str, position: int, length: int) -> bytes:
        """Bytes of an object; fewer than ``length`` where it ends. Raises what ``read`` raises."""
        assert position >= 0 and length >= 0
        if length == 0:
            return b""
        first = position // self._block_bytes
        last = (position + length - 1) // self._block_bytes
        blocks = self._load(key, first, last)
        start = position - first * self._block_bytes
        if len(blocks) == 1:
            return blocks[0][start : start + length]
        # Only an object's last block is short, so joining stays aligned up to the object's end.
        return b"".join(blocks)[start : start + length]

    def forget(self, key: str) -> None:
        """Drop an object's blocks (it was deleted)."""
        with self._lock:
            for block in [block for block in self._blocks if block[0] == key]:
                self._drop(block)

    def _load(self, key: str, first: int, last: int) -> list[bytes]:
        found: dict[int, bytes] = {}
        joined: dict[int, Future[bytes]] = {}
        own: dict[int, Future[bytes]] = {}
        with self._lock:
            for number in range(first, last + 1):
                block = (key, number)
                data = self._blocks.get(block)
                if data is not None:
                    found[number] = data
                    self._blocks.move_to_end(block)
                    self.hits += 1
                elif (pending := self._in_flight.get(block)) is not None:
                    joined[number] = pending
                    self.joins += 1
                else:
                    own[number] = self._in_flight[block] = Future()
                    self.misses += 1
        # Our own reads first: whoever waits, waits for a thread that is reading.
        numbers = sorted(own)
        done = 0
        try:
            while done < len(numbers):
                run = [numbers[done]]
                while (
                    done + len(run) < len(numbers)
                    and numbers[done + len(run)] == run[-1] + 1
                    and len(run) < self._run_blocks
                ):
                    run.append(run[-1] + 1)
                found.update(self._read_run(key, run, own))
                done += len(run)
        except BaseException as error:
            with self._lock:
                for number in numbers[done:]:
                    self._in_flight.pop((key, number), None)
            for number in numbers[done:]:
                if not own[number].done():
                    own[number].set_exception(error)
            raise
        for number, pending in joined.items():
            found[number] = pending.result()
        return [found[number] for number in range(first, last + 1)]

    def _read_run(
        self, key: str, run: list[int], own: dict[int, Future[bytes]]
    ) -> dict[int, bytes]:
        size = self._block_bytes
        data = self._read(key, run[0] * size, len(run) * size)
        assert len(data) <= len(run) * size
        split = {
            number: data[place * size : (place + 1) * size] for place, number in enumerate(run)
        }
        with self._lock:
            for number, content in split.items():
                block = (key, number)
                del self._in_flight[block]
                self._blocks[block] = content
                self.bytes_held += len(content) + BLOCK_OVERHEAD_BYTES
            while self.bytes_held > self._capacity_bytes:
                oldest = next(iter(self._blocks))
                self.evictions += 1
                self._drop(oldest)
        for number, content in split.items():
            own[number].set_result(content)
        return split

    def _drop(self, block: _BlockId) -> None:
        self.bytes_held -= len(self._blocks.pop(block)) + BLOCK_OVERHEAD_BYTES
