"""A replay that throttles itself beside live traffic: what producers feel, what the replay still gets.

A paced producer writes 1 KB records to a live topic, for a while alone, beside a replay, and alone again: p99 moves
between 4 and 20 ms on one machine within minutes, so the baseline is that of both neighbours. The replay reads a stored
topic and slows down automatically, two ways in turn: as is recommended on one machine, with a broker of its *own*
(`replay --own-broker`), and on the *live* broker that the producer uses. Once each is *free*, without a producer
and without slowing down, the same way: the denominator. That is more than what is free beside live traffic, which takes half of two
cores here; so what an own broker that does not slow down gets beside the producer stands there as well (*unthrottled*).

The figures: live p99 over its baseline, the throttled replay's throughput over the free one's, and the error of the ETA
at half way, under a constant rate limit without slowing down. The replay is `anabranch replay` with a librdkafka
consumer as its command; its pages are in memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
QUIET_S = 6.0  # the baseline; what appends usually take is learned in it
LEAD_S = 3.0  # of the replay's command: its start
CLEARED_S = 4.0  # its end: two commands, which have a processor's time of their own


@dataclass(frozen=True)
class Way:
    """How a replay is started, and what it is called in the report."""

    row: str
    options: tuple[str, ...]
    free: str | None = None  # the row of the same way without a producer


OWN = Way("anabranch", ("--own-broker",), "free")
SAME = Way("anabranch, on the live broker", (), "free, on the live broker")
UNTHROTTLED = Way("unthrottled", ("--own-broker", "--no-slow-down"))


def measure(parent: Path, scale: Scale, report: Report) -> None:
    quick = scale.rounds == 1
    size = (3 if quick else 5) * scale.stored_bytes
    data = parent / NAME
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
    # What is written while somebody is measured is not merged meanwhile (bench.stored).
    with AnabranchNode(data, settings=MEASURING) as node:
        settle()
        plan = _anabranch(node, "plan", GROUP, "--from-start", "--topic", STORED)["id"]
        seconds = 6.0 if quick else 10.0
        _live(node, 4.0)  # warms the path; not counted
        for way in (OWN, SAME):
            assert way.free is not None
            rate = _replay(node, plan, *way.options, "--no-slow-down", seconds=seconds)
            report.add(THROTTLE_BESIDE, "MB/s", way.free, rate / 1e6)
        for way in [OWN] * scale.rounds + [SAME, UNTHROTTLED]:
            _beside(node, plan, way, seconds, report)
        _eta(node, plan, size, report)


def _beside(node: AnabranchNode, plan: str, way: Way, seconds: float, report: Report) -> None:
    settle()
    live = start_job(
        "steady", bootstrap=node.bootstrap, topic=LIVE, size=RECORD_BYTES,
        rate=RECORDS_PER_SECOND, seconds=2 * QUIET_S + LEAD_S + seconds + CLEARED_S,
    )  # fmt: skip
    begun = time.monotonic()
    time.sleep(QUIET_S)
    window: list[float] = []
    rate = _replay(node, plan, *way.options, seconds=seconds, window=window)
    cleared = time.monotonic() + 1.0
    produced = finish_job(live)
    taken = list(zip(produced["due"], produced["milliseconds"], strict=True))
    alone = [ms for due, ms in taken if begun + 1 <= due < begun + QUIET_S or due >= cleared]
    beside = [ms for due, ms in taken if window[0] <= due < window[1]]
    for name, found in (("without a replay", alone), ("beside a replay", beside)):
        for label, share in (("p50", 0.50), ("p99", 0.99)):
            report.add(
                f"live produce {label}, {name}",
                "ms",
                way.row,
                percentile(found, share),
                higher_is_better=False,
            )
    ratio = percentile(beside, 0.99) / percentile(alone, 0.99)
    report.add(THROTTLE_RATIO, "x", way.row, ratio, higher_is_better=False)
    report.add(THROTTLE_BESIDE, "MB/s", way.row, rate / 1e6)


def _live(node: AnabranchNode, seconds: float) -> None:
    run_job(
        "steady",
        bootstrap=node.bootstrap,
        topic=LIVE,
        size=RECORD_BYTES,
        rate=RECORDS_PER_SECOND,
        seconds=seconds,
    )


def _replay(
    node: AnabranchNode,
    plan: str,
    *options: str,
    seconds: float,
    window: list[float] | None = None,
) -> float:
    """Bytes per second that a replay gets within ``seconds`` from its first progress on (or until it is done)."""
    before = _session(node).get("id")
    process = _start(node, plan, *options)
    identity = ""
    try:
        while True:
            session = _session(node)
            left = [sample[2] for sample in session.get("samples", ())]
            if session.get("id") != before and left and left[-1] < left[0]:
                break
            assert process.poll() is None, "the replay ended before it began"
            time.sleep(0.1)
        began, first, identity = time.monotonic(), left[-1], session["id"]
        while time.monotonic() < began + seconds and process.poll() is None:
            time.sleep(0.2)
        ended = time.monotonic()
        last = _session(node)["samples"][-1][2]
        if window is not None:
            window += [began, ended]
        return float((first - last) / (ended - began))
    finally:
        if process.poll() is None:
            _anabranch(node, "replay", "--cancel", identity, parse=False)
        process.wait(60)
        if identity:
            _anabranch(node, "replay", "--discard", identity, parse=False)


def _eta(node: AnabranchNode, plan: str, size: int, report: Report) -> None:
    process = _start(node, plan, "--rate", str(size // ETA_SECONDS), "--no-slow-down")
    assert process.wait(6 * ETA_SECONDS) == 0
    for one in _session(node)["milestones"]:
        if one["error"] is not None:
            label = THROTTLE_ETA if one["percent"] == 50 else f"ETA error at {one['percent']} %"
            report.add(label, "%", "anabranch", abs(100 * one["error"]), higher_is_better=False)


def _start(node: AnabranchNode, plan: str, *options: str) -> subprocess.Popen[bytes]:
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
        *(*options, "--", sys.executable, "-m", "bench.client", "drain", "{}"),
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
