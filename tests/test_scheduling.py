"""Who is to run first: threads of appends ask for short slices, a lane apart stands behind."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from anabranch import scheduling
from anabranch.log.threads import Worker

SCHED_GETATTR = {"x86_64": 315, "aarch64": 275, "riscv64": 275}


def slice_ns() -> int:
    """Of the calling thread; 0 where the kernel does not tell."""
    number = SCHED_GETATTR.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return 0
    told = ctypes.create_string_buffer(56)
    if ctypes.CDLL(None).syscall(number, 0, told, len(told), 0) != 0:
        return 0
    runtime: int = struct.unpack_from("=Q", told, 24)[0]
    return runtime


def group_niceness() -> int | None:
    """Of the session that this process is in. None where sessions share nothing, or it is in no such group."""
    try:
        said = Path("/proc/self/autogroup").read_text().split()
    except OSError:
        return None
    return int(said[-1]) if said else None


def in_a_thread(job: object) -> list[int]:
    found: list[int] = []
    thread = threading.Thread(target=lambda: found.append(job()))  # type: ignore[operator]
    thread.start()
    thread.join()
    return found


def needs_slices() -> None:
    if not in_a_thread(slice_ns)[0]:
        pytest.skip("this kernel knows no slices of threads (Linux 6.12 does)")


def test_a_prompt_thread_has_a_short_slice_and_those_it_starts_do_not() -> None:
    needs_slices()
    usual = in_a_thread(slice_ns)[0]
    seen: list[int] = []

    def job() -> int:
        scheduling.be_prompt()
        seen.append(slice_ns())
        seen.extend(in_a_thread(slice_ns))
        return 0

    in_a_thread(job)
    assert seen == [scheduling.SLICE_NS, usual]
    assert in_a_thread(slice_ns) == [usual]


def test_the_thread_that_writes_the_log_is_prompt() -> None:
    needs_slices()
    import asyncio

    async def ask() -> int:
        worker = Worker("wal")
        try:
            return await worker.run(slice_ns)
        finally:
            worker.shutdown()

    assert asyncio.run(ask()) == scheduling.SLICE_NS


@pytest.mark.parametrize("session", [True, False])
def test_a_process_gives_way_and_nobody_waits_for_its_slice(session: bool) -> None:
    script = (
        "import os; from anabranch import scheduling as s;"
        "from tests.test_scheduling import group_niceness, in_a_thread, slice_ns;"
        "s.give_way(7); s.be_prompt();"
        "print(os.getpriority(os.PRIO_PROCESS, 0), in_a_thread(slice_ns)[0], group_niceness())"
    )
    group = group_niceness()
    child = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, start_new_session=session
    )
    assert child.returncode == 0, child.stderr
    expected = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 7)
    nice, slices, told = child.stdout.split(maxsplit=2)
    assert nice == str(expected)
    assert int(slices) == (scheduling.SLICE_NS if in_a_thread(slice_ns)[0] else 0)
    if session:
        assert told.strip() in ("7", "None")
    assert group_niceness() == group, "the session of another process is not its to change"


def test_a_process_that_was_just_started_is_put_behind_others() -> None:
    script = (
        "import os, sys; sys.stdin.readline();"
        "from tests.test_scheduling import group_niceness, in_a_thread, slice_ns;"
        "print(os.getpriority(os.PRIO_PROCESS, 0), in_a_thread(slice_ns)[0], group_niceness())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    scheduling.give_way(19, child.pid)
    out, _ = child.communicate("go on\n")
    nice, slices, told = out.split(maxsplit=2)
    assert nice == "19"
    assert int(slices) == (scheduling.SLICE_NS if in_a_thread(slice_ns)[0] else 0)
    assert told.strip() in ("19", "None")
    assert os.getpriority(os.PRIO_PROCESS, 0) == mine
    scheduling.give_way(19, child.pid)  # it is gone: nothing happens


@pytest.mark.parametrize("said", ["", None])
def test_a_process_without_a_session_group_gives_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str | None
) -> None:
    """What the kernel started before there were sessions is in no group: the file is empty, and takes nothing.
    Elsewhere there is none."""
    group = tmp_path / "autogroup"
    if said is not None:
        group.write_text(said)
    given: list[int] = []

    def refuse(*_: object) -> int:
        raise OSError(errno.EINVAL, "not here")

    monkeypatch.setattr(os, "getpriority", lambda which, who: 0)
    monkeypatch.setattr(os, "setpriority", lambda which, who, nice: given.append(nice))
    monkeypatch.setattr(os, "getsid", lambda _: os.getpid())
    monkeypatch.setattr(scheduling, "_slice", lambda *_: None)
    monkeypatch.setattr(scheduling, "_AUTOGROUP", str(group))
    monkeypatch.setattr(Path, "write_text", refuse)
    scheduling.give_way(5)
    assert given == [5]


def test_where_nothing_can_be_said_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "setpriority", refuse)
    monkeypatch.setattr(os, "getpriority", refuse)
    scheduling.give_way(5)
    scheduling.be_prompt()
