"""Serve topics by the time of their events: together, and no faster than that time is to pass.

A command that replays several topics reads every partition as fast as it can: a week of one before an hour of
another. What it joins, or closes windows by, then comes out otherwise than it did live. So the broker of a replay
session holds back what is ahead. A partition is served up to ``slack_ms`` beyond the event time at which the hindmost
of them stands (what Flink calls watermark alignment, FLIP-182, here for every client), and with a ``speed`` nothing
is served before its time has come: the clock begins where the hindmost stands first.

Batches are given whole, once their latest record may be; the hindmost's next batch always may, as far as
``slack_ms`` goes. Control batches, and records without a timestamp, have no event time and hold nothing back. Where a partition
stands is told by the offset that is asked for, so an answer that got lost does not count. One that is not asked for
any more, or was read to its end, does not hold the others.

Values in, values out; the clock is the caller's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from anabranch.errors import ClientFault, ErrorCode
from anabranch.records.header import NO_TIMESTAMP
from anabranch.records.trimming import headers, piece

CONFIG: Final = "fetch.event.order"  # of a topic
IDLE_S: Final = 10.0  # a partition that nobody asked for so long does not hold the others
GAP_S: Final = 2.0  # while nobody asks for so long, event time stands still
LOOK_S: Final = 0.05  # what is held back is looked at again
LOOK_S_MAX: Final = 1.0  # also where it is known to be due later
FRESH_S: Final = (
    0.02  # where the hindmost stands is found out so often: it costs a look at every partition
)
SLACK_MS_MAX: Final = 10 * 365 * 86_400_000  # ten years: more is a typing error, or no order at all

Place = tuple[int, int]
"""A topic's number and a partition."""


class EventOrder(NamedTuple):
    """How a session's topics are served: ``slack_ms`` None: not together; ``speed`` None: as fast as allowed."""

    session: str
    slack_ms: int | None
    speed: float | None

    def __str__(self) -> str:
        """As the topic config says it, for instance ``r-1 slack.ms=60000 speed=2.0``."""
        words = [self.session]
        if self.slack_ms is not None:
            words.append(f"slack.ms={self.slack_ms}")
        if self.speed is not None:
            words.append(f"speed={self.speed}")
        return " ".join(words)


def parse(text: str) -> EventOrder | None:
    """None for an empty text. Raises ClientFault(INVALID_CONFIG)."""
    if not text:
        return None
    session, *words = text.split(" ")
    given = dict(word.partition("=")[::2] for word in words)
    try:
        slack = int(given.pop("slack.ms")) if "slack.ms" in given else None
        speed = float(given.pop("speed")) if "speed" in given else None
    except ValueError:
        slack = speed = None
    good = not given and session and (slack is not None or speed is not None)
    if slack is not None and not 0 <= slack <= SLACK_MS_MAX:
        good = False
    if speed is not None and not 0 < speed < float("inf"):
        good = False
    if not good:
        raise ClientFault(
            ErrorCode.INVALID_CONFIG,
            f"“{text}” is not SESSION [slack.ms=MILLISECONDS] [speed=FACTOR] with one of the two",
        )
    return EventOrder(session, slack, speed)


class _Standing(Struct):
    """Where one partition stands."""

    asked_s: float
    offset: int = -1  # that was asked for last
    seen: bool = False  # whether what comes next was ever looked at
    head_ms: int | None = None  # event time of what comes next; None: it has none
    held_ms: int | None = None  # latest event time of the batch that is held back there
    ended: bool = False


class EventGate:
    """One session's on one broker. Every call takes seconds of one monotonic clock."""

    def __init__(self, order: EventOrder, places: Iterable[Place], now_s: float) -> None:
        """``places`` are all that the session reads: nothing is served until each was asked for, or has been idle."""
        self.order = order
        self._at = {place: _Standing(now_s) for place in places}
        self._hindmost_ms: int | None = None
        self._found_s: float | None = None  # when the hindmost was found out; None: it has moved
        self._clock_ms: float | None = None  # event time now, with a speed
        self._ticked_s = now_s

    def tick(self, now_s: float, *, running: bool = True) -> None:
        """Somebody asks; event time passes, unless the session is paused."""
        passed_s = min(max(0.0, now_s - self._ticked_s), GAP_S)
        self._ticked_s = now_s
        if running and self._clock_ms is not None and self.order.speed is not None:
            self._clock_ms += passed_s * 1000 * self.order.speed

    def ended(self, place: Place, now_s: float) -> None:
        """There is nothing (more) of it to read."""
        one = self._at.get(place)
        if one is None or not one.ended:
            self._at[place] = _Standing(now_s, ended=True)
            self._found_s = None

    def shut(self, place: Place, offset: int, now_s: float) -> bool:
        """Whether what comes at ``offset`` is known to be held back, so that it need not be read."""
        one = self._at.get(place)
        if one is None or one.ended:
            one = self._at[place] = _Standing(now_s)
        one.asked_s = now_s
        if one.offset != offset:
            one.offset, one.held_ms = offset, None
        return one.held_ms is not None and not self._may(one, one.held_ms, now_s)

    def admit(
        self, place: Place, offset: int, buffers: Sequence[memoryview], now_s: float
    ) -> list[memoryview]:
        """Of whole batches at ``offset``, those that may be served now. Raises Corrupt."""
        one = self._at.get(place)
        if not buffers or one is None or one.offset != offset:
            return []  # somebody else asks as well: it is looked at again
        timed = [
            header
            for header in headers(buffers)
            if not header.is_control and header.max_timestamp != NO_TIMESTAMP
        ]
        self._stands(one, timed[0].base_timestamp if timed else one.head_ms)
        one.held_ms = None
        for number, header in enumerate(timed):
            if not self._may(one, header.max_timestamp, now_s, is_next=number == 0):
                if number == 0:
                    one.held_ms = header.max_timestamp
                return piece(buffers, 0, header.position)
        return list(buffers)

    def wait_s(self, place: Place) -> float:
        """Seconds after which what is held back of ``place`` is to be looked at again; 0 if nothing is."""
        one = self._at.get(place)
        if one is None or one.held_ms is None:
            return 0.0
        wait_s = LOOK_S
        if self._clock_ms is not None and self.order.speed is not None:
            wait_s = max(wait_s, (one.held_ms - self._clock_ms) / 1000 / self.order.speed)
        return min(wait_s, LOOK_S_MAX)

    def _stands(self, one: _Standing, head_ms: int | None) -> None:
        if one.seen and head_ms == one.head_ms:
            return
        if not one.seen or one.head_ms == self._hindmost_ms:
            self._found_s = None
        elif head_ms is not None and self._hindmost_ms is not None:
            self._hindmost_ms = min(self._hindmost_ms, head_ms)
        one.seen, one.head_ms = True, head_ms

    def _may(self, one: _Standing, latest_ms: int, now_s: float, *, is_next: bool = True) -> bool:
        """Whether a batch of which the latest record is of ``latest_ms`` may be served."""
        hindmost_ms = self._hindmost(now_s)
        if hindmost_ms is None:
            return False
        if self.order.speed is not None:
            if self._clock_ms is None:
                self._clock_ms = hindmost_ms
            if latest_ms > self._clock_ms:
                return False
        slack_ms = self.order.slack_ms
        if slack_ms is None or latest_ms <= hindmost_ms + slack_ms:
            return True
        return is_next and one.head_ms is not None and one.head_ms <= hindmost_ms

    def _hindmost(self, now_s: float) -> int | None:
        """The least event time at which a partition stands that is being read; None if that is not known yet."""
        if self._found_s is None or now_s - self._found_s >= FRESH_S:
            self._found_s = now_s
            reading = [
                one for one in self._at.values() if not one.ended and now_s - one.asked_s < IDLE_S
            ]
            known = all(one.seen for one in reading)
            heads = [one.head_ms for one in reading if one.head_ms is not None]
            self._hindmost_ms = min(heads, default=None) if known else None
        return self._hindmost_ms
