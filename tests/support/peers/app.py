"""A client program as a user runs it: started, killed with -9, started again; its output kept in a file."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.peers.leash import leashed

STOP_SECONDS_MAX = 30


class App:
    """One program with its children; what it prints is appended to a file over all its lives."""

    def __init__(
        self,
        command: Sequence[str],
        output: Path,
        *,
        environment: Mapping[str, str] | None = None,
        directory: Path | None = None,
    ) -> None:
        self.command = list(command)
        self.output, self.errors = output, output.with_suffix(".err")
        self._environment, self._directory = environment, directory
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        assert self._process is None, "already started"
        with self.output.open("ab") as out, self.errors.open("ab") as errors:
            self._process = subprocess.Popen(
                leashed(self.command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=errors,
                env=self._environment,
                cwd=self._directory,
                start_new_session=True,
            )
        return self

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def status(self) -> int | None:
        """Exit status; None while it runs."""
        assert self._process is not None, "not started"
        return self._process.poll()

    def kill(self) -> None:
        """SIGKILL to the program and its children, and wait."""
        process, self._process = self._process, None
        assert process is not None, "not started"
        # A leader that has ended keeps its group's number until it is waited for.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self, seconds_max: float = STOP_SECONDS_MAX) -> int:
        """SIGTERM, then SIGKILL past the deadline; returns the exit status."""
        assert self._process is not None, "not started"
        process = self._process
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds_max)
        self.kill()
        return process.returncode

    def wait(self, seconds_max: float) -> int:
        """Wait for its own end and return the exit status; fails with its last words when late."""
        assert self._process is not None, "not started"
        try:
            return self._process.wait(seconds_max)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"not done after {seconds_max} s:\n{self.tail()}") from None

    def events(self) -> list[dict[str, Any]]:
        """The JSON lines printed so far, over all its lives; a line cut by a SIGKILL is left out."""
        if not self.output.exists():
            return []
        lines = self.output.read_bytes().split(b"\n")[:-1]
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def tail(self, bytes_max: int = 2000) -> str:
        """The end of what it printed and of what it complained."""
        parts = [file.read_bytes()[-bytes_max:] for file in (self.output, self.errors)]
        return b"\n-- stderr:\n".join(parts).decode(errors="replace")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._process is not None:
            self.kill()
