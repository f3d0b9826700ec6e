"""One line on a terminal's stderr that says where a long command is; nothing where nobody looks."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from anabranch.log.rebuild.report import Progress

SHOWN_S = 0.2  # between two changes of the line


class ProgressLine:
    """Shows :class:`Progress`; to be called as often as one likes."""

    def __init__(self) -> None:
        self._terminal = sys.stderr.isatty()
        self._begun = self._shown = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if not self._terminal or now - self._shown < SHOWN_S:
            return
        self._shown = now
        of = f"{progress.done:,}"
        if progress.total:
            of += f" of {progress.total:,} ({100 * progress.done / progress.total:.0f} %)"
        rate = progress.bytes_read / 1e6 / max(0.001, now - self._begun)
        line = f"{progress.phase}: {of}, {progress.bytes_read / 1e6:,.0f} MB read, {rate:,.0f} MB/s"
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Clear the line."""
        if self._terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
