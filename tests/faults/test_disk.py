"""Torn tails, full and read-only disks: clear errors, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from anabranch.storage.wal_scan import scan_frames

from .conftest import BrokerProcess, run_cli

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

TOPIC = "t"
QUIET = {"log_level": 0, "error_cb": lambda error: None}


def produce(
    bootstrap: str, values: list[bytes], *, timeout_ms: int = 20_000, topic: str = TOPIC
) -> dict[int, bytes]:
    """What was acknowledged, by offset in partition 0."""
    acked: dict[int, bytes] = {}

    def delivered(error: object, message: object) -> None:
        if error is None:
            acked[message.offset()] = message.value()  # type: ignore[attr-defined]

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "message.timeout.ms": timeout_ms,
            "batch.size": 200_000,
            **QUIET,
        }
    )
    for value in values:
        producer.produce(topic, value, partition=0, on_delivery=delivered)
        producer.poll(0)
    producer.flush(timeout_ms / 1000 + 10)
    return acked


def read(bootstrap: str, count: int, topic: str = TOPIC) -> dict[int, bytes]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "audit", **QUIET})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found: dict[int, bytes] = {}
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        for message in consumer.consume(1000, 0.5):
            if message.error() is None:
                found[message.offset()] = message.value()
    consumer.close()
    return found


def newest_wal(data: Path) -> Path:
    files = [path for path in (data / "wal").glob("*.wal") if not path.name.startswith("spare")]
    return max(files, key=lambda path: path.stat().st_mtime_ns)


@pytest.mark.parametrize("damage", ["garbage", "zeros", "cut", "half a frame"])
def test_I1_a_torn_wal_tail_costs_nothing_acknowledged(broker: BrokerProcess, damage: str) -> None:
    acked = produce(broker.bootstrap, [b"%d" % n for n in range(500)])
    assert len(acked) == 500
    broker.kill()
    wal = newest_wal(broker.data)
    frames = list(scan_frames(wal))
    end = frames[-1].position + frames[-1].length
    with wal.open("r+b") as file:
        if damage == "cut":
            file.truncate(end)
        else:
            file.seek(end)
            first = wal.read_bytes()[frames[0].position :][: frames[0].length]
            tail = {"garbage": os.urandom(9000), "zeros": bytes(9000)}.get(damage)
            file.write(tail if tail is not None else first[: len(first) // 2])
    broker.start()
    assert read(broker.bootstrap, 500) == acked
    more = produce(broker.bootstrap, [b"more"])
    assert more == {500: b"more"}


def test_a_lost_wal_file_fails_its_range_only(broker: BrokerProcess) -> None:
    produce(broker.bootstrap, [b"lost"], topic="damaged")
    broker.kill()
    newest_wal(broker.data).unlink()
    broker.start()
    acked = produce(broker.bootstrap, [b"a", b"b"], topic="other")
    assert read(broker.bootstrap, 2, topic="other") == acked
    assert read_error(broker.bootstrap, "damaged")
    assert broker.alive()


def read_error(bootstrap: str, topic: str) -> bool:
    """Nothing is delivered from the damaged range, and the consumer is not answered with silence."""
    seen: list[str] = []
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "audit",
            "log_level": 7,
            "debug": "fetch",
            "error_cb": lambda error: None,
            "logger": _Collect(seen),
        }
    )
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and not any("KAFKA_STORAGE_ERROR" in line for line in seen):
        message = consumer.poll(0.2)
        assert message is None or message.error() is not None
    consumer.close()
    return any("KAFKA_STORAGE_ERROR" in line or "storage" in line.lower() for line in seen)


class _Collect:
    """As much of a logger as librdkafka wants."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def log(self, level: int, text: str, *arguments: object) -> None:
        self._lines.append(text % arguments if arguments else text)


def test_I1_a_full_disk_refuses_clearly_and_loses_nothing(
    small_disk: Callable[[int], Path], tmp_path: Path
) -> None:
    disk = small_disk(400)
    broker = BrokerProcess(disk / "data", logs=tmp_path)
    broker.start()
    acked = produce(broker.bootstrap, [os.urandom(1000) for _ in range(1000)])
    assert len(acked) == 1000
    filler = disk / "filler"
    with filler.open("wb") as file:
        try:
            while True:
                file.write(bytes(1 << 20))
                file.flush()
        except OSError:
            pass
    big = [os.urandom(4000) for _ in range(90_000)]
    acked |= produce(broker.bootstrap, big, timeout_ms=8000)
    assert len(acked) < 91_000, "the disk never ran full: the test lost its point"
    assert broker.alive()
    assert "is full" in broker.stderr.read_text()
    filler.unlink()
    # An idempotent producer of its own: what timed out above may or may not be in the log.
    after = produce(broker.bootstrap, [b"after"], timeout_ms=30_000)
    assert list(after.values()) == [b"after"]
    broker.kill()
    broker.start()
    last = max(after)
    found = read(broker.bootstrap, last + 1)
    assert {offset: found.get(offset) for offset in acked} == acked
    assert found[last] == b"after"
    assert broker.stop() == 0


def test_read_only_directory_is_one_clear_sentence(small_disk: Callable[[int], Path]) -> None:
    disk = small_disk(400)
    broker = BrokerProcess(disk / "data")
    broker.start()
    acked = produce(broker.bootstrap, [b"kept"])
    broker.stop()
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    refused = run_cli("up", "--data", str(disk / "data"), "--listen", "127.0.0.1:0")
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert "read-only" in refused.stderr.lower()
    subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
    broker.start()
    assert read(broker.bootstrap, 1) == acked
    broker.stop()


def test_port_in_use_and_second_broker_are_one_clear_sentence(broker: BrokerProcess) -> None:
    second = run_cli("up", "--data", str(broker.data), "--listen", "127.0.0.1:0", "--node-id", "1")
    other = run_cli("up", "--data", f"{broker.data}-2", "--listen", broker.bootstrap)
    for refused in (second, other):
        assert refused.returncode == 1
        assert "Traceback" not in refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1, refused.stderr
    assert str(broker.port) in other.stderr
    assert str(broker.data) in second.stderr
