"""``anabranch transaction``: who writes in transactions, what is open, and an end to what hangs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Transaction, TransactionalId

PAGE = 1_000
ABORT_WAIT_S = 30.0  # brokers look for overdue transactions every ten seconds


@click.group(name="transaction", epilog="Example: anabranch transaction list --ongoing")
def command() -> None:
    """List and describe transactions, abort one that hangs."""


@command.command("list", epilog="Example: anabranch transaction list --ongoing --output json")
@click.option("--ongoing", is_flag=True, help="Only ids whose transaction is open now.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(ongoing: bool, data: Location, output: str) -> None:
    """List transactional ids with their producers and states."""

    async def main() -> None:
        async with _options.opened(data) as log:
            now_ms = await log.metastore.now_ms()
            rows = await _ids(log)
        values = [_value(row, now_ms) for row in rows if not ongoing or row.started_ms is not None]
        emit(output, lambda: values, lambda: _list_parts(values))

    _options.run(main())


async def _ids(log: Log) -> list[TransactionalId]:
    found: list[TransactionalId] = []
    while page := await log.metastore.transactional_ids(found[-1].name if found else "", PAGE):
        found += page
        if len(page) < PAGE:
            break
    return found


def _value(row: TransactionalId, now_ms: int) -> dict[str, Any]:
    return {
        "transactional_id": row.name,
        "producer_id": row.producer_id,
        "epoch": row.epoch,
        "state": row.state.title,
        "timeout_ms": row.timeout_ms,
        "open_ms": None if row.started_ms is None else max(0, now_ms - row.started_ms),
        "last_change_ms": row.updated_ms,
    }


def _list_parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No transactions."
        return
    yield Table(
        ("transactional id", ">producer", ">epoch", "state", ">open for"),
        [
            (
                v["transactional_id"],
                v["producer_id"],
                v["epoch"],
                v["state"],
                "" if v["open_ms"] is None else f"{v['open_ms'] / 1000:.1f} s",
            )
            for v in values
        ],
    )


@command.command(epilog="Example: anabranch transaction describe payments-1")
@click.argument("transactional_id")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def describe(transactional_id: str, data: Location, output: str) -> None:
    """Show the transaction of TRANSACTIONAL_ID: what it has written to, whose offsets it carries."""

    async def main() -> None:
        async with _options.opened(data) as log:
            found = await _found(log, transactional_id)
            value = _value(found.id, await log.metastore.now_ms())
            names = {topic.no: topic.name for topic in log.catalogue.topics()}
        value["partitions"] = [
            {
                "topic": names.get(one.topic_no, "(deleted)"),
                "partition": one.partition,
                "first_offset": one.first_offset,
            }
            for one in found.partitions
        ]
        value["groups"] = list(found.groups)
        emit(output, lambda: value, lambda: _describe_parts(value))

    _options.run(main())


async def _found(log: Log, name: str) -> Transaction:
    found = await log.metastore.transaction(name)
    if found is None:
        raise UserFault(f"there is no transactional id {name}")
    return found


def _describe_parts(value: dict[str, Any]) -> Iterator[Part]:
    yield from _list_parts([value])
    if value["partitions"]:
        yield Table(
            ("topic", ">partition", ">first offset"),
            [
                (
                    one["topic"],
                    one["partition"],
                    "" if one["first_offset"] is None else one["first_offset"],
                )
                for one in value["partitions"]
            ],
        )
    if value["groups"]:
        yield f"Carries offsets of: {', '.join(value['groups'])}"


@command.command(epilog="Example: anabranch transaction abort payments-1")
@click.argument("transactional_id")
@_options.data_option
@_options.faults_to_sentences
def abort(transactional_id: str, data: Location) -> None:
    """Have a running broker abort the open transaction of TRANSACTIONAL_ID, and fence its producer."""

    async def main() -> None:
        async with _options.opened(data) as log:
            before = await _found(log, transactional_id)
            if not await log.metastore.expire_transaction(transactional_id):
                raise UserFault(f"no transaction of {transactional_id} is open")
            deadline = time.monotonic() + ABORT_WAIT_S
            while time.monotonic() < deadline:
                now = await _found(log, transactional_id)
                if now.id.epoch != before.id.epoch or now.id.started_ms is None:
                    click.echo(f"{transactional_id}: aborted, its producer is fenced.")
                    return
                await asyncio.sleep(0.2)
        raise UserFault(
            f"the transaction of {transactional_id} is marked as overdue, and no broker has aborted it "
            "yet: the next one that runs does"
        )

    _options.run(main())
