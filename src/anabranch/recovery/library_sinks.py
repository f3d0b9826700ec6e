"""Of :class:`anabranch.recovery.Recovery`: sinks, duplicates, shadows, and the evidence: reports of replays, readiness, drills."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import anabranch
from anabranch.recovery.drills import drill, evidence, readiness
from anabranch.recovery.drills.declared import load
from anabranch.recovery.evidence import report, reporting
from anabranch.recovery.opened import OpenedCluster, Time
from anabranch.recovery.plans import planning
from anabranch.recovery.promotion import shadow
from anabranch.recovery.replays import sessions
from anabranch.recovery.sinks import registry
from anabranch.recovery.sinks.compare import compare_all
from anabranch.recovery.times import parse_duration

if TYPE_CHECKING:
    from anabranch.recovery.checks.verify import Verification
    from anabranch.recovery.drills.evidence import DrillReport
    from anabranch.recovery.drills.readiness import Readiness
    from anabranch.recovery.evidence.report import Report
    from anabranch.recovery.promotion.shadow import Shadow
    from anabranch.recovery.sinks.compare import Compared
    from anabranch.recovery.sinks.registry import DeclaredSink


class SinksAndEvidence(OpenedCluster):
    """What stands downstream of a stream, and what is told of its recovery."""

    # -- sinks and duplicates ----------------------------------------------------------------------
    def declare_sink(
        self,
        name: str,
        sink_class: str | None = None,
        *,
        location: str = "",
        key: str = "",
        ttl: str | None = None,
        group: str | None = None,
        note: str = "",
    ) -> DeclaredSink:
        """Tell plans about a sink: its class, or ``location``, where that is read; ``ttl`` for how long a repeat is recognised.

        Plans, points and explanations of ``group`` include it from now on. Raises UserFault.
        """
        sink = registry.describe(
            name,
            sink_class,
            location=location,
            key=key,
            ttl_ms=None if ttl is None else parse_duration(ttl, "ttl"),
            group=group,
            note=note,
            creator=self._who,
            now_ms=self._clock_ms(),
        )
        self._run(registry.declare(self._log.metastore, sink))
        return sink

    def declared_sinks(self, group: str | None = None) -> list[DeclaredSink]:
        """Every declared sink, or those that ``group`` fills."""
        return self._run(registry.stored(self._log.metastore, group))

    def forget_sink(self, name: str) -> None:
        """Take a sink off the list; what it holds is not touched."""
        self._run(registry.forget(self._log.metastore, name))

    def compare_duplicates(self, plan: str) -> list[Compared]:
        """A plan's forecast of duplicates beside what its sinks counted since, in place and in each of its sessions."""
        metastore = self._log.metastore
        return self._run(compare_all(metastore, self._run(planning.find(metastore, plan))))

    # -- shadows -----------------------------------------------------------------------------------
    def shadow(
        self,
        name: str,
        command: Sequence[str],
        *,
        group: str,
        point: str | None = None,
        since: Time | None = None,
        sink: str | None = None,
        bootstrap: str | None = None,
        environ: Mapping[str, str] | None = None,
        on_look: Callable[[Shadow], None] = lambda _: None,
    ) -> Shadow:
        """Run a corrected processor on live topics, from a recovery point or from where the group stood ``since``.

        Comes back once somebody stopped it (:meth:`stop_shadow` of another process, ``anabranch shadow stop``), or its
        command ended, which is a failure to go on from. ``on_look`` is called at each look, some times a second. Raises UserFault.
        """
        found, _ = self._run(
            shadow.begin(
                self._log,
                name,
                group=group,
                command=command,
                creator=self._who,
                now_ms=self._clock_ms(),
                point=point,
                at_ms=None if since is None else self._time(since),
                sink=sink,
                bootstrap=None if bootstrap is None else (bootstrap, "PLAINTEXT"),
            )
        )
        runner = shadow.Runner(
            self._log.metastore,
            found,
            output=self.where.files / "replays" / f"shadow-{name}.log",
            environ=dict(os.environ) if environ is None else environ,
            on_look=on_look,
        )
        return self._run(runner.run())

    def shadows(self) -> list[Shadow]:
        """Every shadow, and how far behind the live group each is."""
        return self._run(shadow.stored(self._log.metastore))

    def stop_shadow(self, name: str) -> Shadow:
        """It becomes a completed session, to be verified and promoted."""
        return self._run(shadow.stop(self._log.metastore, name, self._clock_ms()))

    # -- evidence ----------------------------------------------------------------------------------
    def report(
        self,
        session_id: str,
        verifications: Sequence[Verification] = (),
        *,
        scenario: str = "",
        folder: Path | None = None,
    ) -> Report:
        """Answer the four questions about a replay; stored, chained to the report before, written as HTML and JSON.

        ``folder``: where to; default: ``reports`` beside the data. Raises UserFault.
        """
        metastore = self._log.metastore

        async def made() -> Report:
            found = await reporting.report_on(
                metastore,
                await sessions.find(metastore, session_id),
                verifications,
                scenario=scenario,
                creator=self._who,
                now_ms=self._clock_ms(),
            )
            await report.save(metastore, found, folder or self.where.files / "reports")
            return found

        return self._run(made())

    def reports(self) -> list[Report]:
        """Every report, the oldest first; each holds the hash of the one before it."""
        return self._run(report.stored(self._log.metastore))

    def broken_reports(self) -> list[str]:
        """What is wrong with their chain, one sentence each: changed, left out or out of order."""
        return report.broken_links(self.reports())

    # -- rehearsed ---------------------------------------------------------------------------------
    def status(self, file: Path) -> list[Readiness]:
        """How ready each stream is that ``recovery.toml`` declares, now."""
        declared = load(file)
        return [
            self._run(readiness.look(self._log.metastore, declared, name, self._clock_ms()))
            for name in declared.streams
        ]

    def drill(self, file: Path, stream: str, *, scenarios: Sequence[str] = ()) -> DrillReport:
        """Rehearse a declared stream's recovery on a scratch cluster; the report is stored, and in the file's folder."""
        declared = load(file)

        async def rehearse() -> DrillReport:
            made = await drill.run(
                self._log,
                self.where,
                declared,
                stream,
                creator=self._who,
                tool_version=anabranch.__version__,
                only=scenarios,
                clock_ms=self._clock_ms,
            )
            folder, key = evidence.folder_of(declared), evidence.key_of(declared)
            return (await evidence.save(self._log.metastore, made, folder, key)).report

        return self._run(rehearse())
