"""A topic that is created joins its class: it gets the class's retention without anybody applying classes again.

Once, and only upwards against its creator's word: a topic that says ``retention.ms`` itself keeps it unless the class
needs more; what anybody sets afterwards stays, and ``anabranch horizon`` names it. Topics that were there when classes
were last changed are not touched: whoever applied them saw what it does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

import msgspec

from anabranch.errors import ClientFault, UserFault
from anabranch.log.config import effective
from anabranch.metastore.api import Metastore, Topic
from anabranch.recovery.model import NOTHING
from anabranch.recovery.promises.classes import (
    CHANGE_KIND,
    RETENTION,
    ClassChange,
    RetentionChange,
    TopicClass,
    class_of,
)

logger = logging.getLogger(__name__)

CHANGES_PER_READ: Final = 200
HANDLED_MAX: Final = 100_000  # topics remembered as dealt with; past it they are asked about again

SetConfigs = Callable[[Topic, Mapping[str, str]], Awaitable[object]]


def change_for(topic: Topic, one: TopicClass) -> RetentionChange | None:
    """What joining ``one`` changes of a new topic; None if it may stay as it was made."""
    old_ms = effective(topic.configs).retention_ms
    said = RETENTION in topic.configs
    if old_ms == one.horizon_ms or (said and (old_ms < 0 or old_ms > one.horizon_ms)):
        return None
    return RetentionChange(
        topic=topic.name,
        topic_no=topic.no,
        cls=one.name,
        old_ms=old_ms,
        new_ms=one.horizon_ms,
        lost=NOTHING,
    )


class Joining:
    """Remembers which topics were dealt with, by the history of changes that all brokers write."""

    def __init__(self, metastore: Metastore, set_configs: SetConfigs) -> None:
        self._metastore = metastore
        self._set_configs = set_configs
        self._read_to = ""  # of the history of changes
        self._changed_ms: int | None = None  # when a person last changed classes
        self._handled: set[int] = set()

    async def look(
        self,
        topics: Iterable[Topic],
        looks_after: Callable[[Topic], bool],
        classes: list[TopicClass],
        *,
        now_ms: int,
        who: str,
    ) -> list[RetentionChange]:
        """Let new ones of ours among ``topics`` join; returns what was changed. Raises StoreFault."""
        await self._catch_up()
        changed_ms = self._changed_ms
        if changed_ms is None:
            return []
        done = []
        for topic in topics:
            if (
                topic.created_ms <= changed_ms
                or topic.no in self._handled
                or topic.origin is not None
                or not looks_after(topic)
            ):
                continue
            try:
                one = class_of(classes, topic.name)
            except UserFault as fault:
                logger.error("topic %s joins no class: %s", topic.name, fault)
                one = None
            self._remember(topic.no)
            stored = None if one is None else await self._metastore.topic_by_no(topic.no)
            if one is None or stored is None:
                continue
            topic = stored  # as its configs are now: what is written is all of them
            change = change_for(topic, one)
            if change is None:
                continue
            try:
                await self._set_configs(topic, {**topic.configs, RETENTION: str(change.new_ms)})
            except ClientFault as fault:  # it was deleted meanwhile
                logger.warning("topic %s joins no class: %s", topic.name, fault)
                continue
            await self._record(change, now_ms, who)
            logger.info("topic %s joined class %s", topic.name, change.cls)
            done.append(change)
        return done

    async def _catch_up(self) -> None:
        while True:
            page = await self._metastore.documents_after(
                CHANGE_KIND, self._read_to, CHANGES_PER_READ
            )
            for document in page:
                change = msgspec.json.decode(document.body, type=ClassChange)
                self._read_to = max(self._read_to, document.id)
                if change.joined:
                    for each in change.retention:
                        self._remember(each.topic_no)
                else:
                    self._changed_ms = max(self._changed_ms or 0, change.at_ms)
            if len(page) < CHANGES_PER_READ:
                return

    async def _record(self, change: RetentionChange, now_ms: int, who: str) -> None:
        told = ClassChange(
            at_ms=now_ms,
            who=who,
            reason=f"topic {change.topic} was created",
            classes=(),
            removed=(),
            retention=(change,),
            joined=True,
        )
        await self._metastore.put_document(
            CHANGE_KIND, f"{now_ms:015d}-{who}-{change.topic_no}", msgspec.json.encode(told), now_ms
        )

    def _remember(self, topic_no: int) -> None:
        if len(self._handled) >= HANDLED_MAX:
            self._handled.clear()
        self._handled.add(topic_no)
