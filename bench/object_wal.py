"""Store and write-ahead log in a bucket of a real S3 server (radosgw in memory, on this machine).

How many requests a gigabyte costs from its producer into segments, what a synchronous producer waits for
a flush that collects appends for a while (`wal_linger_ms`), and what one pipelined connection gets through.
The broker runs in this process, so that its own counters tell what it asked of the store.
"""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter
from pathlib import Path

from tests.support.broker import BrokerThread
from tests.support.s3 import ACCESS_KEY, RADOSGW_PROGRAMS, SECRET_KEY, RadosGateway, S3Place

from anabranch.log.settings import LogSettings
from bench.produce import PARTITIONS, records_for
from bench.report import Report, percentile
from bench.systems import Scale, run_job, settle

NAME = "s3"
SYSTEM = "anabranch on S3"
RECORD_BYTES = 1000
WARM = 20
LATENCY_SHARE = 10  # of the records that a WAL on files is measured with: each takes so much longer
MERGE_SECONDS_MAX = 60.0
# S3's list price in us-east-1, $ per 1000 requests; deletions are free.
PRICES = {"PUT": 0.005, "POST": 0.005, "LIST": 0.005, "GET": 0.0004, "HEAD": 0.0004}


def measure(parent: Path, scale: Scale, report: Report) -> None:
    """Every round on a fresh server."""
    missing = [name for name in RADOSGW_PROGRAMS if shutil.which(name) is None]
    if missing:
        report.notes.append(f"{NAME} is left out: no {', '.join(missing)}")
        return
    os.environ.update({"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY})
    for number in range(scale.rounds):
        directory = parent / f"{NAME}-{number}"
        directory.mkdir()
        server = RadosGateway(directory)
        place = S3Place(server.endpoint, "bench")
        log = LogSettings(merge_age_ms=2000, background_interval_ms=500, wal_grace_ms=1000)
        try:
            with BrokerThread(
                directory / "data", log=log, store=place.url, wal=place.url
            ) as broker:
                _latency(broker, scale, report)
                _requests(broker, scale, report)
        finally:
            server.close()


def _latency(broker: BrokerThread, scale: Scale, report: Report) -> None:
    """One record at a time: the linger, one PUT and a commit."""
    settle()
    done = run_job(
        "latency",
        bootstrap=broker.address,
        topic="latency",
        size=RECORD_BYTES,
        records=max(20, scale.latency_records // LATENCY_SHARE),
        warm=WARM,
    )
    for name, share in (("p50", 0.50), ("p99", 0.99)):
        value = percentile(done["milliseconds"], share)
        report.add(f"sync produce {name}", "ms", SYSTEM, value, higher_is_better=False)


def _requests(broker: BrokerThread, scale: Scale, report: Report) -> None:
    """A burst from one producer, until all of it lies in segments and the log is empty again."""
    assert broker.broker is not None
    log = broker.broker.log
    assert log.opened_store is not None and log.opened_wal_store is not None
    stores = (log.opened_store, log.opened_wal_store)
    _merged(broker)
    before = sum((Counter(store.requests) for store in stores), Counter())
    records = records_for(RECORD_BYTES, scale.produce_bytes * 4)
    settle()
    topic = "burst"
    broker.run(log.create_topic(topic, PARTITIONS, {}))
    done = run_job(
        "produce", bootstrap=broker.address, topic=topic, size=RECORD_BYTES, records=records
    )
    report.add("produce 1 KB", "records/s", SYSTEM, done["records"] / done["seconds"])
    if not _merged(broker):
        report.notes.append(f"{SYSTEM}: not everything was merged within {MERGE_SECONDS_MAX:g} s")
    after = sum((Counter(store.requests) for store in stores), Counter())
    gigabytes = records * RECORD_BYTES / 1e9
    made = {verb: (after[verb] - before[verb]) / gigabytes for verb in sorted(after)}
    for verb, count in made.items():
        report.add(f"S3 {verb} per GB", "requests", SYSTEM, count, higher_is_better=False)
    cents = 100 * sum(count * PRICES.get(verb, 0) / 1000 for verb, count in made.items())
    report.add("S3 requests per GB", "cents", SYSTEM, cents, higher_is_better=False)


def _merged(broker: BrokerThread) -> bool:
    """Wait until nothing lies in the WAL any more."""
    assert broker.broker is not None
    metastore = broker.broker.log.metastore
    deadline = time.monotonic() + MERGE_SECONDS_MAX
    while time.monotonic() < deadline:
        if not broker.run(metastore.backlogs(1)) and not broker.run(metastore.wal_objects()):
            return True
        time.sleep(0.25)
    return False
