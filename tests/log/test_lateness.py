"""How late appends are: on average by their p99, and within a window by what is slow in it."""

from __future__ import annotations

from math import ceil, exp, log
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.log.lateness import LATE_MAX, POOLED, Lateness, Pool, Window

FLUSHES = 250  # of half a second


def usual(random: Random) -> float:
    """Seconds: few appends in a hundred wait for the disk."""
    return 0.001 * (1 + random.random()) * (5 if random.random() < 0.015 else 1)


def contended(random: Random) -> float:
    """One in ten waits for a processor; the disk is as it was, and so is nearly the p99."""
    return max(usual(random), 0.0045 * (random.random() < 0.1))


def taught(random: Random) -> Lateness:
    lateness = Lateness()
    for _ in range(POOLED):
        window = Window.of([usual(random) for _ in range(FLUSHES)])
        lateness.learn(window)
        lateness.judge(window, beside=False)
    return lateness


def p99(values: list[float]) -> float:
    return sorted(values)[-ceil(len(values) / 100)]


@pytest.mark.parametrize("seed", range(4))
def test_on_average_it_is_the_p99(seed: int) -> None:
    random = Random(seed)
    lateness = taught(random)
    before = p99([usual(random) for _ in range(20_000)])
    taken, told, alone = [], [], []
    for number in range(2 * POOLED):
        window = [contended(random) for _ in range(FLUSHES)]
        late = lateness.judge(Window.of(window), beside=True)
        if number >= POOLED:
            taken += window
            told.append(log(late))
            alone.append(log(Window.of(window).slowest / lateness.usual_s))
    felt = p99(taken) / before
    assert exp(sum(alone) / len(alone)) > 1.25, "the twentieth alone would have told of more"
    assert 0.9 * felt < exp(sum(told) / len(told)) < 1.25 * felt


def test_what_begins_and_what_ends_is_seen_within_a_window() -> None:
    random = Random(1)
    lateness = taught(random)
    late = [
        lateness.judge(Window.of([4 * usual(random) for _ in range(FLUSHES)]), beside=True)
        for _ in range(POOLED)
    ]
    assert late[0] > 1.5
    assert late[-1] > 2.8
    assert lateness.judge(Window.of([usual(random) for _ in range(FLUSHES)]), beside=True) < 1.5


def test_a_stall_is_one_append() -> None:
    random = Random(2)
    lateness = taught(random)
    assert (
        lateness.judge(Window.of([*(usual(random) for _ in range(FLUSHES)), 3.0]), beside=True)
        <= LATE_MAX
    )
    after = [
        lateness.judge(Window.of([usual(random) for _ in range(FLUSHES)]), beside=True)
        for _ in range(POOLED)
    ]
    assert max(after) < 1.5


def test_a_bad_ten_seconds_are_not_what_is_usual() -> None:
    random = Random(3)
    lateness = taught(random)
    for _ in range(15):
        lateness.learn(Window.of([8 * usual(random) for _ in range(FLUSHES)]))
    for _ in range(POOLED):
        late = lateness.judge(Window.of([3 * usual(random) for _ in range(FLUSHES)]), beside=True)
    assert late > 2


@given(
    st.lists(st.lists(st.floats(0, 100), min_size=1, max_size=50), min_size=1, max_size=12),
    st.integers(1, 6),
)
def test_I10_a_pool_holds_the_newest_windows_and_their_p99(
    windows: list[list[float]], most: int
) -> None:
    pool = Pool(most)
    for window in windows:
        pool.add(Window.of(window))
    kept = windows[-most:]
    assert pool.flushes == sum(map(len, kept))
    exact = max(p99([one for window in kept for one in window]), 1e-6)
    assert exact / 1.06 <= pool.p99 <= 1.06 * exact
