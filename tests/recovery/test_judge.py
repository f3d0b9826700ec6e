from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anabranch.recovery.model import (
    SinkClass,
    VerdictKind,
    digest,
    judge,
    topic_id_bytes,
    topic_id_text,
)


@pytest.mark.parametrize(
    ("position", "log_start", "effects", "sink_class", "text"),
    [
        (50, 0, 50, SinkClass.APPEND, "no loss, no duplicates"),
        (50, 0, 80, SinkClass.TRANSACTIONAL, "no loss, no duplicates, 30 suppressed"),
        (50, 0, 80, SinkClass.UPSERT, "no loss, no duplicates, 30 suppressed"),
        (50, 0, 80, SinkClass.APPEND, "will duplicate 30"),
        (50, 0, 80, SinkClass.EXTERNAL, "will duplicate 30"),
        (50, 0, 80, None, "will duplicate 30"),
        (50, 0, 40, SinkClass.TRANSACTIONAL, "will lose 10"),
        (50, 70, 50, SinkClass.TRANSACTIONAL, "will lose 20"),
        (50, 70, 60, SinkClass.TRANSACTIONAL, "will lose 10"),
        (50, 70, 90, SinkClass.APPEND, "will duplicate 20"),
        (50, 0, None, None, "no loss, no duplicates"),
        (50, 70, None, None, "will lose 20"),
        (None, 0, 50, SinkClass.APPEND, "unknown"),
        (101, 0, 50, SinkClass.APPEND, "unknown"),
        (100, 0, 100, SinkClass.APPEND, "no loss, no duplicates"),
    ],
)
def test_four_positions_make_one_verdict(
    position: int | None, log_start: int, effects: int, sink_class: SinkClass | None, text: str
) -> None:
    assert str(judge(position, log_start, 100, effects, sink_class)) == text


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60), st.sampled_from(SinkClass))
def test_verdict_agrees_with_reading_record_by_record(
    position: int, log_start: int, effects: int, sink_class: SinkClass
) -> None:
    log_end = 60
    done = set(range(effects))
    read = [o for o in range(position, log_end) if o >= log_start]
    again = len([o for o in read if o in done])
    never = len(set(range(log_end)) - done - set(read))
    verdict = judge(position, log_start, log_end, effects, sink_class)
    if never:
        assert (verdict.kind, verdict.records) == (VerdictKind.LOSES, never)
    elif again and not sink_class.absorbs:
        assert (verdict.kind, verdict.records) == (VerdictKind.DUPLICATES, again)
    else:
        assert (verdict.kind, verdict.records) == (VerdictKind.SAFE, again)


@given(st.binary(min_size=16, max_size=16))
def test_ids_travel_as_kafka_prints_them(raw: bytes) -> None:
    assert len(topic_id_text(raw)) == 22
    assert topic_id_bytes(topic_id_text(raw)) == raw


def test_digest_does_not_depend_on_key_order() -> None:
    assert digest({"a": 1, "b": [2]}) == digest({"b": [2], "a": 1})
    assert digest({"a": 1, "hash": "x"}, without=("hash",)) == digest({"a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
