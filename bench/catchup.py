"""Live produce while somebody catches up: p99 with and without a reader of cold data.

A paced producer writes 1 KB records to a live topic without a pause, each sent when its time has come
whether or not earlier ones are acknowledged; its latency counts from that time, so that a stall is felt
by every record it delays. Beside it a consumer rests for some seconds, then reads a stored topic from
its start, again and again, as fast as it gets it, then rests again; the pages of that topic's segments
are dropped from the page cache all the while. Merging has come to rest before, and what is written
meanwhile is not merged (:mod:`bench.stored`): it would be due in one window and not in the other.

The figure is the ratio of p99 in a window of reading to p99 in the window before it, and of those the
median: the p99 of a few seconds lies between 4 and 20 ms on the same machine within a minute, whatever
is measured, so neighbouring windows are compared, and many of them. The reader's own rate stands beside
it, because starving the reader would be an easy way to a good figure.

Twice for Anabranch: with the reader on the producer's own broker, and with it on a broker of the recovery
lane, a second process on the same metastore and store, which is there all the while.
"""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from tests.support.peers import AnabranchNode, Node

from bench.produce import PARTITIONS
from bench.report import CATCHUP_LANE as LANE
from bench.report import CATCHUP_RATIO as RATIO
from bench.report import Report, percentile
from bench.stored import Stored
from bench.systems import Scale, create_topic, finish_job, run_job, settle, start_job

NAME = "catchup"
COLD_TOPIC = "stored-1000"
RECORD_BYTES = 1000
RECORDS_PER_SECOND = 500
FORGET_SECONDS = 0.25  # a reader at 500 MB/s finds nothing that it brought in a pass before
PRODUCER_STARTS_SECONDS = 1.5  # its process, its first half second
LINGERING_SECONDS = 0.5  # of a window without reading: what was asked for in the one before ends


_rounds = itertools.count(1)


class LaneNode(AnabranchNode):
    """A broker of the recovery lane on another node's data."""

    def __init__(self, other: AnabranchNode) -> None:
        super().__init__(other.data)
        self.log_path = self.data / "recovery.out"

    def prepare(self) -> None:
        """It goes by the other node's settings."""

    def command(self) -> list[str]:
        return [*super().command(), "--lane", "recovery"]


def sample(node: Node, stored: Stored, scale: Scale, report: Report) -> None:
    topic = f"live-{next(_rounds)}"  # the data of earlier rounds are still there
    create_topic(node, topic, PARTITIONS)
    live(node, topic, scale.catchup_seconds)  # warms the path; not counted
    compare(node, node, topic, stored, scale, report, stored.system)
    if isinstance(node, AnabranchNode):
        with LaneNode(node) as lane:
            compare(node, lane, topic, stored, scale, report, LANE)


def compare(
    node: Node,
    reads_from: Node,
    topic: str,
    stored: Stored,
    scale: Scale,
    report: Report,
    system: str,
) -> None:
    settle()
    count, seconds = scale.catchup_windows, scale.catchup_seconds
    with catching_up(reads_from, stored, count, seconds) as read:
        produced = live(node, topic, 2 * seconds * count + PRODUCER_STARTS_SECONDS + 0.5)
    for window in read:
        rest = (window["begun"] - seconds + LINGERING_SECONDS, window["begun"])
        alone = [taken for due, taken in produced if rest[0] <= due < rest[1]]
        beside = [taken for due, taken in produced if window["begun"] <= due < window["ended"]]
        for name, taken in (("without", alone), ("with", beside)):
            for label, share in (("p50", 0.50), ("p99", 0.99)):
                report.add(
                    f"live produce {label}, {name} catch-up",
                    "ms",
                    system,
                    percentile(taken, share),
                    higher_is_better=False,
                )
        ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
        report.add(RATIO, "x", system, ratio, higher_is_better=False)
        rate = window["bytes"] / (window["ended"] - window["begun"]) / 1e6
        report.add("catch-up beside live produce", "MB/s", system, rate)


def live(node: Node, topic: str, seconds: float) -> list[tuple[float, float]]:
    """When each record was due (monotonic seconds), and the milliseconds to its acknowledgement."""
    done = run_job(
        "steady",
        bootstrap=node.bootstrap,
        topic=topic,
        size=RECORD_BYTES,
        rate=RECORDS_PER_SECOND,
        seconds=seconds,
    )
    return list(zip(done["due"], done["milliseconds"], strict=True))


@contextmanager
def catching_up(
    node: Node, stored: Stored, windows: int, seconds: float
) -> Iterator[list[dict[str, float]]]:
    """A reader of the cold topic in every other window, the first of which begins with the block;
    the windows in which it read are in the list afterwards."""
    files = [
        file
        for partition in range(PARTITIONS)
        for file in stored.node().segments(COLD_TOPIC, partition)
    ]
    read: list[dict[str, float]] = []
    stop = threading.Event()
    forgetting = threading.Thread(target=_forget, args=(files, stop), daemon=True)
    forgetting.start()
    reader = start_job(
        "reread",
        bootstrap=node.bootstrap,
        topic=COLD_TOPIC,
        partitions=PARTITIONS,
        windows=windows,
        seconds=seconds,
    )
    try:
        assert reader.stdin is not None and reader.stdout is not None
        said = reader.stdout.readline().strip()
        if said != "ready":
            raise RuntimeError(f"the reader said {said!r}")
        threading.Timer(PRODUCER_STARTS_SECONDS, _begin, [reader.stdin]).start()
        yield read
        read += finish_job(reader)["windows"]
    finally:
        stop.set()
        forgetting.join()
        if reader.poll() is None:
            reader.kill()
            reader.wait()


def _begin(stdin: IO[str]) -> None:
    stdin.write("begin\n")
    stdin.flush()


def _forget(files: list[Path], stop: threading.Event) -> None:
    while not stop.wait(FORGET_SECONDS):
        for path in files:
            try:
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
            except FileNotFoundError:
                pass  # merged into a larger one meanwhile
