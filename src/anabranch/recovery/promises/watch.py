"""Watches, from within a live broker, how much room topics and groups have: margins, runways, lag in seconds.

About each minute a pass looks at some topics and groups and goes on where the last one ended, so that its work is
bounded however many there are (I10). A topic is looked at by the broker that looks after it, a group by its coordinator, so
each figure comes from one broker. Nothing here reads history: rates are those between looks, of offsets, and averages of
what is retained. Lag is counted in records where that reads little (:data:`COUNTED`); else it is at most so many.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from math import exp
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from anabranch.errors import AnabranchError, UserFault
from anabranch.log.config import TopicConfig, effective
from anabranch.log.counting import Allowance, RecordCounter
from anabranch.log.counts import Count
from anabranch.log.extents import ExtentReader
from anabranch.metastore.api import Metastore, PartitionSize, Topic
from anabranch.recovery.model import PartitionView
from anabranch.recovery.observe import moment_at, partition_views
from anabranch.recovery.promises import classes as topic_classes
from anabranch.recovery.promises.classes import RetentionChange, TopicClass
from anabranch.recovery.promises.horizon import by_timestamps, covered_ms, estimated, per_month
from anabranch.recovery.promises.joining import Joining, SetConfigs
from anabranch.recovery.promises.runway import by_bytes, by_time

logger = logging.getLogger(__name__)

LOOK_S: Final = 60.0
TOPICS_MAX: Final = 200  # looked at in one pass
EXAMINED_MAX: Final = 5_000  # topics asked whose they are, in one pass
EXAMINED_AT_ONCE: Final = 100
GROUPS_MAX: Final = 200
PARTITIONS_MAX: Final = 2_000  # of both together in one pass: some 0.2 ms each
MIB: Final = 1024 * 1024
# What a pass reads to tell records from offsets where there were transactions or compaction: some tens of milliseconds of a
# core, and as many requests of a bucket as there are indexes that are not in memory already.
COUNTED: Final = Allowance(bytes=8 * MIB, indexes=64, extents=10_000, aborted=1_000)
COUNTED_EACH: Final = Allowance(bytes=MIB, indexes=16, extents=1_000, aborted=1_000)
YIELD_S: Final = 0.005  # between two topics or groups, so that clients do not notice
FORETELL_MS: Final = 3_600_000  # how old a forecast may be: it is of weeks
FORETOLD_MAX: Final = 200  # partitions of which a pass makes one: some ten look-ups each
SERIES_MAX: Final = 1_000  # figures kept of either kind; Prometheus pays for each
SAMPLES_MAX: Final = 20_000  # positions kept to tell rates by
RATE_S: Final = 600.0  # what is longer ago hardly counts
OLD_LOOKS: Final = 30  # passes after which a figure that nobody renewed is dropped


class TopicStanding(Struct, frozen=True):
    """``margin_ms``: what is kept beyond what the class needs, of the worst partition; None: nothing bounds it.

    ``negative_ms`` is when that becomes negative at the rate and growth of the last weeks, as it was foretold at ``foretold_ms`` (0: not yet);
    None: not within ten years. ``per_month`` is what the ``bytes`` that are retained cost by the class's price; None: it has none.
    """

    topic: str
    cls: str
    kept_ms: int
    margin_ms: int | None
    at_ms: int
    bytes: int
    per_month: float | None
    negative_ms: int | None = None
    foretold_ms: int = 0


class GroupStanding(Struct, frozen=True):
    """Of the worst partition of a topic; ``lag`` records (``at_most``: or fewer) of ``lag_offsets`` offsets are of all.
    ``runway_ms`` None: retention does not catch the group at these rates."""

    group: str
    topic: str
    runway_ms: int | None
    lag_ms: int
    lag: int
    lag_offsets: int
    at_most: bool
    at_ms: int


class _Sample(Struct):
    at_ms: int
    position: int
    log_end: int
    reads_per_s: float = 0.0
    appends_per_s: float = 0.0


class Host(Struct, frozen=True):
    """The broker, as far as this needs it. ``figures``: whether anybody will ask for them."""

    metastore: Metastore
    extents: ExtentReader
    topics: Callable[[], list[Topic]]  # all, from memory
    now_ms: Callable[[], int]
    looks_after: Callable[[Topic], bool]
    owns_group: Callable[[str, str], bool]  # a group of a lane
    set_configs: SetConfigs
    tell: Callable[[RetentionChange], Awaitable[None]]  # the audit log
    who: Callable[[], str]
    figures: bool


def margin(
    config: TopicConfig, one: TopicClass, *, log_start: int, kept_ms: int, size: int
) -> int | None:
    """As ``horizon``'s margin, at the average rate of what is retained. None: nothing will ever be removed."""
    if log_start > 0:
        return kept_ms - one.horizon_ms
    if not config.deletes:
        return None
    spans = [config.retention_ms] if config.retention_ms >= 0 else []
    if config.retention_bytes >= 0 and size > 0 and kept_ms > 0:
        spans.append(round(config.retention_bytes * kept_ms / size))
    return min(spans) - one.horizon_ms if spans else None


def _falls_short(view: PartitionView, one: TopicClass, now_ms: int) -> bool:
    """Whether the oldest record alone does not show that the promise holds."""
    oldest_ms = view.oldest_ms if view.oldest_ms is not None else now_ms
    return view.log_start > 0 and now_ms - oldest_ms < one.horizon_ms


class Watch:
    """The passes, and what they found. ``topics`` and ``groups`` are replaced as a whole, for other threads to read."""

    def __init__(self, host: Host, *, look_s: float = LOOK_S) -> None:
        self._host = host
        self._look_s = look_s
        self._joining = Joining(host.metastore, host.set_configs)
        self._samples: OrderedDict[tuple[str, int, int], _Sample] = OrderedDict()
        self._topic_after = ""
        self._group_after = ""
        self._left = 0  # partitions that this pass may still look at
        self._foretold = 0  # partitions of which it may still make a forecast
        self._counted = Allowance()  # what it may still read to count records
        self._sizes: dict[int, dict[int, PartitionSize]] = {}  # of topics, as this pass found them
        self._task: asyncio.Task[None] | None = None
        self.topics: dict[str, TopicStanding] = {}
        self.groups: dict[tuple[str, str], GroupStanding] = {}
        self.left_out = 0  # figures for which there was no room
        self.passes = 0
        self.pass_s = 0.0

    def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run(), name="watch")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._look_s)
            try:
                await self.look()
            except AnabranchError as fault:
                logger.warning("margins and runways stay as they were, for now: %s", fault)
            except Exception:
                logger.exception("margins and runways stay as they were, for now")

    async def look(self) -> None:
        """One pass. Raises StoreFault."""
        host, begun = self._host, asyncio.get_running_loop().time()
        classes = await topic_classes.load(host.metastore)
        if classes:
            for change in await self._joining.look(
                host.topics(), host.looks_after, classes, now_ms=host.now_ms(), who=host.who()
            ):
                await host.tell(change)
        if host.figures:
            self._left, self._foretold = PARTITIONS_MAX, FORETOLD_MAX
            self._counted, self._sizes = COUNTED.share(COUNTED), {}
            await self._look_at_topics(classes)
            await self._look_at_groups({topic.no: topic for topic in host.topics()})
        self.passes += 1
        self.pass_s = asyncio.get_running_loop().time() - begun

    async def _look_at_topics(self, classes: list[TopicClass]) -> None:
        host = self._host
        found = dict(self.topics)
        ordered = sorted(
            (topic for topic in host.topics() if topic.origin is None),
            key=lambda topic: (topic.name <= self._topic_after, topic.name),
        )
        looked = 0
        for number, topic in enumerate(ordered[:EXAMINED_MAX]):
            if looked >= TOPICS_MAX or self._left <= 0:
                break
            if number % EXAMINED_AT_ONCE == EXAMINED_AT_ONCE - 1:
                await asyncio.sleep(YIELD_S)
            self._topic_after = topic.name
            try:
                one = topic_classes.class_of(classes, topic.name)
            except UserFault:
                one = None  # two classes claim it; `anabranch horizon` says so
            if one is None or not host.looks_after(topic):
                found.pop(topic.name, None)
                continue
            looked += 1
            standing = await self._topic(topic, one)
            standing = await self._with_forecast(standing, found.get(topic.name), topic, one)
            if topic.name in found or len(found) < SERIES_MAX:
                found[topic.name] = standing
            else:
                self.left_out += 1
            await asyncio.sleep(YIELD_S)
        # A topic that was deleted is not met again: its figures grow too old to show.
        oldest_ms = self._oldest_ms()
        self.topics = {name: one for name, one in found.items() if one.at_ms >= oldest_ms}

    def _oldest_ms(self) -> int:
        return self._host.now_ms() - round(OLD_LOOKS * self._look_s * 1000)

    async def _topic(self, topic: Topic, one: TopicClass) -> TopicStanding:
        host, now_ms = self._host, self._host.now_ms()
        config = effective(topic.configs)
        # Gaps and timestamps are looked at only where the oldest record alone does not reach back far enough.
        views = await partition_views(host.metastore, [topic], gaps=False)
        if any(_falls_short(view, one, now_ms) for view in views):
            views = await partition_views(host.metastore, [topic])
        self._left -= len(views)
        margins, kept = [], []
        for view in views:
            as_appended = _falls_short(view, one, now_ms) and not await by_timestamps(
                host.metastore, view, config
            )
            kept.append(covered_ms(view, now_ms, as_appended=as_appended))
            found = margin(config, one, log_start=view.log_start, kept_ms=kept[-1], size=view.bytes)
            if found is not None:
                margins.append(found)
        size = sum(view.bytes for view in views)
        return TopicStanding(
            topic=topic.name,
            cls=one.name,
            kept_ms=min(kept, default=0),
            margin_ms=min(margins, default=None),
            at_ms=now_ms,
            bytes=size,
            per_month=per_month(one, size),
        )

    async def _with_forecast(
        self, now: TopicStanding, before: TopicStanding | None, topic: Topic, one: TopicClass
    ) -> TopicStanding:
        """The one before while that is young, or there is no room for another."""
        host = self._host
        if before is not None and before.cls == now.cls:
            now = replace(now, negative_ms=before.negative_ms, foretold_ms=before.foretold_ms)
        if self._foretold <= 0 or now.at_ms - now.foretold_ms < FORETELL_MS:
            return now
        views = await partition_views(host.metastore, [topic])
        self._foretold -= len(views)
        ends = [
            (await estimated(host.metastore, topic, view, one, now.at_ms)).negative_ms
            for view in views
        ]
        negative_ms = min((end for end in ends if end is not None), default=None)
        return replace(now, negative_ms=negative_ms, foretold_ms=now.at_ms)

    async def _look_at_groups(self, live: dict[int, Topic]) -> None:
        host = self._host
        page = await host.metastore.group_names_after(self._group_after, GROUPS_MAX)
        found = dict(self.groups)
        for group, lane in page:
            if self._left <= 0:
                break
            self._group_after = group
            before = [key for key in found if key[0] == group]
            now = await self._group(group, live) if host.owns_group(group, lane) else {}
            for key in before:
                if key not in now:
                    del found[key]
            for key, standing in now.items():
                if key in found or len(found) < SERIES_MAX:
                    found[key] = standing
                else:
                    self.left_out += 1
            await asyncio.sleep(YIELD_S)
        else:
            if len(page) < GROUPS_MAX:
                self._group_after = ""
        # A group that was deleted is not met again: its figures grow too old to show.
        oldest_ms = self._oldest_ms()
        self.groups = {key: one for key, one in found.items() if one.at_ms >= oldest_ms}

    async def _group(
        self, group: str, live: dict[int, Topic]
    ) -> dict[tuple[str, str], GroupStanding]:
        host, now_ms = self._host, self._host.now_ms()
        found: dict[tuple[str, str], GroupStanding] = {}
        for committed in await host.metastore.committed(group):
            topic = live.get(committed.topic_no)
            if topic is None or self._left <= 0:
                continue
            self._left -= 1
            state = await host.metastore.partition(topic.no, committed.partition)
            if state is None:
                continue
            start = max(committed.offset, state.log_start)
            sample = self._sampled(
                (group, topic.no, committed.partition), committed.offset, state.next_offset, now_ms
            )
            offsets, end = max(0, state.next_offset - start), state.next_offset
            lag, age_ms, runway_ms = Count(0), 0, None
            if committed.offset < state.log_start:
                runway_ms = 0
            if offsets:
                lag = await self._records(topic, committed.partition, start, end)
                moment = await moment_at(host.metastore, topic.no, committed.partition, start)
                age_ms = max(0, now_ms - moment.appended_ms) if moment is not None else 0
            if offsets and runway_ms is None:
                runway_ms = await self._runway(
                    topic, committed.partition, offsets, lag.records, age_ms, sample
                )
            key = (group, topic.name)
            known = found.get(key)
            standing = GroupStanding(
                group,
                topic.name,
                runway_ms,
                age_ms if lag.records else 0,
                lag.records,
                offsets,
                not lag.exact,
                now_ms,
            )
            found[key] = standing if known is None else _worse(known, standing)
        return found

    async def _records(self, topic: Topic, partition: int, start: int, end: int) -> Count:
        """As many of each partition as any other's leave it, so that one does not use up what there is for all."""
        given, left = self._counted.share(COUNTED_EACH), self._counted.share(COUNTED_EACH)
        counter = RecordCounter(self._host.metastore, self._host.extents, left)
        counted = (await counter.tally(topic.no, partition, [start, end])).between(start, end)
        self._counted.spend(given, left)
        return counted

    async def _runway(
        self,
        topic: Topic,
        partition: int,
        offsets: int,
        records: int,
        age_ms: int,
        sample: _Sample,
    ) -> int | None:
        config = effective(topic.configs)
        if not config.deletes:
            return None
        spans = [by_time(config.retention_ms, age_ms, offsets, sample.reads_per_s)]
        if config.retention_bytes >= 0:
            size = (await self._sizes_of(topic)).get(partition)
            if size is not None and size.records:
                of_record = size.bytes / size.records
                lag_bytes = min(size.bytes, round(of_record * records))
                spans.append(
                    by_bytes(
                        config.retention_bytes,
                        lag_bytes,
                        sample.reads_per_s * lag_bytes / offsets,
                        sample.appends_per_s * of_record,
                    )
                )
        return min((span for span in spans if span is not None), default=None)

    async def _sizes_of(self, topic: Topic) -> dict[int, PartitionSize]:
        if topic.no not in self._sizes:
            sizes = await self._host.metastore.partition_sizes(topic.no)
            self._sizes[topic.no] = {size.partition: size for size in sizes}
        return self._sizes[topic.no]

    def _sampled(
        self, key: tuple[str, int, int], position: int, log_end: int, now_ms: int
    ) -> _Sample:
        """With the rates since the last looks, of which those within some ten minutes count."""
        last = self._samples.get(key)
        if last is None or now_ms <= last.at_ms:
            sample = _Sample(now_ms, position, log_end)
        else:
            seconds = (now_ms - last.at_ms) / 1000
            keep = exp(-seconds / RATE_S) if last.reads_per_s or last.appends_per_s else 0.0
            reads = max(0, position - last.position) / seconds
            appends = max(0, log_end - last.log_end) / seconds
            sample = _Sample(
                now_ms,
                position,
                log_end,
                keep * last.reads_per_s + (1 - keep) * reads,
                keep * last.appends_per_s + (1 - keep) * appends,
            )
        self._samples[key] = sample
        self._samples.move_to_end(key)
        while len(self._samples) > SAMPLES_MAX:
            self._samples.popitem(last=False)
        return sample


def _worse(one: GroupStanding, other: GroupStanding) -> GroupStanding:
    runways = [each.runway_ms for each in (one, other) if each.runway_ms is not None]
    return GroupStanding(
        one.group,
        one.topic,
        min(runways, default=None),
        max(one.lag_ms, other.lag_ms),
        one.lag + other.lag,
        one.lag_offsets + other.lag_offsets,
        one.at_most or other.at_most,
        other.at_ms,
    )
