"""Catching up slows itself, so that live appends do not feel it.

Appends are timed from the queue to their answer, in short windows, and a window is judged by its slowest
twentieth: what a producer calls its p99 moves with it, and it scatters less. What that takes while nobody
reads old data is the yardstick; while somebody does, old data is given out at a rate that follows how
late appends are: down where they take too much of the yardstick, up where there is room. It never falls
below a floor: whoever catches up arrives. Where nothing is appended there is no rate at all.

Brokers tell each other with every heartbeat how late their appends are and how much old data they read.
So a broker of the recovery lane slows down for the live brokers with whom it shares a disk, a bucket
or a machine. A broker that reads old data itself answers for its own lateness; the others disregard it.

Values in, a rate out; the clock is the caller's. Rates span three orders of magnitude, so they are changed
by factors; additive increase would take minutes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

WINDOW_S = 0.5  # a slow second is noticed within it
WINDOW_S_MAX = 2.0  # with few appends a window takes longer
SAMPLES_MIN = 40  # appends that make a window worth judging
SAMPLES_MAX = 8192  # flushes of one window that are remembered
SLOWEST = 20  # the mean of one in so many is what a window is judged by
QUIET_S = 1.0  # a window teaches what is usual if nobody read old data for so long after it, either
YARDSTICK_S_MIN = 0.001  # less than this is never late
LESSONS = 40  # the median of so many windows is usual: merging, or a bad ten seconds, are not
NEAR_FLOOR = 1.5  # times the lowest rate: hardly a cause of being late
LESSON_AT_FLOOR = (
    6  # one in so many windows that are late there all the same: a minute makes it usual
)
LEARN_AFTER_S = (
    5.0  # of asking others that read old data to slow down; they are at their floor then
)
ASKING_PERCENT = 300  # what is said meanwhile
SMOOTHING = 0.35  # the weight of the newest window in how late appends are
LATE_MAX = 5.0  # of one window, in times what is usual: one stall is not worth ten late seconds
CUT_MAX = 0.5  # at most, per window that was late
GROWTH_MAX = 1.15  # per window that was not: ten times as much in eight seconds
IDLE_GROWTH = 4.0  # per window without a single append
USED = 0.6  # of a rate; whoever uses less is not held by it
START_BYTES_PER_SECOND = 8 << 20  # beside live appends, before anything was learned; it grows soon
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
        self._usual_s = 0.0  # of a window when nobody reads old data; 0: not known
        self._lessons: deque[float] = deque(maxlen=LESSONS)
        self._late_at_floor = 0
        self._quiet: deque[tuple[float, float]] = deque()  # windows that may still teach it
        self._asking_s: float | None = None  # since when others are asked for room to learn it
        self._rate: float | None = None  # None: no limit
        self._right: float | None = None  # the rate while catching up beside appends
        self._late_elsewhere = 0
        self._cold_elsewhere = False
        self._heard = False  # of the others, since the rate was last changed on their account
        self._beside_appends = False  # whether the rate is one for reading beside appends
        self.late_percent = 0  # of what appends usually take; 0: not known, or nothing is appended
        self.bytes_per_second = 0  # read below the tail in the last window

    @property
    def usual_s(self) -> float:
        """Seconds that the slowest twentieth of appends takes when nobody reads old data; 0: not known."""
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
        taken_s = slowest(self._samples) if self._samples else 0.0
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
        """How late the window was, smoothed."""
        if taken_s and self._cold_elsewhere and (not self._usual_s or self._asking_s is not None):
            # We came while others read old data: there may be no quiet moment for hours.
            if self._asking_s is None:
                self._asking_s = now_s
            asked_s = now_s - self._asking_s
            if asked_s > LEARN_AFTER_S / 2:
                self._learn(taken_s)
            if asked_s < LEARN_AFTER_S:
                self.late_percent = ASKING_PERCENT
                return
            self.late_percent = 0
        self._asking_s = None
        if not taken_s or not self._usual_s:
            self.late_percent = 0
            return
        late = 100 * min(LATE_MAX, taken_s / max(self._usual_s, YARDSTICK_S_MIN))
        before = self.late_percent or late
        self.late_percent = max(1, round(SMOOTHING * late + (1 - SMOOTHING) * before))

    def _rest(self, now_s: float, taken_s: float) -> None:
        """Nobody reads old data: learn what is usual, and be ready for who comes."""
        if taken_s:
            self._quiet.append((now_s, taken_s))
        while self._quiet and self._quiet[0][0] <= now_s - QUIET_S:
            self._learn(self._quiet.popleft()[1])
        self._beside_appends = bool(taken_s or self._late_elsewhere)
        self._rate = self._first_rate if self._beside_appends else None

    @property
    def _first_rate(self) -> float:
        """Of who comes to read old data beside live appends."""
        first = START_BYTES_PER_SECOND if self._right is None else START_SHARE * self._right
        return max(first, self._floor)

    def _learn(self, taken_s: float) -> None:
        self._lessons.append(taken_s)
        self._usual_s = median(self._lessons)

    def _steer(self, taken_s: float) -> None:
        """Somebody reads old data: change the rate by what the appends of this window took."""
        late = 0
        if taken_s:
            if not self._usual_s:  # they were there before any append: slow down, then learn
                if self._rate is not None and self._rate <= self._first_rate:
                    self._learn(taken_s)
                self._rate = self._first_rate
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
            self._beside_appends = False
            return
        if not self._beside_appends:  # the rate was that of an idle broker
            self._beside_appends = True
            self._rate = (
                self._first_rate if self._rate is None else min(self._rate, self._first_rate)
            )
        assert self._rate is not None
        allowed = self._late_percent_max
        factor = allowed / late
        if factor < 1:
            self._rate = max(self._floor, self._rate * max(CUT_MAX, factor))
            self._right = self._rate
        elif self.bytes_per_second > USED * self._rate:
            self._rate = min(self._rate * min(GROWTH_MAX, factor), BYTES_PER_SECOND_MAX)
            self._right = self._rate
        if taken_s and self._rate <= NEAR_FLOOR * self._floor and 2 * late > 100 + allowed:
            self._late_at_floor += 1
            if self._late_at_floor % LESSON_AT_FLOOR == 0:
                self._learn(taken_s)


def slowest(values: Sequence[float]) -> float:
    """The mean of the slowest twentieth; of few values, of the slowest one."""
    count = max(1, len(values) // SLOWEST)
    return sum(sorted(values)[-count:]) / count
