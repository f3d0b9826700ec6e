"""What is on a leash ends as it would without one, and goes when whoever holds the leash goes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from anabranch.recovery.replays import processes
from anabranch.recovery.replays.broker_process import BrokerProcess
from anabranch.recovery.replays.leash import Leash
from anabranch.recovery.replays.session import Process

PATIENCE_S = 60.0  # a guard against hangs
SLEEP = "import time; time.sleep(3600)"


def start(leash: Leash, *command: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        leash.words(command), pass_fds=leash.descriptors, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def gone(*found: Process) -> None:
    """A process closes its files a little before it is none any more."""
    deadline = time.monotonic() + PATIENCE_S
    while any(map(processes.lives, found)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("print('done')", 0),
        ("import sys; print('done'); sys.exit(7)", 7),
        ("import os; print('done', flush=True); os.kill(os.getpid(), 9)", -9),
        ("import os; print('done', flush=True); os.kill(os.getpid(), 15)", -15),
        ("import os; print('done', flush=True); os.abort()", -signal.SIGABRT),
    ],
)
def test_it_ends_as_its_command_does(program: str, status: int) -> None:
    with Leash() as leash:
        process = start(leash, sys.executable, "-c", program)
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert said == "done\n"
    assert process.returncode == status


def test_a_command_that_is_not_there_is_named_and_no_traceback() -> None:
    with Leash() as leash:
        process = start(leash, "/nowhere/at-all", "x")
        said, _ = process.communicate(timeout=PATIENCE_S)
    assert said == "/nowhere/at-all: No such file or directory\n"
    assert process.returncode == 127


def test_a_command_inherits_neither_the_leash_nor_pythons_signals() -> None:
    shown = "import os, signal; print(sorted(os.listdir('/proc/self/fd'))[:4], signal.getsignal(signal.SIGTERM).name)"
    lock = os.open(__file__, os.O_RDONLY)
    with Leash(lock) as leash:
        process = start(leash, sys.executable, "-c", shown)
        said, _ = process.communicate(timeout=PATIENCE_S)
    os.close(lock)
    # 3 is the listing itself.
    assert said == "['0', '1', '2', '3'] SIG_DFL\n"


def test_its_group_is_signalled_as_one() -> None:
    program = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print('up', flush=True); time.sleep(3600)"
    with Leash() as leash:
        process = start(leash, sys.executable, "-c", program)
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 3


def test_who_holds_the_leash_is_killed_and_a_stubborn_command_goes_with_all_it_started() -> None:
    stubborn = (
        "import os, signal, subprocess, sys; signal.signal(15, signal.SIG_IGN);"
        f"other = subprocess.Popen([sys.executable, '-c', {SLEEP!r}]);"
        "print(os.getpid(), other.pid, flush=True); other.wait()"
    )
    holder = (
        "import subprocess, sys; from anabranch.recovery.replays.leash import Leash; leash = Leash();"
        "subprocess.Popen(leash.words(sys.argv[1:]), pass_fds=leash.descriptors, start_new_session=True).wait()"
    )
    words = [sys.executable, "-c", holder, sys.executable, "-c", stubborn]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        numbers = [int(word) for word in process.stdout.readline().split()]
        found = [processes.describe(pid) for pid in numbers]
        assert len(found) == 2 and all(map(processes.lives, found))
        process.kill()
        process.wait(PATIENCE_S)
        assert process.stdout.read() == ""  # its end comes when the last of them goes
    gone(*found)


def test_a_command_whose_guard_is_killed_goes_as_well() -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere a process cannot ask for that")
    with Leash() as leash:
        process = start(
            leash, sys.executable, "-c", f"import os; print(os.getpid(), flush=True); {SLEEP}"
        )
        assert process.stdout is not None
        found = processes.describe(int(process.stdout.readline()))
        process.kill()
        assert process.stdout.read() == ""
    gone(found)


def test_a_broker_on_a_leash_goes_when_it_is_let_go(tmp_path: Path) -> None:
    async def main() -> None:
        leash = Leash()
        broker = BrokerProcess(
            ["--data", str(tmp_path / "data")], tmp_path / "log", "the broker", leash=leash
        )
        await broker.start()
        assert broker._process is not None
        leash.close()
        assert await asyncio.wait_for(broker._process.wait(), PATIENCE_S) == 0
        await broker.stop()

    asyncio.run(main())
