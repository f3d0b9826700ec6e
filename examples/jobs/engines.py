"""The stream processors of the example: how a job of theirs is started, and where its checkpoint is."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Protocol

from examples.kit.processes import RunFault
from tests.support.peers import PeerUnavailable, python
from tests.support.peers.java import compiled, java, log4j_config

GROUP = "carrier-days"  # what each job calls its group, and its output
HERE = Path(__file__).resolve().parent
LIVE, REBUILT = (
    "live",
    "rebuilt",
)  # where a job keeps what is its own: beside production, in the replay
JVM = ("-Xmx512M", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
# What Flink's own scripts open to it in Java 17.
OPENS = tuple(
    f"--add-opens=java.base/{package}=ALL-UNNAMED"
    for package in ("java.lang", "java.util", "java.time", "java.net", "java.util.concurrent")
)


class Engine(Protocol):
    """A job ``carrier-days`` of one engine, in three versions."""

    title: str
    beside: tuple[str, ...]  # topics that its replay gets beside the input

    def prepare(self) -> None:
        """Install what it needs. Raises RunFault."""

    def checkpoint(self) -> str:
        """The newest one, as ``anabranch point create --from`` takes it. Raises RunFault."""

    def live(self, version: str, bootstrap: str) -> list[str]:
        """What starts a version in production, on the state that is there."""

    def rebuild(self, version: str, bootstrap: str) -> list[str]:
        """What starts a version in a replay, on the state of the recovery point."""

    def hand_over(self) -> None:
        """Have the next live version go on from what was rebuilt."""


class Quix:
    """Quix Streams: its checkpoint is what its group has committed; its state rests in a changelog topic."""

    title = "Quix Streams"
    beside = (GROUP, f"changelog__{GROUP}--*")

    def __init__(self, data: Path) -> None:
        self._data = data
        self._home = LIVE

    def prepare(self) -> None:
        _installed(partial(python, "quix"))

    def checkpoint(self) -> str:
        return f"quix:{GROUP}"

    def live(self, version: str, bootstrap: str) -> list[str]:
        return self._command(version, bootstrap, self._home)

    def rebuild(self, version: str, bootstrap: str) -> list[str]:
        return self._command(version, bootstrap, REBUILT)

    def hand_over(self) -> None:
        self._home = "live-again"  # the changelog fills it; the broken state is left behind

    def _command(self, version: str, bootstrap: str, home: str) -> list[str]:
        program, state = str(HERE / "quix_job.py"), str(self._data.absolute() / home)
        words = ("--bootstrap", bootstrap, "--version", version, "--state", state)
        return [str(python("quix")), program, *words]


class Flink:
    """Flink: its checkpoint is a directory that holds the source's offsets and the job's state."""

    title = "Flink"
    beside = (GROUP,)

    def __init__(self, data: Path) -> None:
        self._data = data
        self._known_good: Path | None = None
        self._home = LIVE

    def prepare(self) -> None:
        _installed(partial(compiled, "flink", HERE / "CarrierDays.java"))

    def checkpoint(self) -> str:
        self._known_good = self._newest(LIVE)
        if self._known_good is None:
            raise RunFault("The Flink job has completed no checkpoint.")
        return f"flink:{self._known_good}"

    def live(self, version: str, bootstrap: str) -> list[str]:
        return self._command(version, bootstrap, self._home, self._newest(self._home))

    def rebuild(self, version: str, bootstrap: str) -> list[str]:
        return self._command(version, bootstrap, REBUILT, self._known_good)

    def hand_over(self) -> None:
        self._home = REBUILT  # the replay's own newest checkpoint stands where production goes on

    def _newest(self, home: str) -> Path | None:
        done = (self._data.absolute() / home).glob("*/chk-*/_metadata")
        newest = max(done, key=lambda file: file.stat().st_mtime, default=None)
        return None if newest is None else newest.parent

    def _command(self, version: str, bootstrap: str, home: str, origin: Path | None) -> list[str]:
        directory = self._data.absolute() / home
        directory.mkdir(parents=True, exist_ok=True)
        settings = {
            "execution.checkpointing.interval": "1 s",
            "execution.checkpointing.dir": directory.as_uri(),
            "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
            # Nothing beyond loopback.
            "rest.address": "127.0.0.1",
            "rest.bind-address": "127.0.0.1",
            "rest.bind-port": "0",
            "jobmanager.bind-host": "127.0.0.1",
            "taskmanager.host": "127.0.0.1",
            "taskmanager.bind-host": "127.0.0.1",
        }
        if origin is not None:
            settings["execution.state-recovery.path"] = origin.as_uri()
        return [
            *(java(), *JVM, *OPENS, f"-Dlog4j2.configurationFile={log4j_config('ERROR')}"),
            *("-cp", compiled("flink", HERE / "CarrierDays.java"), "CarrierDays"),
            *(bootstrap, version, *(f"{key}={value}" for key, value in settings.items())),
        ]


ENGINES: dict[str, Callable[[Path], Engine]] = {"quix": Quix, "flink": Flink}


def _installed(install: Callable[[], object]) -> None:
    try:
        install()
    except PeerUnavailable as missing:
        raise RunFault(f"{missing}.") from missing
