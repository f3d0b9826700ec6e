"""Transactional produce: one librdkafka producer, small and large transactions.

Small: one record to each of ten partitions, committed at once; transactions per second. Large: as many 1 KB
records as the client can hand over in 100 ms, to four partitions; records per second, all of them committed.
"""

from __future__ import annotations

from bench.systems import Live, run_job, settle

NAME = "transactions"
SMALL_PARTITIONS = 10
LARGE_PARTITIONS = 4
LARGE_MS = 100
LARGE_BYTES = 1000
SECONDS = 5.0
WARM_SECONDS = 3.0  # of each, not counted: a fresh JVM's transactions take three times as long


def sample(live: Live) -> None:
    _run(live, SMALL_PARTITIONS, size=100, lasting_ms=0, seconds=WARM_SECONDS)
    _run(live, LARGE_PARTITIONS, size=LARGE_BYTES, lasting_ms=LARGE_MS, seconds=WARM_SECONDS)
    for _ in range(live.scale.repeats):
        done = _run(live, SMALL_PARTITIONS, size=100, lasting_ms=0)
        live.report.add(
            f"transactions of one record to each of {SMALL_PARTITIONS} partitions",
            "transactions/s",
            live.system,
            done["transactions"] / done["seconds"],
        )
        done = _run(live, LARGE_PARTITIONS, size=LARGE_BYTES, lasting_ms=LARGE_MS)
        live.report.add(
            f"transactions of {LARGE_MS} ms of 1 KB records",
            "records/s",
            live.system,
            done["records"] / done["seconds"],
        )


def _run(
    live: Live, partitions: int, *, size: int, lasting_ms: int, seconds: float = SECONDS
) -> dict[str, float]:
    topic = live.topic(partitions)
    settle()
    done = run_job(
        "transact",
        bootstrap=live.node.bootstrap,
        topic=topic,
        partitions=partitions,
        size=size,
        lasting_ms=lasting_ms,
        seconds=seconds,
    )
    live.drop(topic)
    return done
