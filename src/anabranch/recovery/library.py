"""The recovery plane from Python: what the commands do, as methods.

    from anabranch.recovery import Recovery, Wish

    with Recovery("anabranch-data") as recovery:
        recovery.take_point(Wish(name="known-good", group="flights-view", sinks=("sqlite:view.db",)))
        plan = recovery.plan("flights-view", since="2h ago", sinks=["sqlite:view.db"], reason="bad deploy")
        session = recovery.replay(plan, ["python", "processor.py"], sink="sqlite:view.db")
        if recovery.verify(f"sqlite:view.db#daily@{session.id}", "truth.arrow", key=["carrier", "day"]).passed:
            recovery.promote(session.id)

Every method opens nothing but what the cluster is in; brokers may run on it. Times and durations are as the commands
take them (``"2h ago"``, ``"2026-03-01T14:05:00Z"``) or milliseconds since the epoch; sizes ``"4MiB"`` or bytes. What cannot be
done raises :class:`anabranch.errors.UserFault` with a sentence that says what to do; ``StoreFault`` means that a disk, bucket
or database refused. Underneath are coroutines, one module a subject, which servers call directly.

Rights and the audit log are the commands' and the brokers': whoever opens a cluster's metastore from Python could do
anything by SQL as well.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from anabranch.errors import UserFault
from anabranch.log.offsets import record_time
from anabranch.recovery.capture import capturing, points
from anabranch.recovery.capture.capturing import Wish
from anabranch.recovery.checks import comparing
from anabranch.recovery.history import (
    deletions,
    difference,
    explain,
    offset_planning,
    readers,
    undo,
)
from anabranch.recovery.library_sinks import SinksAndEvidence
from anabranch.recovery.opened import Time
from anabranch.recovery.plans import planning
from anabranch.recovery.plans.runbook import runbook
from anabranch.recovery.promises import classes, holds, horizon, runway
from anabranch.recovery.promotion import line_promotion, promote
from anabranch.recovery.promotion.line_promotion import NO_RULES, Rules
from anabranch.recovery.replays import places, replay, sessions
from anabranch.recovery.sinks import registry
from anabranch.recovery.times import parse_bytes, parse_duration
from anabranch.scheduling import NICE_MAX

if TYPE_CHECKING:
    from anabranch.recovery.checkpoints.model import EngineCheckpoint
    from anabranch.recovery.checks.verify import Verification
    from anabranch.recovery.history.difference import Difference
    from anabranch.recovery.history.explain import Explanation
    from anabranch.recovery.history.offset_plan import OffsetPlan, Record
    from anabranch.recovery.history.offset_planning import Want
    from anabranch.recovery.history.readers import TopicReader
    from anabranch.recovery.history.undo import Undo
    from anabranch.recovery.model import RecoveryPoint
    from anabranch.recovery.plans.incidents import Damage
    from anabranch.recovery.plans.plan import Plan
    from anabranch.recovery.promises.classes import ClassChange, TopicClass
    from anabranch.recovery.promises.classes import Preview as ClassPreview
    from anabranch.recovery.promises.holds import HoldStatus
    from anabranch.recovery.promises.horizon import Horizons
    from anabranch.recovery.promises.runway import PartitionRunway
    from anabranch.recovery.promotion.line_promotion import LinePromotion, Preview
    from anabranch.recovery.promotion.promote import Handover
    from anabranch.recovery.replays.guards import Guards
    from anabranch.recovery.replays.replay import OnProgress
    from anabranch.recovery.replays.session import Session

Size = str | int


async def _allow(_topics: Sequence[str], _group: str | None) -> None:
    """Whoever has the metastore may."""


class Recovery(SinksAndEvidence):
    """One cluster's recovery plane. A context manager; not for several threads at once."""

    # -- what must be possible, and is it? ---------------------------------------------------------
    def classes(self) -> list[TopicClass]:
        """The classes of topics, by name."""
        return self._run(classes.load(self._log.metastore))

    def preview_classes(self, wanted: Path | Sequence[TopicClass]) -> ClassPreview:
        """What these classes (or those of a file) would change, retention included."""
        told = classes.read_file(wanted) if isinstance(wanted, Path) else wanted
        return self._run(
            classes.preview(self._log.metastore, told, now_ms=self._clock_ms(), replace=True)
        )

    def apply_classes(self, preview: ClassPreview, *, reason: str) -> ClassChange:
        """Make a preview so. Refused if something it was made from has changed."""
        return self._run(
            classes.apply(
                self._log.metastore,
                preview,
                now_ms=self._clock_ms(),
                who=self._who,
                reason=reason,
            )
        )

    def class_history(self) -> list[ClassChange]:
        """Every change of classes, and of the retention that followed, the newest first."""
        return self._run(classes.history(self._log.metastore))

    def horizons(self, topics: Sequence[str] = ()) -> Horizons:
        """Needed, configured and kept, partition by partition, with hazards and costs."""
        return self._run(
            horizon.horizons(self._log.metastore, now_ms=self._clock_ms(), topics=topics)
        )

    def runways(self, groups: Sequence[str] = (), *, exact: bool = False) -> list[PartitionRunway]:
        """How long until retention passes the groups' positions. ``exact``: as :meth:`explain`."""
        return self._run(
            runway.runways(
                self._log.metastore,
                now_ms=self._clock_ms(),
                groups=groups,
                extents=self._log.extents,
                exact=exact,
            )
        )

    def hold(
        self,
        name: str,
        *,
        point: str | None = None,
        group: str | None = None,
        lasts: str = "7d",
        budget: Size | None = None,
        reason: str = "",
        owner: str | None = None,
    ) -> HoldStatus:
        """Pin what a recovery point or a group needs, whatever retention says."""
        metastore = self._log.metastore

        async def create() -> HoldStatus:
            return await holds.create(
                metastore,
                name,
                owner=owner or self._who,
                reason=reason,
                now_ms=self._clock_ms(),
                lasts_ms=parse_duration(lasts),
                budget_bytes=_size(budget),
                point=None if point is None else await points.find(metastore, point),
                group=group,
            )

        return self._run(create())

    def holds(self) -> list[HoldStatus]:
        """Every hold, and how it stands."""
        return self._run(holds.statuses(self._log.metastore, self._clock_ms()))

    def extend_hold(self, name: str, lasts: str) -> None:
        """Let a hold that is active end so long from now instead."""
        asked = parse_duration(lasts)
        self._run(holds.extend(self._log.metastore, name, self._clock_ms(), asked))

    def release(self, name: str) -> None:
        """End a hold."""
        self._run(holds.release(self._log.metastore, name, self._clock_ms()))

    # -- while all is well -------------------------------------------------------------------------
    def take_point(self, wish: Wish) -> RecoveryPoint:
        """Take a recovery point."""
        return self._run(
            capturing.take(
                self._log,
                wish,
                now_ms=self._clock_ms(),
                token=secrets.token_hex(2),
                allow=_allow,
                creator=self._who,
            )
        )

    def point(self, id_or_name: str) -> RecoveryPoint:
        return self._run(points.find(self._log.metastore, id_or_name))

    def points(self) -> list[RecoveryPoint]:
        """Every recovery point, the oldest first."""
        return self._run(points.stored(self._log.metastore))

    def checkpoint(self, origin: str) -> EngineCheckpoint:
        """What another engine's checkpoint says: ``flink:PATH``, ``spark:PATH``, ``quix:GROUP``, ….

        Raises Corrupt, with file and position, for what is none.
        """
        return self._run(capturing.read_checkpoint(self._log, origin))

    # -- what happened, and what would it take? ----------------------------------------------------
    def explain(
        self,
        group: str,
        *,
        at: Time = "now",
        sinks: Sequence[str] = (),
        held_against: Sequence[str] = (),
        exact: bool = False,
    ) -> Explanation:
        """Where a group stood, who had put it there, and what a restart there does to each sink.
        ``held_against``: recovery points. ``exact``: count records even where that means to read much of the log."""
        log = self._log

        async def ask() -> Explanation:
            return await explain.explain(
                log.metastore,
                group,
                at_ms=self._time(at),
                now_ms=self._clock_ms(),
                sinks=await registry.states(log.metastore, sinks, group),
                points=[await points.find(log.metastore, each) for each in held_against],
                append_times=log.extents.append_times,
                record_time=lambda extent, offset: record_time(log.extents, extent, offset),
                extents=log.extents,
                exact=exact,
            )

        return self._run(ask())

    def difference(
        self, group: str, *, since: Time, until: Time = "now", exact: bool = False
    ) -> Difference:
        """What changed between two instants: who, what, why, and every turn that was not going forward. ``exact``: as
        :meth:`explain`."""
        return self._run(
            difference.difference(
                self._log.metastore,
                group,
                from_ms=self._time(since),
                to_ms=self._time(until),
                extents=self._log.extents,
                exact=exact,
            )
        )

    def plan(
        self,
        group: str,
        *,
        point: str | None = None,
        since: Time | None = None,
        until: Time | None = None,
        damage: Damage | None = None,
        from_start: bool = False,
        sinks: Sequence[str] = (),
        topics: Sequence[str] | None = None,
        rate: Size | None = None,
        reason: str = "",
    ) -> Plan:
        """From an incident to exact offsets. One of ``point``, ``since``, ``damage``
        (:mod:`anabranch.recovery.plans.incidents`) and ``from_start`` says what happened."""
        given = (point, since, damage, from_start or None)
        if sum(one is not None for one in given) != 1:
            raise UserFault("say what happened with one of point, since, damage, from_start")
        metastore = self._log.metastore

        async def make() -> Plan:
            return await planning.plan_recovery(
                metastore,
                group=group,
                now_ms=self._clock_ms(),
                creator=self._who,
                description=reason,
                since_ms=None if since is None else self._time(since),
                until_ms=None if until is None else self._time(until),
                damage=damage,
                point=None if point is None else await points.find(metastore, point),
                from_start=from_start,
                topics=topics,
                rate=_size(rate),
                sinks=await registry.states(metastore, sinks, group),
                extents=self._log.extents,
                who_deleted=deletions.who_deleted(self._log, self.where),
            )

        return self._run(make())

    def plans(self) -> list[Plan]:
        """Every plan, the oldest first."""
        return self._run(planning.stored(self._log.metastore))

    def find_plan(self, id_or_file: str) -> Plan:
        """Raises UserFault also for one that was edited after it was made."""
        return self._run(planning.find(self._log.metastore, id_or_file))

    @staticmethod
    def runbook(plan: Plan) -> str:
        """The plan in Markdown, with the exact commands."""
        return runbook(plan)

    def readers(
        self, topics: Sequence[str] | None = None, *, within: str = "1h"
    ) -> list[TopicReader]:
        """Who has fetched lately, also with ``assign()`` and without a commit."""
        return self._run(
            readers.readers(
                self._log.metastore,
                now_ms=self._clock_ms(),
                within_ms=parse_duration(within),
                topics=topics,
            )
        )

    # -- a group's offsets -------------------------------------------------------------------------
    def plan_offsets(
        self, group: str, want: Want, *, reason: str = "", ticket: str = ""
    ) -> OffsetPlan:
        """A previewed change of a group's offsets; nothing moves yet."""
        return self._run(
            offset_planning.plan(
                self._log.metastore,
                group,
                want,
                creator=self._who,
                now_ms=self._clock_ms(),
                reason=reason,
                ticket=ticket,
                offset_at=self._offset_at,
                append_times=self._log.extents.append_times,
                extents=self._log.extents,
            )
        )

    def offset_plans(self) -> list[Record]:
        """Every plan of offsets, its approvals and what became of it."""
        return self._run(offset_planning.stored(self._log.metastore))

    def approve_offsets(self, id_or_file: str, *, note: str = "") -> Record:
        """Approve a plan that somebody else made."""
        return self._run(
            offset_planning.approve(
                self._log.metastore,
                id_or_file,
                who=self._who,
                now_ms=self._clock_ms(),
                note=note,
            )
        )

    def apply_offsets(self, id_or_file: str) -> Record:
        """All partitions in one transaction; refused if anything is not as it was planned."""
        return self._run(
            offset_planning.apply(
                self._log.metastore, id_or_file, who=self._who, now_ms=self._clock_ms()
            )
        )

    def undo_offsets(self, id_or_file: str) -> Record:
        """Put back what an applied plan changed; refused if somebody moved it since."""
        return self._run(
            offset_planning.undo(
                self._log.metastore, id_or_file, who=self._who, now_ms=self._clock_ms()
            )
        )

    def undo_change(self, group: str, *, change: str | None = None, reason: str = "") -> Undo:
        """Take back a change of a group's offsets, whoever made it: the newest, or the one of an id that
        :meth:`difference` shows. Refused if somebody moved the group since, or it has members."""
        prepared = self._run(undo.prepare(self._log.metastore, group, change=change))
        self._run(
            undo.undo(
                self._log.metastore,
                prepared,
                who=self._who,
                reason=reason,
                now_ms=self._clock_ms(),
            )
        )
        return prepared

    # -- rebuild -----------------------------------------------------------------------------------
    def replay(
        self,
        plan: Plan | str,
        command: Sequence[str],
        *,
        sink: str | None = None,
        rate: Size | None = None,
        guards: Guards | None = None,
        own_broker: bool | None = None,
        also: Sequence[str] = (),
        event_slack: str | None = None,
        event_speed: float | None = None,
        restarts: int = 3,
        niceness: int = NICE_MAX,
        environ: Mapping[str, str] = os.environ,
        on_progress: OnProgress = lambda _: None,
    ) -> Session:
        """Run a command on branches of the plan's inputs, to the plan's ends. See ``anabranch replay --help``.

        ``own_broker`` says whether a broker of the session's own serves it, and not the recovery lane's or live ones; None: if
        there is no recovery lane, or inputs are kept together.
        ``event_slack`` (a duration) and ``event_speed`` keep the inputs together in event time and at its pace, with a
        broker of the session's own. The session says how it ended (``status``); one that failed or was interrupted is gone on with by
        :meth:`resume`. For Python functions and SQL over the bucket see :mod:`anabranch.recovery.replays.function`, ``sql``.
        """
        log = self._log

        async def run() -> Session:
            found = await planning.find(log.metastore, plan) if isinstance(plan, str) else plan
            place = None
            there_ms = await log.metastore.now_ms()
            if own_broker is None:
                together = event_slack is not None or event_speed is not None
                place = await places.shared(log.metastore, there_ms, together=together)
            elif not own_broker:
                place = await places.choose(log.metastore, there_ms)
            session = await replay.prepare(
                log,
                found,
                token=secrets.token_hex(2),
                now_ms=self._clock_ms(),
                command=command,
                bootstrap=place.bootstrap if place else "",
                security_protocol=place.protocol if place else "PLAINTEXT",
                creator=self._who,
                rate=_size(rate),
                sink=sink,
                guards=guards,
                lane=place.lane if place else None,
                finds_brokers=place is not None,
                restarts=restarts,
                also=also,
                own_broker=place is None,
                event_slack_ms=parse_duration(event_slack) if event_slack is not None else None,
                event_speed=event_speed,
                niceness=niceness,
            )
            return await self._see_through(session, environ, on_progress)

        return self._run(run())

    def resume(
        self,
        session_id: str,
        *,
        environ: Mapping[str, str] = os.environ,
        on_progress: OnProgress = lambda _: None,
    ) -> Session:
        """Go on with a session that failed or was interrupted."""

        async def run() -> Session:
            found = await sessions.find(self._log.metastore, session_id)
            session = await replay.settle(self._log, found, self._clock_ms())
            return await self._see_through(session, environ, on_progress)

        return self._run(run())

    def session(self, session_id: str) -> Session:
        return self._run(sessions.find(self._log.metastore, session_id))

    def sessions(self) -> list[Session]:
        """Every replay session, the oldest first."""
        return self._run(sessions.stored(self._log.metastore))

    def pause(self, session_id: str) -> None:
        """Have its runner, wherever it is, give a session nothing until :meth:`unpause`."""
        asked = self.session(session_id)
        self._run(sessions.request_pause(self._log.metastore, asked, self._clock_ms()))

    def unpause(self, session_id: str) -> None:
        self._run(sessions.request_unpause(self._log.metastore, self.session(session_id)))

    def cancel(self, session_id: str) -> None:
        """Have its runner stop it."""
        asked = self.session(session_id)
        self._run(sessions.request_cancel(self._log.metastore, asked, self._clock_ms()))

    def discard(self, session_id: str) -> None:
        """Delete the branches, groups and topics of a session; its document stays as evidence."""
        self._run(replay.discard(self._log, self.session(session_id), self._clock_ms()))

    # -- right, and into place ---------------------------------------------------------------------
    def verify(
        self,
        left: str,
        right: str,
        *,
        key: Sequence[str],
        columns: Sequence[str] | None = None,
        window: str | None = None,
        tolerance: float = 0.0,
        expected: Sequence[str] = (),
    ) -> Verification:
        """Compare two relations by key: ``sqlite:…#TABLE``, ``topic:NAME``, ``truth.arrow``, …."""
        return self._run(
            comparing.compare_named(
                left,
                right,
                key=",".join(key),
                columns=",".join(columns) if columns else None,
                window=window,
                tolerance=tolerance,
                expected=expected,
                opened=self._opened,
            )
        )

    def promote(
        self, session_id: str, *, rules: Rules = NO_RULES, dry_run: bool = False
    ) -> Handover:
        """Hand a complete session to the live processor: offsets, tables, and topics beside its inputs.

        ``dry_run``: everything is looked at, nothing changed.
        """
        return self._run(
            promote.promote(
                self._log.metastore,
                self.session(session_id),
                creator=self._who,
                now_ms=self._clock_ms(),
                log=self._log,
                rules=rules,
                dry_run=dry_run,
            )
        )

    def undo_promotion(self, session_id: str, *, rules: Rules = NO_RULES) -> Handover:
        """Bring back what was there before."""
        return self._run(
            promote.undo(
                self._log.metastore,
                self.session(session_id),
                creator=self._who,
                now_ms=self._clock_ms(),
                log=self._log,
                rules=rules,
            )
        )

    def preview_branch(self, branch: str, topic: str, *, rules: Rules = NO_RULES) -> Preview:
        """What it would change if a branch took its topic's place."""
        return self._run(
            line_promotion.preview(self._log, self._topic(topic), self._topic(branch), rules=rules)
        )

    def promote_branch(self, branch: str, topic: str, *, rules: Rules = NO_RULES) -> LinePromotion:
        """Put a branch in its topic's place, under a leader epoch that clients understand."""
        now_ms = self._clock_ms()
        return self._run(
            line_promotion.promote(
                self._log,
                self._topic(topic),
                self._topic(branch),
                identity=line_promotion.new_id(now_ms),
                creator=self._who,
                now_ms=now_ms,
                rules=rules,
            )
        )

    def undo_branch(self, wanted: str, *, rules: Rules = NO_RULES) -> LinePromotion:
        """Take it back: by the promotion's id, or the newest one of a topic."""
        found = self._run(line_promotion.find(self._log, wanted))
        return self._run(
            line_promotion.undo(
                self._log, found, creator=self._who, now_ms=self._clock_ms(), rules=rules
            )
        )

    async def _see_through(
        self, session: Session, environ: Mapping[str, str], on_progress: OnProgress
    ) -> Session:
        return await replay.Runner(
            self._log.metastore,
            session,
            output=self.where.files / "replays" / f"{session.id}.log",
            environ=environ,
            on_progress=on_progress,
            store=self._log.store,
            where=self.where,
        ).run()


def _size(told: Size | None) -> int | None:
    return parse_bytes(told) if isinstance(told, str) else told
