"""``anabranch effects`` and ``anabranch sink``, for people and programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anabranch.cli.main import cli
from anabranch.recovery.model import SinkClass
from anabranch.recovery.sinks.http import Effect, HttpEffects, OnReplay, Request
from anabranch.recovery.sinks.meter import Meter
from tests.recovery.kinds import SOURCES
from tests.recovery.receiver import Receiver

from .test_commands import Shell, populate


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as one:
        yield one


@pytest.fixture
def ledger(tmp_path: Path, receiver: Receiver) -> str:
    """Record 0 performed, 1 and 2 in doubt; session r-1 staged 5."""
    place = f"{tmp_path}/effects.db"
    receiver.answers = [200, None, None]
    for session, offsets in (("", range(3)), ("r-1", range(5, 6))):
        environ = {"ANABRANCH_SESSION": session} if session else {}
        mail = Effect("mail", on_replay=OnReplay.STAGE)
        effects = HttpEffects.open(place, [mail], SOURCES, environ=environ)
        with effects.transaction() as tx:
            for offset in offsets:
                assert tx.fresh("flights", 0, offset)
                body = json.dumps({"record": offset}).encode()
                request = Request("POST", f"{receiver.url}/call", {}, body)
                tx.perform("mail", "flights", 0, offset, request)
        effects.close()
    return place


def run(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(cli, ["effects", *words])
    assert result.exit_code == status, result.output
    return result.output


def run_json(*words: str, status: int = 0) -> Any:
    return json.loads(run(*words, "--output", "json", status=status))


def test_doubts_are_listed_settled_and_gone(ledger: str, receiver: Receiver) -> None:
    told = run_json("list", "--ledger", ledger)
    assert {(e["offset"], e["state"], e["run"]) for e in told["effects"]} == {
        (0, "done", "live"), (1, "in-doubt", "live"), (2, "in-doubt", "live"), (5, "staged", "r-1"),
    }  # fmt: skip
    assert "staged" in run("list", "--ledger", ledger, "--state", "staged", "--run", "r-1")
    doubts = run_json("in-doubt", "--ledger", ledger, status=1)
    keys = {entry["offset"]: entry["key"] for entry in doubts}
    assert keys.keys() == {1, 2}
    receiver.answers = []
    done = run_json("resolve", keys[1][:10], "--done", "--reason", "seen", "--ledger", ledger)
    assert done["state"] == "done" and done["detail"].endswith(": seen")
    performed = run_json("resolve", keys[2], "--perform", "--ledger", ledger)
    assert performed["state"] == "done" and receiver.effects == {"0": 1, "2": 1}
    assert run_json("in-doubt", "--ledger", ledger) == []
    assert "is settled" in run("resolve", keys[2], "--never", "--ledger", ledger, status=1)


def test_staged_effects_are_released_and_old_ones_pruned(ledger: str, receiver: Receiver) -> None:
    assert "1 staged effects" in run("release", "r-1", "--ledger", ledger)
    assert receiver.effects["5"] == 1
    assert run_json("release", "r-1", "--ledger", ledger) == []
    assert "knows no replay “r-2”" in run("release", "r-2", "--ledger", ledger, status=1)
    assert "Forgot 0" in run("prune", "--older-than", "1d", "--ledger", ledger)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("list", "--ledger", "nowhere.db"), "there is no ledger"),
        (("in-doubt", "--ledger", "nowhere.db"), "there is no ledger"),
        (("list", "--state", "odd"), "is no state of effects"),
        (("resolve", "ffff"), "say what became of it"),
        (("resolve", "zzzz", "--done"), "no effect in the ledger"),
    ],
)
def test_bad_input_ends_in_a_sentence(ledger: str, words: tuple[str, ...], sentence: str) -> None:
    given = words if "--ledger" in words else (*words, "--ledger", ledger)
    status = 2 if words[0] == "in-doubt" else 1
    assert sentence in run(*given, status=status)


def test_sinks_are_declared_planned_with_and_compared(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    populate(shell)
    assert "No sinks" in shell.text("sink", "list")
    mails = ("mails", "--class", "dedupe-window", "--ttl", "24h", "--group", "view")
    told = shell.json("sink", "declare", *mails, "--key", "Message-ID")
    assert (told["sink_class"], told["ttl_ms"]) == ("dedupe-window", 86_400_000)
    at = ("table", "--at", f"sqlite:{shell.sink}", "--group", "view")
    assert shell.json("sink", "declare", *at)["sink_class"] == "transactional-with-offsets"
    meter = Meter.open(f"{tmp_path}/m.db", "rows", SinkClass.APPEND, SOURCES, environ={})
    with meter.batch() as batch:
        batch.offer("flights", 0, 0)
    shell.text("sink", "declare", "rows", "--at", f"meter:{tmp_path}/m.db#rows")
    assert {s["name"] for s in shell.json("sink", "list")} == {"mails", "table", "rows"}
    assert [s["name"] for s in shell.json("sink", "list", "--group", "view")] == ["mails", "table"]
    plan = shell.json("plan", "view", "--from-start")
    told = {f["name"]: f["in_place"] for f in plan["forecasts"]}
    assert told["mails"] == {"again": 90, "duplicates": 0, "suppressed": 90}
    assert told["sqlite:view.db"]["suppressed"] == 90
    compared = shell.json("effects", "compare", plan["id"])
    assert [(c["sink"], c["line"]) for c in compared] == [("sqlite:view.db", "live")]
    said = shell.text("effects", "compare", plan["id"])
    assert "Forecast, and what was measured" in said and "nothing came again yet" in said
    assert "is forgotten" in shell.text("sink", "forget", "mails")
    for words, sentence in (
        (("declare", "x"), "say its --class"),
        (("declare", "x", "--class", "odd"), "is no class"),
        (("declare", "x", "--class", "append-only", "--ttl", "1h"), "needs one"),
        (("forget", "mails"), "was declared"),
    ):
        assert sentence in shell.text("sink", *words, status=1)
    assert "no plan" in shell.text("effects", "compare", "none", status=2)
