"""From the bytes of a connection to its frames, without I/O.

Small frames come through a ring that starts at 16 KiB and grows to 256 KiB on demand: several
requests per read, and an idle connection stays cheap. A frame that would cost more as a copy out of the
ring is received straight into a buffer of its own; what all connections receive in this way at the same
time is bounded by one :class:`LargeBudget`, served first come, first served.

A Produce is always handed out in a buffer of its own, because the log keeps its batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from struct import Struct
from typing import Final

from anabranch.errors import MalformedRequest
from anabranch.log.buffers import Buffers
from anabranch.wire.frame import request_bytes_max

KIB: Final = 1024
RING_START_BYTES: Final = 16 * KIB  # an idle connection stays cheap
RING_BYTES: Final = 256 * KIB  # several requests per read; larger gains nothing measurable
LARGE_FRAME_BYTES: Final = 64 * KIB  # from here on a copy through the ring costs more than a buffer
LARGE_START_BYTES: Final = (
    1024 * KIB
)  # a frame that only claims to be large costs no more than this

TLS_HANDSHAKE: Final = 0x1603  # how every TLS client begins; no frame is so long
FRAME_BYTES_MIN: Final = 8  # key, version, correlation id
PRODUCE: Final = 0

_LENGTH: Final = Struct(">i")
_LENGTH_KEY_VERSION: Final = Struct(">ihh")
_KEY_VERSION: Final = Struct(">hh")


class LargeBudget:
    """Bytes of large frames that are being received, over all connections.

    Invariant: ``reserved_bytes`` is the sum of what was reserved and not released, and at most
    ``bytes_max()`` unless a single frame is larger. ``soon`` calls a function once the caller is done.
    """

    def __init__(
        self, bytes_max: Callable[[], int], soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self._bytes_max = bytes_max
        self._soon = soon
        self.reserved_bytes = 0
        self.waiting: deque[tuple[Inbox, int]] = deque()
        self.buffers = Buffers()  # where the memory for them comes from

    def reserve(self, inbox: Inbox, size: int) -> bool:
        """Take ``size`` bytes; False: ``inbox.granted`` will be called when its turn has come."""
        waiting = self.waiting
        if (not waiting or waiting[0][0] is inbox) and self._fits(size):
            if waiting:
                waiting.popleft()
            self.reserved_bytes += size
            self._grant()
            return True
        if all(one[0] is not inbox for one in waiting):
            waiting.append((inbox, size))
        return False

    def release(self, size: int) -> None:
        self.reserved_bytes -= size
        assert self.reserved_bytes >= 0
        self._grant()

    def abandon(self, inbox: Inbox) -> None:
        """The inbox no longer waits."""
        self.waiting = deque(one for one in self.waiting if one[0] is not inbox)
        self._grant()

    def _fits(self, size: int) -> bool:
        return not self.reserved_bytes or self.reserved_bytes + size <= self._bytes_max()

    def _grant(self) -> None:
        # The first in the queue reserves in its own turn.
        if self.waiting and self._fits(self.waiting[0][1]):
            self._soon(self.waiting[0][0].granted)


class Inbox:
    """One connection's incoming bytes.

    Invariants: ``0 <= pos <= end <= len(ring)``; while a large frame is being received, the ring is
    empty and ``filled <= len(large) <= wanted``. ``granted`` is called when the budget has room for
    the large frame that waits.
    """

    __slots__ = (
        "_budget",
        "_end",
        "_filled",
        "_large",
        "_large_view",
        "_pos",
        "_reserved",
        "_ring",
        "_size",
        "_view",
        "_waiting",
        "_wanted",
        "granted",
    )

    def __init__(self, budget: LargeBudget, granted: Callable[[], None]) -> None:
        self._budget = budget
        self.granted = granted
        self._ring = bytearray(RING_START_BYTES)
        self._view = memoryview(self._ring)
        self._pos = 0
        self._end = 0
        self._size = 0  # of the whole frame at pos that head() has seen
        self._large: bytearray | None = None
        self._large_view: memoryview | None = None
        self._wanted = 0
        self._filled = 0
        self._reserved = 0
        self._waiting = False  # for the budget

    @property
    def buffer_bytes(self) -> int:
        """Memory held for this connection's incoming bytes."""
        return len(self._ring) + (len(self._large) if self._large is not None else 0)

    @property
    def receiving_large(self) -> bool:
        """Whether a large frame has begun and is not complete."""
        return self._large is not None and self._filled < self._wanted

    # -- bytes in ----------------------------------------------------------------------------------
    def space(self) -> memoryview:
        """Where the next bytes go; not empty after :meth:`make_room` said so."""
        if self._large_view is not None:
            return self._large_view[self._filled :]
        return self._view[self._end :]

    def received(self, count: int) -> bool:
        """``count`` bytes were put into :meth:`space`; whether there may be a new whole frame."""
        if self._large is None:
            self._end += count
            return True
        self._filled += count
        if self._filled < len(self._large):
            return False
        if self._filled < self._wanted:
            self._grow_large()
            return False
        return True

    def make_room(self) -> bool:
        """Prepare for the next read; False if no byte more can be taken until frames are."""
        if self._large is not None:
            return self._filled < self._wanted
        if self._waiting:
            return False
        if self._pos == self._end:
            self._pos = self._end = 0
        elif self._end == len(self._ring):
            size = self._end - self._pos
            if len(self._ring) < RING_BYTES:
                ring = bytearray(RING_BYTES)
                ring[:size] = self._view[self._pos : self._end]
                self._ring, self._view = ring, memoryview(ring)
            elif self._pos:
                self._ring[:size] = self._ring[self._pos : self._end]
            self._pos, self._end = 0, size
        return self._end < len(self._ring)

    def trim(self) -> None:
        """An idle connection goes back to a small ring."""
        if self._pos == self._end and len(self._ring) > RING_START_BYTES and self._large is None:
            self._ring = bytearray(RING_START_BYTES)
            self._view = memoryview(self._ring)
            self._pos = self._end = 0

    # -- frames out --------------------------------------------------------------------------------
    def head(self, bytes_max: int) -> tuple[int, int] | None:
        """Key and version of the next frame if it is here as a whole. Raises MalformedRequest.

        ``bytes_max`` bounds a Produce; requests without records are bounded more closely.
        """
        if self._large is not None:
            if self._filled < self._wanted:
                return None
            key, version = _KEY_VERSION.unpack_from(self._large)
            return key, version
        have = self._end - self._pos - 4
        if have < _KEY_VERSION.size:
            return None
        size, key, version = _LENGTH_KEY_VERSION.unpack_from(self._ring, self._pos)
        if key != PRODUCE:
            bytes_max = request_bytes_max(key, bytes_max)
        if size >> 16 == TLS_HANDSHAKE:
            raise MalformedRequest("it speaks TLS, and this listener does not")
        if not FRAME_BYTES_MIN <= size <= bytes_max:
            raise MalformedRequest(
                f"a frame of {size} bytes; {FRAME_BYTES_MIN} to {bytes_max} are allowed for api {key}"
            )
        if have < size:
            if size > LARGE_FRAME_BYTES:
                self._begin_large(size)
            return None
        self._size = size
        return key, version

    def take(self, key: int) -> bytes | bytearray:
        """The frame that :meth:`head` told of, without its size; a Produce is writable."""
        if self._large is not None:
            large, self._large, self._large_view = self._large, None, None
            self._release()
            return large
        start = self._pos + 4
        self._pos = start + self._size
        frame = self._view[start : self._pos]
        return bytearray(frame) if key == PRODUCE else bytes(frame)

    def take_raw(self, bytes_max: int) -> bytes | None:
        """Take what follows a length, whatever it is, if it is here as a whole. Raises MalformedRequest.

        ``bytes_max`` is no more than the ring holds.
        """
        assert bytes_max <= RING_BYTES - 4
        have = self._end - self._pos - 4
        if have < 0:
            return None
        (size,) = _LENGTH.unpack_from(self._ring, self._pos)
        if not 0 <= size <= bytes_max:
            raise MalformedRequest(f"a message of {size} bytes; at most {bytes_max} are allowed")
        if have < size:
            return None
        start = self._pos + 4
        self._pos = start + size
        return bytes(self._view[start : self._pos])

    def close(self) -> None:
        """Give back what others wait for."""
        if self._waiting:
            self._waiting = False
            self._budget.abandon(self)
        self._release()

    def _release(self) -> None:
        if self._reserved:
            reserved, self._reserved = self._reserved, 0
            self._budget.release(reserved)

    def _begin_large(self, size: int) -> None:
        """Receive the frame at ``pos`` into its own buffer, if the budget allows it now."""
        self._waiting = not self._budget.reserve(self, size)
        if self._waiting:
            return
        self._reserved = self._wanted = size
        self._large = self._budget.buffers.take(min(size, LARGE_START_BYTES))
        self._large_view = memoryview(self._large)
        self._filled = self._end - self._pos - 4
        self._large[: self._filled] = self._view[self._pos + 4 : self._end]
        self._pos = self._end = 0

    def _grow_large(self) -> None:
        assert self._large is not None and self._large_view is not None
        # asyncio still holds a view of the old buffer, so it cannot be resized in place.
        grown = bytearray(min(self._wanted, 2 * len(self._large)))
        grown[: self._filled] = self._large_view
        self._large = grown
        self._large_view = memoryview(grown)
