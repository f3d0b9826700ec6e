"""The tests' own PostgreSQL server: nothing of it may be left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.postgres import NoPostgres, Server

ROOT = Path(__file__).parents[2]
GONE_S_MAX = 60

_HOLDER = """
import sys
from tests.support.postgres import Server
server = Server()
server.start()
print(server.directory, flush=True)
if sys.argv[1] == "paused":
    server.pause()
sys.stdin.read()
"""


@pytest.mark.parametrize("state", ["running", "paused"])
def test_a_server_goes_with_the_process_that_started_it(state: str) -> None:
    try:
        Server().remove()
    except NoPostgres as reason:
        pytest.skip(str(reason))
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, state],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    directory = Path(holder.stdout.readline().strip())
    pid = int((directory / "data" / "postmaster.pid").read_text().splitlines()[0])
    assert str(directory) in Path(f"/proc/{pid}/cmdline").read_text()
    holder.kill()
    holder.communicate()
    deadline = time.monotonic() + GONE_S_MAX
    while directory.exists() or Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline, "the server was left behind"
        time.sleep(0.05)
