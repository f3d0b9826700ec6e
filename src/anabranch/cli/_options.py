"""Options and plumbing that commands share. Cheap to import: `--help` must be quick."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from anabranch.errors import AnabranchError, UserFault

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Topic
    from anabranch.recovery.model import SinkState

DEFAULT_DATA = "anabranch-data"
F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T")


def data_option(function: F) -> F:
    """``--data`` and the URLs beside it, as one argument: ``data: Location``."""

    def gathered(
        *args: Any,
        data: Path | None,
        metastore: str | None,
        store: str | None,
        wal: str | None,
        **kwargs: Any,
    ) -> Any:
        from anabranch.log.location import Location

        if data is None and metastore is None:
            data = Path(DEFAULT_DATA)
        return function(*args, data=Location(data, metastore, store, wal), **kwargs)

    command = update_wrapper(gathered, function)
    for option in reversed(
        (
            click.option(
                "--data",
                type=click.Path(path_type=Path, file_okay=False),
                envvar="ANABRANCH_DATA",
                show_envvar=True,
                help="Data directory of the cluster; a broker may be running on it. "
                f"[default: {DEFAULT_DATA}]",
            ),
            _place("metastore", "The cluster's metastore, where it is not in the data directory."),
            _place("store", "The cluster's store, if it moved: else its metastore knows."),
            _place("wal", "The cluster's write-ahead log, if it moved: else its metastore knows."),
        )
    ):
        command = option(command)
    return command  # type: ignore[return-value]


def _place(name: str, text: str) -> Callable[[F], F]:
    return click.option(
        f"--{name}",
        metavar="URL",
        envvar=f"ANABRANCH_{name.upper()}",
        show_envvar=True,
        help=text,
    )


output_option = click.option(
    "--output",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="Tables for people, JSON for programs.",
)
exact_option = click.option(
    "--exact", is_flag=True, help="Count records where that means to read more of the log, too."
)
sink_option = click.option(
    "--sink",
    "sinks",
    multiple=True,
    metavar="SINK",
    help="A location (sqlite:PATH, postgresql://…, parquet:PATH, …: docs/sinks.md), CLASS:NAME, or the "
    "name of a declared sink.",
)


def faults_as(status: int) -> Callable[[F], F]:
    """Turn what we raise on purpose into click's ``Error: …`` and this exit status.

    Commands whose status 1 is an answer say with 2 that there is none; a bug of ours is none either.
    """

    def decorate(function: F) -> F:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except AnabranchError as error:
                raise _Said(str(error), status) from error
            except BrokenPipeError:
                raise  # the reader of our output left: main ends quietly
            except OSError as error:
                where = f"{error.filename}: " if error.filename else ""
                raise _Said(f"{where}{error.strerror or error}", status) from error
            except (click.ClickException, click.Abort, click.exceptions.Exit):
                raise
            except Exception:
                if status == 1:
                    raise  # the interpreter shows it and ends with 1
                import traceback

                traceback.print_exc()
                sys.exit(status)

        return update_wrapper(wrapped, function)  # type: ignore[return-value]

    return decorate


faults_to_sentences = faults_as(1)


class _Said(click.ClickException):
    """A sentence on stderr, and an exit status of the command's choice."""

    def __init__(self, sentence: str, status: int) -> None:
        super().__init__(sentence)
        self.exit_code = status  # type: ignore[misc]  # typeshed has it as a constant of the class


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine to its end."""
    return asyncio.run(main)


@asynccontextmanager
async def opened(data: Location, *, create: bool = False) -> AsyncIterator[Log]:
    """The log of the cluster at ``data``, beside whatever brokers run on it.

    ``create``: make the cluster if there is none, for what a first start already has to find.
    """
    from anabranch.log.opening import open_log

    log = await open_log(data, broker_id=None, create=create)
    try:
        yield log
    finally:
        await log.close()


def now_ms() -> int:
    """The wall clock; commands are where it enters."""
    return time.time_ns() // 1_000_000


def require_topic(log: Log, name: str) -> Topic:
    """Raises UserFault with what to do."""
    topic = log.catalogue.topic(name)
    if topic is None:
        raise UserFault(f"there is no topic “{name}”; `anabranch topic list` shows what there is")
    return topic


def parse_configs(pairs: Sequence[str]) -> dict[str, str]:
    """``["retention.ms=-1"]`` as a mapping. Raises UserFault."""
    configs = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UserFault(f"“{pair}” is not NAME=VALUE, as in retention.ms=604800000")
        configs[name.strip()] = value.strip()
    return configs


def parse_offset(text: str) -> tuple[str, int, int]:
    """``flights:3=1200`` as (topic, partition, offset). Raises UserFault."""
    where, _, offset = text.rpartition("=")
    topic, _, partition = where.rpartition(":")
    if not (topic and partition.isdigit() and offset.isdigit()):
        raise UserFault(f"“{text}” is not TOPIC:PARTITION=OFFSET, as in flights:3=1200")
    return topic, int(partition), int(offset)


def parse_sink(text: str) -> SinkState:
    """A sink as it stands, with its offsets where it keeps any. Raises UserFault."""
    from anabranch.recovery.sinks.locations import read_sink

    return read_sink(text)


def endpoint(flag: str, text: str | None) -> tuple[str | None, int | None]:
    """``HOST:PORT`` apart, with or without brackets around the host. Raises UserFault."""
    if text is None:
        return None, None
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isascii() or not port.isdigit():
        raise UserFault(f"{flag} takes HOST:PORT, for example 127.0.0.1:9092, not {text!r}")
    return host.removeprefix("[").removesuffix("]"), int(port)


async def audited(log: Log, command: str, resource: str, **details: Any) -> None:
    """Leave word of what a command did for the brokers' audit log, if there is one."""
    from anabranch.broker.audit import inbox

    await inbox.tell(log.metastore, f"anabranch {command}", resource, now_ms(), details=details)


async def require_replay(
    log: Log, command: str, *, topics: Sequence[str] = (), group: str | None = None
) -> None:
    """Raises UserFault unless this user may replay these topics, and (if given) the group."""
    from anabranch.broker.authz import policy
    from anabranch.broker.authz.acl import ResourceType

    wanted = [(ResourceType.TOPIC, name) for name in topics]
    if group is not None:
        wanted.append((ResourceType.GROUP, group))
    await policy.require_replay(log.metastore, f"anabranch {command}", wanted, now_ms())
