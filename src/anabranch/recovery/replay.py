"""Run a replay: branch the inputs, start the command on them, watch it burn down to the end.

The session is a document from the moment it exists. If the runner dies, its lease runs out and
``resume`` starts the command again: group offsets on the branch and sink offsets in the staging
line say how far it was.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
from msgspec import structs

from anabranch.errors import ClientFault, UserFault
from anabranch.log.branch import BranchPoint
from anabranch.log.log import Log
from anabranch.metastore.api import (
    Actor,
    BrokerRow,
    Committed,
    Endpoint,
    Metastore,
    OffsetAction,
    Topic,
)
from anabranch.recovery import observe, points, quota
from anabranch.recovery.model import Position, Volume, topic_id_text
from anabranch.recovery.plan import Plan
from anabranch.recovery.session import (
    CANCEL_KIND,
    KIND,
    Branch,
    Progress,
    Session,
    Span,
    StagingSink,
    Status,
    by_branch,
    ended,
    left,
    progress,
    sampled,
    started,
    verdict_of_exit,
)
from anabranch.recovery.sinks import locations
from anabranch.recovery.sinks.source import SOURCES_VARIABLE, Source, sources_to_environment
from anabranch.recovery.times import time_text

POLL_S = 0.25  # how often committed offsets are read
SAVE_EVERY_MS = 1000  # how often the session's document is rewritten
LEASE_MS = 10_000  # a dead runner blocks a resume no longer than this
STOP_GRACE_S = 10.0  # between SIGTERM and SIGKILL: time to finish a batch and commit
LAST_WORDS_BYTES = 4096

RECOVERY_LANE = "recovery"  # the brokers that replays use if there are any
BROKER_SILENT_MS_MAX = 5_000  # a broker that beat since then is likely to live
BOOTSTRAP_MAX = 3  # brokers named to a command; from one of them it learns the others

OnProgress = Callable[[Progress], None]


def session_id(now_ms: int, token: str) -> str:
    """``r-20260301-140500-9f2c``; also the staging line's name and part of the branch's."""
    return "r" + points.point_id(now_ms, token)[1:]


async def prepare(
    log: Log,
    plan: Plan,
    *,
    token: str,
    now_ms: int,
    command: Sequence[str],
    bootstrap: str,
    creator: str,
    security_protocol: str = "PLAINTEXT",
    rate: int | None = None,
    sink: str | Path | None = None,
) -> Session:
    """Make the session: branches at the plan's ends, start offsets committed, staging filled.

    Nothing of the live stream is touched: not its topics, its group or its sink's live line.
    Raises UserFault if the plan cannot be carried out on the log as it stands now.
    """
    if not plan.feasible:
        raise UserFault(f"plan {plan.id} cannot be carried out: " + "; ".join(plan.problems))
    metastore = log.metastore
    identity = session_id(now_ms, token)
    rate = plan.rate if rate is None else rate
    allowed = await quota.load(metastore)
    if allowed is not None:
        rate = min(rate, allowed)
    sources = {
        topic_id_text(topic.id): topic
        for topic in await observe.topics_named(metastore, plan.incident.topics)
    }
    staging = locations.open_lines(str(sink)) if sink is not None else None
    if staging is not None:
        checkpoint = Path(plan.checkpoint.location) if plan.checkpoint else None
        if plan.checkpoint is not None:
            sentence = points.examine_checkpoint(plan.checkpoint)
            if sentence:
                raise UserFault(sentence)
        staging.stage(identity, checkpoint, now_ms)
    branches: list[Branch] = []
    made: list[Topic] = []
    try:
        for topic_id, topic in sources.items():
            branched = await _branch(log, plan, topic, topic_id, identity, rate)
            made.append(branched)
            branches.append(Branch(topic.name, topic_id, branched.name, topic_id_text(branched.id)))
        session = Session(
            id=identity,
            plan=plan.id,
            plan_hash=plan.hash,
            cluster_id=plan.cluster_id,
            live_group=plan.incident.group,
            group=f"replay.{identity}",
            branches=tuple(branches),
            spans=tuple(
                Span(p.topic, p.topic_id, p.partition, p.restart, p.end, p.volume.bytes)
                for p in plan.partitions
            ),
            rate=rate,
            command=tuple(command),
            bootstrap=bootstrap,
            security_protocol=security_protocol,
            sink=StagingSink(staging.location, identity) if staging else None,
            creator=creator,
            created_ms=now_ms,
            status=Status.PREPARED,
        )
        await _commit_starts(metastore, session, made, now_ms)
        await save(metastore, session, now_ms)
    except BaseException:
        for branched in made:
            await log.delete_topic(branched)
        if staging is not None:
            staging.drop(identity)
        raise
    finally:
        if staging is not None:
            staging.close()
    return session


async def _branch(
    log: Log, plan: Plan, topic: Topic, topic_id: str, identity: str, rate: int
) -> Topic:
    planned = [part for part in plan.partitions if part.topic_id == topic_id]
    if len(planned) == 0:
        raise UserFault(
            f"topic “{topic.name}” was recreated since plan {plan.id} was made; make a new plan"
        )
    for part in planned:
        state = await log.metastore.partition(topic.no, part.partition)
        if state is None or state.log_start > part.restart:
            raise UserFault(
                f"{topic.name}:{part.partition}: the log start has passed the planned restart "
                f"{part.restart:,}; make a new plan"
            )
    ends = {part.partition: part.end for part in planned}
    branched = await log.branch(
        topic, f"{topic.name}.{identity}", BranchPoint(offsets=ends, label=plan.id)
    )
    # The replay's input must not expire under it, and carries the replay's own speed limit.
    share = _share(plan, topic_id, rate)
    configs = {
        **branched.configs,
        "fetch.bytes.per.second": str(share),
        "retention.ms": "-1",
        "retention.bytes": "-1",
    }
    return await log.set_configs(branched, configs)


def _share(plan: Plan, topic_id: str, rate: int) -> int:
    """A topic's part of the rate: by bytes, so that all topics end together."""
    total = plan.volume.bytes
    own = sum(part.volume.bytes for part in plan.partitions if part.topic_id == topic_id)
    return max(1, rate * own // total) if total and own else rate


async def _commit_starts(
    metastore: Metastore, session: Session, made: Sequence[Topic], now_ms: int
) -> None:
    numbers = {topic_id_text(topic.id): topic.no for topic in made}
    by_source = {branch.topic_id: numbers[branch.branch_id] for branch in session.branches}
    offsets = [
        Committed(by_source[span.topic_id], span.partition, span.start, -1, "", now_ms)
        for span in session.spans
    ]
    actor = _actor(session, f"start of replay {session.id}, {session.plan}")
    await metastore.commit_offsets(session.group, offsets, OffsetAction.RESET, actor, now_ms)


def _actor(session: Session, reason: str) -> Actor:
    return Actor(
        principal=f"User:{session.creator}",
        client_id="anabranch",
        host="",
        api="replay",
        reason=reason,
    )


async def find(metastore: Metastore, identity: str) -> Session:
    """Raises UserFault."""
    document = await metastore.document(KIND, identity)
    if document is None:
        raise UserFault(
            f"there is no replay “{identity}”; `anabranch replay --list` shows what there is"
        )
    return msgspec.json.decode(document.body, type=Session)


async def stored(metastore: Metastore) -> list[Session]:
    """Every session, oldest first."""
    return [msgspec.json.decode(d.body, type=Session) for d in await metastore.documents(KIND)]


async def request_cancel(metastore: Metastore, session: Session, now_ms: int) -> None:
    """Ask the runner to stop; a session that nobody runs is cancelled at once."""
    if session.status in (Status.COMPLETED, Status.CANCELLED):
        raise UserFault(f"replay {session.id} is {session.status} already")
    await metastore.put_document(CANCEL_KIND, session.id, b"{}", now_ms)
    holder = f"cancel-{os.getpid()}"
    if await _take_lease(metastore, session, holder):
        session = ended(session, Status.CANCELLED, now_ms, exit_status=None, error="cancelled")
        await save(metastore, session, now_ms)
        await metastore.release_lease(_lease(session), holder)


async def discard(log: Log, session: Session, now_ms: int) -> None:
    """Delete the session's branches and its group; the document stays as evidence."""
    names = {topic.name: topic for topic in await log.metastore.topics()}
    for branch in session.branches:
        topic = names.get(branch.branch)
        if topic is not None and topic_id_text(topic.id) == branch.branch_id:
            await log.delete_topic(topic)
    await log.metastore.delete_group(session.group, _actor(session, "discarded"), now_ms)


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
    ) -> None:
        self._metastore = metastore
        self.session = session
        self._output = output
        self._environ = environ
        self._clock_ms = clock_ms
        self.on_progress = on_progress
        self._holder = f"{os.getpid()}-{clock_ms()}"
        self._saved_ms = 0
        self._numbers: dict[int, Branch] = {}

    async def run(self) -> Session:
        """Start the command (again) and see it through. Raises UserFault if it may not run now."""
        session, now_ms = self.session, self._clock_ms()
        if session.status in (Status.COMPLETED, Status.CANCELLED):
            raise UserFault(f"replay {session.id} is {session.status}; there is nothing to resume")
        if not await _take_lease(self._metastore, session, self._holder):
            raise UserFault(
                f"replay {session.id} is running already (or its runner died within the last "
                f"{LEASE_MS // 1000} s: then try again shortly)"
            )
        await self._metastore.delete_document(CANCEL_KIND, session.id)
        await self._learn_topics()
        self.session = started(session, now_ms)
        await self._save()
        try:
            await self._see_through()
        except asyncio.CancelledError:
            self._end(
                Status.INTERRUPTED, None, f"interrupted; `replay --resume {session.id}` goes on"
            )
            await self._save()
            raise
        except ClientFault as fault:
            self._end(Status.FAILED, None, str(fault))
            await self._save()
            raise
        finally:
            await self._metastore.release_lease(_lease(session), self._holder)
        await self._save()
        return self.session

    async def _see_through(self) -> None:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.session.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self._command_environment(),
                    start_new_session=True,  # a Ctrl-C is ours to pass on
                )
            except OSError as error:
                self._end(Status.FAILED, None, f"the command cannot be started: {error}")
                return
            waiting = asyncio.ensure_future(process.wait())
            try:
                await self._watch(waiting)
            finally:
                if not waiting.done():
                    await _stop(process, waiting)
        remaining = await self._remaining()
        exit_status = waiting.result()
        if self.session.status is Status.CANCELLED:
            self._end(Status.CANCELLED, exit_status, self.session.error)
            return
        status, sentence = verdict_of_exit(exit_status, remaining, self._last_words())
        self._end(status, exit_status, sentence)

    async def _watch(self, waiting: asyncio.Future[int]) -> None:
        """Until the end offsets are committed, the command ended, or somebody cancels."""
        while True:
            now_ms = self._clock_ms()
            remaining = await self._remaining()
            self.session = sampled(self.session, remaining, now_ms)
            current = progress(self.session, remaining, now_ms)
            self.on_progress(current)
            if current.finished or waiting.done():
                return
            if await self._metastore.document(CANCEL_KIND, self.session.id) is not None:
                self.session = structs.replace(
                    self.session, status=Status.CANCELLED, error="cancelled"
                )
                return
            if now_ms - self._saved_ms >= SAVE_EVERY_MS:
                await _take_lease(self._metastore, self.session, self._holder)
                await self._save()
            await asyncio.wait([waiting], timeout=POLL_S)

    def _command_environment(self) -> dict[str, str]:
        session = self.session
        sources = {
            branch.branch: Source(session.cluster_id, branch.topic_id, branch.topic)
            for branch in session.branches
        }
        environment = {
            **self._environ,
            "ANABRANCH_BOOTSTRAP": session.bootstrap,
            "ANABRANCH_SECURITY_PROTOCOL": session.security_protocol,
            "ANABRANCH_GROUP": session.group,
            "ANABRANCH_SESSION": session.id,
            "ANABRANCH_TOPICS": json.dumps({b.topic: b.branch for b in session.branches}),
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
        positions = [
            Position(
                self._numbers[committed.topic_no].topic,
                self._numbers[committed.topic_no].topic_id,
                committed.partition,
                committed.offset,
            )
            for committed in await self._metastore.committed(self.session.group)
            if committed.topic_no in self._numbers
        ]
        return left(self.session.spans, positions)

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
        self._saved_ms = self._clock_ms()
        await save(self._metastore, self.session, self._saved_ms)


async def _stop(process: asyncio.subprocess.Process, waiting: asyncio.Future[int]) -> None:
    """SIGTERM to the command's process group, SIGKILL if it does not end within the grace."""
    for signal_number, grace in ((signal.SIGTERM, STOP_GRACE_S), (signal.SIGKILL, None)):
        try:
            os.killpg(process.pid, signal_number)
        except ProcessLookupError:
            pass
        done, _ = await asyncio.wait([waiting], timeout=grace)
        if done:
            return


async def save(metastore: Metastore, session: Session, now_ms: int) -> None:
    """Store the session's document."""
    await metastore.put_document(KIND, session.id, msgspec.json.encode(session), now_ms)


def _lease(session: Session) -> str:
    return f"replay:{session.id}"


async def _take_lease(metastore: Metastore, session: Session, holder: str) -> bool:
    """By the metastore's time: runners on several machines must agree on when a lease is over."""
    now_ms = await metastore.now_ms()
    return await metastore.acquire_lease(_lease(session), holder, LEASE_MS, now_ms)


async def default_bootstrap(
    metastore: Metastore, now_ms: int, listener: str | None = None
) -> tuple[str, str]:
    """Where the command is to connect, and by which protocol: to the recovery lane if it has brokers, else to the
    live ones, at ``listener`` (without one, at the first that they have).

    ``now_ms`` is the metastore's. A comma-separated list, as clients take it. Raises UserFault if no broker is registered,
    or none has the listener.
    """
    brokers = await metastore.brokers()
    if not brokers:
        raise UserFault("no broker runs on this data: start `anabranch up`, or give --bootstrap")
    living = [one for one in brokers if now_ms - one.heartbeat_ms < BROKER_SILENT_MS_MAX]
    apart = [one for one in living if one.lane == RECOVERY_LANE]
    newest = max(brokers, key=lambda broker: broker.started_ms)
    chosen = (apart or living or [newest])[:BOOTSTRAP_MAX]
    places = [place for broker in chosen if (place := _endpoint(broker, listener)) is not None]
    if not places:
        known = sorted({one.listener for broker in chosen for one in broker.endpoints})
        raise UserFault(f"no broker has a listener {listener}; there are {', '.join(known)}")
    return ",".join(map(_address, places)), places[0].protocol


def _endpoint(broker: BrokerRow, listener: str | None) -> Endpoint | None:
    if not broker.endpoints:
        return Endpoint("PLAINTEXT", "PLAINTEXT", broker.host, broker.port)
    wanted = broker.endpoints[0].listener if listener is None else listener
    return next((one for one in broker.endpoints if one.listener == wanted), None)


def _address(place: Endpoint) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(place.host, place.host)
    return f"[{host}]:{place.port}" if ":" in host else f"{host}:{place.port}"


def summary(session: Session) -> str:
    """One line for people."""
    total = session.total
    text = f"{session.id}  {session.status}  {total.records:,} records  {session.live_group}"
    return f"{text}  since {time_text(session.created_ms)}"
