"""The live producer: the held-back weeks at a steady rate, each record's latency measured.

A stock librdkafka producer (acks=all, idempotent, no linger). It prints one JSON object per half
second: records sent and acknowledged, and the latencies of those acknowledged since. SIGUSR1 sends
the rest at full speed, SIGTERM stops.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time

from confluent_kafka import KafkaError, Message, Producer
from examples.flights import dataset

REPORT_EVERY_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--topic", default="flights")
    parser.add_argument("--rate", type=float, required=True, help="records per second")
    arguments = parser.parse_args()
    draining = stopping = False

    def drain(*_: object) -> None:
        nonlocal draining
        draining = True

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    signal.signal(signal.SIGUSR1, drain)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    producer = Producer(
        {
            "bootstrap.servers": arguments.bootstrap,
            "client.id": "flights-live",
            "enable.idempotence": True,
            "linger.ms": 0,
        }
    )
    events = list(dataset.events(dataset.load(), first_day=dataset.LIVE_FROM))
    latencies: list[float] = []
    sent = acknowledged = 0
    failure: KafkaError | None = None

    def report(done: bool = False) -> None:
        line = {"sent": sent, "acknowledged": acknowledged, "total": len(events), "done": done}
        print(json.dumps({**line, "latencies_ms": latencies}), flush=True)
        latencies.clear()

    started = reported = time.monotonic()
    for event in events:
        due = started + sent / arguments.rate
        while not draining and not stopping and time.monotonic() < due:
            producer.poll(max(0.0, due - time.monotonic()))
        if stopping or failure is not None:
            break
        begun = time.perf_counter()

        def delivered(error: KafkaError | None, _: Message, begun: float = begun) -> None:
            nonlocal acknowledged, failure
            if error is not None:
                failure = error
                return
            acknowledged += 1
            if not draining:
                latencies.append(round((time.perf_counter() - begun) * 1000, 3))

        while True:
            try:
                producer.produce(
                    arguments.topic,
                    event.value,
                    event.key,
                    timestamp=event.timestamp,
                    on_delivery=delivered,
                )
                break
            except BufferError:
                producer.poll(0.1)
        sent += 1
        producer.poll(0)
        if time.monotonic() - reported >= REPORT_EVERY_S:
            report()
            reported = time.monotonic()
    producer.flush(30)
    report(done=acknowledged == len(events))
    if failure is not None:
        sys.exit(f"the live producer failed: {failure.str()}")


if __name__ == "__main__":
    main()
