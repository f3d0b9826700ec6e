"""Bytewax with two inputs: tells each record that it reads; positions and state in its recovery store."""

import json
import sys
import time
from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
from bytewax.connectors.kafka import operators as kafka
from bytewax.connectors.stdio import StdOutSink
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

options = json.loads(sys.argv[1])


def told(message):
    time.sleep(options["pause_seconds"])
    return (
        f"{message.partition}-{message.topic}",
        json.dumps(
            {"topic": message.topic, "partition": message.partition, "offset": message.offset}
        ),
    )


def count(state, line):
    # State under keys and with values that could be taken for positions.
    return (state or 0) + 1, line


flow = Dataflow("job")
for name, topics in options["inputs"].items():
    read = kafka.input(name, flow, brokers=[options["bootstrap"]], topics=topics, batch_size=5)
    counted = op.stateful_map(f"count-{name}", op.map(f"tell-{name}", read.oks, told), count)
    op.output(f"out-{name}", op.map(f"line-{name}", counted, lambda pair: pair[1]), StdOutSink())

store = Path(options["state"])
if not any(store.glob("*.sqlite3")):
    init_db_dir(store, 2)
cli_main(
    flow,
    epoch_interval=timedelta(seconds=0.2),
    recovery_config=RecoveryConfig(store, backup_interval=timedelta(0)),
)
