"""``anabranch up``: a broker in the foreground."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from pathlib import Path
from typing import Any

import click

from anabranch.errors import UserFault

logger = logging.getLogger("anabranch")

_HARD_EXIT = 130  # what a shell reports for a process that Ctrl-C ended


@click.command(name="up")
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Data directory; created if there is none.",
)
@click.option(
    "--listen",
    metavar="HOST:PORT",
    help="Where to listen; port 0 takes any free one. [default: 127.0.0.1:9092]",
)
@click.option("--advertise", metavar="HOST:PORT", help="What clients are told to connect to.")
@click.option("--node-id", type=click.IntRange(min=0), help="This broker's number. [default: 1]")
@click.option("--rack", help="The rack that clients are told.")
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
    listen: str | None,
    advertise: str | None,
    node_id: int | None,
    rack: str | None,
    auto_create: bool | None,
    partitions: int | None,
    config_file: Path | None,
    log_level: str,
) -> None:
    """Run a broker in the foreground until Ctrl-C.

    Prints one line with "listening on HOST:PORT" when clients can connect.
    """
    from anabranch.broker.config import load_settings

    host, port = _endpoint("--listen", listen)
    advertised_host, advertised_port = _endpoint("--advertise", advertise)
    overrides: dict[str, Any] = {
        "data": data,
        "node_id": node_id,
        "rack": rack,
        "listener": {
            "host": host,
            "port": port,
            "advertised_host": advertised_host,
            "advertised_port": advertised_port,
        },
        "topics": {"auto_create": auto_create, "partitions": partitions},
    }
    settings = load_settings(config_file, overrides)
    logging.basicConfig(
        stream=sys.stderr,
        level=log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    asyncio.run(_run(settings))


def _endpoint(flag: str, text: str | None) -> tuple[str | None, int | None]:
    if text is None:
        return None, None
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit():
        raise UserFault(f"{flag} takes HOST:PORT, for example 127.0.0.1:9092, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def _run(settings: Any) -> None:
    from anabranch.broker.server import Broker

    stopping = asyncio.Event()

    def stop() -> None:
        if stopping.is_set():
            os._exit(_HARD_EXIT)  # asked twice: nothing acknowledged can be lost by it (I4)
        stopping.set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    broker = Broker(settings)
    await broker.start()
    try:
        host = f"[{broker.host}]" if ":" in broker.host else broker.host
        print(
            f"anabranch: broker {broker.node_id} on {settings.data} "
            f"listening on {host}:{broker.port}",
            flush=True,
        )
        await stopping.wait()
    finally:
        await broker.stop()
