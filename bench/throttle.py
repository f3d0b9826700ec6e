"""A replay that throttles itself beside live traffic: what producers feel, what the replay still gets.

A paced producer writes 1 KB records to a live topic, for a while alone, beside a replay, and alone again: p99 moves
between 4 and 20 ms on one machine within minutes, so the baseline is that of both neighbours. The replay reads a stored
topic and slows down automatically, two ways in turn: as is recommended on one machine, with a broker of its *own*
(`replay --own-broker`), and on the *live* broker that the producer uses.

A replay lasts minutes to hours, so what counts is the *settled* rate: of half a minute, after ten seconds in which
the throttle finds it. How long it takes to half of that, and what producers feel meanwhile, stand beside it.

What is *free* is what live traffic leaves over: what an own broker that does not slow down gets beside the same
producer (*unthrottled*). The target is half of that. What either way gets with no producer at all (*free*) stands in
the report as well, once each; live traffic takes about a third of that on two cores, and no throttle gives it back.

The figures: live p99 over its baseline, the settled throughput over the free one's, and the error of the ETA at half
way, under a constant rate limit without slowing down. The replay is `anabranch replay` with a librdkafka consumer as its
command, which counts what it takes and begins anew at every end; its pages are in memory. MB are of values.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.peers import AnabranchNode

from bench.bulk_rebuild import await_segments as _await_segments
from bench.produce import PARTITIONS
from bench.report import (
    THROTTLE_BESIDE,
    THROTTLE_ETA,
    THROTTLE_RATIO,
    Report,
    percentile,
)
from bench.stored import LOADING, MEASURING
from bench.systems import ROOT, Scale, create_topic, finish_job, run_job, settle, start_job

NAME = "throttle"
STORED, LIVE, GROUP = "throttle-stored", "throttle-live", "throttle-view"
RECORD_BYTES = 1000
RECORDS_PER_SECOND = 500
LIMIT = "400MiB"  # above what a machine gives: the throttle alone decides
ETA_SECONDS = 16  # of the replay under a constant limit
QUIET_S = 15.0  # of the baseline, before and behind; what appends usually take is learned in it
WARM_S = 12.0  # of the producer, first: a broker knows what is usual after some twenty seconds
LEAD_S = 3.0  # of the replay's command: its start
CLEARED_S = 4.0  # its end: two commands, which have a processor's time of their own
START_S_MAX = 30.0  # of a replay, until it has read something
SPAN_S = 1.0  # of which the rate while it begins is one


class Phases(NamedTuple):
    """Seconds of a replay: to find its rate in, and to measure that."""

    ramp: float
    settled: float


FULL = Phases(10.0, 30.0)
QUICK = Phases(3.0, 4.0)


@dataclass(frozen=True)
class Way:
    """How a replay is started, and what it is called in the report."""

    row: str
    options: tuple[str, ...]
    free: str | None = None  # the row of the same way without a producer


OWN = Way("anabranch", (), "free")
SAME = Way("anabranch, on the live broker", ("--lane", "live"), "free, on the live broker")
UNTHROTTLED = Way("unthrottled", ("--no-slow-down",))
ROUND = (OWN, UNTHROTTLED, OWN, SAME)


def measure(parent: Path, scale: Scale, report: Report) -> None:
    quick = scale.rounds == 1
    size = (3 if quick else 5) * scale.stored_bytes
    data = parent / NAME
    load(data, size)
    # What is written while somebody is measured is not merged meanwhile (bench.stored).
    with AnabranchNode(data, settings=MEASURING) as node:
        plan = plan_of(node)
        phases = QUICK if quick else FULL
        for way in (OWN, SAME):
            alone(node, plan, way, phases, report)
        for way in ROUND * (scale.rounds if not quick else 1):
            beside(node, plan, way, phases, report)
        eta(node, plan, size, report)


def load(data: Path, size: int) -> None:
    """Store ``size`` bytes of values, all of them in segments, and a group that has read them."""
    with AnabranchNode(data, settings=LOADING) as node:
        create_topic(node, STORED, PARTITIONS)
        run_job(
            "produce",
            bootstrap=node.bootstrap,
            topic=STORED,
            size=RECORD_BYTES,
            records=size // RECORD_BYTES,
            key_bytes=8,
        )
        run_job(
            "commit_ends",
            bootstrap=node.bootstrap,
            topic=STORED,
            partitions=PARTITIONS,
            group=GROUP,
        )
        create_topic(node, LIVE, PARTITIONS)
        _await_segments(node)


def plan_of(node: AnabranchNode) -> str:
    """A plan over everything that is stored; the producer's path is warm afterwards."""
    settle()
    plan: str = _anabranch(node, "plan", GROUP, "--from-start", "--topic", STORED)["id"]
    run_job("steady", seconds=WARM_S, **_live(node))
    return plan


def alone(node: AnabranchNode, plan: str, way: Way, phases: Phases, report: Report) -> None:
    """What a replay gets without a producer."""
    assert way.free is not None
    process = Replay(node, plan, *way.options, "--no-slow-down")
    process.run(phases._replace(ramp=QUICK.ramp, settled=phases.settled / 3))
    report.add(THROTTLE_BESIDE, "MB/s", way.free, process.settled / 1e6)


def beside(node: AnabranchNode, plan: str, way: Way, phases: Phases, report: Report) -> None:
    """What a replay gets beside a producer, and what that feels."""
    settle()
    replaying_s = LEAD_S + phases.ramp + phases.settled + CLEARED_S
    live = start_job("steady", seconds=2 * QUIET_S + replaying_s, **_live(node))
    begun = time.monotonic()
    time.sleep(QUIET_S)
    process = Replay(node, plan, *way.options)
    process.run(phases)
    cleared = time.monotonic() + 1.0
    produced = finish_job(live)
    taken = list(zip(produced["due"], produced["milliseconds"], strict=True))
    quiet = [ms for due, ms in taken if begun + 1 <= due < begun + QUIET_S or due >= cleared]
    ramp = [ms for due, ms in taken if process.began <= due < process.from_s]
    settled = [ms for due, ms in taken if process.from_s <= due < process.until_s]
    found = {
        "without a replay": quiet,
        "while a replay finds its rate": ramp,
        "beside a replay": settled,
    }
    for name, times in found.items():
        for label, share in (("p50", 0.50), ("p99", 0.99)):
            figure = f"live produce {label}, {name}"
            report.add(figure, "ms", way.row, percentile(times, share), higher_is_better=False)
    ratio = percentile(settled, 0.99) / percentile(quiet, 0.99)
    report.add(THROTTLE_RATIO, "x", way.row, ratio, higher_is_better=False)
    report.add(THROTTLE_BESIDE, "MB/s", way.row, process.settled / 1e6)
    figure = "replay, until half of its settled rate"
    report.add(figure, "s", way.row, process.half_s, higher_is_better=False)


def eta(node: AnabranchNode, plan: str, size: int, report: Report) -> None:
    """How far the estimates of a replay to its end were off."""
    process = _start(node, plan, "--rate", str(size // ETA_SECONDS), "--no-slow-down")
    assert process.wait(6 * ETA_SECONDS) == 0
    for one in _session(node)["milestones"]:
        if one["error"] is not None:
            label = THROTTLE_ETA if one["percent"] == 50 else f"ETA error at {one['percent']} %"
            report.add(label, "%", "anabranch", abs(100 * one["error"]), higher_is_better=False)


class Replay:
    """One that goes round until it was measured; times are monotonic seconds."""

    def __init__(self, node: AnabranchNode, plan: str, *options: str) -> None:
        self._node = node
        self._before = _session(node).get("id")
        self._process = _start(node, plan, *options, again=True)
        self._output = Path()
        self._taken: list[tuple[float, int]] = []  # by when how many records
        self.began = self.from_s = self.until_s = 0.0

    def run(self, phases: Phases) -> None:
        """Raises AssertionError: it ended, or did not begin."""
        identity = self._identity()
        try:
            self._output = self._node.store_data / "replays" / f"{identity}.log"
            self.began = self._await_records()
            self.from_s = self.began + phases.ramp
            self.until_s = self.from_s + phases.settled
            time.sleep(max(0.0, self.until_s + SPAN_S - time.monotonic()))
            assert self._process.poll() is None, "the replay ended before it was measured"
            self._taken = self._counted()
        finally:
            _anabranch(self._node, "replay", "--cancel", identity, parse=False)
            self._process.wait(60)
            _anabranch(self._node, "replay", "--discard", identity, parse=False)

    @property
    def settled(self) -> float:
        """Bytes of values per second in the time that counts."""
        return self._rate(self.from_s, self.until_s)

    @property
    def half_s(self) -> float:
        """Seconds from the first records until it read at half of that for a while."""
        half = self.settled / 2
        for at, _ in self._taken:
            if self._rate(max(self.began, at - SPAN_S), at) >= half and at > self.began:
                return at - self.began
        return self.until_s - self.began

    def _rate(self, since: float, until: float) -> float:
        if until <= since:
            return 0.0
        return RECORD_BYTES * (self._by(until) - self._by(since)) / (until - since)

    def _by(self, at: float) -> float:
        """Records taken by then, evenly between two counts."""
        index = bisect_left(self._taken, at, key=lambda pair: pair[0])
        if index == 0:
            return float(self._taken[0][1])
        if index == len(self._taken):
            return float(self._taken[-1][1])
        (before, low), (after, high) = self._taken[index - 1], self._taken[index]
        return low + (high - low) * (at - before) / (after - before)

    def _identity(self) -> str:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            session = _session(self._node)
            if session and session["id"] != self._before:
                return str(session["id"])
            assert self._process.poll() is None, "the replay ended before it began"
            time.sleep(0.1)
        self._process.kill()
        raise AssertionError("there is no replay")

    def _await_records(self) -> float:
        deadline = time.monotonic() + START_S_MAX
        while time.monotonic() < deadline:
            if counted := self._counted():
                return counted[0][0]
            assert self._process.poll() is None, "the replay ended before it began"
            time.sleep(0.1)
        raise AssertionError("the replay reads nothing")

    def _counted(self) -> list[tuple[float, int]]:
        if not self._output.exists():
            return []
        lines = self._output.read_text().splitlines()
        found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
        return [(one["at"], one["records"]) for one in found if one]


def _live(node: AnabranchNode) -> dict[str, Any]:
    return {
        "bootstrap": node.bootstrap,
        "topic": LIVE,
        "size": RECORD_BYTES,
        "rate": RECORDS_PER_SECOND,
    }


def _start(
    node: AnabranchNode, plan: str, *options: str, again: bool = False
) -> subprocess.Popen[bytes]:
    command = [
        *(
            sys.executable,
            "-m",
            "anabranch.cli.main",
            "replay",
            plan,
            "--data",
            str(node.store_data),
        ),
        *(() if "--rate" in options else ("--rate", LIMIT)),
        *(*options, "--", sys.executable, "-m", "bench.client", "drain"),
        json.dumps({"again": again}),
    ]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def _session(node: AnabranchNode) -> dict[str, Any]:
    """The newest, read in this process: a command takes half a second of a core to start."""
    import sqlite3

    with sqlite3.connect(f"file:{node.store_data / 'metastore.db'}?mode=ro", uri=True) as metastore:
        row = metastore.execute(
            "SELECT body FROM document WHERE kind = 'replay' ORDER BY created_ms DESC, id DESC LIMIT 1"
        ).fetchone()
    return json.loads(row[0]) if row else {}


def _anabranch(node: AnabranchNode, *arguments: str, parse: bool = True) -> Any:
    command = [
        sys.executable,
        "-m",
        "anabranch.cli.main",
        *arguments,
        "--data",
        str(node.store_data),
    ]
    done = subprocess.run(
        [*command, *(["--output", "json"] if parse else [])],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout) if parse else done.stdout
