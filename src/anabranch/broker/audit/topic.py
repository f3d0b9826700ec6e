"""The audit log's copy in a topic: a record a line, keyed by the chain, as the broker's own producer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from anabranch.errors import ClientFault, ErrorCode
from anabranch.records.builder import build_batch
from anabranch.records.record import Record

if TYPE_CHECKING:
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic

BATCH_BYTES_MAX: Final = 256 * 1024  # below what any sensible max.message.bytes is
CONFIGS: Final = {"retention.ms": "-1"}  # of a topic that is made here


class AuditTopic:
    """Appends lines of chains; each chain stays in one partition, so its lines stay in order."""

    def __init__(self, log: Log, name: str, broker_id: int) -> None:
        self._log = log
        self._name = name
        self._broker_id = broker_id

    async def __call__(self, chain: str, lines: list[bytes], at_ms: int) -> None:
        """Durable on return. Raises ClientFault, StoreFault."""
        topic = self._log.catalogue.topic(self._name) or await self._create()
        partition = self._broker_id % topic.partitions
        for part in _parts(lines):
            records = [
                Record(
                    offset=0,
                    timestamp=at_ms,
                    key=chain.encode(),
                    value=line.removesuffix(b"\n"),
                    headers=(),
                )
                for line in part
            ]
            batch = memoryview(bytearray(build_batch(records)))
            await self._log.append(topic, partition, batch)

    async def _create(self) -> Topic:
        try:
            return await self._log.create_topic(self._name, 1, CONFIGS)
        except ClientFault as fault:
            topic = self._log.catalogue.topic(self._name)
            if fault.code is ErrorCode.TOPIC_ALREADY_EXISTS and topic is not None:
                return topic  # another broker was quicker
            raise


def _parts(lines: list[bytes]) -> Iterator[list[bytes]]:
    part: list[bytes] = []
    size = 0
    for line in lines:
        if part and size + len(line) > BATCH_BYTES_MAX:
            yield part
            part, size = [], 0
        part.append(line)
        size += len(line)
    if part:
        yield part
