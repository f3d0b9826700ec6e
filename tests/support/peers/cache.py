"""The download cache of the peers, and the one lock around filling it."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CACHE = ROOT / ".cache" / "peers"

INSTALL_SECONDS_MAX = 600  # a cold Maven or Go download on a slow line


class PeerUnavailable(Exception):
    """A peer cannot be installed or started here; the message says why and what would help."""


@contextmanager
def installing(name: str) -> Iterator[Path]:
    """Hold the install lock of `name` and give its directory (parallel test runs share it)."""
    home = CACHE / name
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield home


def executable(name: str, why: str) -> str:
    """Path of program `name`, or `PeerUnavailable` saying what it is needed for."""
    path = shutil.which(name)
    if path is None:
        raise PeerUnavailable(f"{name} is not installed ({why})")
    return path


def install_run(
    args: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None
) -> str:
    """Run one step of an installation and return its stdout; a failure is `PeerUnavailable`."""
    command = [str(arg) for arg in args]
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            capture_output=True,
            text=True,
            timeout=INSTALL_SECONDS_MAX,
            check=False,
        )
    except subprocess.TimeoutExpired as late:
        raise PeerUnavailable(f"{command[0]} took over {INSTALL_SECONDS_MAX} s") from late
    if done.returncode != 0:
        tail = (done.stderr.strip() or done.stdout.strip())[-600:]
        raise PeerUnavailable(f"{' '.join(command[:4])} … failed: {tail}")
    return done.stdout
