"""One suite, every replay-safe sink."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anabranch.errors import UserFault
from anabranch.recovery.model import SinkClass
from anabranch.recovery.sinks.common import LIVE, Fenced
from anabranch.recovery.sinks.locations import read_sink
from anabranch.recovery.sinks.source import Source

from .crasher import BATCH
from .kinds import EVERY, FLIGHTS, KINDS, Kind, apply, at_rest, locate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kind]:
    yield KINDS[request.param](locate(request.param, tmp_path))


@pytest.fixture
def promoting(kind: Kind) -> Kind:
    if not kind.promotes:
        pytest.skip("is handed over in another way")
    return kind


def span(end: int, partition: int = 0, start: int = 0) -> list[tuple[int, int]]:
    return [(partition, offset) for offset in range(start, end)]


def test_effects_and_offsets_become_visible_together(kind: Kind) -> None:
    sink = kind.open()
    with pytest.raises(ZeroDivisionError), sink.transaction() as tx:
        assert tx.fresh("flights", 0, 0)
        kind.effect(tx, 0, 0)
        _ = 1 / 0
    assert kind.effects() == [] and sink.position("flights", 0) is None
    assert apply(kind, sink, [0, 1, 2]) == 3
    assert kind.effects() == span(3) and sink.position("flights", 0) == 3


def test_duplicates_are_suppressed_and_counted_per_partition(kind: Kind) -> None:
    sink = kind.open()
    apply(kind, sink, [0, 1, 2, 3])
    apply(kind, sink, [5, 6], partition=1)
    assert apply(kind, sink, [2, 3, 4]) == 1
    assert kind.effects() == [*span(5), *span(7, 1, 5)]
    first, second = at_rest(kind).offsets()
    assert (first.next_offset, first.applied, first.suppressed, first.skipped) == (5, 5, 2, 0)
    assert (second.partition, second.next_offset, second.suppressed) == (1, 7, 0)


def test_a_batch_of_nothing_but_repeats_is_counted_too(kind: Kind) -> None:
    sink = kind.open()
    apply(kind, sink, [0, 1])
    assert apply(kind, sink, [0, 1]) == 0
    assert at_rest(kind).offsets()[0].suppressed == 2


def test_offsets_that_never_came_are_counted_not_hidden(kind: Kind) -> None:
    sink = kind.open()
    apply(kind, sink, [0, 1])
    apply(kind, sink, [5])
    assert at_rest(kind).offsets()[0].skipped == 3


def test_a_recreated_topic_or_cluster_is_not_mistaken_for_duplicates(kind: Kind) -> None:
    apply(kind, kind.open(), [0, 1, 2])
    recreated = {"flights": Source("cluster", "another-id", "flights")}
    assert apply(kind, kind.open(sources=recreated), [0, 1]) == 2
    other_cluster = {"flights": Source("elsewhere", "topic-id", "flights")}
    assert apply(kind, kind.open(sources=other_cluster), [0]) == 1
    assert len(kind.effects()) == 6
    state = read_sink(kind.location)
    assert state.clusters == ("cluster", "elsewhere") and len(state.positions) == 3


def test_a_branch_continues_its_origin(kind: Kind) -> None:
    apply(kind, kind.open(), [0, 1, 2])
    branch = {"flights.replay.r1": FLIGHTS}
    assert apply(kind, kind.open(sources=branch), [1, 2, 3], topic="flights.replay.r1") == 1
    assert kind.effects() == span(4)


def test_an_unknown_topic_is_refused_before_any_effect(kind: Kind) -> None:
    sink = kind.open()
    with pytest.raises(UserFault, match="was not told the identity"), sink.transaction() as tx:
        tx.fresh("trains", 0, 0)


def test_the_older_writer_of_a_line_is_fenced_off(kind: Kind) -> None:
    old = kind.open()
    apply(kind, old, [0])
    new = kind.open()
    with pytest.raises(Fenced):
        apply(kind, old, [1])
    assert apply(kind, new, [0, 1]) == 1
    assert apply(kind, kind.open(line="r1"), [0]) == 1  # another line disturbs nobody
    assert apply(kind, new, [2]) == 1
    assert kind.effects() == span(3) and kind.effects("r1") == span(1)


def test_lines_are_read_by_the_recovery_plane(kind: Kind) -> None:
    apply(kind, kind.open(), [0, 1])
    apply(kind, kind.open(line="r1"), [0])
    found = {line.name: line.offsets[0].next_offset for line in at_rest(kind).lines()}
    assert found == {LIVE: 2, "r1": 1}
    state = read_sink(kind.location)
    assert state.sink_class is SinkClass.TRANSACTIONAL and state.clusters == ("cluster",)
    assert [(p.topic_id, p.partition, p.offset) for p in state.positions] == [("topic-id", 0, 2)]


def test_stage_promote_undo(promoting: Kind, tmp_path: Path) -> None:
    kind = promoting
    live = kind.open()
    apply(kind, live, list(range(10)))
    sink = at_rest(kind)
    sink.stage("r1", None, 1)
    staging = kind.open(line="r1")
    assert apply(kind, staging, [8, 9, 10]) == 3
    assert sink.stage("r1", None, 2)[0].next_offset == 11  # resumed
    assert (len(kind.effects()), len(kind.effects("r1"))) == (10, 3)

    promotion = sink.promote("r1", 3)
    assert promotion.before == "before-r1"
    assert [row.next_offset for row in promotion.offsets] == [11]
    assert kind.effects() == span(11, start=8) and kind.effects("before-r1") == span(10)
    for stale in (live, staging):
        with pytest.raises(Fenced):
            apply(kind, stale, [11])
    with pytest.raises(UserFault, match="no staging line"):
        sink.promote("r1", 4)

    live = kind.open()
    assert apply(kind, live, [10, 11]) == 1
    undone = sink.undo("r1", 5)
    assert [row.next_offset for row in undone.offsets] == [10]
    assert kind.effects() == span(10) and kind.effects("r1") == span(12, start=8)
    with pytest.raises(Fenced):
        apply(kind, live, [12])
    with pytest.raises(UserFault, match="no promotion"):
        sink.undo("r1", 6)
    assert sink.promote("r1", 7).offsets[0].next_offset == 12
    assert sink.drop("before-r1") and not sink.drop("before-r1")
    assert [line.name for line in sink.lines()] == [LIVE]
    assert kind.effects() == span(12, start=8)
    for reserved in (LIVE, "before-r1"):
        with pytest.raises(UserFault, match="cannot be the name"):
            sink.stage(reserved, None, 1)
    with pytest.raises(UserFault, match="cannot be dropped"):
        sink.drop(LIVE)


@pytest.mark.parametrize("where", ["between-effects", "before-commit"])  # all: tests/faults
def test_kill_9_between_effect_and_offset_leaves_no_extra_effect(kind: Kind, where: str) -> None:
    name = next(name for name, each in EVERY.items() if type(kind) is each)
    if where == "before-commit" and not hasattr(kind, "plant"):
        pytest.skip("effects and commit are one call")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    crash = subprocess.run(
        [sys.executable, "-m", "tests.recovery.crasher", name, kind.location, where, "2"],
        cwd=ROOT,
        env=environment,
    )
    assert crash.returncode == -signal.SIGKILL
    sink = kind.open()
    end = BATCH * 2
    assert sink.position("flights", 0) == end
    assert kind.effects() == span(end)
    apply(kind, sink, list(range(50)))
    assert kind.effects() == span(50)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(0, 20), st.integers(1, 8), st.booleans()),
        max_size=10,
    )
)
def test_any_sequence_of_rewinds_and_failures_applies_each_record_once(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    kind: Kind,
    steps: list[tuple[int, int, int, bool]],
) -> None:
    name = next(name for name, each in EVERY.items() if type(kind) is each)
    kind = type(kind)(locate(name, tmp_path_factory.mktemp("sink")))
    sink = kind.open()
    model: dict[int, int] = {}
    applied = suppressed = 0
    for partition, rewind, length, fails in steps:
        start = max(0, model.get(partition, 0) - rewind)
        offsets = list(range(start, start + length))
        if fails:
            with pytest.raises(ZeroDivisionError), sink.transaction() as tx:
                for offset in offsets:
                    if tx.fresh("flights", partition, offset):
                        kind.effect(tx, partition, offset)
                _ = 1 / 0
            continue
        fresh = apply(kind, sink, offsets, partition)
        assert fresh == max(0, start + length - model.get(partition, 0))
        applied += fresh
        suppressed += length - fresh
        model[partition] = max(model.get(partition, 0), start + length)
    rows = at_rest(kind).offsets()
    assert {row.partition: row.next_offset for row in rows} == model
    assert sum(row.applied for row in rows) == applied == len(kind.effects())
    assert sum(row.suppressed for row in rows) == suppressed
    sink.close()
