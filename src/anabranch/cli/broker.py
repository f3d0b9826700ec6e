"""``anabranch broker``: who serves, in which lane and zone, and what clients are led to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import BrokerRow


@click.group(name="broker", epilog="Example: anabranch broker list")
def command() -> None:
    """List brokers, and remove one that is gone for good."""


@command.command("list", epilog="Example: anabranch broker list --output json")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_(data: Location, output: str) -> None:
    """List brokers: their lanes, zones and addresses, when they last beat, what they lead."""

    async def main() -> None:
        async with _options.opened(data) as log:
            rows, now_ms = await log.metastore.brokers(), await log.metastore.now_ms()
            values = _values(log, rows, now_ms)
        emit(output, lambda: values, lambda: _parts(values))

    _options.run(main())


def _values(log: Log, rows: list[BrokerRow], now_ms: int) -> list[dict[str, Any]]:
    from anabranch.broker.membership import SILENT_MS_MAX
    from anabranch.broker.routing import Routes

    living = [row for row in rows if row.heartbeat_ms and now_ms - row.heartbeat_ms < SILENT_MS_MAX]
    led = dict.fromkeys((row.broker_id for row in rows), 0)
    # As seen by one broker of each lane: they all see the same.
    for routes in {row.lane: Routes(row, living) for row in living}.values():
        for topic in log.catalogue.topics():
            for partition in range(topic.partitions):
                led[routes.leader(topic.id, partition).broker_id] += 1
    return [
        {
            "id": row.broker_id,
            "epoch": row.epoch,
            "state": "living" if row in living else "dead" if row.heartbeat_ms else "starting",
            "lane": row.lane,
            "rack": row.rack,
            "host": row.host,
            "port": row.port,
            "listeners": [
                {
                    "name": one.listener,
                    "protocol": one.protocol,
                    "host": one.host,
                    "port": one.port,
                }
                for one in row.endpoints
            ],
            "started_ms": row.started_ms,
            "heartbeat_ms": row.heartbeat_ms or None,
            "silent_ms": max(0, now_ms - row.heartbeat_ms) if row.heartbeat_ms else None,
            "partitions": led[row.broker_id],
            "late_percent": row.late_percent or None,
            "cold_bytes_per_second": row.cold_bytes_per_second,
        }
        for row in rows
    ]


def _parts(values: list[dict[str, Any]]) -> Iterator[Part]:
    if not values:
        yield "No broker is registered: start one with `anabranch up`."
        return
    yield Table(
        (
            ">id",
            ">epoch",
            "state",
            "lane",
            "rack",
            "address",
            ">last beat, ms ago",
            ">partitions",
            ">late, %",
            ">cold, MB/s",
        ),
        [
            (
                str(v["id"]),
                str(v["epoch"]),
                v["state"],
                v["lane"],
                v["rack"],
                f"[{v['host']}]:{v['port']}" if ":" in v["host"] else f"{v['host']}:{v['port']}",
                v["silent_ms"],
                v["partitions"],
                v["late_percent"],
                f"{v['cold_bytes_per_second'] / 1e6:.1f}",
            )
            for v in values
        ],
    )


@command.command(epilog="Example: anabranch broker remove 3")
@click.argument("broker_id", metavar="ID", type=click.IntRange(min=0))
@_options.data_option
@_options.faults_to_sentences
def remove(broker_id: int, data: Location) -> None:
    """Forget broker ID. Nothing is lost by it: a broker owns nothing, and one that is alive after all
    registers anew within a second."""

    async def main() -> bool:
        async with _options.opened(data) as log:
            return await log.metastore.remove_broker(broker_id)

    from anabranch.errors import UserFault

    if not _options.run(main()):
        raise UserFault(
            f"there is no broker {broker_id}; `anabranch broker list` shows what there is"
        )
    click.echo(f"Removed broker {broker_id}.")
