"""Hand a finished replay to the live processor: its tables, and the exact offsets after them.

A branch's offsets below its branch point are its source's, so the ends of the replay are offsets of
the live topic: the live group that starts there reads the first record that the replay did not.

Two stores change, and a crash may fall between them. Offsets move first: the live group then starts
at the replay's end on the *old* tables, which suppress what they have seen, and nothing is lost. The
other order would leave new tables with a group that starts beyond them. Running it again completes it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.metastore.api import Actor, Committed, Conflict, Metastore, OffsetAction
from anabranch.recovery import observe
from anabranch.recovery.model import Position, SinkClass, positions_by_key, topic_id_text
from anabranch.recovery.promotion import beside_promotion
from anabranch.recovery.promotion.beside_promotion import Written
from anabranch.recovery.promotion.line_promotion import NO_RULES, Rules
from anabranch.recovery.replays.session import Session, Status
from anabranch.recovery.sinks import locations
from anabranch.recovery.sinks.locations import opened_lines

KIND = "promotion"
QUIET_STATES = ("", "Empty", "Dead")


class Handover(Struct, frozen=True, kw_only=True):
    """What a promotion changed: the group's offsets before and after it, and the tables swapped."""

    session: str
    group: str
    before: tuple[Position, ...]
    after: tuple[Position, ...]
    tables: tuple[str, ...]
    former_line: str | None
    at_ms: int
    undone_ms: int | None = None
    topics: tuple[str, ...] = ()  # whose place the session's branches took


async def promote(
    metastore: Metastore,
    session: Session,
    *,
    creator: str,
    now_ms: int,
    log: Log | None = None,
    rules: Rules = NO_RULES,
    dry_run: bool = False,
) -> Handover:
    """Commit the session's ends for its live group, put what it has written beside its inputs into place, then swap
    its staging line in.

    ``log`` is needed for a session that has topics beside its inputs; ``rules`` are for groups that read those.
    ``dry_run``: everything is looked at, nothing changed; what is returned would be so, but for the names of tables.
    Raises UserFault if the session is not complete, the group has members, the staging line's
    offsets are not the session's ends, or a topic beside cannot be promoted.
    """
    if session.status is not Status.COMPLETED:
        raise UserFault(
            f"replay {session.id} is {session.status}, not completed: nothing to promote"
        )
    await _require_same_line(metastore, session)
    fence = await _require_empty(metastore, session.live_group)
    earlier = await find(metastore, session.id)
    staged = _staged(session)
    if staged:
        _require_agreement(session)
        staged = _swaps(session)
    pairs: list[Written] = []
    if session.beside:
        assert log is not None, "a session with topics beside its inputs is promoted on a log"
        if not dry_run:
            await beside_promotion.settle(log, session)
        pairs = await beside_promotion.written(log, session)
        await beside_promotion.require_possible(log, pairs, rules)
    standing = earlier is not None and earlier.undone_ms is None
    if standing and not staged and not pairs:
        raise UserFault(f"replay {session.id} was promoted already")
    before = tuple(
        await observe.committed_positions(metastore, session.live_group, _topics(session))
    )
    topics = tuple(pair.topic.name for pair in pairs)
    if earlier is not None and standing:  # it crashed between two of its steps
        before = earlier.before
        topics = (*earlier.topics, *topics)
    handover = Handover(
        session=session.id,
        group=session.live_group,
        before=before,
        after=tuple(session.ends),
        tables=(),
        former_line=None,
        at_ms=now_ms,
        topics=topics,
    )
    if dry_run:
        return handover
    why = f"promotion of {session.id}"
    await _commit(metastore, session, session.ends, creator, now_ms, why, fence)
    await _save(metastore, handover, now_ms)
    if log is not None:
        await beside_promotion.promote(log, pairs, creator=creator, now_ms=now_ms, rules=rules)
    if staged:
        assert session.sink is not None
        with opened_lines(session.sink.path) as sink:
            promotion = sink.promote(session.sink.line, now_ms)
        handover = msgspec.structs.replace(
            handover, tables=tuple(promotion.tables), former_line=promotion.before
        )
        await _save(metastore, handover, now_ms)
    return handover


async def undo(
    metastore: Metastore,
    session: Session,
    *,
    creator: str,
    now_ms: int,
    log: Log | None = None,
    rules: Rules = NO_RULES,
) -> Handover:
    """Bring back the offsets and the tables from before the promotion.

    If it dies in between, run it again before a consumer starts: the group may by then stand beyond
    the tables. Running it again completes it.

    Raises UserFault if there is no promotion to undo or the group has members.
    """
    handover = await find(metastore, session.id)
    if handover is None or handover.undone_ms is not None:
        raise UserFault(f"there is no promotion of replay {session.id} to undo")
    fence = await _require_empty(metastore, handover.group)
    why = f"undo of promotion {session.id}"
    await _commit(metastore, session, handover.before, creator, now_ms, why, fence)
    if session.beside:
        assert log is not None, "as for promote"
        await beside_promotion.undo(log, session, creator=creator, now_ms=now_ms, rules=rules)
    if handover.former_line is not None and session.sink is not None:
        with opened_lines(session.sink.path) as sink:
            present = {line.name for line in sink.lines()}
            if handover.former_line in present:  # else an earlier undo crashed after this step
                sink.undo(session.sink.line, now_ms)
    handover = msgspec.structs.replace(handover, undone_ms=now_ms)
    await _save(metastore, handover, now_ms)
    return handover


async def find(metastore: Metastore, session_id: str) -> Handover | None:
    """The promotion of a session, if there ever was one."""
    document = await metastore.document(KIND, session_id)
    return msgspec.json.decode(document.body, type=Handover) if document else None


def _topics(session: Session) -> list[str]:
    return list(dict.fromkeys(span.topic for span in session.spans))


def _staged(session: Session) -> bool:
    """True if the session's staging line is still waiting beside the live one."""
    if session.sink is None:
        return False
    if not locations.present(session.sink.path):
        raise UserFault(f"the sink {session.sink.path} of replay {session.id} is gone")
    with opened_lines(session.sink.path) as sink:
        return any(line.name == session.sink.line for line in sink.lines())


def _swaps(session: Session) -> bool:
    """Whether the staging line takes the live place. Effects have none: they are released. Raises UserFault for a sink of
    topics, which do not change places with their offsets."""
    assert session.sink is not None
    with opened_lines(session.sink.path) as sink:
        if not sink.promotes and sink.sink_class is not SinkClass.LEDGER:
            raise UserFault(
                f"{sink.name} is topics: point its consumers at those of line “{session.sink.line}” "
                "(docs/sinks.md#kafka-topics); nothing was changed"
            )
        return sink.promotes


def _require_agreement(session: Session) -> None:
    """Tables and group offsets are two accounts of one thing: they must say the same."""
    assert session.sink is not None
    with opened_lines(session.sink.path) as sink:
        rows = sink.offsets(session.sink.line)
    found = {(row.topic_id, row.partition): row.next_offset for row in rows}
    for span in session.spans:
        reached = found.get(span.key, span.start if span.start == span.end else None)
        if reached != span.end:
            raise UserFault(
                f"{span.topic}:{span.partition}: the staging tables reach offset {reached}, the "
                f"replay ended at {span.end}: the command committed offsets without their effects"
            )


async def _require_same_line(metastore: Metastore, session: Session) -> None:
    """The ends are offsets of the topic as long as it agrees with the session's branch up to them: once another
    branch took its place, they number other records."""
    topics = {topic_id_text(topic.id): topic for topic in await metastore.topics()}
    for branch in session.branches:
        found = topics.get(branch.branch_id)
        for span in session.spans if found is not None and found.origin is not None else ():
            assert found is not None and found.origin is not None
            if span.topic_id == branch.topic_id and span.end > found.origin.ends[span.partition]:
                raise UserFault(
                    f"a branch took the place of {span.topic} since: replay {session.id} read it up to "
                    f"{span.end:,}, and the topic holds other records from "
                    f"{found.origin.ends[span.partition]:,} on; replay again"
                )


async def _require_empty(metastore: Metastore, group: str) -> int:
    """The group's fence: if a consumer joins before the offsets are committed, it is another."""
    row = await metastore.group(group)
    if row is not None and row.state not in QUIET_STATES:
        raise UserFault(
            f"group “{group}” is {row.state}: stop its consumers first, then promote; "
            "they would overwrite the offsets otherwise"
        )
    return row.fence if row is not None else 0


async def _commit(
    metastore: Metastore,
    session: Session,
    positions: Sequence[Position],
    creator: str,
    now_ms: int,
    reason: str,
    fence: int,
) -> None:
    numbers = {topic_id_text(topic.id): topic.no for topic in await metastore.topics()}
    missing = [position.topic for position in positions if position.topic_id not in numbers]
    if missing:
        raise UserFault(f"topic “{missing[0]}” was deleted or recreated since the replay")
    actor = Actor(
        principal=f"User:{creator}", client_id="anabranch", host="", api="promote", reason=reason
    )
    offsets = [
        Committed(numbers[p.topic_id], p.partition, p.offset, p.leader_epoch, "", now_ms)
        for p in positions
    ]
    try:
        await metastore.commit_offsets(
            session.live_group, offsets, OffsetAction.PROMOTE, actor, now_ms, expected=fence
        )
    except Conflict:
        raise UserFault(
            f"a consumer joined group “{session.live_group}” meanwhile: stop it first, then try again"
        ) from None


async def _save(metastore: Metastore, handover: Handover, now_ms: int) -> None:
    await metastore.put_document(KIND, handover.session, msgspec.json.encode(handover), now_ms)


def moved(handover: Handover) -> dict[tuple[str, int], int]:
    """Per partition, by how many records the group was moved (negative: back)."""
    before = positions_by_key(handover.before)
    return {
        position.key: position.offset - before[position.key].offset
        for position in handover.after
        if position.key in before
    }
