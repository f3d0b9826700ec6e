"""The last step of a preparation: dead letters are given away, and none of them names a session that is not there.

What may be killed where is drawn in :mod:`anabranch.recovery.replays.dead_letters`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from msgspec import structs

from anabranch.errors import StoreFault, UnknownOutcome, UserFault
from anabranch.log.config import LANE_CONFIG
from anabranch.log.log import Log
from anabranch.metastore.api import Metastore
from anabranch.recovery.model import topic_id_text
from anabranch.recovery.replays import sessions
from anabranch.recovery.replays.dead_letters import DeadLetters, opened
from anabranch.recovery.replays.places import default_bootstrap
from anabranch.recovery.replays.session import KIND, Session, Status, ended
from anabranch.recovery.sinks import locations
from anabranch.recovery.sinks.common import Fenced

KEEP_S: Final = sessions.LEASE_MS / 3000  # between renewals of its lease: two may fail


class Unsettled(Exception):
    """Dead letters of a session may be where they belong, or not: it must stay, whatever ``cause`` says."""

    def __init__(self, cause: BaseException) -> None:
        super().__init__(str(cause))
        self.cause = cause


async def give_away(
    metastore: Metastore, session: Session, aside: DeadLetters, now_ms: int
) -> Session:
    """Publish what ``aside`` took; the session, stored as prepared.

    Raises Unsettled: it is stored as one that is being prepared; OSError, StoreFault, UserFault: neither it nor a letter is there.
    """
    assert session.filtered is not None
    filtered = structs.replace(session.filtered, behind=await aside.begin())
    preparing = structs.replace(session, status=Status.PREPARING, filtered=filtered)
    holder = f"prepare-{session.id}"
    await sessions.take_lease(metastore, session, holder)
    keeping = asyncio.ensure_future(_keep(metastore, session, holder))
    try:
        await sessions.save(metastore, preparing, now_ms)
        try:
            await aside.publish()
        except (Fenced, UnknownOutcome) as fault:
            raise Unsettled(
                UnknownOutcome(
                    f"whether the dead letters of replay {session.id} are there is not known ({fault}); "
                    f"`anabranch replay --resume {session.id}` finds out"
                )
            ) from fault
        except (OSError, StoreFault, UserFault):
            await metastore.delete_document(KIND, session.id)
            raise
        except (
            BaseException
        ) as error:  # also a Ctrl-C, beside which the thread that publishes goes on
            raise Unsettled(error) from error
        prepared = structs.replace(preparing, status=Status.PREPARED)
        try:
            await sessions.save(metastore, prepared, now_ms)
        except BaseException as error:
            raise Unsettled(error) from error
        return prepared
    finally:
        keeping.cancel()
        with suppress(StoreFault):
            await sessions.release_lease(metastore, session, holder)


async def _keep(metastore: Metastore, session: Session, holder: str) -> None:
    """So that nobody takes it for one whose preparation was killed."""
    while True:
        await asyncio.sleep(KEEP_S)
        with suppress(StoreFault):
            await sessions.take_lease(metastore, session, holder)


async def settle(log: Log, session: Session, now_ms: int) -> Session:
    """A session whose preparation was killed while its dead letters were given away: prepared, if they are all there. Another
    one is returned as it is.

    Raises UserFault if they are not: then it is cancelled, and nothing of it stays but its document; StoreFault, OSError if
    that cannot be told now.
    """
    if session.status is not Status.PREPARING:
        return session
    holder = f"settle-{session.id}"
    if not await sessions.take_lease(log.metastore, session, holder):
        raise sessions.running_already(session)
    try:
        found = await sessions.find(log.metastore, session.id)
        if found.status is not Status.PREPARING:
            return found  # it came to its end meanwhile
        if await _are_there(log.metastore, found):
            found = structs.replace(found, status=Status.PREPARED)
            await sessions.save(log.metastore, found, now_ms)
            return found
        await discard(log, found, now_ms)
        if found.sink is not None:
            with locations.opened_lines(found.sink.path) as lines:
                lines.drop(found.sink.line)
        why = "its preparation was killed before its dead letters were given away"
        over = ended(found, Status.CANCELLED, now_ms, exit_status=None, error=why)
        await sessions.save(log.metastore, over, now_ms)
    finally:
        await sessions.release_lease(log.metastore, session, holder)
    raise UserFault(
        f"replay {session.id} is cancelled: {why}; nothing was replayed, and nothing is left of it: start it anew"
    )


async def _are_there(metastore: Metastore, session: Session) -> bool:
    filtered = session.filtered
    assert filtered is not None

    async def brokers() -> tuple[str, str]:
        if session.bootstrap and not session.finds_brokers:
            return session.bootstrap, session.security_protocol
        return await default_bootstrap(metastore, await metastore.now_ms(), session.listener)

    aside = await opened(filtered.dead_letters, session.id, inputs=(), brokers=brokers)
    try:
        return await aside.settle(filtered.behind, filtered.skipped + filtered.fixed)
    finally:
        aside.close()


async def discard(log: Log, session: Session, now_ms: int) -> None:
    """Delete the session's branches, groups and what it created; the document stays as evidence."""
    metastore = log.metastore
    branches = {branch.branch_id for branch in (*session.branches, *session.beside)}
    for topic in await metastore.topics():
        created = topic.configs.get(LANE_CONFIG) == session.id
        if topic_id_text(topic.id) in branches or created:
            await log.delete_topic(topic)
    for group in await metastore.groups():
        if group.group_id == session.group or group.group_id.startswith(f"{session.group}."):
            await metastore.delete_group(
                group.group_id, sessions.actor(session, "discarded"), now_ms
            )
