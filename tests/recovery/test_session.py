from __future__ import annotations

from msgspec import structs

from anabranch.recovery.model import Position, Volume
from anabranch.recovery.replays.session import (
    SAMPLES_MAX,
    Session,
    Span,
    Status,
    ended,
    left,
    progress,
    sampled,
    started,
    used_rate,
    verdict_of_exit,
)

SPANS = (
    Span("t", "id", 0, 10, 110, 1000),
    Span("t", "id", 1, 0, 50, 100),
    Span("t", "id", 2, 5, 5, 0),
)


def session() -> Session:
    return Session(
        id="r", plan="p", plan_hash="h", cluster_id="c", live_group="g", group="replay.r",
        branches=(), spans=SPANS, rate=100, command=("x",), bootstrap="", sink=None, creator="",
        created_ms=0, status=Status.PREPARED,
    )  # fmt: skip


def test_left_is_what_lies_between_commits_and_ends() -> None:
    assert left(SPANS, []) == Volume(150, 1100)
    assert left(SPANS, [Position("t", "id", 0, 60)]) == Volume(100, 600)
    done = [Position("t", "id", 0, 110), Position("t", "id", 1, 50)]
    assert left(SPANS, done) == Volume(0, 0)
    beyond = [
        Position("t", "id", 0, 0),
        Position("t", "id", 1, 999),
        Position("t", "other", 0, 110),
    ]
    assert left(SPANS, beyond) == Volume(100, 1000)


def test_burn_down_and_eta_are_of_the_last_seconds() -> None:
    running = started(session(), 1000)
    assert progress(running, Volume(150, 1100), 1000).eta_s is None
    running = sampled(running, Volume(150, 1100), 1000)
    running = sampled(running, Volume(100, 600), 2000)
    now = progress(running, Volume(100, 600), 2000)
    assert (now.records_per_second, now.bytes_per_second, now.eta_s) == (50, 500, 2)
    for second in range(3, 20):
        running = sampled(running, Volume(100, 600), second * 1000)
    stalled = progress(running, Volume(100, 600), 20_000)
    assert stalled.eta_s is None and stalled.records_left == 100 and not stalled.finished
    done = progress(running, Volume(0, 0), 20_000)
    assert done.finished and done.eta_s == 0.0


def test_what_is_used_is_the_best_of_the_last_seconds() -> None:
    running = started(session(), 1000)
    assert used_rate(running, 1000) is None
    for at_ms, rest in ((1000, 1100), (4000, 1100), (5000, 800), (6000, 500), (9000, 500)):
        running = sampled(running, Volume(100, rest), at_ms)
    assert used_rate(running, 9000) == 300
    assert used_rate(running, 15_500) is None  # of the last ten seconds


def test_a_resumed_run_does_not_count_the_pause() -> None:
    first = sampled(started(session(), 0), Volume(150, 1100), 0)
    again = started(ended(first, Status.FAILED, 1000, exit_status=1, error="x"), 500_000)
    assert [(run.started_ms, run.exit_status) for run in again.runs] == [(0, 1), (500_000, None)]
    assert again.error == "" and again.status is Status.RUNNING
    again = sampled(again, Volume(150, 1100), 500_000)
    assert progress(again, Volume(50, 300), 501_000).records_per_second == 100


def test_a_runner_that_died_is_closed_by_the_next_start() -> None:
    again = started(started(session(), 0), 9000)
    assert [run.ended_ms for run in again.runs] == [9000, None]


def test_samples_stay_bounded_and_keep_both_ends() -> None:
    running = session()
    for n in range(SAMPLES_MAX * 5):
        running = sampled(running, Volume(n, n), n)
        assert len(running.samples) <= SAMPLES_MAX
    assert running.samples[0].at_ms == 0 and running.samples[-1].at_ms == SAMPLES_MAX * 5 - 1


def test_only_reaching_the_end_is_success() -> None:
    assert verdict_of_exit(0, Volume(0, 0), "") == (Status.COMPLETED, "")
    assert verdict_of_exit(-15, Volume(0, 0), "") == (Status.COMPLETED, "")
    status, sentence = verdict_of_exit(0, Volume(7, 1), "bye")
    assert status is Status.FAILED and "status 0 before the end offsets: 7 records left" in sentence
    assert "its last words: bye" in sentence
    assert "signal 9" in verdict_of_exit(-9, Volume(1, 1), "")[1]


def test_total_and_ends() -> None:
    assert session().total == Volume(150, 1100)
    assert [position.offset for position in session().ends] == [110, 50, 5]
    assert structs.replace(session(), spans=()).total == Volume(0, 0)
