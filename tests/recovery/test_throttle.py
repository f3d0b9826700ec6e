"""The automatic slow-down: bounded on both sides, quick to react, sure to come back."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.recovery.replays.throttle import (
    BLIND_STEPS,
    CALM_RATIO,
    CEILING_STEPS,
    CUT_LEAST,
    DECISIONS_MAX,
    SETTLE_STEPS,
    Bounds,
    Reading,
    State,
    begin,
    decided,
    step,
)

LIMITS = st.integers(1, 1 << 34)


@st.composite
def bounds_and_state(draw: st.DrawFn) -> tuple[Bounds, State]:
    bounds = Bounds.of(draw(LIMITS), draw(st.none() | st.integers(0, 1 << 34)))
    rate = draw(st.integers(bounds.floor, bounds.limit))
    ceiling = draw(st.sampled_from([0, rate, bounds.limit]))
    since = draw(st.integers(0, CEILING_STEPS))
    return bounds, State(rate, ceiling, since, draw(st.integers(0, BLIND_STEPS)))


READINGS = st.lists(
    st.builds(
        Reading,
        st.just("p99"),
        st.none() | st.floats(0, 1e12),
        st.floats(0.001, 1e9),
    ),
    max_size=3,
)


def at(ratio: float) -> list[Reading]:
    return [Reading("live appends", ratio, 1.0)]


@given(bounds_and_state(), st.lists(READINGS, max_size=60), st.none() | st.floats(0, 1e12))
def test_I10_never_below_the_floor_and_never_above_the_limit(
    given_state: tuple[Bounds, State], sequence: list[list[Reading]], used: float | None
) -> None:
    bounds, state = given_state
    for readings in sequence:
        before = state.rate
        state, cause = step(state, bounds, readings, used)
        assert bounds.floor <= state.rate <= bounds.limit
        assert (cause != "") == (state.rate != before)
        worst = max((one.ratio for one in readings if one.ratio is not None), default=0.0)
        assert state.rate <= before or worst < CALM_RATIO
        assert state.rate <= before or all(one.ratio is not None for one in readings)


@given(bounds_and_state(), st.floats(1.0001, 1e6))
def test_a_breach_is_answered_within_the_settling_time(
    given_state: tuple[Bounds, State], ratio: float
) -> None:
    bounds, state = given_state
    first = state.rate
    for _ in range(SETTLE_STEPS + 1):
        state, _ = step(state, bounds, at(ratio))
    assert state.rate <= max(bounds.floor, int(first * CUT_LEAST))


@given(bounds_and_state())
def test_a_lasting_breach_ends_at_the_floor(given_state: tuple[Bounds, State]) -> None:
    bounds, state = given_state
    for _ in range(40 * (SETTLE_STEPS + 1)):
        state, _ = step(state, bounds, at(5.0))
    assert state.rate == bounds.floor


@settings(deadline=None)
@given(bounds_and_state(), st.floats(0, 0.8999))
def test_calm_brings_the_whole_limit_back(given_state: tuple[Bounds, State], ratio: float) -> None:
    """From the lowest floor: a minute until the last cut is forgotten, then by a quarter each second."""
    bounds, state = given_state
    for _ in range(CEILING_STEPS + 130):
        state, _ = step(state, bounds, at(ratio))
    assert state.rate == bounds.limit


def test_what_nobody_can_read_is_no_calm() -> None:
    bounds = Bounds.of(8 << 20)
    unread = [Reading("sink", None, 1.0, error="connection refused")]
    state = State(4 << 20)
    for _ in range(BLIND_STEPS - 1):
        state, cause = step(state, bounds, unread)
        assert (state.rate, cause) == (4 << 20, "")
    state, cause = step(state, bounds, unread)
    assert state.rate == 2 << 20 and cause == "sink cannot be read: connection refused"
    state, _ = step(state, bounds, at(0))
    assert state.blind == 0 and state.rate > 2 << 20
    breached, _ = step(State(4 << 20), bounds, [*unread, *at(3.0)])
    assert breached.rate == 2 << 20  # a breach beside it is seen


def test_a_cut_begins_at_what_is_really_read() -> None:
    bounds = Bounds.of(1 << 30)
    state, cause = step(State(1 << 30), bounds, at(2.0), used=8 << 20)
    assert state.rate == 5 << 20 and cause == "live appends 2 of 1"


def test_growth_is_slow_near_the_rate_that_was_cut() -> None:
    bounds = Bounds.of(100 << 20)
    state, _ = step(State(50 << 20), bounds, at(1.5))
    rates = []
    for _ in range(20):
        state, _ = step(state, bounds, at(0.5))
        rates.append(state.rate)
    near = [b / a for a, b in itertools.pairwise(rates) if a >= 40 << 20]
    assert near and max(near) < 1.05


def test_cuts_that_follow_each_other_are_one_finding() -> None:
    """Else each would take the rate that the last one left for the most that there is room for."""
    bounds = Bounds.of(100 << 20)
    state = State(64 << 20)
    for _ in range(2 * (SETTLE_STEPS + 1)):
        state, _ = step(state, bounds, at(1.9))
    assert state.rate < 25 << 20 and state.ceiling == 64 << 20
    for _ in range(8):
        state, _ = step(state, bounds, at(0.2))
    assert state.rate > 50 << 20


def test_the_first_rate() -> None:
    assert begin(Bounds.of(8 << 20), guarded=True).rate == 4 << 20
    assert begin(Bounds.of(8 << 20), guarded=False).rate == 8 << 20
    assert begin(Bounds.of(1000), guarded=True).rate == 1000
    assert Bounds.of(1000, 0).floor == 1


def test_decisions_of_one_kind_are_joined_and_the_newest_kept() -> None:
    kept = decided((), 0, "live appends 2 of 1", 100, 50)
    kept = decided(kept, 1000, "live appends 3 of 1", 50, 25)
    assert [(d.at_ms, d.until_ms, d.source, d.target) for d in kept] == [(0, 1000, 100, 25)]
    kept = decided(kept, 2000, "the live side is calm", 25, 30)
    kept = decided(kept, 3000, "sink queue 9 of 8", 30, 20)
    kept = decided(kept, 20_000, "sink queue 9 of 8", 20, 10)
    assert [d.target for d in kept] == [25, 30, 20, 10]
    for n in range(DECISIONS_MAX * 2):
        kept = decided(kept, 100_000 * n, "x y", 2, 1)
    assert len(kept) == DECISIONS_MAX
