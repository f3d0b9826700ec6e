"""Refusals on their way to the audit log: a client that asks again and again is one line a second."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from anabranch.broker.audit.events import AuditEvent, AuditSink

logger = logging.getLogger(__name__)

SAME_S: Final = 1.0  # in which the same refusal is counted instead of told
REMEMBERED_MAX: Final = 4096  # different ones; who refuses more in a second counts less of them


class Denials:
    """Counts what is refused; tells the first at once, and with the next how many there were between."""

    def __init__(self, audit: AuditSink, monotonic_s: Callable[[], float]) -> None:
        self._audit = audit
        self._monotonic_s = monotonic_s
        self._seen: OrderedDict[tuple[str, ...], tuple[float, int]] = OrderedDict()
        self.count = 0  # for metrics

    def record(self, event: AuditEvent) -> None:
        self.count += 1
        now_s = self._monotonic_s()
        # Not by client id: that is whatever a client says.
        same = event.principal, event.host, event.api, event.operation, event.resource
        told_s, repeated = self._seen.get(same, (-math.inf, 0))
        if now_s - told_s < SAME_S:
            self._seen[same] = told_s, repeated + 1
            return
        self._seen[same] = now_s, 0
        self._seen.move_to_end(same)
        if len(self._seen) > REMEMBERED_MAX:
            self._seen.popitem(last=False)
        logger.info(
            "%s from %s may not %s %s (%s)",
            event.principal,
            event.host,
            event.operation,
            event.resource,
            event.api,
        )
        if repeated:
            event = replace(event, details={**event.details, "repeated": repeated})
        self._audit.record(event)
