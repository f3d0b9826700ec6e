"""The smallest Kafka client there is: is the broker serving metadata yet?

A full client adds its own back-off to every start-up figure; this asks Metadata v4 on a fresh
connection and reads the answer, nothing else.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable

Answered = Callable[[], bool]

METADATA_KEY, METADATA_VERSION = 3, 4


class NotYet(Exception):
    """The broker closed the connection or answered something incomplete."""


def _ask(port: int, topics: list[str] | None) -> bytes:
    body = struct.pack(">i", -1 if topics is None else len(topics))
    for topic in topics or []:
        name = topic.encode()
        body += struct.pack(">h", len(name)) + name
    body += b"\0"  # do not create the topic
    client = b"probe"
    header = struct.pack(">hhih", METADATA_KEY, METADATA_VERSION, 7, len(client)) + client
    frame = header + body
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        sock.sendall(struct.pack(">i", len(frame)) + frame)
        answer = b""
        while len(answer) < 4 or len(answer) < 4 + struct.unpack_from(">i", answer)[0]:
            part = sock.recv(65536)
            if not part:
                raise NotYet
            answer += part
    return answer[8:]  # past the size and the correlation id


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        assert isinstance(value, int)
        return value

    def skip(self, count: int) -> None:
        self.at += count

    def string(self) -> None:
        self.skip(max(0, self.take(">h")))


def _brokers(reader: _Reader) -> int:
    reader.take(">i")  # throttle time
    count = reader.take(">i")
    for _ in range(count):
        reader.take(">i")  # node id
        reader.string()  # host
        reader.take(">i")  # port
        reader.string()  # rack
    return count


def brokers(port: int) -> int:
    """Brokers in the metadata that the server at `port` answers with."""
    return _brokers(_Reader(_ask(port, [])))


def leaders(port: int, topic: str) -> int:
    """Partitions of `topic` that have a leader, so that they can be produced to and read."""
    reader = _Reader(_ask(port, [topic]))
    _brokers(reader)
    reader.string()  # cluster id
    reader.take(">i")  # controller id
    led = 0
    for _ in range(reader.take(">i")):
        reader.take(">h")  # topic error
        reader.string()
        reader.take(">b")  # internal
        for _ in range(reader.take(">i")):
            error = reader.take(">h")
            reader.take(">i")  # partition
            led += reader.take(">i") >= 0 and error == 0
            for _ in range(2):  # replicas, in-sync replicas
                reader.skip(4 * reader.take(">i"))
    return led
