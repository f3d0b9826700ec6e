"""Replay into a Python function over Arrow: no broker, no consumer, the same session.

    from anabranch.recovery.function import replay_function

    def rebuild(batch: pyarrow.RecordBatch) -> None: ...

    session = replay_function("anabranch-data", "plan-3f2a…", rebuild, rate=64 * 2**20)

The input is the session's branch, so retention cannot take it away while it is read; how far the
function is, is committed for the session's group after each batch, so an interrupted replay resumes.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.opening import open_log
from anabranch.log.reader import plan_splits, read_splits
from anabranch.metastore.api import Actor, Committed, OffsetAction, Topic
from anabranch.recovery import planning, points, replay
from anabranch.recovery.model import Position, Volume, positions_by_key
from anabranch.recovery.observe import committed_positions
from anabranch.recovery.session import (
    Branch,
    Session,
    Span,
    Status,
    ended,
    left,
    progress,
    sampled,
    started,
)

if TYPE_CHECKING:
    import pyarrow as pa


def replay_function(
    data: str | Path | Location,
    plan: str | None,
    function: Callable[[pa.RecordBatch], Any],
    *,
    resume: str | None = None,
    rate: int | None = None,
    on_progress: replay.OnProgress = lambda _: None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    sleep: Callable[[float], None] = time.sleep,
) -> Session:
    """Call ``function`` with every record of a plan's range, as Arrow record batches.

    Args:
        data: the cluster's data directory, its metastore's URL, or a ``Location``.
        plan: a plan's id or file; None with ``resume``.
        function: called with batches of one partition in offset order. When it returns, its batch
            counts as done; if it raises, the session fails and can be resumed at that batch.
        resume: the id of a session to go on with.
        rate: log bytes per second; default: the plan's.
        on_progress: called after each batch.
        clock_ms: milliseconds since the epoch.
        sleep: waits the given seconds to hold the rate.

    Returns:
        The completed session.

    Raises:
        UserFault: no such plan or session, or one that cannot run. Whatever ``function`` raises.
    """
    with asyncio.Runner() as runner:
        log = runner.run(open_log(data, broker_id=None))
        try:
            session = runner.run(_session(log, plan, resume, function, rate, clock_ms()))
            return _drive(runner, log, session, function, on_progress, clock_ms, sleep)
        finally:
            runner.run(log.close())


async def _session(
    log: Log,
    plan: str | None,
    resume: str | None,
    function: Callable[..., Any],
    rate: int | None,
    now_ms: int,
) -> Session:
    if resume is not None:
        session = await replay.find(log.metastore, resume)
        if session.status is Status.COMPLETED:
            raise UserFault(f"replay {session.id} is completed; there is nothing to resume")
        return session
    if plan is None:
        raise UserFault("name the plan to replay, or the session to resume")
    return await replay.prepare(
        log,
        await planning.find(log.metastore, plan),
        token=secrets.token_hex(2),
        now_ms=now_ms,
        command=("python", getattr(function, "__qualname__", repr(function))),
        bootstrap="",
        creator=points.whoami(),
        rate=rate,
    )


def _drive(
    runner: asyncio.Runner,
    log: Log,
    session: Session,
    function: Callable[[pa.RecordBatch], Any],
    on_progress: replay.OnProgress,
    clock_ms: Callable[[], int],
    sleep: Callable[[float], None],
) -> Session:
    metastore = log.metastore
    session = started(session, clock_ms())
    runner.run(replay.save(metastore, session, clock_ms()))
    begun_ms, bytes_done = clock_ms(), 0.0
    try:
        for branch in session.branches:
            topic = log.catalogue.topic(branch.branch)
            if topic is None:
                raise UserFault(f"the branch “{branch.branch}” of this replay was deleted")
            spans = {s.partition: s for s in session.spans if s.topic_id == branch.topic_id}
            starts = runner.run(_reached(log, session, branch, topic, spans))
            splits = runner.run(plan_splits(log, topic, start=starts))
            for batch in read_splits(splits):
                function(batch)
                partition = batch["partition"][0].as_py()
                span = spans[partition]
                done = batch["offset"][batch.num_rows - 1].as_py() + 1
                bytes_done += span.bytes * batch.num_rows / max(1, span.end - span.start)
                remaining = runner.run(
                    _commit(log, session, branch, topic, partition, done, clock_ms())
                )
                session = sampled(session, remaining, clock_ms())
                on_progress(progress(session, remaining, clock_ms()))
                ahead = bytes_done / session.rate - (clock_ms() - begun_ms) / 1000
                if ahead > 0:
                    sleep(ahead)
    except BaseException as error:
        status = Status.FAILED if isinstance(error, Exception) else Status.INTERRUPTED
        session = ended(
            session, status, clock_ms(), exit_status=None, error=f"{type(error).__name__}: {error}"
        )
        runner.run(replay.save(metastore, session, clock_ms()))
        raise
    session = ended(session, Status.COMPLETED, clock_ms(), exit_status=0)
    runner.run(replay.save(metastore, session, clock_ms()))
    return session


async def _reached(
    log: Log, session: Session, branch: Branch, topic: Topic, spans: dict[int, Span]
) -> dict[int, int]:
    committed = positions_by_key(
        await committed_positions(log.metastore, session.group, [topic.name])
    )
    reached = {}
    for partition, span in spans.items():
        position = committed.get((branch.branch_id, partition))
        reached[partition] = max(span.start, position.offset) if position else span.start
    return reached


async def _commit(
    log: Log,
    session: Session,
    branch: Branch,
    topic: Topic,
    partition: int,
    offset: int,
    now_ms: int,
) -> Volume:
    actor = Actor(
        principal=f"User:{session.creator}", client_id="anabranch", host="", api="replay_function"
    )
    await log.metastore.commit_offsets(
        session.group,
        [Committed(topic.no, partition, offset, -1, "", now_ms)],
        OffsetAction.COMMIT,
        actor,
        now_ms,
    )
    sources = {b.branch_id: b for b in session.branches}
    positions = [
        Position(sources[p.topic_id].topic, sources[p.topic_id].topic_id, p.partition, p.offset)
        for p in await committed_positions(log.metastore, session.group)
        if p.topic_id in sources
    ]
    return left(session.spans, positions)
