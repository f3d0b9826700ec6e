"""``anabranch up``: a broker in the foreground."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.broker.config import BrokerSettings

WORKER = "anabranch.cli._worker"  # the module that a worker's process runs


@click.command(name="up")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="ANABRANCH_DATA",
    show_envvar=True,
    help="Data directory; created if there is none.",
)
@click.option(
    "--metastore",
    metavar="URL",
    envvar="ANABRANCH_METASTORE",
    show_envvar=True,
    help="The metastore. [default: metastore.db in the data directory]",
)
@click.option(
    "--store",
    metavar="URL",
    envvar="ANABRANCH_STORE",
    show_envvar=True,
    help="Where events are retained: file:///path or s3://bucket/prefix?endpoint=…&region=…; AWS_* "
    "give the credentials. [default: as last told, or store/ in the data directory]",
)
@click.option(
    "--wal",
    metavar="URL",
    envvar="ANABRANCH_WAL",
    show_envvar=True,
    help="The write-ahead log: a directory of this machine or s3://bucket/prefix. "
    "[default: as last told, or wal/ in the data directory]",
)
@click.option(
    "--listen",
    multiple=True,
    metavar="[[NAME=]PROTOCOL://]HOST:PORT",
    help="Where to listen; port 0 takes any free one. Several times for several listeners, each "
    "PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL. [default: 127.0.0.1:9092]",
)
@click.option(
    "--advertise",
    multiple=True,
    metavar="[NAME=]HOST:PORT",
    help="What clients (of listener NAME) are told to connect to.",
)
@click.option(
    "--metrics",
    metavar="HOST:PORT",
    help="Answer GET /metrics there in Prometheus' format; each worker at a port of its own, from this "
    "one on. [default: nowhere]",
)
@click.option(
    "--node-id",
    type=click.IntRange(min=0),
    help="This broker's number. [default: the smallest that no living broker has]",
)
@click.option(
    "--rack", help="The rack (zone) that clients are told; they prefer brokers of their own."
)
@click.option(
    "--lane",
    metavar="NAME",
    help="The pool of brokers that clients of this one see; from any other than live, live topics are "
    "read only and production groups refused. [default: live]",
)
@click.option(
    "--session",
    metavar="ID",
    help="Serve one replay session, in a lane of its own: its branches go by the names of the topics they stand for, "
    "and groups and transactional ids are the session's. A job runs here as it is.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=64),
    default=1,
    show_default=True,
    help="Run so many brokers here, at this port and those that follow; SIGHUP restarts them one by one.",
)
@click.option(
    "--until-eof",
    is_flag=True,
    help="Stop when standard input ends, too: with whoever started it and holds its other end, even if that is killed.",
)
@click.option(
    "--auto-create/--no-auto-create",
    default=None,
    help="Whether asking for an unknown topic creates it. [default: auto-create]",
)
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help="Partitions of a topic whose creator does not say. [default: 1]",
)
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    help="TOML file with settings; see docs/configuration.md. Flags win over it.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="warning",
    show_default=True,
    help="How much the broker says on stderr.",
)
def command(
    data: Path | None,
    metastore: str | None,
    store: str | None,
    wal: str | None,
    listen: tuple[str, ...],
    advertise: tuple[str, ...],
    metrics: str | None,
    node_id: int | None,
    rack: str | None,
    lane: str | None,
    session: str | None,
    workers: int,
    until_eof: bool,
    auto_create: bool | None,
    partitions: int | None,
    config_file: Path | None,
    log_level: str,
) -> None:
    """Run a broker in the foreground until Ctrl-C.

    Prints one line with "listening on HOST:PORT" when clients can connect.
    """
    from anabranch.broker.config import load_settings
    from anabranch.broker.lanes import is_apart
    from anabranch.scheduling import give_way

    if session is not None and not listen:
        listen = ("127.0.0.1:0",)  # the usual port is the live brokers'
    metrics_host, metrics_port = _options.endpoint("--metrics", metrics)
    overrides: dict[str, Any] = {
        "data": data,
        "metastore": metastore,
        "store": store,
        "wal": wal,
        "node_id": node_id,
        "rack": rack,
        **listeners(listen, advertise),
        "metrics": {"host": metrics_host, "port": metrics_port},
        "lane": {"name": lane},
        "topics": {"auto_create": auto_create, "partitions": partitions},
    }
    if session is not None and lane is not None:
        raise UserFault("--session is a lane of its own: leave --lane out")
    settings = load_settings(config_file, overrides)
    if session is not None:
        settings = asyncio.run(_in_session(settings, session))
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if is_apart(settings.lane):
        give_way(settings.lane.niceness)
    if workers == 1:
        asyncio.run(_run(settings, until_eof))
    else:
        asyncio.run(_supervise(settings, workers, log_level, until_eof))


def listeners(listen: Sequence[str], advertise: Sequence[str]) -> dict[str, Any]:
    """The settings that ``--listen`` and ``--advertise`` stand for. Raises UserFault."""
    told: dict[str | None, dict[str, Any]] = {}
    for text in advertise:
        name, _, place = text.rpartition("=")
        host, port = _options.endpoint("--advertise", place)
        told[name or None] = {"advertised_host": host, "advertised_port": port}
    if len(listen) <= 1 and not any("://" in text for text in listen):
        if set(told) - {None}:
            raise UserFault(
                "--advertise NAME=… wants a listener of that name: --listen NAME=PROTOCOL://…"
            )
        host, port = _options.endpoint("--listen", listen[0] if listen else None)
        one = {"listener": {"host": host, "port": port, **told.get(None, {})}}
        return {**one, "listeners": []} if listen else one
    made = []
    for text in listen:
        head, separator, place = text.partition("://")
        if not separator:
            head, place = "PLAINTEXT", text
        named, _, protocol = head.rpartition("=")
        host, port = _options.endpoint("--listen", place)
        known_as = named or protocol
        entry = {"name": known_as, "protocol": protocol, "host": host, "port": port}
        made.append(entry | told.pop(known_as, {}))
    if None in told and len(made) == 1:
        made[0] |= told.pop(None)
    if told:
        unknown = next(iter(told))
        raise UserFault(
            f"--advertise {unknown}=… names no listener of --listen"
            if unknown
            else "several listeners: say which with --advertise NAME=HOST:PORT"
        )
    return {"listeners": made}


async def _in_session(settings: BrokerSettings, session_id: str) -> BrokerSettings:
    """The settings of a broker of a replay session. Raises UserFault: there is no such session."""
    from msgspec.structs import replace

    from anabranch.cli._options import opened
    from anabranch.recovery.replays import replay

    async with opened(settings.location) as log:
        session = await replay.find(log.metastore, session_id)
    lane = replace(
        settings.lane,
        name=session.id,
        session=session.id,
        session_group=session.live_group,
        late_percent_max=session.guards.late_percent_max,
    )
    return replace(settings, lane=lane)


async def _run(settings: BrokerSettings, until_eof: bool) -> None:
    from anabranch.broker.serve import Stopping, serve
    from anabranch.cli._worker import watch

    stopping = Stopping()
    if until_eof:
        stopping.ask_at_end_of_input()
    await serve(settings, stopping, watch)


async def _supervise(settings: BrokerSettings, count: int, log_level: str, until_eof: bool) -> None:
    from anabranch.broker.serve import Stopping
    from anabranch.broker.workers import Supervisor, Worker, worker_settings

    each = worker_settings(settings, count)
    supervisor = Supervisor([Worker(one, log_level, WORKER) for one in each])
    stopping = Stopping(at_once=supervisor.kill)
    if until_eof:
        stopping.ask_at_end_of_input()
    await supervisor.start()
    try:
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, supervisor.roll)
        for worker in supervisor.workers:
            print(worker.announcement, flush=True)
        await stopping.wait()
    finally:
        await supervisor.stop()
