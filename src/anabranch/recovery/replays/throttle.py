"""How fast a replay may read: values in, a rate and the reason for it out.

A replay reads at its limit while the live side is calm. Once a second :func:`step` is given *readings*: how
late live appends are, how far consumer groups lag, how full a sink is, each beside what is allowed. The
worst of them decides::

    value / allowed
      > 1          breach: the rate is cut, by no less than CUT_LEAST and no more than CUT_MOST
      0.9 .. 1     the rate stays
      < 0.9        calm: the rate grows, slowly near where it was cut last

A reading that cannot be had is no calm: the rate stays, and after ``BLIND_STEPS`` of them falls. The rate
never leaves ``floor .. limit``: a replay is slowed and never starved, and never faster than was allowed.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, structs

FLOOR_BYTES_PER_SECOND = 256 * 1024  # a usual fetch (64 KiB of burst) four times a second
START_SHARE = 0.5  # of the limit: what the first seconds show decides about the rest
CALM_RATIO = 0.9  # below it there is room; between it and 1 nothing changes
CUT_LEAST = 0.9  # a breach is worth a tenth of the rate at least
CUT_MOST = 0.5  # and half of it at most, per step
SEVERE_RATIO = 2.0  # past it a second cut does not wait for the first one to show
SETTLE_STEPS = 2  # after a cut: brokers take up a rate, and windows pass, before it shows
GROWTH = 1.25  # per calm step: ten times as much in eleven seconds
GROWTH_NEAR = 1.04  # per calm step near the rate that was cut last
NEAR = 0.8  # of that rate, from where on it grows slowly
EPISODE_STEPS = (
    10  # cuts that follow each other within it are one finding, at the rate of the first
)
CEILING_STEPS = 60  # so long that rate is remembered: live load is another a minute later
USED_ROOM = 1.25  # a cut starts from what is really read, and this much of room
BLIND_STEPS = 10  # without a reading that was asked for
DECISIONS_MAX = 100  # kept with a session, the newest; each some 150 bytes of its document
JOIN_MS = 10_000  # changes of one direction and cause within it are one decision


class Bounds(Struct, frozen=True):
    """Log bytes per second: ``floor <= rate <= limit``."""

    limit: int
    floor: int

    @classmethod
    def of(cls, limit: int, floor: int | None = None) -> Bounds:
        """``floor`` (default: 256 KiB/s) is lowered to ``limit`` where that is less."""
        assert limit > 0
        wanted = FLOOR_BYTES_PER_SECOND if floor is None else floor
        return cls(limit, max(1, min(limit, wanted)))

    def clamp(self, rate: float) -> int:
        return int(min(self.limit, max(self.floor, rate)))


class Reading(Struct, frozen=True):
    """One thing that was looked at, and what is allowed of it. ``value`` None: it could not be had."""

    name: str
    value: float | None
    allowed: float
    unit: str = ""
    error: str = ""

    @property
    def ratio(self) -> float | None:
        """1 is the most that is allowed."""
        return None if self.value is None else self.value / self.allowed

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} cannot be read: {self.error}"
        return f"{self.name} {self.value:,.4g} of {self.allowed:,.4g} {self.unit}".rstrip()


class Decision(Struct, frozen=True):
    """The rate was changed, for one cause, between two instants; rates in bytes per second."""

    at_ms: int
    until_ms: int
    cause: str
    source: int
    target: int


class State(Struct, frozen=True):
    """What a step hands to the next one. ``ceiling`` is the rate at which cutting began last, 0 once forgotten."""

    rate: int
    ceiling: int = 0
    since_cut: int = SETTLE_STEPS  # steps
    blind: int = 0  # steps in a row without a reading that was asked for


def begin(bounds: Bounds, *, guarded: bool) -> State:
    """The first rate: without anything to look at, the limit itself."""
    return State(bounds.clamp(bounds.limit * START_SHARE) if guarded else bounds.limit)


def step(
    state: State, bounds: Bounds, readings: Sequence[Reading], used: float | None = None
) -> tuple[State, str]:
    """The next state, and why its rate is another ("" where it is not).

    ``used`` is what the replay really reads in bytes per second, if known: a cut that began at a rate which
    nobody uses would change nothing.
    """
    rate = bounds.clamp(state.rate)
    since_cut = min(state.since_cut + 1, CEILING_STEPS)
    ceiling = state.ceiling if since_cut < CEILING_STEPS else 0
    unread = [reading for reading in readings if reading.ratio is None]
    blind = min(state.blind + 1, BLIND_STEPS) if unread else 0
    known = [(ratio, one) for one in readings if (ratio := one.ratio) is not None]
    worst, reading = max(known, key=lambda pair: pair[0], default=(0.0, None))
    now = State(rate, ceiling, since_cut, blind)
    if worst > 1:
        if since_cut <= SETTLE_STEPS and worst < SEVERE_RATIO:
            return now, ""
        first = rate if not used else min(rate, bounds.clamp(used * USED_ROOM))
        cut = bounds.clamp(first * max(CUT_MOST, min(CUT_LEAST, 1 / worst)))
        began = ceiling if ceiling and since_cut <= EPISODE_STEPS else first
        return State(cut, max(began, cut), 0, blind), str(reading) if cut < rate else ""
    if unread:
        if blind < BLIND_STEPS:
            return now, ""
        cut = bounds.clamp(rate * CUT_MOST)
        return State(cut, ceiling, 0, blind), str(unread[0]) if cut < rate else ""
    if worst >= CALM_RATIO or rate == bounds.limit:
        return now, ""
    factor = GROWTH_NEAR if ceiling and rate >= NEAR * ceiling else GROWTH
    grown = bounds.clamp(max(rate + 1, rate * factor))
    if ceiling and rate < NEAR * ceiling < grown:
        grown = bounds.clamp(max(rate + 1, NEAR * ceiling))
    return structs.replace(now, rate=grown), "the live side is calm"


def decided(
    decisions: tuple[Decision, ...], now_ms: int, cause: str, source: int, target: int
) -> tuple[Decision, ...]:
    """One more decision, joined to the last one if that is of the same kind and just now; the oldest are
    let go (I10)."""
    if decisions:
        last = decisions[-1]
        same_way = (last.target > last.source) == (target > source)
        about = last.cause.split(" ", 2)[:2] == cause.split(" ", 2)[:2]
        if same_way and about and now_ms - last.until_ms <= JOIN_MS:
            joined = structs.replace(last, until_ms=now_ms, target=target)
            return (*decisions[:-1], joined)
    return (*decisions, Decision(now_ms, now_ms, cause, source, target))[-DECISIONS_MAX:]
