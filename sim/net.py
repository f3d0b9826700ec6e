"""Calls from clients to brokers: delayed, lost on the way there or back, cut off when the broker dies."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from anabranch.errors import AnabranchError
from sim.broker import PORTS_FROM, Node, SimBroker
from sim.loop import Process

if TYPE_CHECKING:
    from sim.world import World

T = TypeVar("T")


class NoAnswer(Exception):
    """The connection broke or the answer did not come in time: what became of the request is unknown,
    unless it never left (``sent`` is False)."""

    def __init__(self, why: str, *, sent: bool = True) -> None:
        super().__init__(why)
        self.sent = sent


class Network:
    """Between all clients and all brokers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[Process, dict[asyncio.Future[Any], None]] = {}

    async def call(
        self,
        broker: SimBroker,
        request: Callable[[Node], Awaitable[T]],
        *,
        timeout_s: float,
        hang_up: bool = False,
    ) -> T:
        """The answer of ``request(node)`` run by the broker. Raises what it raised, or NoAnswer.

        ``hang_up``: a client that gave up closes its connection, and the broker drops the request.
        """
        world, weather = self._world, self._world.weather
        await asyncio.sleep(weather.latency())
        node, process = broker.node, broker.process
        if node is None or process is None:
            await asyncio.sleep(weather.latency())
            raise NoAnswer("connection refused", sent=False)
        reply: asyncio.Future[T] = world.loop.create_future()
        self._open.setdefault(process, {})[reply] = None

        async def serve() -> None:
            result: Any = None
            error: BaseException | None = None
            try:
                result = await request(node)
            except AnabranchError as fault:
                error = fault
            except Exception as bug:
                world.failed(f"a request broke: {bug!r}", bug)
                return
            if not weather.chance(weather.settings.message_lost):
                world.loop.world.call_later(weather.latency(), _answer, reply, result, error)

        served: list[asyncio.Task[None]] = []

        def begin() -> None:
            served.append(process.spawn(serve(), "request"))

        def end() -> None:
            for task in served:
                task.cancel()

        if weather.chance(weather.settings.message_lost):
            weather.count("request lost", f"to {process.name}")
        else:
            process.call_later(weather.latency(), begin)
        try:
            return await asyncio.wait_for(reply, timeout_s)
        except TimeoutError:
            if hang_up and process.alive:
                process.call_later(weather.latency(), end)
            raise NoAnswer("timed out") from None
        finally:
            self._open.get(process, {}).pop(reply, None)

    async def nobody_listens(self, host: str, port: int) -> bool:
        """What the machine answers to one who knocks: a paused process still listens."""
        await asyncio.sleep(self._world.weather.latency())
        broker = self._world.brokers[port - PORTS_FROM - 1]
        return broker.process is None

    async def keep_company(self, host: str, port: int) -> None:
        """Returns when the process that listens there now has died."""
        await asyncio.sleep(self._world.weather.latency())
        process = self._world.brokers[port - PORTS_FROM - 1].process
        if process is None:
            return
        ended: asyncio.Future[None] = self._world.loop.create_future()
        self._open.setdefault(process, {})[ended] = None
        try:
            await ended
        except NoAnswer:
            pass
        finally:
            self._open.get(process, {}).pop(ended, None)

    def process_died(self, process: Process) -> None:
        for reply in self._open.pop(process, {}):
            self._world.loop.world.call_later(
                self._world.weather.latency(), _answer, reply, None, NoAnswer("connection reset")
            )


def _answer(reply: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if reply.done():
        return
    if error is not None:
        reply.set_exception(error)
    else:
        reply.set_result(result)
