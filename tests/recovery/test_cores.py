"""Processors that a session leaves to live brokers of its machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Collection
from typing import Any

import pytest

from anabranch import scheduling
from anabranch.recovery.replays import cores, signals
from anabranch.recovery.replays.cores import QUIET_LOOKS, Cores
from anabranch.recovery.replays.guards import Guards

from .scene import Scene


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, set[int]]]:
    found: list[tuple[int, set[int]]] = []

    def keep_to(processors: Collection[int], session: int) -> None:
        found.append((session, set(processors)))

    monkeypatch.setattr(cores, "keep_to", keep_to)
    return found


@pytest.mark.parametrize(
    ("count", "left", "rest"),
    [
        (2, None, {1}),
        (4, None, {1, 2, 3}),
        (8, None, {2, 3, 4, 5, 6, 7}),
        (4, 2, {2, 3}),
        (4, 9, {3}),
        (2, 1, {1}),
    ],
)
def test_live_appends_are_left_some_processors_and_the_session_one_at_least(
    told: list[Any], count: int, left: int | None, rest: set[int]
) -> None:
    Cores(range(count), left).look(True, [7])
    assert told == [(7, rest)]


def test_nothing_is_left_where_nobody_appends_or_nothing_can_be(told: list[Any]) -> None:
    Cores(range(4), None).look(False, [7])
    Cores(range(4), 0).look(True, [7])
    Cores({5}, None).look(True, [7])
    Cores((), None).look(True, [7])
    assert told == []


def test_processes_that_come_later_are_told_and_all_are_let_go_when_appends_end(
    told: list[Any],
) -> None:
    kept = Cores(range(2), None)
    kept.look(True, [7])
    kept.look(True, [7])
    assert told == [(7, {1})]
    kept.look(True, [7, 8])
    assert told[1:] == [(8, {1})]
    for _ in range(QUIET_LOOKS - 1):
        kept.look(False, [7, 8])
    assert len(told) == 2, "a pause of a producer is no end"
    kept.look(False, [8, 9])
    assert told[2:] == [(8, {0, 1})], "a process that is gone or new was never kept"
    kept.look(True, [8, 9])
    assert told[3:] == [(8, {1}), (9, {1})]


def test_a_session_of_the_operating_system_is_kept_to_processors_as_a_whole() -> None:
    allowed = scheduling.cores()
    if not allowed:
        pytest.skip("this system does not say which processors a process may use")
    script = (
        "import os, subprocess, sys, threading\n"
        "done = threading.Event(); threading.Thread(target=done.wait).start()\n"
        "child = subprocess.Popen(['sleep', '100'])\n"
        "print(child.pid, *(os.listdir('/proc/self/task')), flush=True)\n"
        "sys.stdin.read(); child.kill(); done.set()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    threads = [int(word) for word in process.stdout.readline().split()]
    one = {max(allowed)}
    scheduling.keep_to(one, process.pid)
    assert len(threads) == 3
    assert [os.sched_getaffinity(thread) for thread in threads] == [one] * 3
    scheduling.keep_to(allowed, process.pid)
    assert [os.sched_getaffinity(thread) for thread in threads] == [set(allowed)] * 3
    assert scheduling.cores() == allowed, "others are left alone"
    process.communicate()
    scheduling.keep_to(one, process.pid)  # it is gone: nothing happens


def test_appends_of_other_machines_are_no_reason(play: Any) -> None:
    async def story(stage: Scene) -> None:
        now_ms = await stage.metastore.now_ms()

        async def beats(number: int, host: str, late_percent: int, lane: str = "live") -> None:
            row = await stage.metastore.register_broker(number, host, 9092, now_ms, lane=lane)
            await stage.metastore.beat_broker(
                row.broker_id, row.epoch, now_ms, late_percent=late_percent, cold_bytes_per_second=0
            )

        probe = signals.LiveAppends(stage.metastore, 1.2)
        await beats(31, "192.0.2.1", 100)
        await beats(32, "127.0.0.1", 0)
        await beats(33, "127.0.0.1", 100, "recovery")
        await probe.read()
        assert not probe.here
        await beats(32, "127.0.0.1", 100)
        await probe.read()
        assert probe.here

    play(story)


def test_who_does_not_make_room_leaves_nothing() -> None:
    assert Guards(enabled=True).cores_left is None
    assert Guards(enabled=True, leave_cores=3).cores_left == 3
    assert Guards(leave_cores=3).cores_left == 0
    assert Guards(enabled=True, late_ratio=None).cores_left == 0
