"""How fast one topic may be read, and in which order with others: what a replay sets on its branches."""

from __future__ import annotations

from typing import Final

from anabranch.log import event_gate
from anabranch.log.catalogue import Catalogue
from anabranch.log.event_gate import EventGate
from anabranch.log.fetched import FetchPart
from anabranch.log.throttle import BURST_BYTES_MIN, TokenBucket
from anabranch.metastore.api import Topic
from anabranch.records.trimming import headers

BYTES: Final = "fetch.bytes.per.second"
RECORDS: Final = "fetch.records.per.second"
LIMITING: Final = frozenset({BYTES, RECORDS, event_gate.CONFIG})  # topic configs
PAUSED_S: Final = 1.0  # a topic of which nothing is served is looked at again
MEAN_WEIGHT: Final = 0.2  # of the newest answer in the mean size of a topic's records


class TopicLimit:
    """What may be served of one topic: bytes per second, records per second, or both; below 0 for no limit,
    0 for nothing at all. Records are in batches, and few bytes may hold many: their mean size says how many
    bytes what is left of a rate of records is worth."""

    __slots__ = ("_bytes", "_mean", "_records", "gate", "rates", "topic_no")

    def __init__(self, rates: tuple[int, int], now_s: float, topic_no: int = 0) -> None:
        self.rates = rates
        self.topic_no = topic_no
        self.gate: EventGate | None = None
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

    def shut(self, partition: int, offset: int, now_s: float) -> bool:
        """Whether the order of events holds back what comes at ``offset``, as far as that is known."""
        gate = self.gate
        return gate is not None and gate.shut((self.topic_no, partition), offset, now_s)

    def admit(
        self, partition: int, offset: int, buffers: list[memoryview], now_s: float
    ) -> list[memoryview]:
        """What of ``buffers``, read at ``offset``, the order of events lets through. Raises Corrupt."""
        if self.gate is None:
            return buffers
        return self.gate.admit((self.topic_no, partition), offset, buffers, now_s)

    def at_end(self, partition: int, now_s: float) -> None:
        """The partition was read to its end."""
        if self.gate is not None:
            self.gate.ended((self.topic_no, partition), now_s)

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

    def wait_s(self, partition: int) -> float:
        """Seconds until something of it may be served, as of the last :meth:`available`."""
        if self.paused:
            return PAUSED_S
        buckets = [one for one in (self._bytes, self._records) if one is not None]
        wait_s = max((one.wait_s() for one in buckets), default=0.0)
        if self.gate is not None:
            wait_s = max(wait_s, self.gate.wait_s((self.topic_no, partition)))
        return wait_s


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
        self._gates: dict[str, EventGate] = {}

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
        order = config.fetch_event_order
        if max(rates) < 0 and not order:
            return None
        limit = self._by_topic.get(topic.no)
        if limit is None:
            live = {each.no for each in self._catalogue.topics()}
            self._by_topic = {no: kept for no, kept in self._by_topic.items() if no in live}
            limit = self._by_topic[topic.no] = TopicLimit(rates, now_s, topic.no)
        elif limit.rates != rates:
            limit.change(rates, now_s)
        if order or limit.gate is not None:
            limit.gate = self._gate(order, now_s)
            if limit.gate is not None:
                limit.gate.tick(now_s, running=not limit.paused)
        return limit

    def _gate(self, order: str, now_s: float) -> EventGate | None:
        """The one of all topics whose configuration says the same."""
        gate = self._gates.get(order)
        if gate is not None:
            return gate
        parsed = event_gate.parse(order)
        if parsed is None:
            return None
        together: dict[str, list[Topic]] = {}
        for topic in self._catalogue.topics():
            said = topic.configs.get(event_gate.CONFIG)
            if said:
                together.setdefault(said, []).append(topic)
        self._gates = {said: kept for said, kept in self._gates.items() if said in together}
        places = [
            (topic.no, partition)
            for topic in together.get(order, ())
            for partition in range(topic.partitions)
        ]
        gate = self._gates[order] = EventGate(parsed, places, now_s)
        return gate
