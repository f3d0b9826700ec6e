"""Groups of the consumer protocol (KIP-848): three client libraries, both protocols in one group, the tools."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.clients.conftest import make_topic
from tests.clients.dialects import Confluent, Rec
from tests.clients.members import ConfluentMember, FranzMember, JavaMember, Member, await_until
from tests.clients.test_groups import Group
from tests.support.peers import run_tool

pytestmark = pytest.mark.timeout(240)

KINDS: list[type[Member]] = [ConfluentMember, JavaMember, FranzMember]


@pytest.fixture
def group(bootstrap: str, name: str) -> Iterator[Group]:
    """A group over a topic of four partitions; its members are stopped afterwards."""
    make_topic(bootstrap, name, 4)
    with ExitStack() as stack:
        yield Group(bootstrap, name, 4, stack)


def described(bootstrap: str, name: str) -> tuple[str, str]:
    """Type and state, as a consumer's administrator sees them."""
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": bootstrap})
    found = admin.describe_consumer_groups([name])[name].result(20)
    return found.type.name, found.state.name


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_second_member_joins_and_first_leaves(kind: type[Member], group: Group) -> None:
    group.write(10)
    first = group.join(kind, protocol="consumer")
    group.settled(first)
    group.consumed()
    second = group.join(kind, protocol="consumer")
    group.settled(first, second)
    kept = set(first.assigned)
    group.write(8)
    group.consumed()
    assert described(group.bootstrap, group.name) == ("CONSUMER", "STABLE")
    second.leave()
    group.settled(first)
    assert kept < first.assigned
    group.write(3)
    group.consumed()
    first.leave()
    assert described(group.bootstrap, group.name) == ("CONSUMER", "EMPTY")


def test_three_libraries_share_a_group(group: Group) -> None:
    group.write(5)
    members = [group.join(kind, protocol="consumer") for kind in KINDS]
    group.settled(*members)
    group.write(5)
    group.consumed()
    for member in members:
        member.leave()


@pytest.mark.parametrize("kind", [ConfluentMember, JavaMember], ids=lambda kind: kind.name)
def test_a_group_changes_its_protocol_member_by_member_and_back(
    kind: type[Member], group: Group
) -> None:
    """Every record once, through the upgrade and the downgrade."""
    group.write(5)
    old = [group.join(kind, assignor="cooperative-sticky") for _ in range(2)]
    group.settled(*old)
    group.consumed()
    assert described(group.bootstrap, group.name)[0] == "CLASSIC"
    new = [group.join(kind, protocol="consumer")]
    group.settled(*old, *new)
    group.write(5)
    group.consumed()
    assert described(group.bootstrap, group.name)[0] == "CONSUMER"
    old.pop(0).leave()
    new.append(group.join(kind, protocol="consumer"))
    group.settled(*old, *new)
    old.pop(0).leave()
    group.settled(*new)
    group.write(5)
    group.consumed()
    old.append(group.join(kind, assignor="cooperative-sticky"))
    group.settled(*old, *new)
    new.pop(0).leave()
    new.pop(0).leave()
    group.settled(*old)
    group.write(5)
    group.consumed()
    assert described(group.bootstrap, group.name)[0] == "CLASSIC"
    old[0].leave()


@pytest.mark.parametrize("kind", [ConfluentMember, JavaMember], ids=lambda kind: kind.name)
def test_static_members_come_back_to_their_partitions(kind: type[Member], group: Group) -> None:
    group.write(3)
    first = group.join(kind, protocol="consumer", instance="i1")
    second = group.join(kind, protocol="consumer", instance="i2")
    group.settled(first, second)
    group.consumed()
    had, told = set(first.assigned), second.assignments
    first.leave()
    first.assigned.clear()
    back = group.join(kind, protocol="consumer", instance="i1")
    await_until(lambda: back.assigned == had, lambda: back)
    group.write(3)
    group.consumed()
    assert second.assignments == told
    back.leave()
    second.leave()


def test_a_pattern_takes_in_new_topics(bootstrap: str, name: str) -> None:
    """librdkafka leaves patterns to the broker."""
    make_topic(bootstrap, f"{name}-1", 1)
    with ExitStack() as stack:
        group = Group(bootstrap, f"{name}-1", 1, stack)
        member = ConfluentMember(bootstrap, name, f"^{name}-.*", protocol="consumer")
        stack.callback(member._stop.set)
        group.write(4)
        await_until(lambda: len(member.records) == 4, lambda: member)
        make_topic(bootstrap, f"{name}-2", 2)
        Confluent(bootstrap).produce(f"{name}-2", [Rec(b"x", partition=1)] * 3)
        await_until(lambda: len(member.records) == 7, lambda: member)
        member.leave()


def test_kafkas_tool_on_a_consumer_group(group: Group) -> None:
    def tool(*args: str) -> str:
        return run_tool("ConsumerGroupCommand", ["--bootstrap-server", group.bootstrap, *args]).out

    group.write(5)
    member = group.join(JavaMember, protocol="consumer")
    group.settled(member)
    group.consumed()
    name = group.name
    assert re.search(
        rf"^{re.escape(name)}\s+Consumer\b", tool("--list", "--type", "consumer"), re.M
    )
    assert name not in tool("--list", "--type", "classic")
    shown = tool("--describe", "--group", name, "--members", "--verbose")
    assert re.search(r"CURRENT-EPOCH.*TARGET-EPOCH", shown)
    assert re.search(r"Stable", tool("--describe", "--group", name, "--state"))
    offsets = tool("--describe", "--group", name, "--offsets")
    assert len(re.findall(rf"{re.escape(name)}\s+\d\s+5\s+5\s+0", offsets)) == 4
    assert "group is not empty" in tool("--delete", "--group", name)
    member.leave()
    reset = tool("--reset-offsets", "--group", name, "--topic", name, "--to-earliest", "--execute")
    assert len(re.findall(rf"{re.escape(name)}\s+\d\s+0\b", reset)) == 4
    assert group.committed() == dict.fromkeys(range(4), 0)
    assert "successful" in tool("--delete", "--group", name)
    assert name not in tool("--list")
