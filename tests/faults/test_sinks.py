"""Processors killed with -9 between effect and mark, again and again: no sink ever acts twice."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from anabranch.recovery.sinks.common import Fenced
from tests.recovery.crasher import WHERE as PLANTED
from tests.recovery.http_crasher import WHERE
from tests.recovery.kinds import KINDS, apply, at_rest, locate
from tests.recovery.receiver import Receiver
from tests.recovery.scene import Scene, scene
from tests.recovery.test_http_effects import check_effects, crash_and_go_on
from tests.recovery.test_replay_sinks import (
    test_staged_from_a_checkpoint_promoted_and_undone as staged,
)
from tests.support.s3 import free_port

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
RECORDS = 200  # after the last kill
NEVER = 10_000_000  # records: nobody comes so far in a quarter of a second
KILLS = 8


@pytest.mark.parametrize("mode", ["keys", "check", "neither"])
@pytest.mark.parametrize("where", WHERE)
def test_zero_extra_external_effects_wherever_it_dies(
    tmp_path: Path, mode: str, where: str
) -> None:
    with Receiver(dedupes=mode == "keys") as receiver:
        ledger = crash_and_go_on(f"{tmp_path}/effects.db", receiver, mode, where)
        check_effects(receiver, mode, where, ledger)


@pytest.mark.parametrize("name", sorted(KINDS))
def test_every_planted_point_three_times_over(tmp_path: Path, name: str) -> None:
    kind = KINDS[name](locate(name, tmp_path))
    end = 0
    for round_ in range(1, 4):
        for where in PLANTED:
            if where == "before-commit" and not hasattr(kind, "plant"):
                continue
            command = [sys.executable, "-m", "tests.recovery.crasher", name, kind.location, where]
            crash = subprocess.run([*command, str(round_ * 2)], cwd=ROOT, env=ENVIRONMENT)
            assert crash.returncode in (-signal.SIGKILL, 0)  # 0: an earlier round was there already
            sink = kind.open()
            position = sink.position("flights", 0)
            assert position is not None and position >= end
            end = position
            assert kind.effects() == [(0, offset) for offset in range(end)]
            sink.close()


@pytest.mark.parametrize("name", sorted(KINDS))
def test_killed_at_any_instant(tmp_path: Path, name: str) -> None:
    """No planted point: a steady writer dies when it happens to, and goes on from where it was."""
    kind = KINDS[name](locate(name, tmp_path))
    dice = random.Random(name)
    command = [sys.executable, "-m", "tests.recovery.steady", name, kind.location]
    for _ in range(KILLS):
        process = subprocess.Popen(
            [*command, str(NEVER)], cwd=ROOT, env=ENVIRONMENT, stdout=subprocess.PIPE
        )
        assert process.stdout is not None and process.stdout.readline()  # it is at work
        time.sleep(dice.uniform(0.0, 0.25))
        process.kill()
        assert process.wait() == -signal.SIGKILL, "it was at work until then"
        process.stdout.close()
    sink = kind.open()
    end = (sink.position("flights", 0) or 0) + RECORDS
    sink.close()
    subprocess.run([*command, str(end)], cwd=ROOT, env=ENVIRONMENT, check=True)
    assert kind.effects() == [(0, offset) for offset in range(end)]


def test_delta_on_a_bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server is a process of its own: the Delta library reads its log with Python's lock held."""
    port = free_port()
    endpoint = f"http://127.0.0.1:{port}"
    for name, value in (
        ("ACCESS_KEY_ID", "x"),
        ("SECRET_ACCESS_KEY", "x"),
        ("REGION", "us-east-1"),
    ):
        monkeypatch.setenv(f"AWS_{name}", value)
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (tmp_path / "moto.log").open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        import boto3

        client = boto3.client("s3", endpoint_url=endpoint)
        for _ in range(100):
            try:
                client.create_bucket(Bucket="bucket")
                break
            except Exception:  # not up yet
                time.sleep(0.1)
        kind = KINDS["delta"](f"delta:s3://bucket/lake/table?endpoint={endpoint}")
        apply(kind, kind.open(), [0, 1])
        old, new = kind.open(), kind.open()
        assert apply(kind, new, [1, 2]) == 1
        with pytest.raises(Fenced):
            apply(kind, old, [2, 3])
        apply(kind, kind.open(line="r1"), [0])
        rest = at_rest(kind)
        assert [line.name for line in rest.lines()] == ["live", "r1"]
        rest.promote("r1", 1)
        assert kind.effects() == [(0, 0)] and len(kind.effects("before-r1")) == 3
        assert rest.drop("before-r1") and [line.name for line in rest.lines()] == ["live"]
    finally:
        server.kill()
        server.wait()


@pytest.mark.parametrize("name", ["delta", "sqlite"])
def test_a_replay_is_staged_promoted_and_undone(tmp_path: Path, name: str) -> None:
    def play(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with scene(tmp_path / "data") as stage:
                await story(stage)

        asyncio.run(main())

    staged(play, tmp_path, name)
