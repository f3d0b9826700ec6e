"""Every command line that the documentation shows is one that the commands take, and every option explains itself."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from anabranch.cli.main import cli

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]
SHOWN = re.compile(r"(?:\$ )?(?:\S*/)?anabranch\s+(?P<words>.*)")


def shown(page: Path) -> Iterator[tuple[int, str]]:
    """Lines of code blocks, and code within sentences, that begin with ``anabranch``; continued lines joined."""
    fenced, pending, began = False, "", 0
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continue
        if fenced or line.startswith("    "):
            pending, began = pending + line.strip(), began or number
            if pending.endswith("\\"):
                pending = pending[:-1]
                continue
            pieces, at = [pending], began
            pending, began = "", 0
        else:
            pieces, at = re.findall(r"`([^`]+)`", line.replace(r"\|", "|")), number
        for piece in pieces:
            match = SHOWN.fullmatch(piece)
            if match:
                yield at, match["words"]


def every_command(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from every_command(found, (*path, name))


COMMANDS = dict(every_command(cli))


def problem(words: str) -> str:
    """What the commands would say against a line; empty if nothing."""
    lexer = shlex.shlex(words, posix=True, punctuation_chars=";&>")
    lexer.whitespace_split = True
    try:
        found = list(lexer)
    except ValueError as error:
        return str(error)
    ends = [at for at, part in enumerate(found) if part in ("||", "&&", ";", ">", "|", "&")]
    parts = found[: ends[0]] if ends else found
    path: tuple[str, ...] = ()
    while parts and isinstance(COMMANDS[path], click.Group) and not parts[0].startswith("-"):
        names = parts[0].split("|")  # `topic create|list`
        if parts[0] == "…":
            return ""
        for name in names:
            if (*path, name) not in COMMANDS:
                return f"there is no {' '.join((*path, name))}"
        path = (*path, names[0])
        parts = parts[1:]
    known = {text for one in COMMANDS[path].params for text in (*one.opts, *one.secondary_opts)}
    for part in parts:
        if part == "--":
            break
        name = part.partition("=")[0].rstrip("],…")
        if part.startswith("--") and name not in known | {"--help"}:
            return f"{' '.join(path)} has no {name}"
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_the_documentation_shows_can_be_typed(page: Path) -> None:
    wrong = [
        f"{page.name}:{number}: anabranch {words}: {sentence}"
        for number, words in shown(page)
        if words[0] != "<" and (sentence := problem(words))
    ]
    assert not wrong, "\n".join(wrong)


def test_examples_of_commands_can_be_typed() -> None:
    wrong = []
    for path, command in COMMANDS.items():
        match = SHOWN.fullmatch((command.epilog or "").removeprefix("Example: "))
        if match and (sentence := problem(match["words"])):
            wrong.append(f"{' '.join(path)}: {command.epilog}: {sentence}")
        if not command.help:
            wrong.append(f"{' '.join(path)} does not say what it does")
        wrong += [
            f"{' '.join(path)} does not say what {option.opts[0]} is"
            for option in command.params
            if isinstance(option, click.Option) and not option.help and not option.hidden
        ]
    assert not wrong, "\n".join(wrong)


def test_a_wrong_line_is_noticed() -> None:
    assert problem("plan view --since '2h ago' --out plan.json") == ""
    assert "has no --sinec" in problem("plan view --sinec '2h ago'")
    assert "there is no point made" in problem("point create|made x")
    assert {number for number, _ in shown(ROOT / "README.md")}
