"""Bytewax into a replay-safe SQLite sink: one row per record, a second one if it were repeated."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main
from confluent_kafka.admin import AdminClient

from anabranch.recovery.adapters.bytewax import ReplaySafeSink
from anabranch.recovery.sinks.source import sources_from_admin
from anabranch.recovery.sinks.sqlite import SqliteSink

options = json.loads(sys.argv[1])


def open_sink():
    admin = AdminClient({"bootstrap.servers": options["bootstrap"]})
    sources = sources_from_admin(admin, [options["source"]])
    return SqliteSink.open(options["sink"], {"rows": "n INTEGER, part INTEGER"}, sources)


def write(tx, message):
    n = json.loads(message.value)["n"]
    tx.execute(f"INSERT INTO {tx.table('rows')} VALUES (?, 0)", (n,))


def pause(message):
    time.sleep(options["pause_seconds"])
    return message


def by_number(message):
    """A key that takes neighbours apart."""
    return str(json.loads(message.value)["n"] % 7)


flow = Dataflow("rows")
source = KafkaSource([options["bootstrap"]], [options["source"]], batch_size=20)
messages = op.map("pause", op.input("read", flow, source), pause)
scattered = op.stateful_map(
    "scatter", op.key_on("key", messages, by_number), lambda state, message: (None, message)
)
op.output("write", scattered, ReplaySafeSink(open_sink, write))

store = Path(options["state"])
if not any(store.glob("*.sqlite3")):
    init_db_dir(store, 1)
cli_main(
    flow,
    epoch_interval=timedelta(seconds=options["commit_seconds"]),
    recovery_config=RecoveryConfig(store, backup_interval=timedelta(0)),
)
