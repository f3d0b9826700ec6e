"""``anabranch audit``: read the audit log, and verify it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.broker.audit.verify import Verified
    from anabranch.log.audit_trail import Line
    from anabranch.log.location import Location
    from anabranch.log.log import Log

_directory_option = click.option(
    "--directory",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the files are. [default: audit in the data directory]",
)
_topic_option = click.option("--topic", help="Read the topic that holds a copy, not the files.")


@click.group(name="audit", epilog="Example: anabranch audit verify")
def command() -> None:
    """The audit log of brokers with audit.log = true."""


@command.command(epilog="Example: anabranch audit tail -n 50 --kind authorization")
@click.option(
    "-n", "count", type=click.IntRange(min=1), default=20, show_default=True, help="So many lines."
)
@click.option("--kind", help="Only lines of this kind.")
@click.option("--principal", help="Only lines about this principal.")
@_directory_option
@_topic_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def tail(
    count: int,
    kind: str | None,
    principal: str | None,
    directory: Path | None,
    topic: str | None,
    data: Location,
    output: str,
) -> None:
    """Show the newest lines, by their time."""

    async def main() -> None:
        from collections import deque

        newest: deque[dict[str, Any]] = deque(maxlen=count)
        lines = await _lines(directory, topic, data)
        for line in sorted(lines, key=lambda one: (str(one.fields.get("at")), one.chain, one.seq)):
            fields = line.fields
            if kind in (None, fields.get("kind")) and principal in (None, fields.get("principal")):
                newest.append({**fields, "hash": line.hash})
        values = list(newest)
        emit(output, lambda: values, lambda: _tail_parts(values))

    _options.run(main())


def _tail_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No such lines."
        return
    keys = ("at", "kind", "outcome", "principal", "host", "api", "operation", "resource", "reason")
    yield Table(
        keys,
        [
            ["ok" if key == "outcome" and key not in v else v.get(key, "") for key in keys]
            for v in values
        ],
    )


async def _lines(directory: Path | None, topic: str | None, data: Location) -> list[Line]:
    from anabranch.log.audit_trail import Line, list_files, read_lines

    if topic is not None:
        async with _options.opened(data) as log:
            return [one async for one in _from_topic(log, topic) if isinstance(one, Line)]
    where = _where(directory, data)
    return [
        line
        for file in list_files(where)
        for line in read_lines(file.path)
        if isinstance(line, Line)
    ]


def _where(directory: Path | None, data: Location) -> Path:
    from anabranch.errors import UserFault

    if directory is not None:
        return directory
    if data.data is None:
        raise UserFault("say where the files are: --directory DIR, or --topic NAME")
    return data.data / "audit"


def _from_topic(log: Log, name: str) -> AsyncIterator[Line | str]:
    from anabranch.log.audit_trail import read_topic

    return read_topic(log, _options.require_topic(log, name))


@command.command(epilog="Example: anabranch audit verify --topic __anabranch_audit")
@_directory_option
@_topic_option
@_options.data_option
@_options.output_option
@_options.faults_as(2)
def verify(directory: Path | None, topic: str | None, data: Location, output: str) -> None:
    """Find lines that were removed, altered or moved; exit status 1 if there are any, 2 if it cannot be said.

    Compares the files (or the topic) with themselves and with the chains' heads in the metastore.
    """

    async def main() -> bool:
        from anabranch.broker.audit import anchors
        from anabranch.broker.audit.verify import verify_files, verify_lines

        async with _options.opened(data) as log:
            heads = await anchors.load_all(log.metastore)
            if topic is None:
                verified = verify_files(_where(directory, data), heads)
            else:
                verified = verify_lines([one async for one in _from_topic(log, topic)], heads)
        emit(output, lambda: verified, lambda: _verify_parts(verified))
        return verified.whole

    if not _options.run(main()):
        click.get_current_context().exit(1)


def _verify_parts(verified: Verified) -> Iterator[Part]:
    if verified.findings:
        yield Table(
            ("chain", ">line", "what is wrong"),
            [(one.chain, one.seq if one.seq >= 0 else "", one.what) for one in verified.findings],
        )
    else:
        yield f"Whole: {verified.lines} lines of {verified.chains} chains."
    yield from verified.notes
