"""``anabranch point watch`` and ``point hook``: points without a person at the keyboard."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options

if TYPE_CHECKING:
    import ssl

    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.recovery.capture.capturing import Allow, Wish
    from anabranch.recovery.capture.schedule import Told
    from anabranch.recovery.model import RecoveryPoint

TOKEN_BYTES = 2  # of a point's id, beside its time


def allowed(log: Log, what: str) -> Allow:
    """Whether the user of this process may replay what a point says."""

    async def allow(topics: Sequence[str], group: str | None) -> None:
        await _options.require_replay(log, what, topics=topics, group=group)

    return allow


def _new_token() -> str:
    import secrets

    return secrets.token_hex(TOKEN_BYTES)


def _until_asked_to_stop() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


@click.command(
    epilog="Example: anabranch point watch orders --from flink:http://jm:8081/jobs/ID --every 10m --keep 20"
)
@click.argument("name", required=False)
@click.option("--group", help="Take what this group has committed; with --from, for its markers.")
@click.option("--from", "origin", metavar="ENGINE:PLACE", help="Take another engine's checkpoint.")
@click.option("--uid", "uids", multiple=True, help="… of this source. Repeatable.")
@click.option("--source", "sources", type=int, multiple=True, help="… of source N. Repeatable.")
@click.option("--topic", "topics", multiple=True, help="Only these topics. Repeatable.")
@_options.sink_option
@click.option("--processor", default="", help="What processes; default: the group.")
@click.option("--version", default="", help="Its code and config version.")
@click.option(
    "--in-flight", is_flag=True, help="Also with records in flight outside of the offsets."
)
@click.option(
    "--checkpoint-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="With --from bytewax:…: copy the store here each time.",
)
@click.option("--every", metavar="TIME", help="How often, as 10m.")
@click.option("--keep", type=int, help="So many of its points stay; older ones are removed.")
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Schedules from tables [points.NAME] of a TOML file instead.",
)
@click.option(
    "--once", is_flag=True, help="One turn of each, then end; exit status 1 if one failed."
)
@_options.data_option
@_options.faults_to_sentences
def watch(
    name: str | None,
    group: str | None,
    origin: str | None,
    uids: tuple[str, ...],
    sources: tuple[int, ...],
    topics: tuple[str, ...],
    sinks: tuple[str, ...],
    processor: str,
    version: str,
    in_flight: bool,
    checkpoint_dir: Path | None,
    every: str | None,
    keep: int | None,
    config: Path | None,
    once: bool,
    data: Location,
) -> None:
    """Take points called NAME on a schedule, until SIGTERM or Ctrl-C (exit status 0).

    A capture that fails is said on stderr and tried again at the next turn. Nothing is taken while
    nothing has changed. Points that a hold pins are not removed.
    """

    async def main() -> bool:
        from anabranch.errors import UserFault
        from anabranch.recovery.capture import schedule
        from anabranch.recovery.capture.capturing import Wish

        if config is not None:
            if name is not None or every is not None or keep is not None:
                raise UserFault(
                    "the file of --config says names, times and numbers: leave them out"
                )
            schedules = schedule.load(config)
        elif name is None or every is None or keep is None:
            raise UserFault(
                "say NAME, --every and --keep, or --config FILE with tables [points.NAME]"
            )
        else:
            wish = Wish(
                name=name,
                group=group,
                origin=origin,
                uids=uids,
                sources=sources,
                sinks=sinks,
                topics=topics,
                processor=processor,
                version=version,
                in_flight=in_flight,
                copy_to=checkpoint_dir,
            )
            schedules = [schedule.schedule(wish, every, keep)]
        stop = _until_asked_to_stop()
        async with _options.opened(data) as log:
            allow = allowed(log, "point watch")
            if once:
                turns = [
                    await schedule.turn(
                        log, one, now_ms=_options.now_ms, token=_new_token, allow=allow
                    )
                    for one in schedules
                ]
                for one in turns:
                    await _tell(log, one)
                return not any(one.error for one in turns)
            for item in schedules:
                click.echo(
                    f"{item.wish.name}: every {item.every_ms / 1000:g} s, {item.keep} are kept"
                )
            await schedule.run(
                log,
                schedules,
                now_ms=_options.now_ms,
                token=_new_token,
                allow=allow,
                tell=lambda told: _tell(log, told),
                stop=stop,
            )
        return True

    if not _options.run(main()):
        raise SystemExit(1)


async def _tell(log: Log, told: Told) -> None:
    """On the terminal; and the audit log of each point that was taken or removed."""
    _say(told)
    if told.point is None:
        return
    from anabranch.errors import AnabranchError

    try:
        await _options.audited(
            log,
            "point watch",
            f"POINT:{told.point.id}",
            name=told.schedule,
            group=told.point.group,
            removed=list(told.removed),
        )
    except AnabranchError as fault:  # the point stands, and the next one is due
        print(f"{told.point.id} is not in the audit log: {fault}", file=sys.stderr, flush=True)


def _say(told: Told) -> None:
    from anabranch.recovery.times import time_text

    at = time_text(told.at_ms)
    if told.error:
        print(f"{at} {told.schedule}: {told.error}", file=sys.stderr, flush=True)
    elif told.point is None:
        click.echo(f"{at} {told.schedule}: nothing has changed")
    else:
        gone = f", removed {', '.join(told.removed)}" if told.removed else ""
        click.echo(
            f"{at} {told.schedule}: {told.point.id}, {len(told.point.positions)} partitions{gone}"
        )
    sys.stdout.flush()


@click.command(
    epilog="Example: anabranch point hook --listen 127.0.0.1:8090 --token-file token; then: curl "
    "-H 'Authorization: Bearer …' http://127.0.0.1:8090/points "
    '-d \'{"name": "before-v8", "group": "orders", "version": "v7"}\''
)
@click.option(
    "--listen", required=True, metavar="HOST:PORT", help="As 127.0.0.1:8090; port 0: any."
)
@click.option(
    "--token-file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Holds the token that requests must bear; read at each, so it can be replaced.",
)
@click.option(
    "--allow-from",
    "origins",
    multiple=True,
    metavar="PREFIX",
    help="“from” must begin with one of these, as flink:/checkpoints/. Default: anything.",
)
@click.option(
    "--certificate", type=click.Path(path_type=Path), help="Serve TLS with this chain (PEM)."
)
@click.option("--key", type=click.Path(path_type=Path), help="… and this key (PEM).")
@_options.data_option
@_options.faults_to_sentences
def hook(
    listen: str,
    token_file: Path,
    origins: tuple[str, ...],
    certificate: Path | None,
    key: Path | None,
    data: Location,
) -> None:
    """Serve POST /points for deployments, until SIGTERM or Ctrl-C (exit status 0).

    The body is JSON: name, and group or from (ENGINE:PLACE); version, reason, processor, uids, sources,
    topics, sinks, in_flight. Answers 201 with the point, 400 for a bad body, 401 without the token, 409 if the
    point is refused, 503 if something cannot be reached.
    """

    async def main() -> None:
        from anabranch.recovery.capture.hook import Hook

        host, port = _address(listen)
        tls = _tls(host, certificate, key)
        stop = _until_asked_to_stop()
        async with _options.opened(data) as log:
            served = Hook(
                _capture(log),
                token_file,
                origins=origins,
                complain=lambda text: print(text, file=sys.stderr, flush=True),
            )
            bound = await served.start(host, port, tls)
            click.echo(f"{'https' if tls else 'http'}://{host}:{bound}/points")
            sys.stdout.flush()
            await stop.wait()
            await served.close()

    _options.run(main())


def _capture(log: Log) -> Callable[[Wish, str], Awaitable[RecoveryPoint]]:
    async def capture(wish: Wish, who: str) -> RecoveryPoint:
        from anabranch.recovery.capture.capturing import take

        point = await take(
            log,
            wish,
            now_ms=_options.now_ms(),
            token=_new_token(),
            allow=allowed(log, "point hook"),
            creator=who,
        )
        await _options.audited(log, "point hook", f"POINT:{point.id}", name=wish.name, by=who)
        click.echo(f"{point.id} “{point.name}”, {who}")
        sys.stdout.flush()
        return point

    return capture


def _address(text: str) -> tuple[str, int]:
    from anabranch.errors import UserFault

    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise UserFault(f"--listen: “{text}” is not HOST:PORT, as 127.0.0.1:8090")
    return host, int(port)


def _tls(host: str, certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """The context to serve with. A token in the clear goes no further than this machine: UserFault."""
    import ipaddress
    import ssl

    from anabranch.errors import UserFault

    if (certificate is None) != (key is None):
        raise UserFault("--certificate and --key go together")
    if certificate is None or key is None:
        try:
            loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            loopback = False
        if not loopback:
            raise UserFault(
                f"--listen {host}: the token would go over the network in the clear; add --certificate and "
                "--key, or listen on 127.0.0.1 behind what serves TLS"
            )
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise UserFault(f"--certificate, --key: {error}") from None
    return context
