"""How long requests take, in a few additions each: counted always, shown by whoever scrapes metrics."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

# Upper ends of the buckets, seconds: a durable write takes about a millisecond, one into a bucket some hundred.
BOUNDS_S: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)


class Times:
    """The requests of one API: how many fell into each bucket (the last has no end), and their sum."""

    __slots__ = ("counts", "sum_s")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0


class RequestTimes:
    """From the start of each request to its answer, by API key."""

    def __init__(self) -> None:
        self._by_api: dict[int, Times] = {}

    def note(self, api_key: int, seconds: float) -> None:
        """One request was answered."""
        times = self._by_api.get(api_key)
        if times is None:
            times = self._by_api[api_key] = Times()
        times.counts[bisect_left(BOUNDS_S, seconds)] += 1
        times.sum_s += seconds

    def by_api(self) -> list[tuple[int, Times]]:
        """In the order of the keys; from any thread."""
        return sorted(self._by_api.copy().items())
