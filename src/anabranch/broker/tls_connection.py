"""A connection over TLS: between the socket's bytes and the requests lies OpenSSL, without a socket of its own.

Ciphertext is read into a buffer that all TLS connections share (it is empty again before the loop reads for
another), decrypted straight into the connection's ring, and answers are encrypted as the socket takes them
(:mod:`anabranch.broker.tls_outbox`). What is not decrypted yet is bounded by what one read brings: a connection
whose ring is full is not read.

A handshake costs a millisecond of CPU, so there are turns: one step of one connection per turn of the loop, and
only so many connections in the middle of one (:class:`Handshakes`). The others wait unread, until
``limits.authentication_ms_max`` cuts them off.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from anabranch.broker.connection import Connection
from anabranch.broker.door import Door
from anabranch.broker.outbox import Outbox, SocketOutbox
from anabranch.broker.security.principal import USER_TYPE, Principal
from anabranch.broker.security.subjects import name_of, subject_of
from anabranch.broker.security.tls import reason
from anabranch.broker.tls_outbox import TlsOutbox

if TYPE_CHECKING:
    from anabranch.broker.listener import Listener

logger = logging.getLogger(__name__)

CIPHERTEXT_BYTES: Final = 256 * 1024  # of one read, as much as the ring
HANDSHAKE: Final = 0x16  # the first byte of every TLS client


class Handshakes:
    """Those in progress. Invariant: ``open`` of them at most ``most()``, the others in ``waiting``."""

    def __init__(
        self, most: Callable[[], int], soon: Callable[[Callable[[], None]], object]
    ) -> None:
        self._most = most
        self._soon = soon
        self.open: dict[TlsConnection, None] = {}
        self.waiting: dict[TlsConnection, None] = {}
        self._steps: deque[TlsConnection] = deque()
        self.failed = 0

    def begin(self, connection: TlsConnection) -> bool:
        """Whether it may; otherwise it is told by ``admitted``."""
        if len(self.open) < self._most():
            self.open[connection] = None
            return True
        self.waiting[connection] = None
        return False

    def step(self, connection: TlsConnection) -> None:
        """Call its ``shake`` in its turn."""
        self._steps.append(connection)
        if len(self._steps) == 1:
            self._soon(self._one)

    def _one(self) -> None:
        connection = self._steps.popleft()
        if self._steps:
            self._soon(self._one)
        connection.shake()

    def over(self, connection: TlsConnection) -> None:
        """It shook hands, or left."""
        self.waiting.pop(connection, None)
        if connection in self.open:
            del self.open[connection]
            if self.waiting:
                first = next(iter(self.waiting))
                del self.waiting[first]
                self.open[first] = None
                first.admitted()


class TlsConnection(Connection):
    """See the module."""

    __slots__ = ("_heard", "_incoming", "_object", "_outgoing", "_queued", "_shaken", "_tls_outbox")

    def __init__(self, listener: Listener, loop: asyncio.AbstractEventLoop, door: Door) -> None:
        super().__init__(listener, loop, door)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._object: ssl.SSLObject | None = None
        self._tls_outbox: TlsOutbox | None = None
        self._heard = False  # its first byte is TLS's
        self._shaken = False
        self._queued = False  # for a step of the handshake

    # -- life ------------------------------------------------------------------------------------
    def _make_outbox(self, transport: asyncio.Transport, sock: socket.socket | None) -> Outbox:
        assert sock is not None, "TLS wants a socket"
        assert self._door.tls is not None
        self._object = self._door.tls.context.wrap_bio(
            self._incoming, self._outgoing, server_side=True
        )
        raw = SocketOutbox(self._loop, sock.fileno(), self._progressed, self._broken)
        self._tls_outbox = TlsOutbox(
            self._loop, self._object, self._outgoing, raw, super()._progressed
        )
        if not self._listener.handshakes.begin(self):
            self._pause()
        return self._tls_outbox

    def admitted(self) -> None:
        """Its handshake may go on."""
        self._resume()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._heard and not (self._shaken or self.closed):
            logger.info("%s left in the middle of its TLS handshake", self.peer)
        self._listener.handshakes.over(self)
        super().connection_lost(exc)

    def close(self, reason: str, *, level: int = logging.WARNING) -> None:
        if not self.closed:
            self._listener.handshakes.over(self)
            self._say_goodbye()
        super().close(reason, level=level)

    def _say_goodbye(self) -> None:
        """Let the client know that nothing was cut off, if the socket takes it at once."""
        outbox = self._tls_outbox
        if not self._shaken or self._object is None or outbox is None or outbox.unsent_bytes:
            return
        try:
            self._object.unwrap()
        except ssl.SSLError:
            pass  # it waits for the client's goodbye, which nobody needs
        outbox.flush()

    @property
    def proven(self) -> bool:
        return self._shaken and super().proven

    # -- reading ---------------------------------------------------------------------------------
    def get_buffer(self, sizehint: int) -> memoryview:
        return self._listener.ciphertext

    def buffer_updated(self, nbytes: int) -> None:
        self.active_at = self._loop.time()
        self._incoming.write(self._listener.ciphertext[:nbytes])
        if self._shaken:
            self._decrypt()
            return
        if not self._heard and self._listener.ciphertext[0] != HANDSHAKE:
            self._listener.handshakes.failed += 1
            name, protocol = self._door.name, self._door.protocol
            self.close(f"it does not speak TLS, and listener {name} is {protocol}")
            return
        self._heard = True
        if not self._queued:
            self._queued = True
            self._listener.handshakes.step(self)

    def shake(self) -> None:
        """Go on with the handshake."""
        self._queued = False
        if self.closed or self._object is None or self._tls_outbox is None:
            return
        try:
            self._object.do_handshake()
        except ssl.SSLWantReadError:
            self._tls_outbox.flush()
            return
        except ssl.SSLError as error:
            self._tls_outbox.flush()  # the alert
            self._listener.handshakes.failed += 1
            if isinstance(error, ssl.SSLCertVerificationError):
                self._listener.not_authenticated(self.session, reason(error))
            self.close(f"TLS handshake by listener {self._door.name}: {reason(error)}")
            return
        self._tls_outbox.flush()
        self._shaken = True
        self._listener.handshakes.over(self)
        if self._identify():
            self._decrypt()

    def _identify(self) -> bool:
        """Take the principal from the client's certificate; False if there is none for it."""
        assert self._object is not None and self._door.tls is not None
        certificate = self._object.getpeercert(binary_form=True)
        if certificate is None or self._door.sasl:
            return True
        try:
            subject = subject_of(certificate)
        except ValueError:
            self.close("its certificate's subject cannot be read")
            return False
        name = name_of(self._door.tls.rules, subject)
        if name is None:
            self._listener.not_authenticated(self.session, f"no rule for {subject!r}")
            self.close(f"no rule of tls.principal_rules is for its subject {subject!r}")
            return False
        self._adopt(self.session._replace(principal=Principal(USER_TYPE, name)))
        self._listener.authenticated(self.session)
        return True

    def _decrypt(self) -> None:
        """Take in what has arrived, as far as there is room."""
        inbox, object_ = self.inbox, self._object
        assert object_ is not None and self._tls_outbox is not None
        while not (self.closed or self._paused or self.stopping):
            whole = dry = False
            while not dry:
                space = inbox.space()
                if not space:
                    break
                try:
                    count: int = object_.read(len(space), space)  # type: ignore[assignment]
                except ssl.SSLWantReadError:
                    dry = True
                    break
                except ssl.SSLZeroReturnError:
                    count = 0
                except ssl.SSLError as error:
                    self.close(f"TLS: {reason(error)}")
                    return
                if not count:
                    self.close("it said goodbye", level=logging.DEBUG)
                    return
                whole = inbox.received(count) or whole
            self._tls_outbox.flush()  # keys that are renewed
            if whole or not dry:
                self._pump()
            if dry:
                return

    def _resume(self) -> None:
        was_paused = self._paused
        super()._resume()
        if was_paused and not self._paused:
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """What lies in OpenSSL does not come by the socket again."""
        if self._shaken and not self.closed:
            self._decrypt()

    def _progressed(self) -> None:
        if self._tls_outbox is not None:
            self._tls_outbox.progress()
        super()._progressed()
