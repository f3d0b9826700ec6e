"""From which offset on a partition is young enough to be read without the right of replaying.

By append time, which no producer chooses, and to the extent: what is merged into one object is as young as
its youngest part. The answer is kept for some seconds; time only moves it up, so that a stale one allows a
little more, never less.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from anabranch.metastore.api import Metastore

if TYPE_CHECKING:
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic

FRESH_S: Final = 10.0
PARTITIONS_MAX: Final = 10_000  # whose floor is remembered


class Ages:
    """The floors of one broker."""

    def __init__(
        self, metastore: Metastore, age_ms: int | None, monotonic_s: Callable[[], float]
    ) -> None:
        self._metastore = metastore
        self._now_ms = metastore.now_ms  # what all brokers agree on
        self._age_ms = age_ms
        self._monotonic_s = monotonic_s
        self._floors: OrderedDict[tuple[int, int], tuple[float, int]] = OrderedDict()

    @property
    def limited(self) -> bool:
        """Whether there is an age at all."""
        return self._age_ms is not None

    async def floor(self, log: Log, topic: Topic, partition: int) -> int:
        """The first offset that is young enough. Raises StoreFault."""
        assert self._age_ms is not None
        key = topic.no, partition
        now_s = self._monotonic_s()
        known = self._floors.get(key)
        if known is not None and now_s - known[0] < FRESH_S:
            return known[1]
        # Before the look-up: what is appended meanwhile is young.
        end = log.partition(topic, partition).high_watermark
        since_ms = await self._now_ms() - self._age_ms
        extent = await self._metastore.extent_by_append_time(topic.no, partition, since_ms)
        floor = end if extent is None else extent.base_offset
        self._floors[key] = now_s, floor
        self._floors.move_to_end(key)
        if len(self._floors) > PARTITIONS_MAX:
            self._floors.popitem(last=False)
        return floor
