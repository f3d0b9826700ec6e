"""The broker of an example, and a look into its data beside it."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from examples.kit.console import Console
from examples.kit.processes import Child, Children, RunFault, anabranch

from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.recovery import observe

DISK_BYTES_MIN = 500_000_000  # the largest run writes about 200 MB; the rest is slack
START_S = 30.0
T = TypeVar("T")


def choose_listen(wanted: str, console: Console) -> str:
    """``wanted`` if it is free, else a free port of the same host, and say so."""
    host, _, port = wanted.rpartition(":")
    if not host or not port.isdigit():
        raise RunFault(f"LISTEN={wanted} is not HOST:PORT, as in 127.0.0.1:9092.")
    for candidate in (int(port), 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, candidate))
            except OSError as error:
                if candidate == 0 or "in use" not in (error.strerror or ""):
                    raise RunFault(f"Cannot listen on {wanted}: {error.strerror}.") from error
                continue
            found = f"{host}:{probe.getsockname()[1]}"
            if candidate == 0:
                console.say(f"{wanted} is in use; the broker listens on {found} instead.")
            return found
    raise AssertionError("unreachable")


def require_disk(data: Path, target: str) -> None:
    """Refuse to begin what would end in a full disk."""
    existing = next(path for path in (data, *data.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free < DISK_BYTES_MIN:
        raise RunFault(
            f"{data} lies on a disk with {free // 1_000_000} MB free; the run needs about "
            f"{DISK_BYTES_MIN // 1_000_000} MB. Name another place with `make {target} DATA=…`."
        )


class Cluster:
    """A broker process, and the log opened beside it as the command line does."""

    def __init__(self, data: Path, listen: str, children: Children, console: Console) -> None:
        self.data = data
        self.listen = listen
        self.console = console
        self.children = children
        self._runner = asyncio.Runner()
        self._broker: Child | None = None
        self._log: Log | None = None

    def start(self) -> None:
        """Start `anabranch up` and wait until it answers."""
        words = ("up", "--data", str(self.data), "--listen", self.listen)
        self.console.command(("anabranch", *words))
        self._broker = self.children.start("broker", "-m", "anabranch.cli.main", *words)
        admin = AdminClient({"bootstrap.servers": self.listen, "log_level": 0})
        deadline = time.monotonic() + START_S
        while True:
            self.check()
            try:
                admin.list_topics(timeout=1)  # a broker that answers has opened its log
                break
            except KafkaException:
                if time.monotonic() > deadline:
                    raise RunFault(f"The broker did not answer within {START_S:.0f} s.") from None
        self._log = self.ask(open_log(self.data, broker_id=None))

    @property
    def log(self) -> Log:
        assert self._log is not None, "started"
        return self._log

    def check(self) -> None:
        """Raise RunFault if the broker is gone."""
        if self._broker is not None:
            self._broker.check()

    def ask(self, question: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine of the recovery plane."""
        return self._runner.run(question)

    def close(self) -> None:
        if self._log is not None:
            self.ask(self._log.close())
            self._log = None
        self._runner.close()

    def run(self, *words: str, show: bool = True, expect: tuple[int, ...] = (0,)) -> str:
        """Run an `anabranch` command on this data as a user would, and show what it prints."""
        if show:
            self.console.command(("anabranch", *words))
        done = anabranch(*words, environ={**os.environ, "ANABRANCH_DATA": str(self.data)})
        if done.returncode not in expect:
            self.check()
            raise RunFault(f"`anabranch {words[0]}` failed: {done.stderr.strip() or done.stdout}")
        if show:
            self.console.output(done.stdout)
        return done.stdout

    def log_ends(self, topic: str) -> dict[int, int]:
        """Next offset of every partition."""
        found = self.ask(observe.topics_named(self.log.metastore, [topic]))
        views = self.ask(observe.partition_views(self.log.metastore, found))
        return {view.partition: view.log_end for view in views}

    def committed(self, group: str) -> dict[int, int]:
        """What the group has committed."""
        positions = self.ask(observe.committed_positions(self.log.metastore, group))
        return {position.partition: position.offset for position in positions}

    def group_state(self, group: str) -> str:
        row = self.ask(self.log.metastore.group(group))
        return row.state if row else "Empty"
