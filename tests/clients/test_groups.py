"""Consumer groups: members come, go, die and return; every record is read once and committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Rec
from tests.clients.members import (
    MEMBERS,
    AioKafkaMember,
    ConfluentMember,
    FranzMember,
    JavaMember,
    KafkaPythonMember,
    KcatMember,
    Member,
    ProcessMember,
    await_until,
)

pytestmark = pytest.mark.timeout(240)


@dataclass
class Group:
    """One group over one topic, with what was written to it so far."""

    bootstrap: str
    name: str
    partitions: int
    stack: ExitStack
    written: int = 0  # records per partition
    members: list[Member] = field(default_factory=list)

    def join(self, kind: type[Member], **options: str) -> Member:
        member = kind(self.bootstrap, self.name, self.name, **options)
        self.members.append(member)
        self.stack.callback(member._stop.set)
        return member

    def write(self, per_partition: int) -> None:
        """Append so many records to every partition."""
        first = self.written
        records = [
            Rec(b"%d/%d" % (partition, first + n), partition=partition)
            for partition in range(self.partitions)
            for n in range(per_partition)
        ]
        Confluent(self.bootstrap).produce(self.name, records)
        self.written += per_partition

    def settled(self, *members: Member) -> None:
        """Wait until `members` share all partitions evenly, each partition with one of them."""
        even = {self.partitions // len(members), -(-self.partitions // len(members))}

        def divided() -> bool:
            assert all(member.failure is None for member in members), members
            shares = [set(member.assigned) for member in members]
            return (
                sum(map(len, shares)) == self.partitions
                and set.union(*shares) == set(range(self.partitions))
                and {len(share) for share in shares} <= even
            )

        await_until(divided, lambda: members)

    def consumed(self) -> None:
        """Wait until everything written was read and committed; then check that it was once."""
        want = sorted((p, n) for p in range(self.partitions) for n in range(self.written))

        def read() -> list[tuple[int, int]]:
            return sorted(record for member in self.members for record in list(member.records))

        await_until(lambda: len(read()) >= len(want), lambda: self.members)
        assert read() == want
        ends = dict.fromkeys(range(self.partitions), self.written)
        await_until(lambda: self.committed() == ends, self.committed)

    def committed(self) -> dict[int, int]:
        from confluent_kafka import ConsumerGroupTopicPartitions
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        asked = ConsumerGroupTopicPartitions(self.name)
        answer = admin.list_consumer_group_offsets([asked])[self.name].result(20)
        return {each.partition: each.offset for each in answer.topic_partitions}

    def state(self) -> tuple[str, int]:
        """State name and number of members, as the broker describes them."""
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        described = admin.describe_consumer_groups([self.name])[self.name].result(20)
        return described.state.name, len(described.members)


@pytest.fixture
def group(bootstrap: str, name: str) -> Iterator[Group]:
    """A group over a topic of four partitions; its members are stopped afterwards."""
    make_topic(bootstrap, name, 4)
    with ExitStack() as stack:
        yield Group(bootstrap, name, 4, stack)


@pytest.mark.parametrize("kind", MEMBERS, ids=lambda kind: kind.name)
def test_second_member_joins_and_first_leaves(kind: type[Member], group: Group) -> None:
    group.write(10)
    first = group.join(kind)
    group.settled(first)
    group.consumed()

    second = group.join(kind)
    group.settled(first, second)
    group.write(8)
    group.consumed()
    fresh = {partition for partition, offset in first.records if offset >= 10}
    assert fresh == first.assigned
    assert {partition for partition, _ in second.records} == second.assigned
    assert group.state() == ("STABLE", 2)

    first.leave()
    group.settled(second)
    group.write(3)
    group.consumed()
    second.leave()
    assert group.state() == ("EMPTY", 0)
    assert group.committed() == dict.fromkeys(range(4), 21)


# Not kafka-python: its cooperative assignor may run before it knows the topic's partitions, assigns
# none and never tries again, against Kafka as well. aiokafka has none.
COOPERATIVE = [ConfluentMember, JavaMember, FranzMember]


@pytest.mark.parametrize("kind", COOPERATIVE, ids=lambda kind: kind.name)
def test_cooperative_rebalance(kind: type[Member], group: Group) -> None:
    """The first member keeps two partitions throughout: only what moves is revoked."""
    group.write(5)
    first = group.join(kind, assignor="cooperative-sticky")
    group.settled(first)
    group.consumed()
    second = group.join(kind, assignor="cooperative-sticky")
    group.settled(first, second)
    kept = set(first.assigned)
    group.write(5)
    group.consumed()
    second.leave()
    group.settled(first)
    assert kept < first.assigned
    group.write(2)
    group.consumed()
    first.leave()


def test_group_of_six_libraries(bootstrap: str, name: str) -> None:
    """Range assignment is the same text in every library; they share one group."""
    make_topic(bootstrap, name, 6)
    with ExitStack() as stack:
        group = Group(bootstrap, name, 6, stack)
        group.write(4)
        members: list[Member] = []
        for kind in MEMBERS:
            members.append(group.join(kind))
            group.settled(*members)
        group.consumed()
        group.write(7)
        group.consumed()
        while len(members) > 1:
            members.pop(0).leave()
            group.settled(*members)
            group.write(2)
            group.consumed()
        members[0].leave()
        assert group.state() == ("EMPTY", 0)


@pytest.mark.parametrize("kind", [KcatMember, JavaMember, FranzMember], ids=lambda kind: kind.name)
def test_killed_member_is_missed_after_its_session(kind: type[ProcessMember], group: Group) -> None:
    group.write(3)
    survivor, victim = group.join(ConfluentMember), group.join(kind)
    group.settled(survivor, victim)
    group.consumed()
    assert isinstance(victim, ProcessMember)
    victim.kill()
    victim.assigned.clear()
    group.settled(survivor)
    group.write(3)
    group.consumed()
    assert group.state() == ("STABLE", 1)
    survivor.leave()


STATIC = [ConfluentMember, JavaMember, FranzMember]


@pytest.mark.parametrize("kind", STATIC, ids=lambda kind: kind.name)
def test_static_member_returns_without_a_rebalance(kind: type[Member], group: Group) -> None:
    """KIP-345: within its session a static member may restart and gets its partitions back."""
    group.write(2)
    stays = group.join(ConfluentMember, instance="stays")
    goes = group.join(kind, instance="goes")
    group.settled(stays, goes)
    group.consumed()
    before, held = stays.assignments, set(goes.assigned)

    goes.leave()
    group.members.remove(goes)
    assert group.state() == ("STABLE", 2), "a static member does not leave when it stops"
    back = group.join(kind, instance="goes")
    await_until(lambda: back.assigned == held, lambda: back)
    group.write(2)
    back.records[:0] = goes.records
    group.consumed()
    assert stays.assignments == before, "nobody else noticed"
    stays.leave()
    back.leave()


def test_second_owner_of_an_instance_id_fences_the_first(group: Group) -> None:
    from confluent_kafka import KafkaError, KafkaException

    group.write(1)
    first = group.join(ConfluentMember, instance="one")
    group.settled(first)
    group.consumed()
    second = group.join(ConfluentMember, instance="one")
    await_until(lambda: first.failure is not None, lambda: first)
    assert isinstance(first.failure, KafkaException)
    # librdkafka reports the fatal error under its own code and names the broker's in the text.
    assert first.failure.args[0].code() in (KafkaError.FENCED_INSTANCE_ID, KafkaError._FATAL)
    await_until(lambda: second.assigned == {0, 1, 2, 3}, lambda: second)
    second.leave()


REBALANCING = [ConfluentMember, KafkaPythonMember, AioKafkaMember, JavaMember, FranzMember]


@pytest.mark.parametrize("kind", REBALANCING, ids=lambda kind: kind.name)
def test_new_partitions_are_noticed(kind: type[Member], group: Group) -> None:
    """A member that rejoins after CreatePartitions is assigned the new ones."""
    from confluent_kafka.admin import AdminClient, NewPartitions

    group.write(1)
    first = group.join(ConfluentMember)
    group.settled(first)
    admin = AdminClient({"bootstrap.servers": group.bootstrap})
    admin.create_partitions([NewPartitions(group.name, 6)])[group.name].result(20)
    group.partitions, group.written = 6, 0
    second = group.join(kind)
    await_until(lambda: first.assigned | second.assigned == set(range(6)), lambda: (first, second))
    assert not first.assigned & second.assigned
    second.leave()
    first.leave()


def test_commit_metadata_and_leader_epoch_round_trip(group: Group) -> None:
    import asyncio

    from aiokafka.admin import AIOKafkaAdminClient
    from confluent_kafka import Consumer, TopicPartition
    from kafka import KafkaAdminClient, KafkaConsumer, OffsetAndMetadata
    from kafka import TopicPartition as PythonPartition

    note = "checkpoint 17 / größe " + "x" * 2000
    writer = KafkaConsumer(
        bootstrap_servers=group.bootstrap, group_id=group.name, enable_auto_commit=False
    )
    partitions = [PythonPartition(group.name, number) for number in range(3)]
    writer.assign(partitions)
    commits = {
        partitions[0]: OffsetAndMetadata(5, note, 0),
        partitions[2]: OffsetAndMetadata(0, "", -1),
    }
    writer.commit(commits)
    writer.close()

    # confluent-kafka reads past the end of a metadata string (it expects a terminating zero), so
    # it is asked for the numbers only.
    consumer = Consumer({"bootstrap.servers": group.bootstrap, "group.id": group.name})
    found = consumer.committed([TopicPartition(group.name, number) for number in range(3)], 20)
    consumer.close()
    assert [each.offset for each in found] == [5, -1001, 0]
    assert found[0].leader_epoch == 0

    admin = KafkaAdminClient(bootstrap_servers=group.bootstrap)
    assert admin.list_group_offsets({group.name: None})[group.name] == commits
    admin.close()

    async def with_aiokafka() -> dict[int, tuple[int, str]]:
        client = AIOKafkaAdminClient(bootstrap_servers=group.bootstrap)
        await client.start()
        try:
            answer = await client.list_consumer_group_offsets(group.name)
            return {each.partition: (at.offset, at.metadata) for each, at in answer.items()}
        finally:
            await client.close()

    assert asyncio.run(with_aiokafka()) == {0: (5, note), 2: (0, "")}


def test_commit_of_a_stranger_is_refused_while_members_are_there(group: Group) -> None:
    """An offset of a live group is only moved by its members; nothing changes otherwise."""
    from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

    group.write(3)
    member = group.join(ConfluentMember)
    group.settled(member)
    group.consumed()
    stranger = Consumer({"bootstrap.servers": group.bootstrap, "group.id": group.name})
    with pytest.raises(KafkaException) as refused:
        stranger.commit(offsets=[TopicPartition(group.name, 0, 1)], asynchronous=False)
    assert refused.value.args[0].code() == KafkaError.UNKNOWN_MEMBER_ID
    stranger.close()
    assert group.committed() == dict.fromkeys(range(4), 3)
    member.leave()
