"""A processor with an effect that must not repeat: it has the bank transfer, and keeps balances.

The balances are in SQLite, in the transaction that holds their offsets. The transfers leave the house: their
ledger is asked first. Under `anabranch replay` the same file fills a staging line, and transfers nothing.

    python -m examples.payments.processor --version 1 --bootstrap 127.0.0.1:9092 --bank http://127.0.0.1:8080 \\
        --view balances.db --ledger effects.db
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient
from examples.payments.events import MINOR_UNITS

from anabranch.recovery.sinks.http import Effect, HttpEffects, HttpTransaction
from anabranch.recovery.sinks.http_send import Request
from anabranch.recovery.sinks.source import sources_from_admin, sources_from_environment
from anabranch.recovery.sinks.sqlite import LIVE, SqliteSink, Transaction

TOPIC = "payments"
GROUP = "payments-app"
BATCH = 100
TABLES = {
    "balances": """
        account TEXT NOT NULL, currency TEXT NOT NULL, payments INTEGER NOT NULL, total REAL NOT NULL,
        PRIMARY KEY (account, currency)
    """
}
UPSERT = """
    INSERT INTO {table} (account, currency, payments, total) VALUES (?, ?, 1, ?)
    ON CONFLICT (account, currency) DO UPDATE SET payments = payments + 1, total = total + excluded.total
"""


def units(version: str, payment: Mapping[str, Any]) -> float:
    """Version 2 "all money has cents": yen have none."""
    minor = 100 if version == "2" else MINOR_UNITS[payment["currency"]]
    return float(payment["amount"]) / minor


def transfer_at(bank: str) -> Effect:
    """The bank keeps no idempotency keys, but it can be asked."""

    def was_made(_: str, request: Request) -> bool | None:
        payment = json.loads(request.body)["id"]
        try:
            with urllib.request.urlopen(f"{bank}/transfers/{payment}", timeout=1) as answer:
                return bool(json.load(answer)["made"])
        except OSError:
            return None

    return Effect("transfer", check=was_made, timeout_s=1.0, attempts=2)


def work(
    effects: HttpTransaction,
    view: Transaction,
    messages: Sequence[Message],
    version: str,
    bank: str,
) -> None:
    """One batch: an effect each, and the balances."""
    for message in messages:
        topic, partition, offset = message.topic(), message.partition(), message.offset()
        payment = json.loads(message.value())
        if effects.fresh(topic, partition, offset):
            request = Request(
                "POST", f"{bank}/transfers", {"Content-Type": "application/json"}, message.value()
            )
            effects.perform(
                "transfer",
                topic,
                partition,
                offset,
                request,
                event_id=payment["id"],
                timestamp_ms=message.timestamp()[1],
            )
        if view.fresh(topic, partition, offset):
            amount = units(version, payment)
            view.execute(
                UPSERT.format(table=view.table("balances")),
                (payment["account"], payment["currency"], amount),
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", choices=("1", "2", "3"), required=True)
    parser.add_argument("--bootstrap", default=os.environ.get("ANABRANCH_BOOTSTRAP"))
    parser.add_argument("--bank", required=True)
    parser.add_argument("--view", default=os.environ.get("ANABRANCH_SINK"))
    parser.add_argument("--ledger", required=True)
    arguments = parser.parse_args()
    stopping: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda got, _: stopping.append(got))

    topic = json.loads(os.environ.get("ANABRANCH_TOPICS", "{}")).get(TOPIC, TOPIC)
    ends = json.loads(os.environ.get("ANABRANCH_END_OFFSETS", "{}")).get(topic, {})
    bootstrap = {"bootstrap.servers": arguments.bootstrap}
    sources = sources_from_environment(os.environ) or sources_from_admin(
        AdminClient(bootstrap), [topic]
    )
    line = os.environ.get("ANABRANCH_STAGING", LIVE)
    view = SqliteSink.open(arguments.view, TABLES, sources, line=line)
    effects = HttpEffects.open(arguments.ledger, [transfer_at(arguments.bank)], sources)
    consumer = Consumer(
        {
            **bootstrap,
            "group.id": os.environ.get("ANABRANCH_GROUP", GROUP),
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,
            "fetch.wait.max.ms": 100,
        }
    )
    consumer.subscribe([topic])
    try:
        while not stopping:
            taken = []
            for message in consumer.consume(BATCH, timeout=0.2):
                error = message.error()
                if error is None:
                    if message.offset() < ends.get(str(message.partition()), message.offset() + 1):
                        taken.append(message)
                elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
                    raise KafkaException(error)
            if not taken:
                continue
            with effects.transaction() as tx, view.transaction() as balances:
                work(tx, balances, taken, arguments.version, arguments.bank)
            reached = {(m.topic(), m.partition()): m.offset() + 1 for m in taken}
            places = [TopicPartition(t, p, offset) for (t, p), offset in reached.items()]
            consumer.commit(offsets=places, asynchronous=False)
    finally:
        consumer.close()
        view.close()
        effects.close()


if __name__ == "__main__":
    main()
