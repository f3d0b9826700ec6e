"""What a drill does with its copy of a sink, whatever that is made of.

The copy is made by the stream's own processor, from the records in the scratch cluster; nothing of it comes from the
production's sink, which is not written to and mostly not even opened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from anabranch.recovery.checks import expectations
from anabranch.recovery.checks.relations import open_relation
from anabranch.recovery.checks.verify import Verification, compare
from anabranch.recovery.sinks.locations import opened_lines

if TYPE_CHECKING:
    from anabranch.recovery.drills.declared import Stream
    from anabranch.recovery.drills.stage import Stage
    from anabranch.recovery.plans.plan import Plan
    from anabranch.recovery.replays.session import Session


class Judged(NamedTuple):
    """What a replay did to the copy. ``exact``: it joined as planned; ``duplicates``: effects that took place twice;
    ``lost``: records that never came."""

    suppressed: int
    duplicates: int
    lost: int
    exact: bool


class Copy(ABC):
    """One drill's copy. Files lie in ``stage.work``, which the stage itself saves and brings back; what lies
    elsewhere is ``save``'s and ``reset``'s."""

    takes_checkpoints = True
    promotes = True
    is_effects = False  # what left the house: nothing of it can be put back or taken back

    def __init__(self, stream: Stream, work: Path) -> None:
        self.stream = stream
        self.work = work
        self.swept: list[
            str
        ] = []  # what drills that were killed had left elsewhere, and is removed

    @abstractmethod
    def location(self, broker: str) -> str:
        """As ``--sink`` takes it; ``broker``: HOST:PORT of the scratch cluster."""

    def told(self, broker: str) -> str:
        """As the processor finds it in its environment."""
        return self.location(broker)

    @property
    def environment(self) -> Mapping[str, str]:
        """What the processor needs beside it."""
        return {}

    async def prepare(self, stage: Stage) -> None:
        """Before the processor runs for the first time; the broker runs."""

    async def keep_older(self, stage: Stage) -> None:
        """The copy as it is when the recovery point is taken, to come back to."""

    @abstractmethod
    async def keep_truth(self, stage: Stage) -> None:
        """The copy as it has to be again after each recovery."""

    def save(self) -> None:
        """Keep what is not in the stage's folder, for :meth:`reset`."""

    def reset(self) -> None:
        """Put that back."""

    @abstractmethod
    async def damage(self, stage: Stage) -> int:
        """As a wrong version would leave it; how many rows are wrong."""

    @abstractmethod
    async def restore_older(self, stage: Stage) -> None:
        """What :meth:`keep_older` kept takes its place."""

    @abstractmethod
    async def clear(self, stage: Stage) -> None:
        """As if nothing had ever been written to it."""

    @abstractmethod
    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        """A line (empty: the live one) against the truth; ``plan``: of the replay that filled it."""

    async def finish(self, stage: Stage, session: Session) -> None:
        """What a person does when a replay is complete, before its output is looked at."""

    def judge(self, stage: Stage, session: Session, plan: Plan) -> Judged:
        """By the counters of the session's line. Every new record of the range is applied; one that was had already is turned
        away, or not even read by a processor that begins where its sink stands (the adapters do). What was applied
        beyond those that were new is there twice."""
        assert session.sink is not None
        with opened_lines(session.sink.path) as sink:
            rows = sink.offsets(session.sink.line)
        applied = sum(row.applied for row in rows)
        suppressed = sum(row.suppressed for row in rows)
        staged = next((f for f in plan.forecasts if f.who == "sink"), None)
        again = staged.on_branch.again if staged is not None else 0
        new = session.total.records - again
        return Judged(
            suppressed,
            max(0, applied - new),
            sum(row.skipped for row in rows),
            new <= applied + suppressed <= session.total.records,
        )

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What is to be known of the last recovery beside that."""
        return ()

    def met_poison(self, stage: Stage) -> tuple[tuple[str, str], ...]:
        """The live processor has met the poisoned record: facts about what that did beyond repair."""
        return ()

    def close(self) -> None:
        """Remove what is not in the stage's folder."""


def compared(
    stream: Stream, left: str, right: str, key: str, more: Sequence[object] = ()
) -> Verification:
    """Two relations by their locations, with what the stream declares about differences."""
    names = [part.strip() for part in key.split(",")]
    declared = [expectations.parse(text, names) for text in stream.verify.expected]
    return compare(
        open_relation(left),
        open_relation(right),
        key=names,
        tolerance=stream.verify.tolerance,
        expected=[*declared, *more],  # type: ignore[list-item]
    )
