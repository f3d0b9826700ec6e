"""A corrected processor beside the live one: it reads the live topics on, until it is good enough to take over.

A replay ends where its plan says; a *shadow* goes on with live. It reads the live topics themselves, from the
recovery lane where there is one, with a group of its own and into a staging line of its own, so nothing of the live
stream is touched (I7). When it is stopped it becomes a completed replay session that ends where it stood:
``promote SESSION`` hands over exactly there, and undoes it.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct, structs

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.metastore.api import Actor, Committed, Metastore, OffsetAction
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.model import SCHEMA_VERSION, Position, topic_id_text
from anabranch.recovery.replays import processes, sessions
from anabranch.recovery.replays.places import default_bootstrap
from anabranch.recovery.replays.session import Process, Run, Session, Span, StagingSink, Status
from anabranch.recovery.sinks import locations
from anabranch.recovery.sinks.source import SOURCES_VARIABLE, Source, sources_to_environment

KIND: Final = "shadow"
STOP_KIND: Final = "shadow-stop"
POLL_S: Final = 0.25  # how often committed offsets are read
SAVE_EVERY_MS: Final = 1000
LEASE_MS: Final = 10_000  # a dead runner blocks the next no longer than this
LAST_WORDS_BYTES: Final = 4096
_NAME = re.compile(r"[a-zA-Z0-9._-]{1,60}")


class State(StrEnum):
    """Where a shadow is in its life. ``stopped``: it is a session now, to be verified and promoted."""

    PREPARED = "prepared"
    RUNNING = "running"
    FAILED = "failed"  # its command ended by itself; ``start`` with the same name goes on
    STOPPED = "stopped"


class Lag(Struct, frozen=True):
    """One partition: where the shadow, the live group and the log stand."""

    topic: str
    partition: int
    shadow: int
    live: int | None
    end: int


class Shadow(Struct, frozen=True, kw_only=True):
    """A processor that runs beside the live one."""

    name: str
    live_group: str
    group: str
    cluster_id: str
    starts: tuple[Position, ...]
    command: tuple[str, ...]
    sink: StagingSink | None
    bootstrap: str
    security_protocol: str
    creator: str
    created_ms: int
    state: State
    lags: tuple[Lag, ...] = ()
    error: str = ""
    process: Process | None = None
    session: str | None = None  # what it became
    schema_version: int = SCHEMA_VERSION

    @property
    def behind(self) -> int:
        """Records that the live group has dealt with and the shadow has not."""
        return sum(max(0, each.live - each.shadow) for each in self.lags if each.live is not None)


async def prepare(
    log: Log,
    name: str,
    *,
    group: str,
    command: Sequence[str],
    creator: str,
    now_ms: int,
    point: str | None = None,
    at_ms: int | None = None,
    sink: str | None = None,
    bootstrap: tuple[str, str] | None = None,
) -> Shadow:
    """Make it: from a recovery point (with its checkpoint in the staging line), from where the group stood at
    ``at_ms``, or from where it stands now. Raises UserFault."""
    metastore = log.metastore
    if not _NAME.fullmatch(name):
        raise UserFault(f"“{name}” is no name: letters, digits, dots, dashes, at most 60")
    known = await metastore.document(KIND, name)
    if (
        known is not None
        and msgspec.json.decode(known.body, type=Shadow).state is not State.STOPPED
    ):
        raise UserFault(
            f"there is a shadow “{name}” already; `anabranch shadow stop {name}` ends it"
        )
    starts, checkpoint = await _starts(log, group, point, at_ms)
    line = f"shadow-{name}-{now_ms}"
    if sink is not None:
        with locations.opened_lines(sink) as lines:
            lines.stage(line, checkpoint, now_ms)
            location = lines.location
    place = bootstrap or await default_bootstrap(metastore, await metastore.now_ms())
    shadow = Shadow(
        name=name,
        live_group=group,
        group=f"shadow.{name}",
        cluster_id=topic_id_text(metastore.cluster_id),
        starts=tuple(starts),
        command=tuple(command),
        sink=StagingSink(location, line) if sink is not None else None,
        bootstrap=place[0],
        security_protocol=place[1],
        creator=creator,
        created_ms=now_ms,
        state=State.PREPARED,
    )
    topics = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    rows = [
        Committed(topics[p.topic_id].no, p.partition, p.offset, p.leader_epoch, "", now_ms)
        for p in starts
    ]
    reason = f"start of shadow {name} of {group}"
    await metastore.delete_group(shadow.group, _actor(shadow, reason), now_ms)
    await metastore.commit_offsets(
        shadow.group, rows, OffsetAction.RESET, _actor(shadow, reason), now_ms
    )
    await _save(metastore, shadow, now_ms)
    return shadow


async def begin(
    log: Log,
    name: str,
    *,
    group: str,
    command: Sequence[str],
    creator: str,
    now_ms: int,
    point: str | None = None,
    at_ms: int | None = None,
    sink: str | None = None,
    bootstrap: tuple[str, str] | None = None,
) -> tuple[Shadow, bool]:
    """As :func:`prepare`; or the one of that name whose command failed, to go on with (then False). Raises UserFault."""
    if point is not None and at_ms is not None:
        raise UserFault("a shadow starts from a point or from a time (--since): say one of them")
    document = await log.metastore.document(KIND, name)
    if document is not None:
        known = msgspec.json.decode(document.body, type=Shadow)
        if known.state is State.FAILED:
            return known, False
    made = await prepare(
        log, name, group=group, command=command, creator=creator, now_ms=now_ms, point=point,
        at_ms=at_ms, sink=sink, bootstrap=bootstrap,
    )  # fmt: skip
    return made, True


async def _starts(
    log: Log, group: str, point: str | None, at_ms: int | None
) -> tuple[list[Position], Path | None]:
    metastore = log.metastore
    checkpoint = None
    if point is not None:
        found = await points.find(metastore, point)
        positions = list(found.positions)
        if found.checkpoint is not None:
            if sentence := points.examine_checkpoint(found.checkpoint):
                raise UserFault(sentence)
            checkpoint = Path(found.checkpoint.location)
    elif at_ms is not None:
        positions = [
            Position(each.topic.name, topic_id_text(each.topic.id), c.partition, c.new)
            for each in await observe.group_positions(metastore, group, at_ms)
            if (c := each.change).new is not None and each.topic is not None
        ]
    else:
        positions = await observe.committed_positions(metastore, group)
    if not positions:
        raise UserFault(f"group “{group}” had committed nothing: there is nowhere to start from")
    topics = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    for one in positions:
        topic = topics.get(one.topic_id)
        if topic is None:
            raise UserFault(f"topic “{one.topic}” was deleted or recreated since")
        row = await metastore.partition(topic.no, one.partition)
        if row is None or not row.log_start <= one.offset <= row.next_offset:
            raise UserFault(
                f"{one.topic}:{one.partition} does not hold offset {one.offset:,} (any more): a shadow "
                "cannot start there"
            )
    return positions, checkpoint


class Runner:
    """Runs a shadow's command until somebody stops it. One runner per shadow."""

    def __init__(
        self,
        metastore: Metastore,
        shadow: Shadow,
        *,
        output: Path,
        environ: Mapping[str, str],
        clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        on_look: Callable[[Shadow], None] = lambda _: None,
    ) -> None:
        self._metastore = metastore
        self.shadow = shadow
        self._output = output
        self._environ = environ
        self._clock_ms = clock_ms
        self._on_look = on_look
        self._holder = f"{os.getpid()}-{clock_ms()}"
        self._saved_ms = 0

    async def run(self) -> Shadow:
        """See the command through until :func:`request_stop`, a Ctrl-C, or its own end (which is a failure).

        Raises UserFault if another runner has it, or its command cannot be started.
        """
        if not await self._take_lease():
            raise UserFault(f"shadow “{self.shadow.name}” is running already")
        await self._metastore.delete_document(STOP_KIND, self.shadow.name)
        try:
            if self.shadow.process is not None:
                await processes.stop_orphan(self.shadow.process)
            await self._see_through()
        finally:
            await self._metastore.release_lease(f"shadow:{self.shadow.name}", self._holder)
        return self.shadow

    async def _see_through(self) -> None:
        self._output.parent.mkdir(parents=True, exist_ok=True)
        with self._output.open("ab") as output:
            try:
                process = await asyncio.create_subprocess_exec(
                    *self.shadow.command,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=self._command_environment(),
                    start_new_session=True,
                )
            except OSError as error:
                raise UserFault(f"the command cannot be started: {error}") from None
            self.shadow = structs.replace(
                self.shadow, state=State.RUNNING, error="", process=processes.describe(process.pid)
            )
            await self._save()
            waiting = asyncio.ensure_future(process.wait())
            stopped = False
            try:
                stopped = await self._watch(waiting)
            except asyncio.CancelledError:
                stopped = True
            finally:
                if not waiting.done():
                    await processes.stop(process, waiting)
        if stopped:
            self.shadow = await finish(self._metastore, self.shadow, self._clock_ms())
            return
        words = self._output.read_bytes()[-LAST_WORDS_BYTES:].decode(errors="replace").split("\n")
        last = next((line.strip() for line in reversed(words) if line.strip()), "")
        ended = f"the command ended by itself (exit status {waiting.result()}): {last}"
        self.shadow = structs.replace(self.shadow, state=State.FAILED, error=ended, process=None)
        await self._save()

    async def _watch(self, waiting: asyncio.Future[int]) -> bool:
        """True once somebody wants it stopped, False if the command ended by itself."""
        while not waiting.done():
            self.shadow = structs.replace(
                self.shadow, lags=tuple(await lags(self._metastore, self.shadow))
            )
            self._on_look(self.shadow)
            if await self._metastore.document(STOP_KIND, self.shadow.name) is not None:
                return True
            if self._clock_ms() - self._saved_ms >= SAVE_EVERY_MS:
                if not await self._take_lease():
                    raise UserFault(f"another runner took over shadow “{self.shadow.name}”")
                await self._save()
            await asyncio.wait([waiting], timeout=POLL_S)
        return False

    def _command_environment(self) -> dict[str, str]:
        shadow = self.shadow
        names = {one.topic: one.topic_id for one in shadow.starts}
        starts: dict[str, dict[str, int]] = {}
        for one in shadow.starts:
            starts.setdefault(one.topic, {})[str(one.partition)] = one.offset
        sources = {
            name: Source(shadow.cluster_id, topic_id, name) for name, topic_id in names.items()
        }
        environment = {
            **self._environ,
            "ANABRANCH_BOOTSTRAP": shadow.bootstrap,
            "ANABRANCH_SECURITY_PROTOCOL": shadow.security_protocol,
            "ANABRANCH_GROUP": shadow.group,
            "ANABRANCH_SESSION": shadow.name,
            "ANABRANCH_TOPICS": json.dumps({name: name for name in names}),
            "ANABRANCH_START_OFFSETS": json.dumps(starts),
            "ANABRANCH_END_OFFSETS": "{}",  # it goes on
            SOURCES_VARIABLE: sources_to_environment(sources),
        }
        if shadow.sink is not None:
            environment["ANABRANCH_SINK"] = shadow.sink.path
            environment["ANABRANCH_STAGING"] = shadow.sink.line
        return environment

    async def _take_lease(self) -> bool:
        now_ms = await self._metastore.now_ms()
        return await self._metastore.acquire_lease(
            f"shadow:{self.shadow.name}", self._holder, LEASE_MS, now_ms
        )

    async def _save(self) -> None:
        self._saved_ms = self._clock_ms()
        await _save(self._metastore, self.shadow, self._saved_ms)


async def lags(metastore: Metastore, shadow: Shadow) -> list[Lag]:
    """Where shadow, live group and log stand in each partition that it reads."""
    topics = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    own = {(c.topic_no, c.partition): c.offset for c in await metastore.committed(shadow.group)}
    live = {
        (c.topic_no, c.partition): c.offset for c in await metastore.committed(shadow.live_group)
    }
    keys = {
        (topics[one.topic_id].no, one.partition): one
        for one in shadow.starts
        if one.topic_id in topics
    }
    ends = {
        (row.topic_no, row.partition): row.next_offset
        for row in await metastore.some_partitions(list(keys))
    }
    return [
        Lag(
            one.topic,
            one.partition,
            own.get(key, one.offset),
            live.get(key),
            ends.get(key, one.offset),
        )
        for key, one in keys.items()
    ]


async def request_stop(metastore: Metastore, shadow: Shadow, now_ms: int) -> Shadow | None:
    """Ask its runner to stop it; if nobody runs it, it is finished at once and returned.

    Raises UserFault if it was stopped before.
    """
    if shadow.state is State.STOPPED:
        raise UserFault(f"shadow “{shadow.name}” is stopped already: it became {shadow.session}")
    await metastore.put_document(STOP_KIND, shadow.name, b"{}", now_ms)
    holder = f"stop-{os.getpid()}"
    now = await metastore.now_ms()
    if not await metastore.acquire_lease(f"shadow:{shadow.name}", holder, LEASE_MS, now):
        return None
    try:
        if shadow.process is not None:
            await processes.stop_orphan(shadow.process)
        return await finish(metastore, await find(metastore, shadow.name), now_ms)
    finally:
        await metastore.release_lease(f"shadow:{shadow.name}", holder)


async def stop(metastore: Metastore, name: str, now_ms: int) -> Shadow:
    """Ask for it, and wait until its runner has done it. Raises UserFault."""
    done = await request_stop(metastore, await find(metastore, name), now_ms)
    while done is None:
        await asyncio.sleep(POLL_S)
        found = await find(metastore, name)
        done = found if found.state is State.STOPPED else None
    return done


async def finish(metastore: Metastore, shadow: Shadow, now_ms: int) -> Shadow:
    """Make it a completed session that ends where it stands. With a sink, where that stands: what it committed for
    its group may be behind by what it had not committed yet when it was stopped."""
    found = await lags(metastore, shadow)
    reached = {(each.topic, each.partition): each.shadow for each in found}
    if shadow.sink is not None:
        with locations.opened_lines(shadow.sink.path) as sink:
            rows = {
                (r.topic_id, r.partition): r.next_offset for r in sink.offsets(shadow.sink.line)
            }
        for one in shadow.starts:
            key = (one.topic, one.partition)
            reached[key] = max(reached.get(key, one.offset), rows.get(one.key, one.offset))
    spans = []
    topics = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    for one in shadow.starts:
        end = reached.get((one.topic, one.partition), one.offset)
        no = topics[one.topic_id].no if one.topic_id in topics else None
        size = (
            0
            if no is None
            else (await observe.volume(metastore, no, one.partition, one.offset, end)).bytes
        )
        spans.append(Span(one.topic, one.topic_id, one.partition, one.offset, end, size))
    session = Session(
        id=f"{shadow.sink.line}" if shadow.sink else f"shadow-{shadow.name}-{shadow.created_ms}",
        plan=f"{KIND}:{shadow.name}",
        plan_hash="",
        cluster_id=shadow.cluster_id,
        live_group=shadow.live_group,
        group=shadow.group,
        branches=(),  # it read the topics themselves
        spans=tuple(spans),
        rate=0,
        command=shadow.command,
        bootstrap=shadow.bootstrap,
        security_protocol=shadow.security_protocol,
        sink=shadow.sink,
        creator=shadow.creator,
        created_ms=shadow.created_ms,
        status=Status.COMPLETED,
        runs=(Run(shadow.created_ms, now_ms, 0),),
        kind=KIND,
    )
    await sessions.save(metastore, session, now_ms)
    stopped = structs.replace(
        shadow, state=State.STOPPED, lags=tuple(found), process=None, session=session.id
    )
    await _save(metastore, stopped, now_ms)
    await metastore.delete_document(STOP_KIND, shadow.name)
    return stopped


async def find(metastore: Metastore, name: str) -> Shadow:
    """Raises UserFault."""
    document = await metastore.document(KIND, name)
    if document is None:
        raise UserFault(f"there is no shadow “{name}”; `anabranch shadow list` shows what there is")
    return msgspec.json.decode(document.body, type=Shadow)


async def stored(metastore: Metastore) -> list[Shadow]:
    """Every shadow, oldest first."""
    return [msgspec.json.decode(each.body, type=Shadow) for each in await metastore.documents(KIND)]


async def _save(metastore: Metastore, shadow: Shadow, now_ms: int) -> None:
    await metastore.put_document(KIND, shadow.name, msgspec.json.encode(shadow), now_ms)


def _actor(shadow: Shadow, reason: str) -> Actor:
    return Actor(
        principal=f"User:{shadow.creator}",
        client_id="anabranch",
        host="",
        api="shadow",
        reason=reason,
    )
