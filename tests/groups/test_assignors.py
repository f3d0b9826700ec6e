"""Assignors: every partition has one owner, shares are even, and nobody moves without need."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.groups.assignors import ASSIGNORS, NOTHING, Assignment, Candidate, range_, uniform

TOPICS = [bytes([n]) * 16 for n in range(5)]


def candidates(
    subscriptions: list[frozenset[bytes]], assigned: dict[str, Assignment] | None = None
) -> list[Candidate]:
    return [
        Candidate(f"m{n}", None, topics, (assigned or {}).get(f"m{n}", NOTHING))
        for n, topics in enumerate(subscriptions)
    ]


def flat(assignment: Assignment) -> set[tuple[bytes, int]]:
    return {(topic, p) for topic, partitions in assignment.items() for p in partitions}


def moved(before: dict[str, Assignment], after: dict[str, Assignment]) -> int:
    """Partitions that had an owner and have another one now."""
    was = {one: member for member, of in before.items() for one in flat(of)}
    return sum(was.get(one, member) != member for member, of in after.items() for one in flat(of))


partitions_strategy = st.dictionaries(st.sampled_from(TOPICS), st.integers(1, 9), min_size=1)
same_strategy = st.tuples(partitions_strategy, st.integers(1, 9))
mixed_strategy = st.tuples(
    partitions_strategy,
    st.lists(st.frozensets(st.sampled_from(TOPICS)), min_size=1, max_size=8),
)


@given(mixed_strategy, st.sampled_from(sorted(ASSIGNORS)), st.data())
def test_every_subscribed_partition_has_one_owner_who_wants_it(
    case: tuple[dict[bytes, int], list[frozenset[bytes]]], name: str, data: st.DataObject
) -> None:
    partitions, subscriptions = case
    assign = ASSIGNORS[name]
    # Whatever members had before, even nonsense: partitions that are gone, or that two of them claim.
    claims = st.dictionaries(
        st.sampled_from(TOPICS), st.frozensets(st.integers(0, 10), min_size=1), max_size=3
    )
    before = {f"m{n}": data.draw(claims) for n in range(len(subscriptions))}
    members = candidates(subscriptions, before)
    after = assign(members, partitions)
    assert after.keys() == {member.member_id for member in members}
    owners = Counter(one for of in after.values() for one in flat(of))
    wanted = {
        (topic, p)
        for topic, count in partitions.items()
        for p in range(count)
        if any(topic in member.topics for member in members)
    }
    assert owners == Counter(wanted)
    for member in members:
        assert after[member.member_id].keys() <= member.topics
        assert all(after[member.member_id].values())
    assert assign(list(reversed(members)), partitions) == after, "the order of members is no input"
    again = assign(candidates(subscriptions, dict(after)), partitions)
    assert again == after, "sticky: what is good stays"


@given(same_strategy, st.integers(0, 9), st.integers(0, 3))
def test_uniform_is_even_and_moves_only_what_it_must(
    case: tuple[dict[bytes, int], int], leave: int, join: int
) -> None:
    partitions, size = case
    topics = frozenset(partitions)
    before = uniform(candidates([topics] * size), partitions)
    members = [m for m in candidates([topics] * size, dict(before)) if m.member_id != f"m{leave}"]
    members += [Candidate(f"n{n}", None, topics, NOTHING) for n in range(join)]
    after = uniform(members, partitions)
    if not members:
        assert after == {}
        return
    total = sum(partitions.values())
    floor, longer = divmod(total, len(members))
    sizes = sorted((len(flat(of)) for of in after.values()), reverse=True)
    assert sizes == [floor + 1] * longer + [floor] * (len(members) - longer)
    # Whoever had more than a fair share gives the rest away; the larger shares stay with who had most.
    had = sorted((len(flat(m.assigned)) for m in members), reverse=True)
    least = sum(max(0, size - (floor + (n < longer))) for n, size in enumerate(had))
    stayed = {m.member_id: before[m.member_id] for m in members if m.member_id in before}
    assert moved(stayed, after) == least


@given(mixed_strategy)
def test_uniform_leaves_no_move_that_would_make_it_more_even(
    case: tuple[dict[bytes, int], list[frozenset[bytes]]],
) -> None:
    partitions, subscriptions = case
    members = candidates(subscriptions)
    after = uniform(members, partitions)
    load = {member_id: len(flat(of)) for member_id, of in after.items()}
    for giver in members:
        for topic, _ in flat(after[giver.member_id]):
            for taker in members:
                if topic in taker.topics:
                    assert load[giver.member_id] - load[taker.member_id] < 2


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 20), st.data())
def test_range_gives_ranges_and_copartitions(
    size: int, topic_count: int, count: int, data: st.DataObject
) -> None:
    partitions = dict.fromkeys(TOPICS[:topic_count], count)
    topics = frozenset(partitions)
    before = range_(candidates([topics] * size), partitions)
    leave = data.draw(st.integers(0, size))
    members = [m for m in candidates([topics] * size, dict(before)) if m.member_id != f"m{leave}"]
    members += [
        Candidate(f"n{n}", None, topics, NOTHING)
        for n in range(data.draw(st.integers(0 if members else 1, 3)))
    ]
    for of in range_(members, partitions).values():
        assert len(set(of.values())) <= 1, "the same partitions of each topic"
        for held in of.values():
            assert held == frozenset(range(min(held), max(held) + 1))
    sizes = [len(flat(of)) for of in range_(members, partitions).values()]
    assert max(sizes) - min(sizes) <= topic_count


def test_range_puts_a_newcomer_into_the_gap() -> None:
    topic = TOPICS[0]
    before = range_(candidates([frozenset([topic])] * 3), {topic: 12})
    assert [sorted(of[topic]) for of in before.values()] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
    ]
    members = [
        Candidate("m0", None, frozenset([topic]), before["m0"]),
        Candidate("m2", None, frozenset([topic]), before["m2"]),
        Candidate("a", None, frozenset([topic]), NOTHING),
    ]
    after = range_(members, {topic: 12})
    assert (after["m0"], after["m2"], after["a"]) == (before["m0"], before["m2"], before["m1"])


def test_static_members_come_first_and_by_instance_id() -> None:
    topic = TOPICS[0]
    members = [
        Candidate("a", None, frozenset([topic]), NOTHING),
        Candidate("z", "i1", frozenset([topic]), NOTHING),
        Candidate("y", "i2", frozenset([topic]), NOTHING),
    ]
    after = range_(members, {topic: 3})
    assert {member: min(of[topic]) for member, of in after.items()} == {"z": 0, "y": 1, "a": 2}


@pytest.mark.parametrize("name", sorted(ASSIGNORS))
def test_thousands_of_members_and_partitions(name: str) -> None:
    partitions = dict.fromkeys(TOPICS, 2000)
    members = candidates([frozenset(TOPICS)] * 3000)
    after = ASSIGNORS[name](members, partitions)
    assert sum(len(flat(of)) for of in after.values()) == 10_000
