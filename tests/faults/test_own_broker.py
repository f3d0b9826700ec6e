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
