"""The programs that these tests start end with them, however they end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.clients.failover import wait_until
from tests.support.peers import ROOT

PARENT = """
import sys, time
from pathlib import Path
from tests.support.peers import App

app = App(["sleep", "300"], Path(sys.argv[1])).start()
print(app._process.pid, flush=True)
time.sleep(300)
"""


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="needs setpriv of util-linux")
def test_a_program_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "app")],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert ended(pid) is False
        parent.send_signal(signal.SIGKILL)
    wait_until(lambda: ended(pid), seconds_max=10)


def ended(pid: int) -> bool:
    """Whether the process is gone, or is only waiting to be noticed by whoever inherited it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
