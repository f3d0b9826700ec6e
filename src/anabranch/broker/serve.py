"""A broker in this process, until it is told to stop."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import signal
import sys
from collections.abc import Callable

from anabranch.broker.companion import Companions, nobody
from anabranch.broker.config import BrokerSettings
from anabranch.broker.server import Broker
from anabranch.errors import UserFault
from anabranch.scheduling import be_prompt

logger = logging.getLogger(__name__)

# How long a thread may keep the interpreter while another waits for it. The event loop takes part in
# every produce several times; Python's own 5 ms would each time be a chance of waiting so long. Shorter
# than this gains nothing, and the throughput of producers is the same as with 1 ms.
SWITCH_S = 0.0003
# Objects made that start a young collection (some 0.1 ms), and how many of one generation start the next:
# a full one comes after some hundred million, if ever.
GC_THRESHOLDS = (2_000, 20, 5_000)

_HARD_EXIT = 130  # what a shell reports for a process that Ctrl-C ended


class Stopping:
    """SIGINT and SIGTERM, once and twice. Made on the running loop."""

    def __init__(self, at_once: Callable[[], None] = lambda: None) -> None:
        self._asked = asyncio.Event()
        self._at_once = at_once
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.ask)

    def ask(self) -> None:
        if self._asked.is_set():
            self._at_once()
            os._exit(_HARD_EXIT)  # asked twice: nothing acknowledged can be lost by it (I4)
        self._asked.set()

    def ask_at_end_of_input(self) -> None:
        """Stop when standard input ends, too: with whoever holds its other end. Raises UserFault: it has none."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            if not os.read(0, 4096):
                loop.remove_reader(0)
                self.ask()

        try:
            loop.add_reader(0, heard)
        except OSError:
            raise UserFault("standard input is no pipe, whose end could be heard") from None

    def stop(self) -> None:
        """Stop for a reason of our own."""
        self._asked.set()

    async def wait(self) -> None:
        await self._asked.wait()


def allow_files() -> None:
    """Use as many file descriptors as the system allows: a connection takes two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS knows limits beyond its own
            logger.info("file descriptors stay limited to %d", soft)


def spare_collections() -> None:
    """Have the cyclic collector look at young objects only.

    A full collection walks everything that caches hold, with every thread stopped: 115 ms with a full
    tail. What it would find is next to nothing, for what the broker makes and drops has no cycles, or
    ones that die young.
    """
    gc.collect()
    gc.freeze()  # what was there at the start stays for good
    gc.set_threshold(*GC_THRESHOLDS)


async def serve(
    settings: BrokerSettings, stopping: Stopping, companions: Companions = nobody
) -> None:
    """Run a broker and its ``companions``; a line with "listening on HOST:PORT" says when clients can connect.

    Raises UserFault if it cannot start, or if another broker takes its number.
    """
    allow_files()
    sys.setswitchinterval(SWITCH_S)
    be_prompt()
    broker = Broker(settings, companions=companions)
    await broker.start()
    spare_collections()
    try:
        for door in broker.doors[1:]:
            print(f"anabranch: broker {broker.node_id} has listener {door}", flush=True)
        host = f"[{broker.host}]" if ":" in broker.host else broker.host
        print(
            f"anabranch: broker {broker.node_id} on {settings.location} "
            f"listening on {host}:{broker.port}",
            flush=True,
        )
        if broker.metrics_port is not None:
            where = f"{settings.metrics.host}:{broker.metrics_port}"
            print(
                f"anabranch: metrics of broker {broker.node_id} at http://{where}/metrics",
                flush=True,
            )
        assert broker.expelled is not None
        broker.expelled.add_done_callback(lambda _: stopping.stop())
        await stopping.wait()
        if broker.expelled.done():
            raise UserFault(broker.expelled.result())
    finally:
        await broker.stop()
