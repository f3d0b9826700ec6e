"""Duplicates as they were forecast by a plan, beside duplicates as the sinks counted them."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from anabranch.errors import AnabranchError
from anabranch.metastore.api import Metastore
from anabranch.recovery.model import SinkClass, SinkCounts
from anabranch.recovery.plans.plan import Plan, Repeats
from anabranch.recovery.sinks.common import LIVE
from anabranch.recovery.sinks.locations import counts_of, opened_lines


class Compared(Struct, frozen=True, kw_only=True):
    """One sink in one place: ``live`` (since the plan was made) or a session of the plan.

    ``measured`` None: ``problem`` says why. ``off`` is the forecast's error, as a part of what was measured.
    """

    sink: str
    sink_class: SinkClass
    line: str
    forecast: Repeats
    measured: Repeats | None
    off: float | None
    problem: str = ""


async def compare_all(metastore: Metastore, plan: Plan) -> list[Compared]:
    """As :func:`compare`, in place and in each replay session of the plan."""
    from anabranch.recovery.replays import sessions  # which know sinks themselves

    stored = await sessions.stored(metastore)
    return compare(plan, [one.id for one in stored if one.plan == plan.id])


def compare(plan: Plan, sessions: Sequence[str]) -> list[Compared]:
    """Every sink of ``plan`` that counts, in place and in each of ``sessions`` (by id)."""
    forecasts = {one.name: one for one in plan.forecasts if one.who == "sink"}
    found = []
    for sink in plan.sinks:
        forecast = forecasts.get(sink.name)
        if forecast is None or not sink.location:
            continue
        before = sink.counts or SinkCounts(0, 0)
        for line in (LIVE, *sessions):
            expected = forecast.in_place if line == LIVE else forecast.on_branch
            try:
                with opened_lines(sink.location) as there:
                    if line != LIVE and line not in {each.name for each in there.lines()}:
                        continue
                    counts = counts_of(there, line)
            except AnabranchError as error:
                found.append(
                    Compared(
                        sink=sink.name, sink_class=sink.sink_class, line=line, forecast=expected,
                        measured=None, off=None, problem=str(error),
                    )
                )  # fmt: skip
                continue
            measured = _repeats(sink.sink_class, counts, before if line == LIVE else None)
            found.append(
                Compared(
                    sink=sink.name, sink_class=sink.sink_class, line=line, forecast=expected,
                    measured=measured, off=_off(expected.duplicates, measured.duplicates),
                )
            )  # fmt: skip
    return found


def _repeats(sink_class: SinkClass, counts: SinkCounts, before: SinkCounts | None) -> Repeats:
    repeated = counts.repeated - (before.repeated if before else 0)
    suppressed = counts.suppressed - (before.suppressed if before else 0)
    duplicates = 0 if sink_class.absorbs else repeated
    return Repeats(repeated + suppressed, duplicates, suppressed)


def _off(forecast: int, measured: int) -> float:
    if forecast == measured:
        return 0.0
    return abs(forecast - measured) / max(1, measured)
