"""Several brokers on one machine: a supervisor process and one process for each.

The supervisor starts its workers, starts those again that die (with a growing pause), kills those that
hang (their clients would wait for as long as they give a request; a closed connection sends them to the
others at once), and stops all of them when it is stopped. It holds no data and no socket of theirs. A worker is told its settings on its
standard input, and notices by its end that the supervisor died: then it leaves as if asked to.
"""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from msgspec.structs import replace

from anabranch.broker.config import BrokerSettings, ListenerSettings, encode_settings
from anabranch.errors import UserFault

logger = logging.getLogger(__name__)

PORT_MAX = 65535
WORKERS_MAX = 64  # on one machine; past it one metastore file is the bottleneck long since
RESTART_S_MIN = 0.2
RESTART_S_MAX = 10.0
HEALTHY_S = 30.0  # a worker that lived so long starts again without a pause
START_S_MAX = 60.0
STOP_S_MAX = 30.0
BREATH = "."  # what a worker says while its event loop turns …
BREATH_S = 1.0  # … so often
HUNG_BREATHS_MAX = 10  # missed ones: nothing that a loop does by intention takes so long
_READY = re.compile(r"broker (\d+) on .* listening on (.*):(\d+)$")
_FURTHER = re.compile(r"broker \d+ has listener (\S+) \(.*\) at .*:(\d+)$")  # before that line


class Worker:
    """One broker process over its lives, always with the number and port of the first."""

    def __init__(
        self, settings: BrokerSettings, log_level: str, module: str = "anabranch.broker.worker"
    ) -> None:
        """``module`` is what the process runs, with :func:`anabranch.broker.worker.main` in it."""
        self._module = module
        self._settings = settings
        self._log_level = log_level
        self._process: Process | None = None
        self._drain: asyncio.Task[None] | None = None
        self.announcement = ""
        self.breaths = 0  # of all its lives

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    async def start(self) -> bool:
        """Start, and wait until it listens; False if it ended before."""
        process = self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", self._module, self._log_level),
            stdin=PIPE,
            stdout=PIPE,
            start_new_session=True,  # Ctrl-C is the supervisor's to pass on
        )
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(encode_settings(self._settings) + b"\n")
        ports: dict[str, int] = {}
        said: list[str] = []
        try:
            async with asyncio.timeout(START_S_MAX):
                while line := (await process.stdout.readline()).decode().rstrip("\n"):
                    further = _FURTHER.search(line)
                    if further is not None:
                        ports[further[1]] = int(further[2])
                        said.append(line)
                    found = _READY.search(line)
                    if found is not None:
                        first = self._settings.all_listeners[0].known_as
                        self._remember(int(found[1]), {**ports, first: int(found[3])})
                        self.announcement = "\n".join([*said, line])
                        self._drain = asyncio.create_task(self._forward(process))
                        return True
        except TimeoutError:
            logger.error("worker %d does not listen after %.0f s", process.pid, START_S_MAX)
            process.kill()
        await process.wait()
        return False

    def _remember(self, node_id: int, ports: Mapping[str, int]) -> None:
        """Come back under the same number and at the same ports: clients know them."""
        self._settings = replace(
            _with_ports(
                self._settings,
                lambda one: replace(one, port=ports.get(one.known_as, one.port)),
            ),
            node_id=node_id,
        )

    async def _forward(self, process: Process) -> None:
        assert process.stdout is not None
        while line := (await process.stdout.readline()).decode():
            text = line.rstrip("\n")
            if text == BREATH:
                self.breaths += 1
            else:
                print(text, flush=True)

    async def wait(self) -> int:
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        """Ask it to stop, and make it."""
        if self._process is None or not self.is_running:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S_MAX):
                await self._process.wait()
        except TimeoutError:
            logger.error("worker %d does not stop: killing it", self._process.pid)
            self.kill()
            await self._process.wait()

    def kill(self) -> None:
        if self._process is not None and self.is_running:
            self._process.kill()


class Supervisor:
    """Keeps ``workers`` running until :meth:`stop`."""

    def __init__(self, workers: Sequence[Worker], *, breath_s: float = BREATH_S) -> None:
        self.workers = list(workers)
        self._breath_s = breath_s
        self._keepers: list[asyncio.Task[None]] = []
        self._rolling: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()  # one worker is restarted on purpose at a time
        self._stopping = False

    async def start(self) -> None:
        """Start all, the first one alone: it makes the cluster if there is none. Raises UserFault, with
        all stopped, if one of them ends at once."""
        try:
            first, *rest = self.workers
            started = [await first.start()]
            if started[0]:
                started += await asyncio.gather(*(worker.start() for worker in rest))
            if not all(started):
                raise UserFault("a worker did not start; what it said is above")
        except BaseException:
            await asyncio.gather(*(worker.stop() for worker in self.workers))
            raise
        self._keepers = [
            asyncio.create_task(task)
            for worker in self.workers
            for task in (self._keep(worker), self._listen(worker))
        ]

    async def _keep(self, worker: Worker) -> None:
        loop = asyncio.get_running_loop()
        pause_s = RESTART_S_MIN
        while True:
            began = loop.time()
            status = await worker.wait()
            if self._stopping:
                return
            async with self._turn:  # a worker that is restarted on purpose is started again there
                pass
            if worker.is_running:
                continue
            if loop.time() - began >= HEALTHY_S:
                pause_s = RESTART_S_MIN
            logger.error(
                "worker %d ended with status %d; starting it again in %.1f s",
                worker.pid,
                status,
                pause_s,
            )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, RESTART_S_MAX)
            await worker.start()

    async def _listen(self, worker: Worker) -> None:
        """Kill it when it hangs. Counted are our own turns, so that a pause of the machine, or of this
        process, is nobody's fault."""
        missed, heard = 0, worker.breaths
        while True:
            await asyncio.sleep(self._breath_s)
            if worker.breaths != heard or self._turn.locked() or not worker.is_running:
                missed, heard = 0, worker.breaths
                continue
            missed += 1
            if missed > HUNG_BREATHS_MAX:
                logger.error("worker %d hangs: killing it", worker.pid)
                worker.kill()
                missed = 0

    def roll(self) -> None:
        """Restart the workers one after the other; clients are led to the others meanwhile."""
        if self._rolling is None or self._rolling.done():
            self._rolling = asyncio.create_task(self._roll())

    async def _roll(self) -> None:
        for worker in self.workers:
            async with self._turn:
                await worker.stop()
                if not await worker.start():
                    logger.error("a worker did not come back: the others are left as they are")
                    return

    async def stop(self) -> None:
        self._stopping = True
        tasks = [*self._keepers, *([self._rolling] if self._rolling is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(worker.stop() for worker in self.workers))

    def kill(self) -> None:
        """At once; nothing acknowledged can be lost by it (I4)."""
        for worker in self.workers:
            worker.kill()


def _shifted(number: int, listener: ListenerSettings) -> ListenerSettings:
    told = listener.advertised_port
    return replace(
        listener,
        port=listener.port + number if listener.port else 0,
        advertised_port=told + number if told else None,
    )


def _with_ports(
    settings: BrokerSettings, change: Callable[[ListenerSettings], ListenerSettings]
) -> BrokerSettings:
    return replace(
        settings,
        listener=change(settings.listener),
        listeners=tuple(change(one) for one in settings.listeners),
    )


def worker_settings(settings: BrokerSettings, count: int) -> list[BrokerSettings]:
    """Settings of ``count`` workers: numbers and ports that follow on those of ``settings``, if it
    names any. Raises UserFault if there are not so many ports."""
    listeners = settings.all_listeners
    ports = [port for one in listeners for port in (one.port, one.advertised_port or 0)]
    last = max(*ports, settings.metrics.port) + count - 1
    if last > PORT_MAX:
        raise UserFault(
            f"{count} workers need ports up to {last}: choose a lower one with --listen"
        )
    return [
        replace(
            _with_ports(settings, partial(_shifted, number)),
            node_id=None if settings.node_id is None else settings.node_id + number,
            metrics=replace(
                settings.metrics,
                port=settings.metrics.port + number if settings.metrics.port else 0,
            ),
        )
        for number in range(count)
    ]
