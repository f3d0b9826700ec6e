"""Many reads at once, answers in order, memory bounded: the recovery code's only way to the store.

The store's own layers retry what fails for a while and cap how much runs at a time; this only keeps a
window of reads ahead of whoever takes the answers (a recovering cluster must not add to an overload).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")

WINDOW = (
    32  # reads ahead: enough for a store that answers in 50 ms, some megabytes of small objects
)


def in_order(
    pool: Executor, job: Callable[[A], B], items: Iterable[A], *, window: int = WINDOW
) -> Iterator[tuple[A, B | Exception]]:
    """``job`` of every item, in the order of the items; what it raised is an answer too."""
    waiting: deque[tuple[A, Future[B]]] = deque()
    remaining = iter(items)
    try:
        while True:
            while len(waiting) < window:
                try:
                    item = next(remaining)
                except StopIteration:
                    break
                waiting.append((item, pool.submit(job, item)))
            if not waiting:
                return
            item, future = waiting.popleft()
            error = future.exception()
            if error is None:
                yield item, future.result()
            elif isinstance(error, Exception):
                yield item, error
            else:
                raise error
    finally:
        for _, future in waiting:
            future.cancel()
