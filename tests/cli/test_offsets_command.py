"""``anabranch offsets``: from a preview to an undo, with a second person in between."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from anabranch import person
from anabranch.broker.audit import inbox
from anabranch.log.audit_trail import HEAD_KIND
from anabranch.log.opening import open_log
from tests.cli.test_commands import T0, Shell, populate


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """``flights`` with 100 records; group ``view`` at 90."""
    shell = Shell(tmp_path)
    populate(shell)
    return shell


def test_from_preview_to_undo(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "No plans of offsets yet" in shell.text("offsets", "list")
    assert "say where to with one of" in shell.text("offsets", "plan", "view", status=1)
    said = shell.text("offsets", "plan", "view", "--to-datetime", "now", status=1)
    assert "--allow-end would skip" in said
    assert "--clamp would take 100" in shell.text(
        "offsets", "plan", "view", "--to-offset", "500", status=1
    )
    times = ("--detect", "1h", "--diagnose", "1h", "--fix", "1h", "--replay", "1h")
    shell.text(
        "classes", "set", "ledger", *times, "--topic", "flights", "--approvals", "1", "--yes"
    )
    assert shell.json("classes", "list")[0]["approvals"] == 1
    monkeypatch.setattr(person, "name", lambda: "ana")
    file = shell.root / "plan.json"
    plan = shell.json(
        "offsets", "plan", "view", "--to-datetime", str(T0 + 40), "--topic", "flights:0",
        "--reason", "bad join", "--ticket", "OPS-7", "--out", str(file),
    )  # fmt: skip
    assert plan["creator"] == "ana" and plan["steps"][0]["target"] == 40
    assert "needs 1 approval" in shell.text("offsets", "apply", str(file), status=1)
    assert "somebody else" in shell.text("offsets", "approve", plan["id"], status=1)
    monkeypatch.setattr(person, "name", lambda: "bob")
    said = shell.text("offsets", "approve", plan["id"], "--note", "checked")
    assert "Status: ready" in said and said.endswith(
        f"Next: anabranch offsets apply {plan['id']}\n"
    )
    said = shell.text("offsets", "apply", str(file))
    assert "Status: applied" in said and "approved by bob" in said and "50" in said
    assert "Next:" not in said
    (line,) = shell.json("group", "describe", "view", "--history", "1")["history"]
    assert (line["action"], line["old"], line["new"]) == ("reset", 90, 40)
    assert line["actor"]["reason"] == f"{plan['id']} bad join [OPS-7]"
    assert "undone" in shell.text("offsets", "undo", plan["id"])
    assert shell.json("explain", "view")["partitions"][0]["position"] == 90
    assert "undone" in shell.text("offsets", "list")
    assert shell.json("offsets", "show", plan["id"])["undone_by"] == "bob"


def test_from_a_file_and_from_a_point(shell: Shell) -> None:
    csv = shell.root / "offsets.csv"
    csv.write_text("flights,0,12\n")
    plan = shell.json("offsets", "plan", "view", "--from-file", str(csv))
    assert plan["steps"][0]["target"] == 12 and plan["replayed"]["records"] == 78
    shell.text("point", "create", "then", "--group", "view", "--at", str(T0 + 150))
    plan = shell.json("offsets", "plan", "view", "--to-point", "then")
    assert (plan["aim"], plan["steps"][0]["target"]) == ("to-point", 40)
    assert "is not TOPIC" in shell.text(
        "offsets", "plan", "view", "--to-earliest", "--topic", "flights:x", status=1
    )


def test_every_step_is_told_to_the_audit_log(shell: Shell) -> None:
    async def audited(*, begin: bool = False) -> list[Any]:
        log = await open_log(shell.data, broker_id=None)
        try:
            if begin:  # as a broker that keeps an audit log does
                await log.metastore.put_document(HEAD_KIND, "1", b"{}", T0)
            found = await log.metastore.documents(inbox.DOCUMENT_KIND)
            return [json.loads(document.body) for document in found]
        finally:
            await log.close()

    assert asyncio.run(audited(begin=True)) == []
    plan = shell.json(
        "offsets", "plan", "view", "--to-offset", "7", "--reason", "bad join", "--ticket", "OPS-7"
    )
    shell.text("offsets", "apply", plan["id"])
    shell.text("offsets", "undo", plan["id"])
    shell.text("group", "undo", "view", "--reason", "once more")
    events = asyncio.run(audited())
    assert [event["api"] for event in events] == [
        "anabranch offsets plan",
        "anabranch offsets apply",
        "anabranch offsets undo",
        "anabranch group undo",
    ]
    for event in events[:3]:
        assert event["resource"] == "GROUP:view"
        details = event["details"]
        assert (details["plan"], details["hash"]) == (plan["id"], plan["hash"])
        assert (details["reason"], details["ticket"]) == ("bad join", "OPS-7")
