"""A job that reads two topics, and writes down when it was given what."""

import os
import signal
import sys
import time

from confluent_kafka import Consumer

stopping = []
signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
consumer = Consumer(
    {
        "bootstrap.servers": os.environ["ANABRANCH_BOOTSTRAP"],
        "group.id": "both",
        "enable.auto.commit": False,
    }
)
consumer.subscribe(["few", "many"])
with open(sys.argv[1], "w", buffering=1) as seen:
    while not stopping:
        messages = consumer.consume(100, 0.1)
        for message in messages:
            assert message.error() is None, message.error()
            print(message.topic(), message.timestamp()[1], time.monotonic(), file=seen)
        if messages:
            consumer.commit(asynchronous=False)
consumer.close()
