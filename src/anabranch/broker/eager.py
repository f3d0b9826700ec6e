"""Run a coroutine at once, as far as it gets, and make a task only of one that has to wait.

Most requests are answered from memory: a task for each would cost more than the answer.
(Python 3.12 has this built in as ``asyncio.eager_task_factory``.)
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Final, Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Outcome(NamedTuple, Generic[T]):
    """What a coroutine that never waited returned or raised."""

    value: Any
    error: BaseException | None = None


class _Rest(Generic[T]):
    """A coroutine that was started and waits for ``awaited``: a task takes it up from there."""

    __slots__ = ("_awaited", "_coroutine")

    def __init__(self, coroutine: Coroutine[Any, Any, T], awaited: Any) -> None:
        self._coroutine = coroutine
        self._awaited = awaited

    def __await__(self) -> Generator[Any, Any, T]:
        awaited = self._awaited
        while True:
            try:
                sent = yield awaited
            except BaseException as error:
                thrown: BaseException | None = error
            else:
                thrown = None
            try:
                if thrown is None:
                    awaited = self._coroutine.send(sent)
                else:
                    awaited = self._coroutine.throw(thrown)
            except StopIteration as stop:
                result: T = stop.value
                return result


async def _take_up(rest: _Rest[T]) -> T:
    return await rest


def start(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, T]
) -> Outcome[T] | asyncio.Task[T]:
    """The outcome of ``coroutine`` if it never waits, otherwise the task that finishes it.

    Its first steps run in no task: before its first real wait it must not ask for the current task
    (``asyncio.timeout`` does).
    """
    try:
        awaited = coroutine.send(None)
    except StopIteration as stop:
        return Outcome(stop.value)
    except BaseException as error:
        return Outcome(None, error)
    return loop.create_task(_take_up(_Rest(coroutine, awaited)))


__all__: Final = ["Outcome", "start"]
