"""Consume, transform, produce, exactly once (I6): applications that copy a topic within transactions.

Two instances share a transactional id per partition, so that whoever takes a partition over fences the other one.
Each reads where the group stands (stable offsets only), copies a few records that read_committed consumers see, and
commits the copies and its new offset in one transaction, or aborts. In the end the copies are exactly the records
below the committed offset, once each and in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from anabranch.errors import AnabranchError, ClientFault, ErrorCode
from anabranch.metastore.api import Topic
from anabranch.wire.messages.m09_offset_fetch import (
    OffsetFetchRequest,
    OffsetFetchRequestGroup,
    OffsetFetchRequestTopic,
    OffsetFetchRequestTopics,
)
from anabranch.wire.messages.m25_add_offsets_to_txn import AddOffsetsToTxnRequest
from anabranch.wire.messages.m28_txn_offset_commit import (
    TxnOffsetCommitRequest,
    TxnOffsetCommitRequestPartition,
    TxnOffsetCommitRequestTopic,
)
from sim.broker import SimBroker
from sim.history import Violation
from sim.members import ELSEWHERE
from sim.net import NoAnswer
from sim.transactions import PARTITIONS, PREFIX, Transactional, Uncertain, sure

if TYPE_CHECKING:
    from sim.world import World

GROUP = "copiers"
TARGET = PREFIX + "copy"
RECORDS_MAX = 4  # of one transaction
STABLE_SINCE = 7  # OffsetFetch: before, nobody can ask for stable offsets only
LAST_EXPLICIT = 4  # of TxnOffsetCommit: from 5 on it adds its group by itself (KIP-890)


class Copier(Transactional):
    """One instance; ``source`` is whose topic it copies."""

    def __init__(self, world: World, name: str, source: Transactional) -> None:
        super().__init__(world, name)
        self.source = source

    async def run(self) -> None:
        while self.source.topic is None:
            await self.pause(0.2)
        while self.topic is None:
            self.topic = await self.insist(lambda: self._create(TARGET))
        while not self.world.ending:
            await self.pause(0.2)
            partition = self.rng.randrange(PARTITIONS)
            try:
                await self._turn(partition)
            except (Uncertain, NoAnswer, AnabranchError) as fault:
                self.world.note(f"{self.name}: {self.transactional_id} {fault!r}")
        for partition in range(PARTITIONS):  # what was going on is over
            self._is_for(partition)
            await self.insist(self._init)

    def _is_for(self, partition: int) -> None:
        self.transactional_id = f"{TARGET}-{partition}"

    async def _turn(self, partition: int) -> None:
        """Take the partition over, and copy until the next one does."""
        self._is_for(partition)
        self._identity = await self._init()
        self._sequences = {}
        position = await self._committed(partition)
        for _ in range(self.rng.randint(1, 4)):
            part = await self._fetch(self.rng.choice(self.world.brokers), partition, position)
            records, end = self.committed_records(part, position)
            if end > position:
                position = await self._copy(partition, position, records, end)
            await self.pause(0.1)

    async def _copy(
        self, partition: int, position: int, records: list[tuple[int, bytes]], end: int
    ) -> int:
        """One transaction; where it leaves the group."""
        if len(records) > RECORDS_MAX:
            records = records[: self.rng.randint(1, RECORDS_MAX)]
            end = records[-1][0] + 1
        await self._add(self._identity, [partition])
        await self._add_group()
        for offset, value in records:
            await self._produce(
                self._identity, self._sequences, partition, b"%d:%s" % (offset, value)
            )
        await self._commit(partition, end)
        commits = self.rng.random() < 0.8
        await self._end(self._identity, commits)
        self.world.note(
            f"{self.name}: {self.transactional_id} {self._identity} {position}..{end} "
            + ("copied" if commits else "aborted")
        )
        if not commits:
            return position
        self.world.weather.saw("copies committed")
        return end

    def _read_from(self) -> Topic | None:
        return self.source.topic

    # -- offsets in transactions -----------------------------------------------------------------------
    async def _add_group(self) -> None:
        request = AddOffsetsToTxnRequest(
            transactional_id=self.transactional_id,
            producer_id=self._identity[0],
            producer_epoch=self._identity[1],
            group_id=GROUP,
        )
        answer, _ = await self._send(request, 99)
        sure(answer.error_code)

    async def _commit(self, partition: int, offset: int) -> None:
        assert self.source.topic is not None
        wanted = TxnOffsetCommitRequestPartition(
            partition_index=partition, committed_offset=offset, committed_metadata=self.name
        )
        request = TxnOffsetCommitRequest(
            transactional_id=self.transactional_id,
            group_id=GROUP,
            producer_id=self._identity[0],
            producer_epoch=self._identity[1],
            generation_id=-1,
            topics=[TxnOffsetCommitRequestTopic(name=self.source.topic.name, partitions=[wanted])],
        )
        answer = await self._coordinated(request, until=LAST_EXPLICIT)
        code = answer.topics[0].partitions[0].error_code
        if code in ELSEWHERE:
            self.kafka.forget_coordinator(GROUP)
        sure(code)

    async def _committed(self, partition: int) -> int:
        """Where the group stands. Raises Uncertain where an open transaction may move it, NoAnswer."""
        source = self.source.topic
        assert source is not None
        request = OffsetFetchRequest(
            group_id=GROUP,
            topics=[OffsetFetchRequestTopic(name=source.name, partition_indexes=[partition])],
            groups=[
                OffsetFetchRequestGroup(
                    group_id=GROUP,
                    topics=[
                        OffsetFetchRequestTopics(
                            name=source.name, topic_id=source.id, partition_indexes=[partition]
                        )
                    ],
                )
            ],
            require_stable=True,
        )
        answer = await self._coordinated(request, since=STABLE_SINCE)
        found = answer.groups[0] if answer.groups else answer
        if found.error_code in ELSEWHERE:
            self.kafka.forget_coordinator(GROUP)
        sure(found.error_code)
        part = found.topics[0].partitions[0]
        sure(part.error_code)
        return max(0, int(part.committed_offset))

    async def _coordinated(self, request: Any, *, since: int = 0, until: int = 99) -> Any:
        broker = await self.kafka.coordinator(GROUP)
        try:
            answer, _ = await self.kafka.request(
                broker, request, timeout_s=1.0, purpose="group", since=since, until=until
            )
        except NoAnswer:
            self.kafka.forget_coordinator(GROUP)
            raise
        return answer

    # -- the end ---------------------------------------------------------------------------------------
    async def check(self, broker: SimBroker) -> None:
        """Every record below where the group stands was copied, once and in its order; no other was."""
        for partition in range(PARTITIONS):
            end = await self.insist(lambda number=partition: self._stands(number))
            records = await self._read(broker, partition, self.source.topic)
            copies = await self._read(broker, partition, self.topic)
            objection = self.objection_to_copies(partition, end, records, copies)
            if objection is not None:
                raise Violation(objection)
            self.world.weather.saw("copies compared with what was copied")

    def objection_to_copies(
        self,
        partition: int,
        end: int,
        records: list[tuple[int, bytes]],
        copies: list[tuple[int, bytes]],
    ) -> str | None:
        """What is wrong with what read_committed consumers see of the source and of the copies, where the group
        stands at ``end``."""
        found = [value for _, value in copies]
        expected = [b"%d:%s" % one for one in records if one[0] < end]
        if found == expected:
            return None
        return f"I6: the copies of {self.source.name}/{partition} below {end} are {found}, not {expected}"

    async def _stands(self, partition: int) -> int:
        try:
            return await self._committed(partition)
        except Uncertain as why:
            raise ClientFault(ErrorCode.UNSTABLE_OFFSET_COMMIT, str(why)) from None
