"""Short simulated lives in the default tests; ``make sim MINUTES=…`` runs new and longer ones."""

from __future__ import annotations

import pytest
from sim.world import run_seed

# Runs that once failed, and what they found; each has a test of its own beside the code.
FOUND = {
    40: "a branch cut while its source was merged lacked offsets",
    46: "a refusal was checked against a picture that had moved on meanwhile",
    14: "producer states older than the log's end stood beside it: a retry was stored twice",
    5: "a new producer's second batch was taken where its first one had failed",
}


@pytest.mark.parametrize("seed", range(1, 25))
def test_a_short_life_keeps_every_invariant(seed: int) -> None:
    result = run_seed(seed, short=True)
    assert result.failure is None, f"{result.failure}\n" + "\n".join(result.recent[-30:])


@pytest.mark.parametrize("seed", FOUND)
def test_what_was_found_stays_mended(seed: int) -> None:
    result = run_seed(seed)
    assert result.failure is None, f"make sim SEED={seed}\n{result.failure}"
