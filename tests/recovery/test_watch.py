"""Margins, runways and lag from within a broker, in bounded passes; new topics that join their class."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from anabranch.broker.config import MetricsSettings
from anabranch.broker.server import Broker
from anabranch.cli._worker import watch as beside
from anabranch.log.config import effective
from anabranch.log.opening import wall_clock_ms
from anabranch.metastore.api import GapCause, Topic
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.promises import classes, horizon, watch
from anabranch.recovery.promises.classes import RetentionChange
from anabranch.recovery.promises.joining import change_for
from anabranch.recovery.promises.watch import Host, Watch, margin
from anabranch.recovery.promises.watch_metrics import NO_END, collect
from tests.support.broker import broker_settings

from .scene import ADMIN, T0, Scene

HOUR = 3_600_000
DAY = 24 * HOUR


def _class(**more: Any) -> classes.TopicClass:
    times = dict.fromkeys(classes.OBJECTIVES, "6h")
    return classes.parse_class("view", {**times, "topics": ["fl*"], **more}, "x")


async def _apply(metastore: Any, one: classes.TopicClass, now_ms: int) -> None:
    shown = await classes.preview(metastore, [one], now_ms=now_ms, replace=False)
    await classes.apply(metastore, shown, now_ms=now_ms, who="ana", reason="")


class Stand:
    """A watch on a scene, its clock in the test's hand."""

    def __init__(self, stage: Scene, *, figures: bool = True) -> None:
        self.now_ms = wall_clock_ms()
        self.told: list[RetentionChange] = []
        self.mine = lambda topic: True
        self.stage = stage

        async def tell(change: RetentionChange) -> None:
            self.told.append(change)

        self.watch = Watch(
            Host(
                metastore=stage.metastore,
                extents=stage.log.extents,
                topics=stage.log.catalogue.topics,
                now_ms=lambda: self.now_ms,
                looks_after=lambda topic: self.mine(topic),
                owns_group=lambda group, lane: lane == "live" and not group.startswith("other"),
                set_configs=stage.log.set_configs,
                tell=tell,
                who=lambda: "broker 7",
                figures=figures,
            )
        )


def test_the_margin_is_of_what_was_removed_or_will_be() -> None:
    one = _class()  # needs a day
    keep_all = effective({"retention.ms": "-1"})
    two_days = effective({"retention.ms": str(2 * DAY)})

    def of(config: Any, log_start: int, kept_ms: int, size: int = 0) -> int | None:
        return margin(config, one, log_start=log_start, kept_ms=kept_ms, size=size)

    assert of(keep_all, 0, HOUR) is None
    assert of(two_days, 0, HOUR) == DAY
    assert of(two_days, 5, HOUR) == HOUR - DAY, "what is gone is gone"
    assert of(two_days, 5, 0) == -DAY
    by_size = effective({"retention.ms": "-1", "retention.bytes": "1000"})
    assert of(by_size, 0, HOUR, size=100) == 10 * HOUR - DAY
    compacted = effective({"cleanup.policy": "compact"})
    assert of(compacted, 0, HOUR) is None


def test_a_pass_tells_margins_runways_and_lag(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights")
        stand = Stand(stage)
        now = stand.now_ms
        await _apply(stage.metastore, _class(), now)
        await stage.log.catalogue.reload()
        await stage.commit("view", flights, {0: 10, 1: 100}, now)
        await stage.commit("other", flights, {0: 10}, now)
        await stage.log.delete_records(flights, 0, 5)
        stand.now_ms = now + HOUR
        await stand.watch.look()
        assert stand.watch.topics["flights"].margin_ms is not None
        assert stand.watch.topics["flights"].margin_ms < -22 * HOUR
        (standing,) = stand.watch.groups.values()
        assert (standing.group, standing.topic, standing.lag) == ("view", "flights", 90)
        assert standing.lag_ms >= HOUR
        assert standing.runway_ms is not None and abs(standing.runway_ms - 23 * HOUR) < 60_000
        # It reads on, so much faster than it ages that retention never catches it.
        await stage.commit("view", flights, {0: 60}, stand.now_ms)
        stand.now_ms += 60_000
        await stand.watch.look()
        (standing,) = stand.watch.groups.values()
        assert standing.lag == 40 and standing.runway_ms is None
        await stage.log.delete_records(flights, 0, 70)
        await stand.watch.look()
        (standing,) = stand.watch.groups.values()
        assert standing.runway_ms == 0
        await stage.metastore.delete_group("view", ADMIN, stand.now_ms)
        stand.now_ms += 3 * HOUR
        await stand.watch.look()
        assert stand.watch.groups == {}
        stand.mine = lambda topic: False
        await stand.watch.look()
        assert stand.watch.topics == {}

    play(story)


def test_sparse_records_and_retention_that_does_its_work_are_no_alarm(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights", partitions=1)
        stand = Stand(stage)
        await _apply(stage.metastore, _class(), stand.now_ms)
        await stage.log.catalogue.reload()

        async def margins() -> tuple[int | None, int | None]:
            await stand.watch.look()
            (row,) = (
                await horizon.horizons(stage.metastore, now_ms=stand.now_ms, topics=["flights"])
            ).partitions
            return stand.watch.topics["flights"].margin_ms, row.margin_ms

        # Retention removes what is older than a day; the next record came much later.
        stand.now_ms += HOUR
        await stage.metastore.advance_log_start(
            flights.no, 0, 50, GapCause.RETENTION_TIME, f"retention.ms={DAY}", stand.now_ms
        )
        # The scene's records say that they are years old: then their timestamps prove nothing.
        old, told = await margins()
        assert old is not None and told is not None and old < -22 * HOUR > told
        batch = build_batch([Record(0, wall_clock_ms(), b"k", b"v", ())])
        await stage.log.append(flights, 0, memoryview(bytearray(batch)))
        assert await margins() == (0, 0)
        stand.now_ms += HOUR
        assert await margins() == (HOUR, HOUR), "until retention removes more"
        await stage.log.delete_records(flights, 0, 60)
        gone, told = await margins()
        assert gone is not None and told is not None and gone < -20 * HOUR > told

    play(story)


def test_costs_and_the_day_on_which_a_margin_ends_are_figures(play: Any) -> None:
    async def story(stage: Scene) -> None:
        flights = await stage.topic("flights", partitions=2)
        stand = Stand(stage)
        await _apply(stage.metastore, _class(price_gb_month=0.02), stand.now_ms)
        await stage.log.catalogue.reload()
        await stand.watch.look()
        one = stand.watch.topics["flights"]
        assert one.bytes > 0 and one.per_month == pytest.approx(one.bytes * 0.02e-9)
        assert one.negative_ms is None and one.foretold_ms == stand.now_ms
        await stage.log.delete_records(flights, 1, 50)
        stand.now_ms += watch.FORETELL_MS - 1
        await stand.watch.look()
        assert stand.watch.topics["flights"].negative_ms is None, "forecasts are made hourly"
        stand.now_ms += 1
        await stand.watch.look()
        one = stand.watch.topics["flights"]
        assert one.negative_ms == one.foretold_ms == stand.now_ms, "it is too short already"
        shown = {
            sample.name: sample.value
            for family in collect(stand.watch)
            for sample in family.samples
            if sample.labels.get("topic") == "flights"
        }
        assert shown["anabranch_topic_margin_negative_timestamp_seconds"] == stand.now_ms / 1000
        assert shown["anabranch_topic_retained_bytes"] == one.bytes
        assert shown["anabranch_topic_cost_per_month"] == one.per_month

    play(story)


def test_I10_forecasts_of_a_pass_are_bounded(play: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "FORETOLD_MAX", 2)

    async def story(stage: Scene) -> None:
        for n in range(5):
            await stage.topic(f"fl{n}", partitions=1, records=10)
        stand = Stand(stage)
        await _apply(stage.metastore, _class(), stand.now_ms)
        await stage.log.catalogue.reload()
        made = []
        for _ in range(3):
            await stand.watch.look()
            made.append(sum(bool(one.foretold_ms) for one in stand.watch.topics.values()))
        assert made == [2, 4, 5]

    play(story)


def test_I10_a_pass_is_bounded_and_the_next_goes_on(
    play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "TOPICS_MAX", 2)
    monkeypatch.setattr(watch, "GROUPS_MAX", 2)
    monkeypatch.setattr(watch, "SERIES_MAX", 4)

    async def story(stage: Scene) -> None:
        topics = [await stage.topic(f"fl{n}", partitions=1, records=10) for n in range(5)]
        stand = Stand(stage)
        await _apply(stage.metastore, _class(), stand.now_ms)
        for n in range(5):
            await stage.commit(f"g{n}", topics[0], {0: 5}, stand.now_ms)
        sizes = []
        for _ in range(4):
            await stand.watch.look()
            sizes.append((len(stand.watch.topics), len(stand.watch.groups)))
        assert sizes[:2] == [(2, 2), (4, 4)] and sizes[3] == (4, 4), "the bound of figures holds"
        assert stand.watch.left_out > 0
        monkeypatch.setattr(watch, "PARTITIONS_MAX", 1)
        before = stand.watch.topics
        await stand.watch.look()
        assert sum(before[name] is not one for name, one in stand.watch.topics.items()) <= 1

    play(story)


def test_a_new_topic_joins_its_class_once_and_never_loses_by_it(play: Any) -> None:
    one = _class()

    def made(**configs: str) -> RetentionChange | None:
        topic = Topic(1, b"x" * 16, "flights", 1, configs, 5)
        return change_for(topic, one)

    change = made()
    assert change is not None and (change.old_ms, change.new_ms) == (7 * DAY, DAY)
    assert made(**{"retention.ms": "1000"}) is not None, "shorter than is needed"
    assert made(**{"retention.ms": str(9 * DAY)}) is None, "its creator asked for more"
    assert made(**{"retention.ms": "-1"}) is None and made(**{"retention.ms": str(DAY)}) is None

    async def story(stage: Scene) -> None:
        stand = Stand(stage, figures=False)
        log, meta = stage.log, stage.metastore

        async def retention(name: str) -> str | None:
            (found,) = [topic for topic in await meta.topics() if topic.name == name]
            return found.configs.get("retention.ms")

        before = await log.create_topic("fl-old", 1, {})
        await _apply(meta, one, max(wall_clock_ms(), before.created_ms))
        await log.set_configs(before, {})  # somebody takes the class's retention off again
        await asyncio.sleep(0.005)
        await log.create_topic("fl-new", 1, {})
        await log.create_topic("fl-short", 1, {"retention.ms": "1000", "segment.ms": "60000"})
        await log.create_topic("fl-long", 1, {"retention.ms": "-1"})
        await log.create_topic("else", 1, {})
        await stand.watch.look()
        assert [await retention(f"fl-{name}") for name in ("old", "new", "short", "long")] == [
            None, str(DAY), str(DAY), "-1",
        ]  # fmt: skip
        assert await retention("else") is None and stand.watch.topics == {}
        (short,) = [topic for topic in await meta.topics() if topic.name == "fl-short"]
        assert short.configs["segment.ms"] == "60000"
        assert sorted(change.topic for change in stand.told) == ["fl-new", "fl-short"]
        newest = [each for each in await classes.history(meta) if each.joined]
        assert {each.who for each in newest} == {"broker 7"} and len(newest) == 2
        # What is set afterwards stays, also for a broker that has just started.
        (new,) = [topic for topic in await meta.topics() if topic.name == "fl-new"]
        await log.set_configs(new, {"retention.ms": "5000"})
        for each in (stand, Stand(stage)):
            await each.watch.look()
        assert await retention("fl-new") == "5000" and len(stand.told) == 2

    play(story)


def test_a_broker_shows_margins_and_lets_topics_join(tmp_path: Path) -> None:
    async def scenario() -> None:
        settings = broker_settings(tmp_path, metrics=MetricsSettings("127.0.0.1", 0))
        watches: list[Any] = []

        def companions(broker: Broker) -> Any:
            watches.extend(beside(broker))
            return watches

        broker = Broker(settings, companions=companions)
        await broker.start()
        try:
            await _apply(broker.log.metastore, _class(), T0)
            topic = await broker.log.create_topic("flights", 1, {})
            await watches[0].look()
            found = broker.log.catalogue.topic("flights")
            assert found is not None and found.configs["retention.ms"] == str(DAY)
            assert topic.configs == {}
            url = f"http://127.0.0.1:{broker.metrics_port}/metrics"
            text = await asyncio.to_thread(lambda: urlopen(url).read().decode())
            samples = {
                sample.name: sample
                for family in text_string_to_metric_families(text)
                for sample in family.samples
            }
            margin_s = samples["anabranch_topic_margin_seconds"]
            assert margin_s.labels == {"topic": "flights", "class": "view"} and margin_s.value == 0
            assert samples["anabranch_watch_passes_total"].value == 1
            assert samples["anabranch_topic_retained_bytes"].value == 0
            assert samples["anabranch_topic_margin_negative_timestamp_seconds"].value == NO_END
            assert "anabranch_topic_cost_per_month" not in samples, "the class has no price"
        finally:
            await broker.stop()

    asyncio.run(scenario())
