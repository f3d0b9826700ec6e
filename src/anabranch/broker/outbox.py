"""What a connection still has to send, in order, without copying it.

asyncio's own transport joins and copies what it cannot send at once. Answers to fetches are lists of
views into the tail cache, so here they go to ``writev`` as they are, on a duplicate of the socket's
descriptor (asyncio keeps its own for reading). A transport without a socket is written to plainly.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable
from itertools import islice
from typing import Final, Protocol

Buffer = bytes | bytearray | memoryview

BUFFERS_PER_WRITE_MAX: Final = 512  # the kernel takes 1024 (IOV_MAX)
# Sent at a time: some 0.1 ms of copying, and on one machine the receiver's half of TCP as well. A large
# answer takes several turns of the loop, with everybody else's work between them.
BYTES_PER_WRITE: Final = 256 * 1024


class Outbox(Protocol):
    """Where a connection's answers go."""

    @property
    def unsent_bytes(self) -> int:
        """Bytes that the peer has not taken yet."""

    def send(self, buffers: Iterable[Buffer]) -> None:
        """Send now what the peer takes and keep the rest."""

    def close(self) -> None:
        """Forget what is unsent."""


class SocketOutbox:
    """Writes to a descriptor; ``on_progress`` is called whenever the peer has taken something of what was
    kept.

    ``on_broken`` is called once if the peer is gone. Invariant: ``unsent_bytes`` is the sum of the
    lengths kept, and the loop watches the descriptor exactly while it is positive.
    """

    __slots__ = ("_fd", "_kept", "_loop", "_on_broken", "_on_progress", "unsent_bytes")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        descriptor: int,
        on_progress: Callable[[], None],
        on_broken: Callable[[OSError], None],
    ) -> None:
        self._loop = loop
        self._fd = os.dup(descriptor)
        self._kept: deque[Buffer] = deque()
        self._on_progress = on_progress
        self._on_broken = on_broken
        self.unsent_bytes = 0

    def send(self, buffers: Iterable[Buffer]) -> None:
        if self._fd < 0:
            return
        watched = self.unsent_bytes > 0
        kept = self._kept
        for buffer in buffers:
            if buffer:
                kept.append(buffer)
                self.unsent_bytes += len(buffer)
        if not watched:
            self._write()
            if self.unsent_bytes and self._fd >= 0:
                self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        before = self.unsent_bytes
        self._write()
        if self._fd < 0:
            return
        if not self.unsent_bytes:
            self._loop.remove_writer(self._fd)
        if self.unsent_bytes < before:
            self._on_progress()

    def _write(self) -> None:
        """Send up to ``BYTES_PER_WRITE``, or as much as the socket takes."""
        kept = self._kept
        room = BYTES_PER_WRITE
        while kept and room > 0:
            batch: list[Buffer] = []
            for buffer in islice(kept, BUFFERS_PER_WRITE_MAX):
                if len(buffer) > room:
                    batch.append(memoryview(buffer)[:room])
                    room = 0
                    break
                batch.append(buffer)
                room -= len(buffer)
            try:
                sent = os.writev(self._fd, batch)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.close()
                self._on_broken(error)
                return
            self.unsent_bytes -= sent
            full = sent < sum(map(len, batch))
            while sent:
                size = len(kept[0])
                if size > sent:
                    kept[0] = memoryview(kept[0])[sent:]
                    break
                sent -= size
                kept.popleft()
            if full:
                return  # the socket's buffer is full

    def close(self) -> None:
        if self._fd < 0:
            return
        if self.unsent_bytes:
            self._loop.remove_writer(self._fd)
        os.close(self._fd)
        self._fd = -1
        self._kept.clear()
        self.unsent_bytes = 0


class TransportOutbox:
    """For transports without a socket (tests, simulation): the transport keeps what is unsent."""

    __slots__ = ("_transport",)

    def __init__(self, transport: asyncio.WriteTransport) -> None:
        self._transport = transport

    @property
    def unsent_bytes(self) -> int:
        return self._transport.get_write_buffer_size()

    def send(self, buffers: Iterable[Buffer]) -> None:
        self._transport.writelines(buffers)

    def close(self) -> None:
        pass
