"""Quix Streams on a replay-safe sink: its checkpoints may repeat records, the sink does not.

    dataframe.sink(ReplaySafeSink(sink, lambda tx, item: tx.execute(…)))

Quix Streams flushes sinks before it commits offsets, so that a crash in between brings records again; the
sink knows them by their offsets. Put the sink where each item still is of the record that it came from: Quix
Streams keeps topic, partition and offset through ``apply`` and ``filter``, and for windows gives those of the
record that closed them. In a replay the application reads what ``Surroundings.topic`` says.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Any

from quixstreams.sinks import BatchingSink, SinkBatch

from anabranch.recovery.sinks.common import Sink

Handle = Callable[[Any, Any], None]
"""(transaction, ``quixstreams.sinks.base.item.SinkItem``) → effects."""


class ReplaySafeSink(BatchingSink):  # type: ignore[misc,unused-ignore]
    """A sink for ``StreamingDataFrame.sink``; one transaction per partition and checkpoint."""

    def __init__(
        self,
        sink: Sink,
        handle: Handle,
        transaction: Callable[[], AbstractContextManager[Any]] | None = None,
    ) -> None:
        super().__init__()
        self._sink = sink
        self._handle = handle
        self._begin = transaction or sink.transaction

    def write(self, batch: SinkBatch) -> None:
        """Called by Quix Streams before it commits the batch's offsets."""
        with self._begin() as tx:
            # A record that was expanded is several items of one offset, and is asked for once.
            for offset, items in groupby(batch, key=lambda item: int(item.offset)):
                if tx.fresh(batch.topic, batch.partition, offset):
                    for item in items:
                        self._handle(tx, item)
