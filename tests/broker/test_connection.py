"""The connection by itself: a listener and handlers made for the test, real sockets."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from anabranch.broker.config import Limits
from anabranch.broker.connection import Connection
from anabranch.broker.dispatch import Api, Closing, Deferred, Dispatcher
from anabranch.broker.inbox import LARGE_FRAME_BYTES, RING_BYTES
from anabranch.broker.listener import Listener
from anabranch.errors import ClientFault, ErrorCode, StoreFault
from anabranch.wire.messages.m00_produce import (
    PartitionProduceData,
    ProduceRequest,
    ProduceResponse,
    TopicProduceData,
    TopicProduceResponse,
)
from anabranch.wire.messages.m12_heartbeat import HeartbeatRequest, HeartbeatResponse
from anabranch.wire.messages.m36_sasl_authenticate import (
    SaslAuthenticateRequest,
    SaslAuthenticateResponse,
)
from tests.support.broker import Disconnected, WireClient

HEARTBEAT = 12
BEYOND_SOCKETS = 24 << 20  # more than the kernel keeps between a sender and a deaf receiver
BYTES = 36  # SaslAuthenticate: an API with a bytes field both ways, here an echo of any size


class FakeLog:
    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.room.set()

    def has_room(self) -> bool:
        return self.room.is_set()

    async def wait_for_room(self) -> None:
        await self.room.wait()


class Bench:
    """A listener with handlers that the test can replace."""

    def __init__(self, limits: Limits) -> None:
        self.log = FakeLog()
        self.appends: list[tuple[str, asyncio.Future[int]]] = []
        self.started: list[str] = []
        self.heartbeat: Callable[[Any, HeartbeatRequest], Any] = self._heartbeat
        self.produce: Callable[[Any, ProduceRequest], Any] = self._produce
        broker = SimpleNamespace(settings=SimpleNamespace(limits=limits), log=self.log)
        apis = {
            0: self._api(0, 3, 9, lambda c, r: self.produce(c, r), ProduceRequest, ProduceResponse),
            HEARTBEAT: self._api(
                HEARTBEAT,
                0,
                4,
                lambda c, r: self.heartbeat(c, r),
                HeartbeatRequest,
                HeartbeatResponse,
                abandon=True,
            ),
            BYTES: self._api(
                BYTES, 0, 2, self._echo, SaslAuthenticateRequest, SaslAuthenticateResponse
            ),
        }
        self.listener = Listener(broker, Dispatcher(broker, apis))  # type: ignore[arg-type]
        self.host, self.port = "127.0.0.1", 0

    def _api(
        self, key: int, low: int, high: int, handle: Any, *rest: Any, abandon: bool = False
    ) -> Api:
        return Api(key, f"api{key}", low, high, handle, rest[0], rest[1], abandon)

    def _heartbeat(self, _: Any, request: HeartbeatRequest) -> HeartbeatResponse:
        self.started.append(request.group_id)
        return HeartbeatResponse(error_code=request.generation_id)

    def _echo(self, _: Any, request: SaslAuthenticateRequest) -> SaslAuthenticateResponse:
        return SaslAuthenticateResponse(auth_bytes=request.auth_bytes)

    def _produce(self, _: Any, request: ProduceRequest) -> Deferred:
        (topic,) = request.topic_data
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.appends.append((topic.name, future))
        self.started.append(topic.name)
        assert not memoryview(topic.partition_data[0].records).readonly
        assert memoryview(topic.partition_data[0].records).obj.__class__ is bytearray

        def finish() -> ProduceResponse | None:
            if request.acks == 0:
                if future.exception() is not None:
                    raise Closing("a Produce with acks=0 failed")
                return None
            if isinstance(future.exception(), ClientFault):
                raise future.exception()  # type: ignore[misc]
            return ProduceResponse(responses=[TopicProduceResponse(name=topic.name)])

        return Deferred([future], finish, wanted=request.acks != 0)

    def answers(self, body: bytes) -> list[int]:
        """Answer the bytes API with ``body`` from now on; the list grows with each request served."""
        served: list[int] = []

        def handle(_: Any, request: SaslAuthenticateRequest) -> SaslAuthenticateResponse:
            served.append(1)
            return SaslAuthenticateResponse(auth_bytes=body)

        apis: Any = self.listener.dispatcher.apis
        apis[BYTES] = apis[BYTES]._replace(handle=handle)
        return served

    @property
    def connections(self) -> list[Connection]:
        return list(self.listener.connections)

    async def until(self, condition: Callable[[], bool]) -> None:
        for _ in range(30_000):
            if condition():
                return
            await asyncio.sleep(0.002)
        raise AssertionError("it did not come to pass")

    async def settle(self) -> None:
        """Long enough for whatever can happen now to have happened."""
        for _ in range(20):
            await asyncio.sleep(0.001)


@asynccontextmanager
async def bench(*, receive_buffer: int = 0, **limits: int) -> AsyncIterator[Bench]:
    """``receive_buffer``: what the kernel keeps for a connection that is not read, instead of what it
    thinks best."""
    made = Bench(replace(Limits(), **limits))
    loop = asyncio.get_running_loop()
    made.listener._loop = loop
    server = await loop.create_server(lambda: Connection(made.listener, loop), "127.0.0.1", 0)
    if receive_buffer:  # which connections inherit
        server.sockets[0].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        for connection in made.connections:
            connection.close("the test is over", level=logging.DEBUG)
        await asyncio.sleep(0)


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scenario(), 60))  # type: ignore[arg-type]


def connected(made: Bench) -> Any:
    return WireClient.connected(made)  # type: ignore[arg-type]


def produce(name: str, *, acks: int = -1, size: int = 10) -> ProduceRequest:
    part = PartitionProduceData(index=0, records=b"x" * size)
    return ProduceRequest(
        acks=acks, topic_data=[TopicProduceData(name=name, partition_data=[part])]
    )


def heartbeat(name: str = "g", generation: int = 0) -> HeartbeatRequest:
    return HeartbeatRequest(group_id=name, generation_id=generation)


SIZES = st.one_of(
    st.integers(0, 200),
    st.integers(LARGE_FRAME_BYTES - 40, LARGE_FRAME_BYTES + 40),
    st.integers(RING_BYTES - 60, RING_BYTES + 60),
    st.just(3 << 20),
)


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(SIZES, min_size=1, max_size=6), data=st.data())
def test_requests_are_answered_however_their_bytes_are_cut(
    sizes: list[int], data: st.DataObject
) -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            stream = bytearray()
            tickets = []
            original = client.writer.writelines
            client.writer.writelines = lambda frame: stream.extend(b"".join(frame))
            for number, size in enumerate(sizes):
                body = bytes([number + 1]) * size
                tickets.append((client.send(SaslAuthenticateRequest(auth_bytes=body), 2), body))
            client.writer.writelines = original
            cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
            reading = asyncio.create_task(collect(client, tickets))
            for low, high in zip([0, *cuts], [*cuts, len(stream)], strict=True):
                client.writer.write(bytes(stream[low:high]))
                await client.writer.drain()
                await asyncio.sleep(0)
            await reading

    async def collect(client: WireClient, tickets: list[Any]) -> None:
        for ticket, body in tickets:
            assert (await client.receive(ticket)).auth_bytes == body

    run(scenario)


def test_byte_by_byte() -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            stream = bytearray()
            client.writer.writelines = lambda frame: stream.extend(b"".join(frame))
            tickets = [client.send(heartbeat(generation=n), 4) for n in range(3)]
            for byte in stream:
                client.writer.write(bytes([byte]))
                await asyncio.sleep(0.0005)
            for number, ticket in enumerate(tickets):
                assert (await client.receive(ticket)).error_code == number

    run(scenario)


def test_pipelined_produces_run_together_and_are_answered_in_order() -> None:
    """Pitfall: one request at a time would cap a producer at one append's latency."""

    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            tickets = [client.send(produce(f"t{n}"), 9) for n in range(5)]
            await made.until(lambda: len(made.appends) == 5)
            for _, future in reversed(made.appends[1:]):
                future.set_result(0)
            await made.settle()
            first = asyncio.create_task(client.receive(tickets[0]))
            await made.settle()
            assert not first.done(), "later answers must wait for the first"
            made.appends[0][1].set_result(0)
            assert (await first).responses[0].name == "t0"
            for number, ticket in enumerate(tickets[1:], 1):
                assert (await client.receive(ticket)).responses[0].name == f"t{number}"

    run(scenario)


def test_anything_else_starts_when_all_before_it_is_answered() -> None:
    """What Kafka's one-at-a-time service lets clients rely on: effects in the order of requests."""

    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            async def slow(_: Any, request: HeartbeatRequest) -> HeartbeatResponse:
                made.started.append(request.group_id)
                await gate
                return HeartbeatResponse()

            made.heartbeat = slow
            tickets = [
                client.send(produce("p0"), 9),
                client.send(heartbeat("h"), 4),
                client.send(produce("p1"), 9),
                client.send(produce("p2"), 9),
            ]
            await made.until(lambda: made.started == ["p0"])
            await made.settle()
            assert made.started == ["p0"]
            made.appends[0][1].set_result(0)
            await made.until(lambda: made.started == ["p0", "h"])
            await made.settle()
            assert made.started == ["p0", "h"]
            gate.set_result(None)
            await made.until(lambda: made.started == ["p0", "h", "p1", "p2"])
            for _, future in made.appends[1:]:
                future.set_result(0)
            for ticket in tickets:
                await client.receive(ticket)

    run(scenario)


def test_acks_0_is_not_answered_and_its_failure_closes_the_connection() -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            client.send(produce("quiet", acks=0), 9)
            ticket = client.send(produce("loud"), 9)
            await made.until(lambda: len(made.appends) == 2)
            for _, future in made.appends:
                future.set_result(0)
            assert (await client.receive(ticket)).responses[0].name == "loud"
            client.send(produce("quiet", acks=0), 9)
            await made.until(lambda: len(made.appends) == 3)
            made.appends[2][1].set_exception(ClientFault(ErrorCode.MESSAGE_TOO_LARGE))
            assert await client.closed()

    run(scenario)


@pytest.mark.parametrize("identity", ["I10"])
def test_a_full_append_queue_stops_reading(identity: str) -> None:
    """I10: with no room in the log, a connection holds its ring and one frame, nothing more."""

    count = 200

    async def scenario() -> None:
        async with bench(receive_buffer=100_000) as made, connected(made) as client:
            sock = client.writer.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 100_000)
            made.log.room.clear()
            # Many times what every buffer on the way can hold.
            tickets = [client.send(produce(f"t{n}", size=50_000), 9) for n in range(count)]
            (connection,) = made.connections
            await made.until(lambda: connection._paused)
            assert not made.started
            assert connection.inbox.buffer_bytes <= RING_BYTES
            await made.settle()
            assert client.writer.transport.get_write_buffer_size() > 0
            assert not made.started and connection.inbox.buffer_bytes <= RING_BYTES
            made.log.room.set()
            answered = 0
            while answered < count:
                await made.until(lambda n=answered: len(made.appends) > n)
                for _, future in made.appends[answered:]:
                    future.set_result(0)
                answered = len(made.appends)
            for ticket in tickets:
                await client.receive(ticket)
            assert made.started == [f"t{n}" for n in range(count)]

    run(scenario)


@pytest.mark.parametrize("size", [100, 100_000, 2_000_000])
def test_produces_in_flight_are_bounded(size: int) -> None:
    """I10: whatever a client sends ahead, so many of its Produces are started."""

    async def scenario() -> None:
        async with bench(produces_in_flight_max=3) as made, connected(made) as client:
            tickets = [client.send(produce(f"t{n}", size=size), 9) for n in range(8)]
            await made.until(lambda: len(made.appends) == 3)
            await made.settle()
            assert len(made.appends) == 3
            for number, ticket in enumerate(tickets):
                await made.until(lambda n=number: len(made.appends) > n)
                made.appends[number][1].set_result(0)
                await client.receive(ticket)

    run(scenario)


def test_a_client_that_does_not_read_its_answers_is_not_served_on() -> None:
    """I10: unsent answers are bounded by one answer beyond the limit."""

    async def scenario() -> None:
        async with bench(unsent_bytes_max=1000) as made, connected(made) as client:
            served = made.answers(b"z" * BEYOND_SOCKETS)
            tickets = [client.send(SaslAuthenticateRequest(), 2) for _ in range(5)]
            client.writer.transport.pause_reading()
            await made.until(lambda: bool(served))
            await made.settle()
            assert len(served) == 1
            client.writer.transport.resume_reading()
            for ticket in tickets:
                assert len((await client.receive(ticket)).auth_bytes) == BEYOND_SOCKETS
            assert len(served) == 5

    run(scenario)


GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("16030100a5010000a1030300"),
    "negative length": struct.pack(">i", -5) + b"x" * 20,
    "zero length": bytes(64),
    "over the limit": struct.pack(">i", 101 << 20) + b"x" * 100,
    "unknown api": struct.pack(">ihhih", 10, 999, 0, 1, -1),
    "unserved version": struct.pack(">ihhih", 10, HEARTBEAT, 99, 1, -1),
    "negative api": struct.pack(">ihhih", 10, -1, -1, 1, -1),
    "cut body": struct.pack(">ihhih", 10, HEARTBEAT, 0, 1, -1),
    "cut header": struct.pack(">ihhi", 8, HEARTBEAT, 0, 1),
    "client id past the end": struct.pack(">ihhih", 10, HEARTBEAT, 0, 1, 5000),
    "client id not UTF-8": struct.pack(">ihhih", 12, HEARTBEAT, 0, 1, 2) + b"\xff\xfe",
    "string past the end": struct.pack(">ihhihh", 12, HEARTBEAT, 0, 1, -1, 32000),
}


@pytest.mark.parametrize("name", sorted(GARBAGE))
def test_garbage_closes_its_connection_with_one_line_and_disturbs_no_other(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as good, connected(made) as bad:
            assert (await good.call(heartbeat(generation=1), 4)).error_code == 1
            bad.send_bytes(GARBAGE[name])
            assert await bad.closed()
            assert (await good.call(heartbeat(generation=2), 4)).error_code == 2

    with caplog.at_level(logging.INFO):
        run(scenario)
    lines = [one for one in caplog.records if one.name.startswith("anabranch")]
    assert len(lines) == 1, [one.getMessage() for one in lines]
    assert "closing 127.0.0.1" in lines[0].getMessage()
    assert lines[0].exc_info is None


def test_requests_before_the_garbage_are_answered() -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            ticket = client.send(heartbeat(generation=7), 4)
            client.send_bytes(b"\xff" * 100)
            assert (await client.receive(ticket)).error_code == 7
            assert await client.closed()

    run(scenario)


def test_faults_of_a_handler_are_answered_and_our_bugs_also_close(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def scenario() -> None:
        async with bench() as made:
            for error, code, closes in (
                (ClientFault(ErrorCode.ILLEGAL_GENERATION), ErrorCode.ILLEGAL_GENERATION, False),
                (StoreFault("the disk is full"), ErrorCode.KAFKA_STORAGE_ERROR, False),
                (ZeroDivisionError(), ErrorCode.UNKNOWN_SERVER_ERROR, True),
            ):
                for waits in (False, True):
                    made.heartbeat = raising(error, waits)
                    async with connected(made) as client:
                        ticket = client.send(heartbeat(), 4)
                        after = client.send(SaslAuthenticateRequest(auth_bytes=b"on"), 2)
                        assert (await client.receive(ticket)).error_code == code
                        if closes:
                            with pytest.raises(Disconnected):
                                await client.receive(after)
                        else:
                            assert (await client.receive(after)).auth_bytes == b"on"

    def raising(error: Exception, waits: bool) -> Any:
        def at_once(_: Any, request: HeartbeatRequest) -> Any:
            raise error

        async def later(_: Any, request: HeartbeatRequest) -> Any:
            await asyncio.sleep(0)
            raise error

        return later if waits else at_once

    with caplog.at_level(logging.ERROR):
        run(scenario)
    bugs = [one for one in caplog.records if one.exc_info]
    assert len(bugs) == 2
    assert all("api12 v4" in one.getMessage() for one in bugs)


def test_a_long_poll_is_given_up_when_its_client_leaves() -> None:
    async def scenario() -> None:
        async with bench() as made:
            ended = asyncio.Event()

            async def poll(_: Any, request: HeartbeatRequest) -> HeartbeatResponse:
                try:
                    await asyncio.get_running_loop().create_future()
                finally:
                    ended.set()
                raise AssertionError

            made.heartbeat = poll
            async with connected(made) as client:
                client.send(heartbeat(), 4)
                await made.until(lambda: bool(made.connections) and made.connections[0].busy)
            await asyncio.wait_for(ended.wait(), 60)
            await made.until(lambda: not made.connections)

    run(scenario)


def test_appends_are_withdrawn_when_the_client_that_waits_for_them_leaves() -> None:
    """A client that gave up has sent the same elsewhere. With acks=0 it never waited."""

    async def scenario() -> None:
        async with bench() as made:
            async with connected(made) as client:
                for name, acks in (("first", -1), ("done", 1), ("last", 1), ("sent", 0)):
                    client.send(produce(name, acks=acks), 9)
                await made.until(lambda: len(made.appends) == 4)
                appends = dict(made.appends)
                appends["done"].set_result(0)
            await made.until(lambda: not made.connections)
            assert appends["first"].cancelled() and appends["last"].cancelled()
            assert not appends["sent"].done()
            appends["sent"].set_exception(ClientFault(ErrorCode.MESSAGE_TOO_LARGE))
            await made.settle()

    run(scenario)


def test_large_frames_share_a_budget_first_come_first_served() -> None:
    """I10: what is being received of large frames is bounded over all connections."""

    async def scenario() -> None:
        async with (
            bench(large_requests_bytes_max=3_000_000) as made,
            connected(made) as first,
            connected(made) as second,
            connected(made) as third,
        ):
            body = b"b" * 2_000_000
            half = struct.pack(">i", len(body)) + b"\0" * 1_000_000
            first.send_bytes(half)
            await made.until(lambda: made.listener.budget.reserved_bytes == len(body))
            waiting = [
                (client, client.send(SaslAuthenticateRequest(auth_bytes=body), 2))
                for client in (second, third)
            ]
            await made.until(lambda: len(made.listener.budget.waiting) == 2)
            await made.settle()
            assert made.listener.budget.reserved_bytes == len(body)
            first.writer.close()  # gives its share back
            for client, ticket in waiting:
                assert (await client.receive(ticket)).auth_bytes == body
            assert made.listener.budget.reserved_bytes == 0
            assert not made.listener.budget.waiting

    run(scenario)


def test_a_connection_that_leaves_the_queue_for_the_budget_does_not_block_it() -> None:
    async def scenario() -> None:
        async with (
            bench(large_requests_bytes_max=3_000_000) as made,
            connected(made) as first,
            connected(made) as second,
            connected(made) as third,
        ):
            body = b"b" * 2_000_000
            first.send_bytes(struct.pack(">i", len(body)) + b"\0" * 1_000_000)
            await made.until(lambda: made.listener.budget.reserved_bytes == len(body))
            second.send(SaslAuthenticateRequest(auth_bytes=body), 2)
            await made.until(lambda: len(made.listener.budget.waiting) == 1)
            ticket = third.send(SaslAuthenticateRequest(auth_bytes=body), 2)
            await made.until(lambda: len(made.listener.budget.waiting) == 2)
            waiting = made.listener.budget.waiting[0][0]
            (leaving,) = [one for one in made.connections if one.inbox is waiting]
            leaving.close("the test says so")
            await made.until(lambda: len(made.listener.budget.waiting) == 1)
            first.writer.transport.abort()
            assert (await third.receive(ticket)).auth_bytes == body

    run(scenario)


def test_a_frame_that_only_claims_to_be_large_costs_little() -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            client.send_bytes(struct.pack(">i", 90 << 20) + b"\0" * 100)
            await made.until(
                lambda: bool(made.connections) and made.connections[0].inbox.receiving_large
            )
            assert made.connections[0].inbox.buffer_bytes <= (1 << 20) + RING_BYTES

    run(scenario)


def test_only_produces_may_be_as_large_as_a_frame() -> None:
    """I10: many tiny structs grow when they are decoded."""

    async def scenario() -> None:
        async with bench() as made, connected(made) as client, connected(made) as other:
            client.send_bytes(struct.pack(">ihhih", 5 << 20, HEARTBEAT, 0, 1, -1))
            assert await client.closed()
            other.send(produce("large", size=5 << 20), 9)
            await made.until(lambda: len(made.appends) == 1)

    run(scenario)


def test_unsent_answers_are_counted_and_make_fetches_smaller() -> None:
    """I10: consumers that do not read cannot pin memory without bound, nor stop the others."""

    async def scenario() -> None:
        async with (
            bench(unsent_total_bytes_max=10 << 20, fetch_bytes_max=1 << 20) as made,
            connected(made) as client,
        ):
            assert made.listener.fetch_bytes_max() == 1 << 20
            made.answers(b"z" * BEYOND_SOCKETS)
            client.writer.transport.pause_reading()
            ticket = client.send(SaslAuthenticateRequest(), 2)
            await made.until(lambda: made.listener.unsent_bytes > 0)
            (connection,) = made.connections
            assert connection._outbox is not None
            assert made.listener.unsent_bytes == connection._outbox.unsent_bytes
            made.listener.unsent_bytes += 10 << 20
            assert made.listener.fetch_bytes_max() == 64 << 10
            made.listener.unsent_bytes -= 10 << 20
            client.writer.transport.resume_reading()
            await client.receive(ticket)
            await made.until(lambda: made.listener.unsent_bytes == 0)
            client.writer.transport.pause_reading()
            client.send(SaslAuthenticateRequest(), 2)
            await made.until(lambda: made.listener.unsent_bytes > 0)
            connection.close("the test says so")
            assert made.listener.unsent_bytes == 0

    run(scenario)


def test_an_idle_connection_gives_its_ring_back() -> None:
    async def scenario() -> None:
        async with bench() as made, connected(made) as client:
            for _ in range(2):
                body = b"b" * 60_000
                answer = await client.call(SaslAuthenticateRequest(auth_bytes=body), 2)
                assert answer.auth_bytes == body
                (connection,) = made.connections
                assert connection.inbox.buffer_bytes == RING_BYTES
                made.listener.close_idle(asyncio.get_running_loop().time() + 60)
                assert connection.inbox.buffer_bytes < RING_BYTES

    run(scenario)


def test_idle_and_stalled_connections_are_closed() -> None:
    async def scenario() -> None:
        async with (
            bench(idle_ms_max=60_000, stall_ms_max=5_000) as made,
            connected(made) as idle,
            connected(made) as polling,
            connected(made) as stalled,
        ):
            gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()

            async def poll(_: Any, request: HeartbeatRequest) -> HeartbeatResponse:
                await gate
                return HeartbeatResponse()

            await idle.call(heartbeat(), 4)
            made.heartbeat = poll
            ticket = polling.send(heartbeat(), 4)
            stalled.send_bytes(struct.pack(">i", 1 << 20) + b"\0" * 100)
            await made.until(
                lambda: sum(one.inbox.receiving_large for one in made.connections) == 1
            )
            await made.until(lambda: sum(one.awaiting_answer for one in made.connections) == 1)
            now = asyncio.get_running_loop().time()
            made.listener.close_idle(now + 1)
            await made.settle()
            assert len(made.connections) == 3
            made.listener.close_idle(now + 30)
            assert await stalled.closed()
            assert len(made.connections) == 2
            made.listener.close_idle(now + 120)
            assert await idle.closed()
            gate.set_result(None)
            await polling.receive(ticket)

    run(scenario)


def test_connections_are_bounded_in_all_and_per_address() -> None:
    async def scenario() -> None:
        for limits in ({"connections_max": 2}, {"connections_per_ip_max": 2}):
            async with bench(**limits) as made:
                async with connected(made) as one, connected(made) as two:
                    await one.call(heartbeat(), 4)
                    await two.call(heartbeat(), 4)
                    async with connected(made) as three:
                        assert await three.closed()
                    await one.call(heartbeat(), 4)
                await made.until(lambda m=made: not m.connections)  # type: ignore[misc]
                async with connected(made) as again:
                    await again.call(heartbeat(), 4)

    run(scenario)
