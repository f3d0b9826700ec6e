"""Who is to run first: threads of appends ask for short slices, a lane apart stands behind."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import subprocess
import sys
import threading

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
def test_a_process_gives_way_and_is_not_prompt(session: bool) -> None:
    script = (
        "import os; from anabranch import scheduling as s; from tests.test_scheduling import slice_ns;"
        "before = slice_ns(); s.give_way(7); s.be_prompt();"
        "group = '/proc/self/autogroup';"
        "told = open(group).read().split()[-1] if os.path.exists(group) else '';"
        "print(os.getpriority(os.PRIO_PROCESS, 0), slice_ns() == before, told)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        start_new_session=session,
    ).stdout.split()
    expected = min(19, os.getpriority(os.PRIO_PROCESS, 0) + 7)
    assert said[:2] == [str(expected), "True"]
    if len(said) > 2 and session:
        assert said[2] == "7"


def test_where_nothing_can_be_said_nothing_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "not here")

    monkeypatch.setattr(os, "nice", refuse)
    monkeypatch.setattr(os, "getpriority", refuse)
    scheduling.give_way(5)
    scheduling.be_prompt()
