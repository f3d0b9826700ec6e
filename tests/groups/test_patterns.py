"""Topic patterns: RE2's language, whole names, and no way to hold the broker up."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.groups.patterns import InvalidPattern, TopicPattern, check_pattern


def matching(text: str, *names: str) -> list[str]:
    pattern = TopicPattern(text)
    pattern.resolve(frozenset(names))
    return sorted(pattern.topics)


def test_a_pattern_matches_whole_names() -> None:
    assert matching("orders", "orders", "orders-1", "my-orders") == ["orders"]
    assert matching("orders.*", "orders", "orders-1", "my-orders") == ["orders", "orders-1"]
    assert matching("^a|b$", "a", "b", "ab") == ["a", "b"]
    assert matching("(?i)T[1-3]", "t1", "T3", "t4") == ["T3", "t1"]
    assert matching(r"\pL+", "thé", "t1") == ["thé"]


@pytest.mark.parametrize("text", ["(", "[", "a(?=b)", r"(a)\1", "*", "a{2000}"])
def test_what_re2_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(InvalidPattern) as refused:
        check_pattern(text)
    assert str(refused.value)


def test_I10_no_pattern_backtracks_or_grows_without_bound() -> None:
    begun = time.process_time()
    assert matching("(a+)+$" * 3, "a" * 249 + "!") == []
    assert time.process_time() - begun < 5, "a backtracking engine needs longer than the universe"
    with pytest.raises(InvalidPattern):
        check_pattern("((a{100}){100}){100}")


@given(
    st.lists(st.frozensets(st.sampled_from(["a1", "a2", "b1", "b2", "c"]), max_size=5), max_size=6)
)
def test_topics_that_come_and_go_are_followed(steps: list[frozenset[str]]) -> None:
    pattern = TopicPattern("a.|c")
    for names in steps:
        before = pattern.topics
        changed = pattern.resolve(names)
        assert pattern.topics == {name for name in names if name[0] == "a" or name == "c"}
        assert changed == (before != pattern.topics)
