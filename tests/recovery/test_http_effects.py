"""Effects outside of any database: a real receiver counts, processes die between effect and mark."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from anabranch.errors import StoreFault, UserFault
from anabranch.recovery.model import SinkClass
from anabranch.recovery.sinks.http import Effect, HttpEffects, OnReplay, Outcome, Request
from anabranch.recovery.sinks.http_send import NotSent
from anabranch.recovery.sinks.ledger import Counter, EffectState, Ledger, effect_key, event_key
from anabranch.recovery.sinks.locations import open_lines, read_sink
from anabranch.recovery.sinks.source import Source

from .kinds import FLIGHTS, SOURCES
from .receiver import Receiver

ROOT = Path(__file__).resolve().parents[2]
HOUR_MS = 3_600_000
NOW_MS = 1_700_000_000_000


@pytest.fixture(params=["sqlite", "postgres"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"{tmp_path}/effects.db"
    from tests.support.postgres import postgres_url

    return postgres_url()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver(dedupes=True) as one:
        yield one


class Clock:
    def __init__(self) -> None:
        self.now_ms = NOW_MS

    def __call__(self) -> int:
        return self.now_ms

    def sleep(self, seconds: float) -> None:
        self.now_ms += round(seconds * 1000)


def opened(
    ledger: str,
    *effects: Effect,
    session: str = "",
    sources: dict[str, Source] = SOURCES,
    clock: Clock | None = None,
    **options: Any,
) -> HttpEffects:
    clock = clock or Clock()
    environ = {"ANABRANCH_SESSION": session} if session else {}
    return HttpEffects.open(
        ledger, effects or (Effect("mail"),), sources,
        environ=environ, clock_ms=clock, sleep=clock.sleep, **options,
    )  # fmt: skip


def call(receiver: Receiver, record: object) -> Request:
    return Request("POST", f"{receiver.url}/call", {}, json.dumps({"record": record}).encode())


def run(
    effects: HttpEffects, receiver: Receiver, offsets: range, **options: Any
) -> list[Outcome | None]:
    outcomes: list[Outcome | None] = []
    with effects.transaction() as tx:
        for offset in offsets:
            fresh = tx.fresh("flights", 0, offset)
            outcomes.append(
                tx.perform("mail", "flights", 0, offset, call(receiver, offset), **options)
                if fresh
                else None
            )
    return outcomes


def counters(outcomes: list[Outcome | None]) -> list[str | None]:
    return [None if outcome is None else outcome.counter.value for outcome in outcomes]


def once(receiver: Receiver, count: int) -> bool:
    return receiver.effects == {str(offset): 1 for offset in range(count)}


def test_each_record_has_its_effect_once_whoever_brings_it_again(
    ledger: str, receiver: Receiver
) -> None:
    receiver.dedupes = False
    effects = opened(ledger)
    assert counters(run(effects, receiver, range(3))) == ["performed"] * 3
    assert effects.position("flights", 0) == 3
    assert counters(run(effects, receiver, range(1, 5))) == [None, None, "performed", "performed"]
    assert once(receiver, 5)
    state = read_sink(f"http:{ledger}")
    assert state.sink_class is SinkClass.LEDGER and state.clusters == ("cluster",)
    (row,) = open_lines(f"http:{ledger}").offsets()
    assert (row.next_offset, row.applied, row.suppressed, row.skipped) == (5, 5, 2, 0)


def test_a_batch_that_failed_half_way_repeats_nothing(ledger: str, receiver: Receiver) -> None:
    receiver.dedupes = False
    effects = opened(ledger)
    with pytest.raises(ZeroDivisionError), effects.transaction() as tx:
        for offset in range(3):
            assert tx.fresh("flights", 0, offset)
            tx.perform("mail", "flights", 0, offset, call(receiver, offset))
        _ = 1 / 0
    assert effects.position("flights", 0) is None
    again = opened(ledger)
    assert counters(run(again, receiver, range(4))) == ["suppressed"] * 3 + ["performed"]
    assert once(receiver, 4)


def test_keys_name_the_record_in_whatever_topic_it_is(ledger: str, receiver: Receiver) -> None:
    receiver.dedupes = False
    run(opened(ledger), receiver, range(2))
    branch = opened(ledger, sources={"flights": FLIGHTS, "f.r1": FLIGHTS})
    with branch.transaction() as tx:
        assert not tx.fresh("f.r1", 0, 1)
    recreated = opened(ledger, sources={"flights": Source("cluster", "other-id", "flights")})
    assert counters(run(recreated, receiver, range(2))) == ["performed", "performed"]
    assert set(receiver.effects.values()) == {2}
    keys = {
        effect_key(source, partition, offset, name)
        for source in (FLIGHTS, Source("cluster", "other", "flights"), Source("c2", "topic-id", ""))
        for partition in (0, 1)
        for offset in (0, 1, 10)
        for name in ("mail", "refund")
    }
    assert len(keys) == 3 * 2 * 3 * 2 and event_key("1", "mail") not in keys


def test_a_stable_event_id_survives_a_recreated_topic(ledger: str, receiver: Receiver) -> None:
    receiver.dedupes = False
    assert counters(run(opened(ledger), receiver, range(1), event_id="order-7")) == ["performed"]
    recreated = opened(ledger, sources={"flights": Source("cluster", "other-id", "flights")})
    assert counters(run(recreated, receiver, range(1), event_id="order-7")) == ["suppressed"]
    assert once(receiver, 1)


@pytest.mark.parametrize(
    ("where", "mode"),
    [
        ("receiver-had-it", "keys"),
        ("receiver-had-it", "check"),
        ("receiver-had-it", "neither"),
        ("after-intent", "neither"),
        ("before-mark", "keys"),
    ],
)  # every place with every receiver: tests/faults/test_sinks.py
def test_kill_9_between_effect_and_mark_adds_no_effect(
    tmp_path: Path, where: str, mode: str
) -> None:
    with Receiver(dedupes=mode == "keys") as receiver:
        outcomes = crash_and_go_on(f"{tmp_path}/effects.db", receiver, mode, where)
        check_effects(receiver, mode, where, outcomes)


def crash_and_go_on(ledger: str, receiver: Receiver, mode: str, where: str, at: int = 7) -> Ledger:
    command = [sys.executable, "-m", "tests.recovery.http_crasher", ledger, receiver.url, mode]
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "LATER_MS": "0",
    }
    if where == "after-batch":
        at = 9
    first = subprocess.run([*command, where, str(at), "10"], cwd=ROOT, env=environment)
    assert first.returncode == -signal.SIGKILL
    # An hour later: an intent of somebody else would by now have been marked.
    environment["LATER_MS"] = str(HOUR_MS)
    second = subprocess.run([*command, "never", "0", "10"], cwd=ROOT, env=environment)
    assert second.returncode == 0
    return Ledger.open(ledger)


def check_effects(receiver: Receiver, mode: str, where: str, ledger: Ledger) -> None:
    """Never twice; and what is missing is listed, which only happens where nobody can be asked."""
    assert max(receiver.effects.values()) == 1, receiver.effects
    doubted = ledger.entries(states=[EffectState.IN_DOUBT])
    unknown = mode == "neither" and where in ("after-intent", "receiver-had-it", "before-mark")
    assert [entry.offset for entry in doubted] == ([7] if unknown else [])
    missing = {str(offset) for offset in range(10)} - receiver.effects.keys()
    assert missing == ({"7"} if unknown and where == "after-intent" else set())
    assert not ledger.entries(states=[EffectState.INTENT])


def test_an_unknown_answer_is_asked_for_by_the_key(ledger: str, receiver: Receiver) -> None:
    receiver.performs_before_failing = True
    receiver.answers = [None, 500, 200]
    effects = opened(ledger, Effect("mail", receiver_keys=True, timeout_s=2))
    assert counters(run(effects, receiver, range(1))) == ["performed"]
    assert receiver.requests == 3 and once(receiver, 1)


def test_without_keys_or_check_an_unknown_answer_is_in_doubt_and_not_repeated(
    ledger: str, receiver: Receiver
) -> None:
    receiver.dedupes, receiver.performs_before_failing = False, True
    receiver.answers = [None]
    effects = opened(ledger)
    assert counters(run(effects, receiver, range(2))) == ["in-doubt", "performed"]
    assert once(receiver, 2) and receiver.requests == 2
    (doubt,) = effects.ledger.entries(states=[EffectState.IN_DOUBT])
    assert doubt.offset == 0 and json.loads(doubt.request)["url"] == f"{receiver.url}/call"
    with pytest.raises(ZeroDivisionError), effects.transaction() as tx:
        outcome = tx.perform("mail", "flights", 0, 0, call(receiver, 0))
        assert outcome.counter is Counter.IN_DOUBT
        _ = 1 / 0
    assert receiver.requests == 2


def test_a_key_that_the_receiver_has_forgotten_does_not_help(
    ledger: str, receiver: Receiver
) -> None:
    clock = Clock()
    mail = Effect("mail", receiver_keys=True, key_ttl_ms=HOUR_MS, attempts=1, timeout_s=2)
    receiver.performs_before_failing = True
    receiver.answers = [500, 500]
    for _ in range(2):  # known still: asked again by the same key
        with pytest.raises(StoreFault, match="answered 500"):
            run(opened(ledger, mail, clock=clock), receiver, range(1))
        clock.now_ms += 20_000
    clock.now_ms += HOUR_MS
    receiver.keys.clear()
    assert counters(run(opened(ledger, mail, clock=clock), receiver, range(1))) == ["in-doubt"]
    assert once(receiver, 1) and receiver.requests == 2


def test_a_receiver_that_cannot_be_reached_had_nothing(ledger: str, receiver: Receiver) -> None:
    down = [True]

    def maybe(request: Request, timeout_s: float) -> Any:
        from anabranch.recovery.sinks.http_send import send

        if down[0]:
            raise NotSent("connection refused")
        return send(request, timeout_s)

    receiver.dedupes = False
    effects = opened(ledger, send=maybe)
    with pytest.raises(StoreFault, match="connection refused"):
        run(effects, receiver, range(1))
    assert effects.ledger.entries() == []
    down[0] = False
    assert counters(run(opened(ledger, send=maybe), receiver, range(1))) == ["performed"]
    assert once(receiver, 1)


@pytest.mark.parametrize(("answers", "outcome"), [([404], "refused"), ([429, 200], "performed")])
def test_a_refusal_is_final_and_not_now_is_not(
    ledger: str, receiver: Receiver, answers: list[int | None], outcome: str
) -> None:
    receiver.answers = list(answers)
    effects = opened(ledger)
    assert counters(run(effects, receiver, range(1))) == [outcome]
    assert sum(receiver.effects.values()) == (outcome == "performed")
    (entry,) = effects.ledger.entries()
    assert (entry.state, entry.request) == ("done" if outcome == "performed" else "refused", "")


def test_two_processes_of_a_group_do_not_meet_in_one_effect(
    ledger: str, receiver: Receiver
) -> None:
    """The second finds an intent that may be in flight, waits for it, and then finds it done."""
    receiver.dedupes = False
    clock = Clock()
    first, second = opened(ledger, clock=clock), opened(ledger, clock=clock)
    send = first.send

    def slow(request: Request, timeout_s: float) -> Any:
        answers.append(counters(run(second, receiver, range(1))))
        return send(request, timeout_s)

    answers: list[Any] = []
    first.send = slow
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        clock.sleep(seconds)

    second.sleep = sleep
    assert counters(run(first, receiver, range(1))) == ["performed"]
    # It waited for as long as a request may last; then it may not know, and does not repeat.
    assert answers == [["in-doubt"]] and sum(waits) > 40
    assert once(receiver, 1)
    assert first.ledger.entries()[0].state is EffectState.DONE  # whoever performed it knows better


@pytest.mark.parametrize(
    ("on_replay", "outcome"),
    [
        (OnReplay.SUPPRESS, "suppressed"),
        (OnReplay.STAGE, "staged"),
        (OnReplay.PERFORM, "performed"),
    ],
)
def test_a_replay_does_what_was_declared_and_counts_it(
    ledger: str, receiver: Receiver, on_replay: OnReplay, outcome: str
) -> None:
    receiver.dedupes = False
    run(opened(ledger), receiver, range(3))
    mail = Effect("mail", on_replay=on_replay)
    replay = opened(ledger, mail, session="r-1", sources={"f.r1": FLIGHTS})
    with replay.transaction() as tx:
        outcomes: list[Outcome | None] = [
            tx.perform("mail", "f.r1", 0, offset, call(receiver, offset))
            for offset in range(5)
            if tx.fresh("f.r1", 0, offset)
        ]
    assert counters(outcomes) == ["suppressed"] * 3 + [outcome] * 2
    assert len(receiver.effects) == (5 if outcome == "performed" else 3)
    (row,) = open_lines(f"http:{ledger}").offsets("r-1")
    performed = 2 * (outcome == "performed")
    assert (row.next_offset, row.applied, row.suppressed) == (5, performed, 5 - performed)
    assert {line.name for line in open_lines(f"http:{ledger}").lines()} == {"live", "r-1"}
    # The live processor goes on: what a replay staged or suppressed it has not had.
    assert counters(run(opened(ledger), receiver, range(3, 5))) == (
        ["suppressed"] * 2 if performed else ["performed"] * 2
    )
    assert once(receiver, 5)


def test_staged_effects_are_released_once(ledger: str, receiver: Receiver) -> None:
    receiver.dedupes = False
    mail = Effect("mail", on_replay=OnReplay.STAGE)
    run(opened(ledger, mail, session="r-1"), receiver, range(3))
    assert receiver.requests == 0
    live = opened(ledger, mail)
    run(live, receiver, range(1))
    assert counters(list(live.release("r-1"))) == ["performed", "performed"]
    assert live.release("r-1") == [] and once(receiver, 3)


def test_a_replay_older_than_the_receivers_keys_is_refused(ledger: str, receiver: Receiver) -> None:
    mail = Effect("mail", on_replay=OnReplay.PERFORM, receiver_keys=True, key_ttl_ms=24 * HOUR_MS)
    replay = opened(ledger, mail, session="r-1")
    with pytest.raises(UserFault, match="3 d 0 h old and the receiver forgets keys after 24 h"):
        run(replay, receiver, range(1), timestamp_ms=NOW_MS - 72 * HOUR_MS)
    with pytest.raises(UserFault, match="pass the record's timestamp_ms"):
        run(replay, receiver, range(1))
    assert receiver.requests == 0
    assert counters(run(replay, receiver, range(1), timestamp_ms=NOW_MS - HOUR_MS)) == ["performed"]


def test_what_was_pruned_is_never_performed_again(ledger: str, receiver: Receiver) -> None:
    clock = Clock()
    effects = opened(ledger, clock=clock)
    run(effects, receiver, range(5))
    clock.now_ms += HOUR_MS
    run(effects, receiver, range(5, 6), event_id="order-1")
    assert effects.ledger.prune(NOW_MS - 1) == 0
    assert effects.ledger.prune(clock.now_ms + 1) == 5  # the one with an event id stays
    mail = Effect("mail", on_replay=OnReplay.PERFORM)
    replay = opened(ledger, mail, session="r-1", clock=clock)
    outcomes = run(replay, receiver, range(7), timestamp_ms=NOW_MS)
    assert counters(outcomes) == ["suppressed"] * 6 + ["performed"]


def test_what_is_declared_wrongly_is_said_at_once(ledger: str, receiver: Receiver) -> None:
    with pytest.raises(UserFault, match="at least one attempt"):
        Effect("mail", attempts=0)
    with pytest.raises(UserFault, match="of a receiver that keeps keys"):
        Effect("mail", key_ttl_ms=1)
    effects = opened(ledger)
    with pytest.raises(UserFault, match="was not declared"), effects.transaction() as tx:
        tx.perform("refund", "flights", 0, 0, call(receiver, 0))
    for url in ("ftp://x/", "http:///x", "http://x:port/"):
        with (
            pytest.raises(UserFault, match=r"is not an http://|has no valid port"),
            effects.transaction() as tx,
        ):
            tx.perform("mail", "flights", 0, 0, Request("POST", url))
    with pytest.raises(UserFault, match="there is no ledger"):
        open_lines("http:nowhere.db")
