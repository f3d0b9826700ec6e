"""A replay session as a value: what it reads, how far it is, and when it will be done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from msgspec import Struct, structs

from anabranch.recovery.model import SCHEMA_VERSION, Position, Volume, positions_by_key

KIND = "replay"
CANCEL_KIND = "replay-cancel"

SAMPLES_MAX = 400  # of the burn-down kept in the document; past it every second one is dropped
RATE_WINDOW_MS = 5000  # the rate shown is that of the last seconds


class Status(StrEnum):
    """Where a session is in its life; ``interrupted`` and ``failed`` can be resumed."""

    PREPARED = "prepared"
    RUNNING = "running"
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
    """Offsets ``[start, end)`` of one partition, with the bytes they hold."""

    topic: str
    topic_id: str
    partition: int
    start: int
    end: int
    bytes: int

    @property
    def key(self) -> tuple[str, int]:
        return (self.topic_id, self.partition)


class StagingSink(Struct, frozen=True):
    """The sink (a file, or a URL without a password) and the line in it that the session fills."""

    path: str
    line: str


class Sample(Struct, frozen=True, array_like=True):
    """One point of the burn-down."""

    at_ms: int
    records_left: int
    bytes_left: int


class Run(Struct, frozen=True):
    """One start of the command; ``exit_status`` None while it runs or if its runner died."""

    started_ms: int
    ended_ms: int | None
    exit_status: int | None


class Session(Struct, frozen=True, kw_only=True):
    """A replay with an identity of its own: group, branches, rate, staging, history."""

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
    schema_version: int = SCHEMA_VERSION

    @property
    def total(self) -> Volume:
        return Volume(
            sum(span.end - span.start for span in self.spans),
            sum(span.bytes for span in self.spans),
        )

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
        records += span.end - at
        if span.end > span.start:
            size += span.bytes * (span.end - at) // (span.end - span.start)
    return Volume(records, size)


def progress(session: Session, remaining: Volume, now_ms: int) -> Progress:
    """Rates and ETA from the samples of the present run and what remains."""
    started = session.runs[-1].started_ms if session.runs else now_ms
    window = [
        sample
        for sample in session.samples
        if sample.at_ms >= max(started, now_ms - RATE_WINDOW_MS) and sample.at_ms < now_ms
    ]
    total = session.total
    records_rate = bytes_rate = 0.0
    if window:
        seconds = (now_ms - window[0].at_ms) / 1000
        records_rate = max(0.0, (window[0].records_left - remaining.records) / seconds)
        bytes_rate = max(0.0, (window[0].bytes_left - remaining.bytes) / seconds)
    eta = remaining.records / records_rate if records_rate else None
    return Progress(
        at_ms=now_ms,
        elapsed_s=(now_ms - started) / 1000,
        records_total=total.records,
        records_left=remaining.records,
        bytes_total=total.bytes,
        bytes_left=remaining.bytes,
        records_per_second=records_rate,
        bytes_per_second=bytes_rate,
        eta_s=0.0 if remaining.records == 0 else eta,
    )


def sampled(session: Session, remaining: Volume, now_ms: int) -> Session:
    """The session with one more sample; old ones thin out so that the document stays small (I10)."""
    samples = (*session.samples, Sample(now_ms, remaining.records, remaining.bytes))
    if len(samples) > SAMPLES_MAX:
        samples = (*samples[:-1:2], samples[-1])
    return structs.replace(session, samples=samples)


def started(session: Session, now_ms: int) -> Session:
    """The command was started (again)."""
    runs = tuple(
        structs.replace(run, ended_ms=now_ms) if run.ended_ms is None else run
        for run in session.runs
    )
    return structs.replace(
        session, status=Status.RUNNING, error="", runs=(*runs, Run(now_ms, None, None))
    )


def ended(
    session: Session, status: Status, now_ms: int, *, exit_status: int | None, error: str = ""
) -> Session:
    """The run is over; ``error`` is a sentence for the person who looks at the session."""
    runs = session.runs
    if runs:
        runs = (*runs[:-1], structs.replace(runs[-1], ended_ms=now_ms, exit_status=exit_status))
    return structs.replace(session, status=status, error=error, runs=runs)


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


def by_branch(session: Session, values: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    """Offsets keyed as the command sees its topics: branch name → partition → offset."""
    names = {branch.topic_id: branch.branch for branch in session.branches}
    table: dict[str, dict[str, int]] = {}
    for (topic_id, partition), offset in values.items():
        table.setdefault(names[topic_id], {})[str(partition)] = offset
    return table
