"""Catching up slows itself, so that live appends do not feel it.

Appends are timed from the queue to their answer, in short windows. What they take while nobody reads old
data is the yardstick; while somebody does, old data is given out at a rate that falls when appends take
too much of that and grows again when they do not. It never falls below a floor: whoever catches up
arrives. Where nothing is appended there is no rate at all.

Brokers tell each other with every heartbeat how late their appends are and how much old data they read.
So a broker of the recovery lane slows down for the live brokers with whom it shares a disk, a bucket
or a machine. A broker that reads old data itself answers for its own lateness; the others disregard it.

Values in, a rate out; the clock is the caller's. Additive increase would take minutes here: rates span
three orders of magnitude, so both directions are factors.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

WINDOW_S = 0.25  # long enough for a quantile, short enough that a slow second is noticed within it
WINDOW_S_MAX = 1.0  # with few appends a window takes longer
SAMPLES_MIN = 16  # appends that make a window worth judging
SAMPLES_MAX = 4096  # flushes of one window that are remembered
QUANTILE = 0.9  # of a window; its p99 would be the one slowest append
QUIET_S = 1.0  # a window teaches what is usual if nobody read old data for so long after it, either
YARDSTICK_S_MIN = 0.001  # less than this is never late
LEARNING = 0.12  # the weight of one quiet window in what is usual, if it took less
LEARNING_UP = 0.05  # and if it took more: merging and the like are not what is usual
LEARNING_AT_FLOOR = 0.05  # late at the lowest rate for some seconds: that is usual now
LEARN_AFTER_S = (
    5.0  # of asking others that read old data to slow down; by then they are at their floor
)
ASKING_PERCENT = 300  # what is said meanwhile
SMOOTHING = 0.5  # the weight of the newest window in how late appends are
GROWTH = 1.08  # per window that was not late: ten times as much in eight seconds
CUT_MAX = 0.5  # at most, per window that was late
IDLE_GROWTH = 2.0  # per window without a single append
ENOUGH = 0.85  # of the lateness allowed: the rate stays
USED = 0.6  # of a rate; whoever uses less is not held by it
START_BYTES_PER_SECOND = 16 << 20  # beside live appends, before anything was learned
START_SHARE = 0.7  # of the rate that was right last time
BYTES_PER_SECOND_MAX = 10 << 30  # above any disk: no limit


class CatchUpPace:
    """How many bytes below the tail may be read per second. On one event loop."""

    def __init__(self, *, late_percent_max: int, bytes_per_second_min: int) -> None:
        assert late_percent_max == 0 or late_percent_max > 100
        self._late_percent_max = late_percent_max
        self._floor = bytes_per_second_min
        self._began_s: float | None = None  # of the window
        self._samples: list[float] = []
        self._bytes = 0
        self._usual_s = 0.0  # what appends take when nobody reads old data; 0: not known
        self._quiet: deque[tuple[float, float]] = deque()  # windows that may still teach it
        self._asking_s: float | None = (
            None  # since when others are asked to make room for learning it
        )
        self._rate: float | None = None  # None: no limit
        self._learned: float | None = None  # the rate that was right while catching up
        self._late_elsewhere = 0
        self._cold_elsewhere = False
        self._heard = False  # of the others, since the rate was last changed on their account
        self.late_percent = 0  # of what appends usually take; 0: not known, or nothing is appended
        self.bytes_per_second = 0  # read below the tail in the last window

    @property
    def usual_s(self) -> float:
        """Seconds that nine in ten appends stay below when nobody reads old data; 0: not known."""
        return self._usual_s

    @property
    def limit(self) -> int:
        """The rate in force; 0: none."""
        return 0 if self._rate is None or not self._late_percent_max else int(self._rate)

    def appended(self, now_s: float, seconds: float) -> None:
        """A flush of appends took ``seconds`` from the queue to its answers."""
        self._roll(now_s)
        if len(self._samples) < SAMPLES_MAX:
            self._samples.append(seconds)

    def read(self, now_s: float, count: int) -> None:
        """So many bytes were read below the tail."""
        self._roll(now_s)
        self._bytes += count

    def report(self, now_s: float) -> tuple[int, int]:
        """For the other brokers: ``late_percent`` and ``bytes_per_second`` of the last window."""
        self._roll(now_s)
        return self.late_percent, self.bytes_per_second

    def heard(self, late_percent: int, reading_cold: bool) -> None:
        """Of the other brokers: how late the latest of those is that read no old data themselves, and
        whether anybody reads some."""
        self._late_elsewhere = late_percent
        self._cold_elsewhere = reading_cold
        self._heard = True

    def rate(self, now_s: float) -> int:
        """Bytes per second that may be read below the tail now."""
        self._roll(now_s)
        if self._rate is None or not self._late_percent_max:
            return BYTES_PER_SECOND_MAX
        return int(self._rate)

    # -- windows -----------------------------------------------------------------------------------
    def _roll(self, now_s: float) -> None:
        """Judge the window if it is over."""
        began_s = self._began_s
        if began_s is None:
            self._began_s = now_s
            return
        length_s = now_s - began_s
        if length_s < WINDOW_S:
            return
        if 0 < len(self._samples) < SAMPLES_MIN and length_s < WINDOW_S_MAX:
            return
        if length_s > 2 * WINDOW_S_MAX:  # nothing happened for a while: what there is, is old
            self._samples.clear()
            self.late_percent = 0
        taken_s = _quantile(self._samples, QUANTILE) if self._samples else 0.0
        self.bytes_per_second = int(self._bytes / length_s)
        self._began_s, self._samples, self._bytes = now_s, [], 0
        if self.bytes_per_second or self._cold_elsewhere:
            self._quiet.clear()
        self._judge(now_s, taken_s)
        if self.bytes_per_second:
            self._steer(taken_s)
        elif not self._cold_elsewhere:
            self._rest(now_s, taken_s)

    def _judge(self, now_s: float, taken_s: float) -> None:
        if taken_s and not self._usual_s and self._cold_elsewhere:
            # We came while others read old data: there may be no quiet moment for hours.
            if self._asking_s is None:
                self._asking_s = now_s
            if now_s - self._asking_s < LEARN_AFTER_S:
                self.late_percent = ASKING_PERCENT
                return
            self._learn(taken_s, 1.0)
            self.late_percent = 0
        if not taken_s or not self._usual_s:
            self.late_percent = 0
            return
        late = 100 * taken_s / max(self._usual_s, YARDSTICK_S_MIN)
        before = self.late_percent or late
        self.late_percent = max(1, round(SMOOTHING * late + (1 - SMOOTHING) * before))

    def _rest(self, now_s: float, taken_s: float) -> None:
        """Nobody reads old data: learn what is usual, and be ready for who comes."""
        if taken_s:
            self._quiet.append((now_s, taken_s))
        while self._quiet and self._quiet[0][0] <= now_s - QUIET_S:
            quiet_s = self._quiet.popleft()[1]
            self._learn(quiet_s, LEARNING if quiet_s < self._usual_s else LEARNING_UP)
        if taken_s or self._late_elsewhere:
            self._rate = max(
                START_BYTES_PER_SECOND, self._floor, START_SHARE * (self._learned or 0)
            )
        else:
            self._rate = None

    def _learn(self, taken_s: float, weight: float) -> None:
        if not self._usual_s:
            self._usual_s = taken_s
        self._usual_s += weight * (taken_s - self._usual_s)

    def _steer(self, taken_s: float) -> None:
        """Somebody reads old data: change the rate by what the appends of this window took."""
        late = 0
        if taken_s:
            if not self._usual_s:  # they were there before any append: slow down, then learn
                if self._rate is not None and self._rate <= START_BYTES_PER_SECOND:
                    self._learn(taken_s, 1.0)
                self._rate = START_BYTES_PER_SECOND
                return
            late = self.late_percent
        if self._late_elsewhere:
            if not self._heard:
                return  # what is known of the others was acted on already
            self._heard = False
            late = max(late, self._late_elsewhere)
        if not late:
            if self._rate is not None:
                faster = self._rate * IDLE_GROWTH
                self._rate = faster if faster < BYTES_PER_SECOND_MAX else None
            return
        rate = max(self._floor, self.bytes_per_second) if self._rate is None else self._rate
        allowed = self._late_percent_max
        if late > allowed:
            rate = max(self._floor, rate * max(CUT_MAX, allowed / late))
            self._learned = rate
        elif late < ENOUGH * allowed and self.bytes_per_second > USED * rate:
            rate = min(rate * GROWTH, BYTES_PER_SECOND_MAX)
            self._learned = rate
        if taken_s and rate == self._floor and late >= ENOUGH * allowed:
            self._learn(taken_s, LEARNING_AT_FLOOR)
        self._rate = rate


def _quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
