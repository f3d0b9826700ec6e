"""The topics beside a session's inputs take their topics' place: outputs and changelogs, as they were rebuilt.

Only where the session has written; a topic that it merely read stays as it is.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final, NamedTuple

from anabranch.errors import UserFault
from anabranch.log.log import Log
from anabranch.metastore.api import Topic
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.promotion import line_promotion
from anabranch.recovery.promotion.line_promotion import LinePromotion, Rules
from anabranch.recovery.replays import sessions
from anabranch.recovery.replays.session import Session

ABORT_WAIT_S: Final = 30.0  # brokers look for overdue transactions every ten seconds
LOOK_S: Final = 0.2


class Written(NamedTuple):
    """A topic, and the session's branch of it that holds records of its own."""

    topic: Topic
    branch: Topic


async def written(log: Log, session: Session) -> list[Written]:
    """What there is to promote. Raises UserFault: a topic or branch is gone."""
    topics = {topic_id_text(each.id): each for each in await log.metastore.topics()}
    found = []
    for beside in session.beside:
        topic, branch = topics.get(beside.topic_id), topics.get(beside.branch_id)
        if branch is not None and branch.name != beside.branch:
            continue  # promoted already: the id is that of the former line
        if topic is None or branch is None or branch.origin is None:
            gone = beside.topic if topic is None else beside.branch
            raise UserFault(f"topic “{gone}” was deleted or recreated since replay {session.id}")
        rows = await log.metastore.partitions(branch.no)
        ends = branch.origin.ends
        if any(row.next_offset > ends[row.partition] for row in rows):
            found.append(Written(topic, branch))
    return found


async def require_possible(log: Log, pairs: Sequence[Written], rules: Rules) -> None:
    """Raises UserFault with everything that stands in the way; reads only."""
    problems: list[str] = []
    for topic, branch in pairs:
        seen = await line_promotion.preview(log, topic, branch, rules=rules)
        problems += seen.refusals
    if problems:
        raise UserFault("; ".join(problems))


async def settle(log: Log, session: Session) -> None:
    """Wait until what the session's command left open is aborted. Raises UserFault: no broker does it."""
    await sessions.abort_open(log.metastore, session)
    deadline = asyncio.get_running_loop().time() + ABORT_WAIT_S
    while left := await sessions.open_transactions(log.metastore, session):
        if asyncio.get_running_loop().time() > deadline:
            raise UserFault(
                f"the transaction of {left[0]} is open, and no broker has aborted it yet: the next one that "
                "runs does; then promote again"
            )
        await asyncio.sleep(LOOK_S)


async def promote(
    log: Log, pairs: Sequence[Written], *, creator: str, now_ms: int, rules: Rules
) -> list[LinePromotion]:
    """Each in one transaction of the metastore. Raises UserFault; those before stay, and running it again goes on."""
    return [
        await line_promotion.promote(
            log,
            topic,
            branch,
            identity=line_promotion.new_id(now_ms),
            creator=creator,
            now_ms=now_ms,
            rules=rules,
        )
        for topic, branch in pairs
    ]


async def undo(log: Log, session: Session, *, creator: str, now_ms: int, rules: Rules) -> None:
    """Bring the former lines back. Raises UserFault."""
    branches = {beside.branch for beside in session.beside}
    for each in reversed(await line_promotion.stored(log)):
        if each.branch in branches and each.undone_ms is None:
            await line_promotion.undo(log, each, creator=creator, now_ms=now_ms, rules=rules)
