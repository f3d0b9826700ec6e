"""A future that calls back in the very turn of the loop in which it is resolved.

asyncio calls a future's callbacks in the loop's next turn, which costs a look at all sockets: some tens
of microseconds. Where one answer passes through several futures on its way to a client, as a
produce does, those turns are what the client waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Callback = Callable[[asyncio.Future[Any]], None]


class PromptFuture(asyncio.Future[T]):
    """An ``asyncio.Future`` with at most one callback that does not wait for the next turn.

    The callback runs inside of whoever resolves the future, and so must not raise.
    """

    _at_once: Callback | None = None

    def at_once(self, callback: Callback) -> None:
        """Call ``callback(self)`` as soon as this is resolved; to be called before it is."""
        assert not self.done() and self._at_once is None
        self._at_once = callback

    def set_result(self, result: T) -> None:
        super().set_result(result)
        self._call_at_once()

    def set_exception(self, exception: type[BaseException] | BaseException) -> None:
        super().set_exception(exception)
        self._call_at_once()

    def cancel(self, msg: Any | None = None) -> bool:
        cancelled = super().cancel(msg)
        if cancelled:
            self._call_at_once()
        return cancelled

    def _call_at_once(self) -> None:
        callback, self._at_once = self._at_once, None  # mostly it leads back here: no cycle is left
        if callback is not None:
            callback(self)


def when_done(future: asyncio.Future[Any], callback: Callback) -> None:
    """Call back once ``future``, which is not done yet, is: at once if it can, otherwise soon."""
    if isinstance(future, PromptFuture):
        future.at_once(callback)
    else:
        future.add_done_callback(callback)
