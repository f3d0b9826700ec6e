"""Short simulated lives in the default tests; ``make sim MINUTES=…`` runs new and longer ones."""

from __future__ import annotations

import pytest
from sim.world import run_seed

# Full lives of the kinds that found something: what they found has a test of its own beside the code.
LONG = (5, 8, 13, 23)


@pytest.mark.parametrize("seed", range(1, 25))
def test_a_short_life_keeps_every_invariant(seed: int) -> None:
    result = run_seed(seed, short=True)
    assert result.failure is None, f"{result.failure}\n" + "\n".join(result.recent[-30:])


@pytest.mark.parametrize("seed", LONG)
def test_a_long_life_keeps_every_invariant(seed: int) -> None:
    result = run_seed(seed)
    assert result.failure is None, f"make sim SEED={seed}\n{result.failure}"
