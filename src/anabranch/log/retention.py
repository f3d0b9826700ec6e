"""Retention: how far the log start may advance by time and by size.

Pure decisions over the oldest extents. Whole extents only, judged by the largest timestamp in each as
Kafka judges its segments, so one future-dated record delays its own extent and no other.
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


def by_time(oldest: Sequence[Extent], config: TopicConfig, now_ms: int) -> Advance | None:
    """Drop extents from the start whose newest record is older than ``retention.ms``."""
    if not config.deletes or config.retention_ms < 0:
        return None
    horizon = now_ms - config.retention_ms
    end = None
    for extent in oldest:
        newest = extent.max_timestamp if extent.max_timestamp >= 0 else extent.appended_ms
        if newest >= horizon:
            break
        end = extent.last_offset + 1
    if end is None:
        return None
    return Advance(end, GapCause.RETENTION_TIME, f"retention.ms={config.retention_ms}")


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
