"""One broker: the log, the groups and the listener put together, started and stopped in order."""

from __future__ import annotations

import base64
import logging
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack

from anabranch.broker.config import BrokerSettings
from anabranch.broker.configs import BrokerConfigs
from anabranch.broker.dispatch import Api, Dispatcher, load_apis
from anabranch.broker.listener import Listener, bind
from anabranch.errors import StoreFault, UserFault
from anabranch.groups.coordinator import Coordinator
from anabranch.log.log import Log
from anabranch.log.opening import open_log, wall_clock_ms
from anabranch.storage.disk import Disk
from anabranch.storage.lockfile import LockFile

logger = logging.getLogger(__name__)

LOCK = "broker.lock"


class Broker:
    """An embedded broker on one data directory: started once, stopped once (again does nothing)."""

    log: Log
    groups: Coordinator

    def __init__(
        self, settings: BrokerSettings, *, now_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self.configs = BrokerConfigs(settings)
        self.now_ms = now_ms
        self.apis: Mapping[int, Api] = load_apis()
        self.listener = Listener(self, Dispatcher(self, self.apis))
        self.node_id = settings.node_id
        self.cluster_id = ""
        self.host = settings.listener.host
        self.port = settings.listener.port
        self._closing = AsyncExitStack()

    @property
    def settings(self) -> BrokerSettings:
        """The settings in force, run-time changes included."""
        return self.configs.settings

    @property
    def advertised(self) -> tuple[str, int]:
        """Where clients are told to connect."""
        listener = self.settings.listener
        return listener.advertised_host or self.host, listener.advertised_port or self.port

    def disk_bytes(self) -> tuple[int, int]:
        """Size of the data directory's disk and what is free of it. Raises StoreFault."""
        try:
            usage = shutil.disk_usage(self.settings.data)
        except OSError as error:
            raise StoreFault(f"cannot measure {self.settings.data}: {error.strerror}") from error
        return usage.total, usage.free

    async def start(self) -> None:
        """Listen once everything behind the listener is ready.

        Raises UserFault (port in use, directory in use, …) or StoreFault, with everything released.
        """
        async with AsyncExitStack() as stack:
            bound = bind(self.host, self.port)
            stack.callback(bound.close)
            self.port = bound.getsockname()[1]
            self._lock(stack)
            settings = self.settings
            host, port = self.advertised
            self.log = await open_log(
                settings.data,
                broker_id=self.node_id,
                host=host,
                port=port,
                settings=settings.log,
                create=True,
            )
            stack.push_async_callback(self.log.close)
            cluster_id = base64.urlsafe_b64encode(self.log.metastore.cluster_id)
            self.cluster_id = cluster_id.rstrip(b"=").decode()
            await self.configs.load(self.log.metastore)
            self.groups = Coordinator(
                self.log.metastore, settings.groups, self.now_ms, lambda: str(uuid.uuid4())
            )
            await self.groups.start()
            stack.push_async_callback(self.groups.close)
            await self.listener.start(bound)
            stack.push_async_callback(self.listener.stop)
            self._closing = stack.pop_all()

    async def stop(self) -> None:
        """Stop accepting, finish what was begun, release everything, in the reverse order of start."""
        await self._closing.aclose()

    def _lock(self, stack: AsyncExitStack) -> None:
        """One broker per data directory."""
        data = self.settings.data
        try:
            data.mkdir(parents=True, exist_ok=True)
            lock = LockFile.acquire(Disk(), data / LOCK)
        except OSError as error:
            raise UserFault(f"cannot use {data}: {error.strerror}") from None
        if lock is None:
            raise UserFault(
                f"another broker already runs on {data}: stop it, or use another directory with --data"
            )
        stack.callback(lock.release)
