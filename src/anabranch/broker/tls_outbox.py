"""What a TLS connection still has to send: encrypted piece by piece, as the socket takes it."""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from anabranch.broker.outbox import BYTES_PER_WRITE, Buffer, SocketOutbox

RECORD_BYTES: Final = 16 * 1024  # of TLS; smaller buffers are put together for one


class TlsOutbox:
    """See :class:`anabranch.broker.outbox.Outbox`. Encrypts at most ``BYTES_PER_WRITE`` per turn of the loop, and no
    more while the socket still keeps some: an answer that nobody reads is not encrypted. ``on_progress`` is called when
    a later turn sent something, which the socket's own outbox does not tell.

    Invariant: ``_plain_bytes`` is the sum of the lengths in ``_plain``.
    """

    __slots__ = (
        "_closed",
        "_loop",
        "_object",
        "_on_progress",
        "_outgoing",
        "_plain",
        "_plain_bytes",
        "_raw",
        "_turn",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        object_: ssl.SSLObject,
        outgoing: ssl.MemoryBIO,
        raw: SocketOutbox,
        on_progress: Callable[[], None],
    ) -> None:
        self._on_progress = on_progress
        self._loop = loop
        self._object = object_
        self._outgoing = outgoing
        self._raw = raw
        self._plain: deque[Buffer] = deque()
        self._plain_bytes = 0
        self._turn: asyncio.Handle | None = None
        self._closed = False

    @property
    def unsent_bytes(self) -> int:
        return self._plain_bytes + self._raw.unsent_bytes

    def send(self, buffers: Iterable[Buffer]) -> None:
        if self._closed:
            return
        for buffer in buffers:
            if buffer:
                self._plain.append(buffer)
                self._plain_bytes += len(buffer)
        if self._turn is None:
            self.progress()

    def flush(self) -> None:
        """Send what TLS itself has to say: handshake, alerts, tickets."""
        if self._outgoing.pending and not self._closed:
            self._raw.send([self._outgoing.read()])

    def progress(self) -> None:
        """The socket took something, or it is the next turn."""
        self._turn = None
        if self._closed or self._raw.unsent_bytes:
            return
        self._encrypt()
        self.flush()
        if self._plain_bytes and not self._raw.unsent_bytes and not self._closed:
            self._turn = self._loop.call_soon(self._next_turn)

    def _next_turn(self) -> None:
        self.progress()
        if not self._closed:
            self._on_progress()

    def _encrypt(self) -> None:
        room = BYTES_PER_WRITE
        plain = self._plain
        while plain and room > 0:
            piece: Buffer
            if len(plain[0]) >= RECORD_BYTES or len(plain) == 1:
                piece = plain.popleft()
                if len(piece) > room:
                    view = memoryview(piece)
                    plain.appendleft(view[room:])
                    piece = view[:room]
            else:
                small = [plain.popleft()]
                size = len(small[0])
                while plain and size + len(plain[0]) <= RECORD_BYTES:
                    small.append(plain.popleft())
                    size += len(small[-1])
                piece = b"".join(small)
            size = len(piece)
            room -= size
            self._plain_bytes -= size
            written = self._object.write(piece)  # a memory BIO takes everything
            assert written == size, (written, size)

    def close(self) -> None:
        self._closed = True
        self._plain.clear()
        self._plain_bytes = 0
        if self._turn is not None:
            self._turn.cancel()
            self._turn = None
        self._raw.close()
