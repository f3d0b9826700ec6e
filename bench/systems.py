"""The systems under measurement, and client jobs run against them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.peers import (
    ROOT,
    AnabranchNode,
    KafkaNode,
    Node,
    PeerUnavailable,
    TansuNode,
    free_port,
    probe,
)

from bench.report import Report

SYSTEMS: dict[str, type[Node]] = {
    "anabranch": AnabranchNode,
    "kafka": KafkaNode,
    "tansu": TansuNode,
}
JOB_SECONDS_MAX = 180.0


@dataclass(frozen=True)
class Scale:
    """How much is measured; `quick` shows that everything runs, the other one gives figures."""

    rounds: int
    repeats: int  # samples of a figure per round
    produce_bytes: int  # per produce and tail sample
    warm_bytes: int
    latency_records: int
    disk_writes: int
    stored_bytes: int  # per stored topic
    catchup_windows: int  # of live produce without and with catch-up, alternating
    catchup_seconds: float  # per window


FULL = Scale(3, 2, 60_000_000, 100_000_000, 1000, 300, 400_000_000, 6, 4.0)
QUICK = Scale(1, 1, 20_000_000, 20_000_000, 200, 100, 60_000_000, 1, 2.0)


@dataclass
class Live:
    """One running broker that figures take samples from."""

    node: Node
    scale: Scale
    report: Report
    topics: int = 0

    @property
    def system(self) -> str:
        return self.node.name

    def topic(self, partitions: int, config: dict[str, str] | None = None) -> str:
        """A new topic with every leader in place."""
        self.topics += 1
        name = f"bench-{self.topics}"
        create_topic(self.node, name, partitions, config)
        return name

    def drop(self, topic: str) -> None:
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.node.bootstrap})
        admin.delete_topics([topic])[topic].result(30)


def create_topic(
    node: Node, name: str, partitions: int, config: dict[str, str] | None = None
) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

    admin = AdminClient({"bootstrap.servers": node.bootstrap})
    new = NewTopic(name, partitions, 1, config=config or {})
    admin.create_topics([new])[name].result(30)
    node.await_answer(lambda: probe.leaders(node.port, name) == partitions)


def start_job(job: str, **config: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.client", job, json.dumps(config)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def finish_job(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = process.communicate(timeout=JOB_SECONDS_MAX)
    if process.returncode != 0:
        raise RuntimeError(f"client job {process.args!r} exited with {process.returncode}")
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result


def run_job(job: str, **config: Any) -> dict[str, Any]:
    """Run one client job in a process of its own; its result."""
    return finish_job(start_job(job, **config))


@contextmanager
def following(bootstrap: str, topic: str, records: int, partitions: int) -> Iterator[Any]:
    """A consumer process that stands at the end of `topic`; yields it for `finish_job`."""
    process = start_job(
        "consume",
        bootstrap=bootstrap,
        topic=topic,
        records=records,
        partitions=partitions,
        tail=True,
    )
    try:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if said != "ready":
            raise RuntimeError(f"the follower said {said!r}")
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def settle() -> None:
    """Let earlier writes reach the disk, so that nobody pays for another's."""
    os.sync()
    time.sleep(0.3)


def forget_pages(directory: Path) -> None:
    """Drop the pages of every file below `directory` from the page cache."""
    os.sync()
    for path in directory.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def available(wanted: Sequence[str], parent: Path) -> tuple[list[str], dict[str, str]]:
    """Which systems start here, and why the others do not."""
    names, missing = [], {}
    for name in wanted:
        node = SYSTEMS[name](parent=parent)
        try:
            node.start()
            names.append(name)
        except PeerUnavailable as reason:
            missing[name] = str(reason)
        finally:
            node.close()
    return names, missing


def rotated(names: Sequence[str], by: int) -> list[str]:
    """Every system goes first in turn."""
    cut = by % len(names)
    return [*names[cut:], *names[:cut]]


__all__ = [
    "FULL",
    "QUICK",
    "SYSTEMS",
    "Live",
    "Scale",
    "available",
    "create_topic",
    "finish_job",
    "following",
    "forget_pages",
    "free_port",
    "rotated",
    "run_job",
    "start_job",
    "settle",
]
