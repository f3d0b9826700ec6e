"""The client process: ``python -m bench.client JOB JSON`` does one job and prints one JSON line.

Brokers are measured from a process of their own, so that nothing of the harness shares its
interpreter. Times come from the monotonic clock, which is one for all processes of the machine.
"""

from __future__ import annotations

import itertools
import json
import os
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

# librdkafka's defaults (acks=all, linger 5 ms, batches up to 1 MB, no compression), except:
PRODUCER_SETTINGS: dict[str, Any] = {
    "queue.buffering.max.messages": 500_000,  # the client must never wait for its own queue
    "delivery.report.only.error": True,  # no Python call per record
}
CONSUMER_SETTINGS: dict[str, Any] = {
    # A consumer slower than the broker fills its queue; the default then sleeps a whole second.
    "fetch.queue.backoff.ms": 10,
    "group.id": "bench",
    "enable.auto.commit": False,
    "enable.partition.eof": True,
}
BATCH = 1000  # records handed to librdkafka per call
WARM_TRANSACTIONS = 5
CONSUME = 10_000  # records taken from librdkafka per call, at most
SECONDS_MAX = 120.0
STAMP = struct.Struct(">q")  # monotonic nanoseconds, one clock for all processes of the machine
EVERY = 100  # of so many records one is looked at


def produce(
    bootstrap: str,
    topic: str,
    size: int,
    records: int,
    key_bytes: int = 0,
    security: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write `records` values of `size` bytes as fast as one producer can; acknowledged at the end."""
    from confluent_kafka import Producer

    failures: list[str] = []
    producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER_SETTINGS, **(security or {})})
    producer.list_topics(topic, 30)  # connected, and the leaders known, before the clock starts
    value = os.urandom(size)

    def failed(error: Any, _: Any) -> None:
        if error is not None:
            failures.append(str(error))

    cpu, begun = time.process_time(), time.monotonic()
    left = records
    while left:
        batch: list[dict[str, Any]] = [{"value": value} for _ in range(min(BATCH, left))]
        if key_bytes:  # keys spread the records over the partitions
            for number, message in enumerate(batch, left):
                message["key"] = number.to_bytes(key_bytes, "big")
        taken = producer.produce_batch(topic, batch, on_delivery=failed)
        left -= taken
        producer.poll(0 if taken == len(batch) else 0.01)
    unsent = producer.flush(SECONDS_MAX)
    ended = time.monotonic()
    assert not failures and not unsent, f"{unsent} unsent, {failures[:3]}"
    return {
        "begun": begun,
        "seconds": ended - begun,
        "records": records,
        "cpu_seconds": time.process_time() - cpu,
    }


def transact(
    bootstrap: str, topic: str, partitions: int, size: int, lasting_ms: int, seconds: float
) -> dict[str, Any]:
    """Transactions one after the other: of one record to each partition, or of all that the client takes in
    ``lasting_ms``. What is counted was committed."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "transactional.id": f"bench-{topic}",
            **PRODUCER_SETTINGS,
            **({} if lasting_ms else {"linger.ms": 0}),
        }
    )
    producer.list_topics(topic, 30)
    producer.init_transactions(30)
    value = os.urandom(size)
    warm = True
    records = transactions = 0
    begun = time.monotonic()
    while warm or time.monotonic() < begun + seconds:
        producer.begin_transaction()
        sent = 0
        until = time.monotonic() + lasting_ms / 1000
        if lasting_ms:
            while time.monotonic() < until:
                sent += producer.produce_batch(topic, [{"value": value} for _ in range(100)])
                producer.poll(0)
        else:
            for number in range(partitions):
                producer.produce(topic, value, partition=number)
            sent = partitions
        producer.commit_transaction(30)
        records += sent
        transactions += 1
        if warm and transactions == WARM_TRANSACTIONS:
            warm, records, transactions, begun = False, 0, 0, time.monotonic()
    return {
        "seconds": time.monotonic() - begun,
        "records": records,
        "transactions": transactions,
    }


def paced(bootstrap: str, topic: str, partitions: int, seconds: float) -> dict[str, Any]:
    """An idempotent producer that writes to each partition about every 10 ms for ``seconds`` from
    "ready" on; the longest time in which some partition was not acknowledged."""
    from confluent_kafka import Producer

    heard: list[list[float]] = [[] for _ in range(partitions)]
    failures: list[str] = []
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "enable.idempotence": True,
            "linger.ms": 1,
            "retry.backoff.ms": 50,
            "reconnect.backoff.max.ms": 200,
            "log_level": 0,
        }
    )

    def delivered(error: Any, message: Any) -> None:
        if error is not None:
            failures.append(str(error))
        else:
            heard[message.partition()].append(time.monotonic())

    value = os.urandom(100)
    begun, is_ready = time.monotonic(), False
    while not is_ready or time.monotonic() < begun + seconds:
        for number in range(partitions):
            producer.produce(topic, value, partition=number, on_delivery=delivered)
        deadline = time.monotonic() + 0.01
        while (left := deadline - time.monotonic()) > 0:
            producer.poll(max(left, 0.001))  # less than a millisecond spins
        if not is_ready and all(heard):
            is_ready, begun = True, time.monotonic()
            print("ready", flush=True)
    ended = time.monotonic()
    unsent = producer.flush(SECONDS_MAX)
    assert not failures and not unsent, f"{unsent} unsent, {failures[:3]}"
    gaps = []
    for times in heard:
        inside = [begun, *(at for at in times if begun < at < ended), ended]
        gaps.append(max(after - before for before, after in itertools.pairwise(inside)))
    return {"gap": max(gaps), "records": sum(map(len, heard)), "seconds": ended - begun}


def consume(
    bootstrap: str,
    topic: str,
    records: int,
    partitions: int,
    tail: bool = False,
    security: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Read `records` records; with `tail` first stand at the end, say so, and wait for them."""
    from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaError, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, **CONSUMER_SETTINGS, **(security or {})})
    consumer.list_topics(topic, 30)
    where = OFFSET_END if tail else OFFSET_BEGINNING
    cpu, begun = time.process_time(), time.monotonic()
    consumer.assign([TopicPartition(topic, number, where) for number in range(partitions)])
    found, size, at_end = 0, 0, 0
    while found < records:
        # Never more than will come: consume() waits until it has all it was asked for.
        messages = consumer.consume(min(CONSUME, records - found), 1.0)
        assert time.monotonic() - begun < SECONDS_MAX, f"{found} of {records} records"
        for message in messages:
            error = message.error()
            if error is None:
                found += 1
                size += len(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                at_end += 1
                if tail and at_end == partitions:
                    print("ready", flush=True)
            else:
                raise RuntimeError(error)
    ended = time.monotonic()
    consumer.close()
    assert found == records
    return {
        "seconds": ended - begun,
        "ended": ended,
        "records": found,
        "bytes": size,
        "cpu_seconds": time.process_time() - cpu,
    }


def events(bootstrap: str, topic: str, records: int, accounts: int) -> dict[str, Any]:
    """Payments: an account as key (big-endian), an amount as text, the same ones at every run."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER_SETTINGS})
    producer.list_topics(topic, 30)
    keys = [number.to_bytes(8, "big") for number in range(accounts)]
    amounts = [b"%040d" % (number * 7919 % 100_003) for number in range(1009)]
    sent = 0
    while sent < records:
        batch: list[dict[str, Any]] = [
            {"key": keys[number % accounts], "value": amounts[number % 1009]}
            for number in range(sent, min(records, sent + BATCH))
        ]
        taken = producer.produce_batch(topic, batch)
        sent += taken
        producer.poll(0 if taken == len(batch) else 0.01)
    assert producer.flush(SECONDS_MAX) == 0
    return {"records": records}


def commit_ends(bootstrap: str, topic: str, partitions: int, group: str) -> dict[str, Any]:
    """A group that has read everything: there is something to plan a recovery of."""
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False}
    )
    parts = [TopicPartition(topic, number) for number in range(partitions)]
    ends = [consumer.get_watermark_offsets(part, 30)[1] for part in parts]
    consumer.commit(
        offsets=[TopicPartition(topic, number, end) for number, end in enumerate(ends)],
        asynchronous=False,
    )
    consumer.close()
    return {"ends": ends}


def view(bootstrap: str, topic: str, records: int, partitions: int) -> dict[str, Any]:
    """Add up the payments of `events` by account with a consumer, in a dictionary."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, **CONSUMER_SETTINGS})
    consumer.list_topics(topic, 30)
    made: dict[bytes, tuple[int, int]] = {}
    begun, found = time.monotonic(), 0
    consumer.assign([TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)])
    while found < records:
        messages = consumer.consume(min(CONSUME, records - found), 1.0)
        assert time.monotonic() - begun < SECONDS_MAX, f"{found} of {records} records"
        for message in messages:
            error = message.error()
            if error is None:
                key = message.key()
                count, total = made.get(key, (0, 0))
                made[key] = count + 1, total + int(message.value())
                found += 1
            elif error.code() != KafkaError._PARTITION_EOF:
                raise RuntimeError(error)
    ended = time.monotonic()
    consumer.close()
    return {"seconds": ended - begun, "view": _digest(made)}


def _digest(made: dict[bytes, tuple[int, int]]) -> str:
    import hashlib

    return hashlib.sha256(repr(sorted(made.items())).encode()).hexdigest()


def add_up(batch: Any) -> Any:
    """One Arrow batch of payments, by account."""
    import pyarrow as pa
    import pyarrow.compute as pc

    amounts = pc.cast(pc.cast(batch["value"], pa.string()), pa.int64())
    table = pa.table({"key": batch["key"], "amount": amounts})
    return table.group_by("key").aggregate([("amount", "count"), ("amount", "sum")])


def view_function(data: str, group: str, processes: int) -> dict[str, Any]:
    """The same view by a function of a replay session; the plan is made before the clock starts."""
    import asyncio

    import pyarrow as pa

    from anabranch.log.opening import open_log
    from anabranch.recovery.plans import planning
    from anabranch.recovery.replays.function import replay_function
    from bench import client

    async def plan() -> str:
        log = await open_log(data, broker_id=None)
        try:
            made = await planning.plan_recovery(
                log.metastore, group=group, now_ms=time.time_ns() // 1_000_000, creator="bench",
                from_start=True, rate=1 << 40,
            )  # fmt: skip
            return made.id
        finally:
            await log.close()

    identity = asyncio.run(plan())
    parts: list[Any] = []
    begun = time.monotonic()
    # By its own name: what is defined in __main__ cannot be found in another process.
    replay_function(
        data, identity, client.add_up, processes=processes, ordered=False, on_result=parts.append
    )
    whole = pa.concat_tables(parts).group_by("key")
    table = whole.aggregate([("amount_count", "sum"), ("amount_sum", "sum")])
    keys, counts, sums = (
        table[name].to_pylist() for name in ("key", "amount_count_sum", "amount_sum_sum")
    )
    made = dict(zip(keys, zip(counts, sums, strict=True), strict=True))
    return {"seconds": time.monotonic() - begun, "view": _digest(made)}


def view_sql(data: str, topic: str) -> dict[str, Any]:
    """The same view by DuckDB."""
    from anabranch.recovery.replays.sql import sql

    begun = time.monotonic()
    table = sql(
        data,
        f"SELECT key, count(*) AS n, sum(CAST(decode(value) AS BIGINT)) AS total FROM {topic} GROUP BY key",
    ).table
    made = {
        key: (int(n), int(total))
        for key, n, total in zip(
            *(table[c].to_pylist() for c in ("key", "n", "total")), strict=True
        )
    }
    return {"seconds": time.monotonic() - begun, "view": _digest(made)}


def drain(again: bool = False) -> dict[str, Any]:
    """The command of a replay: read what it is told to, commit twice a second, and print how many records were
    taken by when. With ``again`` begin anew at every end, so that it goes on until it is stopped."""
    import signal

    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    (branch,) = json.loads(os.environ["ANABRANCH_TOPICS"]).values()
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    consumer = Consumer(
        {
            "bootstrap.servers": os.environ["ANABRANCH_BOOTSTRAP"],
            "group.id": os.environ["ANABRANCH_GROUP"],
            "enable.auto.commit": False,
            "enable.partition.eof": again,
            "auto.offset.reset": "error",
            "fetch.queue.backoff.ms": 10,
        }
    )
    consumer.subscribe([branch])
    positions: dict[int, int] = {}
    taken, committed = 0, time.monotonic()
    while not stopped:
        for message in consumer.consume(CONSUME, 0.2):
            error = message.error()
            if error is None:
                # One less where it goes on: a replay all of whose ends are committed is over.
                positions[message.partition()] = message.offset() + (0 if again else 1)
                taken += 1
            elif again and error.code() == KafkaError._PARTITION_EOF:
                consumer.seek(TopicPartition(branch, message.partition(), OFFSET_BEGINNING))
        if positions and time.monotonic() - committed > 0.5:
            offsets = [TopicPartition(branch, p, offset) for p, offset in positions.items()]
            consumer.commit(offsets=offsets, asynchronous=False)
            positions, committed = {}, time.monotonic()
            print(json.dumps({"at": committed, "records": taken}), flush=True)
    consumer.close()
    return {}


def latency(bootstrap: str, topic: str, size: int, records: int, warm: int) -> dict[str, Any]:
    """Milliseconds from produce() to its acknowledgement, one record in flight, linger 0."""
    from confluent_kafka import Producer

    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "linger.ms": 0,
            "max.in.flight.requests.per.connection": 1,
        }
    )
    producer.list_topics(topic, 30)
    value = os.urandom(size)
    acknowledged: list[float] = []

    def heard(error: Any, _: Any) -> None:
        assert error is None, error
        acknowledged.append(time.perf_counter())

    taken: list[float] = []
    for number in range(warm + records):
        sent = time.perf_counter()
        producer.produce(topic, value, on_delivery=heard)
        while len(acknowledged) <= number:
            producer.poll(1.0)
        taken.append((acknowledged[-1] - sent) * 1000)
    return {"milliseconds": taken[warm:]}


def pace(bootstrap: str, topic: str, size: int, records: int, per_second: float) -> dict[str, Any]:
    """Write `records` values at a steady rate, each beginning with the time it was handed over."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, **PRODUCER_SETTINGS})
    producer.list_topics(topic, 30)
    padding = os.urandom(size - STAMP.size)
    sent, begun = 0, time.monotonic()
    while sent < records:
        due = min(records, int((time.monotonic() - begun) * per_second)) - sent
        if due < 1:
            producer.poll(0)
            time.sleep(0.001)
            continue
        value = STAMP.pack(time.monotonic_ns()) + padding
        taken = producer.produce_batch(topic, [{"value": value}] * min(due, BATCH))
        sent += taken
        producer.poll(0 if taken else 0.001)
    assert producer.flush(SECONDS_MAX) == 0
    return {"records": records, "seconds": time.monotonic() - begun}


def receive(bootstrap: str, topic: str, records: int, partitions: int) -> dict[str, Any]:
    """Stand at the end, say so, and take `records` of `pace`: the delay of every hundredth."""
    from confluent_kafka import OFFSET_END, Consumer, KafkaError, TopicPartition

    consumer = Consumer({"bootstrap.servers": bootstrap, **CONSUMER_SETTINGS})
    consumer.list_topics(topic, 30)
    consumer.assign([TopicPartition(topic, number, OFFSET_END) for number in range(partitions)])
    found, at_end, delays, begun = 0, 0, [], time.monotonic()
    while found < records:
        assert time.monotonic() - begun < SECONDS_MAX, f"{found} of {records} records"
        for message in consumer.consume(min(EVERY, records - found), 0.005):
            error = message.error()
            if error is None:
                found += 1
                if found % EVERY == 0:
                    (handed_over,) = STAMP.unpack_from(message.value())
                    delays.append((time.monotonic_ns() - handed_over) / 1e6)
            elif error.code() == KafkaError._PARTITION_EOF:
                at_end += 1
                if at_end == partitions:
                    print("ready", flush=True)
            else:
                raise RuntimeError(error)
    consumer.close()
    return {"milliseconds": delays}


def crowd(
    port: int, topic: str, partitions: int, idle: int, busy: int, seconds: float
) -> dict[str, Any]:
    """Open `idle` connections and leave them, and have each of `busy` others send one Produce after
    the other: the milliseconds of each request that began within `seconds`."""
    import asyncio

    return asyncio.run(_crowd(port, topic, partitions, idle, busy, seconds))


async def _crowd(
    port: int, topic: str, partitions: int, idle: int, busy: int, seconds: float
) -> dict[str, Any]:
    import asyncio

    async def ask(streams: Any, frame: bytes) -> bytes:
        reader, writer = streams
        writer.write(frame)
        size = int.from_bytes(await reader.readexactly(4), "big")
        answer: bytes = await reader.readexactly(size)
        return answer

    async def connect() -> Any:
        return await asyncio.open_connection("127.0.0.1", port)

    crowd = [await connect() for _ in range(idle)]
    for streams in crowd:  # each is a client that the broker has spoken to
        await ask(streams, _frame(18, 0, b""))
    frames = [_produce_frame(topic, number % partitions) for number in range(busy)]
    workers = [await connect() for _ in range(busy)]
    taken: list[float] = []
    end = time.monotonic() + seconds

    async def work(streams: Any, frame: bytes) -> None:
        while (begun := time.monotonic()) < end:
            answer = await ask(streams, frame)
            taken.append((time.monotonic() - begun) * 1000)
            # v3: correlation id, one topic with its name, one partition, its index, its error.
            (error,) = struct.unpack_from(">h", answer, 4 + 4 + 2 + len(topic) + 4 + 4)
            assert error == 0, f"Produce was answered with error {error}"

    await asyncio.gather(*map(work, workers, frames))
    for _, writer in (*crowd, *workers):
        writer.close()
    return {"milliseconds": taken}


def _frame(key: int, version: int, body: bytes) -> bytes:
    head = struct.pack(">hhih", key, version, 1, 5) + b"crowd"
    return struct.pack(">i", len(head) + len(body)) + head + body


def _produce_frame(topic: str, partition: int) -> bytes:
    """Produce v3 of one record of 1 KB, acks=all."""
    from anabranch.records.builder import build_batch
    from anabranch.records.record import Record

    now_ms = time.time_ns() // 1_000_000
    record = Record(offset=0, timestamp=now_ms, key=None, value=os.urandom(1000), headers=())
    batch = build_batch([record])
    name = topic.encode()
    body = struct.pack(">hhii", -1, -1, 30_000, 1)  # no transactional id, acks, timeout, one topic
    body += struct.pack(">h", len(name)) + name
    body += struct.pack(">iii", 1, partition, len(batch)) + batch
    return _frame(0, 3, body)


def steady(
    bootstrap: str, topic: str, size: int, rate: int, seconds: float, key_bytes: int = 0
) -> dict[str, Any]:
    """Milliseconds from when each record was due to its acknowledgement, `rate` due per second, and when
    it was due; keys spread the records over the partitions."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0})
    producer.list_topics(topic, 30)
    value = os.urandom(size)
    taken: list[float] = []
    dues: list[float] = []

    def send(due: float) -> None:
        def heard(error: Any, _: Any) -> None:
            assert error is None, error
            taken.append((time.monotonic() - due) * 1000)
            dues.append(due)

        key = os.urandom(key_bytes) if key_bytes else None
        producer.produce(topic, value, key, on_delivery=heard)

    for _ in range(rate // 2):  # half a second that is not counted: connections, compilers
        send(time.monotonic())
        producer.poll(1 / rate)
    producer.flush(SECONDS_MAX)
    taken.clear()
    dues.clear()
    # A poll knows whole milliseconds, and one of less spins: a core that nobody else has. So acknowledgements are
    # awaited by a thread of their own.
    sent = threading.Event()

    def hear() -> None:
        while not sent.is_set():
            producer.poll(0.1)

    hearing = threading.Thread(target=hear)
    hearing.start()
    begun = time.monotonic()
    for number in range(int(rate * seconds)):
        due = begun + number / rate
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        send(due)
    sent.set()
    hearing.join()
    assert producer.flush(SECONDS_MAX) == 0
    assert len(taken) == int(rate * seconds)
    return {"milliseconds": taken, "due": dues}


def reread(
    bootstrap: str, topic: str, partitions: int, windows: int, seconds: float
) -> dict[str, Any]:
    """In every other window of `seconds` read the topic from its start, again and again, and rest in
    those before: the times of the windows in which it read, and their bytes. "ready" when connected."""
    from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

    settings = {**CONSUMER_SETTINGS, "group.id": "replay.bench"}  # as the recovery lane wants it
    consumer = Consumer({"bootstrap.servers": bootstrap, **settings})
    consumer.list_topics(topic, 30)
    print("ready", flush=True)
    sys.stdin.readline()
    from_the_start = [TopicPartition(topic, n, OFFSET_BEGINNING) for n in range(partitions)]
    read: list[dict[str, float]] = []
    for _ in range(windows):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            consumer.poll(min(left, 0.1))
        consumer.assign(from_the_start)
        begun, size = time.monotonic(), 0
        while (now := time.monotonic()) - begun < seconds:
            for message in consumer.consume(CONSUME, min(0.05, seconds - (now - begun))):
                error = message.error()
                if error is None:
                    size += len(message)
                elif error.code() == KafkaError._PARTITION_EOF:
                    consumer.seek(TopicPartition(topic, message.partition(), OFFSET_BEGINNING))
                else:
                    raise RuntimeError(error)
        read.append({"begun": begun, "ended": time.monotonic(), "bytes": size})
        consumer.unassign()
    consumer.close()
    return {"windows": read}


def arrow(data: str, topic: str, records: int) -> dict[str, Any]:
    """Read the whole topic from the data directory into Arrow record batches."""
    # Imported before the clock starts, as the consumer's library is.
    import pyarrow  # noqa: F401

    import anabranch
    from anabranch.log.reader import plan

    plan(data, topic)  # as the consumer has connected and knows its leaders before its clock starts
    cpu, begun = time.process_time(), time.monotonic()
    found = size = 0
    for batch in anabranch.read(data, topic):
        found += batch.num_rows
        size += batch.nbytes
    ended = time.monotonic()
    assert found == records, f"{found} of {records} records"
    return {
        "seconds": ended - begun,
        "records": found,
        "bytes": size,
        "cpu_seconds": time.process_time() - cpu,
    }


JOBS: dict[str, Callable[..., dict[str, Any]]] = {
    "produce": produce,
    "transact": transact,
    "paced": paced,
    "consume": consume,
    "latency": latency,
    "pace": pace,
    "receive": receive,
    "crowd": crowd,
    "steady": steady,
    "events": events,
    "commit_ends": commit_ends,
    "view": view,
    "view_function": view_function,
    "view_sql": view_sql,
    "drain": drain,
    "reread": reread,
    "arrow": arrow,
}

if __name__ == "__main__":
    print(json.dumps(JOBS[sys.argv[1]](**json.loads(sys.argv[2]))), flush=True)
