"""A change of a group's offsets as a document: previewed, reviewed, applied once, and taken back.

:func:`make_plan` is a function of values. Nothing is done to an offset that was not asked for: a target that is
not in the log is refused, unless it was said to take the nearest (and then the plan says so); an instant behind the last
record is refused, unless it was said to go to the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct, structs

from anabranch.errors import UserFault
from anabranch.recovery.model import NOTHING, SCHEMA_VERSION, Volume, digest
from anabranch.recovery.times import time_text

KIND = "offset-plan"
REFUSALS_SHOWN = 5


class Aim(StrEnum):
    """What was asked for."""

    DATETIME = "to-datetime"
    OFFSET = "to-offset"
    SHIFT = "shift-by"
    DURATION = "by-duration"
    EARLIEST = "to-earliest"
    LATEST = "to-latest"
    FILE = "from-file"
    POINT = "to-point"


class Span(Struct, frozen=True, omit_defaults=True):
    """A range of records that a move skips or replays: how many, and when they were appended (None: empty).

    Counted as a reader of committed transactions gets them; ``at_most``: it may get fewer.
    """

    volume: Volume
    first_ms: int | None
    last_ms: int | None
    at_most: bool = False  # left out of the document, and of its hash, where it is not so

    @property
    def length_ms(self) -> int | None:
        if self.first_ms is None or self.last_ms is None:
            return None
        return max(0, self.last_ms - self.first_ms)


NO_SPAN = Span(NOTHING, None, None)


class Wish(Struct, frozen=True, kw_only=True):
    """What is wanted of one partition. ``offset`` None: the aim has no answer here, for the reason ``why``.

    ``beyond``: the answer is an instant that no record reaches; ``before``: the log no longer reaches back to it.
    """

    topic: str
    topic_id: str
    partition: int
    now: int | None
    metadata: str
    log_start: int
    log_end: int
    leader_epoch: int
    offset: int | None
    why: str = ""
    beyond: bool = False
    before: bool = False


class Decision(Struct, frozen=True):
    """Where a partition goes; ``told`` is what had to be allowed for it, in words."""

    wish: Wish
    target: int
    told: str = ""


class Step(Struct, frozen=True, kw_only=True):
    """One partition of a plan: from ``now`` (None: no committed offset) to ``target``."""

    topic: str
    topic_id: str
    partition: int
    now: int | None
    metadata: str
    target: int
    log_start: int
    log_end: int
    leader_epoch: int
    skipped: Span
    replayed: Span
    told: str

    @property
    def key(self) -> tuple[str, int]:
        return (self.topic_id, self.partition)


class OffsetPlan(Struct, frozen=True, kw_only=True):
    """What would be done to the offsets of ``group``; addressed by the hash of its content.

    It is good only as long as the group is as it was seen: under ``fence`` and ``generation``, at every step's
    ``now``. ``approvals`` others must have approved it first (the topics' classes say so). ``bystanders`` read these topics
    without a group: nothing moves them.
    """

    id: str
    hash: str
    cluster_id: str
    created_ms: int
    creator: str
    group: str
    generation: int
    fence: int
    aim: Aim
    argument: str
    reason: str
    ticket: str
    steps: tuple[Step, ...]
    skipped: Volume
    replayed: Volume
    approvals: int
    classes: tuple[str, ...]
    bystanders: tuple[str, ...]
    schema_version: int = SCHEMA_VERSION

    @property
    def skipped_at_most(self) -> bool:
        """Whether ``skipped`` may be fewer records."""
        return any(step.skipped.at_most for step in self.steps)

    @property
    def replayed_at_most(self) -> bool:
        """Whether ``replayed`` may be fewer records."""
        return any(step.replayed.at_most for step in self.steps)


class Approval(Struct, frozen=True):
    """That somebody else than the planner looked at the plan of this hash."""

    who: str
    at_ms: int
    hash: str
    note: str = ""


class Record(Struct, frozen=True, kw_only=True):
    """A plan as it is stored, with what became of it."""

    plan: OffsetPlan
    approvals: tuple[Approval, ...] = ()
    applied_ms: int | None = None
    applied_by: str = ""
    undone_ms: int | None = None
    undone_by: str = ""

    @property
    def status(self) -> str:
        if self.undone_ms is not None:
            return "undone"
        if self.applied_ms is not None:
            return "applied"
        missing = self.plan.approvals - len(self.approvals)
        return f"waits for {missing} approval{'s' * (missing > 1)}" if missing > 0 else "ready"


def decide(wishes: Sequence[Wish], *, clamp: bool, allow_end: bool) -> list[Decision]:
    """Where each partition goes. Raises UserFault if any of them would go anywhere that was not asked for."""
    decisions: list[Decision] = []
    refused: list[str] = []
    for wish in wishes:
        where = f"{wish.topic}:{wish.partition}"
        span = f"the log holds {wish.log_start:,} to {wish.log_end:,}"
        if wish.beyond:
            if not allow_end and wish.log_end > wish.log_start:
                refused.append(f"{where}: {wish.why}; --allow-end would skip to the log's end")
                continue
            decisions.append(Decision(wish, wish.log_end, f"to the log's end: {wish.why}"))
        elif wish.offset is None:
            refused.append(f"{where}: {wish.why}")
        elif not wish.log_start <= wish.offset <= wish.log_end or wish.before:
            nearest = min(max(wish.offset, wish.log_start), wish.log_end)
            what = wish.why if wish.before else f"{wish.offset:,} is not there: {span}"
            if clamp:
                decisions.append(Decision(wish, nearest, f"clamped to {nearest:,}: {what}"))
            else:
                refused.append(f"{where}: {what}; --clamp would take {nearest:,}")
        else:
            decisions.append(Decision(wish, wish.offset))
    if refused:
        more = len(refused) - REFUSALS_SHOWN
        raise UserFault(
            "nothing is planned. "
            + "; ".join(refused[:REFUSALS_SHOWN])
            + (f"; and {more} more partitions" if more > 0 else "")
        )
    return decisions


def make_plan(
    *,
    cluster_id: str,
    created_ms: int,
    creator: str,
    group: str,
    generation: int,
    fence: int,
    aim: Aim,
    argument: str,
    reason: str,
    ticket: str,
    steps: Sequence[Step],
    approvals: int,
    classes: Sequence[str],
    bystanders: Sequence[str],
) -> OffsetPlan:
    """Put the plan together, without the partitions that stay where they are. Raises UserFault if all of them do."""
    moving = [step for step in steps if step.now != step.target]
    if not moving:
        raise UserFault(
            f"group “{group}” stands there already in all {len(steps)} partitions: there is nothing to plan"
        )
    plan = OffsetPlan(
        id="",
        hash="",
        cluster_id=cluster_id,
        created_ms=created_ms,
        creator=creator,
        group=group,
        generation=generation,
        fence=fence,
        aim=aim,
        argument=argument,
        reason=reason,
        ticket=ticket,
        steps=tuple(moving),
        skipped=_sum([step.skipped.volume for step in moving]),
        replayed=_sum([step.replayed.volume for step in moving]),
        approvals=approvals,
        classes=tuple(classes),
        bystanders=tuple(bystanders),
    )
    content = digest(plan, without=("id", "hash"))
    return structs.replace(plan, id=f"offsets-{content[:12]}", hash=content)


def check_hash(plan: OffsetPlan) -> bool:
    """True if the plan is what was hashed."""
    return plan.hash == digest(plan, without=("id", "hash"))


def parse_csv(text: str, group: str) -> list[tuple[str, int, int]]:
    """(topic, partition, offset) of what ``kafka-consumer-groups.sh --export`` writes: lines of topic,partition,offset, or
    with the group in front, of which those of ``group`` count. Raises UserFault naming the line."""
    found: list[tuple[str, int, int]] = []
    for number, line in enumerate(text.splitlines(), 1):
        cells = [cell.strip().strip('"') for cell in line.split(",")]
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if len(cells) == 4:
            if cells[0] != group:
                continue
            cells = cells[1:]
        topic, partition, offset = cells if len(cells) == 3 else ("", "", "")
        if not (topic and partition.isdecimal() and offset.isdecimal()):
            raise UserFault(
                f"line {number}: “{line}” is not topic,partition,offset (as kafka-consumer-groups.sh --export writes it)"
            )
        found.append((topic, int(partition), int(offset)))
    if not found:
        raise UserFault(f"the file has no line for group “{group}”")
    places = [(topic, partition) for topic, partition, _ in found]
    twice = [place for place in places if places.count(place) > 1]
    if twice:
        raise UserFault(f"{twice[0][0]}:{twice[0][1]} is named twice")
    return found


def beyond_text(at_ms: int) -> str:
    """Why an instant has no offset."""
    return f"no record is of {time_text(at_ms)} or later"


def _sum(volumes: Sequence[Volume]) -> Volume:
    total = NOTHING
    for one in volumes:
        total += one
    return total
