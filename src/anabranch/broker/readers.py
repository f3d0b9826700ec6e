"""Writes who reads here (:mod:`anabranch.groups.readers`) where commands find it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from anabranch.errors import AnabranchError
from anabranch.groups.readers import DOCUMENT_KIND, Reader, ReaderTable, encode
from anabranch.metastore.api import Metastore

logger = logging.getLogger(__name__)

PUBLISH_S: Final = 5.0  # how old the picture of readers that move may be
REFRESH_MS: Final = 60_000  # and of readers that only wait at the log's end


class ReaderNews:
    """One document per broker, put every few seconds if somebody read further, else about each minute."""

    def __init__(
        self,
        table: ReaderTable,
        metastore: Metastore,
        broker_id: Callable[[], int],
        now_ms: Callable[[], int],
        *,
        publish_s: float = PUBLISH_S,
    ) -> None:
        self._table = table
        self._metastore = metastore
        self._broker_id = broker_id
        self._now_ms = now_ms
        self._publish_s = publish_s
        self._said: list[tuple[str, str, str, int, int, int]] = []
        self._said_ms = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="readers")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def publish(self) -> None:
        """Put the document if there is news. Raises StoreFault."""
        now_ms = self._now_ms()
        readers = self._table.recent(now_ms)
        places = [(*one.key, one.offset) for one in readers]
        if not readers and not self._said:
            return
        if places == self._said and now_ms - self._said_ms < REFRESH_MS:
            return
        await self._put(readers, now_ms)
        self._said, self._said_ms = places, now_ms

    async def _put(self, readers: list[Reader], now_ms: int) -> None:
        await self._metastore.put_document(
            DOCUMENT_KIND, str(self._broker_id()), encode(readers), now_ms
        )

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._publish_s)
            try:
                await self.publish()
            except AnabranchError as fault:
                logger.warning("readers are not told for now: %s", fault)
            except Exception:
                logger.exception("readers are not told for now")
