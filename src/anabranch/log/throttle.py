"""A rate limit for reading one topic: what a replay's branch carries so that live traffic keeps its share."""

from __future__ import annotations

BURST_SECONDS = 0.25  # short enough that a graph of the replay's rate is flat
BURST_BYTES_MIN = 64 * 1024  # a limit must never be smaller than a usual batch


class TokenBucket:
    """Bytes that may be read now. A batch larger than what is left is given and then paid off, so that a
    limit slows progress and never stops it."""

    __slots__ = ("_at_s", "_tokens", "rate")

    def __init__(self, bytes_per_second: int, now_s: float) -> None:
        assert bytes_per_second > 0
        self.rate = bytes_per_second
        self._tokens = float(self.burst)
        self._at_s = now_s

    @property
    def burst(self) -> int:
        return max(BURST_BYTES_MIN, int(self.rate * BURST_SECONDS))

    def available(self, now_s: float) -> int:
        """Bytes that may be read at ``now_s`` (monotonic seconds); zero or less means wait."""
        self._tokens = min(float(self.burst), self._tokens + (now_s - self._at_s) * self.rate)
        self._at_s = now_s
        return int(self._tokens)

    def take(self, count: int) -> None:
        self._tokens -= count

    def wait_s(self) -> float:
        """Seconds until something may be read again, as of the last ``available``."""
        return max(0.0, (1.0 - self._tokens) / self.rate)
