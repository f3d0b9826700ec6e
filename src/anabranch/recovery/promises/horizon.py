"""How far back each topic can be replayed, against what its class needs; and when that will no longer do.

*Needed* is the class's horizon. *Configured* is what retention would keep, by time or by size at today's rate.
*Kept* is how far back the log reaches now: to its oldest record, or to the instant from which on retention last
removed none, where nothing was appended between the two. A partition from whose start nothing was ever removed is *complete*: it
can be replayed from its first record, however young it is. The margin is what is left of kept after needed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from math import exp, expm1, log, log1p
from typing import Final

from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.config import TopicConfig, effective
from anabranch.metastore.api import GapCause, Metastore, Topic
from anabranch.recovery.model import PartitionView
from anabranch.recovery.observe import partition_views, volume
from anabranch.recovery.promises import classes as topic_classes
from anabranch.recovery.promises.classes import TopicClass
from anabranch.recovery.times import bytes_text, duration_text

DAY_MS: Final = 86_400_000
RATE_DAYS: Final = 7  # growth is this week's rate over last week's
FORECAST_DAYS: Final = 3650  # beyond that nobody is told of a day
SKEW_MS: Final = (
    3_600_000  # event times that lag behind appends by more than this shorten retention
)
GB: Final = 1_000_000_000
MONTH_DAYS: Final = 30.4


class HazardKind(StrEnum):
    """What may cut a horizon short."""

    RETENTION_TIME = "retention-time"
    RETENTION_BYTES = "retention-bytes"
    COMPACTION = "compaction"
    OLD_TIMESTAMPS = "old-timestamps"
    GAP = "gap"
    NO_CLASS = "no-class"


_SizeOf = Callable[[Metastore, PartitionView, int, int], Awaitable[int]]  # of a range of offsets


class Hazard(Struct, frozen=True):
    """One reason, in words that a person can act on."""

    kind: HazardKind
    text: str


class PartitionHorizon(Struct, frozen=True, kw_only=True):
    """One partition. Durations in milliseconds; None: no bound (configured), or not known.

    ``negative_ms`` is when the margin becomes negative at today's rate and growth: None if not within ten years.
    """

    topic: str
    partition: int
    cls: str | None
    needed_ms: int | None
    configured_ms: int | None
    kept_ms: int
    complete: bool
    margin_ms: int | None
    bytes: int
    bytes_per_day: float
    growth_per_day: float
    negative_ms: int | None
    hazards: tuple[Hazard, ...]

    @property
    def is_short(self) -> bool:
        """Whether the class's promise does not hold now."""
        return self.margin_ms is not None and self.margin_ms < 0


class ClassCost(Struct, frozen=True, kw_only=True):
    """What a class retains, how it grows, and what that costs a month where the class has a price."""

    cls: str
    topics: int
    bytes: int
    bytes_per_day: float
    per_month: float | None


class Horizons(Struct, frozen=True, kw_only=True):
    """All partitions, the shortest margin first, and the classes."""

    now_ms: int
    partitions: tuple[PartitionHorizon, ...]
    classes: tuple[ClassCost, ...]

    @property
    def holds_everywhere(self) -> bool:
        return not any(one.is_short for one in self.partitions)


async def horizons(
    metastore: Metastore, *, now_ms: int, topics: Sequence[str] = (), branches: bool = False
) -> Horizons:
    """Of ``topics`` (all but branches if none is named). Raises UserFault for one that is missing."""
    classes = await topic_classes.load(metastore)
    known = {topic.name: topic for topic in await metastore.topics()}
    for name in topics:
        if name not in known:
            raise UserFault(
                f"there is no topic “{name}”; `anabranch topic list` shows what there is"
            )
    wanted = [known[name] for name in topics] or [
        topic for topic in known.values() if branches or topic.origin is None
    ]
    found: list[PartitionHorizon] = []
    for topic in wanted:
        one = topic_classes.class_of(classes, topic.name)
        for view in await partition_views(metastore, [topic]):
            found += [await _partition(metastore, topic, view, one, now_ms, _size_by_extents)]
    found.sort(key=lambda each: (_rank(each), each.topic, each.partition))
    return Horizons(
        now_ms=now_ms,
        partitions=tuple(found),
        classes=tuple(_cost(one, found) for one in classes),
    )


def _rank(one: PartitionHorizon) -> float:
    return float("inf") if one.margin_ms is None else one.margin_ms


def per_month(one: TopicClass, size: int) -> float | None:
    """What retaining ``size`` bytes costs, in the currency of the class's price; None: it has none."""
    return None if one.price_gb_month is None else size / GB * one.price_gb_month


def _cost(one: TopicClass, found: Sequence[PartitionHorizon]) -> ClassCost:
    mine = [each for each in found if each.cls == one.name]
    size = sum(each.bytes for each in mine)
    return ClassCost(
        cls=one.name,
        topics=len({each.topic for each in mine}),
        bytes=size,
        bytes_per_day=sum(each.bytes_per_day for each in mine),
        per_month=per_month(one, size),
    )


async def estimated(
    metastore: Metastore, topic: Topic, view: PartitionView, one: TopicClass | None, now_ms: int
) -> PartitionHorizon:
    """As in :func:`horizons`, rates and growth by offsets of the size that the retained ones have: a few look-ups, however
    much there is. Raises StoreFault."""
    return await _partition(metastore, topic, view, one, now_ms, _size_by_offsets)


async def _partition(
    metastore: Metastore,
    topic: Topic,
    view: PartitionView,
    one: TopicClass | None,
    now_ms: int,
    size_of: _SizeOf,
) -> PartitionHorizon:
    config = effective(topic.configs)
    week_ms = RATE_DAYS * DAY_MS
    this_week, days = await _bytes_per_day(metastore, view, now_ms - week_ms, now_ms, size_of)
    last_week, days_before = await _bytes_per_day(
        metastore, view, now_ms - 2 * week_ms, now_ms - week_ms, size_of
    )
    growth = 0.0
    if this_week > 0 and last_week > 0:
        # Means are those of the middle of what there is of a week; retention may have left little of the last one.
        growth = (this_week / last_week) ** (2 / (days + days_before)) - 1
    late = await by_timestamps(metastore, view, config)
    kept_ms = covered_ms(view, now_ms, as_appended=not late)
    complete = view.log_start == 0
    configured_ms = _configured(config, this_week)
    needed_ms = None if one is None else one.horizon_ms
    margin_ms = None
    if needed_ms is not None and not complete:
        margin_ms = kept_ms - needed_ms
    elif needed_ms is not None and configured_ms is not None:
        margin_ms = max(0, configured_ms - needed_ms)
    return PartitionHorizon(
        topic=topic.name,
        partition=view.partition,
        cls=None if one is None else one.name,
        needed_ms=needed_ms,
        configured_ms=configured_ms,
        kept_ms=kept_ms,
        complete=complete,
        margin_ms=margin_ms,
        bytes=view.bytes,
        bytes_per_day=this_week,
        growth_per_day=growth,
        negative_ms=None
        if needed_ms is None
        else negative_from(
            config,
            needed_ms=needed_ms,
            oldest_ms=now_ms - kept_ms if view.oldest_ms is not None else None,
            complete=complete,
            size=view.bytes,
            bytes_per_day=_rate_now(this_week, growth),
            growth_per_day=growth,
            now_ms=now_ms,
        ),
        hazards=(
            *_by_config(config, one, this_week),
            *_by_gaps(view, needed_ms, now_ms),
            *late,
        ),
    )


def covered_ms(view: PartitionView, now_ms: int, *, as_appended: bool) -> int:
    """How far back everything that was appended is there.

    The oldest record may be younger than that: with records an hour apart, the one before it was removed for being
    too old, and nothing is missing in between. What retention removed last was older than its ``retention.ms`` then, by the
    records' timestamps; ``as_appended`` says that these are about when they were appended.
    """
    kept = max(0, now_ms - view.oldest_ms) if view.oldest_ms is not None else 0
    if not as_appended:
        return kept
    for gap in view.gaps:
        name, _, number = gap.detail.partition("=")
        if (
            gap.last == view.log_start - 1
            and gap.cause == GapCause.RETENTION_TIME.value
            and name == "retention.ms"
            and number.isdecimal()
        ):
            kept = max(kept, now_ms - gap.at_ms + int(number))
    return kept


async def _size_by_extents(metastore: Metastore, view: PartitionView, start: int, end: int) -> int:
    return (await volume(metastore, view.topic_no, view.partition, start, end)).bytes


async def _size_by_offsets(_: Metastore, view: PartitionView, start: int, end: int) -> int:
    return view.bytes * (end - start) // max(1, view.log_end - view.log_start)


async def _bytes_per_day(
    metastore: Metastore, view: PartitionView, start_ms: int, end_ms: int, size_of: _SizeOf
) -> tuple[float, float]:
    """Bytes appended a day between two instants, by what is retained of them, and of how many days that is; 0 if nothing is."""
    first = await metastore.extent_by_append_time(view.topic_no, view.partition, start_ms)
    behind = await metastore.extent_by_append_time(view.topic_no, view.partition, end_ms)
    if first is None or first.appended_ms >= end_ms:
        return 0.0, 0.0
    end = view.log_end if behind is None else behind.base_offset
    size = await size_of(metastore, view, first.base_offset, end)
    # The first extent may have begun later than the window: what came before it is not there to be counted.
    days = max((end_ms - first.appended_ms) / DAY_MS, 1 / 24)
    return float(size) / days, days


def _rate_now(this_week: float, growth_per_day: float) -> float:
    """Bytes a day at the end of a week whose mean is ``this_week``."""
    week = log1p(growth_per_day) * RATE_DAYS
    return this_week * week / -expm1(-week) if week else this_week


def _configured(config: TopicConfig, bytes_per_day: float) -> int | None:
    """How far back retention will reach, at today's rate."""
    if not config.deletes:
        return None
    spans = []
    if config.retention_ms >= 0:
        spans.append(config.retention_ms)
    if config.retention_bytes >= 0 and bytes_per_day > 0:
        spans.append(round(config.retention_bytes / bytes_per_day * DAY_MS))
    return min(spans, default=None)


def negative_from(
    config: TopicConfig,
    *,
    needed_ms: int,
    oldest_ms: int | None,
    complete: bool,
    size: int,
    bytes_per_day: float,
    growth_per_day: float,
    now_ms: int,
) -> int | None:
    """When the margin becomes negative: now if it is, None if not within ten years.

    ``bytes_per_day`` is the rate now; a day's is that of the day before and ``growth_per_day`` of it more, also in the past. By time
    the margin ends when the oldest record is as old as ``retention.ms``, if that is less than needed. By size it ends
    when more than ``retention.bytes`` were appended in the time that is needed, and the log is full.
    """
    if oldest_ms is None:
        return None
    if not complete and now_ms - oldest_ms < needed_ms:
        return now_ms
    if not config.deletes:
        return None
    ends: list[int] = []
    if 0 <= config.retention_ms < needed_ms:
        ends.append(max(now_ms, oldest_ms + config.retention_ms))
    if config.retention_bytes >= 0 and bytes_per_day > 0:
        day = _short_by_size(
            config.retention_bytes, size, bytes_per_day, log1p(growth_per_day), needed_ms / DAY_MS
        )
        if day is not None and day <= FORECAST_DAYS:
            ends.append(now_ms + round(day * DAY_MS))
    return min(ends, default=None)


def _short_by_size(
    retained: int, size: int, rate: float, growth: float, needed: float
) -> float | None:
    """Days from now until a log that gets ``rate · e^(growth · t)`` bytes a day holds less than ``needed`` days; None: never.

    In the ``needed`` days before ``t`` it got ``rate · e^(growth · t) · (1 - e^(-growth · needed)) / growth``.
    """
    recent = rate * (needed if not growth else -expm1(-growth * needed) / growth)
    missing = max(0, retained - size) / rate
    full = missing
    if growth:
        if 1 + growth * missing <= 0:
            return None  # it shrinks, and never gets full
        full = log1p(growth * missing) / growth
    if growth > 0 and recent > 0:
        return max(full, log(retained / recent) / growth) if retained > 0 else full
    return full if recent * exp(growth * full) > retained else None


def _by_config(config: TopicConfig, one: TopicClass | None, bytes_per_day: float) -> list[Hazard]:
    if one is None:
        return [Hazard(HazardKind.NO_CLASS, "no class says how far back this must reach")]
    found = []
    if config.deletes and 0 <= config.retention_ms < one.horizon_ms:
        found.append(
            Hazard(
                HazardKind.RETENTION_TIME,
                f"retention.ms keeps {duration_text(config.retention_ms / 1000)}, "
                f"{one.name} needs {duration_text(one.horizon_ms / 1000)}",
            )
        )
    if config.deletes and config.retention_bytes >= 0 and bytes_per_day > 0:
        span_ms = config.retention_bytes / bytes_per_day * DAY_MS
        if span_ms < one.horizon_ms:
            found.append(
                Hazard(
                    HazardKind.RETENTION_BYTES,
                    f"retention.bytes of {bytes_text(config.retention_bytes)} lasts "
                    f"{duration_text(span_ms / 1000)} at {bytes_text(bytes_per_day)} a day",
                )
            )
    if config.compacted:
        found.append(
            Hazard(
                HazardKind.COMPACTION,
                "the topic is compacted: only the last record of each key is sure to be there",
            )
        )
    return found


def _by_gaps(view: PartitionView, needed_ms: int | None, now_ms: int) -> list[Hazard]:
    """Gaps inside what is kept; retention's own, at the start, are what the margin is about."""
    if needed_ms is None:
        return []
    return [
        Hazard(
            HazardKind.GAP,
            f"offsets {gap.first} to {gap.last} are missing ({gap.cause}"
            + (f": {gap.detail})" if gap.detail else ")"),
        )
        for gap in view.gaps
        if gap.last >= view.log_start
        and gap.cause not in (GapCause.RETENTION_TIME.value, GapCause.RETENTION_BYTES.value)
        and now_ms - gap.at_ms < needed_ms
    ]


async def by_timestamps(
    metastore: Metastore, view: PartitionView, config: TopicConfig
) -> list[Hazard]:
    """Retention goes by the records' own timestamps: those that are old when they arrive leave early."""
    if not config.deletes or config.retention_ms < 0 or view.log_end == view.log_start:
        return []
    found = await metastore.extents_from(view.topic_no, view.partition, view.log_end - 1, 1)
    if not found or found[0].max_timestamp < 0:
        return []
    newest = found[0]
    late_ms = newest.appended_ms - newest.max_timestamp
    if late_ms <= SKEW_MS:
        return []
    return [
        Hazard(
            HazardKind.OLD_TIMESTAMPS,
            f"records are {duration_text(late_ms / 1000)} old when they arrive, and leave so much earlier",
        )
    ]
