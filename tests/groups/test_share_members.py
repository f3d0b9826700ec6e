"""Who is in a share group and reads what (KIP-932)."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from anabranch.errors import ErrorCode
from anabranch.groups.share.members import (
    LEAVING,
    ShareBeat,
    ShareBeatResult,
    ShareMembers,
    assign,
)

NONE = ErrorCode.NONE
SHAPES = {"a": (b"A" * 16, 4), "b": (b"B" * 16, 1)}


def beat(
    group: ShareMembers, member: str, epoch: int, *names: str, now_ms: int = 0, **more: Any
) -> ShareBeatResult:
    call = ShareBeat(member, epoch, "client", "host", None, names or None)
    values: dict[str, Any] = {"session_ms": 1000, "members_max": 3}
    return group.beat(now_ms, call, more.pop("shapes", SHAPES), **(values | more))


_NAMES = st.sampled_from(("a", "b", "c"))


@given(
    subscriptions=st.dictionaries(
        st.sampled_from([f"m{n}" for n in range(9)]), st.sets(_NAMES), max_size=9
    ),
    counts=st.dictionaries(_NAMES, st.integers(1, 12)),
)
def test_everything_is_read_by_somebody_and_everybody_reads(
    subscriptions: dict[str, set[str]], counts: dict[str, int]
) -> None:
    shapes = {name: (name.encode() * 16, count) for name, count in counts.items()}
    made = assign(subscriptions, shapes)
    assert made == assign(dict(reversed(subscriptions.items())), shapes)
    assert set(made) == set(subscriptions)
    for name, (topic_id, count) in shapes.items():
        readers = [member for member, names in subscriptions.items() if name in names]
        mine = {member: made[member].get(topic_id, ()) for member in made}
        assert all(not mine[member] for member in made if member not in readers)
        if not readers:
            continue
        by_partition = [sum(index in one for one in mine.values()) for index in range(count)]
        assert min(by_partition) >= 1
        assert max(by_partition) - min(by_partition) <= 1
        shares = [len(mine[member]) for member in readers]
        assert min(shares) >= 1
        assert max(shares) - min(shares) <= 1


def test_members_come_and_go() -> None:
    group = ShareMembers()
    first = beat(group, "one", 0, "a")
    assert first == ShareBeatResult(NONE, "one", 1, {SHAPES["a"][0]: (0, 1, 2, 3)}, None)
    assert beat(group, "one", 1) == ShareBeatResult(NONE, "one", 1)
    second = beat(group, "two", 0, "a", "b")
    assert (second.member_epoch, second.assignment) == (
        2,
        {SHAPES["a"][0]: (1, 3), SHAPES["b"][0]: (0,)},
    )
    # The first is behind, and is told; also if the answer was lost.
    for _ in range(2):
        told = beat(group, "one", 1)
        assert (told.member_epoch, told.assignment) == (2, {SHAPES["a"][0]: (0, 2)})
    assert beat(group, "one", 2).assignment is None
    assert beat(group, "two", LEAVING) == ShareBeatResult(NONE, "two", LEAVING)
    assert beat(group, "one", 2).assignment == {SHAPES["a"][0]: (0, 1, 2, 3)}


def test_who_is_not_known_or_has_no_room_is_told_so() -> None:
    group = ShareMembers()
    assert beat(group, "one", 5).error == ErrorCode.UNKNOWN_MEMBER_ID
    assert beat(group, "one", LEAVING).error == ErrorCode.UNKNOWN_MEMBER_ID
    for name in ("one", "two", "three"):
        assert beat(group, name, 0, "a").error == 0
    assert beat(group, "four", 0, "a").error == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert beat(group, "one", 0, "a").error == 0  # it is in already
    assert beat(group, "one", 99).error == ErrorCode.FENCED_MEMBER_EPOCH


def test_the_silent_are_gone_and_others_take_over() -> None:
    group = ShareMembers()
    beat(group, "one", 0, "a")
    beat(group, "two", 0, "a", now_ms=500)
    assert group.next_deadline_ms == 1000
    assert group.expire(999, SHAPES) == []
    assert group.expire(1000, SHAPES) == ["one"]
    assert beat(group, "two", 2, now_ms=1000).assignment == {SHAPES["a"][0]: (0, 1, 2, 3)}
    assert beat(group, "one", 2).error == ErrorCode.UNKNOWN_MEMBER_ID


def test_topics_that_appear_grow_and_go_are_assigned_anew() -> None:
    group = ShareMembers()
    assert beat(group, "one", 0, "new").assignment == {}
    shapes = {"new": (b"N" * 16, 1)}
    assert beat(group, "one", 1, shapes=shapes).assignment == {b"N" * 16: (0,)}
    shapes = {"new": (b"N" * 16, 2)}
    assert beat(group, "one", 2, shapes=shapes).assignment == {b"N" * 16: (0, 1)}
    assert beat(group, "one", 3, shapes={}).assignment == {}
    assert (
        beat(group, "one", 4, shapes=SHAPES).assignment is None
    )  # others' topics are nothing to it
