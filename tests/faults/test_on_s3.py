"""A real broker process with store and WAL in a bucket that fails, killed and started again."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

import anabranch
from tests.support.broker import BrokerProcess
from tests.support.postgres import fresh_url
from tests.support.s3 import BUCKET, S3Place, is_real
from tests.support.s3_proxy import FaultyS3

PARTITIONS = 3
RECORDS = 6000 if is_real() else 1500
FAULTS = {"refuse": 0.04, "lose": 0.04, "conflict": 0.03, "drop": 0.03, "stall": 0.004}
CONFIG = """
[topics]
partitions = 3
[log]
wal_linger_ms = 20
wal_grace_ms = 1000
merge_age_ms = 1500
background_interval_ms = 300
"""


def acknowledged(broker: BrokerProcess, kill_after: int) -> dict[tuple[int, int], bytes]:
    """Produce with idempotence while the broker is killed once and started again: what was acked."""
    acks: dict[tuple[int, int], bytes] = {}
    failures: list[Any] = []
    reached = threading.Event()

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(error)
            return
        acks[message.partition(), message.offset()] = message.value()
        if len(acks) >= kill_after:
            reached.set()

    def kill_and_start() -> None:
        if reached.wait(60):
            broker.kill()
            broker.start()

    killer = threading.Thread(target=kill_and_start)
    killer.start()
    producer = Producer(
        {
            "bootstrap.servers": broker.address,
            "enable.idempotence": True,
            "linger.ms": 5,
            "message.timeout.ms": 100_000,
            "batch.num.messages": 50,
        }
    )
    for number in range(RECORDS):
        partition = number % PARTITIONS
        value = b"%d" % number
        producer.produce("t", value, partition=partition, on_delivery=delivered)
        producer.poll(0.002)
    assert producer.flush(110) == 0 and not failures, failures[:3]
    killer.join(60)
    assert len(acks) == RECORDS
    return acks


def consumed(broker: BrokerProcess) -> dict[tuple[int, int], bytes]:
    consumer = Consumer(
        {"bootstrap.servers": broker.address, "group.id": "check", "enable.auto.commit": False}
    )
    consumer.assign([TopicPartition("t", partition, 0) for partition in range(PARTITIONS)])
    found: dict[tuple[int, int], bytes] = {}
    deadline = time.monotonic() + 90
    while len(found) < RECORDS and time.monotonic() < deadline:
        for message in consumer.consume(500, timeout=1.0):
            if message.error():
                raise KafkaException(message.error())
            found[message.partition(), message.offset()] = message.value()
    consumer.close()
    return found


@pytest.mark.faults
@pytest.mark.s3
@pytest.mark.timeout(300)
def test_i1_i5_everything_acknowledged_is_there_once_and_in_order(
    s3: S3Place, tmp_path: Path
) -> None:
    proxy = FaultyS3(s3.endpoint, FAULTS, seed=11)
    url = f"s3://{BUCKET}/{s3.prefix}?endpoint={proxy.endpoint}"
    config = tmp_path / "broker.toml"
    config.write_text(CONFIG)
    broker = BrokerProcess(
        tmp_path / "data", arguments=["--config", str(config), "--store", url, "--wal", url]
    )
    try:
        with broker:
            acks = acknowledged(broker, kill_after=RECORDS // 3)
            assert consumed(broker) == acks
            for partition in range(PARTITIONS):
                mine = [acks[at] for at in sorted(acks) if at[0] == partition]
                assert mine == sorted(mine, key=int)
            # Merging and collection go on under faults, and nothing is lost by them.
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                if merged(s3) and len(wal_objects(s3)) < 20:
                    break
                time.sleep(0.5)
            assert merged(s3)
            assert consumed(broker) == acks
        assert min(proxy.injected[fault] for fault in ("refuse", "lose", "drop")) > 0
        proxy.calm = True
        read = [
            (batch.column("partition")[row].as_py(), batch.column("offset")[row].as_py())
            for batch in anabranch.read(tmp_path / "data", "t")
            for row in range(batch.num_rows)
        ]
        assert sorted(read) == sorted(acks)
    finally:
        proxy.close()


@pytest.mark.faults
@pytest.mark.s3
@pytest.mark.timeout(300)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_i4_brokers_without_a_data_directory_share_a_metastore_and_a_bucket(
    s3: S3Place, tmp_path: Path, engine: str
) -> None:
    """As on several machines: no data directory, no lock files; numbers and epochs from the metastore."""
    metastore = fresh_url() if engine == "postgres" else f"sqlite://{tmp_path / 'metastore.db'}"
    config = tmp_path / "broker.toml"
    config.write_text(CONFIG)
    where = ["--metastore", metastore, "--store", s3.url, "--wal", s3.url]
    arguments = ["--config", str(config), *where]
    acks: dict[tuple[int, int], bytes] = {}
    failures: list[Any] = []

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(error)
        else:
            acks[message.partition(), message.offset()] = message.value()

    with (
        BrokerProcess(None, arguments=arguments) as first,
        BrokerProcess(None, arguments=arguments) as second,
    ):
        producer = Producer(
            {
                "bootstrap.servers": f"{first.address},{second.address}",
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.timeout.ms": 100_000,
                "topic.metadata.refresh.interval.ms": 1000,
            }
        )
        for number in range(RECORDS):
            producer.produce(
                "t", b"%d" % number, partition=number % PARTITIONS, on_delivery=delivered
            )
            producer.poll(0.002)
            if number == RECORDS // 2:
                first.kill()
        assert producer.flush(110) == 0 and not failures, failures[:3]
        assert len(acks) == RECORDS
        assert consumed(second) == acks
    values = {
        (batch.column("partition")[row].as_py(), batch.column("offset")[row].as_py())
        for batch in anabranch.read(metastore, "t")  # nobody runs: the URL is all that is needed
        for row in range(batch.num_rows)
    }
    assert values == set(acks)


def wal_objects(s3: S3Place) -> list[Any]:
    from anabranch.storage.store import open_store

    return list(open_store(s3.url).list("wal/"))


def merged(s3: S3Place) -> list[Any]:
    """Segments, and the packs that small partitions share."""
    from anabranch.storage.store import open_store

    return [info for info in open_store(s3.url).list("") if info.key.endswith((".log", ".pack"))]
