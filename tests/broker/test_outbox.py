from __future__ import annotations

import asyncio
import random
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anabranch.broker.outbox import BUFFERS_PER_WRITE_MAX, SocketOutbox


async def receive(peer: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    got = bytearray()
    while len(got) < size:
        got += await loop.sock_recv(peer, 1 << 16)
    return bytes(got)


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    for one in (ours, theirs):
        one.setblocking(False)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    return ours, theirs


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 50) | st.integers(0, 50_000), max_size=6), min_size=1, max_size=6
    )
)
def test_everything_arrives_in_order_however_slow_the_peer(sizes: list[list[int]]) -> None:
    rng = random.Random(1)
    sends = [[rng.randbytes(size) for size in send] for send in sizes]

    async def scenario() -> None:
        ours, theirs = pair()
        drained = asyncio.Event()
        outbox = SocketOutbox(asyncio.get_running_loop(), ours.fileno(), drained.set, pytest.fail)
        whole = b"".join(piece for send in sends for piece in send)
        for send in sends:
            outbox.send([memoryview(bytearray(piece)) for piece in send])
        waits = outbox.unsent_bytes > 0
        assert await receive(theirs, len(whole)) == whole
        if waits:
            await drained.wait()
        assert outbox.unsent_bytes == 0
        outbox.close()
        ours.close()
        theirs.close()

    asyncio.run(scenario())


def test_more_buffers_than_one_write_takes() -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        outbox = SocketOutbox(asyncio.get_running_loop(), ours.fileno(), lambda: None, pytest.fail)
        pieces = [bytes([n % 251]) * (n % 7) for n in range(BUFFERS_PER_WRITE_MAX * 3 + 1)]
        outbox.send(pieces)
        assert await receive(theirs, sum(map(len, pieces))) == b"".join(pieces)
        outbox.close()
        ours.close()
        theirs.close()

    asyncio.run(scenario())


def test_a_peer_that_left_is_reported_once_and_nothing_is_kept() -> None:
    async def scenario() -> None:
        ours, theirs = pair()
        broken: list[OSError] = []
        outbox = SocketOutbox(
            asyncio.get_running_loop(), ours.fileno(), lambda: None, broken.append
        )
        theirs.close()
        outbox.send([b"x" * 100_000])
        outbox.send([b"y"])
        assert len(broken) == 1
        assert outbox.unsent_bytes == 0
        outbox.close()
        ours.close()

    asyncio.run(scenario())
