"""I9 from end to end, wherever metastore, store and WAL are: a cluster that is rebuilt there goes on for its clients."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.rebuild.opening import rebuild_cluster
from anabranch.log.rebuild.report import Report, quiet
from anabranch.metastore.opening import open_metastore
from anabranch.metastore.postgres.engine import PostgresMetastore
from anabranch.metastore.tx import Tx
from tests.support.broker import BrokerThread
from tests.support.postgres import postgres_url
from tests.support.s3 import S3Place

TOPIC, GROUP = "events", "views"
QUIET: dict[str, Any] = {"log_level": 0}


class Cluster(NamedTuple):
    """Where a cluster is before and after the loss of its metastore."""

    old: Location
    new: Location
    data: Path

    def broker(self, where: Location) -> BrokerThread:
        return BrokerThread(self.data, metastore=where.metastore, store=where.store, wal=where.wal)


@pytest.fixture(params=["sqlite to postgres", "postgres to postgres, s3", "postgres to sqlite, s3"])
def cluster(request: pytest.FixtureRequest, tmp_path: Path) -> Cluster:
    metastores, _, places = request.param.partition(", ")
    before, _, after = metastores.partition(" to ")
    store, wal = f"file://{tmp_path}/store", f"file://{tmp_path}/wal"
    if places == "s3":
        s3: S3Place = request.getfixturevalue("s3")
        store = wal = s3.url

    def location(engine: str, name: str) -> Location:
        metastore = postgres_url() if engine == "postgres" else str(tmp_path / f"{name}.db")
        return Location(metastore=metastore, store=store, wal=wal)

    return Cluster(location(before, "old"), location(after, "new"), tmp_path / "data")


def produce(address: str, first: int, end: int, topic: str = TOPIC) -> None:
    producer = Producer({"bootstrap.servers": address, "enable.idempotence": True, **QUIET})
    for number in range(first, end):
        producer.produce(topic, b"%d" % number, partition=number % 2)
    assert producer.flush(60) == 0


def consume(address: str, count: int, group: str = GROUP, topic: str = TOPIC) -> set[int]:
    """``count`` records from where the group is, and commit."""
    consumer = Consumer(
        {
            "bootstrap.servers": address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            **QUIET,
        }
    )
    consumer.subscribe([topic])
    found: set[int] = set()
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count} records came"
        for message in consumer.consume(count - len(found), 0.5):
            assert message.error() is None, message.error()
            found.add(int(message.value()))
    consumer.commit(asynchronous=False)
    consumer.close()
    return found


def create(address: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": address, **QUIET})
    admin.create_topics([NewTopic(name, 2)])[name].result(60)


def delete(address: str, name: str) -> None:
    admin = AdminClient({"bootstrap.servers": address, **QUIET})
    admin.delete_topics([name])[name].result(60)


def rebuild(where: Location) -> Report:
    return asyncio.run(rebuild_cluster(where, quiet))


def test_I9_a_rebuilt_cluster_serves_old_and_new_clients(cluster: Cluster) -> None:
    with cluster.broker(cluster.old) as broker:
        create(broker.address, TOPIC)
        create(broker.address, "gone")
        delete(broker.address, "gone")
        produce(broker.address, 0, 200)
        first = consume(broker.address, 80)
    report = rebuild(cluster.new)
    assert report.exact, report.findings
    assert (report.figures.topics, report.figures.groups) == (1, 1)

    with pytest.raises(UserFault, match=r"not empty|exists"):
        rebuild(cluster.new)
    assert_numbers_go_on(cluster.new)

    for start in range(2):
        with cluster.broker(cluster.new) as broker:
            produce(broker.address, 200 + 50 * start, 250 + 50 * start)
            create(broker.address, f"new-{start}")
            produce(broker.address, 0, 10, f"new-{start}")
            assert consume(broker.address, 10, f"g{start}", f"new-{start}") == {*range(10)}
            if start:
                assert first | consume(broker.address, 220) == {*range(300)}
    done = subprocess.run(
        [sys.executable, "-m", "anabranch.cli.main", "check",
         "--metastore", str(cluster.new.metastore)],
        capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr

    old = cluster.broker(cluster.old)
    with pytest.raises(UserFault, match="is not the store that this cluster uses"), old:
        pass


def assert_numbers_go_on(where: Location) -> None:
    """No number that PostgreSQL gives from now on is one that a moved row has."""
    metastore = open_metastore(
        where.where_metastore, now_ms=0, new_cluster_id=lambda: pytest.fail("there is a cluster")
    )
    try:
        if isinstance(metastore, PostgresMetastore):
            engine = metastore

            async def numbered() -> int:
                return await engine._write(_numbered)

            assert asyncio.run(numbered()) > 3
    finally:
        metastore.close()


def _numbered(tx: Tx) -> int:
    numbered = tx.execute(
        "SELECT table_name, column_name FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_identity = 'YES'"
    ).fetchall()
    for table, column in numbered:
        given, there = tx.execute(
            f"SELECT nextval(pg_get_serial_sequence('{table}', '{column}')), "
            f"(SELECT coalesce(max({column}), 0) FROM {table})"
        ).fetchone()
        assert given > there, f"{table}.{column}"
    return len(numbered)
