"""The broker's picture of topics and partitions, kept in step with the metastore.

A cache (I4): commits of this process update it directly, those of others through the metastore's change
notice. A picture that is too old costs a lost compare-and-set or one more reload, never correctness.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.log.config import TopicConfig, effective
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import Metastore, Partition, Topic

logger = logging.getLogger(__name__)

RETRY_S = 1.0  # after a reload that failed; what changed must not wait for the next change


class Catalogue:
    """Topics by name and id, partitions by topic number; one instance per process."""

    def __init__(self, metastore: Metastore) -> None:
        self._metastore = metastore
        self._by_name: dict[str, Topic] = {}
        self._by_id: dict[bytes, Topic] = {}
        self._configs: dict[int, TopicConfig] = {}
        self._partitions: dict[tuple[int, int], PartitionLog] = {}
        self._reloading: asyncio.Task[None] | None = None
        self._again = False
        self._closed = False
        self._version = -1  # of the catalogue that was read last

    # -- look-ups --------------------------------------------------------------------------------
    def topic(self, name: str) -> Topic | None:
        return self._by_name.get(name)

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return self._by_id.get(topic_id)

    def topics(self) -> list[Topic]:
        return list(self._by_name.values())

    def config(self, topic: Topic) -> TopicConfig:
        """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
        config = self._configs.get(topic.no)
        if config is None:
            raise ClientFault(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"topic {topic.name} was deleted"
            )
        return config

    def partition(self, topic: Topic, partition: int) -> PartitionLog:
        """Raises ClientFault(UNKNOWN_TOPIC_OR_PARTITION)."""
        log = self._partitions.get((topic.no, partition))
        if log is None:
            raise ClientFault(
                ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, f"{topic.name} has no partition {partition}"
            )
        return log

    def find(self, topic_no: int, partition: int) -> PartitionLog | None:
        """By the metastore's own names; None if the topic is gone."""
        return self._partitions.get((topic_no, partition))

    def partitions(self) -> list[PartitionLog]:
        return list(self._partitions.values())

    # -- keeping in step ---------------------------------------------------------------------------
    def watch(self) -> None:
        """Reload whenever another process changed something."""
        self._metastore.on_change(self.notice)

    def notice(self) -> None:
        """Start a reload unless one runs; a notice during a reload causes one more."""
        if self._closed:
            return
        if self._reloading is not None and not self._reloading.done():
            self._again = True
            return
        self._reloading = asyncio.get_running_loop().create_task(self._reload_until_quiet())

    async def _reload_until_quiet(self) -> None:
        self._again = True
        while self._again:
            self._again = False
            try:
                if await self._metastore.catalogue_version() != self._version:
                    await self.reload()
                else:
                    await self._refresh_awaited()
            except AnabranchError as fault:
                logger.warning("the catalogue could not be reloaded: %s; trying again", fault)
                self._again = True
                await asyncio.sleep(RETRY_S)

    async def close(self) -> None:
        """Stop watching."""
        self._closed = True
        if self._reloading is not None:
            self._reloading.cancel()
            await asyncio.gather(self._reloading, return_exceptions=True)

    async def reload(self) -> None:
        """Read topics and partitions afresh; handles that still exist keep their caches."""
        version = await self._metastore.catalogue_version()
        topics = await self._metastore.topics()
        rows = await self._metastore.all_partitions()
        self._by_name = {topic.name: topic for topic in topics}
        self._by_id = {topic.id: topic for topic in topics}
        self._configs = {topic.no: effective(topic.configs) for topic in topics}
        by_no = {topic.no: topic for topic in topics}
        for row in rows:
            topic = by_no.get(row.topic_no)
            if topic is not None:
                self._take(topic, row)
        for key in [key for key in self._partitions if key[0] not in by_no]:
            self._partitions.pop(key).gone()
        self._version = version

    async def _refresh_awaited(self) -> None:
        """Only appends happened elsewhere: look where somebody waits for them. Everybody else finds
        them when they ask beyond the end that we know."""
        await self.refresh_some([log for log in self._partitions.values() if log.waiters])

    async def refresh_some(self, logs: Iterable[PartitionLog]) -> None:
        """As :meth:`refresh`, of many at once."""
        by_key = {(log.topic.no, log.partition): log for log in logs}
        for row in await self._metastore.some_partitions(list(by_key)):
            by_key.pop((row.topic_no, row.partition)).apply_if_newer(row)
        for log in by_key.values():
            log.gone()

    async def refresh(self, log: PartitionLog) -> None:
        """Ask for one partition again, for instance before calling an offset out of range."""
        row = await self._metastore.partition(log.topic.no, log.partition)
        if row is None:
            log.gone()
        else:
            log.apply_if_newer(row)

    def _take(self, topic: Topic, row: Partition) -> None:
        key = (row.topic_no, row.partition)
        log = self._partitions.get(key)
        if log is None:
            self._partitions[key] = PartitionLog(topic, row)
            return
        log.topic = topic
        log.apply_if_newer(row)
