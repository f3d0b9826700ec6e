from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from .scene import Scene, scene


@pytest.fixture
def play(tmp_path: Path) -> Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], None]:
    """Run a coroutine function on a fresh scene."""

    def run(story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
        async def main() -> None:
            async with scene(tmp_path / "data") as stage:
                await story(stage)

        asyncio.run(main())

    return run
