"""Thread pools that say what is wrong once they are closed."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from anabranch.errors import StoreFault

T = TypeVar("T")


class Threads(ThreadPoolExecutor):
    """Work that comes after ``shutdown`` is a StoreFault of ours, which every caller knows to answer."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        try:
            return super().submit(fn, *args, **kwargs)
        except RuntimeError:
            raise StoreFault("the log is closed", retryable=False) from None
