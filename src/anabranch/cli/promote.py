"""``anabranch promote``: hand a verified replay to the live processor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promote import Handover


@click.command(name="promote", epilog="Example: anabranch promote r-20260301-140500-9f2c")
@click.argument("session")
@click.option("--undo", is_flag=True, help="Bring back tables and offsets from before.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(session: str, undo: bool, data: Location, output: str) -> None:
    """Promote replay SESSION.

    Commits the replay's end offsets for the live group, whose consumers must be stopped, and swaps
    the staging tables into place. What was live stays beside it, for --undo.
    """

    async def main() -> None:
        from anabranch.recovery import promote, replay
        from anabranch.recovery.points import whoami

        act = promote.undo if undo else promote.promote
        async with _options.opened(data) as log:
            found = await replay.find(log.metastore, session)
            await _options.require_replay(log, "promote", group=found.live_group)
            handover = await act(log.metastore, found, creator=whoami(), now_ms=_options.now_ms())
            await _options.audited(
                log, "promote", f"GROUP:{found.live_group}", session=found.id, undo=undo
            )
        emit(output, lambda: handover, lambda: parts(handover))

    _options.run(main())


def parts(handover: Handover) -> Iterator[Part]:
    """What a person sees of a promotion or its undoing."""
    from anabranch.recovery.model import positions_by_key

    undone = handover.undone_ms is not None
    yield f"{'Undid the promotion' if undone else 'Promoted'} {handover.session} for {handover.group}"
    if handover.tables:
        yield f"  tables swapped: {', '.join(handover.tables)}"
    before, after = positions_by_key(handover.before), handover.after
    yield Table(
        ("topic", ">p", ">before", ">after"),
        [
            (p.topic, p.partition, before[p.key].offset if p.key in before else None, p.offset)
            for p in after
        ],
    )
    if not undone:
        yield "Start the corrected processor; it goes on exactly there."
