"""Who is to run first, as far as the operating system lets us say so. Advice, never a condition: where it
cannot be given, nothing is said.

A thread that has slept for long may still have to wait for one that has just begun: Linux lets a thread
finish its slice, some 3 ms, before the next one gets the core, and an append passes through three
threads. One that asks for a shorter slice gets the core at once (EEVDF, Linux 6.12).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

# Of a thread that an append passes through (what it does at a time takes about so long), and of those for
# whom nobody is to wait. The kernel's least.
SLICE_NS: Final = 100_000
NICE_MAX: Final = 19  # a seventieth of the share of a process that is not nice

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
_RESET_ON_FORK: Final = 1  # the threads that it starts are as others are
# size, policy, flags, nice, priority, runtime (here: the slice), deadline, period
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
_AUTOGROUP: Final = "/proc/{}/autogroup"  # of a process


def be_prompt() -> None:
    """Let the calling thread run as soon as it has something to do, and not for long, unless it gives way
    to others."""
    try:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        if os.sched_getscheduler(0) != os.SCHED_OTHER or nice > 0:
            return  # somebody chose otherwise
    except (OSError, AttributeError):
        return
    _slice(0, nice, _RESET_ON_FORK)


def give_way(nice: int, pid: int = 0) -> None:
    """Let a process run behind others of the machine: its main thread, and threads and processes that are
    started from now on. ``nice`` from 0, nothing changes, to 19; of ``pid``, which has just been started, or of
    this process.

    Niceness says how much of a processor it gets, and not how soon another gets it: who wakes up waits for
    the slice of who runs, be that as nice as it may. So its slices are short. Where the system does not allow
    any of it, that much is left as it is.
    """
    if nice <= 0:
        return
    try:
        given = min(NICE_MAX, os.getpriority(os.PRIO_PROCESS, pid) + nice)
        os.setpriority(os.PRIO_PROCESS, pid, given)
        group = Path(_AUTOGROUP.format(pid or "self"))
        if os.getsid(pid) == (pid or os.getpid()) and group.exists():
            group.write_text(str(given))  # there, sessions share by the niceness of the session
    except OSError:
        pass
    try:
        if os.sched_getscheduler(pid) == os.SCHED_OTHER:
            _slice(pid, os.getpriority(os.PRIO_PROCESS, pid), 0)
    except (OSError, AttributeError):
        pass


def cores() -> frozenset[int]:
    """The processors that this process may use; none where the system does not say."""
    try:
        return frozenset(os.sched_getaffinity(0))
    except (OSError, AttributeError):
        return frozenset()


def keep_to(processors: Collection[int], session: int) -> None:
    """Let the processes of a session (its leader's number, setsid(2)) run on some processors only, and what
    they start from now on."""
    if not processors:
        return
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(stat.read_text().rpartition(")")[2].split()[3]) != session:
                continue
            for thread in (stat.parent / "task").iterdir():
                os.sched_setaffinity(int(thread.name), processors)
        except (OSError, AttributeError, ValueError):
            continue  # it ended, or is not ours


def _slice(pid: int, nice: int, flags: int) -> None:
    """Ask for short slices for a thread."""
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    try:
        fields = (os.SCHED_OTHER, flags, nice, 0, SLICE_NS, 0, 0)
        attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, *fields)
        ctypes.CDLL(None).syscall(number, pid, attributes, 0)
    except (OSError, AttributeError):
        pass
