"""Processes that go when this one goes, however it goes: also when it is killed and can ask nobody to stop.

A replay's command is not on a leash: it outlives its runner, and a resume finds it (docs/replay.md). A drill's are: nobody
would ever look for them again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final

_LEASHED: Final = Path(__file__).with_name("leashed.py")


class Leash:
    """A pipe whose writing end this process alone has: at the other end it is heard that we are gone.

    Not by PR_SET_PDEATHSIG alone: that goes with the *thread* that started a process, does not reach what that process started
    itself, and is Linux's.
    """

    def __init__(self, *held: int) -> None:
        """``held``: descriptors that all of them keep open for as long as they live, as that of a lock."""
        self.end, self._ours = os.pipe()  # neither is inherited by itself
        self.held = held

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a process on the leash inherits."""
        return (*self.held, self.end)

    def words(self, command: Sequence[str]) -> list[str]:
        """A command line that runs ``command`` on the leash, in a session of its own; it inherits ``descriptors``."""
        return [sys.executable, "-I", "-S", str(_LEASHED), str(self.end), *command]

    def close(self) -> None:
        """Let go: whatever still runs is stopped as if we had died."""
        for descriptor in (self._ours, self.end):
            if descriptor >= 0:
                os.close(descriptor)
        self.end = self._ours = -1

    def __enter__(self) -> Leash:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
