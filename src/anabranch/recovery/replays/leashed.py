"""Runs a command that has to end when whoever started it ends, by whatever: ``leashed.py FD COMMAND …``.

``FD`` is the reading end of a pipe that nobody writes to; its other end is held by who started us. The kernel closes that
with its holder, also on SIGKILL: then the command's process group gets SIGTERM, and SIGKILL after a moment. Until then we
pass for the command: we lead its process group, which is signalled as one, and end as it ended.

A file that is run by itself, without this package: its start is what every command waits for (some 20 ms).
"""

from __future__ import annotations

import ctypes
import os
import resource
import select
import signal
import sys

GRACE_S = 3.0  # between SIGTERM and SIGKILL: nobody is left to whom anything of it would matter
NOT_STARTED = 127  # as shells say it
PR_SET_PDEATHSIG = 1  # Linux: the command goes with us, too; elsewhere with our process group only


def main(arguments: list[str]) -> int:
    leash = int(arguments[0])
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # what is killed at the end must be ours
    wake, waker = os.pipe()
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(
            number, lambda *_: None
        )  # the group was signalled: the command has it as well
    command = os.fork()
    if command == 0:
        _become(arguments[1:], os.getppid())
    while True:
        ready, _, _ = select.select([leash, wake], [], [])
        status = _ended(command, wake)
        if status is not None:
            return _end_as(status)
        if leash in ready:
            break
    os.killpg(0, signal.SIGTERM)
    while _ended(command, wake) is None and select.select([wake], [], [], GRACE_S)[0]:
        pass
    os.killpg(0, signal.SIGKILL)  # what it started has had its time as well; and so have we
    raise AssertionError("we lead the group")


def _become(words: list[str], parent: int) -> None:
    """Never returns."""
    try:
        for number in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # Python ignores them
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))  # the leash is ours to hear
        if os.getppid() == parent:
            os.execvp(words[0], words)
    except OSError as error:
        print(f"{words[0]}: {error.strerror}", file=sys.stderr, flush=True)
    finally:
        os._exit(NOT_STARTED)


def _ended(command: int, wake: int) -> int | None:
    """Its wait status once it has ended; takes what was to wake us."""
    if select.select([wake], [], [], 0)[0]:
        os.read(wake, 4096)
    pid, status = os.waitpid(command, os.WNOHANG)
    return status if pid else None


def _end_as(status: int) -> int:
    """As the command ended; what it left in its group is asked to go."""
    os.killpg(0, signal.SIGTERM)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the core that counts is the command's
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
        signal.pause()
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
