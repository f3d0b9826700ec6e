"""A cluster opened for a program that is not asynchronous itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.metastore.api import Topic
from anabranch.recovery.capture import points
from anabranch.recovery.times import parse_time

T = TypeVar("T")
Time = str | int  # as people write it, or milliseconds since the epoch


class OpenedCluster:
    """A context manager that runs coroutines on a loop of its own; not for several threads at once."""

    def __init__(
        self,
        data: str | Path | Location,
        *,
        who: str | None = None,
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """``data``: a data directory, a metastore's URL, or a location. ``who`` makes the changes; default: this
        process's user. Raises UserFault if there is no cluster."""
        self.where = Location.of(data)
        self._who = who or points.whoami()
        self._clock_ms = clock_ms
        self._runner = asyncio.Runner()
        try:
            self._log = self._run(open_log(self.where, broker_id=None))
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let the cluster go."""
        self._run(self._log.close())
        self._runner.close()

    def _run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(coroutine)

    def _time(self, told: Time) -> int:
        return told if isinstance(told, int) else parse_time(told, self._clock_ms())

    def _topic(self, name: str) -> Topic:
        topic = self._log.catalogue.topic(name)
        if topic is None:
            raise UserFault(f"there is no topic “{name}”")
        return topic

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[Log]:
        yield self._log

    async def _offset_at(self, topic: Topic, partition: int, at_ms: int) -> tuple[int, int] | None:
        await self._log.refresh(topic, [partition])
        answer = await self._log.list_offset(topic, partition, at_ms)
        return None if answer.offset < 0 else (answer.offset, answer.timestamp)
