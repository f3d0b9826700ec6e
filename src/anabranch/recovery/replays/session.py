"""A replay session as a value: what it reads, how far it is, and when it will be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, structs

from anabranch.recovery.model import SCHEMA_VERSION, Position, Volume, positions_by_key
from anabranch.recovery.replays import eta
from anabranch.recovery.replays.filters import Filtered
from anabranch.recovery.replays.guards import Guards
from anabranch.recovery.replays.throttle import Decision, decided

KIND = "replay"
CANCEL_KIND = "replay-cancel"
PAUSE_KIND = "replay-pause"

SATURATION_MAX = 200  # samples of it; thinned out in the same way
SAMPLES_MAX = 400  # of the burn-down kept in the document; past it every second one is dropped
USED_WINDOW_MS = 10_000  # a command starts, and commits in steps: its best seconds of these count
USED_SPAN_MS = 2000
RATE_WINDOW_MS = 5000  # the rate shown is that of the last seconds


class Status(StrEnum):
    """Where a session is in its life; ``interrupted`` and ``failed`` can be resumed, and ``preparing`` if it was ready
    but for this word."""

    PREPARING = "preparing"  # its dead letters are being given away
    PREPARED = "prepared"
    RUNNING = "running"
    PAUSED = "paused"  # the command lives and is given nothing
    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    CANCELLED = "cancelled"


class Branch(Struct, frozen=True):
    """The branch that stands for a topic during the session."""

    topic: str
    topic_id: str
    branch: str
    branch_id: str


class Span(Struct, frozen=True):
    """Offsets ``[start, end)`` of one partition, with the bytes they hold. ``records``: how many of them a reader of
    committed transactions gets, at most; -1: as many as offsets."""

    topic: str
    topic_id: str
    partition: int
    start: int
    end: int
    bytes: int
    records: int = -1

    @property
    def key(self) -> tuple[str, int]:
        return (self.topic_id, self.partition)

    @property
    def count(self) -> int:
        """Records in it, at most."""
        return self.end - self.start if self.records < 0 else self.records

    def left(self, at: int) -> int:
        """Records from offset ``at`` on, by the mean; none only at the end, since that is where it has to come to."""
        if at >= self.end:
            return 0
        return max(1, self.count * (self.end - at) // (self.end - self.start))


class StagingSink(Struct, frozen=True):
    """The sink (a file, or a URL without a password) and the line in it that the session fills."""

    path: str
    line: str


class Sample(Struct, frozen=True, array_like=True):
    """One point of the burn-down. ``active_ms``: how long the session had run then, without pauses."""

    at_ms: int
    records_left: int
    bytes_left: int
    active_ms: int = 0


class Saturation(Struct, frozen=True, array_like=True):
    """How full the three were: 1 is the most that is allowed, or all there is; None: not known.

    ``broker``: live latency beside what it may be; ``store``: a small read beside what it usually takes;
    ``sink``: its pressure, or the share of the time that a function works.
    """

    at_ms: int
    broker: float | None = None
    store: float | None = None
    sink: float | None = None


class Process(Struct, frozen=True):
    """A process on some machine; ``birth`` tells it from a later one of the same number."""

    host: str
    pid: int
    birth: str


class Run(Struct, frozen=True):
    """One start of the command; ``exit_status`` None while it runs or if its runner died.

    ``process`` is what it ran as, so that a resume finds a command that outlived its runner.
    """

    started_ms: int
    ended_ms: int | None
    exit_status: int | None
    process: Process | None = None


class Session(Struct, frozen=True, kw_only=True):
    """A replay with an identity of its own: group, branches, rate, staging, history.

    ``rate`` is the most in log bytes per second, ``floor`` the least to which ``guards`` slow it, ``allowed``
    what it may now. ``kind`` is what reads: a ``command``, a ``function``, ``sql``, or the ``splits`` of another
    engine.
    """

    id: str
    plan: str
    plan_hash: str
    cluster_id: str
    live_group: str
    group: str
    branches: tuple[Branch, ...]
    spans: tuple[Span, ...]
    rate: int
    command: tuple[str, ...]
    bootstrap: str
    sink: StagingSink | None
    creator: str
    created_ms: int
    status: Status
    error: str = ""
    runs: tuple[Run, ...] = ()
    samples: tuple[Sample, ...] = ()
    security_protocol: str = "PLAINTEXT"  # of the bootstrap servers
    kind: str = "command"
    floor: int = 0
    allowed: int = 0
    record_rate: int | None = None  # the most in records per second
    guards: Guards = Guards()
    decisions: tuple[Decision, ...] = ()
    active_ms: int = 0
    ticked_ms: int = 0  # until when active time was counted
    milestones: tuple[eta.Milestone, ...] = ()
    saturation: tuple[Saturation, ...] = ()
    lane: str | None = None  # the brokers that serve it; None: wherever the bootstrap servers are
    lane_wanted: str | None = None  # None: the recovery lane if there is one, else live
    listener: str | None = None
    finds_brokers: bool = (
        False  # whether each start looks for brokers, or keeps to the bootstrap given
    )
    filtered: Filtered | None = None  # records that were left out or mended
    late_records: int = 0  # in event-time order: those older than their partition's time
    late_ms_max: int = 0  # and by how much the latest of them
    restarts: int = 0  # how often a command that died is started again
    beside: tuple[Branch, ...] = ()  # of topics that are not read from the plan's offsets, but used
    own_broker: bool = False  # whether a broker of its own serves it, where topics keep their names
    event_slack_ms: int | None = None  # how far one partition may be ahead of another in event time
    event_speed: float | None = None  # how many times as fast as recorded event time passes
    niceness: int = 0  # how far its command, and a broker of its own, stand behind others
    broker: Process | None = None  # the last of its own, by which it is found if its runner dies
    schema_version: int = SCHEMA_VERSION

    @property
    def total(self) -> Volume:
        return Volume(
            sum(span.count for span in self.spans),
            sum(span.bytes for span in self.spans),
        )

    def name_of(self, branch: Branch) -> str:
        """What its command calls a branch."""
        return branch.topic if self.own_broker else branch.branch

    @property
    def ends(self) -> list[Position]:
        """The next offsets after a completed session, in the numbering of the source topics."""
        return [Position(s.topic, s.topic_id, s.partition, s.end) for s in self.spans]


class Progress(Struct, frozen=True, kw_only=True):
    """The burn-down at one instant. Rates are of the last seconds; ``eta_s`` None: not at this rate."""

    at_ms: int
    elapsed_s: float
    records_total: int
    records_left: int
    bytes_total: int
    bytes_left: int
    records_per_second: float
    bytes_per_second: float
    eta_s: float | None
    allowed: int = 0  # bytes per second; 0: not known
    paused: bool = False

    @property
    def done_share(self) -> float:
        """Between 0 and 1: of the bytes, or of the records where there are none."""
        whole, rest = self.bytes_total, self.bytes_left
        if not whole:
            whole, rest = self.records_total, self.records_left
        return 1 - rest / whole if whole else 1.0

    @property
    def finished(self) -> bool:
        return self.records_left == 0


def left(spans: Sequence[Span], committed: Sequence[Position]) -> Volume:
    """What lies between the committed offsets and the ends; bytes by each partition's mean."""
    by_key = positions_by_key(committed)
    records = size = 0
    for span in spans:
        position = by_key.get(span.key)
        at = min(max(position.offset if position else span.start, span.start), span.end)
        records += span.left(at)
        if span.end > span.start:
            size += span.bytes * (span.end - at) // (span.end - span.start)
    return Volume(records, size)


def progress(session: Session, remaining: Volume, now_ms: int) -> Progress:
    """Rates of the last seconds, and the ETA from the present run's samples and what remains."""
    started = session.runs[-1].started_ms if session.runs else now_ms
    run = [one for one in session.samples if started <= one.at_ms <= now_ms]
    total = session.total
    records_rate = bytes_rate = 0.0
    recent = [one for one in run if now_ms - RATE_WINDOW_MS <= one.at_ms < now_ms]
    if recent:
        seconds = (now_ms - recent[0].at_ms) / 1000
        records_rate = max(0.0, (recent[0].records_left - remaining.records) / seconds)
        bytes_rate = max(0.0, (recent[0].bytes_left - remaining.bytes) / seconds)
    return Progress(
        at_ms=now_ms,
        elapsed_s=(now_ms - started) / 1000,
        records_total=total.records,
        records_left=remaining.records,
        bytes_total=total.bytes,
        bytes_left=remaining.bytes,
        records_per_second=records_rate,
        bytes_per_second=bytes_rate,
        eta_s=0.0 if remaining.records == 0 else _eta(session, run, remaining, now_ms),
        allowed=session.allowed,
        paused=session.status is Status.PAUSED,
    )


def used_rate(session: Session, now_ms: int) -> float | None:
    """Bytes per second that the session really reads: of its best two seconds lately. None: not known."""
    started = session.runs[-1].started_ms if session.runs else now_ms
    since_ms = max(started, now_ms - USED_WINDOW_MS)
    recent = [one for one in session.samples if since_ms <= one.at_ms <= now_ms]
    best, first = 0.0, 0
    for last in recent:
        while first + 1 < len(recent) and last.at_ms - recent[first + 1].at_ms >= USED_SPAN_MS:
            first += 1
        took_ms = last.at_ms - recent[first].at_ms
        if took_ms >= USED_SPAN_MS:
            best = max(best, 1000 * (recent[first].bytes_left - last.bytes_left) / took_ms)
    return best or None


def last_progress(session: Session, now_ms: int) -> Progress:
    """The burn-down as the session's document has it: of its last sample."""
    if not session.samples:
        return progress(session, session.total, now_ms)
    last = session.samples[-1]
    return progress(session, Volume(last.records_left, last.bytes_left), last.at_ms)


def _eta(session: Session, run: Sequence[Sample], remaining: Volume, now_ms: int) -> float | None:
    active_ms = active(session, now_ms)
    in_bytes = [eta.Point(one.active_ms, one.bytes_left) for one in run]
    in_records = [eta.Point(one.active_ms, one.records_left) for one in run]
    now = eta.Point(active_ms, remaining.bytes)
    rate, _ = eta.rate_and_eta(in_bytes, now)
    factor = 1.0
    window_ms = max(eta.WINDOW_MS_MIN, int(active_ms * eta.WINDOW_SHARE))
    since_ms = max(now_ms - window_ms, run[0].at_ms if run else now_ms)
    if session.allowed:
        factor = eta.limit_factor(session.decisions, session.allowed, rate, since_ms, now_ms)
    _, by_bytes = eta.rate_and_eta(in_bytes, now, factor=factor)
    _, by_records = eta.rate_and_eta(
        in_records, eta.Point(active_ms, remaining.records), factor=factor
    )
    if by_bytes is None or by_records is None:
        return by_records
    mean = eta.mean_limit(session.decisions, session.allowed, since_ms, now_ms)
    if session.allowed and rate >= eta.LIMITED_SHARE * mean:
        return by_bytes  # a limit of bytes is what decides
    return by_records


def active(session: Session, now_ms: int) -> int:
    """Milliseconds that the session has run by now, without pauses and interruptions."""
    running = session.status is Status.RUNNING and session.ticked_ms
    return session.active_ms + (max(0, now_ms - session.ticked_ms) if running else 0)


def ticked(session: Session, now_ms: int) -> Session:
    """The session with its active time counted until now."""
    return structs.replace(session, active_ms=active(session, now_ms), ticked_ms=now_ms)


def sampled(session: Session, remaining: Volume, now_ms: int) -> Session:
    """The session with one more sample; old ones thin out so that the document stays small (I10)."""
    session = ticked(session, now_ms)
    sample = Sample(now_ms, remaining.records, remaining.bytes, session.active_ms)
    samples = (*session.samples, sample)
    if len(samples) > SAMPLES_MAX:
        samples = (*samples[:-1:2], samples[-1])
    return structs.replace(session, samples=samples)


def marked(session: Session, current: Progress) -> Session:
    """With the estimate kept if a milestone of the work was just passed."""
    if current.finished:
        return session
    milestones = eta.passed(
        session.milestones, current.done_share, current.at_ms, session.active_ms, current.eta_s
    )
    if len(milestones) == len(session.milestones):
        return session
    return structs.replace(session, milestones=milestones)


def saturated(session: Session, sample: Saturation) -> Session:
    """With one more sample of how full everything is."""
    samples = (*session.saturation, sample)
    if len(samples) > SATURATION_MAX:
        samples = (*samples[:-1:2], samples[-1])
    return structs.replace(session, saturation=samples)


def throttled(session: Session, rate: int, cause: str, now_ms: int) -> Session:
    """The rate in force is another, and why."""
    if rate == session.allowed:
        return session
    decisions = decided(session.decisions, now_ms, cause, session.allowed, rate)
    return structs.replace(session, allowed=rate, decisions=decisions)


def paused(session: Session, now_ms: int) -> Session:
    """The session is given nothing from now on; what it may is kept for later."""
    session = ticked(session, now_ms)
    decisions = decided(session.decisions, now_ms, "paused by request", session.allowed, 0)
    return structs.replace(session, status=Status.PAUSED, decisions=decisions)


def unpaused(session: Session, now_ms: int) -> Session:
    """The session goes on where it was."""
    decisions = decided(session.decisions, now_ms, "resumed by request", 0, session.allowed)
    return structs.replace(session, status=Status.RUNNING, ticked_ms=now_ms, decisions=decisions)


def started(session: Session, now_ms: int) -> Session:
    """The command was started (again)."""
    runs = tuple(
        structs.replace(run, ended_ms=now_ms) if run.ended_ms is None else run
        for run in session.runs
    )
    return structs.replace(
        session,
        status=Status.RUNNING,
        error="",
        runs=(*runs, Run(now_ms, None, None)),
        ticked_ms=now_ms,
    )


def running_as(session: Session, process: Process) -> Session:
    """The present run is this process."""
    assert session.runs
    run = structs.replace(session.runs[-1], process=process)
    return structs.replace(session, runs=(*session.runs[:-1], run))


def ended(
    session: Session, status: Status, now_ms: int, *, exit_status: int | None, error: str = ""
) -> Session:
    """The run is over; ``error`` is a sentence for the person who looks at the session."""
    session = ticked(session, now_ms)
    runs = session.runs
    if runs:
        runs = (*runs[:-1], structs.replace(runs[-1], ended_ms=now_ms, exit_status=exit_status))
    milestones = session.milestones
    if status is Status.COMPLETED:
        # It was over when nothing was left: until the command has stopped, seconds may pass.
        done = [sample.active_ms for sample in session.samples if sample.records_left == 0]
        milestones = eta.judged(milestones, done[0] if done else session.active_ms)
    return structs.replace(session, status=status, error=error, runs=runs, milestones=milestones)


def verdict_of_exit(exit_status: int, remaining: Volume, last_words: str) -> tuple[Status, str]:
    """What the end of the command means. Reaching every end offset is what counts, and a clean exit
    before it is a failure: a processor that stops early must not look like one that is done."""
    if remaining.records == 0:
        return Status.COMPLETED, ""
    how = f"status {exit_status}" if exit_status >= 0 else f"signal {-exit_status}"
    said = f"; its last words: {last_words}" if last_words else ""
    return (
        Status.FAILED,
        f"the command ended with {how} before the end offsets: "
        f"{remaining.records:,} records left{said}",
    )


def left_by_branch(session: Session, committed: Sequence[Position]) -> dict[str, int]:
    """Bytes between the committed offsets and the ends, by branch."""
    return {
        branch.branch: left(
            [span for span in session.spans if span.topic_id == branch.topic_id], committed
        ).bytes
        for branch in session.branches
    }


def by_branch(session: Session, values: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    """Offsets keyed as the command calls its topics: name → partition → offset."""
    names = {branch.topic_id: session.name_of(branch) for branch in session.branches}
    table: dict[str, dict[str, int]] = {}
    for (topic_id, partition), offset in values.items():
        table.setdefault(names[topic_id], {})[str(partition)] = offset
    return table
