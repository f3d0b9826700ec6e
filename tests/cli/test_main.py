"""How the console script ends: the exit statuses that no command chooses."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import click
import pytest

from anabranch.cli import main
from tests.cli.test_commands import Shell, populate


def status(*words: str) -> Any:
    with pytest.raises(SystemExit) as ended:
        main.main(list(words))
    return ended.value.code


def test_a_question_that_nobody_answers_is_an_error_and_an_interrupt_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(tmp_path)
    populate(shell)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    words = ("topic", "delete", "flights", "--data", str(shell.data))
    assert status(*words) == 1
    assert "--yes answers" in capsys.readouterr().err
    assert "flights" in shell.text("topic", "list")

    @click.command
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "cli", interrupted)
    assert status() == 130
    assert "--yes" not in capsys.readouterr().err
