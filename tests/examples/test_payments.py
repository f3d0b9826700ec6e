"""The payments example: its truth, and a processor that transfers once whatever comes again."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from examples.payments import events
from examples.payments.processor import TABLES, transfer_at, work

from anabranch.recovery.checks.relations import open_relation
from anabranch.recovery.sinks.http import HttpEffects
from anabranch.recovery.sinks.http_send import Request, Response, Unknown
from anabranch.recovery.sinks.source import Source
from anabranch.recovery.sinks.sqlite import SqliteSink

SOURCES = {"payments": Source("cluster", "id", "payments")}
COUNT = 300


def messages(first: int = 0, end: int = COUNT) -> list[Any]:
    return [
        SimpleNamespace(
            topic=lambda: "payments",
            partition=lambda: 0,
            offset=lambda n=number: n,
            value=lambda p=payment: p.encode(),
            timestamp=lambda: (1, 1_700_000_000_000),
        )
        for number, payment in enumerate(events.payments(first, end), first)
    ]


class Bank:
    """Loses the answer of every tenth transfer."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, request: Request, _: float) -> Response:
        self.made.append(json.loads(request.body)["id"])
        if len(self.made) % 10 == 0:
            raise Unknown("the answer is lost")
        return Response(200, b"")


def run(tmp_path: Path, bank: Bank, version: str, batch: list[Any], **environ: str) -> None:
    view = SqliteSink.open(tmp_path / "view.db", TABLES, SOURCES, line=environ.get("line", "live"))
    session = {"ANABRANCH_SESSION": environ["session"]} if "session" in environ else {}
    effect = transfer_at("http://127.0.0.1:9")
    asked = type(effect)("transfer", check=lambda _, r: json.loads(r.body)["id"] in bank.made)
    effects = HttpEffects.open(
        str(tmp_path / "ledger.db"), [asked], SOURCES, environ=session, send=bank
    )
    with effects.transaction() as tx, view.transaction() as balances:
        work(tx, balances, batch, version, "http://127.0.0.1:9")
    view.close()
    effects.close()


def rows(tmp_path: Path) -> dict[tuple[str, str], tuple[int, float]]:
    relation = open_relation(f"sqlite:{tmp_path / 'view.db'}#balances")
    return {(r[0], r[1]): (r[2], pytest.approx(r[3])) for r in map(tuple, relation.rows)}  # type: ignore[misc]


def test_versions_one_and_three_are_right_and_two_is_wrong(tmp_path: Path) -> None:
    truth = events.balances(COUNT)
    for version, right in (("1", True), ("2", False), ("3", True)):
        home = tmp_path / version
        home.mkdir()
        run(home, Bank(), version, messages())
        assert (rows(home) == truth) == right


def test_what_comes_again_is_transferred_once(tmp_path: Path) -> None:
    bank = Bank()
    run(tmp_path, bank, "1", messages(0, 200))
    run(tmp_path, bank, "1", messages(100))
    run(tmp_path, bank, "3", messages(), session="r-1")
    assert sorted(bank.made) == [payment.id for payment in events.payments(0, COUNT)]
    assert rows(tmp_path) == events.balances(COUNT)


def test_the_payments_are_the_same_in_every_run() -> None:
    assert list(events.payments(10, 20)) == list(events.payments())[10:20]
    assert {payment.currency for payment in events.payments(0, 100)} == set(events.MINOR_UNITS)
