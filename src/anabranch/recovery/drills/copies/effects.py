"""Copies of HTTP effects: a ledger of the drill's own, and a receiver of its own that takes every request.

The processor's requests go to that receiver, whatever their URL says (``ANABRANCH_RECEIVER``). The truth is what
had reached it when the live processor was done: a recovery must add nothing to that, and what a bad version had left out
must reach it once.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from anabranch.recovery.checks.expectations import Listed
from anabranch.recovery.checks.verify import Verification
from anabranch.recovery.drills.copies.common import Copy, Judged, compared
from anabranch.recovery.drills.copies.receiver import Receiver
from anabranch.recovery.sinks.http import RECEIVER_VARIABLE, STAGED_MAX, HttpEffects
from anabranch.recovery.sinks.ledger import Counter, EffectState, Ledger
from anabranch.recovery.sinks.source import Source

if TYPE_CHECKING:
    from anabranch.recovery.drills.declared import Stream
    from anabranch.recovery.drills.stage import Stage
    from anabranch.recovery.plans.plan import Plan
    from anabranch.recovery.replays.session import Session

LEFT_THE_HOUSE = "left the house before anybody knew"
AS_DECLARED = "suppressed in a replay, as the processor declares it"


class EffectsCopy(Copy):
    """A SQLite ledger, also where the production's is on PostgreSQL."""

    takes_checkpoints = False
    promotes = False
    is_effects = True

    def __init__(self, stream: Stream, work: Path) -> None:
        super().__init__(stream, work)
        self._receiver = Receiver(work / "receiver.db")
        self._effects: dict[str, str] = {}  # of the truth: key → effect
        self._known: dict[str, str] = {}  # key → why it may differ from the truth

    def location(self, broker: str) -> str:
        return f"http:{self._ledger}"

    @property
    def environment(self) -> dict[str, str]:
        return {RECEIVER_VARIABLE: self._receiver.url}

    async def prepare(self, stage: Stage) -> None:
        with closing(Ledger.open(str(self._ledger))), closing(self._receiver.connect()):
            pass  # there, and empty

    async def keep_older(self, stage: Stage) -> None:
        self._copy_ledger(self._ledger, self._older)

    async def keep_truth(self, stage: Stage) -> None:
        with (
            closing(self._receiver.connect()) as source,
            closing(sqlite3.connect(self._truth)) as copy,
        ):
            source.backup(copy)
        with closing(sqlite3.connect(self._ledger)) as ledger:
            self._effects = dict(ledger.execute("SELECT key, effect FROM anabranch_effects"))

    def reset(self) -> None:
        self._known.clear()

    async def damage(self, stage: Stage) -> int:
        """Every third effect since the point never took place."""
        since = {(p.topic_id, p.partition): p.offset for p in stage.point.positions}
        with (
            closing(sqlite3.connect(self._ledger)) as ledger,
            closing(self._receiver.connect()) as receiver,
            ledger,
            receiver,
        ):
            rows = ledger.execute(
                "SELECT key, topic_id, partition, record_offset FROM anabranch_effects ORDER BY key"
            )
            late = [(key,) for key, topic, p, at in rows if at >= since.get((topic, p), 0)]
            gone = late[::3]
            ledger.executemany("DELETE FROM anabranch_effects WHERE key = ?", gone)
            receiver.executemany("DELETE FROM effects WHERE key = ?", gone)
        return len(gone)

    async def restore_older(self, stage: Stage) -> None:
        self._copy_ledger(self._older, self._ledger)

    async def clear(self, stage: Stage) -> None:
        raise AssertionError("effects are not taken back")

    async def finish(self, stage: Stage, session: Session) -> None:
        """Staged effects are released, as a person would who has looked at them."""
        effects = HttpEffects.open(str(self._ledger), [], {}, environ=self.environment)
        try:
            staged = effects.ledger.entries(
                states=[EffectState.STAGED], run=session.id, limit=STAGED_MAX
            )
            effects.release(session.id)
        finally:
            effects.close()
        released = {entry.effect for entry in staged}
        had = self._receiver.times()
        for key, effect in self._effects.items():
            if key not in had and effect not in released:
                self._known[key] = AS_DECLARED

    async def verify(self, stage: Stage, line: str, plan: Plan | None) -> tuple[Verification, ...]:
        more = [
            Listed(why, ("key",), sorted((key,) for key, one in self._known.items() if one == why))
            for why in sorted(set(self._known.values()))
        ]
        left, right = (f"sqlite:{path}#effects" for path in (self._receiver.path, self._truth))
        return (compared(self.stream, left, right, "key", more),)

    def judge(self, stage: Stage, session: Session, plan: Plan) -> Judged:
        """By what reached the receiver; and the ledger says that the session passed every record."""
        had = self._receiver.times()
        twice = sum(times - 1 for times in had.values())
        more = sum(key not in self._effects and key not in self._known for key in had)
        missing = sum(key not in had and key not in self._known for key in self._effects)
        ledger = Ledger.open(str(self._ledger), create=False)
        try:
            turned_away = (Counter.SUPPRESSED, Counter.STAGED)
            suppressed = sum(
                each.records for each in ledger.counts(session.id) if each.outcome in turned_away
            )
            exact = all(
                ledger.next_offset(
                    session.id, Source(plan.cluster_id, span.topic_id, span.topic), span.partition
                )[0]
                == span.end
                for span in session.spans
                if span.start < span.end
            )
        finally:
            ledger.close()
        return Judged(suppressed, twice + more, missing, exact)

    def met_poison(self, stage: Stage) -> tuple[tuple[str, str], ...]:
        new = self._receiver.times().keys() - self._effects.keys()
        self._known.update(dict.fromkeys(new, LEFT_THE_HOUSE))
        return (("Effects that left the house", f"{len(new):,}"),)

    def facts(self) -> tuple[tuple[str, str], ...]:
        """What differs from the truth and may."""
        declared = sum(why == AS_DECLARED for why in self._known.values())
        return (("Suppressed as declared", f"{declared:,}"),) if declared else ()

    def close(self) -> None:
        self._receiver.close()

    @property
    def _ledger(self) -> Path:
        return self.work / "effects.db"

    @property
    def _older(self) -> Path:
        return self.work / "effects-older.db"

    @property
    def _truth(self) -> Path:
        return self.work / "truth.db"

    def _copy_ledger(self, source: Path, target: Path) -> None:
        for beside in ("-wal", "-shm"):
            target.with_name(target.name + beside).unlink(missing_ok=True)
        with closing(sqlite3.connect(source)) as one:
            target.unlink(missing_ok=True)
            with closing(sqlite3.connect(target)) as copy:
                one.backup(copy)
        shutil.copymode(source, target)
