"""Sessions at rest: found, stored, held by one runner, paused and cancelled from anywhere."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

import msgspec

from anabranch.errors import UserFault
from anabranch.metastore.api import Actor, Metastore
from anabranch.recovery.replays import processes
from anabranch.recovery.replays.session import (
    CANCEL_KIND,
    KIND,
    PAUSE_KIND,
    Process,
    Session,
    Status,
    ended,
)

PAGE: Final = 1000  # transactional ids read at once
LEASE_MS: Final = 10_000  # a dead runner blocks a resume no longer than this
CANCEL_S_MAX: Final = 60.0  # a lease, and two processes that do not heed SIGTERM
LOOK_S: Final = 0.25


async def find(metastore: Metastore, identity: str) -> Session:
    """Raises UserFault."""
    document = await metastore.document(KIND, identity)
    if document is None:
        raise UserFault(
            f"there is no replay “{identity}”; `anabranch replay --list` shows what there is"
        )
    return msgspec.json.decode(document.body, type=Session)


async def stored(metastore: Metastore) -> list[Session]:
    """Every session, oldest first."""
    return [msgspec.json.decode(d.body, type=Session) for d in await metastore.documents(KIND)]


async def save(metastore: Metastore, session: Session, now_ms: int) -> None:
    """Store the session's document."""
    await metastore.put_document(KIND, session.id, msgspec.json.encode(session), now_ms)


def actor(session: Session, reason: str, api: str = "replay") -> Actor:
    """Who changes offsets for a session."""
    return Actor(
        principal=f"User:{session.creator}",
        client_id="anabranch",
        host="",
        api=api,
        reason=reason,
    )


# -- one runner ------------------------------------------------------------------------------------
async def take_lease(metastore: Metastore, session: Session, holder: str) -> bool:
    """By the metastore's time: runners on several machines must agree on when a lease is over."""
    now_ms = await metastore.now_ms()
    return await metastore.acquire_lease(_lease(session), holder, LEASE_MS, now_ms)


async def release_lease(metastore: Metastore, session: Session, holder: str) -> None:
    await metastore.release_lease(_lease(session), holder)


def _lease(session: Session) -> str:
    return f"replay:{session.id}"


async def has_runner(metastore: Metastore, session: Session) -> bool:
    """Whether somebody runs it now (or did, and died within the last LEASE_MS)."""
    holder = f"look-{os.getpid()}"
    if await take_lease(metastore, session, holder):
        await release_lease(metastore, session, holder)
        return False
    return True


def running_already(session: Session) -> UserFault:
    return UserFault(
        f"replay {session.id} is running already (or its runner died within the last "
        f"{LEASE_MS // 1000} s: then try again shortly)"
    )


# -- from another terminal ---------------------------------------------------------------------------
def left_alone(session: Session) -> list[Process]:
    """What may have outlived a session's runner, in the order in which it is to be stopped: its command, and the broker of
    its own that serves it."""
    runs = [run.process for run in session.runs[-1:] if run.process is not None]
    return [*runs, *([] if session.broker is None else [session.broker])]


async def request_cancel(metastore: Metastore, session: Session, now_ms: int) -> bool:
    """Ask the runner to stop; a session that nobody runs is cancelled at once, and what outlived its runner stopped.
    Whether it is cancelled by now; of who died within the last LEASE_MS that cannot be told yet."""
    if session.status in (Status.COMPLETED, Status.CANCELLED):
        raise UserFault(f"replay {session.id} is {session.status} already")
    await metastore.put_document(CANCEL_KIND, session.id, b"{}", now_ms)
    holder = f"cancel-{os.getpid()}"
    if await take_lease(metastore, session, holder):
        for process in left_alone(session):
            await processes.stop_orphan(process)
        if session.own_broker:
            await abort_open(metastore, session)
        session = ended(session, Status.CANCELLED, now_ms, exit_status=None, error="cancelled")
        await save(metastore, session, now_ms)
        await release_lease(metastore, session, holder)
        return True
    return False


async def cancel(metastore: Metastore, identity: str, clock_ms: Callable[[], int]) -> Session:
    """Cancel a session, whoever runs it or died of late, and wait for that, up to CANCEL_S_MAX. Raises UserFault: there is
    none, or it is over."""
    session = await find(metastore, identity)
    deadline = time.monotonic() + CANCEL_S_MAX
    while not await request_cancel(metastore, session, clock_ms()):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(LOOK_S)
        session = await find(metastore, identity)
        if session.status in (Status.COMPLETED, Status.CANCELLED):
            break
    return await find(metastore, identity)


async def request_pause(metastore: Metastore, session: Session, now_ms: int) -> None:
    """Ask the runner to give the session nothing until :func:`request_unpause`. Raises UserFault if nobody
    runs it: then there is nothing to pause."""
    if not await has_runner(metastore, session):
        raise UserFault(f"nobody runs replay {session.id}: it is {session.status}")
    await metastore.put_document(PAUSE_KIND, session.id, b"{}", now_ms)


async def request_unpause(metastore: Metastore, session: Session) -> None:
    await metastore.delete_document(PAUSE_KIND, session.id)


async def wishes(metastore: Metastore, session: Session) -> tuple[bool, bool]:
    """Whether somebody wants it paused, and whether cancelled."""
    paused = await metastore.document(PAUSE_KIND, session.id)
    cancelled = await metastore.document(CANCEL_KIND, session.id)
    return paused is not None, cancelled is not None


async def forget_wishes(metastore: Metastore, session: Session) -> None:
    """At a start: what was wanted of an earlier run does not hold for this one."""
    await metastore.delete_document(CANCEL_KIND, session.id)
    await metastore.delete_document(PAUSE_KIND, session.id)


# -- what its command left open --------------------------------------------------------------------
async def open_transactions(metastore: Metastore, session: Session) -> list[str]:
    """Transactional ids of the session (of a broker of its own) whose transaction is open."""
    prefix = f"{session.group}."
    found: list[str] = []
    after = prefix
    while page := await metastore.transactional_ids(after, PAGE):
        own = [row for row in page if row.name.startswith(prefix)]
        found += [row.name for row in own if row.started_ms is not None]
        if len(own) < len(page) or len(page) < PAGE:
            break
        after = page[-1].name
    return found


async def abort_open(metastore: Metastore, session: Session) -> None:
    """Have brokers abort what the session's command left open: nobody goes on with it."""
    for name in await open_transactions(metastore, session):
        await metastore.expire_transaction(name)
