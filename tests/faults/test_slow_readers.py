"""I10 on a real broker process: hundreds of consumers that take next to nothing of what they asked for."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from anabranch.wire.frame import encode_request_frame
from anabranch.wire.messages.m01_fetch import FetchResponse
from tests.broker.conversation import fetch_request

from .conftest import BrokerProcess, stop_all
from .load import QUIET

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300)]

MIB = 1 << 20
READERS = 500
PARTITIONS = 4
RECORD_BYTES = 10_000
RECORDS = 20_000  # 200 MB: every reader stands at its own 400 KB
ANSWER_BYTES = 4 * MIB  # what each asks for: 2 GB together
ROUNDS = 12
SETTINGS = {
    "cold_bytes_max": 32 * MIB,
    "cold_cache_bytes": 8 * MIB,
    "recent_cache_bytes": 4 * MIB,
    "tail_bytes_max": 8 * MIB,
    "queued_bytes_max": 16 * MIB,
    "merge_age_ms": 500,
    "background_interval_ms": 250,
}
# Everything that the settings above allow, and as much again for what Python and its allocator keep.
GROWTH_BYTES_MAX = 2 * (32 + 8 + 8 + 4 + 4 + 16) * MIB
VERSION = 12
ANSWER_WAIT_S = 60.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[BrokerProcess]:
    config = tmp_path / "broker.toml"
    lines = [f"{name} = {value}" for name, value in SETTINGS.items()]
    config.write_text("\n".join(["[log]", *lines]) + "\n")
    process = BrokerProcess(tmp_path / "data", arguments=("--config", str(config)))
    process.start()
    yield process
    stop_all()


def rss_bytes(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the broker is gone")


def fill(bootstrap: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, **QUIET})
    for name in ("long", "live"):
        admin.create_topics([NewTopic(name, PARTITIONS, 1)])[name].result(30)
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 20, **QUIET})
    value = bytes(RECORD_BYTES)
    for number in range(RECORDS):
        while True:
            try:
                producer.produce("long", value, partition=number % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
    assert producer.flush(120) == 0


def asking(port: int, number: int) -> socket.socket:
    """A consumer with a small window that asks for megabytes at its own place."""
    reader = socket.socket()
    reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    reader.connect(("127.0.0.1", port))
    offset = number * RECORDS // READERS // PARTITIONS
    request = fetch_request(
        "long",
        offset,
        number % PARTITIONS,
        max_wait_ms=20_000,
        max_bytes=ANSWER_BYTES,
        partition_max_bytes=ANSWER_BYTES,
    )
    body: list[bytes | bytearray | memoryview] = []
    request.encode_into(body, VERSION)
    frame = encode_request_frame(request.API_KEY, VERSION, number, f"slow-{number}", body)
    reader.sendall(b"".join(frame))
    return reader


def rest(reader: socket.socket, head: bytes) -> FetchResponse:
    """The whole answer of which ``head`` was taken already."""
    reader.settimeout(ANSWER_WAIT_S)
    data = bytearray(head)
    while len(data) < 4 or len(data) < 4 + struct.unpack_from(">i", data)[0]:
        more = reader.recv(1 << 16)
        assert more, "the broker hung up"
        data += more
    answer, _ = FetchResponse.decode(memoryview(data), 9, VERSION)  # length, id, no tags
    return answer


def test_I10_five_hundred_slow_consumers_cost_bounded_memory_and_no_produce(
    broker: BrokerProcess,
) -> None:
    fill(broker.bootstrap)
    time.sleep(
        3
    )  # most of it is merged; what is not is read from the WAL, which is bounded as well
    before = rss_bytes(broker.pid)
    acknowledged = 0

    def heard(error: object, _: object) -> None:
        nonlocal acknowledged
        assert error is None, error
        acknowledged += 1

    live = Producer({"bootstrap.servers": broker.bootstrap, "linger.ms": 0, **QUIET})
    with ExitStack() as stack:
        readers = [stack.enter_context(asking(broker.port, number)) for number in range(READERS)]
        heads = [b""] * READERS
        most = 0
        for _ in range(ROUNDS):
            for number, reader in enumerate(readers):
                reader.setblocking(False)
                try:
                    heads[number] += reader.recv(1024)
                except BlockingIOError:
                    pass
            for number in range(50):
                live.produce("live", b"x" * 1000, partition=number % PARTITIONS, on_delivery=heard)
            assert live.flush(60) == 0
            most = max(most, rss_bytes(broker.pid))
            time.sleep(0.25)
        assert acknowledged == 50 * ROUNDS
        grown = most - before
        print(f"{before / MIB:.0f} MiB before, {grown / MIB:.0f} more with {READERS} readers")
        assert grown <= GROWTH_BYTES_MAX
        served = sum(1 for head in heads if head)
        assert served > 0
        # Whoever goes on reading is served in full, and makes room for those that wait.
        for number in (0, READERS // 2, READERS - 1):
            (part,) = rest(readers[number], heads[number]).responses[0].partitions
            assert part.error_code == 0
