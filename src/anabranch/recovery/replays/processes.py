"""Commands as processes: started apart, found again after their runner died, stopped with all they started."""

from __future__ import annotations

import asyncio
import os
import platform
import signal
import subprocess
from pathlib import Path
from typing import Final

from anabranch.recovery.replays.session import Process

STOP_GRACE_S: Final = 10.0  # between SIGTERM and SIGKILL: time to finish a batch and commit
LOOK_S: Final = 0.05  # between two looks at a process that is no child of ours


def describe(pid: int) -> Process:
    """How a running process is found again."""
    return Process(platform.node(), pid, _birth(pid))


def lives(process: Process) -> bool:
    """Whether it still runs; a process of another machine is not seen from here."""
    if process.host != platform.node() or not process.birth:
        return False
    return _birth(process.pid) == process.birth


def _birth(pid: int) -> str:
    """When the process began, as the system tells it; "" if there is none."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The name in parentheses may hold anything; state and start time are counted from behind it.
        fields = stat.read_text().rpartition(")")[2].split()
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
        return _birth_by_ps(pid)
    return "" if fields[0] in "ZX" else fields[19]


def _birth_by_ps(pid: int) -> str:
    asked = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split(None, 1)
    return "" if len(found) < 2 or found[0].startswith("Z") else found[1].strip()


async def stop(process: asyncio.subprocess.Process, waiting: asyncio.Future[int]) -> None:
    """SIGTERM to the command's process group, SIGKILL if it does not end within the grace."""
    for signal_number, grace in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, None)):
        _signal_group(process.pid, signal_number)
        done, _ = await asyncio.wait([waiting], timeout=grace)
        if done:
            return


async def stop_orphan(process: Process) -> bool:
    """The same for a command whose runner died; whether there was one to stop."""
    if not lives(process):
        return False
    for signal_number in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(process.pid, signal_number)
        for _ in range(int(STOP_GRACE_S / LOOK_S)):
            if not lives(process):
                return True
            await asyncio.sleep(LOOK_S)
    return True


def _signal_group(pid: int, signal_number: signal.Signals) -> None:
    try:
        os.killpg(pid, signal_number)
    except ProcessLookupError:
        pass
