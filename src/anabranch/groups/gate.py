"""Commits side by side, sweeps alone.

Expiry reads a group's offsets, decides, and deletes. A commit that lands between would be deleted as
if it were the old one; the gate keeps the two apart, group by group.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class OffsetGate:
    """Invariant: no group is in ``_commits`` and in ``_alone`` at once."""

    def __init__(self) -> None:
        self._commits: Counter[str] = Counter()
        self._alone: dict[str, asyncio.Event] = {}

    @asynccontextmanager
    async def commit(self, group_id: str) -> AsyncIterator[None]:
        """Enter with other commits; waits while a sweep is at this group."""
        while (sweep := self._alone.get(group_id)) is not None:
            await sweep.wait()
        self._commits[group_id] += 1
        try:
            yield
        finally:
            self._commits[group_id] -= 1
            if not self._commits[group_id]:
                del self._commits[group_id]

    @contextmanager
    def alone(self, group_id: str) -> Iterator[bool]:
        """Enter for a sweep; yields False if a commit or another sweep is under way."""
        if group_id in self._commits or group_id in self._alone:
            yield False
            return
        done = self._alone[group_id] = asyncio.Event()
        try:
            yield True
        finally:
            del self._alone[group_id]
            done.set()
