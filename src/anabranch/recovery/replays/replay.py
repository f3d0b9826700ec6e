"""Prepare a replay: branch the inputs, commit where it starts, fill its staging line; and clear it away.

What runs a session is :mod:`anabranch.recovery.replays.runner` for commands and
:mod:`anabranch.recovery.replays.function` for Python functions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import structs

from anabranch.errors import UserFault
from anabranch.log import event_gate
from anabranch.log.branch import BranchPoint
from anabranch.log.event_gate import EventOrder
from anabranch.log.log import Log
from anabranch.log.topic_limits import BYTES, RECORDS
from anabranch.metastore.api import Committed, Metastore, OffsetAction, Topic
from anabranch.recovery import observe
from anabranch.recovery.capture import points
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.plans.plan import Plan, PlanPartition
from anabranch.recovery.replays import beside, quota
from anabranch.recovery.replays.dead_letters import DeadLetters, opened
from anabranch.recovery.replays.filters import BranchFilter, Filtered, Filters, Judge
from anabranch.recovery.replays.giving import Unsettled, discard, give_away, settle
from anabranch.recovery.replays.guards import Guards
from anabranch.recovery.replays.places import default_bootstrap
from anabranch.recovery.replays.runner import OnProgress, Runner
from anabranch.recovery.replays.session import Branch, Session, Span, StagingSink, Status
from anabranch.recovery.replays.sessions import actor, find, request_cancel, save, stored
from anabranch.recovery.sinks import locations
from anabranch.recovery.times import time_text

__all__ = [
    "OnProgress",
    "Runner",
    "default_bootstrap",
    "discard",
    "find",
    "prepare",
    "request_cancel",
    "save",
    "session_id",
    "settle",
    "stored",
    "summary",
]


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
    kind: str = "command",
    record_rate: int | None = None,
    floor: int | None = None,
    guards: Guards | None = None,
    lane: str | None = None,
    lane_wanted: str | None = None,
    listener: str | None = None,
    finds_brokers: bool = False,
    restarts: int = 0,
    also: Sequence[str] = (),
    own_broker: bool = False,
    event_slack_ms: int | None = None,
    event_speed: float | None = None,
    niceness: int = 0,
    filters: Filters | None = None,
    dead_letters: Path | str | None = None,
) -> Session:
    """Make the session: branches at the plan's ends, start offsets committed, staging filled.

    Nothing of the live stream is touched: not its topics, its group or its sink's live line.

    Args:
        log: the cluster's.
        plan: what to replay.
        token: hexadecimal digits that make the session's id unique.
        now_ms: milliseconds since the epoch.
        command: what is run.
        bootstrap: brokers' addresses, as clients take them.
        creator: who wants it.
        security_protocol: of these addresses.
        rate: the most in log bytes per second; default: the plan's. The quota of replays bounds it.
        sink: a sink that holds lines, of which a staging line is filled.
        kind: what reads, see :class:`Session`.
        record_rate: the most in records per second; default: no limit.
        floor: the least in log bytes per second to which ``guards`` may slow it; default: 256 KiB/s.
        guards: what it makes room for; default: nothing, it runs at its rate.
        lane: of the brokers at ``bootstrap``, where known.
        lane_wanted: which lane's brokers each start looks for, with ``finds_brokers``.
        listener: which of the brokers' listeners.
        finds_brokers: whether each start looks for the brokers anew.
        restarts: how often a command that died is started again.
        also: topics, or patterns of them, that the command gets beside its inputs, as they were at the restart.
        own_broker: whether a broker of the session's own serves it, where topics keep their names.
        event_slack_ms: inputs are served together in event time, none further ahead of another than this; for a
            session with a broker of its own.
        event_speed: event time passes so many times as fast as the clock (1: as recorded); likewise.
        niceness: how far the command, and a broker of its own, stand behind others of their machine for its
            processors, 0 (not at all) to 19.
        filters: records that are left out or mended, see :mod:`anabranch.recovery.replays.filters`.
        dead_letters: the file, or the directory of a file named after the session, where these are put aside; or a topic:
            ``topic:NAME``, ``kafka:HOST:PORT/TOPIC``, see :mod:`anabranch.recovery.replays.dead_letters`.

    Raises UserFault if the plan cannot be carried out on the log as it stands now.
    """
    if not plan.feasible:
        raise UserFault(f"plan {plan.id} cannot be carried out: " + "; ".join(plan.problems))
    metastore = log.metastore
    identity = session_id(now_ms, token)
    guards = (guards or Guards()).check()
    rate = plan.rate if rate is None else rate
    for number, what in ((rate, "rate"), (record_rate, "rate of records"), (floor, "floor")):
        if number is not None and number < 1:
            raise UserFault(f"a {what} of {number} would never end; give at least 1")
    order = EventOrder(identity, event_slack_ms, event_speed)
    if order[1:] != (None, None) and not own_broker:
        raise UserFault(
            "inputs are kept together in event time, or at its pace, by one broker that serves all of them: the "
            "session's own (leave --bootstrap, --lane and --listener out)"
        )
    judge = Judge(filters) if filters is not None and filters.any else None
    if judge is not None and dead_letters is None:
        raise UserFault("records that are left out are put aside: say where (dead_letters)")
    allowed = await quota.load(metastore)
    if allowed is not None:
        rate = min(rate, allowed)
    sources = {
        topic_id_text(topic.id): topic
        for topic in await observe.topics_named(metastore, plan.incident.topics)
    }
    aside = None
    if judge is not None:
        assert dead_letters is not None

        async def brokers() -> tuple[str, str]:
            if bootstrap:
                return bootstrap, security_protocol
            return await default_bootstrap(metastore, await metastore.now_ms(), listener)

        aside = await opened(dead_letters, identity, inputs=plan.incident.topics, brokers=brokers)
    besides = await beside.choose(metastore, also, plan.incident.topics)
    staging = locations.open_lines(str(sink)) if sink is not None else None
    if staging is not None and not staging.stages:
        staging.close()
        raise UserFault(
            f"{staging.name} has no lines to be filled beside the live one: leave --sink out, and let the "
            "command go by ANABRANCH_SESSION (docs/sinks.md)"
        )
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
            branched = await _branch(log, plan, topic, topic_id, order, rate, record_rate)
            made.append(branched)
            branches.append(Branch(topic.name, topic_id, branched.name, topic_id_text(branched.id)))
        further = await beside.cut(log, plan, besides, identity, made)
        spans = tuple(
            Span(p.topic, p.topic_id, p.partition, p.restart, p.end, p.volume.bytes, _records(p))
            for p in plan.partitions
        )
        filtered = None
        if judge is not None:
            assert aside is not None
            spans, filtered = await _filter(log, judge, identity, aside, branches, spans)
        session = Session(
            id=identity,
            plan=plan.id,
            plan_hash=plan.hash,
            cluster_id=plan.cluster_id,
            live_group=plan.incident.group,
            group=f"replay.{identity}",
            branches=tuple(branches),
            spans=spans,
            rate=rate,
            command=tuple(command),
            bootstrap=bootstrap,
            security_protocol=security_protocol,
            sink=StagingSink(staging.location, identity) if staging else None,
            creator=creator,
            created_ms=now_ms,
            status=Status.PREPARED,
            kind=kind,
            floor=floor or 0,
            record_rate=record_rate,
            guards=guards,
            lane=lane,
            lane_wanted=lane_wanted,
            listener=listener,
            finds_brokers=finds_brokers,
            restarts=restarts,
            beside=tuple(further),
            own_broker=own_broker,
            event_slack_ms=event_slack_ms,
            event_speed=event_speed,
            niceness=niceness,
            filtered=filtered,
        )
        await _commit_starts(metastore, session, made, now_ms)
        if aside is not None and aside.letters:
            session = await give_away(metastore, session, aside, now_ms)
        else:
            await save(metastore, session, now_ms)
    except Unsettled as error:
        raise error.cause from None  # the session is there, and who resumes it learns how it went
    except BaseException:
        for branched in made:
            await log.delete_topic(branched)
        if staging is not None:
            staging.drop(identity)
        raise
    finally:
        if aside is not None:
            aside.close()
        if staging is not None:
            staging.close()
    return session


async def _filter(
    log: Log,
    judge: Judge,
    identity: str,
    dead_letters: DeadLetters,
    branches: Sequence[Branch],
    spans: tuple[Span, ...],
) -> tuple[tuple[Span, ...], Filtered]:
    """The branches without what the judge leaves out; and the spans, which end behind the last record that is
    left: a consumer never commits what it does not hear of."""
    topics = {(branch.topic, branch.topic_id) for branch in branches}
    unknown = [key for key in judge.filters.skip if key[0] not in {name for name, _ in topics}]
    if unknown:
        raise UserFault(
            f"the plan reads no topic “{unknown[0][0]}”, of which a record is to be skipped"
        )
    for name, partition, offset in judge.filters.skip:
        read = [span for span in spans if (span.topic, span.partition) == (name, partition)]
        if not any(span.start <= offset < span.end for span in read):
            there = f"{read[0].start:,} up to {read[0].end:,}" if read else "nothing"
            raise UserFault(
                f"{name}:{partition}@{offset} cannot be skipped: of that partition the plan reads {there}"
            )
    work = BranchFilter(log, judge, identity, dead_letters)
    found: list[Span] = []
    for branch in branches:
        topic = log.catalogue.topic(branch.branch)
        assert topic is not None
        own = [span for span in spans if span.topic_id == branch.topic_id]
        reach = await work.apply(
            topic, branch.topic, {span.partition: (span.start, span.end) for span in own}
        )
        for span in own:
            end = reach.get(span.partition, span.end)
            found.append(
                structs.replace(span, end=end, records=min(span.records, end - span.start))
            )
    order = {span.key: number for number, span in enumerate(spans)}
    return tuple(sorted(found, key=lambda span: order[span.key])), work.outcome()


async def _branch(
    log: Log,
    plan: Plan,
    topic: Topic,
    topic_id: str,
    order: EventOrder,
    rate: int,
    record_rate: int | None,
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
        topic, f"{topic.name}.{order.session}", BranchPoint(offsets=ends, label=plan.id)
    )
    # The replay's input must not expire under it, and carries the replay's own speed limit.
    share = _share(plan, topic_id, rate)
    configs = {
        **branched.configs,
        BYTES: str(share),
        "retention.ms": "-1",
        "retention.bytes": "-1",
    }
    if record_rate is not None:
        configs[RECORDS] = str(_share(plan, topic_id, record_rate))
    if order[1:] != (None, None):
        configs[event_gate.CONFIG] = str(order)
    return await log.set_configs(branched, configs)


def _records(part: PlanPartition) -> int:
    return -1 if part.at_most else part.volume.records


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
    who = actor(session, f"start of replay {session.id}, {session.plan}")
    await metastore.commit_offsets(session.group, offsets, OffsetAction.RESET, who, now_ms)


def summary(session: Session) -> str:
    """One line for people."""
    total = session.total
    text = f"{session.id}  {session.status}  {total.records:,} records  {session.live_group}"
    return f"{text}  since {time_text(session.created_ms)}"
