"""Catching up slows itself for live appends, never to a stop, and not where nothing is appended."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from math import exp
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.log.pace import (
    ASKING_PERCENT,
    BYTES_PER_SECOND_BEGIN,
    BYTES_PER_SECOND_MAX,
    START_SHARE,
    WINDOW_S,
    CatchUpPace,
)

MIB = 1 << 20
FLOOR = 8 * MIB


class Scene:
    """A broker whose appends take ``usual_s``, and longer the more old data is read beside them."""

    def __init__(self, late_percent_max: int = 150) -> None:
        self.pace = CatchUpPace(late_percent_max=late_percent_max, bytes_per_second_min=FLOOR)
        self.now_s = 1000.0
        self.usual_s = 0.004
        self.scatter: Callable[[], float] = lambda: 1.0

    def live(self, seconds: float, *, reading: bool = False, hurts: float = 0.0) -> int:
        """The rate at the end. Each 50 MB/s read beside them makes appends longer by ``hurts`` times."""
        pace = self.pace
        for _ in range(int(seconds / 0.01)):
            self.now_s += 0.01
            rate = min(pace.rate(self.now_s), 400 * MIB)
            taken_s = self.usual_s * self.scatter()
            if reading:
                pace.read(self.now_s, int(rate * 0.01))
                taken_s *= 1 + hurts * rate / (50 * MIB)
            pace.appended(self.now_s, taken_s)
        return pace.rate(self.now_s)

    def idle(self, seconds: float, *, reading: bool) -> int:
        for _ in range(int(seconds / 0.01)):
            self.now_s += 0.01
            rate = min(self.pace.rate(self.now_s), 400 * MIB)
            if reading:
                self.pace.read(self.now_s, int(rate * 0.01))
        return self.pace.rate(self.now_s)


def test_where_nothing_is_appended_old_data_has_no_limit() -> None:
    scene = Scene()
    assert scene.idle(3, reading=True) == BYTES_PER_SECOND_MAX
    scene.live(3)
    assert scene.pace.rate(scene.now_s) == BYTES_PER_SECOND_BEGIN  # ready for who comes
    assert scene.idle(5, reading=False) == BYTES_PER_SECOND_MAX  # the appends have ended
    scene.live(3, reading=True, hurts=1.0)
    assert scene.idle(30, reading=True) == BYTES_PER_SECOND_MAX


def test_it_settles_at_the_rate_that_live_appends_bear() -> None:
    scene = Scene()
    scene.live(5)
    assert 0.8 * scene.usual_s < scene.pace.usual_s < 1.2 * scene.usual_s
    scene.live(10, reading=True, hurts=1.0)
    rates = [scene.live(0.25, reading=True, hurts=1.0) for _ in range(80)]
    average = sum(rates) / len(rates)
    assert 15 * MIB < average < 30 * MIB  # 25 MiB/s makes them take half as long again
    assert scene.pace.late_percent <= 170


def test_it_never_falls_below_the_floor_and_learns_that_the_times_are_hard() -> None:
    scene = Scene()
    scene.live(5)
    scene.usual_s *= 10  # on other grounds
    assert all(scene.live(0.25, reading=True) >= FLOOR for _ in range(20))
    assert scene.live(180, reading=True) > 4 * FLOOR  # that is what they take now


def test_appends_that_find_somebody_catching_up_bring_the_rate_down_at_once() -> None:
    scene = Scene()
    scene.idle(3, reading=True)
    assert scene.live(1, reading=True, hurts=1.0) <= 2 * BYTES_PER_SECOND_BEGIN
    assert 0.5 * scene.usual_s < scene.pace.usual_s < 3 * scene.usual_s


def test_a_broker_that_appends_nothing_slows_for_those_that_do() -> None:
    scene = Scene()
    scene.pace.heard(100, reading_cold=False)
    assert scene.idle(3, reading=False) == BYTES_PER_SECOND_BEGIN
    for _ in range(40):
        scene.pace.heard(300, reading_cold=False)
        scene.idle(WINDOW_S * 2, reading=True)
    assert scene.pace.rate(scene.now_s) == FLOOR
    before = scene.pace.rate(scene.now_s)
    scene.idle(5, reading=True)  # nothing was heard since: nothing is changed twice on one account
    assert scene.pace.rate(scene.now_s) == before
    for _ in range(40):
        scene.pace.heard(105, reading_cold=False)
        scene.idle(WINDOW_S * 2, reading=True)
    assert scene.pace.rate(scene.now_s) > 10 * FLOOR


def test_what_is_usual_is_not_learned_while_others_read_old_data() -> None:
    scene = Scene()
    scene.live(5)
    scene.pace.heard(0, reading_cold=True)
    usual_s = scene.pace.usual_s
    scene.usual_s *= 3
    scene.live(10)
    assert scene.pace.usual_s == usual_s
    assert scene.pace.late_percent > 250  # which is what the reader is told


def test_a_broker_that_comes_while_others_read_old_data_asks_them_for_room_and_learns() -> None:
    scene = Scene()
    scene.pace.heard(0, reading_cold=True)
    for _ in range(8):
        scene.live(0.5)
        assert scene.pace.late_percent in (0, ASKING_PERCENT)
    assert scene.pace.late_percent == ASKING_PERCENT
    scene.live(3)
    assert 0.8 * scene.usual_s < scene.pace.usual_s < 1.2 * scene.usual_s
    assert 95 <= scene.pace.late_percent <= 105
    scene.usual_s *= 2
    scene.live(3)
    assert scene.pace.late_percent > 180


def test_a_bad_quarter_minute_is_not_what_is_usual() -> None:
    scene = Scene()
    scene.live(20)
    usual_s = scene.pace.usual_s
    scene.usual_s *= 8  # a backup runs
    scene.live(8)
    assert scene.pace.usual_s == usual_s
    scene.usual_s /= 8
    scene.live(2)
    assert scene.live(20, reading=True, hurts=1.0) < 40 * MIB  # it is not made up for afterwards
    scene.usual_s *= 3
    scene.live(30)
    assert scene.pace.usual_s == 3 * usual_s  # but what stays is usual, in the end


def test_a_rate_for_an_idle_broker_is_not_one_beside_appends() -> None:
    scene = Scene()
    scene.live(5)
    scene.live(20, reading=True, hurts=0.1)
    right = scene.pace.limit
    assert right > 10 * BYTES_PER_SECOND_BEGIN
    assert scene.idle(5, reading=True) == BYTES_PER_SECOND_MAX
    scene.live(2 * WINDOW_S, reading=True, hurts=0.1)
    assert START_SHARE * right / 2 < scene.pace.limit <= right  # at once, and not from the floor


def test_one_stall_does_not_stop_a_reader() -> None:
    scene = Scene()
    scene.live(5)
    before = scene.live(10, reading=True)
    scene.pace.appended(scene.now_s, 3.0)
    assert scene.live(1, reading=True) > before / 5
    assert scene.live(10, reading=True) > min(before, 400 * MIB)


class Recorded:
    """Appends scatter as they did on a machine with 500 of them a second and nobody else on it: p50 0.9 ms, p95 2.0, p99
    4.9, at most 10 in five seconds; and the slowest twentieth of half a second between 1.8 and 4.5 ms."""

    TIMES = (1.0,) * 80 + (1.5,) * 12 + (2.2,) * 4 + (3.5,) * 2 + (5.5,) + (10.0,)
    HALF_SECOND = 50  # appends of the scene

    def __init__(self, seed: int, spread: float) -> None:
        self.random = Random(seed)
        self.spread = spread  # of windows, as a logarithm
        self.count = 0

    def __call__(self) -> float:
        if self.count % self.HALF_SECOND == 0:
            self.window = exp(self.random.gauss(0, self.spread))
        self.count += 1
        return self.window * self.random.choice(self.TIMES)


def average(scene: Scene, seconds: int, hurts: float = 0.0, *, most: int = 400 * MIB) -> float:
    """The rate that is given out, up to what a machine could read."""
    return sum(
        min(scene.live(0.5, reading=True, hurts=hurts), most) for _ in range(2 * seconds)
    ) / (2 * seconds)


@pytest.mark.parametrize("spread", [0.1, 0.35])
@pytest.mark.parametrize(("percent", "least"), [(115, 0.5), (150, 0.8)])
def test_noise_alone_does_not_bring_the_rate_down(
    percent: int, least: float, spread: float
) -> None:
    shares = []
    for seed in range(4):
        scene = Scene(percent)
        scene.scatter = Recorded(seed, spread)
        scene.live(20)
        scene.live(20, reading=True)  # it begins low
        shares.append(average(scene, 60) / (400 * MIB))
    assert sum(shares) / len(shares) > least


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("percent", [115, 150])
def test_what_reading_causes_is_noticed_in_any_noise(seed: int, percent: int) -> None:
    scene = Scene(percent)
    scene.scatter = Recorded(seed, 0.35)
    scene.live(20)
    scene.live(20, reading=True)
    assert min(scene.live(0.5, reading=True, hurts=3.0) for _ in range(10)) < 4 * FLOOR
    assert average(scene, 40, 3.0) < 4 * FLOOR  # of 50 times that, if nobody slowed it


@pytest.mark.parametrize("times", [1.7, 2.5, 4.0])
def test_lateness_on_other_grounds_is_found_out(times: float) -> None:
    """A neighbour comes: slowing down does not help, a rest shows it, and the rate comes back."""
    shares = []
    for seed in range(4):
        scene = Scene(150)
        scene.scatter = Recorded(seed, 0.2)
        scene.live(20)
        scene.live(20, reading=True)
        scene.usual_s *= times
        shares.append(average(scene, 60) / (400 * MIB))
    assert sum(shares) / len(shares) > 0.5


@pytest.mark.parametrize("hurts_at", [200, 100, 50])
def test_a_lane_reads_what_live_appends_bear_in_noise(hurts_at: int) -> None:
    """Live brokers' appends take a fifth longer at ``hurts_at`` MB/s, and scatter as recorded."""
    shares, lates = [], []
    for seed in range(8):
        random, now_s, late = Random(seed), 1000.0, 1.0
        pace = CatchUpPace(
            late_percent_max=120, bytes_per_second_min=FLOOR, bytes_per_second_begin=64 * MIB
        )
        for tick in range(2400):  # two minutes
            now_s += 0.05
            read = min(pace.rate(now_s), 400_000_000) if tick > 50 else 0
            pace.read(now_s, int(read * 0.05))
            if tick % 10 == 0:
                late = 1 + 0.2 * read / 1e6 / hurts_at
                shares.append(read / 1e6 / hurts_at)
                lates.append(late)
                late *= exp(random.gauss(0, 0.35))
            if tick % 8 == 0:
                pace.heard(round(100 * min(5.0, max(0.2, late))), reading_cold=False)
    assert 0.7 < sum(shares) / len(shares) < 1.4
    assert 1.1 < sum(lates) / len(lates) < 1.3


def test_waits_that_the_p99_does_not_show_do_not_hold_a_reader() -> None:
    """Two appends in a hundred wait for the disk, whoever reads; beside a reader of 100 MiB/s five more wait
    for a processor, less long. Their slowest twentieth takes half as long again, and their p99 what it took."""
    shares = []
    for seed in range(4):
        random, scene = Random(seed), Scene(120)

        def scatter(random: Random = random, scene: Scene = scene) -> float:
            waiting = 0.05 * scene.pace.bytes_per_second / (100 * MIB)
            alone = (1 + random.random()) * (5 if random.random() < 0.02 else 1)
            return max(alone, 4.5 * (random.random() < waiting))

        scene.scatter = scatter
        scene.live(40)
        scene.live(20, reading=True)
        shares.append(average(scene, 60) / (100 * MIB))
    assert sum(shares) / len(shares) > 3.5  # of the 4 that there are; 2.6 by the twentieth alone


def test_a_rest_is_short_and_reads_at_the_floor() -> None:
    scene = Scene()
    scene.live(20)
    scene.live(10, reading=True)
    scene.usual_s *= 3
    rates = [scene.live(0.1, reading=True) for _ in range(900)]
    resting = [rate == FLOOR for rate in rates]
    begins = sum(after and not before for before, after in pairwise(resting))
    assert begins >= 2, "it falls, rests, and after a while looks again"
    assert sum(resting) / len(resting) < 0.35
    assert min(rates) == FLOOR


@given(
    usual_ms=st.floats(0.5, 50),
    hurts=st.floats(0, 20),
    noise=st.floats(0, 1),
    percent=st.integers(110, 200),
    seed=st.integers(0, 2**32),
)
@settings(max_examples=40, deadline=None)
def test_the_lateness_settles_near_the_one_allowed_and_the_rate_recovers(
    usual_ms: float, hurts: float, noise: float, percent: int, seed: int
) -> None:
    """Whatever appends take, however they scatter, and however much old data hurts them."""
    random, scene = Random(seed), Scene(percent)
    scene.usual_s = usual_ms / 1000
    scene.scatter = lambda: 1 + noise * random.random() ** 8  # a long tail
    scene.live(12)
    scene.live(15, reading=True, hurts=hurts)
    seen = [
        (scene.live(0.5, reading=True, hurts=hurts), scene.pace.late_percent) for _ in range(30)
    ]
    rates, lates = zip(*seen, strict=True)
    assert min(rates) >= FLOOR
    # Late only as far as the floor makes it so; and no slower than appends that are not late ask for.
    at_floor = 100 * (1 + hurts * FLOOR / (50 * MIB))
    assert sum(lates) / len(lates) < 1.3 * max(percent, at_floor)
    bearable = 50 * MIB * (percent / 100 - 1) / max(hurts, 0.01)
    assert sum(rates) / len(rates) > min(bearable, 100 * MIB) / 4
    assert scene.live(30, reading=True, hurts=0) > 20 * FLOOR


def test_it_can_be_turned_off() -> None:
    scene = Scene(late_percent_max=0)
    scene.live(3)
    assert scene.live(3, reading=True, hurts=5.0) == BYTES_PER_SECOND_MAX


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["append", "read", "heard", "rate"]),
            st.floats(0, 5),
            st.integers(0, 10**9),
        ),
        max_size=200,
    )
)
def test_I10_any_history_leaves_a_rate_within_its_bounds(
    history: list[tuple[str, float, int]],
) -> None:
    pace = CatchUpPace(late_percent_max=120, bytes_per_second_min=FLOOR)
    now_s = 0.0
    for what, step_s, number in history:
        now_s += step_s
        if what == "append":
            pace.appended(now_s, number / 1e6)
        elif what == "read":
            pace.read(now_s, number)
        elif what == "heard":
            pace.heard(number % 1000, reading_cold=number % 2 == 0)
        assert FLOOR <= pace.rate(now_s) <= BYTES_PER_SECOND_MAX
        assert pace.late_percent >= 0 and pace.bytes_per_second >= 0
