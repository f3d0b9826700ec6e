"""A real broker process that tests kill, and small file systems that run full."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

START_SECONDS_MAX = 30


class BrokerProcess:
    """``anabranch up`` on one data directory and one port, over many lives."""

    running: ClassVar[set[BrokerProcess]] = set()

    def __init__(
        self,
        data: Path,
        *,
        logs: Path | None = None,
        name: str = "broker",
        arguments: Sequence[str] = (),
    ) -> None:
        self.data = data
        self.port = 0
        self.stderr = (logs or data.parent) / f"{name}.stderr"
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        with self.stderr.open("a") as stderr:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "anabranch.cli.main", "up", "--data", str(self.data)),
                    *("--listen", self.bootstrap, "--partitions", "4", *self._arguments),
                ],
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        match = re.search(r"listening on 127\.0\.0\.1:(\d+)", line)
        assert match, f"the broker did not start: {line!r} {self.stderr.read_text()[-2000:]}"
        self.port = int(match[1])
        self.running.add(self)

    def kill(self) -> None:
        """As a power cut sees it, short of the power: no handler runs."""
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self.running.discard(self)
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        if self._process is None:
            return 0
        self._process.terminate()
        status = self._process.wait(timeout=START_SECONDS_MAX)
        self.running.discard(self)
        if self._process.stdout:
            self._process.stdout.close()
        self._process = None
        return status

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    process = BrokerProcess(tmp_path / "data")
    process.start()
    yield process
    stop_all()


def stop_all() -> None:
    """Also after a test that failed half-way."""
    for process in tuple(BrokerProcess.running):
        process.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mounts a file system of so many MiB; skips where this process may not."""
    mounted: list[Path] = []

    def mount(mebibytes: int) -> Path:
        path = tmp_path / f"disk{len(mounted)}"
        path.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(
                f"mounting a small file system is not permitted here: {done.stderr.strip()}"
            )
        mounted.append(path)
        return path

    yield mount
    stop_all()
    for path in mounted:
        for _ in range(20):
            if (
                subprocess.run(["umount", str(path)], capture_output=True, check=False).returncode
                == 0
            ):
                break
            time.sleep(0.2)


def run_cli(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """The ``anabranch`` command as a person would run it."""
    return subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=dict(os.environ),
        check=False,
    )
