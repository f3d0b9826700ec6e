"""A processor as a drill runs one: a plain confluent-kafka consumer, into the sink that it is told of.

``careless`` applies every record, whatever the sink says of it; ``wild`` writes a
staging line into the file that it is given, whatever its environment says; ``adapter`` is
made of the adapter for plain consumers, and so begins where its sink stands, and with ``dies`` is gone without a word when it
meets what is no number; ``hangs-live FILE``, or ``hangs-replaying FILE``,
neither reads nor heeds SIGTERM then, as little as a process that it starts, and writes their numbers into the file.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from anabranch.recovery.sinks.source import Source, sources_from_environment
from anabranch.recovery.sinks.sqlite import SqliteSink

TABLES = {"totals": "k TEXT PRIMARY KEY, n INTEGER NOT NULL, s INTEGER NOT NULL"}
UPSERT = (
    "INSERT INTO {} AS t VALUES (?, 1, ?)"
    " ON CONFLICT (k) DO UPDATE SET n = t.n + 1, s = t.s + excluded.s"
)


def open_sink(place: str, line: str, sources: dict[str, Source]) -> tuple[Any, Any]:
    """The sink; and what does a message's effect in a transaction of it."""
    if place.startswith("postgresql:"):
        from anabranch.recovery.sinks.postgres import PostgresSink

        def upsert(tx: Any, m: Any) -> None:
            sql = UPSERT.format(tx.table("totals")).replace("?", "%s")
            tx.execute(sql, (m.key().decode(errors="replace"), number(m)))

        return PostgresSink.open(place, TABLES, sources, line=line), upsert
    if place.startswith("parquet:"):
        import pyarrow as pa

        from anabranch.recovery.sinks.objects import ParquetSink

        def write(tx: Any, m: Any) -> None:
            row = {"p": m.partition(), "at": m.offset(), "s": number(m)}
            tx.write("totals", m.topic(), m.partition(), m.offset(), row)

        schema = pa.schema([("p", pa.int32()), ("at", pa.int64()), ("s", pa.int64())])
        return ParquetSink.open(place, {"totals": schema}, sources, line=line), write
    if place.startswith("kafka:"):
        from anabranch.recovery.sinks.kafka import KafkaSink

        def produce(tx: Any, m: Any) -> None:
            where = (m.topic(), m.partition(), m.offset())
            tx.produce("totals", *where, key=m.key(), value=b"%d" % (2 * number(m)))

        return KafkaSink.at(place, {"totals": "totals"}, sources, line=line), produce
    if place.startswith("http:"):
        from anabranch.recovery.sinks.http import Effect, HttpEffects, OnReplay
        from anabranch.recovery.sinks.http_send import Request

        on_replay = next((w for w in OnReplay if w.value in sys.argv), OnReplay.STAGE)

        def notify(tx: Any, m: Any) -> None:
            request = Request("POST", "http://production.invalid/call?x=1", {}, m.value())
            tx.perform("notify", m.topic(), m.partition(), m.offset(), request)

        effect = Effect("notify", on_replay=on_replay)
        return HttpEffects.open(place, [effect], sources), notify

    def add(tx: Any, m: Any) -> None:
        tx.execute(UPSERT.format(tx.table("totals")), (m.key().decode(errors="replace"), number(m)))

    return SqliteSink.open(place, TABLES, sources, line=line), add


def number(m: Any) -> int:
    try:
        return int(m.value())
    except ValueError:
        if "dies" in sys.argv:
            os._exit(3)
        return 1_000_000  # what a poisoned record does


def hang(told: Path) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # what it starts inherits that
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    new = told.with_suffix(".new")
    new.write_text(f"{os.getpid()} {other.pid}")
    new.rename(told)
    while True:
        time.sleep(3600)


def by_adapter() -> None:
    from anabranch.recovery.adapters.consumer import ConfluentReader, process
    from anabranch.recovery.adapters.session import Surroundings

    found = Surroundings.of()
    assert found.sink is not None and found.sources is not None
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda *_: stopped.append(1))
    sink, effect = open_sink(found.sink, found.line, dict(found.sources))
    consumer = Consumer(
        {
            "bootstrap.servers": found.bootstrap,
            "group.id": found.group,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "session.timeout.ms": 6000,  # of one that died, the drill waits for the end of
            "fetch.wait.max.ms": 50,
            "reconnect.backoff.max.ms": 500,
        }
    )
    read = [name for name, there in found.topics.items() if any(there == t for t, _ in found.ends)]
    reader = ConfluentReader(consumer, read, sink)
    process(reader, sink, effect, stopping=lambda: bool(stopped))
    consumer.close()
    sink.close()


def main() -> None:
    if "adapter" in sys.argv:
        by_adapter()
        return
    going = True

    def stop(*_: Any) -> None:
        nonlocal going
        going = False

    signal.signal(signal.SIGTERM, stop)
    env = os.environ
    careless = "careless" in sys.argv
    if "wild" in sys.argv:
        other = SqliteSink.open(sys.argv[-1], TABLES, {}, line="wild")
        other.close()
    phase = "live" if env["ANABRANCH_STAGING"] == "live" else "replaying"
    if f"hangs-{phase}" in sys.argv:
        hang(Path(sys.argv[-1]))
    names = json.loads(env["ANABRANCH_TOPICS"])
    ends = json.loads(env["ANABRANCH_END_OFFSETS"])
    starts = json.loads(env["ANABRANCH_START_OFFSETS"])
    sources = sources_from_environment(env)
    assert sources is not None
    sink, effect = open_sink(env["ANABRANCH_SINK"], env["ANABRANCH_STAGING"], sources)
    consumer = Consumer(
        {
            "bootstrap.servers": env["ANABRANCH_BOOTSTRAP"],
            "group.id": env["ANABRANCH_GROUP"],
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 50,
            "reconnect.backoff.max.ms": 500,
        }
    )
    at: dict[tuple[str, int], int] = {}
    for topic in ends:
        assert topic in names.values()
        for partition, start in starts.get(topic, {}).items():
            at[topic, int(partition)] = int(start)
    consumer.assign([TopicPartition(t, p, o) for (t, p), o in at.items()])
    limit = {(t, int(p)): end for t, parts in ends.items() for p, end in parts.items()}
    done = False
    while going:
        found = [m for m in consumer.consume(500, 0.1) if m.error() is None]
        with sink.transaction() as tx:
            for m in found:
                where = (m.topic(), m.partition())
                if m.offset() >= limit.get(where, sys.maxsize):
                    continue
                at[where] = m.offset() + 1
                fresh = tx.fresh(*where, m.offset())
                if fresh or careless:
                    effect(tx, m)
        reached = all(at.get(where, 0) >= end for where, end in limit.items())
        if found or (reached and not done):
            consumer.commit(
                offsets=[TopicPartition(t, p, o) for (t, p), o in at.items()], asynchronous=False
            )
            done = reached
        if done:
            time.sleep(0.05)
    consumer.close()
    sink.close()


main()
