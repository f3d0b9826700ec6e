"""Estimates of when a replay is done, on burn-downs whose end is known."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from anabranch.recovery.model import Volume
from anabranch.recovery.replays import eta
from anabranch.recovery.replays.session import (
    Session,
    Span,
    Status,
    ended,
    marked,
    paused,
    progress,
    sampled,
    started,
    throttled,
    unpaused,
)
from anabranch.recovery.replays.throttle import Decision


def session(size: int = 1_000_000, records: int = 10_000) -> Session:
    return Session(
        id="r", plan="p", plan_hash="h", cluster_id="c", live_group="g", group="replay.r",
        branches=(), spans=(Span("t", "id", 0, 0, records, size),), rate=1 << 30, command=("x",),
        bootstrap="", sink=None, creator="", created_ms=0, status=Status.PREPARED,
    )  # fmt: skip


@given(
    st.integers(1_000, 20_000),  # of starting up
    st.integers(250, 8_000),  # between two commits
    st.integers(60, 900),  # seconds of work
)
def test_steps_and_the_start_do_not_spoil_the_estimate(
    startup_ms: int, step_ms: int, work_s: int
) -> None:
    total = 10_000_000
    end_ms = startup_ms + work_s * 1000
    points, now = [], eta.Point(0, total)
    for at in itertools.count(0, 250):
        done_ms = max(0, at - startup_ms) // step_ms * step_ms  # what was committed by now
        now = eta.Point(at, max(0, total - total * done_ms // (work_s * 1000)))
        if now.left <= total // 2:
            break
        points.append(now)
    _, estimate = eta.rate_and_eta(points, now)
    truth = (end_ms - now.active_ms) / 1000
    assert estimate is not None
    if len({point.left for point in points}) > eta.EDGES_MIN:
        assert abs(estimate - truth) <= max(0.1 * truth, 1.0)


def test_a_stall_is_no_estimate_and_a_slow_committer_is_no_stall() -> None:
    every_20_s = [eta.Point(at, 100 - at // 20_000) for at in range(0, 200_000, 500)]
    rate, estimate = eta.rate_and_eta(every_20_s, eta.Point(200_000, 90))
    assert rate > 0 and estimate is not None and 1700 < estimate < 1900
    _, late = eta.rate_and_eta(every_20_s, eta.Point(230_000, 91))
    assert late is not None
    assert eta.rate_and_eta(every_20_s, eta.Point(300_000, 91)) == (0.0, None)
    assert eta.rate_and_eta([], eta.Point(1, 5)) == (0.0, None)
    assert eta.rate_and_eta([], eta.Point(1, 0)) == (0.0, 0.0)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.sampled_from((250, 5_000, 20_000)))
def test_a_processor_that_goes_back_is_estimated_by_what_it_did_since(
    lefts: list[int], step_ms: int
) -> None:
    *points, now = [eta.Point(step_ms * n, left) for n, left in enumerate(lefts)]
    rate, estimate = eta.rate_and_eta(points, now)
    assert rate >= 0
    assert estimate is None or estimate >= 0


def test_a_processor_that_begins_anew_is_estimated_as_if_it_had_just_begun() -> None:
    once = [eta.Point(1000 * n, 1000 - 100 * n) for n in range(5)]
    again = [eta.Point(5000 + 1000 * n, 1000 - 50 * n) for n in range(8)]
    *points, now = once + again
    assert eta.rate_and_eta(points, now) == (50.0, 13.0)


def test_mean_limit_is_weighted_by_time_and_without_pauses() -> None:
    halved = Decision(10_000, 10_000, "x", 100, 50)
    assert eta.mean_limit([halved], 50, 0, 20_000) == 75
    assert eta.mean_limit([], 50, 0, 20_000) == 50
    assert eta.mean_limit([Decision(0, 20_000, "x", 100, 50)], 50, 0, 20_000) == 75
    pause = Decision(5_000, 5_000, "paused by request", 100, 0)
    resume = Decision(15_000, 15_000, "resumed by request", 0, 100)
    assert eta.mean_limit([pause, resume], 100, 0, 20_000) == 100
    assert eta.mean_limit([halved], 50, 30_000, 40_000) == 50


def test_a_new_limit_that_stands_is_followed() -> None:
    halved = [Decision(50_000, 50_000, "x", 1000, 500)]
    assert eta.limit_factor(halved, 500, 700, 40_000, 55_000) == 1  # too fresh
    assert eta.limit_factor(halved, 500, 740, 0, 100_000) == 500 / 750
    assert eta.limit_factor(halved, 500, 100, 0, 100_000) == 1  # the processor is what is slow
    assert eta.limit_factor([], 800, 740, 0, 100_000) == 1
    assert eta.limit_factor([], 500, 1000, 0, 1_000) == 0.5  # the burst of a beginning


def test_milestones_are_kept_once_and_judged_by_active_time() -> None:
    replay = throttled(started(session(), 1000), 10_000, "start", 1000)
    at_ms = 1000
    for percent in range(101):  # one per cent a second, with a pause of a minute at 60 %
        at_ms += 1000
        if percent == 60:
            replay = paused(replay, at_ms)
            assert replay.status is Status.PAUSED
            for _ in range(240):
                at_ms += 250
                left = Volume(10_000 * (100 - percent) // 100, 10_000 * (100 - percent))
                replay = sampled(replay, left, at_ms)
            replay = unpaused(replay, at_ms)
        left = Volume(10_000 * (100 - percent) // 100, 10_000 * (100 - percent))
        replay = sampled(replay, left, at_ms)
        replay = marked(replay, progress(replay, left, at_ms))
    assert [one.percent for one in replay.milestones] == [10, 50, 90]
    assert all(one.error is None for one in replay.milestones)
    done = ended(replay, Status.COMPLETED, at_ms, exit_status=0)
    assert done.active_ms == at_ms - 60_000 - 1000
    for one in done.milestones:
        assert one.error is not None and abs(one.error) < 0.05
    failed = ended(replay, Status.FAILED, at_ms, exit_status=1)
    assert all(one.error is None for one in failed.milestones)
    stopped_late = ended(replay, Status.COMPLETED, at_ms + 9_000, exit_status=0)
    assert stopped_late.milestones == done.milestones


def test_the_time_between_two_runs_is_not_active() -> None:
    first = ended(
        sampled(started(session(), 1000), Volume(10_000, 1_000_000), 5000),
        Status.INTERRUPTED, 6000, exit_status=None,
    )  # fmt: skip
    assert first.active_ms == 5000
    again = started(first, 100_000)
    assert structs.replace(again, runs=()).active_ms == 5000
    assert sampled(again, Volume(1, 1), 102_000).active_ms == 7000
