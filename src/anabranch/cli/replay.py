"""``anabranch replay``: run a command on a branch of the inputs, at a rate of its own, to the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.recovery.session import Session


@click.command(
    name="replay",
    context_settings={"ignore_unknown_options": True},
    epilog="Example: anabranch replay plan-3f2a9c01d4e5 --sink sqlite:view.db -- python processor.py",
)
@click.argument("plan", required=False)
@click.argument("run", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND …]")
@click.option("--rate", metavar="SIZE", help="Bytes per second; default: the plan's.")
@click.option(
    "--sink", metavar="SINK", help="Fill a staging line of this sink: sqlite:PATH, postgresql://…"
)
@click.option(
    "--bootstrap",
    metavar="HOST:PORT",
    help="Default: the recovery lane's brokers if there are any, else the live ones.",
)
@click.option(
    "--listener",
    metavar="NAME",
    help="Which of the brokers' listeners the command is told. [default: their first]",
)
@click.option("--resume", metavar="ID", help="Go on with an interrupted or failed replay.")
@click.option("--cancel", metavar="ID", help="Stop a replay.")
@click.option(
    "--discard", metavar="ID", help="Delete the branches and group of a replay that is over."
)
@click.option("--show", metavar="ID", help="Show a replay.")
@click.option("--list", "listing", is_flag=True, help="List replays.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    plan: str | None,
    run: tuple[str, ...],
    rate: str | None,
    sink: str | None,
    bootstrap: str | None,
    listener: str | None,
    resume: str | None,
    cancel: str | None,
    discard: str | None,
    show: str | None,
    listing: bool,
    data: Location,
    output: str,
) -> None:
    """Replay PLAN with COMMAND.

    The command reads a zero-copy branch with a group of its own; the live topic, group and view are
    not touched. It finds ANABRANCH_BOOTSTRAP, ANABRANCH_GROUP, ANABRANCH_TOPICS (JSON: topic →
    branch), ANABRANCH_END_OFFSETS (JSON), ANABRANCH_SINK and ANABRANCH_STAGING in its environment.
    Exit status 1 unless every end offset was reached.
    """

    async def main() -> Session | None:
        from anabranch.errors import UserFault
        from anabranch.recovery import replay

        now_ms = _options.now_ms()
        async with _options.opened(data) as log:
            metastore = log.metastore
            if listing:
                sessions = await replay.stored(metastore)
                emit(output, lambda: sessions, lambda: _list_parts(sessions))
                return None
            if show is not None:
                session = await replay.find(metastore, show)
                emit(output, lambda: session, lambda: _parts(session))
                return None
            if cancel is not None:
                await replay.request_cancel(metastore, await replay.find(metastore, cancel), now_ms)
                click.echo(f"Replay {cancel} is being cancelled.")
                return None
            if discard is not None:
                await replay.discard(log, await replay.find(metastore, discard), now_ms)
                click.echo(f"Deleted the branches of replay {discard}.")
                return None
            if resume is not None:
                session = await replay.find(metastore, resume)
            else:
                if plan is None or not run:
                    raise UserFault(
                        "name a plan and the command: anabranch replay PLAN -- COMMAND … "
                        "(or --resume ID, --list)"
                    )
                session = await _prepare(log, plan, run, rate, sink, bootstrap, listener, now_ms)
            return await _run(log, session, data, output)

    finished = _options.run(main())
    if finished is not None:
        emit(output, lambda: finished, lambda: _parts(finished))
        if finished.status.value != "completed":
            raise SystemExit(1)


async def _prepare(
    log: Log,
    plan: str,
    run: tuple[str, ...],
    rate: str | None,
    sink: str | None,
    bootstrap: str | None,
    listener: str | None,
    now_ms: int,
) -> Session:
    import secrets

    from anabranch.errors import UserFault
    from anabranch.recovery import planning, points, replay
    from anabranch.recovery.sinks import locations
    from anabranch.recovery.times import parse_bytes

    if sink is not None and not locations.keeps_lines(sink):
        raise UserFault(
            f"“{sink}”: a replay stages sinks that hold lines: {', '.join(locations.FORMS)}"
        )
    found = await planning.find(log.metastore, plan)
    await _options.require_replay(log, "replay", topics=found.incident.topics)
    await _options.audited(log, "replay", f"PLAN:{found.id}", run=list(run))
    protocol = "PLAINTEXT"
    if bootstrap is None or listener is not None:
        now_there_ms = await log.metastore.now_ms()
        found_servers, protocol = await replay.default_bootstrap(
            log.metastore, now_there_ms, listener
        )
        bootstrap = bootstrap or found_servers
    return await replay.prepare(
        log,
        found,
        token=secrets.token_hex(2),
        now_ms=now_ms,
        command=run,
        bootstrap=bootstrap,
        security_protocol=protocol,
        creator=points.whoami(),
        rate=parse_bytes(rate) if rate is not None else None,
        sink=sink,
    )


async def _run(log: Log, session: Session, data: Location, output: str) -> Session:
    from anabranch.cli._burndown import burndown
    from anabranch.recovery.replay import Runner

    runner = Runner(
        log.metastore,
        session,
        output=data.files / "replays" / f"{session.id}.log",
        environ=os.environ,
    )
    if output == "json":
        return await runner.run()
    click.echo(
        f"Replay {session.id}: {session.total.records:,} records into "
        f"{', '.join(branch.branch for branch in session.branches)}"
    )
    with burndown("replay") as update:
        runner.on_progress = update
        return await runner.run()


def _list_parts(sessions: list[Session]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not sessions:
        yield "No replays yet."
        return
    yield Table(
        ("replay", "status", "for group", "plan", ">records", ">runs", "created"),
        [
            (
                session.id,
                session.status.value,
                session.live_group,
                session.plan,
                session.total.records,
                len(session.runs),
                time_text(session.created_ms),
            )
            for session in sessions
        ],
    )


def _parts(session: Session) -> Iterator[Part]:
    from anabranch.recovery.times import bytes_text, duration_text

    yield f"Replay {session.id}: {session.status.value}"
    if session.error:
        yield f"  {session.error}"
    total = session.total
    yield f"  {total.records:,} records, {bytes_text(total.bytes)}, at most {bytes_text(session.rate)}/s"
    seconds = sum(
        (r.ended_ms - r.started_ms) / 1000 for r in session.runs if r.ended_ms is not None
    )
    if seconds:
        done = total.records - (session.samples[-1].records_left if session.samples else 0)
        yield f"  {done:,} done in {duration_text(seconds)} ({len(session.runs)} run(s))"
    yield Table(
        ("topic", "branch", "group", "staging"),
        [
            (b.topic, b.branch, session.group, session.sink.line if session.sink else None)
            for b in session.branches
        ],
    )
    if session.status.value in ("failed", "interrupted"):
        yield f"Go on with: anabranch replay --resume {session.id}"
    elif session.status.value == "completed" and session.sink is not None:
        yield f"Next: anabranch verify …, then anabranch promote {session.id}"
