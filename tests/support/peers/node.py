"""A server process on 127.0.0.1: started, probed, measured and stopped the same way for everyone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import threading
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from tests.support.peers import probe
from tests.support.peers.cache import PeerUnavailable
from tests.support.peers.leash import leashed

START_SECONDS_MAX = 60  # a JVM on a busy two-core machine
STOP_SECONDS_MAX = 30  # Kafka's controlled shutdown of one node
PROBE_SECONDS = 0.01  # resolution of the start-up figure


def free_port() -> int:
    """A port of 127.0.0.1 that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


class Node(ABC):
    """One broker process with a data directory that survives `stop` and `start`.

    Without `data` the node makes a temporary directory under `parent` and removes it on `close`.
    """

    name: ClassVar[str]
    unusable: ClassVar[type[Exception]] = PeerUnavailable  # if it does not start

    def __init__(self, data: Path | None = None, *, parent: Path | None = None) -> None:
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if data is None:
            self._temporary = tempfile.TemporaryDirectory(prefix=f"{self.name}-", dir=parent)
            data = Path(self._temporary.name)
        data.mkdir(parents=True, exist_ok=True)
        self.data = data
        self.port = free_port()
        self.log_path = self.data / f"{self.name}.out"
        self._process: subprocess.Popen[bytes] | None = None
        self._rss_peak_bytes = 0
        self._sampling = threading.Event()
        self._sampler: threading.Thread | None = None

    @property
    def bootstrap(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "not started"
        return self._process.pid

    @abstractmethod
    def command(self) -> list[str]:
        """The argument vector that runs the server in the foreground."""

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def prepare(self) -> None:  # noqa: B027
        """Make the data directory usable (formatting); called before every start, idempotent."""

    @abstractmethod
    def segments(self, topic: str, partition: int = 0) -> list[Path]:
        """Log segment files of one partition on this node's disk, in offset order."""

    def start(self) -> float:
        """Start and wait until metadata is served; returns the seconds from exec to that answer."""
        assert self._process is None, "already started"
        self.prepare()
        with self.log_path.open("ab") as log:
            begun = time.perf_counter()
            self._process = subprocess.Popen(
                leashed(self.command()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(),
                start_new_session=True,
            )
        self._sampling.clear()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()
        try:
            self.await_answer(lambda: probe.brokers(self.port) > 0)
        except BaseException:
            self.stop()
            raise
        return time.perf_counter() - begun

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL and wait: nothing is flushed, nobody is told."""
        os.kill(self.pid, signal.SIGKILL)
        self.stop()

    def await_answer(self, answered: probe.Answered) -> None:
        """Wait until `answered()`; a refused or broken connection counts as not yet."""
        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS_MAX
        while True:
            with contextlib.suppress(OSError, probe.NotYet):
                if answered():
                    return
            if self._process.poll() is not None:
                raise self.unusable(
                    f"{self.name} exited with {self._process.returncode} while starting:\n"
                    f"{self.log_tail()}"
                )
            if time.monotonic() > deadline:
                raise self.unusable(
                    f"{self.name} did not answer within {START_SECONDS_MAX} s:\n{self.log_tail()}"
                )
            time.sleep(PROBE_SECONDS)

    def stop(self) -> int | None:
        """SIGTERM, then SIGKILL past the deadline; returns the exit status (None: not running)."""
        process, self._process = self._process, None
        if process is None:
            return None
        self._sampling.set()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._sampler is not None:
            self._sampler.join()
        return process.returncode

    def close(self) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def log_tail(self, bytes_max: int = 2000) -> str:
        """The end of what the server printed."""
        if not self.log_path.exists():
            return "(printed nothing)"
        return self.log_path.read_bytes()[-bytes_max:].decode(errors="replace")

    def rss_peak_bytes(self) -> int:
        """Highest sum of resident memory of the server and its children since the last reset."""
        self._rss_peak_bytes = max(self._rss_peak_bytes, self.rss_bytes())
        return self._rss_peak_bytes

    def rss_peak_reset(self) -> None:
        self._rss_peak_bytes = 0

    def rss_bytes(self) -> int:
        """Resident memory of the server and its children now; 0 when it is not running."""
        if self._process is None:
            return 0
        total, todo = 0, [self._process.pid]
        while todo:
            pid = todo.pop()
            with contextlib.suppress(OSError, ValueError, IndexError):
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
                total += pages * os.sysconf("SC_PAGE_SIZE")
                for task in Path(f"/proc/{pid}/task").iterdir():
                    todo += map(int, (task / "children").read_text().split())
        return total

    def cpu_seconds(self) -> float:
        """User and system time of the server process (not its children) so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def _sample(self) -> None:
        while not self._sampling.wait(0.05):
            self._rss_peak_bytes = max(self._rss_peak_bytes, self.rss_bytes())

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
