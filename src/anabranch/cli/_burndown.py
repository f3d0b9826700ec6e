"""The burn-down of a replay on a terminal, or as a line every few seconds anywhere else."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from anabranch.recovery.replays.session import Progress

LINE_EVERY_S = 5.0  # without a terminal


@contextmanager
def burndown(
    title: str, extra: Callable[[], str] = lambda: "", *, quiet: bool = False
) -> Iterator[Callable[[Progress], None]]:
    """A callback for ``Runner(on_progress=…)``. ``extra`` adds to each line (live latency, say)."""
    if quiet:
        yield lambda _: None
    elif sys.stdout.isatty():
        yield from _bar(title, extra)
    else:
        yield from _lines(extra)


def describe(progress: Progress) -> str:
    """Rate, what is left, and when it will be done."""
    from anabranch.recovery.times import bytes_text, duration_text

    eta = "not at this rate" if progress.eta_s is None else duration_text(progress.eta_s)
    if progress.paused:
        eta = "paused"
    elif progress.allowed:
        eta += f", at most {bytes_text(progress.allowed)}/s"
    return (
        f"{progress.records_left:,} left ({bytes_text(progress.bytes_left)}), "
        f"{progress.records_per_second:,.0f} records/s ({bytes_text(progress.bytes_per_second)}/s), "
        f"ETA {eta}"
    )


def _bar(title: str, extra: Callable[[], str]) -> Iterator[Callable[[Progress], None]]:
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[detail]}"),
    )
    with Progress(*columns) as shown:
        task = shown.add_task(title, total=None, detail="")

        def update(progress: object) -> None:
            from anabranch.recovery.replays.session import Progress as Burndown

            assert isinstance(progress, Burndown)
            detail = " ".join(part for part in (describe(progress), extra()) if part)
            done = progress.records_total - progress.records_left
            shown.update(task, total=progress.records_total, completed=done, detail=detail)

        yield update


def _lines(extra: Callable[[], str]) -> Iterator[Callable[[Progress], None]]:
    last = -LINE_EVERY_S

    def update(progress: Progress) -> None:
        nonlocal last
        if progress.elapsed_s - last < LINE_EVERY_S and not progress.finished:
            return
        last = progress.elapsed_s
        click.echo("  ".join(part for part in ("  " + describe(progress), extra()) if part))

    yield update
