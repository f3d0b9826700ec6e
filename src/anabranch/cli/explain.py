"""``anabranch explain``: where a group stood, how it got there, and what a restart there does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.explain import Explanation, PartitionExplanation


@click.command(
    name="explain",
    epilog="Example: anabranch explain flights-view --at '15m ago' --sink sqlite:view.db",
)
@click.argument("group")
@click.option("--at", default="now", show_default=True, metavar="TIME", help="Which instant.")
@click.option("--topic", "topics", multiple=True, help="Only these topics. Repeatable.")
@_options.sink_option
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    group: str,
    at: str,
    topics: tuple[str, ...],
    sinks: tuple[str, ...],
    data: Location,
    output: str,
) -> None:
    """Explain GROUP's committed offsets at an instant.

    Per partition: what was committed, when, by whom, and what it replaced; what a restart there
    reads; and a verdict that holds it against the log's start and end and the sink.
    """

    async def main() -> None:
        from anabranch.errors import UserFault
        from anabranch.recovery.explain import explain
        from anabranch.recovery.times import parse_time

        if len(sinks) > 1:
            raise UserFault("explain takes one --sink; run it once per sink")
        now_ms = _options.now_ms()
        async with _options.opened(data) as log:
            explanation = await explain(
                log.metastore,
                group,
                at_ms=parse_time(at, now_ms),
                now_ms=now_ms,
                sink=_options.parse_sink(sinks[0]) if sinks else None,
                topics=topics or None,
                append_times=log.extents.append_times,
            )
        emit(output, lambda: explanation, lambda: _parts(explanation))

    _options.run(main())


def _parts(explanation: Explanation) -> Iterator[Part]:
    from anabranch.recovery.model import VerdictKind
    from anabranch.recovery.times import bytes_text, duration_text, time_text

    at = time_text(explanation.at_ms)
    yield f"Group {explanation.group} at {at}: restart there → {explanation.verdict}"
    yield f"({explanation.verdict.reason})"
    partitions = explanation.partitions
    yield Table(
        ("topic", ">p", ">position", "action", "committed", "by", ">replaced", "detail"),
        [
            (
                p.topic,
                p.partition,
                p.position,
                p.change.action,
                time_text(p.change.at_ms),
                p.change.who,
                p.change.old,
                _detail(p),
            )
            for p in partitions
        ],
        "How it got there",
    )
    yield Table(
        (
            "topic", ">p", ">log start", ">position", ">sink", ">committed now", ">log end",
            ">to read", ">size", ">age", "verdict",
        ),
        [
            (
                p.topic,
                p.partition,
                p.log_start,
                p.position,
                p.sink_offset,
                p.committed_now,
                p.log_end,
                p.lag.records,
                bytes_text(p.lag.bytes),
                duration_text(None if p.lag_ms is None else p.lag_ms / 1000),
                str(p.verdict),
            )
            for p in partitions
        ],
        "What a restart there does",
    )  # fmt: skip
    lag = sum(p.lag.records for p in partitions)
    size = bytes_text(sum(p.lag.bytes for p in partitions))
    again = sum(p.again for p in partitions)
    yield f"A restart there reads {lag:,} records ({size}); {again:,} of them for the second time."
    if explanation.verdict.kind is VerdictKind.SAFE:
        yield (
            "This judges positions, not results: what was computed wrongly stays wrong. To repair it, "
            f"anabranch plan {explanation.group}"
        )


def _detail(partition: PartitionExplanation) -> str:
    actor = partition.change.actor
    parts = [
        f"generation {actor.generation}" if actor.generation >= 0 else "",
        f"member {actor.member_id[:24]}" if actor.member_id else "",
        actor.reason,
        f"metadata “{partition.change.metadata}”" if partition.change.metadata else "",
    ]
    return ", ".join(part for part in parts if part)
