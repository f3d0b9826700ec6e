"""Memory of large requests, used again once the tail cache has let go of their batches.

A fresh megabyte costs some 0.25 ms: the system hands out zeroed pages one by one, and Python zeroes them
again. A busy log takes in hundreds of them a second and lets as many go, of nearly the same sizes.

A buffer is used again only if no view of it exists: whatever still sends, writes or keeps a batch holds
one. CPython says so itself, for it refuses to resize a ``bytearray`` while there is a view.
"""

from __future__ import annotations

from collections import deque
from typing import Final

BUFFER_BYTES_MIN: Final = 64 * 1024  # below, the allocator keeps its memory by itself
BUFFER_BYTES_MAX: Final = 1024 * 1024  # larger requests are rare, and grow as they come
KEPT_BYTES_MAX: Final = 8 * 1024 * 1024  # what one flush lets go of at most


def capacity_of(size: int) -> int:
    """Bytes that are allocated for ``size``: more than it, by an eighth at most; few sizes in all."""
    step = 1 << max(0, size.bit_length() - 4)
    return (size // step + 1) * step


class Buffers:
    """Invariant: ``kept_bytes`` is the sum of the capacities of what is kept, at most ``KEPT_BYTES_MAX``."""

    def __init__(self) -> None:
        self.kept_bytes = 0
        self.reused = 0
        self._kept: deque[bytearray] = deque()  # oldest first; each may still be in use

    def take(self, size: int) -> bytearray:
        """A buffer of ``size`` bytes, whatever is in them."""
        if size > BUFFER_BYTES_MAX or size < BUFFER_BYTES_MIN:
            return bytearray(size)
        capacity = capacity_of(size)
        for _ in range(len(self._kept)):
            kept = self._kept.popleft()
            if capacity_of(len(kept)) != capacity:
                self._kept.append(kept)
                continue
            self.kept_bytes -= capacity
            try:
                kept += bytes(capacity - len(kept))  # no byte is moved: that much is allocated
            except BufferError:
                continue  # somebody still looks at it, a slow consumer perhaps: its memory is his
            del kept[size:]
            self.reused += 1
            return kept
        fresh = bytearray(capacity)
        del fresh[size:]
        return fresh

    def give(self, frame: object) -> None:
        """The log needs ``frame`` no more; others may."""
        if not isinstance(frame, bytearray):
            return
        size = len(frame)
        if not BUFFER_BYTES_MIN <= size <= BUFFER_BYTES_MAX:
            return
        self.kept_bytes += capacity_of(size)
        self._kept.append(frame)
        while self.kept_bytes > KEPT_BYTES_MAX:
            self.kept_bytes -= capacity_of(len(self._kept.popleft()))
