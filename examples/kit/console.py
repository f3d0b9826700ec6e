"""Narration: bars on a terminal, a plain line now and then anywhere else."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

LINE_EVERY_S = 4.0
Update = Callable[[int, str], None]


class Console:
    """Prints the steps of a story."""

    def __init__(self) -> None:
        self.terminal = sys.stdout.isatty()
        self._begun = time.monotonic()

    def step(self, number: int, title: str) -> None:
        head = f"{number}. {title}"
        took = f"[{time.monotonic() - self._begun:.0f} s]"
        if self.terminal:
            print(f"\n\033[1;36m{head}\033[0m  \033[2m{took}\033[0m", flush=True)
        else:
            print(f"\n{head}  {took}", flush=True)

    def say(self, text: str) -> None:
        wrapped = textwrap.wrap(text, 96, break_long_words=False, break_on_hyphens=False)
        for line in wrapped or [""]:
            print(f"   {line}".rstrip())
        sys.stdout.flush()

    def command(self, words: Sequence[str]) -> None:
        line = f"   $ {' '.join(_quoted(word) for word in words)}"
        print(f"\033[33m{line}\033[0m" if self.terminal else line, flush=True)

    def output(self, text: str) -> None:
        for line in text.rstrip().splitlines():
            print(f"     {line}")
        sys.stdout.flush()

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Update]:
        """``update(done, detail)``."""
        if not self.terminal:
            yield from self._lines(title, total)
            return
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        columns = (
            TextColumn("   {task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}"),
        )
        with Progress(*columns) as progress:
            task = progress.add_task(title, total=max(1, total), detail="")
            yield lambda done, detail="": progress.update(task, completed=done, detail=detail)

    def _lines(self, title: str, total: int) -> Iterator[Update]:
        last = time.monotonic()
        finished = False

        def update(done: int, detail: str = "") -> None:
            nonlocal last, finished
            if finished or (done < total and time.monotonic() - last < LINE_EVERY_S):
                return
            last, finished = time.monotonic(), done >= total
            self.say(f"{title}: {done:,} of {total:,}  {detail}")

        yield update


def _quoted(word: str) -> str:
    """As a person would quote it: double quotes around single ones."""
    if "'" in word and not set(word) & set('"$`\\!'):
        return f'"{word}"'
    return shlex.quote(word)
