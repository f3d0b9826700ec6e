"""Classes, horizons and runways: needed, configured, kept, and when it will no longer do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.log.config import effective
from anabranch.metastore.api import GapCause
from anabranch.recovery.promises import classes, horizon, runway
from anabranch.recovery.promises.classes import TopicClass, class_of
from anabranch.recovery.promises.horizon import DAY_MS, HazardKind, negative_from
from anabranch.recovery.times import parse_duration

from .scene import T0, Scene

HOUR_MS = 3_600_000


def a_class(name: str, *topics: str, days: int = 4) -> TopicClass:
    return TopicClass(
        name=name,
        detect_ms=DAY_MS * days // 4,
        diagnose_ms=DAY_MS * days // 4,
        fix_ms=DAY_MS * days // 4,
        replay_ms=DAY_MS * days // 4,
        topics=topics,
        price_gb_month=0.02,
    )


# -- classes -------------------------------------------------------------------------------------------
def test_durations() -> None:
    assert parse_duration("90s") == 90_000
    assert parse_duration("1d 12h") == 36 * HOUR_MS
    assert parse_duration("1.5h30m") == 2 * HOUR_MS
    assert parse_duration("P1DT12H") == 36 * HOUR_MS and parse_duration("PT0H10M1.5S") == 601_500
    for wrong in ("P", "PT", "P1Y", "P1H", "", "soon", "5", "5 parsecs", "1d and 2h", "-3h"):
        with pytest.raises(UserFault, match="is not a duration"):
            parse_duration(wrong)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[class.a]\ndetect='1h'", "lacks diagnose, fix, replay"),
        ("[class.a]\ndetect='1h'\ndiagnose='1h'\nfix='1h'\nreplay='x'", "class.a.replay: “x” is not"),
        ("[class.a]\ndetect='1h'\ndiagnose='1h'\nfix='1h'\nreplay='1h'\ntopic='t'", "topic is not known"),
        ("[class.a]\ndetect='1h'\ndiagnose='1h'\nfix='1h'\nreplay='1h'\ntopics='t'", "has to be a list"),
        ("[class.a]\ndetect='1h'\ndiagnose='1h'\nfix='1h'\nreplay='1h'\nprice_gb_month='x'", "number"),
        ("[class.'a b']\ndetect='1h'\ndiagnose='1h'\nfix='1h'\nreplay='1h'", "is not a name"),
        ("[klass.a]", "only .class.NAME. sections"),
        ("[class", "is not TOML"),
    ],
)  # fmt: skip
def test_files_that_are_wrong_say_where(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "classes.toml"
    file.write_text(text)
    with pytest.raises(UserFault, match=says):
        classes.read_file(file)


def test_the_template_is_a_file_that_is_right(tmp_path: Path) -> None:
    from anabranch.cli.classes import TEMPLATE

    file = tmp_path / "classes.toml"
    file.write_text(TEMPLATE)
    found = {one.name: one for one in classes.read_file(file)}
    assert found["view-source"].horizon_ms == parse_duration("2d 6h")
    assert found["telemetry"].topics == ("metrics.*",)


def test_a_name_beats_a_pattern_and_a_longer_pattern_a_shorter() -> None:
    found = [a_class("wide", "a*"), a_class("narrow", "a.b*"), a_class("named", "a.bc")]
    names = {topic: class_of(found, topic) for topic in ("a", "a.b", "a.bc", "z")}
    assert {t: c and c.name for t, c in names.items()} == {
        "a": "wide", "a.b": "narrow", "a.bc": "named", "z": None,
    }  # fmt: skip
    with pytest.raises(UserFault, match="one and two"):
        class_of([a_class("one", "t"), a_class("two", "t")], "t")


def test_retention_follows_the_class_and_every_change_is_shown_and_kept(play: Any) -> None:
    async def story(stage: Scene) -> None:
        await stage.topic("orders", records=40)
        await stage.topic("other")
        now_ms = stage.log.now_ms() + 10 * DAY_MS
        shown = await classes.preview(
            stage.metastore, [a_class("views", "orders")], now_ms=now_ms, replace=True
        )
        (change,) = shown.retention
        assert (change.topic, change.old_ms, change.new_ms) == ("orders", -1, 4 * DAY_MS)
        assert change.lost.records == 80  # of both partitions: all are ten days old by then
        assert await classes.load(stage.metastore) == []  # only shown
        await classes.apply(stage.metastore, shown, now_ms=now_ms, who="ana", reason="drill")
        (topic,) = [t for t in await stage.metastore.topics() if t.name == "orders"]
        assert effective(topic.configs).retention_ms == 4 * DAY_MS
        again = await classes.preview(
            stage.metastore, [a_class("views", "orders")], now_ms=now_ms, replace=True
        )
        assert again.is_nothing
        grown = await classes.preview(
            stage.metastore, [a_class("views", "orders", days=8)], now_ms=now_ms, replace=False
        )
        assert (grown.changed, grown.retention[0].lost.records) == (("views",), 0)
        gone = await classes.preview(stage.metastore, [], now_ms=now_ms, replace=True)
        assert (gone.removed, gone.retention) == (("views",), ())
        (line,) = await classes.history(stage.metastore)
        assert (line.who, line.reason, line.retention) == ("ana", "drill", shown.retention)

    play(story)


# -- horizons ------------------------------------------------------------------------------------------
def test_margins_of_what_is_complete_trimmed_and_without_a_class(play: Any) -> None:
    async def story(stage: Scene) -> None:
        trimmed, _, _ = [
            await stage.topic(name, partitions=1) for name in ("trimmed", "whole", "free")
        ]
        now_ms = stage.log.now_ms()
        await stage.metastore.put_document(
            classes.KIND, "c", _json(a_class("c", "trimmed", "whole")), now_ms
        )
        await stage.metastore.advance_log_start(
            trimmed.no, 0, 50, GapCause.RETENTION_TIME, "", now_ms
        )
        later = now_ms + DAY_MS
        found = await horizon.horizons(stage.metastore, now_ms=later)
        rows = {one.topic: one for one in found.partitions}
        assert found.partitions[0].topic == "trimmed"
        assert rows["trimmed"].is_short and not found.holds_everywhere
        assert abs(rows["trimmed"].margin_ms + 3 * DAY_MS) < HOUR_MS  # type: ignore[operator]
        assert rows["trimmed"].negative_ms == later
        assert rows["whole"].complete and not rows["whole"].is_short
        assert rows["free"].needed_ms is None
        assert [hazard.kind for hazard in rows["free"].hazards] == [HazardKind.NO_CLASS]
        (cost,) = found.classes
        size = rows["trimmed"].bytes + rows["whole"].bytes
        assert (cost.topics, cost.bytes) == (2, size)
        assert cost.per_month == pytest.approx(size / 1e9 * 0.02)
        # Four days on, the oldest record that was kept is as old as is needed.
        found = await horizon.horizons(stage.metastore, now_ms=now_ms + 5 * DAY_MS)
        assert found.holds_everywhere
        with pytest.raises(UserFault, match="there is no topic"):
            await horizon.horizons(stage.metastore, now_ms=later, topics=["nope"])

    play(story)


def test_hazards_are_named(play: Any) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("t", partitions=1)  # its records' timestamps are of years ago
        now_ms = stage.log.now_ms()
        await stage.metastore.put_document(classes.KIND, "c", _json(a_class("c", "t")), now_ms)
        configs = {
            "retention.ms": str(DAY_MS),
            "retention.bytes": "100",
            "cleanup.policy": "compact,delete",
        }
        await stage.metastore.set_topic_configs(topic.no, configs, now_ms)
        found = await horizon.horizons(stage.metastore, now_ms=now_ms + HOUR_MS)
        kinds = [hazard.kind for hazard in found.partitions[0].hazards]
        assert kinds == [
            HazardKind.RETENTION_TIME,
            HazardKind.RETENTION_BYTES,
            HazardKind.COMPACTION,
            HazardKind.OLD_TIMESTAMPS,
        ]
        assert found.partitions[0].negative_ms == now_ms + HOUR_MS  # 100 bytes are full already

    play(story)


def forecast(**more: Any) -> int | None:
    values: dict[str, Any] = {
        "needed_ms": 4 * DAY_MS,
        "oldest_ms": T0 - 10 * DAY_MS,
        "complete": True,
        "size": 0,
        "bytes_per_day": 100.0,
        "growth_per_day": 0.0,
        "now_ms": T0,
    }
    configs = more.pop("configs")
    return negative_from(effective(configs), **(values | more))


def test_the_day_on_which_the_margin_becomes_negative() -> None:
    for_ever = {"retention.ms": "-1"}
    assert forecast(configs=for_ever) is None
    assert forecast(configs=for_ever, complete=False, oldest_ms=T0 - DAY_MS) == T0
    assert forecast(configs={"retention.ms": str(5 * DAY_MS)}) is None
    short = {"retention.ms": str(3 * DAY_MS)}
    assert forecast(configs=short, oldest_ms=T0 - DAY_MS) == T0 + 2 * DAY_MS
    assert forecast(configs=short) == T0
    # 500 bytes last five days at 100 a day, and never become too little at that rate.
    by_size = for_ever | {"retention.bytes": "500"}
    assert forecast(configs=by_size) is None
    # At 10 % more each day the last four days have 500 bytes after four and a quarter, when they are full, too.
    for size in (0, 500):
        soon = forecast(configs=by_size, growth_per_day=0.1, size=size)
        assert soon is not None and abs((soon - T0) / DAY_MS - 4.28) < 0.01
    # It shrinks, and never gets full; it grows, but what it holds lasts for long.
    assert forecast(configs=by_size, growth_per_day=-0.5) is None
    assert forecast(configs=by_size, growth_per_day=0.001, bytes_per_day=0.1) is None
    assert forecast(configs=for_ever | {"retention.bytes": "0"}, growth_per_day=0.1) == T0
    assert forecast(configs=by_size, bytes_per_day=200.0, size=400) == T0 + DAY_MS // 2


# -- runway --------------------------------------------------------------------------------------------
def test_runway_by_time_and_by_size() -> None:
    hour = HOUR_MS
    assert runway.by_time(-1, hour, 10, 0.0) is None
    assert runway.by_time(4 * hour, hour, 3600, 0.0) == 3 * hour  # it stands still
    assert runway.by_time(4 * hour, hour, 3600, 0.5) == 6 * hour  # it is half as quick as time
    assert runway.by_time(4 * hour, hour, 3600, 1.0) is None  # it keeps pace
    assert runway.by_time(4 * hour, 4 * hour, 3600, 9.0) == 0
    assert runway.by_time(4 * hour, hour, 0, 9.0) == 3 * hour  # there are only markers to read
    assert runway.by_bytes(-1, 1000, 0.0, 50.0) is None
    assert runway.by_bytes(2000, 1000, 0.0, 10.0) == 100_000
    assert runway.by_bytes(2000, 1000, 10.0, 10.0) is None
    assert runway.by_bytes(1000, 1000, 90.0, 10.0) == 0


def test_runways_of_groups(play: Any) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("t", partitions=3)
        now_ms = stage.log.now_ms()
        await stage.metastore.set_topic_configs(
            topic.no, {"retention.ms": str(4 * HOUR_MS)}, now_ms
        )
        await stage.metastore.advance_log_start(
            topic.no, 2, 50, GapCause.RETENTION_TIME, "", now_ms
        )
        await stage.commit("g", topic, {0: 0, 1: 100, 2: 10}, now_ms)
        await stage.commit("g", topic, {0: 36}, now_ms + 1000)
        found = await runway.runways(stage.metastore, now_ms=now_ms + HOUR_MS, groups=["g"])
        by_partition = {one.partition: one for one in found}
        assert [one.partition for one in found] == [2, 0, 1]
        assert by_partition[2].runway_ms == 0  # records were lost already
        assert by_partition[1].runway_ms is None  # it has read everything
        slow = by_partition[0]
        assert slow.lag.records == 64 and slow.reads_per_s == pytest.approx(36 / 3600)
        assert 3 * HOUR_MS < slow.runway_ms < 10 * HOUR_MS  # type: ignore[operator]
        with pytest.raises(UserFault, match="there is no group"):
            await runway.runways(stage.metastore, now_ms=now_ms, groups=["nope"])

    play(story)


def _json(one: TopicClass) -> bytes:
    import msgspec

    return msgspec.json.encode(one)
