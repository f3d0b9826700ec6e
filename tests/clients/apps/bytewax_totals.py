"""Bytewax: per key, the sum so far; state and positions in its recovery store, at least once."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSinkMessage
from bytewax.connectors.kafka import operators as kafka
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

options = json.loads(sys.argv[1])
brokers = [options["bootstrap"]]


def add(state, value):
    time.sleep(options["pause_seconds"])
    state = (state or 0) + value["amount"]
    return state, {"n": value["n"], "total": state}


flow = Dataflow("totals")
read = kafka.input("read", flow, brokers=brokers, topics=[options["source"]], batch_size=20)
keyed = op.map("key", read.oks, lambda message: (message.key.decode(), json.loads(message.value)))
summed = op.stateful_map("add", keyed, add)
written = op.map(
    "encode",
    summed,
    lambda row: KafkaSinkMessage(row[0].encode(), json.dumps(row[1]).encode()),
)
kafka.output("write", written, brokers=brokers, topic=options["sink"])

store = Path(options["state"])
if not any(store.glob("*.sqlite3")):
    init_db_dir(store, 1)
cli_main(
    flow,
    epoch_interval=timedelta(seconds=options["commit_seconds"]),
    recovery_config=RecoveryConfig(store, backup_interval=timedelta(0)),
)
