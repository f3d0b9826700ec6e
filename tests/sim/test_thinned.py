"""What the simulation's checker of compaction objects to, and what it allows."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from sim.history import Attempt, History, TopicStory, Violation, identified
from sim.thinned import Thinned

from anabranch.metastore.api import Topic

LAG_MS, RETENTION_MS = 1500, 500
CONFIGS = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": str(LAG_MS),
    "delete.retention.ms": str(RETENTION_MS),
}


def judged(*sent: tuple[int, bytes | None], missing: int, now_ms: int = 100_000) -> str | None:
    """The objection to ``missing`` of records of one key, each (age in ms, value), at the offsets 0, 1, …"""
    history = History()
    topic = Topic(name="t", id=b"t" * 16, no=1, partitions=1, configs=CONFIGS, created_ms=0)
    story = history.topics[topic.id] = TopicStory(topic)
    for offset, (age_ms, value) in enumerate(sent):
        records = identified(f"p-{offset}", [(0, b"k", value)])
        attempt = Attempt(f"p-{offset}", topic.id, 0, records, None, sent_ms=now_ms - age_ms)
        history.attempts[attempt.uid] = attempt
        history.acknowledged(attempt, offset)
    world: Any = SimpleNamespace(history=history, now_ms=lambda: now_ms, clocks_apart_ms=0)
    try:
        Thinned(world).missing(story, 0, [missing])
    except Violation as violation:
        return str(violation)
    return None


OLD, YOUNG = 10_000, 700


def test_what_a_newer_one_replaced_may_go_once_that_is_old_enough() -> None:
    assert judged((OLD, b"1"), (OLD, b"2"), missing=0) is None
    assert judged((OLD, b"1"), (LAG_MS, None), missing=0) is None
    objection = judged((OLD, b"1"), (YOUNG, b"2"), missing=0)
    assert objection is not None and "only [700] ms old" in objection


def test_the_newest_stays() -> None:
    objection = judged((OLD, b"1"), (OLD, b"2"), missing=1)
    assert objection is not None and "is the newest" in objection


@pytest.mark.parametrize("behind", [(), ((YOUNG, b"2"),), ((YOUNG, None),)])
def test_a_delete_marker_goes_when_its_time_is_over_whatever_came_since(behind: Any) -> None:
    assert judged((OLD, None), *behind, missing=0) is None
    assert judged((YOUNG, None), *behind, missing=0) is not None
