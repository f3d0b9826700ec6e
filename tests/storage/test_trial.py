"""A store under load: late, refusing, and never for good."""

from __future__ import annotations

from random import Random

import pytest

from anabranch.errors import StoreFault
from anabranch.storage.layers import Waits, open_layered
from anabranch.storage.memory import MemoryStore
from anabranch.storage.trial import REFUSALS_IN_A_ROW_MAX, Strained, Trial


def strained(percent: int, seed: int = 1, latency_ms: int = 0) -> tuple[Strained, list[float]]:
    slept: list[float] = []
    return Strained(MemoryStore(), Trial(percent, latency_ms, seed), slept.append), slept


def answers(store: Strained, key: str, times: int) -> list[bool]:
    """Whether each request for an object was answered."""
    found = []
    for _ in range(times):
        try:
            store.head(key)
            found.append(True)
        except StoreFault as fault:
            assert fault.retryable and "503 SlowDown" in str(fault)
            found.append(False)
    return found


def test_the_first_request_is_refused_and_never_more_than_three_in_a_row() -> None:
    store, slept = strained(99, latency_ms=20)
    with pytest.raises(StoreFault):
        store.put("k", b"1")
    while True:
        try:
            store.put("k", b"1")
            break
        except StoreFault:
            pass
    found = answers(store, "k", 40)
    assert not found[0] and any(found)
    refusals = "".join("." if one else "x" for one in found).split(".")
    assert max(map(len, refusals)) == REFUSALS_IN_A_ROW_MAX
    assert set(slept) == {0.02} and len(slept) == store.requests > store.refused > 0


def test_one_seed_refuses_the_same_requests() -> None:
    seen = []
    for seed in (5, 5, 6):
        store, _ = strained(30, seed)
        store._store.put("k", b"1")
        seen.append(answers(store, "k", 60))
    assert seen[0] == seen[1] != seen[2]


def test_what_retries_gets_through_and_what_is_not_asked_for_is_not_strained(
    tmp_path: object,
) -> None:
    slept: list[float] = []
    waits = Waits(slept.append, lambda: sum(slept), Random(1))
    opened = open_layered(f"file://{tmp_path}", waits=waits, trial=Trial(50, 5, 3))
    for number in range(20):
        opened.store.put(f"k{number}", b"%d" % number)
        assert opened.store.get(f"k{number}") == b"%d" % number
    assert opened.retries >= 40 and len(list(opened.store.list(""))) == 20
    opened.store.close()
    plain = open_layered(f"file://{tmp_path}", waits=waits, trial=Trial(0, 0, 1))
    assert plain.retrying is None
    plain.store.close()
