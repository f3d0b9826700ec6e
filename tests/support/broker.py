"""Brokers for tests: in this process, in a thread, or as the real ``anabranch up``; and a wire client.

async with running_broker(tmp_path) as broker, WireClient.connected(broker) as client:
    answer = await client.call(MetadataRequest(topics=None), 12)

with BrokerThread(tmp_path) as broker: Producer({"bootstrap.servers": broker.address})
with BrokerProcess(tmp_path) as broker: broker.kill()
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from struct import Struct
from typing import Any, TypeVar

from msgspec.structs import replace

from anabranch.broker.config import (
    BrokerSettings,
    Limits,
    ListenerSettings,
    MetricsSettings,
    TelemetrySettings,
    TopicSettings,
)
from anabranch.broker.lanes import LaneSettings
from anabranch.broker.server import Broker
from anabranch.groups.settings import GroupSettings
from anabranch.log.settings import LogSettings
from anabranch.wire.codec import Message
from anabranch.wire.frame import decode_response_header, encode_request_frame
from anabranch.wire.registry import API, response_header_version

START_S = 60  # a guard against hangs: busy machines take long
STOP_S = 60

_LENGTH = Struct(">i")

M = TypeVar("M", bound=Message)


def broker_settings(
    data: Path,
    *,
    limits: Limits | None = None,
    topics: TopicSettings | None = None,
    groups: GroupSettings | None = None,
    log: LogSettings | None = None,
    node_id: int | None = None,
    port: int = 0,
    lane: LaneSettings | None = None,
    rack: str | None = None,
    metrics: MetricsSettings | None = None,
    metastore: str | None = None,
    store: str | None = None,
    wal: str | None = None,
    telemetry: TelemetrySettings | None = None,
    **security: Any,
) -> BrokerSettings:
    """Defaults but for a free port, a small WAL and no delay before the first rebalance.

    ``security``: listeners, tls, sasl, oauth, tokens, peers.
    """
    return BrokerSettings(
        data=data,
        metastore=metastore,
        store=store,
        wal=wal,
        node_id=node_id,
        rack=rack,
        lane=lane or LaneSettings(),
        listener=ListenerSettings(port=port),
        limits=limits or Limits(),
        metrics=metrics or MetricsSettings(),
        telemetry=telemetry or TelemetrySettings(),
        topics=topics or TopicSettings(),
        groups=groups or GroupSettings(initial_rebalance_delay_ms=0),
        log=log or LogSettings(wal_file_bytes=4 << 20),
        **security,
    )


@asynccontextmanager
async def running_broker(data: Path, **changes: Any) -> AsyncIterator[Broker]:
    """A broker on the running loop; ``changes`` are those of :func:`broker_settings`."""
    broker = Broker(broker_settings(data, **changes))
    await broker.start()
    try:
        yield broker
    finally:
        await broker.stop()


class Disconnected(Exception):
    """The broker closed the connection."""


class WireClient:
    """Speaks the protocol as bytes; requests may be pipelined with :meth:`send` and :meth:`receive`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self._correlation_id = 0

    @classmethod
    @asynccontextmanager
    async def connected(cls, broker: Broker) -> AsyncIterator[WireClient]:
        client = cls(*await asyncio.open_connection(broker.host, broker.port, limit=1 << 26))
        try:
            yield client
        finally:
            client.writer.close()

    def send(
        self, request: Message, version: int, *, client_id: str | None = "wire-test"
    ) -> tuple[int, int, int]:
        """Queue a request; the returned ticket is what :meth:`receive` wants."""
        self._correlation_id += 1
        body: list[Any] = []
        request.encode_into(body, version)
        frame = encode_request_frame(
            request.API_KEY, version, self._correlation_id, client_id, body
        )
        self.writer.writelines(frame)
        return request.API_KEY, version, self._correlation_id

    def send_bytes(self, data: bytes) -> None:
        self.writer.write(data)

    async def receive_frame(self) -> bytes:
        """Raises Disconnected."""
        try:
            (size,) = _LENGTH.unpack(await self.reader.readexactly(4))
            return await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise Disconnected from error

    async def receive(self, ticket: tuple[int, int, int]) -> Any:
        """The next answer, which must be that of ``ticket``. Raises Disconnected."""
        key, version, correlation_id = ticket
        frame = await self.receive_frame()
        found, position = decode_response_header(frame, response_header_version(key, version))
        assert found == correlation_id, "answers come in the order of the requests"
        answer, end = API[key].response.decode(frame, position, version)
        assert end == len(frame), "the answer is as long as its version says"
        return answer

    async def call(self, request: Message, version: int) -> Any:
        return await self.receive(self.send(request, version))

    async def closed(self) -> bool:
        """Wait until the broker has closed the connection; False if it answered instead."""
        try:
            return await asyncio.wait_for(self.reader.read(1), 60) == b""
        except ConnectionError:
            return True


class BrokerThread:
    """A broker on a loop of its own thread, for clients that block."""

    def __init__(self, data: Path, **changes: Any) -> None:
        self._settings = broker_settings(data, **changes)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.broker: Broker | None = None

    def run(self, coroutine: Any) -> Any:
        """Run a coroutine on the broker's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(START_S)

    @property
    def address(self) -> str:
        assert self.broker is not None
        return f"{self.broker.host}:{self.broker.port}"

    def __enter__(self) -> BrokerThread:
        self._thread.start()
        self.broker = Broker(self._settings)
        self.run(self.broker.start())
        return self

    def __exit__(self, *exc: object) -> None:
        assert self.broker is not None
        self.run(self.broker.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(STOP_S)
        self._loop.close()


class BrokerProcess:
    """``anabranch up`` as a user runs it, on a free loopback port (or ``port``, to come back to it)."""

    def __init__(self, data: Path | None, *, port: int = 0, arguments: Iterable[str] = ()) -> None:
        """``data`` None: ``arguments`` say where everything is."""
        self.data = data
        self.port = port
        self._arguments = list(arguments)
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> BrokerProcess:
        """Start, and return once it listens. Raises AssertionError with what it said otherwise."""
        command = [sys.executable, "-m", "anabranch.cli.main", "up"]
        if self.data is not None:
            command += ["--data", str(self.data)]
        command += ["--listen", self.address, *self._arguments]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self._process.stdout is not None
        said: list[str] = []
        timer = threading.Timer(START_S, self._process.kill)
        timer.start()
        try:
            for line in self._process.stdout:
                said.append(line)
                if "listening on " in line:
                    self.port = int(line.rsplit(":", 1)[1])
                    self._drain = threading.Thread(target=self._process.stdout.read, daemon=True)
                    self._drain.start()
                    return self
        finally:
            timer.cancel()
        raise AssertionError(f"the broker did not start: {''.join(said)}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask it to stop; returns its exit status."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)
        return self._process.wait(STOP_S)

    def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_S)

    def __enter__(self) -> BrokerProcess:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                self.kill()
                raise


__all__ = [
    "BrokerProcess",
    "BrokerThread",
    "Disconnected",
    "WireClient",
    "broker_settings",
    "replace",
    "running_broker",
]
