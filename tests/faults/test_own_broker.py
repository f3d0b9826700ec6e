"""The broker of a replay session is killed in the middle: it is started again, and the job goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anabranch.recovery.replays.processes import describe, lives
from tests.cli.test_own_broker import COUNT, JOB, anabranch, broker, values
from tests.support.broker import BrokerProcess

pytestmark = [pytest.mark.faults, pytest.mark.timeout(200)]
__all__ = ["broker"]
KILLS = 3


def own_broker(session: str) -> int | None:
    """The process of the session's broker, found by its command line."""
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            words = (directory / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"--session" in words and session.encode() in words:
            return int(directory.name)
    return None


def test_I4_I7_a_sessions_broker_is_killed_and_nothing_is_lost(
    broker: BrokerProcess, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    plan = tmp_path / "plan.json"
    anabranch(data, "plan", "app", "--from-start", "--out", str(plan))
    replay = subprocess.Popen(
        [
            *(sys.executable, "-m", "anabranch.cli.main", "replay", str(plan), "--own-broker"),
            *(
                "--also",
                "out",
                "--record-rate",
                str(COUNT // 15),
                "--no-slow-down",
                "--output",
                "json",
            ),
            *("--", sys.executable, str(JOB)),
        ],
        env={**os.environ, "ANABRANCH_DATA": str(data)},
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    killed: set[int] = set()
    while len(killed) < KILLS and replay.poll() is None and time.monotonic() < deadline:
        sessions = json.loads(anabranch(data, "replay", "--list", "--output", "json"))
        if sessions and sessions[-1]["status"] == "running":
            pid = own_broker(sessions[-1]["id"])
            if pid is not None and pid not in killed:
                time.sleep(2)
                os.kill(pid, signal.SIGKILL)
                killed.add(pid)
        time.sleep(0.5)
    said, _ = replay.communicate(timeout=120)
    session = json.loads(said)
    assert session["status"] == "completed", session["error"]
    assert len(killed) == KILLS
    assert sorted(values(broker.address, f"out.{session['id']}")) == [2 * n for n in range(COUNT)]
    assert values(broker.address, "out") == [-1]
    assert own_broker(session["id"]) is None, "it is stopped by what started it"


@pytest.mark.parametrize("verb", ["--cancel", "--resume"])
def test_I7_a_killed_runners_command_and_broker_go_on_until_somebody_takes_over(
    broker: BrokerProcess, tmp_path: Path, verb: str
) -> None:
    data, plan = tmp_path / "data", str(tmp_path / "plan.json")
    anabranch(data, "plan", "app", "--from-start", "--out", plan)
    places = {**os.environ, "ANABRANCH_DATA": str(data)}
    words = ("replay", plan, "--own-broker", "--also", "out", "--record-rate", str(COUNT // 20))
    runner = subprocess.Popen(
        [sys.executable, "-m", "anabranch.cli.main", *words, "--no-slow-down", "--", sys.executable, str(JOB)],
        env=places, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 100
    while True:
        sessions = json.loads(anabranch(data, "replay", "--list", "--output", "json"))
        if sessions and any(run["process"] for run in sessions[0]["runs"]):
            (session,) = sessions
            break
        assert runner.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    pid = own_broker(session["id"])
    assert pid is not None and pid == session["broker"]["pid"]
    alone = [describe(pid), describe(session["runs"][0]["process"]["pid"])]
    runner.kill()
    runner.wait()
    assert all(lives(each) for each in alone), "they outlive it"
    if verb == "--cancel":
        said = anabranch(data, "replay", "--cancel", session["id"])
        assert said == f"Replay {session['id']} is cancelled.\n"
    else:
        resume = (sys.executable, "-m", "anabranch.cli.main", "replay", "--resume", session["id"])
        while True:  # until the dead runner's lease is over
            done = subprocess.run(resume, env=places, capture_output=True, text=True, timeout=150, check=False)  # fmt: skip
            if done.returncode == 0:
                break
            assert "running already" in done.stderr, done.stdout + done.stderr
            time.sleep(1)
        assert sorted(values(broker.address, f"out.{session['id']}")) == [
            2 * n for n in range(COUNT)
        ]
    assert not any(lives(each) for each in alone)
    assert own_broker(session["id"]) is None
