"""Bytewax on a replay-safe sink: what an epoch repeats after a crash, the sink does not.

    keyed = op.key_on("to-sink", messages, lambda _: "all")
    op.output("write", keyed, ReplaySafeSink(open_sink, handle))

Values are ``KafkaSourceMessage`` or anything for which ``origin(value)`` tells (topic, partition, offset). One
writer holds a sink's line, so all items go to one worker; their order within a partition does not survive
keyed steps, so that an epoch is collected, sorted, and written when Bytewax ends it, before it commits it. Bytewax
must run with a recovery store (``-r``): without one it takes no snapshots, and no epoch would end but the
last.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from anabranch.recovery.sinks.common import Sink

Origin = tuple[str, int, int]
Handle = Callable[[Any, Any], None]
"""(transaction, value) → effects."""


def message_origin(message: Any) -> Origin:
    """Of a ``bytewax.connectors.kafka.KafkaSourceMessage``."""
    return (message.topic, message.partition, message.offset)


class ReplaySafeSink(FixedPartitionedSink):  # type: ignore[misc,type-arg,unused-ignore]
    """For ``op.output``, on a stream of (key, value). ``open_sink`` is called on the worker that writes."""

    def __init__(
        self,
        open_sink: Callable[[], Sink],
        handle: Handle,
        origin: Callable[[Any], Origin] = message_origin,
    ) -> None:
        self._open = open_sink
        self._handle = handle
        self._origin = origin

    def list_parts(self) -> list[str]:
        """One."""
        return ["all"]

    def part_fn(self, item_key: str) -> int:
        """That one."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: Any) -> _Partition:
        """On the worker that Bytewax chose. What was written is in the sink, not in Bytewax's state."""
        return _Partition(self._open(), self._handle, self._origin)


class _Partition(StatefulSinkPartition):  # type: ignore[misc,type-arg,unused-ignore]
    def __init__(self, sink: Sink, handle: Handle, origin: Callable[[Any], Origin]) -> None:
        self._sink = sink
        self._handle = handle
        self._origin = origin
        self._epoch: list[Any] = []

    def write_batch(self, values: list[Any]) -> None:
        self._epoch += values

    def snapshot(self) -> None:
        self._write()

    def close(self) -> None:
        self._write()
        self._sink.close()

    def _write(self) -> None:
        if not self._epoch:
            return
        values, self._epoch = sorted(self._epoch, key=self._origin), []
        with self._sink.transaction() as tx:
            for where, of_record in groupby(values, key=self._origin):
                if tx.fresh(*where):
                    for value in of_record:
                        self._handle(tx, value)
