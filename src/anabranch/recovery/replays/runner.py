"""Run a session's command to its end: at its rate, paused and cancelled from anywhere, through faults.

The session is a document from the moment it exists. A *broker* may die: the command's client finds it, or
another one, again. The *command* may die: it is started again, ``restarts`` times, where its group and its
sink stand. The *runner* may die: its lease runs out, and a resume first stops the command that outlived it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import structs

from anabranch.errors import AnabranchError, StoreFault, UserFault
from anabranch.log.location import Location
from anabranch.metastore.api import Metastore
from anabranch.recovery.model import Position, Volume, topic_id_text
from anabranch.recovery.replays import processes, sessions, signals
from anabranch.recovery.replays.broker_process import BrokerProcess, of_session
from anabranch.recovery.replays.cores import Cores
from anabranch.recovery.replays.leash import Leash
from anabranch.recovery.replays.places import choose
from anabranch.recovery.replays.session import (
    Branch,
    Progress,
    Session,
    Status,
    by_branch,
    ended,
    left,
    left_by_branch,
    marked,
    paused,
    progress,
    running_as,
    sampled,
    saturated,
    started,
    throttled,
    unpaused,
    used_rate,
    verdict_of_exit,
)
from anabranch.recovery.replays.steering import STEP_MS, BranchRates, Governor, Step, StoreTimes
from anabranch.recovery.sinks.source import SOURCES_VARIABLE, Source, sources_to_environment
from anabranch.scheduling import cores, give_way
from anabranch.storage.store import Store

POLL_S: Final = 0.25  # how often committed offsets are read
SAVE_EVERY_MS: Final = 1000  # how often the session's document is rewritten
STORE_PATIENCE_S: Final = 60.0  # a metastore that is away for longer ends the run
RESTART_PAUSE_S: Final = 1.0  # before a command is started again, times the number of the attempt
LAST_WORDS_BYTES: Final = 4096

OnProgress = Callable[[Progress], None]


class LostLease(UserFault):
    """Another runner has the session: this one was out of sight for too long."""


class Runner:
    """Runs a session's command until every end offset is committed. One runner per session."""

    def __init__(
        self,
        metastore: Metastore,
        session: Session,
        *,
        output: Path,
        environ: Mapping[str, str],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_progress: OnProgress = lambda _: None,
        store: Store | None = None,
        probes: Sequence[signals.Probe] = (),
        where: Location | None = None,
        leash: Leash | None = None,
        directory: Path | None = None,
    ) -> None:
        """``store`` is looked at for the saturation; ``probes`` are looked at besides the session's guards.
        ``where`` the cluster is must be told for a session with a broker of its own. ``leash``: the command goes with this
        process, and leaves nothing to be resumed; without one it outlives it. ``directory``: where the command runs."""
        self._metastore = metastore
        self.session = session
        self._output = output
        self._environ = environ
        self._clock_ms = clock_ms
        self.on_progress = on_progress
        self._store = store
        self._more_probes = probes
        self._where = where
        self._leash = leash
        self._directory = directory
        self._own: BrokerProcess | None = None
        self._holder = f"{os.getpid()}-{clock_ms()}"
        self._saved_ms = 0
        self._numbers: dict[int, Branch] = {}
        self._positions: list[Position] = []
        self._rates = BranchRates(metastore, session)
        self._governor: Governor | None = None
        left = 0 if session.guards is None else session.guards.cores_left
        self._cores = Cores(cores(), left)
        self._steering: asyncio.Task[Step] | None = None
        self._stepped_ms = 0
        self.current: Progress | None = None

    async def run(self) -> Session:
        """Start the command (again) and see it through. Raises UserFault if it may not run now."""
        session = self.session
        if session.status in (Status.COMPLETED, Status.CANCELLED):
            raise UserFault(f"replay {session.id} is {session.status}; there is nothing to resume")
        if session.status is Status.PREPARING:
            raise UserFault(f"replay {session.id} is being prepared: settle it before it is run")
        if not await sessions.take_lease(self._metastore, session, self._holder):
            raise sessions.running_already(session)
        try:
            await sessions.forget_wishes(self._metastore, session)
            await self._learn_topics()
            await self._stop_orphan()
            await self._find_brokers()
            self._governor = await self._make_governor()
            await self._through_restarts()
            await self._save()
        except LostLease:
            raise
        except asyncio.CancelledError:
            self._end(
                Status.INTERRUPTED, None, f"interrupted; `replay --resume {session.id}` goes on"
            )
            await self._save()
            raise
        except AnabranchError as fault:
            if self.session.status in (Status.RUNNING, Status.PAUSED):
                self._end(Status.FAILED, None, str(fault))
                await self._save()
            raise
        finally:
            if self._steering is not None:
                self._steering.cancel()
            if self._own is not None:
                await self._own.stop()
                await sessions.abort_open(self._metastore, self.session)
            await sessions.release_lease(self._metastore, session, self._holder)
        return self.session

    # -- before the command ----------------------------------------------------------------------------
    async def _stop_orphan(self) -> None:
        """A command that outlived its runner would read beside the one that is started now; and nobody would ever stop
        its broker."""
        for process in sessions.left_alone(self.session):
            if await processes.stop_orphan(process):
                await self._keep_lease()

    async def _find_brokers(self) -> None:
        session = self.session
        if session.own_broker:
            await self._start_own()
            return
        if not session.finds_brokers:
            return
        place = await choose(
            self._metastore,
            await self._metastore.now_ms(),
            session.listener,
            session.lane_wanted,
        )
        self.session = structs.replace(
            session,
            bootstrap=place.bootstrap,
            security_protocol=place.protocol,
            lane=place.lane,
        )

    async def _start_own(self) -> None:
        if self._where is None:
            raise UserFault(
                f"replay {self.session.id} has a broker of its own: say where its cluster is"
            )
        log = self._output.with_name(f"{self.session.id}.broker.log")
        self._own = of_session(self._where, self.session.id, log, self.session.niceness)
        await self._own.start()
        self.session = structs.replace(
            self.session,
            bootstrap=self._own.address,
            security_protocol="PLAINTEXT",
            lane=self.session.id,
        )
        await self._remember_own()

    async def _remember_own(self) -> None:
        """At once: who resumes after us has to find it."""
        assert self._own is not None and self._own.pid is not None
        self.session = structs.replace(self.session, broker=processes.describe(self._own.pid))
        await self._save()

    async def _make_governor(self) -> Governor:
        session = self.session
        names = {branch.topic_id for branch in session.branches}
        inputs = [t for t in await self._metastore.topics() if topic_id_text(t.id) in names]
        probes = signals.probes_of(session.guards, self._metastore, inputs, *self._more_probes)
        return Governor(session, probes, await self._store_times())

    async def _store_times(self) -> StoreTimes | None:
        if self._store is None:
            return None
        for number in self._numbers:
            for extent in await self._metastore.extents_from(number, 0, 0, 1):
                if extent.kind.final:
                    return StoreTimes(self._store, extent.object_key)
        return None

    # -- the command -----------------------------------------------------------------------------------
    async def _through_restarts(self) -> None:
        for attempt in range(self.session.restarts + 1):
            before = (await self._remaining()).records
            self.session = started(self.session, self._clock_ms())
            await self._set_rate(force=True)
            await self._save()
            await self._see_through()
            run = self.session.runs[-1]
            died = self.session.status is Status.FAILED and run.exit_status not in (0, None)
            progressed = (await self._remaining()).records < before
            killed = (run.exit_status or 0) < 0
            if not died or attempt == self.session.restarts or not (progressed or killed):
                return
            await self._save()
            await asyncio.sleep(RESTART_PAUSE_S * (attempt + 1))

    async def _see_through(self) -> None:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        leash, command = self._leash, self.session.command
        with self._output.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *(command if leash is None else leash.words(command)),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self._command_environment(),
                    cwd=self._directory,
                    start_new_session=True,  # a Ctrl-C is ours to pass on
                    pass_fds=() if leash is None else leash.descriptors,
                )
            except OSError as error:
                self._end(Status.FAILED, None, f"the command cannot be started: {error}")
                return
            give_way(self.session.niceness, process.pid)
            self.session = running_as(self.session, processes.describe(process.pid))
            waiting = asyncio.ensure_future(process.wait())
            try:
                await self._watch(waiting)
            finally:
                if not waiting.done():
                    await processes.stop(process, waiting)
        remaining = await self._remaining()
        exit_status = waiting.result()
        if self.session.status is Status.CANCELLED:
            self._end(Status.CANCELLED, exit_status, self.session.error)
            return
        status, sentence = verdict_of_exit(exit_status, remaining, self._last_words())
        self._end(status, exit_status, sentence)

    async def _watch(self, waiting: asyncio.Future[int]) -> None:
        """Until the end offsets are committed, the command ended, or somebody cancels."""
        away_s: float | None = None  # since when the metastore does not answer
        loop = asyncio.get_running_loop()
        while True:
            try:
                if await self._look(waiting):
                    return
                away_s = None
            except StoreFault:
                away_s = loop.time() if away_s is None else away_s
                if loop.time() - away_s > STORE_PATIENCE_S:
                    raise
            await asyncio.wait([waiting], timeout=POLL_S)

    async def _look(self, waiting: asyncio.Future[int]) -> bool:
        """One look at everything; whether it is over."""
        if self._own is not None and await self._own.keep():
            await self._remember_own()
        now_ms = self._clock_ms()
        remaining = await self._remaining()
        self.session = sampled(self.session, remaining, now_ms)
        self.current = current = progress(self.session, remaining, now_ms)
        self.session = marked(self.session, current)
        self.on_progress(current)
        if current.finished or waiting.done():
            return True
        pause, cancel = await sessions.wishes(self._metastore, self.session)
        if cancel:
            self.session = structs.replace(self.session, status=Status.CANCELLED, error="cancelled")
            return True
        if pause != (self.session.status is Status.PAUSED):
            change = paused if pause else unpaused
            self.session = change(self.session, now_ms)
            await self._set_rate(force=True)
            await self._save()
        await self._steer(current, now_ms)
        if now_ms - self._saved_ms >= SAVE_EVERY_MS:
            await self._save()
        return False

    async def _steer(self, current: Progress, now_ms: int) -> None:
        """Take what the last look came to, and begin another when it is time."""
        assert self._governor is not None
        if self._steering is not None and self._steering.done():
            step = self._steering.result()
            self._steering = None
            self._cores.look(self._governor.appends_here, self._leaders())
            self.session = saturated(self.session, step.saturation)
            self.session = throttled(self.session, step.rate, step.cause, now_ms)
            await self._set_rate()
        due = now_ms - self._stepped_ms >= STEP_MS
        if due and self._steering is None and not current.paused:
            self._stepped_ms = now_ms
            used = used_rate(self.session, now_ms)
            self._steering = asyncio.ensure_future(self._governor.step(now_ms, used))

    def _leaders(self) -> list[int]:
        """Of the sessions of the operating system that are this session's."""
        process = self.session.runs[-1].process
        command = None if process is None else process.pid
        own = None if self._own is None else self._own.pid
        return [pid for pid in (command, own) if pid is not None]

    async def _set_rate(self, *, force: bool = False) -> None:
        assert self._governor is not None
        if force:
            self._rates = BranchRates(self._metastore, self.session)
            if not self.session.allowed:
                self.session = structs.replace(self.session, allowed=self._governor.rate)
            else:
                self.session = throttled(
                    self.session, self._governor.rate, "started anew", self._clock_ms()
                )
        rate = 0 if self.session.status is Status.PAUSED else self.session.allowed
        weights = left_by_branch(self.session, self._positions)
        await self._rates.set(rate, weights, self._clock_ms())

    async def _keep_lease(self) -> None:
        if not await sessions.take_lease(self._metastore, self.session, self._holder):
            raise LostLease(
                f"another runner took over replay {self.session.id}: this one was out of sight for "
                f"more than {sessions.LEASE_MS // 1000} s"
            )

    def _command_environment(self) -> dict[str, str]:
        session = self.session
        branches = (*session.branches, *session.beside)
        sources = {
            session.name_of(branch): Source(session.cluster_id, branch.topic_id, branch.topic)
            for branch in branches
        }
        environment = {
            **self._environ,
            "ANABRANCH_BOOTSTRAP": session.bootstrap,
            "ANABRANCH_SECURITY_PROTOCOL": session.security_protocol,
            "ANABRANCH_GROUP": session.group,
            "ANABRANCH_SESSION": session.id,
            "ANABRANCH_TOPICS": json.dumps({b.topic: session.name_of(b) for b in branches}),
            "ANABRANCH_START_OFFSETS": json.dumps(
                by_branch(session, {span.key: span.start for span in session.spans})
            ),
            "ANABRANCH_END_OFFSETS": json.dumps(
                by_branch(session, {span.key: span.end for span in session.spans})
            ),
            SOURCES_VARIABLE: sources_to_environment(sources),
        }
        if session.sink is not None:
            environment["ANABRANCH_SINK"] = session.sink.path
            environment["ANABRANCH_STAGING"] = session.sink.line
        return environment

    async def _learn_topics(self) -> None:
        names = {topic.name: topic for topic in await self._metastore.topics()}
        for branch in self.session.branches:
            topic = names.get(branch.branch)
            if topic is None or topic_id_text(topic.id) != branch.branch_id:
                raise UserFault(f"the branch “{branch.branch}” of this replay was deleted")
            self._numbers[topic.no] = branch

    async def _remaining(self) -> Volume:
        self._positions = [
            Position(
                self._numbers[committed.topic_no].topic,
                self._numbers[committed.topic_no].topic_id,
                committed.partition,
                committed.offset,
            )
            for committed in await self._metastore.committed(self.session.group)
            if committed.topic_no in self._numbers
        ]
        return left(self.session.spans, self._positions)

    def _last_words(self) -> str:
        with self._output.open("rb") as output:
            output.seek(0, os.SEEK_END)
            output.seek(max(0, output.tell() - LAST_WORDS_BYTES))
            words = output.read().decode(errors="replace").strip().splitlines()
        return words[-1].strip() if words else ""

    def _end(self, status: Status, exit_status: int | None, error: str) -> None:
        self.session = ended(
            self.session, status, self._clock_ms(), exit_status=exit_status, error=error
        )

    async def _save(self) -> None:
        """Raises LostLease: the document is another runner's then."""
        await self._keep_lease()
        self._saved_ms = self._clock_ms()
        await sessions.save(self._metastore, self.session, self._saved_ms)
