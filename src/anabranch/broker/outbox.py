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
from typing import Final, Protocol

Buffer = bytes | bytearray | memoryview

BUFFERS_PER_WRITE_MAX: Final = 512  # the kernel takes 1024 (IOV_MAX)


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
    """Writes to a descriptor; ``on_drained`` is called whenever everything kept has been sent.

    ``on_broken`` is called once if the peer is gone. Invariant: ``unsent_bytes`` is the sum of the
    lengths kept, and the loop watches the descriptor exactly while it is positive.
    """

    __slots__ = ("_fd", "_kept", "_loop", "_on_broken", "_on_drained", "unsent_bytes")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        descriptor: int,
        on_drained: Callable[[], None],
        on_broken: Callable[[OSError], None],
    ) -> None:
        self._loop = loop
        self._fd = os.dup(descriptor)
        self._kept: deque[Buffer] = deque()
        self._on_drained = on_drained
        self._on_broken = on_broken
        self.unsent_bytes = 0

    def send(self, buffers: Iterable[Buffer]) -> None:
        if self._fd < 0:
            return
        watched = self.unsent_bytes > 0
        kept = self._kept
        for buffer in buffers:
            kept.append(buffer)
            self.unsent_bytes += len(buffer)
        if not watched:
            self._write()
            if self.unsent_bytes and self._fd >= 0:
                self._loop.add_writer(self._fd, self._writable)

    def _writable(self) -> None:
        self._write()
        if not self.unsent_bytes and self._fd >= 0:
            self._loop.remove_writer(self._fd)
            self._on_drained()

    def _write(self) -> None:
        kept = self._kept
        while kept:
            if len(kept) <= BUFFERS_PER_WRITE_MAX:
                batch = list(kept)
            else:
                batch = [kept[index] for index in range(BUFFERS_PER_WRITE_MAX)]
            try:
                sent = os.writev(self._fd, batch)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                self.close()
                self._on_broken(error)
                return
            self.unsent_bytes -= sent
            for buffer in batch:
                size = len(buffer)
                if size > sent:
                    kept[0] = memoryview(buffer)[sent:]
                    return  # the socket's buffer is full
                sent -= size
                kept.popleft()

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
