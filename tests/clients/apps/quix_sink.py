"""Quix Streams into a replay-safe SQLite sink: one row per record, a second one if it were repeated."""

import json
import sys
import time

from confluent_kafka.admin import AdminClient
from quixstreams import Application

from anabranch.recovery.adapters.quix import ReplaySafeSink
from anabranch.recovery.sinks.source import sources_from_admin
from anabranch.recovery.sinks.sqlite import SqliteSink

options = json.loads(sys.argv[1])
application = Application(
    broker_address=options["bootstrap"],
    consumer_group=options["group"],
    auto_offset_reset="earliest",
    commit_interval=options["commit_seconds"],
    consumer_extra_config={"session.timeout.ms": 15_000},
    loglevel="WARNING",
)
source = application.topic(options["source"], value_deserializer="json")
sources = sources_from_admin(
    AdminClient({"bootstrap.servers": options["bootstrap"]}), [options["source"]]
)
sink = SqliteSink.open(options["sink"], {"rows": "n INTEGER, part INTEGER"}, sources)


def pause(value):
    time.sleep(options["pause_seconds"])
    return value


def twice(value):
    return [{"n": value["n"], "part": part} for part in (0, 1)]


def write(tx, item):
    tx.execute(
        f"INSERT INTO {tx.table('rows')} VALUES (?, ?)", (item.value["n"], item.value["part"])
    )


frame = application.dataframe(source).apply(pause).apply(twice, expand=True)
frame.sink(ReplaySafeSink(sink, write))
application.run()
