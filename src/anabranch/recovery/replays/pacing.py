"""How fast a function is given its input, in process: by a rate of bytes and records, or by the events' own time."""

from __future__ import annotations

from typing import Final

from anabranch.errors import UserFault

BURST_S: Final = 0.25  # of what was not used; as brokers have it for topics
RECORDED: Final = 1.0


class Pacer:
    """Seconds to wait after so much was given, so that the rates hold on average. The clock is the caller's."""

    def __init__(self, now_s: float) -> None:
        self._free_s = now_s  # when what was given so far is paid for

    def given(
        self, now_s: float, size: float, records: int, rate: int, record_rate: float | None
    ) -> float:
        """``size`` bytes and ``records`` were given, at ``rate`` bytes and ``record_rate`` records per second;
        seconds until more may be."""
        cost_s = size / rate
        if record_rate is not None:
            cost_s = max(cost_s, records / record_rate)
        self._free_s = max(self._free_s, now_s - BURST_S) + cost_s
        return max(0.0, self._free_s - now_s)


class EventPace:
    """When events are due if their time runs at ``speed`` times the clock's; the first one is due at once."""

    def __init__(self, speed: float) -> None:
        assert speed > 0
        self.speed = speed
        self._first_ms: int | None = None
        self._begun_s = 0.0

    def wait_s(self, event_ms: int, now_s: float) -> float:
        """Seconds until an event of ``event_ms`` is due."""
        if self._first_ms is None:
            self._first_ms, self._begun_s = event_ms, now_s
        due_s = self._begun_s + (event_ms - self._first_ms) / 1000 / self.speed
        return max(0.0, due_s - now_s)

    def paused(self, seconds: float) -> None:
        """Time stood still for so long."""
        self._begun_s += seconds


def parse_pace(text: str) -> float | None:
    """``recorded`` (1), ``2x``, ``0.5x``; ``max`` is None, as fast as allowed. Raises UserFault."""
    if text == "max":
        return None
    if text == "recorded":
        return RECORDED
    try:
        speed = float(text.removesuffix("x")) if text.endswith("x") else 0.0
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise UserFault(f"“{text}” is no pace: write recorded, max, or a factor as in 2x or 0.5x")
    return speed
