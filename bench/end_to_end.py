"""End-to-end latency at half of what the system can take: from `produce()` to the consumer's hands.

First the system's own maximum is measured with a follower at its heels, then a producer keeps to
half of that rate. Each record carries the time it was handed over; both processes read one clock.
"""

from __future__ import annotations

from typing import Any

from bench.produce import PARTITIONS, records_for
from bench.report import percentile
from bench.systems import Live, finish_job, following, run_job, settle, start_job

NAME = "end-to-end"
RECORD_BYTES = 1000
SECONDS = 4.0  # of which the first is not counted


def sample(live: Live) -> None:
    rate = maximum(live) / 2
    topic = live.topic(PARTITIONS)
    settle()
    records = int(rate * SECONDS)
    where: dict[str, Any] = {"bootstrap": live.node.bootstrap, "topic": topic}
    receiver = start_job("receive", **where, records=records, partitions=PARTITIONS)
    try:
        assert receiver.stdout is not None
        said = receiver.stdout.readline().strip()
        if said != "ready":
            raise RuntimeError(f"the receiver said {said!r}")
        run_job("pace", **where, size=RECORD_BYTES, records=records, per_second=rate)
        delays = finish_job(receiver)["milliseconds"]
    finally:
        if receiver.poll() is None:
            receiver.kill()
            receiver.wait()
    counted = delays[int(len(delays) / SECONDS) :]
    live.report.add("end to end at half load, rate", "records/s", live.system, rate)
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        live.report.add(
            f"end to end at half load {name}",
            "ms",
            live.system,
            percentile(counted, share),
            higher_is_better=False,
        )
    live.drop(topic)


def maximum(live: Live) -> float:
    """Records per second from the first produce to the last record received."""
    topic = live.topic(PARTITIONS)
    records = records_for(RECORD_BYTES, live.scale.produce_bytes)
    where: dict[str, Any] = {"bootstrap": live.node.bootstrap, "topic": topic, "records": records}
    settle()
    with following(**where, partitions=PARTITIONS) as follower:
        produced = run_job("produce", **where, size=RECORD_BYTES)
        followed = finish_job(follower)
    live.drop(topic)
    return records / float(followed["ended"] - produced["begun"])
