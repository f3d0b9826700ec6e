"""A broker of a replay session: branches under their sources' names, groups and transactions of the session's own."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker import dispatch, session_names
from anabranch.broker.lanes import LaneSettings
from anabranch.broker.session_names import SessionNames
from anabranch.log.branch import BranchPoint
from anabranch.wire import dsl
from anabranch.wire.messages.m10_find_coordinator import (
    Coordinator,
    FindCoordinatorRequest,
    FindCoordinatorResponse,
)
from anabranch.wire.messages.m16_list_groups import ListedGroup, ListGroupsResponse
from tests.support.broker import BrokerThread

SESSION = "r-1"
LIVE_GROUP = "app"
LANE = LaneSettings(SESSION, session=SESSION, session_group=LIVE_GROUP)
OTHER_MEANINGS = {(11, "protocols.name"), (68, "group_instance_id")}


def test_every_served_request_that_names_a_group_or_a_transaction_is_translated() -> None:
    served = dispatch.load_apis()
    for path in sorted(dsl.SCHEMA.glob("[0-9]*.txt")):
        key = int(path.name[:2])
        if key not in served or key == 10:
            continue
        request, _, response = path.read_text().partition("\nresponse")
        for side, table in (
            (request, session_names._REQUESTS),
            (response, session_names._RESPONSES),
        ):
            named = set(
                re.findall(r"^ +(\w*(?:GroupIds?|GroupsNames|TransactionalIds?)) ", side, re.M)
            )
            known = table.get(key, session_names._Places())
            leaves = {each.rpartition(".")[2] for each in (*known.groups, *known.transactions)}
            missing = {dsl.snake(one) for one in named} - leaves
            assert not missing, f"{path.name}: {missing}"


@given(st.text(min_size=1))
def test_names_come_back_as_they_were_called(called: str) -> None:
    names = SessionNames(SESSION, LIVE_GROUP)
    group = names.group(called)
    assert group.startswith(f"replay.{SESSION}")
    assert names.group(group) == group, "a stored name stands for itself"
    if not called.startswith(f"replay.{SESSION}"):
        assert names.shown_group(group) == called
        assert names.shown_transaction(names.transaction(called)) == called


def test_coordinators_are_asked_by_kind() -> None:
    names = SessionNames(SESSION, LIVE_GROUP)
    for kind, stored in ((0, f"replay.{SESSION}"), (1, f"replay.{SESSION}.{LIVE_GROUP}")):
        request = FindCoordinatorRequest(key_type=kind, coordinator_keys=[LIVE_GROUP])
        names.inward(10, request)
        assert request.coordinator_keys == [stored]
        answer = FindCoordinatorResponse(coordinators=[Coordinator(key=stored)])
        names.outward(10, request, answer)
        assert answer.coordinators[0].key == LIVE_GROUP


def test_only_the_sessions_own_groups_are_listed() -> None:
    listed = [f"replay.{SESSION}", f"replay.{SESSION}.b", f"replay.{SESSION}0", "app", "c"]
    answer = ListGroupsResponse(groups=[ListedGroup(group_id=each) for each in listed])
    SessionNames(SESSION, LIVE_GROUP).outward(16, None, answer)
    assert [each.group_id for each in answer.groups] == [LIVE_GROUP, "b"]


class Pair(NamedTuple):
    live: BrokerThread
    session: BrokerThread


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """A live broker with ten records in ``orders``, and one of a session whose branch holds the first six."""
    with BrokerThread(tmp_path / "data", node_id=1) as live:
        produce(live, range(10))
        assert live.broker is not None
        log = live.broker.log
        topic = log.catalogue.topic("orders")
        assert topic is not None
        live.run(log.branch(topic, f"orders.{SESSION}", BranchPoint(offsets={0: 6})))
        with BrokerThread(tmp_path / "data", node_id=2, lane=LANE) as session:
            yield Pair(live, session)


def produce(broker: BrokerThread, values: Any, topic: str = "orders", **options: Any) -> None:
    producer = Producer({"bootstrap.servers": broker.address, **options})
    if "transactional.id" in options:
        producer.init_transactions(60)
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, str(value).encode())
    if "transactional.id" in options:
        producer.commit_transaction(60)
    assert producer.flush(60) == 0


def consumer(broker: BrokerThread, group: str) -> Consumer:
    return Consumer(
        {
            "bootstrap.servers": broker.address,
            "group.id": group,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )


def read(broker: BrokerThread, count: int, group: str = LIVE_GROUP) -> list[int]:
    """The next ``count`` records of ``orders`` for the group, which then commits."""
    found: list[int] = []
    one = consumer(broker, group)
    one.subscribe(["orders"])
    deadline = time.monotonic() + 60
    while len(found) < count and time.monotonic() < deadline:
        for message in one.consume(count - len(found), 0.2):
            assert message.error() is None
            found.append(int(message.value()))
    one.commit(asynchronous=False)
    one.close()
    return found


def committed(broker: BrokerThread, group: str = LIVE_GROUP) -> int:
    one = consumer(broker, group)
    (place,) = one.committed([TopicPartition("orders", 0)], timeout=60)
    one.close()
    return int(place.offset)


def until(told: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_I7_a_job_runs_unchanged_and_the_live_stream_does_not_notice(pair: Pair) -> None:
    live, session = pair
    assert read(live, 3) == [0, 1, 2]
    assert read(session, 6) == list(range(6)), "the branch, from its start, in the group's name"
    assert (committed(live), committed(session)) == (3, 6)
    produce(session, range(100, 103))
    assert read(session, 3) == [100, 101, 102]
    assert read(live, 7) == list(range(3, 10)), "nothing was written to the live topic"
    admin = AdminClient({"bootstrap.servers": session.address})
    listed = admin.list_consumer_groups().result(60).valid
    assert [each.group_id for each in listed] == [LIVE_GROUP]


def test_I7_a_transactional_id_of_a_session_fences_nobody_outside(pair: Pair) -> None:
    live, session = pair
    outside = Producer({"bootstrap.servers": live.address, "transactional.id": "t"})
    outside.init_transactions(60)
    outside.begin_transaction()
    outside.produce("orders", b"10")
    produce(session, [200], **{"transactional.id": "t"})
    outside.commit_transaction(60)
    assert read(live, 11) == list(range(11))
    assert read(session, 7) == [*range(6), 200]


def test_topics_made_in_a_session_are_its_own(pair: Pair) -> None:
    live, session = pair
    admin = AdminClient({"bootstrap.servers": session.address})
    for made in admin.create_topics([NewTopic("out", 1)]).values():
        made.result(60)
    produce(session, [1], topic="out")
    assert set(admin.list_topics(timeout=60).topics) == {"orders", "out"}
    outside = AdminClient({"bootstrap.servers": live.address})
    until(lambda: f"out.{SESSION}" in outside.list_topics(timeout=60).topics)
    assert set(outside.list_topics(timeout=60).topics) == {"orders", f"orders.{SESSION}", f"out.{SESSION}"}  # fmt: skip
    for gone in admin.delete_topics(["orders"]).values():
        gone.result(60)
    until(lambda: read_only(session))
    assert read(live, 10) == list(range(10))


def read_only(session: BrokerThread) -> bool:
    """The session sees the live topic again, which it may not write to."""
    admin = AdminClient({"bootstrap.servers": session.address})
    if "orders" not in admin.list_topics(timeout=60).topics:
        return False
    failed: list[Any] = []
    producer = Producer({"bootstrap.servers": session.address, "message.timeout.ms": 5000})
    producer.produce("orders", b"x", on_delivery=lambda error, _: failed.append(error))
    producer.flush(60)
    assert failed[0] is not None
    return KafkaException(failed[0]).args[0].name() == "TOPIC_AUTHORIZATION_FAILED"
