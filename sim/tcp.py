"""Simulated TCP between clients and brokers: bytes arrive in order, late, in pieces, or not at all.

A broker's end is an asyncio transport, given to the broker's own connection. A connection may break at
any byte in either direction, and either side may hear of that late or never, as where a cable was cut.
What a broker writes and its client has not got yet counts as unsent.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from sim.loop import Process

if TYPE_CHECKING:
    from sim.weather import Weather

Arrival = Callable[[], None]
UNHEARD = 0.3  # of broken connections, by each side: it learns of that by its own patience only
HALVES = 0.1  # of what is sent arrives in two pieces


class Refused(Exception):
    """Nobody listens there."""


class Way:
    """One direction of a connection: what is on its way arrives in the order in which it was sent."""

    def __init__(self, weather: Weather, process: Process) -> None:
        self._weather = weather
        self._process = process  # of the receiver
        self._under_way: deque[Arrival] = deque()
        self._latest_s = 0.0

    def send(self, arrival: Arrival) -> None:
        now_s = self._process.loop.time()
        self._latest_s = max(self._latest_s, now_s + self._weather.latency())
        self._under_way.append(arrival)
        self._process.call_later(self._latest_s - now_s, self._arrive)

    def lose(self) -> None:
        """Nothing of what is under way arrives."""
        for number in range(len(self._under_way)):
            self._under_way[number] = _nothing

    def _arrive(self) -> None:
        self._under_way.popleft()()


def _nothing() -> None:
    pass


class Network:
    """All connections, and who listens."""

    def __init__(self, weather: Weather, world: Process) -> None:
        self.weather = weather
        self.world = world
        self._listening: dict[int, Port] = {}
        self._open: dict[BrokerEnd, None] = {}
        self._numbers = itertools.count(1)

    def bind(self, process: Process, host: str, port: int) -> Port:
        assert port not in self._listening, "two processes on one port"
        self._listening[port] = found = Port(self, process, host, port)
        return found

    def unbind(self, port: Port) -> None:
        if self._listening.get(port.number) is port:
            del self._listening[port.number]

    async def connect(self, host: str, port: int) -> ClientEnd:
        """As the kernel of the broker's machine does it: also where the broker is paused. Raises Refused."""
        await asyncio.sleep(self.weather.latency())
        listening = self._listening.get(port)
        if listening is None:
            await asyncio.sleep(self.weather.latency())
            raise Refused(f"nobody listens at {host}:{port}")
        client = ClientEnd(self, listening.process)
        broker = client.broker = BrokerEnd(self, listening.process, client, next(self._numbers))
        self._open[broker] = None
        listening.connected(broker)
        await asyncio.sleep(self.weather.latency())
        return client

    def process_died(self, process: Process) -> None:
        """Its kernel closes its sockets."""
        for port in [port for port in self._listening.values() if port.process is process]:
            self.unbind(port)
        for broker in [broker for broker in self._open if broker.process is process]:
            self.forget(broker)
            broker.client.way_in.lose()
            broker.client.way_in.send(broker.client.reset)

    def forget(self, broker: BrokerEnd) -> None:
        self._open.pop(broker, None)

    def breaks(self, what: str) -> bool:
        """Whether the connection breaks with what is being sent now."""
        broken = self.weather.chance(self.weather.settings.message_lost)
        if broken:
            self.weather.count("connection cut", what)
        return broken


class Port:
    """Stands for a bound socket, and for asyncio's server on it."""

    def __init__(self, network: Network, process: Process, host: str, number: int) -> None:
        self._network = network
        self.process = process
        self._host = host
        self.number = number
        self._factory: Callable[[], Any] | None = None
        self._waiting: list[BrokerEnd] = []  # in the kernel's backlog

    def getsockname(self) -> tuple[str, int]:
        return self._host, self.number

    def serve(self, factory: Callable[[], Any]) -> Port:
        self._factory = factory
        for broker in self._waiting:
            self.connected(broker)
        self._waiting.clear()
        return self

    def connected(self, broker: BrokerEnd) -> None:
        if self._factory is None:
            self._waiting.append(broker)
        else:
            broker.way_in.send(lambda: broker.accepted(self._factory))

    def close(self) -> None:
        self._network.unbind(self)


class BrokerEnd(asyncio.Transport):
    """What asyncio gives to a protocol, without a socket."""

    def __init__(self, network: Network, process: Process, client: ClientEnd, number: int) -> None:
        super().__init__()
        self._network = network
        self.process = process
        self.client = client
        self._number = number
        self.way_in = Way(network.weather, process)
        self._protocol: Any = None
        self._unread: deque[memoryview] = deque()
        self._ended = False  # the client closed, behind what is unread
        self._reading = True
        self._feeding = False
        self._closing = False
        self._severed = False
        self._unsent = 0
        self._full = False

    # -- what asyncio's transports do ------------------------------------------------------------------
    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return ("10.0.0.1", 40_000 + self._number) if name == "peername" else default

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0, "not simulated"

    def get_write_buffer_size(self) -> int:
        return self._unsent

    def is_closing(self) -> bool:
        return self._closing

    def pause_reading(self) -> None:
        self._reading = False

    def resume_reading(self) -> None:
        self._reading = True
        self._feed_soon()

    def write(self, data: Any) -> None:
        self.writelines([data])

    def writelines(self, buffers: Iterable[Any]) -> None:
        data = b"".join(buffers)  # now: the log goes on with its buffers
        if self._closing or not data:
            return
        if self.client.closed:  # its kernel answers with a reset
            self._lost_soon(ConnectionResetError("the client has left"))
            return
        if self._severed:  # the kernel tries for a long time
            self._unsent += len(data)
            return
        if self._network.breaks(f"in an answer of {self.process.name}"):
            self._send(data[: self._network.weather.rng.randint(0, len(data) - 1)])
            self.broken()
            return
        self._send(data)

    def close(self) -> None:
        """What was written arrives; then the client learns of the end."""
        if not self._closing:
            self.client.way_in.send(self.client.reset)
            self._lost_soon(None)

    def abort(self) -> None:
        if not self._closing:
            self.client.way_in.lose()
            self.client.way_in.send(self.client.reset)
            self._lost_soon(None)

    # -- from and to the client ------------------------------------------------------------------------
    def accepted(self, factory: Callable[[], Any]) -> None:
        self._protocol = factory()
        self._protocol.connection_made(self)
        self._feed_soon()

    def arrived(self, data: bytes) -> None:
        if not self._closing:
            self._unread.append(memoryview(data))
            self._feed_soon()

    def ended(self) -> None:
        """The client closed; who does not read does not see it."""
        self._ended = True
        self._feed_soon()

    def broken(self) -> None:
        """From here on nothing arrives, and each side hears of it, or not."""
        self._severed = True
        self.way_in.lose()
        self.client.lost_by_chance()
        if self._network.weather.rng.random() >= UNHEARD:
            self.way_in.send(lambda: self._lost_soon(ConnectionResetError("the connection broke")))

    def _send(self, data: bytes) -> None:
        if not data:
            return
        self._unsent += len(data)
        if not self._full:
            self._full = True
            self._protocol.pause_writing()

        def arrive() -> None:
            self.client.arrived(data)
            self.process.call_later(self._network.weather.latency(), self._taken, len(data))

        self.client.way_in.send(arrive)

    def _taken(self, count: int) -> None:
        self._unsent -= count
        if not self._unsent and not self._closing:
            self._full = False
            self._protocol.resume_writing()

    def _feed_soon(self) -> None:
        if not self._feeding and self.process.alive:
            self._feeding = True
            self.process.call_later(0, self._feed)

    def _feed(self) -> None:
        """One read of a socket that has something."""
        self._feeding = False
        if self._protocol is None or self._closing or not self._reading:
            return
        if self._unread:
            space = self._protocol.get_buffer(-1)
            assert len(space), "nowhere to read to"
            data = self._unread.popleft()
            count = min(len(space), len(data))
            space[:count] = data[:count]
            if count < len(data):
                self._unread.appendleft(data[count:])
            self._protocol.buffer_updated(count)
            self._feed_soon()
        elif self._ended and not self._protocol.eof_received():
            self._lost_soon(None)

    def _lost_soon(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._unsent = 0
        self._network.forget(self)
        if self._protocol is not None:
            self.process.call_later(0, self._protocol.connection_lost, error)


class ClientEnd:
    """What a client holds of a connection. ``on_data`` and ``on_end`` are the client's."""

    broker: BrokerEnd

    def __init__(self, network: Network, broker_process: Process) -> None:
        self._network = network
        self.way_in = Way(network.weather, network.world)
        self.closed = False
        self._deaf = False
        self.on_data: Callable[[bytes], None] = lambda data: None
        self.on_end: Callable[[], None] = _nothing

    def send(self, data: bytes) -> None:
        if self.closed or self._deaf:
            return
        rng = self._network.weather.rng
        if self._network.breaks(f"in a request to {self.broker.process.name}"):
            self._send(data[: rng.randint(0, len(data) - 1)])
            self.broker.way_in.send(self.broker.broken)  # behind what still arrives
            self._deaf = True
        elif rng.random() < HALVES:
            middle = rng.randint(0, len(data))
            self._send(data[:middle])
            self._send(data[middle:])
        else:
            self._send(data)

    def _send(self, data: bytes) -> None:
        if data and self.broker.process.alive:
            self.broker.way_in.send(lambda: self.broker.arrived(data))

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            if self.broker.process.alive and not self._deaf:
                self.broker.way_in.send(self.broker.ended)

    def arrived(self, data: bytes) -> None:
        if not self.closed:
            self.on_data(data)

    def lost_by_chance(self) -> None:
        """Nothing more is sent; whether we hear of it is chance."""
        self._deaf = True
        if self._network.weather.rng.random() >= UNHEARD:
            self.way_in.send(self.reset)

    def reset(self) -> None:
        if not self.closed:
            self.closed = True
            self.on_end()
