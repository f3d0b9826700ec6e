"""Catching up slows itself, so that live appends do not feel it.

Appends are timed from the queue to their answer, in short windows. What they take while nobody reads old data is
the yardstick; while somebody does, old data is given out at a rate that follows how late appends are
(:mod:`anabranch.log.lateness`: on average by their p99). It never falls below a floor: whoever catches up
arrives. Where nothing is appended there is no rate at all.

Windows scatter, by half and more, also where nobody reads. So the rate is steered in logarithms, in which what is
late and what is early by the same factor cancel: per window it is multiplied by (allowed / late) ** GAIN. Noise
alone moves it up and down and, as the yardstick is a median, no way on average; the room that is allowed
moves it up.

Appends may be late on other grounds. Where slowing down has not helped, a *rest* tells: for a moment old data is
read at the floor. What appends take then nobody who reads is to blame for, so it is allowed, for a while, and
a rate that was cut for nothing is restored.

Brokers tell each other with every heartbeat how late their appends are and how much old data they read.
So a broker of the recovery lane slows down for the live brokers with whom it shares a disk, a bucket
or a machine. A broker that reads old data itself answers for its own lateness; the others disregard it.

Values in, a rate out; the clock is the caller's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from anabranch.log.lateness import Lateness, Window

WINDOW_S = 0.5  # a slow second is noticed within it
WINDOW_S_MAX = 2.0  # with few appends a window takes longer
SAMPLES_MIN = 40  # appends that make a window worth judging
SAMPLES_MAX = 8192  # flushes of one window that are remembered
QUIET_S = 1.0  # a window teaches what is usual if nobody read old data for so long after it, either
NEAR_FLOOR = 1.5  # times the lowest rate: hardly a cause of being late
LESSON_AT_FLOOR = (
    6  # one in so many windows that are late there all the same: a minute makes it usual
)
LEARN_AFTER_S = (
    5.0  # of asking others that read old data to slow down; they are at their floor then
)
ASKING_PERCENT = 300  # what is said meanwhile
GAIN = 0.5  # four times as late as allowed halves the rate, within one window
CUT_MAX = 0.5  # at most, per window that was late
GROWTH_MAX = 1.3  # per window that was not
LEAP = 1.4  # per window that was not, before appends are felt to be late: 15 times in four seconds
CALM = 0.5  # of the lateness that is allowed (its logarithm): felt less than that
CALM_WINDOWS = 8  # so many in a row are no accident:
GROWTH_CALM = 1.15  # then it grows by so much per window at least
SUSPECT = 0.6  # of the rate at which it began to fall: slowing down should have shown by then
FELT = 0.2  # the weight of the newest window in how late appends are felt to be, in logarithms
FALLING_MAX = 8  # windows in which it fell, whose lateness a rest is compared with
REST_S = 3.0  # of reading at the floor, to see whether appends are late all the same
REST_BLIND_S = 0.8  # of it: what was asked for before is still under way
CONTRAST = 2.0  # times the floor was read before, or a rest would show nothing
REST_EVERY_S = 12.0  # at most: three of so many seconds are given to find out
REST_EVERY_S_MAX = 96.0  # twice as rarely each time that reading is to blame, until it was not
BLAMELESS_SHARE = (
    0.7  # of the lateness (its logarithm) is there without reading: it was not to blame
)
EXCUSED_S = 60.0  # what a rest found counts half as much after so long
IDLE_GROWTH = 4.0  # per window without a single append
USED = 0.6  # of a rate; whoever uses less is not held by it
BYTES_PER_SECOND_BEGIN = 16 << 20  # beside live appends, before anything was learned; it grows soon
START_SHARE = 0.7  # of the rate that was right last time
BYTES_PER_SECOND_MAX = 10 << 30  # above any disk: no limit


class CatchUpPace:
    """How many bytes below the tail may be read per second. On one event loop."""

    def __init__(
        self,
        *,
        late_percent_max: int,
        bytes_per_second_min: int,
        bytes_per_second_begin: int = BYTES_PER_SECOND_BEGIN,
    ) -> None:
        assert late_percent_max == 0 or late_percent_max > 100
        self._begin_at = bytes_per_second_begin
        self._late_percent_max = late_percent_max
        self._floor = bytes_per_second_min
        self._began_s: float | None = None  # of the window
        self._samples: list[float] = []
        self._bytes = 0
        self._lateness = Lateness()
        self._late_at_floor = 0
        self._quiet: deque[tuple[float, Window]] = deque()  # windows that may still teach it
        self._asking_s: float | None = None  # since when others are asked for room to learn it
        self._rate: float | None = None  # None: no limit
        self._right: float | None = None  # the rate while catching up beside appends
        self._late_elsewhere = 0
        self._cold_elsewhere = False
        self._heard = False  # of the others, since the rate was last changed on their account
        self._beside_appends = False  # whether the rate is one for reading beside appends
        self._settled = False  # whether it was late since somebody began to read: no more leaps
        self._leap_to: float = BYTES_PER_SECOND_MAX  # what was right last time
        self._fell_from: float | None = None  # the rate at which it began to fall, of this reading
        self._felt = 0.0  # how late appends were lately beside reading; a logarithm
        self._calm = 0  # windows in a row
        self._falling: list[_Seen] = []  # the windows in which it fell
        self._rest: _Rest | None = None
        self._rested_s: float | None = None  # when the last rest ended, or reading began
        self._rest_every_s = REST_EVERY_S
        self._excused = 0.0  # of the lateness, as a logarithm: what a rest found
        self._excused_s = 0.0  # when
        self.late_percent = 0  # of what appends usually take; 0: not known, or nothing is appended
        self.bytes_per_second = 0  # read below the tail in the last window

    @property
    def usual_s(self) -> float:
        """Seconds that the slowest twentieth of appends takes when nobody reads old data; 0: not known."""
        return self._lateness.usual_s

    @property
    def limit(self) -> int:
        """The rate in force; 0: none."""
        if self._rate is None or not self._late_percent_max:
            return 0
        return int(self._floor if self._rest else self._rate)

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
        return self.limit or BYTES_PER_SECOND_MAX

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
        taken = Window.of(self._samples) if self._samples else None
        self.bytes_per_second = int(self._bytes / length_s)
        self._began_s, self._samples, self._bytes = now_s, [], 0
        if self.bytes_per_second or self._cold_elsewhere:
            self._quiet.clear()
        self._judge(now_s, taken)
        if self.bytes_per_second:
            if self._late_percent_max:
                self._steer(now_s, taken)
        elif not self._cold_elsewhere:
            self._idle(now_s, taken)

    def _judge(self, now_s: float, taken: Window | None) -> None:
        """How late the window was."""
        if taken and self._cold_elsewhere and (not self.usual_s or self._asking_s is not None):
            # We came while others read old data: there may be no quiet moment for hours.
            if self._asking_s is None:
                self._asking_s = now_s
            asked_s = now_s - self._asking_s
            if asked_s > LEARN_AFTER_S / 2:
                self._lateness.learn(taken)
            if asked_s < LEARN_AFTER_S:
                self.late_percent = ASKING_PERCENT
                return
            self.late_percent = 0
        self._asking_s = None
        if not taken or not self.usual_s:
            self.late_percent = 0
            return
        self.late_percent = round(
            100
            * self._lateness.judge(
                taken, beside=bool(self.bytes_per_second or self._cold_elsewhere)
            )
        )

    def _idle(self, now_s: float, taken: Window | None) -> None:
        """Nobody reads old data: learn what is usual, and be ready for who comes."""
        if taken:
            self._quiet.append((now_s, taken))
        while self._quiet and self._quiet[0][0] <= now_s - QUIET_S:
            self._lateness.learn(self._quiet.popleft()[1])
        self._beside_appends = bool(taken or self._late_elsewhere)
        self._rate = self._first_rate if self._beside_appends else None
        self._begin(now_s)

    @property
    def _first_rate(self) -> float:
        """Of who comes to read old data beside live appends."""
        first = self._begin_at if self._right is None else START_SHARE * self._right
        return max(first, self._floor)

    def _begin(self, now_s: float) -> None:
        """Whoever reads from now on begins at the rate in force; what begins with it is no reason to rest soon."""
        self._rested_s = now_s
        self._settled = False
        self._leap_to = self._right or BYTES_PER_SECOND_MAX
        self._fell_from = self._rest = None
        self._rest_every_s = REST_EVERY_S
        self._felt = 0.0
        self._calm = 0

    def _steer(self, now_s: float, taken: Window | None) -> None:
        """Somebody reads old data: change the rate by what the appends of this window took."""
        late = 0
        if taken:
            if not self.usual_s:  # they were there before any append: slow down, then learn
                if self._rate is not None and self._rate <= self._first_rate:
                    self._lateness.learn(taken)
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
            self._begin(now_s)
            return
        if not self._beside_appends:  # the rate was that of an idle broker
            self._beside_appends = True
            self._rate = (
                self._first_rate if self._rate is None else min(self._rate, self._first_rate)
            )
        if self._rest is not None:
            self._go_on_resting(now_s, log(late / 100))
            return
        self._change(now_s, log(late / 100))
        assert self._rate is not None
        if taken and self._rate <= NEAR_FLOOR * self._floor and 2 * late > 100 + self._allowed:
            self._late_at_floor += 1
            if self._late_at_floor % LESSON_AT_FLOOR == 0:
                self._lateness.learn(taken)

    @property
    def _allowed(self) -> int:
        """Per cent of what is usual."""
        return self._late_percent_max

    def _change(self, now_s: float, late: float) -> None:
        """By how late appends are, as a logarithm."""
        assert self._rate is not None
        allowed = log(self._allowed / 100) + self._excuse(now_s)
        room = allowed - late
        self._felt += FELT * (late - self._felt)
        self._calm = self._calm + 1 if self._felt < CALM * allowed else 0
        if room < 0:
            if not self._settled and self._felt < allowed:
                return  # one window is noise
            self._settled = True
            if self._fell_from is None:
                self._fell_from = self._rate
                self._falling = []
            self._falling = [*self._falling, _Seen(late, self.bytes_per_second)][-FALLING_MAX:]
            self._rate = max(self._floor, self._rate * max(CUT_MAX, exp(GAIN * room)))
            self._right = self._rate
            fallen = self._rate < SUSPECT * self._fell_from
            if fallen and self._felt > allowed and self._may_rest(now_s):
                before = _mean(self._falling)
                if before.bytes_per_second > CONTRAST * self._floor:
                    self._rest = _Rest(now_s, before)
            return
        if self.bytes_per_second > USED * self._rate:
            factor = min(GROWTH_MAX, exp(GAIN * room))
            if self._calm >= CALM_WINDOWS:
                factor = max(GROWTH_CALM, factor)
            grown = self._rate * factor
            if not self._settled:
                grown = max(grown, min(self._rate * LEAP, self._leap_to))
            self._rate = min(grown, BYTES_PER_SECOND_MAX)
            self._right = self._rate
        if self._fell_from is not None and self._rate >= self._fell_from:
            self._fell_from = None

    # -- whether reading is to blame ---------------------------------------------------------------
    def _may_rest(self, now_s: float) -> bool:
        return self._rested_s is None or now_s - self._rested_s >= self._rest_every_s

    def _excuse(self, now_s: float) -> float:
        """What appends are late on other grounds, as far as that is still to be believed; a logarithm."""
        return self._excused * exp(log(0.5) * (now_s - self._excused_s) / EXCUSED_S)

    def _go_on_resting(self, now_s: float, late: float) -> None:
        """``late`` as a logarithm; at the end of a rest, judge what it has shown."""
        rest = self._rest
        assert rest is not None and self._rate is not None
        rested_s = now_s - rest.since_s
        if rested_s > REST_BLIND_S:
            rest.windows.append(_Seen(late, self.bytes_per_second))
        if rested_s < REST_S or not rest.windows:
            return
        without = _without_reading(rest.before, _mean(rest.windows))
        self._excused, self._excused_s = without, now_s
        if without > BLAMELESS_SHARE * rest.before.late:
            self._rest_every_s = REST_EVERY_S
            if self._fell_from is not None:
                self._rate = self._right = max(self._rate, self._fell_from)
        else:
            self._rest_every_s = min(REST_EVERY_S_MAX, 2 * self._rest_every_s)
        self._fell_from = None
        self._rest, self._rested_s = None, now_s


class _Seen(NamedTuple):
    """How late appends were, as a logarithm, beside so much reading."""

    late: float
    bytes_per_second: float


class _Rest:
    """Reading at the floor since ``since_s``, because of how late appends were ``before``."""

    __slots__ = ("before", "since_s", "windows")

    def __init__(self, since_s: float, before: _Seen) -> None:
        self.since_s = since_s
        self.before = before
        self.windows: list[_Seen] = []  # meanwhile; some five, bounded by REST_S


def _mean(seen: Sequence[_Seen]) -> _Seen:
    count = len(seen)
    return _Seen(
        sum(one.late for one in seen) / count, sum(one.bytes_per_second for one in seen) / count
    )


def _without_reading(before: _Seen, resting: _Seen) -> float:
    """How late appends would be (a logarithm, at least 0) if nobody read at all: the floor is felt, too. Lateness is
    taken to grow evenly with what is read."""
    apart = before.bytes_per_second - resting.bytes_per_second
    if apart <= 0:
        return max(0.0, resting.late)
    by_floor = (exp(before.late) - exp(resting.late)) * resting.bytes_per_second / apart
    return log(max(1.0, exp(resting.late) - max(0.0, by_floor)))
