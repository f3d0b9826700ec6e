"""``anabranch log damage``: what cannot be read, and giving it up."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.log.log import Log
    from anabranch.metastore.api import Damage, DamageSkip


@click.group(name="damage", epilog="Example: anabranch log damage list")
def damage() -> None:
    """List ranges that cannot be read, and skip one for good.

    Brokers note what they cannot read, and so does `anabranch check`. Until it is skipped, such a range
    fails with Kafka's own error (KAFKA_STORAGE_ERROR for what is lost, CORRUPT_MESSAGE for what reads
    back wrong), and only that range.
    """


@damage.command(name="list", epilog="Example: anabranch log damage list flights --verify")
@click.argument("topic", required=False)
@click.option(
    "--verify", is_flag=True, help="Read each range now, and forget those that read well again."
)
@click.option("--skipped", is_flag=True, help="What was skipped instead: by whom, when and why.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def list_damage(
    topic: str | None, verify: bool, skipped: bool, data: Location, output: str
) -> None:
    """List damaged ranges, of TOPIC or of all topics."""

    async def main() -> None:
        async with _options.opened(data) as log:
            no = None if topic is None else _options.require_topic(log, topic).no
            names = {each.no: each.name for each in log.catalogue.topics()}
            if skipped:
                skips = await log.metastore.damage_skips(no)
                emit(
                    output,
                    lambda: [_skip_value(each) for each in skips],
                    lambda: _skips(skips),
                )
                return
            known = await log.metastore.damages(no)
            healed = await _healed(log, known) if verify else []
            left = [each for each in known if each not in healed]
            emit(
                output,
                lambda: [_value(names, each) for each in left],
                lambda: _damages(names, left, healed),
            )

    _options.run(main())


async def _healed(log: Log, known: Sequence[Damage]) -> list[Damage]:
    healed = []
    for each in known:
        if not await log.skipper.still_damaged(each):
            await log.metastore.forget_damage(each.topic_no, each.partition, each.first_offset)
            healed.append(each)
    return healed


@damage.command(
    epilog="Example: anabranch log damage skip flights 3 --from 1200 --to 1799 "
    '--reason "bucket lost it, INC-7"'
)
@click.argument("topic")
@click.argument("partition", type=click.IntRange(min=0))
@click.option("--from", "first", type=int, required=True, help="First offset, as listed.")
@click.option("--to", "last", type=int, required=True, help="Last offset, inclusive.")
@click.option("--reason", required=True, help="Why, for whoever reads the audit history.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def skip(
    topic: str,
    partition: int,
    first: int,
    last: int,
    reason: str,
    yes: bool,
    data: Location,
    output: str,
) -> None:
    """Give up what is damaged in offsets FROM to TO of a partition, for good.

    Only what cannot be read or decoded is skipped, in whole damaged ranges: consumers find these offsets
    absent, as after compaction, and go on behind them. A gap keeps the cause; who skipped it, when and
    why stays in the audit history (`list --skipped`). Brokers may be running.
    """

    async def main() -> None:
        from anabranch.log.skipping import Operator
        from anabranch.recovery.capture.points import whoami

        async with _options.opened(data) as log:
            found = _options.require_topic(log, topic)
            if not yes:
                click.confirm(
                    f"Skip what is damaged in offsets {first} to {last} of {topic}/{partition} for good?",
                    abort=True,
                    err=True,
                )
            operator = Operator(whoami(), socket.gethostname(), reason)
            done = await log.skip_damage(found, partition, first, last, operator)
            await _options.audited(
                log,
                "log damage skip",
                f"TOPIC:{found.name}",
                partition=partition,
                ranges=[[one.first_offset, one.last_offset] for one in done],
                reason=operator.reason,
            )
            names = {found.no: found.name}
            emit(
                output,
                lambda: [_value(names, each) for each in done],
                lambda: _skipped_parts(names, done),
            )

    _options.run(main())


def _value(names: dict[int, str], each: Damage) -> dict[str, Any]:
    return {
        "topic": names.get(each.topic_no, f"#{each.topic_no}"),
        "partition": each.partition,
        "first_offset": each.first_offset,
        "last_offset": each.last_offset,
        "cause": each.cause.value,
        "object": each.object_key,
        "detail": each.detail,
        "records": None if each.records < 0 else each.records,
        "bytes": each.bytes,
        "found_ms": each.found_ms,
    }


def _skip_value(each: DamageSkip) -> dict[str, Any]:
    from anabranch.recovery.model import topic_id_text

    return _value({each.damage.topic_no: each.topic}, each.damage) | {
        "topic_id": topic_id_text(each.topic_id),
        "skipped_ms": each.at_ms,
        "principal": each.principal,
        "host": each.host,
        "reason": each.reason,
    }


def _damages(
    names: dict[int, str], left: Sequence[Damage], healed: Sequence[Damage]
) -> Iterable[Part]:
    if left:
        yield _table(names, left)
    yield f"{len(left):,} damaged ranges" if left else "nothing damaged is known"
    if healed:
        yield f"{len(healed):,} read well again and were forgotten"


def _skipped_parts(names: dict[int, str], done: Sequence[Damage]) -> Iterator[Part]:
    yield _table(names, done)
    yield f"{len(done):,} ranges skipped: consumers go on behind them"


def _table(names: dict[int, str], damages: Sequence[Damage]) -> Table:
    from anabranch.recovery.times import bytes_text, time_text

    return Table(
        (
            "topic",
            ">partition",
            ">first",
            ">last",
            "cause",
            ">records",
            ">size",
            "since",
            "object",
            "detail",
        ),
        [
            (
                names.get(each.topic_no, f"#{each.topic_no}"),
                each.partition,
                each.first_offset,
                each.last_offset,
                each.cause.value,
                "?" if each.records < 0 else each.records,
                bytes_text(each.bytes),
                time_text(each.found_ms),
                each.object_key,
                each.detail,
            )
            for each in damages
        ],
    )


def _skips(skips: Sequence[DamageSkip]) -> Iterator[Part]:
    from anabranch.recovery.model import topic_id_text
    from anabranch.recovery.times import time_text

    if not skips:
        yield "nothing was skipped"
        return
    yield Table(
        ("when", "topic", "id", ">partition", ">first", ">last", "cause", "by", "host", "reason"),
        [
            (
                time_text(each.at_ms),
                each.topic,
                topic_id_text(each.topic_id),
                each.damage.partition,
                each.damage.first_offset,
                each.damage.last_offset,
                each.damage.cause.value,
                each.principal,
                each.host,
                each.reason,
            )
            for each in skips
        ],
    )
