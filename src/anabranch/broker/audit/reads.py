"""Which ranges of audited topics were read, by whom: fetches that follow on each other are one line.

A topic is audited if its config ``anabranch.audit.reads`` is true. What is noted is what was sent: whole
batches, from the first's base offset to the last's end.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from struct import Struct
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec.structs import replace

from anabranch.broker.audit.events import AuditEvent, AuditSink, Kind, of_request
from anabranch.log.config import AUDIT_READS_CONFIG

if TYPE_CHECKING:
    from anabranch.broker.context import Context
    from anabranch.metastore.api import Topic
    from anabranch.wire.codec import Records

TOLD_S: Final = 5.0  # a range that still grows is told so often
RANGES_MAX: Final = 10_000  # that grow at the same time; the oldest is told to make room

_BASE_LENGTH: Final = Struct(">qi")
_LAST_DELTA: Final = Struct(">i")
_LENGTH_END: Final = 12
_LAST_DELTA_AT: Final = 23


class _Key(NamedTuple):
    principal: str
    host: str
    client_id: str
    topic: str
    partition: int


class _Range:
    __slots__ = ("event", "first", "next")

    def __init__(self, event: AuditEvent, first: int, following: int) -> None:
        self.event = event
        self.first = first
        self.next = following


class Reads:
    """Ranges that are being read. On one event loop."""

    def __init__(self, audit: AuditSink) -> None:
        self._audit = audit
        self._ranges: OrderedDict[_Key, _Range] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def is_audited(self, topic: Topic) -> bool:
        return topic.configs.get(AUDIT_READS_CONFIG, "").strip().lower() == "true"

    def note(self, context: Context, topic: str, partition: int, records: Records) -> None:
        """These batches were sent to the client of ``context``."""
        spans = span(records if isinstance(records, list) else [records])
        if spans is None:
            return
        first, following = spans
        key = _Key(str(context.principal), context.host, context.client_id, topic, partition)
        known = self._ranges.get(key)
        if known is not None and known.first <= first <= known.next:
            known.next = max(known.next, following)
            return
        if known is not None:
            self._tell(key, known)
        elif len(self._ranges) >= RANGES_MAX:
            self._tell(*self._ranges.popitem(last=False))
        event = of_request(context, Kind.READ, "Fetch", resource=f"TOPIC:{topic}")
        self._ranges[key] = _Range(event, first, following)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOLD_S, self._tell_all)

    def _tell(self, key: _Key, read: _Range) -> None:
        details = {"partition": key.partition, "first": read.first, "last": read.next - 1}
        self._audit.record(replace(read.event, details=details))

    def _tell_all(self) -> None:
        self._timer = None
        ranges, self._ranges = self._ranges, OrderedDict()
        for key, read in ranges.items():
            self._tell(key, read)

    def close(self) -> None:
        """Tell what is left."""
        if self._timer is not None:
            self._timer.cancel()
        self._tell_all()


def span(buffers: Iterable[bytes | memoryview]) -> tuple[int, int] | None:
    """The first offset of whole batches, and the one behind their last; None if there are none."""
    first: int | None = None
    following = 0
    for buffer in buffers:
        at, end = 0, len(buffer)
        while at + _LAST_DELTA_AT + 4 <= end:
            base, length = _BASE_LENGTH.unpack_from(buffer, at)
            if first is None:
                first = base
            following = base + _LAST_DELTA.unpack_from(buffer, at + _LAST_DELTA_AT)[0] + 1
            at += _LENGTH_END + length
    return None if first is None else (first, following)
