"""Quix Streams: per key, what came so far; state on local disk and in a changelog topic, at least once."""

import json
import sys
import time

from quixstreams import Application

options = json.loads(sys.argv[1])
application = Application(
    broker_address=options["bootstrap"],
    consumer_group=options["group"],
    auto_offset_reset="earliest",
    state_dir=options["state"],
    commit_interval=options["commit_seconds"],
    processing_guarantee=options["guarantee"],
    consumer_extra_config={"session.timeout.ms": options["session_ms"]},
    loglevel="WARNING",
)


def total(value, state):
    """A record that comes again after a crash may meet a state that has it already."""
    seen = state.get("seen", {})
    seen[str(value["n"])] = value["amount"]
    state.set("seen", seen)
    time.sleep(options["pause_seconds"])
    return {
        "n": value["n"],
        "total": sum(each for n, each in seen.items() if int(n) <= value["n"]),
    }


source = application.topic(options["source"], key_deserializer="str", value_deserializer="json")
sink = application.topic(options["sink"], key_serializer="str", value_serializer="json")
application.dataframe(source).apply(total, stateful=True).to_topic(sink)
application.run()
