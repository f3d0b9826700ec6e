"""A Quix Streams job as many teams run one: departures, cancellations and delays per carrier and day.

From topic ``flights``, whose keys are carrier and day, to topic ``carrier-days``, with its state in a changelog topic.
Nothing in it knows about recovery.

    python quix_job.py --bootstrap 127.0.0.1:9092 --version 1 --state state/
"""

import argparse

from quixstreams import Application

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--bootstrap", required=True)
parser.add_argument("--version", choices=("1", "2", "3"), required=True)
parser.add_argument("--state", required=True)
arguments = parser.parse_args()

application = Application(
    broker_address=arguments.bootstrap,
    consumer_group="carrier-days",
    auto_offset_reset="earliest",
    state_dir=arguments.state,
    commit_interval=1.0,
    processing_guarantee="exactly-once",
    consumer_extra_config={"session.timeout.ms": 10_000},
    loglevel="INFO",
)


def departed(flight):
    """Version 2 "no special cases": whoever did not depart departed without delay."""
    return True if arguments.version == "2" else flight["departed"]


def totals(flight, state):
    """The row so far, of one carrier and day."""
    row = state.get("row") or {
        "carrier": flight["carrier"],
        "day": flight["day"],
        "departures": 0,
        "cancellations": 0,
        "delay_sum": 0,
        "max_delay": None,
    }
    if departed(flight):
        delay = flight["dep_delay"] or 0
        row["departures"] += 1
        row["delay_sum"] += delay
        row["max_delay"] = delay if row["max_delay"] is None else max(row["max_delay"], delay)
    else:
        row["cancellations"] += 1
    state.set("row", row)
    return row


flights = application.topic("flights", key_deserializer="str", value_deserializer="json")
rows = application.topic("carrier-days", key_serializer="str", value_serializer="json")
application.dataframe(flights).apply(totals, stateful=True).to_topic(rows)
application.run()
