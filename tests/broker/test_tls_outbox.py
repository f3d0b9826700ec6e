"""The TLS outbox by itself: real OpenSSL on both ends, a socket that takes what the test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.broker.outbox import BYTES_PER_WRITE, Buffer
from anabranch.broker.tls_outbox import TlsOutbox
from tests.support.certificates import Authority


class Socket:
    """Keeps what is sent until :meth:`take`; with ``open_`` it takes everything at once."""

    def __init__(self, *, open_: bool) -> None:
        self.open = open_
        self.sent = bytearray()
        self.kept: list[bytes] = []

    @property
    def unsent_bytes(self) -> int:
        return sum(map(len, self.kept))

    def send(self, buffers: Iterable[Buffer]) -> None:
        self.kept += [bytes(one) for one in buffers]
        if self.open:
            self.take()

    def take(self) -> None:
        self.sent += b"".join(self.kept)
        self.kept.clear()

    def close(self) -> None:
        self.kept.clear()


class Pair:
    """A server's outbox behind a handshake, and the client that reads it."""

    def __init__(self, certificate: Path, *, open_: bool) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        to_server, self.to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.outgoing, from_client = ssl.MemoryBIO(), to_server
        self.server = context.wrap_bio(to_server, self.outgoing, server_side=True)
        self.client = trusting.wrap_bio(self.to_client, from_client)
        for _ in range(4):
            for end in (self.client, self.server):
                try:
                    end.do_handshake()
                except ssl.SSLWantReadError:
                    pass
            self.to_client.write(self.outgoing.read())
        self.socket = Socket(open_=open_)
        self.progressed = 0
        loop = asyncio.get_running_loop()
        self.outbox = TlsOutbox(loop, self.server, self.outgoing, self.socket, self._on)  # type: ignore[arg-type]

    def _on(self) -> None:
        self.progressed += 1

    def read(self) -> bytes:
        self.to_client.write(bytes(self.socket.sent))
        self.socket.sent.clear()
        found = b""
        while True:
            try:
                found += self.client.read(1 << 20)
            except ssl.SSLWantReadError:
                return found


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Authority(tmp_path_factory.mktemp("ca")).issue("broker")


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.integers(0, 40_000), max_size=40),
    large=st.integers(0, 3 * BYTES_PER_WRITE),
    open_=st.booleans(),
)
def test_what_is_sent_arrives_in_order_however_it_is_cut(
    certificate: Path, sizes: list[int], large: int, open_: bool
) -> None:
    async def scenario() -> None:
        pair = Pair(certificate, open_=open_)
        pieces = [bytes([n % 251]) * size for n, size in enumerate([*sizes, large, *sizes])]
        pair.outbox.send(memoryview(piece) for piece in pieces)
        found = pair.read()
        for _ in range(1000):
            if not pair.outbox.unsent_bytes:
                break
            pair.socket.take()
            pair.outbox.progress()
            found += pair.read()
            await asyncio.sleep(0)
        assert found + pair.read() == b"".join(pieces)
        assert pair.outbox.unsent_bytes == 0

    asyncio.run(scenario())


def test_whoever_waits_for_room_is_told_when_a_later_turn_makes_it(certificate: Path) -> None:
    """The socket takes everything at once, so only the outbox knows that something has left."""

    async def scenario() -> None:
        pair = Pair(certificate, open_=True)
        pair.outbox.send([bytes(3 * BYTES_PER_WRITE)])
        assert pair.outbox.unsent_bytes == 2 * BYTES_PER_WRITE, "a turn at a time"
        for _ in range(10):
            await asyncio.sleep(0)
        assert pair.outbox.unsent_bytes == 0
        assert pair.progressed == 2

    asyncio.run(scenario())


def test_I10_what_nobody_takes_is_not_encrypted(certificate: Path) -> None:
    async def scenario() -> None:
        pair = Pair(certificate, open_=False)
        pair.outbox.send([bytes(10 * BYTES_PER_WRITE)])
        pair.outbox.send([b"more"])
        assert pair.socket.unsent_bytes < BYTES_PER_WRITE * 1.1
        pair.outbox.close()
        assert pair.outbox.unsent_bytes == 0
        pair.outbox.send([b"too late"])
        assert pair.outbox.unsent_bytes == 0

    asyncio.run(scenario())
