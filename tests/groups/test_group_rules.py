"""The small rules under the automaton: deadlines, subscriptions, snapshots, offsets, sizes."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import Corrupt, ErrorCode
from anabranch.groups.classic import ClassicGroup, Persist
from anabranch.groups.deadlines import STALE_ENTRIES_MAX, Deadlines
from anabranch.groups.offsets import (
    check_metadata,
    check_offset_delete,
    check_offset_delete_topic,
    expired_offsets,
)
from anabranch.groups.settings import GroupSettings
from anabranch.groups.snapshot import GroupSnapshot, decode_snapshot
from anabranch.groups.subscription import EMPTY_ASSIGNMENT, subscribed_topics
from anabranch.groups.values import GroupState, JoinCall, JoinResult, Reply, SyncCall
from anabranch.metastore.api import Committed
from anabranch.wire.messages.consumer_protocol_assignment import ConsumerProtocolAssignment
from anabranch.wire.messages.consumer_protocol_subscription import (
    ConsumerProtocolSubscription,
    TopicPartition,
)

# -- deadlines -------------------------------------------------------------------------------
KEYS = st.sampled_from("abcde")
ACTIONS = st.one_of(
    st.tuples(st.just("set"), KEYS, st.integers(0, 50)),
    st.tuples(st.just("clear"), KEYS),
    st.tuples(st.just("next")),
    st.tuples(st.just("shift"), st.integers(0, 20)),
)


@given(st.lists(ACTIONS, max_size=60))
def test_deadlines_are_a_dictionary_with_a_minimum(actions: list[tuple[object, ...]]) -> None:
    deadlines = Deadlines()
    model: dict[str, int] = {}
    for action in actions:
        match action:
            case ("set", str(key), int(at_ms)):
                deadlines.set(key, at_ms)
                model[key] = at_ms
            case ("clear", str(key)):
                deadlines.clear(key)
                model.pop(key, None)
            case ("shift", int(by_ms)):
                deadlines.shift(by_ms)
                model = {key: at_ms + by_ms for key, at_ms in model.items()}
            case _:
                pass
        deadlines.check()
        expected = min(((at_ms, key) for key, at_ms in model.items()), default=None)
        assert deadlines.next() == expected
        assert all((key in deadlines) == (key in model) for key in "abcde")


def test_i10_churn_does_not_grow_the_heap() -> None:
    deadlines = Deadlines()
    for n in range(10_000):
        deadlines.set(f"{n}", 1_000_000 - n)
        deadlines.clear(f"{n}")
    assert len(deadlines._heap) <= STALE_ENTRIES_MAX + 1


# -- the consumer embedded protocol ------------------------------------------------------------
@given(st.lists(st.text(max_size=20), max_size=5), st.integers(0, 3), st.binary(max_size=9))
def test_subscriptions_of_every_version_are_read(
    topics: list[str], version: int, appended: bytes
) -> None:
    subscription = ConsumerProtocolSubscription(
        topics=topics,
        user_data=b"sticky",
        owned_partitions=[TopicPartition(topic="t", partitions=[1])],
        generation_id=4,
        rack_id="r",
    )
    written = version.to_bytes(2, "big") + subscription.encode(version)
    # A version of the future appends fields; it is still read.
    assert subscribed_topics(written + appended) == frozenset(topics)


@given(st.binary(max_size=40))
def test_bytes_that_are_no_subscription_are_unknown_not_an_error(metadata: bytes) -> None:
    topics = subscribed_topics(metadata)
    assert topics is None or all(isinstance(topic, str) for topic in topics)


def test_a_truncated_subscription_is_unknown() -> None:
    written = b"\x00\x01" + ConsumerProtocolSubscription(topics=["abc"]).encode(1)
    for length in range(len(written) - 4):
        assert subscribed_topics(written[:length]) is None
    assert subscribed_topics(b"\xff\xff" + written[2:]) is None
    assert subscribed_topics(b"\x00\x00\x7f\xff\xff\xff") is None


def test_pitfall_6_an_empty_assignment_can_be_parsed() -> None:
    version = int.from_bytes(EMPTY_ASSIGNMENT[:2], "big")
    assignment, end = ConsumerProtocolAssignment.decode(EMPTY_ASSIGNMENT, 2, version)
    assert (version, end) == (0, len(EMPTY_ASSIGNMENT))
    assert assignment.assigned_partitions == []


# -- snapshots -------------------------------------------------------------------------------
def test_snapshots_of_another_version_or_of_noise_are_corrupt() -> None:
    snapshot = ClassicGroup("g", GroupSettings(), 7).snapshot()
    assert decode_snapshot(snapshot.encode()) == snapshot
    fields = msgspec.structs.asdict(snapshot) | {"version": 2}
    with pytest.raises(Corrupt, match="version 2"):
        decode_snapshot(GroupSnapshot(**fields).encode())
    for noise in (b"", b"\xc1", snapshot.encode()[:-3], msgspec.msgpack.encode({"group_id": 3})):
        with pytest.raises(Corrupt):
            decode_snapshot(noise)


# -- committed offsets -------------------------------------------------------------------------
SETTINGS = GroupSettings(initial_rebalance_delay_ms=0)
RETENTION_MS = 1000


def group_of(topics: list[str], *, type_: str = "consumer", stable: bool = True) -> ClassicGroup:
    group = ClassicGroup("g", SETTINGS, 0)
    metadata = b"\x00\x00" + ConsumerProtocolSubscription(topics=topics).encode(0)
    call = JoinCall(
        member_id="",
        group_instance_id=None,
        client_id="c",
        client_host="h",
        protocol_type=type_,
        protocols=(("range", metadata),),
        session_timeout_ms=10_000,
        rebalance_timeout_ms=10_000,
        require_known_member_id=False,
    )
    persist, reply = group.join(0, "w", "1", call)
    assert isinstance(persist, Persist)
    assert isinstance(reply, Reply)
    assert isinstance(reply.result, JoinResult)
    if stable:
        group.sync(0, "w", SyncCall(reply.result.member_id, None, reply.result.generation))
        assert group.state is GroupState.STABLE
    return group


def expired(group: ClassicGroup, now_ms: int, *offsets: Committed) -> list[int]:
    names = {1: "t", 2: "u"}
    over = expired_offsets(group, offsets, names.get, RETENTION_MS, now_ms)
    return [committed.topic_no for committed in over]


def at(committed_ms: int, topic_no: int = 1, expires_ms: int | None = None) -> Committed:
    return Committed(topic_no, 0, 5, -1, "", committed_ms, expires_ms)


def test_offsets_of_simple_consumers_expire_from_their_commit() -> None:
    simple = ClassicGroup("g", SETTINGS, 5_000_000)
    assert expired(simple, 1999, at(1000), at(999, 2)) == [2]
    assert expired(simple, 2000, at(1000), at(999, 2)) == [1, 2]


def test_offsets_of_an_empty_group_expire_from_its_emptiness_or_a_later_commit() -> None:
    group = group_of(["t"])
    (member_id,) = group.roster.members
    group._remove_member(member_id)
    group._rebalance(500)
    assert (group.state, group.since_ms) == (GroupState.EMPTY, 500)
    assert expired(group, 1499, at(0)) == []
    assert expired(group, 1500, at(0), at(501, 2)) == [1], "an operator's reset lasts as long"
    assert expired(group, 1501, at(0), at(501, 2)) == [1, 2]


def test_offsets_of_a_live_group_expire_only_where_nobody_is_subscribed() -> None:
    assert expired(group_of(["t"]), 9000, at(0), at(0, 2), at(8500, 2), at(0, 99)) == [2, 99]
    assert expired(group_of(["t"], stable=False), 9000, at(0, 2)) == []
    assert expired(group_of(["t"], type_="connect"), 9000, at(0, 2)) == []


def test_a_retention_of_the_commit_itself_counts_in_the_same_states() -> None:
    simple = ClassicGroup("g", SETTINGS, 0)
    assert expired(simple, 50, at(0, 1, expires_ms=50), at(0, 2, expires_ms=51)) == [1]
    assert expired(simple, 5000, at(0, 1, expires_ms=50_000)) == []
    assert expired(group_of(["t"]), 9000, at(0, 1, expires_ms=50)) == []


def test_offset_delete_asks_who_is_subscribed() -> None:
    live = group_of(["t"])
    assert check_offset_delete(live) is ErrorCode.NONE
    assert check_offset_delete_topic(live, "t") is ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert check_offset_delete_topic(live, "u") is ErrorCode.NONE
    assert check_offset_delete(group_of(["t"], type_="connect")) is ErrorCode.NON_EMPTY_GROUP
    empty = ClassicGroup("g", SETTINGS, 0)
    assert check_offset_delete(empty) is ErrorCode.NONE
    assert check_offset_delete_topic(empty, "t") is ErrorCode.NONE
    assert empty.delete() is ErrorCode.NONE
    assert check_offset_delete(empty) is ErrorCode.GROUP_ID_NOT_FOUND


def test_unreadable_subscriptions_count_as_subscribed_to_everything() -> None:
    group = group_of(["t"])
    (member,) = group.roster.members.values()
    member.protocols = (("range", b"\x00"),)
    assert check_offset_delete_topic(group, "u") is ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC
    assert expired(group, 9000, at(0, 2)) == []


def test_metadata_is_counted_in_characters() -> None:
    assert check_metadata("é" * 4096, 4096) is ErrorCode.NONE
    assert check_metadata("é" * 4097, 4096) is ErrorCode.OFFSET_METADATA_TOO_LARGE
