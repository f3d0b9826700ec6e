"""What a flush tells in the WAL of those before it, for a rebuild that knows nothing newer (I9).

The WAL is written before the commit, so a frame cannot say what became of itself. The next one can: which
flushes are over, and which of them failed although their bytes are durable. It costs a few bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from anabranch.storage.wal_format import FAILED_MAX, WHOLE_FLUSH, FailedFlush, Past

UNTOLD_MAX = 16 * FAILED_MAX  # failures that wait for a write that succeeds: about 10 MB


class PastFlushes:
    """Failures of one start's flushes that no durable frame tells of yet, oldest first."""

    def __init__(self) -> None:
        self._untold: dict[FailedFlush, None] = {}
        self._settled_max: int | None = None  # what failed from here on is not told of any more

    def fail(self, sequence: int, done: Sequence[bool], *, certain: bool) -> None:
        """A flush is over; of its parts only those that are ``done`` were answered as they deserved."""
        if not any(done):
            failed = [FailedFlush(sequence, WHOLE_FLUSH, certain)]
        else:
            parts = [part for part, well in enumerate(done) if not well]
            failed = [FailedFlush(sequence, part, certain) for part in parts]
        if len(self._untold) + len(failed) > UNTOLD_MAX:
            self._settled_max = min(sequence, self._settled_max or sequence)
            return
        self._untold.update(dict.fromkeys(failed))

    def told(self, settled: int) -> Past:
        """What the next flush tells; all flushes of a lower number than ``settled`` are over."""
        failed = tuple(islice(self._untold, FAILED_MAX))
        if len(self._untold) > FAILED_MAX:
            settled = min(settled, next(islice(self._untold, FAILED_MAX, None)).sequence)
        if self._settled_max is not None:
            settled = min(settled, self._settled_max)
        return Past(settled, failed)

    def durable(self, past: Past) -> None:
        """A flush that told this was written."""
        for one in past.failed:
            self._untold.pop(one, None)
