"""``anabranch classes``, ``horizon``, ``runway`` and ``hold``: what a person types and sees, and the exit statuses."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.test_commands import Shell, populate


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """``flights`` with 100 records and no retention; group ``view`` at 90."""
    shell = Shell(tmp_path)
    populate(shell)
    return shell


def test_from_a_template_to_a_promise_that_is_kept(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "classes.toml"
    file.write_text(shell.text("classes", "template"))
    shown = shell.json("classes", "apply", str(file), "--dry-run")
    assert shown["changed"] == ["telemetry", "view-source"]
    assert "No classes yet" in shell.text("classes", "list")
    file.write_text(file.read_text().replace('"flights.*"', '"flights*"'))
    said = shell.text("classes", "apply", str(file), "--yes", "--reason", "Q3 review")
    assert "flights" in said and "for ever" in said and "2 d 6 h" in said
    assert shell.json("topic", "describe", "flights")["configs"]["retention.ms"] == "194400000"
    assert "Nothing changes" in shell.text("classes", "apply", str(file))
    assert "Q3 review" in shell.text("classes", "history")
    found = shell.json("horizon")
    (one,) = found["partitions"]
    assert (one["cls"], one["complete"], one["negative_ms"]) == ("view-source", True, None)
    assert "flights" in shell.text("horizon")
    # Less than is needed, and the command says so to whoever runs it in a schedule.
    shell.text("topic", "config", "flights", "--set", "retention.ms=3600000")
    said = shell.text("horizon", "--within", "1d", status=1)
    assert "retention-time" in said
    assert "is not a duration" in shell.text("horizon", "--within", "soon", status=2)
    assert "there is no topic" in shell.text("horizon", "nope", status=2)


def test_classes_by_command(shell: Shell) -> None:
    times = ("--detect", "1h", "--diagnose", "1h", "--fix", "1h", "--replay", "1h")
    shell.text("classes", "set", "short", *times, "--yes")
    shell.text("classes", "set", "audit", *times, "--topic", "flights", "--price", "0.02", "--yes")
    (audit, short) = shell.json("classes", "list")
    assert (audit["topics"], audit["price_gb_month"], short["topics"]) == (["flights"], 0.02, [])
    assert "there is no class" in shell.text("classes", "assign", "flights", "nope", status=1)
    shell.text("classes", "assign", "flights", "short", "--yes")
    (audit, short) = shell.json("classes", "list")
    assert (audit["topics"], short["topics"]) == ([], ["flights"])
    # A person is asked, and "no" changes nothing.
    said = shell("classes", "set", "short", "--detect", "9d", *times[2:])
    assert said.exit_code == 1 and "Apply?" in said.output
    assert shell.json("classes", "list")[1]["detect_ms"] == 3_600_000
    shell.text("classes", "remove", "audit")
    assert [one["name"] for one in shell.json("classes", "list")] == ["short"]
    assert "there is no class" in shell.text("classes", "remove", "audit", status=1)


def test_runway(shell: Shell) -> None:
    assert "no end" in shell.text("runway", "view")
    shell.text("topic", "config", "flights", "--set", "retention.ms=3600000")
    (one,) = shell.json("runway", "view", "--below", "1d", status=1)
    assert 0 < one["runway_ms"] <= 3_600_000
    shell.text("runway", "--below", "1s")
    assert "there is no group" in shell.text("runway", "nobody", status=2)


def test_holds(shell: Shell) -> None:
    shell.text("topic", "config", "flights", "--set", "retention.ms=86400000")
    assert "No holds" in shell.text("hold", "list")
    assert "hold a point or a group" in shell.text("hold", "create", "h", status=1)
    made = shell.json(
        "hold",
        "create",
        "h",
        "--group",
        "view",
        "--for",
        "3d",
        "--budget",
        "1GiB",
        "--reason",
        "v42",
    )
    assert made["state"] == "active" and made["partitions"][0]["offset"] == 90
    assert "already" in shell.text("hold", "create", "h", "--group", "view", status=1)
    refused = shell.text("topic", "config", "flights", "--set", "retention.ms=1000", status=1)
    assert "hold h of" in refused and "v42" in refused and "anabranch hold release h" in refused
    assert "needs partition 0 from offset 90" in refused
    # A class that would shorten it is refused in its preview already, and nothing of it is done.
    times = ("--detect", "1h", "--diagnose", "1h", "--fix", "1h", "--replay", "1h")
    for last in ("--dry-run", "--yes"):
        said = shell.text("classes", "set", "short", *times, "--topic", "flights", last, status=1)
        assert "REFUSED" in said and "hold h of" in said and "Nothing is changed" in said
    assert "No classes yet" in shell.text("classes", "list")
    assert "hold h" in shell.text("topic", "delete", "flights", "--yes", status=1)
    assert "v42" in shell.text("hold", "show", "h") and "1 GiB" in shell.text("hold", "list")
    shell.text("hold", "extend", "h", "--for", "9d")
    assert "is not a duration" in shell.text("hold", "extend", "h", "--for", "x", status=1)
    shell.text("hold", "release", "h")
    shell.text("topic", "config", "flights", "--set", "retention.ms=1000")
    assert "released" in shell.text("hold", "list")
    shell.text("hold", "release", "h", "--forget")
    assert "No holds" in shell.text("hold", "list")
