"""The day on which a margin becomes negative, as ``horizon`` foretells it, against a log that grows and is trimmed."""

from __future__ import annotations

import asyncio
from collections import deque
from math import exp, log, log1p
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from anabranch.log.config import effective
from anabranch.metastore.api import GapCause
from anabranch.recovery.observe import partition_views
from anabranch.recovery.promises import classes, horizon
from anabranch.recovery.promises.horizon import DAY_MS, negative_from
from tests.metastore.conftest import open_sqlite
from tests.metastore.support import a_topic, append, new

from .test_horizon import HOUR_MS, a_class

T0 = 1_700_000_000_000
HOURS = 24
FAR_DAYS = 200  # simulated; what is foretold for later is only held against its not having come


class Growing:
    """A log that gets ``bytes_per_day`` on day 0, and ``growth`` more each day, since ``age_days`` ago."""

    def __init__(
        self,
        *,
        bytes_per_day: float,
        growth: float,
        age_days: int,
        retention_bytes: float,
        retention_days: float,
    ) -> None:
        self.rate = bytes_per_day
        self.k = log1p(growth)
        self.retention_bytes = retention_bytes
        self.retention_days = retention_days
        self.hour = -age_days * HOURS
        self.chunks: deque[list[float]] = deque()  # begun at this hour, hours long, bytes
        self.size = 0.0
        self.complete = True

    def step(self) -> None:
        """An hour: what is appended in it, and what retention removes after it, to the part of a chunk."""
        begun, end = self.hour / HOURS, (self.hour + 1) / HOURS
        grown = (exp(self.k * end) - exp(self.k * begun)) / self.k if self.k else end - begun
        self.chunks.append([float(self.hour), 1.0, self.rate * grown])
        self.size += self.chunks[-1][2]
        self.hour += 1
        while self.chunks and self.chunks[0][0] + 1e-9 < self.hour - self.retention_days * HOURS:
            self._drop(min(self.hour - self.retention_days * HOURS - self.chunks[0][0], 1e9))
        while self.size > self.retention_bytes * (1 + 1e-12):
            _, hours, held = self.chunks[0]
            self._drop(hours * min(1.0, (self.size - self.retention_bytes) / held))

    def _drop(self, hours: float) -> None:
        first, long, held = self.chunks[0]
        self.complete = False
        if hours >= long - 1e-12:
            self.size -= held
            self.chunks.popleft()
            return
        gone = held * hours / long
        self.size -= gone
        self.chunks[0] = [first + hours, long - hours, held - gone]

    @property
    def kept_days(self) -> float:
        return (self.hour - self.chunks[0][0]) / HOURS if self.chunks else 0.0

    def is_short(self, needed_days: float) -> bool:
        return not self.complete and self.kept_days < needed_days - 1e-6


@settings(max_examples=120, deadline=None)
@given(
    needed=st.integers(1, 40),
    growth=st.sampled_from([0.0, -0.05, -0.01, 0.004, 0.02, 0.07]),
    age=st.integers(1, 60),
    lasts=st.floats(0.2, 6),
    retention=st.sampled_from([None, None, 0.4, 0.9, 1.5]),
)
def test_the_foretold_day_is_when_a_growing_log_becomes_short(
    needed: int, growth: float, age: int, lasts: float, retention: float | None
) -> None:
    assume(abs(lasts - 1) > 0.02)  # as long as is needed to the hour: either is right
    grows = Growing(
        bytes_per_day=1e9,
        growth=growth,
        age_days=age,
        retention_bytes=round(1e9 * needed * lasts),
        retention_days=1e6 if retention is None else needed * retention,
    )
    while grows.hour < 0:
        grows.step()
    configs = {
        "retention.bytes": str(round(grows.retention_bytes)),
        "retention.ms": "-1" if retention is None else str(round(grows.retention_days * DAY_MS)),
    }
    told = negative_from(
        effective(configs),
        needed_ms=needed * DAY_MS,
        oldest_ms=T0 - round(grows.kept_days * DAY_MS),
        complete=grows.complete,
        size=round(grows.size),
        bytes_per_day=grows.rate,
        growth_per_day=growth,
        now_ms=T0,
    )
    while not grows.is_short(needed) and grows.hour < FAR_DAYS * HOURS:
        grows.step()
    if not grows.is_short(needed):
        assert told is None or told > T0 + (FAR_DAYS - 1) * DAY_MS
        return
    assert told is not None, f"it was short on day {grows.hour / HOURS:.1f}"
    assert abs(told - (T0 + grows.hour * HOUR_MS)) <= 2 * HOUR_MS


@pytest.mark.parametrize("growth", [0.0, 0.03, 0.1])
def test_rate_and_growth_are_read_from_the_log(tmp_path: Path, growth: float) -> None:
    """What two weeks of the metastore's extents say is foretold as if the rates themselves had been given."""
    k, every, days = log1p(growth), 6, 21

    def appended(begun: float, end: float) -> int:
        return round(1e6 * ((exp(k * end) - exp(k * begun)) / k if k else end - begun))

    async def scenario() -> None:
        meta = open_sqlite(tmp_path)
        topic = await a_topic(meta, "t")
        one = a_class("c", "t", days=5)
        await meta.put_document(classes.KIND, "c", _json(one), T0)
        retained = round(1.5 * appended(-5, 0))
        configs = {"retention.ms": "-1", "retention.bytes": str(retained)}
        await meta.set_topic_configs(topic.no, configs, T0)
        held, position, offset, gone = [], 0, 0, 0
        starts = []
        for number in range(-days * HOURS // every, 0):
            at_ms = T0 + number * every * HOUR_MS
            length = appended(number * every / HOURS, (number + 1) * every / HOURS)
            last = offset + max(1, length // 1000) - 1  # records of 1 KB
            extent = new(offset, last, position=position, length=length, appended=at_ms)
            await append(meta, topic, extent, now_ms=at_ms)
            held.append(length)
            starts.append(offset)
            position, offset = position + length, last + 1
            while sum(held) - held[0] >= retained:
                gone += 1
                held.pop(0)
        if gone:
            await meta.advance_log_start(
                topic.no, 0, starts[gone], GapCause.RETENTION_BYTES, "", T0
            )
        (found,) = (await horizon.horizons(meta, now_ms=T0)).partitions
        assert found.growth_per_day == pytest.approx(growth, abs=0.006)
        (view,) = await partition_views(meta, [topic := (await meta.topics())[0]])
        near = await horizon.estimated(meta, topic, view, one, T0)
        assert near.growth_per_day == pytest.approx(found.growth_per_day, abs=0.001)
        assert near.bytes_per_day == pytest.approx(found.bytes_per_day, rel=0.02)
        assert (near.negative_ms is None) == (found.negative_ms is None)
        if near.negative_ms is not None and found.negative_ms is not None:
            assert abs(near.negative_ms - found.negative_ms) < DAY_MS / 4
        if not growth:
            assert found.negative_ms is None
            return
        expected = log(1.5) / k  # when the last five days have half as much more as these
        assert found.negative_ms is not None
        assert (found.negative_ms - T0) / DAY_MS == pytest.approx(expected, abs=0.5)

    asyncio.run(scenario())


def _json(one: classes.TopicClass) -> bytes:
    import msgspec

    return msgspec.json.encode(one)
