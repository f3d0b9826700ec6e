"""One client connection: bytes to requests, answers to bytes, always in order.

Order and pipelining. Kafka serves one request of a connection at a time, and clients lean on what
follows from it: a Metadata that was sent behind a CreateTopics sees the topic, a ListOffsets behind
a Produce sees the records. So here too a request starts when everything before it is answered, with
one exception that nobody can observe but by its speed: Produces start while earlier Produces are
still being made durable. Their answers go out in order.

A client that leaves takes with it what it asked for and is not begun: long polls, and appends that wait
for their flush.

Backpressure (I10). A request that may not start stays in the ring, and once the ring is full the
socket is not read; TCP tells the client. Requests wait for: earlier requests (above), room in the
append queue, the number of unanswered Produces, answers that the client does not read.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from collections.abc import Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from anabranch.broker.admission import WAIT_S_MAX
from anabranch.broker.dispatch import Call, Closing, Deferred, Reply
from anabranch.broker.door import PLAIN, Door
from anabranch.broker.eager import start
from anabranch.broker.inbox import PRODUCE, Inbox
from anabranch.broker.outbox import Buffer, Outbox, SocketOutbox, TransportOutbox
from anabranch.broker.security.authentication import RAW_BYTES_MAX, SASL_BYTES_MAX, Authentication
from anabranch.broker.security.principal import Session
from anabranch.broker.security.raw import RawCall, answer_raw
from anabranch.errors import ClientFault, Corrupt, MalformedRequest, StoreFault
from anabranch.prompt import when_done

if TYPE_CHECKING:
    from anabranch.broker.listener import Listener

logger = logging.getLogger(__name__)


class Slot:
    """A request between its start and the sending of its answer."""

    __slots__ = ("appends", "begun_s", "buffers", "call", "waiting")

    def __init__(self, call: Call, begun_s: float) -> None:
        self.begun_s = begun_s  # on the loop's clock
        self.call = call
        self.buffers: Sequence[Buffer] | None = None  # None: not answered yet
        self.waiting = 0  # appends that are not durable yet
        self.appends: Sequence[asyncio.Future[Any]] = ()  # given up when the client leaves

    def withdraw(self) -> None:
        """Nobody waits for the answer any more."""
        for future in self.appends:
            if not future.cancel():
                future.exception()  # taken, for nobody else will


class Connection(asyncio.BufferedProtocol):
    """See the module. All methods run on the loop's thread.

    Invariants: ``slots`` holds the unanswered requests in the order of their arrival; ``serial`` is the
    one of them that still runs and lets nothing start beside it (no Produce, or one of very many
    partitions), or None.
    """

    __slots__ = (
        "_accounted",
        "_door",
        "_flush_scheduled",
        "_held",
        "_listener",
        "_loop",
        "_muted",
        "_outbox",
        "_paused",
        "_pumping",
        "_room_task",
        "_serial",
        "_slots",
        "_task",
        "_transport",
        "active_at",
        "authentication",
        "begun_at",
        "closed",
        "host",
        "inbox",
        "peer",
        "session",
        "stopping",
    )

    def __init__(
        self, listener: Listener, loop: asyncio.AbstractEventLoop, door: Door = PLAIN
    ) -> None:
        self._listener = listener
        self._door = door
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._outbox: Outbox | None = None
        self.inbox = Inbox(listener.budget, self._pump)
        self._slots: deque[Slot] = deque()
        self._serial: Slot | None = None
        self._task: asyncio.Task[Any] | None = None
        self._room_task: asyncio.Task[None] | None = None
        self._flush_scheduled = False
        self._accounted = 0  # of our unsent bytes in the listener's sum
        self._held = False  # until its turn
        self._paused = False
        self._muted: asyncio.TimerHandle | None = None  # until then nothing is started (KIP-219)
        self._pumping = False
        self.active_at = self.begun_at = loop.time()
        self.authentication: Authentication | None = None  # None: nothing is asked for
        self.closed = False
        self.stopping = False
        self.host = ""
        self.peer = "?"
        self.session = Session()

    # -- life ------------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        address = transport.get_extra_info("peername")
        if address:
            self.host = str(address[0])
            self.peer = f"{address[0]}:{address[1]}"
        self.session = Session(
            host=self.host,
            listener=self._door.name,
            protocol=self._door.protocol,
            port=int(address[1]) if address else 0,
        )
        if self._door.sasl:
            self.authentication = self._listener.authentication(
                self._door, self.session, self._adopt
            )
        refusal = self._listener.admit(self)
        if refusal is not None:
            logger.warning("refusing %s: %s", self.peer, refusal)
            self.closed = True
            transport.abort()
            return
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._outbox = self._make_outbox(transport, sock)
        wait_s = self._listener.turn(self)
        if wait_s > WAIT_S_MAX:
            self.close("connections come faster than limits.connections_per_second… allow")
        elif wait_s:
            self._held = True
            self._pause()
            self._loop.call_later(wait_s, self._release)

    def _release(self) -> None:
        """Its turn has come."""
        self._held = False
        self._resume()

    def _make_outbox(self, transport: asyncio.Transport, sock: socket.socket | None) -> Outbox:
        if sock is None:
            transport.set_write_buffer_limits(0)
            return TransportOutbox(transport)
        return SocketOutbox(self._loop, sock.fileno(), self._progressed, self._broken)

    def connection_lost(self, exc: Exception | None) -> None:
        admitted = self._outbox is not None
        self.closed = True
        if self._outbox is not None:
            self._outbox.close()
            self._account()
        if self._task is not None and self._serial is not None and self._serial.call.api.abandon:
            self._task.cancel()  # a long poll that nobody waits for
        if self._room_task is not None:
            self._room_task.cancel()
        if self._muted is not None:
            self._muted.cancel()
        for slot in self._slots:
            slot.withdraw()
        self._slots.clear()
        self._serial = None
        self.inbox.close()
        if admitted:
            self._listener.forget(self)

    def close(self, reason: str, *, level: int = logging.WARNING) -> None:
        """Cut the connection; one line says why."""
        if self.closed:
            return
        self.closed = True
        logger.log(level, "closing %s: %s", self.peer, reason)
        if self._outbox is not None:
            self._outbox.close()
            self._account()
        if self._transport is not None:
            self._transport.abort()

    @property
    def door(self) -> Door:
        """The listener that it came by."""
        return self._door

    def _adopt(self, session: Session) -> None:
        """The client has proven who it is."""
        self.session = session

    @property
    def proven(self) -> bool:
        """Whether the client has done what is asked of it before its first request."""
        return self.authentication is None or self.authentication.done

    @property
    def busy(self) -> bool:
        """Whether an answer is owed or on its way."""
        return bool(self._slots) or (self._outbox is not None and self._outbox.unsent_bytes > 0)

    @property
    def unsent_bytes(self) -> int:
        """Bytes of answers that the client has not taken yet."""
        return self._outbox.unsent_bytes if self._outbox is not None else 0

    @property
    def awaiting_answer(self) -> bool:
        """Whether a request is being served."""
        return bool(self._slots)

    def stop(self) -> None:
        """Start no more requests; a long poll in progress is given up."""
        self.stopping = True
        self._pause()
        if self._task is not None and self._serial is not None and self._serial.call.api.abandon:
            self._task.cancel()

    # -- reading ---------------------------------------------------------------------------------
    def get_buffer(self, sizehint: int) -> memoryview:
        return self.inbox.space()

    def buffer_updated(self, nbytes: int) -> None:
        self.active_at = self._loop.time()
        if self.inbox.received(nbytes):
            self._pump()

    def eof_received(self) -> bool:
        return False  # nothing more can be asked, and Kafka's clients never half-close

    def pause_writing(self) -> None:
        pass  # the outbox knows

    def resume_writing(self) -> None:
        self._progressed()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._paused and not (self.closed or self.stopping or self._held):
            assert self._transport is not None
            self._paused = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

    def _pump(self) -> None:
        """Start every request that has arrived whole and may start; then make room to read more."""
        if self.closed or self.stopping or self._pumping:
            return
        self._pumping = True
        try:
            self._start_requests()
        finally:
            self._pumping = False
        if self.closed:
            return
        if self.inbox.make_room():
            self._resume()
        else:
            self._pause()

    def _start_requests(self) -> None:
        inbox = self.inbox
        bytes_max = self._listener.limits.request_bytes_max
        guard = self.authentication
        while not (self.closed or self.stopping):
            try:
                if guard is not None and not guard.done:
                    if guard.raw:
                        if not self._start_raw(guard):
                            return
                        continue
                    head = inbox.head(SASL_BYTES_MAX)
                else:
                    head = inbox.head(bytes_max)
            except MalformedRequest as fault:
                self.close(fault.message)
                return
            if head is None:
                return
            key, version = head
            if not self._may_start(key):
                return
            if guard is not None and (why := guard.refusal(key)) is not None:
                self.close(why)
                return
            self._start(key, version, inbox.take(key))

    def _start_raw(self, guard: Authentication) -> bool:
        """Take a message of SASL that has no request around it; False if it cannot be now."""
        if self._slots:
            return False
        message = self.inbox.take_raw(RAW_BYTES_MAX)
        if message is None:
            return False
        slot = Slot(RawCall(), self._loop.time())
        self._slots.append(slot)
        self._serial = slot
        self._run(slot, answer_raw(guard, message))
        return True

    def _may_start(self, key: int) -> bool:
        assert self._outbox is not None
        limits = self._listener.limits
        if self._muted is not None:
            return False
        if self._serial is not None or self._outbox.unsent_bytes > limits.unsent_bytes_max:
            return False
        if self._outbox.unsent_bytes and self._listener.short_of_memory:
            return False  # first it takes what it has asked for
        if key != PRODUCE:
            return not self._slots
        if len(self._slots) >= limits.produces_in_flight_max:
            return False
        if not self._listener.log.has_room():
            if self._room_task is None:
                self._room_task = self._loop.create_task(self._wait_for_room())
            return False
        return True

    async def _wait_for_room(self) -> None:
        await self._listener.log.wait_for_room()
        self._room_task = None
        self._pump()

    # -- requests --------------------------------------------------------------------------------
    def _start(self, key: int, version: int, frame: bytes | bytearray) -> None:
        begun_s = self._loop.time()
        try:
            call, reply = self._listener.dispatcher.start(self, key, version, frame)
        except MalformedRequest as fault:
            self.close(f"malformed request (api {key}, version {version}): {fault.message}")
            return
        except Closing as closing:
            self.close(closing.reason)
            return
        except Exception:
            logger.exception("api %d, version %d from %s broke", key, version, self.peer)
            self.close("its request could not be decoded")
            return
        if call.meter is not None:
            call.meter.spent_s = self._loop.time() - begun_s
        slot = Slot(call, begun_s)
        if isinstance(reply, Deferred):
            self._slots.append(slot)
            self._await_appends(slot, reply)
        elif isinstance(reply, Coroutine):
            self._slots.append(slot)
            self._serial = slot
            self._run(slot, reply)
        else:
            self._slots.append(slot)
            self._answer(slot, reply)

    def _run(self, slot: Slot, coroutine: Coroutine[Any, Any, Reply]) -> None:
        """Run a handler; without a task if it never has to wait."""
        outcome = start(self._loop, coroutine)
        if isinstance(outcome, asyncio.Task):
            self._task = outcome
            outcome.add_done_callback(lambda task: self._ran(slot, task))
        elif outcome.error is not None:
            self._serial = None
            self._fail(slot, outcome.error)
        else:
            self._serial = None
            self._answer(slot, outcome.value)

    def _ran(self, slot: Slot, task: asyncio.Task[Any]) -> None:
        self._task = None
        if task.cancelled():
            if not self.closed:
                self.close(f"{slot.call} was given up", level=logging.INFO)
            return
        error = task.exception()
        if self.closed:
            if isinstance(error, Closing):  # as a login that failed: it is said all the same
                logger.warning("%s left: %s", self.peer, error.reason)
            elif error is not None and not isinstance(error, ClientFault):
                logger.error("%s failed after %s left", slot.call, self.peer, exc_info=error)
            return
        self._serial = None
        if error is not None:
            self._fail(slot, error)
        else:
            self._answer(slot, task.result())
        self._pump()

    def _await_appends(self, slot: Slot, deferred: Deferred) -> None:
        def one_done(future: asyncio.Future[Any]) -> None:
            slot.waiting -= 1
            if not slot.waiting and not future.cancelled():
                self._finish(slot, deferred)

        if deferred.wanted:
            slot.appends = deferred.futures
        for future in deferred.futures:
            if not future.done():
                slot.waiting += 1
                when_done(future, one_done)
        if not slot.waiting:
            self._finish(slot, deferred)

    def _finish(self, slot: Slot, deferred: Deferred) -> None:
        try:
            reply = deferred.finish()  # also takes the futures' errors, which nobody else will
        except Exception as error:
            if not self.closed:
                self._fail(slot, error)
            return
        if not self.closed:
            self._answer(slot, reply)

    def _fail(self, slot: Slot, error: BaseException) -> None:
        if isinstance(error, Closing):
            self.stopping = True
            if error.reply is not None:
                self._answer(slot, error.reply)
            self.close(error.reason)
            return
        if isinstance(error, MalformedRequest):
            self.close(f"malformed request ({slot.call}): {error.message}")
            return
        known = isinstance(error, (ClientFault, StoreFault, Corrupt))
        if not known:
            logger.error("%s from %s broke", slot.call, self.peer, exc_info=error)
        reply = slot.call.fault(error)
        fatal = reply is None or not known
        if fatal:
            self.stopping = True  # nothing more is started
        if reply is not None:
            self._answer(slot, reply)
        if fatal:
            self.close(f"{slot.call} failed: {error!r}")

    def _mute(self, wait_s: float) -> None:
        """Start nothing for so long: the client has used more than its quota."""
        until_s = self._loop.time() + wait_s
        if self._muted is not None:
            if self._muted.when() >= until_s:
                return
            self._muted.cancel()
        self._muted = self._loop.call_at(until_s, self._unmute)

    def _unmute(self) -> None:
        self._muted = None
        self._pump()

    def _answer(self, slot: Slot, reply: Reply) -> None:
        if slot.call.meter is not None and (wait_s := slot.call.meter.answered(reply)) > 0:
            self._mute(wait_s)
        try:
            slot.buffers = slot.call.encode(reply) if reply is not None else []
        except Exception as error:
            logger.exception("the answer to %s from %s cannot be encoded", slot.call, self.peer)
            self.close(f"{slot.call} could not be answered: {error!r}")
            return
        self._listener.times.note(slot.call.api.key, self._loop.time() - slot.begun_s)
        if self._slots[0] is slot and not self._flush_scheduled:
            if len(self._slots) == 1:
                self._flush()
            else:
                # One flush of the log completes many Produces: their answers leave in one write.
                self._flush_scheduled = True
                self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flush_scheduled = False
        if self.closed:
            return
        assert self._outbox is not None
        slots = self._slots
        ready: list[Buffer] = []
        while slots and (buffers := slots[0].buffers) is not None:
            ready += buffers
            slots.popleft()
        if ready:
            self._outbox.send(ready)
            self._account()
        self._pump()

    def _account(self) -> None:
        """Tell the listener what this connection keeps of answers."""
        unsent = self.unsent_bytes
        self._listener.unsent_changed(unsent - self._accounted)
        self._accounted = unsent

    def _progressed(self) -> None:
        """The peer has taken something of what was kept for it."""
        self.active_at = self._loop.time()
        self._account()
        self._pump()

    def _broken(self, error: OSError) -> None:
        self.close(f"cannot send: {error.strerror}", level=logging.INFO)
