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
from pathlib import Path
from typing import Final

# Of a thread that an append passes through; what it does at a time takes about so long. The kernel's
# least.
SLICE_NS: Final = 100_000

_SCHED_SETATTR: Final = {"x86_64": 314, "aarch64": 274, "riscv64": 274}
_RESET_ON_FORK: Final = 1  # the threads that it starts are as others are
# size, policy, flags, nice, priority, runtime (here: the slice), deadline, period
_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
_AUTOGROUP: Final = Path("/proc/self/autogroup")


def be_prompt() -> None:
    """Let the calling thread run as soon as it has something to do, and not for long, unless it gives way
    to others."""
    number = _SCHED_SETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return
    try:
        nice = os.getpriority(os.PRIO_PROCESS, 0)
        if os.sched_getscheduler(0) != os.SCHED_OTHER or nice > 0:
            return  # somebody chose otherwise
        fields = (os.SCHED_OTHER, _RESET_ON_FORK, nice, 0, SLICE_NS, 0, 0)
        attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, *fields)
        ctypes.CDLL(None).syscall(number, 0, attributes, 0)
    except (OSError, AttributeError):
        pass


def give_way(nice: int) -> None:
    """Let this process run behind others of the machine: its main thread, and threads and processes that
    are started from now on. ``nice`` from 0, nothing changes, to 19."""
    if nice <= 0:
        return
    try:
        os.nice(nice)
        if os.getsid(0) == os.getpid() and _AUTOGROUP.exists():
            _AUTOGROUP.write_text(str(nice))  # there, sessions share by the niceness of the session
    except OSError:
        pass
