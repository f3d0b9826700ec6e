"""How fast one topic may be read: what a replay sets on its branch."""

from __future__ import annotations

from typing import Final

from anabranch.log.catalogue import Catalogue
from anabranch.log.fetched import FetchPart
from anabranch.log.throttle import BURST_BYTES_MIN, TokenBucket
from anabranch.metastore.api import Topic
from anabranch.records.trimming import headers

BYTES: Final = "fetch.bytes.per.second"
RECORDS: Final = "fetch.records.per.second"
LIMITING: Final = frozenset({BYTES, RECORDS})  # topic configs
PAUSED_S: Final = 1.0  # a topic of which nothing is served is looked at again
MEAN_WEIGHT: Final = 0.2  # of the newest answer in the mean size of a topic's records


class TopicLimit:
    """What may be served of one topic: bytes per second, records per second, or both; below 0 for no limit,
    0 for nothing at all. Records are in batches, and few bytes may hold many: their mean size says how many
    bytes what is left of a rate of records is worth."""

    __slots__ = ("_bytes", "_mean", "_records", "rates")

    def __init__(self, rates: tuple[int, int], now_s: float) -> None:
        self.rates = rates
        self._bytes: TokenBucket | None = None
        self._records: TokenBucket | None = None
        self._mean = 0.0  # bytes of a record; 0: not known
        self.change(rates, now_s)

    def change(self, rates: tuple[int, int], now_s: float) -> None:
        """From now on these are the rates. A change gives nobody a burst."""
        self.rates = rates
        size, count = rates
        self._bytes = _changed(self._bytes, size, now_s, BURST_BYTES_MIN)
        self._records = _changed(self._records, count, now_s, 1)

    @property
    def paused(self) -> bool:
        return 0 in self.rates

    def available(self, now_s: float) -> int | None:
        """Bytes that may be served now; zero or less means wait, None that there is no limit."""
        if self.paused:
            return 0
        left = None if self._bytes is None else self._bytes.available(now_s)
        if self._records is not None:
            count = self._records.available(now_s)
            worth = max(1, int(count * self._mean)) if count > 0 else 0
            left = worth if left is None else min(left, worth)
        return left

    def served(self, part: FetchPart, *, back: bool = False) -> None:
        """An answer was served, or (``back``) will not be sent after all."""
        records = 0
        if self._records is not None:
            records = sum(header.record_count for header in headers(part.buffers))
        sign = -1 if back else 1
        self.take(sign * part.bytes, sign * records)

    def take(self, size: int, records: int) -> None:
        """So much was served; negative where it is given back."""
        if self._bytes is not None:
            self._bytes.take(size)
        if self._records is not None:
            self._records.take(records)
            if records > 0:
                weight = MEAN_WEIGHT if self._mean else 1.0
                self._mean += weight * (size / records - self._mean)

    def wait_s(self) -> float:
        """Seconds until something may be served, as of the last :meth:`available`."""
        if self.paused:
            return PAUSED_S
        buckets = [one for one in (self._bytes, self._records) if one is not None]
        return max((one.wait_s() for one in buckets), default=0.0)


def _changed(
    bucket: TokenBucket | None, rate: int, now_s: float, burst_min: int
) -> TokenBucket | None:
    if rate < 0:
        return None
    if rate == 0:
        return bucket  # paused; what it has since is bounded by its burst
    if bucket is None:
        return TokenBucket(rate, now_s, burst_min=burst_min)
    bucket.change(rate, now_s)
    return bucket


class TopicLimits:
    """Those of all topics that set one, on one broker."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_topic: dict[int, TopicLimit] = {}

    def __len__(self) -> int:
        return len(self._by_topic)

    def of(self, topic: Topic, now_s: float) -> TopicLimit | None:
        """The topic's limit, if its configuration sets one."""
        if LIMITING.isdisjoint(topic.configs):
            return None
        if self._catalogue.topic_by_id(topic.id) is None:
            return None
        config = self._catalogue.config(topic)
        rates = config.fetch_bytes_per_second, config.fetch_records_per_second
        if max(rates) < 0:
            return None
        limit = self._by_topic.get(topic.no)
        if limit is None:
            live = {each.no for each in self._catalogue.topics()}
            self._by_topic = {no: kept for no, kept in self._by_topic.items() if no in live}
            limit = self._by_topic[topic.no] = TopicLimit(rates, now_s)
        elif limit.rates != rates:
            limit.change(rates, now_s)
        return limit
