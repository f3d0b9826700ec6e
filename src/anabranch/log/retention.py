"""Retention: how far the log start may advance by time and by size.

Pure decisions over the oldest extents. Whole extents only, judged by the largest timestamp in each, as
Kafka judges its segments; but no record counts as younger than its append. A record dated into the future
would otherwise pin its extent, and with it all that follows, until that future is over (which a topic's
``message.timestamp.after.max.ms`` does not prevent, if it allows it).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from anabranch.log.config import TopicConfig
from anabranch.metastore.api import Extent, GapCause

EXTENTS_PER_PASS = 512  # a pass is bounded; the next one goes on


class Advance(NamedTuple):
    """Move the log start to ``log_start`` because of ``cause``; ``detail`` says it in words."""

    log_start: int
    cause: GapCause
    detail: str


def by_time(
    oldest: Sequence[Extent], config: TopicConfig, now_ms: int, appended_mark: int
) -> Advance | None:
    """Drop extents from the start whose newest record is older than ``retention.ms``.

    ``appended_mark`` is when the newest batch of the partition was appended. An extent was appended
    whole when the one behind it began to be.
    """
    if not config.deletes or config.retention_ms < 0:
        return None
    horizon = now_ms - config.retention_ms
    end = None
    for place, extent in enumerate(oldest):
        behind = oldest[place + 1].appended_ms if place + 1 < len(oldest) else appended_mark
        if newest_ms(extent, behind) >= horizon:
            break
        end = extent.last_offset + 1
    if end is None:
        return None
    return Advance(end, GapCause.RETENTION_TIME, f"retention.ms={config.retention_ms}")


def may_expire(extent: Extent, config: TopicConfig, now_ms: int) -> bool:
    """Whether :func:`by_time` could drop this first extent, whatever lies behind it."""
    if not config.deletes or config.retention_ms < 0:
        return False
    return newest_ms(extent, extent.appended_ms) < now_ms - config.retention_ms


def newest_ms(extent: Extent, appended_by_ms: int) -> int:
    """How young the extent's records are at most; all of it was appended by ``appended_by_ms``."""
    if extent.max_timestamp < 0:
        return extent.appended_ms
    return min(extent.max_timestamp, max(appended_by_ms, extent.appended_ms))


def by_bytes(oldest: Sequence[Extent], config: TopicConfig, retained_bytes: int) -> Advance | None:
    """Drop extents from the start while what remains is at least ``retention.bytes``."""
    if not config.deletes or config.retention_bytes < 0:
        return None
    end = None
    for extent in oldest:
        if retained_bytes - extent.length < config.retention_bytes:
            break
        retained_bytes -= extent.length
        end = extent.last_offset + 1
    if end is None:
        return None
    return Advance(end, GapCause.RETENTION_BYTES, f"retention.bytes={config.retention_bytes}")
