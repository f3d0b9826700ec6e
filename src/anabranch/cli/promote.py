"""``anabranch promote``: hand a verified replay to the live processor, or put a branch in its topic's place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from anabranch.cli import _options
from anabranch.cli._output import Part, Table, emit
from anabranch.errors import UserFault

if TYPE_CHECKING:
    from anabranch.log.location import Location
    from anabranch.recovery.promotion.line_promotion import LinePromotion, Preview, Rules
    from anabranch.recovery.promotion.promote import Handover

RULES = ("keep", "rewind-to-divergence", "map")


@click.command(
    name="promote",
    epilog="Example: anabranch promote r-20260301-140500-9f2c; "
    "anabranch promote --branch flights.fixed --topic flights --dry-run",
)
@click.argument("session", required=False)
@click.option("--branch", metavar="B", help="Put this branch in its topic's place.")
@click.option("--topic", metavar="T", help="The topic; with --undo, whose last promotion to undo.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
@click.option(
    "--offsets",
    "rules",
    multiple=True,
    metavar="[GROUP=]RULE",
    help="What becomes of groups that stand behind where the two lines part, or of one of them: "
    + ", ".join(RULES)
    + ".",
)
@_options.sink_option
@click.option("--undo", is_flag=True, help="Bring back what was there before.")
@click.option("--list", "listing", is_flag=True, help="List promotions of branches.")
@_options.data_option
@_options.output_option
@_options.faults_to_sentences
def command(
    session: str | None,
    branch: str | None,
    topic: str | None,
    dry_run: bool,
    rules: tuple[str, ...],
    sinks: tuple[str, ...],
    undo: bool,
    listing: bool,
    data: Location,
    output: str,
) -> None:
    """Promote replay SESSION, or --branch B in the place of --topic T.

    A session: commits the replay's end offsets for the live group, whose consumers must be stopped, and swaps the
    staging tables, and what it wrote to topics beside its inputs, into place. A branch: the topic's name and id then stand for the branch's records, under a
    higher leader epoch by which clients learn where the two part; the topic's own line stays as T.before-ID.
    Both can be undone (a session by its name, a branch with --topic T or its promotion's ID).
    """
    if listing:
        _options.run(_list(data, output))
    elif branch is not None and topic is not None and session is None and not undo:
        _options.run(_promote_branch(data, output, branch, topic, rules, sinks, dry_run))
    elif undo and branch is None and (topic or (session or "").startswith("lp-")):
        if topic and session:
            raise UserFault("give either the promotion's ID or --topic, not both")
        _options.run(_undo_branch(data, output, topic or session or "", rules, sinks, dry_run))
    elif session is not None and branch is None and topic is None:
        if sinks:
            raise UserFault("--sink is for promoting a branch: a session knows its own")
        if dry_run and undo:
            raise UserFault(
                "--dry-run shows the undoing of a branch's promotion, not of a session's"
            )
        _options.run(_session(data, output, session, rules, undo, dry_run))
    else:
        raise UserFault(
            "give a replay's SESSION, or --branch B --topic T; to undo: --undo with SESSION, with --topic T, or "
            "with the ID of a branch's promotion"
        )


async def _session(
    data: Location,
    output: str,
    session: str,
    rules: tuple[str, ...],
    undo: bool,
    dry_run: bool,
) -> None:
    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.promotion import promote
    from anabranch.recovery.replays import replay

    act = promote.undo if undo else promote.promote
    async with _options.opened(data) as log:
        found = await replay.find(log.metastore, session)
        if dry_run:
            seen = await promote.promote(
                log.metastore,
                found,
                creator=whoami(),
                now_ms=_options.now_ms(),
                log=log,
                rules=_rules(rules),
                dry_run=True,
            )
            line = None if found.sink is None else found.sink.line
            emit(output, lambda: seen, lambda: parts(seen, dry_run=True, line=line))
            return
        await _options.require_replay(log, "promote", group=found.live_group)
        handover = await act(
            log.metastore,
            found,
            creator=whoami(),
            now_ms=_options.now_ms(),
            log=log,
            rules=_rules(rules),
        )
        await _options.audited(
            log, "promote", f"GROUP:{found.live_group}", session=found.id, undo=undo
        )
    emit(output, lambda: handover, lambda: parts(handover))


async def _promote_branch(
    data: Location,
    output: str,
    branch: str,
    topic: str,
    rules: tuple[str, ...],
    sinks: tuple[str, ...],
    dry_run: bool,
) -> None:
    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.promotion import line_promotion

    async with _options.opened(data) as log:
        target, source = _options.require_topic(log, topic), _options.require_topic(log, branch)
        states = [_options.parse_sink(text) for text in sinks]
        chosen = _rules(rules)
        if dry_run:
            seen = await line_promotion.preview(log, target, source, rules=chosen, sinks=states)
            emit(output, lambda: seen, lambda: preview_parts(seen))
            if seen.refusals:
                raise SystemExit(1)
            return
        await _options.require_replay(log, "promote", topics=[topic, branch])
        now_ms = _options.now_ms()
        done = await line_promotion.promote(
            log,
            target,
            source,
            identity=line_promotion.new_id(now_ms),
            creator=whoami(),
            now_ms=now_ms,
            rules=chosen,
            sinks=states,
        )
        await _options.audited(log, "promote", f"TOPIC:{topic}", branch=branch, id=done.id)
    emit(output, lambda: done, lambda: line_parts(done))


async def _undo_branch(
    data: Location,
    output: str,
    wanted: str,
    rules: tuple[str, ...],
    sinks: tuple[str, ...],
    dry_run: bool,
) -> None:
    from anabranch.recovery.capture.points import whoami
    from anabranch.recovery.promotion import line_promotion

    async with _options.opened(data) as log:
        found = await line_promotion.find(log, wanted)
        states = [_options.parse_sink(text) for text in sinks]
        chosen = _rules(rules)
        if dry_run:
            seen = await line_promotion.undo_preview(log, found, rules=chosen, sinks=states)
            emit(output, lambda: seen, lambda: preview_parts(seen))
            if seen.refusals:
                raise SystemExit(1)
            return
        await _options.require_replay(log, "promote", topics=[found.topic])
        done = await line_promotion.undo(
            log, found, creator=whoami(), now_ms=_options.now_ms(), rules=chosen, sinks=states
        )
        await _options.audited(log, "promote", f"TOPIC:{found.topic}", id=found.id, undo=True)
    emit(output, lambda: done, lambda: line_parts(done))


async def _list(data: Location, output: str) -> None:
    from anabranch.recovery.promotion import line_promotion

    async with _options.opened(data) as log:
        known = await line_promotion.stored(log)
    emit(output, lambda: known, lambda: _list_parts(known))


def _rules(texts: tuple[str, ...]) -> Rules:
    from anabranch.recovery.promotion.line_promotion import OffsetRule, Rules

    default: OffsetRule | None = None
    of: dict[str, OffsetRule] = {}
    for text in texts:
        group, _, name = text.rpartition("=")
        if name not in RULES or (not group and default is not None):
            raise UserFault(f"“{text}” is not one rule, or GROUP=RULE: {', '.join(RULES)}")
        if group:
            of[group] = OffsetRule(name)
        else:
            default = OffsetRule(name)
    return Rules(default, of)


def _list_parts(known: list[LinePromotion]) -> Iterator[Part]:
    from anabranch.recovery.times import time_text

    if not known:
        yield "No branch was promoted."
        return
    yield Table(
        ("promotion", "topic", "branch", "former line", "when", "undone"),
        [
            (
                each.id,
                each.topic,
                each.branch,
                None if each.undone_ms else each.displaced,
                time_text(each.at_ms),
                time_text(each.undone_ms) if each.undone_ms else None,
            )
            for each in known
        ],
    )


def preview_parts(seen: Preview) -> Iterator[Part]:
    """What a person sees of a dry run."""
    from anabranch.recovery.promotion.line_promotion import totals

    volumes = totals(seen)
    yield f"{seen.branch} would take the place of {seen.topic}, which stays as {seen.displaced}."
    yield (
        f"  {volumes['topic'].records:,} records would be in {seen.displaced} only, "
        f"{volumes['branch'].records:,} are in the branch only"
    )
    yield Table(
        (">p", ">parts at", ">topic end", ">branch end", ">only topic", ">only branch"),
        [
            (
                each.partition,
                each.parts_at,
                each.topic_end,
                each.branch_end,
                each.only_topic.records,
                each.only_branch.records,
            )
            for each in seen.forks
        ],
    )
    if seen.beyond:
        yield Table(
            ("group", "state", ">p", ">committed", "told", "rule", ">to"),
            [
                (
                    each.group,
                    each.state or "Empty",
                    each.partition,
                    each.offset,
                    each.told,
                    each.rule,
                    each.target,
                )
                for each in seen.beyond
            ],
            title="Groups behind where the lines part",
        )
    else:
        yield "No group stands behind where the lines part."
    for sentence in seen.warnings:
        yield f"WARNING: {sentence}"
    for sentence in seen.refusals:
        yield f"REFUSED: {sentence}"


def line_parts(done: LinePromotion) -> Iterator[Part]:
    """What a person sees of a branch's promotion or its undoing."""
    if done.undone_ms is not None:
        yield f"Undid {done.id}: {done.topic} is what it was; the branch is {done.branch} again"
        return
    yield f"Promoted {done.branch}: {done.topic} holds its records from now on"
    yield f"  the former line stays as {done.displaced} and never expires; `anabranch branch delete` ends that"
    if done.moved:
        yield f"  groups behind the point: {len({each.group for each in done.moved})}"
    yield f"  undo: anabranch promote --undo {done.id}"


def parts(handover: Handover, *, dry_run: bool = False, line: str | None = None) -> Iterator[Part]:
    """What a person sees of a promotion, its undoing, or (``dry_run``) what it would be, of this staging line."""
    from anabranch.recovery.model import positions_by_key

    undone = handover.undone_ms is not None
    done = "Undid the promotion" if undone else "Would promote" if dry_run else "Promoted"
    yield f"{done} {handover.session} for {handover.group}"
    if dry_run and line is not None:
        yield f"  the tables of line {line} would take the live ones' place"
    if handover.tables:
        yield f"  tables swapped: {', '.join(handover.tables)}"
    if handover.topics:
        verb = "hold what they held" if undone else "hold what was rebuilt"
        yield f"  topics that {verb}: {', '.join(handover.topics)}"
    before, after = positions_by_key(handover.before), handover.after
    yield Table(
        ("topic", ">p", ">before", ">after"),
        [
            (p.topic, p.partition, before[p.key].offset if p.key in before else None, p.offset)
            for p in after
        ],
    )
    if not undone and not dry_run:
        yield "Start the corrected processor; it goes on exactly there."
