"""Replay into a Python function over Arrow: no broker, no consumer, the same session.

    from anabranch.recovery.replays.function import replay_function

    def rebuild(batch: pyarrow.RecordBatch) -> None: ...

    session = replay_function("anabranch-data", "plan-3f2a…", rebuild, rate=64 * 2**20)

The input is the session's branch, so retention cannot take it away while it is read; how far the
function is, is committed for the session's group after each batch, so an interrupted replay resumes.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from anabranch.errors import UserFault
from anabranch.log.location import Location
from anabranch.log.log import Log
from anabranch.log.reader import READ_BYTES, Split, plan_splits
from anabranch.metastore.api import Committed, OffsetAction, Topic
from anabranch.recovery.capture import points
from anabranch.recovery.model import Position, topic_id_text
from anabranch.recovery.observe import committed_positions
from anabranch.recovery.plans import planning
from anabranch.recovery.replays import feeding, merging, replay, sessions, signals
from anabranch.recovery.replays.filters import Filters
from anabranch.recovery.replays.guards import Guards
from anabranch.recovery.replays.keeping import Keeper, LoopThread
from anabranch.recovery.replays.pacing import EventPace, Pacer
from anabranch.recovery.replays.session import (
    Branch,
    Session,
    Status,
    ended,
    left,
    marked,
    paused,
    progress,
    sampled,
    saturated,
    started,
    throttled,
    unpaused,
    used_rate,
)

if TYPE_CHECKING:
    import pyarrow as pa

SAVE_EVERY_MS: Final = 1000  # how often the session's document is rewritten
WAIT_S: Final = 0.25  # no wait is longer before wishes are looked at


def replay_function(
    data: str | Path | Location,
    plan: str | None,
    function: Callable[[pa.RecordBatch], Any],
    *,
    resume: str | None = None,
    rate: int | None = None,
    record_rate: int | None = None,
    floor: int | None = None,
    guards: Guards | None = None,
    pressure: signals.Callback | None = None,
    processes: int = 0,
    ordered: bool = True,
    in_event_order: bool = False,
    pace: float | None = None,
    memory_bytes: int = merging.MEMORY_BYTES,
    filters: Filters | None = None,
    dead_letters: Path | str | None = None,
    on_result: Callable[[Any], None] = lambda _: None,
    on_progress: replay.OnProgress = lambda _: None,
    clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    sleep: Callable[[float], None] = time.sleep,
) -> Session:
    """Call ``function`` with every record of a plan's range, as Arrow record batches.

    Args:
        data: the cluster's data directory, its metastore's URL, or a ``Location``.
        plan: a plan's id or file; None with ``resume``.
        function: called with batches of one partition in offset order (or of all, see ``in_event_order``).
            When it returns, its batch counts as done; if it raises, the session fails and can be resumed at
            that batch.
        resume: the id of a session to go on with.
        rate: log bytes per second at most; default: the plan's.
        record_rate: records per second at most; default: no limit.
        floor: the least to which ``guards`` and ``pressure`` slow it.
        guards: what it makes room for; default: nothing.
        pressure: tells how full the function's sink is, once a second; above 1 the session slows down.
        processes: work in so many other processes, split by split; 0: in this thread. ``function`` and what it
            returns are pickled then, and a split's batches count as done together.
        ordered: with ``processes``, of each partition one split at a time, in offset order. False lets any splits
            run at the same time; after an interruption, some that were done come again.
        in_event_order: one stream over all partitions and topics by event time, see
            :mod:`anabranch.recovery.replays.merging`; batches hold rows of many partitions.
        pace: with ``in_event_order``, event time passes so many times as fast as the clock (1: as recorded);
            default: as fast as allowed.
        memory_bytes: with ``in_event_order``, about how much decoded input is held.
        filters: records that are left out or mended, see :mod:`anabranch.recovery.replays.filters`.
        dead_letters: where these are put aside, see :func:`replay.prepare`; default: ``replays`` in the data directory.
        on_result: called in this thread with what ``function`` returned, before its batch counts as done.
        on_progress: called after each batch.
        clock_ms: milliseconds since the epoch.
        sleep: waits the given seconds to hold the rate.

    Returns:
        The session: completed, or cancelled by somebody.

    Raises:
        UserFault: no such plan or session, or one that cannot run. Whatever ``function`` raises, with a note that
            names the session.
    """
    if pace is not None and not in_event_order:
        raise UserFault("a pace of event time needs in_event_order=True")
    if in_event_order and processes:
        raise UserFault("event-time order is one stream: it cannot be given to several processes")
    if processes:
        feeding.pickled_for(function, processes)
    with LoopThread(data) as loop:
        session = loop.run(
            _session(
                loop.log, plan, resume, function, clock_ms(),
                {"rate": rate, "record_rate": record_rate, "floor": floor, "guards": guards},
                filters, dead_letters or Location.of(data).files / "replays",
            )
        )  # fmt: skip
        drive = _Drive(loop, session, pressure, on_result, on_progress, clock_ms, sleep)

        def feed(splits: list[Split]) -> Iterator[feeding.Unit]:
            if processes:
                return feeding.in_processes(
                    splits, function, drive.replan, processes=processes, ordered=ordered
                )
            if in_event_order:
                event_pace = drive.event_pace = None if pace is None else EventPace(pace)
                return feeding.in_event_order(
                    splits, function, drive.replan,
                    pace=event_pace, wait=drive.wait, lateness=drive.lateness,
                )  # fmt: skip
            return feeding.one_by_one(splits, function, drive.replan)

        size = READ_BYTES
        if in_event_order:
            size = merging.split_bytes(memory_bytes, len(session.spans))
        return drive.run(feed, size)


async def _session(
    log: Log,
    plan: str | None,
    resume: str | None,
    function: Callable[..., Any],
    now_ms: int,
    rates: dict[str, Any],
    filters: Filters | None,
    dead_letters: Path | str,
) -> Session:
    if resume is not None:
        session = await replay.settle(log, await sessions.find(log.metastore, resume), now_ms)
        if session.status in (Status.COMPLETED, Status.CANCELLED):
            raise UserFault(f"replay {session.id} is {session.status}; there is nothing to resume")
        given = {name: value for name, value in rates.items() if value is not None}
        return structs.replace(session, **given)
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
        kind="function",
        filters=filters,
        dead_letters=dead_letters,
        **rates,
    )


class _Drive:
    """One run of a session by a function. What the loop's thread learns is taken in after each batch."""

    def __init__(
        self,
        loop: LoopThread,
        session: Session,
        pressure: signals.Callback | None,
        on_result: Callable[[Any], None],
        on_progress: replay.OnProgress,
        clock_ms: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> None:
        self._loop = loop
        self._log = loop.log
        self._session = session
        self._on_result = on_result
        self._on_progress = on_progress
        self._clock_ms = clock_ms
        self._sleep = sleep
        self._keeper = Keeper(loop.log, session, pressure, f"{os.getpid()}-{clock_ms()}")
        self._topics: dict[str, tuple[Branch, Topic]] = {}  # by the branch's name
        self._reached: dict[feeding.Key, int] = {}
        self._saved_ms = 0
        self._busy_s = 0.0
        self._split_bytes = READ_BYTES
        self.lateness = merging.Lateness()
        self.event_pace: EventPace | None = None

    def run(
        self, feed: Callable[[list[Split]], Iterator[feeding.Unit]], split_bytes: int
    ) -> Session:
        """Raises what the function raises."""
        self._split_bytes = split_bytes
        self._loop.run(self._keeper.start())
        try:
            self._session = started(self._session, self._clock_ms())
            self._session = structs.replace(self._session, allowed=self._keeper.rate)
            self._save()
            try:
                self._see_through(feed(self._loop.run(self._plan())))
            except BaseException as error:
                status = Status.FAILED if isinstance(error, Exception) else Status.INTERRUPTED
                self._end(status, f"{type(error).__name__}: {error}")
                error.add_note(
                    f"replay {self._session.id} goes on from there: --resume {self._session.id}"
                )
                raise
        finally:
            self._loop.run(self._keeper.stop())
        return self._session

    def _see_through(self, units: Iterator[feeding.Unit]) -> None:
        pacer = Pacer(self._clock_ms() / 1000)
        spans = {(self._branch_of(s.topic_id), s.partition): s for s in self._session.spans}
        try:
            for unit in units:
                for result in unit.results:
                    self._on_result(result)
                self._commit(unit.reached)
                records = sum(unit.records.values())
                size = sum(
                    spans[key].bytes * count / max(1, spans[key].end - spans[key].start)
                    for key, count in unit.records.items()
                )
                self._busy_s += unit.busy_s
                self._look()
                if self._keeper.cancelled:
                    self._end(Status.CANCELLED, "cancelled")
                    return
                session = self._session
                record_rate = None
                if session.record_rate is not None:
                    record_rate = session.record_rate * self._keeper.rate / session.rate
                now_s = self._clock_ms() / 1000
                wait_s = pacer.given(now_s, size, records, self._keeper.rate, record_rate)
                self.wait(wait_s)
                self._stand_still()
        finally:
            close = getattr(units, "close", None)
            if close is not None:
                close()  # threads and processes of the feed end with it
        if self._keeper.cancelled:
            self._end(Status.CANCELLED, "cancelled")
            return
        # What lies behind the last record, markers or holes, is done as well.
        self._commit(
            {(self._branch_of(s.topic_id), s.partition): s.end for s in self._session.spans}
        )
        self._look()
        self._end(Status.COMPLETED, "")

    # -- waiting -----------------------------------------------------------------------------------
    def wait(self, seconds: float) -> None:
        """For events that are not due yet; wishes are heard meanwhile."""
        while seconds > 0 and not self._keeper.cancelled:
            part = min(seconds, WAIT_S)
            self._sleep(part)
            seconds -= part
            self._stand_still()
            self._look()

    def _stand_still(self) -> None:
        """While somebody wants a pause."""
        if not self._keeper.paused or self._keeper.cancelled:
            return
        began = time.monotonic()
        self._session = paused(self._session, self._clock_ms())
        self._save()
        while self._keeper.paused and not self._keeper.cancelled:
            time.sleep(WAIT_S)
            self._keeper.check()
        self._session = unpaused(self._session, self._clock_ms())
        if self.event_pace is not None:
            self.event_pace.paused(time.monotonic() - began)

    # -- where it is ---------------------------------------------------------------------------------
    def _look(self) -> None:
        """Take in what the keeper learned; sample, tell, save. Raises LostLease."""
        self._keeper.check()
        now_ms = self._clock_ms()
        for step in self._keeper.steps():
            self._session = saturated(self._session, step.saturation)
            self._session = throttled(self._session, step.rate, step.cause, now_ms)
        remaining = left(self._session.spans, self._positions())
        self._session = structs.replace(
            sampled(self._session, remaining, now_ms),
            late_records=self.lateness.records,
            late_ms_max=self.lateness.late_ms_max,
        )
        current = progress(self._session, remaining, now_ms)
        self._session = marked(self._session, current)
        self._keeper.doing(used_rate(self._session, now_ms) or 0.0, self._busy_s)
        self._on_progress(current)
        if now_ms - self._saved_ms >= SAVE_EVERY_MS:
            self._save()

    def _positions(self) -> list[Position]:
        return [
            Position(self._topics[name][0].topic, self._topics[name][0].topic_id, partition, offset)
            for (name, partition), offset in self._reached.items()
        ]

    def _branch_of(self, topic_id: str) -> str:
        return next(b.branch for b in self._session.branches if b.topic_id == topic_id)

    def _commit(self, reached: dict[feeding.Key, int]) -> None:
        changed = {key: end for key, end in reached.items() if end > self._reached.get(key, -1)}
        if not changed:
            return
        self._reached |= changed
        now_ms = self._clock_ms()
        offsets = [
            Committed(self._topics[name][1].no, partition, end, -1, "", now_ms)
            for (name, partition), end in changed.items()
        ]
        who = sessions.actor(self._session, "", "replay_function")
        self._loop.run(
            self._log.metastore.commit_offsets(
                self._session.group, offsets, OffsetAction.COMMIT, who, now_ms
            )
        )

    def _end(self, status: Status, error: str) -> None:
        code = 0 if status is Status.COMPLETED else None
        self._session = ended(
            self._session, status, self._clock_ms(), exit_status=code, error=error
        )
        self._save()

    def _save(self) -> None:
        self._keeper.check()
        self._saved_ms = self._clock_ms()
        self._loop.run(sessions.save(self._log.metastore, self._session, self._saved_ms))

    # -- what is read ----------------------------------------------------------------------------------
    async def _plan(self) -> list[Split]:
        splits: list[Split] = []
        for branch in self._session.branches:
            topic = self._log.catalogue.topic(branch.branch)
            if topic is None or topic_id_text(topic.id) != branch.branch_id:
                raise UserFault(f"the branch “{branch.branch}” of this replay was deleted")
            self._topics[branch.branch] = branch, topic
        committed = {
            (position.topic, position.partition): position.offset
            for position in await committed_positions(
                self._log.metastore, self._session.group, list(self._topics)
            )
        }
        for name, (branch, topic) in self._topics.items():
            spans = [span for span in self._session.spans if span.topic_id == branch.topic_id]
            for span in spans:
                at = max(span.start, committed.get((name, span.partition), span.start))
                self._reached[name, span.partition] = at
            splits += await plan_splits(
                self._log,
                topic,
                start={span.partition: self._reached[name, span.partition] for span in spans},
                end={span.partition: span.end for span in spans},
                partitions=[span.partition for span in spans],
                split_bytes=self._split_bytes,
            )
        return splits

    def replan(self, split: Split) -> list[Split]:
        """For a split whose objects were merged away meanwhile."""
        _, topic = self._topics[split.topic]
        return self._loop.run(
            plan_splits(
                self._log,
                topic,
                start={split.partition: split.start_offset},
                end={split.partition: split.end_offset},
                partitions=[split.partition],
                split_bytes=self._split_bytes,
            )
        )
