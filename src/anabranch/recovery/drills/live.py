"""Live traffic beside a rehearsal: a producer that sends at fixed instants, and how long it waits for its answers.

A latency counts from the instant at which its request was due, not from when it could be sent: otherwise a broker that
stands still for a second would be asked less, and look better for it. It is a thread with a socket of its own, so that
what the drill itself is at does not count.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from anabranch.errors import ErrorCode, MalformedRequest, UserFault
from anabranch.records.builder import build_batch
from anabranch.records.record import Record
from anabranch.recovery.evidence.report import Latency
from anabranch.wire.frame import decode_response_header, encode_request_frame
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
)

TOPIC: Final = "drill.live"
INTERVAL_S: Final = 0.005  # 200 requests a second: a p99 after half a second
LOOK_S: Final = 0.02
VALUE: Final = b"x" * 1024
UNKNOWN: Final = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
VERSION: Final = 9  # of Produce: by the topic's name
TIMEOUT_S: Final = 30.0  # of one request
TOPIC_S: Final = 30.0  # until the broker has heard of the topic
ANSWER_BYTES_MAX: Final = 1 << 20
_LENGTH: Final = struct.Struct(">i")


class Producer:
    """One connection, one request at a time, acks=all. ``latencies_ms`` grows with each answer; ``fault`` is what ended it."""

    def __init__(self, address: str, now_ms: int) -> None:
        host, _, port = address.rpartition(":")
        self._where = (host, int(port))
        batch = bytes(build_batch([Record(0, now_ms, b"k", VALUE, ())]))
        partition = PartitionProduceData(index=0, records=batch)
        request = ProduceRequest(
            acks=-1,
            timeout_ms=int(TIMEOUT_S * 1000),
            topic_data=[TopicProduceData(name=TOPIC, partition_data=[partition])],
        )
        body: list[bytes | memoryview] = []
        request.encode_into(body, VERSION)
        self._frame = b"".join(
            encode_request_frame(request.API_KEY, VERSION, 0, "anabranch-drill", body)
        )
        self.latencies_ms: list[float] = []
        self.fault: UserFault | None = None
        self.stop = threading.Event()

    def run(self) -> None:
        """Until ``stop``, or a fault."""
        try:
            with socket.create_connection(self._where, TIMEOUT_S) as connection:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._run(connection)
        except UserFault as fault:
            self.fault = fault
        except OSError as error:
            self.fault = UserFault(f"the live producer of the drill: {error}")

    def _run(self, connection: socket.socket) -> None:
        until = time.monotonic() + TOPIC_S
        code = self._send(connection)
        while code == UNKNOWN and time.monotonic() < until and not self.stop.is_set():
            time.sleep(INTERVAL_S)  # the broker has not heard of the topic yet
            code = self._send(connection)
        due = time.monotonic()
        while not self.stop.is_set():
            if code:
                raise UserFault(f"the live producer of the drill was refused (error {code})")
            time.sleep(max(0.0, due - time.monotonic()))
            code = self._send(connection)
            self.latencies_ms.append(1000 * (time.monotonic() - due))
            due += INTERVAL_S

    def _send(self, connection: socket.socket) -> int:
        """The answer's error code. Raises UserFault, OSError."""
        connection.sendall(self._frame)
        (size,) = _LENGTH.unpack(_exactly(connection, 4))
        if not 0 <= size <= ANSWER_BYTES_MAX:
            raise UserFault("the live producer of the drill was answered in another protocol")
        try:
            frame = _exactly(connection, size)
            _, position = decode_response_header(frame, 1)
            answer, _ = ProduceResponse.decode(frame, position, VERSION)
        except MalformedRequest as fault:
            raise UserFault(f"the live producer of the drill: {fault.message}") from None
        return int(answer.responses[0].partition_responses[0].error_code)


class Traffic:
    """What :func:`traffic` measures."""

    def __init__(self, producer: Producer) -> None:
        self._producer = producer
        self._begins = 0

    async def settle(self, samples: int) -> None:
        """Until so many requests were answered in all. Raises UserFault."""
        while len(self._producer.latencies_ms) < samples:
            self._check()
            await asyncio.sleep(LOOK_S)

    def phase(self, name: str) -> Latency:
        """Of the requests that were answered since the last phase ended. Raises UserFault."""
        self._check()
        found = self._producer.latencies_ms[self._begins :]
        self._begins += len(found)
        return latency_of(name, found)

    def _check(self) -> None:
        if self._producer.fault is not None:
            raise self._producer.fault


@asynccontextmanager
async def traffic(address: str, now_ms: int) -> AsyncIterator[Traffic]:
    """A producer to topic :data:`TOPIC` at ``address`` (HOST:PORT) for as long as the block runs."""
    producer = Producer(address, now_ms)
    thread = threading.Thread(target=producer.run, name="drill live traffic", daemon=True)
    thread.start()
    try:
        yield Traffic(producer)
    finally:
        producer.stop.set()
        await asyncio.to_thread(thread.join)


def latency_of(phase: str, found: Sequence[float]) -> Latency:
    """Milliseconds as a report keeps them; zeros of none."""
    ordered = sorted(found)
    if not ordered:
        return Latency(phase, 0, 0.0, 0.0, 0.0)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(len(ordered) * share))], 3)

    return Latency(phase, len(ordered), at(0.5), at(0.99), round(ordered[-1], 3))


def _exactly(connection: socket.socket, size: int) -> bytes:
    found = bytearray()
    while len(found) < size:
        more = connection.recv(size - len(found))
        if not more:
            raise UserFault("the broker closed the live producer's connection")
        found += more
    return bytes(found)
