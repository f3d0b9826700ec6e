"""Puts broker and recovery plane together: neither knows the other. Also the process of one worker of ``--workers``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from anabranch.broker.audit import inbox
from anabranch.broker.lanes import is_apart
from anabranch.broker.worker import main
from anabranch.recovery.promises.watch import Host, Watch

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from anabranch.broker.companion import Companion
    from anabranch.broker.server import Broker
    from anabranch.recovery.promises.classes import RetentionChange


class Watching(Watch):
    """The watch, with its figures for the broker's metrics."""

    def collect(self) -> Iterable[Metric]:
        from anabranch.recovery.promises import watch_metrics

        return watch_metrics.collect(self)


def watch(broker: Broker) -> Sequence[Companion]:
    """What runs beside a live broker; beside one of another lane nothing does."""
    settings = broker.settings
    if is_apart(settings.lane):
        return ()

    async def tell(change: RetentionChange) -> None:
        await inbox.tell(
            broker.log.metastore,
            "classes",
            f"TOPIC:{change.topic}",
            broker.now_ms(),
            reason="the topic was created",
            details={"class": change.cls, "retention": [change.old_ms, change.new_ms]},
        )

    host = Host(
        metastore=broker.log.metastore,
        extents=broker.log.extents,
        topics=broker.log.catalogue.topics,
        now_ms=broker.now_ms,
        looks_after=lambda topic: broker.routes.looks_after(topic.id, 0),
        owns_group=lambda group, lane: (
            lane == settings.lane.name and broker.routes.owns_group(group)
        ),
        set_configs=broker.log.set_configs,
        tell=tell,
        who=lambda: f"broker {broker.node_id}",
        figures=settings.metrics.host is not None,
    )
    return (Watching(host),)


if __name__ == "__main__":
    main(watch)
