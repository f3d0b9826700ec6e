"""The tail cache: the newest batches of every partition, ready to be sent as they are.

One byte budget for all partitions, first in first out: what is evicted is always the oldest append of
the whole broker, which is also the head of its own partition. Catch-up reads never enter it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Sized
from itertools import islice
from typing import NamedTuple

ENTRY_OVERHEAD_BYTES = 512  # Python objects around a batch: tiny records must not escape the budget


class Run(NamedTuple):
    """One batch with its final offsets in place."""

    base_offset: int
    last_offset: int
    data: memoryview


_GONE = Run(-1, -1, memoryview(b""))


class Tail:
    """One partition's share. Invariant: its runs are dense and end at the partition's next offset."""

    __slots__ = ("_bases", "_head", "_runs")

    def __init__(self) -> None:
        self._bases: list[int] = []
        self._runs: list[Run] = []
        self._head = 0

    @property
    def start_offset(self) -> int | None:
        """The lowest offset held, None if empty."""
        return self._bases[self._head] if self._head < len(self._bases) else None

    def append(self, run: Run) -> None:
        assert not self._runs or self._runs[-1].last_offset + 1 == run.base_offset
        self._bases.append(run.base_offset)
        self._runs.append(run)

    def drop_oldest(self) -> None:
        self._runs[self._head] = _GONE  # its memory is free now, the list is tidied up later
        self._head += 1
        if self._head * 2 > len(self._runs):
            del self._bases[: self._head]
            del self._runs[: self._head]
            self._head = 0

    def clear(self) -> None:
        self._bases.clear()
        self._runs.clear()
        self._head = 0

    def read(self, offset: int, bytes_max: int, *, at_least_one: bool) -> list[memoryview] | None:
        """Whole batches from the one that holds ``offset`` up to ``bytes_max`` bytes.

        Returns None if ``offset`` lies below the tail. With ``at_least_one`` the first batch is given
        even if it is larger than ``bytes_max`` (KIP-74).
        """
        index = bisect_right(self._bases, offset, self._head) - 1
        if index < self._head:
            return None
        found: list[memoryview] = []
        room = bytes_max
        for run in islice(self._runs, index, None):
            size = len(run.data)
            if size > room and not (at_least_one and not found):
                break
            found.append(run.data)
            room -= size
        return found


class TailBudget:
    """The bytes that all tails may hold together."""

    def __init__(self, bytes_max: int, spent: Callable[[Sized], None] = lambda frame: None) -> None:
        """``spent`` is told of every frame that no tail holds any more."""
        self.bytes_max = bytes_max
        self._spent = spent
        self.bytes_held = 0
        self._order: deque[tuple[Tail, int, Sized]] = deque()
        self._frames: dict[int, int] = {}  # lines in _order by the id of their frame

    def admit(self, tail: Tail, run: Run) -> None:
        """Add a run to its tail and evict the oldest of any tail until the budget holds.

        What counts is the request frame that a run is a view of: a small batch keeps all of it alive.
        """
        frame = run.data.obj
        assert isinstance(frame, Sized)
        tail.append(run)
        self._order.append((tail, run.base_offset, frame))
        lines = self._frames.get(id(frame), 0)
        self._frames[id(frame)] = lines + 1
        self.bytes_held += ENTRY_OVERHEAD_BYTES + (0 if lines else len(frame))
        while self.bytes_held > self.bytes_max and len(self._order) > 1:
            self._evict()

    def _evict(self) -> None:
        victim, base_offset, frame = self._order.popleft()
        self.bytes_held -= ENTRY_OVERHEAD_BYTES
        # A cleared tail has already dropped this run; its line outlived it, and so was the frame counted.
        if victim.start_offset == base_offset:
            victim.drop_oldest()
        self._frames[id(frame)] -= 1
        if not self._frames[id(frame)]:
            del self._frames[id(frame)]
            self.bytes_held -= len(frame)
            self._spent(frame)
