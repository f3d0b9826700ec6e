"""The cache of the cold-read path: aligned blocks, bounded bytes, one read in flight per block.

Only for objects that are complete (segments, packs): a block may hold bytes that nobody has asked for
yet, and of an object that is still being written they may change. Fetches of the tail never come
here, so catching up cannot evict what live consumers need.
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
ReadAhead = Callable[[str, int, int], None]  # (key, position, length): have `warm` called elsewhere

_BlockId = tuple[str, int]


class BlockCache:
    """Reads any range through a cache of blocks; thread-safe.

    Bounded by ``capacity_bytes`` plus what is in flight (threads x ``RUN_BYTES_MAX``). A failed read
    fails everybody who waits for it, and nothing of it is kept.

    ``read_ahead`` is told, on the reading thread, which range a sequential reader will want next; it
    should hand ``warm`` to a pool and return. When warmed blocks are evicted before anybody used them,
    hints pause for as many blocks as the cache holds: otherwise readers that together outgrow the
    cache would load everything twice.
    """

    def __init__(
        self,
        read: Read,
        *,
        capacity_bytes: int,
        block_bytes: int = BLOCK_BYTES,
        read_ahead: ReadAhead | None = None,
        read_ahead_bytes: int = RUN_BYTES_MAX,
    ) -> None:
        assert capacity_bytes > block_bytes > 0 and read_ahead_bytes >= block_bytes
        # Counters, read by metrics; all count blocks.
        self.hits = 0
        self.joins = 0  # waited for a read that another thread had begun: no hit, no extra load
        self.misses = 0
        self.evictions = 0
        self.wasted = 0  # warmed and evicted before use
        self.bytes_held = 0
        self._read = read
        self._capacity_bytes = capacity_bytes
        self._block_bytes = block_bytes
        self._run_blocks = max(1, RUN_BYTES_MAX // block_bytes)
        self._read_ahead = read_ahead
        self._ahead_blocks = read_ahead_bytes // block_bytes
        self._lock = Lock()
        self._blocks: OrderedDict[_BlockId, bytes] = OrderedDict()  # least recently used first
        self._unused: set[_BlockId] = set()  # warmed, not yet read
        self._in_flight: dict[_BlockId, Future[bytes]] = {}
        self._pause_blocks = 0

    def get(self, key: str, position: int, length: int) -> bytes:
        """Bytes of an object; fewer than ``length`` where it ends. Raises what ``read`` raises."""
        assert position >= 0 and length >= 0
        if length == 0:
            return b""
        first = position // self._block_bytes
        last = (position + length - 1) // self._block_bytes
        sequential = self._is_sequential(key, first, position)
        blocks = self._load(key, first, last, warming=False)
        if sequential:
            self._hint(key, last, blocks[-1])
        start = position - first * self._block_bytes
        if len(blocks) == 1:
            return blocks[0][start : start + length]
        # Only an object's last block is short, so joining stays aligned up to the object's end.
        return b"".join(blocks)[start : start + length]

    def warm(self, key: str, position: int, length: int) -> None:
        """Load a range for a reader to come."""
        if length > 0:
            first = position // self._block_bytes
            last = (position + length - 1) // self._block_bytes
            self._load(key, first, last, warming=True)

    def forget(self, key: str) -> None:
        """Drop an object's blocks (it was deleted)."""
        with self._lock:
            for block in [block for block in self._blocks if block[0] == key]:
                self._drop(block)

    def _load(self, key: str, first: int, last: int, *, warming: bool) -> list[bytes]:
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
                    if not warming:
                        self._unused.discard(block)
                        self.hits += 1
                elif (pending := self._in_flight.get(block)) is not None:
                    joined[number] = pending
                    self.joins += not warming
                else:
                    own[number] = self._in_flight[block] = Future()
                    self.misses += not warming
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
                found.update(self._read_run(key, run, own, warming))
                done += len(run)
        except BaseException as error:
            with self._lock:
                for number in numbers[done:]:
                    self._in_flight.pop((key, number), None)
            for number in numbers[done:]:
                if not own[number].done():
                    own[number].set_exception(error)
            raise
        if warming:
            return []
        for number, pending in joined.items():
            found[number] = pending.result()
        with self._lock:
            self._unused.difference_update((key, number) for number in joined)
        return [found[number] for number in range(first, last + 1)]

    def _read_run(
        self, key: str, run: list[int], own: dict[int, Future[bytes]], warming: bool
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
                if warming:
                    self._unused.add(block)
            while self.bytes_held > self._capacity_bytes:
                oldest = next(iter(self._blocks))
                if oldest in self._unused:
                    self.wasted += 1
                    self._pause_blocks = self._capacity_bytes // (size + BLOCK_OVERHEAD_BYTES)
                self.evictions += 1
                self._drop(oldest)
        for number, content in split.items():
            own[number].set_result(content)
        return split

    def _drop(self, block: _BlockId) -> None:
        self.bytes_held -= len(self._blocks.pop(block)) + BLOCK_OVERHEAD_BYTES
        self._unused.discard(block)

    def _is_sequential(self, key: str, first: int, position: int) -> bool:
        """Whether a read that starts here looks like the continuation of an earlier one."""
        if self._read_ahead is None:
            return False
        with self._lock:
            within = position % self._block_bytes != 0
            return (key, first if within else first - 1) in self._blocks or position == 0

    def _hint(self, key: str, last: int, last_data: bytes) -> None:
        """Tell ``read_ahead`` about the first missing blocks behind ``last``, in good time."""
        assert self._read_ahead is not None
        if len(last_data) < self._block_bytes:
            return  # the object ends here
        with self._lock:
            if self._pause_blocks > 0:
                self._pause_blocks -= 1
                return
            horizon = last + self._ahead_blocks
            ahead = last + 1
            while ahead <= horizon:
                data = self._blocks.get((key, ahead))
                if data is None and (key, ahead) not in self._in_flight:
                    break
                if data is not None and len(data) < self._block_bytes:
                    return  # the object's end is here already
                ahead += 1
            missing = horizon - ahead + 1
            # Ask again only when half of what was read ahead is used up: large requests, no dribble.
            if missing == 0 or (ahead > last + 1 and 2 * missing < self._ahead_blocks):
                return
        self._read_ahead(key, ahead * self._block_bytes, missing * self._block_bytes)
