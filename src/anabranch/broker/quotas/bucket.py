"""A rate over time: what was used beyond it is paid off by waiting.

Use is noted when it is known, which is after it happened: a Produce is there already, and what a Fetch is
answered with is seen only then. So use is never refused, the next one waits (KIP-219). A debt is forgiven
beyond ``DEBT_S_MAX``, as it leaves Kafka's window of eleven seconds: however small a quota, and however large
a batch, everybody gets on.
"""

from __future__ import annotations

from typing import Final

BURST_S: Final = 1.0  # that may be used at once after a silence
DEBT_S_MAX: Final = 11.0  # Kafka's quota.window.num (11) times quota.window.size.seconds (1)


class Bucket:
    """Of whoever shares one quota. Invariant: ``-DEBT_S_MAX * rate <= tokens <= burst * rate``."""

    __slots__ = ("_at_s", "_burst_s", "_room", "rate", "throttled_s", "tokens", "used")

    def __init__(self, rate: float, now_s: float, burst_s: float = BURST_S) -> None:
        assert rate > 0
        self.rate = rate
        self._burst_s = burst_s
        self.tokens = self._room = rate * burst_s
        self._at_s = now_s
        self.used = 0.0  # altogether, for metrics
        self.throttled_s = 0.0  # likewise

    def available(self, now_s: float) -> float:
        """What may be used now; below zero it is a debt."""
        gained = max(0.0, now_s - self._at_s) * self.rate
        self.tokens = min(self._room, self.tokens + gained)
        self._at_s = now_s
        return self.tokens

    def use(self, amount: float, now_s: float) -> float:
        """Note use; seconds to wait until the debt is paid, 0 for none."""
        # Once or twice per request: plain comparisons, which cost a third of min() and max().
        rate, past_s = self.rate, now_s - self._at_s
        tokens = self.tokens
        if past_s > 0:
            tokens += past_s * rate
            if tokens > self._room:
                tokens = self._room
        self._at_s = now_s
        self.used += amount
        tokens -= amount
        self.tokens = tokens
        if tokens >= 0:
            return 0.0
        if tokens < -DEBT_S_MAX * rate:
            self.tokens = tokens = -DEBT_S_MAX * rate
        wait_s = -tokens / rate
        self.throttled_s += wait_s
        return wait_s

    def change(self, rate: float, now_s: float) -> None:
        """From now on it is another rate; a debt of seconds stays one of as many."""
        self.available(now_s)
        self.tokens *= rate / self.rate
        self.rate = rate
        self._room = rate * self._burst_s
