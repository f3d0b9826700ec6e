"""I9: of overlapping segments that the journal does not know, the right one is taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from anabranch.log.rebuild.adopt import _Sweep
from anabranch.log.rebuild.bucket import Share, ShareTopic
from anabranch.metastore.api import ObjectKind

TOPIC = ShareTopic(b"t" * 16, "flights", ())


def share(key: str, first: int, count: int, written_ms: int, whole: bool) -> Share:
    return Share(
        key=key,
        kind=ObjectKind.SEGMENT,
        object_bytes=100 if whole else 99,
        position=0,
        topic=TOPIC,
        partition=0,
        first=first,
        last=first + count - 1,
        byte_length=100,
        records=count,
        max_timestamp=1,
        appended_ms=1,
        written_ms=written_ms,
        leader_epoch=0,
        compacted=False,
    )


shares = st.lists(
    st.builds(
        share,
        key=st.uuids().map(str),
        first=st.integers(0, 40),
        count=st.integers(1, 20),
        written_ms=st.integers(0, 3),
        whole=st.booleans(),
    ),
    max_size=12,
)


def rank(one: Share) -> tuple[bool, int, int]:
    return one.whole, one.last, one.written_ms


@given(shares, st.lists(st.integers(0, 70), max_size=30).map(sorted), st.sets(st.integers(0, 29)))
def test_I9_whole_ones_first_then_the_furthest_then_the_newest(
    given_shares: list[Share], offsets: list[int], useless: set[int]
) -> None:
    sweep, left = _Sweep(given_shares), list(given_shares)
    for number, offset in enumerate(offsets):
        found = sweep.best(offset)
        holding = [one for one in left if one.first <= offset <= one.last]
        if found is None:
            assert not holding
            ahead = [one.first for one in given_shares if one.first > offset]
            assert sweep.ahead() == min(ahead, default=None)
            continue
        assert found in holding and rank(found) == max(map(rank, holding))
        if number in useless:
            sweep.drop(found)
            left.remove(found)
