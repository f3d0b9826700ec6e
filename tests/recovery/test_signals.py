"""What is looked at while a replay runs, from real HTTP, commands and metastores."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from anabranch.errors import UserFault
from anabranch.recovery.replays import signals
from anabranch.recovery.replays.guards import Guards, Pressure

from .scene import Scene


@contextmanager
def serving(pages: dict[str, str]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = pages.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.end_headers()
            self.wfile.write((body or "").encode())

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def histogram(produce: dict[str, int]) -> str:
    lines = ["# TYPE anabranch_request_seconds histogram"]
    lines += [
        f'anabranch_request_seconds_bucket{{api="Produce",le="{bound}"}} {count}'
        for bound, count in produce.items()
    ]
    return "\n".join(lines) + "\n"


def test_p99_is_that_of_the_requests_between_two_looks() -> None:
    pages = {"/metrics": histogram({"0.005": 1000, "0.01": 1000, "0.05": 1000, "+Inf": 1000})}

    async def story(url: str) -> None:
        probe = signals.RequestTimes(f"{url}/metrics", {"Produce": 20.0})
        assert await probe.read() == []  # what was before says nothing about now
        pages["/metrics"] = histogram({"0.005": 1100, "0.01": 1100, "0.05": 1100, "+Inf": 1100})
        (calm,) = await probe.read()
        assert calm.value == pytest.approx(4.95) and calm.allowed == 20
        pages["/metrics"] = histogram({"0.005": 1105, "0.01": 1105, "0.05": 1110, "+Inf": 1110})
        (few,) = await probe.read()
        assert few == calm  # ten requests make no percentile
        pages["/metrics"] = histogram({"0.005": 1105, "0.01": 1105, "0.05": 1125, "+Inf": 1125})
        (late,) = await probe.read()
        assert late.value is not None and late.value > 40 and (late.ratio or 0) > 2
        (silent,) = await probe.read()
        assert silent.value == 0.0  # nobody produces: nobody waits
        pages["/metrics"] = "up 1\n"
        ((kind, unread),) = await signals.read_all([probe])
        assert kind == "broker" and unread.value is None and "no broker's metrics" in unread.error

    with serving(pages) as url:
        asyncio.run(story(url))


def test_pressure_of_a_sink_from_an_url_a_metric_a_command_and_a_function() -> None:
    pages = {
        "/depth": "17.5\n",
        "/metrics": '# TYPE q gauge\nq{db="a"} 3\nq{db="b"} 4\n',
        "/word": "many\n",
    }

    async def story(url: str) -> None:
        async def read(source: str) -> Any:
            ((kind, reading),) = await signals.read_all(
                [signals.SinkPressure(Pressure(source, 10.0))]
            )
            assert kind == "sink"
            return reading

        assert (await read(f"{url}/depth")).value == 17.5
        assert (await read(f"{url}/metrics#q")).value == 7
        assert (await read(url + '/metrics#q{db="b"}')).value == 4
        assert (await read("cmd:echo begun; echo 5")).ratio == 0.5
        for source, sentence in (
            (f"{url}/word", "“many” is no number"),
            (f"{url}/none", "404"),
            (f"{url}/metrics#other", "no other in these metrics"),
            ("cmd:exit 3", "status 3"),
            ("cmd:true", "“” is no number"),
            ("cmd:echo nan", "is no pressure"),
        ):
            assert sentence in (await read(source)).error
        ((_, told),) = await signals.read_all([signals.SinkCallback(lambda: 1.5)])
        assert told.ratio == 1.5

    with serving(pages) as url:
        asyncio.run(story(url))


def test_I10_a_probe_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "PROBE_S_MAX", 0.1)
    probe = signals.SinkPressure(Pressure("cmd:sleep 60", 1.0))
    ((_, reading),) = asyncio.run(signals.read_all([probe]))
    assert reading.value is None and "no answer within 0.1 s" in reading.error


def test_lag_of_groups_is_seconds_and_beside_what_it_was(play: Any) -> None:
    async def story(stage: Scene) -> None:
        topic = await stage.topic("flights")
        await stage.commit("view", topic, {0: 100, 1: 100}, 1)
        await stage.commit("old", topic, {0: 10}, 1)
        real_now = await stage.metastore.now_ms()
        away = 0

        async def now_ms() -> int:
            return real_now + away

        stage.metastore.now_ms = now_ms  # type: ignore[method-assign]
        named = signals.GroupLag(stage.metastore, [topic], ["view"], 30.0)
        (reading,) = await named.read()
        assert (reading.name, reading.value) == ("lag of view", 0.0)
        await stage.produce(topic, 0, 10)
        away = 90_000
        (reading,) = await named.read()
        assert reading.value == pytest.approx(90, abs=5) and (reading.ratio or 0) > 2
        both = signals.GroupLag(stage.metastore, [topic], ["view", "old"], 30.0)
        (reading,) = await both.read()
        assert (reading.ratio or 0) <= 1  # it lagged so much before: a fifth more is allowed
        empty = signals.GroupLag(stage.metastore, [topic], [], 30.0)
        assert await empty.read() == []  # nobody of the groups has members

    play(story)


def test_heartbeats_of_live_brokers_count_and_no_others(play: Any) -> None:
    async def story(stage: Scene) -> None:
        metastore = stage.metastore
        now_ms = await metastore.now_ms()
        probe = signals.LiveAppends(metastore, 1.2)
        live = await metastore.register_broker(11, "a", 1, now_ms, lane="live")
        apart = await metastore.register_broker(12, "b", 2, now_ms, lane="recovery")
        for row, late in ((live, 150), (apart, 500)):
            await metastore.beat_broker(
                row.broker_id, row.epoch, now_ms, late_percent=late, cold_bytes_per_second=0
            )
        (reading,) = await probe.read()
        assert (reading.value, reading.allowed) == (pytest.approx(1.5), 1.2)
        await metastore.beat_broker(
            live.broker_id, live.epoch, now_ms - 60_000, late_percent=150, cold_bytes_per_second=0
        )
        assert await probe.read() == []  # nobody lives there

    play(story)


def test_what_live_appends_take_now_and_then_counts_little(play: Any) -> None:
    async def story(stage: Scene) -> None:
        metastore = stage.metastore
        now_ms = await metastore.now_ms()
        probe = signals.LiveAppends(metastore, 1.2)
        live = await metastore.register_broker(11, "a", 1, now_ms, lane="live")

        async def look(late_percent: int) -> float:
            await metastore.beat_broker(
                11, live.epoch, now_ms, late_percent=late_percent, cold_bytes_per_second=0
            )
            (reading,) = await probe.read()
            assert reading.ratio is not None
            return reading.ratio

        for _ in range(signals.LOOKS):
            await look(100)
        assert await look(500) < 1  # one stall
        assert await look(70) < 1
        for _ in range(signals.LOOKS_SEVERE):
            ratio = await look(350)
        assert ratio > 2  # three in a row: it is no accident
        for _ in range(signals.LOOKS - signals.LOOKS_SEVERE):
            ratio = await look(150)
        assert 1 < ratio < 2  # a little, and again and again
        assert await look(0) == 0  # nobody appends any more
        assert await look(100) < 1  # what was before does not count then

    play(story)


def test_a_broker_of_its_own_is_held_to_the_sessions_guards() -> None:
    assert Guards(enabled=True, late_ratio=1.2).late_percent_max == 120
    assert Guards(enabled=True, late_ratio=1.001).late_percent_max == 101
    assert Guards(enabled=True, late_ratio=None).late_percent_max == 0
    assert Guards(late_ratio=1.2).late_percent_max == 0  # --no-slow-down


def test_guards_that_make_no_sense_are_refused() -> None:
    for guards, sentence in (
        (Guards(late_ratio=1.0), "cannot be held to 1 times"),
        (Guards(metrics=("http://x",)), "say what the p99 may be"),
        (Guards(produce_p99_ms=5.0), "name them with --live-metrics"),
        (Guards(lag_s=-1.0), "must be more than 0"),
        (Guards(groups=("g",)), "--live-lag"),
    ):
        with pytest.raises(UserFault, match=sentence):
            guards.check()
    for text in ("http://x", "http://x=0", "http://x=nan", "ftp://x=1", "cmd:=3", "=1"):
        with pytest.raises(UserFault, match=r"SOURCE=ALLOWED|is read from"):
            Pressure.parse(text)
    assert Pressure.parse('http://x/m#q{a="b"}=5') == Pressure('http://x/m#q{a="b"}', 5.0)
