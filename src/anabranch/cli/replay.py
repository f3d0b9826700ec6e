"""``anabranch replay``: run a command on a branch of the inputs, at a rate of its own, to the end."""

from __future__ import annotations

import os
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options, _replay_function
from anabranch.cli._output import emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.recovery.replays.filters import Filters
    from anabranch.recovery.replays.guards import Guards
    from anabranch.recovery.replays.session import Session

EVENT_SLACK_MS = 60_000  # of inputs in event order, unless told otherwise
WATCH_S = 0.5  # between two looks at a session that another process runs


class _Replay(click.Command):
    """``replay PLAN COMMAND --option`` leaves the option to the command; what looks like one of ours and is none is
    named, in front of the command."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        ours = args[: args.index("--")] if "--" in args else args
        rest = super().parse_args(ctx, list(args))
        plan, run = ctx.params.get("plan"), ctx.params.get("run") or ()
        for word in (plan, *run[:1]):
            if word is not None and word.startswith("-") and word in ours:
                name = word.partition("=")[0]
                known = [option for each in self.get_params(ctx) for option in each.opts]
                close = get_close_matches(name, [one for one in known if one[:1] == "-"])
                raise click.NoSuchOption(name, possibilities=close, ctx=ctx)
        return rest


@click.command(
    name="replay",
    cls=_Replay,
    context_settings={"ignore_unknown_options": True},
    epilog="Example: anabranch replay plan-3f2a9c01d4e5 --sink sqlite:view.db -- python processor.py",
)
@click.argument("plan", required=False)
@click.argument("run", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND …]")
@click.option("--rate", metavar="SIZE", help="Bytes per second at most; default: the plan's.")
@click.option("--record-rate", type=click.IntRange(1), help="Records per second at most.")
@click.option("--floor", metavar="SIZE", help="Never slowed below this. [default: 256KiB/s]")
@click.option(
    "--no-slow-down", is_flag=True, help="Keep to the rate, whatever the live side feels."
)
@click.option(
    "--live-ratio",
    type=float,
    default=1.2,
    show_default=True,
    help="What live appends may take, in times what is usual.",
)
@click.option(
    "--live-metrics",
    multiple=True,
    metavar="URL",
    help="Of a broker's `up --metrics`, for its p99.",
)
@click.option("--live-produce-p99", type=float, metavar="MS", help="What its Produce may take.")
@click.option(
    "--live-fetch-p99",
    type=float,
    metavar="MS",
    help="What its Fetch may take, long poll included.",
)
@click.option("--live-lag", metavar="DURATION", help="How far groups on the inputs may lag.")
@click.option(
    "--live-group", multiple=True, metavar="GROUP", help="Which; default: all with members."
)
@click.option(
    "--sink-pressure",
    multiple=True,
    metavar="SOURCE=MAX",
    help="A number that may be MAX: http://…#metric, http://…, or cmd:COMMAND.",
)
@click.option(
    "--sink", metavar="SINK", help="Fill a staging line of this sink: sqlite:PATH, postgresql://…"
)
@click.option(
    "--bootstrap",
    metavar="HOST:PORT",
    help="Default: the recovery lane's brokers if there are any, else a broker of its own.",
)
@click.option("--lane", help="Run on the brokers of this lane; live: beside live traffic.")
@click.option(
    "--own-broker",
    is_flag=True,
    help="Serve the command by a broker of its own, also where there is a recovery lane. There, topics, groups and "
    "transactional ids go by the names that it knows: a job of Flink, Spark, Kafka Streams or Quix Streams runs as it is.",
)
@click.option(
    "--also",
    multiple=True,
    metavar="TOPIC",
    help="A topic, or a pattern as app-*-changelog, that the command gets beside its inputs, as it was at the "
    "restart: outputs and changelogs.",
)
@click.option(
    "--listener",
    metavar="NAME",
    help="Which of the brokers' listeners the command is told. [default: their first]",
)
@click.option(
    "--skip", multiple=True, metavar="TOPIC:PARTITION@OFFSET", help="Leave this record out."
)
@click.option(
    "--skip-if",
    multiple=True,
    metavar="EXPRESSION",
    help="Leave out records for which it is true: Python over key, value, headers, text, json, timestamp, "
    "topic, partition, offset.",
)
@click.option(
    "--transform",
    type=click.Path(exists=True, dir_okay=False),
    help="A Python file with `def transform(event)`: the event, event.replace(value=…), or None.",
)
@click.option(
    "--dead-letters",
    "--dead-letter",
    metavar="PLACE",
    help="Where records that are left out or mended go: a file, topic:NAME, or kafka:HOST:PORT/TOPIC. "
    "[default: replays/ID.dead.jsonl in the data]",
)
@click.option(
    "--restarts",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="How often a command that was killed or failed is started again.",
)
@click.option(
    "--niceness",
    type=click.IntRange(0, 19),
    default=19,
    show_default=True,
    envvar="ANABRANCH_NICENESS",
    show_envvar=True,
    help="How far the command, and a broker of its own, stand behind others of this machine for its processors.",
)
@click.option(
    "--leave-cores",
    type=click.IntRange(0),
    metavar="N",
    help="How many of this machine's processors they leave to live brokers on it while these take appends. "
    "[default: a quarter, one at least]",
)
@click.option(
    "--function", metavar="MODULE:NAME", help="Instead of a command: called with Arrow batches."
)
@click.option("--processes", type=click.IntRange(1, 256), help="Of a function: work in so many.")
@click.option(
    "--in-event-order",
    is_flag=True,
    help="All inputs by the time of their events: one stream for a function; for a command, by a broker of its own, "
    "none further ahead of another than --event-slack.",
)
@click.option(
    "--event-slack", metavar="DURATION", help="Of a command in event order. [default: 1m]"
)
@click.option(
    "--pace",
    metavar="recorded|2x|max",
    help="How fast event time passes: for a function in event order, or a command with a broker of its own.",
)
@click.option("--metrics", metavar="HOST:PORT", help="Serve the replay's figures to Prometheus.")
@click.option("--pause", metavar="ID", help="Give a running replay nothing until --resume.")
@click.option("--resume", metavar="ID", help="Go on with a paused, interrupted or failed replay.")
@click.option("--cancel", metavar="ID", help="Stop a replay.")
@click.option(
    "--discard", metavar="ID", help="Delete the branches and group of a replay that is over."
)
@click.option("--watch", metavar="ID", help="Follow a replay that runs elsewhere to its end.")
@click.option("--show", metavar="ID", help="Show a replay.")
@click.option("--list", "listing", is_flag=True, help="List replays.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    plan: str | None,
    run: tuple[str, ...],
    pause: str | None,
    resume: str | None,
    cancel: str | None,
    discard: str | None,
    watch: str | None,
    show: str | None,
    listing: bool,
    metrics: str | None,
    data: Location,
    output: str,
    **asked: Any,
) -> None:
    """Replay PLAN with COMMAND.

    The command reads a zero-copy branch with a group of its own; the live topic, group and view are
    not touched. It finds ANABRANCH_BOOTSTRAP, ANABRANCH_GROUP, ANABRANCH_TOPICS (JSON: topic →
    branch), ANABRANCH_END_OFFSETS (JSON), ANABRANCH_SINK and ANABRANCH_STAGING in its environment.

    It slows down while live appends take longer than --live-ratio allows, groups lag or a sink is full,
    never below --floor, and comes back. --pause, --resume, --cancel and --watch work from any terminal.
    Exit status 1 unless every end offset was reached.
    """

    async def main() -> Session | None:
        from anabranch.cli import _replay_shown as shown
        from anabranch.errors import UserFault
        from anabranch.recovery.replays import replay, sessions

        now_ms = _options.now_ms()
        async with _options.opened(data) as log:
            metastore = log.metastore
            if listing:
                found = await replay.stored(metastore)
                emit(output, lambda: found, lambda: shown.list_parts(found, now_ms))
                return None
            if show is not None:
                session = await replay.find(metastore, show)
                emit(output, lambda: session, lambda: shown.parts(session, now_ms))
                return None
            if pause is not None:
                await sessions.request_pause(metastore, await replay.find(metastore, pause), now_ms)
                click.echo(f"Replay {pause} is being paused; go on with --resume {pause}.")
                return None
            if cancel is not None:
                session = await sessions.cancel(metastore, cancel, _options.now_ms)
                over = session.status.value in ("completed", "cancelled")
                click.echo(f"Replay {cancel} is {session.status if over else 'being cancelled'}.")
                return None
            if discard is not None:
                await replay.discard(log, await replay.find(metastore, discard), now_ms)
                click.echo(f"Deleted the branches of replay {discard}.")
                return None
            if watch is not None:
                return await _watch(log, watch, output)
            if resume is not None:
                session = await replay.find(metastore, resume)
                paused, _ = await sessions.wishes(metastore, session)
                if paused and await sessions.has_runner(metastore, session):
                    await sessions.request_unpause(metastore, session)
                    click.echo(f"Replay {resume} goes on where it was.")
                    return None
                if session.kind != "command":
                    raise UserFault(
                        f"replay {session.id} runs no command but {' '.join(session.command)}: give it with "
                        "--function, or go on from Python"
                    )
                session = await replay.settle(log, session, now_ms)
                session = await _faster_or_slower(log, session, asked)
            else:
                if plan is None or not run:
                    raise UserFault(
                        "name a plan and the command: anabranch replay PLAN -- COMMAND … "
                        "(or --resume ID, --list)"
                    )
                session = await _prepare(log, plan, run, asked, now_ms, data)
            return await _run(log, session, data, output, metrics)

    _replay_function.check(asked)
    if asked["function"] is not None:
        if run or (plan is None and resume is None):
            raise click.UsageError("give --function a PLAN (or --resume ID), and no command")
        finished: Session | None = _replay_function.run(
            data, plan, resume, asked, _guards(asked), _filters(asked), output
        )
    else:
        finished = _options.run(main())
    if finished is not None:
        from anabranch.cli._replay_shown import parts

        emit(output, lambda: finished, lambda: parts(finished, _options.now_ms()))
        if finished.status.value != "completed":
            raise SystemExit(1)


async def _prepare(
    log: Log,
    plan: str,
    run: tuple[str, ...],
    asked: dict[str, Any],
    now_ms: int,
    data: Location,
) -> Session:
    import secrets

    from anabranch.errors import UserFault
    from anabranch.recovery.capture import points
    from anabranch.recovery.plans import planning
    from anabranch.recovery.replays import places, replay
    from anabranch.recovery.replays.pacing import parse_pace
    from anabranch.recovery.sinks import locations
    from anabranch.recovery.times import parse_bytes

    sink, bootstrap = asked["sink"], asked["bootstrap"]
    if asked["own_broker"] and (bootstrap or asked["lane"] or asked["listener"]):
        raise UserFault(
            "--own-broker is where the command connects: leave out --bootstrap, --lane, --listener"
        )
    if sink is not None and not locations.keeps_lines(sink):
        raise UserFault(
            f"“{sink}”: a replay stages sinks that hold lines: {', '.join(locations.FORMS)}"
        )
    guards = _guards(asked)
    found = await planning.find(log.metastore, plan)
    await _options.require_replay(log, "replay", topics=found.incident.topics)
    await _options.audited(log, "replay", f"PLAN:{found.id}", run=list(run))
    event_slack_ms = _event_slack(asked)
    event_speed = parse_pace(asked["pace"]) if asked["pace"] is not None else None
    place = None
    listener, lane = asked["listener"], asked["lane"]
    if not asked["own_broker"] and (bootstrap is None or listener or lane):
        there_ms = await log.metastore.now_ms()
        together = event_slack_ms is not None or event_speed is not None
        place = await places.shared(log.metastore, there_ms, listener, lane, together=together)
    own_broker = bootstrap is None and place is None
    return await replay.prepare(
        log,
        found,
        token=secrets.token_hex(2),
        now_ms=now_ms,
        command=run,
        bootstrap=bootstrap or (place.bootstrap if place else ""),
        security_protocol=place.protocol if place else "PLAINTEXT",
        creator=points.whoami(),
        rate=parse_bytes(asked["rate"]) if asked["rate"] is not None else None,
        sink=sink,
        record_rate=asked["record_rate"],
        floor=parse_bytes(asked["floor"]) if asked["floor"] is not None else None,
        guards=guards,
        lane=place.lane if place else None,
        lane_wanted=lane,
        listener=listener,
        finds_brokers=bootstrap is None and not own_broker,
        restarts=asked["restarts"],
        also=asked["also"],
        own_broker=own_broker,
        event_slack_ms=event_slack_ms,
        event_speed=event_speed,
        niceness=asked["niceness"],
        filters=_filters(asked),
        dead_letters=asked["dead_letters"] or data.files / "replays",
    )


def _event_slack(asked: dict[str, Any]) -> int | None:
    """Milliseconds. Raises UserFault."""
    from anabranch.errors import UserFault
    from anabranch.recovery.times import parse_duration

    if asked["event_slack"] is None:
        return EVENT_SLACK_MS if asked["in_event_order"] else None
    if not asked["in_event_order"]:
        raise UserFault(
            "--event-slack is how far inputs may be apart with --in-event-order: add it"
        )
    return parse_duration(asked["event_slack"])


def _filters(asked: dict[str, Any]) -> Filters | None:
    """Raises UserFault."""
    from anabranch.recovery.replays.filters import Filters, parse_key

    filters = Filters(
        skip=tuple(map(parse_key, asked["skip"])),
        skip_if=asked["skip_if"],
        transform=asked["transform"],
    )
    return filters if filters.any else None


async def _faster_or_slower(log: Log, session: Session, asked: dict[str, Any]) -> Session:
    """A resumed session at the rates that were given with it, if any were."""
    from msgspec import structs

    from anabranch.recovery.replays import quota
    from anabranch.recovery.times import parse_bytes

    if asked["rate"] is not None:
        rate, allowed = parse_bytes(asked["rate"]), await quota.load(log.metastore)
        session = structs.replace(session, rate=rate if allowed is None else min(rate, allowed))
    if asked["record_rate"] is not None:
        session = structs.replace(session, record_rate=asked["record_rate"])
    return session


def _guards(asked: dict[str, Any]) -> Guards:
    """Raises UserFault."""
    from anabranch.recovery.replays.guards import Guards, Pressure
    from anabranch.recovery.times import parse_duration

    lag = asked["live_lag"]
    return Guards(
        enabled=not asked["no_slow_down"],
        late_ratio=asked["live_ratio"],
        metrics=asked["live_metrics"],
        produce_p99_ms=asked["live_produce_p99"],
        fetch_p99_ms=asked["live_fetch_p99"],
        lag_s=None if lag is None else parse_duration(lag, "--live-lag") / 1000,
        groups=asked["live_group"],
        pressures=tuple(map(Pressure.parse, asked["sink_pressure"])),
        leave_cores=asked["leave_cores"],
    ).check()


async def _run(
    log: Log, session: Session, data: Location, output: str, metrics: str | None
) -> Session:
    from anabranch.cli._burndown import burndown
    from anabranch.cli._replay_shown import saturation_text
    from anabranch.recovery.replays.replay import Runner

    runner = Runner(
        log.metastore,
        session,
        output=data.files / "replays" / f"{session.id}.log",
        environ=os.environ,
        store=log.store,
        where=data,
    )
    server = None
    if metrics is not None:
        from anabranch.broker.metrics import MetricsServer
        from anabranch.recovery.replays.replay_metrics import ReplayCollector

        host, port = _options.endpoint("--metrics", metrics)
        assert host is not None and port is not None
        collector = ReplayCollector(lambda: (runner.session, runner.current))
        server = MetricsServer(host, port, [collector])
        click.echo(f"Figures: http://{host}:{server.port}/metrics", err=True)
    try:
        if output == "json":
            return await runner.run()
        click.echo(
            f"Replay {session.id}: {session.total.records:,} records into "
            f"{', '.join(branch.branch for branch in session.branches)}"
        )
        with burndown("replay", lambda: saturation_text(runner.session)) as update:
            runner.on_progress = update
            return await runner.run()
    finally:
        if server is not None:
            server.close()


async def _watch(log: Log, identity: str, output: str) -> Session:
    """Until it is over. Raises UserFault if nobody runs it any more."""
    import asyncio

    from anabranch.cli._burndown import burndown
    from anabranch.cli._replay_shown import saturation_text
    from anabranch.errors import UserFault
    from anabranch.recovery.replays import replay, sessions
    from anabranch.recovery.replays.session import last_progress

    session = await replay.find(log.metastore, identity)
    with burndown("replay", lambda: saturation_text(session), quiet=output == "json") as update:
        while session.status.value in ("preparing", "prepared", "running", "paused"):
            update(last_progress(session, _options.now_ms()))
            silent_ms = _options.now_ms() - max(session.ticked_ms, session.created_ms)
            if session.samples:
                silent_ms = min(silent_ms, _options.now_ms() - session.samples[-1].at_ms)
            if silent_ms > sessions.LEASE_MS and not await sessions.has_runner(
                log.metastore, session
            ):
                raise UserFault(
                    f"nobody runs replay {identity} any more: `anabranch replay --resume {identity}`"
                )
            await asyncio.sleep(WATCH_S)
            session = await replay.find(log.metastore, identity)
    return session
