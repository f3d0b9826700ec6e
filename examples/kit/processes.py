"""The processes of an example: started with their output in files, stopped at the end, watched."""

from __future__ import annotations

import ctypes
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

STOP_GRACE_S = 15.0


class RunFault(Exception):
    """The run cannot go on; the text is the one sentence to print."""


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """A killed run must not leave a broker behind that holds the data directory (Linux only)."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One process."""

    def __init__(
        self, name: str, command: Sequence[str], output: Path, *, pipe: bool = False
    ) -> None:
        self.name = name
        self.output = output
        with output.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else log,
                stderr=log,
                text=True,
                start_new_session=True,  # a Ctrl-C is ours: children are stopped in order
                preexec_fn=_die_with_parent,
            )

    def check(self) -> None:
        """Raise RunFault if it has ended."""
        status = self.process.poll()
        if status is not None:
            raise RunFault(f"The {self.name} ended with status {status}: {self.last_words()}")

    def last_words(self) -> str:
        lines = self.output.read_text(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else f"it said nothing in {self.output}"

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Signal it and wait; SIGKILL after a grace."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            try:
                self.process.wait(STOP_GRACE_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Children:
    """All of them, stopped in the reverse order of their start."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[Child] = []

    def start(self, name: str, *arguments: str, pipe: bool = False) -> Child:
        """A Python program of ours."""
        return self.run(name, (sys.executable, *arguments), pipe=pipe)

    def run(self, name: str, command: Sequence[str], *, pipe: bool = False) -> Child:
        """Any program."""
        self._logs.mkdir(parents=True, exist_ok=True)
        child = Child(name, command, self._logs / f"{name.replace(' ', '-')}.log", pipe=pipe)
        self._children.append(child)
        return child

    def stop_all(self) -> None:
        for child in reversed(self._children):
            child.stop()


def anabranch(*words: str, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", *words],
        capture_output=True,
        text=True,
        env=dict(environ),
        check=False,
    )
