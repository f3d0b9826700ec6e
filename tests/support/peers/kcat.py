"""kcat: the system's, or unpacked from the distribution's packages without being root."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from tests.support.peers.cache import PeerUnavailable, executable, install_run, installing


@functools.cache
def _found() -> tuple[str, dict[str, str]]:
    """The kcat program and the environment it runs in."""
    for name in ("kcat", "kafkacat"):
        if path := shutil.which(name):
            return path, dict(os.environ)
    return _unpacked()


def _unpacked() -> tuple[str, dict[str, str]]:
    """kcat and whatever it needs beyond the installed packages, from Debian or Ubuntu archives.

    ``apt-get install --simulate`` and ``apt-get download`` work for any user.
    """
    apt = executable("apt-get", "kcat is neither installed nor installable from packages")
    unpack = executable("dpkg-deb", "kcat's package must be unpacked")
    with installing("kcat") as home:
        root = home / "root"
        if not (root / "usr/bin/kcat").exists():
            plan = install_run(
                [apt, "install", "--simulate", "--no-install-recommends", "kcat"], cwd=home
            )
            names = [line.split()[1] for line in plan.splitlines() if line.startswith("Inst ")]
            if not names:
                raise PeerUnavailable("apt-get knows no package kcat")
            install_run([apt, "download", *names], cwd=home)
            for package in sorted(home.glob("*.deb")):
                install_run([unpack, "--extract", package, root], cwd=home)
        libraries = {str(path.parent) for path in Path(root).rglob("*.so*")}
        environment = {**os.environ, "LD_LIBRARY_PATH": ":".join(sorted(libraries))}
        return str(root / "usr/bin/kcat"), environment


class KCat:
    """Runs kcat against one bootstrap server."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._program, self._environment = _found()

    def command(self, args: Sequence[str]) -> list[str]:
        return [self._program, "-b", self._bootstrap, *args]

    def run(self, *args: str, stdin: bytes = b"", seconds_max: float = 40) -> str:
        """stdout of ``kcat -b BOOTSTRAP args``, which must exit with 0."""
        done = subprocess.run(
            self.command(args),
            input=stdin,
            capture_output=True,
            timeout=seconds_max,
            env=self._environment,
            check=False,
        )
        assert done.returncode == 0, f"kcat {' '.join(args)}: {done.stderr.decode()}"
        return done.stdout.decode()

    def start(self, *args: str) -> subprocess.Popen[str]:
        """kcat in the background, stdout and stderr as text pipes; the caller ends it."""
        return subprocess.Popen(
            self.command(args),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            bufsize=1,
            env=self._environment,
        )
