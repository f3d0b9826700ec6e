"""Routing by values: the hash, who moves, zones, lanes, group owners, background work."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.broker.routing import Routes, heaviest, name_key, partition_key, zone_of
from anabranch.metastore.api import BrokerRow
from anabranch.recovery.replays.replay import session_id

TOPIC = bytes(range(16))
PARTITIONS = 300


def broker(number: int, lane: str = "live", rack: str | None = None) -> BrokerRow:
    return BrokerRow(number, number, f"h{number}", 9092, 0, lane, rack, 1)


def routes(me: int, *numbers: int, leaving: bool = False) -> Routes:
    return Routes(broker(me), [broker(number) for number in numbers], leaving=leaving)


def leaders(picture: Routes) -> list[int]:
    return [picture.leader(TOPIC, p).broker_id for p in range(PARTITIONS)]


def test_the_hash_is_the_same_on_every_release() -> None:
    """Brokers of two releases run side by side during a rolling upgrade."""
    assert partition_key(TOPIC, 7) == 0xF2CE363B973D5A4C
    four = [broker(number) for number in (1, 2, 3, 4)]
    assert [heaviest(partition_key(TOPIC, p), four).broker_id for p in range(12)] == EXPECTED
    assert [heaviest(name_key(f"group-{n}"), four).broker_id for n in range(12)] == EXPECTED_GROUPS


EXPECTED = [3, 1, 4, 4, 2, 4, 4, 3, 4, 3, 1, 4]
EXPECTED_GROUPS = [4, 1, 4, 2, 2, 2, 3, 4, 2, 4, 1, 4]


@given(numbers=st.sets(st.integers(0, 50), min_size=1, max_size=8), gone=st.data())
def test_only_the_partitions_of_who_left_move(numbers: set[int], gone: st.DataObject) -> None:
    leaver = gone.draw(st.sampled_from(sorted(numbers)))
    before = leaders(routes(99, *numbers))
    after = leaders(routes(99, *(numbers - {leaver})))
    assert all(new == old or old == leaver for old, new in zip(before, after, strict=True))
    assert leaver not in after


@given(numbers=st.sets(st.integers(0, 50), min_size=2, max_size=8))
def test_all_brokers_agree(numbers: set[int]) -> None:
    pictures = [leaders(routes(me, *numbers)) for me in numbers]
    assert all(picture == pictures[0] for picture in pictures)


def test_partitions_spread_over_the_brokers() -> None:
    counts = [leaders(routes(1, 1, 2, 3, 4)).count(number) for number in (1, 2, 3, 4)]
    assert sum(counts) == PARTITIONS and min(counts) > PARTITIONS / 4 * 0.7


def test_a_broker_counts_itself_until_it_leaves() -> None:
    assert routes(1).lane == (broker(1),) and routes(1).alone
    assert [row.broker_id for row in routes(1, 2).lane] == [1, 2]
    assert [row.broker_id for row in routes(1, 1, 2, leaving=True).lane] == [2]
    assert [row.broker_id for row in routes(1, 1, leaving=True).lane] == [1]  # better than nobody


def test_lanes_show_only_themselves() -> None:
    everyone = [broker(1), broker(2), broker(3, "recovery"), broker(4, "recovery")]
    live, recovery = Routes(everyone[0], everyone), Routes(everyone[2], everyone)
    assert {row.broker_id for row in live.lane} == {1, 2}
    assert {row.broker_id for row in recovery.lane} == {3, 4}
    assert set(leaders(live)) == {1, 2} and set(leaders(recovery)) == {3, 4}
    assert not live.alone
    groups = [f"g{n}" for n in range(50)]
    assert {live.coordinator(group).broker_id for group in groups} == {1, 2}
    assert {recovery.coordinator(group).broker_id for group in groups} == {3, 4}


def test_who_serves_a_session_need_not_hear_of_each_append_at_once() -> None:
    session = session_id(1_770_000_000_000, "9f2c")
    alone = Routes(broker(1), [broker(1), broker(2, session)])
    assert not alone.alone and not alone.is_followed
    assert Routes(broker(2, session), [broker(1), broker(2, session)]).is_followed
    for other in (broker(3), broker(3, "recovery")):
        assert Routes(broker(1), [broker(1), broker(2, session), other]).is_followed


def test_each_partition_is_looked_after_by_one_live_broker() -> None:
    everyone = [broker(1), broker(2), broker(3, "recovery")]
    pictures = [Routes(me, everyone) for me in everyone]
    for partition in range(PARTITIONS):
        owners = [each.me.broker_id for each in pictures if each.looks_after(TOPIC, partition)]
        assert owners in ([1], [2])
    only = [broker(3, "recovery"), broker(4, "recovery")]
    alone = [Routes(me, only) for me in only]
    assert all(sum(each.looks_after(TOPIC, p) for each in alone) == 1 for p in range(PARTITIONS))


def zoned() -> list[BrokerRow]:
    return [broker(1, rack="a"), broker(2, rack="a"), broker(3, rack="b"), broker(4)]


def test_clients_are_led_to_their_own_zone() -> None:
    picture = Routes(zoned()[0], zoned())
    for partition in range(PARTITIONS):
        assert picture.leader(TOPIC, partition, "a").rack == "a"
        assert picture.leader(TOPIC, partition, "b").broker_id == 3
        nowhere = picture.leader(TOPIC, partition, "c")
        assert nowhere == picture.leader(TOPIC, partition)


def test_replicas_are_the_leader_and_one_broker_of_each_other_zone() -> None:
    picture = Routes(zoned()[0], zoned())
    for partition in range(PARTITIONS):
        for zone in (None, "a", "b"):
            first, *others = picture.replicas(TOPIC, partition, zone)
            leader = picture.leader(TOPIC, partition, zone)
            assert first == leader.broker_id
            racks = [picture.by_id[number].rack for number in (first, *others)]
            assert {"a", "b"} <= set(racks) and len(set(racks)) == len(racks)
    assert all(len(routes(1, 1, 2, 3).replicas(TOPIC, p)) == 1 for p in range(PARTITIONS))


def test_a_consumer_is_sent_to_its_rack_once() -> None:
    everyone = zoned()
    for me in everyone:
        picture = Routes(me, everyone)
        for rack in ("a", "b"):
            nearer = picture.nearer(TOPIC, 0, rack)
            if me.rack == rack:
                assert nearer is None
            else:
                assert nearer is not None and nearer.rack == rack
                # It does not send the consumer on: no round trip without an end.
                assert Routes(nearer, everyone).nearer(TOPIC, 0, rack) is None
        assert picture.nearer(TOPIC, 0, "elsewhere") is None
        assert picture.nearer(TOPIC, 0, "") is None


@pytest.mark.parametrize(
    ("client_id", "zone"),
    [
        ("zone=eu-1a", "eu-1a"),
        ("zone=eu-1a,app", "eu-1a"),
        ("app; zone=b ;x", "b"),
        ("app", None),
        ("", None),
        ("zone=", None),
        ("timezone=utc", None),
        ("app-zone=a", None),
    ],
)
def test_a_client_id_may_name_its_zone(client_id: str, zone: str | None) -> None:
    assert zone_of(client_id) == zone
