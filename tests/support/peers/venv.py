"""Stream processors in Python, each in a virtual environment of its own.

They pin their dependencies (Quix Streams wants another confluent-kafka than the newest), are large, and run
as applications, in processes of their own: so none of them belongs in the environment that runs the tests.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable, install_run, installing

REQUIREMENTS = Path(__file__).resolve().parent / "python"


@functools.cache
def python(name: str, interpreter: str = sys.executable, extra: Sequence[str] = ()) -> Path:
    """The interpreter of an environment with what ``python/NAME.txt`` pins (and `extra` for pip)."""
    wanted = REQUIREMENTS / f"{name}.txt"
    version = subprocess.run([interpreter, "--version"], capture_output=True, check=True).stdout
    recipe = b"\n".join([wanted.read_bytes(), version, *map(os.fsencode, extra)])
    with installing(f"python-{name}") as home:
        stamp, environment = home / "recipe", home / "environment"
        if not (stamp.exists() and stamp.read_text() == hashlib.sha256(recipe).hexdigest()):
            stamp.unlink(missing_ok=True)
            shutil.rmtree(environment, ignore_errors=True)
            install_run([interpreter, "-m", "venv", environment], cwd=home)
            pip = [environment / "bin" / "pip", "install", "--quiet", "--no-input"]
            install_run([*pip, "--requirement", wanted, *extra], cwd=home)
            stamp.write_text(hashlib.sha256(recipe).hexdigest())
        return environment / "bin" / "python"


@functools.cache
def interpreter(minimum: tuple[int, int]) -> str:
    """A Python of at least that version: this one, one on the path, or one of pyenv's."""
    if sys.version_info >= minimum:
        return sys.executable
    names = [f"python{minimum[0]}.{minor}" for minor in range(minimum[1], minimum[1] + 2)]
    versions = Path.home() / ".pyenv" / "versions"
    found = [path for name in names if (path := shutil.which(name))]
    found += [str(path) for name in names for path in versions.glob(f"*/bin/{name}")]
    for path in found:
        # pyenv's shims are on the path also for versions that are not chosen.
        if subprocess.run([path, "--version"], capture_output=True, check=False).returncode == 0:
            return path
    raise PeerUnavailable(f"needs {' or '.join(names)}")
