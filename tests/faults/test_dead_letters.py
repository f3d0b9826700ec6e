"""A preparation is killed at each step between its filtered branches and its session: letters once, none of a stranger."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.recovery.conftest import play
from tests.recovery.letters_killed import STEPS
from tests.recovery.test_dead_letters import settle_story

pytestmark = pytest.mark.faults
__all__ = ["play"]


@pytest.mark.parametrize("kind", ["file", "topic"])
@pytest.mark.parametrize("step", STEPS)
def test_I4_a_preparation_is_killed_at_each_step(
    play: Any, tmp_path: Path, kind: str, step: str
) -> None:
    settle_story(play, tmp_path, kind, step)
