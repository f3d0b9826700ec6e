"""When a replay will be done: from its burn-down and its limit, and how good the estimate was.

Processors commit in steps, every few seconds or every few thousand records. A rate taken between two arbitrary
instants is wrong by up to a step at each end, so it is taken between two *edges*, instants at which a
commit was seen, and what was begun since the last edge is counted as done. What a processor takes to start
is before the first edge and does not count. The window is long, half of the run, because a
rate that is throttled automatically moves up and down; it only follows the limit faster where the limit
decides and has stood still.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from msgspec import Struct, structs

from anabranch.recovery.replays.throttle import Decision

WINDOW_MS_MIN = 30_000  # shorter than this a rate is noise
WINDOW_SHARE = 0.5  # of the run so far
STALL_MS = 15_000  # without an edge: not at this rate
STALL_STEPS = 3  # or so many usual steps without one
EDGES_MIN = 3  # fewer say nothing about the size of a step
LIMITED_SHARE = 0.7  # of its limit: a replay that uses so much is held by it
STEADY_MS = 10_000  # a limit that has not changed for so long is likely to stay
MILESTONES = (10, 50, 90)  # per cent of the work at which the estimate is kept


class Point(Struct, frozen=True, array_like=True):
    """What was left (of bytes or records) after so much active time, milliseconds."""

    active_ms: int
    left: int


class Milestone(Struct, frozen=True):
    """The estimate when ``percent`` of the work was done, and, once it is over, what came of it.

    Times are active ones, without pauses and interruptions: nobody can foresee those. ``error`` is the
    estimate's, relative to what it really took from there: 0.1 is 10 % too long.
    """

    percent: int
    at_ms: int
    active_ms: int
    eta_s: float | None
    actual_s: float | None = None
    error: float | None = None


def rate_and_eta(
    points: Sequence[Point], now: Point, *, factor: float = 1.0
) -> tuple[float, float | None]:
    """Units per second over the window, and seconds until nothing is left (None: not at this rate).

    ``points`` are of the present run, oldest first, none after ``now``; ``factor`` is by how much the rate is
    expected to differ from the window's. A processor that goes back has that to do again, at the rate at which it
    goes since.
    """
    if now.left == 0:
        return 0.0, 0.0
    if not points:
        return 0.0, None
    length = max(WINDOW_MS_MIN, WINDOW_SHARE * (now.active_ms - points[0].active_ms))
    recent = [one for one in points if one.active_ms >= now.active_ms - length]
    window = _since_going_back([*recent, now] if not recent or recent[-1] != now else recent)
    edges = [later for earlier, later in itertools.pairwise(window) if later.left < earlier.left]
    if len(edges) >= EDGES_MIN:
        first, last = edges[0], edges[-1]
        took_ms = last.active_ms - first.active_ms
        silent_ms = now.active_ms - last.active_ms
        if silent_ms > max(STALL_MS, STALL_STEPS * took_ms / (len(edges) - 1)):
            return 0.0, None
        if took_ms:
            rate = (first.left - last.left) / took_ms * 1000 * factor
            return rate, max(0.0, last.left / rate - silent_ms / 1000)
    if edges and now.active_ms - edges[-1].active_ms > STALL_MS:
        return 0.0, None
    took_ms = now.active_ms - window[0].active_ms
    rate = (window[0].left - now.left) / took_ms * 1000 * factor if took_ms else 0.0
    return rate, now.left / rate if rate > 0 else None


def _since_going_back(window: Sequence[Point]) -> Sequence[Point]:
    """The points from the last one on at which more was left than before."""
    begin = 0
    for index, (earlier, later) in enumerate(itertools.pairwise(window), 1):
        if later.left > earlier.left:
            begin = index
    return window[begin:]


def limit_factor(
    decisions: Sequence[Decision], limit: int, bytes_per_second: float, since_ms: int, now_ms: int
) -> float:
    """By how much the present limit, in bytes per second, differs from that of the window before it; 1 where
    the limit is not what holds the replay, or changes all the time."""
    if bytes_per_second <= 0:
        return 1.0
    mean = mean_limit(decisions, limit, since_ms, now_ms)
    # Nobody stays above what was allowed: what looks so is the burst of a beginning.
    most = min(1.0, max(mean, limit) / bytes_per_second)
    steady = decisions and now_ms - decisions[-1].until_ms >= STEADY_MS
    if not steady or bytes_per_second < LIMITED_SHARE * mean:
        return most
    return min(limit / mean, max(mean, limit) / bytes_per_second)


def mean_limit(decisions: Sequence[Decision], limit: int, since_ms: int, now_ms: int) -> float:
    """Bytes per second that were allowed on average between two instants; ``limit`` holds now.

    Within a decision that lasted, the rate is taken to have moved evenly; pauses do not count.
    """
    allowed, counted_ms, end, rate = 0.0, 0, now_ms, float(limit)

    def add(begin: int, at: float) -> None:
        nonlocal allowed, counted_ms, end
        if begin < end and at:
            allowed += at * (end - begin)
            counted_ms += end - begin
        end = min(end, begin)

    for one in reversed(decisions):
        if end <= since_ms:
            break
        add(max(since_ms, one.until_ms), rate)
        add(max(since_ms, one.at_ms), (one.source + one.target) / 2)
        rate = one.source
    if end > since_ms:
        add(since_ms, rate)
    return allowed / counted_ms if counted_ms else float(limit)


def passed(
    milestones: tuple[Milestone, ...],
    done_share: float,
    now_ms: int,
    active_ms: int,
    eta_s: float | None,
) -> tuple[Milestone, ...]:
    """With the milestones that were passed since the last look."""
    known = {one.percent for one in milestones}
    fresh = [
        Milestone(percent, now_ms, active_ms, eta_s)
        for percent in MILESTONES
        if percent not in known and done_share * 100 >= percent and done_share < 1
    ]
    return (*milestones, *fresh)


def judged(milestones: Sequence[Milestone], active_ms: int) -> tuple[Milestone, ...]:
    """The replay is over after ``active_ms`` of active time: how far off was each estimate?"""
    found = []
    for one in milestones:
        actual_s = (active_ms - one.active_ms) / 1000
        error = None
        if one.eta_s is not None and actual_s > 0:
            error = (one.eta_s - actual_s) / actual_s
        found.append(structs.replace(one, actual_s=actual_s, error=error))
    return tuple(found)
