"""Keeping in step with documents that other processes change: configs, ACLs, quotas, subscriptions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from anabranch.errors import AnabranchError
from anabranch.metastore.api import Metastore
from anabranch.metastore.changes import Changed

logger = logging.getLogger(__name__)

POLL_S: Final = (
    10.0  # how soon a change is found that nobody told of, unless its follower says otherwise
)


class Follower:
    """Looks whenever documents of ``kind`` were changed, and every ``poll_s`` seconds, until it is closed.

    ``look`` is told whether somebody told of a change, or it is only time. What it raises is logged, with
    ``what`` (as in "quotas") that stays as it was: a fault or a bug never ends the following.
    """

    def __init__(
        self,
        metastore: Metastore,
        kind: str,
        look: Callable[[bool], Awaitable[object]],
        *,
        what: str,
        poll_s: float | None = None,
    ) -> None:
        self._metastore = metastore
        self._kind = kind
        self._look = look
        self._what = what
        self._poll_s = POLL_S if poll_s is None else poll_s
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Before the first look of the caller's own, so that no change falls between the two."""
        self._metastore.on_change(self._notice)
        self._task = asyncio.get_running_loop().create_task(
            self._run(), name=f"following {self._what}"
        )

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def poke(self) -> None:
        """Look soon, as if somebody had told."""
        self._news.set()

    def _notice(self, changed: Changed) -> None:
        if changed.everything or self._kind in changed.documents:
            self._news.set()

    async def _run(self) -> None:
        while True:
            told = True
            try:
                await asyncio.wait_for(self._news.wait(), self._poll_s)
            except TimeoutError:
                told = False
            self._news.clear()
            try:
                await self._look(told)
            except AnabranchError as fault:
                logger.error("%s: as they were, for now: %s", self._what, fault)
            except Exception:
                logger.exception("%s: as they were, for now", self._what)
