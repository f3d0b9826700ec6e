"""How late appends are: by what producers call their p99, told sooner than that can be known.

A p99 takes thousands of appends, some ten seconds. The slowest twentieth of half a second is known at once, but what it
says is another thing: beside a reader that takes a third of two cores it rose by 70 %, and the p99 by 15, for
that is made of rare waits for the disk. Held to what a p99 may take, it lets much less through.

So the twentieth tells how late appends are now, in the measure in which the p99 has followed it lately::

    lateness = now x p99 / mean                    all of them logarithms of times what is usual

    now     the slowest twentieth of the newest window
    mean    of that, over the windows of the last minute beside reading
    p99     of all appends of those windows

On average it is what the p99 is; and what changes is seen within a window, also when it ends.

Values in, a number out.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from math import ceil, exp, log
from statistics import fmean, median
from typing import Final, NamedTuple

SLOWEST: Final = 20  # the mean of one in so many is what a window alone is judged by
RARE: Final = 100  # and one in so many takes longer than the p99
LATE_MAX: Final = (
    5.0  # of one window, in times what is usual: one stall is not worth ten late seconds
)
YARDSTICK_S_MIN: Final = 0.001  # less than this is never late
LESSONS: Final = (
    40  # the median of so many windows is usual: merging, or a bad ten seconds, are not
)
POOLED: Final = 120  # windows whose p99 is one: a minute, some hundred rare appends
HARD: Final = 1.3  # times the usual middle: such a window is hard for all appends, not for some
FLUSHES_MIN: Final = 1000  # of them, of which a p99 is some ten
FINE: Final = 20.0  # steps of a logarithm: 5 % each
FAR: Final = log(2.5)  # what is more than that counts whole: something happens, and is known later
SHARE_MIN: Final = 1 / 3  # so much of it counts always: a p99 of few appends may miss it
SHARE_MAX: Final = 1.0
SHARE_USUAL: Final = 0.5  # what it is taken for, as far as little is known: as much of it as if
SHARE_DOUBT: Final = 0.1  # the twentieth had been so late (a logarithm)


class Window(NamedTuple):
    """What flushes of appends took in a short time, in seconds."""

    slowest: float  # the mean of the slowest twentieth
    middle: float
    counts: Counter[int]  # by logarithm
    flushes: int

    @classmethod
    def of(cls, taken_s: Sequence[float]) -> Window:
        assert taken_s
        ranked = sorted(taken_s)
        rare = max(1, len(ranked) // SLOWEST)
        counts = Counter(int(FINE * log(max(one, 1e-6) / 1e-6)) for one in ranked)
        return cls(sum(ranked[-rare:]) / rare, ranked[len(ranked) // 2], counts, len(ranked))


class Pool:
    """The flushes of the newest windows together; the oldest go."""

    def __init__(self, windows_max: int) -> None:
        self._windows: deque[Window] = deque()
        self._windows_max = windows_max
        self._counts: Counter[int] = Counter()  # of all of them
        self.flushes = 0

    def add(self, window: Window) -> None:
        self._windows.append(window)
        self._counts.update(window.counts)
        self.flushes += window.flushes
        if len(self._windows) > self._windows_max:
            oldest = self._windows.popleft()
            self.flushes -= oldest.flushes
            for step, count in oldest.counts.items():
                self._counts[step] -= count
                if not self._counts[step]:
                    del self._counts[step]

    @property
    def p99(self) -> float:
        """Seconds, within 5 %; of something."""
        assert self.flushes
        above = ceil(self.flushes / RARE)
        step = 0
        for step in sorted(self._counts, reverse=True):
            above -= self._counts[step]
            if above <= 0:
                break
        share = -above / self._counts[step]  # of the step's flushes below the one in question
        return 1e-6 * exp((step + share) / FINE)


class Lateness:
    """Of one broker's appends."""

    def __init__(self) -> None:
        self._lessons: deque[float] = deque(maxlen=LESSONS)
        self._middles: deque[float] = deque(maxlen=LESSONS)
        self._usual = Pool(POOLED)
        self._usual_p99: float | None = None  # None: not reckoned since the last lesson
        self._beside = Pool(POOLED)
        self._beside_now: deque[float] = deque(maxlen=POOLED)
        self._share = SHARE_USUAL
        self.usual_s = 0.0  # of the slowest twentieth when nobody reads old data; 0: not known

    def learn(self, window: Window) -> None:
        """So much is usual, unless it was hard for all appends: a command that started, a compiler. What stays
        hard becomes usual."""
        self._middles.append(window.middle)
        if window.middle > HARD * median(self._middles):
            return
        self._lessons.append(window.slowest)
        self.usual_s = median(self._lessons)
        self._usual.add(window)
        self._usual_p99 = None

    def judge(self, window: Window, *, beside: bool) -> float:
        """How late appends are, in times what is usual, which is known; within 1 / :data:`LATE_MAX` …
        :data:`LATE_MAX`. ``beside``: somebody reads old data."""
        assert self.usual_s
        now = _times(window.slowest, self.usual_s)
        if beside:
            self._beside.add(window)
            self._beside_now.append(now)
            if min(self._beside.flushes, self._usual.flushes) >= FLUSHES_MIN:
                self._compare()
        share = self._share if self._usual.flushes >= FLUSHES_MIN else SHARE_MAX
        return exp(share * min(now, FAR) + max(0.0, now - FAR))

    def _compare(self) -> None:
        if self._usual_p99 is None:
            self._usual_p99 = self._usual.p99
        p99 = _times(self._beside.p99, self._usual_p99)
        known = max(0.0, fmean(self._beside_now)) + SHARE_DOUBT
        self._share = min(SHARE_MAX, max(SHARE_MIN, (p99 + SHARE_DOUBT * SHARE_USUAL) / known))


def _times(taken_s: float, usual_s: float) -> float:
    """A logarithm."""
    times = taken_s / max(usual_s, YARDSTICK_S_MIN)
    return log(min(LATE_MAX, max(1 / LATE_MAX, times)))
