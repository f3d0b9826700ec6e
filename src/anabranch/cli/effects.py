"""``anabranch effects``: what left the house, and what nobody can tell."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.sinks.compare import Compared
    from anabranch.recovery.sinks.http import HttpEffects
    from anabranch.recovery.sinks.ledger import Count, Entry

NO_ANSWER = 2

ledger_option: Callable[[Any], Any] = click.option(
    "--ledger",
    required=True,
    metavar="LEDGER",
    envvar="ANABRANCH_LEDGER",
    show_envvar=True,
    help="A SQLite file or postgresql://…",
)


@click.group(name="effects", epilog="Example: anabranch effects in-doubt --ledger effects.db")
def command() -> None:
    """Effects that left the house: list them, settle what is in doubt, compare duplicates."""


@command.command(
    "list", epilog="Example: anabranch effects list --ledger effects.db --state staged"
)
@ledger_option
@click.option("--state", "states", multiple=True, help="Only these states. Repeatable.")
@click.option("--effect", help="Only this effect.")
@click.option("--run", "run_", metavar="RUN", help="Only of `live` or of this replay session.")
@click.option(
    "--limit", type=click.IntRange(1), default=50, show_default=True, help="So many at most."
)
@_options.output_option
@_options.faults_to_sentences
def list_(
    ledger: str,
    states: tuple[str, ...],
    effect: str | None,
    run_: str | None,
    limit: int,
    output: str,
) -> None:
    """List the newest effects, and what was counted."""
    from anabranch.errors import UserFault
    from anabranch.recovery.sinks.ledger import EffectState

    choices = [each.value for each in EffectState]
    for state in states:
        if state not in choices:
            raise UserFault(f"“{state}” is no state of effects: one of {', '.join(choices)}")
    effects = _open(ledger)
    found = effects.ledger.entries(
        states=[EffectState(state) for state in states], effect=effect, run=run_, limit=limit
    )
    counts = effects.ledger.counts(run_)
    effects.close()
    emit(
        output,
        lambda: {
            "effects": [_plain(entry) for entry in found],
            "counts": [c._asdict() for c in counts],
        },
        lambda: [*_parts(found), *_counts(counts)],
    )


@command.command("in-doubt", epilog="Example: anabranch effects in-doubt --ledger effects.db")
@ledger_option
@_options.output_option
@_options.faults_as(NO_ANSWER)
def in_doubt(ledger: str, output: str) -> None:
    """List effects of which nobody can tell whether they took place.

    Exit status 1 if there are any, 2 if there is no answer.
    """
    from anabranch.recovery.sinks.ledger import EffectState

    effects = _open(ledger)
    found = [
        entry
        for entry in effects.ledger.entries(states=[EffectState.IN_DOUBT, EffectState.INTENT])
        if not effects.in_flight(entry)
    ]
    effects.close()
    emit(output, lambda: [_plain(entry) for entry in found], lambda: _parts(found))
    if found:
        raise SystemExit(1)


@command.command(
    epilog="Example: anabranch effects resolve 3f2a9c01d4e5 --done --ledger effects.db"
)
@click.argument("key")
@ledger_option
@click.option("--done", "verdict", flag_value="done", help="It took place.")
@click.option("--never", "verdict", flag_value="never", help="It did not, and is not to.")
@click.option("--perform", "verdict", flag_value="perform", help="It did not: perform it now.")
@click.option("--reason", default="", help="How that is known; kept in the ledger.")
@_options.output_option
@_options.faults_to_sentences
def resolve(key: str, ledger: str, verdict: str | None, reason: str, output: str) -> None:
    """Settle the effect whose key is KEY, or begins so."""
    from anabranch.errors import UserFault
    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.sinks import settle

    if verdict is None:
        raise UserFault("say what became of it: --done, --never or --perform")
    effects = _open(ledger)
    try:
        known = settle.find(effects.ledger, key)
        text = f"by {whoami()}" + (f": {reason}" if reason else "")
        entry = settle.settle(effects, known, settle.Verdict(verdict), text)
    finally:
        effects.close()
    emit(output, lambda: _plain(entry), lambda: _parts([entry]))


@command.command(epilog="Example: anabranch effects release r-20260301-140500-9f2c --ledger e.db")
@click.argument("session")
@ledger_option
@_options.output_option
@_options.faults_to_sentences
def release(session: str, ledger: str, output: str) -> None:
    """Perform what replay SESSION staged and nobody has performed since."""
    from anabranch.errors import UserFault

    effects = _open(ledger)
    try:
        outcomes = effects.release(session)
        if not outcomes and all(count.run != session for count in effects.ledger.counts()):
            raise UserFault(f"the ledger {ledger} knows no replay “{session}”")
    finally:
        effects.close()
    emit(
        output,
        lambda: [outcome._asdict() for outcome in outcomes],
        lambda: [
            f"{len(outcomes):,} staged effects of {session}.",
            Table(
                ("key", "outcome", ">status"),
                [(o.key[:12], o.counter.value, o.status or None) for o in outcomes],
            ),
        ],
    )


@command.command(epilog="Example: anabranch effects prune --older-than 30d --ledger effects.db")
@click.option("--older-than", required=True, metavar="TIME", help="Settled so long ago.")
@ledger_option
@_options.faults_to_sentences
def prune(older_than: str, ledger: str) -> None:
    """Forget settled effects of records that the live run has passed; they are never repeated."""
    from anabranch.recovery.times import parse_duration

    effects = _open(ledger)
    try:
        before_ms = _options.now_ms() - parse_duration(older_than, "--older-than")
        gone = effects.ledger.prune(before_ms)
    finally:
        effects.close()
    click.echo(f"Forgot {gone:,} effects.")


@command.command(epilog="Example: anabranch effects compare plan-3f2a9c01d4e5 --within 1")
@click.argument("plan")
@click.option(
    "--within", type=float, metavar="PERCENT", help="Exit status 1 if one is off by more."
)
@_options.data_option
@_options.output_option
@_options.faults_as(NO_ANSWER)
def compare(plan: str, within: float | None, data: Location, output: str) -> None:
    """Hold PLAN's forecast of duplicates against what its sinks have counted since.

    In place (since the plan was made), and in each replay session of the plan.
    """

    async def main() -> list[Compared]:
        from anabranch.recovery.plans import planning
        from anabranch.recovery.sinks.compare import compare_all

        async with _options.opened(data) as log:
            found = await planning.find(log.metastore, plan)
            return await compare_all(log.metastore, found)

    found = _options.run(main())
    emit(output, lambda: found, lambda: _compared(found))
    if within is not None and any(c.off is None or c.off * 100 > within for c in found):
        raise SystemExit(1)


def _open(ledger: str) -> HttpEffects:
    """By hand nothing is replayed, whatever the environment says."""
    from anabranch.recovery.sinks.http import HttpEffects
    from anabranch.recovery.sinks.ledger import Ledger

    Ledger.open(ledger, create=False).close()
    environ = {name: value for name, value in os.environ.items() if name != "ANABRANCH_SESSION"}
    return HttpEffects.open(ledger, (), {}, environ=environ)


def _plain(entry: Entry) -> dict[str, Any]:
    return {**entry._asdict(), "state": entry.state.value}


def _parts(entries: list[Entry]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not entries:
        yield "None."
        return
    yield Table(
        (
            "key",
            "effect",
            "topic",
            ">p",
            ">offset",
            "state",
            "run",
            ">tries",
            "since",
            ">status",
            "detail",
        ),
        [
            (
                entry.key[:12],
                entry.effect,
                entry.topic,
                entry.partition,
                entry.offset,
                entry.state.value,
                entry.run,
                entry.attempts,
                time_text(entry.first_ms),
                entry.status or None,
                " ".join(filter(None, (entry.event_id, entry.detail))),
            )
            for entry in entries
        ],
    )


def _counts(counts: list[Count]) -> Iterator[Part]:
    sums: dict[tuple[str, str, str], int] = {}
    for count in counts:
        where = (count.run, count.effect or "(records seen before)", count.outcome.value)
        sums[where] = sums.get(where, 0) + count.records
    if sums:
        rows = [(*where, records) for where, records in sorted(sums.items())]
        yield Table(("run", "effect", "outcome", ">records"), rows)


def _off_text(one: Compared) -> str:
    if one.off is None:
        return one.problem
    if one.measured is not None and one.measured.again == 0 < one.forecast.again:
        return "nothing came again yet"  # as long as nobody went back, that proves no forecast
    return f"{one.off:.1%}"


def _compared(found: list[Compared]) -> Iterator[Part]:
    if not found:
        yield "No sink of this plan counts: name it by its location when planning (docs/sinks.md)."
        return
    yield Table(
        (
            "sink", "class", "where", ">again", ">measured", ">duplicates", ">measured",
            ">suppressed", ">measured", ">off",
        ),
        [
            (
                c.sink,
                c.sink_class.value,
                c.line,
                c.forecast.again,
                c.measured.again if c.measured else None,
                c.forecast.duplicates,
                c.measured.duplicates if c.measured else None,
                c.forecast.suppressed,
                c.measured.suppressed if c.measured else None,
                _off_text(c),
            )
            for c in found
        ],
        "Forecast, and what was measured",
    )  # fmt: skip
