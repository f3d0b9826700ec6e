"""A drill is killed (SIGKILL) in the middle: nothing of what it had started goes on, and nothing of it stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anabranch.recovery.replays.processes import describe, lives
from anabranch.recovery.replays.session import Process
from tests.recovery.drills.ground import Ground

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]
PATIENCE_S = 120.0  # a guard against hangs
# As the command line is run by a test, in whose process the drill then is.
IN_PROCESS = "from click.testing import CliRunner; from anabranch.cli.main import cli; import sys; CliRunner().invoke(cli, sys.argv[1:])"


def descendants(pid: int) -> set[int]:
    """Of a process, whoever started them."""
    parents: dict[int, list[int]] = {}
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            fields = (directory / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(directory.name))
    found: set[int] = set()
    ahead = [pid]
    while ahead:
        children = parents.get(ahead.pop(), [])
        found.update(children)
        ahead += children
    return found


def words_of(pid: int) -> list[str]:
    return (Path("/proc") / str(pid) / "cmdline").read_bytes().decode().split("\0")


def until(condition: object, drill: subprocess.Popen[str] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():  # type: ignore[operator]
        assert drill is None or drill.poll() is None, drill.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("phase", ["live", "replaying"])
@pytest.mark.parametrize("runs", [("-m", "anabranch.cli.main"), ("-c", IN_PROCESS)])
def test_a_killed_drill_leaves_no_process_and_the_next_one_removes_its_copies(
    tmp_path: Path, phase: str, runs: tuple[str, str]
) -> None:
    told, scratch = tmp_path / "told", tmp_path / "scratch"
    scratch.mkdir()
    ground = Ground(tmp_path, f"hangs-{phase}", str(told))
    kept = scratch / "anabranch-drill-kept"  # somebody looks at it: no drill is to remove it
    kept.mkdir()
    words = ("drill", "run", "--scenario", "off-by-one", "--scratch", str(scratch))
    places = ("--data", str(ground.data), "--file", str(ground.file))
    drill = subprocess.Popen(
        [sys.executable, *runs, *words, *places],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    children: list[Process] = []
    try:
        until(told.exists, drill)
        children = [describe(pid) for pid in descendants(drill.pid)]
        seen = [words_of(each.pid) for each in children]
        assert any("up" in each for each in seen), "the broker"
        assert {int(pid) for pid in told.read_text().split()} <= {each.pid for each in children}
        drill.kill()
        drill.wait()
        (left,) = set(scratch.iterdir()) - {kept}
        assert (left / "work").exists()
        until(lambda: not any(lives(each) for each in children))
    finally:
        drill.kill()
        for each in children:
            if lives(each):
                os.kill(each.pid, 9)
    ground.file.write_text(ground.file.read_text().replace(f"hangs-{phase}", "goes"))
    result = ground(*words)
    assert result.exit_code == 0, result.output
    assert f"removed {left}, which a drill that was killed had left" in result.output
    assert list(scratch.iterdir()) == [kept]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_drill_that_is_stopped_leaves_neither_processes_nor_copies(
    tmp_path: Path, number: signal.Signals
) -> None:
    told, scratch = tmp_path / "told", tmp_path / "scratch"
    scratch.mkdir()
    ground = Ground(tmp_path, "hangs-replaying", str(told))
    words = ("drill", "run", "--scenario", "off-by-one", "--scratch", str(scratch))
    places = ("--data", str(ground.data), "--file", str(ground.file))
    drill = subprocess.Popen(
        [sys.executable, "-m", "anabranch.cli.main", *words, *places],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    until(told.exists, drill)
    children = [describe(pid) for pid in descendants(drill.pid)]
    assert len(children) >= 4
    drill.send_signal(number)
    said, _ = drill.communicate(timeout=PATIENCE_S)
    assert drill.returncode == 128 + number, said
    assert said.endswith("Stopped: of this drill nothing is kept.\n") and "Traceback" not in said
    assert not any(lives(each) for each in children)
    assert list(scratch.iterdir()) == []
    assert ground.json("drill", "list")["drills"] == []
