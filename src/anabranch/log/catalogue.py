"""The broker's picture of topics and partitions, kept in step with the metastore.

A cache (I4): commits of this process update it directly, those of others through the metastore's change
notice. A picture that is too old costs a lost compare-and-set or one more reload, never correctness.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Iterable

from msgspec.structs import replace

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.log.awaited import PLACES_MAX, Awaited
from anabranch.log.config import TopicConfig, effective, is_topic_name
from anabranch.log.partition import PartitionLog
from anabranch.metastore.api import Metastore, Partition, Topic
from anabranch.metastore.changes import EVERYTHING, Changed, ChangeSet

logger = logging.getLogger(__name__)

RETRY_S = 1.0  # after a reload that failed; what changed must not wait for the next change
LOOKED_FOR_MAX = 100  # topics one by one, for one request; beyond it everything is looked at once


class Catalogue:
    """Topics by name and id, partitions by topic number; one instance per process."""

    def __init__(self, metastore: Metastore, suffix: str = "") -> None:
        """With a ``suffix``, a topic whose name ends with it goes by its name without it, and hides the topic
        of that name: so the branches of a replay session stand for their sources (I7)."""
        self._metastore = metastore
        self._suffix = suffix
        self._by_no: dict[int, Topic] = {}
        self._by_name: dict[str, Topic] = {}
        self._by_id: dict[bytes, Topic] = {}
        self._own: set[int] = set()  # topics that go by their names without the suffix
        self._configs: dict[int, TopicConfig] = {}
        self._partitions: dict[tuple[int, int], PartitionLog] = {}
        self._left: dict[tuple[int, int], Awaited] = {}  # of partitions that went, the newest
        self._reloading: asyncio.Task[None] | None = None
        self._heard = ChangeSet()
        self._closed = False
        self._version = -1  # of the catalogue that was read last
        self.changes = 0  # grows whenever topics may have come, gone, or become others

    # -- look-ups --------------------------------------------------------------------------------
    def topic(self, name: str) -> Topic | None:
        return self._by_name.get(name)

    def topic_by_id(self, topic_id: bytes) -> Topic | None:
        return self._by_id.get(topic_id)

    def topics(self) -> list[Topic]:
        return list(self._by_name.values())

    def stored_name(self, name: str) -> str:
        """What a topic is called in the metastore that is to go by ``name`` here."""
        return name if name.endswith(self._suffix) else name + self._suffix

    def unknown(self, topic_nos: Iterable[int]) -> set[int]:
        """Those that are not in this picture."""
        return {no for no in topic_nos if no not in self._by_no}

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

    def notice(self, changed: Changed = EVERYTHING) -> None:
        """Take in what changed, soon: in a task that runs until nothing more is heard of."""
        if self._closed:
            return
        self._heard.add(changed)
        if self._reloading is None or self._reloading.done():
            self._reloading = asyncio.get_running_loop().create_task(self._reload_until_quiet())

    async def _reload_until_quiet(self) -> None:
        while (changed := self._heard.take()) is not None:
            try:
                await self._take_in(changed)
            except AnabranchError as fault:
                logger.warning("the catalogue could not be reloaded: %s; trying again", fault)
                self._heard.add(changed)
                await asyncio.sleep(RETRY_S)

    async def _take_in(self, changed: Changed) -> None:
        """What is named is read again; if all may have changed, the version tells about topics, and of
        partitions only those are read where somebody waits. Everybody else finds what was appended
        elsewhere when they ask beyond the end that we know."""
        if changed.everything:
            if await self._metastore.catalogue_version() != self._version:
                await self.reload()
            else:
                for log in self.partitions():
                    log.doubtful = True  # whoever comes to its end asks again
                await self.refresh_some([log for log in self.partitions() if log.waiters])
            return
        unknown = {key[0] for key in changed.partitions if key not in self._partitions}
        if topics := changed.topics | unknown:
            await self._reload_topics(topics)
        known = [self._partitions[key] for key in changed.partitions if key in self._partitions]
        await self.refresh_some(log for log in known if log.topic.no not in topics)

    async def learn(self, topic_nos: Collection[int]) -> bool:
        """Look for topics that the metastore names and this picture lacks: another process may have made them a
        moment ago. False if that takes too long; one that is missing afterwards was deleted."""
        if topic_nos and not self._closed:
            self.notice(Changed(topics=frozenset(topic_nos)))
            assert self._reloading is not None
            done, _ = await asyncio.wait({self._reloading}, timeout=RETRY_S)
            return bool(done)
        return True

    async def look_for(self, names: Iterable[str] = (), ids: Iterable[bytes] = ()) -> None:
        """Before topics are called unknown: learn of those that another process made a moment ago, whose notice
        has not come yet. A topic that its creator was told of is there for everybody, on every broker.

        Where the metastore cannot be asked, what is known stands.
        """
        unknown = {name for name in names if name not in self._by_name and is_topic_name(name)}
        unknown_ids = {topic_id for topic_id in ids if topic_id not in self._by_id}
        if not unknown and not unknown_ids:
            return
        if len(unknown) + len(unknown_ids) > LOOKED_FOR_MAX:
            self.notice()
            assert self._closed or self._reloading is not None
            if self._reloading is not None:
                await asyncio.wait({self._reloading}, timeout=RETRY_S)
            return
        if self._suffix:
            unknown |= {self.stored_name(name) for name in unknown}
        try:
            found = await self._metastore.find_topics(unknown, unknown_ids)
        except AnabranchError as fault:
            logger.warning("topics that are not known here could not be looked up: %s", fault)
        else:
            await self.learn(self.unknown(found))

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
        self.changes += 1
        self._by_no = {}
        self._by_name = {}
        self._by_id = {}
        self._own = set()
        self._configs = {}
        for topic in topics:
            self._put(topic)
        for row in rows:
            self._take(row)
        for key in [key for key in self._partitions if key[0] not in self._by_no]:
            self._leave(key)
        self._version = version

    async def _reload_topics(self, topic_nos: Iterable[int]) -> None:
        """As :meth:`reload`, of these topics."""
        wanted = list(topic_nos)
        live = {topic.no: topic for topic in await self._metastore.some_topics(wanted)}
        rows = [row for no in live for row in await self._metastore.partitions(no)]
        self.changes += 1
        for no in wanted:
            self._drop(no)
        for topic in live.values():
            self._put(topic)
        for row in rows:
            self._take(row)
        for no in wanted:
            if no not in live:
                for key in [key for key in self._partitions if key[0] == no]:
                    self._leave(key)

    def _put(self, topic: Topic) -> None:
        own = bool(self._suffix) and topic.name.endswith(self._suffix)
        if own:
            topic = replace(topic, name=topic.name.removesuffix(self._suffix))
            self._own.add(topic.no)
        self._by_no[topic.no] = topic
        namesake = self._by_name.get(topic.name)
        if own or namesake is None or namesake.no not in self._own:
            self._by_name[topic.name] = topic
        self._by_id[topic.id] = topic
        self._configs[topic.no] = effective(topic.configs)

    def _drop(self, topic_no: int) -> None:
        topic = self._by_no.pop(topic_no, None)
        if topic is not None:
            self._configs.pop(topic_no, None)
            self._by_id.pop(topic.id, None)
            if self._by_name.get(topic.name) is topic:  # a promotion may have given the name on
                del self._by_name[topic.name]
                if topic_no in self._own:
                    self._own.discard(topic_no)
                    self._show_again(topic.name)

    def _show_again(self, name: str) -> None:
        """The topic that was hidden by one of ours, which is gone."""
        for topic in self._by_no.values():
            if topic.name == name:
                self._by_name[name] = topic

    def _leave(self, key: tuple[int, int]) -> None:
        """The partition is not served any more; its topic may be brought back."""
        log = self._partitions.pop(key)
        log.gone()
        self._left[key] = log.awaited
        if len(self._left) > PLACES_MAX:
            del self._left[next(iter(self._left))]

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

    def _take(self, row: Partition) -> None:
        topic = self._by_no.get(row.topic_no)
        if topic is None:
            return
        key = (row.topic_no, row.partition)
        log = self._partitions.get(key)
        if log is None or log.broken:  # deleted and brought back between two looks
            new = self._partitions[key] = PartitionLog(topic, row)
            # What was turned away while it was gone is still to come before what was sent behind it.
            awaited = self._left.pop(key, None) if log is None else log.awaited
            if awaited is not None:
                new.awaited = awaited
            return
        log.topic = topic
        log.apply_if_newer(row)
