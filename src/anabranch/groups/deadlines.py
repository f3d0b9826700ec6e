"""Deadlines by name, cheap to postpone.

A heartbeat postpones its member's deadline and nothing else happens: that is the hot path, so it
only writes one dict entry. The heap is allowed to hold times that are too early; they are corrected
when they surface.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush, heapreplace

STALE_ENTRIES_MAX = 64  # beyond twice the live ones: rebuild, so that churn cannot grow the heap


class Deadlines:
    """Invariant: every key of ``_at`` has a heap entry at or before its time."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []
        self._queued: dict[str, int] = {}  # key -> its earliest heap entry's time

    def __contains__(self, key: str) -> bool:
        return key in self._at

    def set(self, key: str, at_ms: int) -> None:
        """Give ``key`` a deadline, replacing the one it had."""
        self._at[key] = at_ms
        queued = self._queued.get(key)
        if queued is None or at_ms < queued:
            self._queued[key] = at_ms
            heappush(self._heap, (at_ms, key))
            if len(self._heap) > 2 * len(self._at) + STALE_ENTRIES_MAX:
                self._rebuild()

    def clear(self, key: str) -> None:
        """Forget the deadline of ``key``, if it has one."""
        self._at.pop(key, None)

    def next(self) -> tuple[int, str] | None:
        """The earliest deadline and its key; ties go to the smaller key."""
        while self._heap:
            at_ms, key = self._heap[0]
            actual = self._at.get(key)
            if actual == at_ms:
                return at_ms, key
            # Cleared, or left over from before the key was given an earlier time.
            if actual is None or self._queued[key] != at_ms:
                heappop(self._heap)
                if actual is None and self._queued.get(key) == at_ms:
                    del self._queued[key]
            else:
                assert actual > at_ms
                self._queued[key] = actual
                heapreplace(self._heap, (actual, key))
        return None

    def shift(self, by_ms: int) -> None:
        """Postpone every deadline by the same time."""
        self._at = {key: at_ms + by_ms for key, at_ms in self._at.items()}
        self._rebuild()

    def _rebuild(self) -> None:
        self._heap = [(at_ms, key) for key, at_ms in self._at.items()]
        heapify(self._heap)
        self._queued = dict(self._at)

    def check(self) -> None:
        """Assert the invariant above."""
        entries = set(self._heap)
        for key, at_ms in self._at.items():
            queued = self._queued[key]
            assert queued <= at_ms
            assert (queued, key) in entries
