"""I9 from end to end: a real broker is killed, its metastore is lost, and clients go on after the rebuild."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer

from tests.support.broker import BrokerProcess
from tests.support.postgres import postgres_url
from tests.support.s3 import S3Place

pytestmark = pytest.mark.faults

QUIET: dict[str, Any] = {"log_level": 0, "error_cb": lambda *_: None}
TOPIC, GROUP = "events", "views"


def produce(address: str, first: int, end: int) -> None:
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, **QUIET})
    for number in range(first, end):
        producer.produce(TOPIC, b"%d" % number)
        if number % 100 == 0:
            assert producer.flush(30) == 0
    assert producer.flush(30) == 0


def consume(address: str, count: int) -> list[int]:
    """``count`` records from where the group is, and commit."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": GROUP,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    consumer.subscribe([TOPIC])
    found: list[int] = []
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records came"
        for message in consumer.consume(min(100, count - len(found)), 0.5):
            assert message.error() is None, message.error()
            found.append(int(message.value()))
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


def lose_metastore(data: Path) -> None:
    (data / "lost").mkdir()
    for path in data.glob("metastore.db*"):
        path.rename(data / "lost" / path.name)


def rebuild(data: Path, status: int) -> dict[str, Any]:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "anabranch.cli.main",
            "rebuild",
            "--data",
            str(data),
            "--output",
            "json",
        ],
        capture_output=True,
        text=True,
        env=dict(os.environ),
    )
    assert done.returncode == status, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_I1_I4_I9_a_group_goes_on_after_a_rebuild(tmp_path: Path, end: str) -> None:
    data = tmp_path / "data"
    broker = BrokerProcess(data).start()
    try:
        produce(broker.address, 0, 3000)
        first = consume(broker.address, 1000)
        time.sleep(2.5)  # the commit is in the journal
        produce(broker.address, 3000, 5000)  # and these perhaps are not
    finally:
        broker.kill() if end == "killed" else broker.stop()
    lose_metastore(data)
    # Who was killed may have committed offsets in its last second: the report says so, and so does the status.
    report = rebuild(data, 0 if end == "stopped" else 1)
    assert report["exact"] == (end == "stopped"), report["findings"]
    kinds = {finding["kind"] for finding in report["findings"]}
    assert kinds <= {"recovered from the WAL", "left aside", "newer than the journal"}
    assert report["figures"]["groups"] == 1

    broker = BrokerProcess(data).start()
    try:
        produce(broker.address, 5000, 6000)
        rest = consume(broker.address, 5000)
        assert first + rest == [*range(6000)], "every record once, in order"
    finally:
        broker.stop()

    # Whoever comes back with the old metastore is refused: its bucket is another's by now.
    for path in data.glob("metastore.db*"):
        path.unlink()
    for path in (data / "lost").iterdir():
        path.rename(data / path.name)
    with pytest.raises(AssertionError, match="is not the store that this cluster uses"):
        BrokerProcess(data).start()


def test_a_rebuild_overwrites_nothing_and_waits_for_no_living_broker(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with BrokerProcess(data) as broker:
        produce(broker.address, 0, 10)
        done = subprocess.run(
            [sys.executable, "-m", "anabranch.cli.main", "rebuild", "--data", str(data),
             "--metastore", str(tmp_path / "new.db")],
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == 2 and "stop all brokers" in done.stderr
        assert not (tmp_path / "new.db").exists()
    before = (data / "metastore.db").read_bytes()
    done = subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", "rebuild", "--data", str(data)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "overwrites nothing" in done.stderr
    assert (data / "metastore.db").read_bytes() == before


def test_I1_I4_I9_killed_on_postgresql_and_s3_and_rebuilt_into_another_database(
    tmp_path: Path, s3: S3Place
) -> None:
    """Nothing is left but the bucket, which holds store and WAL."""

    def arguments(metastore: str) -> list[str]:
        return ["--metastore", metastore, "--store", s3.url, "--wal", s3.url]

    old, new = arguments(postgres_url()), arguments(postgres_url())
    broker = BrokerProcess(None, arguments=old).start()
    try:
        produce(broker.address, 0, 300)
        first = consume(broker.address, 100)
        time.sleep(2.5)  # the commit is in the journal
        produce(broker.address, 300, 500)
    finally:
        broker.kill()
    command = [sys.executable, "-m", "anabranch.cli.main", "rebuild", "--output", "json", *new]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    report = json.loads(done.stdout)
    kinds = {finding["kind"] for finding in report["findings"]}
    assert kinds <= {"recovered from the WAL", "newer than the journal"}, report["findings"]
    with BrokerProcess(None, arguments=new) as broker:
        produce(broker.address, 500, 600)
        assert first + consume(broker.address, 500) == [*range(600)], "every record once, in order"
    with pytest.raises(AssertionError, match="is not the store that this cluster uses"):
        BrokerProcess(None, arguments=old).start()
