"""Duplicates forecast by a plan against duplicates that happen, on a sink that appends and one that upserts.

A group fills both tables and commits, once a second, behind them; a plan is made; the group is set back to
the plan's restart and reads again. What is there twice is counted in the tables themselves, by SQL, and by
the sinks' meters, which must agree. One topic is plain; in the other, producers' transactions put a marker
after every ten records of a partition, and every tenth transaction is aborted, so that not every offset is a
record.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from pathlib import Path

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from anabranch.log.opening import open_log
from anabranch.log.settings import LogSettings
from anabranch.recovery.model import SinkClass
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.plan import Plan
from anabranch.recovery.sinks.compare import compare
from anabranch.recovery.sinks.locations import read_sink
from anabranch.recovery.sinks.meter import Meter
from anabranch.recovery.sinks.source import sources_from_admin
from bench.report import Report
from bench.systems import SYSTEMS, Scale, create_topic

NAME = "duplicates"
PARTITIONS = 4
RECORDS, RECORDS_QUICK = 200_000, 20_000
TRANSACTION = 10 * PARTITIONS  # records
SILENT_MAX = 5  # polls of a second: a disk that is busy with something else is no end
ABORTED_EVERY = 10  # transactions
BATCH = 2_000
SETTINGS = LogSettings(background=False)


def measure(parent: Path, scale: Scale, report: Report) -> None:
    records = RECORDS if scale.rounds > 1 else RECORDS_QUICK
    with SYSTEMS["anabranch"](parent=parent) as node:
        for kind in ("plain", "transactional"):
            create_topic(node, kind, PARTITIONS)
            fill(node.bootstrap, kind, records)
            place = parent / f"duplicates-{kind}"
            place.mkdir()
            sample(node.bootstrap, node.store_data, kind, place, report)


def fill(bootstrap: str, topic: str, records: int) -> None:
    settings = {"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 500_000}
    if topic == "plain":
        producer = Producer(settings)
        for n in range(records):
            producer.produce(topic, json.dumps({"n": n}), partition=n % PARTITIONS)
            if n % 1000 == 0:
                producer.poll(0)
        producer.flush()
        return
    producer = Producer({**settings, "transactional.id": "duplicates"})
    producer.init_transactions()
    for number, first in enumerate(range(0, records // 10, TRANSACTION)):
        producer.begin_transaction()
        for n in range(first, first + TRANSACTION):
            producer.produce(topic, json.dumps({"n": n}), partition=n % PARTITIONS)
        if number % ABORTED_EVERY == 0:
            producer.flush()
            producer.abort_transaction()
        else:
            producer.commit_transaction()


def sample(bootstrap: str, data: Path, topic: str, place: Path, report: Report) -> None:
    tables = sqlite3.connect(place / "tables.db", isolation_level=None)
    tables.execute("CREATE TABLE appended (n INTEGER)")
    tables.execute("CREATE TABLE upserted (n INTEGER PRIMARY KEY, times INTEGER)")
    group = f"view-{topic}"
    sources = sources_from_admin(AdminClient({"bootstrap.servers": bootstrap}), [topic])
    ledger = str(place / "meters.db")
    meters = [
        Meter.open(ledger, "appended", SinkClass.APPEND, sources, environ={}),
        Meter.open(ledger, "upserted", SinkClass.UPSERT, sources, environ={}),
    ]

    def run(share: float) -> None:
        """Read up to a share of each partition, into both tables; commit for the group."""
        consumer = Consumer(
            {
                "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
                "auto.offset.reset": "earliest", "isolation.level": "read_committed",
            }
        )  # fmt: skip
        parts = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        ends = {p.partition: int(consumer.get_watermark_offsets(p)[1] * share) for p in parts}
        committed = {p.partition: max(0, p.offset) for p in consumer.committed(parts, 30)}
        consumer.assign([TopicPartition(topic, p, at) for p, at in committed.items()])
        silent = 0  # polls in a row
        while any(at < ends[p] - 1 - TRANSACTION // PARTITIONS for p, at in committed.items()):
            taken = consumer.consume(BATCH, 1.0)
            silent = 0 if taken else silent + 1
            if silent == SILENT_MAX:
                break  # what is left are markers
            # Of a partition that is at its share more may have been fetched.
            messages = [m for m in taken if not m.error() and m.offset() < ends[m.partition()]]
            if not messages:
                continue
            rows = [(json.loads(m.value())["n"],) for m in messages]
            tables.execute("BEGIN")
            tables.executemany("INSERT INTO appended VALUES (?)", rows)
            tables.executemany(
                "INSERT INTO upserted VALUES (?, 1)"
                " ON CONFLICT (n) DO UPDATE SET times = times + 1",
                rows,
            )
            tables.execute("COMMIT")
            for meter in meters:
                with meter.batch() as batch:
                    for m in messages:
                        batch.offer(topic, m.partition(), m.offset())
            for m in messages:
                committed[m.partition()] = m.offset() + 1
        offsets = [TopicPartition(topic, p, at) for p, at in committed.items()]
        consumer.commit(offsets=offsets, asynchronous=False)
        consumer.close()

    run(0.5)
    time.sleep(1.0)
    since_ms = time.time_ns() // 1_000_000
    time.sleep(1.0)
    run(0.9)
    plan = asyncio.run(planned(data, group, since_ms, ledger))
    rewind(bootstrap, group, plan)
    count_twice = "SELECT count(*) - count(DISTINCT n) FROM appended"
    assert tables.execute(count_twice).fetchone()[0] == 0, "before the rewind everything is once"
    run(0.9)
    twice = tables.execute(count_twice).fetchone()[0]
    extra = tables.execute("SELECT count(*) FROM upserted").fetchone()[0]
    assert extra == tables.execute("SELECT count(DISTINCT n) FROM appended").fetchone()[0]
    tables.close()
    counted = {one.sink: one for one in compare(plan, [])}
    appended, upserted = counted["appended"], counted["upserted"]
    assert appended.measured is not None and upserted.measured is not None
    assert appended.measured.duplicates == twice, "the meter and the table disagree"
    assert appended.off is not None
    label = f"forecast of duplicates, {topic} topic"
    report.add(label, "% off", "append", appended.off * 100, higher_is_better=False)
    off = upserted.forecast.duplicates + upserted.measured.duplicates
    report.add(label, "% off", "upsert", off, higher_is_better=False)
    report.notes.append(
        f"duplicates, {topic}: append sink {appended.forecast.duplicates:,} forecast, {twice:,} in the "
        f"table; upsert sink {upserted.forecast.duplicates} forecast, {upserted.measured.duplicates} "
        f"measured ({upserted.measured.again:,} rows overwritten with equals)"
    )


async def planned(data: Path, group: str, since_ms: int, ledger: str) -> Plan:
    log = await open_log(data, broker_id=None, settings=SETTINGS)
    try:
        return await planning.plan_recovery(
            log.metastore, group=group, now_ms=log.now_ms(), creator="bench", since_ms=since_ms,
            sinks=[read_sink(f"meter:{ledger}#{name}") for name in ("appended", "upserted")],
            extents=log.extents,
        )  # fmt: skip
    finally:
        await log.close()


def rewind(bootstrap: str, group: str, plan: Plan) -> None:
    from confluent_kafka import ConsumerGroupTopicPartitions

    offsets = [TopicPartition(p.topic, p.partition, p.restart) for p in plan.partitions]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    (answer,) = admin.alter_consumer_group_offsets(
        [ConsumerGroupTopicPartitions(group, offsets)]
    ).values()
    answer.result(30)
